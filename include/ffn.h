/* FFN: feedforward neural networks in C, at the speed of the BLAS.
 *
 *     const float x[4][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, y[4] = {0, 1, 1, 0};
 *     ffn_error error = {0};
 *
 *     ffn_model *model = ffn_model_create(42, &error);
 *     ffn_value h = ffn_input(model, ffn_shape_1d(2));
 *     h = ffn_dense(model, h, 8, ffn_tanh());
 *     h = ffn_dense(model, h, 1, ffn_sigmoid());
 *     if (ffn_model_build(model, h, &error) != FFN_OK) return complain(&error);
 *
 *     ffn_dataset *data = ffn_dataset_from_arrays(&x[0][0], ffn_shape_1d(2), y, ffn_shape_1d(1), 4, &error);
 *     ffn_fit_options options = ffn_fit_defaults();
 *     options.loss = ffn_binary_cross_entropy();
 *     options.optimizer = ffn_adam(0.05f);
 *     options.epochs = 500;
 *     if (ffn_fit(model, data, &options, NULL, &error) != FFN_OK) return complain(&error);
 *
 *     float p[4];
 *     if (ffn_predict(model, &x[0][0], 4, p, &error) != FFN_OK) return complain(&error);
 *     for (int i = 0; i < 4; i++) printf("%g xor %g = %.3f\n", x[i][0], x[i][1], p[i]);
 *
 *     ffn_dataset_destroy(data);
 *     ffn_model_destroy(model);
 *
 * Conventions, which hold wherever a comment does not say otherwise:
 *   - Data is float32, row-major and contiguous. A batch of `rows` samples of shape (a, b) is an array [rows][a][b].
 *   - A call that can fail returns an ffn_status, or a handle that is NULL on failure, and takes `ffn_error *error`
 *     last. NULL is allowed there. On success the error is left alone.
 *   - Handles are made by ..._create or ..._load and freed by ..._destroy; destroy(NULL) does nothing. A NULL handle
 *     elsewhere is FFN_INVALID_ARGUMENT, or is ignored where the call cannot report.
 *   - Pointers passed in are borrowed for the call. What is borrowed for longer says so.
 *   - A const model may be used by any number of threads at once. Every other handle serves one thread at a time.
 *   - The library never prints, exits, aborts, seeds rand, reads the environment or depends on the locale.
 *
 * The process's BLAS threads: FFN has threads of its own and calls OpenBLAS with one thread per call. Before the first
 * product it calls openblas_set_num_threads(1), which is process-wide: an application that wants a threaded BLAS for
 * itself sets the number again around its own calls, not while FFN runs. Where OpenBLAS was built with OpenMP, it instead
 * sets OpenMP's number, the calling thread's own, to 1 around each call and puts it back; not on macOS, where it calls
 * openblas_set_num_threads(1) then too. A build without OpenBLAS does nothing of this. */
#ifndef FFN_H
#define FFN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default) /* of all that a shared library has, what follows is seen outside */
#endif

/* ---- version -------------------------------------------------------------------------------------------------- */

#define FFN_VERSION_MAJOR 0
#define FFN_VERSION_MINOR 1
#define FFN_VERSION_PATCH 0

/* The version of the library linked, as "major.minor.patch". */
const char *ffn_version(void);

/* ---- status ---------------------------------------------------------------------------------------------------- */

typedef enum ffn_status {
    FFN_OK = 0,
    FFN_INVALID_ARGUMENT, /* a value outside its range, a NULL that is not allowed, data that is not finite */
    FFN_SHAPE_MISMATCH,   /* shapes that do not fit together */
    FFN_OUT_OF_MEMORY,
    FFN_IO_ERROR,    /* the operating system's: not found, not readable, disk full */
    FFN_BAD_FORMAT,  /* a file's content */
    FFN_UNSUPPORTED, /* right, but not something this build can do */
    FFN_DIVERGED, /* training met a loss or gradient that is not finite: the last good weights stand; or a weight whose
                        new value would not be finite: it keeps the old one */
    FFN_STOPPED   /* a callback asked to stop */
} ffn_status;

/* What went wrong, as a sentence that says where, what was found and what was expected. */
typedef struct ffn_error {
    ffn_status status;
    char message[256];
} ffn_error;

/* A status's name: "out of memory". Never NULL. */
const char *ffn_status_name(ffn_status status);

/* ---- the process: memory and threads ---------------------------------------------------------------------------- */

/* alloc returns at least `size` bytes aligned as malloc does, or NULL; free takes what alloc returned, never NULL. Both
 * may be called from several threads at once. */
typedef struct ffn_allocator {
    void *(*alloc)(size_t size, void *user);
    void (*free)(void *pointer, void *user);
    void *user;
} ffn_allocator;

/* Replaces malloc and free in the library itself; not in what it calls: the C library (buffers of files, stacks of
 * threads) and OpenBLAS. Call it before any object exists, from one thread; NULL goes back to malloc and free. */
ffn_status ffn_set_allocator(const ffn_allocator *allocator, ffn_error *error);

/* Sets how many threads, the caller's included, may work on one call, at most 1024; more are FFN_INVALID_ARGUMENT. 0: one
 * per core (the default). The threads start with the first work large enough for them. Results do not depend on the
 * number. Not while another call runs. */
ffn_status ffn_set_threads(size_t threads, ffn_error *error);

/* Ends the library's threads and waits for them; the next call that wants threads starts them again. For a program that
 * unloads the library or counts its threads; nobody else needs it. */
void ffn_stop_threads(void);

/* ---- tensors --------------------------------------------------------------------------------------------------- */

#define FFN_MAX_RANK 4

/* dim[0] varies slowest. rank 0 is a shape of one element. */
typedef struct ffn_shape {
    size_t rank;
    size_t dim[FFN_MAX_RANK];
} ffn_shape;

ffn_shape ffn_shape_1d(size_t a);
ffn_shape ffn_shape_2d(size_t a, size_t b);
ffn_shape ffn_shape_3d(size_t a, size_t b, size_t c);
ffn_shape ffn_shape_4d(size_t a, size_t b, size_t c, size_t d);
size_t ffn_shape_size(ffn_shape shape); /* number of elements; 0 if it does not fit a size_t or the rank is over 4 */
bool ffn_shape_equal(ffn_shape a, ffn_shape b);

/* A shape and memory of its size. A caller may make one over memory of their own. */
typedef struct ffn_tensor {
    ffn_shape shape;
    float *data;
} ffn_tensor;

/* Allocates shape's elements, zeroed and 64-byte aligned. Every dimension must be at least 1. */
ffn_status ffn_tensor_create(ffn_tensor *tensor, ffn_shape shape, ffn_error *error);
void ffn_tensor_destroy(ffn_tensor *tensor); /* only what ffn_tensor_create made; leaves {0} */
ffn_tensor ffn_tensor_view(float *data, ffn_shape shape);

/* NumPy's .npy: see ffn_dataset_load_npy for what is read. Writes little-endian floats in C order. *tensor must not own
 * memory; after an error it is as before. Loaded tensors are freed by ffn_tensor_destroy. */
ffn_status ffn_tensor_load_npy(ffn_tensor *tensor, const char *path, ffn_error *error);
ffn_status ffn_tensor_load_npy_memory(ffn_tensor *tensor, const void *bytes, size_t size, ffn_error *error);
ffn_status ffn_tensor_save_npy(const ffn_tensor *tensor, const char *path, ffn_error *error);

/* c = alpha op(a) op(b) + beta c for matrices (rank 2), where op transposes if asked. With beta 0 c need not hold
 * numbers. c must not overlap a or b. */
ffn_status ffn_matmul(ffn_tensor *c, const ffn_tensor *a, bool transpose_a, const ffn_tensor *b, bool transpose_b,
                      float alpha, float beta, ffn_error *error);

/* ---- random streams -------------------------------------------------------------------------------------------- */

/* A counter-based generator (Philox 4x32-10: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 * Number i of a stream is a function of seed, stream, step and i alone, so it is the same on every platform, for any
 * number of threads. A plain value: copy it to go back. `position` is the next i. */
typedef struct ffn_random {
    uint64_t seed;
    uint32_t stream, step;
    uint64_t position;
} ffn_random;

ffn_random ffn_random_create(uint64_t seed, uint32_t stream, uint32_t step);
uint32_t ffn_random_bits(ffn_random *random);
float ffn_random_uniform(ffn_random *random);              /* [0, 1), a multiple of 2^-24 */
float ffn_random_normal(ffn_random *random);               /* mean 0, variance 1; uses two numbers of the stream */
size_t ffn_random_below(ffn_random *random, size_t bound); /* 0 .. bound - 1, unbiased; 0 for bound 0 */

/* ---- activations ----------------------------------------------------------------------------------------------- */

/* A kind is a small value: its table of functions and its numbers. One made of zeros is the default, linear. */
typedef struct ffn_activation_ops ffn_activation_ops;
typedef struct ffn_activation {
    const ffn_activation_ops *ops; /* NULL: linear */
    float alpha;                   /* the kind's number: slope, alpha or beta */
    bool per_unit;                 /* a learned slope for each unit instead of one for the layer */
    const float *slope;            /* learned slopes, set by the layer that owns them; NULL: alpha is the slope */
} ffn_activation;

ffn_activation ffn_linear(void);  /* x */
ffn_activation ffn_sigmoid(void); /* 1 / (1 + e^-x) */
ffn_activation ffn_tanh(void);
ffn_activation ffn_relu(void);                          /* max(x, 0) */
ffn_activation ffn_leaky_relu(float slope);             /* x, or slope x below 0; slope >= 0, often 0.01 */
ffn_activation ffn_prelu(float initial_slope);          /* x, or a x below 0; a is learned, one per layer; often 0.25 */
ffn_activation ffn_prelu_per_unit(float initial_slope); /* a is learned, one per unit (last axis) */
ffn_activation ffn_elu(float alpha);                    /* x, or alpha (e^x - 1) below 0; alpha >= 0, often 1 */
ffn_activation ffn_selu(void);                          /* 1.0507 elu(x) with alpha 1.67326 */
ffn_activation ffn_softmax(void);                       /* e^x / sum of e^x over the last axis; NaN with +inf */
ffn_activation ffn_log_softmax(void);                   /* logarithm of softmax */
ffn_activation ffn_swish(float beta);                   /* x sigmoid(beta x); beta 1 is SiLU */
ffn_activation ffn_gelu(void);                          /* x Phi(x), by erf */
ffn_activation ffn_gelu_tanh(void);                     /* x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2 */
ffn_activation ffn_softplus(void);                      /* log(1 + e^x) */
ffn_activation ffn_softsign(void);                      /* x / (1 + |x|) */
ffn_activation ffn_mish(void);                          /* x tanh(softplus(x)) */
ffn_activation ffn_hard_sigmoid(void);                  /* clip(x / 6 + 1/2, 0, 1) */
ffn_activation ffn_hard_swish(void);                    /* x hard_sigmoid(x) */

/* By the constructor's name without prefix: "relu", "leaky_relu", "gelu_tanh", ... with the usual number for its alpha.
 * "silu" is swish with beta 1. An unknown name is FFN_INVALID_ARGUMENT and the message lists the known ones. */
ffn_status ffn_activation_by_name(const char *name, ffn_activation *activation, ffn_error *error);
/* The name of built-in kind `index` in the order above; NULL past the last. */
const char *ffn_activation_name(size_t index);

/* y = f(x) for x, y [rows][cols]; x == y is allowed. */
ffn_status ffn_activation_forward(ffn_activation activation, size_t rows, size_t cols, const float *x, float *y,
                                  ffn_error *error);
