/* IDX files: every element type, what is refused and in which words, and gzip around it. */
#include "failing.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- what is read ---------------------------------------------------------------------------------------------- */

#define BYTES(...) (const unsigned char[]){__VA_ARGS__}, sizeof((const unsigned char[]){__VA_ARGS__})

static void test_images_and_labels(void)
{
    static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 1, 2, 253, 254, 255};
    ffn_dataset *data = ffn_dataset_load_idx_memory(images, sizeof images, BYTES(0, 0, 8, 1, 0, 0, 0, 2, 9, 0), NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT_EQUAL(ffn_dataset_rows(data), 2);
    CU_ASSERT(ffn_shape_equal(ffn_dataset_sample_shape(data), ffn_shape_2d(1, 3)));
    const float expected[] = {0, 1, 2, 253, 254, 255}, *x = ffn_dataset_inputs(data).data;
    CU_ASSERT_EQUAL(memcmp(x, expected, sizeof expected), 0);
    CU_ASSERT_EQUAL(ffn_dataset_targets(data).data[0], 9);
    CU_ASSERT_EQUAL(ffn_dataset_targets(data).data[1], 0);
    CU_ASSERT_EQUAL(ffn_dataset_classes(data), 10);
    ffn_dataset_destroy(data);
}

static void test_labels_may_be_absent(void)
{
    ffn_dataset *data = ffn_dataset_load_idx_memory(BYTES(0, 0, 8, 1, 0, 0, 0, 2, 5, 6), NULL, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT(ffn_shape_equal(ffn_dataset_sample_shape(data), ffn_shape_1d(1)));
    CU_ASSERT_PTR_NULL(ffn_dataset_targets(data).data);
    CU_ASSERT_EQUAL(ffn_dataset_classes(data), 0);
    ffn_dataset_destroy(data);
}

typedef struct element_case {
    const unsigned char *bytes;
    size_t size;
    double values[3];
} element_case;

static void test_every_element_type(void)
{
    const element_case list[] = {
        {BYTES(0, 0, 0x08, 1, 0, 0, 0, 3, 0, 127, 255), {0, 127, 255}},
        {BYTES(0, 0, 0x09, 1, 0, 0, 0, 3, 0x80, 0xFF, 0x7F), {-128, -1, 127}},
        {BYTES(0, 0, 0x0B, 1, 0, 0, 0, 3, 0x80, 0, 0xFF, 0xFE, 0x12, 0x34), {-32768, -2, 0x1234}},
        {BYTES(0, 0, 0x0C, 1, 0, 0, 0, 3, 0x80, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0x12, 0x34, 0x56),
         {-2147483648.0, -1, 0x123456}},
        {BYTES(0, 0, 0x0D, 1, 0, 0, 0, 3, 0x3F, 0xC0, 0, 0, 0x80, 0, 0, 1, 0xFF, 0x7F, 0xFF, 0xFF),
         {1.5, -0x1p-149, -0x1.fffffep127}},
        {BYTES(0, 0, 0x0E, 1, 0, 0, 0, 3, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0, 0xC0, 0x59, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
               0, 0),
         {1.5, -100, 0}},
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        ffn_dataset *data = ffn_dataset_load_idx_memory(list[i].bytes, list[i].size, NULL, 0, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(data);
        for (size_t j = 0; j < 3; j++) CU_ASSERT_EQUAL((double)ffn_dataset_inputs(data).data[j], list[i].values[j]);
        ffn_dataset_destroy(data);
    }
}

static void test_labels_that_are_numbers(void)
{
    const unsigned char *images = (const unsigned char[]){0, 0, 8, 1, 0, 0, 0, 1, 5};
    ffn_dataset *data =
        ffn_dataset_load_idx_memory(images, 9, BYTES(0, 0, 0x0D, 1, 0, 0, 0, 1, 0x3F, 0x80, 0, 0), NULL);
    CU_ASSERT_EQUAL(ffn_dataset_classes(data), 0);
    CU_ASSERT_EQUAL(ffn_dataset_targets(data).data[0], 1);
    ffn_dataset_destroy(data);
    data = ffn_dataset_load_idx_memory(images, 9, BYTES(0, 0, 9, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0xFF, 1), NULL);
    CU_ASSERT_EQUAL(ffn_dataset_classes(data), 0);
    CU_ASSERT_EQUAL(ffn_dataset_targets(data).shape.dim[1], 2);
    CU_ASSERT_EQUAL(ffn_dataset_targets(data).data[0], -1);
    ffn_dataset_destroy(data);
    /* one class seen: there are two at least */
    data = ffn_dataset_load_idx_memory(images, 9, BYTES(0, 0, 8, 1, 0, 0, 0, 1, 0), NULL);
    CU_ASSERT_EQUAL(ffn_dataset_classes(data), 2);
    ffn_dataset_destroy(data);
}

/* ---- what is refused ------------------------------------------------------------------------------------------- */

typedef struct refusal {
    const unsigned char *bytes;
    size_t size;
    ffn_status status;
    const char *message;
} refusal;

static void check_refused(const refusal *r, bool as_labels)
{
    static const unsigned char image[] = {0, 0, 8, 1, 0, 0, 0, 1, 5};
    ffn_error error = {0};
    failing_start(0);
    ffn_dataset *data = as_labels ? ffn_dataset_load_idx_memory(image, sizeof image, r->bytes, r->size, &error)
                                  : ffn_dataset_load_idx_memory(r->bytes, r->size, NULL, 0, &error);
    CU_ASSERT_PTR_NULL(data);
    ffn_dataset_destroy(data);
    CU_ASSERT(failing.bytes < 200000);
    CU_ASSERT_EQUAL(failing_stop(), 0);
    CU_ASSERT_EQUAL(error.status, r->status);
    CU_ASSERT_STRING_EQUAL(error.message, r->message);
    if (strcmp(error.message, r->message) != 0)
        fprintf(stderr, "\n  found    %s\n  expected %s", error.message, r->message);
}

static void test_bad_images_are_refused(void)
{
    const refusal list[] = {
        {BYTES(0), FFN_BAD_FORMAT, "IDX images: found 1 bytes, expected an IDX header of 8 or more"},
        {BYTES(0, 1, 8, 3, 0, 0, 0, 1), FFN_BAD_FORMAT,
         "IDX images, offset 0: found bytes 00 01, expected 00 00 as IDX begins"},
        {BYTES(0, 0, 0x0A, 3, 0, 0, 0, 1), FFN_BAD_FORMAT,
         "IDX images, offset 2: found element type 0a, expected 08, 09, 0b, 0c, 0d or 0e"},
        {BYTES(0, 0, 8, 0, 0, 0, 0, 1), FFN_BAD_FORMAT, "IDX images, offset 3: found 0 dimensions, expected 1 to 5"},
        {BYTES(0, 0, 8, 6, 0, 0, 0, 1), FFN_UNSUPPORTED, "IDX images, offset 3: found 6 dimensions, expected 1 to 5"},
        {BYTES(0, 0, 8, 2, 0, 0, 0, 1, 0, 0), FFN_BAD_FORMAT,
         "IDX images: found 10 bytes, expected an IDX header of 12"},
        {BYTES(0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 0), FFN_BAD_FORMAT,
         "IDX images, offset 8: found dimension 2 of size 0, expected at least 1"},
        {BYTES(0, 0, 8, 1, 0, 0, 0, 0), FFN_BAD_FORMAT,
         "IDX images, offset 4: found dimension 1 of size 0, expected at least 1"},
        {BYTES(0, 0, 8, 1, 0, 0, 0, 3, 1, 2), FFN_BAD_FORMAT, "IDX images: found 10 bytes, expected 11"},
        {BYTES(0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3, 4), FFN_BAD_FORMAT, "IDX images: found 12 bytes, expected 11"},
        {BYTES(0, 0, 8, 1, 0xFF, 0xFF, 0xFF, 0xFF, 1), FFN_BAD_FORMAT,
         "IDX images: found 9 bytes, expected 4294967303"},
        {BYTES(0, 0, 8, 3, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF), FFN_BAD_FORMAT,
         "IDX images, offset 8: found more elements than memory has addresses"},
        {BYTES(0, 0, 0x0D, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0x7F, 0xC0, 0, 0), FFN_BAD_FORMAT,
         "IDX images, offset 12: found NaN, expected a finite number of at most 3.4e38"},
        {BYTES(0, 0, 0x0E, 1, 0, 0, 0, 1, 0x7F, 0xE0, 0, 0, 0, 0, 0, 0), FFN_BAD_FORMAT,
         "IDX images, offset 8: found an infinite or too large number, expected a finite number of at most 3.4e38"},
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) check_refused(&list[i], false);
}

static void test_bad_labels_are_refused(void)
{
    const refusal list[] = {
        {BYTES(0, 0, 8, 1, 0, 0, 0, 2, 1, 1), FFN_SHAPE_MISMATCH,
         "IDX labels: found 2 labels, expected 1, the rows of IDX images"},
        {BYTES(0, 0, 9, 1, 0, 0, 0, 1, 0xFF), FFN_BAD_FORMAT,
         "IDX labels, offset 8: found label -1, expected 0 to 16777215"},
        {BYTES(0, 0, 0x0C, 1, 0, 0, 0, 1, 1, 0, 0, 0), FFN_BAD_FORMAT,
         "IDX labels, offset 8: found label 16777216, expected 0 to 16777215"},
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) check_refused(&list[i], true);
    ffn_error error = {0};
    CU_ASSERT_PTR_NULL(ffn_dataset_load_idx_memory(NULL, 9, NULL, 0, &error));
    CU_ASSERT_EQUAL(error.status, FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NULL(ffn_dataset_load_idx(NULL, NULL, NULL));
}

/* ---- gzip ------------------------------------------------------------------------------------------------------ */

/* 2 images of 2 x 3; labels 7 and 3 in two gzip members; and 400 000 zeros where the header promises one more. */
// clang-format off
static const unsigned char images_gz[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x63, 0x60,
    0xe0, 0x60, 0x66, 0x60, 0x60, 0x60, 0x82, 0x62, 0x66, 0x06, 0x46, 0x26, 0x66, 0x16, 0xd6, 0x5f, 0xbf, 0xff, 0xfc,
    0xfd, 0xf7, 0x1f, 0x00, 0x06, 0x32, 0x7e, 0x1a, 0x1c, 0x00, 0x00, 0x00};
static const unsigned char labels_two_members[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x63,
    0x60, 0xe0, 0x60, 0x64, 0x00, 0x00, 0xe4, 0x97, 0x2a, 0xd1, 0x05, 0x00, 0x00, 0x00, 0x1f, 0x8b, 0x08, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x02, 0x03, 0x63, 0x60, 0x60, 0x62, 0x67, 0x06, 0x00, 0x0e, 0xe4, 0xee, 0x13, 0x05, 0x00, 0x00,
    0x00};
static const unsigned char claims_more[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc1,
    0xb1, 0x11, 0x00, 0x10, 0x00, 0x00, 0xb1, 0xa7, 0x70, 0x66, 0xb0, 0xad, 0xcd, 0x6d, 0xa1, 0x4a, 0x52, 0x7b, 0xb6,
    0xce, 0xad, 0x46, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf0, 0xc1, 0x03, 0xc3, 0x38, 0x3f, 0x4e, 0x8c, 0x1a,
    0x06, 0x00};
// clang-format on

#ifdef FFN__HAVE_ZLIB

static void test_gzip(void)
{
    ffn_error error = {0};
    ffn_dataset *data =
        ffn_dataset_load_idx_memory(images_gz, sizeof images_gz, labels_two_members, sizeof labels_two_members, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT(ffn_shape_equal(ffn_dataset_sample_shape(data), ffn_shape_2d(2, 3)));
    CU_ASSERT_EQUAL(ffn_dataset_inputs(data).data[5], 5);
    CU_ASSERT_EQUAL(ffn_dataset_inputs(data).data[11], 255);
    CU_ASSERT_EQUAL(ffn_dataset_targets(data).data[0], 7);
    CU_ASSERT_EQUAL(ffn_dataset_targets(data).data[1], 3);
    ffn_dataset_destroy(data);
}

static void test_bad_gzip_is_refused(void)
{
    unsigned char bytes[sizeof images_gz + 1];
    refusal r = {bytes, sizeof images_gz - 1, FFN_BAD_FORMAT, NULL};
    memcpy(bytes, images_gz, sizeof images_gz);
    char message[128];
    (void)snprintf(message, sizeof message,
                   "IDX images, offset %zu: found the end of the file, expected more of its gzip data", r.size);
    r.message = message;
    check_refused(&r, false);
    r.size = sizeof images_gz + 1;
    (void)snprintf(message, sizeof message,
                   "IDX images, offset %zu: found 1 bytes behind the gzip data, expected the end of the file",
                   sizeof images_gz);
    check_refused(&r, false);
    r.size = sizeof images_gz;
    bytes[r.size - 8] ^= 1;
    (void)snprintf(message, sizeof message,
                   "IDX images, offset %zu: found damage (incorrect data check), expected gzip data", r.size - 4);
    check_refused(&r, false);
}

/* Every truncation and every change of one byte: an error or the same data, and no leak. */
static void test_damaged_gzip(void)
{
    for (size_t i = 0; i < sizeof images_gz; i++) {
        unsigned char bytes[sizeof images_gz];
        memcpy(bytes, images_gz, sizeof bytes);
        bytes[i] ^= 0x55;
        failing_start(0);
        ffn_dataset *data = ffn_dataset_load_idx_memory(bytes, sizeof bytes, NULL, 0, NULL);
        if (data) CU_ASSERT_EQUAL(ffn_dataset_inputs(data).data[11], 255);
        ffn_dataset_destroy(data);
        CU_ASSERT_PTR_NULL(ffn_dataset_load_idx_memory(images_gz, i, NULL, 0, NULL));
        CU_ASSERT_EQUAL(failing_stop(), 0);
    }
}

static void test_a_promise_takes_no_memory(void)
{
    const refusal more = {claims_more, sizeof claims_more, FFN_BAD_FORMAT,
                          "IDX images: found 400012 bytes, expected 400013"};
    check_refused(&more, false);
}

#else

static void test_gzip(void)
{
    const refusal packed = {images_gz, sizeof images_gz, FFN_UNSUPPORTED,
                            "IDX images is packed by gzip, which this build cannot read: it is without zlib"};
    check_refused(&packed, false);
    CU_ASSERT(sizeof labels_two_members > 0 && sizeof claims_more > 0);
}

#endif

static void test_files(void)
{
    static const char path[] = "test_idx.tmp";
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite((const unsigned char[]){0, 0, 8, 1, 0, 0, 0, 2, 1, 0}, 1, 10, file), 10);
    CU_ASSERT_EQUAL(fclose(file), 0);
    ffn_error error = {0};
    ffn_dataset *data = ffn_dataset_load_idx(path, path, &error);
    CU_ASSERT_PTR_NOT_NULL(data);
    CU_ASSERT_EQUAL(ffn_dataset_rows(data), 2);
    ffn_dataset_destroy(data);
    failing_start(0);
    CU_ASSERT_PTR_NULL(ffn_dataset_load_idx(path, "test_idx.none", &error));
    CU_ASSERT_EQUAL(failing_stop(), 0);
    CU_ASSERT_EQUAL(error.status, FFN_IO_ERROR);
    CU_ASSERT_STRING_EQUAL(error.message, "cannot open 'test_idx.none': no such file");
    (void)remove(path);
}

static void test_every_allocation_may_fail(void)
{
    ffn_dataset *data = NULL;
    size_t n = 0;
    while (!data && n < 100) {
        ffn_error error = {0};
        failing_start(++n);
#ifdef FFN__HAVE_ZLIB
        data = ffn_dataset_load_idx_memory(images_gz, sizeof images_gz, BYTES(0, 0, 8, 1, 0, 0, 0, 2, 1, 0), &error);
#else
        data = ffn_dataset_load_idx_memory(BYTES(0, 0, 8, 1, 0, 0, 0, 1, 1), NULL, 0, &error);
#endif
        CU_ASSERT_EQUAL(error.status, data ? FFN_OK : FFN_OUT_OF_MEMORY);
        ffn_dataset_destroy(data);
        CU_ASSERT_EQUAL(failing_stop(), 0);
    }
    CU_ASSERT(n > 2 && n < 100);
}

static const test_case cases[] = {
    {"images and labels", test_images_and_labels},
    {"labels may be absent", test_labels_may_be_absent},
    {"every element type", test_every_element_type},
    {"labels that are numbers", test_labels_that_are_numbers},
    {"bad images are refused", test_bad_images_are_refused},
    {"bad labels are refused", test_bad_labels_are_refused},
    {"gzip", test_gzip},
#ifdef FFN__HAVE_ZLIB
    {"bad gzip is refused", test_bad_gzip_is_refused},
    {"damaged gzip", test_damaged_gzip},
    {"a promise takes no memory", test_a_promise_takes_no_memory},
#endif
    {"files", test_files},
    {"every allocation may fail", test_every_allocation_may_fail},
};

TEST_MAIN("idx", cases)
