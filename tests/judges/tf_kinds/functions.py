"""Functions of the graph's library as TensorFlow 2 freezes them: called, as branches, as loops; and lists
that a loop fills."""
import numpy as np

from tf_kinds.graph import *
from tf_kinds.writer import VARIANT


def function(n, name, inputs, outputs, make):
    """make(f, *inputs) adds nodes to `f` and gives the results' names."""
    f = Net(n.r)
    results = make(f, *[i for i, _ in inputs])
    nodes = [("%s_%s" % (name, i) if op == "Const" else i, op, [part(name, f, i) for i in ins], attrs)
             for i, op, ins, attrs in f.nodes]
    given = {o: part(name, f, result) for (o, _), result in zip(outputs, results)}
    n.functions.append((name, inputs, outputs, nodes, given))


OUTPUT_NAMES = {"Const": "output", "Identity": "output", "Split": "output", "TopKV2": "values",
                "TensorListGetItem": "item", "TensorListSetItem": "output_handle", "TensorListPushBack": "output_handle"}


def part(name, f, text):
    """The name of a function's node, as its library has it."""
    at, _, port = text.partition(":")
    for node, op, _, _ in f.nodes:
        if node == at:
            at = "%s_%s" % (name, at) if op == "Const" else at
            if op == "TopKV2" and port == "1":
                return at + ":indices:0"
            return "%s:%s:%s" % (at, OUTPUT_NAMES.get(op, {"Less": "z", "Add": "z", "AddV2": "z", "Mul": "z"}.get(op, "y")), port or "0")
    return text


@kind("PartitionedCall", "StatefulPartitionedCall", "call by name")
def called(r, name):
    n, x, y = Net(r), r.array(2, 3, 4, 2), r.array(2, 3, 4, 2)
    both = [("a", F32), ("b", F32)]

    def make(f, a, b):
        s = f.add("Mul", [a, b], T=Type(F32))
        return s, f.add("Tanh", [f.add("AddV2", [s, f.const(np.float32(0.5))], T=Type(F32))], T=Type(F32))

    function(n, "inner", both, [("p", F32), ("q", F32)], make)
    ins = [n.input(x), n.input(y)]
    if name == "call by name":
        at = n.add("inner", ins)
    else:
        at = n.add(name, ins, f=Func("inner"), Tin=Types((F32, F32)), Tout=Types((F32, F32)))
    n.add("Neg", [at])
    n.add("Neg", [at + ":1"])
    n.want = [-(x * y), -np.tanh(x * y + np.float32(0.5))]
    return n


@kind("function TopKV2")
def ports(r, name):
    n, x = Net(r), r.array(r.int(1, 3), r.int(3, 6))

    def make(f, a):
        t = f.add("TopKV2", [a, f.const(np.int32(2))], T=Type(F32))
        return f.add("Cast", [t + ":1"], SrcT=Type(I32), DstT=Type(F32)), f.add("Neg", [t], T=Type(F32))

    function(n, "best", [("a", F32)], [("i", F32), ("v", F32)], make)
    at = n.add("PartitionedCall", [n.input(x)], f=Func("best"))
    n.add("Neg", [at])
    n.add("Neg", [at + ":1"])
    order = np.argsort(-x, -1, kind="stable")[:, :2]
    n.want = [-order.astype(np.float32), np.take_along_axis(x, order, -1)]
    return n


@kind("StatelessIf", "If")
def chosen(r, name):
    n, x = Net(r), r.array(*r.shape(4))
    function(n, "yes", [("a", F32)], [("y", F32)], lambda f, a: [f.add("Exp", [a], T=Type(F32))])
    function(n, "no", [("a", F32)], [("y", F32)], lambda f, a: [f.add("Neg", [a], T=Type(F32))])
    at, truth = n.input(x), r.flag()
    if r.flag():
        p = n.const(np.array(truth))
    else:
        m = n.add("Max", [at, n.const(np.arange(4))], keep_dims=False)
        p = n.add("Greater" if truth else "Less", [m, n.const(np.float32(-100))])
    b = n.add(name, [p, at], then_branch=Func("yes"), else_branch=Func("no"), Tin=Types((F32,)), Tout=Types((F32,)))
    n.add("Tanh", [b])
    n.want = [np.tanh(np.exp(x) if truth else -x)]
    return n


