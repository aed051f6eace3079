"""TensorFlow.js, which runs what the tests' set-up installed with npm: all graphs in one process."""
import base64
import json
import os
import shutil
import subprocess
import tempfile

import numpy as np

from tf_kinds.writer import json_model, json_tensor

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
PACKAGES = ["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-cpu", "@tensorflow/tfjs-converter"]


def folder():
    """Where the packages are, or None."""
    at = os.path.abspath(os.environ.get("TINYDNN_NPM", os.path.join(ROOT, "build", "npm")))
    there = all(os.path.isdir(os.path.join(at, "node_modules", p)) for p in PACKAGES)
    return at if there and shutil.which("node") else None


def array_of(answer):
    dtype = {"float32": "<f4", "int32": "<i4", "bool": "u1"}[answer["dtype"]]
    return np.frombuffer(base64.b64decode(answer["data"]), dtype).reshape(answer["shape"])


def run_all(nets):
    """For each graph its outputs, or why there are none."""
    cases = []
    for net in nets:
        topology, weights = json_model(net.nodes, net.functions)
        cases.append({"topology": topology, "weights": weights, "outputs": net.outputs(),
                      "inputs": {k: json_tensor(v) for k, v in net.inputs.items()}})
    with tempfile.TemporaryDirectory() as scratch:
        paths = [os.path.join(scratch, n) for n in ("cases.json", "answers.json")]
        with open(paths[0], "w") as file:
            json.dump(cases, file)
        subprocess.run(["node", os.path.join(HERE, "tfjs.mjs"), folder()] + paths, check=True,
                       stderr=subprocess.DEVNULL)
        with open(paths[1]) as file:
            answers = json.load(file)
    return [[array_of(o) for o in a["outputs"]] if "outputs" in a else a["error"] for a in answers]
