/* tinydnn.h - run trained neural networks on the CPU, from plain C.
 *
 *     tdnn_error err;
 *     tdnn_net *net = NULL;
 *     tdnn_session *session = NULL;
 *     tdnn_image *photo = NULL;
 *     tdnn_tensor *blob = NULL;
 *     const tdnn_tensor *scores = NULL;
 *     tdnn_blob_params how;
 *
 *     tdnn_blob_preset("imagenet", &how, NULL);
 *     if (tdnn_net_load("squeezenet.onnx", NULL, NULL, &net, &err) ||
 *         tdnn_session_create(net, NULL, &session, &err) ||
 *         tdnn_image_read("dog.jpg", TDNN_BGR8, &photo, &err) ||
 *         tdnn_blob_from_images(photo, 1, &how, &blob, NULL, &err) ||
 *         tdnn_session_set_input(session, NULL, blob, &err) ||
 *         tdnn_session_run(session, &err) ||
 *         tdnn_session_output(session, NULL, &scores, &err))
 *         fprintf(stderr, "%s: %s\n", err.where, err.message);
 *
 *     tdnn_tensor_release(blob);      // every *_release and *_free takes NULL
 *     tdnn_image_free(photo);
 *     tdnn_session_free(session);
 *     tdnn_net_release(net);
 *
 * What holds for every function below
 *   - One that can fail returns a tdnn_status, 0 when all went well, and takes a tdnn_error
 *     as its last argument; that argument may be NULL.
 *   - After a failure each `out` argument is NULL (counts: 0).
 *   - `T **out` hands something over that the caller frees with the function its comment
 *     names; `const T **out` and returned const pointers are borrowed, until what the
 *     comment says.
 *   - A net never changes after it is loaded: any number of threads may use it at once.
 *     A session, a tensor that is written, or an image belongs to one thread at a time.
 *   - Strings are NUL-terminated UTF-8. Nothing is printed, nothing exits, nothing is global.
 */
#ifndef TINYDNN_H
#define TINYDNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TDNN_VERSION_MAJOR 0
#define TDNN_VERSION_MINOR 1
#define TDNN_VERSION_PATCH 0

#if defined(__GNUC__)
#define TDNN_API __attribute__((visibility("default")))
#define TDNN_MUST_USE __attribute__((warn_unused_result))
#else
#define TDNN_API
#define TDNN_MUST_USE
#endif

/* ---- Status and errors ----------------------------------------------------------------- */

typedef enum tdnn_status {
    TDNN_OK = 0,
    TDNN_ERR_ARGUMENT,    /* the call broke a rule of this header                         */
    TDNN_ERR_MEMORY,      /* the system refused an allocation                             */
    TDNN_ERR_IO,          /* a file could not be opened, read or written                  */
    TDNN_ERR_FORMAT,      /* the bytes are malformed: the file is damaged or no model     */
    TDNN_ERR_UNSUPPORTED, /* well formed, but tinydnn does not have it                    */
    TDNN_ERR_SHAPE,       /* shapes or element types do not fit together                  */
    TDNN_ERR_NOT_FOUND,   /* nothing has that name                                        */
    TDNN_ERR_STATE,       /* called too early, for instance before an input is set        */
    TDNN_ERR_LIMIT,       /* a limit of tdnn_load_options was reached                     */
    TDNN_ERR_CANCELLED,   /* the progress callback asked to stop                          */
    TDNN_ERR_INTERNAL     /* a fault of tinydnn itself: please report it with `origin`    */
} tdnn_status;

/* Owned by the caller, filled by the call that failed; holds no allocation. */
typedef struct tdnn_error {
    tdnn_status status;
    char where[160];    /* in the user's terms: "node conv1 (Conv)", "byte 1834", "line 12" */
    char message[512];  /* one sentence: what was found and what was expected               */
    const char *origin; /* the library's source line, a static string                       */
} tdnn_error;

TDNN_API const char *tdnn_version(void);
TDNN_API const char *tdnn_status_name(tdnn_status status);
/* The best instruction-set level of this machine: "generic", "avx2", "avx512", "neon", ...
 * Static. */
TDNN_API const char *tdnn_cpu_level(void);

/* ---- Element types, shapes, tensors ----------------------------------------------------- */

#define TDNN_MAX_DIMS 8