@kind("StatelessWhile", "While")
def repeated(r, name):
    n, x, turns = Net(r), r.array(*r.shape(r.int(1, 4))), r.int(0, 5)
    state = [("i", I32), ("n", I32), ("v", F32)]
    function(n, "test", state, [("t", BOOL)], lambda f, i, k, v: [f.add("Less", [i, k], T=Type(I32))])

    def make(f, i, k, v):
        w = f.add("Tanh", [f.add("AddV2", [v, f.const(np.float32(0.25))], T=Type(F32))], T=Type(F32))
        return f.add("AddV2", [i, f.const(np.int32(1))], T=Type(I32)), f.add("Identity", [k], T=Type(I32)), w

    function(n, "turn", state, [("i_out", I32), ("n_out", I32), ("v_out", F32)], make)
    at = n.add(name, [n.const(np.int32(0)), n.const(np.int32(turns)), n.input(x)], cond=Func("test"), body=Func("turn"),
               T=Types((I32, I32, F32)))
    n.add("Neg", [at + ":2"])
    for _ in range(turns):
        x = np.tanh(x + np.float32(0.25))
    n.want = [-x]
    return n


@kind("while TensorList")
def listed(r, name):
    """s = tanh(s + x[t]); what is written: s."""
    n, t, k = Net(r), r.int(1, 5), r.int(1, 4)
    x, s = r.array(t, 2, k), r.array(2, k)
    size, zero, one = n.const(np.int32(t)), n.const(np.int32(0)), n.const(np.int32(1))
    shape = n.const(np.array([2, k]))
    rows = n.add("TensorListFromTensor", [n.input(x), shape], element_dtype=Type(F32), shape_type=Type(I32))
    made = n.add("TensorListReserve", [shape, size], element_dtype=Type(F32), shape_type=Type(I32))
    enter = lambda v, c: n.add("Enter", [v], frame_name="loop", is_constant=c)
    state = [zero, n.const(s), made]
    merges = [n.add("Merge", [enter(v, False), "next%d" % i]) for i, v in enumerate(state)]
    cond = n.add("LoopCond", [n.add("Less", [merges[0], enter(size, True)])])
    switches = [n.add("Switch", [m, cond]) for m in merges]
    i, h, w = [n.add("Identity", [v + ":1"]) for v in switches]
    row = n.add("TensorListGetItem", [enter(rows, True), i, enter(shape, True)], element_dtype=Type(F32))
    h = n.add("Tanh", [n.add("Add", [h, row])])
    w = n.add("TensorListSetItem", [w, i, h], element_dtype=Type(F32))
    i = n.add("Add", [i, enter(one, True)])
    for j, v in enumerate((i, h, w)):
        n.add("NextIteration", [v], name="next%d" % j)
    n.add("Neg", [n.add("Exit", [switches[1]])])
    out = n.add("Exit", [switches[2]])
    n.add("TensorListStack", [out, shape], element_dtype=Type(F32), num_elements=-1)
    rows = []
    for row in x:
        s = np.tanh(s + row)
        rows.append(s)
    n.want = [-s, np.stack(rows)]
    return n


