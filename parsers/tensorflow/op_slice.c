/* Slice and StridedSlice: as the IR's Slice, and what comes and goes of dimensions behind it.
 */
#include "parsers/tensorflow/ops.h"

#include <string.h>

/* ---- Slice: begin, size ---- */

static tdnn_status slice_unknown(tf_call *c, tdnn_error *err)
{
    tdnn_id ids[3], size, id, test[2], choose[3], sum[2];
    TDNN_TRY(tf_input_plain(c, 0, &ids[0], err));
    TDNN_TRY(tf_input_plain(c, 1, &ids[1], err));
    TDNN_TRY(tf_input_plain(c, 2, &size, err));
    TDNN_TRY(tf_cast(c, ids[1], TDNN_I64, &ids[1], err));
    TDNN_TRY(tf_cast(c, size, TDNN_I64, &size, err));
    test[0] = size;
    TDNN_TRY(tf_const_int(c, 0, &test[1], err));
    TDNN_TRY(
        tf_inner(c, TDNN_OP_Less, test, 2, NULL, &choose[0], err)); /* -1: all that is left */
    TDNN_TRY(tf_const_int(c, INT32_MAX, &choose[1], err));
    sum[0] = ids[1], sum[1] = size;
    TDNN_TRY(tf_inner(c, TDNN_OP_Add, sum, 2, NULL, &choose[2], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_Where, choose, 3, NULL, &ids[2], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Slice, ids, 3, NULL, &id, err));
    tdnn_shape shape = tf_unknown_shape(c->inputs[0]->shape.ndim);
    return tf_give_new(c, 0, id, c->inputs[0]->dtype, &shape, NULL, err);
}

static tdnn_status slice_known(tf_call *c, tf_value *x, const int64_t *begin,
                               const int64_t *size, size_t count, tdnn_error *err)
{
    int64_t ends[TDNN_MAX_DIMS], axes[TDNN_MAX_DIMS];
    tdnn_id ids[4] = {x->id}, id;
    tf_value *v, like = *x;
    if (count > TDNN_MAX_DIMS || (x->shape.ndim >= 0 && (size_t)x->shape.ndim != count))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%zu begins for %d dimensions", count,
                         x->shape.ndim);
    if (like.shape.ndim < 0) like.shape = tf_unknown_shape((int)count);
    for (size_t i = 0; i < count; i++) {
        if (begin[i] < 0 || begin[i] > INT32_MAX || size[i] < -1 || size[i] > INT32_MAX)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "begin %lld, size %lld", (long long)begin[i],
                             (long long)size[i]);
        const int64_t whole = like.shape.dim[i];
        if (whole >= 0 && (begin[i] > whole || (size[i] >= 0 && begin[i] + size[i] > whole)))
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%lld from %lld on, of %lld",
                             (long long)size[i], (long long)begin[i], (long long)whole);
        ends[i] = size[i] < 0 ? INT64_MAX : begin[i] + size[i];
        axes[i] = tf_axis_place(x, (int64_t)i);
        like.shape.dim[i] = size[i] >= 0 ? size[i] : whole < 0 ? -1 : whole - begin[i];
    }
    TDNN_TRY(tf_const_ints(c, begin, count, &ids[1], err));
    TDNN_TRY(tf_const_ints(c, ends, count, &ids[2], err));
    TDNN_TRY(tf_const_ints(c, axes, count, &ids[3], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Slice, ids, 4, NULL, &id, err));
    TDNN_TRY(tf_value_like(c->scope, &like, id, &v, err));
    if (x->known && x->shape.ndim == 1)
        TDNN_TRY(
            tf_set_known(c->scope, v, x->known + begin[0], (size_t)like.shape.dim[0], err));
    return tf_give(c, 0, v, err);
}

tdnn_status tf_import_slice(tf_call *c, tdnn_error *err)
{
    tf_value *x, *begin, *size;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_input(c, 1, &begin, err));
    TDNN_TRY(tf_input(c, 2, &size, err));
    if (!begin->known || !size->known) return slice_unknown(c, err);
    if (begin->known_count != size->known_count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu begins and %zu sizes", begin->known_count,
                         size->known_count);
    return slice_known(c, x, begin->known, size->known, begin->known_count, err);
}

