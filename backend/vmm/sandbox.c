#include "backend/vmm/sandbox.h"

#include <errno.h>
#include <sys/prctl.h>

int sandbox_enter(struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, errno, "cannot give up privileges");
	return 0;
}
