/* digits-cnn in its four formats: each file loads in either order as what it is, all give the
 * same logits, and those that OpenCV 4.6 gave for the ONNX file. */
#include "tests/test.h"

#include "tinydnn.h"

#include <math.h>

#define FOLDER "examples/models/digits-cnn/"
#define MODEL FOLDER "digits-cnn"

enum { DIGITS = 10, CLASSES = 10, FORMS = 5 };

static const struct form {
    const char *model, *config;
    tdnn_format format;
} forms[FORMS] = {
    {MODEL ".onnx", NULL, TDNN_FORMAT_ONNX},
    {MODEL ".prototxt", MODEL ".caffemodel", TDNN_FORMAT_CAFFE},
    {MODEL ".pb", NULL, TDNN_FORMAT_TENSORFLOW},
    {MODEL ".pb", MODEL ".pbtxt", TDNN_FORMAT_TENSORFLOW},
    {MODEL ".cfg", MODEL ".weights", TDNN_FORMAT_DARKNET},
};

/* cv2.dnn.readNet("digits-cnn.onnx") on digit-0.png ... digit-9.png, pixels / 255. */
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

/* digit-0.png ... digit-9.png as one batch. */
static tdnn_tensor *sample_digits(void)
{
    tdnn_image *images[DIGITS], batch[DIGITS];
    tdnn_blob_params how;
    tdnn_tensor *blob = NULL;
    tdnn_blob_params_init(&how);
    how.scale[0] = 1 / 255.f;
    for (int i = 0; i < DIGITS; i++) {
        char path[80];
        snprintf(path, sizeof path, FOLDER "digit-%d.png", i);
        assert_ok(tdnn_image_read(path, TDNN_GRAY8, &images[i], &err), err);
        batch[i] = *images[i];
    }
    assert_ok(tdnn_blob_from_images(batch, DIGITS, &how, &blob, NULL, &err), err);
    for (int i = 0; i < DIGITS; i++) tdnn_image_free(images[i]);
    return blob;
}

static void logits_of(const char *model, const char *config, tdnn_format format,
                      float logits[DIGITS][CLASSES])
{
    tdnn_net *net = NULL;
    tdnn_session *session = NULL;
    tdnn_tensor *blob = sample_digits();
    const tdnn_tensor *out = NULL;
    assert_ok(tdnn_net_load(model, config, NULL, &net, &err), err);
    assert_int_equal(tdnn_net_format(net), format);
    assert_ok(tdnn_session_create(net, NULL, &session, &err), err);
    assert_ok(tdnn_session_set_input(session, NULL, blob, &err), err);
    assert_ok(tdnn_session_run(session, &err), err);
    assert_ok(tdnn_session_output(session, NULL, &out, &err), err);
    assert_int_equal(tdnn_tensor_bytes(out), sizeof(float[DIGITS][CLASSES]));
    memcpy(logits, tdnn_tensor_const_data(out), sizeof(float[DIGITS][CLASSES]));
    tdnn_tensor_release(blob);
    tdnn_session_free(session);
    tdnn_net_release(net);
}

static void assert_close(const char *name, float got[DIGITS][CLASSES],
                         const float wanted[DIGITS][CLASSES], float most)
{
    for (int i = 0; i < DIGITS; i++)
        for (int j = 0; j < CLASSES; j++)
            if (!(fabsf(got[i][j] - wanted[i][j]) <= most))
                fail_msg("%s: digit %d, logit %d is %.6f, expected %.6f", name, i, j,
                         (double)got[i][j], (double)wanted[i][j]);
}

static void logits_are_those_of_opencv(void **state)
{
    (void)state;
    for (int i = 0; i < FORMS; i++) {
        float logits[DIGITS][CLASSES];
        logits_of(forms[i].model, forms[i].config, forms[i].format, logits);
        assert_close(forms[i].model, logits, recorded, 2e-5f);
    }
}

static void formats_agree(void **state)
{
    (void)state;
    float first[DIGITS][CLASSES], logits[DIGITS][CLASSES];
    logits_of(forms[0].model, forms[0].config, forms[0].format, first);
    for (int i = 1; i < FORMS; i++) {
        logits_of(forms[i].model, forms[i].config, forms[i].format, logits);
        assert_close(forms[i].model, logits, (const float(*)[CLASSES])first, 1e-5f);
    }
}

static void files_come_in_either_order(void **state)
{
    (void)state;
    for (int i = 0; i < FORMS; i++) {
        float one[DIGITS][CLASSES], other[DIGITS][CLASSES];
        if (!forms[i].config) continue;
        logits_of(forms[i].model, forms[i].config, forms[i].format, one);
        logits_of(forms[i].config, forms[i].model, forms[i].format, other);
        assert_memory_equal(one, other, sizeof one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_those_of_opencv),
        cmocka_unit_test(formats_agree),
        cmocka_unit_test(files_come_in_either_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