/* ---- StridedSlice: begin, end, strides, five masks ---- */

typedef struct strided {
    unsigned begin_mask, end_mask, ellipsis, new_axis, shrink;
    size_t entries;
    /* The slices, with the entry that each comes from, then what happens to the dimensions: in
     * the result, `added` are new, `gone` (of the sliced ones) are dropped. */
    int64_t axis[TDNN_MAX_DIMS], entry[TDNN_MAX_DIMS];
    size_t slices;
    unsigned gone;
    int64_t added[TDNN_MAX_DIMS];
    size_t added_count;
    int result; /* dimensions of the result */
} strided;

/* Walks through the entries, each of which stands for a dimension, for several (ellipsis), or
 * for a new one. */
static tdnn_status read_entries(const tf_value *x, strided *s, tdnn_error *err)
{
    int real = 0, dim = 0;
    for (size_t i = 0; i < s->entries; i++)
        if (!(s->new_axis >> i & 1 && !(s->ellipsis >> i & 1)) && !(s->ellipsis >> i & 1))
            real++;
    if (real > x->shape.ndim)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%d slices of %d dimensions", real,
                         x->shape.ndim);
    bool expanded = false;
    for (size_t i = 0; i < s->entries; i++) {
        if (s->ellipsis >> i & 1) {
            if (expanded) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "two ellipses");
            expanded = true;
            dim += x->shape.ndim - real;
            s->result += x->shape.ndim - real;
        } else if (s->new_axis >> i & 1) {
            if (s->added_count == TDNN_MAX_DIMS)
                return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "too many dimensions");
            s->added[s->added_count++] = s->result++;
        } else {
            s->axis[s->slices] = dim;
            s->entry[s->slices++] = (int64_t)i;
            if (s->shrink >> i & 1)
                s->gone |= 1u << dim;
            else
                s->result++;
            dim++;
        }
    }
    s->result += x->shape.ndim - dim;
    return s->result > TDNN_MAX_DIMS
               ? TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "too many dimensions")
               : TDNN_OK;
}

/* One of begin, end, strides for the slices, as a value of the IR. Where one must be known and
 * is not, the call cannot be imported. */
static tdnn_status slice_argument(const tf_call *c, const strided *s, size_t which,
                                  tdnn_id *out, tdnn_error *err)
{
    const tf_value *v = c->inputs[which], *begin = c->inputs[1], *steps = c->inputs[3];
    int64_t at[TDNN_MAX_DIMS];
    if (!steps->known || steps->known_count < s->entries)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "strides that are not known while loading");
    for (size_t k = 0; k < s->slices; k++) {
        const size_t i = (size_t)s->entry[k];
        const bool shrinks = s->shrink >> i & 1;
        const int64_t step = shrinks ? 1 : steps->known[i];
        if (!step) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "a stride of 0");
        if (which == 3)
            at[k] = step;
        else if (!shrinks && which == 1 && s->begin_mask >> i & 1)
            at[k] = step > 0 ? 0 : INT64_MAX;
        else if (!shrinks && which == 2 && s->end_mask >> i & 1)
            at[k] = step > 0 ? INT64_MAX : -INT64_MAX;
        else if (!(shrinks ? begin : v)->known)
            return TDNN_ERR_NOT_FOUND;
        else if (shrinks && s->begin_mask >> i & 1)
            at[k] = which == 1 ? 0 : 1;
        else if (shrinks) {
            const int64_t b = begin->known[i];
            at[k] = which == 1 ? b : b == -1 ? INT64_MAX : b + 1;
        } else
            at[k] = v->known[i];
    }
    return tf_const_ints(c, at, s->slices, out, err);
}

