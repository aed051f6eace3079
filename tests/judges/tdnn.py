"""The library under test, through ctypes, for the judges that compare it with OpenCV.

Each judge is a program: it prints "NAME: N passed, N failed" and exits 0, or 1 if any failed, or 77
(skipped) when the module it compares with is not installed. The library is $TDNN_LIB, else
build/libtinydnn.so.
"""
import ctypes as C
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = 77

try:
    import cv2
    import numpy as np
except ImportError as missing:
    print("skipped: %s" % missing)
    sys.exit(SKIPPED)

GRAY8, BGR8, RGB8, BGRA8, RGBA8, GRAYF, BGRF, BGRAF = 1, 3, 0x13, 4, 0x14, 0x21, 0x23, 0x24
STRETCH, CROP, LETTERBOX = 0, 1, 2
F32, U8 = 1, 2


class Error(C.Structure):
    _fields_ = [("status", C.c_int), ("where", C.c_char * 160), ("message", C.c_char * 512),
                ("origin", C.c_char_p)]


class Image(C.Structure):
    _fields_ = [("data", C.c_void_p), ("width", C.c_int), ("height", C.c_int),
                ("stride", C.c_ssize_t), ("pixels", C.c_int)]


class Bytes(C.Structure):
    _fields_ = [("data", C.c_char_p), ("size", C.c_size_t)]


class BlobParams(C.Structure):
    _fields_ = [("width", C.c_int), ("height", C.c_int), ("swap_rb", C.c_bool),
                ("mean", C.c_float * 4), ("scale", C.c_float * 4), ("std", C.c_float * 4),
                ("fit", C.c_int), ("border", C.c_float), ("nhwc", C.c_bool), ("dtype", C.c_int)]


class Shape(C.Structure):
    _fields_ = [("ndim", C.c_int), ("dim", C.c_int64 * 8)]


class NmsParams(C.Structure):
    _fields_ = [("min_score", C.c_float), ("max_overlap", C.c_float), ("eta", C.c_float),
                ("top_k", C.c_size_t), ("soft", C.c_int), ("sigma", C.c_float)]


lib = C.CDLL(os.environ.get("TDNN_LIB", os.path.join(ROOT, "build", "libtinydnn.so")))
for name in ("tdnn_tensor_shape", "tdnn_tensor_const_data"):
    if hasattr(lib, name):
        getattr(lib, name).restype = C.c_void_p
        getattr(lib, name).argtypes = [C.c_void_p]


class Failure(Exception):
    pass


def check(status, error):
    if status:
        where = error.where.decode()
        raise Failure((where + ": " if where else "") + error.message.decode())


def image_array(image):
    """The pixels of a tdnn_image *, copied."""
    i = image.contents
    channels = i.pixels & 15
    data = np.ctypeslib.as_array(C.cast(i.data, C.POINTER(C.c_uint8)), (i.height, i.stride))
    data = data[:, :i.width * channels].copy()
    return data if channels == 1 else data.reshape(i.height, i.width, channels)


def decode(data, pixels):
    out, error = C.POINTER(Image)(), Error()
    check(lib.tdnn_image_decode(Bytes(data, len(data)), pixels, C.byref(out), C.byref(error)), error)
    result = image_array(out)
    lib.tdnn_image_free(out)
    return result


def image_of(array):
    """Describes a numpy image (kept alive by the caller)."""
    channels = 1 if array.ndim == 2 else array.shape[2]
    pixels = {(1, 1): GRAY8, (1, 3): BGR8, (1, 4): BGRA8,
              (4, 1): GRAYF, (4, 3): BGRF, (4, 4): BGRAF}[array.itemsize, channels]
    return Image(array.ctypes.data, array.shape[1], array.shape[0], array.strides[0], pixels)


