/* Sessions: inputs in, run, outputs out. */
#include "lib/runtime/session.h"

#include <string.h>

static tdnn_status choose_kernels(tdnn_session *session, tdnn_error *err)
{
    const bool fast = session->options.precision == TDNN_PRECISION_FAST;
    tdnn_cpu level = fast ? tdnn_cpu_fast() : TDNN_CPU_VNNI, wanted;
    const char *name = session->options.cpu;
    if (name) {
        if (!tdnn_cpu_parse(name, &wanted))
            return TDNN_FAIL(
                err, TDNN_ERR_ARGUMENT,
                "CPU level \"%s\", expected generic, avx2, avx512, avx512vnni, avx512bf16, amx or neon",
                name);
        if (fast || wanted < level) level = wanted;
    }
    session->env.kernels = tdnn_kernels_get(level);
    return TDNN_OK;
}

static tdnn_status init(tdnn_session *session, tdnn_error *err)
{
    tdnn_frame *frame;
    TDNN_TRY(choose_kernels(session, err));
    session->env.threads = session->options.threads;
    session->env.precision = session->options.precision;
    session->env.no_winograd = session->options.no_winograd;
    session->env.packs = session->net->packs;
    if (session->options.measure) {
        TDNN_TRY(tdnn_packs_create(true, 0, &session->measured, err));
        session->env.packs = session->measured;
    } else {
        TDNN_TRY(tdnn_net_ready(session->net, err));
    }
    session->hooks.profile = session->options.profile;
    session->hooks.progress = session->options.progress;
    session->hooks.user = session->options.user;
    if (session->options.threads > 1) {
        TDNN_TRY(tdnn_workers_create(session->options.threads, &session->workers, err));
        session->hooks.workers = session->env.workers = session->workers;
    }
    session->zone = tdnn_zone_create();
    session->inputs = tdnn_calloc(session->net->graph->input_count + 1, sizeof(tdnn_tensor *));
    if (!session->zone || !session->inputs) return TDNN_NO_MEMORY(err);
    return tdnn_session_frame(session, session->net->graph, &frame, err);
}

tdnn_status tdnn_session_open(tdnn_net *net, const tdnn_session_options *options,
                              tdnn_session **out, tdnn_error *err)
{
    *out = NULL;
    tdnn_session *session = tdnn_calloc(1, sizeof *session);
    if (!session) return TDNN_NO_MEMORY(err);
    session->net = tdnn_net_retain(net);
    session->options = *options;
    session->budget = (tdnn_budget){.limit = options->memory_limit, .used = net->allocated};
    tdnn_budget *before = tdnn_budget_begin(&session->budget);
    tdnn_status status = tdnn_budget_end(before, init(session, err), err);
    session->kept = session->budget.used;
    if (status)
        tdnn_session_free(session);
    else
        *out = session;
    return status;
}

void tdnn_session_free(tdnn_session *session)
{
    if (!session) return;
    tdnn_workers_free(session->workers);
    for (tdnn_frame *frame = session->frames; frame; frame = frame->next) {
        tdnn_frame_clear(frame);
        tdnn_frame_free_plans(frame);
    }
    if (session->inputs)
        for (size_t i = 0; i < session->net->graph->input_count; i++)
            tdnn_tensor_release(session->inputs[i]);
    tdnn_free(session->inputs);
    tdnn_packs_free(session->measured);
    tdnn_zone_free(session->zone);
    tdnn_net_release(session->net);
    tdnn_free(session);
}

/* ---- inputs ---- */

