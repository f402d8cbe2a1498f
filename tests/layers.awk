# Who may include whom. Run over all .c and .h below src, ui and backend; prints every forbidden include.
# Usage: awk -f tests/layers.awk FILE...    Exit status 1 when anything is printed.

BEGIN {
	allow["src/base"] = "src/base"
	allow["src/model"] = "src/base src/model"
	allow["src/proto"] = "src/base src/proto"
	allow["src/cmd"] = "src/base src/model src/cmd src/backend.h src/proto/keycode.h src/proto/net.h"
	allow["ui/cli"] = "src/base src/model src/cmd src/backend.h ui/cli ui/tui ui/vt"
	allow["ui/tui"] = "src/base src/model src/cmd src/backend.h ui/tui ui/vt ui/cli src/proto/screen.h src/proto/keycode.h"
	allow["ui/vt"] = "src/base ui/vt"
	allow["backend/block"] = "src/base backend/block"
	allow["backend/local"] = "src/base src/model src/proto backend/block backend/local src/backend.h"
	allow["backend/fake"] = "src/base src/model backend/fake src/backend.h src/proto/screen.h src/proto/keycode.h"
	allow["backend/vmm"] = "src/base src/model src/proto backend/block backend/vmm"
	allow["backend/screen"] = "src/base src/proto backend/screen"
	allow["backend/net"] = "src/base src/proto backend/net"

	outside["ncurses"] = "ui/tui/term.c"
	outside["curses.h"] = "ui/tui/term.c"
	outside["libxml/"] = "src/model/"
	outside["jansson.h"] = "src/base/json.h"
	outside["liburing.h"] = "backend/block/"
	outside["seccomp.h"] = "src/base/sandbox backend/vmm/sandbox backend/screen/sandbox backend/net/sandbox"
	outside["rfb/"] = "backend/screen/vnc"
	outside["gnutls/"] = "backend/screen/tls.c"
	outside["slirp/"] = "backend/net/slirp.c"
	outside["systemd/"] = "backend/local/"
	outside["netlink/"] = "backend/local/"
	outside["archive"] = "backend/local/location.c"
	outside["microhttpd.h"] = "src/cmd/webfiles.c"
	outside["linux/kvm.h"] = "backend/vmm/"
	outside["xkbcommon/"] = "src/model/keymap.c"
}

function folder(path,    p, n) {
	n = split(path, p, "/")
	return n < 2 ? path : p[1] "/" p[2]
}

# Does this file begin with one of the names in @list?
function of_these(list,    p, n, i) {
	n = split(list, p, " ")
	for (i = 1; i <= n; i++)
		if (index(FILENAME, p[i]) == 1) return 1
	return 0
}

FILENAME == "src/main.c" || FILENAME == "src/backend.h" { next }

/^#include "/ {
	inc = $2; gsub(/"/, "", inc)
	from = folder(FILENAME)
	if (!(from in allow)) { printf "%s:%d: no layer for %s\n", FILENAME, FNR, from; bad = 1; next }
	n = split(allow[from], ok, " ")
	good = 0
	for (i = 1; i <= n; i++)
		if (folder(inc) == ok[i] || inc == ok[i]) good = 1
	if (!good) { printf "%s:%d: %s may not include %s\n", FILENAME, FNR, from, inc; bad = 1 }
}

/^#include </ {
	inc = $2; gsub(/[<>]/, "", inc)
	for (o in outside)
		if (index(inc, o) == 1 && !of_these(outside[o])) {
			printf "%s:%d: <%s> belongs to %s\n", FILENAME, FNR, inc, outside[o]; bad = 1
		}
}

END { exit bad }
