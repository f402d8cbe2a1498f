# vmdeck. `make help` lists the targets.
#
# Sources are found by folder; a program is a list of folders and its main. Everything but the mains goes into one
# archive, from which each program takes what it uses; `make check` asks layers.awk who may include whom.

KIND    ?= release
O       ?= build/$(KIND)
prefix  ?= /usr/local
CC      ?= gcc

# Packages of Debian 12 and Ubuntu: what the build needs, what a user's machine wants, what the tests need.
DEPS_BUILD := gcc libc6-dev make pkg-config libncurses-dev libxml2-dev libvncserver-dev check libuv1-dev \
	libjansson-dev liburing-dev libseccomp-dev libsystemd-dev libpng-dev libgnutls28-dev zlib1g-dev \
	libmicrohttpd-dev libnl-route-3-dev libarchive-dev libslirp-dev libxkbcommon-dev
DEPS_RUN   := seabios ovmf ipxe-qemu osinfo-db xkb-data busybox-static cpio xz-utils zstd ca-certificates
DEPS_CHECK := qemu-system-x86 kmod tmux acpica-tools libvirt0 libxml2-utils mandoc libvterm-dev socat lz4 \
	vncsnapshot gvncviewer netpbm openssl novnc chromium xorriso dmsetup \
	grub-common grub-pc-bin grub-efi-amd64-bin mtools dosfstools memtest86+ ipxe mmdebstrap uidmap fakeroot fakechroot \
	e2fsprogs fdisk

PKGS    := ncursesw libxml-2.0 libuv jansson liburing libseccomp libpng libvncserver gnutls zlib libnl-route-3.0 libarchive xkbcommon
WARN    := -Wall -Wextra -Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla \
	-Wimplicit-fallthrough -Wformat=2 -Wwrite-strings -Wno-unused-parameter -Wno-format-truncation
OPT_release := -O2 -D_FORTIFY_SOURCE=2
OPT_debug   := -O0
OPT_tsan    := -O1 -fsanitize=thread -fno-omit-frame-pointer -Wno-tsan # fences are towards guests
OPT_asan    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
HARDEN  := -fstack-protector-strong -fPIE
LD_tsan := -fsanitize=thread
LD_asan := -fsanitize=address,undefined
CFLAGS  ?= -g
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE -I. $(WARN) $(OPT_$(KIND)) $(HARDEN) $(CFLAGS)
ALL_LDFLAGS := -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LD_$(KIND)) $(LDFLAGS)

# Debian's libxml2 and friends are only asked for when something is built.
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
LIBS_vmdeck     = $(shell pkg-config --libs libxml-2.0 libuv jansson ncursesw zlib libnl-route-3.0 libarchive xkbcommon) -lsystemd -lm -ldl
LIBS_vmdeck-vmm = $(shell pkg-config --libs libxml-2.0 libuv jansson liburing libseccomp libpng zlib) -lpthread
LIBS_vmdeck-screen = $(shell pkg-config --libs libvncserver gnutls zlib jansson libseccomp) -lpthread
LIBS_vmdeck-net = $(shell pkg-config --libs jansson libseccomp) -lslirp
LIBS_test       = $(shell pkg-config --libs check $(PKGS)) -lslirp -lsystemd -ldl

PROGRAMS := vmdeck vmdeck-vmm vmdeck-screen vmdeck-net
MAIN_vmdeck     := src/main.c
MAIN_vmdeck-vmm := backend/vmm/main.c
MAIN_vmdeck-screen := backend/screen/main.c
MAIN_vmdeck-net := backend/net/main.c

