/* The arithmetic of windows: ONNX's rules for explicit and automatic padding and for rounding. */
#include "lib/ops/window.h"

/* Far from overflow in sums and products of two. */
#define LARGEST ((int64_t)1 << 30)

/* Entry `i` of a list of `expected` entries; `otherwise` if the list is not there. */
static tdnn_status entry(const tdnn_ints *list, const char *name, size_t expected, size_t i,
                         int64_t least, int64_t otherwise, int64_t *out, tdnn_error *err)
{
    *out = otherwise;
    if (list->count == 0) return TDNN_OK;
    if (list->count != expected)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%s has %zu entries, expected %zu", name,
                         list->count, expected);
    *out = list->at[i];
    if (*out < least || *out > LARGEST)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%s has the entry %lld, expected %lld or more",
                         name, (long long)*out, (long long)least);
    return TDNN_OK;
}

static tdnn_status read_kernel(const tdnn_window *w, const tdnn_shape *weights, size_t rank,
                               size_t i, int64_t *out, tdnn_error *err)
{
    const int64_t extent = weights ? weights->dim[i + 2] : 0;
    TDNN_TRY(entry(&w->kernel_shape, "kernel_shape", rank, i, 1, extent, out, err));
    if (*out < 1)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "a kernel of extent 0 on axis %zu", i + 2);
    if (weights && *out != extent)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "kernel_shape says %lld on axis %zu, the weights have %lld",
                         (long long)*out, i + 2, (long long)extent);
    return TDNN_OK;
}

tdnn_status tdnn_windows_read(const tdnn_window *w, const tdnn_shape *x,
                              const tdnn_shape *weights, tdnn_windows *out, tdnn_error *err)
{
    *out = (tdnn_windows){.rank = x->ndim - 2};
    if (x->ndim < 3)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "input has %d dimensions, expected 3 or more",
                         x->ndim);
    if (weights && weights->ndim != x->ndim)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "weights have %d dimensions, the input has %d",
                         weights->ndim, x->ndim);
    const size_t rank = (size_t)out->rank;
    for (size_t i = 0; i < rank; i++) {
        tdnn_window_axis *a = &out->axis[i];
        a->in = x->dim[i + 2];
        TDNN_TRY(read_kernel(w, weights, rank, i, &a->kernel, err));
        TDNN_TRY(entry(&w->strides, "strides", rank, i, 1, 1, &a->stride, err));
        TDNN_TRY(entry(&w->dilations, "dilations", rank, i, 1, 1, &a->dilation, err));
        TDNN_TRY(entry(&w->pads, "pads", 2 * rank, i, 0, 0, &a->pad, err));
        TDNN_TRY(entry(&w->pads, "pads", 2 * rank, rank + i, 0, 0, &a->pad_end, err));
        if (a->kernel > LARGEST / a->dilation || a->in > LARGEST)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "a window that spans more than %lld elements",
                             (long long)LARGEST);
        a->reach = (a->kernel - 1) * a->dilation + 1;
    }
    return TDNN_OK;
}

static void place_automatically(tdnn_window_axis *a, tdnn_auto_pad how)
{
    a->pad = a->pad_end = 0;
    if (how == TDNN_PAD_VALID) return;
    a->out = (a->in + a->stride - 1) / a->stride;
    const int64_t needed = (a->out - 1) * a->stride + a->reach - a->in,
                  all = needed > 0 ? needed : 0;
    a->pad = how == TDNN_PAD_SAME_UPPER ? all / 2 : all - all / 2;
    a->pad_end = all - a->pad;
}

tdnn_status tdnn_windows_resolve(const tdnn_window *w, const tdnn_shape *x,
                                 const tdnn_shape *weights, bool ceil_mode, tdnn_windows *out,
                                 tdnn_error *err)
{
    TDNN_TRY(tdnn_windows_read(w, x, weights, out, err));
    for (int i = 0; i < out->rank; i++) {
        tdnn_window_axis *a = &out->axis[i];
        const tdnn_auto_pad how = (tdnn_auto_pad)w->auto_pad;
        if (how != TDNN_PAD_NOTSET) place_automatically(a, how);
        if (how == TDNN_PAD_SAME_UPPER || how == TDNN_PAD_SAME_LOWER) continue;
        int64_t room = a->in + a->pad + a->pad_end - a->reach;
        if (ceil_mode && room < 0 && room > -a->stride)
            room = 0; /* rounded up: one window, cut off */
        if (room < 0)
            return TDNN_FAIL(
                err, TDNN_ERR_SHAPE,
                "a window of %lld elements on axis %d, which with padding has %lld",
                (long long)a->reach, i + 2, (long long)(a->in + a->pad + a->pad_end));
        a->out = room / a->stride + 1;
        if (!ceil_mode || room % a->stride == 0) continue;
        if (a->out * a->stride < a->in + a->pad) a->out++;
    }
    return TDNN_OK;
}
