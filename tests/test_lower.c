/* Lowering: nets of one operator with random parameters, run as they are and after lowering to
 * ONNX's own operators of opset 17; nothing else may be left, and the answers must be the same.
 */
#include "tests/onnx_build.h"

#include "lib/graph/params.h"
#include "lib/passes/pass.h"
#include "lib/runtime/write.h"

#include <math.h>

enum { OPSET = 17, CONFIGURATIONS = 40, MOST_PORTS = 4 };

static tdnn_error err;

/* ---- random numbers ---- */

static uint64_t seed;

static uint32_t random_u32(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33);
}

static int64_t pick(int64_t low, int64_t high)
{
    return low + (int64_t)(random_u32() % (uint32_t)(high - low + 1));
}

static double uniform(double low, double high)
{
    return low + (high - low) * (double)(random_u32() >> 7) / (double)(1 << 24);
}

static bool chance(void) { return random_u32() & 64; }

/* ---- nets ---- */

typedef struct model {
    onnx_build build;
    int64_t opset; /* that it is lowered to */
    char attrs[2048];
    const char *names[MOST_PORTS];
    tdnn_tensor *inputs[MOST_PORTS];
    size_t input_count;
} model;

static model begin(uint64_t number)
{
    seed = number * 977 + 13;
    for (int i = 0; i < 8; i++) random_u32();
    return (model){.build = onnx_begin(8, OPSET), .opset = OPSET};
}

static void attr_int(model *m, const char *name, int64_t value)
{
    const size_t at = strlen(m->attrs);
    snprintf(m->attrs + at, sizeof m->attrs - at, "%s%s=%lld", at ? "; " : "", name,
             (long long)value);
}

static void attr_text(model *m, const char *name, const char *value)
{
    const size_t at = strlen(m->attrs);
    snprintf(m->attrs + at, sizeof m->attrs - at, "%s%s='%s'", at ? "; " : "", name, value);
}

static void attr_float(model *m, const char *name, double value)
{
    const size_t at = strlen(m->attrs);
    snprintf(m->attrs + at, sizeof m->attrs - at, "%s%s=%.6f", at ? "; " : "", name, value);
}

static void attr_floats(model *m, const char *name, size_t count, double low, double high)
{
    char text[512] = "";
    for (size_t i = 0; i < count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.4f", i ? ", " : "",
                 uniform(low, high));
    const size_t at = strlen(m->attrs);
    snprintf(m->attrs + at, sizeof m->attrs - at, "%s%s=[%s]", at ? "; " : "", name, text);
}

/* An input of any size, and what it is fed with. */
static float *feed(model *m, const char *name, int ndim, const int64_t *dims, double low,
                   double high)
{
    const tdnn_shape shape = tdnn_shape_make(ndim, dims);
    tdnn_tensor *t = NULL;
    int64_t any[TDNN_MAX_DIMS];
    for (int i = 0; i < ndim; i++) any[i] = -1;
    onnx_input(&m->build, name, TDNN_F32, ndim, any);
    assert_ok(tdnn_tensor_create(TDNN_F32, &shape, &t, &err), err);
    float *f = tdnn_tensor_data(t);
    for (int64_t i = 0; i < tdnn_shape_count(&shape); i++) f[i] = (float)uniform(low, high);
    assert_true(m->input_count < MOST_PORTS);
    m->names[m->input_count] = name;
    m->inputs[m->input_count++] = t;
    return f;
}

static tdnn_net *load(tdnn_bytes bytes)
{
    tdnn_net *net = NULL;
    assert_ok(tdnn_net_load_memory(bytes, (tdnn_bytes){0}, NULL, &net, &err), err);
    return net;
}

