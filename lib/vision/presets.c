/* The usual ways to feed families of networks. All of them expect BGR images, as tdnn_image_read
 * gives them; a size is the family's most common one, and is changed after asking for the preset. */
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

#define IMAGENET_MEAN {123.675f, 116.28f, 103.53f}
#define IMAGENET_STD {58.395f, 57.12f, 57.375f}
#define NONE {0, 0, 0}
#define ONES {1, 1, 1}
#define MIDDLE {127.5f, 127.5f, 127.5f}

static const preset presets[] = {
    /* classifiers: torchvision and most ONNX models; TensorFlow slim and Keras; Caffe */
    {"imagenet", 224, 224, true, IMAGENET_MEAN, 1, IMAGENET_STD, TDNN_FIT_CROP, 0},
    {"inception", 299, 299, true, MIDDLE, 1 / 127.5f, ONES, TDNN_FIT_CROP, 0},
    {"mobilenet", 224, 224, true, MIDDLE, 1 / 127.5f, ONES, TDNN_FIT_CROP, 0},
    {"tf", 224, 224, true, MIDDLE, 1 / 127.5f, ONES, TDNN_FIT_CROP, 0},
    {"caffe", 224, 224, false, {104, 117, 123}, 1, ONES, TDNN_FIT_CROP, 0},
    /* detectors: MobileNet-SSD, SSD on VGG, OpenCV's face detector, TensorFlow's detection zoo */
    {"ssd", 300, 300, false, MIDDLE, 1 / 127.5f, ONES, TDNN_FIT_STRETCH, 0},
    {"ssd-vgg", 300, 300, false, {104, 117, 123}, 1, ONES, TDNN_FIT_STRETCH, 0},
    {"ssd-face", 300, 300, false, {104, 177, 123}, 1, ONES, TDNN_FIT_STRETCH, 0},
    {"ssd-tf", 300, 300, true, NONE, 1, ONES, TDNN_FIT_STRETCH, 0},
    /* Darknet stretches; Ultralytics and YOLOX letterbox on grey */
    {"yolo", 416, 416, true, NONE, 1 / 255.f, ONES, TDNN_FIT_STRETCH, 0},
    {"yolov5", 640, 640, true, NONE, 1 / 255.f, ONES, TDNN_FIT_LETTERBOX, 114},
    {"yolov8", 640, 640, true, NONE, 1 / 255.f, ONES, TDNN_FIT_LETTERBOX, 114},
    {"yolox", 640, 640, false, NONE, 1, ONES, TDNN_FIT_LETTERBOX, 114},
    {"nanodet", 416, 416, false, {103.53f, 116.28f, 123.675f}, 1, {57.375f, 57.12f, 58.395f},
     TDNN_FIT_STRETCH, 0},
    {"picodet", 320, 320, true, IMAGENET_MEAN, 1, IMAGENET_STD, TDNN_FIT_STRETCH, 0},
    {"fastestdet", 352, 352, false, NONE, 1 / 255.f, ONES, TDNN_FIT_STRETCH, 0},
    /* faces */
    {"ultraface", 320, 240, true, {127, 127, 127}, 1 / 128.f, ONES, TDNN_FIT_STRETCH, 0},
    {"scrfd", 640, 640, true, MIDDLE, 1 / 128.f, ONES, TDNN_FIT_LETTERBOX, 0},
    {"yunet", 320, 320, false, NONE, 1, ONES, TDNN_FIT_STRETCH, 0},
    {"arcface", 112, 112, true, MIDDLE, 1 / 128.f, ONES, TDNN_FIT_STRETCH, 0},
    /* text lines */
    {"ppocr", 320, 48, false, MIDDLE, 1 / 127.5f, ONES, TDNN_FIT_STRETCH, 0},
};

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
    return TDNN_FAIL(err, TDNN_ERR_NOT_FOUND, "there is no preset \"%s\"", name ? name : "(NULL)");
}
