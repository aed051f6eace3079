/* Layers that move numbers, or only say how to look at them. */
#include "parsers/caffe/layers.h"

#include <inttypes.h>
#include <string.h>

/* `axis`, or its older name, which counts from the front only. */
static int named_axis(caffe_call *c, const char *older, int rank)
{
    if (caffe_has(c, older)) return (int)caffe_int(c, older, 1, 0, rank - 1);
    return caffe_axis(c, "axis", 1, rank, 0);
}

void caffe_import_concat(caffe_call *c)
{
    const int rank = caffe_rank(c, 0, 1, TDNN_MAX_DIMS),
              axis = named_axis(c, "concat_dim", rank);
    tdnn_id *ids = tdnn_zone_alloc(c->net->zone, c->in_count, sizeof *ids);
    if (!ids) caffe_fail(c, TDNN_ERR_MEMORY, "out of memory");
    if (c->status) return;
    int64_t *length = &c->out[0].shape.dim[axis];
    *length = 0;
    for (size_t i = 0; i < c->in_count; i++) {
        ids[i] = c->in[i].id;
        caffe_rank(c, i, rank, rank);
        const int64_t more = c->status ? -1 : caffe_dim(c, i, axis);
        if (more < 0 || *length < 0 || __builtin_add_overflow(*length, more, length))
            *length = -1;
    }
    c->out[0].id = caffe_append(c, "Concat", ids, c->in_count);
    caffe_set_int(c, "axis", axis);
}

/* ---- Slice ---- */

/* The lengths of the pieces between `points`; that of the last one is what is left. */
static tdnn_id piece_lengths(caffe_call *c, int axis, const tdnn_ints *points)
{
    int64_t before = 0;
    const int64_t whole = caffe_dim(c, 0, axis);
    int64_t *lengths = tdnn_zone_alloc(c->net->zone, points->count, sizeof *lengths);
    if (!lengths) caffe_fail(c, TDNN_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < points->count && !c->status; i++) {
        if (points->at[i] <= before || (whole >= 0 && points->at[i] >= whole))
            caffe_fail(c, TDNN_ERR_FORMAT,
                       "slice_point %" PRId64 " behind %" PRId64 " of %" PRId64
                       ", expected them to rise",
                       points->at[i], before, whole);
        c->out[i].shape.dim[axis] = lengths[i] = points->at[i] - before;
        before = points->at[i];
    }
    c->out[points->count].shape.dim[axis] = caffe_known(whole, whole - before);
    tdnn_id rest = caffe_op(c, "Sub", caffe_dims(c, c->in[0].id, axis, axis + 1),
                            caffe_ints_of(c, before));
    return caffe_joined(c, caffe_vector(c, lengths, points->count), rest);
}

/* Equal pieces: a length that does not divide is an error here, as in Caffe, not in ONNX. */
static tdnn_id equal_lengths(caffe_call *c, int axis)
{
    const int64_t whole = caffe_dim(c, 0, axis), count = (int64_t)c->out_count;
    if (whole >= 0 && whole % count)
        caffe_fail(c, TDNN_ERR_FORMAT, "%" PRId64 " along axis %d in %" PRId64 " equal slices",
                   whole, axis, count);
    for (size_t i = 0; i < c->out_count; i++)
        c->out[i].shape.dim[axis] = caffe_known(whole, whole / count);
    tdnn_id each =
        caffe_op(c, "Div", caffe_dims(c, c->in[0].id, axis, axis + 1), caffe_ints_of(c, count));
    return caffe_op(c, "Expand", each, caffe_ints_of(c, count));
}