static tdnn_status find_input(const tdnn_session *session, const char *name, size_t *out,
                              tdnn_error *err)
{
    const tdnn_net *net = session->net;
    size_t count = net->graph->input_count;
    *out = 0;
    if (!name) {
        if (count == 1) return TDNN_OK;
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT,
                         "the net has %zu inputs, expected the name of one", count);
    }
    for (size_t i = 0; i < count; i++)
        if (strcmp(net->inputs[i].name, name) == 0) {
            *out = i;
            return TDNN_OK;
        }
    return TDNN_FAIL(err, TDNN_ERR_NOT_FOUND, "no input is named \"%s\"%s%s%s", name,
                     count ? ", the first is \"" : "", count ? net->inputs[0].name : "",
                     count ? "\"" : "");
}

static tdnn_status check_input(const tdnn_port *port, const tdnn_tensor *value, tdnn_error *err)
{
    char found[TDNN_SHAPE_TEXT], expected[TDNN_SHAPE_TEXT];
    if (value->kind != port->kind)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "input \"%s\" is a %s, expected a %s", port->name,
                         tdnn_kind_name(value->kind), tdnn_kind_name(port->kind));
    if (port->kind != TDNN_KIND_TENSOR) return TDNN_OK;
    if (port->dtype != TDNN_NONE && value->dtype != port->dtype)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "input \"%s\" has elements of type %s, expected %s", port->name,
                         tdnn_dtype_name(value->dtype), tdnn_dtype_name(port->dtype));
    bool fits = port->shape.ndim < 0 || port->shape.ndim == value->shape.ndim;
    for (int i = 0; fits && i < port->shape.ndim; i++)
        fits = port->shape.dim[i] < 0 || port->shape.dim[i] == value->shape.dim[i];
    if (fits) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_SHAPE, "input \"%s\" has shape %s, expected %s", port->name,
                     tdnn_shape_text(&value->shape, found),
                     tdnn_shape_text(&port->shape, expected));
}

static void put_input(tdnn_session *session, size_t index, tdnn_tensor *value)
{
    tdnn_tensor_release(session->inputs[index]);
    session->inputs[index] = value;
}

static bool reusable(const tdnn_tensor *have, const tdnn_tensor *value)
{
    return have && have->release_data && atomic_load(&have->refs) == 1 &&
           have->kind == TDNN_KIND_TENSOR && value->kind == TDNN_KIND_TENSOR &&
           have->dtype == value->dtype && value->dtype != TDNN_STRING &&
           tdnn_shape_equal(&have->shape, &value->shape);
}

tdnn_status tdnn_session_put(tdnn_session *session, const char *name, tdnn_tensor *value,
                             bool copy, tdnn_error *err)
{
    size_t index;
    TDNN_TRY(find_input(session, name, &index, err));
    TDNN_TRY(check_input(&session->net->inputs[index], value, err));
    if (!copy) {
        put_input(session, index, tdnn_tensor_retain(value));
        return TDNN_OK;
    }
    if (session->inputs[index] == value) return TDNN_OK;
    if (reusable(session->inputs[index], value))
        return tdnn_tensor_copy_into(value, session->inputs[index], err);
    tdnn_tensor *mine;
    TDNN_TRY(tdnn_tensor_copy(value, &mine, err));
    put_input(session, index, mine);
    return TDNN_OK;
}

/* ---- running ---- */

tdnn_status tdnn_session_go(tdnn_session *session, tdnn_error *err)
{
    const tdnn_net *net = session->net;
    tdnn_frame *frame = session->frames;
    session->ran = false;
    tdnn_frame_clear(frame);
    session->budget.used = session->kept;
    if (session->measured)
        return TDNN_FAIL(err, TDNN_ERR_STATE,
                         "the session was made for measuring only (option measure)");
    if (net->graph->incomplete)
        return TDNN_FAIL(err, TDNN_ERR_STATE, "%s", net->graph->incomplete);
    for (size_t i = 0; i < net->graph->input_count; i++) {
        if (!session->inputs[i])
            return TDNN_FAIL(err, TDNN_ERR_STATE, "input \"%s\" is not set", net->inputs[i].name);
        frame->values[net->graph->inputs[i]] = session->inputs[i];
    }
    TDNN_TRY(tdnn_frame_run(session, frame, err));
    session->ran = true;
    return TDNN_OK;
}