/* dx = f'(x) dy for arrays [rows][cols], where y = f(x). dx == dy is allowed, and so is x == y for kinds whose table
 * says that backward needs only y. */
ffn_status ffn_activation_backward(ffn_activation activation, size_t rows, size_t cols, const float *x, const float *y,
                                   const float *dy, float *dx, ffn_error *error);

/* ---- losses ---------------------------------------------------------------------------------------------------- */

/* Reductions are PyTorch's means: over all elements; cross entropy over rows, weighted by the class weights; KL over
 * rows. Cross entropies are always computed from logits: a final softmax (sigmoid for the binary one) is fused with the
 * loss for training and still gives probabilities to predict. A network without it is taken to output logits. Where
 * flatten or reshape behind a softmax change the last axis, it is over other rows than the loss: losses that would be
 * fused with it are refused.
 *
 * Fields may be changed after the constructor. label_smoothing is in [0, 1). class_weights has `classes` entries, one
 * an output; it is borrowed by ffn_backward for the call and copied by a trainer. */
typedef struct ffn_loss_ops ffn_loss_ops;
typedef struct ffn_loss {
    const ffn_loss_ops *ops; /* NULL: by the network's output: softmax or log-softmax: cross entropy; sigmoid: binary
                                   cross entropy; anything else: mse */
    float delta;             /* of huber; beta of smooth_l1 */
    float label_smoothing;   /* cross entropies; 0: none */
    float positive_weight;   /* binary cross entropy: weight of targets 1; 0: 1 */
    /* cross_entropy and cross_entropy_soft; NULL: all 1. They weigh the loss, also that of a validation, and no metric:
     * see balanced_accuracy and ffn_dataset_set_weights */
    const float *class_weights;
    size_t classes; /* entries of class_weights */
} ffn_loss;

ffn_loss ffn_mse(void);
ffn_loss ffn_mae(void);
ffn_loss ffn_huber(float delta);         /* e^2 / 2 up to delta, then delta (|e| - delta / 2); delta > 0 */
ffn_loss ffn_smooth_l1(float beta);      /* e^2 / (2 beta) up to beta, then |e| - beta / 2; beta 0: mae */
ffn_loss ffn_binary_cross_entropy(void); /* targets in [0, 1], one an output */
ffn_loss ffn_cross_entropy(void);        /* targets: one class index a row, as a float */
ffn_loss ffn_cross_entropy_soft(void);   /* targets: one distribution a row */
ffn_loss ffn_kl_divergence(void);        /* sum t (log t - y) over rows; y: log-probabilities, or a final softmax */
ffn_loss ffn_hinge(void);                /* max(0, 1 - t y), targets -1 and 1 */

/* By the constructor's name without prefix, with delta 1. */
ffn_status ffn_loss_by_name(const char *name, ffn_loss *loss, ffn_error *error);

/* The loss of outputs y [rows][cols] for targets ([rows] class indices, or [rows][cols]), and its gradient with respect
 * to y in dy [rows][cols] unless that is NULL (dy == y is allowed). Cross entropies take y as logits. NaN if an
 * argument is out of range. */
double ffn_loss_compute(ffn_loss loss, size_t rows, size_t cols, const float *y, const float *targets, float *dy);

/* ---- optimizers ------------------------------------------------------------------------------------------------ */

/* Formulas and defaults are PyTorch's; fields may be changed after the constructor: o.beta1 = 0. weight_decay is
 * coupled (an L2 term in the gradient), decoupled in adamw; it acts on every parameter unless spare_biases leaves out
 * biases, normalization parameters and slopes. Gradient descent over all data is ffn_sgd with batch_size the data's
 * rows. */
typedef struct ffn_optimizer_ops ffn_optimizer_ops;
typedef struct ffn_optimizer {
    const ffn_optimizer_ops *ops;
    float learning_rate;
    float momentum;     /* sgd, rmsprop */
    float dampening;    /* sgd */
    float alpha;        /* rmsprop, adadelta: smoothing */
    float beta1, beta2; /* adam and its kin, lion */
    float epsilon;      /* adagrad, rmsprop, adadelta, adam and its kin */
    float weight_decay;
    float learning_rate_decay; /* adagrad: rate / (1 + k decay) at update k from 0 */
    float initial_accumulator; /* adagrad */
    float momentum_decay;      /* nadam */
    float eta_minus, eta_plus; /* rprop: what a step shrinks and grows by */
    float step_min, step_max;  /* rprop */
    size_t history;            /* lbfgs: updates that it remembers; 0: 10 */
    bool nesterov;             /* sgd */
    bool centered;             /* rmsprop */
    bool amsgrad;              /* adam, adamw */
    bool spare_biases;         /* weight decay on weights only */
} ffn_optimizer;

ffn_optimizer ffn_sgd(float learning_rate);
ffn_optimizer ffn_momentum(float learning_rate, float momentum);
ffn_optimizer ffn_nesterov(float learning_rate, float momentum);
ffn_optimizer ffn_adagrad(float learning_rate); /* epsilon 1e-10 */
ffn_optimizer ffn_rmsprop(float learning_rate); /* alpha 0.99, epsilon 1e-8 */
ffn_optimizer ffn_adam(float learning_rate);    /* beta1 0.9, beta2 0.999, epsilon 1e-8 */
ffn_optimizer ffn_adamw(float learning_rate, float weight_decay);
ffn_optimizer ffn_adadelta(float learning_rate); /* often 1; alpha 0.9, epsilon 1e-6 */
ffn_optimizer ffn_adamax(float learning_rate);   /* beta1 0.9, beta2 0.999, epsilon 1e-8, as are the next two's */
ffn_optimizer ffn_nadam(float learning_rate);    /* momentum_decay 0.004 */
ffn_optimizer ffn_radam(float learning_rate);
ffn_optimizer ffn_lion(float learning_rate, float weight_decay); /* beta1 0.9, beta2 0.99; decoupled decay */
/* For full batches: each weight has a step of its own, at first the learning rate, that shrinks by eta_minus 0.5 and
 * grows by eta_plus 1.2 between step_min 1e-6 and step_max 50. Later changes of the rate, as by a schedule, do nothing. */
ffn_optimizer ffn_rprop(float learning_rate);
/* Limited-memory BFGS, for small data: give it all rows as one batch and often learning_rate 1. ffn_fit and
 * ffn_trainer_step search along its direction, from the rate times it on, for a length that meets the strong Wolfe
 * conditions (1e-4 and 0.9) for the batch's loss, with at most 25 losses and gradients, mostly one; ffn_trainer_apply, which
 * has no batch, moves by the rate. As torch.optim.LBFGS with max_iter 1, and line_search_fn "strong_wolfe" or None. Clips,
 * rates of layers and accumulate are not for it, and refused. Nocedal 1980; Nocedal and Wright 2006. */
ffn_optimizer ffn_lbfgs(float learning_rate);

/* By the constructor's name without prefix, with its usual rate: sgd, momentum (0.9), nesterov (0.9) and adagrad 0.01,
 * rmsprop 0.01, adam and adamw 0.001 (weight decay 0.01), adadelta 1, adamax and nadam 0.002, radam 0.001, lion 0.0001
 * (weight decay 0), rprop 0.01, lbfgs 1. */
ffn_status ffn_optimizer_by_name(const char *name, ffn_optimizer *optimizer, ffn_error *error);

/* ---- schedules ------------------------------------------------------------------------------------------------- */

/* The learning rate as a function of the base rate (the optimizer's) and k, the number of updates so far. Rates are
 * computed in double. One made of zeros is constant. */
typedef struct ffn_schedule_ops ffn_schedule_ops;
typedef struct ffn_schedule {
    const ffn_schedule_ops *ops; /* NULL: constant */
    size_t steps;                /* every, steps or patience */
    float factor;                /* factor, power, final or maximal rate */
    size_t warmup;               /* updates of linear warm-up before it; 0: none */
    size_t multiple;             /* of cosine_restarts */
} ffn_schedule;

ffn_schedule ffn_constant_rate(void);
ffn_schedule ffn_step_decay(size_t every, float factor);       /* base factor^(k / every), rounded down */
ffn_schedule ffn_exponential_decay(float factor);              /* base factor^k */
ffn_schedule ffn_cosine_decay(size_t steps, float final_rate); /* half a cosine from base to final_rate */
ffn_schedule ffn_polynomial_decay(size_t steps, float power);  /* base (1 - k / steps)^power, then 0 */
/* The cosine again and again: the first takes `steps` updates, each later one `multiple` times those of the one before;
 * Loshchilov, Hutter 2017. */
ffn_schedule ffn_cosine_restarts(size_t steps, size_t multiple, float final_rate);
ffn_schedule ffn_one_cycle(float max_rate, size_t steps);          /* PyTorch's OneCycleLR: up from max / 25 over 30 %,
                                                                          down to max / 250000, both as cosines */
ffn_schedule ffn_reduce_on_plateau(float factor, size_t patience); /* times factor when the metric (a loss) has not
                                                                          improved by 1e-4 of itself for more than
                                                                          `patience` reports */
ffn_schedule ffn_warmup(ffn_schedule then, size_t steps);          /* update k < steps: times (k + 1) / steps */

/* ---- initializers ---------------------------------------------------------------------------------------------- */

/* With fan_in inputs and fan_out outputs of a unit. One made of zeros is the layer's default: He normal before the ReLU
 * family, LeCun normal before SELU, Glorot uniform otherwise. Biases start at zero. */
typedef struct ffn_initializer_ops ffn_initializer_ops;
typedef struct ffn_initializer {
    const ffn_initializer_ops *ops; /* NULL: the layer's default */
    float a, b;
} ffn_initializer;

ffn_initializer ffn_glorot_uniform(void); /* +- sqrt(6 / (fan_in + fan_out)); Glorot, Bengio 2010 */
ffn_initializer ffn_glorot_normal(void);  /* sd sqrt(2 / (fan_in + fan_out)) */
ffn_initializer ffn_he_uniform(void);     /* +- sqrt(6 / fan_in); He et al. 2015 */
ffn_initializer ffn_he_normal(void);      /* sd sqrt(2 / fan_in) */
ffn_initializer ffn_lecun_normal(void);   /* sd sqrt(1 / fan_in); Klambauer et al. 2017 */
ffn_initializer ffn_orthogonal(void);     /* orthonormal rows or columns; Saxe et al. 2014 */
ffn_initializer ffn_zeros(void);
ffn_initializer ffn_constant(float value);
ffn_initializer ffn_uniform(float low, float high);
ffn_initializer ffn_normal(float mean, float sd);

/* ---- model ----------------------------------------------------------------------------------------------------- */

/* A network is a graph of values. Building is sticky: the first mistake is kept, later calls do nothing, and
 * ffn_model_build reports it. Shapes are those of one sample, without the batch. */
typedef struct ffn_model ffn_model;
typedef struct ffn_layer_ops ffn_layer_ops; /* of layers: see extending */
typedef struct ffn_value {
    uint32_t id; /* 0: none */
} ffn_value;

ffn_model *ffn_model_create(uint64_t seed, ffn_error *error); /* seed: of the initial weights */
void ffn_model_destroy(ffn_model *model);

/* An input. With several, a row of x holds them one after another in the order of these calls. */
ffn_value ffn_input(ffn_model *model, ffn_shape sample);
/* y = f(W x + b) over the last axis; any axes before it are kept. Parameters: weight (units, inputs), bias (units), and
 * slope for a learned activation. */
