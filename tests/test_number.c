/* The number parser against the compiler's and the C library's own conversion, to the bit. */
#include "data/number.h"

#include "test.h"

#include "ffn.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Equal to the bit, so that -0 and NaN count. */
static bool same(double a, double b) { return memcmp(&a, &b, sizeof(a)) == 0; }

static void check_number(const char *text, double expected)
{
    double value = 42;
    const bool right = ffn__parse_number(text, strlen(text), &value) && same(value, expected);
    CU_ASSERT(right);
    if (!right) fprintf(stderr, "\n  '%.60s' is %.17g, expected %.17g", text, value, expected);
}

static void test_numbers(void)
{
    static const struct {
        const char *text;
        double value;
    } numbers[] = {
        {"0", 0.0},
        {"-0", -0.0},
        {"+7", 7.0},
        {"1.5", 1.5},
        {".5", 0.5},
        {"-.5", -0.5},
        {"5.", 5.0},
        {"007", 7.0},
        {"0.10", 0.1},
        {"1e3", 1e3},
        {"1E+3", 1e3},
        {"1.e-3", 1e-3},
        {"0e999999999999999999999", 0.0},
        {"123456789012345", 123456789012345.0},
        {"9007199254740993", 9007199254740992.0},
        {"9007199254740995", 9007199254740996.0},
        {"9007199254740993.00000000000000000000000000000000000000000000001", 9007199254740994.0},
        {"1e22", 1e22},
        {"1e23", 1e23},
        {"8.41e21", 8.41e21},
        {"0.3", 0.3},
        {"2.2250738585072014e-308", DBL_MIN},
        {"2.2250738585072011e-308", 2.2250738585072011e-308},
        {"2.2250738585072012e-308", 2.2250738585072012e-308},
        {"1.7976931348623157e308", DBL_MAX},
        {"1.7976931348623158e308", DBL_MAX},
        {"1.7976931348623159e308", HUGE_VAL},
        {"-1e309", -HUGE_VAL},
        {"1e99999999999999999999999", HUGE_VAL},
        {"1e18446744073709551616", HUGE_VAL}, /* 2^64 */
        {"4.9406564584124654e-324", 4.9406564584124654e-324},
        {"2.4703282292062328e-324", 4.9406564584124654e-324},
        {"2.4703282292062327e-324", 0.0},
        {"-1e-400", -0.0},
        {"1e-99999999999999999999999", 0.0},
        {"3.4028234663852886e38", 3.4028234663852886e38},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) check_number(numbers[i].text, numbers[i].value);
}

static void test_what_is_no_number(void)
{
    static const char *const texts[] = {
        "",      " ",        " 1",   "1 ",  "+",     "-",     ".",        "e5",    "1e",  "1e+", "1e-",   "--1",
        "+-1",   "1.2.3",    "1..2", "1,5", "0x10",  "0x1p3", "inf",      "nan",   "NaN", "1f",  "1e5.0", "1 000",
        "1_000", "infinity", "1d5",  "a",   "1e5e5", ".e1",   "\xD9\xA1", "1'000", "$5",  "5%"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        double value = 42;
        CU_ASSERT_FALSE(ffn__parse_number(texts[i], strlen(texts[i]), &value));
        CU_ASSERT_EQUAL(value, 42);
    }
    double value;
    CU_ASSERT_FALSE(ffn__parse_number(NULL, 0, &value));
}

static void test_only_the_given_bytes_are_read(void)
{
    double value;
    CU_ASSERT(ffn__parse_number("12345", 2, &value) && value == 12);
    CU_ASSERT(ffn__parse_number("1e5", 1, &value) && value == 1);
    CU_ASSERT_FALSE(ffn__parse_number("1e5", 2, &value));
}

