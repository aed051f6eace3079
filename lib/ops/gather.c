/* Gather, GatherElements, GatherND: elements and slices picked by index. */
#include "lib/ops/index.h"
#include "lib/ops/move.h"

#include <string.h>

tdnn_status tdnn_infer_indices(tdnn_infer *ctx, size_t index)
{
    const tdnn_dtype type = ctx->in[index]->dtype;
    if (type == TDNN_I64 || type == TDNN_I32) return TDNN_OK;
    return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "indices of type %s, expected i64 or i32",
                     tdnn_dtype_name(type));
}

tdnn_status tdnn_plan_indices(tdnn_plan_ctx *ctx, size_t index, int64_t length)
{
    const tdnn_tensor *list = ctx->step->in[index], *known = ctx->known[index];
    const int64_t count = tdnn_shape_count(&list->shape);
    if (count > 0 && length == 0)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "%lld indices into an empty axis",
                         (long long)count);
    for (int64_t i = 0; known && i < count; i++) {
        const int64_t k = tdnn_tensor_get_i64(known, (size_t)i);
        if (k < -length || k >= length)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                             "index %lld is %lld, expected %lld to %lld", (long long)i,
                             (long long)k, (long long)-length, (long long)length - 1);
    }
    return TDNN_OK;
}

static int64_t product(const int64_t *dim, int begin, int end)
{
    int64_t n = 1;
    for (int d = begin; d < end; d++) n *= dim[d];
    return n;
}

/* ---- Gather ---- */

static tdnn_status gather_infer(tdnn_infer *ctx)
{
    const tdnn_axis_params *p = ctx->params;
    const tdnn_shape *in = &ctx->in[0]->shape, *list = &ctx->in[1]->shape;
    tdnn_shape out = {0};
    int axis;
    TDNN_TRY(tdnn_infer_indices(ctx, 1));
    TDNN_TRY(tdnn_axis_resolve(p->axis, in->ndim, &axis, ctx->err));
    if (in->ndim + list->ndim - 1 > TDNN_MAX_DIMS)
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "%d dimensions, the limit is %d",
                         in->ndim + list->ndim - 1, TDNN_MAX_DIMS);
    for (int d = 0; d < axis; d++) out.dim[out.ndim++] = in->dim[d];
    for (int d = 0; d < list->ndim; d++) out.dim[out.ndim++] = list->dim[d];
    for (int d = axis + 1; d < in->ndim; d++) out.dim[out.ndim++] = in->dim[d];
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &out);
    return TDNN_OK;
}

typedef struct gather_plan {
    size_t before, count, block; /* slices, indices for each, bytes of what an index picks */
    int64_t length;              /* of the axis */
    size_t tasks;
    bool by_slice; /* tasks share the slices, not the indices */
} gather_plan;

/* Phase 0: where each index points to, in bytes. */
static void gather_resolve(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const gather_plan *p = step->data;
    const tdnn_indices list = tdnn_indices_of(step->in[1]);
    ptrdiff_t *table = (ptrdiff_t *)(void *)step->shared;
    for (size_t i = 0; i < p->count; i++)
        table[i] = tdnn_index_at(list, i, p->length) * (ptrdiff_t)p->block;
}

static void gather_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const gather_plan *p = step->data;
    const ptrdiff_t *table = (const ptrdiff_t *)(const void *)step->shared;
    size_t first = 0, last = p->before, begin = 0, end = p->count;
    if (p->by_slice)
        tdnn_task_range(p->before, p->tasks, task, &first, &last);
    else
        tdnn_task_range(p->count, p->tasks, task, &begin, &end);
    const tdnn_lookup lookup = {p->block, 1, {end - begin}, {table + begin}};
    for (size_t s = first; s < last && end > begin; s++) {
        char *to = (char *)step->out[0]->data + (s * p->count + begin) * p->block;
        const char *from = (const char *)step->in[0]->data + s * (size_t)p->length * p->block;
        step->kernels->lookup(to, from, &lookup, 0, 1);
    }
}

