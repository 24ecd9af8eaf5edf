/* Force-included in the double build, which proves gradients to 1e-8: the library's and the tests' own sources with
 * double in place of float. System headers come first, since they must keep their float. */
#ifndef FFN_TEST_DOUBLE_H
#define FFN_TEST_DOUBLE_H

#include <errno.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

#define FFN_DOUBLE 1
#define float double

#define expf      exp
#define exp2f     exp2
#define expm1f    expm1
#define logf      log
#define log1pf    log1p
#define sqrtf     sqrt
#define powf      pow
#define tanhf     tanh
#define erff      erf
#define erfcf     erfc
#define sinf      sin
#define cosf      cos
#define fabsf     fabs
#define fmaxf     fmax
#define fminf     fmin
#define floorf    floor
#define fmaf      fma
#define copysignf copysign

#undef FLT_EPSILON
#undef FLT_MAX
#undef FLT_MIN
#undef FLT_MANT_DIG
#define FLT_EPSILON  DBL_EPSILON
#define FLT_MAX      DBL_MAX
#define FLT_MIN      DBL_MIN
#define FLT_MANT_DIG DBL_MANT_DIG

#endif
