/* The best classes of a score row, and softmax. */
#include "lib/base/tensor.h"

#include <math.h>

/* Better: the higher score; of equal ones the lower class; anything is better than NaN. */
static bool is_better(tdnn_class_score a, tdnn_class_score b)
{
    if (isnan(a.score) || isnan(b.score)) return isnan(b.score) && !isnan(a.score);
    return a.score > b.score;
}

/* The last dimension that is not 1; the dimensions after it are, so that it lies densely. */
static size_t class_count(const tdnn_shape *shape)
{
    for (int i = shape->ndim - 1; i >= 0; i--)
        if (shape->dim[i] != 1) return (size_t)shape->dim[i];
    return 1;
}

static size_t pick_best(const tdnn_tensor *scores, size_t first, size_t classes,
                        tdnn_class_score *best, size_t wanted)
{
    size_t have = 0;
    for (size_t c = 0; c < classes; c++) {
        float value = scores->dtype == TDNN_F32 ? ((const float *)scores->data)[first + c]
                                                : (float)tdnn_tensor_get_f64(scores, first + c);
        tdnn_class_score score = {(int)c, value};
        if (have == wanted && !is_better(score, best[have - 1])) continue;
        size_t at = have < wanted ? have++ : have - 1;
        for (; at > 0 && is_better(score, best[at - 1]); at--) best[at] = best[at - 1];
        best[at] = score;
    }
    return have;
}

tdnn_status tdnn_top_classes(const tdnn_tensor *scores, size_t row, tdnn_class_score *best,
                             size_t *count, tdnn_error *err)
{
    if (!count) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "`count` is NULL");
    size_t wanted = *count;
    *count = 0;
    if (!scores || scores->kind != TDNN_KIND_TENSOR || (wanted && !best))
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "`scores` is no tensor, or `best` is NULL");
    if (!tdnn_dtype_is_float(scores->dtype) && !tdnn_dtype_is_int(scores->dtype))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "scores are %s, expected real numbers",
                         tdnn_dtype_name(scores->dtype));
    char text[TDNN_SHAPE_TEXT];
    int64_t elements = tdnn_shape_count(&scores->shape);
    if (elements <= 0)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "scores of shape %s hold nothing",
                         tdnn_shape_text(&scores->shape, text));
    size_t classes = class_count(&scores->shape), rows = (size_t)elements / classes;
    if (classes > INT32_MAX || row >= rows)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT,
                         "row %zu of scores of shape %s, which have %zu", row,
                         tdnn_shape_text(&scores->shape, text), rows);
    if (wanted) *count = pick_best(scores, row * classes, classes, best, wanted);
    return TDNN_OK;
}

void tdnn_softmax(float *scores, size_t count)
{
    if (!scores || !count) return;
    float most = scores[0], sum = 0;
    for (size_t i = 1; i < count; i++)
        if (scores[i] > most) most = scores[i];
    for (size_t i = 0; i < count; i++) sum += scores[i] = expf(scores[i] - most);
    for (size_t i = 0; i < count; i++) scores[i] /= sum;
}
