/* The format "raw". */
#ifndef BACKEND_BLOCK_RAW_H
#define BACKEND_BLOCK_RAW_H

#include "backend/block/block.h"

extern const struct blk_format blk_raw;

#endif