/* Begin or end as they are computed; an end of what shrinks is one behind its begin. */
static tdnn_status computed_argument(const tf_call *c, const strided *s, size_t which,
                                     tdnn_id *out, tdnn_error *err)
{
    tdnn_id ids[2], choose[3];
    int64_t fixed[TDNN_MAX_DIMS];
    tdnn_tensor *t;
    bool any = false;
    const int64_t count = (int64_t)s->slices;
    tdnn_shape shape = tdnn_shape_make(1, &count);
    TDNN_TRY(tf_input_plain(c, which, &ids[0], err));
    TDNN_TRY(tf_cast(c, ids[0], TDNN_I64, &ids[0], err));
    TDNN_TRY(tf_const_ints(c, s->entry, s->slices, &ids[1], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_Gather, ids, 2, NULL, &choose[2], err));
    TDNN_TRY(tdnn_tensor_create(TDNN_BOOL, &shape, &t, err));
    for (size_t k = 0; k < s->slices; k++) {
        const size_t i = (size_t)s->entry[k];
        const bool shrinks = s->shrink >> i & 1;
        const bool masked = !shrinks && (which == 1 ? s->begin_mask : s->end_mask) >> i & 1;
        const bool forward = c->inputs[3]->known[i] > 0;
        ((unsigned char *)t->data)[k] = masked;
        any |= masked;
        fixed[k] = which == 1 ? (forward ? 0 : INT32_MAX) : (forward ? INT32_MAX : -INT32_MAX);
    }
    TDNN_TRY(tdnn_graph_add_constant(c->scope->graph, NULL, t, &choose[0], err));
    TDNN_TRY(tf_const_ints(c, fixed, s->slices, &choose[1], err));
    *out = choose[2];
    return any ? tf_inner(c, TDNN_OP_Where, choose, 3, NULL, out, err) : TDNN_OK;
}

static tdnn_status argument(const tf_call *c, const strided *s, size_t which, tdnn_id *out,
                            tdnn_error *err)
{
    tdnn_status status = slice_argument(c, s, which, out, err);
    if (status != TDNN_ERR_NOT_FOUND) return status;
    return computed_argument(c, s, which, out, err);
}

static tdnn_shape strided_shape(const tf_value *x, const strided *s)
{
    tdnn_shape shape = {.ndim = 0};
    size_t k = 0, a = 0;
    for (int d = 0; d <= x->shape.ndim; d++) {
        while (a < s->added_count && s->added[a] == shape.ndim)
            shape.dim[shape.ndim++] = 1, a++;
        if (d == x->shape.ndim) break;
        const bool sliced = k < s->slices && s->axis[k] == d;
        if (sliced) k++;
        if (s->gone >> d & 1) continue;
        const size_t i = sliced ? (size_t)s->entry[k - 1] : 0;
        const bool whole = !sliced || (s->begin_mask >> i & 1 && s->end_mask >> i & 1);
        shape.dim[shape.ndim++] = whole && !sliced ? x->shape.dim[d] : -1;
    }
    return shape;
}

/* What is known of the contents: of vectors, which shapes are. */
static tdnn_status know_slice(const tf_call *c, const tf_value *x, const strided *s,
                              tf_value *v, tdnn_error *err)
{
    const tf_value *b = c->inputs[1], *e = c->inputs[2], *st = c->inputs[3];
    int64_t numbers[TF_KNOWN_MOST], n = (int64_t)x->known_count;
    size_t count = 0;
    if (!x->known || x->shape.ndim != 1 || s->slices != 1 || s->added_count || !b->known ||
        !e->known)
        return TDNN_OK;
    const size_t i = (size_t)s->entry[0];
    int64_t step = st->known[i], begin = b->known[i], end = e->known[i];
    if (begin < 0) begin += n;
    if (end < 0) end += n;
    if (s->gone) {
        if (s->begin_mask >> i & 1) begin = 0;
        if (begin < 0 || begin >= n)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "index %lld of %lld", (long long)begin,
                             (long long)n);
        return tf_set_known(c->scope, v, x->known + begin, 1, err);
    }
    if (step <= 0) return TDNN_OK;
    if (s->begin_mask >> i & 1 || begin < 0) begin = 0;
    if (s->end_mask >> i & 1 || end > n) end = n;
    for (int64_t k = begin; k < end; k += step) {
        numbers[count++] = x->known[k];
        if (step > n) break;
    }
    v->shape.dim[0] = (int64_t)count;
    return tf_set_known(c->scope, v, numbers, count, err);
}

