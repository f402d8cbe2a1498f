/* Between the files of the installation: values with sub-options, taken apart. */
#ifndef SRC_CMD_INSTALL_VALUE_H
#define SRC_CMD_INSTALL_VALUE_H

#include <stdint.h>

#include "src/cmd/install.h"

struct install_pair {
	const struct cmd_sub *sub;
	char *value; /* SUB_BOOL: "yes" or "no" */
};

/* "10,bus=virtio" taken apart, in its order. */
struct install_value {
	struct install_pair *pairs;
	size_t n;
};

/* The row of an option by its name or another name of it; NULL. */
const struct cmd_arg *install_option(const char *name);
/* Take @text apart and check every part. -EINVAL naming the option, the part and what is allowed. @v is to be
 * freed in any case. */
int install_split(const struct cmd_arg *option, const char *text, struct install_value *v, struct err *e);
void install_value_done(struct install_value *v);
#define AUTO_VALUE __attribute__((cleanup(install_value_done)))

/* The last value of a part, or NULL. */
const char *value_get(const struct install_value *v, const char *name);
bool value_on(const struct install_value *v, const char *name, bool otherwise);
/* A number that install_split() has checked. */
uint64_t value_number(const struct install_value *v, const char *name, uint64_t otherwise);

/* "host:8080-8090:80/udp" of portForward. */
struct install_forward {
	char address[64]; /* "" = 127.0.0.1 */
	unsigned start, end, to;
	bool udp;
};
int install_forward(const char *text, struct install_forward *f, struct err *e);
/* GiB as a person writes them ("0.5", "20G", "512M") in bytes, whole 4 KiB. */
int install_size(const char *text, uint64_t *bytes, struct err *e);

#endif
