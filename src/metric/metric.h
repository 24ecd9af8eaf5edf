/* Metrics: figures of outputs beside targets, added up batch by batch. One table of kinds; each keeps sums, or the moments
 * of its columns, or the order of its scores. */
#ifndef FFN__METRIC_H
#define FFN__METRIC_H

#include "tensor/tensor.h"

/* Rows of one update. */
typedef struct ffn__metric_rows {
    size_t rows;
    const float *y;       /* [rows][outputs] */
    const float *targets; /* [rows][target_columns] */
    const float *weights; /* [rows], or NULL: all 1 */
} ffn__metric_rows;

typedef struct ffn__metric_kind {
    const char *name;
    bool lower_is_better;
    bool of_numbers;   /* a regression's; else of classes, or of outputs that are a yes or no */
    bool not_several;  /* has no meaning for several binary outputs */
    bool wants_number; /* the name has a number in place of its k */
    /* What the kind keeps: so many sums, moments of each column, or the ranking of each column. */
    size_t (*sums)(const ffn_metric *metric); /* NULL: none */
    bool keeps_moments, keeps_ranking;
    /* Adds at most FFN__METRIC_BLOCK rows to metric->part, or to what else it keeps. */
    void (*add)(ffn_metric *metric, const ffn__metric_rows *rows);
    double (*value)(ffn_metric *metric);
} ffn__metric_kind;

enum { FFN__METRIC_BLOCK = 256 };

/* A column of targets and how far outputs are from them, by the method of Chan, Golub and LeVeque 1979. */
typedef struct ffn__metric_moments {
    double weight, mean, squares; /* of the targets: sum w, mean, sum w (t - mean)^2 */
} ffn__metric_moments;

typedef struct ffn__ranking ffn__ranking; /* ranking.c */

struct ffn_metric {
    const ffn__metric_kind *kind;
    ffn_metric_options options; /* resolved */
    size_t k;                   /* of top_k_accuracy */
    size_t sum_count;
    double *sums, *rests; /* [sum_count]: a sum is both, after Neumaier 1974 */
    double *part;         /* [sum_count] of a block */
    double *row;          /* [outputs]: one row as probabilities */
    ffn__metric_moments *moments;
    ffn__ranking *ranking;
    bool spoiled; /* an output was not finite */
};

/* The built-in kind of that index; NULL past the last. */
const ffn__metric_kind *ffn__metric_kind_at(size_t index);
/* An error of the public `call` if no metric is called so; it lists those that are. */
ffn_status ffn__metric_check_name(const char *name, const char *call, ffn_error *error);
/* ffn_metric_update with outputs of another nature than the metric's options say. */
ffn_status ffn__metric_update(ffn_metric *metric, const float *y, bool logits, const float *targets,
                              const float *weights, size_t rows, ffn_error *error);

static inline double ffn__metric_weight(const ffn__metric_rows *rows, size_t row)
{
    return rows->weights ? (double)rows->weights[row] : 1;
}
static inline double ffn__metric_sum(const ffn_metric *metric, size_t index)
{
    return metric->sums[index] + metric->rests[index];
}

/* ---- classes (classes.c) --------------------------------------------------------------------------------------- */

/* Probabilities [outputs] of a row of outputs, valid until the next call. */
const double *ffn__metric_probabilities(const ffn_metric *metric, const float *y);
/* One of several classes: which it is. */
size_t ffn__metric_target_class(const ffn_metric *metric, const float *targets);
/* Of an output that is a yes or no. */
static inline bool ffn__metric_is_yes(const ffn_metric *metric, float target)
{
    return target > (metric->options.signs ? 0 : (float)0.5);
}
static inline bool ffn__metric_one_of_classes(const ffn_metric *metric)
{
    return metric->options.outputs > 1 && !metric->options.several;
}

size_t ffn__accuracy_sums(const ffn_metric *metric);
void ffn__accuracy_add(ffn_metric *metric, const ffn__metric_rows *rows);
void ffn__top_k_add(ffn_metric *metric, const ffn__metric_rows *rows);
void ffn__log_loss_add(ffn_metric *metric, const ffn__metric_rows *rows);
double ffn__mean_value(ffn_metric *metric);
size_t ffn__counts_sums(const ffn_metric *metric);
void ffn__counts_add(ffn_metric *metric, const ffn__metric_rows *rows);
double ffn__balanced_accuracy_value(ffn_metric *metric);
double ffn__precision_value(ffn_metric *metric);
double ffn__recall_value(ffn_metric *metric);
double ffn__f1_value(ffn_metric *metric);
size_t ffn__calibration_sums(const ffn_metric *metric);
void ffn__calibration_add(ffn_metric *metric, const ffn__metric_rows *rows);
double ffn__calibration_value(ffn_metric *metric);

/* ---- numbers (numbers.c) --------------------------------------------------------------------------------------- */

void ffn__mae_add(ffn_metric *metric, const ffn__metric_rows *rows);
void ffn__mape_add(ffn_metric *metric, const ffn__metric_rows *rows);
void ffn__mse_add(ffn_metric *metric, const ffn__metric_rows *rows);
double ffn__rmse_value(ffn_metric *metric);
size_t ffn__r2_sums(const ffn_metric *metric);
void ffn__r2_add(ffn_metric *metric, const ffn__metric_rows *rows);
double ffn__r2_value(ffn_metric *metric);

/* ---- order of scores (ranking.c) ------------------------------------------------------------------------------- */

ffn__ranking *ffn__ranking_create(size_t columns, size_t exact_scores, ffn_error *error);
void ffn__ranking_destroy(ffn__ranking *ranking);
void ffn__ranking_reset(ffn__ranking *ranking);
/* Makes room for so many more rows: after FFN_OK adding them cannot fail. */
ffn_status ffn__ranking_reserve(ffn__ranking *ranking, size_t rows, ffn_error *error);
void ffn__ranking_add(ffn_metric *metric, const ffn__metric_rows *rows);
double ffn__roc_auc_value(ffn_metric *metric);
double ffn__average_precision_value(ffn_metric *metric);
/* How far the value may be from that of exact scores. */
double ffn__ranking_bound(const ffn_metric *metric);

#endif