void caffe_import_slice(caffe_call *c)
{
    const int rank = caffe_rank(c, 0, 1, TDNN_MAX_DIMS),
              axis = named_axis(c, "slice_dim", rank);
    const tdnn_ints points = caffe_ints(c, "slice_point", 0, INT32_MAX);
    if (points.count && points.count + 1 != c->out_count)
        caffe_fail(c, TDNN_ERR_FORMAT,
                   "%zu slice_point for %zu tops, expected one less than tops", points.count,
                   c->out_count);
    if (c->status) return;
    if (c->out_count == 1) {
        c->out[0].id = c->in[0].id;
        return;
    }
    tdnn_id lengths = points.count ? piece_lengths(c, axis, &points) : equal_lengths(c, axis);
    c->out[0].id = caffe_op(c, "Split", c->in[0].id, lengths);
    caffe_set_int(c, "axis", axis);
    for (size_t i = 1; i < c->out_count; i++) c->out[i].id = caffe_more(c);
}

void caffe_import_split(caffe_call *c)
{
    for (size_t i = 0; i < c->out_count; i++) c->out[i].id = c->in[0].id;
}

void caffe_import_silence(caffe_call *c) { (void)c; }

/* ---- Flatten and Reshape ---- */

void caffe_import_flatten(caffe_call *c)
{
    const int rank = caffe_rank(c, 0, 1, TDNN_MAX_DIMS);
    const int first = caffe_axis(c, "axis", rank > 1, rank, 0),
              last = caffe_axis(c, "end_axis", -1, rank, 0);
    tdnn_id x = c->in[0].id;
    if (first > last) caffe_fail(c, TDNN_ERR_SHAPE, "axis %d behind end_axis %d", first, last);
    if (c->status) return;
    tdnn_shape *out = &c->out[0].shape;
    out->ndim = rank - (last - first);
    out->dim[first] = caffe_dim_product(&c->in[0].shape, first, last + 1);
    for (int i = last + 1; i < rank; i++) out->dim[first + i - last] = caffe_dim(c, 0, i);
    if (first == 1 && last == rank - 1) {
        c->out[0].id = caffe_op(c, "Flatten", x);
        return;
    }
    tdnn_id shape = caffe_joined(c, caffe_dims(c, x, 0, first), caffe_ints_of(c, -1),
                                 caffe_dims(c, x, last + 1, rank));
    c->out[0].id = caffe_reshape(c, x, shape);
}

/* 0 stands for the input's dimension there, which is what it means to ONNX too as long as axes
 * are counted from the first one. Dimensions behind the part that is reshaped are moved. */
void caffe_import_reshape(caffe_call *c)
{
    int64_t dims[TDNN_MAX_DIMS] = {0};
    const int rank = caffe_rank(c, 0, 0, TDNN_MAX_DIMS);
    const int axis = caffe_axis(c, "axis", 0, rank, 1);
    const int64_t most = rank - axis, axes = caffe_int(c, "num_axes", -1, -1, most);
    const tdnn_text *wanted = caffe_message(c, "shape");
    const tdnn_ints given = caffe_dims_of(c, wanted, -1);
    if (!wanted) caffe_fail(c, TDNN_ERR_FORMAT, "shape is missing");
    const int end = axes < 0 ? rank : axis + (int)axes;
    const size_t count = (size_t)axis + given.count;
    if (count + (size_t)(rank - end) > TDNN_MAX_DIMS)
        caffe_fail(c, TDNN_ERR_LIMIT, "more than %d dimensions", TDNN_MAX_DIMS);
    if (c->status) return;
    tdnn_shape *out = &c->out[0].shape;
    *out = (tdnn_shape){.ndim = (int)count + rank - end};
    int open = -1;
    for (size_t i = 0; i < count; i++) {
        dims[i] = i < (size_t)axis ? 0 : given.at[i - (size_t)axis];
        if (dims[i] == 0 && (int)i >= rank) {
            caffe_fail(c, TDNN_ERR_SHAPE, "dim %zu is 0, but the input has %d dimensions", i,
                       rank);
            return;
        }
        out->dim[i] = dims[i] == 0 ? caffe_dim(c, 0, (int)i) : dims[i];
        if (dims[i] < 0) open = (int)i;
    }
    for (int i = end; i < rank; i++) out->dim[(int)count + i - end] = caffe_dim(c, 0, i);
    if (open >= 0) {
        out->dim[open] = 1;
        const int64_t all = caffe_dim_product(&c->in[0].shape, 0, rank),
                      rest = caffe_dim_product(out, 0, out->ndim);
        out->dim[open] = all < 0 || rest <= 0 ? -1 : all / rest;
    }
    tdnn_id head = count ? caffe_vector(c, dims, count) : TDNN_ABSENT;
    tdnn_id shape = caffe_joined(c, head, caffe_dims(c, c->in[0].id, end, rank));
    if (shape == TDNN_ABSENT) shape = caffe_vector(c, NULL, 0);
    c->out[0].id = caffe_reshape(c, c->in[0].id, shape);
}

