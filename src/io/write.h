/* Whole files from memory. */
#ifndef FFN__WRITE_H
#define FFN__WRITE_H

#include "base/base.h"

/* FFN_IO_ERROR with the reason; then no half-written file is left. */
ffn_status ffn__write_file(const char *path, const void *bytes, size_t size, ffn_error *error);

#endif
