"""tdnn_blob_from_images against cv2.dnn.blobFromImages, bit for bit, on random cases.

    blob_vs_opencv.py [--cases 500] [--seed 1] [--program build/tinydnn]

With --program the cases go through `tinydnn blob` and image files instead of the library's
function. OpenCV 4.6 has no letterbox, std or NHWC: these are put together from cv2.resize,
cv2.copyMakeBorder and numpy in float32.
"""
import argparse
import os
import subprocess
import tempfile

import tdnn
from tdnn import cv2, np

FITS = {tdnn.STRETCH: "stretch", tdnn.CROP: "crop", tdnn.LETTERBOX: "letterbox"}


def random_case(rng, program):
    channels = 3 if program else int(rng.choice([1, 3, 3, 3, 4]))
    floats = not program and rng.random() < 0.25
    batch = int(rng.choice([1, 1, 1, 2, 3]))
    images = []
    for _ in range(batch):
        h, w = int(rng.integers(1, 200)), int(rng.integers(1, 200))
        shape = (h, w) if channels == 1 else (h, w, channels)
        if floats:
            images.append((rng.random(shape, np.float32) - np.float32(0.3)) * np.float32(300))
        else:
            images.append(rng.integers(0, 256, shape, np.uint8))
    h, w = images[0].shape[:2]
    size = [(int(rng.integers(1, 220)), int(rng.integers(1, 220))), (w, h), (0, 0),
            (max(1, w // 2), max(1, h // 2)), (2 * w, 2 * h)][rng.choice(5, p=[.6, .1, .1, .15, .05])]
    plain = rng.random() < 0.15
    case = {
        "images": images, "size": size, "fit": int(rng.choice([0, 0, 1, 2])),
        "swap": bool(rng.random() < 0.5), "border": float(rng.integers(0, 256)),
        "mean": [0.0] * 3 if plain else [float(np.float32(v)) for v in rng.random(3) * 150],
        "scale": 1.0 if plain else float(np.float32(rng.choice([1 / 255, 1 / 127.5, 0.017, 1.0, 3.3]))),
        "std": None if plain or rng.random() < 0.7 else [float(np.float32(v + 0.1)) for v in rng.random(3) * 90],
        "nhwc": bool(rng.random() < 0.2), "u8": not program and plain and not floats,
    }
    return case


def fitted(image, size, case):
    """The image as a letterbox has it; other fits are blobFromImages' own."""
    width, height = size
    h, w = image.shape[:2]
    if case["fit"] != tdnn.LETTERBOX or (w, h) == (width, height):
        return image.copy()  # OpenCV 4.6 shifts float images of the right size in place
    factor = min(np.float32(width) / np.float32(w), np.float32(height) / np.float32(h))
    rw = max(1, int(np.float32(w) * factor))
    rh = max(1, int(np.float32(h) * factor))
    inner = image if (rw, rh) == (w, h) else cv2.resize(image, (rw, rh), interpolation=cv2.INTER_LINEAR)
    top, left = (height - rh) // 2, (width - rw) // 2
    return cv2.copyMakeBorder(inner, top, height - rh - top, left, width - rw - left,
                              cv2.BORDER_CONSTANT, value=[case["border"]] * 4)


def theirs(case):
    images, mean, channels = case["images"], case["mean"], 1
    size = case["size"] if case["size"][0] else images[0].shape[1::-1]
    if images[0].ndim == 3:
        channels = images[0].shape[2]
    blob = cv2.dnn.blobFromImages([fitted(i, size, case) for i in images], case["scale"], size, mean,
                                  case["swap"], case["fit"] == tdnn.CROP,
                                  cv2.CV_8U if case["u8"] else cv2.CV_32F)
    if case["std"]:
        std = case["std"] + [1.0]
        if channels == 1 and case["swap"]:
            std = std[2:]
        blob = blob / np.array(std[:channels], np.float32).reshape(1, channels, 1, 1)
    return np.ascontiguousarray(blob.transpose(0, 2, 3, 1)) if case["nhwc"] else blob


def ours(case):
    p = tdnn.blob_params()
    p.width, p.height = case["size"]
    p.swap_rb, p.fit, p.border, p.nhwc = case["swap"], case["fit"], case["border"], case["nhwc"]
    p.dtype = tdnn.U8 if case["u8"] else tdnn.F32
    p.mean[:3] = case["mean"]
    p.scale[:] = [case["scale"]] * 4
    if case["std"]:
        p.std[:3] = case["std"]
    return tdnn.blob(case["images"], p)


def numbers(values):
    return ",".join(repr(float(v)) for v in values)


def by_program(program, case, folder):
    out = os.path.join(folder, "blob.npy")
    command = [program, "blob"]
    for i, image in enumerate(case["images"]):
        path = os.path.join(folder, "%d.png" % i)
        cv2.imwrite(path, image)
        command.append(path)
    command += ["--output", out, "--scale", repr(case["scale"]), "--mean", numbers(case["mean"]),
                "--fit", FITS[case["fit"]], "--border", repr(case["border"]),
                "--layout", "nhwc" if case["nhwc"] else "nchw"]
    if case["size"][0]:
        command += ["--size", "%dx%d" % case["size"]]
    if case["swap"]:
        command.append("--swap-rb")
    if case["std"]:
        command += ["--std", numbers(case["std"])]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return np.load(out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--program")
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    score = tdnn.Score("blobFromImages")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(args.cases):
            case = random_case(rng, args.program)
            expected = theirs(case)
            got = by_program(args.program, case, folder) if args.program else ours(case)
            same = got.shape == expected.shape and got.dtype == expected.dtype and \
                np.array_equal(got, expected)
            what = {k: v for k, v in case.items() if k != "images"}
            what["images"] = [(i.shape, str(i.dtype)) for i in case["images"]]
            if not same and got.shape == expected.shape:
                diff = np.argwhere(got != expected)
                what["different"] = "%d of %d, first %s last %s" % (
                    len(diff), got.size, tuple(diff[0]), tuple(diff[-1]))
            score.add(same, (number, what))
    score.finish()


main()