/* ---- Permute ---- */

/* Axes that the list leaves out follow in their order. */
static void permute(caffe_call *c, const char *list)
{
    const int rank = caffe_rank(c, 0, 1, TDNN_MAX_DIMS);
    const tdnn_ints order = caffe_ints(c, list, 0, rank - 1);
    int64_t perm[TDNN_MAX_DIMS];
    bool used[TDNN_MAX_DIMS] = {false};
    size_t count = 0;
    for (size_t i = 0; i < order.count && !c->status; i++) {
        if (used[order.at[i]])
            caffe_fail(c, TDNN_ERR_FORMAT, "axis %" PRId64 " twice in %s", order.at[i], list);
        else
            perm[count++] = order.at[i];
        used[order.at[i]] = true;
    }
    for (int i = 0; i < rank; i++)
        if (!used[i]) perm[count++] = i;
    if (c->status) return;
    for (size_t i = 0; i < count; i++) c->out[0].shape.dim[i] = caffe_dim(c, 0, (int)perm[i]);
    c->out[0].id = caffe_transpose(c, c->in[0].id, perm, count);
}

void caffe_import_permute(caffe_call *c) { permute(c, "order"); }
void caffe_import_transpose(caffe_call *c) { permute(c, "dim"); } /* of CRNN */

/* Of CRNN: an axis in the other direction. */
void caffe_import_reverse(caffe_call *c)
{
    const int rank = caffe_rank(c, 0, 1, TDNN_MAX_DIMS), axis = caffe_axis(c, "axis", 0, rank, 0);
    c->out[0].id =
        caffe_op(c, "Slice", c->in[0].id, caffe_ints_of(c, -1), caffe_ints_of(c, INT64_MIN),
                 caffe_ints_of(c, axis), caffe_ints_of(c, -1));
}

/* ---- Crop ---- */

/* Axes from `axis` on become as long as those of the second bottom, from an offset on. */
void caffe_import_crop(caffe_call *c)
{
    int64_t starts[TDNN_MAX_DIMS], axes[TDNN_MAX_DIMS];
    const int rank = caffe_rank(c, 0, 1, TDNN_MAX_DIMS),
              axis = caffe_axis(c, "axis", rank > 2 ? 2 : 0, rank, 0);
    const tdnn_ints offsets = caffe_ints(c, "offset", 0, INT32_MAX);
    const size_t count = (size_t)(rank - axis);
    caffe_rank(c, 1, rank, rank);
    if (offsets.count > 1 && offsets.count != count)
        caffe_fail(c, TDNN_ERR_SHAPE, "%zu offset for %zu axes, expected one, or one for each",
                   offsets.count, count);
    if (c->status) return;
    for (size_t i = 0; i < count; i++) {
        starts[i] = offsets.count ? offsets.at[offsets.count > 1 ? i : 0] : 0;
        axes[i] = axis + (int)i;
        const int64_t whole = caffe_dim(c, 0, (int)axes[i]),
                      wanted = caffe_dim(c, 1, (int)axes[i]);
        if (whole >= 0 && wanted > whole - starts[i])
            caffe_fail(c, TDNN_ERR_SHAPE,
                       "%" PRId64 " from %" PRId64 " on of %" PRId64 " along axis %" PRId64,
                       wanted, starts[i], whole, axes[i]);
        c->out[0].shape.dim[axes[i]] = wanted;
    }
    tdnn_id from = caffe_vector(c, starts, count);
    tdnn_id to = caffe_op(c, "Add", caffe_dims(c, c->in[1].id, axis, rank), from);
    c->out[0].id = caffe_op(c, "Slice", c->in[0].id, from, to, caffe_vector(c, axes, count));
}