tdnn_status tdnn_session_get(const tdnn_session *session, const char *name,
                             const tdnn_tensor **out, tdnn_error *err)
{
    const tdnn_net *net = session->net;
    size_t index = 0, count = net->graph->output_count;
    if (!session->ran) return TDNN_FAIL(err, TDNN_ERR_STATE, "the session has not run");
    while (name && index < count && strcmp(net->outputs[index].name, name) != 0) index++;
    if (name && *name && index == count)
        for (index = 0; index < count && strcmp(net->output_nodes[index], name) != 0;) index++;
    if (index >= count)
        return TDNN_FAIL(err, TDNN_ERR_NOT_FOUND, "no output is named \"%s\"", name ? name : "");
    *out = session->frames->values[net->graph->outputs[index]];
    if (!*out) return TDNN_FAIL(err, TDNN_ERR_INTERNAL, "output %zu was not computed", index);
    return TDNN_OK;
}

/* ---- planning ahead ---- */

/* Stands in for an input of which only the shape is known. */
static tdnn_status shape_only(const tdnn_port *port, const char *const *names,
                              const tdnn_shape *shapes, size_t count, tdnn_tensor *out,
                              tdnn_error *err)
{
    *out = (tdnn_tensor){.kind = port->kind, .dtype = port->dtype, .shape = port->usual};
    atomic_init(&out->refs, 1);
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], port->name) == 0) out->shape = shapes[i];
    if (port->kind != TDNN_KIND_TENSOR || port->dtype == TDNN_NONE ||
        !tdnn_shape_known(&out->shape))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "input \"%s\" has no fixed shape, expected one to plan for",
                         port->name);
    TDNN_TRY(check_input(port, out, err));
    return TDNN_OK;
}

static tdnn_status plan_all(tdnn_session *session, tdnn_error *err)
{
    tdnn_frame *frame = session->frames;
    tdnn_plan *plan;
    if (!frame->graph->node_count) return TDNN_OK;
    /* What needs values ends it: the rest is planned while running. */
    return tdnn_frame_plan(session, frame, 0, &plan, err);
}

tdnn_status tdnn_session_prepare(tdnn_session *session, const char *const *names,
                                 const tdnn_shape *shapes, size_t count, tdnn_error *err)
{
    const tdnn_net *net = session->net;
    tdnn_frame *frame = session->frames;
    size_t inputs = net->graph->input_count, index;
    for (size_t i = 0; i < count; i++) TDNN_TRY(find_input(session, names[i], &index, err));
    tdnn_tensor *stand_ins = tdnn_calloc(inputs + 1, sizeof *stand_ins);
    if (!stand_ins) return TDNN_NO_MEMORY(err);
    session->ran = false;
    tdnn_frame_clear(frame);
    tdnn_status status = TDNN_OK;
    for (size_t i = 0; !status && i < inputs; i++) {
        status = shape_only(&net->inputs[i], names, shapes, count, &stand_ins[i], err);
        frame->values[net->graph->inputs[i]] = &stand_ins[i];
    }
    if (session->measured) tdnn_mutex_lock(net->mutex); /* another session may make the data */
    if (!status) status = plan_all(session, err);
    if (session->measured) tdnn_mutex_unlock(net->mutex);
    tdnn_frame_clear(frame);
    tdnn_free(stand_ins);
    return status;
}

/* ---- steps ---- */

uint64_t tdnn_session_arena_bytes(const tdnn_session *session)
{
    uint64_t bytes = 0;
    for (const tdnn_frame *frame = session ? session->frames : NULL; frame; frame = frame->next)
        for (size_t n = 0; n < frame->graph->node_count; n++)
            if (frame->sites[n]) bytes += frame->sites[n]->arena_bytes;
    return bytes;
}