static void only_standard(const tdnn_graph *graph)
{
    for (size_t n = 0; n < graph->node_count; n++) {
        assert_null(graph->nodes[n]->op->domain);
        if (graph->nodes[n]->op->kind == TDNN_OP_BatchNormalization)
            assert_false(
                ((const tdnn_batch_norm_params *)graph->nodes[n]->params)->training_mode);
        if (graph->nodes[n]->op->kind == TDNN_OP_Resize)
            assert_false(((const tdnn_resize_params *)graph->nodes[n]->params)->axes.given);
        for (size_t s = 0; s < graph->nodes[n]->subgraph_count; s++)
            only_standard(graph->nodes[n]->subgraphs[s]);
    }
}

static tdnn_session *run(const model *m, tdnn_net *net)
{
    tdnn_session *s = NULL;
    assert_ok(tdnn_session_create(net, NULL, &s, &err), err);
    for (size_t i = 0; i < m->input_count; i++)
        assert_ok(tdnn_session_set_input(s, m->names[i], m->inputs[i], &err), err);
    assert_ok(tdnn_session_run(s, &err), err);
    return s;
}

static void same_output(const tdnn_tensor *a, const tdnn_tensor *b, double tolerance,
                        const char *attrs)
{
    char x[TDNN_SHAPE_TEXT], y[TDNN_SHAPE_TEXT];
    assert_int_equal(a->dtype, b->dtype);
    if (!tdnn_shape_equal(&a->shape, &b->shape))
        fail_msg("%s: %s, lowered %s", attrs, tdnn_shape_text(&a->shape, x),
                 tdnn_shape_text(&b->shape, y));
    for (size_t i = 0; i < (size_t)tdnn_shape_count(&a->shape); i++) {
        const double p = tdnn_tensor_get_f64(a, i), q = tdnn_tensor_get_f64(b, i);
        if (!(fabs(p - q) <= tolerance * fmax(1, fabs(p))))
            fail_msg("%s: element %zu of %s is %.9g, lowered %.9g", attrs, i,
                     tdnn_shape_text(&a->shape, x), p, q);
    }
}

/* With all sizes declared, what depends on them alone becomes constants. */
static void settle(const model *m, tdnn_graph *graph)
{
    for (size_t i = 0; i < m->input_count; i++)
        graph->values[tdnn_graph_find_value(graph, m->names[i])].shape = m->inputs[i]->shape;
    assert_ok(tdnn_graph_settle(graph, &err), err);
    assert_ok(tdnn_graph_check(graph, &err), err);
    for (size_t n = 0; n < graph->node_count; n++) {
        const tdnn_op_kind kind = graph->nodes[n]->op->kind;
        if (kind == TDNN_OP_NonMaxSuppression) break; /* nobody knows how many it finds */
        assert_int_not_equal(kind, TDNN_OP_Range);
    }
}

/* Closes the model, and compares; how many numbers of output 0 are not 0 comes back. */
static size_t same_lowered(model *m, double tolerance)
{
    const tdnn_bytes bytes = onnx_end(&m->build);
    tdnn_net *net = load(bytes), *lowered = load(bytes);
    size_t used = 0;
    assert_ok(tdnn_lower(lowered->graph, m->opset, &err), err);
    assert_ok(tdnn_graph_check(lowered->graph, &err), err);
    only_standard(lowered->graph);
    if (chance()) settle(m, lowered->graph);
    tdnn_session *a = run(m, net), *b = run(m, lowered);
    for (size_t i = 0; i < tdnn_net_output_count(net); i++) {
        const tdnn_tensor *x, *y;
        const char *name = tdnn_net_output(net, i)->name;
        assert_ok(tdnn_session_output(a, name, &x, &err), err);
        assert_ok(tdnn_session_output(b, name, &y, &err), err);
        same_output(x, y, tolerance, m->attrs);
        for (size_t k = 0; !i && k < (size_t)tdnn_shape_count(&x->shape); k++)
            used += tdnn_tensor_get_f64(x, k) != 0;
    }
    tdnn_session_free(a);
    tdnn_session_free(b);
    tdnn_net_release(net);
    tdnn_net_release(lowered);
    tdnn_free((void *)bytes.data);
    for (size_t i = 0; i < m->input_count; i++) tdnn_tensor_release(m->inputs[i]);
    return used;
}

