/* If, Loop, Scan: subgraphs that run once, or again and again. */
#include "lib/ops/pieces.h"

static bool is_true(const tdnn_tensor *t) { return tdnn_tensor_get_i64(t, 0) != 0; }

static tdnn_status check_scalar(const tdnn_exec *ctx, size_t index, const char *what)
{
    const tdnn_tensor *t = ctx->in[index];
    const bool fits = t && t->kind == TDNN_KIND_TENSOR && tdnn_shape_count(&t->shape) == 1 &&
                      (t->dtype == TDNN_BOOL || tdnn_dtype_is_int(t->dtype));
    if (fits) return TDNN_OK;
    return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu, %s, is no single number", index,
                     what);
}

static tdnn_status find_graph(const tdnn_exec *ctx, int64_t index, const tdnn_graph **out)
{
    if (index < 0 || (size_t)index >= ctx->node->subgraph_count)
        return TDNN_FAIL(ctx->err, TDNN_ERR_FORMAT, "a subgraph is missing");
    *out = ctx->node->subgraphs[index];
    return TDNN_OK;
}

/* Whether input `index` is a number that is known, and 0 or less. */
static bool is_known_to_stop(const tdnn_infer *ctx, size_t index)
{
    const tdnn_tensor *t =
        index < ctx->input_count && ctx->in[index] ? ctx->in[index]->contents : NULL;
    return t && t->kind == TDNN_KIND_TENSOR && tdnn_shape_count(&t->shape) == 1 &&
           (t->dtype == TDNN_BOOL || tdnn_dtype_is_int(t->dtype)) &&
           tdnn_tensor_get_i64(t, 0) <= 0;
}

/* A type and a shape that are known; contents change from step to step. */
static tdnn_info without_contents(const tdnn_infer *ctx, size_t index)
{
    if (index >= ctx->input_count || !ctx->in[index]) return (tdnn_info){0};
    tdnn_info info = *ctx->in[index];
    info.contents = NULL;
    return info;
}

/* ---- If ---- */

typedef struct if_params {
    int64_t then_branch, else_branch;
} if_params;

static tdnn_status if_exec(tdnn_exec *ctx)
{
    const if_params *p = ctx->params;
    const tdnn_graph *graph = NULL;
    TDNN_TRY(check_scalar(ctx, 0, "the condition"));
    const int64_t branch = is_true(ctx->in[0]) ? p->then_branch : p->else_branch;
    TDNN_TRY(find_graph(ctx, branch, &graph));
    return tdnn_exec_subgraph(ctx, (size_t)branch, NULL, 0, ctx->out, ctx->output_count);
}

static bool if_enter(const tdnn_infer *ctx, size_t index, tdnn_info *in, size_t count)
{
    const if_params *p = ctx->params;
    (void)in;
    (void)count;
    if (!ctx->in[0] || !ctx->in[0]->contents) return true;
    return (int64_t)index == (is_known_to_stop(ctx, 0) ? p->else_branch : p->then_branch);
}

static const tdnn_attr if_attrs[] = {
    TDNN_GRAPH(if_params, then_branch),
    TDNN_GRAPH(if_params, else_branch),
    {0},
};

const tdnn_op tdnn_op_If = {
    .schema = {TDNN_SCHEMA(If, 1, 1, 1, -1, if_attrs, if_params)},
    .flags = TDNN_OP_LISTS,
    .exec = if_exec,
    .enter = if_enter,
};

/* ---- what Loop and Scan share: a body that runs again and again ---- */

typedef struct iteration {
    tdnn_exec *ctx;
    size_t body; /* subgraph                                          */
    const tdnn_graph *graph;
    size_t states, scans;    /* values carried on; values collected               */
    tdnn_tensor **in, **out; /* of the body: owned here, but for a Loop's captures */
    tdnn_pieces *collected;  /* per scan output                                   */
} iteration;

static tdnn_status iteration_init(iteration *it)
{
    const size_t in = it->graph->input_count, out = it->graph->output_count;
    it->in = tdnn_calloc(in + 1, sizeof *it->in);
    it->out = tdnn_calloc(out + 1, sizeof *it->out);
    it->collected = tdnn_calloc(it->scans + 1, sizeof *it->collected);
    return it->in && it->out && it->collected ? TDNN_OK : TDNN_NO_MEMORY(it->ctx->err);
}