/* Element types, numbered as ONNX's TensorProto.DataType. */
typedef enum tdnn_dtype {
    TDNN_NONE = 0,
    TDNN_F32 = 1,
    TDNN_U8 = 2,
    TDNN_I8 = 3,
    TDNN_U16 = 4,
    TDNN_I16 = 5,
    TDNN_I32 = 6,
    TDNN_I64 = 7,
    TDNN_STRING = 8,
    TDNN_BOOL = 9, /* one byte, 0 or 1 */
    TDNN_F16 = 10,
    TDNN_F64 = 11,
    TDNN_U32 = 12,
    TDNN_U64 = 13,
    TDNN_C64 = 14,  /* two f32 */
    TDNN_C128 = 15, /* two f64 */
    TDNN_BF16 = 16,
    TDNN_F8E4M3FN = 17,
    TDNN_F8E4M3FNUZ = 18,
    TDNN_F8E5M2 = 19,
    TDNN_F8E5M2FNUZ = 20,
    TDNN_U4 = 21, /* 4-bit: two a byte, the first in the low half */
    TDNN_I4 = 22,
    TDNN_F4E2M1 = 23,
    TDNN_F8E8M0 = 24,
    TDNN_U2 = 25, /* 2-bit: four a byte, the first in the lowest bits */
    TDNN_I2 = 26,
    TDNN_DTYPE_COUNT = 27
} tdnn_dtype;

typedef struct tdnn_shape {
    int ndim;                   /* 0: a scalar; -1 in a net's declared shape: any rank */
    int64_t dim[TDNN_MAX_DIMS]; /* -1 in a net's declared shape: any size              */
} tdnn_shape;

/* A dense, row-major array; or a sequence of tensors; or an optional that may be empty. */
typedef struct tdnn_tensor tdnn_tensor;

typedef enum tdnn_kind { TDNN_KIND_TENSOR, TDNN_KIND_SEQUENCE, TDNN_KIND_OPTIONAL } tdnn_kind;

/* "f32", "i64", "string", ...; "?" for a number that is no type. Static. */
TDNN_API const char *tdnn_dtype_name(tdnn_dtype dtype);
/* Bits of one element; 0 for strings and for a number that is no type. */
TDNN_API int tdnn_dtype_bits(tdnn_dtype dtype);
/* Number of elements; -1 if a dimension is unknown or the product does not fit 63 bits. */
TDNN_API int64_t tdnn_shape_count(const tdnn_shape *shape);
TDNN_API tdnn_shape tdnn_shape_make(int ndim, const int64_t *dims);

/* A tensor of zeros (strings: empty ones). Freed with tdnn_tensor_release. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_tensor_create(tdnn_dtype dtype, const tdnn_shape *shape,
                                                      tdnn_tensor **out, tdnn_error *err);
/* A view of the caller's memory, which must outlive the tensor. `bytes` is checked against the
 * shape. Not for strings. Freed with tdnn_tensor_release. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_tensor_wrap(void *data, size_t bytes, tdnn_dtype dtype,
                                                    const tdnn_shape *shape, tdnn_tensor **out,
                                                    tdnn_error *err);
/* A sequence or an optional of `count` items (optional: 0 or 1), which it retains. `dtype` is the
 * element type of the items, TDNN_NONE if unknown. Freed with tdnn_tensor_release. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_tensor_create_list(tdnn_kind kind, tdnn_dtype dtype,
                                                           tdnn_tensor *const *items,
                                                           size_t count, tdnn_tensor **out,
                                                           tdnn_error *err);
/* Tensors are reference-counted. Retain returns its argument; release takes NULL. */
TDNN_API tdnn_tensor *tdnn_tensor_retain(const tdnn_tensor *tensor);
TDNN_API void tdnn_tensor_release(tdnn_tensor *tensor);

TDNN_API tdnn_kind tdnn_tensor_kind(const tdnn_tensor *tensor);
TDNN_API tdnn_dtype tdnn_tensor_dtype(const tdnn_tensor *tensor);
/* Borrowed as long as the tensor; for a sequence or an optional: its item count, one dimension.
 */
