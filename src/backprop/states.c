/* States that training forwards change, such as running means: a plan collects what they become, beside the model that
 * other threads may be reading, and an update commits it. */
#include <string.h>

#include "backprop/plan.h"

static bool collects(const ffn_plan *plan, const ffn__parameter *parameter)
{
    const ffn__layer *layer = &plan->model->layers[parameter->layer];
    return plan->options.training && !plan->options.frozen && !layer->frozen && layer->collects_states &&
           parameter->role == FFN_STATE;
}

/* Lists the states of all layers; with a NULL list counts them. Answers how many there are. */
static size_t list_states(const ffn_plan *plan, ffn__next_state *list)
{
    size_t count = 0, offset = 0;
    for (size_t i = 0; i < plan->model->parameter_count; i++) {
        const ffn__parameter *parameter = &plan->model->parameters[i];
        if (!collects(plan, parameter)) continue;
        if (list) list[count] = (ffn__next_state){.parameter = i, .offset = offset};
        offset += ffn__pad(parameter->stored);
        count++;
    }
    return count;
}

ffn_status ffn__states_allocate(ffn_plan *plan, ffn_error *error)
{
    plan->next_states.count = (uint32_t)list_states(plan, NULL);
    if (plan->next_states.count == 0) return FFN_OK;
    plan->next_states.states = ffn__alloc_objects(plan->next_states.count, sizeof(*plan->next_states.states), error);
    if (!plan->next_states.states) return FFN_OUT_OF_MEMORY;
    (void)list_states(plan, plan->next_states.states);
    const ffn__next_state *last = &plan->next_states.states[plan->next_states.count - 1];
    const size_t size = last->offset + ffn__pad(plan->model->parameters[last->parameter].stored);
    plan->next_states.values = ffn__alloc(size, sizeof(float), error);
    plan->bytes += size * sizeof(float) + plan->next_states.count * sizeof(*plan->next_states.states);
    return plan->next_states.values ? FFN_OK : FFN_OUT_OF_MEMORY;
}

float *ffn__states_next(const ffn_plan *plan, size_t parameter)
{
    for (size_t i = 0; i < plan->next_states.count; i++)
        if (plan->next_states.states[i].parameter == parameter)
            return plan->next_states.values + plan->next_states.states[i].offset;
    return NULL;
}

void ffn__states_begin(ffn_plan *plan)
{
    if (plan->next_states.begun) return;
    for (size_t i = 0; i < plan->next_states.count; i++) {
        const size_t parameter = plan->next_states.states[i].parameter;
        memcpy(plan->next_states.values + plan->next_states.states[i].offset,
               ffn__parameter_values(plan->model, parameter),
               plan->model->parameters[parameter].stored * sizeof(float));
    }
    plan->next_states.begun = true;
}

void ffn__states_discard(ffn_plan *plan) { plan->next_states.begun = false; }

void ffn__states_commit(ffn_plan *plan, ffn_model *model)
{
    if (!plan->next_states.states) return;
    for (size_t i = 0; plan->next_states.begun && i < plan->next_states.count; i++) {
        const size_t parameter = plan->next_states.states[i].parameter, size = model->parameters[parameter].stored;
        const float *next = plan->next_states.values + plan->next_states.states[i].offset;
        if (ffn__tensor()->all_finite(size, next))
            memcpy(ffn__parameter_values(model, parameter), next, size * sizeof(float));
    }
    plan->next_states.begun = false;
}

ffn_status ffn__states_check_rows(const ffn_plan *plan, size_t rows, const char *what, ffn_error *error)
{
    const ffn__next_states *next = &plan->next_states;
    if (rows >= next->least_rows) return FFN_OK;
    return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s %zu row%s; in training %s needs at least %zu", what, rows,
                    rows == 1 ? "" : "s", ffn__node_name(plan->model, next->least_node), next->least_rows);
}
