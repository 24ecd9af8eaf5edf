/* What the choice of the activation does to learning: networks that differ in nothing else, from the same initial weights
 * on the same rows in the same order, measured layer by layer and epoch by epoch.
 *
 *     main.c        the command line                  data.c     rows: the bundled digits, or a set in MNIST's form
 *     config.c      the study and its named variants  network.c  a network and its initial weights
 *     moments.c     E f, E f^2, E f'^2 by integration probe.c    what a network's layers do
 *     statistics.c  intervals and tests               train.c    one run
 *     record.c      CSV files, written and resumed    schedule.c all runs of a study, in order
 *     report.c      the page of text                  figures.c  SVG images
 *
 * Everything goes through ffn.h. Functions that can fail return an ffn_status and take the error last, as the library's. */
#ifndef STUDY_H
#define STUDY_H

#include <ffn.h>
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum {
    STUDY_MOST_ACTIVATIONS = 20,
    STUDY_MOST_LAYERS = 64,
    STUDY_MOST_SEEDS = 64,
    STUDY_MOST_RATES = 8,
    STUDY_MOST_DEPTHS = 6,
    STUDY_TUNING_SEED = 1000 /* final runs have seeds 1, 2, ... */
};

/* ---- what to do: config.c ---------------------------------------------------------------------------------------- */

typedef enum study_scale {
    STUDY_STANDARDIZE = 0, /* each pixel to mean 0 and variance 1 over the training rows */
    STUDY_UNIT             /* to [0, 1], by the largest of the training rows */
} study_scale;

typedef enum study_init {
    STUDY_HE = 0, /* variance 2 / inputs */
    STUDY_LECUN,  /* variance 1 / inputs */
    STUDY_NORMED, /* each unit's incoming weights have norm 1 */
    STUDY_OWN,    /* the variance of the library's default for the activation; the same numbers otherwise */
    STUDY_INITS
} study_init;
extern const char *const study_init_names[STUDY_INITS];

typedef struct study_config {
    const char *name, *what;
    const char *activations;          /* names with commas in between */
    size_t units;                     /* of every hidden layer */
    size_t layers;                    /* hidden, of the networks that are tuned and compared; 0: none */
    size_t depths[STUDY_MOST_DEPTHS]; /* hidden layers of the networks of the gradient study; 0 ends the list */
    size_t depth_epochs, depth_seeds; /* of the gradient study */
    double depth_rate;
    size_t tune_epochs, epochs, seeds;
    double
        rates[STUDY_MOST_RATES]; /* to choose from by the validation's loss; 0 ends the list; a single one is taken */
    const char *optimizer;       /* as ffn_optimizer_by_name takes it */
    double dropout;              /* after every hidden layer */
    double l2;                   /* l2 sum w^2 in the loss */
    size_t batch;
    size_t patience; /* end when the training loss has not fallen by 1e-4 for so many epochs; 0: never */
    study_scale scale;
    study_init init;
    bool normal_biases;  /* of variance 1, else 0 */
    bool sigmoid_output; /* ten sigmoids and their cross entropies' sum, else softmax */
    size_t validation;   /* rows taken from the training rows; 0: a tenth */
    size_t rows;         /* for training; 0: all */
    size_t probe_rows;   /* of the training rows, on which layers are measured */
} study_config;

/* A figure that somebody published, for the experiment of that name. */
typedef struct study_published {
    const char *experiment, *activation, *figure; /* figure: see report.c */
    size_t layers, layer;                         /* 0 where the figure is of the network */
    double value, tolerance;
} study_published;

extern const study_config study_configs[]; /* one without a name ends them; the first is the study itself */
extern const study_published study_published_figures[]; /* likewise */

/* The study in a size that takes less than a minute on the bundled digits. */
study_config study_quick(study_config config);

/* The activations by their names, with PyTorch's numbers. */
typedef struct study_activations {
    size_t count;
    char names[STUDY_MOST_ACTIVATIONS][24];
    ffn_activation kinds[STUDY_MOST_ACTIVATIONS];
} study_activations;
ffn_status study_parse_activations(const char *names, study_activations *activations, ffn_error *error);

/* ---- theory: moments.c ------------------------------------------------------------------------------------------- */

typedef struct study_moments {
    double mean, square, slope_square; /* E f(z), E f(z)^2, E f'(z)^2 */
} study_moments;

/* Of z ~ N(0, variance), by the midpoint rule on the library's own functions. */
ffn_status study_compute_moments(ffn_activation activation, double variance, study_moments *moments, ffn_error *error);
/* The largest |f'| on [-20, 20]. */
ffn_status study_largest_slope(ffn_activation activation, double *largest, ffn_error *error);

