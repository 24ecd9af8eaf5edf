#include "base/base.h"

#include <string.h>

static void merge(const size_t *left, size_t left_count, const size_t *right, size_t right_count, size_t *out,
                  ffn__less less, const void *context)
{
    const size_t *left_end = left + left_count, *right_end = right + right_count;
    while (left < left_end && right < right_end) *out++ = less(context, *right, *left) ? *right++ : *left++;
    while (left < left_end) *out++ = *left++;
    while (right < right_end) *out++ = *right++;
}

/* Merge sort from runs of one upwards: no recursion, no worst case, no memory of its own as qsort may take. */
void ffn__sort(size_t *order, size_t *scratch, size_t n, ffn__less less, const void *context)
{
    size_t *from = order, *to = scratch;
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t at = 0; at < n; at += 2 * run) {
            const size_t left = n - at < run ? n - at : run;
            const size_t right = n - at - left < run ? n - at - left : run;
            merge(from + at, left, from + at + left, right, to + at, less, context);
        }
        size_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != order) memcpy(order, from, n * sizeof *order);
}