/* ---- Yolo ---- */

static void yolo(void **state)
{
    (void)state;
    size_t used = 0;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        model m = begin(n);
        const int64_t anchors = pick(1, 4), classes = pick(1, 5), gaussian = pick(0, 5) == 0;
        const int64_t images = pick(1, 3), columns = 5 + classes + 4 * gaussian;
        const int64_t dims[] = {images, anchors * columns, pick(1, 6), pick(1, 6)};
        const bool region = chance(), image = chance();
        attr_int(&m, "classes", classes);
        attr_floats(&m, "anchors", 2 * (size_t)anchors, 1, 30);
        attr_int(&m, "region", region);
        attr_int(&m, "net_width", pick(32, 64));
        attr_int(&m, "net_height", pick(32, 64));
        attr_float(&m, "scale_x_y", chance() ? 1 : uniform(1.01, 2));
        attr_float(&m, "thresh", chance() ? 0 : 0.1);
        attr_float(&m, "nms_threshold", chance() ? 0 : uniform(0.2, 0.6));
        attr_int(&m, "new_coords", pick(0, 3) == 0);
        attr_int(&m, "softmax", chance());
        attr_int(&m, "classfix", chance() ? -1 : 0);
        attr_int(&m, "gaussian", gaussian);
        attr_int(&m, "point", pick(0, 2));
        feed(&m, "x", 4, dims, -2, 2);
        if (image)
            feed(&m, "image", 4, (int64_t[]){images, 1, pick(20, 60), pick(20, 60)}, 0, 1);
        onnx_node(&m.build, "tinydnn.Yolo", image ? "x, image" : "x", "rows", m.attrs);
        onnx_output(&m.build, "rows");
        used += same_lowered(&m, 0);
    }
    assert_true(used > 1000);
}

/* ---- PriorBox ---- */

static void prior_box(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        model m = begin(n);
        const size_t sizes = (size_t)pick(1, 3), centres = (size_t)pick(0, 2);
        if (pick(0, 4) == 0) {
            attr_floats(&m, "width", sizes, 4, 60);
            attr_floats(&m, "height", sizes, 4, 60);
        } else {
            attr_floats(&m, "min_size", sizes, 4, 30);
            if (chance()) attr_floats(&m, "max_size", sizes, 30, 60);
            attr_floats(&m, "aspect_ratio", (size_t)pick(1, 3), 1.5, 3);
        }
        if (chance()) attr_floats(&m, "variance", chance() ? 1 : 4, 0.1, 0.3);
        if (pick(0, 3) == 0) attr_floats(&m, "scales", 2, 0.5, 1.5);
        if (centres) attr_floats(&m, "offset_h", centres, 0, 1);
        if (centres) attr_floats(&m, "offset_w", centres, 0, 1);
        attr_int(&m, "flip", chance());
        attr_int(&m, "clip", chance());
        attr_int(&m, "normalized", chance());
        if (chance()) attr_int(&m, "image_height", pick(40, 99));
        if (chance()) attr_int(&m, "image_width", pick(40, 99));
        if (chance()) attr_float(&m, "step_h", uniform(4, 16));
        if (chance()) attr_float(&m, "step_w", uniform(4, 16));
        attr_float(&m, "offset", uniform(0, 1));
        feed(&m, "map", 4, (int64_t[]){1, 2, pick(1, 7), pick(1, 7)}, 0, 1);
        feed(&m, "image", 4, (int64_t[]){1, 3, pick(30, 90), pick(30, 90)}, 0, 1);
        onnx_node(&m.build, "tinydnn.PriorBox", "map, image", "boxes", m.attrs);
        onnx_output(&m.build, "boxes");
        same_lowered(&m, 0);
    }
}

