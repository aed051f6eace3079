/* RefineDet's DetectionOutput: boxes are regressed twice. The first regression (bottom 5, of the
 * anchors' own detector) moves the priors, which stand in for the priors of the second; and where
 * the first detector sees no object (bottom 4), all scores are 0. Both are arithmetic in front of
 * the ordinary layer.
 */
#include "parsers/caffe/layers.h"

#include <inttypes.h>

/* Four columns of a [.., 4] matrix. */
static void columns(caffe_call *c, tdnn_id x, tdnn_id out[4])
{
    for (int64_t i = 0; i < 4; i++) out[i] = caffe_slice(c, x, 1, i, i + 1);
}

static tdnn_id join(caffe_call *c, const tdnn_id *parts, size_t count, int64_t axis)
{
    tdnn_id y = caffe_append(c, "Concat", parts, count);
    caffe_set_int(c, "axis", axis);
    return y;
}

/* Centre and size of the one axis of boxes that `from` and `to` bound, moved by `at` and `by`. */
static void move(caffe_call *c, tdnn_id from, tdnn_id to, tdnn_id at, tdnn_id by,
                 tdnn_id *out_from, tdnn_id *out_to)
{
    tdnn_id size = caffe_op(c, "Sub", to, from);
    tdnn_id centre = caffe_times(c, caffe_op(c, "Add", to, from), 0.5F);
    centre = caffe_op(c, "Add", caffe_op(c, "Mul", at, size), centre);
    tdnn_id half = caffe_times(c, caffe_op(c, "Mul", caffe_op(c, "Exp", by), size), 0.5F);
    *out_from = caffe_op(c, "Sub", centre, half);
    *out_to = caffe_op(c, "Add", centre, half);
}

/* [1, 2, 4P], or [1, 1, 4P] with variances in the regression. */
static tdnn_id moved_priors(caffe_call *c, bool encoded)
{
    tdnn_id boxes =
        caffe_reshape(c, caffe_slice(c, c->in[2].id, 1, 0, 1), caffe_ints_of(c, -1, 4));
    tdnn_id variances = encoded ? TDNN_ABSENT : caffe_slice(c, c->in[2].id, 1, 1, 2);
    tdnn_id moves = caffe_reshape(c, c->in[4].id, caffe_ints_of(c, -1, 4));
    if (!encoded)
        moves = caffe_op(c, "Mul", moves, caffe_reshape(c, variances, caffe_ints_of(c, -1, 4)));
    tdnn_id box[4], by[4], made[4];
    columns(c, boxes, box);
    columns(c, moves, by);
    for (int i = 0; i < 2; i++)
        move(c, box[i], box[i + 2], by[i], by[i + 2], &made[i], &made[i + 2]);
    tdnn_id flat = caffe_reshape(c, join(c, made, 4, 1), caffe_ints_of(c, 1, 1, -1));
    if (encoded) return flat;
    const tdnn_id both[] = {flat, caffe_reshape(c, variances, caffe_ints_of(c, 1, 1, -1))};
    return join(c, both, 2, 1);
}

/* [1, P classes]: 0 where the first detector's second score is below `least`. */
static tdnn_id kept_scores(caffe_call *c, int64_t classes, float least)
{
    tdnn_id objects = caffe_reshape(c, c->in[3].id, caffe_ints_of(c, -1, 2));
    tdnn_id below = caffe_op(c, "Less", caffe_slice(c, objects, 1, 1, 2), caffe_scalar(c, least));
    tdnn_id scores = caffe_reshape(c, c->in[1].id, caffe_ints_of(c, -1, classes));
    tdnn_id kept = caffe_op(c, "Where", below, caffe_scalar(c, 0), scores);
    return caffe_reshape(c, kept, caffe_ints_of(c, 1, -1));
}

void caffe_refine(caffe_call *c, tdnn_id *scores, tdnn_id *priors)
{
    const int64_t classes = caffe_int(c, "num_classes", 0, 1, INT32_MAX);
    const float least = caffe_float(c, "objectness_score", 0);
    if (c->in_count != 5)
        caffe_fail(c, TDNN_ERR_FORMAT, "%zu bottoms, expected 3 or 5", c->in_count);
    const int64_t images = caffe_dim(c, 0, 0);
    if (images > 1)
        caffe_fail(c, TDNN_ERR_UNSUPPORTED, "refined priors for %" PRId64 " pictures at once",
                   images);
    if (c->status) return;
    *priors = moved_priors(c, caffe_bool(c, "variance_encoded_in_target", false));
    *scores = kept_scores(c, classes, least);
}
