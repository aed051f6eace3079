/* Models that lie in examples/models in several formats: each file loads in either order as
 * what it is, and all give the same, which is what other engines gave. */
#include "tests/test.h"

#include "tinydnn.h"

#include <math.h>

#define MODELS "examples/models/"
#define CNN MODELS "digits-cnn/digits-cnn"
#define YOLO MODELS "digits-yolo/digits-yolo"
#define SSD MODELS "digits-ssd/digits-ssd"

enum { DIGITS = 10, CLASSES = 10, CNN_FORMS = 5, SCENES = 3 };

typedef struct form {
    const char *model, *config;
    tdnn_format format;
    const char *preset; /* how scenes are fed */
} form;

static const form cnn[CNN_FORMS] = {
    {CNN ".onnx", NULL, TDNN_FORMAT_ONNX, NULL},
    {CNN ".prototxt", CNN ".caffemodel", TDNN_FORMAT_CAFFE, NULL},
    {CNN ".pb", NULL, TDNN_FORMAT_TENSORFLOW, NULL},
    {CNN ".pb", CNN ".pbtxt", TDNN_FORMAT_TENSORFLOW, NULL},
    {CNN ".cfg", CNN ".weights", TDNN_FORMAT_DARKNET, NULL},
};
static const form yolo[2] = {
    {YOLO ".cfg", YOLO ".weights", TDNN_FORMAT_DARKNET, "yolo"},
    {YOLO ".onnx", NULL, TDNN_FORMAT_ONNX, "yolo"},
};
static const form ssd[2] = {
    {SSD ".prototxt", SSD ".caffemodel", TDNN_FORMAT_CAFFE, "ssd"},
    {SSD ".pb", SSD ".pbtxt", TDNN_FORMAT_TENSORFLOW, "ssd-tf"},
};

static const float recorded[DIGITS][CLASSES] = {
    {3.31714f, -1.85061f, -2.17673f, -2.00627f, -1.90955f, -1.92249f, -1.46739f, -1.81625f,
     -2.30955f, -1.59548f},
    {-1.62175f, 3.78896f, -1.68333f, -1.56133f, -1.60535f, -1.32088f, -1.36836f, -1.58982f,
     -1.84003f, -1.59617f},
    {-2.82453f, -2.37178f, 3.60372f, -2.23529f, -2.40581f, -2.10294f, -2.35831f, -2.48234f,
     -1.83855f, -2.37358f},
    {-3.19432f, -2.95218f, -3.68461f, 1.20844f, -3.22020f, -2.29399f, -2.54412f, -1.53767f,
     -1.11150f, -2.25608f},
    {-1.99867f, -2.18050f, -1.74287f, -1.74679f, 3.38065f, -2.08636f, -2.04079f, -2.13945f,
     -1.70180f, -1.40400f},
    {-3.15676f, -2.76054f, -2.70779f, -3.90363f, -2.96393f, 2.84621f, -0.70383f, -3.27413f,
     -0.92990f, -2.89602f},
    {-1.94190f, -1.45389f, -1.80414f, -1.79548f, -1.82626f, -2.26383f, 3.55846f, -1.75582f,
     -1.42201f, -2.15230f},
    {-1.81153f, -1.87013f, -1.70441f, -1.75877f, -2.18828f, -1.64325f, -1.61127f, 3.25645f,
     -1.63054f, -2.30192f},
    {-2.12150f, -1.97651f, -3.17343f, -1.44676f, -1.77352f, -2.38892f, -2.12298f, -2.02682f,
     3.06031f, -2.08207f},
    {-2.80073f, -1.77305f, -1.23189f, -2.07024f, -2.84449f, -2.32393f, -2.63339f, -2.84411f,
     -2.51030f, 3.20068f},
};

static tdnn_error err;

static tdnn_image *picture(tdnn_pixels pixels, const char *format, int number)
{
    char path[96];
    tdnn_image *image = NULL;
    snprintf(path, sizeof path, format, number);
    assert_ok(tdnn_image_read(path, pixels, &image, &err), err);
    return image;
}