TDNN_API const tdnn_shape *tdnn_tensor_shape(const tdnn_tensor *tensor);
TDNN_API size_t tdnn_tensor_bytes(const tdnn_tensor *tensor);
/* The elements, borrowed as long as the tensor; NULL for strings and lists. */
TDNN_API void *tdnn_tensor_data(tdnn_tensor *tensor);
TDNN_API const void *tdnn_tensor_const_data(const tdnn_tensor *tensor);
/* One string of a string tensor, borrowed until it is set again; NULL if out of range. */
TDNN_API const char *tdnn_tensor_string(const tdnn_tensor *tensor, size_t index);
TDNN_API TDNN_MUST_USE tdnn_status tdnn_tensor_set_string(tdnn_tensor *tensor, size_t index,
                                                          const char *text, tdnn_error *err);
/* One item of a sequence or optional, borrowed as long as the list; NULL if out of range. */
TDNN_API const tdnn_tensor *tdnn_tensor_item(const tdnn_tensor *list, size_t index);

/* ---- Tensor files ------------------------------------------------------------------------ */

/* Reads a .npy file, or a serialized ONNX TensorProto, SequenceProto or OptionalProto, told apart
 * by content; `kind` says which of the three a protobuf file holds. Freed with
 * tdnn_tensor_release. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_tensor_read(const char *path, tdnn_kind kind,
                                                    tdnn_tensor **out, tdnn_error *err);
/* Writes .npy if the path ends so (tensors of types that numpy has), else ONNX protobuf. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_tensor_write(const tdnn_tensor *tensor, const char *path,
                                                     tdnn_error *err);

/* ---- Nets --------------------------------------------------------------------------------- */

typedef enum tdnn_format {
    TDNN_FORMAT_AUTO = 0,
    TDNN_FORMAT_ONNX,
    TDNN_FORMAT_CAFFE,
    TDNN_FORMAT_TENSORFLOW,
    TDNN_FORMAT_DARKNET
} tdnn_format;

/* Whose meaning a Darknet model has, where AlexeyAB's Darknet and OpenCV 4.6 differ: the
 * epsilon of batch normalisation (1e-5, 1e-6), and the rows of region and yolo layers (OpenCV
 * sets class scores not above the layer's `thresh` to 0 and suppresses overlaps within the
 * layer). */
typedef enum tdnn_darknet_as { TDNN_DARKNET_AS_DARKNET, TDNN_DARKNET_AS_OPENCV } tdnn_darknet_as;

/* How TensorFlow's NHWC inputs and outputs look from outside. */
typedef enum tdnn_io_layout { TDNN_IO_NCHW, TDNN_IO_AS_GRAPH } tdnn_io_layout;

/* What kind of thing a model wants that tinydnn does not have. */
typedef enum tdnn_finding_kind {
    TDNN_FINDING_OPERATOR,
    TDNN_FINDING_ATTRIBUTE, /* one that is not known, or a value of it                        */
    TDNN_FINDING_TYPE,      /* an element type                                                */
    TDNN_FINDING_SHAPE,     /* sizes that do not fit, or that nothing settles                 */
    TDNN_FINDING_USE        /* a known operator in a way that is not supported, or is damaged */
} tdnn_finding_kind;

typedef struct tdnn_finding {
    tdnn_finding_kind kind;
    const char *node;  /* as the model names it; "": it has no name                             */
    const char *op;    /* as the model says it; "": it is no node but an input, a constant, ... */
    const char *where; /* node, operator and, in text files, the line                           */
    const char *what;  /* what was found, and what was expected                                 */
} tdnn_finding;
TDNN_API const char *tdnn_finding_kind_name(tdnn_finding_kind kind); /* "operator", ... Static. */