static void iteration_free(iteration *it)
{
    for (size_t i = 0; it->in && i < it->graph->input_count; i++)
        tdnn_tensor_release(it->in[i]);
    for (size_t i = 0; it->out && i < it->graph->output_count; i++)
        tdnn_tensor_release(it->out[i]);
    for (size_t i = 0; it->collected && i < it->scans; i++) tdnn_pieces_free(&it->collected[i]);
    tdnn_free(it->in);
    tdnn_free(it->out);
    tdnn_free(it->collected);
}

/* Runs the body once; its states move from the outputs behind `first_out` to the inputs behind
 * `first_in`, and what is collected, which follows them, into the lists. */
static tdnn_status iteration_run(iteration *it, size_t first_in, size_t first_out)
{
    TDNN_TRY(tdnn_exec_subgraph(it->ctx, it->body, it->in, it->graph->input_count, it->out,
                                it->graph->output_count));
    for (size_t i = 0; i < it->states; i++) {
        tdnn_tensor_release(it->in[first_in + i]);
        it->in[first_in + i] = it->out[first_out + i];
        it->out[first_out + i] = NULL;
    }
    for (size_t i = 0; i < it->scans; i++) {
        tdnn_tensor *piece = it->out[first_out + it->states + i];
        it->out[first_out + it->states + i] = NULL;
        TDNN_TRY(tdnn_pieces_add(&it->collected[i], piece, it->ctx->err));
    }
    return TDNN_OK;
}

/* What was collected along a new axis. Of nothing, only the declared type and shape are known.
 */
static tdnn_status iteration_join(iteration *it, size_t scan, size_t first_out, int64_t axis,
                                  tdnn_tensor **out)
{
    tdnn_pieces *pieces = &it->collected[scan];
    const tdnn_value *declared =
        &it->graph->values[it->graph->outputs[first_out + it->states + scan]];
    int at;
    if (pieces->count) {
        TDNN_TRY(tdnn_axis_resolve(axis, pieces->at[0]->shape.ndim + 1, &at, it->ctx->err));
        return tdnn_piece_join(pieces->at, pieces->count, at, true, out, it->ctx->err);
    }
    tdnn_shape shape = {.ndim = 1};
    for (int d = 0; d < declared->shape.ndim && shape.ndim < TDNN_MAX_DIMS; d++)
        shape.dim[shape.ndim++] = declared->shape.dim[d] < 0 ? 0 : declared->shape.dim[d];
    return tdnn_tensor_create(declared->dtype ? declared->dtype : TDNN_F32, &shape, out,
                              it->ctx->err);
}

/* ---- Loop ---- */

typedef struct body_params {
    int64_t body;
} body_params;

static tdnn_status loop_check(iteration *it, int64_t *trips, bool *go_on)
{
    tdnn_exec *ctx = it->ctx;
    *trips = INT64_MAX;
    *go_on = true;
    if (ctx->input_count > 0 && ctx->in[0]) {
        TDNN_TRY(check_scalar(ctx, 0, "the trip count"));
        *trips = tdnn_tensor_get_i64(ctx->in[0], 0);
    }
    if (ctx->input_count > 1 && ctx->in[1]) {
        TDNN_TRY(check_scalar(ctx, 1, "the condition"));
        *go_on = is_true(ctx->in[1]);
    }
    it->states = ctx->input_count > 2 ? ctx->input_count - 2 : 0;
    if (it->graph->input_count != it->states + 2 || it->graph->output_count < it->states + 1 ||
        it->graph->output_count - 1 != ctx->output_count)
        return TDNN_FAIL(ctx->err, TDNN_ERR_FORMAT,
                         "the body has %zu inputs and %zu outputs, for %zu values carried on "
                         "and %zu outputs",
                         it->graph->input_count, it->graph->output_count, it->states,
                         ctx->output_count);
    it->scans = it->graph->output_count - 1 - it->states;
    return TDNN_OK;
}