/* 0.000...1e1000 and 1000...e-1000 are 0.1 and 1. */
static void test_long_numbers(void)
{
    enum { ZEROS = 100000 };
    char *text = malloc(ZEROS + 64);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, '0', ZEROS + 2);
    text[1] = '.';
    (void)snprintf(text + ZEROS + 2, 62, "1e%d", ZEROS);
    check_number(text, 0.1);
    memset(text, '0', ZEROS + 1);
    text[0] = '1';
    (void)snprintf(text + ZEROS + 1, 63, "e-%d", ZEROS);
    check_number(text, 1);
    memset(text, '3', ZEROS); /* 0.333... */
    text[1] = '.', text[0] = '0', text[ZEROS] = '\0';
    check_number(text, 1 / 3.0);
    free(text);
}

static void compare_with_strtod(const char *text, size_t *wrong)
{
    double value = 42;
    if (ffn__parse_number(text, strlen(text), &value) && same(value, strtod(text, NULL))) return;
    if ((*wrong)++ < 5) fprintf(stderr, "\n  '%.400s' is %.17g, expected %.17g", text, value, strtod(text, NULL));
}

static void test_random_digits(void)
{
    ffn_random random = ffn_random_create(1, 0, 0);
    size_t wrong = 0;
    for (int n = 0; n < 50000; n++) {
        char text[64];
        const size_t digits = 1 + ffn_random_below(&random, 30), point = ffn_random_below(&random, digits + 1);
        size_t length = 0;
        for (size_t i = 0; i < digits; i++) {
            if (i == point) text[length++] = '.';
            text[length++] = (char)('0' + ffn_random_below(&random, 10));
        }
        const int spread = n % 2 ? 700 : 50;
        (void)snprintf(text + length, sizeof(text) - length, "e%d",
                       (int)ffn_random_below(&random, (size_t)spread) - spread / 2);
        compare_with_strtod(text, &wrong);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static double random_double(ffn_random *random)
{
    const uint64_t bits = (uint64_t)ffn_random_bits(random) << 32 | ffn_random_bits(random);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return isfinite(value) ? value : 1;
}

/* Where there is a long double of more digits, the middle between two doubles and its neighbours are the
 * hardest cases. */
static void test_random_doubles_and_their_middles(void)
{
    ffn_random random = ffn_random_create(2, 0, 0);
    size_t wrong = 0;
    for (int n = 0; n < 3000; n++) {
        static char text[1200];
        double value = random_double(&random);
        if (n % 3 == 0) value = ldexp(value, -2100 + (int)ffn_random_below(&random, 60)); /* subnormal, mostly 0 */
        if (n % 7 == 0) value = ldexp((double)(1 + ffn_random_below(&random, 1 << 20)), -1074);
        (void)snprintf(text, sizeof(text), "%.17g", value);
        compare_with_strtod(text, &wrong);
        const double next = nextafter(value, HUGE_VAL);
        if (!isfinite(next)) continue;
        (void)snprintf(text, sizeof(text), "%.800Le", ((long double)value + (long double)next) / 2);
        compare_with_strtod(text, &wrong);
        char *last = strchr(text, 'e') - 1;
        *last = '1'; /* a little more than the middle, in the 801st digit */
        compare_with_strtod(text, &wrong);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_the_locale_does_not_matter(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (setlocale(LC_ALL, names[i])) break;
    if (strcmp(localeconv()->decimal_point, ",") != 0) fprintf(stderr, "(no locale with a decimal comma) ");
    check_number("1.5", 1.5);
    check_number("12345678901234567890.5e-3", 12345678901234567.8905);
    double value;
    CU_ASSERT_FALSE(ffn__parse_number("1,5", 3, &value));
    CU_ASSERT_PTR_NOT_NULL(setlocale(LC_ALL, "C"));
}

static const test_case cases[] = {
    {"numbers", test_numbers},
    {"what is no number", test_what_is_no_number},
    {"only the given bytes are read", test_only_the_given_bytes_are_read},
    {"long numbers", test_long_numbers},
    {"random digits", test_random_digits},
    {"random doubles and their middles", test_random_doubles_and_their_middles},
    {"the locale does not matter", test_the_locale_does_not_matter},
};

TEST_MAIN("number", cases)
