#include "data/number.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* A number as written: its significant digits times 10^exponent. */
typedef struct decimal {
    const char *first, *end; /* the digits, from the first that is not 0; a point may stand among them */
    size_t count;            /* how many digits those are; 0: the number is zero */
    int64_t exponent;
    bool negative;
} decimal;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static const char *scan_sign(const char *at, const char *end, bool *negative)
{
    *negative = at < end && *at == '-';
    return at < end && (*at == '-' || *at == '+') ? at + 1 : at;
}

/* Past the digits, or NULL if there is none. */
static const char *scan_mantissa(const char *at, const char *end, decimal *number)
{
    bool any = false, point = false;
    for (; at < end; at++) {
        if (*at == '.' && !point) {
            point = true;
        } else if (is_digit(*at)) {
            any = true;
            if (point) number->exponent--;
            if (*at == '0' && number->count == 0) continue;
            if (number->count++ == 0) number->first = at;
        } else {
            break;
        }
    }
    number->end = at;
    return any ? at : NULL;
}

static const char *scan_exponent(const char *at, const char *end, decimal *number)
{
    bool negative;
    at = scan_sign(at, end, &negative);
    if (at == end) return NULL;
    int64_t exponent = 0;
    for (; at < end && is_digit(*at); at++)
        if (exponent < INT64_MAX / 32) exponent = exponent * 10 + (*at - '0'); /* more than any text has digits */
    number->exponent += negative ? -exponent : exponent;
    return at;
}

static bool scan(const char *text, size_t length, decimal *number)
{
    const char *end = text + length;
    const char *at = scan_mantissa(scan_sign(text, end, &number->negative), end, number);
    if (at && at < end && (*at == 'e' || *at == 'E')) at = scan_exponent(at + 1, end, number);
    return at && at == end;
}

/* ---- exact integers ------------------------------------------------------------------------------------------ */

/* A double's digits are decided by at most 767 digits of the decimal (a tie has no more). 800 digits times 2^2690, the
 * shift that the smallest exponent asks for, fit 176 limbs. */
enum { KEPT_DIGITS = 800, LIMBS = 176 };

typedef struct big {
    size_t count;         /* limbs in use; the last is not 0 */
    uint32_t limb[LIMBS]; /* least significant first */
} big;

static void big_multiply_add(big *n, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;
    for (size_t i = 0; i < n->count; i++) {
        carry += (uint64_t)n->limb[i] * factor;
        n->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) n->limb[n->count++] = (uint32_t)carry;
}

/* The remainder. */
static uint32_t big_divide(big *n, uint32_t divisor)
{
    uint64_t rest = 0;
    for (size_t i = n->count; i-- > 0;) {
        rest = rest << 32 | n->limb[i];
        n->limb[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    while (n->count > 0 && n->limb[n->count - 1] == 0) n->count--;
    return (uint32_t)rest;
}

static void big_shift_limbs(big *n, size_t limbs)
{
    memmove(n->limb + limbs, n->limb, n->count * sizeof n->limb[0]);
    memset(n->limb, 0, limbs * sizeof n->limb[0]);
    n->count += limbs;
}

static unsigned big_bit(const big *n, int i) { return n->limb[i / 32] >> (i % 32) & 1; }

static int big_bits(const big *n)
{
    int bits = 32 * (int)(n->count - 1);
    for (uint32_t top = n->limb[n->count - 1]; top; top >>= 1) bits++;
    return bits;
}

/* The double nearest to n 2^exponent, or to a little more than that if `sticky`; n > 0. */
static double big_round(const big *n, int exponent, bool sticky)
{
    const int bits = big_bits(n), lowest = DBL_MIN_EXP - DBL_MANT_DIG; /* 2^lowest is the smallest double */
    int drop = bits - DBL_MANT_DIG;
    if (drop < lowest - exponent) drop = lowest - exponent;
    if (drop > bits) return 0;
    if (drop < 0) drop = 0;
    uint64_t mantissa = 0;
    for (int i = bits; i-- > drop;) mantissa = mantissa << 1 | big_bit(n, i);
    const bool half = drop > 0 && big_bit(n, drop - 1);
    for (int i = 0; i < drop - 1 && !sticky; i++) sticky = big_bit(n, i);
    if (half && (sticky || mantissa % 2 == 1)) mantissa++;
    return ldexp((double)mantissa, exponent + drop);
}

/* ---- decimal to double --------------------------------------------------------------------------------------- */

/* Both factors and so the one rounding are exact up to 15 digits and 10^22 (Clinger, "How to read floating point
 * numbers accurately", PLDI 1990). */
static bool convert_simple(const decimal *number, double *value)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (FLT_EVAL_METHOD != 0 || number->count > DBL_DIG || number->exponent < -22 || number->exponent > 22)
        return false;
    double mantissa = 0;
    for (const char *at = number->first; at < number->end; at++)
        if (*at != '.') mantissa = mantissa * 10 + (*at - '0');
    *value = number->exponent < 0 ? mantissa / powers[-number->exponent] : mantissa * powers[number->exponent];
    return true;
}

/* d 10^e = d 5^e 2^e: a product for e >= 0, else the quotient (d 2^s) / 5^-e, cut to 64 bits or more by the choice of
 * s, with whether anything was cut. */
static double convert_exact(const decimal *number)
{
    static const uint32_t five13 = 1220703125; /* 5^13, the largest power in 32 bits */
    const size_t kept = number->count < KEPT_DIGITS ? number->count : KEPT_DIGITS;
    const int exponent = (int)(number->exponent + (int64_t)(number->count - kept));
    big n = {0};
    const char *at = number->first;
    for (size_t i = 0; i < kept; at++) {
        if (*at == '.') continue;
        big_multiply_add(&n, 10, (uint32_t)(*at - '0'));
        i++;
    }
    bool sticky = false;
    for (; at < number->end && !sticky; at++) sticky = *at != '.' && *at != '0';

    int left = exponent < 0 ? -exponent : exponent, shift = 0;
    if (exponent < 0) {
        shift = (left * 7 / 3 + 64) / 32 + 1; /* limbs; log2 5 < 7/3 */
        big_shift_limbs(&n, (size_t)shift);
    }
    while (left > 0) {
        uint32_t power = five13;
        int step = 13;
        for (; step > left; step--) power /= 5;
        if (exponent < 0 && big_divide(&n, power) != 0) sticky = true;
        if (exponent > 0) big_multiply_add(&n, power, 0);
        left -= step;
    }
    return big_round(&n, exponent - 32 * shift, sticky);
}

bool ffn__parse_number(const char *text, size_t length, double *value)
{
    decimal number = {0};
    if (!scan(text, length, &number)) return false;
    const int64_t magnitude = (int64_t)number.count + number.exponent; /* the number is below 10^magnitude */
    double size;
    if (number.count == 0 || magnitude < DBL_MIN_10_EXP - DBL_DIG - 1)
        size = 0; /* below half the smallest double */
    else if (magnitude > DBL_MAX_10_EXP + 1)
        size = HUGE_VAL;
    else if (!convert_simple(&number, &size))
        size = convert_exact(&number);
    *value = number.negative ? -size : size;
    return true;
}