static tdnn_status loop_run(iteration *it, int64_t trips, bool go_on)
{
    tdnn_exec *ctx = it->ctx;
    for (size_t i = 0; i < it->states; i++)
        TDNN_TRY(tdnn_exec_keep(ctx, ctx->in[i + 2], &it->in[i + 2]));
    for (int64_t i = 0; i < trips && go_on; i++) {
        tdnn_tensor_release(it->in[0]);
        tdnn_tensor_release(it->in[1]);
        it->in[0] = it->in[1] = NULL;
        TDNN_TRY(tdnn_piece_i64(i, &it->in[0], ctx->err));
        TDNN_TRY(tdnn_piece_bool(go_on, &it->in[1], ctx->err));
        TDNN_TRY(iteration_run(it, 2, 1));
        go_on = is_true(it->out[0]);
        tdnn_tensor_release(it->out[0]);
        it->out[0] = NULL;
    }
    for (size_t i = 0; i < it->states; i++) {
        ctx->out[i] = it->in[i + 2];
        it->in[i + 2] = NULL;
    }
    for (size_t i = 0; i < it->scans; i++)
        TDNN_TRY(iteration_join(it, i, 1, 0, &ctx->out[it->states + i]));
    return TDNN_OK;
}

static tdnn_status loop_exec(tdnn_exec *ctx)
{
    const body_params *p = ctx->params;
    iteration it = {.ctx = ctx, .body = (size_t)p->body};
    int64_t trips;
    bool go_on;
    TDNN_TRY(find_graph(ctx, p->body, &it.graph));
    TDNN_TRY(loop_check(&it, &trips, &go_on));
    tdnn_status status = iteration_init(&it);
    if (!status) status = loop_run(&it, trips, go_on);
    iteration_free(&it);
    return status;
}

static bool loop_enter(const tdnn_infer *ctx, size_t index, tdnn_info *in, size_t count)
{
    (void)index;
    if (is_known_to_stop(ctx, 0) || is_known_to_stop(ctx, 1)) return false;
    for (size_t i = 0; i < count; i++)
        in[i] = i < 2 ? (tdnn_info){.dtype = i ? TDNN_BOOL : TDNN_I64} : without_contents(ctx, i);
    return true;
}

static const tdnn_attr loop_attrs[] = {TDNN_GRAPH(body_params, body), {0}};

const tdnn_op tdnn_op_Loop = {
    .schema = {TDNN_SCHEMA(Loop, 0, -1, 1, -1, loop_attrs, body_params)},
    .flags = TDNN_OP_LISTS,
    .exec = loop_exec,
    .enter = loop_enter,
};

/* ---- Scan ---- */

typedef struct scan_params {
    int64_t body, num_scan_inputs;
    int64_t batched; /* opset 8: input 0 has the lengths, all others begin with a batch */
    tdnn_ints scan_input_axes, scan_input_directions, scan_output_axes, scan_output_directions;
} scan_params;

static int64_t entry(const tdnn_ints *list, size_t index)
{
    return index < list->count ? list->at[index] : 0;
}

/* Inputs of one scan: states, then what is scanned. */
static tdnn_status scan_length(const tdnn_exec *ctx, tdnn_tensor *const *in, size_t states,
                               int axes[], int64_t *length)
{
    const scan_params *p = ctx->params;
    const size_t count = (size_t)p->num_scan_inputs;
    *length = 0;
    for (size_t i = 0; i < count; i++) {
        const tdnn_tensor *t = in[states + i];
        if (!t || t->kind != TDNN_KIND_TENSOR)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "scan input %zu is no tensor", i);
        TDNN_TRY(tdnn_axis_resolve(entry(&p->scan_input_axes, i), t->shape.ndim, &axes[i],
                                   ctx->err));
        const int64_t n = t->shape.dim[axes[i]];
        if (i == 0) *length = n;
        if (n != *length)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                             "scan input %zu has %lld steps, expected %lld", i, (long long)n,
                             (long long)*length);
    }
    return TDNN_OK;
}

static void reverse(tdnn_pieces *list)
{
    for (size_t i = 0; i < list->count / 2; i++) {
        tdnn_tensor *t = list->at[i];
        list->at[i] = list->at[list->count - 1 - i];
        list->at[list->count - 1 - i] = t;
    }
}

