/* The usual ways to feed families of networks. All of them expect BGR images, as
 * tdnn_image_read gives them; a size is the family's most common one, and is changed after
 * asking for the preset. */
#include "lib/base/error.h"

#include <string.h>

typedef struct preset {
    const char *name;
    int width, height;
    bool rgb;
    float mean[3], scale, std[3];
    tdnn_fit fit;
    float border;
} preset;

/* clang-format off */
#define NONE          {0, 0, 0}
#define ONES          {1, 1, 1}
#define MIDDLE        {127.5f, 127.5f, 127.5f}
#define IMAGENET_MEAN {123.675f, 116.28f, 103.53f}
#define IMAGENET_STD  {58.395f, 57.12f, 57.375f}
#define NANODET_MEAN  {103.53f, 116.28f, 123.675f}
#define NANODET_STD   {57.375f, 57.12f, 58.395f}
#define STRETCH TDNN_FIT_STRETCH
#define CROP TDNN_FIT_CROP
#define LETTERBOX TDNN_FIT_LETTERBOX
#define RGB true
#define BGR false

static const preset presets[] = {
    /* classifiers: torchvision and most of ONNX; TensorFlow slim and Keras; Caffe */
    {"imagenet",   224, 224, RGB, IMAGENET_MEAN,   1,          IMAGENET_STD, CROP,      0},
    {"inception",  299, 299, RGB, MIDDLE,          1 / 127.5f, ONES,         CROP,      0},
    {"mobilenet",  224, 224, RGB, MIDDLE,          1 / 127.5f, ONES,         CROP,      0},
    {"tf",         224, 224, RGB, MIDDLE,          1 / 127.5f, ONES,         CROP,      0},
    {"caffe",      224, 224, BGR, {104, 117, 123}, 1,          ONES,         CROP,      0},
    /* SSD: on MobileNet, on VGG, OpenCV's face detector, TensorFlow's detection zoo */
    {"ssd",        300, 300, BGR, MIDDLE,          1 / 127.5f, ONES,         STRETCH,   0},
    {"ssd-vgg",    300, 300, BGR, {104, 117, 123}, 1,          ONES,         STRETCH,   0},
    {"ssd-face",   300, 300, BGR, {104, 177, 123}, 1,          ONES,         STRETCH,   0},
    {"ssd-tf",     300, 300, RGB, NONE,            1,          ONES,         STRETCH,   0},
    /* Darknet stretches; Ultralytics and YOLOX letterbox on grey */
    {"yolo",       416, 416, RGB, NONE,            1 / 255.f,  ONES,         STRETCH,   0},
    {"yolov5",     640, 640, RGB, NONE,            1 / 255.f,  ONES,         LETTERBOX, 114},
    {"yolov8",     640, 640, RGB, NONE,            1 / 255.f,  ONES,         LETTERBOX, 114},
    {"yolov10",    640, 640, RGB, NONE,            1 / 255.f,  ONES,         LETTERBOX, 114},
    {"yolox",      640, 640, BGR, NONE,            1,          ONES,         LETTERBOX, 114},
    {"nanodet",    416, 416, BGR, NANODET_MEAN,    1,          NANODET_STD,  STRETCH,   0},
    {"picodet",    320, 320, RGB, IMAGENET_MEAN,   1,          IMAGENET_STD, STRETCH,   0},
    {"fastestdet", 352, 352, BGR, NONE,            1 / 255.f,  ONES,         STRETCH,   0},
    /* faces */
    {"ultraface",  320, 240, RGB, {127, 127, 127}, 1 / 128.f,  ONES,         STRETCH,   0},
    {"scrfd",      640, 640, RGB, MIDDLE,          1 / 128.f,  ONES,         LETTERBOX, 0},
    {"yunet",      320, 320, BGR, NONE,            1,          ONES,         STRETCH,   0},
    {"arcface",    112, 112, RGB, MIDDLE,          1 / 128.f,  ONES,         STRETCH,   0},
    /* lines of text */
    {"ppocr",      320, 48,  BGR, MIDDLE,          1 / 127.5f, ONES,         STRETCH,   0},
};
/* clang-format on */

enum { PRESET_COUNT = sizeof presets / sizeof *presets };

const char *tdnn_blob_preset_name(size_t index)
{
    return index < PRESET_COUNT ? presets[index].name : NULL;
}

tdnn_status tdnn_blob_preset(const char *name, tdnn_blob_params *out, tdnn_error *err)
{
    if (!out) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "`out` is NULL");
    tdnn_blob_params_init(out);
    for (size_t i = 0; name && i < PRESET_COUNT; i++) {
        const preset *p = &presets[i];
        if (strcmp(name, p->name) != 0) continue;
        out->width = p->width;
        out->height = p->height;
        out->swap_rb = p->rgb;
        memcpy(out->mean, p->mean, sizeof p->mean);
        memcpy(out->std, p->std, sizeof p->std);
        for (int c = 0; c < 4; c++) out->scale[c] = p->scale;
        out->fit = p->fit;
        out->border = p->border;
        return TDNN_OK;
    }
    return TDNN_FAIL(err, TDNN_ERR_NOT_FOUND, "there is no preset \"%s\"",
                     name ? name : "(NULL)");
}