typedef struct study_known_moments {
    const char *name;
    study_moments moments; /* for z ~ N(0, 1), to six decimals */
} study_known_moments;
extern const study_known_moments study_known[]; /* one without a name ends them */

/* Prints what is known beside what is found. FFN_INVALID_ARGUMENT if one is off by more than 1e-6. */
ffn_status study_check_moments(const study_known_moments *known, FILE *out, ffn_error *error);

/* ---- statistics.c ------------------------------------------------------------------------------------------------ */

double study_mean(const double *x, size_t n);
double study_deviation(const double *x, size_t n); /* of a sample, over n - 1; NaN for n < 2 */
/* Half the width of the mean's 95 % interval, by Student's t; NaN for n < 2. */
double study_interval(const double *x, size_t n);
double study_median(const double *x, size_t n);
/* P(|T| >= |t|) for Student's t with `freedom` degrees of freedom. */
double study_student_tails(double t, double freedom);
/* Welch's test of equal means: the two-sided p; 1 for equal samples without variance, NaN for n < 2. */
double study_welch(const double *x, size_t n, const double *y, size_t m);
/* Holm 1979: adjusts p [count] for being the best of many, in place. */
void study_holm(double *p, size_t count);

/* ---- data.c ------------------------------------------------------------------------------------------------------ */

typedef struct study_data {
    char name[32];
    size_t features, classes;
    float *x;
    ffn_dataset *train, *validation, *test;
} study_data;

/* idx: a folder with MNIST's four files, packed or not; NULL: the digits in the CSV file `csv`. */
ffn_status study_load(const study_config *config, const char *idx, const char *csv, study_data *data, ffn_error *error);
void study_unload(study_data *data);

/* ---- networks: network.c ----------------------------------------------------------------------------------------- */

typedef struct study_network {
    const study_config *config;
    ffn_activation activation;
    size_t layers, features, classes;
    uint64_t seed;
} study_network;

/* Parameters: hidden1.weight, hidden1.bias, ... output.weight, output.bias. NULL after an error. */
ffn_model *study_build(const study_network *network, ffn_error *error);
/* Variance of the initial weights of a layer with so many inputs and units. */
double study_weight_variance(const study_config *config, ffn_activation activation, size_t inputs, size_t units);
ffn_loss study_loss(const study_config *config);
/* A parameter's index by its layer, "hidden3" or "output", and its kind. */
ffn_status study_find(const ffn_model *model, size_t layer, size_t layers, const char *kind, size_t *index,
                      ffn_error *error);

/* ---- layers: probe.c --------------------------------------------------------------------------------------------- */

/* z are a layer's sums, y = f(z) its values, dz and dy the loss's gradients. */
typedef enum study_quantity {
    STUDY_MEAN = 0,          /* of y */
    STUDY_VARIANCE,          /* of y */
    STUDY_SUM_SQUARE,        /* mean z^2 */
    STUDY_GRADIENT_VARIANCE, /* mean dz^2 */
    STUDY_GAIN,              /* mean dz^2 of this layer over that of the next */
    STUDY_THEORY_MEAN,       /* the same for z ~ N(0, q), q by recursion from the inputs; at the start only */
    STUDY_THEORY_VARIANCE,
    STUDY_THEORY_SUM_SQUARE,
    STUDY_THEORY_GRADIENT_VARIANCE,
    STUDY_THEORY_GAIN,
    STUDY_WEIGHT_GRADIENT, /* norm of the weights' gradient */
    STUDY_BIAS_GRADIENT,
    STUDY_DEAD,      /* share of units with f' = 0 on every row */
    STUDY_SATURATED, /* share of units with |f'| < 1 % of its largest on every row */
    STUDY_FLAT,      /* share of values with |f'| < 1 % of its largest */
    STUDY_ZEROS,     /* share of values that are 0 */
    STUDY_SLOPE,     /* PReLU's, learned; their mean where each unit has one */
    STUDY_QUANTITIES
} study_quantity;
extern const char *const study_quantity_names[STUDY_QUANTITIES];

/* Quantities of one layer; NaN where one is not defined. */
typedef struct study_layer {
    double q[STUDY_QUANTITIES];
} study_layer;

