/* Matrix products: which code runs them. The only file that knows OpenBLAS. */
#include "tensor/tensor.h"

#ifdef FFN__HAVE_OPENBLAS

#include <cblas.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

/* From so many multiplications on OpenBLAS is at least as fast as our own product of the same vector width (measured:
 * docs/decisions/0004-own-product-beside-openblas.md). */
static const double blas_work[FFN__ISA_COUNT] = {
    [FFN__ISA_GENERIC] = 32.0 * 32 * 32,
    [FFN__ISA_AVX2] = 256.0 * 256 * 256,
    [FFN__ISA_AVX512] = 512.0 * 512 * 512,
};

/* The instruction set of the kernels that OpenBLAS has chosen, by its name for them; those not listed are at most as
 * wide as our generic set. On a processor younger than itself OpenBLAS falls back to narrow ones, which our own product
 * beats by a factor of up to five. */
static const struct {
    const char *core;
    ffn__isa_id isa;
} blas_cores[] = {
    {"SkylakeX", FFN__ISA_AVX512}, {"Cooperlake", FFN__ISA_AVX512}, {"SapphireRapids", FFN__ISA_AVX512},
    {"Haswell", FFN__ISA_AVX2},    {"Zen", FFN__ISA_AVX2},
};

/* OpenBLAS keeps a work buffer of at most this size for each thread that is inside it, and where it gets no address
 * space for one it tries again for ever. */
static const size_t buffer_size = (size_t)128 << 20;

static pthread_mutex_t preparing = PTHREAD_MUTEX_INITIALIZER;
static atomic_int prepared; /* 0: not yet; else 1 + the instruction set of OpenBLAS' kernels */

/* An OpenBLAS made with OpenMP takes its number of threads from there. Other programs need not have these functions. */
#ifdef __ELF__
extern int omp_get_max_threads(void) __attribute__((weak));
extern void omp_set_num_threads(int threads) __attribute__((weak));
static bool uses_openmp(void)
{
    return openblas_get_parallel() == OPENBLAS_OPENMP && omp_get_max_threads && omp_set_num_threads;
}
#else
static int omp_get_max_threads(void) { return 1; }
static void omp_set_num_threads(int threads) { (void)threads; }
static bool uses_openmp(void) { return false; }
#endif

static bool fits(bool transpose, size_t rows, size_t cols, size_t ld)
{
    return rows <= INT_MAX && cols <= INT_MAX && ld <= INT_MAX && ld >= (transpose ? rows : cols);
}

/* As ffn__gemm, for what OpenBLAS may be given. OpenMP's number is the calling thread's own, so it is put back. */
static void multiply_by_blas(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, float alpha,
                             const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
    const bool openmp = uses_openmp();
    const int threads = openmp ? omp_get_max_threads() : 1;
    if (threads != 1) omp_set_num_threads(1);
    cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans,
                (blasint)m, (blasint)n, (blasint)k, alpha, a, (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
    if (threads != 1) omp_set_num_threads(threads);
}

static bool belongs_to_blas(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, size_t lda, size_t ldb,
                            size_t ldc)
{
    const ffn__isa_id isa = ffn__isa();
    return (double)m * (double)n * (double)k >= blas_work[isa] &&
           atomic_load_explicit(&prepared, memory_order_relaxed) > (int)isa && fits(transpose_a, m, k, lda) &&
           fits(transpose_b, k, n, ldb) && fits(false, m, n, ldc);
}

/* Builds for one processor spell its name in capitals. */
static bool same_name(const char *a, const char *b)
{
    while (*a && (*a | 0x20) == (*b | 0x20)) a++, b++;
    return *a == *b;
}

static ffn__isa_id find_blas_isa(void)
{
    const char *const core = openblas_get_corename();
    for (size_t i = 0; i < sizeof(blas_cores) / sizeof(blas_cores)[0]; i++)
        if (same_name(core, blas_cores[i].core)) return blas_cores[i].isa;
    return FFN__ISA_GENERIC;
}

/* A product of the smallest size that makes OpenBLAS get its buffer. */
static ffn_status warm_up(ffn_error *error)
{
    enum { SIZE = 128 };
    float *const work = ffn__alloc((size_t)2 * SIZE * SIZE, sizeof(float), error);
    if (!work) return FFN_OUT_OF_MEMORY;
    if (!uses_openmp()) openblas_set_num_threads(1); /* with OpenMP that would be the application's own number */
    multiply_by_blas(false, false, SIZE, SIZE, SIZE, 1, work, SIZE, work, SIZE, 0, work + SIZE * SIZE, SIZE);
    ffn__free(work);
    return FFN_OK;
}

static ffn_status prepare(ffn_error *error)
{
    size_t size;
    if (!ffn__multiply(buffer_size, ffn__thread_count(), &size)) size = SIZE_MAX;
    /* Without reserve: the buffers are taken one by one, so that all together may be more than the machine's memory. */
    void *const trial = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (trial == MAP_FAILED)
        return ffn_fail(error, FFN_OUT_OF_MEMORY,
                        "out of memory: OpenBLAS needs up to %zu MiB of address space for %zu threads", size >> 20,
                        ffn__thread_count());
    (void)munmap(trial, size);
    return warm_up(error);
}

ffn_status ffn__blas_prepare(ffn_error *error)
{
    if (atomic_load_explicit(&prepared, memory_order_acquire)) return FFN_OK;
    (void)pthread_mutex_lock(&preparing);
    ffn_status status = FFN_OK;
    if (!atomic_load_explicit(&prepared, memory_order_relaxed)) {
        status = prepare(error);
        if (status == FFN_OK) atomic_store_explicit(&prepared, 1 + (int)find_blas_isa(), memory_order_release);
    }
    (void)pthread_mutex_unlock(&preparing);
    return status;
}

static char blas_name[32];
static pthread_once_t blas_named = PTHREAD_ONCE_INIT;

/* The library linked, not the one compiled with: the first two words of "OpenBLAS 0.3.21 NO_LAPACKE ...". */
static void find_blas_name(void)
{
    const char *const config = openblas_get_config();
    const char *const space = strchr(config, ' ');
    size_t length = space ? (size_t)(space - config) + 1 + strcspn(space + 1, " ") : strlen(config);
    if (length > sizeof(blas_name) - 1) length = sizeof(blas_name) - 1;
    memcpy(blas_name, config, length);
}

const char *ffn__blas_name(void)
{
    (void)pthread_once(&blas_named, find_blas_name);
    return blas_name;
}

bool ffn__has_blas(void) { return true; }

#else /* no BLAS: every product is our own */

ffn_status ffn__blas_prepare(ffn_error *error)
{
    (void)error;
    return FFN_OK;
}

const char *ffn__blas_name(void) { return "none"; }
bool ffn__has_blas(void) { return false; }

#endif

void ffn__gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, float alpha, const float *a,
               size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
#ifdef FFN__HAVE_OPENBLAS
    if (alpha != 0 && belongs_to_blas(transpose_a, transpose_b, m, n, k, lda, ldb, ldc)) {
        multiply_by_blas(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
        return;
    }
#endif
    ffn__tensor()->product(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
