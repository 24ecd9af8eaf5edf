/* A model as one C99 file that depends on nothing: options, and the file as a whole. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/export.h"
#include "io/write.h"

/* ---- arguments --------------------------------------------------------------------------------------------------- */

/* Words of C up to C23, and what compilers add in their own modes. */
static const char keywords[] =
    "auto break case char const continue default do double else enum extern float for goto if inline int long main "
    "register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while "
    "alignas alignof asm bool constexpr false linux nullptr static_assert thread_local true typeof typeof_unqual unix";

/* Macros of the headers that the file includes, and functions to which compilers turn loops. */
static const char library[] = "INFINITY NAN NULL abort memcmp memcpy memmove memset offsetof strlen";

/* Functions and macros of <math.h>, of which many are there with an f or l behind them too. */
static const char mathematics[] =
    "abs acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh drem erf erfc exp exp10 exp2 expm1 fabs "
    "fdim finite floor fma fmax fmin fmod fpclassify frexp gamma hypot ilogb isfinite isgreater isgreaterequal "
    "isinf isless islessequal islessgreater isnan isnormal isunordered j0 j1 jn ldexp lgamma llrint llround log log10 "
    "log1p log2 logb lrint lround modf nan nearbyint nextafter nexttoward pow pow10 remainder remquo rint round scalb "
    "scalbln scalbn signbit significand sin sincos sinh sqrt tan tanh tgamma trunc y0 y1 yn";

/* How names of types and macros in the headers begin or end. */
static const char *const beginnings[] = {"FP_", "HUGE_VAL", "M_", "MATH_"};
static const char *const ends[] = {"_t", "_C", "_MAX", "_MIN"};

/* Whether the first `length` characters are one of the words, which spaces separate. */
static bool is_among(const char *name, size_t length, const char *words)
{
    for (const char *at = words; *at; at += strspn(at, " ")) {
        const size_t word = strcspn(at, " ");
        if (word == length && memcmp(at, name, length) == 0) return true;
        at += word;
    }
    return false;
}

/* Whether C or one of the headers has the name already, so that the file would not compile or would call itself. */
static bool is_reserved(const char *name)
{
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0) return true;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (length > strlen(ends[i]) && strcmp(name + length - strlen(ends[i]), ends[i]) == 0) return true;
    const bool typed = length > 1 && (name[length - 1] == 'f' || name[length - 1] == 'l');
    return is_among(name, length, keywords) || is_among(name, length, library) || is_among(name, length, mathematics) ||
           (typed && is_among(name, length - 1, mathematics));
}

static bool is_identifier(const char *name)
{
    for (size_t i = 0; name[i]; i++) {
        const char c = name[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && (i == 0 || (c != '_' && !(c >= '0' && c <= '9')))) return false;
    }
    return name[0] && strlen(name) <= FFN__C_MAX_NAME;
}

static ffn_status check_dataset(const ffn_model *model, const ffn_dataset *dataset, const char *what, ffn_error *error)
{
    if (!dataset) return FFN_OK;
    ffn_status status = ffn__dataset_check_model(dataset, what, model, error);
    if (status == FFN_OK) status = ffn__dataset_check_memory(dataset, what, error);
    return status == FFN_OK ? ffn__dataset_check_finite(dataset, error) : status;
}

static ffn_status check(const ffn_model *model, const char *name, const ffn_export_c_options *options, ffn_error *error)
{
    ffn_status status = ffn__model_check_built(model, error);
    if (status != FFN_OK) return status;
    if (!name || !is_identifier(name) || is_reserved(name))
        return ffn_fail(
            error, FFN_INVALID_ARGUMENT,
            "the function's name is %.60s; expected letters, digits and _, at most %d, and no name that C or "
            "its library has",
            name ? name : "NULL", FFN__C_MAX_NAME);
    if (options->int8 && !options->dataset)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "int8 needs a dataset to be calibrated on; it is NULL");
    if (options->test_rows > 1000)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "test_rows is %zu; expected at most 1000", options->test_rows);
    status = check_dataset(model, options->dataset, "the dataset", error);
    return status == FFN_OK ? check_dataset(model, options->evaluation, "the evaluation dataset", error) : status;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

typedef struct upper_name {
    char text[FFN__C_MAX_NAME + 1];
} upper_name;

static upper_name to_upper(const char *name)
{
    upper_name upper = {""};
    for (size_t i = 0; name[i] && i < FFN__C_MAX_NAME; i++)
        upper.text[i] = (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 'a' + 'A' : name[i]);
    return upper;
}

/* Floats of scratch: the values between layers, and behind them the quantized input. */
static size_t scratch_floats(const ffn__c_file *file)
{
    const size_t floats = file->memory + (file->quantized + 3) / 4;
    return floats ? floats : 1;
}

static void write_accuracy(ffn__text *text, const ffn_export_c_report *report)
{
    ffn__text_add(
        text,
        " *\n * The weights are in 8 bits. On %zu rows the outputs differ from those in float by %.3g on average, at\n"
        " * most by %.3g",
        report->rows, report->mean_error, report->largest_error);
    if (!isnan(report->accuracy))
        ffn__text_add(text, "; accuracy %.4f, in float %.4f", report->int8_accuracy, report->accuracy);
    ffn__text_add(text, ".\n");
}

