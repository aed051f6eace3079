/* Layers that move numbers: upsample, reorg, reorg3d, crop, route. */
#include "parsers/darknet/net.h"

#include <inttypes.h>

/* ---- upsample ---- */

/* A negative stride adds up blocks in place of repeating pixels. */
static tdnn_status downsample(tdnn_dark_net *net, int64_t stride, float scale,
                              tdnn_dark_value *x)
{
    const int64_t kernel[] = {stride, stride};
    tdnn_node *node;
    if (x->h % stride || x->w % stride)
        return TDNN_DARK_FAIL(net, TDNN_ERR_FORMAT,
                              "stride=-%" PRId64 " does not divide %" PRId64 " x %" PRId64,
                              stride, x->w, x->h);
    TDNN_TRY(tdnn_dark_add(net, "AveragePool", NULL, &x->id, 1, &node, &x->id));
    TDNN_TRY(tdnn_dark_set_ints(net, node, "kernel_shape", kernel, 2));
    TDNN_TRY(tdnn_dark_set_ints(net, node, "strides", kernel, 2));
    x->h /= stride;
    x->w /= stride;
    return tdnn_dark_op1(net, "Mul", x->id, (float)(stride * stride) * scale, &x->id);
}

tdnn_status tdnn_dark_upsample(tdnn_dark_net *net)
{
    int64_t stride;
    float scale, *factors;
    tdnn_dark_value *x = &net->out;
    tdnn_node *node;
    const int64_t four = 4;
    TDNN_TRY(tdnn_dark_image(net, x));
    TDNN_TRY(tdnn_dark_int(net, "stride", net->as_opencv ? 1 : 2, -4096, 4096, &stride));
    TDNN_TRY(tdnn_dark_float(net, "scale", 1, &scale));
    if (stride == 0)
        return tdnn_cfg_error(net->section, "stride",
                              TDNN_DARK_FAIL(net, TDNN_ERR_FORMAT, "stride=0"), net->err);
    if (stride < 0) return downsample(net, -stride, scale, x);
    tdnn_id inputs[3] = {x->id, TDNN_ABSENT};
    TDNN_TRY(tdnn_dark_floats(net, 1, &four, &factors, &inputs[2]));
    factors[0] = factors[1] = 1;
    factors[2] = factors[3] = (float)stride;
    TDNN_TRY(tdnn_dark_add(net, "Resize", "upsample", inputs, 3, &node, &x->id));
    TDNN_TRY(tdnn_dark_set_text(net, node, "mode", "nearest"));
    TDNN_TRY(tdnn_dark_set_text(net, node, "coordinate_transformation_mode", "asymmetric"));
    TDNN_TRY(tdnn_dark_set_text(net, node, "nearest_mode", "floor"));
    x->h *= stride;
    x->w *= stride;
    TDNN_TRY(tdnn_dark_check_size(net, x));
    return scale != 1 ? tdnn_dark_op1(net, "Mul", x->id, scale, &x->id) : TDNN_OK;
}

/* ---- reorg ---- */

static tdnn_status blocks(tdnn_dark_net *net, const char *op, int64_t stride, const char *name,
                          tdnn_id *value)
{
    tdnn_node *node;
    TDNN_TRY(tdnn_dark_add(net, op, name, value, 1, &node, value));
    return tdnn_dark_set_int(net, node, "blocksize", stride);
}

/* The same numbers in the same order, under other sizes. */
static tdnn_status regard(tdnn_dark_net *net, int64_t c, int64_t h, int64_t w, const char *name,
                          tdnn_id *value)
{
    return tdnn_dark_reshape(net, *value, (int64_t[]){c, h, w}, 3, name, value);
}

static tdnn_status read_reorg(tdnn_dark_net *net, int64_t *stride, bool *reverse)
{
    TDNN_TRY(tdnn_dark_image(net, &net->out));
    TDNN_TRY(tdnn_dark_int(net, "stride", net->as_opencv ? 2 : 1, 1, 4096, stride));
    return tdnn_dark_flag(net, "reverse", reverse);
}

static tdnn_status check_blocks(tdnn_dark_net *net, bool fits, int64_t stride)
{
    if (fits) return TDNN_OK;
    return tdnn_cfg_error(net->section, "stride",
                          TDNN_DARK_FAIL(net, TDNN_ERR_SHAPE,
                                         "stride=%" PRId64 " does not fit %" PRId64
                                         " x %" PRId64 " x %" PRId64,
                                         stride, net->out.c, net->out.h, net->out.w),
                          net->err);
}

/* Darknet's first version mixes up the sizes: it takes blocks of an image of c / s^2 channels
 * and h s x w s pixels, which the numbers are not, and YOLOv2's weights were trained with that.
 */
tdnn_status tdnn_dark_reorg(tdnn_dark_net *net)
{
    int64_t s;
    bool reverse;
    TDNN_TRY(read_reorg(net, &s, &reverse));
    tdnn_dark_value *x = &net->out;
    TDNN_TRY(check_blocks(net, x->c % (s * s) == 0, s));
    if (reverse) {
        TDNN_TRY(blocks(net, "DepthToSpace", s, "reorg", &x->id));
        x->c /= s * s;
        x->h *= s;
        x->w *= s;
        return TDNN_OK;
    }
    TDNN_TRY(check_blocks(net, x->h % s == 0 && x->w % s == 0, s));
    net->fixed_size = true;
    TDNN_TRY(regard(net, x->c / (s * s), x->h * s, x->w * s, NULL, &x->id));
    TDNN_TRY(blocks(net, "SpaceToDepth", s, NULL, &x->id));
    x->c *= s * s;
    x->h /= s;
    x->w /= s;
    return regard(net, x->c, x->h, x->w, "reorg", &x->id);
}

