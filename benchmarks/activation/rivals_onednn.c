/* The activations by oneDNN 2 where it is found. It threads by OpenMP: OMP_NUM_THREADS=1 is one thread's speed. */
#include "rivals.h"

#ifdef RIVAL_ONEDNN
#include <dnnl_version.h>
#endif
#if defined(RIVAL_ONEDNN) && DNNL_VERSION_MAJOR == 2
#include <dnnl.h>
#include <stdbool.h>
#include <string.h>

/* A primitive that is kept between calls, and the arrays it works on: x, y or, backward, v, dy, dx. */
typedef struct primitive {
    const char *kind; /* NULL: none */
    size_t rows, cols;
    bool backward;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    dnnl_memory_t arrays[3];
} primitive;

typedef struct kind {
    const char *name;
    dnnl_alg_kind_t forward, backward;
    float alpha;
    bool reads_y;
} kind;

enum {
    KIND_sigmoid,
    KIND_tanh,
    KIND_relu,
    KIND_elu,
    KIND_swish,
    KIND_gelu,
    KIND_gelu_tanh,
    KIND_softplus,
    KIND_mish,
    KIND_hard_swish,
};

static const kind kinds[] = {
    [KIND_sigmoid] = {"sigmoid", dnnl_eltwise_logistic, dnnl_eltwise_logistic_use_dst_for_bwd, 0, true},
    [KIND_tanh] = {"tanh", dnnl_eltwise_tanh, dnnl_eltwise_tanh_use_dst_for_bwd, 0, true},
    [KIND_relu] = {"relu", dnnl_eltwise_relu, dnnl_eltwise_relu_use_dst_for_bwd, 0, true},
    [KIND_elu] = {"elu", dnnl_eltwise_elu, dnnl_eltwise_elu_use_dst_for_bwd, 1, true},
    [KIND_swish] = {"swish", dnnl_eltwise_swish, dnnl_eltwise_swish, 1, false},
    [KIND_gelu] = {"gelu", dnnl_eltwise_gelu_erf, dnnl_eltwise_gelu_erf, 0, false},
    [KIND_gelu_tanh] = {"gelu_tanh", dnnl_eltwise_gelu_tanh, dnnl_eltwise_gelu_tanh, 0, false},
    [KIND_softplus] = {"softplus", dnnl_eltwise_soft_relu, dnnl_eltwise_soft_relu, 0, false},
    [KIND_mish] = {"mish", dnnl_eltwise_mish, dnnl_eltwise_mish, 0, false},
    [KIND_hard_swish] = {"hard_swish", dnnl_eltwise_hardswish, dnnl_eltwise_hardswish, 0, false},
};

/* Each answers whether oneDNN can; what is not destroyed ends with the program. */
static bool describe(const kind *k, const primitive *p, const dnnl_memory_desc_t *shape, dnnl_primitive_desc_t *result)
{
    const dnnl_prop_kind_t pass = p->backward ? dnnl_forward_training : dnnl_forward_inference;
    dnnl_eltwise_desc_t forward, backward;
    dnnl_softmax_desc_t softmax;
    if (!k)
        return !dnnl_softmax_forward_desc_init(&softmax, dnnl_forward_inference, shape, 1) &&
               !dnnl_primitive_desc_create(result, &softmax, NULL, p->engine, NULL);
    if (dnnl_eltwise_forward_desc_init(&forward, pass, p->backward ? k->backward : k->forward, shape, k->alpha, 0))
        return false;
    dnnl_primitive_desc_t hint;
    if (dnnl_primitive_desc_create(&hint, &forward, NULL, p->engine, NULL)) return false;
    if (!p->backward) return *result = hint, true;
    const bool described = !dnnl_eltwise_backward_desc_init(&backward, k->backward, shape, shape, k->alpha, 0) &&
                           !dnnl_primitive_desc_create(result, &backward, NULL, p->engine, hint);
    dnnl_primitive_desc_destroy(hint);
    return described;
}

