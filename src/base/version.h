/* The one place that names the release. */
#ifndef SRC_BASE_VERSION_H
#define SRC_BASE_VERSION_H

#define VMDECK_VERSION "0.1.0"

#endif
