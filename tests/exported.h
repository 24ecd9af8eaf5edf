/* Exported C files, compiled by the compiler that made the tests and loaded into the program. */
#ifndef FFN_TEST_EXPORTED_H
#define FFN_TEST_EXPORTED_H

#include "test.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A folder of its own for a test's files. */
typedef struct exported_folder {
    char path[64];
} exported_folder;

static inline exported_folder exported_create(void)
{
    exported_folder folder = {"/tmp/ffn-export-XXXXXX"};
    if (!mkdtemp(folder.path)) CU_FAIL_FATAL("mkdtemp");
    return folder;
}

static inline void exported_destroy(exported_folder folder)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder.path);
    CU_ASSERT_EQUAL(system(command), 0);
}

typedef struct exported_path {
    char text[160];
} exported_path;

static inline exported_path exported_file(exported_folder folder, const char *name, const char *suffix)
{
    exported_path path;
    (void)snprintf(path.text, sizeof path.text, "%s/%s%s", folder.path, name, suffix);
    return path;
}

#define EXPORTED_FLAGS "-std=c99 -pedantic -Wall -Wextra -Wconversion -Wshadow -Wmissing-prototypes -Werror -fPIC"

/* Compiles all .c files of the folder, with more flags, to one library, and loads it. NULL: the compiler's messages are
 * on the screen. */
static inline void *exported_load(exported_folder folder, const char *flags, const char *libraries)
{
    char command[8192];
    (void)snprintf(command, sizeof command, "%s " EXPORTED_FLAGS " %s -shared %s/*.c -o %s/all.so %s", FFN_TEST_CC,
                   flags, folder.path, folder.path, libraries);
    if (system(command) != 0) return NULL;
    return dlopen(exported_file(folder, "all", ".so").text, RTLD_NOW | RTLD_LOCAL);
}

typedef void (*exported_function)(const float *in, float *out);
typedef void (*exported_with_scratch)(const float *in, float *out, float *scratch);
typedef int (*exported_self_test)(void);

/* The address as a function; a pointer to an object is not one in C. */
#define EXPORTED_FIND(type, library, name, function)                                                                   \
    do {                                                                                                               \
        void *const address = dlsym(library, name);                                                                    \
        memcpy(&(function), &address, sizeof(type));                                                                   \
    } while (0)

#endif