tdnn_status tdnn_plan_gather(tdnn_plan_ctx *ctx, int64_t along)
{
    const tdnn_shape *in = &ctx->step->in[0]->shape;
    gather_plan *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    int axis;
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(tdnn_axis_resolve(along, in->ndim, &axis, ctx->err));
    p->length = in->dim[axis];
    TDNN_TRY(tdnn_plan_indices(ctx, 1, p->length));
    if (ctx->step->out[0]->bytes == 0) return TDNN_OK;
    p->before = (size_t)product(in->dim, 0, axis);
    p->count = (size_t)tdnn_shape_count(&ctx->step->in[1]->shape);
    p->block = ctx->step->out[0]->bytes / (p->before * p->count);
    /* One index, of a constant: a view into the data where that is one piece. */
    if (p->before == 1 && p->count == 1 && ctx->known[1]) {
        const int64_t at = tdnn_index_at(tdnn_indices_of(ctx->known[1]), 0, p->length);
        ctx->step->kernel = "view";
        if (tdnn_plan_alias(ctx, 0, 0, (size_t)at * p->block)) return TDNN_OK;
    }
    p->by_slice = p->before >= p->count;
    p->tasks = tdnn_plan_split(ctx, (double)ctx->step->out[0]->bytes / 2,
                               p->by_slice ? p->before : p->count);
    ctx->step->kernel = "gather";
    ctx->step->moved = 2 * ctx->step->out[0]->bytes;
    tdnn_plan_shared(ctx, p->count * sizeof(ptrdiff_t));
    tdnn_plan_phase(ctx, gather_resolve, 1);
    tdnn_plan_phase(ctx, gather_run, p->tasks);
    return TDNN_OK;
}

static tdnn_status gather_plan_step(tdnn_plan_ctx *ctx)
{
    const tdnn_axis_params *p = ctx->step->params;
    return tdnn_plan_gather(ctx, p->axis);
}

static const tdnn_attr axis_attrs[] = {TDNN_INT(tdnn_axis_params, axis, 0), {0}};

const tdnn_op tdnn_op_Gather = {
    .schema = {TDNN_SCHEMA(Gather, 2, 2, 1, 1, axis_attrs, tdnn_axis_params)},
    .infer = gather_infer,
    .plan = gather_plan_step,
    .exec = tdnn_exec_stand_ins,
};

/* ---- GatherElements ---- */

static tdnn_status elements_infer(tdnn_infer *ctx)
{
    const tdnn_axis_params *p = ctx->params;
    const tdnn_shape *in = &ctx->in[0]->shape, *list = &ctx->in[1]->shape;
    char a[TDNN_SHAPE_TEXT], b[TDNN_SHAPE_TEXT];
    int axis;
    TDNN_TRY(tdnn_infer_indices(ctx, 1));
    TDNN_TRY(tdnn_axis_resolve(p->axis, in->ndim, &axis, ctx->err));
    bool fits = in->ndim == list->ndim;
    for (int d = 0; fits && d < in->ndim; d++) fits = d == axis || list->dim[d] <= in->dim[d];
    if (!fits)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "indices of shape %s do not fit data of shape %s",
                         tdnn_shape_text(list, a), tdnn_shape_text(in, b));
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, list);
    return TDNN_OK;
}

typedef struct elements_plan {
    int ndim, axis;
    int64_t length;                  /* of the axis                         */
    ptrdiff_t stride[TDNN_MAX_DIMS]; /* of the data, in bytes               */
    size_t rows, width, size, tasks; /* of the indices; bytes of an element */
} elements_plan;

/* Where row r of the indices lies in the data, the axis left out. */
static ptrdiff_t row_offset(const elements_plan *p, const tdnn_shape *shape, size_t r)
{
    ptrdiff_t offset = 0;
    for (int d = p->ndim - 2; d >= 0; d--) {
        const size_t n = (size_t)shape->dim[d];
        if (d != p->axis) offset += (ptrdiff_t)(r % n) * p->stride[d];
        r /= n;
    }
    return offset;
}