/* The later version is space to depth; its reverse now mixes up the sizes. */
tdnn_status tdnn_dark_reorg3d(tdnn_dark_net *net)
{
    int64_t s;
    bool reverse;
    TDNN_TRY(read_reorg(net, &s, &reverse));
    tdnn_dark_value *x = &net->out;
    if (!reverse) {
        TDNN_TRY(check_blocks(net, x->h % s == 0 && x->w % s == 0, s));
        x->c *= s * s;
        x->h /= s;
        x->w /= s;
        return blocks(net, "SpaceToDepth", s, "reorg3d", &x->id);
    }
    TDNN_TRY(check_blocks(net, x->c % (s * s * s * s) == 0, s));
    x->c /= s * s;
    x->h *= s;
    x->w *= s;
    net->fixed_size = true;
    TDNN_TRY(regard(net, x->c, x->h, x->w, NULL, &x->id));
    TDNN_TRY(blocks(net, "DepthToSpace", s, NULL, &x->id));
    return regard(net, x->c, x->h, x->w, "reorg3d", &x->id);
}

/* ---- crop ---- */

/* From the middle; numbers in 0 .. 1 become -1 .. 1 unless noadjust is set. */
tdnn_status tdnn_dark_crop(tdnn_dark_net *net)
{
    int64_t h, w;
    bool noadjust;
    tdnn_dark_value *x = &net->out;
    TDNN_TRY(tdnn_dark_image(net, x));
    TDNN_TRY(tdnn_dark_int(net, "crop_height", 1, 1, x->h, &h));
    TDNN_TRY(tdnn_dark_int(net, "crop_width", 1, 1, x->w, &w));
    TDNN_TRY(tdnn_dark_flag(net, "noadjust", &noadjust));
    net->fixed_size = true;
    int64_t top = (x->h - h) / 2, left = (x->w - w) / 2;
    TDNN_TRY(tdnn_dark_slice(net, x->id, 2, top, top + h, NULL, &x->id));
    TDNN_TRY(tdnn_dark_slice(net, x->id, 3, left, left + w, "crop", &x->id));
    x->h = h;
    x->w = w;
    if (noadjust) return TDNN_OK;
    TDNN_TRY(tdnn_dark_op1(net, "Mul", x->id, 2, &x->id));
    return tdnn_dark_op1(net, "Sub", x->id, 1, &x->id);
}

/* ---- route ---- */

/* One of `groups` equal parts of each layer's channels, one behind the other. */
static tdnn_status part_of(tdnn_dark_net *net, int64_t groups, int64_t group, const char *name,
                           tdnn_dark_value *x)
{
    if (x->c % groups)
        return tdnn_cfg_error(net->section, "groups",
                              TDNN_DARK_FAIL(net, TDNN_ERR_SHAPE,
                                             "groups=%" PRId64 " does not divide %" PRId64
                                             " channels",
                                             groups, x->c),
                              net->err);
    int64_t each = x->c / groups;
    x->c = each;
    return tdnn_dark_slice(net, x->id, 1, group * each, (group + 1) * each, name, &x->id);
}

static tdnn_status gather_layers(tdnn_dark_net *net, const int64_t *layers, size_t count,
                                 int64_t groups, int64_t group, tdnn_id *ids)
{
    const char *name = count == 1 ? "slice" : NULL;
    for (size_t i = 0; i < count; i++) {
        tdnn_dark_value x;
        TDNN_TRY(tdnn_dark_layer_at(net, "layers", layers[i], &x));
        if (i == 0 && groups == 1 && count == 1) return tdnn_dark_pass(net, &x);
        TDNN_TRY(tdnn_dark_to_image(net, &x));
        if (groups > 1) TDNN_TRY(part_of(net, groups, group, name, &x));
        ids[i] = x.id;
        if (i == 0) {
            net->out = x;
            continue;
        }
        if (x.h != net->out.h || x.w != net->out.w)
            return tdnn_cfg_error(net->section, "layers",
                                  TDNN_DARK_FAIL(net, TDNN_ERR_SHAPE,
                                                 "layers of %" PRId64 " x %" PRId64
                                                 " and %" PRId64 " x %" PRId64
                                                 " pixels, expected equal ones",
                                                 net->out.w, net->out.h, x.w, x.h),
                                  net->err);
        net->out.c += x.c;
    }
    return TDNN_OK;
}

tdnn_status tdnn_dark_route(tdnn_dark_net *net)
{
    int64_t *layers, groups, group;
    size_t count;
    TDNN_TRY(tdnn_dark_list(net, "layers", &layers, &count));
    if (!count) return TDNN_DARK_FAIL(net, TDNN_ERR_FORMAT, "[route] without layers=");
    TDNN_TRY(tdnn_dark_int(net, "groups", 1, 1, 1 << 24, &groups));
    TDNN_TRY(tdnn_dark_int(net, "group_id", 0, 0, groups - 1, &group));
    tdnn_id *ids = tdnn_zone_alloc(net->zone, count, sizeof *ids);
    if (!ids) return TDNN_NO_MEMORY(net->err);
    TDNN_TRY(gather_layers(net, layers, count, groups, group, ids));
    if (count == 1) return TDNN_OK;
    TDNN_TRY(tdnn_dark_concat(net, ids, count, 1, "concat", &net->out.id));
    return tdnn_dark_check_size(net, &net->out);
}
