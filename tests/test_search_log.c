/* Logs that a search goes on from, and those that it refuses. */
#include "search_space.h"

/* ---- the log --------------------------------------------------------------------------------------------------- */

static const char log_name[] = "test_search_log.csv";

static size_t read_log(char *text, size_t size)
{
    FILE *file = fopen(log_name, "rb");
    if (!file) return 0;
    const size_t length = fread(text, 1, size - 1, file);
    fclose(file);
    text[length] = '\0';
    return length;
}

static void write_log(const char *text)
{
    FILE *file = fopen(log_name, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fwrite(text, 1, strlen(text), file);
    fclose(file);
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text; text++) lines += *text == '\n';
    return lines;
}

/* Stopped after every possible trial and gone on, a search ends as one that was not. */
static void test_resume(void)
{
    const ffn_search_method methods[] = {FFN_SEARCH_GRID, FFN_SEARCH_HALVING};
    static char text[20000];
    for (size_t m = 0; m < COUNT(methods); m++) {
        ffn_search_options options = make_options(methods[m], 6);
        ffn_search_result whole = {0}, resumed = {0};
        options.folds = 2;
        CU_ASSERT_EQUAL_FATAL(search(&options, &whole), FFN_OK);
        options.log = log_name;
        for (size_t stop = 1; stop <= whole.count; stop++) {
            size_t left = stop;
            (void)remove(log_name);
            options.on_trial = stop_at;
            options.user = &left;
            options.parallel = 1 + stop % 2;
            CU_ASSERT_EQUAL(search(&options, &resumed), FFN_STOPPED);
            const size_t length = read_log(text, sizeof text);
            CU_ASSERT(length > 0 && text[length - 1] == '\n');
            CU_ASSERT(count_lines(text) >= 1 + stop && count_lines(text) <= 2 + stop);
            options.on_trial = NULL;
            CU_ASSERT_EQUAL(search(&options, &resumed), FFN_OK);
            expect_same(&whole, &resumed);
            read_log(text, sizeof text);
            CU_ASSERT_EQUAL(count_lines(text), 1 + whole.count);
        }
        ffn_search_result_destroy(&whole);
        ffn_search_result_destroy(&resumed);
    }
    (void)remove(log_name);
}

/* Names with quotes are read as they were written. */
static void test_quotes(void)
{
    static const char *const choices[] = {"\"quoted\" word", "plain"};
    const ffn_dimension dimension = {.name = "a \"name\"", .choices = choices, .choice_count = 2};
    ffn_search_options options = make_options(FFN_SEARCH_GRID, 0);
    ffn_search_result first = {0}, second = {0};
    options.dimensions = &dimension;
    options.dimension_count = 1;
    options.log = log_name;
    (void)remove(log_name);
    CU_ASSERT_EQUAL_FATAL(search(&options, &first), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(search(&options, &second), FFN_OK);
    expect_same(&first, &second);
    ffn_search_result_destroy(&first);
    ffn_search_result_destroy(&second);
    (void)remove(log_name);
}

/* Replaces the first `from` in a copy of the text by `to`. */
static void edit(const char *text, const char *from, const char *to, char *edited)
{
    const char *at = strstr(text, from);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    sprintf(edited, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void expect_refused(const char *text, const ffn_search_options *options, const char *place)
{
    ffn_search_result result = {0};
    ffn_error error = {FFN_OK, ""};
    ffn_dataset *data = make_data();
    static char after[20000];
    write_log(text);
    CU_ASSERT_EQUAL(ffn_search(data, options, &result, &error), FFN_BAD_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, log_name));
    if (!strstr(error.message, place)) printf("\n    expected '%s': %s\n", place, error.message);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, place));
    CU_ASSERT(result.model == NULL && result.trials == NULL);
    read_log(after, sizeof after);
    CU_ASSERT_STRING_EQUAL(after, text); /* it is left as it was */
    ffn_dataset_destroy(data);
}