/* digit-0.png ... digit-9.png as one batch. */
static tdnn_tensor *sample_digits(void)
{
    tdnn_image *images[DIGITS], batch[DIGITS];
    tdnn_blob_params how;
    tdnn_tensor *blob = NULL;
    tdnn_blob_params_init(&how);
    how.scale[0] = 1 / 255.f;
    for (int i = 0; i < DIGITS; i++) {
        images[i] = picture(TDNN_GRAY8, MODELS "digits-cnn/digit-%d.png", i);
        batch[i] = *images[i];
    }
    assert_ok(tdnn_blob_from_images(batch, DIGITS, &how, &blob, NULL, &err), err);
    for (int i = 0; i < DIGITS; i++) tdnn_image_free(images[i]);
    return blob;
}

static tdnn_tensor *scene(int number, const char *preset, tdnn_placement *placement)
{
    tdnn_image *image = picture(TDNN_BGR8, MODELS "digits-yolo/samples/scene_%04d.png", number);
    tdnn_blob_params how;
    tdnn_tensor *blob = NULL;
    assert_ok(tdnn_blob_preset(preset, &how, &err), err);
    how.width = 192;
    how.height = 128;
    assert_ok(tdnn_blob_from_images(image, 1, &how, &blob, placement, &err), err);
    tdnn_image_free(image);
    return blob;
}

/* A session that has run. Frees the input; the net stays as long as the session. */
static tdnn_session *run(const char *model, const char *config, tdnn_format format,
                         tdnn_tensor *input)
{
    tdnn_net *net = NULL;
    tdnn_session *session = NULL;
    assert_ok(tdnn_net_load(model, config, NULL, &net, &err), err);
    assert_int_equal(tdnn_net_format(net), format);
    assert_ok(tdnn_session_create(net, NULL, &session, &err), err);
    assert_ok(tdnn_session_set_input(session, NULL, input, &err), err);
    assert_ok(tdnn_session_run(session, &err), err);
    tdnn_tensor_release(input);
    tdnn_net_release(net);
    return session;
}

static void logits_of(const char *model, const char *config, tdnn_format format,
                      float logits[DIGITS][CLASSES])
{
    tdnn_session *session = run(model, config, format, sample_digits());
    const tdnn_tensor *out = NULL;
    assert_ok(tdnn_session_output(session, NULL, &out, &err), err);
    assert_int_equal(tdnn_tensor_bytes(out), sizeof(float[DIGITS][CLASSES]));
    memcpy(logits, tdnn_tensor_const_data(out), sizeof(float[DIGITS][CLASSES]));
    tdnn_session_free(session);
}

static void assert_close(const char *name, const float *got, const float *wanted, size_t count,
                         float most)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(got[i] - wanted[i]) <= most))
            fail_msg("%s: number %zu is %.6f, expected %.6f", name, i, (double)got[i],
                     (double)wanted[i]);
}

static void logits_are_those_of_opencv(void **state)
{
    (void)state;
    for (int i = 0; i < CNN_FORMS; i++) {
        float logits[DIGITS][CLASSES];
        logits_of(cnn[i].model, cnn[i].config, cnn[i].format, logits);
        assert_close(cnn[i].model, logits[0], recorded[0], DIGITS * CLASSES, 2e-5f);
    }
}

static void logits_agree(void **state)
{
    (void)state;
    float first[DIGITS][CLASSES], logits[DIGITS][CLASSES];
    logits_of(cnn[0].model, cnn[0].config, cnn[0].format, first);
    for (int i = 1; i < CNN_FORMS; i++) {
        logits_of(cnn[i].model, cnn[i].config, cnn[i].format, logits);
        assert_close(cnn[i].model, logits[0], first[0], DIGITS * CLASSES, 1e-5f);
    }
}

static void files_come_in_either_order(void **state)
{
    (void)state;
    for (int i = 0; i < CNN_FORMS; i++) {
        float one[DIGITS][CLASSES], other[DIGITS][CLASSES];
        if (!cnn[i].config) continue;
        logits_of(cnn[i].model, cnn[i].config, cnn[i].format, one);
        logits_of(cnn[i].config, cnn[i].model, cnn[i].format, other);
        assert_memory_equal(one, other, sizeof one);
    }
}

