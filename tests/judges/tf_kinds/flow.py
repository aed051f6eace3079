"""Branches and loops as TensorFlow 1 freezes them."""
import numpy as np

from tf_kinds.graph import *


@kind("Switch Merge")
def branch(r, name):
    n, x = Net(r), r.array(*r.shape(4))
    at = n.input(x)
    truth = r.flag()
    if r.flag():
        p = n.const(np.array(truth))
    else:
        m = n.add("Max", [at, n.const(np.arange(4))])
        p = n.add("Greater" if truth else "Less", [m, n.const(np.float32(-100))])
    s = n.add("Switch", [at, p])
    a, b = n.add("Exp", [s]), n.add("Neg", [s + ":1"])
    n.add("Merge", [a, b] if r.flag() else [b, a])
    n.want = [-x if truth else np.exp(x)]
    return n


@kind("while TensorArray")
def loop(r, name):
    """s = tanh(s + x[t]); what is written: s."""
    n, t, k = Net(r), r.int(1, 5), r.int(1, 4)
    x, s = r.array(t, 2, k), r.array(2, k)
    size, zero, one = n.const(np.int32(t)), n.const(np.int32(0)), n.const(np.int32(1))
    steps = n.add("Range", [zero, size, one])
    a = n.add("TensorArrayV3", [size], dtype=Type(F32))
    f = n.add("TensorArrayScatterV3", [a, steps, n.input(x), a + ":1"])
    b = n.add("TensorArrayV3", [size], dtype=Type(F32))
    enter = lambda v, c: n.add("Enter", [v], frame_name="loop", is_constant=c)
    state = [zero, n.const(s), b + ":1"]
    merges = [n.add("Merge", [enter(v, False), "next%d" % i]) for i, v in enumerate(state)]
    cond = n.add("LoopCond", [n.add("Less", [merges[0], enter(size, True)])])
    switches = [n.add("Switch", [m, cond]) for m in merges]
    i, h, w = [n.add("Identity", [v + ":1"]) for v in switches]
    row = n.add("TensorArrayReadV3", [enter(a, True), i, enter(f, True)], dtype=Type(F32))
    h = n.add("Tanh", [n.add("Add", [h, row])])
    w = n.add("TensorArrayWriteV3", [enter(b, True), i, h, w])
    i = n.add("Add", [i, one])
    for j, v in enumerate((i, h, w)):
        n.add("NextIteration", [v], name="next%d" % j)
    n.add("Neg", [n.add("Exit", [switches[1]])])
    out = n.add("Exit", [switches[2]])
    n.add("TensorArrayGatherV3", [b, steps, out])
    rows = []
    for row in x:
        s = np.tanh(s + row)
        rows.append(s)
    n.want = [-s, np.stack(rows)]
    return n