static const char *layout_name(tdnn_layout layout)
{
    return layout == TDNN_LAYOUT_C16 ? "c16" : layout == TDNN_LAYOUT_C8 ? "c8" : "plain";
}

static void fill_step(const tdnn_plan *plan, size_t index, tdnn_step_info *out)
{
    const tdnn_step *step = &plan->steps[index];
    *out = (tdnn_step_info){.name = step->node->name,
                            .op = step->node->op->name,
                            .kernel = step->kernel,
                            .layout = "plain",
                            .flops = step->flops,
                            .moved = step->moved,
                            .runs = plan->times[index].runs,
                            .total_ns = plan->times[index].total_ns,
                            .min_ns = plan->times[index].min_ns};
    for (size_t i = 0; i < step->output_count; i++) {
        const tdnn_tensor *t = step->out[i];
        if (!t) continue;
        out->layout = layout_name(t->layout);
        out->dtype = t->dtype;
        out->shape = t->shape;
        out->bytes = t->bytes;
        out->arena_offset =
            plan->base ? (uint64_t)((const unsigned char *)t->data - plan->base) : 0;
        if (!step->node->name[0] && plan->graph->value_count) {
            tdnn_id id = step->node->outputs && i < step->node->output_count
                             ? step->node->outputs[i]
                             : -1;
            if (id >= 0 && (size_t)id < plan->graph->value_count)
                out->name = plan->graph->values[id].name;
        }
        break;
    }
}

static void fill_exec(const tdnn_frame *frame, size_t n, tdnn_step_info *out)
{
    const tdnn_node *node = frame->graph->nodes[n];
    const tdnn_step_times *times = &frame->exec_times[n];
    *out = (tdnn_step_info){.name = node->name,
                            .op = node->op->name,
                            .kernel = "exec",
                            .layout = "plain",
                            .runs = times->runs,
                            .total_ns = times->total_ns,
                            .min_ns = times->min_ns};
}

/* Walks all steps in the order of running, subgraphs behind the main graph; stops at number
 * `index`, or counts them all if there is none such. */
static size_t walk(const tdnn_session *session, size_t index, tdnn_step_info *out)
{
    size_t seen = 0;
    for (const tdnn_frame *frame = session->frames; frame; frame = frame->next)
        for (size_t n = 0; n < frame->graph->node_count;) {
            const tdnn_plan *plan = frame->sites[n] ? frame->sites[n]->current : NULL;
            size_t here = plan                                       ? plan->step_count
                          : tdnn_op_of(frame->graph->nodes[n])->exec ? 1
                                                                     : 0;
            if (out && index < seen + here) {
                if (plan) fill_step(plan, index - seen, out);
                else fill_exec(frame, n, out);
                return seen;
            }
            seen += here;
            n = plan ? plan->end : n + 1;
        }
    return seen;
}

size_t tdnn_session_step_count(const tdnn_session *session)
{
    return session ? walk(session, SIZE_MAX, NULL) : 0;
}

tdnn_status tdnn_session_step_at(const tdnn_session *session, size_t index, tdnn_step_info *out,
                                 tdnn_error *err)
{
    size_t count = walk(session, SIZE_MAX, NULL);
    if (index >= count) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "step %zu of %zu", index, count);
    walk(session, index, out);
    return TDNN_OK;
}

void tdnn_session_profile_reset(tdnn_session *session)
{
    for (tdnn_frame *frame = session ? session->frames : NULL; frame; frame = frame->next) {
        memset(frame->exec_times, 0, (frame->graph->node_count + 1) * sizeof *frame->exec_times);
        for (size_t n = 0; n < frame->graph->node_count; n++)
            for (size_t i = 0; frame->sites[n] && i < frame->sites[n]->plan_count; i++) {
                tdnn_plan *plan = frame->sites[n]->plans[i];
                memset(plan->times, 0, plan->step_count * sizeof *plan->times);
            }
    }
}
