"""Recurrent cells and TensorFlow's operator that runs one over a sequence, after TensorFlow's definition."""
import numpy as np

from tf_kinds.graph import *


def lstm(x, memory, h, w, peep, b, order, forget_bias, clip):
    """A step: in, memory, forget, out, candidate, tanh(memory), h."""
    gates = dict(zip(order, np.split(np.concatenate([x, h], 1) @ w + b, 4, 1)))
    i = sigmoid(gates["i"] + memory * peep[0])
    f = sigmoid(gates["f"] + forget_bias + memory * peep[1])
    c = np.tanh(gates["c"])
    memory = c * i + memory * f
    if clip > 0:
        memory = np.clip(memory, -clip, clip)
    o = sigmoid(gates["o"] + memory * peep[2])
    return [i, memory, f, o, c, np.tanh(memory), np.tanh(memory) * o]


@kind("LSTMBlockCell", "BlockLSTM", "BlockLSTMV2")
def lstm_ops(r, name):
    n, batch, columns, k, steps = Net(r), r.int(1, 3), r.int(1, 4), r.int(1, 4), r.int(1, 5)
    x, memory, h = r.array(steps, batch, columns), r.array(batch, k), r.array(batch, k)
    w, b, peep = r.array(columns + k, 4 * k), r.array(4 * k), [r.array(k) for _ in range(3)]
    sees, clip, bias = r.flag(), r.one(-1.0, 0.4), 0.0 if name[-1] == "2" else r.one(0.0, 1.0)
    weights = [n.const(a) for a in [w] + peep + [b]]
    attrs = dict(use_peephole=sees, cell_clip=clip, **({} if name[-1] == "2" else {"forget_bias": bias}))
    given = n.input(x[0] if name[0] == "L" else x)
    state = [n.input(memory), n.input(h)]
    if name[0] == "L":
        at = n.add(name, [given] + state + weights, **attrs)
    else:
        at = n.add(name, [n.add("Const", value=np.array(steps), dtype=Type(I64)), given] + state + weights, **attrs)
    for port in range(7):
        n.add("Neg", ["%s:%d" % (at, port) if port else at])
    rows = []
    for row in x:
        rows.append(lstm(row, memory, h, w, peep if sees else [0, 0, 0], b, "ifco" if name[-1] == "2" else "icfo", bias, clip))
        memory, h = rows[-1][1], rows[-1][6]
    n.want = [-a for a in rows[0]] if name[0] == "L" else [-np.stack([row[i] for row in rows]) for i in range(7)]
    return n


@kind("GRUBlockCell")
def gru(r, name):
    n, batch, columns, k = Net(r), r.int(1, 3), r.int(1, 4), r.int(1, 4)
    x, h = r.array(batch, columns), r.array(batch, k)
    w, v, b, d = r.array(columns + k, 2 * k), r.array(columns + k, k), r.array(2 * k), r.array(k)
    at = n.add(name, [n.input(x), n.input(h)] + [n.const(a) for a in (w, v, b, d)])
    for port in range(4):
        n.add("Neg", ["%s:%d" % (at, port) if port else at])
    reset, update = np.split(sigmoid(np.concatenate([x, h], 1) @ w + b), 2, 1)
    c = np.tanh(np.concatenate([x, h * reset], 1) @ v + d)
    n.want = [-reset, -update, -c, -(update * h + (1 - update) * c)]
    return n