LIB_SRC  := $(filter-out $(foreach p,$(PROGRAMS),$(MAIN_$(p))),$(wildcard src/*.c src/*/*.c ui/*/*.c backend/*/*.c backend/*/*/*.c))
LIB_ASM  := $(wildcard backend/*/*/*.S)
LIB_OBJ  := $(LIB_SRC:%.c=$(O)/obj/%.o) $(LIB_ASM:%.S=$(O)/obj/%.o)
MAIN_OBJ := $(foreach p,$(PROGRAMS),$(MAIN_$(p):%.c=$(O)/obj/%.o))
TESTS    := $(patsubst tests/%.c,%,$(wildcard tests/test_*.c))
TEST_BIN := $(TESTS:%=$(O)/tests/%)
TEST_LIB_OBJ := $(patsubst %.c,$(O)/obj/%.o,$(filter-out tests/test_%,$(wildcard tests/*.c)))
REPLAY_BIN := $(patsubst tests/fuzz/fuzz_%.c,$(O)/tests/replay_%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(O)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' '$(1)' '$(2)';)

.PHONY: all help deps deps-build deps-check run check check-native check-box check-long asan tsan lint bench fuzz install \
	uninstall clean
.DEFAULT_GOAL := all
.SECONDARY:

all: $(PROGRAMS:%=$(O)/%) ## build everything into build/release
	$(Q):

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo "  V=1 shows commands; KIND=asan|debug builds into build/KIND; prefix=$(prefix), DESTDIR for install"

$(O)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(PKG_CFLAGS) -MMD -MP -c $< -o $@

$(O)/obj/%.o: %.S Makefile
	@mkdir -p $(@D)
	$(call say,AS,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(O)/libvmdeck.a: $(LIB_OBJ)
	$(call say,AR,$@)rm -f $@ && ar crs $@ $^

define program
$(O)/$(1): $(MAIN_$(1):%.c=$(O)/obj/%.o) $(O)/libvmdeck.a
	$$(call say,LD,$$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $$^ $$(LIBS_$(1)) -o $$@
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

$(O)/tests/%: $(O)/obj/tests/%.o $(TEST_LIB_OBJ) $(O)/libvmdeck.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $^ $(LIBS_test) $(LIBS_$*) -o $@

# Guests of a few bytes for the tests of the machine: kernels, and a disk that boots.
DISK_SRC := tests/guests/mbr.S tests/guests/installer.S
KERNELS_SRC := tests/guests/kernels.S
KERNEL_KINDS := mb1 mb2 flat bare pvh32 linux32 setup old
GUEST_BIN := $(patsubst tests/guests/%.S,$(O)/guests/%.elf,$(filter-out $(DISK_SRC) $(KERNELS_SRC),$(wildcard tests/guests/*.S))) \
	$(DISK_SRC:tests/guests/%.S=$(O)/guests/%.img) $(KERNEL_KINDS:%=$(O)/guests/kernel_%)
GUEST_LDFLAGS := -nostdlib -static -no-pie -Wl,-N,-e,start,-Ttext=0x100000,--section-start=.note.pvh=0x100f00 \
	-Wl,--build-id=none,--no-warn-rwx-segments

$(O)/guests/%.img: tests/guests/%.S Makefile
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) -m32 -nostdlib -static -no-pie -Wl,-Ttext=0x7c00,-e,start,--oformat=binary,--build-id=none $< -o $@
	$(Q)truncate -s 1M $@

# A kernel of each kind: those that are no ELF lie where they are linked to, setup code at 0.
KERNEL_LDFLAGS := -Wl,-N,-e,start,-Ttext=0x200000,--section-start=.note.pvh=0x1ff000
$(O)/guests/kernel_flat: KERNEL_LDFLAGS += -Wl,--oformat=binary
$(addprefix $(O)/guests/kernel_,linux32 setup old): KERNEL_LDFLAGS := -Wl,-Ttext=0,-e,0,--oformat=binary
$(O)/guests/kernel_%: $(KERNELS_SRC) Makefile
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) -m32 -DKIND=$* -nostdlib -static -no-pie $(KERNEL_LDFLAGS) \
		-Wl,--build-id=none,--no-warn-rwx-segments $< -o $@

$(O)/guests/%.elf: tests/guests/%.S Makefile
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(GUEST_LDFLAGS) $< -o $@

LIBS_test_vt_oracle = -lvterm
LIBS_rfbview = $(shell pkg-config --libs libvncclient)
# The block layer on a host that fails (tests/blkfault.h).
BLKFAULT_WRAP = -Wl,--wrap=ioq_put,--wrap=ioq_reap
LIBS_test_ide = $(BLKFAULT_WRAP)
LIBS_test_virtio_blk = $(BLKFAULT_WRAP)
LIBS_replay_block = $(BLKFAULT_WRAP)
LIBS_test_block_faults = $(BLKFAULT_WRAP) -Wl,--wrap=eventfd_write,--wrap=io_uring_submit
LIBS_test_pflash = -Wl,--wrap=pwrite,--wrap=fdatasync
LIBS_test_log = -Wl,--wrap=clock_gettime
LIBS_test_uart16550 = -Wl,--wrap=chardev_set_device,--wrap=chardev_write,--wrap=chardev_rx_ready,--wrap=chardev_gather,--wrap=kvm_gather_port
LIBS_test_chardev = -Wl,--wrap=uv_async_send

deps: deps-build ## install what building and running needs (as root, Debian or Ubuntu)
	$(Q)tests/deps $(DEPS_RUN)

deps-build:
	$(Q)tests/deps $(DEPS_BUILD)

deps-check: deps
	$(Q)tests/deps $(DEPS_CHECK)

# A second make, so that pkg-config is asked after the packages are there.
run: deps ## install what is missing, build, and open the deck on a demo guest
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all
	$(Q)O=$(O) share/demo/run

check: deps-check ## install what is missing and run all tests, each where this host can, or else in tests/kvmbox
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all $(O)/libvmdeck.a
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) test-bin
	$(Q)O=$(O) tests/run native box

check-native: deps-check ## the tests that need no KVM that runs kernels
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all test-bin
	$(Q)O=$(O) tests/run native

check-long: deps-check ## the tests that make check has no time for
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all test-bin
	$(Q)O=$(O) tests/run long

# Small programs that scripted tests use.
TOOL_BIN := $(patsubst tests/tools/%.c,$(O)/tools/%,$(wildcard tests/tools/*.c))
$(O)/tools/%: tests/tools/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $< $(LIBS_$*) -o $@


.PHONY: test-bin
test-bin: $(TEST_BIN) $(REPLAY_BIN) $(GUEST_BIN) $(TOOL_BIN)
	$(Q):

asan: deps-check ## build with the address and undefined-behaviour sanitizers and run the native tests
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) KIND=asan all test-bin
	$(Q)O=build/asan tests/run native

# TSan wants its shadow at fixed addresses; a report is the exit status of its process (66), that of a sandboxed
# one too, which can open no log. What is no race of ours is in tests/tsan.supp.
TSAN_OPTIONS ?= suppressions=$(CURDIR)/tests/tsan.supp exitcode=66 atexit_sleep_ms=0 history_size=4
tsan: deps-check ## build with the thread sanitizer and run the native tests
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) KIND=tsan all test-bin
	$(Q)export TSAN_OPTIONS="$(TSAN_OPTIONS)" O=build/tsan PART_S=900; \
		if setarch -R true 2>/dev/null; then setarch -R tests/run native; else tests/run native; fi

lint: deps-build ## layers, cppcheck and gcc's analyzer
	$(Q)tests/lint

bench: deps-check ## speed and size against QEMU, as ratios, in the box
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all $(O)/guests/echo.elf $(O)/guests/mbr.img
	$(Q)O=$(O) tests/bench/run
	$(Q)O=$(O) tests/bench/firmware
	$(Q)O=$(O) tests/bench/deck

# The targets are plain programs with LLVMFuzzerTestOneInput: clang drives them here, `make check` replays corpora.
$(O)/fuzz/%: tests/fuzz/%.c $(LIB_SRC)
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)tests/fuzz/build $@ $<

# The same targets with the tests' compiler: run without arguments they replay tests/fuzz/corpus/NAME.
$(O)/tests/replay_%: $(O)/obj/tests/fuzz/fuzz_%.o $(O)/obj/tests/fuzz/replay.o $(O)/libvmdeck.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $^ $(LIBS_test) $(LIBS_replay_$*) -o $@

fuzz: deps-build ## fuzz each target for FUZZ_S seconds (60)
	$(Q)tests/deps clang libclang-rt-14-dev
	$(Q)$(MAKE) --no-print-directory $(FUZZ_BIN)
	$(Q)O=$(O) tests/fuzz/run

install: all ## into prefix
	install -d $(DESTDIR)$(prefix)/bin $(DESTDIR)$(prefix)/libexec/vmdeck
	install -m 755 $(O)/vmdeck $(DESTDIR)$(prefix)/bin/vmdeck
	install -m 755 $(O)/vmdeck-vmm $(DESTDIR)$(prefix)/libexec/vmdeck/vmdeck-vmm
	install -m 755 $(O)/vmdeck-screen $(DESTDIR)$(prefix)/libexec/vmdeck/vmdeck-screen
	install -m 755 $(O)/vmdeck-net $(DESTDIR)$(prefix)/libexec/vmdeck/vmdeck-net
	install -d $(DESTDIR)$(prefix)/share/man/man1 $(DESTDIR)$(prefix)/share/man/man7 \
		$(DESTDIR)$(prefix)/share/man/man8
	install -m 644 share/man/*.1 $(DESTDIR)$(prefix)/share/man/man1
	install -m 644 share/man/*.7 $(DESTDIR)$(prefix)/share/man/man7
	install -m 644 share/man/*.8 $(DESTDIR)$(prefix)/share/man/man8
	install -d $(DESTDIR)$(prefix)/share/bash-completion/completions
	install -m 644 share/completion/vmdeck $(DESTDIR)$(prefix)/share/bash-completion/completions/vmdeck
	for d in system user; do install -d $(DESTDIR)$(prefix)/lib/systemd/$$d; \
		sed 's|@prefix@|$(prefix)|' share/systemd/vmdeck-autostart.service \
		> $(DESTDIR)$(prefix)/lib/systemd/$$d/vmdeck-autostart.service; done

uninstall: ## what install put there
	rm -rf $(DESTDIR)$(prefix)/bin/vmdeck $(DESTDIR)$(prefix)/libexec/vmdeck $(DESTDIR)$(prefix)/share/man/man1/vmdeck*.1 \
		$(DESTDIR)$(prefix)/share/man/man7/vmdeck-xml.7 \
		$(DESTDIR)$(prefix)/share/man/man8/vmdeck-vmm.8 $(DESTDIR)$(prefix)/share/bash-completion/completions/vmdeck \
		$(DESTDIR)$(prefix)/lib/systemd/*/vmdeck-autostart.service

clean: ## remove build
	rm -rf build

-include $(LIB_OBJ:.o=.d) $(MAIN_OBJ:.o=.d) $(TEST_LIB_OBJ:.o=.d) $(TESTS:%=$(O)/obj/tests/%.d)
