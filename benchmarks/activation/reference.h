/* References of the activations in double for whole arrays, by the C library's vector functions where it has them. */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

enum { REFERENCE_LANES = 8 };

/* wanted = f(x), or f'(x) if `slope`; n is a multiple of REFERENCE_LANES. */
typedef void reference(const double *x, double *wanted, size_t n);

/* Of the function of that name in tests/activation_sweep.h; NULL if there is no vector form of it here or on this
 * processor. */
reference *reference_find(const char *name, bool slope);

#endif
