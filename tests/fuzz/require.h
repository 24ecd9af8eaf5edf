/* What every fuzz target asserts with. */
#ifndef FFN_FUZZ_REQUIRE_H
#define FFN_FUZZ_REQUIRE_H

#include "ffn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static inline void require(bool holds, const char *what)
{
    if (holds) return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

static inline void require_outcome(bool success, const ffn_error *error)
{
    require(success ? error->status == FFN_OK : error->status != FFN_OK && strlen(error->message) > 0,
            "an error has a sentence");
    require(strlen(error->message) < sizeof(error->message) - 1, "a sentence is not cut");
}

#endif