/* Scans the first `steps` of `length`; outputs get zeros for the others. */
static tdnn_status scan_steps(iteration *it, tdnn_tensor *const *in, const int *axes,
                              int64_t length, int64_t steps, tdnn_tensor **out)
{
    tdnn_exec *ctx = it->ctx;
    const scan_params *p = ctx->params;
    const size_t count = (size_t)p->num_scan_inputs;
    for (size_t i = 0; i < it->states; i++) TDNN_TRY(tdnn_exec_keep(ctx, in[i], &it->in[i]));
    for (int64_t t = 0; t < steps; t++) {
        for (size_t i = 0; i < count; i++) {
            const int64_t at = entry(&p->scan_input_directions, i) ? steps - 1 - t : t;
            tdnn_tensor **slot = &it->in[it->states + i];
            tdnn_tensor_release(*slot);
            *slot = NULL;
            TDNN_TRY(
                tdnn_piece_take(in[it->states + i], axes[i], at, 1, false, slot, ctx->err));
        }
        TDNN_TRY(iteration_run(it, 0, 0));
    }
    for (size_t i = 0; i < it->states; i++) {
        out[i] = it->in[i];
        it->in[i] = NULL;
    }
    for (size_t i = 0; i < it->scans; i++) {
        tdnn_pieces *list = &it->collected[i];
        if (entry(&p->scan_output_directions, i)) reverse(list);
        for (int64_t t = steps; t < length && steps > 0; t++) {
            tdnn_tensor *nothing;
            TDNN_TRY(tdnn_tensor_create(list->at[0]->dtype, &list->at[0]->shape, &nothing,
                                        ctx->err));
            TDNN_TRY(tdnn_pieces_add(list, nothing, ctx->err));
        }
        TDNN_TRY(
            iteration_join(it, i, 0, entry(&p->scan_output_axes, i), &out[it->states + i]));
    }
    return TDNN_OK;
}

static tdnn_status scan_once(tdnn_exec *ctx, const tdnn_graph *graph, tdnn_tensor *const *in,
                             size_t in_count, int64_t steps, tdnn_tensor **out)
{
    const scan_params *p = ctx->params;
    iteration it = {.ctx = ctx, .body = (size_t)p->body, .graph = graph};
    int axes[64];
    int64_t length;
    if (p->num_scan_inputs < 1 || p->num_scan_inputs > 64 ||
        (size_t)p->num_scan_inputs > in_count)
        return TDNN_FAIL(ctx->err, TDNN_ERR_FORMAT,
                         "num_scan_inputs is %lld, expected 1 to %zu",
                         (long long)p->num_scan_inputs, in_count < 64 ? in_count : 64);
    it.states = in_count - (size_t)p->num_scan_inputs;
    if (graph->input_count != in_count || graph->output_count != ctx->output_count ||
        graph->output_count < it.states)
        return TDNN_FAIL(ctx->err, TDNN_ERR_FORMAT,
                         "the body has %zu inputs and %zu outputs, expected %zu and %zu",
                         graph->input_count, graph->output_count, in_count, ctx->output_count);
    it.scans = graph->output_count - it.states;
    TDNN_TRY(scan_length(ctx, in, it.states, axes, &length));
    tdnn_status status = iteration_init(&it);
    if (!status)
        status = scan_steps(&it, in, axes, length, steps < length ? steps : length, out);
    iteration_free(&it);
    return status;
}

/* One sample of the batch after the other. */
static tdnn_status scan_batch(tdnn_exec *ctx, const tdnn_graph *graph, tdnn_tensor **in,
                              tdnn_tensor **out, tdnn_pieces *results)
{
    const size_t count = ctx->input_count - 1;
    const int64_t batch = ctx->in[1]->shape.dim[0];
    for (int64_t b = 0; b < batch; b++) {
        tdnn_status status = TDNN_OK;
        int64_t steps = INT64_MAX;
        if (ctx->in[0]) steps = tdnn_tensor_get_i64(ctx->in[0], (size_t)b);
        for (size_t i = 0; i < count && !status; i++)
            status = tdnn_piece_take(ctx->in[i + 1], 0, b, 1, false, &in[i], ctx->err);
        if (!status) status = scan_once(ctx, graph, in, count, steps < 0 ? 0 : steps, out);
        for (size_t i = 0; i < ctx->output_count; i++) {
            if (out[i] && !status)
                status = tdnn_pieces_add(&results[i], out[i], ctx->err);
            else
                tdnn_tensor_release(out[i]);
            out[i] = NULL;
        }
        for (size_t i = 0; i < count; i++) {
            tdnn_tensor_release(in[i]);
            in[i] = NULL;
        }
        TDNN_TRY(status);
    }
    for (size_t i = 0; i < ctx->output_count; i++)
        TDNN_TRY(
            tdnn_piece_join(results[i].at, results[i].count, 0, true, &ctx->out[i], ctx->err));
    return TDNN_OK;
}

