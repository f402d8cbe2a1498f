# limit: 400
# on_poweroff, on_reboot and on_crash: what becomes of a guest that ends by itself, or of its process that does not.
. tests/lib.sh

ok "a guest with on_reboot destroy, on_poweroff and on_crash restart, is defined" guest acts cloud \
	actions="<on_poweroff>restart</on_poweroff><on_reboot>destroy</on_reboot><on_crash>restart</on_crash>"
ok "it starts" vmdeck start acts
ok "it comes to its shell" at_shell acts
n=$(prompts acts)
type_in acts 'poweroff -f'
ok "on_poweroff restart: a power off starts it again" at_shell acts "$n"
ok "it is running" state_is acts running
kill -9 "$(machine_pid acts)"
ok "a killed machine is a crash, and not restarted: on_crash is about what the guest does" wait_for 10 state_is acts crashed
ok "it is started again" vmdeck start acts
n=$(prompts acts)
ok "and comes to its shell" at_shell acts "$n"
type_in acts 'reboot -f'
ok "on_reboot destroy: a reboot ends it" wait_for 60 state_is acts "shut off"
ok "nothing is left in the runtime folder" wait_for 5 nothing_left
