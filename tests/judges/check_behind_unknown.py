"""`tinydnn check` on the random networks of the other judges, which all can run: as they are there is
nothing to say; and with an operator that tinydnn does not have behind each input (Darknet: in place of a
layer) it names those operators and nothing else, since what follows is as good as before.

    check_behind_unknown.py [--configs N] [--program PROGRAM] [NAME...]
"""
import argparse
import glob
import json
import os
import random
import subprocess
import sys
import tempfile
import zlib

import tdnn
import caffe_vs_opencv as caffe
from darknet_vs_opencv import SHARED
from tf_kinds import axes, elementwise, flow, functions, images, layers, networks, pieces, rare, recurrent  # fill KINDS
from tf_kinds.graph import KINDS, Random
from tf_kinds.writer import text

UNKNOWN = "Zork"


def caffe_files(name, config, unknown):
    net = caffe.TYPES[name](caffe.Random(zlib.crc32(("%s %d" % (name, config)).encode())))
    behind = "__in" if unknown else ""
    prototxt = caffe.inputs_text({k + behind: v for k, v in net.inputs.items()})
    for k in net.inputs if unknown else []:
        prototxt += "layer { name: 'u_%s' type: '%s' bottom: '%s%s' top: '%s' }\n" % (k, UNKNOWN, k, behind, k)
    files = {"m.prototxt": (prototxt + net.body).encode()}
    if net.weights and config % 2:
        files["m.caffemodel"] = caffe.caffemodel(net.weights)
    return files, len(net.inputs)


def tensorflow_files(name, config, unknown):
    net = KINDS[name](Random(zlib.crc32(("%s %d" % (name, config)).encode())))
    nodes, inputs = [], 0
    for n, op, ins, attrs in net.nodes:
        inputs += op == "Placeholder"
        if op == "Placeholder" and unknown:
            nodes.append((n + "__in", op, ins, attrs))
            nodes.append((n, UNKNOWN, [n + "__in"], {}))
        else:
            nodes.append((n, op, ins, attrs))
    return {"m.pbtxt": text(nodes, net.functions)}, inputs


def darknet_files(path, config, unknown):
    lines = open(path, errors="replace").read().split("\n")
    layers = [i for i, l in enumerate(lines) if l.strip().startswith("[")][1:]
    if unknown:
        lines[random.Random(config).choice(layers)] = "[%s]" % UNKNOWN
    return {"m.cfg": "\n".join(lines).encode()}, 1


def findings(program, files, folder):
    paths = [os.path.join(folder, name) for name in files]
    for path, name in zip(paths, files):
        with open(path, "wb") as f:
            f.write(files[name])
    done = subprocess.run([program, "check", *paths, "--json"], capture_output=True, text=True)
    try:
        return json.loads(done.stdout)["missing"]
    except ValueError:
        return [{"kind": "nothing", "what": done.stderr.strip()[-300:], "where": []}]


def wrong(found, unknown, least, most):
    others = ["%s (%s)" % (m["what"], m["kind"]) for m in found if UNKNOWN not in m["what"]]
    places = sum(len(m["where"]) for m in found)
    if others:
        return "; ".join(others)
    if unknown and not least <= places <= most:
        return "%d findings, expected %d to %d" % (places, least, most)
    return ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=os.path.join(tdnn.ROOT, os.environ.get("BUILD", "build"), "tinydnn"))
    parser.add_argument("--configs", type=int, default=3)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    kinds = [(n, caffe_files) for n in caffe.TYPES] + [(n, tensorflow_files) for n in KINDS]
    kinds += [(p, darknet_files) for p in sorted(glob.glob(SHARED + "/darknet-cfg/*.cfg"))]
    score = tdnn.Score("check behind unknown operators")
    with tempfile.TemporaryDirectory() as folder:
        for name, make in kinds:
            if args.names and os.path.basename(name) not in args.names:
                continue
            for config in range(args.configs):
                for unknown in (False, True):
                    files, inputs = make(name, config, unknown)
                    least = 1 if make is not tensorflow_files and inputs else 0  # it may need no input
                    score.add(not (fault := wrong(findings(args.program, files, folder), unknown, least, inputs)),
                              "%s %d%s: %s" % (os.path.basename(name), config, " unknown" if unknown else "", fault))
                    for file in files:
                        os.unlink(os.path.join(folder, file))
    score.finish()


if __name__ == "__main__":
    main()
