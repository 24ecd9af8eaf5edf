/* Reads golden files: named cases of words and numbers; the format is described in goldens/golden.py. */
#ifndef FFN_TEST_GOLDEN_H
#define FFN_TEST_GOLDEN_H

#include "test.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN_MAX_RANK 4

typedef struct golden_entry {
    char *key;
    char *word; /* of a text; NULL: numbers */
    size_t rank, dim[GOLDEN_MAX_RANK], count;
    double *values; /* [count]; float32 ones too */
} golden_entry;

typedef struct golden_case {
    char *name;
    size_t count;
    golden_entry *entries;
} golden_case;

typedef struct golden_file {
    size_t count;
    golden_case *cases;
} golden_file;

/* A broken or missing file, or a key that is not there, ends the test: there is nothing left to compare. */
static inline void golden_stop(const char *what, const char *which)
{
    printf("\n    golden: %s: %s\n", what, which);
    CU_FAIL_FATAL("golden data");
    abort();
}

static inline void *golden_resize(void *pointer, size_t count, size_t size)
{
    void *bigger = realloc(pointer, (count ? count : 1) * size);
    if (!bigger) golden_stop("out of memory", "");
    return bigger;
}

static inline char *golden_copy(const char *text)
{
    return strcpy((char *)golden_resize(NULL, strlen(text) + 1, 1), text);
}

static inline FILE *golden_open(const char *topic)
{
    char path[1024];
    const char *slash = strrchr(__FILE__, '/');
    const int folder = slash ? (int)(slash - __FILE__) + 1 : 0;
    snprintf(path, sizeof path, "%.*sgoldens/%s.txt", folder, __FILE__, topic);
    FILE *file = fopen(path, "r");
    if (!file) golden_stop("cannot open", path);
    return file;
}

/* The next word, "" at the end. Skips comments. */
static inline const char *golden_word(FILE *file, char word[64])
{
    while (fscanf(file, "%63s", word) == 1) {
        if (word[0] != '#') return word;
        for (int c = 0; c != '\n' && c != EOF;) c = fgetc(file);
    }
    word[0] = 0;
    return word;
}

static inline double golden_read_number(FILE *file, bool single)
{
    char word[64], *end = NULL;
    golden_word(file, word);
    const double value = single ? (double)strtof(word, &end) : strtod(word, &end);
    if (end == word || *end) golden_stop("not a number", word);
    return value;
}

/* "KEY DIM... : VALUE..." */
static inline void golden_read_numbers(FILE *file, bool single, golden_entry *entry)
{
    char word[64];
    entry->count = 1;
    while (strcmp(golden_word(file, word), ":") != 0) {
        const size_t dim = (size_t)strtoul(word, NULL, 10);
        if (!dim || entry->rank == GOLDEN_MAX_RANK) golden_stop("bad shape", entry->key);
        entry->dim[entry->rank++] = dim;
        entry->count *= dim;
    }
    entry->values = (double *)golden_resize(NULL, entry->count, sizeof(double));
    for (size_t i = 0; i < entry->count; i++) entry->values[i] = golden_read_number(file, single);
}

static inline void golden_read_entry(FILE *file, const char *kind, golden_case *golden)
{
    char word[64];
    golden->entries = (golden_entry *)golden_resize(golden->entries, golden->count + 1, sizeof(golden_entry));
    golden_entry *entry = &golden->entries[golden->count++];
    *entry = (golden_entry){.key = golden_copy(golden_word(file, word))};
    if (strcmp(kind, "text") == 0) {
        entry->word = golden_copy(golden_word(file, word));
    } else if (strcmp(kind, "f32") == 0 || strcmp(kind, "f64") == 0) {
        golden_read_numbers(file, kind[1] == '3', entry);
    } else {
        golden_stop("unknown kind of line", kind);
    }
}

/* goldens/TOPIC.txt. To be freed by golden_close. */
static inline golden_file golden_load(const char *topic)
{
    golden_file golden = {0, NULL};
    char word[64];
    FILE *file = golden_open(topic);
    while (golden_word(file, word)[0]) {
        if (strcmp(word, "case") == 0) {
            golden.cases = (golden_case *)golden_resize(golden.cases, golden.count + 1, sizeof(golden_case));
            golden.cases[golden.count++] = (golden_case){.name = golden_copy(golden_word(file, word))};
        } else if (golden.count) {
            golden_read_entry(file, word, &golden.cases[golden.count - 1]);
        } else {
            golden_stop("a line before the first case", word);
        }
    }
    fclose(file);
    return golden;
}

static inline void golden_close(golden_file *golden)
{
    for (size_t i = 0; i < golden->count; i++) {
        golden_case *c = &golden->cases[i];
        for (size_t k = 0; k < c->count; k++) {
            free(c->entries[k].key);
            free(c->entries[k].word);
            free(c->entries[k].values);
        }
        free(c->entries);
        free(c->name);
    }
    free(golden->cases);
    *golden = (golden_file){0, NULL};
}

static inline const golden_case *golden_find(const golden_file *golden, const char *name)
{
    for (size_t i = 0; i < golden->count; i++)
        if (strcmp(golden->cases[i].name, name) == 0) return &golden->cases[i];
    golden_stop("no such case", name);
    return NULL;
}

/* NULL if the case has no such key. */
static inline const golden_entry *golden_maybe(const golden_case *golden, const char *key)
{
    for (size_t i = 0; i < golden->count; i++)
        if (strcmp(golden->entries[i].key, key) == 0) return &golden->entries[i];
    return NULL;
}

static inline const golden_entry *golden_get(const golden_case *golden, const char *key)
{
    const golden_entry *entry = golden_maybe(golden, key);
    if (!entry) golden_stop("no such key", key);
    return entry;
}

static inline const char *golden_text(const golden_case *golden, const char *key)
{
    const golden_entry *entry = golden_get(golden, key);
    if (!entry->word) golden_stop("not a text", key);
    return entry->word;
}

/* A scalar, or `otherwise` if the case has none. */
static inline double golden_number(const golden_case *golden, const char *key, double otherwise)
{
    const golden_entry *entry = golden_maybe(golden, key);
    return entry && entry->count == 1 && !entry->word ? entry->values[0] : otherwise;
}

/* The entry's numbers in the library's type; to be freed. */
static inline float *golden_floats(const golden_entry *entry)
{
    float *values = (float *)golden_resize(NULL, entry->count, sizeof(float));
    for (size_t i = 0; i < entry->count; i++) values[i] = (float)entry->values[i];
    return values;
}

/* What an array may differ by from its golden: `relative` of the element and `absolute`. Counts the elements that
 * differ by more and prints the first of them; NaN and infinities must be matched exactly. */
static inline size_t golden_differences(const char *label, const golden_entry *want, const float *got, double relative,
                                        double absolute)
{
    size_t wrong = 0;
    for (size_t i = 0; i < want->count; i++) {
        const double a = (double)got[i], b = want->values[i];
        const bool same = a == (double)(float)b || (isnan(a) && isnan(b)) ||
                          (isfinite(b) && fabs(a - b) <= relative * fabs(b) + absolute);
        if (same || wrong++ > 2) continue;
        printf("\n    %s: %s[%zu]: found %.9g, golden %.9g, off by %.3g", label, want->key, i, a, b, fabs(a - b));
    }
    if (wrong) printf("\n    %s: %s: %zu of %zu elements differ\n", label, want->key, wrong, want->count);
    return wrong;
}

#endif