static tdnn_detections detect(const form *f, tdnn_head head, int number)
{
    tdnn_placement placement;
    tdnn_tensor *input = scene(number, f->preset, &placement);
    tdnn_session *session = run(f->model, f->config, f->format, input);
    const char *yolo_names[] = {"yolo_13", "yolo_20"};
    const tdnn_tensor *outputs[2] = {NULL};
    size_t count = head == TDNN_HEAD_YOLO ? 2 : 1;
    tdnn_detections found = TDNN_DETECTIONS_INIT;
    tdnn_detect_params how;
    tdnn_detect_params_init(&how);
    how.head = head;
    for (size_t i = 0; i < count; i++)
        assert_ok(
            tdnn_session_output(session, count == 2 ? yolo_names[i] : NULL, &outputs[i], &err),
            err);
    assert_ok(tdnn_detect(outputs, count, &how, &placement, 1, &found, &err), err);
    tdnn_session_free(session);
    return found;
}

static void assert_same_boxes(const char *name, const tdnn_detections *got,
                              const tdnn_detection *wanted, size_t count, float score,
                              float pixels)
{
    assert_int_equal(got->count, count);
    for (size_t i = 0; i < count; i++) {
        const tdnn_detection *p = &got->list[i], *q = &wanted[i];
        const float one[] = {p->box.x, p->box.y, p->box.width, p->box.height};
        const float other[] = {q->box.x, q->box.y, q->box.width, q->box.height};
        assert_int_equal(p->class_id, q->class_id);
        assert_close(name, &p->score, &q->score, 1, score);
        assert_close(name, one, other, 4, pixels);
    }
}

/* Both forms find in the first scene what was recorded, and everywhere the same. */
static void detections_agree(const form forms[2], tdnn_head head, const tdnn_detection *scene_0,
                             size_t count)
{
    for (int number = 0; number < SCENES; number++) {
        tdnn_detections a = detect(&forms[0], head, number);
        tdnn_detections b = detect(&forms[1], head, number);
        assert_true(a.count > 2);
        if (number == 0) assert_same_boxes(forms[0].model, &a, scene_0, count, 1e-4f, 0.01f);
        assert_same_boxes(forms[1].model, &b, a.list, a.count, 1e-5f, 1e-3f);
        tdnn_detections_free(&a);
        tdnn_detections_free(&b);
    }
}

static void yolo_forms_agree(void **state)
{
    (void)state;
    /* from PyTorch: digits-yolo/samples/detections.jsonl */
    static const tdnn_detection scene_0[] = {
        {{38.12f, 172.63f, 35.09f, 40.05f}, 0.99988f, 4, 0, 0, {0}},
        {{99.47f, 117.48f, 50.72f, 56.63f}, 0.99955f, 4, 0, 0, {0}},
        {{161.71f, 4.1f, 39.2f, 51.51f}, 0.99876f, 3, 0, 0, {0}},
        {{273.76f, 35.9f, 34.13f, 132.35f}, 0.88342f, 1, 0, 0, {0}},
    };
    detections_agree(yolo, TDNN_HEAD_YOLO, scene_0, 4);
}

static void ssd_forms_agree(void **state)
{
    (void)state;
    /* from OpenCV 4.6, which read the Caffe files; class 0 is the background */
    static const tdnn_detection scene_0[] = {
        {{37.57f, 172.13f, 36.43f, 39.67f}, 0.9957f, 5, 0, 0, {0}},
        {{162.08f, 4.59f, 38.15f, 52.26f}, 0.9955f, 4, 0, 0, {0}},
        {{101.66f, 121.41f, 53.22f, 52.12f}, 0.9808f, 5, 0, 0, {0}},
        {{273.29f, 40.30f, 36.11f, 128.94f}, 0.6113f, 2, 0, 0, {0}},
    };
    detections_agree(ssd, TDNN_HEAD_SSD, scene_0, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_those_of_opencv),
        cmocka_unit_test(logits_agree),
        cmocka_unit_test(files_come_in_either_order),
        cmocka_unit_test(yolo_forms_agree),
        cmocka_unit_test(ssd_forms_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