static void write_head(const ffn__c_file *file, const ffn_export_c_report *report, ffn__text *text)
{
    const upper_name upper = to_upper(file->name);
    const char *scratch = file->options.caller_scratch ? ", float *scratch" : "";
    const ffn__code_set codes = ffn__code_closure(file->codes, file->options.own_math);
    const bool libm = !file->options.own_math && ffn__code_uses_libm(codes);
    ffn__text_add(text, "/* Written by FFN %s. C99; needs %s.\n *\n", ffn_version(), libm ? "libm" : "no library");
    ffn__text_add(text, " *     void %s(const float *in, float *out%s);\n *\n", file->name, scratch);
    ffn__text_add(text, " * in has %s_INPUTS numbers, out %s_OUTPUTS; they must not overlap. ", upper.text, upper.text);
    ffn__text_add(text,
                  file->options.caller_scratch ? "scratch has %s_SCRATCH, of any content.\n"
                                               : "The memory is static:\n * one call at a time.\n",
                  upper.text);
    ffn__text_add(text,
                  " * %zu bytes of constants, %zu of memory. With -D%s_SELF_TEST there is %s_self_test, and with\n"
                  " * -D%s_SELF_TEST_MAIN a program that runs it.\n",
                  report->constant_bytes, report->memory_bytes, upper.text, file->name, upper.text);
    if (file->options.int8) write_accuracy(text, report);
    ffn__text_add(text, " */\n#include <stddef.h>\n");
    if (file->options.own_math || file->options.int8) ffn__text_add(text, "#include <stdint.h>\n");
    if (libm) ffn__text_add(text, "#include <math.h>\n");
    ffn__text_add(text, "\n#define %s_INPUTS %zu\n#define %s_OUTPUTS %zu\n", upper.text,
                  ffn__model_input_size(file->model), upper.text, ffn_shape_size(ffn_model_output_shape(file->model)));
    if (file->options.caller_scratch) ffn__text_add(text, "#define %s_SCRATCH %zu\n", upper.text, scratch_floats(file));
    ffn__text_add(text, "\nvoid %s(const float *in, float *out%s);\n\n", file->name, scratch);
    ffn__code_write(text, codes, file->options.own_math, file->name);
}

static void write_function(const ffn__c_file *file, ffn__text *text)
{
    const bool callers = file->options.caller_scratch;
    ffn__text_add(text, "void %s(const float *in, float *out%s)\n{\n", file->name, callers ? ", float *scratch" : "");
    if (file->memory && callers) ffn__text_add(text, "    float *const m = scratch;\n");
    if (file->memory && !callers) ffn__text_add(text, "    static float m[%zu];\n", file->memory);
    if (file->quantized && callers)
        ffn__text_add(text, "    int8_t *const q = (int8_t *)(scratch + %zu);\n", file->memory);
    if (file->quantized && !callers) ffn__text_add(text, "    static int8_t q[%zu];\n", file->quantized);
    if (!file->memory && !file->quantized && callers) ffn__text_add(text, "    (void)scratch;\n");
    ffn__text_bytes(text, file->body.bytes, file->body.length);
    ffn__text_add(text, "}\n");
}

static void write_self_test(const ffn__c_file *file, const ffn__text *test, ffn__text *text)
{
    const upper_name upper = to_upper(file->name);
    ffn__text_add(text, "\n#if defined(%s_SELF_TEST) || defined(%s_SELF_TEST_MAIN)\n\n", upper.text, upper.text);
    ffn__text_bytes(text, test->bytes, test->length);
    ffn__text_add(text,
                  "\n#endif\n\n#ifdef %s_SELF_TEST_MAIN\nint main(void) { return %s_self_test() != 0; }\n#endif\n",
                  upper.text, file->name);
}

static ffn_status assemble(ffn__c_file *file, ffn_export_c_report *report, ffn__text *text, ffn_error *error)
{
    ffn__text test = {0};
    ffn_status status = ffn__c_prepare(file, error);
    if (status == FFN_OK && file->options.int8) status = ffn__c_quantize(file, error);
    if (status == FFN_OK) status = ffn__c_statements(file, error);
    report->constant_bytes = file->flash;
    report->memory_bytes = 4 * (file->memory + (file->quantized + 3) / 4);
    if (status == FFN_OK && file->options.int8) status = ffn__c_measure(file, report, error);
    if (status == FFN_OK) status = ffn__c_self_test(file, &test, error);
    if (status == FFN_OK) {
        write_head(file, report, text);
        ffn__text_bytes(text, file->constants.bytes, file->constants.length);
        write_function(file, text);
        write_self_test(file, &test, text);
        if (text->failed || test.failed || file->constants.failed || file->body.failed)
            status = ffn_fail(error, FFN_OUT_OF_MEMORY, "there is no memory for the text of %s", file->name);
    }
    ffn__text_destroy(&test);
    return status;
}

ffn_status ffn_model_export_c_with(const ffn_model *model, const char *path, const char *function_name,
                                   const ffn_export_c_options *options, ffn_error *error)
{
    ffn__c_file file = {.model = model, .name = function_name};
    if (options) file.options = *options;
    if (!path) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_export_c: the path is NULL");
    ffn_status status = check(model, function_name, &file.options, error);
    if (status != FFN_OK) return status;
    ffn_export_c_report report = {.accuracy = NAN, .int8_accuracy = NAN};
    ffn__text text = {0};
    status = assemble(&file, &report, &text, error);
    if (status == FFN_OK) status = ffn__write_file(path, text.bytes, text.length, error);
    if (status == FFN_OK && file.options.report) *file.options.report = report;
    ffn__text_destroy(&text);
    ffn__c_destroy(&file);
    return status;
}

ffn_status ffn_model_export_c(const ffn_model *model, const char *path, const char *function_name, ffn_error *error)
{
    return ffn_model_export_c_with(model, path, function_name, NULL, error);
}
