/* .npy files: every element type and order, what is refused, datasets, and files mapped into memory. */
#include "failing.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A file of version 1 with this dict, and elements behind it. The size of it all. */
static size_t build(unsigned char *file, const char *dict, const void *elements, size_t size)
{
    const size_t length = strlen(dict);
    memcpy(file, "\x93NUMPY\1", 8); /* with minor version 0 */
    file[8] = (unsigned char)length;
    file[9] = (unsigned char)(length >> 8);
    memcpy(file + 10, dict, length);
    if (size > 0) memcpy(file + 10 + length, elements, size);
    return 10 + length + size;
}

#define BYTES(...) (const unsigned char[]){__VA_ARGS__}, sizeof((const unsigned char[]){__VA_ARGS__})

/* ---- what is read ------------------------------------------------------------------------------------------------ */

typedef struct element_case {
    const char *descr;
    const unsigned char *bytes;
    size_t size;
    double values[2];
} element_case;

static void test_every_element_type(void)
{
    const element_case list[] = {
        {"|b1", BYTES(0, 1), {0, 1}},
        {"|u1", BYTES(200, 1), {200, 1}},
        {"<u1", BYTES(200, 1), {200, 1}},
        {"|i1", BYTES(200, 1), {-56, 1}},
        {"<u2", BYTES(1, 2, 0xFF, 0xFF), {513, 65535}},
        {">u2", BYTES(1, 2, 0xFF, 0xFE), {258, 65534}},
        {"<i2", BYTES(1, 2, 0xFE, 0xFF), {513, -2}},
        {">i4", BYTES(0, 0, 1, 2, 0xFF, 0xFF, 0xFF, 0xFD), {258, -3}},
        {"<u4", BYTES(0, 0, 0, 0x80, 7, 0, 0, 0), {2147483648.0, 7}},
        {"<i8", BYTES(5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80), {5, -0x1p63}},
        {">u8", BYTES(0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9), {0x1p63, 9}},
        {"<f2", BYTES(0, 0x3E, 1, 0x80), {1.5, -0x1p-24}},
        {">f2", BYTES(0x7B, 0xFF, 0xFC, 0), {65504, -INFINITY}},
        {"<f4", BYTES(0, 0, 0xC0, 0x3F, 1, 0, 0, 0x80), {1.5, -0x1p-149}},
        {"=f4", BYTES(0, 0, 0xC0, 0x3F, 0, 0, 0x80, 0x7F), {1.5, INFINITY}},
        {">f4", BYTES(0x3F, 0xC0, 0, 0, 0xC0, 0, 0, 0), {1.5, -2}},
        {"<f8", BYTES(0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0, 0, 0, 0, 0, 0, 0x59, 0xC0), {1.5, -100}},
        {">f8", BYTES(0x3F, 0xF8, 0, 0, 0, 0, 0, 0, 0x7F, 0xF0, 0, 0, 0, 0, 0, 0), {1.5, INFINITY}},
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        unsigned char file[256];
        char dict[96];
        (void)snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (2,), }   \n",
                       list[i].descr);
        ffn_tensor t = {0};
        CU_ASSERT_EQUAL(ffn_tensor_load_npy_memory(&t, file, build(file, dict, list[i].bytes, list[i].size), NULL),
                        FFN_OK);
        CU_ASSERT_FATAL(t.data != NULL);
        CU_ASSERT(ffn_shape_equal(t.shape, ffn_shape_1d(2)));
        CU_ASSERT_EQUAL((double)t.data[0], list[i].values[0]);
        CU_ASSERT_EQUAL((double)t.data[1], list[i].values[1]);
        ffn_tensor_destroy(&t);
    }
}

