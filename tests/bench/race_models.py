"""Models of one operator each, for race.py: every operator that we run, with shapes as networks
have them, and along every kind of axis.

A model is case(OP, INPUT..., attribute=value...). An input is "1x3x640x640" (float32, random),
"i64:1x128" (another type; integers are 1 for both engines), an array or a number (a constant), or
None (left out). name= tells cases apart, outs= is the number of outputs, like= the opset.
"""
import os

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

TYPES = {"f32": TensorProto.FLOAT, "f16": TensorProto.FLOAT16, "f64": TensorProto.DOUBLE,
         "i64": TensorProto.INT64, "i32": TensorProto.INT32, "u8": TensorProto.UINT8,
         "i8": TensorProto.INT8, "bool": TensorProto.BOOL}
IMAGE, DEEP, PICTURE, TEXT, BOXES = "1x64x56x56", "1x256x28x28", "1x3x640x640", "1x128x768", "1x8400x85"
RANDOM = numpy.random.RandomState(1)
CASES = {}


def floats(*shape):
    return RANDOM.rand(*shape).astype(numpy.float32)


def longs(*values):
    return numpy.array(values, numpy.int64)


def below(limit, *shape):
    return RANDOM.randint(0, limit, shape).astype(numpy.int64)


def label(op, inputs, attributes):
    words = [op] + [i if isinstance(i, str) else "" if i is None else
                    "x".join(map(str, i.shape)) + "*" if i.size > 4 else str(i.tolist())
                    for i in inputs]
    words += ["%s=%s" % (k, v) for k, v in attributes.items() if not hasattr(v, "node")]
    return " ".join(" ".join(words).replace(", ", ",").split())


