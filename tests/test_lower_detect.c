/* Lowering of what detectors end with: anchors, boxes, regions. */
#include "tests/lower_model.h"

#include "lib/passes/pass.h"
#include "lib/runtime/write.h"

#include <math.h>

static tdnn_error err;

/* ---- Yolo ---- */

static void yolo(void **state)
{
    (void)state;
    size_t used = 0;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        lower_model m = lower_begin(n);
        const int64_t anchors = random_pick(1, 4), classes = random_pick(1, 5),
                      gaussian = random_pick(0, 5) == 0;
        const int64_t images = random_pick(1, 3), columns = 5 + classes + 4 * gaussian;
        const int64_t dims[] = {images, anchors * columns, random_pick(1, 6),
                                random_pick(1, 6)};
        const bool region = random_chance(), image = random_chance();
        attr_int(&m, "classes", classes);
        attr_floats(&m, "anchors", 2 * (size_t)anchors, 1, 30);
        attr_int(&m, "region", region);
        attr_int(&m, "net_width", random_pick(32, 64));
        attr_int(&m, "net_height", random_pick(32, 64));
        attr_float(&m, "scale_x_y", random_chance() ? 1 : random_uniform(1.01, 2));
        attr_float(&m, "thresh", random_chance() ? 0 : 0.1);
        attr_float(&m, "nms_threshold", random_chance() ? 0 : random_uniform(0.2, 0.6));
        attr_int(&m, "new_coords", random_pick(0, 3) == 0);
        attr_int(&m, "softmax", random_chance());
        attr_int(&m, "classfix", random_chance() ? -1 : 0);
        attr_int(&m, "gaussian", gaussian);
        attr_int(&m, "point", random_pick(0, 2));
        lower_feed(&m, "x", 4, dims, -2, 2);
        if (image)
            lower_feed(&m, "image", 4,
                       (int64_t[]){images, 1, random_pick(20, 60), random_pick(20, 60)}, 0, 1);
        onnx_node(&m.build, "tinydnn.Yolo", image ? "x, image" : "x", "rows", m.attrs);
        onnx_output(&m.build, "rows");
        used += lower_same(&m, 0);
    }
    assert_true(used > 1000);
}

/* ---- PriorBox ---- */

static void prior_box(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        lower_model m = lower_begin(n);
        const size_t sizes = (size_t)random_pick(1, 3), centres = (size_t)random_pick(0, 2);
        if (random_pick(0, 4) == 0) {
            attr_floats(&m, "width", sizes, 4, 60);
            attr_floats(&m, "height", sizes, 4, 60);
        } else {
            attr_floats(&m, "min_size", sizes, 4, 30);
            if (random_chance()) attr_floats(&m, "max_size", sizes, 30, 60);
            attr_floats(&m, "aspect_ratio", (size_t)random_pick(1, 3), 1.5, 3);
        }
        if (random_chance()) attr_floats(&m, "variance", random_chance() ? 1 : 4, 0.1, 0.3);
        if (random_pick(0, 3) == 0) attr_floats(&m, "scales", 2, 0.5, 1.5);
        if (centres) attr_floats(&m, "offset_h", centres, 0, 1);
        if (centres) attr_floats(&m, "offset_w", centres, 0, 1);
        attr_int(&m, "flip", random_chance());
        attr_int(&m, "clip", random_chance());
        attr_int(&m, "normalized", random_chance());
        if (random_chance()) attr_int(&m, "image_height", random_pick(40, 99));
        if (random_chance()) attr_int(&m, "image_width", random_pick(40, 99));
        if (random_chance()) attr_float(&m, "step_h", random_uniform(4, 16));
        if (random_chance()) attr_float(&m, "step_w", random_uniform(4, 16));
        attr_float(&m, "offset", random_uniform(0, 1));
        lower_feed(&m, "map", 4, (int64_t[]){1, 2, random_pick(1, 7), random_pick(1, 7)}, 0, 1);
        lower_feed(&m, "image", 4, (int64_t[]){1, 3, random_pick(30, 90), random_pick(30, 90)},
                   0, 1);
        onnx_node(&m.build, "tinydnn.PriorBox", "map, image", "boxes", m.attrs);
        onnx_output(&m.build, "boxes");
        lower_same(&m, 0);
    }
}

/* ---- SSD ---- */

/* Boxes, some of them empty or inside out, and variances. */
static void fill_priors(float *f, int64_t boxes, double scale)
{
    for (int64_t b = 0; b < boxes; b++, f += 4) {
        const double x = random_uniform(0, 0.6), y = random_uniform(0, 0.6);
        f[0] = (float)(scale * x), f[1] = (float)(scale * y);
        f[2] = (float)(scale * (x + random_uniform(0, 0.4))),
        f[3] = (float)(scale * (y + random_uniform(0, 0.4)));
    }
}