/* Always initialise with tdnn_load_options_init; 0 means the default for every limit. */
typedef struct tdnn_load_options {
    tdnn_format format;         /* AUTO: found from the bytes                                 */
    tdnn_darknet_as darknet_as;
    tdnn_io_layout io_layout;
    bool optimize;              /* fold constants and fuse operators; default true            */
    uint64_t max_bytes;         /* of files plus weights; default 16 GiB                      */
    uint64_t max_tensor_bytes;  /* of one constant; default 8 GiB                             */
    uint32_t max_nodes;         /* with subgraphs and expanded functions; default 1 000 000   */
    uint64_t memory_limit; /* bytes that loading may allocate; default: what the machine has.
                              Beyond: TDNN_ERR_LIMIT. Mapped files do not count */
    /* Inner tensors to cut the graph at: they become its inputs, and what only fed them is
     * dropped. NULL and 0: the model's own inputs. Read only during the call. */
    const char *const *inputs;
    size_t input_count;
    /* Tensors to give out, in place of the model's own outputs; inner ones are kept from
     * fusion. */
    const char *const *outputs;
    size_t output_count;
    /* Told of each thing in the model that stands in the way of running it. With it, loading goes
     * on behind such a thing to find all of them: what does not hang on the result of a node that
     * is not known is looked at all the same, shapes too, for the sizes below and those that the
     * model itself names (an open first dimension: 1). Loading fails if there is any. The finding
     * is lent for the call. NULL: none. */
    void (*found)(void *user, const tdnn_finding *finding);
    void *user;
    /* Sizes of inputs that the model leaves open, for `found`. Names that the model does not have
     * do not matter; "" is an only input. Read only during the call. */
    const char *const *size_names;
    const tdnn_shape *sizes;
    size_t size_count;
} tdnn_load_options;

typedef struct tdnn_bytes {
    const void *data;
    size_t size;
} tdnn_bytes;

/* An input or output. Borrowed as long as the net. */
typedef struct tdnn_port {
    const char *name;
    tdnn_kind kind;
    tdnn_dtype dtype;
    tdnn_shape shape; /* declared: -1 where the size is free */
    /* The same with the sizes that the model names where they are free all the same (Caffe,
     * Darknet): what it is planned for when the caller says nothing. */
    tdnn_shape usual;
} tdnn_port;

/* One operator of the optimised net. Borrowed as long as the net. */
typedef struct tdnn_node_info {
    const char *name;
    const char *op; /* "Conv", "MaxPool", ... */
    size_t input_count, output_count;
    uint64_t weight_bytes;
    uint64_t weight_count; /* elements */
} tdnn_node_info;

/* Immutable, reference-counted, shared by threads. */
typedef struct tdnn_net tdnn_net;

TDNN_API void tdnn_load_options_init(tdnn_load_options *options);
TDNN_API const char *tdnn_format_name(tdnn_format format);
/* AUTO if the bytes are of no format that tinydnn reads. */
TDNN_API tdnn_format tdnn_format_detect(tdnn_bytes bytes);

/* Loads a model. `config` is the second file of Caffe (.prototxt + .caffemodel), Darknet (.cfg
 * + .weights) and some TensorFlow models (.pb + .pbtxt), in either order, else NULL. `options`
 * may be NULL. Released with tdnn_net_release. Weights are read from the files when a session
 * packs or uses them: until the net is released their contents must not change (a new file in
 * their place may come). */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_net_load(const char *model, const char *config,
                                                 const tdnn_load_options *options, tdnn_net **out,
                                                 tdnn_error *err);
/* The same from memory, which is only read during the call. External data files are refused. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_net_load_memory(tdnn_bytes model, tdnn_bytes config,
                                                        const tdnn_load_options *options,
                                                        tdnn_net **out, tdnn_error *err);
TDNN_API tdnn_net *tdnn_net_retain(tdnn_net *net);
TDNN_API void tdnn_net_release(tdnn_net *net);

TDNN_API tdnn_format tdnn_net_format(const tdnn_net *net);
TDNN_API size_t tdnn_net_input_count(const tdnn_net *net);
TDNN_API const tdnn_port *tdnn_net_input(const tdnn_net *net, size_t index); /* NULL: no such */
TDNN_API size_t tdnn_net_output_count(const tdnn_net *net);
TDNN_API const tdnn_port *tdnn_net_output(const tdnn_net *net, size_t index);
TDNN_API size_t tdnn_net_node_count(const tdnn_net *net);
TDNN_API TDNN_MUST_USE tdnn_status tdnn_net_node(const tdnn_net *net, size_t index,
                                                 tdnn_node_info *out, tdnn_error *err);
TDNN_API uint64_t tdnn_net_weight_bytes(const tdnn_net *net);
/* Writes the optimised graph in Graphviz' language. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_net_write_dot(const tdnn_net *net, const char *path,
                                                      tdnn_error *err);

/* How tdnn_net_write_onnx writes. Always initialise with tdnn_onnx_options_init. */
typedef struct tdnn_onnx_options {
    int opset; /* 7 to 28; 0: 17, or the first later one that has what the model needs */
    /* Inputs whose sizes are fixed in the model that is written. Read only during the call. */
    const char *const *input_names;
    const tdnn_shape *input_shapes;
    size_t input_count;
    /* A model of more bytes has its weights in a second file, PATH.data; 0: 2 GiB - 1, where
     * protocol buffers end. */
    uint64_t external_above;
} tdnn_onnx_options;