ffn_value ffn_dense(ffn_model *model, ffn_value x, size_t units, ffn_activation activation);
ffn_value ffn_activate(ffn_model *model, ffn_value x, ffn_activation activation);
/* In training sets an element to 0 with probability rate and scales the others by 1 / (1 - rate); nothing in
 * prediction. rate in [0, 1). Srivastava et al. 2014. */
ffn_value ffn_dropout(ffn_model *model, ffn_value x, float rate);
/* y = (x - mean) / sqrt(variance + 1e-5) weight + bias for each channel: the first of 3 or 4 axes, as (C, H, W), else the
 * last. In training mean and variance (over n) are the batch's; prediction, frozen plans and layers that are not
 * trainable use running ones, states that every update moves by 0.1 towards the batch's (variance over n - 1). A
 * training batch needs at least two values a channel. Parameters: weight, bias, running_mean, running_var. Ioffe,
 * Szegedy 2015. */
ffn_value ffn_batch_norm(ffn_model *model, ffn_value x);
/* The same formula over the last axis of each row by itself, always. Parameters: weight, bias. Ba et al. 2016. */
ffn_value ffn_layer_norm(ffn_model *model, ffn_value x);
ffn_value ffn_add(ffn_model *model, ffn_value a, ffn_value b);    /* equal shapes; a and b may be the same value */
ffn_value ffn_concat(ffn_model *model, ffn_value a, ffn_value b); /* along the last axis; the others must be equal */
ffn_value ffn_flatten(ffn_model *model, ffn_value x);
ffn_value ffn_reshape(ffn_model *model, ffn_value x, ffn_shape shape); /* the same number of elements */
/* Scales each element of the sample by numbers that are fitted to data and kept in the model, so that prediction takes
 * raw data. ffn_fit fits them to its training part the first time; ffn_model_fit_scalers does so for a loop by hand.
 * States: offset and factor (the sample's shape), fitted (1): y = (x - offset) factor. */
ffn_value ffn_standardize(ffn_model *model, ffn_value x); /* mean 0, variance 1; must follow an input directly */
ffn_value ffn_min_max(ffn_model *model, ffn_value x);     /* 0 to 1; must follow an input directly */
ffn_value ffn_robust(ffn_model *model, ffn_value x); /* median 0, quartiles 1 apart; must follow an input directly */
/* Makes each element's distribution normal: its rank among so many quantiles (0: 1000), fitted to the data, through the
 * inverse of the normal distribution; ranks are kept off 0 and 1 by 1e-7, that is within +- 5.2. States: quantiles
 * (elements, quantiles), fitted (1). No gradient passes to the input; must follow an input directly. */
ffn_value ffn_quantile_normal(ffn_model *model, ffn_value x, size_t quantiles);
/* Makes outputs of order 1 numbers like the targets: y = x sd + mean of each target, to which it is fitted as scalers are
 * to inputs, so that a network need not first learn how large the targets are. Must be the output; for targets that are
 * numbers. Losses stay those of y itself, so gradients grow with sd^2: nothing to Adam and its kin, but gradient descent
 * wants a rate smaller by as much. States: offset, factor, fitted, as above: y = (x - offset) factor. */
ffn_value ffn_unstandardize(ffn_model *model, ffn_value x);
/* The same layer, weights included, on another value of the same shape. Gradients of both uses add up. */
ffn_value ffn_share(ffn_model *model, ffn_value layer, ffn_value x); /* not for scalers: they belong to one input */

/* Who computes the products of dense layers added from now on. Results of different kernels differ by rounding. */
typedef enum ffn_kernels {
    FFN_KERNELS_AUTO = 0, /* the faster ones here: native with AVX2 or AVX-512, else blas where there is one */
    FFN_KERNELS_BLAS,     /* OpenBLAS, and the library's plain product where that is faster or there is no OpenBLAS */
    FFN_KERNELS_NATIVE    /* the library's products on weights stored in panels */
} ffn_kernels;
void ffn_set_kernels(ffn_model *model, ffn_kernels kernels);

/* Options of a layer; `layer` is the value that the layer's call returned. These four are for before build, and do nothing
 * after it. Before build a wrong value is a mistake like any other, which ffn_model_build reports.
 *
 * Names are unique, 1 to 64 bytes that do not begin with "ffn.", which a checkpoint's own tensors do; parameters are called
 * "name.weight". The default is the kind and its number among its kind, from 1: "dense1". */
void ffn_set_name(ffn_model *model, ffn_value layer, const char *name);
void ffn_set_initializer(ffn_model *model, ffn_value layer, ffn_initializer initializer); /* of the weights */
void ffn_set_bias(ffn_model *model, ffn_value layer, bool bias);                          /* false drops it */
/* Adds l1 sum |w| + l2 sum w^2 over the layer's weights (not biases or slopes) to what training minimizes. */
void ffn_set_penalty(ffn_model *model, ffn_value layer, float l1, float l2);
/* These may also be called after build; plans and trainers made later follow them. A wrong value then changes nothing, and
 * nobody reports it.
 *
 * After an update scales each unit's incoming weights (a row of the weight) down to this norm; 0: off. */
void ffn_set_max_norm(ffn_model *model, ffn_value layer, float limit);
/* The layer's learning rate is `factor` times that of the others; 0 or more. */
void ffn_set_rate(ffn_model *model, ffn_value layer, float factor);
/* The layer's weight decay, in place of the optimizer's weight_decay; 0 or more. */
void ffn_set_decay(ffn_model *model, ffn_value layer, float weight_decay);
/* false: no update changes the layer, and a batch norm works as in prediction. */
void ffn_set_trainable(ffn_model *model, ffn_value layer, bool trainable);

/* Checks the graph, allocates the parameters and sets their initial values. Every layer must lead to `output`. A model
 * is built once and takes no layers afterwards. With model NULL an error that carries a status already, such as that of
 * ffn_model_create, stays as it is and its status is returned. */
ffn_status ffn_model_build(ffn_model *model, ffn_value output, ffn_error *error);

typedef struct ffn_parameter_info {
    const char *name; /* owned by the model; valid as long as it is */
    ffn_shape shape;
    bool trainable; /* false for states, such as a scaler's, and for layers set so */
} ffn_parameter_info;

/* Parameters are tensors, states included, numbered in the order of the layers, weight before bias. Values pass in the
 * canonical layout, PyTorch's: dense weight (units, inputs). How the model stores them is its own affair. */
size_t ffn_model_parameter_count(const ffn_model *model); /* 0 before build */
ffn_status ffn_model_parameter_info(const ffn_model *model, size_t index, ffn_parameter_info *info, ffn_error *error);
ffn_status ffn_model_find_parameter(const ffn_model *model, const char *name, size_t *index, ffn_error *error);
ffn_status ffn_model_get_parameter(const ffn_model *model, size_t index, float *values, ffn_error *error);
ffn_status ffn_model_set_parameter(ffn_model *model, size_t index, const float *values, ffn_error *error);

ffn_shape ffn_model_input_shape(const ffn_model *model);  /* of a sample; several inputs: 1d, their sizes added up */
ffn_shape ffn_model_output_shape(const ffn_model *model); /* rank 0 before build */
/* The classes' names, in the order of their indices, kept in the model: copies them; count 0: none. ffn_fit gives a model
 * without names those of its dataset. From then on a dataset that has some of the names, and not each for the same index,
 * is FFN_INVALID_ARGUMENT for ffn_fit, ffn_evaluate and all that compares outputs with targets. It may lack the last
 * classes, or have none of the names, where the model's are of one's own choice. */
ffn_status ffn_model_set_class_names(ffn_model *model, const char *const *names, size_t count, ffn_error *error);
const char *ffn_model_class_name(const ffn_model *model, size_t index); /* NULL if it has none; owned by the model */
/* How the columns of a table became the inputs, kept in the model for ffn_csv_options.categories_of: for each feature its
 * column, from 0 and rising, and its category, "" for a number; those of a column are in the order of their bytes. Copies
 * them; features 0: every column is a number. ffn_fit gives a model without any those of its dataset. From then on
 * it and all that reads a dataset's inputs refuse one whose file became inputs in another way: FFN_INVALID_ARGUMENT. */
ffn_status ffn_model_set_categories(ffn_model *model, const size_t *columns, const char *const *categories,
                                    size_t features, ffn_error *error);
const char *ffn_model_category(const ffn_model *model, size_t feature, size_t *column); /* see ffn_dataset_category */
/* The loss that ffn_fit last trained the model with, without class weights; of zeros if there was none. */
ffn_loss ffn_model_loss(const ffn_model *model);
/* A table of layers, shapes and parameters. Like snprintf: writes at most `size` bytes with the ending 0, returns the
 * length the whole text has. text may be NULL if size is 0. */
size_t ffn_model_summary(const ffn_model *model, char *text, size_t size);

/* ---- plan: the allocation-free, low-level way ------------------------------------------------------------------ */

/* All that one caller needs to run a model: the graph flattened into steps over one arena. It reads the model's current
 * weights, so the model must outlive it. Forward and backward allocate nothing and cannot fail. */
typedef struct ffn_plan ffn_plan;
typedef struct ffn_plan_options {
    size_t max_batch;    /* rows; 0: 32 */
    bool training;       /* dropout acts, backward is possible */
    bool input_gradient; /* backward also computes the gradient of x */
    bool frozen;         /* backward computes no gradients of parameters */
    size_t threads;      /* at most so many of ffn_set_threads; 0: all */
} ffn_plan_options;

ffn_plan *ffn_plan_create(const ffn_model *model, ffn_plan_options options, ffn_error *error);
void ffn_plan_destroy(ffn_plan *plan);
size_t ffn_plan_memory(const ffn_plan *plan); /* bytes */

/* The outputs [rows][output shape], owned by the plan and valid until its next forward. NULL for 0 rows, more than
 * max_batch or a NULL argument, and in training for 1 row where a batch norm needs two. A later backward reads x again:
 * keep it until then. */
const float *ffn_forward(ffn_plan *plan, const float *x, size_t rows);
/* The loss of the last forward, also that of an ffn_trainer_step, and its gradients, which overwrite earlier ones: at
 * weights that have not changed since. NaN on an inference plan, before a forward, and for a loss with an option out of
 * its range. Targets out of range give NaN or a loss without meaning, never a crash; ffn_trainer_step checks them. */
double ffn_backward(ffn_plan *plan, ffn_loss loss, const float *targets);
/* The same from a given gradient of the outputs [rows][output shape], which is used as it is. */
void ffn_backward_from(ffn_plan *plan, const float *output_gradient);
/* Weights of the rows of later backwards, [rows], each 0 or more: the loss is a mean weighted by them. Borrowed until
 * the next call; NULL: all 1. Trainers: see ffn_trainer_plan. */
void ffn_plan_set_row_weights(ffn_plan *plan, const float *weights);
/* true: later backwards add to the parameters' gradients instead of overwriting them. */
void ffn_plan_accumulate(ffn_plan *plan, bool accumulate);
/* After a backward: the gradient of x, [rows][input shape], valid until the next forward. NULL without
 * input_gradient. */
const float *ffn_input_gradient(const ffn_plan *plan);
/* A trainable parameter's gradient in the canonical layout. FFN_INVALID_ARGUMENT where the plan computes none. */
ffn_status ffn_plan_get_gradient(const ffn_plan *plan, size_t parameter, float *values, ffn_error *error);
ffn_status ffn_plan_set_gradient(ffn_plan *plan, size_t parameter, const float *values, ffn_error *error);

