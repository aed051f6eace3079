"""--precision fast against fp32: the same inputs through both, outputs compared.

    precision.py [MODEL.onnx...]     those, with photographs; without: the shared models

Each float output must keep a signal-to-noise ratio of 30 dB; where the output is a row of class
scores, the best class must be the same. Models and photographs are looked for in $TINYDNN_SHARED,
else ../shared beside the repository. Skipped where the CPU has nothing faster than f32.
"""
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError as missing:
    print("skipped: %s" % missing)
    sys.exit(77)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.environ.get("TINYDNN_SHARED", os.path.join(ROOT, "..", "shared"))
TINYDNN = os.path.join(ROOT, os.environ.get("BUILD", "build"), "tinydnn")
PHOTOS = ["dog", "eagle", "giraffe", "horses", "person"]
LEAST_DB = 30
# Rows chosen and sorted by score: two engines need not list the same ones.
LISTS = ["caffe/wechat_qrcode_detect", "tensorflow/opencv_face_detector_uint8",
         "onnx/deimv2_atto_int8", "darknet/"]


def tinydnn(*arguments):
    done = subprocess.run([TINYDNN, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or "status %d" % done.returncode)
    return done.stdout


def outputs(arguments, precision):
    with tempfile.TemporaryDirectory() as folder:
        tinydnn("run", *arguments, "--precision", precision, "--output-dir", folder)
        names = sorted(n for n in os.listdir(folder) if n.endswith(".npy"))
        return [np.load(os.path.join(folder, n)) for n in names]


def decibels(want, got):
    want, got = want.astype(np.float64), got.astype(np.float64)
    noise, signal = np.sum((want - got) ** 2), np.sum(want ** 2)
    return np.inf if noise == 0 else 10 * np.log10(signal / noise) if signal else -np.inf


def compare(arguments):
    """The least ratio of any output, and whether rows of classes keep their best. A detector's heads
    for several scales, of which some have found nothing, count as one output."""
    heads, same = {}, True
    for want, got in zip(outputs(arguments, "fp32"), outputs(arguments, "fast")):
        if want.dtype != np.float32 or want.size == 0:
            continue
        heads.setdefault((want.ndim, want.shape[-1]), []).append((want.ravel(), got.ravel()))
        if want.size in (10, 12, 1000, 1001):
            same = same and want.argmax() == got.argmax()
    least = min((decibels(*map(np.concatenate, zip(*pairs))) for pairs in heads.values()), default=np.inf)
    return least, same


def reference_cases():
    """Label and arguments for each case of the shared models that tests/references.list names."""
    with open(os.path.join(ROOT, "tests", "references.list")) as file:
        names = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    for name in names:
        folder = os.path.join(SHARED, "models", name)
        path = os.path.join(folder, "reference", "reference.json")
        if any(name.startswith(l) for l in LISTS) or not os.path.exists(path):
            continue
        with open(path) as file:
            reference = json.load(file)
        model = [os.path.join(folder, reference[k]) for k in ("model", "config") if reference.get(k)]
        case = reference["cases"][0]
        inputs = []
        for value in case["inputs"]:
            inputs += ["--input", value["name"] + "=" + os.path.join(folder, "reference", value["file"])]
        layout = ["--layout", "graph"] if name.startswith("tensorflow/") else []
        yield name, model + inputs + layout


def photo_cases(models, folder):
    for model in models:
        given = json.loads(tinydnn("info", model, "--json").splitlines()[0])["inputs"][0]
        size = "%dx%d" % (given["shape"][3], given["shape"][2])
        for photo in PHOTOS:
            blob = os.path.join(folder, photo + size + ".npy")
            if not os.path.exists(blob):
                tinydnn("blob", os.path.join(SHARED, "images", photo + ".jpg"), "--preset", "imagenet",
                        "--size", size, "--output", blob)
            yield os.path.basename(model) + " " + photo, [model, "--input", given["name"] + "=" + blob]


def main():
    if not os.path.isdir(os.path.join(SHARED, "models")) or not os.path.exists(TINYDNN):
        print("skipped: no shared models, or no program")
        return 77
    if "avx512_bf16" not in open("/proc/cpuinfo").read():
        print("skipped: this CPU has no products of bf16")
        return 77
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        cases = photo_cases(sys.argv[1:], folder) if len(sys.argv) > 1 else reference_cases()
        for label, arguments in cases:
            try:
                least, same = compare(arguments)
            except RuntimeError as error:
                print("FAILED %s: %s" % (label, error))
                failed += 1
                continue
            good = least >= LEAST_DB and same
            passed, failed = passed + good, failed + (not good)
            if not good or len(sys.argv) > 1:
                print("%s%s: %.1f dB%s" % ("" if good else "FAILED ", label, least,
                                           "" if same else ", another class"))
    print("precision: %d passed, %d failed" % (passed, failed))
    return failed != 0


sys.exit(main())