TDNN_API void tdnn_onnx_options_init(tdnn_onnx_options *options);
/* Writes the net as an ONNX model of standard operators, whatever its format was. A file that
 * is there already is replaced when all has gone well. TDNN_ERR_UNSUPPORTED, with the node's
 * name, where the opset has no form for an operator. `options` may be NULL. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_net_write_onnx(tdnn_net *net, const char *path,
                                                       const tdnn_onnx_options *options,
                                                       tdnn_error *err);

/* ---- Sessions ------------------------------------------------------------------------------ */

typedef enum tdnn_precision { TDNN_PRECISION_FP32, TDNN_PRECISION_FAST } tdnn_precision;

typedef struct tdnn_session_options {
    int threads;     /* that compute, the caller's among them; default 1                     */
    const char *cpu; /* NULL: the machine's best; else at most "generic", "avx2", "avx512",
                        "avx512vnni", and with FAST "avx512bf16" or "amx"                    */
    tdnn_precision precision; /* FAST: bf16 products with f32 sums where the CPU is built for it.
                                 For AMX, Linux is asked to let this process use its tiles */
    bool profile;    /* time every step                                                       */
    /* Called between steps of a run; a result other than 0 stops the run with
     * TDNN_ERR_CANCELLED. NULL: none. */
    int (*progress)(void *user, size_t step, size_t step_count);
    void *user;
    /* For tdnn_session_plan and what it tells of steps and memory: weights are not rearranged,
     * only counted, and the session does not run. */
    bool measure;
    /* Bytes that the net and this session may allocate: weights, plans, the arena, and what
     * operators allocate while running, whose sizes depend on data. 0: what the machine has.
     * Beyond: TDNN_ERR_LIMIT with the node, and the bytes that are needed. */
    uint64_t memory_limit;
    /* 3x3 convolutions sum products directly, never by Winograd's transformation F(4x4, 3x3)
     * (Lavin and Gray, 2015), which takes a quarter of the products and four times the memory
     * for weights, and whose results lie within 1e-4 of the largest value. */
    bool no_winograd;
} tdnn_session_options;

/* A net made ready to run, with its memory and its threads. Retains the net. */
typedef struct tdnn_session tdnn_session;

TDNN_API void tdnn_session_options_init(tdnn_session_options *options);
TDNN_API TDNN_MUST_USE tdnn_status tdnn_session_create(tdnn_net *net,
                                                       const tdnn_session_options *options,
                                                       tdnn_session **out, tdnn_error *err);
TDNN_API void tdnn_session_free(tdnn_session *session);

/* Copies the values in. `name` NULL: the net's only input. A new shape makes the next run plan
 * again; a shape seen before finds its plan kept. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_session_set_input(tdnn_session *session, const char *name,
                                                          const tdnn_tensor *value,
                                                          tdnn_error *err);
/* Binds the tensor without a copy: it is retained, and must keep its values while running. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_session_bind_input(tdnn_session *session,
                                                           const char *name, tdnn_tensor *value,
                                                           tdnn_error *err);
/* Plans for input shapes without values, so that the first run need not. Optional. An input
 * that is not named here is planned for with its usual shape, which then must have no -1. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_session_plan(tdnn_session *session,
                                                     const char *const *names,
                                                     const tdnn_shape *shapes, size_t count,
                                                     tdnn_error *err);
/* Subnormal numbers count as zeros meanwhile: they would cost over a hundred cycles each. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_session_run(tdnn_session *session, tdnn_error *err);
/* An output of the last run. `name`: its own, or that of the node (in Caffe and Darknet: the
 * layer) that makes it; NULL: the first. Borrowed until the next run, plan or free. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_session_output(const tdnn_session *session,
                                                       const char *name, const tdnn_tensor **out,
                                                       tdnn_error *err);
/* Bytes of the arena that the last plan needs, weights not included. */
TDNN_API uint64_t tdnn_session_arena_bytes(const tdnn_session *session);
/* Bytes of weights that were rearranged for the kernels this session chose. */
TDNN_API uint64_t tdnn_session_packed_bytes(const tdnn_session *session);