/* ---- data ------------------------------------------------------------------------------------------------------ */

/* Rows of inputs and targets. Targets are floats [rows][outputs]; for classes, one column of class indices. */
typedef struct ffn_dataset ffn_dataset;

/* Borrows x [rows][sample] and targets [rows][target] until the dataset is destroyed. targets NULL: none, for
 * prediction. */
ffn_dataset *ffn_dataset_from_arrays(const float *x, ffn_shape sample, const float *targets, ffn_shape target,
                                     size_t rows, ffn_error *error);
/* Borrows x; copies the labels, each of which must be below `classes`. */
ffn_dataset *ffn_dataset_from_labels(const float *x, ffn_shape sample, const uint32_t *labels, size_t classes,
                                     size_t rows, ffn_error *error);

/* Writes rows first to first + rows - 1 to x [rows][sample] and targets [rows][columns], which is NULL where there are
 * none. Returns 0, or another number for an error, which the caller of the library gets as FFN_IO_ERROR. */
typedef int (*ffn_row_reader)(void *user, size_t first, size_t rows, float *x, float *targets);

typedef struct ffn_source {
    ffn_shape sample;
    size_t columns; /* of the targets; for classes one, of indices; 0: no targets */
    size_t rows;
    size_t window; /* rows that training shuffles, with as many that come next in memory beside them; 0: 8192; rounded
                      up to whole batches */
    ffn_row_reader read;
    void *user; /* passed to read */
} ffn_source;

/* Rows from a function, for data larger than memory: for ffn_fit, as training or validation data, ffn_evaluate and the
 * scalers. Training takes the windows in a new order each epoch and shuffles the rows of each; evaluation reads from
 * the first row to the last; scalers are fitted to at most 65536 rows, spread evenly. The rows are checked as they are
 * read. One thread at a time calls the function, during the library's calls only; while ffn_fit trains on a window it is
 * a thread of the library's, which reads the epoch's next one, beside on_batch but never beside a validation. An error
 * counts when its window's turn comes. What needs all rows in memory, such as a split, is FFN_UNSUPPORTED, and the
 * dataset's tensors have no data. Copies *source; user is borrowed. */
ffn_dataset *ffn_dataset_from_source(const ffn_source *source, ffn_error *error);

typedef enum ffn_csv_header { FFN_CSV_HEADER_AUTO = 0, FFN_CSV_HEADER_YES, FFN_CSV_HEADER_NO } ffn_csv_header;
typedef enum ffn_csv_missing {
    FFN_CSV_MISSING_ERROR = 0, /* an empty cell, NA, NaN, null or ? is an error that names line and column */
    FFN_CSV_MISSING_MEAN,      /* becomes the column's mean */
    FFN_CSV_MISSING_MEDIAN,
    FFN_CSV_MISSING_ZERO,
    FFN_CSV_MISSING_SKIP_ROW
} ffn_csv_missing;

/* RFC 4180 with quotes, CRLF or LF and an optional byte order mark, plain or packed by gzip. All zeros is the default. */
typedef struct ffn_csv_options {
    char delimiter;        /* 0: ','; else a tab, a space or ASCII punctuation, but none of " ' + - . ? */
    ffn_csv_header header; /* auto: with `target`, or if a cell of the first line is text where the rest are numbers;
                              with categories_of if one is text where the model has numbers, or all are words that it does
                              not know. A table of words for one_hot is FFN_INVALID_ARGUMENT unless this says which */
    const char *target;    /* column name; NULL: target_column */
    size_t target_column;  /* from 1; 0: the last */
    bool no_target;        /* every column is an input */
    bool classification;   /* numbers in the target column are classes too; text always is; a column of both needs it */
    /* of inputs; a missing target is an error or skips its row. A category becomes zeros where a number becomes a
     * mean, a median or 0 */
    ffn_csv_missing missing;
    /* a column of text among the inputs becomes one input for each of its categories, in the order of their bytes:
     * 1 where the row has it, else 0; false: text is an error */
    bool one_hot;
    /* the columns become inputs as they did for this model, which ffn_fit has trained on such data, and targets the
     * indices of its classes, if it has names of them: another label is an error with line and column; NULL: as one_hot
     * and the file say. Borrowed for the call */
    const ffn_model *categories_of;
    bool unknown_zeros; /* a category that categories_of does not know: zeros; false: an error with line and column */
} ffn_csv_options;

/* Inputs (features; of a category "column=category"), targets (1): class indices in the order of sorted labels (numbers by
 * value), or numbers. options NULL: the default. */
ffn_dataset *ffn_dataset_load_csv(const char *path, const ffn_csv_options *options, ffn_error *error);
ffn_dataset *ffn_dataset_load_csv_memory(const char *text, size_t size, const ffn_csv_options *options,
                                         ffn_error *error);
/* IDX, the format of MNIST, plain or packed by gzip. Elements of every type become floats, as they are: a pixel is 0 to
 * 255. labels NULL: no targets. Labels of whole numbers, one a row, are class indices, and there are as many classes as
 * the largest needs; others are numbers. FFN_UNSUPPORTED for gzip in a build without zlib. */
ffn_dataset *ffn_dataset_load_idx(const char *images, const char *labels, ffn_error *error);
ffn_dataset *ffn_dataset_load_idx_memory(const void *images, size_t images_size, const void *labels, size_t labels_size,
                                         ffn_error *error);
/* NumPy's .npy, versions 1 to 3, plain or packed by gzip, in C or Fortran order and either byte order: booleans, integers
 * and floats of 16 to 64 bits, as floats; a finite one beyond 3.4e38 is FFN_BAD_FORMAT. The first dimension counts the
 * rows. targets NULL: none. Targets of whole numbers, one a row, are class indices as above; others are numbers. */
ffn_dataset *ffn_dataset_load_npy(const char *inputs, const char *targets, ffn_error *error);
ffn_dataset *ffn_dataset_load_npy_memory(const void *inputs, size_t inputs_size, const void *targets,
                                         size_t targets_size, ffn_error *error);
/* The same with the inputs left in their file, for data larger than memory: the system reads what is used. They must be
 * 32-bit floats of this machine in C order, else FFN_UNSUPPORTED; the file must not change while the dataset lives. */
ffn_dataset *ffn_dataset_map_npy(const char *inputs, const char *targets, ffn_error *error);
/* FANN's training data: text of numbers, the counts of rows, inputs and outputs and then each row's inputs and outputs.
 * Targets are numbers; there are none if the third count is 0. */
ffn_dataset *ffn_dataset_load_fann(const char *path, ffn_error *error);
ffn_dataset *ffn_dataset_load_fann_memory(const char *text, size_t size, ffn_error *error);
void ffn_dataset_destroy(ffn_dataset *dataset);

/* Gives each row a weight: copies weights [rows], finite, none below 0 and not all of them 0; NULL: all 1. The loss that
 * ffn_fit minimizes is a mean weighted by them, and so are all figures of history and progress, those of the validation by
 * the weights of its rows, and ffn_evaluate_metric's; NaN where all rows have weight 0. ffn_evaluate counts rows. Splits take
 * weights along. A mixed row (mixup) has the weight of the row it is mixed into. */
ffn_status ffn_dataset_set_weights(ffn_dataset *dataset, const float *weights, ffn_error *error);

size_t ffn_dataset_rows(const ffn_dataset *dataset);
ffn_tensor ffn_dataset_inputs(const ffn_dataset *dataset);  /* [rows][features], to read; owned by the dataset */
ffn_tensor ffn_dataset_targets(const ffn_dataset *dataset); /* [rows][columns]; data NULL without targets */
ffn_shape ffn_dataset_sample_shape(const ffn_dataset *dataset);
size_t ffn_dataset_classes(const ffn_dataset *dataset); /* 0: the targets are not known to be classes */
const char *ffn_dataset_class_name(const ffn_dataset *dataset, size_t index);   /* also of a one-hot column; or NULL */
const char *ffn_dataset_feature_name(const ffn_dataset *dataset, size_t index); /* NULL if it has none */
/* The category that a feature stands for; NULL: it is a number. *column, unless NULL: which of the file's columns of inputs
 * it is of, from 0; left alone where the file had numbers only. */
const char *ffn_dataset_category(const ffn_dataset *dataset, size_t feature, size_t *column);

/* Shuffles the rows by the seed and copies the first fraction of them (rounded, at least one row on each side) to
 * *first, the rest to *second. fraction in (0, 1). An error leaves NULL in both, here and in the calls below. */
ffn_status ffn_dataset_split(const ffn_dataset *dataset, float first_fraction, uint64_t seed, ffn_dataset **first,
                             ffn_dataset **second, ffn_error *error);
/* The same within each class, so that both sides have the classes in the same proportion. Needs class targets. */
ffn_status ffn_dataset_split_stratified(const ffn_dataset *dataset, float first_fraction, uint64_t seed,
                                        ffn_dataset **first, ffn_dataset **second, ffn_error *error);

/* Fold number `fold`, from 0, of so many: copies its rows to *validation and all others to *training, in their order. The
 * rows are dealt out by the seed: folds of one seed are a partition, and differ by at most one row. */
ffn_status ffn_dataset_fold(const ffn_dataset *dataset, size_t folds, size_t fold, uint64_t seed,
                            ffn_dataset **training, ffn_dataset **validation, ffn_error *error);
/* The same, with each class dealt out by itself: folds differ by at most one row of it. Needs class targets. */
ffn_status ffn_dataset_fold_stratified(const ffn_dataset *dataset, size_t folds, size_t fold, uint64_t seed,
                                       ffn_dataset **training, ffn_dataset **validation, ffn_error *error);

/* A copy whose targets are one column a class, 1 for the row's class and else 0: for mixup, mse and
 * ffn_cross_entropy_soft, which is what a softmax output then trains with. Needs class targets. */
ffn_dataset *ffn_dataset_one_hot(const ffn_dataset *dataset, ffn_error *error);

/* Fits every scaler of the model to the inputs. A constant feature gets factor 1. */
ffn_status ffn_model_fit_scalers(ffn_model *model, const ffn_dataset *dataset, ffn_error *error);

/* ---- augmentation ---------------------------------------------------------------------------------------------- */

/* Changes one row in place, any numbers of its x [sample] and targets [columns], with random numbers of the row's own.
 * Called from several threads at once. */
typedef void (*ffn_augment_function)(float *x, ffn_shape sample, float *targets, size_t columns, ffn_random *random,
                                     void *user);

/* Random changes of training data, in this order; 0 leaves each out. Each row draws its numbers from a stream of its
 * own, by seed, epoch and place, so that results do not depend on threads. A number called +- is drawn uniformly.
 *
 * Those up to cutout are for images: samples of shape (height, width) or (channels, height, width), or of any shape
 * with the fields height and width. Places between pixels are interpolated bilinearly, all movements in one step. */
typedef struct ffn_augmentation {
    float shift;                         /* +- pixels, along each axis */
    float rotation;                      /* +- degrees, about the centre; at most 180 */
    float scale;                         /* size times 1 +- it; below 1 */
    float shear;                         /* +- degrees, below 90 */
    bool flip_horizontal, flip_vertical; /* each with probability 1/2 */
    float elastic_strength;              /* Simard et al. 2003: each pixel's displacement along each axis, +- so many */
    float elastic_smoothness;            /* pixels, smoothed by a Gaussian of this sd; 0: 4. MNIST: 34 and 4 */
    float noise;                         /* sd of normal noise, added to each number of x; also for tables */
    size_t cutout;                       /* side of a square that is filled; DeVries and Taylor 2017 */
    float fill;                          /* of what comes from outside the image, and of cutout */
    size_t height, width;                /* of an image; 0: by the sample's shape */
    ffn_augment_function custom;         /* NULL: none */
    void *user;                          /* passed to custom */
    float mixup; /* share of Beta(it, it) of each row and the rest of the next one's of the batch, x and targets; also
                    for tables. Needs targets that can be mixed: see ffn_dataset_one_hot. Zhang et al. 2018 */
} ffn_augmentation;

