"""tdnn_nms, tdnn_nms_soft and tdnn_nms_rotated against OpenCV's, index for index, on random cases.

    nms_vs_opencv.py [--cases 500] [--seed 1]
"""
import argparse
import ctypes as C

import tdnn
from tdnn import cv2, np


def random_boxes(rng, n, flat=True):
    """Clustered, so that they overlap; some equal; flat ones also on a grid, or without area."""
    kind = rng.integers(0, 4 if flat else 3)
    extent = [1.0, 100.0, 1000.0, 30.0][kind]
    boxes = np.empty((n, 4), np.float32)
    boxes[:, :2] = rng.random((n, 2)) * extent
    boxes[:, 2:] = rng.random((n, 2)) * extent * rng.choice([0.1, 0.4, 1.0])
    if kind == 3:
        boxes = np.round(boxes)
    for _ in range(n // 6):
        i, j = rng.integers(0, n, 2)
        boxes[i] = boxes[j]
        if flat and rng.random() < 0.4:
            boxes[i, 2 + rng.integers(0, 2)] = 0
    return boxes


def random_scores(rng, n):
    scores = rng.random(n).astype(np.float32)
    if rng.random() < 0.4:
        scores = np.round(scores * 8).astype(np.float32) / np.float32(8)
    return scores


def random_params(rng):
    p = tdnn.NmsParams()
    tdnn.lib.tdnn_nms_params_init(C.byref(p))
    p.min_score = rng.choice([0, 0.1, 0.25, 0.5])
    p.max_overlap = rng.choice([0, 0.2, 0.3, 0.45, 0.5, 0.7, 0.9, 1])
    p.eta = rng.choice([1, 1, 0.9, 0.5])
    p.top_k = int(rng.choice([0, 0, 5, 20]))
    p.soft = int(rng.integers(0, 2))
    p.sigma = rng.choice([0.5, 0.1, 1.0])
    return p


def run(function, boxes, scores, params, *extra):
    kept = (C.c_size_t * max(1, len(scores)))()
    count, error = C.c_size_t(), tdnn.Error()
    updated = (C.c_float * max(1, len(scores)))()
    first = [boxes.ctypes.data_as(C.c_void_p), scores.ctypes.data_as(C.c_void_p)] + list(extra)
    middle = [updated] if function is tdnn.lib.tdnn_nms_soft else []
    status = function(*first, C.c_size_t(len(scores)), C.byref(params), kept, *middle,
                      C.byref(count), C.byref(error))
    tdnn.check(status, error)
    return list(kept[:count.value]), list(updated[:count.value])


def plain(rng, n):
    boxes, scores, p = random_boxes(rng, n), random_scores(rng, n), random_params(rng)
    ours, _ = run(tdnn.lib.tdnn_nms, boxes, scores, p, None)
    theirs = cv2.dnn.NMSBoxes(boxes.astype(float).tolist(), scores.tolist(), p.min_score,
                              p.max_overlap, eta=p.eta, top_k=p.top_k)
    return ours == list(np.array(theirs).reshape(-1)), (n, p.max_overlap, p.eta, p.top_k)


def by_class(rng, n):
    """OpenCV 4.6 has no NMSBoxesBatched: class by class, then merged by score."""
    boxes, scores, p = random_boxes(rng, n), random_scores(rng, n), random_params(rng)
    p.eta, p.top_k = 1, 0
    classes = rng.integers(-1, 4, n).astype(np.int32)
    ours, _ = run(tdnn.lib.tdnn_nms, boxes, scores, p, classes.ctypes.data_as(C.c_void_p))
    theirs = []
    for c in set(classes.tolist()):
        index = np.flatnonzero(classes == c)
        picks = cv2.dnn.NMSBoxes(boxes[index].astype(float).tolist(), scores[index].tolist(),
                                 p.min_score, p.max_overlap)
        theirs += [int(index[i]) for i in np.array(picks, int).reshape(-1)]
    theirs.sort(key=lambda i: (-scores[i], i))
    return ours == theirs, (n, p.max_overlap)


def soft(rng, n):
    boxes = np.round(random_boxes(rng, n) * 10).astype(np.float32)
    scores, p = random_scores(rng, n), random_params(rng)
    ours, updated = run(tdnn.lib.tdnn_nms_soft, boxes, scores, p)
    theirs_updated, theirs = cv2.dnn.softNMSBoxes(
        boxes.astype(int).tolist(), scores.tolist(), p.min_score, p.max_overlap, top_k=p.top_k,
        sigma=p.sigma, method=1 if p.soft == 0 else 2)
    same = ours == list(np.array(theirs, int).reshape(-1)) and \
        np.array_equal(np.array(updated, np.float32),
                       np.array(theirs_updated, np.float32).reshape(-1))
    return same, (n, p.soft, p.sigma, p.max_overlap)


def rotated(rng, n):
    """Boxes in general position, and equal ones. Where two boxes of one angle share a line to a
    float's precision, OpenCV's polygon is at times wrong (94 of 200,000 pairs of boxes with
    integer sides and angles of 10, 15, ... degrees), and that is not what we want to equal."""
    flat = random_boxes(rng, n, False)
    angles = rng.random(n).astype(np.float32) * 360 - 180
    if rng.random() < 0.2:
        angles[:] = rng.choice([0, 90, 45])
    boxes = np.concatenate([flat, angles[:, None]], axis=1).astype(np.float32)
    boxes[:, 2:4] = np.maximum(boxes[:, 2:4], flat.max() * np.float32(0.01))
    scores, p = random_scores(rng, n), random_params(rng)
    ours, _ = run(tdnn.lib.tdnn_nms_rotated, boxes, scores, p)
    theirs = cv2.dnn.NMSBoxesRotated([((b[0], b[1]), (b[2], b[3]), b[4]) for b in boxes.tolist()],
                                     scores.tolist(), p.min_score, p.max_overlap, eta=p.eta,
                                     top_k=p.top_k)
    return ours == list(np.array(theirs).reshape(-1)), (n, p.max_overlap, ours, theirs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    score = tdnn.Score("NMSBoxes, by class, softNMSBoxes, NMSBoxesRotated")
    for number in range(args.cases):
        for judge in (plain, by_class, soft, rotated):
            same, what = judge(rng, int(rng.integers(1, 120)))
            score.add(same, (number, judge.__name__, what))
    score.finish()


main()