/* One step of the last plan. Pointers are borrowed until the next plan. */
typedef struct tdnn_step_info {
    const char *name;   /* of the node                                           */
    const char *op;     /* "Conv", ...                                           */
    const char *kernel; /* what the plan chose: "conv1x1 c16 avx512", ...         */
    const char *layout; /* of the first output: "plain", "c8", "c16"             */
    tdnn_dtype dtype;   /* of the first output                                   */
    tdnn_shape shape;   /* of the first output                                   */
    uint64_t arena_offset, bytes; /* of the first output                        */
    uint64_t flops;     /* of one run: a multiply-add counts as two              */
    uint64_t moved;     /* bytes read and written by one run, each counted once   */
    uint64_t runs, total_ns, min_ns; /* with the option `profile`                 */
} tdnn_step_info;

TDNN_API size_t tdnn_session_step_count(const tdnn_session *session);
TDNN_API TDNN_MUST_USE tdnn_status tdnn_session_step(const tdnn_session *session, size_t index,
                                                     tdnn_step_info *out, tdnn_error *err);
TDNN_API void tdnn_session_profile_reset(tdnn_session *session);

/* ---- Images ------------------------------------------------------------------------- */

/* The value of an enumerator is its number of channels in the low four bits. */
typedef enum tdnn_pixels {
    TDNN_GRAY8 = 0x01,
    TDNN_BGR8 = 0x03,
    TDNN_RGB8 = 0x13,
    TDNN_BGRA8 = 0x04,
    TDNN_RGBA8 = 0x14,
    TDNN_GRAYF = 0x21, /* float samples */
    TDNN_BGRF = 0x23,
    TDNN_BGRAF = 0x24
} tdnn_pixels;

/* Rows from top to bottom, `stride` bytes from one to the next. Fill one in to describe your
 * own memory; those that tinydnn makes own their pixels. */
typedef struct tdnn_image {
    void *data;
    int width, height;
    ptrdiff_t stride;
    tdnn_pixels pixels;
} tdnn_image;

/* Reads JPEG or PNG, told apart by content, as OpenCV's imread does: EXIF orientation applied,
 * 16 bits cut to 8, palettes and grey expanded, alpha dropped, CMYK converted; `pixels` GRAY8,
 * BGR8 or RGB8 (BGRA8, RGBA8: alpha kept, 255 where the file has none). More than 2^30 pixels
 * are refused, and so is damaged picture data, where imread would give grey. Freed with
 * tdnn_image_free. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_image_read(const char *path, tdnn_pixels pixels,
                                                   tdnn_image **out, tdnn_error *err);
TDNN_API TDNN_MUST_USE tdnn_status tdnn_image_decode(tdnn_bytes bytes, tdnn_pixels pixels,
                                                     tdnn_image **out, tdnn_error *err);
TDNN_API TDNN_MUST_USE tdnn_status tdnn_image_create(int width, int height, tdnn_pixels pixels,
                                                     tdnn_image **out, tdnn_error *err);
/* Writes PNG or JPEG (quality 95), by the path's ending. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_image_write(const tdnn_image *image, const char *path,
                                                    tdnn_error *err);
/* Only for images that tinydnn made. */
TDNN_API void tdnn_image_free(tdnn_image *image);

/* ---- From images to an input blob --------------------------------------------------- */

typedef enum tdnn_fit { TDNN_FIT_STRETCH, TDNN_FIT_CROP, TDNN_FIT_LETTERBOX } tdnn_fit;

/* value = (pixel - mean) * scale / std, after the resize. As cv2.dnn.blobFromImage has it,
 * mean, scale and std are in the channel order of the result (a grey image with swap_rb takes
 * those of index 2, as there). */
typedef struct tdnn_blob_params {
    int width, height; /* of the blob; both 0: as the first image              */
    bool swap_rb;      /* exchange channels 0 and 2                            */
    float mean[4];
    float scale[4];
    float std[4];
    tdnn_fit fit;
    float border;      /* pixel value around a letterboxed image               */
    bool nhwc;         /* default false: N, C, H, W                            */
    tdnn_dtype dtype;  /* F32; or U8, then without mean, scale and std         */
} tdnn_blob_params;

