/* Shapes, tensors, ffn_matmul, the elementwise and reduction kernels on every instruction set. */
#include "edge.h"
#include "failing.h"
#include "tensor/tensor.h"
#include "test.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

static void test_shapes(void)
{
    const ffn_shape shape = ffn_shape_4d(2, 3, 5, 7);
    CU_ASSERT_EQUAL(shape.rank, 4);
    CU_ASSERT_EQUAL(ffn_shape_size(shape), 210);
    CU_ASSERT_EQUAL(ffn_shape_size((ffn_shape){0}), 1);
    CU_ASSERT_EQUAL(ffn_shape_size(ffn_shape_2d(3, 0)), 0);
    CU_ASSERT_EQUAL(ffn_shape_size(ffn_shape_3d(SIZE_MAX, 2, 0)), 0);
    CU_ASSERT_EQUAL(ffn_shape_size(ffn_shape_2d(SIZE_MAX, 2)), 0);
    CU_ASSERT_EQUAL(ffn_shape_size(ffn_shape_1d(SIZE_MAX)), SIZE_MAX);
    CU_ASSERT_EQUAL(ffn_shape_size((ffn_shape){.rank = 5}), 0);
    CU_ASSERT_TRUE(ffn_shape_equal(shape, ffn_shape_4d(2, 3, 5, 7)));
    CU_ASSERT_FALSE(ffn_shape_equal(shape, ffn_shape_4d(2, 3, 5, 8)));
    CU_ASSERT_FALSE(ffn_shape_equal(ffn_shape_1d(6), ffn_shape_2d(6, 1)));
    CU_ASSERT_TRUE(ffn_shape_equal((ffn_shape){1, {4, 9, 9, 9}}, ffn_shape_1d(4)));
    CU_ASSERT_FALSE(ffn_shape_equal((ffn_shape){.rank = 9}, (ffn_shape){.rank = 9}));
}

static void test_shape_format(void)
{
    char text[100];
    CU_ASSERT_EQUAL(ffn__shape_format(ffn_shape_3d(1, 28, 28), text, sizeof(text)), 11);
    CU_ASSERT_STRING_EQUAL(text, "(1, 28, 28)");
    (void)ffn__shape_format((ffn_shape){0}, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "()");
    const size_t longest = ffn__shape_format(ffn_shape_4d(SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX), text, sizeof(text));
    CU_ASSERT_EQUAL(longest, strlen(text));
    memset(text, 'x', sizeof(text));
    CU_ASSERT_EQUAL(ffn__shape_format(ffn_shape_2d(10, 20), text, 5), 8);
    CU_ASSERT_STRING_EQUAL(text, "(10,");
    CU_ASSERT_EQUAL(text[5], 'x');
    CU_ASSERT_EQUAL(ffn__shape_format(ffn_shape_2d(10, 20), NULL, 0), 8);
}

