/* What a search varies. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "search/search.h"

/* ---- fit options by name --------------------------------------------------------------------------------------- */

typedef enum field_kind { FLOAT, SIZE, OPTIMIZER, LOSS } field_kind;

/* What the option takes beside being at least 0, as flags. */
enum { BELOW_1 = 1, ABOVE_0 = 2 /* 0 stands for the default, and a trial is not to say 0 of it */ };

#define FIELD(name, kind, bounds, member)                                                                              \
    {                                                                                                                  \
        name, kind, bounds, offsetof(ffn_fit_options, member)                                                          \
    }

/* Kinds come first: they bring numbers of their own, which others may replace. */
static const struct field {
    const char *name;
    field_kind kind;
    unsigned bounds;
    size_t offset;
} fields[] = {
    FIELD("optimizer", OPTIMIZER, 0, optimizer),
    FIELD("loss", LOSS, 0, loss),
    FIELD("learning_rate", FLOAT, 0, optimizer.learning_rate),
    FIELD("momentum", FLOAT, BELOW_1, optimizer.momentum),
    FIELD("alpha", FLOAT, BELOW_1, optimizer.alpha),
    FIELD("beta1", FLOAT, BELOW_1, optimizer.beta1),
    FIELD("beta2", FLOAT, BELOW_1, optimizer.beta2),
    FIELD("epsilon", FLOAT, 0, optimizer.epsilon),
    FIELD("weight_decay", FLOAT, 0, optimizer.weight_decay),
    FIELD("label_smoothing", FLOAT, BELOW_1, loss.label_smoothing),
    FIELD("epochs", SIZE, ABOVE_0, epochs),
    FIELD("batch_size", SIZE, ABOVE_0, batch_size),
    FIELD("accumulate", SIZE, ABOVE_0, accumulate),
    FIELD("patience", SIZE, 0, patience),
    FIELD("min_delta", FLOAT, 0, min_delta),
    FIELD("warmup", SIZE, 0, schedule.warmup),
    FIELD("validation_fraction", FLOAT, BELOW_1 | ABOVE_0, validation_fraction),
    FIELD("l1", FLOAT, 0, l1),
    FIELD("l2", FLOAT, 0, l2),
    FIELD("clip_norm", FLOAT, 0, clip_norm),
    FIELD("clip_value", FLOAT, 0, clip_value),
    FIELD("max_norm", FLOAT, 0, max_norm),
    FIELD("average_decay", FLOAT, BELOW_1, average_decay),
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

static const struct field *find_field(const char *name)
{
    for (size_t i = 0; i < FIELDS; i++)
        if (strcmp(fields[i].name, name) == 0) return &fields[i];
    return NULL;
}

static ffn_status set_field(const struct field *field, const ffn_dimension *d, double value, ffn_fit_options *options,
                            ffn_error *error)
{
    unsigned char *place = (unsigned char *)options + field->offset;
    const float real = field->kind == FLOAT ? (float)value : 0;
    const size_t whole = field->kind == FLOAT ? 0 : (size_t)value;
    switch (field->kind) {
    case FLOAT: memcpy(place, &real, sizeof real); return FFN_OK;
    case SIZE: memcpy(place, &whole, sizeof whole); return FFN_OK;
    case OPTIMIZER: return ffn_optimizer_by_name(d->choices[whole], &options->optimizer, error);
    case LOSS: break;
    }
    const float smoothing = options->loss.label_smoothing;
    const ffn_status status = ffn_loss_by_name(d->choices[whole], &options->loss, error);
    options->loss.label_smoothing = smoothing;
    return status;
}

ffn_status ffn__space_apply(const ffn_trial *trial, ffn_fit_options *options, ffn_error *error)
{
    if (!options->optimizer.ops) options->optimizer = ffn_fit_defaults().optimizer;
    for (size_t f = 0; f < FIELDS; f++)
        for (size_t i = 0; trial && i < trial->dimension_count; i++) {
            if (strcmp(fields[f].name, trial->dimensions[i].name) != 0) continue;
            const ffn_status status = set_field(&fields[f], &trial->dimensions[i], trial->values[i], options, error);
            if (status != FFN_OK) return status;
        }
    return FFN_OK;
}

/* ---- checks ---------------------------------------------------------------------------------------------------- */

static const char *find_problem(const ffn_dimension *d)
{
    static const double most_whole = 9007199254740992.0; /* 2^53 */
    const struct field *field = find_field(d->name);
    const bool names = field && (field->kind == OPTIMIZER || field->kind == LOSS);
    if (d->choices) {
        if (d->choice_count == 0) return "choice_count is 0; expected at least 1";
        for (size_t i = 0; i < d->choice_count; i++)
            if (!d->choices[i]) return "a choice is NULL";
        return field && !names ? "the option is a number; expected low and high" : NULL;
    }
    if (names) return "the option is a name; expected choices";
    if (!(isfinite(d->low) && isfinite(d->high) && d->low <= d->high)) return "expected finite numbers, low <= high";
    if (d->logarithmic && !(d->low > 0)) return "low must be above 0 where it is logarithmic";
    if (field && !(d->low >= 0)) return "low is below 0";
    if (field && field->bounds & ABOVE_0 && !(d->low > 0)) return "0 stands for the default; expected low above 0";
    if (field && field->bounds & BELOW_1 && !((float)d->high < 1))
        return "the option ends below 1; expected high so, too";
    if (field && field->kind == FLOAT && !(d->high <= (double)FLT_MAX)) return "high is beyond what a float holds";
    if (field && field->kind == SIZE && !d->whole) return "the option is a whole number; expected `whole` set";
    if (d->whole && !(fabs(d->low) <= most_whole && fabs(d->high) <= most_whole)) return "whole numbers end at 2^53";
    if (d->whole && ceil(d->low) > floor(d->high)) return "there is no whole number from low to high";
    return NULL;
}

static ffn_status check_names(const ffn_dimension *d, ffn_error *error)
{
    const struct field *field = d->choices ? find_field(d->name) : NULL;
    ffn_fit_options options = {0};
    ffn_error inner = {FFN_OK, ""};
    for (size_t i = 0; field && i < d->choice_count; i++)
        if (set_field(field, d, (double)i, &options, &inner) != FFN_OK)
            return ffn_fail(error, inner.status, "search: dimension %s, choice %zu: %s", d->name, i, inner.message);
    return FFN_OK;
}

ffn_status ffn__space_check(const ffn_dimension *dimensions, size_t count, ffn_error *error)
{
    if (count > 0 && !dimensions) return ffn_fail(error, FFN_INVALID_ARGUMENT, "search: dimensions is NULL");
    for (size_t i = 0; i < count; i++) {
        if (!dimensions[i].name || !dimensions[i].name[0])
            return ffn_fail(error, FFN_INVALID_ARGUMENT, "search: dimension %zu has no name", i);
        for (size_t k = 0; k < i; k++)
            if (strcmp(dimensions[i].name, dimensions[k].name) == 0)
                return ffn_fail(error, FFN_INVALID_ARGUMENT, "search: two dimensions are named %s", dimensions[i].name);
        const char *problem = find_problem(&dimensions[i]);
        if (problem)
            return ffn_fail(error, FFN_INVALID_ARGUMENT, "search: dimension %s from %g to %g: %s", dimensions[i].name,
                            dimensions[i].low, dimensions[i].high, problem);
        const ffn_status status = check_names(&dimensions[i], error);
        if (status != FFN_OK) return status;
    }
    return FFN_OK;
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

/* The value at a share in [0, 1] of the range. */
static double between(const ffn_dimension *d, double share)
{
    double value =
        d->logarithmic ? exp(log(d->low) + share * (log(d->high) - log(d->low))) : d->low + share * (d->high - d->low);
    if (d->whole) value = floor(value + 0.5);
    const double low = d->whole ? ceil(d->low) : d->low, high = d->whole ? floor(d->high) : d->high;
    return fmin(fmax(value, low), high);
}

static size_t points_of(const ffn_dimension *d)
{
    if (d->choices) return d->choice_count;
    return d->low == d->high ? 1 : d->points ? d->points : 3;
}

size_t ffn__space_points(const ffn_dimension *dimensions, size_t count)
{
    size_t product = 1;
    for (size_t i = 0; i < count; i++)
        if (!ffn__multiply(product, points_of(&dimensions[i]), &product)) return SIZE_MAX;
    return product;
}

void ffn__space_grid(const ffn_dimension *dimensions, size_t count, size_t index, double *values)
{
    for (size_t i = count; i-- > 0;) {
        const ffn_dimension *d = &dimensions[i];
        const size_t points = points_of(d), place = index % points;
        index /= points;
        values[i] = d->choices ? (double)place : between(d, points > 1 ? (double)place / (double)(points - 1) : 0);
    }
}

void ffn__space_draw(const ffn_dimension *dimensions, size_t count, uint64_t seed, size_t index, double *values)
{
    ffn_random random = ffn_random_create(seed, FFN__STREAM_SEARCH, (uint32_t)index);
    for (size_t i = 0; i < count; i++) {
        const ffn_dimension *d = &dimensions[i];
        const double high = (double)(ffn_random_bits(&random) >> 5), low = (double)(ffn_random_bits(&random) >> 6);
        const double share = (high * 67108864.0 + low) / 9007199254740992.0; /* 53 bits, below 1 */
        values[i] = d->choices ? floor(share * (double)d->choice_count) : between(d, share);
    }
}

/* ---- a trial's values by name ---------------------------------------------------------------------------------- */

static size_t find_dimension(const ffn_trial *trial, const char *name)
{
    for (size_t i = 0; trial && name && i < trial->dimension_count; i++)
        if (strcmp(trial->dimensions[i].name, name) == 0) return i;
    return SIZE_MAX;
}

double ffn_trial_number(const ffn_trial *trial, const char *name)
{
    const size_t i = find_dimension(trial, name);
    return i == SIZE_MAX || trial->dimensions[i].choices ? (double)NAN : trial->values[i];
}

size_t ffn_trial_size(const ffn_trial *trial, const char *name)
{
    const double value = ffn_trial_number(trial, name);
    return value >= 0 && value <= 9007199254740992.0 ? (size_t)(value + 0.5) : 0;
}

const char *ffn_trial_choice(const ffn_trial *trial, const char *name)
{
    const size_t i = find_dimension(trial, name);
    return i == SIZE_MAX || !trial->dimensions[i].choices ? NULL
                                                          : trial->dimensions[i].choices[(size_t)trial->values[i]];
}
