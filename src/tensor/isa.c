/* Which instruction set is in use. */
#include "tensor/isa.h"

atomic_int ffn__isa_in_use = -1;

#ifdef FFN__HAVE_X86_ISAS
/* The compiler's check includes the operating system's part: that it saves the wide registers. */
static bool has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
#else
static bool has_avx2(void) { return false; }
static bool has_avx512(void) { return false; }
#endif

static bool has_generic(void) { return true; }

static const struct {
    const char *name;
    bool (*available)(void);
} sets[FFN__ISA_COUNT] = {
    [FFN__ISA_GENERIC] = {"generic", has_generic},
    [FFN__ISA_AVX2] = {"avx2", has_avx2},
    [FFN__ISA_AVX512] = {"avx512", has_avx512},
};

bool ffn__isa_available(ffn__isa_id isa) { return (unsigned)isa < FFN__ISA_COUNT && sets[isa].available(); }

const char *ffn__isa_name(ffn__isa_id isa) { return (unsigned)isa < FFN__ISA_COUNT ? sets[isa].name : "unknown"; }

ffn__isa_id ffn__isa_find(void)
{
    int isa;
    for (isa = FFN__ISA_COUNT - 1; !sets[isa].available(); isa--) continue;
    atomic_store_explicit(&ffn__isa_in_use, isa, memory_order_relaxed);
    return (ffn__isa_id)isa;
}

bool ffn__isa_force(ffn__isa_id isa)
{
    if (!ffn__isa_available(isa)) return false;
    atomic_store_explicit(&ffn__isa_in_use, (int)isa, memory_order_relaxed);
    return true;
}