/* ---- SSD ---- */

/* Boxes, some of them empty or inside out, and variances. */
static void fill_priors(float *f, int64_t boxes, double scale)
{
    for (int64_t b = 0; b < boxes; b++, f += 4) {
        const double x = uniform(0, 0.6), y = uniform(0, 0.6);
        f[0] = (float)(scale * x), f[1] = (float)(scale * y);
        f[2] = (float)(scale * (x + uniform(0, 0.4))),
        f[3] = (float)(scale * (y + uniform(0, 0.4)));
    }
}

static void detections(void **state)
{
    static const char *const codes[] = {"CORNER", "CENTER_SIZE", "CORNER_SIZE"};
    const bool output = *state != NULL;
    size_t used = 0;
    for (uint64_t n = 0; n < 3 * CONFIGURATIONS; n++) {
        model m = begin(n);
        const int64_t images = pick(1, 3), boxes = pick(1, 40), classes = pick(2, 5);
        const bool shared = chance(), encoded = chance(), normalized = pick(0, 2) != 0;
        const bool bare = encoded && chance();
        attr_int(&m, "num_classes", classes);
        attr_int(&m, "share_location", shared);
        attr_int(&m, "background_label_id", pick(-1, classes - 1));
        attr_text(&m, "code_type", codes[pick(0, 2)]);
        attr_int(&m, "keep_top_k", output ? pick(1, 30) : pick(-1, 30));
        attr_int(&m, "top_k", chance() ? -1 : pick(1, 25));
        attr_float(&m, "nms_threshold", chance() ? uniform(0.1, 0.5) : uniform(0, 1.2));
        attr_float(&m, "confidence_threshold", uniform(-0.1, 0.6));
        attr_int(&m, "variance_encoded_in_target", encoded);
        attr_int(&m, "clip", chance());
        attr_int(&m, "normalized_bbox", normalized);
        attr_int(&m, "loc_pred_transposed", chance());
        feed(&m, "loc", 2, (int64_t[]){images, 4 * boxes * (shared ? 1 : classes)}, -0.5, 0.5);
        float *scores = feed(&m, "conf", 2, (int64_t[]){images, boxes * classes}, 0, 1);
        if (chance()) /* ties */
            for (int64_t i = 0; i < images * boxes * classes; i++)
                scores[i] = (float)floor((double)scores[i] * 8) / 8;
        float *f = feed(&m, "prior", 3, (int64_t[]){1, bare ? 1 : 2, 4 * boxes}, 0.1, 0.3);
        fill_priors(f, boxes, normalized ? 1 : 100);
        onnx_node(&m.build, output ? "tinydnn.DetectionOutput" : "tinydnn.DetectionRows",
                  "loc, conf, prior", "rows, count", m.attrs);
        onnx_output(&m.build, "rows");
        onnx_output(&m.build, "count");
        used += same_lowered(&m, 0);
    }
    assert_true(used > 10000);
}

/* ---- regions ---- */

static void proposal(void **state)
{
    (void)state;
    size_t used = 0;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        model m = begin(n);
        const int64_t ratios = pick(1, 3), scales = pick(1, 3), anchors = ratios * scales;
        const int64_t height = pick(1, 6), width = pick(1, 6), numbers = pick(2, 3);
        attr_int(&m, "feat_stride", pick(4, 16));
        attr_int(&m, "base_size", pick(8, 20));
        attr_int(&m, "min_size", pick(0, 20));
        attr_int(&m, "pre_nms_topn", pick(5, 200));
        attr_int(&m, "post_nms_topn", pick(1, 60));
        attr_float(&m, "nms_thresh", uniform(0.2, 0.9));
        attr_floats(&m, "ratio", (size_t)ratios, 0.4, 2.5);
        attr_floats(&m, "scale", (size_t)scales, 0.5, 4);
        feed(&m, "scores", 4, (int64_t[]){1, 2 * anchors, height, width}, 0, 1);
        feed(&m, "deltas", 4, (int64_t[]){1, 4 * anchors, height, width}, -0.5, 0.5);
        float *image = feed(&m, "image", 2, (int64_t[]){1, numbers}, 40, 100);
        if (numbers > 2) image[2] = (float)uniform(0.5, 2);
        onnx_node(&m.build, "tinydnn.Proposal", "scores, deltas, image", "rois, best", m.attrs);
        onnx_output(&m.build, "rois");
        if (chance()) onnx_output(&m.build, "best");
        used += same_lowered(&m, 0);
    }
    assert_true(used > 1000);
}