/* Changes x [rows][sample] and targets [rows][columns] in place; columns 0 and targets NULL: none. The rows draw the
 * numbers of rows first_row, first_row + 1, ... of the epoch. ffn_fit does this by its options. */
ffn_status ffn_augment(const ffn_augmentation *augmentation, ffn_shape sample, size_t rows, float *x, size_t columns,
                       float *targets, uint64_t seed, uint32_t epoch, size_t first_row, ffn_error *error);

/* ---- metrics --------------------------------------------------------------------------------------------------- */

/* A figure of outputs beside targets, added up batch by batch, in double and with the rounding errors of the sums kept, so
 * that 10^8 rows are as exact as ten. docs/numerics.md has the formulas, which are scikit-learn's:
 *   of classes: accuracy, top_k_accuracy (k a number, as in top_3_accuracy; as it stands 5, or of fewer classes all),
 *     balanced_accuracy, precision, recall and f1 (means over the classes; of one binary output those of the yes), log_loss,
 *     roc_auc and average_precision (of several classes the mean of each against the rest), calibration_error (expected
 *     calibration error: Guo et al. 2017);
 *   of numbers: r2 (mean over the columns), mae, mape (a share, not per cent), mse, rmse. */
typedef struct ffn_metric ffn_metric;

typedef struct ffn_metric_options {
    size_t outputs;        /* columns of y; of classes 1: a yes or no, above: one of several classes */
    size_t target_columns; /* 1: class indices, where outputs are classes; 0: that, and otherwise as many as outputs */
    bool logits;           /* y are logits, not probabilities */
    bool several;          /* each output is a yes or no of its own */
    bool signs;            /* a yes is a target 1 and a no is -1, instead of 0 */
    size_t bins;           /* of calibration_error; 0: 15 */
    size_t exact_scores;   /* roc_auc, average_precision: of more scores, rows times outputs, than these, 8 bytes each,
                              they only keep counts, in bins of scores that take 64 MiB; 0: 2^23 */
} ffn_metric_options;

/* options NULL: one output. An unknown name is FFN_INVALID_ARGUMENT and the message lists the known ones. */
ffn_metric *ffn_metric_create(const char *name, const ffn_metric_options *options, ffn_error *error);
/* For what the model's outputs and the targets of the loss are; a loss made of zeros: by the output. */
ffn_metric *ffn_metric_create_for(const char *name, const ffn_model *model, ffn_loss loss, ffn_error *error);
void ffn_metric_destroy(ffn_metric *metric);
/* Adds y [rows][outputs] and targets [rows][target_columns] with weights of rows [rows], each 0 or more; NULL: all 1. After
 * an error nothing has been added. An output that is not finite makes the value NaN until a reset. */
ffn_status ffn_metric_update(ffn_metric *metric, const float *y, const float *targets, const float *weights,
                             size_t rows, ffn_error *error);
/* Of all rows since the last reset; NaN where it is not defined: without rows, or for roc_auc without a positive and a
 * negative. Classes that do not occur are left out of means of roc_auc, average_precision and balanced_accuracy. */
double ffn_metric_value(ffn_metric *metric);
/* How far the value may be from that of exact scores: 0 but for roc_auc and average_precision with more rows than they
 * keep, where it is what the ties within bins leave open. */
double ffn_metric_error_bound(const ffn_metric *metric);
void ffn_metric_reset(ffn_metric *metric);
/* The name of built-in metric `index`; NULL past the last. */
const char *ffn_metric_name(size_t index);
bool ffn_metric_lower_is_better(const char *name); /* false for an unknown name */

/* A metric of the model over a dataset, with the weights of its rows. */
ffn_status ffn_evaluate_metric(const ffn_model *model, const ffn_dataset *dataset, ffn_loss loss, const char *name,
                               double *value, ffn_error *error);

/* Temperature scaling: divides the model's logits by the number that makes the log loss over the dataset least, with the
 * weights of its rows; the dataset is one that the model was not trained on. Probabilities then say how often they are right;
 * no class changes. The number goes into weights and biases of the last dense layer, whose output must be the logits, else
 * FFN_UNSUPPORTED: so it is saved and exported with them, and a second call finds 1. *temperature: above 1 for a model that
 * was too sure; 1 where none is better than another; kept in 0.01 to 100, where data that are all right would take it to 0,
 * and a second call goes on from there; may be NULL. Guo et al. 2017. */
ffn_status ffn_model_calibrate(ffn_model *model, const ffn_dataset *dataset, ffn_loss loss, double *temperature,
                               ffn_error *error);

/* ---- training -------------------------------------------------------------------------------------------------- */

typedef struct ffn_trainer ffn_trainer;

/* Accuracy is NaN where the loss is not one of classes, validation figures where there is no validation. */
typedef struct ffn_progress {
    size_t epoch, epochs;                        /* from 1 */
    size_t batch, batches;                       /* from 1; batch == batches on an epoch's last */
    size_t rows;                                 /* trained in this epoch so far */
    double loss, accuracy;                       /* mean over this epoch so far */
    double validation_loss, validation_accuracy; /* in on_epoch */
    double metric; /* in on_epoch: ffn_fit_options.metric of the validation, of the training where there is none */
    double learning_rate;   /* of the last update */
    double seconds;         /* since ffn_fit began */
    double epoch_seconds;   /* since this epoch began, without validation */
    const ffn_model *model; /* its current weights may be read */
} ffn_progress;

/* Returns nonzero to stop: ffn_fit then returns FFN_STOPPED. */
typedef int (*ffn_callback)(const ffn_progress *progress, void *user);

/* What tells a better epoch from a worse one: of the validation, or of the training where there is none. */
typedef enum ffn_monitor {
    FFN_MONITOR_LOSS = 0,
    FFN_MONITOR_ACCURACY, /* needs a loss of classes */
    FFN_MONITOR_SCORE,    /* what ffn_fit_options.score returns, higher is better */
    FFN_MONITOR_METRIC    /* ffn_fit_options.metric; which direction is better lies in its name */
} ffn_monitor;

/* ffn_fit_defaults() fills it; 0 and NULL are each field's default. */
typedef struct ffn_fit_options {
    ffn_loss loss;                        /* by the network's output; see ffn_loss */
    ffn_optimizer optimizer;              /* ffn_adam(0.001) */
    ffn_schedule schedule;                /* constant */
    size_t epochs;                        /* 0: 100 */
    size_t batch_size;                    /* 0: 32; larger than the data: all of it */
    bool keep_order;                      /* false: a new order each epoch */
    uint64_t seed;                        /* of order and dropout */
    size_t threads;                       /* 0: all of ffn_set_threads */
    const ffn_dataset *validation;        /* NULL: validation_fraction */
    const ffn_augmentation *augmentation; /* of the training rows, by threads ahead of the step; NULL: none */
    float validation_fraction;            /* of the data, split off before training (stratified for classes); 0: none */
    ffn_monitor monitor;                  /* what early stopping, restore_best and a plateau schedule follow */
    double (*score)(const ffn_progress *progress, void *user); /* for FFN_MONITOR_SCORE, at each epoch's end */
    const char *metric;  /* of ffn_metric_create, in progress and history; needed for FFN_MONITOR_METRIC; NULL: none. Of
                            the training, an epoch resumed half-way has that of its second half */
    size_t patience;     /* stop after so many epochs without an improvement of what is monitored; 0: never */
    float min_delta;     /* how much better counts as an improvement */
    bool restore_best;   /* at the end go back to the weights of the best epoch */
    float l1, l2;        /* l1 sum |w| + l2 sum w^2 over all weights, added to those of ffn_set_penalty */
    float clip_norm;     /* the gradients' global norm is scaled down to it; 0: off */
    float clip_value;    /* then each element is clipped to +- it; 0: off */
    float max_norm;      /* after an update each unit's incoming weights are scaled down to this norm; 0: off. The lower
                          of it and a layer's ffn_set_max_norm. Srivastava et al. 2014 */
    size_t accumulate;   /* batches whose gradients make one update, that of one batch of all their rows; 0: 1 */
    float average_decay; /* d: validation, and the model in the end, use averages of the weights and states, after each
                             update a = d a + (1 - d) w; below 1, often 0.999; 0: off */
    size_t average_epoch; /* from this epoch, from 1, on: in the end the model gets the mean of the weights at the ends
                             of epochs, and running statistics that are the means over the batches of one more pass
                             over the data, whose errors are the call's (stochastic weight averaging, Izmailov et al.
                             2018); not with average_decay or restore_best; 0: off */
    ffn_callback on_epoch, on_batch; /* NULL: none */
    void *user;                      /* passed to the callbacks */
    const char *checkpoint_path; /* of ffn_fit: where it keeps all that it needs to go on; NULL: none. It is written as
                                        below, when a callback stops the training, and at the end; if that fails, the
                                        training ends with FFN_IO_ERROR. ffn_model_load takes it as a model */
    size_t checkpoint_every;     /* after so many batches; 0: after each epoch */
    bool resume;                 /* goes on from checkpoint_path if that file is there: the same bits as without the
                                        interruption, with the same data and options. More epochs are fine */
} ffn_fit_options;

ffn_fit_options ffn_fit_defaults(void);
/* The options with the defaults filled in, one a line. Like snprintf: writes at most `size` bytes with the ending 0,
 * returns the length the whole text has. text may be NULL if size is 0; options NULL: the defaults. */
size_t ffn_fit_options_summary(const ffn_fit_options *options, char *text, size_t size);

typedef struct ffn_epoch {
    double loss, accuracy, validation_loss, validation_accuracy, learning_rate, seconds, metric;
} ffn_epoch;

/* What ffn_fit did, epoch by epoch. Start with {0}; ffn_fit replaces the content. */
typedef struct ffn_history {
    size_t epochs;
    ffn_epoch *epoch;   /* [epochs], owned */
    size_t best_epoch;  /* from 1; the best by what is monitored; 0: none */
    bool stopped_early; /* by patience */
} ffn_history;

void ffn_history_destroy(ffn_history *history); /* frees the content and leaves {0} */

/* Trains. Refuses targets out of range and data that are not finite before any weight changes. On FFN_STOPPED and
 * FFN_DIVERGED the history holds the epochs completed. options NULL: the defaults. history may be NULL. The dataset must
 * outlive the call. */
ffn_status ffn_fit(ffn_model *model, const ffn_dataset *dataset, const ffn_fit_options *options, ffn_history *history,
                   ffn_error *error);

/* A learning-rate range test. Start with {0}. */
typedef struct ffn_rate_test {
    size_t count;                   /* batches trained until the loss blew up, or all */
    double *rate, *loss, *smoothed; /* [count], owned; smoothed: with 0.9 of what came before */
    double suggestion;              /* the rate where the smoothed loss falls fastest */
} ffn_rate_test;

void ffn_rate_test_destroy(ffn_rate_test *result); /* frees the content and leaves {0} */

