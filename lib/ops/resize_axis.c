/* Resize along one axis: from an output index to the input elements it is made of. */
#include "lib/ops/resize.h"

#include <math.h>

/* ---- extents and scales ---- */

static tdnn_status list_check(const tdnn_tensor *list, size_t count, const char *what,
                              tdnn_error *err)
{
    if ((size_t)tdnn_shape_count(&list->shape) == count) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%lld %s, expected %zu",
                     (long long)tdnn_shape_count(&list->shape), what, count);
}

static bool is_given(const tdnn_tensor *list)
{
    return list && tdnn_shape_count(&list->shape) > 0;
}

static tdnn_status from_sizes(const tdnn_resize_params *p, const int *axes, size_t count,
                              const tdnn_tensor *sizes, tdnn_resize_axis *out, tdnn_error *err)
{
    enum { STRETCH, NOT_LARGER, NOT_SMALLER };
    double common = 0;
    for (size_t i = 0; i < count; i++) {
        tdnn_resize_axis *a = &out[axes[i]];
        a->out = tdnn_tensor_get_i64(sizes, i);
        if (a->out < 0 || (a->in == 0 && a->out > 0))
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "axis %d of length %lld is to become %lld",
                             axes[i], (long long)a->in, (long long)a->out);
        a->scale = a->in ? (double)a->out / (double)a->in : 1;
        const bool better =
            p->keep_aspect_ratio_policy == NOT_LARGER ? a->scale < common : a->scale > common;
        if (i == 0 || better) common = a->scale;
    }
    for (size_t i = 0; p->keep_aspect_ratio_policy != STRETCH && i < count; i++) {
        tdnn_resize_axis *a = &out[axes[i]];
        a->scale = common;
        a->out = (int64_t)(common * (double)a->in + 0.5);
    }
    return TDNN_OK;
}

static tdnn_status from_scales(const int *axes, size_t count, const tdnn_tensor *scales,
                               tdnn_resize_axis *out, tdnn_error *err)
{
    for (size_t i = 0; i < count; i++) {
        tdnn_resize_axis *a = &out[axes[i]];
        a->scale = tdnn_tensor_get_f64(scales, i);
        const double length = floor((double)a->in * a->scale);
        if (!(a->scale > 0) || !(length < 0x1p48))
            return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                             "axis %d of length %lld is to be scaled by %g", axes[i],
                             (long long)a->in, a->scale);
        a->out = (int64_t)length;
    }
    return TDNN_OK;
}

tdnn_status tdnn_resize_axes(const tdnn_resize_params *p, const tdnn_shape *shape,
                             const tdnn_tensor *roi, const tdnn_tensor *scales,
                             const tdnn_tensor *sizes, tdnn_resize_axis *out, tdnn_error *err)
{
    int axes[TDNN_MAX_DIMS];
    const size_t count = p->axes.given ? p->axes.count : (size_t)shape->ndim;
    const bool crop = p->coordinate_transformation_mode == TDNN_COORDS_TF_CROP_AND_RESIZE;
    if (count > TDNN_MAX_DIMS) return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%zu axes", count);
    if (is_given(scales) == is_given(sizes) && count)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "expected either scales or sizes");
    for (int d = 0; d < shape->ndim; d++)
        out[d] = (tdnn_resize_axis){shape->dim[d], shape->dim[d], 1, 0, 1, false};
    for (size_t i = 0; i < count; i++)
        TDNN_TRY(tdnn_axis_resolve(p->axes.given ? p->axes.at[i] : (int64_t)i, shape->ndim,
                                   &axes[i], err));
    if (is_given(sizes)) {
        TDNN_TRY(list_check(sizes, count, "sizes", err));
        TDNN_TRY(from_sizes(p, axes, count, sizes, out, err));
    } else if (is_given(scales)) {
        TDNN_TRY(list_check(scales, count, "scales", err));
        TDNN_TRY(from_scales(axes, count, scales, out, err));
    }
    if (crop && !is_given(roi))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "tf_crop_and_resize without a roi");
    if (crop) TDNN_TRY(list_check(roi, 2 * count, "numbers of the roi", err));
    for (size_t i = 0; crop && i < count; i++) {
        out[axes[i]].roi_begin = tdnn_tensor_get_f64(roi, i);
        out[axes[i]].roi_end = tdnn_tensor_get_f64(roi, i + count);
    }
    for (int d = 0; d < shape->ndim; d++) {
        tdnn_resize_axis *a = &out[d];
        a->resized = a->out != a->in || a->scale != 1 || a->roi_begin != 0 || a->roi_end != 1;
    }
    return TDNN_OK;
}