static void ps_roi_pool(void **state)
{
    (void)state;
    size_t used = 0;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        model m = begin(n);
        const int64_t images = pick(1, 3), group = pick(1, 4), outputs = pick(1, 3);
        const int64_t regions = pick(1, 9), height = pick(3, 12), width = pick(3, 12);
        const double scale = uniform(0.1, 1);
        attr_int(&m, "group_size", group);
        attr_int(&m, "output_dim", outputs);
        attr_float(&m, "spatial_scale", scale);
        feed(&m, "maps", 4, (int64_t[]){images, outputs * group * group, height, width}, -1, 1);
        float *roi = feed(&m, "rois", 2, (int64_t[]){regions, 5}, 0, 1);
        for (int64_t r = 0; r < regions; r++, roi += 5) {
            roi[0] = (float)pick(-1, images);
            for (int i = 1; i < 5; i++) { /* some at halves, some outside, some inside out */
                const double at =
                    i < 3 ? uniform(-2, 8) : (double)roi[i - 2] * scale + uniform(-1, 8);
                roi[i] = (float)(floor(at / scale) + (chance() ? 0.5 : 0.3));
            }
        }
        onnx_node(&m.build, "tinydnn.PSRoiPool", "maps, rois", "y", m.attrs);
        onnx_output(&m.build, "y");
        used += same_lowered(&m, 1e-5);
    }
    assert_true(used > 500);
}

/* ---- flow ---- */

static void correlation(void **state)
{
    (void)state;
    size_t used = 0;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        model m = begin(n);
        const int64_t kernel = 2 * pick(0, 1) + 1, most = pick(0, 4);
        const int64_t room = 2 * (most + kernel / 2);
        const int64_t dims[] = {pick(1, 2), pick(1, 5), room + pick(1, 6), room + pick(1, 6)};
        attr_int(&m, "kernel_size", kernel);
        attr_int(&m, "max_displacement", most);
        attr_int(&m, "pad", pick(0, 4));
        attr_int(&m, "stride_1", pick(1, 3));
        attr_int(&m, "stride_2", pick(1, 3));
        feed(&m, "a", 4, dims, -1, 1);
        feed(&m, "b", 4, dims, -1, 1);
        onnx_node(&m.build, "tinydnn.Correlation", "a, b", "y", m.attrs);
        onnx_output(&m.build, "y");
        used += same_lowered(&m, 1e-5);
    }
    assert_true(used > 1000);
}

static void flow_warp(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        model m = begin(n);
        const int64_t dims[] = {pick(1, 2), pick(1, 4), pick(1, 7), pick(1, 7)};
        attr_float(&m, "fill", chance() ? 0 : uniform(-2, 2));
        feed(&m, "x", 4, dims, -1, 1);
        float *flow = feed(&m, "flow", 4, (int64_t[]){dims[0], 2, dims[2], dims[3]}, -4, 4);
        if (chance()) flow[0] = (float)pick(-2, 2); /* whole pixels too */
        onnx_node(&m.build, "tinydnn.FlowWarp", "x, flow", "y", m.attrs);
        onnx_output(&m.build, "y");
        same_lowered(&m, 0);
    }
}

/* ---- what the passes fuse ---- */