/* ---- Tile, BatchReindex ---- */

void caffe_import_tile(caffe_call *c)
{
    int64_t repeats[TDNN_MAX_DIMS];
    const int rank = caffe_rank(c, 0, 1, TDNN_MAX_DIMS),
              axis = caffe_axis(c, "axis", 1, rank, 0);
    const int64_t tiles = caffe_int(c, "tiles", 0, 1, INT32_MAX),
                  in = c->status ? -1 : caffe_dim(c, 0, axis);
    if (!tiles) caffe_fail(c, TDNN_ERR_FORMAT, "tiles is missing");
    for (int i = 0; i < rank; i++) repeats[i] = i == axis ? tiles : 1;
    c->out[0].id = caffe_op(c, "Tile", c->in[0].id, caffe_vector(c, repeats, (size_t)rank));
    if (!c->status) c->out[0].shape.dim[axis] = caffe_known(in, in * tiles);
}

void caffe_import_batch_reindex(caffe_call *c)
{
    caffe_rank(c, 0, 1, TDNN_MAX_DIMS);
    caffe_rank(c, 1, 1, 1);
    tdnn_id index = caffe_op(c, "Cast", c->in[1].id);
    caffe_set_int(c, "to", TDNN_I64);
    c->out[0].id = caffe_op(c, "Gather", c->in[0].id, index);
    if (!c->status) c->out[0].shape.dim[0] = caffe_dim(c, 1, 0);
}

/* ---- ShuffleChannel ---- */

/* N, g, C/g, rest -> N, C/g, g, rest */
void caffe_import_shuffle_channel(caffe_call *c)
{
    int64_t perm[TDNN_MAX_DIMS] = {0, 2, 1};
    const int rank = caffe_rank(c, 0, 2, TDNN_MAX_DIMS - 1);
    const int64_t group = caffe_int(c, "group", 1, 1, INT32_MAX),
                  channels = c->status ? -1 : caffe_dim(c, 0, 1);
    if (channels >= 0 && channels % group)
        caffe_fail(c, TDNN_ERR_FORMAT, "%" PRId64 " channels in %" PRId64 " groups", channels,
                   group);
    for (int i = 3; i <= rank; i++) perm[i] = i;
    tdnn_id x = c->in[0].id;
    tdnn_id split = caffe_joined(c, caffe_ints_of(c, 0, group, -1), caffe_dims(c, x, 2, rank));
    tdnn_id moved = caffe_transpose(c, caffe_reshape(c, x, split), perm, (size_t)rank + 1);
    c->out[0].id = caffe_reshape(c, moved, caffe_dims(c, x, 0, rank));
}

/* ---- Reorg ---- */

/* As Darknet does it: the picture's memory is cut into rows of `stride` pieces, whatever the
 * channels. */
void caffe_import_reorg(caffe_call *c)
{
    const int64_t stride = caffe_int(c, "stride", 2, 1, 1 << 15), perm[] = {0, 2, 4, 1, 3};
    caffe_rank(c, 0, 4, 4);
    tdnn_id x = c->in[0].id;
    tdnn_id cut = caffe_joined(c, caffe_ints_of(c, 0, -1, stride), caffe_dims(c, x, 3, 4),
                               caffe_ints_of(c, stride));
    tdnn_id moved = caffe_transpose(c, caffe_reshape(c, x, cut), perm, 5);
    tdnn_id size = caffe_op(c, "Div", caffe_dims(c, x, 2, 4), caffe_ints_of(c, stride));
    c->out[0].id = caffe_reshape(c, moved, caffe_joined(c, caffe_ints_of(c, 0, -1), size));
    if (c->status) return;
    int64_t *dim = c->out[0].shape.dim;
    dim[1] = caffe_known(dim[1], dim[1] * stride * stride);
    for (int i = 2; i < 4; i++) dim[i] = caffe_known(dim[i], dim[i] / stride);
}