def blob(arrays, params):
    images = (Image * len(arrays))(*[image_of(a) for a in arrays])
    out, error = C.c_void_p(), Error()
    check(lib.tdnn_blob_from_images(images, C.c_size_t(len(arrays)), C.byref(params), C.byref(out),
                                    None, C.byref(error)), error)
    shape = C.cast(lib.tdnn_tensor_shape(out), C.POINTER(Shape)).contents
    dims = [shape.dim[i] for i in range(shape.ndim)]
    ctype = C.c_float if params.dtype == F32 else C.c_uint8
    data = C.cast(lib.tdnn_tensor_const_data(out), C.POINTER(ctype))
    result = np.ctypeslib.as_array(data, dims).copy()
    lib.tdnn_tensor_release(out)
    return result


def blob_params():
    params = BlobParams()
    lib.tdnn_blob_params_init(C.byref(params))
    return params


class Port(C.Structure):
    _fields_ = [("name", C.c_char_p), ("kind", C.c_int), ("dtype", C.c_int), ("shape", Shape),
                ("usual", Shape)]


for name in ("tdnn_net_input", "tdnn_net_output"):
    if hasattr(lib, name):
        getattr(lib, name).restype = C.POINTER(Port)
        getattr(lib, name).argtypes = [C.c_void_p, C.c_size_t]
for name in ("tdnn_net_input_count", "tdnn_net_output_count"):
    if hasattr(lib, name):
        getattr(lib, name).restype = C.c_size_t
        getattr(lib, name).argtypes = [C.c_void_p]


def tensor_array(tensor):
    """The numbers of an f32 or i64 tensor, copied."""
    shape = C.cast(lib.tdnn_tensor_shape(tensor), C.POINTER(Shape)).contents
    dims = [shape.dim[i] for i in range(shape.ndim)]
    ctype = C.c_float if lib.tdnn_tensor_dtype(tensor) == F32 else C.c_int64
    if 0 in dims:
        return np.zeros(dims, ctype)
    data = C.cast(lib.tdnn_tensor_const_data(tensor), C.POINTER(ctype))
    return np.ctypeslib.as_array(data, dims or (1,)).copy().reshape(dims)


lib.tdnn_tensor_dtype.argtypes = [C.c_void_p]


def run_net(model, config, inputs):
    """Loads a model from bytes, feeds f32 arrays by name, and gives the outputs, in order, by name."""
    net, session, error = C.c_void_p(), C.c_void_p(), Error()
    check(lib.tdnn_net_load_memory(Bytes(model, len(model)), Bytes(config, len(config)), None,
                                   C.byref(net), C.byref(error)), error)
    try:
        check(lib.tdnn_session_create(net, None, C.byref(session), C.byref(error)), error)
        for name, array in inputs.items():
            array = np.ascontiguousarray(array, np.float32)
            shape = Shape(array.ndim, (C.c_int64 * 8)(*array.shape))
            tensor = C.c_void_p()
            check(lib.tdnn_tensor_wrap(C.c_void_p(array.ctypes.data), C.c_size_t(array.nbytes), F32,
                                       C.byref(shape), C.byref(tensor), C.byref(error)), error)
            status = lib.tdnn_session_set_input(session, name.encode(), tensor, C.byref(error))
            lib.tdnn_tensor_release(tensor)
            check(status, error)
        check(lib.tdnn_session_run(session, C.byref(error)), error)
        results = {}
        for i in range(lib.tdnn_net_output_count(net)):
            name, out = lib.tdnn_net_output(net, i).contents.name, C.c_void_p()
            check(lib.tdnn_session_output(session, name, C.byref(out), C.byref(error)), error)
            results[name.decode()] = tensor_array(out)
        return results
    finally:
        lib.tdnn_session_free(session)
        lib.tdnn_net_release(net)


class Score:
    """Counts cases and prints the first failures."""

    def __init__(self, name):
        self.name, self.passed, self.failed = name, 0, 0

    def add(self, ok, what):
        if ok:
            self.passed += 1
            return
        self.failed += 1
        if self.failed <= 20:
            print("FAILED %s" % (what,))

    def finish(self):
        print("%s: %d passed, %d failed (OpenCV %s)" %
              (self.name, self.passed, self.failed, cv2.__version__))
        sys.exit(1 if self.failed else 0)