static void activations(void **state)
{
    static const char *const kinds[] = {"Relu",  "LeakyRelu",   "Elu",       "Sigmoid",
                                        "Tanh",  "HardSigmoid", "HardSwish", "Mish",
                                        "Swish", "Gelu",        "Clip"};
    static const char *const attrs[] = {
        "", "alpha=0.2", "alpha=0.7", "", "", "alpha=0.3; beta=0.4",
        "", "",          "alpha=1.0", "", ""};
    static const char *const ops[] = {"Conv", "ConvTranspose", "Gemm"};
    (void)state;
    for (uint64_t n = 0; n < 3 * 11 * 2; n++) {
        const size_t kind = (n / 3) % 11;
        const bool gemm = n % 3 == 2, alone = n >= 33;
        model m = begin(n);
        m.build.opset = 24;
        const int64_t in = pick(1, 5), out = pick(1, 5), size = pick(1, 3);
        const int64_t weight[] = {n % 3 == 0 ? out : in, n % 3 == 0 ? in : out, size, size};
        float w[512], bound[2] = {(float)uniform(-0.5, 0), (float)uniform(0, 0.5)};
        for (size_t i = 0; i < 512; i++) w[i] = (float)uniform(-1, 1);
        feed(&m, "x", gemm ? 2 : 4, (int64_t[]){2, in, 6, 6}, -1, 1);
        onnx_floats(&m.build, "w", gemm ? 2 : 4, weight, w);
        onnx_floats(&m.build, "low", 0, NULL, &bound[0]);
        onnx_floats(&m.build, "high", 0, NULL, &bound[1]);
        onnx_node(&m.build, ops[n % 3], "x, w", "y", "");
        onnx_node(&m.build, kinds[kind], kind == 10 ? "y, low, high" : "y", "z", attrs[kind]);
        onnx_output(&m.build, "z");
        if (alone) onnx_output(&m.build, "y"); /* then nothing is fused */
        snprintf(m.attrs, sizeof m.attrs, "%s, %s", ops[n % 3], kinds[kind]);
        assert_true(same_lowered(&m, 1e-6) > 0);
    }
}

static void shuffle(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        model m = begin(n);
        const int64_t group = pick(1, 4);
        attr_int(&m, "group", group);
        feed(&m, "x", 4, (int64_t[]){pick(1, 2), group * pick(1, 4), pick(1, 4), pick(1, 4)},
             -1, 1);
        onnx_node(&m.build, "tinydnn.ChannelShuffle", "x", "y", m.attrs);
        onnx_output(&m.build, "y");
        assert_true(same_lowered(&m, 0) > 0);
    }
}

/* ---- what opset 17 or other engines lack ---- */

static void resize(void **state)
{
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    static const char *const places[] = {"half_pixel", "align_corners", "asymmetric",
                                         "pytorch_half_pixel"};
    (void)state;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        model m = begin(n);
        m.build.opset = 18;
        const bool nhwc = chance(), sized = chance();
        const int64_t axis = nhwc ? 1 : 2, sizes[] = {pick(1, 9), pick(1, 9)}, two = 2;
        const float scales[] = {(float)uniform(0.7, 3), (float)uniform(0.7, 3)};
        attr_text(&m, "mode", modes[pick(0, 2)]);
        attr_text(&m, "coordinate_transformation_mode", places[pick(0, 3)]);
        attr_int(&m, "exclude_outside", chance());
        snprintf(m.attrs + strlen(m.attrs), 64, "; axes=[%d, %d]", (int)axis, (int)axis + 1);
        feed(&m, "x", 4, (int64_t[]){pick(1, 2), pick(2, 5), pick(2, 5), pick(2, 5)}, -1, 1);
        onnx_ints(&m.build, "sizes", 2, sizes);
        onnx_floats(&m.build, "scales", 1, &two, scales);
        onnx_node(&m.build, "Resize", sized ? "x, , , sizes" : "x, , scales", "y", m.attrs);
        onnx_output(&m.build, "y");
        assert_true(same_lowered(&m, 1e-6) > 0);
    }
}

