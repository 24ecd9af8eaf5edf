/* One CUnit suite a program: a table of cases and TEST_MAIN. */
#ifndef FFN_TEST_H
#define FFN_TEST_H

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>

typedef struct test_case {
    const char *name;
    void (*run)(void);
} test_case;

/* Runs the cases as suite `name`; the exit status for main. */
static inline int test_run(const char *name, const test_case *cases, size_t count)
{
    if (CU_initialize_registry() != CUE_SUCCESS) return 1;
    CU_pSuite suite = CU_add_suite(name, NULL, NULL);
    for (size_t i = 0; suite && i < count; i++)
        if (!CU_add_test(suite, cases[i].name, cases[i].run)) suite = NULL;
    if (suite) (void)CU_basic_run_tests();
    const int bad = !suite || CU_get_number_of_tests_run() != count || CU_get_number_of_failures() > 0;
    CU_cleanup_registry();
    return bad;
}

#define TEST_MAIN(name, cases)                                                                                         \
    int main(void) { return test_run(name, cases, sizeof(cases) / sizeof(cases)[0]); }

#endif
