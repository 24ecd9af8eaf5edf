/* Matrix products, our own on every instruction set and those that BLAS may do, against plain sums in long double. */
#include "edge.h"
#include "tensor/tensor.h"
#include "test.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef void product(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, float alpha, const float *a,
                     size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc);

/* c [m][n] = alpha op(a) [m][k] op(b) [k][n] + beta c; extra: what each ld has beyond the row. */
typedef struct problem {
    bool transpose_a, transpose_b;
    size_t m, n, k, extra;
    float alpha, beta;
} problem;

typedef struct matrices {
    edge a, b, c, before;
    size_t lda, ldb, ldc;
} matrices;

static size_t length(size_t rows, size_t cols, size_t ld) { return rows && cols ? (rows - 1) * ld + cols : 0; }

static void fill(ffn_random *random, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] = 2 * ffn_random_uniform(random) - 1;
}

static matrices create(const problem *p)
{
    const size_t a_rows = p->transpose_a ? p->k : p->m, a_cols = p->transpose_a ? p->m : p->k;
    const size_t b_rows = p->transpose_b ? p->n : p->k, b_cols = p->transpose_b ? p->k : p->n;
    matrices x = {.lda = a_cols + p->extra, .ldb = b_cols + p->extra, .ldc = p->n + p->extra};
    const size_t c_length = length(p->m, p->n, x.ldc);
    x.a = edge_create(length(a_rows, a_cols, x.lda));
    x.b = edge_create(length(b_rows, b_cols, x.ldb));
    x.c = edge_create(c_length);
    x.before = edge_create(c_length);
    ffn_random random = ffn_random_create(p->m * 1000003 + p->n * 1009 + p->k, p->transpose_a, p->transpose_b);
    fill(&random, x.a.data, length(a_rows, a_cols, x.lda));
    fill(&random, x.b.data, length(b_rows, b_cols, x.ldb));
    fill(&random, x.c.data, c_length);
    memcpy(x.before.data, x.c.data, c_length * sizeof(float));
    return x;
}

static void destroy(matrices *x)
{
    edge_destroy(&x->a);
    edge_destroy(&x->b);
    edge_destroy(&x->c);
    edge_destroy(&x->before);
}

static void run(product *multiply, const problem *p, matrices *x)
{
    multiply(p->transpose_a, p->transpose_b, p->m, p->n, p->k, p->alpha, x->a.data, x->lda, x->b.data, x->ldb, p->beta,
             x->c.data, x->ldc);
}

/* How many elements of c are off by more than rounding, or changed without being c's. */
static size_t wrong_elements(const problem *p, const matrices *x)
{
    size_t wrong = 0;
    for (size_t i = 0; i < p->m; i++) {
        for (size_t j = 0; j < p->n; j++) {
            long double sum = 0, size = 0;
            for (size_t q = 0; q < p->k && p->alpha != 0; q++) {
                const long double a = x->a.data[p->transpose_a ? q * x->lda + i : i * x->lda + q];
                const long double b = x->b.data[p->transpose_b ? j * x->ldb + q : q * x->ldb + j];
                sum += a * b;
                size += fabsl(a * b);
            }
            const long double old = p->beta != 0 ? p->beta * (long double)x->before.data[i * x->ldc + j] : 0;
            const long double bound = ((long double)p->k + 3) * FLT_EPSILON * (fabsl(p->alpha) * size + fabsl(old));
            const long double error = x->c.data[i * x->ldc + j] - (p->alpha * sum + old);
            wrong += !(fabsl(error) <= bound);
        }
        for (size_t j = p->n; j > 0 && i + 1 < p->m && j < x->ldc; j++)
            wrong += x->c.data[i * x->ldc + j] != x->before.data[i * x->ldc + j];
    }
    return wrong;
}

static void expect_right(product *multiply, const problem *p)
{
    matrices x = create(p);
    run(multiply, p, &x);
    const size_t wrong = wrong_elements(p, &x);
    CU_ASSERT_EQUAL(wrong, 0);
    if (wrong)
        printf("\n    %s: %zu wrong for %d %d, %zu %zu %zu, %g %g\n", ffn__isa_name(ffn__isa()), wrong, p->transpose_a,
               p->transpose_b, p->m, p->n, p->k, (double)p->alpha, (double)p->beta);
    destroy(&x);
}

/* ---- every instruction set --------------------------------------------------------------------------------------- */

/* Calls `body` once for each set, with our own product of the set, and with ffn__gemm, which may take BLAS. */
static void on_every_set(void (*body)(product *multiply))
{
    const ffn__isa_id found = ffn__isa();
    for (int isa = 0; isa < FFN__ISA_COUNT; isa++) {
        if (!ffn__isa_force((ffn__isa_id)isa)) continue;
        body(ffn__tensor()->product);
        body(ffn__gemm);
    }
    ffn__isa_force(found);
}

