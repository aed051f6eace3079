"""What `tinydnn classify` and `tinydnn detect` find on photographs, against expected.json: the
answers of other engines, as a person would check them.

    expected.py [--shared FOLDER] [--program build/tinydnn] [--only TEXT] [--list]

The same labels in the same order, scores within 0.01, boxes within 2 pixels or an overlap of at
least 0.95. FOLDER is $TINYDNN_SHARED, else ../shared; without it everything is skipped. Models of
formats that the program does not read yet are skipped too, and so are int8 ones.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = 77

# How to feed and decode: expected.json says it in words.
BOXES = {
    "onnx/yolov8n": "--preset yolo --fit stretch --confidence 0.25 --nms 0.45",
    "darknet/yolo-fastest-1.1": "--darknet-as opencv --fit stretch --confidence 0.3 --nms 0.4",
    "darknet/yolo-fastest-1.1-xl": "--darknet-as opencv --fit stretch --confidence 0.3 --nms 0.4",
    "darknet/mobilenetv2-yolov3-nano-coco":
        "--darknet-as opencv --fit stretch --confidence 0.3 --nms 0.4",
    "onnx/ultraface_RFB_320": "--head ultraface --swap-rb --mean 127 --scale 0.0078125 "
                              "--confidence 0.7 --nms 0.3",
    "onnx/scrfd_500m_kps": "--head scrfd --fit stretch --swap-rb --mean 127.5 --scale 0.0078125 "
                           "--confidence 0.5 --nms 0.4",
    "caffe/wechat_qrcode_detect": "--size 384x384 --scale 0.00392156862 --confidence 0.5",
    "onnx/yunet_n_320": "--head yunet --confidence 0.6 --nms 0.3",
}
CLASSES = {
    "onnx/ppocr_v2_cls": "--size 192x48 --mean 127.5 --scale 0.00784313725",
}
TOP5 = {
    "caffe/squeezenet_v1.0": "--mean 104,117,123 --softmax",
}
TEXTS = {
    "onnx/ppocr_v4_rec": "--size 320x48 --mean 127.5 --scale 0.00784313725",
}


class Judge:
    def __init__(self, args):
        self.args = args
        self.passed = self.failed = self.skipped = 0

    def add(self, ok, what, why=""):
        self.passed += bool(ok)
        self.failed += not ok
        if not ok:
            print("FAILED %s: %s" % (what, why))
        elif self.args.list:
            print("ok     %s %s" % (what, why))

    def skip(self, what, why):
        self.skipped += 1
        if self.args.list:
            print("skipped %s: %s" % (what, why))

    def run(self, *words):
        done = subprocess.run([self.args.program, *words], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip() or "status %d" % done.returncode)
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def overlap(a, b):
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    inside = max(w, 0) * max(h, 0)
    whole = a[2] * a[3] + b[2] * b[3] - inside
    return inside / whole if whole else 1.0


def close_box(got, want):
    return max(abs(g - w) for g, w in zip(got, want)) <= 2 or overlap(got, want) >= 0.95


def boxes_differ(got, want):
    """What is wrong with a list of boxes; empty if nothing. Order matters little: near-equal scores
    may change places, so each expected box takes the likest one that is left."""
    left = list(got)
    for w in want:
        fits = [g for g in left if close_box([g["x"], g["y"], g["width"], g["height"]], w["box"])
                and abs(g["score"] - w["score"]) <= 0.01
                and ("label" not in w or w["label"] == g.get("label", w["label"]))]
        if not fits:
            return "nothing like %s among %s" % (w, left)
        left.remove(fits[0])
    return "too many: %s" % left if left else ""


def model_files(folder):
    with open(os.path.join(folder, "reference", "reference.json")) as file:
        reference = json.load(file)
    return [os.path.join(folder, reference[k]) for k in ("model", "config") if reference.get(k)]


def judge_boxes(judge, name, expected, options):
    shared = judge.args.shared
    words = ["detect", *model_files(os.path.join(shared, "models", name))]
    tail = ["--json", *options.split()]
    if "labels" in expected:
        tail += ["--labels", os.path.join(shared, expected["labels"])]
    for photo, want in expected["boxes"].items():
        what = "%s on %s" % (name, photo)
        try:
            got = judge.run(*words, os.path.join(shared, "images", photo), *tail)[0]["boxes"]
            wrong = boxes_differ(got, want)
            judge.add(not wrong, what, wrong or "%d boxes" % len(want))
        except (RuntimeError, LookupError) as fault:
            judge.add(False, what, fault)


def run_on_blob(judge, name, photo, options, turned=False):
    """The first output of `tinydnn run` on what `tinydnn blob` makes of the photo, which may be
    turned by 180 degrees."""
    import numpy as np

    shared = judge.args.shared
    with tempfile.TemporaryDirectory() as folder:
        blob = os.path.join(folder, "blob.npy")
        judge.run("blob", os.path.join(shared, "images", photo), "--output", blob,
                  *options.split())
        if turned:
            np.save(blob, np.ascontiguousarray(np.load(blob)[:, :, ::-1, ::-1]))
        judge.run("run", *model_files(os.path.join(shared, "models", name)), "--input", blob,
                  "--output-dir", folder)
        return np.load(os.path.join(folder, "output_0.npy"))


def judge_probabilities(judge, name, expected, options):
    shared = judge.args.shared
    words = ["classify", *model_files(os.path.join(shared, "models", name))]
    for photo, want in expected["probabilities"].items():
        what = "%s on %s" % (name, photo)
        try:
            if photo.endswith(" turned by 180"):
                got = run_on_blob(judge, name, photo[:-14], options, turned=True)[0]
            else:
                path = os.path.join(shared, "images", photo)
                best = judge.run(*words, path, "--json", "--top", str(len(want)),
                                 *options.split())[0]["classes"]
                got = [c["probability"] for c in sorted(best, key=lambda c: c["index"])]
            far = max(abs(g - w) for g, w in zip(got, want))
            judge.add(far <= 0.01, what, "off by %.2g" % far)
        except ImportError as missing:
            judge.skip(what, missing)
        except (RuntimeError, LookupError) as fault:
            judge.add(False, what, fault)


def judge_top5(judge, name, expected, options):
    """The same five, in the same order but for near-equal ones, probabilities within 0.005."""
    shared = judge.args.shared
    words = ["classify", *model_files(os.path.join(shared, "models", name))]
    for photo, want in expected["top5"].items():
        what = "%s on %s" % (name, photo)
        try:
            got = judge.run(*words, os.path.join(shared, "images", photo), "--json", "--top",
                            str(len(want)), *options.split())[0]["classes"]
            found = {c["index"]: c["probability"] for c in got}
            wrong = [w for w in want if abs(found.get(w["index"], -1) - w["probability"]) > 0.005]
            judge.add(not wrong, what, "%s among %s" % (wrong[0], got) if wrong else "")
        except (RuntimeError, LookupError) as fault:
            judge.add(False, what, fault)


def judge_text(judge, name, expected, options):
    """Greedy CTC: equal neighbours are one letter, class 0 is none."""
    keys = os.path.join(judge.args.shared, "labels", "ppocr_keys_v1.txt")
    with open(keys, encoding="utf-8") as file:
        letters = [""] + [line.rstrip("\n") for line in file] + [" "]
    for photo, want in expected["text"].items():
        what = "%s on %s" % (name, photo)
        try:
            rows = run_on_blob(judge, name, photo, options)[0]
        except ImportError as missing:
            judge.skip(what, missing)
            continue
        except RuntimeError as fault:
            judge.add(False, what, fault)
            continue
        best = rows.argmax(1)
        kept = [i for i, c in enumerate(best) if c and (i == 0 or c != best[i - 1])]
        text = "".join(letters[best[i]] for i in kept)
        mean = float(rows[kept, best[kept]].mean()) if kept else 0.0
        judge.add(text == want["text"] and abs(mean - want["mean_probability"]) <= 0.01, what,
                  "%r, %.3f" % (text, mean))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shared", default=os.environ.get(
        "TINYDNN_SHARED", os.path.join(os.path.dirname(ROOT), "shared")))
    parser.add_argument("--program", default=os.path.join(
        ROOT, os.environ.get("BUILD", "build"), "tinydnn"))
    parser.add_argument("--only", default="")
    parser.add_argument("--list", action="store_true")
    judge = Judge(parser.parse_args())
    path = os.path.join(judge.args.shared, "expected.json")
    if not os.path.exists(path):
        print("skipped: no %s" % path)
        sys.exit(SKIPPED)
    with open(path, encoding="utf-8") as file:
        expected = json.load(file)
    for name, answers in expected.items():
        if not isinstance(answers, dict) or judge.args.only not in name:
            continue
        if name in BOXES:
            judge_boxes(judge, name, answers, BOXES[name])
        elif name in CLASSES:
            judge_probabilities(judge, name, answers, CLASSES[name])
        elif name in TOP5:
            judge_top5(judge, name, answers, TOP5[name])
        elif name in TEXTS:
            judge_text(judge, name, answers, TEXTS[name])
        else:
            judge.skip(name, "a format or an int8 network that has no entry here")
    print("expected answers: %d passed, %d failed, %d skipped" %
          (judge.passed, judge.failed, judge.skipped))
    sys.exit(1 if judge.failed else 0)


main()