static void elements_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const elements_plan *p = step->data;
    const tdnn_indices list = tdnn_indices_of(step->in[1]);
    const ptrdiff_t along = p->stride[p->axis],
                    next = p->axis == p->ndim - 1 ? 0 : (ptrdiff_t)p->size;
    size_t begin, end;
    tdnn_task_range(p->rows, p->tasks, task, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const char *from =
            (const char *)step->in[0]->data + row_offset(p, &step->in[1]->shape, r);
        char *to = (char *)step->out[0]->data + r * p->width * p->size;
        for (size_t i = 0; i < p->width; i++, from += next) {
            const char *at = from + tdnn_index_at(list, r * p->width + i, p->length) * along;
            switch (p->size) {
            case 1: to[i] = *at; break;
            case 4: memcpy(to + i * 4, at, 4); break;
            case 8: memcpy(to + i * 8, at, 8); break;
            default: memcpy(to + i * p->size, at, p->size); break;
            }
        }
    }
}

static tdnn_status elements_plan_step(tdnn_plan_ctx *ctx)
{
    const tdnn_axis_params *params = ctx->step->params;
    const tdnn_view view = tdnn_view_of(ctx->step->in[0]);
    const tdnn_shape *out = &ctx->step->out[0]->shape;
    elements_plan *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(tdnn_axis_resolve(params->axis, view.ndim, &p->axis, ctx->err));
    p->length = view.dim[p->axis];
    TDNN_TRY(tdnn_plan_indices(ctx, 1, p->length));
    p->ndim = view.ndim;
    p->size = view.size;
    memcpy(p->stride, view.stride, sizeof p->stride);
    p->width = (size_t)out->dim[p->ndim - 1];
    p->rows = (size_t)product(out->dim, 0, p->ndim - 1);
    ctx->step->kernel = "gather";
    if (p->rows * p->width == 0) return TDNN_OK;
    p->tasks = tdnn_plan_split(ctx, 4.0 * (double)(p->rows * p->width), p->rows);
    tdnn_plan_phase(ctx, elements_run, p->tasks);
    return TDNN_OK;
}

const tdnn_op tdnn_op_GatherElements = {
    .schema = {TDNN_SCHEMA(GatherElements, 2, 2, 1, 1, axis_attrs, tdnn_axis_params)},
    .infer = elements_infer,
    .plan = elements_plan_step,
    .exec = tdnn_exec_stand_ins,
};

/* ---- GatherND ---- */

typedef struct nd_params {
    int64_t batch_dims;
} nd_params;

static tdnn_status nd_infer(tdnn_infer *ctx)
{
    const nd_params *p = ctx->params;
    const tdnn_shape *in = &ctx->in[0]->shape, *list = &ctx->in[1]->shape;
    const int64_t batch = p->batch_dims;
    TDNN_TRY(tdnn_infer_indices(ctx, 1));
    if (in->ndim < 1 || list->ndim < 1 || batch < 0 || batch >= in->ndim || batch >= list->ndim)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "batch_dims %lld with data of %d and indices of %d dimensions",
                         (long long)batch, in->ndim, list->ndim);
    const int64_t tuple = list->dim[list->ndim - 1];
    if (tuple < 1 || tuple > in->ndim - batch)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "tuples of %lld indices, expected 1 to %lld",
                         (long long)tuple, (long long)(in->ndim - batch));
    for (int d = 0; d < batch; d++)
        if (in->dim[d] != list->dim[d])
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "batch dimension %d is %lld and %lld", d,
                             (long long)in->dim[d], (long long)list->dim[d]);
    const int rest = in->ndim - (int)(batch + tuple);
    if (list->ndim - 1 + rest > TDNN_MAX_DIMS)
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "%d dimensions, the limit is %d",
                         list->ndim - 1 + rest, TDNN_MAX_DIMS);
    tdnn_shape out = {.ndim = list->ndim - 1 + rest};
    for (int d = 0; d < list->ndim - 1; d++) out.dim[d] = list->dim[d];
    for (int d = 0; d < rest; d++) out.dim[list->ndim - 1 + d] = in->dim[batch + tuple + d];
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &out);
    return TDNN_OK;
}