static void test_orders_and_spellings(void)
{
    const unsigned char elements[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    const struct {
        const char *dict;
        float second, last;
        ffn_shape shape;
    } list[] = {
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 2), }\n", 1, 11, ffn_shape_3d(2, 3, 2)},
        {"{\"shape\":(2,3,2),\"fortran_order\":True,\"descr\":\"|u1\"}", 6, 11, ffn_shape_3d(2, 3, 2)},
        {"{'descr': '|u1', 'fortran_order': True, 'shape': (12, )}", 1, 11, ffn_shape_1d(12)},
        {"{'descr': '|u1', 'fortran_order': True, 'shape': (3, 4)}", 3, 11, ffn_shape_2d(3, 4)},
        {" { 'descr' : '|u1' , 'fortran_order' : True , 'shape' : ( 1 , 2 , 2, 3 ) , } ", 4, 11,
         ffn_shape_4d(1, 2, 2, 3)},
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        unsigned char file[256];
        ffn_tensor t = {0};
        ffn_error error = {0};
        const size_t size = build(file, list[i].dict, elements, sizeof elements);
        CU_ASSERT_EQUAL(ffn_tensor_load_npy_memory(&t, file, size, &error), FFN_OK);
        CU_ASSERT_FATAL(t.data != NULL);
        CU_ASSERT(ffn_shape_equal(t.shape, list[i].shape));
        CU_ASSERT_EQUAL(t.data[0], 0);
        CU_ASSERT_EQUAL(t.data[1], list[i].second);
        CU_ASSERT_EQUAL(t.data[11], list[i].last);
        ffn_tensor_destroy(&t);
    }
    unsigned char file[64] = "\x93NUMPY\2";
    const char scalar[] = "{'descr':'|u1','fortran_order':False,'shape':()}";
    memcpy(file + 8, (const unsigned char[]){sizeof scalar - 1, 0, 0, 0}, 4); /* version 2: four bytes of length */
    memcpy(file + 12, scalar, sizeof scalar - 1);
    file[12 + sizeof scalar - 1] = 42;
    ffn_tensor t = {0};
    CU_ASSERT_EQUAL(ffn_tensor_load_npy_memory(&t, file, 12 + sizeof scalar, NULL), FFN_OK);
    CU_ASSERT(t.shape.rank == 0 && t.data[0] == 42);
    ffn_tensor_destroy(&t);
}