static void shape(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        model m = begin(n);
        m.build.opset = 15;
        m.opset = 13;
        const int64_t dims[] = {pick(1, 3), pick(1, 3), pick(1, 3), pick(1, 3)};
        attr_int(&m, "start", pick(-6, 5));
        if (chance()) attr_int(&m, "end", pick(-6, 6));
        feed(&m, "x", (int)pick(1, 4), dims, -1, 1);
        onnx_node(&m.build, "Shape", "x", "y", m.attrs);
        onnx_output(&m.build, "y");
        same_lowered(&m, 0);
    }
}

static void batch_norm(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        model m = begin(n);
        const int ndim = (int)pick(3, 5);
        const int64_t channels = pick(1, 5);
        const int64_t dims[] = {pick(1, 3), channels, pick(2, 9), pick(2, 9), pick(1, 3)};
        attr_int(&m, "training_mode", 1);
        attr_float(&m, "momentum", uniform(0.1, 0.9));
        attr_float(&m, "epsilon", uniform(0.01, 0.1));
        feed(&m, "x", ndim, dims, -3, 5);
        static const char *const names[] = {"scale", "bias", "mean", "variance"};
        float values[4][8];
        for (int i = 0; i < 4; i++) {
            for (int k = 0; k < 8; k++) values[i][k] = (float)uniform(0.5, 2);
            onnx_floats(&m.build, names[i], 1, &channels, values[i]);
        }
        onnx_node(&m.build, "BatchNormalization", "x, scale, bias, mean, variance",
                  "y, mean2, variance2", m.attrs);
        onnx_output(&m.build, "y");
        const bool mean = chance(), variance = chance();
        if (mean) onnx_output(&m.build, "mean2");
        if (variance) onnx_output(&m.build, "variance2");
        assert_true(same_lowered(&m, mean || variance ? 1e-5 : 0) > 0);
    }
}

/* ---- what has no such form ---- */

static void refused(void **state)
{
    static const char *const attrs[] = {
        "num_classes=2; keep_top_k=5; nms_threshold=0.8; eta=0.5",
        "num_classes=2; keep_top_k=5; nms_threshold=-0.5",
        "num_classes=1; keep_top_k=5; background_label_id=0",
    };
    (void)state;
    for (size_t i = 0; i < sizeof attrs / sizeof *attrs; i++) {
        model m = begin(i);
        const int64_t any[] = {-1, -1, -1};
        onnx_input(&m.build, "loc", TDNN_F32, 2, any);
        onnx_input(&m.build, "conf", TDNN_F32, 2, any);
        onnx_input(&m.build, "prior", TDNN_F32, 3, any);
        onnx_node(&m.build, "tinydnn.DetectionOutput", "loc, conf, prior", "rows", attrs[i]);
        onnx_output(&m.build, "rows");
        const tdnn_bytes bytes = onnx_end(&m.build);
        tdnn_net *net = load(bytes);
        assert_status(tdnn_lower(net->graph, OPSET, &err), TDNN_ERR_UNSUPPORTED);
        assert_non_null(strstr(err.where, "rows (DetectionOutput)"));
        tdnn_net_release(net);
        tdnn_free((void *)bytes.data);
    }
}

int main(void)
{
    static int yes = 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations),
        cmocka_unit_test(shuffle),
        cmocka_unit_test(resize),
        cmocka_unit_test(shape),
        cmocka_unit_test(batch_norm),
        cmocka_unit_test(proposal),
        cmocka_unit_test(ps_roi_pool),
        cmocka_unit_test(correlation),
        cmocka_unit_test(flow_warp),
        cmocka_unit_test(refused),
        cmocka_unit_test(yolo),
        cmocka_unit_test(prior_box),
        {"detection_rows", detections, NULL, NULL, NULL},
        {"detection_output", detections, NULL, NULL, &yes},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