static tdnn_status reorder_dims(const tf_call *c, const strided *s, const tf_value *x,
                                tdnn_id *id, tdnn_error *err)
{
    int64_t gone[TDNN_MAX_DIMS];
    size_t count = 0;
    tdnn_id ids[2];
    for (int d = 0; d < x->shape.ndim; d++)
        if (s->gone >> d & 1) gone[count++] = d;
    if (count) {
        ids[0] = *id;
        TDNN_TRY(tf_const_ints(c, gone, count, &ids[1], err));
        TDNN_TRY(tf_last(c, TDNN_OP_Squeeze, ids, 2, NULL, id, err));
    }
    if (s->added_count) {
        ids[0] = *id;
        TDNN_TRY(tf_const_ints(c, s->added, s->added_count, &ids[1], err));
        TDNN_TRY(tf_last(c, TDNN_OP_Unsqueeze, ids, 2, NULL, id, err));
    }
    return TDNN_OK;
}

tdnn_status tf_import_strided_slice(tf_call *c, tdnn_error *err)
{
    tf_value *x, *v;
    tdnn_id ids[5], id;
    for (size_t i = 0; i < 4; i++) TDNN_TRY(tf_input(c, i, &x, err));
    TDNN_TRY(tf_input(c, 0, &x, err));
    strided s = {(unsigned)tf_attr_int(c, "begin_mask", 0),
                 (unsigned)tf_attr_int(c, "end_mask", 0),
                 (unsigned)tf_attr_int(c, "ellipsis_mask", 0),
                 (unsigned)tf_attr_int(c, "new_axis_mask", 0),
                 (unsigned)tf_attr_int(c, "shrink_axis_mask", 0),
                 0,
                 {0},
                 {0},
                 0,
                 0,
                 {0},
                 0,
                 0};
    const tdnn_shape *strides = &c->inputs[3]->shape;
    if (strides->ndim != 1 || strides->dim[0] < 0 || strides->dim[0] > 2 * TDNN_MAX_DIMS ||
        x->shape.ndim < 0)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "an input whose number of dimensions is not known");
    s.entries = (size_t)strides->dim[0];
    for (size_t i = 1; i < 3; i++)
        if (c->inputs[i]->known && c->inputs[i]->known_count != s.entries)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu begins or ends for %zu strides",
                             c->inputs[i]->known_count, s.entries);
    TDNN_TRY(read_entries(x, &s, err));
    const bool keeps = x->first && !s.gone && !s.added_count;
    ids[0] = id = x->id;
    if (!keeps) TDNN_TRY(tf_plain(c->scope, x, &ids[0], err));
    id = ids[0];
    if (s.slices) {
        int64_t axes[TDNN_MAX_DIMS];
        for (size_t k = 0; k < s.slices; k++)
            axes[k] = keeps ? tf_axis_place(x, s.axis[k]) : s.axis[k];
        TDNN_TRY(argument(c, &s, 1, &ids[1], err));
        TDNN_TRY(argument(c, &s, 2, &ids[2], err));
        TDNN_TRY(tf_const_ints(c, axes, s.slices, &ids[3], err));
        TDNN_TRY(argument(c, &s, 3, &ids[4], err));
        TDNN_TRY(tf_last(c, TDNN_OP_Slice, ids, 5, NULL, &id, err));
    }
    TDNN_TRY(reorder_dims(c, &s, x, &id, err));
    tdnn_shape shape = strided_shape(x, &s);
    TDNN_TRY(tf_give_new(c, 0, id, x->dtype, &shape, &v, err));
    v->first = keeps;
    return know_slice(c, x, &s, v, err);
}