@kind("While TensorList", "If TensorList")
def carried(r, name):
    """Lists that a functional loop carries, as Keras's layers have them: s = tanh(s + x[t]), and all s."""
    n, t, k = Net(r), r.int(1, 5), r.int(1, 4)
    x, s = r.array(t, 2, k), r.array(2, k)
    shape = n.const(np.array([2 if r.flag() else -1, k]))
    kinds = {"element_dtype": Type(F32), "shape_type": Type(I32)}
    rows = n.add("TensorListFromTensor", [n.input(x, False), shape], **kinds)
    made = n.add("TensorListReserve", [shape, n.const(np.int32(t))], **kinds)
    state = [("i", I32), ("s", F32), ("rows", VARIANT), ("made", VARIANT)]
    function(n, "test", state, [("t", BOOL)],
             lambda f, i, s, rows, made: [f.add("Less", [i, f.const(np.int32(t))], T=Type(I32))])

    def make(f, i, s, rows, made):
        row = f.add("TensorListGetItem", [rows, i, f.const(np.array([-1, k]))], element_dtype=Type(F32))
        s = f.add("Tanh", [f.add("AddV2", [s, row], T=Type(F32))], T=Type(F32))
        made = f.add("TensorListSetItem", [made, i, s], element_dtype=Type(F32))
        return f.add("AddV2", [i, f.const(np.int32(1))], T=Type(I32)), s, f.add("Identity", [rows], T=Type(VARIANT)), made

    function(n, "turn", state, [(i + "_out", k) for i, k in state], make)
    begin = [n.const(np.int32(0)), n.const(s), rows, made]
    at = n.add("While", begin, cond=Func("test"), body=Func("turn"), T=Types([k for _, k in state]))
    lists = at + ":3"
    if name[0] == "I":
        both = [("m", VARIANT)]
        function(n, "yes", both, [("y", VARIANT)], lambda f, m: [
            f.add("TensorListPushBack", [m, f.const(s)], element_dtype=Type(F32))])
        function(n, "no", both, [("y", VARIANT)], lambda f, m: [f.add("Identity", [m], T=Type(VARIANT))])
        truth = n.add("Greater", [n.add("Sum", [n.add("Abs", [at + ":1"]), n.const(np.arange(2))], keep_dims=False),
                                  n.const(np.float32(-1))])
        lists = n.add("If", [truth, lists], then_branch=Func("yes"), else_branch=Func("no"), Tin=Types((VARIANT,)),
                      Tout=Types((VARIANT,)))
    n.add("Neg", [at + ":1"])
    n.add("Neg", [n.add("TensorListStack", [lists, shape], element_dtype=Type(F32), num_elements=-1)])
    all_s, last = [], s
    for row in x:
        last = np.tanh(last + row)
        all_s.append(last)
    n.want = [-last, -np.stack(all_s + [s] * (name[0] == "I"))]
    n.tfjs = name[0] == "W"
    return n


@kind("EmptyTensorList", "TensorListPopBack", "TensorListConcat", "TensorListSplit", "TensorListGather",
      "TensorListScatter")
def lists(r, name):
    n, k = Net(r), r.int(1, 3)
    n.tfjs = False # its lists are of one shape
    shape, kinds = n.const(np.array([-1, k])), {"element_dtype": Type(F32), "shape_type": Type(I32)}
    typed, parts = {"element_dtype": Type(F32)}, [r.array(r.int(1, 3), k) for _ in range(r.int(2, 4))]
    if name == "TensorListSplit":
        made = n.add(name, [n.input(np.concatenate(parts)), shape, n.const(np.array([len(p) for p in parts]))], **kinds)
        n.add("Neg", [n.add("TensorListGetItem", [made, n.const(np.int32(1)), shape], **typed)])
        n.want = [-parts[1]]
        return n
    if name == "TensorListScatter":
        x, order = r.array(4, 2), r.g.permutation(4)
        made = n.add("TensorListScatterV2", [n.input(x), n.const(order.astype(np.int32)), n.const(np.array([2])),
                                             n.const(np.int32(-1))], **kinds)
        n.add("Neg", [n.add("TensorListStack", [made, n.const(np.array([2]))], num_elements=-1, **typed)])
        n.want = [-x[np.argsort(order)]]
        return n
    if name in ("EmptyTensorList", "TensorListGather"):
        parts = [r.array(2, k) for _ in parts]
    made = n.add("EmptyTensorList", [shape, n.const(np.int32(-1))], **kinds)
    for p in parts:
        made = n.add("TensorListPushBack", [made, n.input(p)], **typed)
    if name == "EmptyTensorList":
        n.floats(n.add("TensorListLength", [made]))
        n.add("Neg", [n.add("TensorListStack", [made, shape], num_elements=-1, **typed)])
        n.want = [np.float32(len(parts)), -np.stack(parts)]
    elif name == "TensorListGather":
        i = r.ints(r.int(1, 5), low=0, high=len(parts) - 1)
        n.add("Neg", [n.add(name, [made, n.const(i), shape], **typed)])
        n.want = [-np.stack(parts)[i]]
    elif name == "TensorListPopBack":
        popped = n.add(name, [made, shape], **typed)
        n.add("Neg", [popped + ":1"])
        n.floats(n.add("TensorListLength", [popped]))
        n.want = [-parts[-1], np.float32(len(parts) - 1)]
    else:
        n.add("Neg", [n.add("TensorListConcatV2", [made, shape, n.const(np.zeros(0, np.int32))], **kinds)])
        n.want = [-np.concatenate(parts)]
    return n