static void all_transposes(product *multiply, problem p)
{
    for (int t = 0; t < 4; t++) {
        p.transpose_a = t & 1;
        p.transpose_b = t >> 1;
        expect_right(multiply, &p);
    }
}

static void small_sizes(product *multiply)
{
    static const size_t sizes[] = {0, 1, 2, 5, 8, 17, 33};
    const size_t count = sizeof(sizes) / sizeof(sizes)[0];
    for (size_t m = 0; m < count; m++)
        for (size_t n = 0; n < count; n++)
            for (size_t k = 0; k < count; k++)
                all_transposes(multiply, (problem){.m = sizes[m],
                                                   .n = sizes[n],
                                                   .k = sizes[k],
                                                   .alpha = 1,
                                                   .extra = (m + n + k) % 3,
                                                   .beta = (float)(k % 2)});
}

static void odd_sizes(product *multiply)
{
    static const size_t sizes[][3] = {{7, 31, 191},  {6, 32, 192},   {9, 33, 193},  {1, 100, 400}, {100, 1, 400},
                                      {67, 65, 1},   {13, 129, 385}, {64, 64, 64},  {65, 47, 66},  {3, 200, 131},
                                      {128, 10, 64}, {70, 70, 200},  {150, 97, 40}, {4, 31, 65},   {5, 31, 65}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes)[0]; i++)
        all_transposes(multiply, (problem){.m = sizes[i][0],
                                           .n = sizes[i][1],
                                           .k = sizes[i][2],
                                           .alpha = (float)0.75,
                                           .beta = (float)-0.5,
                                           .extra = i % 4});
}

static void factors(product *multiply)
{
    static const float alphas[] = {0, 1, -1, (float)0.3}, betas[] = {0, 1, -1, (float)2.5};
    static const size_t sizes[][3] = {{5, 7, 9}, {37, 50, 41}, {2, 20, 70}};
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++)
            for (size_t s = 0; s < 3; s++)
                all_transposes(multiply, (problem){.m = sizes[s][0],
                                                   .n = sizes[s][1],
                                                   .k = sizes[s][2],
                                                   .alpha = alphas[i],
                                                   .beta = betas[j],
                                                   .extra = j});
}

/* Large enough for BLAS on every set that it serves. */
static void large_size(product *multiply)
{
    all_transposes(multiply, (problem){.m = 259, .n = 257, .k = 263, .alpha = 1, .beta = 0, .extra = 1});
}

static void test_small_sizes(void) { on_every_set(small_sizes); }
static void test_odd_sizes(void) { on_every_set(odd_sizes); }
static void test_factors(void) { on_every_set(factors); }
static void test_large(void) { on_every_set(large_size); }

/* ---- what is not a number ---------------------------------------------------------------------------------------- */

static size_t count_nan(const float *x, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += x[i] != x[i];
    return count;
}

/* Small and large enough for BLAS with the generic set; one that takes the way of few rows. */
static const size_t nan_sizes[][3] = {{5, 9, 7}, {40, 41, 42}, {3, 35, 80}, {300, 300, 300}};
enum { NAN_SIZES = sizeof(nan_sizes) / sizeof(nan_sizes)[0] };

static problem nan_problem(int index)
{
    const size_t *const size = nan_sizes[index / 4];
    return (problem){
        .m = size[0], .n = size[1], .k = size[2], .alpha = 1, .transpose_a = index & 1, .transpose_b = index >> 1 & 1};
}

static void nan_not_read(product *multiply)
{
    for (int i = 0; i < 4 * NAN_SIZES; i++) {
        problem p = nan_problem(i);
        matrices x = create(&p);
        for (size_t j = 0; j < p.m * p.n; j++) x.c.data[j] = (float)(j % 2 ? NAN : INFINITY);
        run(multiply, &p, &x);
        size_t infinite = 0;
        for (size_t j = 0; j < p.m * p.n; j++) infinite += isfinite(x.c.data[j]) ? 0 : 1;
        CU_ASSERT_EQUAL(infinite, 0);
        p.alpha = 0;
        p.beta = 2;
        memcpy(x.c.data, x.before.data, p.m * p.n * sizeof(float));
        x.a.data[1] = (float)NAN;
        x.b.data[2] = (float)INFINITY;
        run(multiply, &p, &x);
        CU_ASSERT_EQUAL(wrong_elements(&p, &x), 0);
        p.alpha = 1;
        p.beta = 0;
        p.k = 0;
        x.c.data[0] = (float)NAN;
        run(multiply, &p, &x);
        CU_ASSERT_EQUAL(wrong_elements(&p, &x), 0);
        destroy(&x);
    }
}

