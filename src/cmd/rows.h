/* The rows of cmds[], and helpers that several verbs share. Only src/cmd includes this. */
#ifndef SRC_CMD_ROWS_H
#define SRC_CMD_ROWS_H

#include "src/cmd/cmd.h"

extern const struct cmd cmd_domain_blkerror, cmd_domain_blkinfo, cmd_domain_blklist, cmd_domain_change_media;
extern const struct cmd cmd_domain_ifaddr, cmd_domain_iflist;
extern const struct cmd cmd_domain_getlink, cmd_domain_ifstat, cmd_domain_setlink;
extern const struct cmd cmd_domain_autostart, cmd_domain_autostart_all, cmd_domain_command,
    cmd_domain_console, cmd_domain_create, cmd_domain_define, cmd_domain_destroy, cmd_domain_display,
    cmd_domain_dumpxml, cmd_domain_edit, cmd_domain_id, cmd_domain_info, cmd_domain_list, cmd_domain_name,
    cmd_domain_novnc, cmd_domain_reboot, cmd_domain_release, cmd_domain_reset, cmd_domain_resume,
    cmd_domain_screenshot, cmd_domain_send_key, cmd_domain_shutdown, cmd_domain_start, cmd_domain_state,
    cmd_domain_stats, cmd_domain_suspend, cmd_domain_ttyconsole, cmd_domain_type, cmd_domain_undefine,
    cmd_domain_uuid, cmd_domain_vnc_kick, cmd_domain_vnc_passwd, cmd_domain_vncdisplay, cmd_domain_install,
    cmd_help, cmd_host_info, cmd_host_validate, cmd_host_version;

/* The common row of a verb's arguments: an option without value, one with, a word that is no option. */
#define CMD_FLAG(option, text)                                                                               \
	{                                                                                                    \
		.name = (option), .kind = ARG_FLAG, .summary = (text)                                        \
	}
#define CMD_VALUE(option, type, text)                                                                        \
	{                                                                                                    \
		.name = (option), .kind = (type), .summary = (text)                                          \
	}
#define CMD_WORD(option, type, must, text)                                                                   \
	{                                                                                                    \
		.name = (option), .kind = (type), .position = true, .required = (must), .summary = (text)    \
	}

/* What define and start had to say, a line each, on c->msg. */
void cmd_notes(const struct cmd_ctx *c, const char *notes);
/* "Failed to VERB domain 'NAME': " before @e; return -e->code. */
int cmd_failed(const struct cmd_ctx *c, struct err *e, const char *verb);

/* Where the screen of c->domain, which was just started, is; nothing when it has none. */
void cmd_screen_tell(const struct cmd_ctx *c);
/* How it is reached from this host; nothing when no port leads to it. */
void cmd_net_tell(const struct cmd_ctx *c);

/* A domain as --json shows it: the keys are in vmdeck(1), "JSON". */
json_t *cmd_domain_json(const struct domain_info *d);

/* Talk to the console on socket @fd (taken) of c->domain until the escape character, the end of input, or of
 * the guest. */
int console_talk(struct cmd_ctx *c, int fd, struct err *e);

#endif