/* Trains on `steps` batches (0: 100) with rates that grow evenly on a logarithmic scale from low (0: 1e-6) to high (0:
 * 10), until the smoothed loss is five times its lowest. Leaves the model as it was. The options are those of ffn_fit,
 * NULL: the defaults; their schedule is not used, nor what concerns epochs. rprop and lbfgs, which find their steps
 * themselves, are FFN_INVALID_ARGUMENT. Replaces the result's content. Smith 2015. */
ffn_status ffn_test_learning_rates(ffn_model *model, const ffn_dataset *dataset, const ffn_fit_options *options,
                                   float low, float high, size_t steps, ffn_rate_test *result, ffn_error *error);

/* A model, its training plan, the optimizer's state, the schedule and the counters: for loops of one's own. Uses of the
 * options: loss, optimizer, schedule, batch_size, seed, threads, l1, l2, max_norm, the clips, accumulate and
 * average_decay. options NULL: the defaults. The
 * model must outlive it. */
ffn_trainer *ffn_trainer_create(ffn_model *model, const ffn_fit_options *options, ffn_error *error);
void ffn_trainer_destroy(ffn_trainer *trainer);
/* Forward, loss, backward and update on 1 to batch_size rows. loss: that of the batch before the update; may be NULL.
 * It may fuse gradient and update: there need be no gradient to get after it. */
ffn_status ffn_trainer_step(ffn_trainer *trainer, const float *x, const float *targets, size_t rows, double *loss,
                            ffn_error *error);
ffn_plan *ffn_trainer_plan(ffn_trainer *trainer); /* for forward and backward by hand; owned by the trainer */
/* Clips and updates by the gradients that ffn_plan_get_gradient would return; they are left as they are. Commits the
 * running statistics of batch norms that the plan's forwards have collected since the last update. */
ffn_status ffn_trainer_apply(ffn_trainer *trainer, ffn_error *error);
/* With options.accumulate: updates by the gradients of the batches since the last update, if there are any. */
ffn_status ffn_trainer_flush(ffn_trainer *trainer, ffn_error *error);
/* With options.average_decay: the model's weights and states and their averages change places; again to go back. Until
 * the first update the averages are the weights. FFN_INVALID_ARGUMENT where none are kept. No updates in between. */
ffn_status ffn_trainer_swap_averages(ffn_trainer *trainer, ffn_error *error);
void ffn_trainer_set_learning_rate(ffn_trainer *trainer, float rate); /* the base rate that a schedule scales */
float ffn_trainer_learning_rate(const ffn_trainer *trainer);          /* the rate in force for the next update */
/* All that the trainer needs to go on with the same bits, also between the batches that make one update: weights, states of
 * the optimizer and schedule, averages, counters of random streams, accumulated batches, and in a loop by hand the
 * gradients and whether backward adds to them. Not what a forward leaves for its backward, row weights, which the caller
 * has, nor that averages are swapped in. The file on the path changes whole or not at all; ffn_model_load takes it as a
 * model, for which no layer or activation from outside may have the name of one of the library's (FFN_UNSUPPORTED). */
ffn_status ffn_trainer_save(const ffn_trainer *trainer, const char *path, ffn_error *error);
/* Replaces these in a trainer of the same architecture, seed and kind of optimizer, schedule and loss; its numbers, such
 * as beta1, stay. After an error trainer and model are as before. */
ffn_status ffn_trainer_load(ffn_trainer *trainer, const char *path, ffn_error *error);
ffn_status ffn_trainer_load_memory(ffn_trainer *trainer, const void *bytes, size_t size, ffn_error *error);
void ffn_trainer_report(ffn_trainer *trainer, double metric); /* for a plateau schedule in a loop by hand */

/* y [rows][output shape]. Allocates a plan for the call; one for up to 8 rows stays with the model, so that later calls of
 * so few allocate nothing unless they run at the same time. A loop over more rows makes its own plan. */
ffn_status ffn_predict(const ffn_model *model, const float *x, size_t rows, float *y, ffn_error *error);

/* What a figure is not defined for, it is NaN; precision of a class never predicted and recall of one that does not
 * occur are 0, as in scikit-learn. */
typedef struct ffn_metrics {
    size_t rows;
    double loss;
    double accuracy;   /* share of right classes; for several binary outputs, of right elements */
    size_t classes;    /* 0 for a regression and for several binary outputs */
    size_t *confusion; /* [classes][classes]: actual, predicted; owned */
    double *precision; /* [classes]; owned, as are the next two */
    double *recall;
    double *f1;
    double macro_f1;      /* mean over the classes */
    double r2, mae, rmse; /* regression, over all elements; R^2 per output column, averaged */
} ffn_metrics;

void ffn_metrics_destroy(ffn_metrics *metrics); /* frees the content and leaves {0} */

/* Start with {0}; replaces the content. */
ffn_status ffn_evaluate(const ffn_model *model, const ffn_dataset *dataset, ffn_loss loss, ffn_metrics *metrics,
                        ffn_error *error);

/* ---- model selection ------------------------------------------------------------------------------------------- */

/* docs/model-selection.md is the guide. */

/* What a search varies: numbers in a range, or an enumeration. These names change the fit options of a trial:
 *   learning_rate, momentum, alpha, beta1, beta2, epsilon, weight_decay (the optimizer's), label_smoothing (the loss's),
 *   epochs, batch_size, accumulate, patience, min_delta, warmup (the schedule's), validation_fraction, l1, l2, clip_norm,
 *   clip_value, max_norm, average_decay; optimizer and loss, enumerations of names.
 * Any other name means something to `build` only. Names and both ends of a range are checked before the first trial: from
 * 0, to below 1 for momentum, alpha, beta1, beta2, label_smoothing, validation_fraction and average_decay, and from above 0
 * for epochs, batch_size, accumulate and validation_fraction, whose 0 stands for the default. */
typedef struct ffn_dimension {
    const char *name;
    double low, high;           /* of numbers, both included */
    bool logarithmic;           /* spread evenly in the logarithm; low must be above 0 */
    bool whole;                 /* rounded to whole numbers */
    const char *const *choices; /* [choice_count]: an enumeration, in place of numbers; NULL: numbers */
    size_t choice_count;
    size_t points; /* of numbers in a grid, from low to high; 0: 3 */
} ffn_dimension;

/* One set of values, and what came of it. */
typedef struct ffn_trial {
    size_t number; /* from 1 */
    size_t rung;   /* of successive halving, from 0 */
    size_t dimension_count;
    const ffn_dimension *dimensions; /* the caller's */
    const double *values;            /* [dimension_count]; of an enumeration the index; owned by the result */
    bool done;
    ffn_status status;    /* FFN_OK; if it failed FFN_DIVERGED, or FFN_INVALID_ARGUMENT: the training refuses it */
    double score, spread; /* mean over the folds, and standard deviation (n - 1; 0 for one); NaN of one that failed */
    double epochs;        /* mean number that the weights measured were trained for */
    double seconds;       /* of one thread, all folds; of a trial that went on, since then */
    size_t parameters;    /* trainable numbers */
    size_t memory;        /* bytes of training one fold: parameters, optimizer's state, plan */
} ffn_trial;

/* A value of the trial by its dimension's name: NaN, 0 or NULL where there is none, or no trial. */
double ffn_trial_number(const ffn_trial *trial, const char *name);
size_t ffn_trial_size(const ffn_trial *trial, const char *name);
const char *ffn_trial_choice(const ffn_trial *trial, const char *name);

/* Makes and builds a model for the trial's values (NULL: none), which the caller destroys. Called from several threads at
 * once. NULL with an error ends the search. */
typedef ffn_model *(*ffn_build_function)(const ffn_trial *trial, uint64_t seed, const ffn_dataset *training, void *user,
                                         ffn_error *error);

typedef struct ffn_search_progress {
    const ffn_trial *trial; /* that has just finished */
    const ffn_trial *best;  /* so far; NULL: all failed */
    size_t done, planned;   /* trials, those from the log included */
    size_t from_log;        /* of them */
    double seconds;         /* since the search began */
} ffn_search_progress;

typedef enum ffn_search_method {
    FFN_SEARCH_RANDOM = 0, /* `trials` sets of values, drawn by the seed; Bergstra and Bengio 2012 */
    FFN_SEARCH_GRID,       /* all combinations, or the first `trials` of them */
    FFN_SEARCH_HALVING /* random sets; all are trained for a few epochs, the best 1 / factor of them on to factor times as
                          many, and so on up to the epochs of `fit`; Jamieson and Talwalkar 2016. They go on where they
                          stopped, with the bits of a whole training, unless a layer is from outside the library */
} ffn_search_method;

/* 0 and NULL are each field's default. */
typedef struct ffn_search_options {
    ffn_build_function build; /* must be given */
    void *user;               /* passed to build and on_trial */
    ffn_fit_options fit; /* of every trial, as ffn_fit_defaults() has them; on_epoch and on_batch are not called, but
                                 score is, by several threads at once if `parallel` is not 1; it writes no checkpoint,
                                 its seed is that of every trial, also for build; its validation or validation_fraction
                                 (0: 0.2) is what a trial is measured on, without folds */
    const ffn_dimension *dimensions; /* [dimension_count], borrowed also by the result */
    size_t dimension_count;
    ffn_search_method method;
    size_t trials;      /* random, halving: 0: 20; grid: 0: all */
    size_t factor;      /* of halving; 0: 3 */
    size_t folds;       /* of cross validation, stratified for classes; 0: none, for ffn_cross_validate 5 */
    const char *metric; /* of ffn_metric_create, which says what is better; NULL: the loss */
    uint64_t seed;      /* of the values drawn, and of folds */
    size_t parallel; /* trainings at a time, each on one thread; 0: as ffn_set_threads has; no matter for results. One
                           where rows come from a source */
    double seconds;  /* no trial begins after so many; 0: no limit */
    /* a CSV file that gets each trial as it ends, and that a search which was stopped goes on from: what is in it
     * is not done again. One of another search, or broken, is an error with line and column. Other fit options than
     * epochs and seed, build and the data are not in it */
    const char *log;
    int (*on_trial)(const ffn_search_progress *progress, void *user); /* one call at a time; nonzero: FFN_STOPPED */
    bool refit; /* the best values are trained on all data, for the epochs they took; false: as in the trial */
} ffn_search_options;

/* Start with {0}. */
typedef struct ffn_search_result {
    size_t count;
    ffn_trial *trials;     /* [count], owned: those done, by rung and number */
    const ffn_trial *best; /* one of them, of the last rung; NULL: none that could be measured */
    ffn_model *model;      /* trained by the best values; owned; the caller may take it and set NULL */
    ffn_fit_options fit;   /* that it was trained with */
    double *values;        /* of the trials; owned */
} ffn_search_result;

void ffn_search_result_destroy(ffn_search_result *result); /* frees the content and leaves {0} */

/* Finds the best values, as far as the trials, the time and the data tell. The same options give the same trials and the
 * same model, but for a limit of time. On FFN_STOPPED, by on_trial or because no trial ended in time, and where the model of
 * the best values cannot be built or trained, the result has the trials done and no model. A search goes on after a trial
 * that failed. If all did, the error is that of the first that was refused, without a result, or FFN_DIVERGED, with the
 * trials. Replaces the result's content. */
ffn_status ffn_search(const ffn_dataset *dataset, const ffn_search_options *options, ffn_search_result *result,
                      ffn_error *error);

/* Start with {0}. */
typedef struct ffn_cross_validation {
    size_t folds;
    double *scores;      /* [folds], owned */
    double mean, spread; /* standard deviation (n - 1) */
    double seconds;      /* of one thread */
    size_t parameters, memory;
} ffn_cross_validation;