typedef struct nd_plan {
    size_t count, per_batch, block, batch_bytes, tasks; /* tuples; bytes of what one picks */
    size_t tuple;
    int64_t length[TDNN_MAX_DIMS]; /* of the axes that a tuple indexes */
    ptrdiff_t stride[TDNN_MAX_DIMS];
} nd_plan;

static void nd_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const nd_plan *p = step->data;
    const tdnn_indices list = tdnn_indices_of(step->in[1]);
    size_t begin, end;
    tdnn_task_range(p->count, p->tasks, task, &begin, &end);
    char *to = (char *)step->out[0]->data + begin * p->block;
    size_t within = begin % p->per_batch;
    const char *batch = (const char *)step->in[0]->data + begin / p->per_batch * p->batch_bytes;
    for (size_t i = begin; i < end; i++, to += p->block) {
        const char *from = batch;
        for (size_t k = 0; k < p->tuple; k++)
            from += tdnn_index_at(list, i * p->tuple + k, p->length[k]) * p->stride[k];
        if (p->block == 4)
            memcpy(to, from, 4);
        else if (p->block == 8)
            memcpy(to, from, 8);
        else
            memcpy(to, from, p->block);
        if (++within == p->per_batch) within = 0, batch += p->batch_bytes;
    }
}

static tdnn_status nd_plan_step(tdnn_plan_ctx *ctx)
{
    const nd_params *params = ctx->step->params;
    const tdnn_tensor *in = ctx->step->in[0], *list = ctx->step->in[1];
    const tdnn_view view = tdnn_view_of(in);
    const int batch = (int)params->batch_dims;
    nd_plan *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    ctx->step->kernel = "gather";
    if (ctx->step->out[0]->bytes == 0) return TDNN_OK;
    p->tuple = (size_t)list->shape.dim[list->shape.ndim - 1];
    p->count = (size_t)product(list->shape.dim, 0, list->shape.ndim - 1);
    p->per_batch = (size_t)product(list->shape.dim, batch, list->shape.ndim - 1);
    p->block = ctx->step->out[0]->bytes / p->count;
    p->batch_bytes = batch ? (size_t)view.stride[batch - 1] : in->bytes;
    for (size_t k = 0; k < p->tuple; k++) {
        p->length[k] = view.dim[(size_t)batch + k];
        p->stride[k] = view.stride[(size_t)batch + k];
        if (p->length[k] == 0)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "indices into an empty axis");
    }
    for (size_t i = 0; ctx->known[1] && i < p->count * p->tuple; i++) {
        const int64_t k = tdnn_tensor_get_i64(ctx->known[1], i), n = p->length[i % p->tuple];
        if (k < -n || k >= n)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                             "index %zu is %lld, expected %lld to %lld", i, (long long)k,
                             (long long)-n, (long long)n - 1);
    }
    p->tasks = tdnn_plan_split(ctx, (double)ctx->step->out[0]->bytes / 2, p->count);
    tdnn_plan_phase(ctx, nd_run, p->tasks);
    return TDNN_OK;
}

static const tdnn_attr nd_attrs[] = {TDNN_INT(nd_params, batch_dims, 0), {0}};

const tdnn_op tdnn_op_GatherND = {
    .schema = {TDNN_SCHEMA(GatherND, 2, 2, 1, 1, nd_attrs, nd_params)},
    .infer = nd_infer,
    .plan = nd_plan_step,
    .exec = tdnn_exec_stand_ins,
};
