"""The models of examples/models, in every format they are in, in OpenCV and in tinydnn.

OpenCV reads the same files. digits-cnn's logits are compared for each picture of a digit, and the
rows of the detectors for each scene: all of digits-yolo's, of digits-ssd's those with a score, since
where 200 rows are kept the last of them have equal scores and come in any order.
"""
import glob
import os

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
import tdnn
from tdnn import cv2, np

MODELS = os.path.join(tdnn.ROOT, "examples", "models")
LEAST_SCORE = 0.02
SIZE = (192, 128)


def digits(path):
    return cv2.imread(path, cv2.IMREAD_GRAYSCALE)[None, None].astype(np.float32) / 255


def unit_rgb(path):
    return cv2.dnn.blobFromImage(cv2.imread(path), 1 / 255, SIZE, swapRB=True)


def middle_bgr(path):
    return cv2.dnn.blobFromImage(cv2.imread(path), 1 / 127.5, SIZE, (127.5, 127.5, 127.5))


def plain_rgb(path):
    return cv2.dnn.blobFromImage(cv2.imread(path), 1, SIZE, swapRB=True)


# name, files in OpenCV's order (weights first), how a picture is fed, names of input and outputs
FORMS = [
    ("digits-cnn", ("onnx",), digits, "image", ["logits"]),
    ("digits-cnn", ("caffemodel", "prototxt"), digits, "image", ["logits"]),
    ("digits-cnn", ("pb",), digits, "image", ["logits"]),
    ("digits-cnn", ("pb", "pbtxt"), digits, "image", ["logits"]),
    ("digits-cnn", ("weights", "cfg"), digits, "data", ["fc_9"]),
    ("digits-yolo", ("onnx",), unit_rgb, "image", ["yolo_13", "yolo_20"]),
    ("digits-ssd", ("caffemodel", "prototxt"), middle_bgr, "data", ["detections"]),
    ("digits-ssd", ("pb", "pbtxt"), plain_rgb, "image_tensor", ["detection_out"]),
]


def comparable(rows):
    """SSD's rows that have a score, in an order that rounding does not change."""
    rows = rows.reshape(-1, 7)
    rows = rows[rows[:, 2] >= LEAST_SCORE]
    return rows[np.lexsort((rows[:, 3].round(3), rows[:, 2].round(3), rows[:, 1]))]


def main():
    score = tdnn.Score("models of ours")
    for name, ends, feed, taken, given in FORMS:
        files = [os.path.join(MODELS, name, name + "." + end) for end in ends]
        pictures = "digits-cnn/digit-?.png" if name == "digits-cnn" else "digits-yolo/samples/scene_*.png"
        other = cv2.dnn.readNet(*files)
        data = [open(path, "rb").read() for path in files] + [b""]
        for path in sorted(glob.glob(os.path.join(MODELS, pictures))):
            x = feed(path)
            other.setInput(x)
            # the last layer, which OpenCV's fusion may have given another name; or named layers
            outputs = [other.forward()] if len(given) == 1 else other.forward(given)
            wanted = dict(zip(given, outputs))
            found = tdnn.run_net(data[0], data[1], {taken: x})
            for output in given:
                a, b = found[output], wanted[output]
                if name == "digits-ssd":
                    a, b = comparable(a), comparable(b)
                same = a.size == b.size > 0 and np.allclose(a.ravel(), b.ravel(), 1e-4, 1e-5)
                score.add(same, (name, ends, os.path.basename(path), output, a.shape, b.shape))
    score.finish()


main()