/* Values are compared by their digits, however small they are. */
static void test_small_values(void)
{
    static char text[20000], edited[21000];
    const ffn_dimension dimension = {.name = "tiny", .low = 1e-12, .high = 1e-12};
    ffn_search_options options = make_options(FFN_SEARCH_GRID, 0);
    ffn_search_result result = {0};
    options.dimensions = &dimension;
    options.dimension_count = 1;
    options.log = log_name;
    (void)remove(log_name);
    CU_ASSERT_EQUAL_FATAL(search(&options, &result), FFN_OK);
    ffn_search_result_destroy(&result);
    (void)read_log(text, sizeof text);
    edit(text, "9.9999999999999998e-13", "2e-12", edited);
    expect_refused(edited, &options, "as in this search");
    (void)remove(log_name);
}

static void test_bad_logs(void)
{
    static char text[20000], edited[21000];
    ffn_search_options options = make_options(FFN_SEARCH_GRID, 3);
    ffn_search_result result = {0};
    options.log = log_name;
    (void)remove(log_name);
    CU_ASSERT_EQUAL_FATAL(search(&options, &result), FFN_OK);
    const size_t length = read_log(text, sizeof text);
    const struct {
        const char *from, *to, *place;
    } edits[] = {
        {"trial,rung", "try,rung", "line 1, column 1"},
        {"\n1,0,", "\n9,0,", "line 2, column 2"},
        {"\n2,0,", "\n1,0,", "line 3, column 2"},
        {"\n2,0,", "\n2,1,", "line 3, column 2"},
        {"\n2,0,", "\nx,0,", "line 3, column 1"},
        {"\n2,0,", "\n-2,0,", "line 3, column 1"},
        {"\n2,0,", "\n2.5,0,", "line 3, column 1"},
        {"\n2,0,", "\n1e30,0,", "line 3, column 1"},
        {"\n2,0,5,1,0,3,", "\n2,0,7,1,0,3,", "line 3, column 3"},
        {"\n2,0,5,1,0,3,", "\n2,0,5,3,0,3,", "line 3, column 4"},
        {"\n2,0,5,1,0,3,", "\n2,0,5,1,5,3,", "line 3, column 5"},
        {"\n2,0,5,1,0,3,", "\n2,0,5,1,0,4,", "line 3, column 6"},
        {"\"loss\"", "\"accuracy\"", "line 2, column 7"},
        {",ok,", ",fine,", "line 2, column 8"},
        {",ok,", ",ok,abc", "line 2, column 9"},
        {",ok,", ",ok,inf", "line 2, column 9"},
        {",0,5,0.", ",0,6,0.", "line 2, column 11"},
        {",0,5,0.", ",0,-1,0.", "line 2, column 11"},
        {"\"tanh\"", "\"relu\"", "line 2, column 17"},
        {"\"tanh\"", "\"tan\"", "line 2, column 17"},
        {"\"tanh\"", "\"tanh", "line"},
        {",2,\"tanh\"", ",3,\"tanh\"", "line 2, column 16"},
        {",2,\"tanh\"", ",\"tanh\"", "line 2"},
        {"\"units\"", "\"unit\"", "line 1, column 16"},
        {"\n2,", "\n\n2,", "line 3"},
    };
    for (size_t i = 0; i < COUNT(edits); i++) {
        edit(text, edits[i].from, edits[i].to, edited);
        expect_refused(edited, &options, edits[i].place);
    }
    for (size_t cut = 1; cut < length; cut += 13) { /* cut anywhere: refused, or rows that are whole */
        ffn_dataset *data = make_data();
        ffn_search_result again = {0};
        memcpy(edited, text, cut);
        edited[cut] = '\0';
        write_log(edited);
        const ffn_status status = ffn_search(data, &options, &again, NULL);
        CU_ASSERT(status == FFN_OK || status == FFN_BAD_FORMAT);
        ffn_search_result_destroy(&again);
        ffn_dataset_destroy(data);
    }
    ffn_search_result_destroy(&result);
    (void)remove(log_name);
}