void ffn_cross_validation_destroy(ffn_cross_validation *result); /* frees the content and leaves {0} */

/* Trains a model for each fold on the other folds and measures it on that. Uses build, user, fit, folds, metric, seed and
 * parallel of the options. Replaces the result's content. */
ffn_status ffn_cross_validate(const ffn_dataset *dataset, const ffn_search_options *options,
                              ffn_cross_validation *result, ffn_error *error);

/* ---- files ----------------------------------------------------------------------------------------------------- */

/* Models as safetensors files, which other programs can read: docs/formats.md. A file has the architecture with every
 * setting, the weights, the scalers, the names of classes and the loss. A model that is loaded predicts the same bits and saves the
 * same bytes. A file on a path changes whole or not at all; a load gives a whole model or NULL. */

/* Most of what a reader takes; 0 is each one's default. A file beyond a limit is refused before memory is taken. */
typedef struct ffn_file_limits {
    size_t header;  /* bytes of the header; 0: 100 MB */
    size_t tensors; /* and texts beside them; 0: 65536 */
    size_t layers;  /* 0: 4096 */
    size_t depth;   /* of arrays and objects in one another; 0: 16 */
    size_t memory;  /* bytes for reading header and description, before layers and weights are made of what is right;
                       0: 768 KB and three times the file's size */
} ffn_file_limits;

/* All zeros is the default, and so is NULL where a call takes them. Borrowed for the call; the tables must live as long as
 * the model. */
typedef struct ffn_file_options {
    const ffn_layer_ops *const *layers; /* [layer_count] layers from outside the library, whose fields name all of their
                                           config: found by their names, which no layer of the library has */
    size_t layer_count;
    const ffn_activation_ops *const *activations; /* [activation_count], the same */
    size_t activation_count;
    ffn_file_limits limits; /* of reading */
} ffn_file_options;

/* Returns 0, or another number for an error, which the caller of the library gets as FFN_IO_ERROR. */
typedef int (*ffn_write_function)(void *user, const void *bytes, size_t size);
/* Sets *count to how many bytes it has given, at most `size`; 0 only at the end. */
typedef int (*ffn_read_function)(void *user, void *bytes, size_t size, size_t *count);

/* FFN_UNSUPPORTED names a layer or activation from outside the library that the options do not list. An initializer from
 * outside is not kept: it has done its work. */
ffn_status ffn_model_save(const ffn_model *model, const char *path, ffn_error *error);
ffn_status ffn_model_save_with(const ffn_model *model, const char *path, const ffn_file_options *options,
                               ffn_error *error);
/* *bytes [*size]: to be freed with ffn_free. */
ffn_status ffn_model_save_memory(const ffn_model *model, void **bytes, size_t *size, ffn_error *error);
ffn_status ffn_model_save_to(const ffn_model *model, ffn_write_function write, void *user,
                             const ffn_file_options *options, ffn_error *error);
void ffn_free(void *bytes); /* NULL is allowed */

/* A file that is cut or has a bit changed is FFN_BAD_FORMAT, by its checksum. Also takes a trainer's checkpoint. */
ffn_model *ffn_model_load(const char *path, ffn_error *error);
ffn_model *ffn_model_load_with(const char *path, const ffn_file_options *options, ffn_error *error);
ffn_model *ffn_model_load_memory(const void *bytes, size_t size, ffn_error *error);
ffn_model *ffn_model_load_from(ffn_read_function read, void *user, const ffn_file_options *options, ffn_error *error);

/* What a name in the model is called in a file. */
typedef struct ffn_name_pair {
    const char *name;  /* of a parameter, "dense1.weight", or of a layer, "dense1" */
    const char *other; /* the whole name of the tensor, or what its name has in place of the layer's */
} ffn_name_pair;

/* All zeros is the default. */
typedef struct ffn_weights_options {
    const char *prefix;         /* before every name in the file: "model."; NULL: none */
    const ffn_name_pair *names; /* [name_count]; a parameter that is in no pair is called as in the model */
    size_t name_count;
    bool allow_missing; /* parameters that the file does not have stay as they are */
    ffn_file_limits limits;
} ffn_weights_options;

/* Takes the weights of a built model from a safetensors file of any origin, such as a PyTorch state_dict, by name, from
 * tensors of numbers of any type; tensors that nobody asks for are passed over, of whatever type and shape. A shape that
 * is not the parameter's is FFN_SHAPE_MISMATCH naming the tensor, a tensor that is not there FFN_BAD_FORMAT. After an error
 * the model is as before. options NULL: the defaults. */
ffn_status ffn_model_load_weights(ffn_model *model, const char *path, const ffn_weights_options *options,
                                  ffn_error *error);
ffn_status ffn_model_load_weights_memory(ffn_model *model, const void *bytes, size_t size,
                                         const ffn_weights_options *options, ffn_error *error);

/* ---- models for other programs -------------------------------------------------------------------------------- */

/* What an exported C file takes and, for int8, how exact it is. */
typedef struct ffn_export_c_report {
    size_t constant_bytes;            /* of weights and scalers: flash */
    size_t memory_bytes;              /* static, or the caller's scratch */
    size_t rows;                      /* int8: rows compared, as are the next ones */
    double mean_error, largest_error; /* of an output, against float */
    double accuracy, int8_accuracy;   /* NaN where the targets are not classes */
} ffn_export_c_report;

/* How the C file is written; all zeros is the default. */
typedef struct ffn_export_c_options {
    bool own_math;              /* expf, tanhf and the like stand in the file; false: it calls libm */
    bool caller_scratch;        /* void NAME(const float *in, float *out, float *scratch), with NAME_SCRATCH floats of
                                   scratch; false: static memory, so one call at a time */
    bool int8;                  /* dense layers in 8 bits: a quarter of the size; needs `dataset` */
    const ffn_dataset *dataset; /* its first rows go into the self-test; int8 is calibrated on all. NULL: random rows */
    const ffn_dataset *evaluation; /* what the report is measured on; NULL: dataset */
    size_t test_rows;              /* of the self-test; 0: 4, or as many as the dataset has */
    ffn_export_c_report *report;   /* filled on success, unless NULL */
} ffn_export_c_options;

/* Writes the model as one C99 file: constants, and void NAME(const float *in, float *out) for one sample, which needs no
 * memory but its own and no library but libm. docs/deploy.md is the guide. The name is a C identifier of at most 40
 * characters that C and its headers do not have themselves. FFN_UNSUPPORTED names a layer or activation from outside the
 * library. */
ffn_status ffn_model_export_c(const ffn_model *model, const char *path, const char *function_name, ffn_error *error);
/* options NULL: the same as above. */
ffn_status ffn_model_export_c_with(const ffn_model *model, const char *path, const char *function_name,
                                   const ffn_export_c_options *options, ffn_error *error);

/* Writes the model as ONNX, operator set 17, format version 8. Its inputs are (N, sample) for any N. FFN_UNSUPPORTED names
 * a layer or activation from outside the library, and a quantile scaler, which has no operators there. */
ffn_status ffn_model_export_onnx(const ffn_model *model, const char *path, ffn_error *error);
/* opset: 11 to 17; 0: 17. Another is FFN_UNSUPPORTED. */
ffn_status ffn_model_export_onnx_with(const ffn_model *model, const char *path, size_t opset, ffn_error *error);

/* Feedforward models of operator sets 11 to 17, as this library, PyTorch and others write them: dense layers as Gemm or
 * MatMul and Add, activations also where they are made of several nodes, both norms, skips, concatenations along the last
 * axis, shared weights. FFN_UNSUPPORTED names the first node that is something else, and its operator. The model may be
 * trained further; what dropout there was is gone. */
ffn_model *ffn_model_import_onnx(const char *path, ffn_error *error);
ffn_model *ffn_model_import_onnx_memory(const void *bytes, size_t size, ffn_error *error);

/* ---- extending ------------------------------------------------------------------------------------------------- */

/* Which default initializer suits the layer before an activation. */
typedef enum ffn_gain { FFN_GAIN_GLOROT = 0, FFN_GAIN_HE, FFN_GAIN_LECUN } ffn_gain;

/* What a loss's y is, and so with which final activation it is fused. */
typedef enum ffn_loss_domain {
    FFN_LOSS_OF_VALUES = 0,
    FFN_LOSS_OF_SOFTMAX_LOGITS,   /* fused with a final softmax */
    FFN_LOSS_OF_SIGMOID_LOGITS,   /* fused with a final sigmoid */
    FFN_LOSS_OF_LOG_PROBABILITIES /* with a final softmax it is given its logarithm and fused */
} ffn_loss_domain;

struct ffn_activation_ops {
    const char *name;
    float alpha_low, alpha_high; /* bounds of alpha, both included; both 0: alpha is not used */
    ffn_gain gain;
    bool needs_input;      /* backward reads x; false: it reads only y, and x may be NULL or overwritten */
    bool over_rows;        /* mixes the elements of a row, as softmax does */
    ffn_loss_domain fuses; /* losses that take this activation's input when it is the network's last */
    /* y = f(x), [rows][cols]; x == y must work. */
    void (*forward)(const ffn_activation *activation, size_t rows, size_t cols, const float *x, float *y);
    /* dx = f'(x) dy, [rows][cols]; dx == dy must work. */
    void (*backward)(const ffn_activation *activation, size_t rows, size_t cols, const float *x, const float *y,
                     const float *dy, float *dx);
    /* For a learned slope, else NULL: adds sum dy df/dslope to slope_gradient [1], or [cols] if per_unit. */
    void (*slope_gradient)(const ffn_activation *activation, size_t rows, size_t cols, const float *x, const float *dy,
                           float *slope_gradient);
};

typedef enum ffn_target_kind {
    FFN_TARGET_NUMBERS = 0,
    FFN_TARGET_CLASS_INDEX,  /* one column, a whole number below the outputs */
    FFN_TARGET_DISTRIBUTION, /* one column an output, none below 0 */
    FFN_TARGET_PROBABILITY,  /* one column an output, each in [0, 1] */
    FFN_TARGET_SIGN          /* one column an output, each -1 or 1 */
} ffn_target_kind;

struct ffn_loss_ops {
    const char *name;
    ffn_loss_domain domain;
    ffn_target_kind target;
    float delta_low, delta_high; /* bounds of delta, both included; both 0: not used */
    bool smooths;                /* uses label_smoothing */
    bool weighs;                 /* uses class_weights */
    /* The sum over the rows, and dy (unless NULL; dy == y must work) scaled by `scale`, which is 1 / the weight of all
     * rows: rows cols, or rows, or the class weights' sum. */
    double (*value)(const ffn_loss *loss, size_t rows, size_t cols, const float *y, const float *targets, float *dy,
                    double scale);
    /* What the sum is divided by. */
    double (*weight)(const ffn_loss *loss, size_t rows, size_t cols, const float *targets);
};

/* One update: what is the same for all parameters. */
typedef struct ffn_update {
    size_t count;                    /* updates before this one */
    double rate;                     /* the learning rate in force */
    double correction1, correction2; /* 1 - beta1^(count + 1) and 1 - beta2^(count + 1) */
    float decay;                     /* decoupled weight decay of this parameter; 0 for other optimizers */
    double shared[4];                /* of the kind's own: what its `prepare` left */
} ffn_update;