static void nan_spreads(product *multiply)
{
    for (int i = 0; i < 4 * NAN_SIZES; i++) {
        const problem p = nan_problem(i);
        matrices x = create(&p);
        const size_t row = p.m - 1, col = p.n / 2, q = p.k / 3;
        float *const a = &x.a.data[p.transpose_a ? q * x.lda + row : row * x.lda + q];
        float *const b = &x.b.data[p.transpose_b ? col * x.ldb + q : q * x.ldb + col];
        const float b_old = *b;
        *a = (float)NAN;
        run(multiply, &p, &x);
        CU_ASSERT_EQUAL(count_nan(x.c.data, p.m * p.n), p.n);
        CU_ASSERT_EQUAL(count_nan(x.c.data + row * x.ldc, p.n), p.n);
        *a = (float)INFINITY;
        *b = 0; /* infinity times 0 */
        run(multiply, &p, &x);
        CU_ASSERT_EQUAL(count_nan(x.c.data, p.m * p.n), 1);
        CU_ASSERT(isnan(x.c.data[row * x.ldc + col]));
        *a = 1;
        *b = (float)NAN;
        run(multiply, &p, &x);
        CU_ASSERT_EQUAL(count_nan(x.c.data, p.m * p.n), p.m);
        *b = b_old;
        destroy(&x);
    }
}

static void nan_factors(product *multiply)
{
    for (int i = 0; i < 4 * NAN_SIZES; i++) {
        problem p = nan_problem(i);
        matrices x = create(&p);
        p.alpha = (float)NAN;
        run(multiply, &p, &x);
        CU_ASSERT_EQUAL(count_nan(x.c.data, p.m * p.n), p.m * p.n);
        memcpy(x.c.data, x.before.data, p.m * p.n * sizeof(float));
        p.alpha = 1;
        p.beta = (float)NAN;
        run(multiply, &p, &x);
        CU_ASSERT_EQUAL(count_nan(x.c.data, p.m * p.n), p.m * p.n);
        destroy(&x);
    }
}

static void test_nan_not_read(void) { on_every_set(nan_not_read); }
static void test_nan_spreads(void) { on_every_set(nan_spreads); }
static void test_nan_factors(void) { on_every_set(nan_factors); }

/* ---- determinism ------------------------------------------------------------------------------------------------- */

static void same_bits(product *multiply)
{
    for (int i = 0; i < 4 * NAN_SIZES; i++) {
        const problem p = nan_problem(i);
        matrices x = create(&p);
        const size_t bytes = p.m * p.n * sizeof(float), a_length = p.m * p.k;
        run(multiply, &p, &x);
        memcpy(x.before.data, x.c.data, bytes);
        float *const a = ffn__alloc(a_length + 1, sizeof(float), NULL);
        memcpy(a + 1, x.a.data, a_length * sizeof(float));
        multiply(p.transpose_a, p.transpose_b, p.m, p.n, p.k, 1, a + 1, x.lda, x.b.data, x.ldb, 0, x.c.data, x.ldc);
        CU_ASSERT_EQUAL(memcmp(x.before.data, x.c.data, bytes), 0);
        ffn__free(a);
        destroy(&x);
    }
}

static void test_same_bits(void) { on_every_set(same_bits); }

/* Strides that OpenBLAS would refuse with a message: all rows of a are the same one. */
static void test_strange_strides(void)
{
    const ffn__isa_id found = ffn__isa();
    ffn__isa_force(FFN__ISA_GENERIC);
    enum { SIZE = 64 };
    static float a[SIZE], b[SIZE * SIZE], c[SIZE * SIZE];
    for (size_t i = 0; i < SIZE; i++) a[i] = 1;
    for (size_t i = 0; i < (size_t)SIZE * SIZE; i++) b[i] = 1;
    ffn__gemm(false, false, SIZE, SIZE, SIZE, 1, a, 0, b, SIZE, 0, c, SIZE);
    size_t wrong = 0;
    for (size_t i = 0; i < (size_t)SIZE * SIZE; i++) wrong += c[i] != SIZE;
    CU_ASSERT_EQUAL(wrong, 0);
    ffn__isa_force(found);
}

static void test_prepare(void)
{
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_EQUAL(ffn__blas_prepare(&error), FFN_OK);
    CU_ASSERT_EQUAL(ffn__blas_prepare(NULL), FFN_OK);
    const char *const name = ffn__blas_name();
    CU_ASSERT(strcmp(name, "none") == 0 || strncmp(name, "OpenBLAS ", 9) == 0);
    CU_ASSERT_PTR_EQUAL(ffn__blas_name(), name);
}

static const test_case cases[] = {
    {"preparation", test_prepare},
    {"small sizes", test_small_sizes},
    {"odd sizes", test_odd_sizes},
    {"alpha and beta", test_factors},
    {"large", test_large},
    {"what is not read may be NaN", test_nan_not_read},
    {"NaN and infinity spread", test_nan_spreads},
    {"alpha or beta NaN", test_nan_factors},
    {"the same bits again", test_same_bits},
    {"strides that BLAS refuses", test_strange_strides},
};

TEST_MAIN("product", cases)
