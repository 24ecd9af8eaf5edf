/* NumPy's .npy: a magic number, a version, the length of a header, the header, which is a Python dict as text, and the
 * elements. The format is that of NumPy's documentation, numpy.lib.format, versions 1 to 3. */
#ifndef FFN__NPY_H
#define FFN__NPY_H

#include "data/element.h"

#include "base/base.h"

enum { FFN__NPY_MOST_DIMENSIONS = FFN_MAX_RANK + 1 };

typedef struct ffn__npy {
    const char *source;         /* the file's name for messages */
    const unsigned char *bytes; /* of the file; borrowed, or, where that is packed by gzip, `unpacked` */
    size_t size;
    void *unpacked; /* NULL: the file is plain */
    const ffn__element *element;
    ffn__byte_order order;
    bool fortran;                               /* the first dimension varies fastest */
    size_t rank, dim[FFN__NPY_MOST_DIMENSIONS]; /* rank 0: one element */
    size_t count;                               /* elements */
    size_t header;                              /* bytes before the elements */
} ffn__npy;

/* Reads the header and checks that as many bytes as it promises are there, and no more. source, bytes and size are
 * given. */
ffn_status ffn__npy_open(ffn__npy *npy, ffn_error *error);
void ffn__npy_close(ffn__npy *npy); /* also one that was not opened, or could not be */
/* All elements to values [count], the last dimension varying fastest. Infinities and NaNs stay what they are; a finite
 * number that no float can hold is FFN_BAD_FORMAT. */
ffn_status ffn__npy_read(const ffn__npy *npy, float *values, ffn_error *error);

#endif
