/* Small TensorFlow graphs for tests: written as text, in binary where that is wanted. */
#ifndef TDNN_TESTS_TENSORFLOW_MODEL_H
#define TDNN_TESTS_TENSORFLOW_MODEL_H

#include "tinydnn.h"

#define TF_NODE(name, op, rest) "node { name: '" name "' op: '" op "' " rest "}\n"
#define TF_IN(name) "input: '" name "' "
#define TF_ATTR(key, value) "attr { key: '" key "' value { " value " } } "
#define TF_INPUT(name, dims)                                                                   \
    TF_NODE(name, "Placeholder",                                                               \
            TF_ATTR("dtype", "type: DT_FLOAT") TF_ATTR("shape", "shape { " dims " }"))
#define TF_CONST(name, type, dims, values)                                                     \
    TF_NODE(name, "Const",                                                                     \
            TF_ATTR("dtype", "type: " type)                                                    \
                TF_ATTR("value", "tensor { dtype: " type " tensor_shape { " dims " } " values " }"))
#define TF_FLOATS(name, dims, values) TF_CONST(name, "DT_FLOAT", dims, values)
#define TF_INTS(name, dims, values) TF_CONST(name, "DT_INT32", dims, values)
/* N, H, W, C */
#define TF_PICTURE TF_INPUT("x", "dim { size: 1 } dim { size: 3 } dim { size: 3 } dim { size: 2 }")

/* The text in binary, to be freed with tdnn_free((void *)bytes.data) of lib/base/mem.h. */
tdnn_bytes tf_model_binary(const char *text);
tdnn_bytes tf_model_text(const char *text);

/* Loads the two from memory, `second` may be empty, feeds input 0 with 0, 1, 2 ... in `shape` (NULL: nothing
 * is fed), runs, and copies output 0: at most `most` numbers; their count and shape come back. */
tdnn_status tf_model_run(tdnn_bytes first, tdnn_bytes second, const tdnn_load_options *options,
                         const tdnn_shape *shape, float *out, size_t most, tdnn_shape *result,
                         tdnn_error *err);

#endif