/* ---- coordinates ---- */

/* Where output index i lies in the input. */
static double coordinate(const tdnn_resize_params *p, const tdnn_resize_axis *a, int64_t i)
{
    const double x = (double)i, in = (double)a->in,
                 out = a->scale * in; /* no whole number, at times */
    switch (p->coordinate_transformation_mode) {
    case TDNN_COORDS_ALIGN_CORNERS: return out == 1 ? 0 : x * (in - 1) / (out - 1);
    case TDNN_COORDS_ASYMMETRIC: return x / a->scale;
    case TDNN_COORDS_TF_HALF_PIXEL_FOR_NN: return (x + 0.5) / a->scale;
    case TDNN_COORDS_PYTORCH_HALF_PIXEL: return out == 1 ? 0 : (x + 0.5) / a->scale - 0.5;
    case TDNN_COORDS_HALF_PIXEL_SYMMETRIC:
        return in / 2 * (1 - (double)a->out / out) + (x + 0.5) / a->scale - 0.5;
    case TDNN_COORDS_TF_CROP_AND_RESIZE: {
        const double span = (a->roi_end - a->roi_begin) * (in - 1);
        return a->roi_begin * (in - 1) + (out == 1 ? span / 2 : x * span / (out - 1));
    }
    default: return (x + 0.5) / a->scale - 0.5;
    }
}

static int64_t clamp(double x, int64_t length)
{
    return !(x > 0) ? 0 : x >= (double)(length - 1) ? length - 1 : (int64_t)x;
}

static double round_nearest(const tdnn_resize_params *p, double x)
{
    enum { PREFER_FLOOR, PREFER_CEIL, FLOOR, CEIL };
    switch (p->nearest_mode) {
    case PREFER_CEIL: return floor(x + 0.5);
    case FLOOR: return floor(x);
    case CEIL: return ceil(x);
    default: return ceil(x - 0.5);
    }
}

/* ---- weights ---- */

static double linear_at(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

/* R. Keys, Cubic convolution interpolation for digital image processing, 1981. */
static double cubic_at(double x, double a)
{
    x = fabs(x);
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/* When shrinking with antialias, the curve is as much wider. */
static double stretch(const tdnn_resize_params *p, const tdnn_resize_axis *a)
{
    return p->antialias && a->scale < 1 ? a->scale : 1;
}

size_t tdnn_resize_tap_count(const tdnn_resize_params *p, const tdnn_resize_axis *a)
{
    if (!a->resized || p->mode == TDNN_RESIZE_NEAREST) return 1;
    const double reach = p->mode == TDNN_RESIZE_CUBIC ? 2 : 1;
    const double first = floor(-reach / stretch(p, a)) + 1;
    return (size_t)(2 - 2 * first);
}

bool tdnn_resize_taps(const tdnn_resize_params *p, const tdnn_resize_axis *a, int64_t i,
                      size_t taps, int64_t *index, double *weight)
{
    index[0] = i;
    weight[0] = 1;
    if (!a->resized) return true;
    const double x = coordinate(p, a, i);
    if (p->coordinate_transformation_mode == TDNN_COORDS_TF_CROP_AND_RESIZE &&
        !(x >= 0 && x <= (double)(a->in - 1)))
        return false;
    if (p->mode == TDNN_RESIZE_NEAREST) {
        index[0] = clamp(round_nearest(p, x), a->in);
        return true;
    }
    /* The element on the left, even if x lies on one: a part in (0, 1] is left over. */
    const double left = ceil(x) - 1, part = x - left, narrow = stretch(p, a);
    double sum = 0;
    for (size_t k = 0; k < taps; k++) {
        const double step = (double)k - (double)(taps / 2 - 1), at = left + step;
        const double d = (step - part) * narrow;
        weight[k] =
            p->mode == TDNN_RESIZE_CUBIC ? cubic_at(d, (double)p->cubic_coeff_a) : linear_at(d);
        if (p->exclude_outside && (at < 0 || at >= (double)a->in)) weight[k] = 0;
        index[k] = clamp(at, a->in);
        sum += weight[k];
    }
    if (p->exclude_outside || p->antialias)
        for (size_t k = 0; k < taps; k++) weight[k] /= sum;
    return true;
}
