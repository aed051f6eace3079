/* Layers that resize planes: Interp (of DeepLab and PSPNet) and Resample (of FlowNet). */
#include "parsers/caffe/layers.h"

#include <inttypes.h>

static tdnn_id resize(caffe_call *c, tdnn_id x, tdnn_id size, const char *mode,
                      const char *coordinates)
{
    tdnn_id all = caffe_joined(c, caffe_dims(c, x, 0, 2), size);
    tdnn_id y = caffe_op(c, "Resize", x, TDNN_ABSENT, TDNN_ABSENT, all);
    caffe_set_string(c, "mode", mode);
    caffe_set_string(c, "coordinate_transformation_mode", coordinates);
    return y;
}

static void set_size(caffe_call *c, const int64_t *size)
{
    for (int i = 0; i < 2; i++) c->out[0].shape.dim[2 + i] = size[i];
}

/* ---- Interp ---- */

typedef struct interp {
    int64_t begin, end; /* negative pads: what is cut off */
    int64_t shrink, zoom, height, width;
} interp;

static interp read_interp(caffe_call *c)
{
    interp p = {.begin = caffe_int(c, "pad_beg", 0, -(1 << 24), 0),
                .end = caffe_int(c, "pad_end", 0, -(1 << 24), 0),
                .shrink = caffe_int(c, "shrink_factor", 0, 1, 1 << 24),
                .zoom = caffe_int(c, "zoom_factor", 0, 1, 1 << 24),
                .height = caffe_int(c, "height", 0, 1, 1 << 24),
                .width = caffe_int(c, "width", 0, 1, 1 << 24)};
    const bool fixed = p.height && p.width, scaled = p.shrink || p.zoom;
    if (fixed && scaled)
        caffe_fail(c, TDNN_ERR_FORMAT, "a size and a factor, expected one of them");
    if (!fixed && !scaled && c->in_count < 2)
        caffe_fail(c, TDNN_ERR_FORMAT, "neither height and width nor a factor");
    return p;
}

/* The size by factors: pixels at both ends stay where they are. */
static int64_t scaled_size(const interp *p, int64_t in)
{
    if (in < 1) return -1;
    if (p->shrink) in = (in - 1) / p->shrink + 1;
    return p->zoom ? in + (in - 1) * (p->zoom - 1) : in;
}

static tdnn_id scaled(caffe_call *c, const interp *p, tdnn_id x)
{
    tdnn_id size = caffe_dims(c, x, 2, 4), one = caffe_ints_of(c, 1);
    if (p->shrink) {
        tdnn_id steps =
            caffe_op(c, "Div", caffe_op(c, "Sub", size, one), caffe_ints_of(c, p->shrink));
        size = caffe_op(c, "Add", steps, one);
    }
    if (!p->zoom) return size;
    tdnn_id more =
        caffe_op(c, "Mul", caffe_op(c, "Sub", size, one), caffe_ints_of(c, p->zoom - 1));
    return caffe_op(c, "Add", size, more);
}

void caffe_import_interp(caffe_call *c)
{
    caffe_rank(c, 0, 4, 4);
    const interp p = read_interp(c);
    tdnn_id x = c->in[0].id, size;
    int64_t usual[2];
    if (p.begin || p.end) {
        const int64_t to = p.end ? p.end : INT64_MAX;
        x = caffe_op(c, "Slice", x, caffe_ints_of(c, -p.begin, -p.begin),
                     caffe_ints_of(c, to, to), caffe_ints_of(c, 2, 3));
    }
    for (int i = 0; i < 2; i++)
        usual[i] = scaled_size(&p, caffe_dim(c, 0, 2 + i) + p.begin + p.end);
    if (p.height) {
        size = caffe_ints_of(c, usual[0] = p.height, usual[1] = p.width);
    } else if (p.shrink || p.zoom) {
        size = scaled(c, &p, x);
    } else {
        caffe_rank(c, 1, 4, 4);
        size = caffe_dims(c, c->in[1].id, 2, 4);
        for (int i = 0; i < 2; i++) usual[i] = caffe_dim(c, 1, 2 + i);
    }
    if (c->status) return;
    c->out[0].id = resize(c, x, size, "linear", "align_corners");
    set_size(c, usual);
}

/* ---- Resample ---- */

/* To a size, by a factor, or as large as the second bottom. Filters that are cut off at a
 * border are weighed anew, and as wide as what they shrink unless the layer says otherwise. */
void caffe_import_resample(caffe_call *c)
{
    static const char *const types[] = {"", "NEAREST", "LINEAR", "CUBIC", "AREA", NULL};
    caffe_rank(c, 0, 4, 4);
    const int64_t type = caffe_enum(c, "type", types, 2);
    const int64_t height = caffe_int(c, "height", 0, 1, 1 << 24),
                  width = caffe_int(c, "width", 0, 1, 1 << 24);
    const float factor = caffe_float(c, "factor", 1);
    int64_t usual[2] = {height, width};
    tdnn_id x = c->in[0].id, size;
    const bool antialias = caffe_bool(c, "antialias", true);
    if (type > 3) caffe_fail(c, TDNN_ERR_UNSUPPORTED, "resampling of type %s", types[type]);
    if (!(factor > 0 && factor < 1 << 15))
        caffe_fail(c, TDNN_ERR_FORMAT, "factor is %g", (double)factor);
    if (c->status) return;
    if (c->in_count == 2) {
        caffe_rank(c, 1, 4, 4);
        size = caffe_dims(c, c->in[1].id, 2, 4);
        for (int i = 0; i < 2; i++) usual[i] = caffe_dim(c, 1, 2 + i);
    } else if (height && width) {
        size = caffe_ints_of(c, height, width);
    } else {
        tdnn_id exact = caffe_op(c, "Cast", caffe_dims(c, x, 2, 4));
        caffe_set_int(c, "to", TDNN_F32);
        size = caffe_op(c, "Cast", caffe_times(c, exact, factor));
        caffe_set_int(c, "to", TDNN_I64);
        for (int i = 0; i < 2; i++)
            usual[i] = caffe_known(caffe_dim(c, 0, 2 + i),
                                   (int64_t)((float)caffe_dim(c, 0, 2 + i) * factor));
    }
    static const char *const modes[] = {"", "nearest", "linear", "cubic"};
    c->out[0].id = resize(c, x, size, modes[type], type == 1 ? "asymmetric" : "half_pixel");
    if (type == 1) caffe_set_string(c, "nearest_mode", "floor");
    if (type != 1 && antialias) caffe_set_int(c, "antialias", 1);
    if (type != 1) caffe_set_int(c, "exclude_outside", 1);
    if (type == 3) caffe_set_float(c, "cubic_coeff_a", -0.5F);
    if (!c->status) set_size(c, usual);
}
