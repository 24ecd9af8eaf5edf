/* Instruction sets. A source named *_kernels.c is compiled once per set, with FFN__ISA defined as the set's name, and
 * exports one const table called FFN__ISA_NAME(ffn__something). A module reaches it by
 *     static const something *const tables[] = FFN__ISA_TABLES(ffn__something);
 *     tables[ffn__isa()]
 * Everything else in such a source is static, so that no function compiled for one set is ever linked into another. */
#ifndef FFN__ISA_H
#define FFN__ISA_H

#include <stdatomic.h>

#include "ffn.h"

typedef enum ffn__isa_id { FFN__ISA_GENERIC = 0, FFN__ISA_AVX2, FFN__ISA_AVX512, FFN__ISA_COUNT } ffn__isa_id;

#define FFN__CONCAT2(a, b)  a##_##b
#define FFN__CONCAT(a, b)   FFN__CONCAT2(a, b)
#define FFN__ISA_NAME(name) FFN__CONCAT(name, FFN__ISA)

/* FFN__HAVE_X86_ISAS: this build has the sources for AVX2 and AVX-512 too. */
#ifdef FFN__HAVE_X86_ISAS
#define FFN__ISA_TABLES(name)                                                                                          \
    {                                                                                                                  \
        &name##_generic, &name##_avx2, &name##_avx512                                                                  \
    }
#define FFN__ISA_DECLARE(type, name) extern const type name##_generic, name##_avx2, name##_avx512
#else
#define FFN__ISA_TABLES(name)                                                                                          \
    {                                                                                                                  \
        &name##_generic, &name##_generic, &name##_generic                                                              \
    }
#define FFN__ISA_DECLARE(type, name) extern const type name##_generic
#endif

/* The set in use: the best that build, processor and operating system have, found on the first call. */
extern atomic_int ffn__isa_in_use; /* below 0: not found yet */
ffn__isa_id ffn__isa_find(void);
static inline ffn__isa_id ffn__isa(void)
{
    const int isa = atomic_load_explicit(&ffn__isa_in_use, memory_order_relaxed);
    return isa >= 0 ? (ffn__isa_id)isa : ffn__isa_find();
}
const char *ffn__isa_name(ffn__isa_id isa); /* "generic", "avx2", "avx512" */
bool ffn__isa_available(ffn__isa_id isa);
/* For tests and benchmarks: uses `isa` from now on; false, and no change, if it is not available. Kinds made before
 * keep the tables of their time. Not while another call runs. */
bool ffn__isa_force(ffn__isa_id isa);

#endif