/* What a search would do otherwise is refused, with the place; what it would do all the same is not. */
static void test_logs_of_other_searches(void)
{
    static const ffn_dimension drawn[] = {{.name = "epochs", .low = 2, .high = 3, .whole = true, .points = 2}};
    const char *const places[] = {"line 2, column 3", "line 2, column 4", "line 2, column 5", "line 2, column 6"};
    static char text[20000];
    for (size_t way = 0; way < 2; way++) {
        ffn_search_options options = make_options(FFN_SEARCH_GRID, 2);
        ffn_search_result result = {0};
        options.folds = 3;
        options.log = log_name;
        if (way > 0) { /* the options' epochs are of no matter */
            options.dimensions = drawn;
            options.dimension_count = COUNT(drawn);
        }
        (void)remove(log_name);
        CU_ASSERT_EQUAL_FATAL(search(&options, &result), FFN_OK);
        read_log(text, sizeof text);
        for (size_t i = 0; i < COUNT(places); i++) {
            ffn_search_options other = options;
            if (i == 0) other.fit.epochs = 7;
            if (i == 1) other.folds = 2;
            if (i == 2) other.fit.seed = 2;
            if (i == 3) other.seed = 2;
            if (i > 0 || way == 0) expect_refused(text, &other, places[i]);
        }
        options.fit.epochs = way > 0 ? 7 : options.fit.epochs;
        CU_ASSERT_EQUAL(search(&options, &result), FFN_OK);
        ffn_search_result_destroy(&result);
    }
    (void)remove(log_name);
}

/* 0 stands for the default, of which the log holds the number; one that has no column for the search's seed is refused. */
static void test_old_logs(void)
{
    static const char old[] =
        "trial,rung,epochs,folds,seed,metric,status,score,spread,trained_epochs,seconds,parameters,"
        "memory,\"learning_rate\",\"units\",\"activation\"\n"
        "1,0,0,1,0,\"loss\",ok,1,0,5,0.1,31,4000,0.001,2,\"tanh\"\n";
    ffn_search_options options = make_options(FFN_SEARCH_GRID, 1);
    ffn_search_result result = {0};
    options.log = log_name;
    expect_refused(old, &options, "line 1: found 16 columns");
    options.fit.epochs = 0;
    (void)remove(log_name);
    CU_ASSERT_EQUAL(search(&options, &result), FFN_OK);
    options.fit.epochs = 100;
    CU_ASSERT_EQUAL(search(&options, &result), FFN_OK);
    ffn_search_result_destroy(&result);
    (void)remove(log_name);
}

static void test_no_logs(void)
{
    ffn_search_options options = make_options(FFN_SEARCH_GRID, 3);
    ffn_search_result result = {0};
    options.log = log_name;
    write_log("\xff\xfe binary \x01");
    ffn_dataset *data = make_data();
    CU_ASSERT_EQUAL(ffn_search(data, &options, &result, NULL), FFN_BAD_FORMAT);
    options.log = "no/such/folder/log.csv";
    CU_ASSERT_EQUAL(ffn_search(data, &options, &result, NULL), FFN_IO_ERROR);
    ffn_dataset_destroy(data);
    ffn_search_result_destroy(&result);
    (void)remove(log_name);
}

static const test_case cases[] = {
    {"resume", test_resume},
    {"quotes", test_quotes},
    {"small values", test_small_values},
    {"bad logs", test_bad_logs},
    {"no logs", test_no_logs},
    {"resume", test_resume},
    {"bad logs", test_bad_logs},
    {"logs of other searches", test_logs_of_other_searches},
    {"old logs", test_old_logs},
    {"no logs", test_no_logs},
};
TEST_MAIN("logs of searches", cases)
