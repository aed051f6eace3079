"""Decoders against the recorded answers: raw outputs of the reference engines go through
tdnn_detect, and labels, scores (0.01) and boxes (2 pixels, or an overlap of 0.95) must be those of
expected.json. Also: the two ways of TDNN_HEAD_AUTO and naming the head give the same.

The shared models are looked for in $TINYDNN_SHARED, else ../shared beside the repository.
"""
import ctypes as C
import json
import os
import sys

import tdnn
from tdnn import cv2, np

SHARED = os.environ.get("TINYDNN_SHARED", os.path.join(tdnn.ROOT, "..", "shared"))
HEADS = ["auto", "ssd", "yolo", "yolov5", "yolov8", "yolov10", "yolox", "nanodet", "picodet",
         "fastestdet", "ultraface", "scrfd", "yunet"]
# model: head, confidence, overlap, image, as expected.json's "decode" says
CASES = {
    "onnx/yolov8n": ("yolov8", 0.25, 0.45), "onnx/face_yolo11n_qdq_int8": ("yolov8", 0.25, 0.45),
    "darknet/yolo-fastest-1.1": ("yolo", 0.3, 0.4),
    "darknet/yolo-fastest-1.1-xl": ("yolo", 0.3, 0.4),
    "darknet/mobilenetv2-yolov3-nano-coco": ("yolo", 0.3, 0.4),
    "tensorflow/opencv_face_detector_uint8": ("ssd", 0.5, 1),
    "onnx/ultraface_RFB_320": ("ultraface", 0.7, 0.3), "onnx/scrfd_500m_kps": ("scrfd", 0.5, 0.4),
    "onnx/yunet_n_320": ("yunet", 0.6, 0.3), "caffe/wechat_qrcode_detect": ("ssd", 0.5, 1),
}
# Not in expected.json: what anyone sees on dog.jpg, label and rough box [x, y, w, h].
SEEN = [("dog", [130, 213, 190, 325]), ("car", [467, 78, 225, 92]), ("bicycle", [125, 136, 440, 290])]
# The last number: how many of them the network finds (PicoDet boxes half of the bicycle).
BY_EYE = {"onnx/nanodet_m": ("nanodet", 0.35, 0.5, 3), "onnx/picodet_s_320": ("picodet", 0.4, 0.5, 2),
          "onnx/fastestdet": ("fastestdet", 0.6, 0.4, 3), "onnx/yolox_nano": ("yolox", 0.25, 0.45, 3)}


class Box(C.Structure):
    _fields_ = [("x", C.c_float), ("y", C.c_float), ("width", C.c_float), ("height", C.c_float)]


class Detection(C.Structure):
    _fields_ = [("box", Box), ("score", C.c_float), ("class_id", C.c_int), ("image", C.c_int),
                ("point_count", C.c_int), ("points", C.c_float * 10)]


class Detections(C.Structure):
    _fields_ = [("list", C.POINTER(Detection)), ("count", C.c_size_t), ("capacity", C.c_size_t)]


class Params(C.Structure):
    _fields_ = [("head", C.c_int), ("confidence", C.c_float), ("max_overlap", C.c_float),
                ("across_classes", C.c_bool), ("clip", C.c_bool), ("max_detections", C.c_size_t)]


class Placement(C.Structure):
    _fields_ = [("scale_x", C.c_float), ("scale_y", C.c_float), ("offset_x", C.c_float),
                ("offset_y", C.c_float), ("image_width", C.c_int), ("image_height", C.c_int),
                ("blob_width", C.c_int), ("blob_height", C.c_int)]


def detect(paths, head, confidence, overlap, image, blob):
    outputs = (C.c_void_p * len(paths))()
    error = tdnn.Error()
    arrays = [np.ascontiguousarray(np.load(path), np.float32) for path in paths]
    for i, array in enumerate(arrays):
        shape, out = tdnn.Shape(array.ndim, array.shape), C.c_void_p()
        tdnn.check(tdnn.lib.tdnn_tensor_wrap(
            C.c_void_p(array.ctypes.data), C.c_size_t(array.nbytes), tdnn.F32, C.byref(shape),
            C.byref(out), C.byref(error)), error)
        outputs[i] = out.value
    (w, h), (bw, bh) = image, blob
    placement = Placement(bw / w, bh / h, 0, 0, w, h, bw, bh)
    params = Params(HEADS.index(head), confidence, overlap, False, True, 0)
    found = Detections()
    tdnn.check(tdnn.lib.tdnn_detect(outputs, C.c_size_t(len(paths)), C.byref(params),
                                    C.byref(placement), C.c_size_t(1), C.byref(found),
                                    C.byref(error)), error)
    result = [(d.class_id, d.score, (d.box.x, d.box.y, d.box.width, d.box.height))
              for d in found.list[:found.count]]
    tdnn.lib.tdnn_detections_free(C.byref(found))
    for output in outputs:
        tdnn.lib.tdnn_tensor_release(C.c_void_p(output))
    return result


def overlap_of(a, b):
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(w, 0) * max(h, 0)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def same(expected, got, names):
    if len(expected) != len(got):
        return False
    left = list(got)
    for e in expected:
        for g in left:
            label_fits = "label" not in e or len(names) <= g[0] or names[g[0]] == e["label"]
            close = max(abs(x - y) for x, y in zip(e["box"], g[2])) <= 2
            if label_fits and abs(e["score"] - g[1]) <= 0.01 and \
                    (close or overlap_of(e["box"], g[2]) >= 0.95):
                left.remove(g)
                break
        else:
            return False
    return True


def reference(model):
    """The image's name, its size, the blob's size and the files of the outputs to decode."""
    folder = os.path.join(SHARED, "models", model, "reference")
    case = json.load(open(os.path.join(folder, "reference.json")))["cases"][0]
    name = case["blob"]["image"]
    picture = cv2.imread(os.path.join(SHARED, "images", name))
    outputs = [o for o in case["outputs"]
               if not o["name"].startswith(("conv_", "mbox_"))]  # raw maps beside the rows
    files = [os.path.join(folder, o["file"]) for o in outputs]
    return name, picture.shape[1::-1], tuple(case["blob"]["size"]), files


def main():
    if not os.path.isdir(os.path.join(SHARED, "models")):
        print("skipped: no shared models in %s" % SHARED)
        sys.exit(tdnn.SKIPPED)
    score = tdnn.Score("detect")
    answers = json.load(open(os.path.join(SHARED, "expected.json")))
    names = open(os.path.join(SHARED, "labels", "coco.names")).read().split("\n")
    for model, (head, confidence, overlap) in CASES.items():
        name, image, blob, files = reference(model)
        labels = names if "coco.names" in answers[model].get("labels", "") else []
        for way in (head, "auto"):
            got = detect(files, way, confidence, overlap, image, blob)
            score.add(same(answers[model]["boxes"][name], got, labels),
                      (model, way, got, answers[model]["boxes"][name]))
    for model, (head, confidence, overlap, visible) in BY_EYE.items():
        name, image, blob, files = reference(model)
        for way in (head, "auto"):
            got = detect(files, way, confidence, overlap, image, blob)
            for label, box in SEEN[:visible]:
                hit = any(overlap_of(box, g[2]) > 0.75 and
                          (names[g[0]] == label or {label, names[g[0]]} <= {"car", "truck"} or
                           {label, names[g[0]]} <= {"dog", "cat"}) for g in got)
                score.add(hit, (model, way, label, [(names[g[0]],) + g[1:] for g in got]))
    score.finish()


main()