/* Where an image lies in its blob: blob = image * scale + offset, in pixels. */
typedef struct tdnn_placement {
    float scale_x, scale_y;
    float offset_x, offset_y;
    int image_width, image_height;
    int blob_width, blob_height;
} tdnn_placement;

TDNN_API void tdnn_blob_params_init(tdnn_blob_params *params);
/* The usual way to feed a family of networks with BGR images: "imagenet", "inception", "ssd",
 * "yolo", "yolox", ... The size is the family's most common one; set another afterwards. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_blob_preset(const char *name, tdnn_blob_params *out,
                                                    tdnn_error *err);
/* The names of all presets, one by one; static. NULL after the last. */
TDNN_API const char *tdnn_blob_preset_name(size_t index);
/* `count` images of the same channel count (1, 3 or 4) become one tensor; equal to OpenCV 4.6's
 * blobFromImages bit for bit. `placements`: `count` of them, or NULL. Freed with
 * tdnn_tensor_release. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_blob_from_images(const tdnn_image *images, size_t count,
                                                         const tdnn_blob_params *params,
                                                         tdnn_tensor **out,
                                                         tdnn_placement *placements,
                                                         tdnn_error *err);

/* ---- From outputs to answers -------------------------------------------------------- */

typedef struct tdnn_class_score {
    int class_id;
    float score;
} tdnn_class_score;

/* The `*count` best of row `row` of a tensor seen as [rows, classes] (all dimensions but the
 * last that is not 1 are rows), best first; `*count` becomes how many there were. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_top_classes(const tdnn_tensor *scores, size_t row,
                                                    tdnn_class_score *best, size_t *count,
                                                    tdnn_error *err);
/* In place, over `count` numbers. */
TDNN_API void tdnn_softmax(float *scores, size_t count);

typedef struct tdnn_box {
    float x, y, width, height; /* x, y: the upper left corner */
} tdnn_box;

/* Centre, size, and clockwise angle in degrees, as cv::RotatedRect. */
typedef struct tdnn_rotated_box {
    float cx, cy, width, height, angle;
} tdnn_rotated_box;

typedef struct tdnn_detection {
    tdnn_box box;
    float score;
    int class_id;
    int image; /* index in the batch */
    int point_count;
    float points[10]; /* x, y pairs of landmarks, where the head has them */
} tdnn_detection;

/* A growing list. Zero it, or use TDNN_DETECTIONS_INIT; free with tdnn_detections_free. */
typedef struct tdnn_detections {
    tdnn_detection *list;
    size_t count, capacity;
} tdnn_detections;
#define TDNN_DETECTIONS_INIT {0, 0, 0}
TDNN_API void tdnn_detections_free(tdnn_detections *detections);

typedef enum tdnn_soft_nms { TDNN_SOFT_NMS_LINEAR, TDNN_SOFT_NMS_GAUSSIAN } tdnn_soft_nms;

typedef struct tdnn_nms_params {
    float min_score;   /* only scores above it take part                                    */
    float max_overlap; /* intersection over union up to which both boxes stay               */
    float eta;         /* < 1: max_overlap shrinks by it after each kept box while over 0.5 */
    size_t top_k;      /* candidates that take part, best first; 0: all                     */
    tdnn_soft_nms soft;
    float sigma;       /* of the Gaussian form; default 0.5                                 */
} tdnn_nms_params;

TDNN_API void tdnn_nms_params_init(tdnn_nms_params *params);
/* Greedy suppression by the rules of OpenCV 4.6's NMSBoxes. Writes the indices of the kept
 * boxes, best first, to `kept` (room for `count`). `class_ids` not NULL: only within a class
 * (NMSBoxesBatched). */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_nms(const tdnn_box *boxes, const float *scores,
                                            const int *class_ids, size_t count,
                                            const tdnn_nms_params *params, size_t *kept,
                                            size_t *kept_count, tdnn_error *err);
TDNN_API TDNN_MUST_USE tdnn_status tdnn_nms_rotated(const tdnn_rotated_box *boxes,
                                                    const float *scores, size_t count,
                                                    const tdnn_nms_params *params, size_t *kept,
                                                    size_t *kept_count, tdnn_error *err);