static tdnn_status scan_batched(tdnn_exec *ctx, const tdnn_graph *graph)
{
    const int64_t batch = ctx->input_count > 1 && ctx->in[1] && ctx->in[1]->shape.ndim > 0
                              ? ctx->in[1]->shape.dim[0]
                              : 0;
    if (batch < 1) return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "a scan over no samples");
    for (size_t i = 0; i < ctx->input_count; i++) {
        const tdnn_tensor *t = ctx->in[i];
        if (i == 0 && !t) continue;
        if (!t || t->kind != TDNN_KIND_TENSOR || t->shape.ndim < 1 ||
            t->shape.dim[0] != batch || (i == 0 && !tdnn_dtype_is_int(t->dtype)))
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                             "input %zu does not begin with a batch of %lld", i,
                             (long long)batch);
    }
    tdnn_tensor **in = tdnn_calloc(ctx->input_count, sizeof *in);
    tdnn_tensor **out = tdnn_calloc(ctx->output_count, sizeof *out);
    tdnn_pieces *results = tdnn_calloc(ctx->output_count, sizeof *results);
    tdnn_status status = in && out && results ? TDNN_OK : TDNN_NO_MEMORY(ctx->err);
    if (!status) status = scan_batch(ctx, graph, in, out, results);
    for (size_t i = 0; results && i < ctx->output_count; i++) tdnn_pieces_free(&results[i]);
    tdnn_free(in);
    tdnn_free(out);
    tdnn_free(results);
    return status;
}

static tdnn_status scan_exec(tdnn_exec *ctx)
{
    const scan_params *p = ctx->params;
    const tdnn_graph *graph = NULL;
    TDNN_TRY(find_graph(ctx, p->body, &graph));
    if (p->batched) return scan_batched(ctx, graph);
    return scan_once(ctx, graph, ctx->in, ctx->input_count, INT64_MAX, ctx->out);
}

/* False if the dimension is not there. */
static bool drop_dim(tdnn_shape *shape, int64_t axis)
{
    if (axis < 0) axis += shape->ndim;
    if (axis < 0 || axis >= shape->ndim) return false;
    for (int i = (int)axis; i + 1 < shape->ndim; i++) shape->dim[i] = shape->dim[i + 1];
    shape->ndim--;
    return true;
}

static bool scan_enter(const tdnn_infer *ctx, size_t index, tdnn_info *in, size_t count)
{
    const scan_params *p = ctx->params;
    const size_t skip = p->batched ? 1 : 0;
    (void)index;
    if (p->num_scan_inputs < 1 || (size_t)p->num_scan_inputs + skip > ctx->input_count)
        return false;
    const size_t states = ctx->input_count - skip - (size_t)p->num_scan_inputs;
    for (size_t i = 0; i < count; i++) {
        in[i] = without_contents(ctx, i + skip);
        if (!in[i].dtype || in[i].kind != TDNN_KIND_TENSOR) continue;
        bool good = !p->batched || drop_dim(&in[i].shape, 0);
        if (i >= states)
            good = good && drop_dim(&in[i].shape, entry(&p->scan_input_axes, i - states));
        if (!good) in[i] = (tdnn_info){0};
    }
    return true;
}

static const tdnn_attr scan_attrs[] = {
    TDNN_GRAPH(scan_params, body),
    TDNN_INT(scan_params, num_scan_inputs, 0),
    TDNN_INT(scan_params, batched, 0),
    TDNN_INTS(scan_params, scan_input_axes),
    TDNN_INTS(scan_params, scan_input_directions),
    TDNN_INTS(scan_params, scan_output_axes),
    TDNN_INTS(scan_params, scan_output_directions),
    {0},
};

const tdnn_op tdnn_op_Scan = {
    .schema = {TDNN_SCHEMA(Scan, 0, -1, 1, -1, scan_attrs, scan_params)},
    .exec = scan_exec,
    .enter = scan_enter,
};