def case(op, *inputs, name=None, outs=1, like=17, **attributes):
    inputs = [numpy.asarray(i) if i is not None and not isinstance(i, str) else i for i in inputs]
    given, constants, names = [], [], []
    for at, value in enumerate(inputs):
        names.append("" if value is None else "x%d" % at)
        if isinstance(value, str):
            kind, _, dims = value.rpartition(":")
            shape = [int(d) for d in dims.split("x") if d != "scalar"]
            given.append(helper.make_tensor_value_info("x%d" % at, TYPES[kind or "f32"], shape))
        elif value is not None:
            constants.append(numpy_helper.from_array(value, "x%d" % at))
    node = helper.make_node(op, names, ["y%d" % i for i in range(outs)], **attributes)
    results = [onnx.ValueInfoProto(name=n) for n in node.output]
    graph = helper.make_graph([node], "race", given, results, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", like)])
    model.ir_version = 10
    text = name and "%s %s" % (op, name) or label(op, inputs, attributes)
    assert text not in CASES, text
    CASES[text] = model


def elementwise():
    for op in ("Abs Neg Floor Ceil Round Sign Sqrt Reciprocal Exp Log Erf Sin Cos Tan Asin Acos Atan "
               "Sinh Cosh Tanh Acosh Asinh Atanh Relu LeakyRelu Elu Selu Celu Sigmoid HardSigmoid "
               "HardSwish Softplus Softsign ThresholdedRelu Identity Dropout").split():
        case(op, IMAGE)
    for op, like in (("Gelu", 20), ("Mish", 18), ("IsNaN", 13), ("IsInf", 10), ("Shrink", 9)):
        case(op, IMAGE, like=like)
    case("Gelu", TEXT, approximate="tanh", like=20)
    case("Relu", TEXT)
    case("Relu", "i32:1x64x56x56")
    for op, kind in (("Abs", "i64"), ("Neg", "i64"), ("Sign", "i64"), ("Neg", "i32"), ("Abs", "i8")):
        case(op, kind + ":1x64x56x56")
    case("Not", "bool:1x64x56x56")
    case("Clip", IMAGE, numpy.float32(0), numpy.float32(6))
    case("Clip", "i64:1x64x56x56", numpy.int64(0), numpy.int64(6))
    case("PRelu", IMAGE, floats(64, 1, 1))
    case("PRelu", IMAGE, floats(1))
    case("BitwiseNot", "i32:1x64x56x56", like=18)


def broadcasting():
    shapes = ((IMAGE, IMAGE), (IMAGE, floats(1)), (IMAGE, floats(64, 1, 1)), (IMAGE, floats(56)),
              (IMAGE, "1x64x1x1"), (IMAGE, "1x1x56x56"), (IMAGE, "1x64x56x1"), (IMAGE, "1x1x1x56"),
              ("1x64x56x1", "1x64x1x56"), ("128x1", "1x768"), (TEXT, floats(768)), (TEXT, "1x128x1"),
              ("1x12x128x128", "1x1x1x128"), ("1x12x128x128", "1x1x128x128"), ("1", TEXT))
    for a, b in shapes:
        case("Add", a, b)
        case("Div", b, a)
    for op in ("Sub", "Mul", "Max", "Min", "Pow", "Mod"):
        case(op, IMAGE, IMAGE, **({"fmod": 1} if op == "Mod" else {}))
        if op not in ("Max", "Min"):
            case(op, IMAGE, floats(64, 1, 1), **({"fmod": 1} if op == "Mod" else {}))
    for power in (2, 0.5, -0.5, 3, 2.2):
        case("Pow", TEXT, numpy.float32(power))
    for op in ("Add", "Sub", "Mul", "Div", "Mod", "Max", "Min", "Pow"):
        case(op, "i64:1x64x56x56", "i64:1x64x56x56")
        case(op, "i32:1x64x56x56", numpy.int32(3))
    case("Add", "f16:1x64x56x56", "f16:1x64x56x56")
    case("Mul", "f64:1x64x56x56", "f64:1x64x56x56")
    for op in ("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"):
        case(op, IMAGE, IMAGE)
        case(op, IMAGE, numpy.float32(0.5))
        case(op, "i64:1x64x56x56", numpy.int64(3))
    case("Equal", "i64:1x128x1", "i64:1x1x128")
    case("Equal", "i32:1x64x56x56", "i32:1x64x56x56")
    for op in ("And", "Or", "Xor"):
        case(op, "bool:1x64x56x56", "bool:1x64x56x56")
    case("And", "bool:1x128x1", "bool:1x1x128")
    for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
        case(op, "i32:1x64x56x56", "i32:1x64x56x56", like=18)
    case("BitShift", "u8:1x64x56x56", "u8:1x64x56x56", direction="RIGHT")
    case("Where", "bool:1x64x56x56", IMAGE, IMAGE)
    case("Where", "bool:1x64x56x56", IMAGE, numpy.float32(0))
    case("Where", "bool:1x1x128x128", "1x12x128x128", numpy.float32(-1e9))
    case("Where", "bool:1x64x1x1", IMAGE, IMAGE)
    case("Where", "bool:1x64x56x56", "i64:1x64x56x56", "i64:1x64x56x56")
    case("Where", "bool:1x64x56x56", "u8:1x64x56x56", "u8:1x64x56x56")
    for op in ("Sum", "Mean", "Max", "Min"):
        case(op, IMAGE, IMAGE, IMAGE)
    case("Sum", IMAGE, "1x64x1x1", "56")


def casts():
    kinds = ("f32", "i64", "i32", "u8", "i8", "bool", "f16", "f64")
    for a in kinds:
        for b in kinds:
            if a != b and {a, b} & {"f32", "i64", "u8", "bool"}:
                case("Cast", a + ":1x64x56x56", to=TYPES[b], name="%s to %s" % (a, b))
    case("CastLike", IMAGE, "i64:1")


def moving():
    for perm in ([0, 2, 3, 1], [0, 3, 1, 2], [0, 1, 3, 2], [0, 2, 1, 3], [3, 2, 1, 0], [1, 0, 2, 3]):
        case("Transpose", IMAGE, perm=perm)
    for shape, perm in (("1x128x12x64", [0, 2, 1, 3]), ("1x12x128x64", [0, 1, 3, 2]),
                        ("1x128x12x64", [0, 2, 3, 1]), ("1x3x640x640", [0, 2, 3, 1]),
                        ("1x640x640x3", [0, 3, 1, 2]), ("768x3072", [1, 0]), ("1x85x8400", [0, 2, 1]),
                        ("1x8400x85", [0, 2, 1]), ("1x3x85x80x80", [0, 1, 3, 4, 2]),
                        ("1x2x58x28x28", [0, 2, 1, 3, 4]), ("8x7x8x7x96", [0, 2, 1, 3, 4])):
        case("Transpose", shape, perm=perm)
    for kind in ("u8", "i64", "f16", "f64"):
        case("Transpose", kind + ":1x64x56x56", perm=[0, 2, 3, 1])
        case("Transpose", kind + ":1x640x640x3", perm=[0, 3, 1, 2])
    for axis in (1, 2, 3):
        case("Concat", IMAGE, IMAGE, axis=axis)
        case("Split", IMAGE, axis=axis, outs=2)
    case("Concat", "1x128x1", "1x128x1", "1x128x1", "1x128x1", axis=-1)
    case("Concat", "1x8400x4", "1x8400x1", "1x8400x80", axis=2)
    case("Concat", *["i64:1x64x56x56"] * 2, axis=3, name="i64 inner")
    case("Split", "1x8400x85", longs(2, 2, 1, 80), axis=2, outs=4)
    case("Split", "1x128x2304", axis=2, outs=3)
    for axis, step in ((1, 1), (2, 1), (3, 1), (1, 2), (2, 2), (3, 2), (3, -1), (2, -1)):
        start, end = (-1, -9999) if step < 0 else (step == 1, 9999)
        case("Slice", IMAGE, longs(start), longs(end), longs(axis), longs(step), name="axis %d step %d" % (axis, step))
    case("Slice", PICTURE, longs(0, 0), longs(640, 640), longs(2, 3), longs(2, 2), name="focus")
    case("Slice", BOXES, longs(5), longs(85), longs(2), name="classes")
    case("Gather", IMAGE, below(64, 32), axis=1)
    case("Gather", IMAGE, below(56, 28), axis=3)
    case("Gather", IMAGE, numpy.int64(1), axis=2)
    case("Gather", "30522x768", below(30522, 1, 128), axis=0)
    case("Gather", "8400x4", below(8400, 300), axis=0)
    case("Gather", "i64:8400x4", below(8400, 300), axis=0)
    case("GatherElements", BOXES, below(8400, 1, 300, 85), axis=1)
    case("GatherElements", "1x128x768", below(768, 1, 128, 64), axis=2)
    case("GatherElements", "100000", below(100000, 100000), axis=0)
    case("GatherND", "8400x85", numpy.stack([below(8400, 3000), below(85, 3000)], 1))
    case("GatherND", IMAGE, below(1, 100, 1))
    case("GatherND", "8400x4", below(8400, 300, 1))
    case("ScatterND", "8400x85", below(8400, 300, 1), "300x85")
    case("ScatterND", "1x128x768", numpy.stack([0 * below(1, 3000), below(128, 3000), below(768, 3000)], 1), "3000")
    case("ScatterND", "1x128x768", numpy.stack([0 * below(1, 3000), below(128, 3000), below(768, 3000)], 1), "3000", reduction="add")
    case("ScatterElements", "1x8400x85", below(8400, 1, 300, 85), "1x300x85", axis=1)
    case("ScatterElements", "1x8400x85", below(85, 1, 8400, 1), "1x8400x1", axis=2)
    case("ScatterElements", "1x8400x85", below(8400, 1, 300, 85), "1x300x85", axis=1, reduction="add")
    for mode in ("constant", "edge", "reflect"):
        case("Pad", IMAGE, longs(0, 0, 1, 1, 0, 0, 1, 1), mode=mode)
        case("Pad", PICTURE, longs(0, 0, 3, 3, 0, 0, 3, 3), mode=mode)
    case("Pad", TEXT, longs(0, 0, 0, 0, 64, 0))
    case("Pad", "u8:1x64x56x56", longs(0, 0, 1, 1, 0, 0, 1, 1))
    for repeat in ((1, 1, 2, 2), (1, 2, 1, 1), (1, 1, 1, 3)):
        case("Tile", IMAGE, longs(*repeat))
    case("Tile", "1x1x768", longs(1, 128, 1))
    case("Tile", "128x1", longs(1, 768))
    case("Expand", "1x64x1x1", longs(1, 64, 56, 56))
    case("Expand", "1x1x1x56", longs(1, 64, 56, 56))
    case("Expand", "1x64x56x1", longs(1, 64, 56, 56))
    case("Expand", "bool:1x1x1x128", longs(1, 12, 128, 128))
    case("Reshape", IMAGE, longs(1, 64, -1))
    case("Flatten", IMAGE)
    case("Squeeze", IMAGE, longs(0))
    case("Unsqueeze", IMAGE, longs(0))
    for mode in ("DCR", "CRD"):
        case("DepthToSpace", "1x64x56x56", blocksize=2, mode=mode)
    case("SpaceToDepth", "1x64x56x56", blocksize=2)
    case("SpaceToDepth", PICTURE, blocksize=2)
    case("Trilu", "1x12x128x128", upper=0)
    case("ReverseSequence", "50x8x256", longs(*[50] * 8))
    case("ReverseSequence", "8x50x256", longs(*[40] * 8), batch_axis=0, time_axis=1)
    case("CenterCropPad", IMAGE, longs(48, 48), axes=[2, 3], like=18)
    case("Compress", "8400x4", RANDOM.rand(8400) < 0.1, axis=0)
    case("Compress", "8400x85", RANDOM.rand(8400) < 0.1, axis=0)


def reducing():
    for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1",
               "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"):
        for axes in ([1], [2, 3], [3], [2]):
            if op == "ReduceSum":
                case(op, IMAGE, longs(*axes))
            else:
                case(op, IMAGE, axes=axes)
    for op in ("ReduceMean", "ReduceMax"):
        case(op, TEXT, axes=[2])
        case(op, TEXT, axes=[1])
        case(op, BOXES, axes=[2])
        case(op, "1x85x8400", axes=[1])
        case(op, IMAGE, name="all")
    case("ReduceMean", IMAGE, axes=[1, 3])
    case("ReduceMean", IMAGE, axes=[0, 2])
    case("ReduceSum", "i64:1x64x56x56", longs(3))
    case("ReduceMax", "i64:1x64x56x56", axes=[1])
    case("ReduceSum", "i32:1x64x56x56", longs(2, 3))
    case("ReduceMax", "u8:1x64x56x56", axes=[3])
    for op in ("ArgMax", "ArgMin"):
        for shape, axis in ((IMAGE, 1), (IMAGE, 3), ("1x8400x80", 2), ("1x21x512x512", 1), ("1x1000", 1),
                            ("1x17x4096", 2)):
            if op == "ArgMax" or shape == IMAGE:
                case(op, shape, axis=axis)
    for shape, axis in ((IMAGE, 1), (IMAGE, 2), (IMAGE, 3), ("1x100000", 1)):
        case("CumSum", shape, longs(axis).reshape(()))
    case("CumSum", "i64:1x128", numpy.int64(1))
    case("CumSum", "i64:8x4096", numpy.int64(1))
    for shape, axis in ((IMAGE, 1), (TEXT, 2), ("1x12x128x128", 3), ("1x1000", 1), ("1x8400x80", 2),
                        ("1x4x16x8400", 2), ("1x21x512x512", 1)):
        case("Softmax", shape, axis=axis)
    case("LogSoftmax", TEXT, axis=2)
    case("LogSoftmax", IMAGE, axis=1)
    case("Hardmax", TEXT, axis=2)
    case("Hardmax", IMAGE, axis=1)
    for shape, count, axis in (("8400", 300, 0), ("100000", 1000, 0), ("1x8400", 100, 1), ("1x1000", 5, 1),
                               ("8400x80", 1, 1), ("1x100x128", 10, 1), ("100000", 100000, 0)):
        case("TopK", shape, longs(count), axis=axis, outs=2)
    case("TopK", "1x8400", longs(100), axis=1, largest=0, sorted=0, outs=2)