struct ffn_optimizer_ops {
    const char *name;
    bool decoupled_decay; /* weight_decay comes in ffn_update instead of in the gradient */
    /* Bounds of the optimizer's numbers: NULL if they are all right, else what is wrong, as "beta1 must
     * be in [0, 1)". */
    const char *(*check)(const ffn_optimizer *optimizer);
    size_t (*slots)(const ffn_optimizer *optimizer);                     /* floats of state per parameter, at most 4 */
    float (*initial_state)(const ffn_optimizer *optimizer, size_t slot); /* NULL: zeros; learning_rate: the layer's */
    /* Before the first step of an update, once: fills `shared` from the other fields of both. The rate may still change
     * from parameter to parameter. NULL: nothing to do. */
    void (*prepare)(const ffn_optimizer *optimizer, ffn_update *update);
    /* Updates w [n] by the gradient g [n] and state[slot] [n]. Called for parts of a parameter, from
     * several threads. */
    void (*step)(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                 float *const *state);
    /* The same, but a weight whose new value would not be finite keeps the old one; false if there was one. It saves the
     * library a copy. One of the two may be NULL. */
    bool (*guarded_step)(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                         float *const *state);
};
#define FFN_MAX_SLOTS 4

/* State of a schedule that follows a metric. */
typedef struct ffn_schedule_state {
    double scale; /* starts at 1 */
    double best;  /* starts at infinity */
    size_t bad;   /* reports since best */
} ffn_schedule_state;

struct ffn_schedule_ops {
    const char *name;
    const char *(*check)(const ffn_schedule *schedule); /* NULL if all right, else what is wrong */
    double (*rate)(const ffn_schedule *schedule, const ffn_schedule_state *state, double base, size_t count);
    void (*report)(const ffn_schedule *schedule, ffn_schedule_state *state, double metric); /* NULL: ignores reports */
};

struct ffn_initializer_ops {
    const char *name;
    /* Fills w [rows][cols]: rows is the first dimension, cols the product of the others. Every number comes from
     * random. */
    ffn_status (*fill)(const ffn_initializer *initializer, ffn_random *random, size_t fan_in, size_t fan_out,
                       size_t rows, size_t cols, float *w, ffn_error *error);
};

/* Layers. A layer's `plan` sees the inputs' shapes and answers through these fields and calls. */
#define FFN_MAX_INPUTS     8
#define FFN_MAX_PARAMETERS 8

typedef enum ffn_role {
    FFN_WEIGHT = 0, /* initialized by the layer's initializer; penalties and decay act on it */
    FFN_BIAS,       /* starts at `initial`, 0; no penalties */
    FFN_SCALE,      /* normalization parameters and slopes: starts at `initial`; no penalties */
    FFN_STATE       /* not trained; starts at `initial` */
} ffn_role;

/* How a parameter's values lie in the model, where a kernel wants them in an order of its own. Places that no value has
 * are zero. */
typedef struct ffn_parameter_layout {
    const char *name;
    size_t (*size)(ffn_shape shape); /* floats; SIZE_MAX if they are too many */
    /* Where value `index` of the row-major order lies; *run: so many values from it on lie one after the other. */
    size_t (*place)(ffn_shape shape, size_t index, size_t *run);
} ffn_parameter_layout;

typedef struct ffn_layer_parameter {
    const char *name; /* "weight"; a string literal */
    ffn_shape shape;
    ffn_role role;
    float initial;
    size_t fan_in, fan_out;             /* weights only */
    const ffn_parameter_layout *layout; /* of its values and gradients in ffn_step; NULL: row-major, as for callers */
} ffn_layer_parameter;

typedef struct ffn_layer_plan {
    /* given */
    ffn_kernels kernels; /* the model's, never AUTO */
    size_t input_count;
    ffn_shape inputs[FFN_MAX_INPUTS]; /* per sample */
    bool no_bias;                     /* ffn_set_bias(..., false) was called */
    bool is_output;                   /* of the network: a loss may want the last activation's input, the logits */
    /* answered */
    ffn_shape output; /* per sample */
    size_t parameter_count;
    ffn_layer_parameter parameters[FFN_MAX_PARAMETERS]; /* one without a name does not exist: it keeps its place free */
    ffn_gain gain;                                      /* of the default initializer */
    size_t saved_per_row;                               /* floats kept from forward to backward, for each row ... */
    size_t saved;                                       /* ... and once; only training plans keep them */
    size_t scratch_per_row;    /* floats for use within forward, and within backward, where ... */
    size_t scratch;            /* ... backward_parameters finds them as backward left them */
    size_t row_group;          /* scratch_per_row counts rows up to a multiple of it; 0: 1 */
    size_t gradient_scratch;   /* floats, for each thread, within backward_parameters */
    bool collects_states;      /* a training forward changes states, by ffn_step's next_states */
    size_t training_rows;      /* the fewest that a training forward with next_states works with; 0: 1 */
    ffn_activation activation; /* the output is its value; linear if there is none */
    bool logits_saved;         /* its input stands at the start of `saved`; false: it is input 0 */
    bool takes_turned;         /* input 0 may lie turned, and its gradient: see docs/kernels.md; not from outside */
    bool gives_turned;         /* the output may, and its gradient and what is saved */
} ffn_layer_plan;

/* One layer bound to a plan's memory: what forward and backward work on. Arrays hold `rows` samples. */
typedef struct ffn_step {
    const void *config;
    ffn_kernels kernels; /* as in ffn_layer_plan */
    size_t rows;
    bool training; /* dropout acts, and backward will follow: fill `saved` */
    size_t threads;
    size_t input_count;
    const ffn_shape *input_shapes; /* per sample */
    ffn_shape output_shape;
    const float *inputs[FFN_MAX_INPUTS];
    float *output;
    const float *parameters[FFN_MAX_PARAMETERS]; /* NULL where the layer declared none */
    /* Training forwards of a layer that collects: each state as the next update will make it; forward changes it. NULL
     * for what is not a state, and where the layer is not trained: it then works as in prediction. */
    float *next_states[FFN_MAX_PARAMETERS];
    /* The batch's share in running statistics: they become (1 - share) state + share batch; 0: the layer's own. A pass that
     * is to end with the mean over its batches gives the k-th 1 / k. */
    float state_share;
    float *saved; /* NULL in an inference plan */
    float *scratch;
    float *gradient_scratch; /* in backward_parameters: gradient_slots times what the plan asked for */
    size_t gradient_slots;
    ffn_random random; /* this layer's stream for this forward; the same again in its backward */
    /* backward only. A gradient that is NULL is not wanted; one with beta 0 is set, one with beta 1 is added to. */
    float *output_gradient; /* may be overwritten: nobody reads it afterwards */
    float *input_gradients[FFN_MAX_INPUTS];
    float input_betas[FFN_MAX_INPUTS];
    float *parameter_gradients[FFN_MAX_PARAMETERS];
    float parameter_betas[FFN_MAX_PARAMETERS];
    bool input_turned, output_turned; /* as the plan allowed it, forward and backward */
    /* a turned value that is a ReLU's: the layer that reads it multiplies with the derivative; not from outside */
    bool input_rectified, output_rectified;
    bool fused_loss; /* the loss takes the activation's input: forward need not set output, and output_gradient is with
                        respect to that input. Only for a layer whose plan named an activation that fuses. */
    /* backward_parameters only. Unless NULL it is to be called, from any thread, with every part of a parameter's
     * gradient as soon as that is complete: the weights are then updated while the part is in cache. `place` is where
     * the part belongs in parameter_gradients; its values may stand there or anywhere else, but with gradient_kept they
     * must stand there. */
    void (*gradient_ready)(void *context, const float *place, const float *values, size_t count);
    bool gradient_kept;
    void *gradient_context;
    /* With gradient_ready: arrays that will be read at the places of a part of parameter_gradients[0] once it is ready,
     * and may be fetched ahead: the weights, and the first two of the optimizer's state. NULL: none. */
    const float *gradient_fetch[3];
    /* With gradient_ready: what a layer may do with a part of parameter_gradients[0] instead of calling it, namely, at the
     * same places here, from any thread, descent_weights -= descent_rate * gradient. NULL: the call it must be. */
    float *descent_weights, descent_rate;
} ffn_step;

typedef enum ffn_field_type {
    FFN_FIELD_SIZE = 0,
    FFN_FIELD_FLOAT,
    FFN_FIELD_BOOL,
    FFN_FIELD_ACTIVATION,
    FFN_FIELD_SHAPE,
    FFN_FIELD_DOUBLE,
    FFN_FIELD_UINT64
} ffn_field_type;

/* A number of a layer's config struct: checked against its bounds when the layer is added, shown by the summary. */
typedef struct ffn_field {
    const char *name;
    ffn_field_type type;
    size_t offset;    /* offsetof(config struct, field) */
    double low, high; /* bounds of sizes, floats and doubles, both included */
} ffn_field;

struct ffn_layer_ops {
    const char *name;
    const ffn_field *fields;
    size_t field_count;
    bool ignores_inputs; /* backward does not read step->inputs: their memory may be used again by then */
    bool ignores_output; /* backward does not read step->output */
    bool only_training;  /* does nothing in prediction: its output, of as many elements, is input 0's memory there */
    /* Validates, infers the shape, declares parameters and memory. Asked when the layer is added, and again when a model
     * is built and a plan made: the answer must depend on what is given and on config alone. */
    ffn_status (*plan)(ffn_layer_plan *plan, const void *config, ffn_error *error);
    void (*forward)(const ffn_step *step);  /* NULL: the output is input 0's memory under another shape */
    void (*backward)(const ffn_step *step); /* NULL: no gradient can pass; fine where none is asked for */
    /* These two are for speed and may be NULL. With backward_parameters, backward only sets the inputs' gradients and
     * leaves output_gradient as the other needs it, and that sets the parameters', after every layer's backward has
     * run. gradient_bound answers in between what no element of those can exceed; NaN where it does not know. */
    void (*backward_parameters)(const ffn_step *step);
    double (*gradient_bound)(const ffn_step *step);
};

/* Adds a layer of one's own: copies config [config_size]. ops must live as long as the model. */
ffn_value ffn_custom_layer(ffn_model *model, const ffn_layer_ops *ops, const void *config, size_t config_size,
                           const ffn_value *inputs, size_t input_count);

/* For authors of layers, activations and losses: sets `error`, if not NULL, to a formatted sentence (as printf) and
 * returns status. */
ffn_status ffn_fail(ffn_error *error, ffn_status status, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/* Compares the gradients of backward, of every trainable parameter and of the inputs, with central differences of the
 * loss; of the parameters alone where a layer lets no gradient through to the inputs, as ffn_quantile_normal. In float32
 * expect errors up to some 1e-2 of the gradient's scale; the tests run it in double to 1e-8. */
typedef struct ffn_gradient_check_result {
    size_t checked, failed;
    /* largest |backward - difference| / max(|backward|, |difference|, scale), NaN counted as infinite; scale is the
     * largest gradient of the same tensor, or more, so that `tolerance` of it is no less than what rounding the losses
     * can make of a difference: where a gradient is 0 that is all there is */
    double worst;
    const char *name; /* parameter, or "input", of the worst; owned by the model */
    size_t element;
    double backward, difference; /* its two values */
} ffn_gradient_check_result;

/* step: of the differences, relative to max(1, |value|); 0: the cube root of the type's precision. tolerance: what
 * `worst` may be; 0: 1e-2. Returns FFN_OK also if elements failed: look at `failed`. Leaves the model as it was. */
ffn_status ffn_gradient_check(ffn_model *model, ffn_loss loss, const float *x, const float *targets, size_t rows,
                              double step, double tolerance, ffn_gradient_check_result *result, ffn_error *error);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