/* More elements than a window of the conversion has, against the formula. */
static void test_large_fortran(void)
{
    enum { A = 37, B = 29 };
    static unsigned char file[A * B + 128], elements[A * B];
    for (size_t i = 0; i < A * B; i++) elements[i] = (unsigned char)(i % 251);
    ffn_tensor t = {0};
    const char dict[] = "{'descr': '|u1', 'fortran_order': True, 'shape': (37, 29), }";
    CU_ASSERT_EQUAL(ffn_tensor_load_npy_memory(&t, file, build(file, dict, elements, sizeof elements), NULL), FFN_OK);
    size_t wrong = 0;
    for (size_t i = 0; i < A; i++)
        for (size_t j = 0; j < B; j++) wrong += t.data[i * B + j] != (float)((i + A * j) % 251);
    CU_ASSERT_EQUAL(wrong, 0);
    ffn_tensor_destroy(&t);
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static void check_refused(const unsigned char *file, size_t size, ffn_status status, const char *message)
{
    ffn_tensor t = {.data = NULL};
    ffn_error error = {0};
    failing_start(0);
    CU_ASSERT_EQUAL(ffn_tensor_load_npy_memory(&t, file, size, &error), status);
    CU_ASSERT_EQUAL(ffn_tensor_load_npy_memory(&t, file, size, NULL), status);
    CU_ASSERT(failing.bytes == 0);
    CU_ASSERT_EQUAL(failing_stop(), 0);
    CU_ASSERT_PTR_NULL(t.data);
    CU_ASSERT_STRING_EQUAL(error.message, message);
    if (strcmp(error.message, message) != 0) fprintf(stderr, "\n  found    %s\n  expected %s", error.message, message);
}

static void test_bad_headers_are_refused(void)
{
    const struct {
        const char *dict;
        ffn_status status;
        const char *message;
    } list[] = {
        {"", FFN_BAD_FORMAT, ".npy bytes, offset 10: found the end, expected {"},
        {"{}", FFN_BAD_FORMAT,
         ".npy bytes, offset 12: found the end, expected 'descr', 'fortran_order' and 'shape', each once"},
        {"{'descr': '|u1', 'descr': '|u1'}", FFN_BAD_FORMAT,
         ".npy bytes, offset 27: found 'descr': '|u, expected 'descr', 'fortran_order' and 'shape', each once"},
        {"{'color': 1}", FFN_BAD_FORMAT,
         ".npy bytes, offset 11: found 'color': 1}, expected 'descr', 'fortran_order' and 'shape', each once"},
        {"{'descr: '|u1'", FFN_BAD_FORMAT,
         ".npy bytes, offset 11: found 'descr: '|u1, expected 'descr', 'fortran_order' and 'shape', each once"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (2,)}", FFN_UNSUPPORTED,
         ".npy bytes, offset 20: found '<c8', 'fort, expected numbers: b1, u1 to u8, i1 to i8, f2, f4 or f8"},
        {"{'descr': '|f4', 'fortran_order': False, 'shape': (2,)}", FFN_UNSUPPORTED,
         ".npy bytes, offset 20: found '|f4', 'fort, expected numbers: b1, u1 to u8, i1 to i8, f2, f4 or f8"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", FFN_UNSUPPORTED,
         ".npy bytes, offset 20: found [('a', '<f4', expected numbers: b1, u1 to u8, i1 to i8, f2, f4 or f8"},
        {"{'descr': '|u1', 'fortran_order': false, 'shape': (2,)}", FFN_BAD_FORMAT,
         ".npy bytes, offset 44: found false, 'shap, expected True or False"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (-2,)}", FFN_BAD_FORMAT,
         ".npy bytes, offset 61: found -2,)}, expected a dimension or )"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': 2}", FFN_BAD_FORMAT,
         ".npy bytes, offset 60: found 2}, expected ("},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2 2)}", FFN_BAD_FORMAT,
         ".npy bytes, offset 63: found 2)}, expected )"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}", FFN_BAD_FORMAT,
         ".npy bytes, offset 80: found 9,)}, expected a dimension that memory can hold"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,2)}", FFN_UNSUPPORTED,
         ".npy bytes, offset 71: found 2)}, expected at most 5 dimensions"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,2)}", FFN_UNSUPPORTED,
         ".npy bytes: found 5 dimensions, expected at most 4 for a tensor"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2,)} x", FFN_BAD_FORMAT,
         ".npy bytes, offset 66: found x, expected blanks up to the elements"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (0, 2)}", FFN_BAD_FORMAT,
         ".npy bytes: found dimension 1 of size 0, expected at least 1"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3,)}", FFN_BAD_FORMAT,
         ".npy bytes: found 2 bytes of elements, expected 3"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': ()}", FFN_BAD_FORMAT,
         ".npy bytes: found 2 bytes of elements, expected 1"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904,)}", FFN_BAD_FORMAT,
         ".npy bytes: found more elements than memory has addresses"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000)}", FFN_BAD_FORMAT,
         ".npy bytes: found 2 bytes of elements, expected 8000000000000"},
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        unsigned char file[256];
        check_refused(file, build(file, list[i].dict, "ab", 2), list[i].status, list[i].message);
    }
}

/* In both orders, and as inputs and targets; the largest float and infinity are read. */
static void test_too_large_numbers_are_refused(void)
{
    const double large[] = {1, (double)3.4e38f, -(double)INFINITY, -1e300};
    const char *const dicts[] = {"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }",
                                 "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 2), }"};
    for (size_t i = 0; i < 2; i++) {
        unsigned char file[256], good[256];
        char message[128];
        ffn_error error = {FFN_OK, ""};
        const size_t size = build(file, dicts[i], large, sizeof large);
        const size_t good_size = build(good, dicts[i], (const double[]){1, 2, 3, 4}, sizeof large);
        (void)snprintf(message, sizeof message,
                       ".npy bytes, offset %zu: found a number that is too large, expected at most 3.4e38", size - 8);
        ffn_tensor t = {.data = NULL};
        failing_start(0);
        CU_ASSERT_EQUAL(ffn_tensor_load_npy_memory(&t, file, size, &error), FFN_BAD_FORMAT);
        CU_ASSERT_STRING_EQUAL(error.message, message);
        CU_ASSERT_PTR_NULL(t.data);
        CU_ASSERT_PTR_NULL(ffn_dataset_load_npy_memory(file, size, NULL, 0, &error));
        CU_ASSERT_EQUAL(error.status, FFN_BAD_FORMAT);
        CU_ASSERT_PTR_NULL(ffn_dataset_load_npy_memory(good, good_size, file, size, &error));
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, ".npy targets, offset "));
        CU_ASSERT_EQUAL(failing_stop(), 0);
    }
}