static void test_shape_check(void)
{
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_EQUAL(ffn__shape_check(ffn_shape_2d(3, 1), "input", &error), FFN_OK);
    CU_ASSERT_EQUAL(ffn__shape_check((ffn_shape){0}, "input", &error), FFN_OK);
    CU_ASSERT_EQUAL(error.status, FFN_OK);
    CU_ASSERT_EQUAL(ffn__shape_check(ffn_shape_3d(4, 0, 2), "input", &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(error.message, "input: dimension 1 of (4, 0, 2) is 0, expected at least 1");
    CU_ASSERT_EQUAL(ffn__shape_check((ffn_shape){.rank = 5}, "input", &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "rank 5"));
    CU_ASSERT_EQUAL(ffn__shape_check(ffn_shape_2d(SIZE_MAX, 2), "input", &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn__shape_check(ffn_shape_1d(SIZE_MAX / 2), "input", NULL), FFN_INVALID_ARGUMENT);
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

static void test_tensors(void)
{
    ffn_tensor t;
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_EQUAL(ffn_tensor_create(&t, ffn_shape_2d(3, 5), &error), FFN_OK);
    CU_ASSERT_EQUAL((uintptr_t)t.data % 64, 0);
    for (size_t i = 0; i < 15; i++) CU_ASSERT_EQUAL(t.data[i], 0);
    ffn_tensor_destroy(&t);
    CU_ASSERT_PTR_NULL(t.data);
    CU_ASSERT_EQUAL(t.shape.rank, 0);
    ffn_tensor_destroy(&t);
    ffn_tensor_destroy(NULL);
    CU_ASSERT_EQUAL(ffn_tensor_create(NULL, ffn_shape_1d(1), &error), FFN_INVALID_ARGUMENT);
    memset(&t, 0xFF, sizeof(t));
    CU_ASSERT_EQUAL(ffn_tensor_create(&t, ffn_shape_1d(0), &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NULL(t.data);
    failing_start(1);
    CU_ASSERT_EQUAL(ffn_tensor_create(&t, ffn_shape_1d(3), &error), FFN_OUT_OF_MEMORY);
    CU_ASSERT_PTR_NULL(t.data);
    CU_ASSERT_EQUAL(failing_stop(), 0);
    float x[6];
    t = ffn_tensor_view(x, ffn_shape_2d(2, 3));
    CU_ASSERT_PTR_EQUAL(t.data, x);
    CU_ASSERT_EQUAL(ffn_shape_size(t.shape), 6);
}

static void test_matmul(void)
{
    float a[6] = {1, 2, 3, 4, 5, 6}, b[6] = {1, 0, 2, -1, 1, 3}, c[4] = {(float)NAN, 1, 1, 1};
    const ffn_tensor a23 = ffn_tensor_view(a, ffn_shape_2d(2, 3)), a32 = ffn_tensor_view(a, ffn_shape_2d(3, 2));
    const ffn_tensor b23 = ffn_tensor_view(b, ffn_shape_2d(2, 3)), b32 = ffn_tensor_view(b, ffn_shape_2d(3, 2));
    ffn_tensor c22 = ffn_tensor_view(c, ffn_shape_2d(2, 2));
    CU_ASSERT_EQUAL(ffn_matmul(&c22, &a23, false, &b32, false, 1, 0, NULL), FFN_OK);
    CU_ASSERT(c[0] == 8 && c[1] == 7 && c[2] == 20 && c[3] == 13);
    CU_ASSERT_EQUAL(ffn_matmul(&c22, &a23, false, &b23, true, 2, -1, NULL), FFN_OK);
    CU_ASSERT(c[0] == 6 && c[1] == 13 && c[2] == 12 && c[3] == 25);
    CU_ASSERT_EQUAL(ffn_matmul(&c22, &a32, true, &b32, false, 1, 0, NULL), FFN_OK);
    CU_ASSERT(c[0] == 12 && c[1] == 12 && c[2] == 16 && c[3] == 14);
    CU_ASSERT_EQUAL(ffn_matmul(&c22, &a32, true, &b23, true, 1, 0, NULL), FFN_OK);
    CU_ASSERT(c[0] == 11 && c[1] == 17 && c[2] == 14 && c[3] == 20);
}

/* Several tiles in both directions give what ffn__gemm gives for them, on any number of threads. */
static void test_matmul_tiles(void)
{
    enum { M = 300, N = 700, K = 60 };
    ffn_tensor a, b, c, d;
    CU_ASSERT_EQUAL_FATAL(ffn_tensor_create(&a, ffn_shape_2d(M, K), NULL), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(ffn_tensor_create(&b, ffn_shape_2d(K, N), NULL), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(ffn_tensor_create(&c, ffn_shape_2d(M, N), NULL), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(ffn_tensor_create(&d, ffn_shape_2d(M, N), NULL), FFN_OK);
    ffn_random random = ffn_random_create(1, 0, 0);
    for (size_t i = 0; i < (size_t)M * K; i++) a.data[i] = ffn_random_normal(&random);
    for (size_t i = 0; i < (size_t)K * N; i++) b.data[i] = ffn_random_normal(&random);
    for (int t = 0; t < 4; t++) {
        const bool ta = t & 1, tb = t >> 1;
        a.shape = ta ? ffn_shape_2d(K, M) : ffn_shape_2d(M, K);
        b.shape = tb ? ffn_shape_2d(N, K) : ffn_shape_2d(K, N);
        ffn_set_threads(1, NULL);
        CU_ASSERT_EQUAL(ffn_matmul(&c, &a, ta, &b, tb, 1, 0, NULL), FFN_OK);
        ffn_set_threads(3, NULL);
        CU_ASSERT_EQUAL(ffn_matmul(&d, &a, ta, &b, tb, 1, 0, NULL), FFN_OK);
        CU_ASSERT_EQUAL(memcmp(c.data, d.data, sizeof(float) * M * N), 0);
        size_t wrong = 0;
        for (size_t i = 0; i < M; i++)
            for (size_t j = 0; j < N; j++) {
                double sum = 0;
                for (size_t p = 0; p < K; p++)
                    sum += (double)a.data[ta ? p * M + i : i * K + p] * (double)b.data[tb ? j * K + p : p * N + j];
                wrong += !(fabs(sum - (double)c.data[i * N + j]) < 1e-4);
            }
        CU_ASSERT_EQUAL(wrong, 0);
    }
    ffn_set_threads(0, NULL);
    ffn_tensor_destroy(&a);
    ffn_tensor_destroy(&b);
    ffn_tensor_destroy(&c);
    ffn_tensor_destroy(&d);
}

static void test_matmul_errors(void)
{
    float x[30] = {0};
    const ffn_tensor a = ffn_tensor_view(x, ffn_shape_2d(2, 3)), b = ffn_tensor_view(x + 6, ffn_shape_2d(3, 4));
    const ffn_tensor cube = ffn_tensor_view(x, ffn_shape_3d(1, 2, 3)), nothing = ffn_tensor_view(NULL, a.shape);
    const ffn_tensor empty = ffn_tensor_view(x, ffn_shape_2d(2, 0));
    const ffn_tensor huge = ffn_tensor_view(x, ffn_shape_2d(SIZE_MAX, 3));
    ffn_tensor c = ffn_tensor_view(x + 18, ffn_shape_2d(2, 4)), wrong = ffn_tensor_view(x + 18, ffn_shape_2d(4, 2));
    ffn_tensor over_a = ffn_tensor_view(x + 5, c.shape), over_b = ffn_tensor_view(x + 17, c.shape);
    const struct {
        ffn_tensor *c;
        const ffn_tensor *a;
        bool transpose_a;
        const ffn_tensor *b;
        bool transpose_b;
        ffn_status status;
        const char *sentence;
    } table[] = {
        {NULL, &a, false, &b, false, FFN_INVALID_ARGUMENT, "c is NULL"},
        {&c, NULL, false, &b, false, FFN_INVALID_ARGUMENT, "a is NULL"},
        {&c, &a, false, NULL, false, FFN_INVALID_ARGUMENT, "b is NULL"},
        {&c, &nothing, false, &b, false, FFN_INVALID_ARGUMENT, "no data"},
        {&c, &cube, false, &b, false, FFN_SHAPE_MISMATCH, "rank 3"},
        {&c, &empty, false, &b, false, FFN_INVALID_ARGUMENT, "is 0"},
        {&c, &huge, false, &b, false, FFN_INVALID_ARGUMENT, "memory"},
        {&c, &a, true, &b, false, FFN_SHAPE_MISMATCH, "op(a) is 3 by 2 and op(b) 3 by 4"},
        {&c, &a, false, &b, true, FFN_SHAPE_MISMATCH, "op(b) 4 by 3"},
        {&wrong, &a, false, &b, false, FFN_SHAPE_MISMATCH, "c is 4 by 2, expected 2 by 4"},
        {&over_a, &a, false, &b, false, FFN_INVALID_ARGUMENT, "c overlaps a"},
        {&over_b, &a, false, &b, false, FFN_INVALID_ARGUMENT, "c overlaps b"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table)[0]; i++) {
        ffn_error error = {FFN_OK, ""};
        CU_ASSERT_EQUAL(
            ffn_matmul(table[i].c, table[i].a, table[i].transpose_a, table[i].b, table[i].transpose_b, 1, 0, &error),
            table[i].status);
        CU_ASSERT_EQUAL(error.status, table[i].status);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, table[i].sentence));
        CU_ASSERT_EQUAL(strncmp(error.message, "ffn_matmul: ", 12), 0);
    }
    CU_ASSERT_EQUAL(ffn_matmul(&c, &a, false, &b, false, 1, 0, NULL), FFN_OK);
}

/* A process that has no address space for OpenBLAS is told so, and may go on when it has. */
static int prepare_without_memory(void)
{
    if (strcmp(ffn__blas_name(), "none") == 0) return 0;
    const struct rlimit little = {(rlim_t)64 << 20, RLIM_INFINITY}, much = {RLIM_INFINITY, RLIM_INFINITY};
    if (setrlimit(RLIMIT_AS, &little) != 0) return 1;
    ffn_error error = {FFN_OK, ""};
    if (ffn__blas_prepare(&error) != FFN_OUT_OF_MEMORY || error.status != FFN_OUT_OF_MEMORY) return 2;
    if (setrlimit(RLIMIT_AS, &much) != 0) return 3;
    return ffn__blas_prepare(&error) == FFN_OK ? 0 : 4;
}

static void test_prepare_without_memory(void)
{
    fflush(stdout);
    const pid_t child = fork();
    CU_ASSERT_FATAL(child >= 0);
    if (child == 0) {
        alarm(20); /* rather than spin */
        _exit(prepare_without_memory());
    }
    int status = -1;
    waitpid(child, &status, 0);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- instruction sets -------------------------------------------------------------------------------------------- */

static void test_isa(void)
{
    const ffn__isa_id found = ffn__isa();
    CU_ASSERT_TRUE(ffn__isa_available(FFN__ISA_GENERIC));
    CU_ASSERT_TRUE(ffn__isa_available(found));
    CU_ASSERT_STRING_EQUAL(ffn__isa_name(FFN__ISA_AVX512), "avx512");
    for (int isa = 0; isa < FFN__ISA_COUNT; isa++) {
        const bool available = ffn__isa_available((ffn__isa_id)isa);
        CU_ASSERT_EQUAL(ffn__isa_force((ffn__isa_id)isa), available);
        if (available) CU_ASSERT_EQUAL((int)ffn__isa(), isa);
        if (available) CU_ASSERT(isa <= (int)found); /* the best was found */
    }
    ffn__isa_force(found);
    CU_ASSERT_FALSE(ffn__isa_force(FFN__ISA_COUNT));
    CU_ASSERT_FALSE(ffn__isa_available((ffn__isa_id)-1));
    CU_ASSERT_STRING_EQUAL(ffn__isa_name(FFN__ISA_COUNT), "unknown");
    CU_ASSERT_EQUAL(ffn__isa(), found);
}

/* ---- kernels ----------------------------------------------------------------------------------------------------- */

enum { MOST = 68, ROWS = 5 };

static float x_data[ROWS * MOST], z_data[ROWS * MOST];
static const float beta = (float)-0.7;

static void add(const ffn__tensor_kernels *k, size_t n, const float *x, const float *z, float *y)
{
    k->add(n, x, z, y);
}
static void multiply(const ffn__tensor_kernels *k, size_t n, const float *x, const float *z, float *y)
{
    k->multiply(n, x, z, y);
}
static void assign(const ffn__tensor_kernels *k, size_t n, const float *x, const float *z, float *y)
{
    memcpy(y, z, n * sizeof(float));
    k->assign(n, beta, x, y);
}
static void assign_plain(const ffn__tensor_kernels *k, size_t n, const float *x, const float *z, float *y)
{
    for (size_t i = 0; i < n; i++) y[i] = (float)NAN;
    k->assign(n, 0, x, y);
    (void)z;
}
static void scale(const ffn__tensor_kernels *k, size_t n, const float *x, const float *z, float *y)
{
    k->scale(n, beta, x, y);
    (void)z;
}
static void offset_factor(const ffn__tensor_kernels *k, size_t n, const float *x, const float *z, float *y)
{
    k->offset_factor(1, n, x, z, x, y);
}
static void add_row(const ffn__tensor_kernels *k, size_t n, const float *x, const float *z, float *y)
{
    memcpy(y, x, n * sizeof(float));
    k->add_row(1, n, n, z, y);
}
static void column_sums(const ffn__tensor_kernels *k, size_t n, const float *x, const float *z, float *y)
{
    memcpy(y, z, n * sizeof(float));
    k->column_sums(1, n, n, x, beta, y);
}

/* Element by element y = f(x, z): what each kernel is to compute. */
static double add_value(double x, double z) { return x + z; }
static double multiply_value(double x, double z) { return x * z; }
static double assign_value(double x, double z) { return x + (double)beta * z; }
static double plain_value(double x, double z) { return (void)z, x; }
static double scale_value(double x, double z) { return (void)z, (double)beta * x; }
static double offset_value(double x, double z) { return (x - z) * x; }

static const struct {
    const char *name;
    void (*run)(const ffn__tensor_kernels *k, size_t n, const float *x, const float *z, float *y);
    double (*value)(double x, double z);
} elementwise[] = {
    {"add", add, add_value},          {"multiply", multiply, multiply_value},
    {"assign", assign, assign_value}, {"assign with beta 0", assign_plain, plain_value},
    {"scale", scale, scale_value},    {"offset_factor", offset_factor, offset_value},
    {"add_row", add_row, add_value},  {"column_sums of a row", column_sums, assign_value},
};
enum { ELEMENTWISE = sizeof(elementwise) / sizeof(elementwise)[0] };

static void fill_data(void)
{
    ffn_random random = ffn_random_create(17, 0, 0);
    for (size_t i = 0; i < ROWS * MOST; i++) {
        x_data[i] = ffn_random_normal(&random);
        z_data[i] = ffn_random_normal(&random);
    }
}

static void on_every_set(void (*body)(const ffn__tensor_kernels *k))
{
    fill_data();
    const ffn__isa_id found = ffn__isa();
    for (int isa = 0; isa < FFN__ISA_COUNT; isa++)
        if (ffn__isa_force((ffn__isa_id)isa)) body(ffn__tensor());
    ffn__isa_force(found);
}

/* The arrays end at the end of memory or begin `shift` floats off the alignment; the bits are those of
 * element i alone. */
static void expect_elementwise(const ffn__tensor_kernels *k, size_t kernel, size_t n, edge *edges, size_t shift)
{
    float *const x = edges[0].data - shift, *const z = edges[1].data - shift, *const y = edges[2].data - shift;
    memcpy(x, x_data, n * sizeof(float));
    memcpy(z, z_data, n * sizeof(float));
    elementwise[kernel].run(k, n, x, z, y);
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        const double value = elementwise[kernel].value((double)x_data[i], (double)z_data[i]);
        const double size =
            fabs((double)x_data[i]) * (1 + fabs((double)z_data[i]) + fabs((double)x_data[i])) + fabs((double)z_data[i]);
        wrong += !(fabs((double)y[i] - value) <= 2 * (double)FLT_EPSILON * size);
        float alone;
        elementwise[kernel].run(k, 1, x_data + i, z_data + i, &alone);
        wrong += memcmp(&alone, &y[i], sizeof(float)) != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    if (wrong) printf("\n    %s, %s, %zu elements\n", elementwise[kernel].name, ffn__isa_name(ffn__isa()), n);
}

static void elementwise_kernels(const ffn__tensor_kernels *k)
{
    for (size_t n = 0; n < MOST; n++) {
        edge edges[3] = {edge_create(n), edge_create(n), edge_create(n)};
        for (size_t kernel = 0; kernel < ELEMENTWISE; kernel++)
            for (size_t shift = 0; shift < 20; shift += 1 + shift / 2) expect_elementwise(k, kernel, n, edges, shift);
        for (size_t i = 0; i < 3; i++) edge_destroy(&edges[i]);
    }
}

static void in_place(const ffn__tensor_kernels *k)
{
    for (size_t n = 0; n < MOST; n++) {
        float y[MOST], z[MOST];
        k->add(n, x_data, z_data, y);
        memcpy(z, x_data, sizeof(z));
        k->add(n, z, z_data, z);
        CU_ASSERT_EQUAL(memcmp(y, z, n * sizeof(float)), 0);
        k->multiply(n, z, z, z);
        k->multiply(n, y, y, y);
        k->scale(n, beta, y, y);
        k->scale(n, beta, z, z);
        k->offset_factor(1, n, z, x_data, z_data, z);
        k->offset_factor(1, n, y, x_data, z_data, y);
        k->assign(n, beta, y, y);
        k->assign(n, beta, z, z);
        CU_ASSERT_EQUAL(memcmp(y, z, n * sizeof(float)), 0);
    }
}

static void rows_and_columns(const ffn__tensor_kernels *k)
{
    static const size_t row_counts[] = {0, 1, 2, 3, 4, 5};
    for (size_t r = 0; r < 6; r++)
        for (size_t cols = 1; cols < MOST; cols++) {
            const size_t rows = row_counts[r];
            float y[ROWS * MOST], sums[MOST];
            memcpy(y, x_data, sizeof(y));
            k->add_row(rows, cols, MOST, z_data, y);
            for (size_t i = 0; i < ROWS * MOST; i++) {
                const bool inside = i / MOST < rows && i % MOST < cols;
                CU_ASSERT_EQUAL(y[i], inside ? x_data[i] + z_data[i % MOST] : x_data[i]);
            }
            k->offset_factor(rows, cols, x_data, z_data, z_data + MOST, y);
            for (size_t i = 0; i < rows * cols; i++)
                CU_ASSERT_DOUBLE_EQUAL(y[i], (x_data[i] - z_data[i % cols]) * z_data[MOST + i % cols], 1e-5);
            for (int with = 0; with < 2; with++) {
                for (size_t i = 0; i < MOST; i++) sums[i] = with ? z_data[i] : (float)NAN;
                k->column_sums(rows, cols, MOST, x_data, with ? beta : 0, sums);
                for (size_t c = 0; c < cols; c++) {
                    double sum = with ? (double)beta * (double)z_data[c] : 0;
                    for (size_t i = 0; i < rows; i++) sum += (double)x_data[i * MOST + c];
                    CU_ASSERT_DOUBLE_EQUAL(sums[c], sum, 1e-5);
                }
                if (cols < MOST) CU_ASSERT(with ? sums[cols] == z_data[cols] : isnan(sums[cols]));
            }
        }
}

static void sums(const ffn__tensor_kernels *k)
{
    for (size_t n = 0; n < MOST; n++) {
        edge e = edge_create(n);
        double sum = 0, squares = 0;
        for (size_t i = 0; i < n; i++) {
            sum += (double)x_data[i];
            squares += (double)x_data[i] * (double)x_data[i];
        }
        double first = 0, first_squares = 0;
        for (size_t shift = 0; shift < 20; shift++) {
            memcpy(e.data - shift, x_data, n * sizeof(float));
            const double s = k->sum(n, e.data - shift), q = k->sum_squares(n, e.data - shift);
            if (shift == 0) first = s, first_squares = q;
            CU_ASSERT_DOUBLE_EQUAL(s, sum, 1e-12 * (double)n);
            CU_ASSERT_DOUBLE_EQUAL(q, squares, 1e-12 * (double)n);
            CU_ASSERT(s == first && q == first_squares);
        }
        edge_destroy(&e);
    }
    const float large[] = {(float)1e8, 1, (float)-1e8, 1};
    CU_ASSERT_EQUAL(k->sum(4, large), 2);
}

static void finiteness(const ffn__tensor_kernels *k)
{
    static const float bad[] = {(float)NAN, (float)-NAN, (float)INFINITY, (float)-INFINITY};
    for (size_t n = 0; n < MOST; n++) {
        edge e = edge_create(n);
        memcpy(e.data, x_data, n * sizeof(float));
        CU_ASSERT_TRUE(k->all_finite(n, e.data));
        for (size_t i = 0; i < n; i++) {
            e.data[i] = bad[i % 4];
            CU_ASSERT_FALSE(k->all_finite(n, e.data));
            e.data[i] = i % 2 ? FLT_MAX : -FLT_MAX;
        }
        CU_ASSERT_TRUE(k->all_finite(n, e.data));
        edge_destroy(&e);
    }
}

static void largest(const ffn__tensor_kernels *k)
{
    CU_ASSERT_EQUAL(k->argmax(0, NULL), 0);
    for (size_t n = 1; n < MOST; n++) {
        edge e = edge_create(n);
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < n; j++) e.data[j] = -1 - x_data[j] * x_data[j];
            e.data[i] = 0;
            CU_ASSERT_EQUAL(k->argmax(n, e.data), i);
            e.data[n - 1] = 0; /* the first of two */
            CU_ASSERT_EQUAL(k->argmax(n, e.data), i);
            e.data[i] = (float)NAN;
            e.data[n - 1 - i] = i == n - 1 - i ? (float)NAN : (float)INFINITY;
            CU_ASSERT_EQUAL(k->argmax(n, e.data), i);
            for (size_t j = 0; j < n; j++) e.data[j] = (float)-INFINITY;
            CU_ASSERT_EQUAL(k->argmax(n, e.data), 0);
        }
        edge_destroy(&e);
    }
}

static void test_elementwise(void) { on_every_set(elementwise_kernels); }
static void test_in_place(void) { on_every_set(in_place); }
static void test_rows_and_columns(void) { on_every_set(rows_and_columns); }
static void test_sums(void) { on_every_set(sums); }
static void test_finite(void) { on_every_set(finiteness); }
static void test_largest(void) { on_every_set(largest); }

static const test_case cases[] = {
    {"no memory for OpenBLAS", test_prepare_without_memory}, /* first: it must not be prepared before */
    {"shapes", test_shapes},
    {"shapes as text", test_shape_format},
    {"shapes that cannot be", test_shape_check},
    {"tensors", test_tensors},
    {"ffn_matmul", test_matmul},
    {"ffn_matmul in tiles", test_matmul_tiles},
    {"ffn_matmul: errors", test_matmul_errors},
    {"instruction sets", test_isa},
    {"elementwise: values, bits, ends of memory", test_elementwise},
    {"elementwise: in place", test_in_place},
    {"rows and columns", test_rows_and_columns},
    {"sums", test_sums},
    {"all finite", test_finite},
    {"argmax", test_largest},
};

TEST_MAIN("tensor", cases)
