"""Writes well-formed ONNX models that break an operator's rules: element types, shapes, attributes
and missing inputs, one change a model. For the program `fuzz`, built with the sanitizers:

    python3 mutate_onnx.py FOLDER SEED COUNT MODEL...     COUNT variants of each
    find FOLDER -name '*.onnx' -print0 | xargs -0 fuzz 1 1
"""
import copy
import os
import random
import sys

import onnx

TYPES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16]
NUMBERS = [-(2**63), -(2**31), -1000, -3, -2, -1, 0, 1, 2, 3, 4, 7, 64, 1000, 2**31, 2**40, 2**63 - 1]
FLOATS = [float("nan"), float("inf"), -1.0, 0.0, 0.5, 1e30, -1e-30]


def change_type(graph):
    value = random.choice(list(graph.input))
    value.type.tensor_type.elem_type = random.choice(TYPES)


def change_shape(graph):
    value = random.choice(list(graph.input))
    dims = value.type.tensor_type.shape.dim
    what = random.randrange(5)
    if what == 0 and len(dims):
        del dims[random.randrange(len(dims))]
    elif what == 1:
        dims.insert(0, onnx.TensorShapeProto.Dimension(dim_value=random.choice([0, 1, 2, 3])))
    elif what == 2 and len(dims):
        random.choice(dims).dim_value = random.choice([0, 1, 2, 3, 5, 17, 1000])
    elif what == 3:
        for dim in dims:
            dim.dim_value = random.choice([0, 1, 2, 5])
    elif len(dims):
        random.choice(dims).dim_param = "n"


def change_attribute(graph):
    node = random.choice(list(graph.node))
    if not node.attribute:
        return change_shape(graph) if graph.input else None
    a = random.choice(list(node.attribute))
    what = random.randrange(4)
    if what == 0:
        node.attribute.remove(a)
    elif a.type == onnx.AttributeProto.INT:
        a.i = random.choice(NUMBERS)
    elif a.type == onnx.AttributeProto.FLOAT:
        a.f = random.choice(FLOATS)
    elif a.type == onnx.AttributeProto.INTS:
        if what == 1 or not a.ints:
            a.ints.append(random.choice(NUMBERS))
        elif what == 2:
            del a.ints[-1]
        else:
            a.ints[random.randrange(len(a.ints))] = random.choice(NUMBERS)
    elif a.type == onnx.AttributeProto.STRING:
        a.s = random.choice([b"", b"nonsense", b"SAME_UPPER", b"linear"])
    return None


def change_inputs(graph):
    node = random.choice(list(graph.node))
    names = [v.name for v in graph.input] + [""]
    what = random.randrange(3)
    if what == 0 and node.input:
        node.input[random.randrange(len(node.input))] = random.choice(names)
    elif what == 1:
        node.input.append(random.choice(names))
    elif node.input:
        del node.input[-1]


def change_constant(graph):
    """An input becomes a constant with other contents."""
    value = random.choice(list(graph.input))
    kind = value.type.tensor_type.elem_type
    dims = [d.dim_value for d in value.type.tensor_type.shape.dim]
    count = 1
    for d in dims:
        count *= d
    if kind not in (1, 6, 7) or count > 100000:
        return
    values = [random.choice(NUMBERS if kind == 7 else [-7, -1, 0, 1, 2, 9]) for _ in range(count)]
    graph.initializer.append(onnx.helper.make_tensor(value.name, kind, dims, values))
    graph.input.remove(value)


CHANGES = [change_type, change_shape, change_attribute, change_inputs, change_constant]


def main():
    folder, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.makedirs(folder, exist_ok=True)
    random.seed(seed)
    for path in sys.argv[4:]:
        original = onnx.load(path)
        if not original.graph.node:
            continue
        name = os.path.basename(os.path.dirname(path)) or "model"
        for i in range(count):
            model = copy.deepcopy(original)
            for _ in range(random.choice([1, 1, 2, 3])):
                change = random.choice(CHANGES)
                if model.graph.input or change in (change_attribute, change_inputs):
                    change(model.graph)
            with open(os.path.join(folder, "%s_%03d.onnx" % (name, i)), "wb") as file:
                file.write(model.SerializeToString())


main()
