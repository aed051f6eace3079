"""ONNX's conformance cases, written anew: each model of tests/conformance.list goes through `tinydnn
convert` at its own opset and at older ones; what is written must be accepted by onnx.checker, where
that knows the opset, and give the case's outputs when it is read back.

At an older opset a model may be refused, if the refusal says which opset it needs.
"""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "bench"))
import engines  # noqa: E402

try:
    import onnx
except ImportError as missing:
    print("skipped: %s" % missing)
    sys.exit(77)

OWN, OLDEST = "own", 7
OPSETS = (OWN, 11)
# Up to release 1.15 the checker counted pooling windows that begin behind the input.
COUNTED_OTHERWISE = ("ceil_last_window_starts_on_pad", "ceil_output_size_reduce_by_one")
KNOWN = onnx.defs.onnx_opset_version()
KNOWN_ML = 3 # the newest of ai.onnx.ml that came with it


def cases():
    """(name, model, [files that say what to expect])"""
    root = os.path.join(engines.SHARED, "onnx-conformance")
    with open(os.path.join(engines.ROOT, "tests", "conformance.list"), encoding="utf-8") as file:
        names = [line.strip() for line in file if not line.startswith("#")]
    for name in names:
        path = os.path.join(root, name)
        if os.path.isdir(path):
            data = [os.path.join(path, f) for f in os.listdir(path) if f.startswith("test_data")]
            yield name.replace("/", "_"), os.path.join(path, "model.onnx"), data
        elif os.path.exists(path):
            yield name.replace("/", "_"), path, [path[:-5] + "_output_0.pb"]


def opset_of(model):
    versions = [o.version for o in model.opset_import if o.domain in ("", "ai.onnx")]
    return max(versions, default=1)


def checker_says(path):
    """None: accepted, or it cannot know."""
    model = onnx.load(path)
    ml = max([o.version for o in model.opset_import if o.domain == "ai.onnx.ml"], default=0)
    if opset_of(model) > KNOWN or ml > KNOWN_ML:
        return None
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as fault: # it has several kinds
        return str(fault).strip().splitlines()[0][:160]
    return None


def write(model, made, opset):
    """None, or what went wrong; "needs opset": refused as it may be."""
    words = [engines.PROGRAM, "convert", model, "--output", made]
    own = opset_of(onnx.load(model, load_external_data=False))
    if opset != OWN:
        words += ["--opset", str(opset)]
    elif own >= OLDEST:
        words += ["--opset", str(own)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode == 0:
        return None
    said = done.stderr.strip().splitlines()[0]
    return "needs opset" if opset != OWN and re.search("needs opset|but for opset 8", said) else said


def judge(opset, folder):
    """(passed, failed, refused)"""
    written, failed, refused = [], 0, 0
    for name, model, data in cases():
        place = os.path.join(folder, name)
        os.makedirs(place)
        made = os.path.join(place, os.path.basename(model))
        fault = write(model, made, opset)
        if not fault and not name.endswith(COUNTED_OTHERWISE):
            fault = checker_says(made)
        if fault == "needs opset":
            refused += 1
        elif fault:
            failed += 1
            print("%s at %s: %s" % (name, opset, fault))
        else:
            for path in data:
                os.symlink(path, os.path.join(place, os.path.basename(path)))
            written.append(place if len(data) != 1 or os.path.isdir(data[0]) else made)
    done = subprocess.run([engines.PROGRAM, "verify", *written], capture_output=True, text=True)
    lines = done.stdout.strip().splitlines()
    for line in lines[:-1]:
        print("at %s: %s" % (opset, line[:200]))
    passed, count = map(int, re.match(r"(\d+) of (\d+) cases pass", lines[-1]).groups())
    print("opset %-4s %d written and as they were, %d refused, %d wrong" % (
        opset, passed, refused, failed + count - passed))
    return passed, failed + count - passed, refused


def main():
    if not os.path.isdir(os.path.join(engines.SHARED, "onnx-conformance")):
        print("skipped: no conformance cases")
        return 77
    passed = failed = 0
    for opset in OPSETS:
        with tempfile.TemporaryDirectory() as folder:
            good, bad, _ = judge(opset, folder)
        passed += good
        failed += bad
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