static bool make(const kind *k, primitive *p)
{
    dnnl_memory_desc_t shape;
    dnnl_primitive_desc_t description;
    if (dnnl_engine_create(&p->engine, dnnl_cpu, 0) ||
        dnnl_stream_create(&p->stream, p->engine, dnnl_stream_default_flags) ||
        dnnl_memory_desc_init_by_tag(&shape, 2, (dnnl_dims_t){(dnnl_dim_t)p->rows, (dnnl_dim_t)p->cols}, dnnl_f32,
                                     dnnl_ab) ||
        !describe(k, p, &shape, &description))
        return false;
    for (size_t i = 0; i < 3; i++)
        if (dnnl_memory_create(&p->arrays[i], &shape, p->engine, DNNL_MEMORY_NONE)) return false;
    return !dnnl_primitive_create(&p->primitive, description) && !dnnl_primitive_desc_destroy(description);
}

static void forget(primitive *p)
{
    if (!p->kind) return;
    for (size_t i = 0; i < 3; i++) dnnl_memory_destroy(p->arrays[i]);
    dnnl_primitive_destroy(p->primitive);
    dnnl_stream_destroy(p->stream);
    dnnl_engine_destroy(p->engine);
}

/* Runs a kind, NULL: softmax, on arrays as they come in the list of its roles; a thread keeps its last primitive. */
static void run(const kind *k, bool backward, size_t rows, size_t cols, const float *const arrays[3])
{
    static _Thread_local primitive last;
    const char *name = k ? k->name : "softmax";
    if (last.kind != name || last.rows != rows || last.cols != cols || last.backward != backward) {
        forget(&last);
        last = (primitive){.kind = name, .rows = rows, .cols = cols, .backward = backward};
        if (!make(k, &last)) last.kind = NULL;
    }
    if (!last.kind) return;
    dnnl_exec_arg_t roles[3] = {{DNNL_ARG_SRC, NULL}, {DNNL_ARG_DST, NULL}};
    if (backward) {
        roles[0].arg = k->reads_y ? DNNL_ARG_DST : DNNL_ARG_SRC;
        roles[1].arg = DNNL_ARG_DIFF_DST;
        roles[2].arg = DNNL_ARG_DIFF_SRC;
    }
    for (int i = 0; i < 2 + backward; i++) {
        dnnl_memory_set_data_handle(last.arrays[i], (void *)(size_t)arrays[i]);
        roles[i].memory = last.arrays[i];
    }
    dnnl_primitive_execute(last.primitive, last.stream, 2 + backward, roles);
    dnnl_stream_wait(last.stream);
}

#define ELEMENTWISE(name)                                                                                              \
    static void name##_forward(size_t rows, size_t cols, const float *x, float *y)                                     \
    {                                                                                                                  \
        run(&kinds[KIND_##name], false, rows, cols, (const float *const[3]){x, y});                                    \
    }                                                                                                                  \
    static void name##_backward(size_t n, const float *v, const float *dy, float *dx)                                  \
    {                                                                                                                  \
        run(&kinds[KIND_##name], true, 1, n, (const float *const[3]){v, dy, dx});                                      \
    }
ELEMENTWISE(sigmoid)
ELEMENTWISE(tanh)
ELEMENTWISE(relu)
ELEMENTWISE(elu)
ELEMENTWISE(swish)
ELEMENTWISE(gelu)
ELEMENTWISE(gelu_tanh)
ELEMENTWISE(softplus)
ELEMENTWISE(mish)
ELEMENTWISE(hard_swish)

static void softmax_forward(size_t rows, size_t cols, const float *x, float *y)
{
    run(NULL, false, rows, cols, (const float *const[3]){x, y});
}

#define RIVAL(name)                                                                                                    \
    {                                                                                                                  \
#name, name##_forward, name##_backward                                                                         \
    }
static const rival rivals[] = {RIVAL(sigmoid),
                               RIVAL(tanh),
                               RIVAL(relu),
                               RIVAL(elu),
                               RIVAL(swish),
                               RIVAL(gelu),
                               RIVAL(gelu_tanh),
                               RIVAL(softplus),
                               RIVAL(mish),
                               RIVAL(hard_swish),
                               {"softmax", softmax_forward, NULL}};

const rival *rival_onednn(const char *name) { return rival_find(rivals, sizeof(rivals) / sizeof(rivals)[0], name); }

#else

const rival *rival_onednn(const char *name) { return (void)name, NULL; }

#endif