static void detections(void **state)
{
    static const char *const codes[] = {"CORNER", "CENTER_SIZE", "CORNER_SIZE"};
    const bool output = *state != NULL;
    size_t used = 0;
    for (uint64_t n = 0; n < 3 * CONFIGURATIONS; n++) {
        lower_model m = lower_begin(n);
        const int64_t images = random_pick(1, 3), boxes = random_pick(1, 40),
                      classes = random_pick(2, 5);
        const bool shared = random_chance(), encoded = random_chance(),
                   normalized = random_pick(0, 2) != 0;
        const bool bare = encoded && random_chance();
        attr_int(&m, "num_classes", classes);
        attr_int(&m, "share_location", shared);
        attr_int(&m, "background_label_id", random_pick(-1, classes - 1));
        attr_text(&m, "code_type", codes[random_pick(0, 2)]);
        attr_int(&m, "keep_top_k", output ? random_pick(1, 30) : random_pick(-1, 30));
        attr_int(&m, "top_k", random_chance() ? -1 : random_pick(1, 25));
        attr_float(&m, "nms_threshold",
                   random_chance() ? random_uniform(0.1, 0.5) : random_uniform(0, 1.2));
        attr_float(&m, "confidence_threshold", random_uniform(-0.1, 0.6));
        attr_int(&m, "variance_encoded_in_target", encoded);
        attr_int(&m, "clip", random_chance());
        attr_int(&m, "normalized_bbox", normalized);
        attr_int(&m, "loc_pred_transposed", random_chance());
        lower_feed(&m, "loc", 2, (int64_t[]){images, 4 * boxes * (shared ? 1 : classes)}, -0.5,
                   0.5);
        float *scores = lower_feed(&m, "conf", 2, (int64_t[]){images, boxes * classes}, 0, 1);
        if (random_chance()) /* ties */
            for (int64_t i = 0; i < images * boxes * classes; i++)
                scores[i] = (float)floor((double)scores[i] * 8) / 8;
        float *f =
            lower_feed(&m, "prior", 3, (int64_t[]){1, bare ? 1 : 2, 4 * boxes}, 0.1, 0.3);
        fill_priors(f, boxes, normalized ? 1 : 100);
        onnx_node(&m.build, output ? "tinydnn.DetectionOutput" : "tinydnn.DetectionRows",
                  "loc, conf, prior", "rows, count", m.attrs);
        onnx_output(&m.build, "rows");
        onnx_output(&m.build, "count");
        used += lower_same(&m, 0);
    }
    assert_true(used > 10000);
}

/* ---- regions ---- */

static void proposal(void **state)
{
    (void)state;
    size_t used = 0;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        lower_model m = lower_begin(n);
        const int64_t ratios = random_pick(1, 3), scales = random_pick(1, 3),
                      anchors = ratios * scales;
        const int64_t height = random_pick(1, 6), width = random_pick(1, 6),
                      numbers = random_pick(2, 3);
        attr_int(&m, "feat_stride", random_pick(4, 16));
        attr_int(&m, "base_size", random_pick(8, 20));
        attr_int(&m, "min_size", random_pick(0, 20));
        attr_int(&m, "pre_nms_topn", random_pick(5, 200));
        attr_int(&m, "post_nms_topn", random_pick(1, 60));
        attr_float(&m, "nms_thresh", random_uniform(0.2, 0.9));
        attr_floats(&m, "ratio", (size_t)ratios, 0.4, 2.5);
        attr_floats(&m, "scale", (size_t)scales, 0.5, 4);
        lower_feed(&m, "scores", 4, (int64_t[]){1, 2 * anchors, height, width}, 0, 1);
        lower_feed(&m, "deltas", 4, (int64_t[]){1, 4 * anchors, height, width}, -0.5, 0.5);
        float *image = lower_feed(&m, "image", 2, (int64_t[]){1, numbers}, 40, 100);
        if (numbers > 2) image[2] = (float)random_uniform(0.5, 2);
        onnx_node(&m.build, "tinydnn.Proposal", "scores, deltas, image", "rois, best", m.attrs);
        onnx_output(&m.build, "rois");
        if (random_chance()) onnx_output(&m.build, "best");
        used += lower_same(&m, 0);
    }
    assert_true(used > 1000);
}

static void ps_roi_pool(void **state)
{
    (void)state;
    size_t used = 0;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        lower_model m = lower_begin(n);
        const int64_t images = random_pick(1, 3), group = random_pick(1, 4),
                      outputs = random_pick(1, 3);
        const int64_t regions = random_pick(1, 9), height = random_pick(3, 12),
                      width = random_pick(3, 12);
        const double scale = random_uniform(0.1, 1);
        attr_int(&m, "group_size", group);
        attr_int(&m, "output_dim", outputs);
        attr_float(&m, "spatial_scale", scale);
        lower_feed(&m, "maps", 4, (int64_t[]){images, outputs * group * group, height, width},
                   -1, 1);
        float *roi = lower_feed(&m, "rois", 2, (int64_t[]){regions, 5}, 0, 1);
        for (int64_t r = 0; r < regions; r++, roi += 5) {
            roi[0] = (float)random_pick(-1, images);
            for (int i = 1; i < 5; i++) { /* some at halves, some outside, some inside out */
                const double at = i < 3 ? random_uniform(-2, 8)
                                        : (double)roi[i - 2] * scale + random_uniform(-1, 8);
                roi[i] = (float)(floor(at / scale) + (random_chance() ? 0.5 : 0.3));
            }
        }
        onnx_node(&m.build, "tinydnn.PSRoiPool", "maps, rois", "y", m.attrs);
        onnx_output(&m.build, "y");
        used += lower_same(&m, 1e-5);
    }
    assert_true(used > 500);
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
        lower_model m = lower_begin(i);
        const int64_t any[] = {-1, -1, -1};
        onnx_input(&m.build, "loc", TDNN_F32, 2, any);
        onnx_input(&m.build, "conf", TDNN_F32, 2, any);
        onnx_input(&m.build, "prior", TDNN_F32, 3, any);
        onnx_node(&m.build, "tinydnn.DetectionOutput", "loc, conf, prior", "rows", attrs[i]);
        onnx_output(&m.build, "rows");
        const tdnn_bytes bytes = onnx_end(&m.build);
        tdnn_net *net = lower_load(bytes);
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
        cmocka_unit_test(proposal),
        cmocka_unit_test(ps_roi_pool),
        cmocka_unit_test(refused),
        cmocka_unit_test(yolo),
        cmocka_unit_test(prior_box),
        {"detection_rows", detections, NULL, NULL, NULL},
        {"detection_output", detections, NULL, NULL, &yes},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