/* Soft suppression (Bodla et al., 2017) as OpenCV's softNMSBoxes: `updated` (room for `count`)
 * receives the score of each kept box; top_k caps the kept ones. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_nms_soft(const tdnn_box *boxes, const float *scores,
                                                 size_t count, const tdnn_nms_params *params,
                                                 size_t *kept, float *updated,
                                                 size_t *kept_count, tdnn_error *err);
TDNN_API float tdnn_box_overlap(const tdnn_box *a, const tdnn_box *b);

/* What a detector's outputs look like: a table for each image, of */
typedef enum tdnn_head {
    TDNN_HEAD_AUTO,    /* told from the outputs' shapes                                  */
    TDNN_HEAD_SSD,     /* rows image, class, score, x0, y0, x1, y1; corners relative     */
    TDNN_HEAD_YOLO,    /* Darknet's rows cx, cy, w, h relative, objectness, class scores */
    TDNN_HEAD_YOLOV5,  /* rows cx, cy, w, h in blob pixels, objectness, classes          */
    TDNN_HEAD_YOLOV8,  /* columns (or rows) cx, cy, w, h in blob pixels, classes; to v12 */
    TDNN_HEAD_YOLOV10, /* rows x0, y0, x1, y1 in blob pixels, score, class; suppressed   */
    TDNN_HEAD_YOLOX,   /* as YOLOv5, before cells and strides 8, 16, 32 are applied      */
    TDNN_HEAD_NANODET, /* class scores and distributions of distances, strides 8 to 32   */
    TDNN_HEAD_PICODET, /* the same at strides 8 to 64                                    */
    TDNN_HEAD_FASTESTDET,
    TDNN_HEAD_ULTRAFACE,
    TDNN_HEAD_SCRFD, /* with five landmarks */
    TDNN_HEAD_YUNET  /* with five landmarks */
} tdnn_head;

typedef struct tdnn_detect_params {
    tdnn_head head;
    float confidence;      /* scores from here on; default 0.25                           */
    float max_overlap;     /* of the suppression that follows; default 0.45; 1: none. SSD
                              and YOLOv10 have done it in the net                         */
    bool across_classes;   /* suppress across classes too; default false                  */
    bool clip;             /* cut boxes to the image, drop those outside it; default true */
    size_t max_detections; /* per image; 0: all                                           */
} tdnn_detect_params;

TDNN_API void tdnn_detect_params_init(tdnn_detect_params *params);
/* NULL-terminated names of heads, in the order of the enumeration; static. */
TDNN_API const char *const *tdnn_head_names(void);
/* What TDNN_HEAD_AUTO would take for outputs of these shapes, before anything has run;
 * TDNN_HEAD_AUTO if no head is known by them. Most heads have a preset of their name. */
TDNN_API tdnn_head tdnn_head_guess(const tdnn_shape *shapes, size_t count, int blob_width,
                                   int blob_height);
/* Decodes the outputs of a detector (all of its heads together), suppresses overlaps, and
 * appends what is left to `list`, best first per image, boxes in pixels of the original images.
 * `placements`: one per image of the batch, as tdnn_blob_from_images gave them. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_detect(const tdnn_tensor *const *outputs,
                                               size_t output_count,
                                               const tdnn_detect_params *params,
                                               const tdnn_placement *placements,
                                               size_t placement_count, tdnn_detections *list,
                                               tdnn_error *err);

/* A list of labels, one a line. Freed with tdnn_labels_free. */
typedef struct tdnn_labels tdnn_labels;
TDNN_API TDNN_MUST_USE tdnn_status tdnn_labels_read(const char *path, tdnn_labels **out,
                                                    tdnn_error *err);
TDNN_API size_t tdnn_labels_count(const tdnn_labels *labels);
/* NULL if there is no such class. Takes NULL. */
TDNN_API const char *tdnn_labels_get(const tdnn_labels *labels, int class_id);
TDNN_API void tdnn_labels_free(tdnn_labels *labels);

/* Draws boxes of one image of the batch, with label and score, onto an 8-bit image with 3 or 4
 * channels; line and letters scale with the picture. `labels` may be NULL. */
TDNN_API TDNN_MUST_USE tdnn_status tdnn_draw_detections(tdnn_image *image,
                                                        const tdnn_detections *detections,
                                                        int image_index,
                                                        const tdnn_labels *labels,
                                                        tdnn_error *err);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* TINYDNN_H */
