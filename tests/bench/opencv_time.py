"""Times one ONNX model in OpenCV's dnn module: opencv_time.py THREADS RUNS SHAPES MODEL

SHAPES is "NAME=1x3x224x224" for each input, joined with ';'. Prints a line of JSON as
`tinydnn bench --json` does.
"""
import json
import resource
import sys
import time

import cv2
import numpy as np

threads, runs, shapes, model = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
result = {"engine": "opencv " + cv2.__version__, "model": model, "threads": threads}
try:
    cv2.setNumThreads(threads)
    result["base_rss_kb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    net = cv2.dnn.readNet(model)
    result["load_ms"] = (time.perf_counter() - start) * 1e3
    rng = np.random.default_rng(1)
    for shape in shapes.split(";"):
        name, dims = shape.rsplit("=", 1)
        net.setInput(rng.random([int(d) for d in dims.split("x")], np.float32), name)
    names = net.getUnconnectedOutLayersNames()
    times = []
    for i in range(runs + 3):
        start = time.perf_counter()
        net.forward(names)
        times.append((time.perf_counter() - start) * 1e3)
    result["peak_rss_kb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result["first_ms"] = times[0]
    times = sorted(times[3:])
    result.update(min_ms=times[0], median_ms=times[len(times) // 2])
except cv2.error as fault:
    result["error"] = " ".join(str(fault).split())[:160]
print(json.dumps(result))