typedef struct study_probe study_probe;
study_probe *study_probe_create(const study_network *network, const ffn_dataset *data, ffn_error *error);
void study_probe_destroy(study_probe *probe);
/* Measures the model's hidden layers [layers]. with_theory: the model is as study_build made it; then the gradients are
 * also compared with those of a plan, and an error says where they differ. */
ffn_status study_probe_measure(study_probe *probe, const ffn_model *model, bool with_theory, study_layer *layers,
                               ffn_error *error);

/* ---- runs: train.c ----------------------------------------------------------------------------------------------- */

typedef enum study_stage { STUDY_DEPTH = 0, STUDY_TUNE, STUDY_FINAL, STUDY_STAGES } study_stage;
extern const char *const study_stage_names[STUDY_STAGES];

typedef struct study_run {
    study_stage stage;
    size_t activation; /* its place among the study's */
    size_t layers, epochs;
    double rate;
    uint64_t seed;
} study_run;

typedef enum study_score {
    STUDY_TRAIN_LOSS = 0, /* mean over the epoch, as training meets it */
    STUDY_TRAIN_ACCURACY,
    STUDY_VALIDATION_LOSS, /* at the epoch's end, as are the next ones */
    STUDY_VALIDATION_ACCURACY,
    STUDY_TEST_LOSS,
    STUDY_TEST_ACCURACY,
    STUDY_SCORES
} study_score;
extern const char *const study_score_names[STUDY_SCORES];

/* What a run left behind. A run that diverges ends with an epoch whose scores are NaN. */
typedef struct study_result {
    study_run run;
    size_t epochs;
    double (*scores)[STUDY_SCORES]; /* [epochs], owned */
    double *seconds;                /* [epochs] of training since the run began, owned */
    size_t measured;                /* times the layers were measured: at the start and after each epoch */
    study_layer *layers;            /* [measured][run.layers], owned */
} study_result;

/* Called after each epoch of a run. */
typedef void (*study_watch)(const study_run *run, size_t epoch, void *user);

ffn_status study_train(const study_config *config, const study_activations *activations, const study_data *data,
                       const study_run *run, study_watch watch, void *user, study_result *result, ffn_error *error);
/* Room for a run's epochs. */
ffn_status study_result_create(study_result *result, const study_run *run, ffn_error *error);
void study_result_destroy(study_result *result);
/* Of the last epoch; NaN if it diverged. */
double study_last(const study_result *result, study_score score);

/* ---- files: record.c --------------------------------------------------------------------------------------------- */

/* DIR/epochs.csv, layers.csv and times.csv. Each begins with the number of the run and what the run is, so that a study
 * that was interrupted goes on where it was; only times.csv differs between two studies of the same options. */
typedef struct study_record study_record;
study_record *study_record_open(const char *folder, const char *data, const study_config *config,
                                const study_activations *activations, ffn_error *error);
void study_record_close(study_record *record);
/* The next run, if the files have all of it: *found says. If they have not, what stands from there on is dropped, and
 * runs are to be written. FFN_BAD_FORMAT: the files hold another study. */
ffn_status study_record_read(study_record *record, const study_run *run, study_result *result, bool *found,
                             ffn_error *error);
ffn_status study_record_write(study_record *record, const study_result *result, ffn_error *error);

/* ---- all of it: schedule.c --------------------------------------------------------------------------------------- */

typedef struct study {
    study_config config;
    study_activations activations;
    study_data data;
    const char *folder;
    size_t count;
    study_result *results;                /* [count] in the order of the runs, owned */
    double rates[STUDY_MOST_ACTIVATIONS]; /* tuned */
} study;

/* Does all runs, with progress on standard error. */
ffn_status study_execute(study *s, ffn_error *error);
void study_free(study *s);

/* The results of a stage for an activation (and, unless 0, a number of layers), in the order of the seeds: at most
 * STUDY_MOST_SEEDS. Returns how many. */
size_t study_select(const study *s, study_stage stage, size_t activation, size_t layers, const study_result **results);
/* A layer's quantity after `epoch`, averaged over results that have it; NaN if none has. layer from 1; 0: the mean of all
 * layers. */
double study_average(const study_result **results, size_t count, size_t epoch, size_t layer, study_quantity quantity);

/* ---- what comes out: report.c, figures.c ------------------------------------------------------------------------- */

/* To `out`. */
ffn_status study_report(const study *s, FILE *out, ffn_error *error);
/* Writes the folder's SVG images. */
ffn_status study_draw(const study *s, ffn_error *error);
/* activation-NAME.svg in the folder: f and f' of each of the library's activations. */
ffn_status study_draw_curves(const char *folder, ffn_error *error);

#endif