static void test_bad_files_are_refused(void)
{
    static const char dict[] = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,)}";
    unsigned char file[256];
    const size_t size = build(file, dict, "ab", 2);
    check_refused(file, 9, FFN_BAD_FORMAT,
                  ".npy bytes: found 9 bytes that do not begin as those of .npy do, expected 93 'NUMPY'");
    check_refused(file, 30, FFN_BAD_FORMAT,
                  ".npy bytes, offset 8: found a header of 55 bytes, expected at most the 20 left");
    file[6] = 4;
    check_refused(file, size, FFN_UNSUPPORTED, ".npy bytes, offset 6: found version 4, expected 1, 2 or 3");
    file[6] = 2;
    check_refused(file, 10, FFN_BAD_FORMAT, ".npy bytes: found 10 bytes, expected a header");
    file[0] = 'x';
    check_refused(file, size, FFN_BAD_FORMAT,
                  ".npy bytes: found 67 bytes that do not begin as those of .npy do, expected 93 'NUMPY'");
    ffn_tensor t = {0};
    CU_ASSERT_EQUAL(ffn_tensor_load_npy_memory(&t, NULL, 5, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_tensor_load_npy_memory(NULL, file, 5, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_tensor_load_npy(NULL, "x", NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_tensor_load_npy(&t, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_tensor_load_npy(&t, "test_npy.none", NULL), FFN_IO_ERROR);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static void test_save_and_load(void)
{
    static const char path[] = "test_npy.tmp";
    float values[] = {1, -2.5f, (float)0.1, INFINITY, 3e38f, 0};
    const ffn_shape shapes[] = {ffn_shape_1d(6), ffn_shape_2d(2, 3), ffn_shape_4d(1, 3, 1, 2)};
    for (size_t i = 0; i < 3; i++) {
        const ffn_tensor t = ffn_tensor_view(values, shapes[i]);
        ffn_tensor back = {0};
        CU_ASSERT_EQUAL(ffn_tensor_save_npy(&t, path, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_tensor_load_npy(&back, path, NULL), FFN_OK);
        CU_ASSERT(ffn_shape_equal(back.shape, shapes[i]));
        CU_ASSERT_EQUAL(memcmp(back.data, values, sizeof values), 0);
        ffn_tensor_destroy(&back);
    }
    const ffn_tensor scalar = ffn_tensor_view(values, (ffn_shape){0});
    ffn_tensor back = {0};
    CU_ASSERT_EQUAL(ffn_tensor_save_npy(&scalar, path, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_tensor_load_npy(&back, path, NULL), FFN_OK);
    CU_ASSERT(back.shape.rank == 0 && back.data[0] == 1);
    ffn_tensor_destroy(&back);
    CU_ASSERT_EQUAL(ffn_tensor_save_npy(NULL, path, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_tensor_save_npy(&back, path, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_tensor_save_npy(&scalar, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_tensor_save_npy(&scalar, "no/such/folder", NULL), FFN_IO_ERROR);
    (void)remove(path);
}

static void write_file(const char *path, const unsigned char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(bytes, 1, size, file), size);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static void test_datasets(void)
{
    unsigned char x[128], y[128];
    const size_t x_size = build(x, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 1, 3)}", "\1\2\3\4\5\6", 6);
    size_t y_size = build(y, "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 1)}", "\3\0\0\0", 4);
    ffn_dataset *data = ffn_dataset_load_npy_memory(x, x_size, y, y_size, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT(ffn_shape_equal(ffn_dataset_sample_shape(data), ffn_shape_2d(1, 3)));
    CU_ASSERT_EQUAL(ffn_dataset_inputs(data).data[1], 3);
    CU_ASSERT_EQUAL(ffn_dataset_classes(data), 4);
    CU_ASSERT_EQUAL(ffn_dataset_targets(data).data[0], 3);
    ffn_dataset_destroy(data);
    ffn_error error = {0};
    y_size = build(y, "{'descr': '|i1', 'fortran_order': False, 'shape': (2,)}", "\1\377", 2);
    CU_ASSERT_PTR_NULL(ffn_dataset_load_npy_memory(x, x_size, y, y_size, &error));
    CU_ASSERT_STRING_EQUAL(error.message, ".npy targets, offset 66: found label -1, expected 0 to 16777215");
    y_size = build(y, "{'descr': '|i1', 'fortran_order': False, 'shape': (3,)}", "\1\2\3", 3);
    CU_ASSERT_PTR_NULL(ffn_dataset_load_npy_memory(x, x_size, y, y_size, &error));
    CU_ASSERT_STRING_EQUAL(error.message, ".npy targets: found 3 rows of targets, expected 2, the rows of .npy inputs");
    y_size = build(y, "{'descr': '|i1', 'fortran_order': False, 'shape': (2, 2)}", "\1\2\3\4", 4);
    data = ffn_dataset_load_npy_memory(x, x_size, y, y_size, NULL);
    CU_ASSERT(ffn_dataset_classes(data) == 0 && ffn_dataset_targets(data).shape.dim[1] == 2);
    ffn_dataset_destroy(data);
    CU_ASSERT_PTR_NULL(ffn_dataset_load_npy_memory(NULL, 0, NULL, 0, NULL));
    CU_ASSERT_PTR_NULL(ffn_dataset_load_npy(NULL, NULL, NULL));
}

static void test_mapped(void)
{
    static const char path[] = "test_npy_x.tmp", labels[] = "test_npy_y.tmp";
    float values[] = {1, 2, 3, 4, 5, 6};
    const ffn_tensor t = ffn_tensor_view(values, ffn_shape_2d(3, 2));
    unsigned char y[128];
    CU_ASSERT_EQUAL(ffn_tensor_save_npy(&t, path, NULL), FFN_OK);
    write_file(labels, y, build(y, "{'descr': '|u1', 'fortran_order': False, 'shape': (3,)}", "\1\0\1", 3));
    failing_start(0);
    ffn_dataset *data = ffn_dataset_map_npy(path, labels, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT_EQUAL(ffn_dataset_rows(data), 3);
    CU_ASSERT_EQUAL(memcmp(ffn_dataset_inputs(data).data, values, sizeof values), 0);
    CU_ASSERT_EQUAL(ffn_dataset_classes(data), 2);
    ffn_dataset *first, *second;
    CU_ASSERT_EQUAL(ffn_dataset_split(data, (float)0.5, 1, &first, &second, NULL), FFN_OK);
    ffn_dataset_destroy(first);
    ffn_dataset_destroy(second);
    ffn_dataset_destroy(data);
    ffn_error error = {0};
    CU_ASSERT_PTR_NULL(ffn_dataset_map_npy(labels, NULL, &error));
    CU_ASSERT_EQUAL(error.status, FFN_UNSUPPORTED);
    CU_ASSERT_STRING_EQUAL(error.message,
                           "test_npy_y.tmp: found unsigned 8-bit integers, expected 32-bit floats of this machine in C "
                           "order, since the file is to be used as it is");
    write_file(labels, y, 0);
    CU_ASSERT_PTR_NULL(ffn_dataset_map_npy(labels, NULL, &error));
    CU_ASSERT_EQUAL(error.status, FFN_BAD_FORMAT);
    CU_ASSERT_PTR_NULL(ffn_dataset_map_npy(".", NULL, &error));
    CU_ASSERT_STRING_EQUAL(error.message, "cannot map '.': it is not a plain file");
    CU_ASSERT_PTR_NULL(ffn_dataset_map_npy("test_npy.none", NULL, &error));
    CU_ASSERT_EQUAL(error.status, FFN_IO_ERROR);
    CU_ASSERT_PTR_NULL(ffn_dataset_map_npy(NULL, NULL, &error));
    CU_ASSERT_PTR_NULL(ffn_dataset_map_npy(path, "test_npy.none", &error));
    CU_ASSERT_EQUAL(failing_stop(), 0);
    (void)remove(path);
    (void)remove(labels);
}

static void test_every_allocation_may_fail(void)
{
    unsigned char x[128], y[128];
    const size_t x_size = build(x, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}", "\1\2\3\4\5\6", 6);
    const size_t y_size = build(y, "{'descr': '|u1', 'fortran_order': False, 'shape': (2,)}", "\1\0", 2);
    ffn_dataset *data = NULL;
    size_t n = 0;
    while (!data && n < 100) {
        ffn_error error = {0};
        failing_start(++n);
        data = ffn_dataset_load_npy_memory(x, x_size, y, y_size, &error);
        CU_ASSERT_EQUAL(error.status, data ? FFN_OK : FFN_OUT_OF_MEMORY);
        ffn_dataset_destroy(data);
        CU_ASSERT_EQUAL(failing_stop(), 0);
    }
    CU_ASSERT(n == 4);
}

/* ---- gzip ------------------------------------------------------------------------------------------------------ */

/* 1.5 and -2 as floats of 32 bits, in the shape (2, 1). */
static const unsigned char packed_npy[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x9b, 0xec, 0x17, 0xea, 0x1b, 0x10, 0xc9, 0xc8, 0x60,
    0xc3, 0x50, 0xad, 0x9e, 0x92, 0x5a, 0x9c, 0x5c, 0xa4, 0x6e, 0xa5, 0xa0, 0x6e, 0x93, 0x66, 0xa2, 0xae, 0xa3, 0xa0,
    0x9e, 0x96, 0x5f, 0x54, 0x52, 0x94, 0x98, 0x17, 0x9f, 0x5f, 0x94, 0x92, 0x0a, 0x12, 0x77, 0x4b, 0xcc, 0x29, 0x4e,
    0x05, 0x8a, 0x17, 0x67, 0x24, 0x16, 0xa4, 0x02, 0xf9, 0x1a, 0x46, 0x3a, 0x0a, 0x86, 0x9a, 0x3a, 0x0a, 0xb5, 0x5c,
    0x0c, 0x0c, 0x07, 0xec, 0x19, 0x80, 0x04, 0x00, 0x34, 0xbf, 0x52, 0xa8, 0x4e, 0x00, 0x00, 0x00};

static void test_gzip(void)
{
    ffn_error error = {FFN_OK, ""};
    ffn_tensor t = {.data = NULL};
    failing_start(0);
#ifdef FFN__HAVE_ZLIB
    CU_ASSERT_EQUAL_FATAL(ffn_tensor_load_npy_memory(&t, packed_npy, sizeof packed_npy, &error), FFN_OK);
    CU_ASSERT(ffn_shape_equal(t.shape, ffn_shape_2d(2, 1)) && t.data[0] == 1.5f && t.data[1] == -2);
    ffn_tensor_destroy(&t);
    ffn_dataset *data = ffn_dataset_load_npy_memory(packed_npy, sizeof packed_npy, packed_npy, sizeof packed_npy, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT(ffn_dataset_targets(data).data[1] == -2);
    ffn_dataset_destroy(data);
    FILE *file = fopen("npy_packed.npy", "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(packed_npy, 1, sizeof packed_npy, file), sizeof packed_npy);
    (void)fclose(file);
    CU_ASSERT_PTR_NULL(ffn_dataset_map_npy("npy_packed.npy", NULL, &error));
    CU_ASSERT_EQUAL(error.status, FFN_UNSUPPORTED);
    CU_ASSERT_STRING_EQUAL(error.message,
                           "npy_packed.npy is packed by gzip, expected a plain file, which is used as it is");
    (void)remove("npy_packed.npy");
    CU_ASSERT_EQUAL(ffn_tensor_load_npy_memory(&t, packed_npy, sizeof packed_npy - 9, &error), FFN_BAD_FORMAT);
#else
    CU_ASSERT_EQUAL(ffn_tensor_load_npy_memory(&t, packed_npy, sizeof packed_npy, &error), FFN_UNSUPPORTED);
    CU_ASSERT_STRING_EQUAL(error.message,
                           ".npy bytes is packed by gzip, which this build cannot read: it is without zlib");
#endif
    CU_ASSERT_PTR_NULL(t.data);
    CU_ASSERT_EQUAL(failing_stop(), 0);
}

static const test_case cases[] = {
    {"every element type", test_every_element_type},
    {"orders and spellings", test_orders_and_spellings},
    {"large Fortran order", test_large_fortran},
    {"bad headers are refused", test_bad_headers_are_refused},
    {"bad files are refused", test_bad_files_are_refused},
    {"gzip", test_gzip},
    {"too large numbers are refused", test_too_large_numbers_are_refused},
    {"save and load", test_save_and_load},
    {"datasets", test_datasets},
    {"mapped", test_mapped},
    {"every allocation may fail", test_every_allocation_may_fail},
};

TEST_MAIN("npy", cases)