def normalising():
    for shape in (IMAGE, DEEP, "1x32x256x256"):
        channels = int(shape.split("x")[1])
        case("InstanceNormalization", shape, floats(channels), floats(channels))
        case("GroupNormalization", shape, floats(channels), floats(channels), num_groups=8, like=21)
    case("InstanceNormalization", "1x64x1024", floats(64), floats(64))
    case("BatchNormalization", IMAGE, *[floats(64) for _ in range(4)])
    case("BatchNormalization", "128x768", *[floats(768) for _ in range(4)])
    for shape, axis in ((TEXT, -1), ("1x3136x96", -1), (IMAGE, 1)):
        sizes = [int(n) for n in shape.split("x")][axis:]
        case("LayerNormalization", shape, floats(*sizes), floats(*sizes), axis=axis)
    case("RMSNormalization", TEXT, floats(768), axis=-1, like=23)
    for p in (1, 2):
        case("LpNormalization", TEXT, axis=2, p=p)
        case("LpNormalization", IMAGE, axis=1, p=p)
    case("MeanVarianceNormalization", IMAGE)
    case("LRN", "1x64x56x56", size=5)
    case("LRN", "1x96x27x27", size=5)


def windows():
    for kernel, stride, pad in ((3, 2, 1), (2, 2, 0), (3, 1, 1), (5, 1, 2), (13, 1, 6), (7, 7, 0)):
        for op in ("MaxPool", "AveragePool"):
            case(op, IMAGE, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4)
    case("MaxPool", IMAGE, kernel_shape=[1, 3], strides=[1, 2])
    case("AveragePool", IMAGE, kernel_shape=[3, 1], strides=[1, 1])
    case("MaxPool", "1x64x1024", kernel_shape=[3], strides=[2])
    case("AveragePool", "1x64x1024", kernel_shape=[3], strides=[2])
    case("MaxPool", "1x16x16x56x56", kernel_shape=[2] * 3, strides=[2] * 3)
    case("AveragePool", "1x16x16x56x56", kernel_shape=[2] * 3, strides=[2] * 3)
    case("MaxPool", IMAGE, kernel_shape=[2] * 2, strides=[2] * 2, outs=2)
    case("MaxPool", IMAGE, kernel_shape=[3] * 2, dilations=[2] * 2)
    case("MaxPool", "u8:1x64x56x56", kernel_shape=[3] * 2, strides=[2] * 2)
    case("LpPool", IMAGE, kernel_shape=[3] * 2, strides=[2] * 2, p=2)
    for op in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"):
        case(op, IMAGE)
        case(op, "1x512x7x7")
    case("MaxUnpool", "1x64x28x28", (numpy.arange(64 * 28 * 28) * 4).reshape(1, 64, 28, 28), kernel_shape=[2, 2], strides=[2, 2])
    for mode in ("nearest", "linear", "cubic"):
        for shape, scale in ((IMAGE, 2), (DEEP, 2), (IMAGE, 0.5), (PICTURE, 0.35)):
            case("Resize", shape, None, numpy.array([1, 1, scale, scale], numpy.float32), mode=mode)
    case("Resize", IMAGE, None, None, longs(1, 64, 112, 112), mode="linear", coordinate_transformation_mode="align_corners")
    case("Resize", IMAGE, None, numpy.array([1, 1, 2, 2], numpy.float32), mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    case("Resize", "u8:1x640x640x3", None, numpy.array([1, .35, .35, 1], numpy.float32), mode="linear", name="u8 pixels")
    case("Resize", "1x64x1024", None, numpy.array([1, 1, 2], numpy.float32), mode="linear")
    case("Upsample", IMAGE, numpy.array([1, 1, 2, 2], numpy.float32), mode="nearest", like=9)
    for mode in ("bilinear", "nearest", "bicubic"):
        case("GridSample", IMAGE, "1x56x56x2", mode=mode)
    case("GridSample", "1x3x256x256", floats(1, 256, 256, 2) * 2 - 1, mode="bilinear")
    corners = floats(100, 4) * 28
    corners[:, 2:] += corners[:, :2]
    case("RoiAlign", DEEP, corners, longs(*[0] * 100), output_height=7, output_width=7, sampling_ratio=2)
    case("MaxRoiPool", DEEP, numpy.concatenate([floats(100, 1) * 0, corners], 1), pooled_shape=[7, 7])
    case("AffineGrid", "1x2x3", longs(1, 3, 224, 224), like=20)
    case("Col2Im", "1x576x784", longs(28, 28), longs(3, 3), pads=[1] * 4, like=18)
    case("DeformConv", "1x64x28x28", floats(64, 64, 3, 3), "1x18x28x28", pads=[1] * 4, like=19)


def detecting():
    centre = floats(1, 8400, 2) * 640
    size = floats(1, 8400, 2) * 60 + 4
    boxes = numpy.concatenate([centre - size / 2, centre + size / 2], 2)
    case("NonMaxSuppression", boxes, "1x80x8400", longs(100), numpy.float32(0.45), numpy.float32(0.999), name="8400 boxes, 80 classes, above 0.999")
    case("NonMaxSuppression", boxes, "1x80x8400", longs(100), numpy.float32(0.45), numpy.float32(0.9), name="8400 boxes, 80 classes, above 0.9")
    case("NonMaxSuppression", boxes, "1x1x8400", longs(300), numpy.float32(0.5), numpy.float32(0.25), name="8400 boxes, 1 class, above 0.25")
    case("NonZero", "bool:1x8400", name="bool:1x8400")
    case("NonZero", "bool:1x64x56x56")
    case("NonZero", "1x64x56x56")
    case("Unique", "100000", outs=1)
    case("Unique", "i64:8400", outs=4)
    case("OneHot", "i64:128", numpy.int64(1000), numpy.array([0, 1], numpy.float32))
    case("EyeLike", "1000x1000")
    case("Range", numpy.int64(0), "i64:scalar", numpy.int64(1))
    case("ConstantOfShape", "i64:4", name="1x1x1x1")
    case("Shape", IMAGE)
    case("Size", IMAGE)


def recurrent():
    for op, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        for steps, inputs, hidden, ways in ((50, 64, 64, 1), (50, 128, 128, 2), (100, 256, 256, 1), (50, 512, 512, 1), (1, 128, 128, 1)):
            more = {"direction": "bidirectional"} if ways == 2 else {}
            if op == "GRU":
                more["linear_before_reset"] = 1
            case(op, "%dx1x%d" % (steps, inputs), floats(ways, gates * hidden, inputs) - 0.5,
                 floats(ways, gates * hidden, hidden) - 0.5, floats(ways, 2 * gates * hidden) - 0.5,
                 hidden_size=hidden, **more)
        case(op, "50x16x128", floats(1, gates * 128, 128) - 0.5, floats(1, gates * 128, 128) - 0.5, hidden_size=128)
    case("GRU", "50x1x128", floats(1, 384, 128) - 0.5, floats(1, 384, 128) - 0.5, hidden_size=128, name="reset first")


def products():
    for a, b in ((TEXT, floats(768, 768)), ("1x12x128x64", "1x12x64x128"), ("1x1x768", floats(768, 768)),
                 ("1x768", floats(768, 3072)), ("8400x80", floats(80)), ("8x1x64", "8x64x128"), ("64x64x16", "64x16x64")):
        case("MatMul", a, b)
    case("Gemm", "1x512", floats(1000, 512), floats(1000), transB=1)
    case("Gemm", "64x512", floats(1000, 512), floats(1000), transB=1)
    case("Gemm", "512x64", "512x64", transA=1)
    for text, a, b in (("bhid,bhjd->bhij", "1x12x128x64", "1x12x128x64"), ("bij,jk->bik", TEXT, "768x768"),
                       ("bchw,bkc->bkhw", IMAGE, "1x10x64"), ("i,j->ij", "512", "512"), ("bij,bij->bi", TEXT, TEXT)):
        case("Einsum", a, b, equation=text)
    case("Einsum", "1x128x768", equation="bij->bji")
    case("MatMulInteger", "u8:1x128x768", RANDOM.randint(0, 255, (768, 768)).astype(numpy.uint8), numpy.uint8(3), numpy.uint8(128))
    case("QLinearMatMul", "u8:1x128x768", numpy.float32(.01), numpy.uint8(128), RANDOM.randint(0, 255, (768, 768)).astype(numpy.uint8), numpy.float32(.01), numpy.uint8(128), numpy.float32(.5), numpy.uint8(128))
    case("QuantizeLinear", IMAGE, numpy.float32(0.01), numpy.uint8(128))
    case("QuantizeLinear", IMAGE, floats(64) + 0.01, numpy.zeros(64, numpy.int8), axis=1)
    case("DequantizeLinear", "u8:1x64x56x56", numpy.float32(0.01), numpy.uint8(128))
    case("DequantizeLinear", "i8:1x64x56x56", floats(64), numpy.zeros(64, numpy.int8), axis=1)
    case("DynamicQuantizeLinear", IMAGE, outs=3)
    weights = RANDOM.randint(0, 255, (64, 64, 3, 3)).astype(numpy.uint8)
    case("QLinearConv", "u8:1x64x56x56", numpy.float32(.01), numpy.uint8(128), weights, numpy.float32(.01), numpy.uint8(128), numpy.float32(.5), numpy.uint8(128), pads=[1] * 4)
    case("ConvInteger", "u8:1x64x56x56", weights, numpy.uint8(128), numpy.uint8(128), pads=[1] * 4)
    for weight, group, stride in ((64, 1, 1), (64, 1, 2), (64, 64, 1), (64, 4, 1)):
        case("Conv", IMAGE, floats(64, weight // group, 3, 3), pads=[1] * 4, group=group, strides=[stride] * 2)
    case("Conv", "1x64x1024", floats(64, 64, 3), pads=[1, 1])
    case("Conv", "1x64x1024", floats(64, 1, 31), pads=[15, 15], group=64)
    case("Conv", "1x16x16x56x56", floats(16, 16, 3, 3, 3), pads=[1] * 6)
    case("ConvTranspose", "1x64x28x28", floats(64, 32, 2, 2), strides=[2] * 2)
    case("ConvTranspose", "1x64x28x28", floats(64, 32, 4, 4), strides=[2] * 2, pads=[1] * 4)
    case("Det", "128x4x4")
    case("Det", "8x64x64")


def signals():
    for size in (512, 400):
        case("DFT", "1x100x%dx1" % size, axis=2, onesided=1)
    case("DFT", "1x100x512x2", axis=2)
    case("STFT", "1x16000x1", numpy.int64(160), floats(512), numpy.int64(512), onesided=1)
    case("HannWindow", "i64:scalar", name="1")
    case("Bernoulli", IMAGE)
    case("RandomNormalLike", IMAGE)
    case("RandomUniformLike", IMAGE)
    case("Multinomial", "1x1000", sample_size=100)
    case("NegativeLogLikelihoodLoss", "8x1000", below(1000, 8))
    case("SoftmaxCrossEntropyLoss", "8x1000", below(1000, 8))
    case("RotaryEmbedding", "1x12x128x64", floats(1, 128, 32), floats(1, 128, 32), like=23)
    case("Attention", "1x12x128x64", "1x12x128x64", "1x12x128x64", like=23)


def chain(name, count, op, shape, *constants):
    """`count` operators one behind the other, for what a step costs."""
    nodes = [helper.make_node(op, ["x%d" % i] + ["c%d" % k for k in range(len(constants))],
                              ["x%d" % (i + 1)]) for i in range(count)]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "race", [value("x0", 1, shape)], [value("x%d" % count, 1, shape)],
                              [numpy_helper.from_array(c, "c%d" % k) for k, c in enumerate(constants)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 10
    CASES["%d times %s" % (count, name)] = model


def write(folder):
    """{label: path} of all models, written into the folder."""
    for part in (elementwise, broadcasting, casts, moving, reducing, normalising, windows, detecting,
                 recurrent, products, signals):
        part()
    chain("Sin of a number", 1000, "Sin", [])
    chain("Add of a number", 1000, "Add", [1], floats(1))
    chain("Pow of 64", 200, "Pow", [64], floats(64))
    os.makedirs(folder, exist_ok=True)
    paths = {}
    for at, (text, model) in enumerate(CASES.items()):
        paths[text] = os.path.join(folder, "%03d.onnx" % at)
        onnx.save(model, paths[text])
    return paths
