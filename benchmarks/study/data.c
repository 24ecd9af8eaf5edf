#include "study.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Rows of pixels and labels: [validation, training, test]. */
typedef struct pool {
    float *x;
    uint32_t *labels;
    size_t rows, features, classes, test;
} pool;

static ffn_status pool_create(pool *p, size_t rows, size_t features, ffn_error *error)
{
    p->rows = rows;
    p->features = features;
    p->x = malloc(rows * features * sizeof *p->x);
    p->labels = malloc(rows * sizeof *p->labels);
    return p->x && p->labels ? FFN_OK : ffn_fail(error, FFN_OUT_OF_MEMORY, "no memory for %zu rows", rows);
}

/* Row `from` of the dataset becomes the pool's row `to`. */
static void take(pool *p, const ffn_dataset *dataset, size_t from, size_t to)
{
    const float *x = ffn_dataset_inputs(dataset).data;
    memcpy(p->x + to * p->features, x + from * p->features, p->features * sizeof *x);
    p->labels[to] = (uint32_t)ffn_dataset_targets(dataset).data[from];
}

/* ---- sources ------------------------------------------------------------------------------------------------------- */

static ffn_dataset *load_part(const char *folder, const char *part, ffn_error *error)
{
    char images[1024], labels[1024];
    ffn_dataset *dataset = NULL;
    static const char *const ends[] = {".gz", ""};
    for (size_t i = 0; i < COUNT(ends) && !dataset; i++) {
        (void)snprintf(images, sizeof images, "%s/%s-images-idx3-ubyte%s", folder, part, ends[i]);
        (void)snprintf(labels, sizeof labels, "%s/%s-labels-idx1-ubyte%s", folder, part, ends[i]);
        dataset = ffn_dataset_load_idx(images, labels, error);
    }
    return dataset;
}

static ffn_status load_idx(const char *folder, pool *p, ffn_error *error)
{
    ffn_dataset *train = load_part(folder, "train", error);
    ffn_dataset *test = train ? load_part(folder, "t10k", error) : NULL;
    ffn_status status = FFN_IO_ERROR;
    if (test) {
        const size_t features = ffn_shape_size(ffn_dataset_sample_shape(train)), rows = ffn_dataset_rows(train);
        p->test = ffn_dataset_rows(test);
        p->classes = ffn_dataset_classes(train);
        status = ffn_shape_size(ffn_dataset_sample_shape(test)) == features && ffn_dataset_classes(test) <= p->classes
                     ? pool_create(p, rows + p->test, features, error)
                     : ffn_fail(error, FFN_SHAPE_MISMATCH, "%s: training and test rows are of different kinds", folder);
        for (size_t i = 0; status == FFN_OK && i < rows; i++) take(p, train, i, i);
        for (size_t i = 0; status == FFN_OK && i < p->test; i++) take(p, test, i, rows + i);
    }
    ffn_dataset_destroy(train);
    ffn_dataset_destroy(test);
    return status;
}

/* A table has its rows shuffled, and a fifth of them is for the test. */
static ffn_status load_csv(const char *path, pool *p, ffn_error *error)
{
    const ffn_csv_options options = {.classification = true};
    ffn_dataset *all = ffn_dataset_load_csv(path, &options, error);
    if (!all) return FFN_IO_ERROR;
    const size_t rows = ffn_dataset_rows(all);
    ffn_status status = pool_create(p, rows, ffn_shape_size(ffn_dataset_sample_shape(all)), error);
    size_t *order = malloc(rows * sizeof *order);
    if (status == FFN_OK && !order) status = ffn_fail(error, FFN_OUT_OF_MEMORY, "no memory for %zu rows", rows);
    if (status == FFN_OK) {
        ffn_random random = ffn_random_create(1, 0, 0);
        p->test = rows / 5;
        p->classes = ffn_dataset_classes(all);
        for (size_t i = 0; i < rows; i++) {
            const size_t j = ffn_random_below(&random, i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        for (size_t i = 0; i < rows; i++) take(p, all, order[i], i);
    }
    free(order);
    ffn_dataset_destroy(all);
    return status;
}

/* ---- scaling ------------------------------------------------------------------------------------------------------- */

/* By the training rows [first, first + rows). A constant pixel becomes 0. */
static void standardize(pool *p, size_t first, size_t rows)
{
    for (size_t j = 0; j < p->features; j++) {
        double mean = 0, squares = 0;
        for (size_t i = first; i < first + rows; i++) mean += (double)p->x[i * p->features + j] / (double)rows;
        for (size_t i = first; i < first + rows; i++) {
            const double d = (double)p->x[i * p->features + j] - mean;
            squares += d * d / (double)rows;
        }
        const double factor = squares > 0 ? 1 / sqrt(squares) : 1;
        for (size_t i = 0; i < p->rows; i++) {
            float *x = &p->x[i * p->features + j];
            *x = (float)(((double)*x - mean) * factor);
        }
    }
}

static void scale_to_unit(pool *p, size_t first, size_t rows)
{
    float largest = 0;
    for (size_t i = first * p->features; i < (first + rows) * p->features; i++)
        if (p->x[i] > largest) largest = p->x[i];
    for (size_t i = 0; largest > 0 && i < p->rows * p->features; i++) p->x[i] /= largest;
}

/* ---- parts --------------------------------------------------------------------------------------------------------- */

static ffn_dataset *part(const study_config *config, const pool *p, size_t first, size_t rows, ffn_error *error)
{
    ffn_dataset *labelled = ffn_dataset_from_labels(p->x + first * p->features, ffn_shape_1d(p->features),
                                                    p->labels + first, p->classes, rows, error);
    if (!labelled || !config->sigmoid_output) return labelled;
    ffn_dataset *targets = ffn_dataset_one_hot(labelled, error);
    ffn_dataset_destroy(labelled);
    return targets;
}

static ffn_status divide(const study_config *config, pool *p, study_data *data, ffn_error *error)
{
    const size_t known = p->rows - p->test, validation = config->validation ? config->validation : known / 10;
    if (validation >= known)
        return ffn_fail(error, FFN_INVALID_ARGUMENT,
                        "data: %zu rows beside the test, expected more than the %zu for "
                        "validation",
                        known, validation);
    size_t rows = known - validation;
    if (config->rows && config->rows < rows) rows = config->rows;
    (config->scale == STUDY_UNIT ? scale_to_unit : standardize)(p, validation, rows);
    data->validation = part(config, p, 0, validation, error);
    data->train = data->validation ? part(config, p, validation, rows, error) : NULL;
    data->test = data->train ? part(config, p, known, p->test, error) : NULL;
    return data->test ? FFN_OK : FFN_INVALID_ARGUMENT;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

ffn_status study_load(const study_config *config, const char *idx, const char *csv, study_data *data, ffn_error *error)
{
    pool p = {0};
    *data = (study_data){0};
    (void)snprintf(data->name, sizeof data->name, "%.31s", idx ? base_name(idx) : base_name(csv));
    for (char *c = data->name; *c; c++)
        if (*c == ',' || *c == '\n') *c = '_';
    ffn_status status = idx ? load_idx(idx, &p, error) : load_csv(csv, &p, error);
    if (status == FFN_OK) status = divide(config, &p, data, error);
    data->x = p.x;
    data->features = p.features;
    data->classes = p.classes;
    free(p.labels);
    if (status != FFN_OK) study_unload(data);
    return status;
}

void study_unload(study_data *data)
{
    ffn_dataset_destroy(data->train);
    ffn_dataset_destroy(data->validation);
    ffn_dataset_destroy(data->test);
    free(data->x);
    *data = (study_data){0};
}
