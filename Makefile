# tinydnn: one Makefile, every source by name: the lists are the table of contents.
#
#   make [BLAS=openblas|none] [SAN=address,undefined|thread] [DEBUG=1] [CC=clang-14]
#   make install [PREFIX=/usr/local] [DESTDIR=]
#
# The plain variant is built in build/, each other combination of switches in a folder of its own
# below it, so that switching never mixes objects. A file's suffix selects its instruction set.

# ---- Sources --------------------------------------------------------------------------------

# layer 0: errors, checked sizes, memory, tensors, files, threads
BASE = \
	lib/base/dtype.c \
	lib/base/error.c \
	lib/base/file.c \
	lib/base/map.c \
	lib/base/mem.c \
	lib/base/narrow.c \
	lib/base/npy.c \
	lib/base/number.c \
	lib/base/shape.c \
	lib/base/tensor.c \
	lib/base/tensor_later.c \
	lib/base/tensor_list.c \
	lib/base/thread.c \

# layer 0: numbers only. generic/ is the meaning, x86/ the speed
KERNELS_GENERIC = \
	kernels/generic/activation.c \
	kernels/dispatch.c \
	kernels/float_mode.c \
	kernels/generic/conv.c \
	kernels/generic/conv_bf16.c \
	kernels/generic/conv_pack.c \
	kernels/generic/conv_plan.c \
	kernels/generic/copy.c \
	kernels/generic/resize.c \
	kernels/generic/elementwise.c \
	kernels/generic/integer.c \
	kernels/generic/dot.c \
	kernels/generic/pool.c \
	kernels/generic/rows.c \
	kernels/generic/gemm.c \
	kernels/generic/gemm_bf16.c \
	kernels/generic/gemv.c \
	kernels/generic/unfold.c \
	kernels/generic/winograd.c \

# only with BLAS=openblas
KERNELS_BLAS = \
	kernels/blas.c \

KERNELS_AVX2 = \
	kernels/x86/elementwise_avx2.c \
	kernels/x86/integer_avx2.c \
	kernels/x86/dot_avx2.c \
	kernels/x86/pool_avx2.c \
	kernels/x86/rows_avx2.c \
	kernels/x86/copy_avx2.c \
	kernels/x86/resize_avx2.c \
	kernels/x86/activation_avx2.c \
	kernels/x86/conv_avx2.c \
	kernels/x86/depthwise_avx2.c \
	kernels/x86/gemm_avx2.c \
	kernels/x86/gemv_avx2.c \

KERNELS_AVX512 = \
	kernels/x86/activation_avx512.c \
	kernels/x86/conv_avx512.c \
	kernels/x86/depthwise_avx512.c \
	kernels/x86/copy_avx512.c \
	kernels/x86/resize_avx512.c \
	kernels/x86/elementwise_avx512.c \
	kernels/x86/integer_avx512.c \
	kernels/x86/dot_avx512.c \
	kernels/x86/pool_avx512.c \
	kernels/x86/rows_avx512.c \
	kernels/x86/gemm_avx512.c \
	kernels/x86/gemv_avx512.c \

# products of bytes by AVX512-VNNI; bf16 products: by AVX512-BF16, by tiles
KERNELS_BF16 = \
	kernels/x86/dot_avx512vnni.c \
	kernels/x86/conv_avx512bf16.c \
	kernels/x86/gemm_avx512bf16.c \

KERNELS_NEON = \
	kernels/arm/activation_neon.c \
	kernels/arm/conv_neon.c \
	kernels/arm/copy_neon.c \
	kernels/arm/depthwise_neon.c \
	kernels/arm/elementwise_neon.c \
	kernels/arm/gemm_neon.c \
	kernels/arm/gemv_neon.c \
	kernels/arm/integer_neon.c \
	kernels/arm/dot_neon.c \
	kernels/arm/pool_neon.c \
	kernels/arm/resize_neon.c \
	kernels/arm/rows_neon.c \

KERNELS_AMX = \
	kernels/x86/conv_amx.c \
	kernels/x86/gemm_amx.c \

# layer 1: what a model says
GRAPH = \
	lib/graph/anchors.c \
	lib/graph/graph.c \
	lib/graph/edit.c \
	lib/graph/einsum.c \
	lib/graph/check.c \
	lib/graph/copy.c \

# layer 2: graph to better graph
PASSES = \
	lib/passes/activation.c \
	lib/passes/batch_norm.c \
	lib/passes/dead.c \
	lib/passes/fold.c \
	lib/passes/identity.c \
	lib/passes/layer_norm.c \
	lib/passes/layer_scale.c \
	lib/passes/lower.c \
	lib/passes/lower_activation.c \
	lib/passes/lower_build.c \
	lib/passes/lower_flow.c \
	lib/passes/lower_newer.c \
	lib/passes/lower_norm.c \
	lib/passes/lower_prior_box.c \
	lib/passes/lower_quantized.c \
	lib/passes/lower_roi.c \
	lib/passes/lower_ssd.c \
	lib/passes/lower_yolo.c \
	lib/passes/match.c \
	lib/passes/patterns.c \
	lib/passes/quantized.c \
	lib/passes/quantized_pairs.c \
	lib/passes/pipeline.c \

# layer 2: one file per operator family
OPS = \
	lib/ops/activations.c \
	lib/ops/arg.c \
	lib/ops/attention.c \
	lib/ops/boxes.c \
	lib/ops/cast.c \
	lib/ops/cast_loops.c \
	lib/ops/channels.c \
	lib/ops/clip.c \
	lib/ops/col2im.c \
	lib/ops/concat.c \
	lib/ops/constant.c \
	lib/ops/control_flow.c \
	lib/ops/conv.c \
	lib/ops/conv_blocked.c \
	lib/ops/conv_chain.c \
	lib/ops/conv_integer.c \
	lib/ops/conv_quantized.c \
	lib/ops/conv_x8.c \
	lib/ops/conv_x8_fill.c \
	lib/ops/conv_plain.c \
	lib/ops/conv_transpose.c \
	lib/ops/conv_volume.c \
	lib/ops/conv_wide.c \
	lib/ops/convert.c \
	lib/ops/deform_conv.c \
	lib/ops/det.c \
	lib/ops/detection_output.c \
	lib/ops/dft.c \
	lib/ops/dropout.c \
	lib/ops/einsum.c \
	lib/ops/elementwise.c \
	lib/ops/elementwise_binary.c \
	lib/ops/elementwise_compare.c \
	lib/ops/elementwise_unary.c \
	lib/ops/expand.c \
	lib/ops/flex_attention.c \
	lib/ops/flow.c \
	lib/ops/fourier.c \
	lib/ops/gather.c \
	lib/ops/gemm.c \
	lib/ops/grid_sample.c \
	lib/ops/grid_sample_f32.c \
	lib/ops/image_decoder.c \
	lib/ops/integer.c \
	lib/ops/label_encoder.c \
	lib/ops/linear_attention.c \
	lib/ops/loss.c \
	lib/ops/matmul_integer.c \
	lib/ops/max_unpool.c \
	lib/ops/moments.c \
	lib/ops/move.c \
	lib/ops/nms.c \
	lib/ops/nonzero.c \
	lib/ops/norm_channel.c \
	lib/ops/norm_local.c \
	lib/ops/norm_row.c \
	lib/ops/one_hot.c \
	lib/ops/optimizer.c \
	lib/ops/optional.c \
	lib/ops/order.c \
	lib/ops/pad.c \
	lib/ops/pieces.c \
	lib/ops/pool.c \
	lib/ops/pool_any.c \
	lib/ops/power.c \
	lib/ops/prior_box.c \
	lib/ops/product.c \
	lib/ops/product_thin.c \
	lib/ops/product_wide.c \
	lib/ops/proposal.c \
	lib/ops/quantize.c \
	lib/ops/quantize_dynamic.c \
	lib/ops/random.c \
	lib/ops/recurrent.c \
	lib/ops/recurrent_act.c \
	lib/ops/recurrent_cell.c \
	lib/ops/reduce.c \
	lib/ops/reduction.c \
	lib/ops/regex.c \
	lib/ops/regex_parse.c \
	lib/ops/reorder.c \
	lib/ops/reshape.c \
	lib/ops/resize.c \
	lib/ops/resize_axis.c \
	lib/ops/roi_align.c \
	lib/ops/roi_pool.c \
	lib/ops/rotary.c \
	lib/ops/scaled_attention.c \
	lib/ops/scatter.c \
	lib/ops/sequence.c \
	lib/ops/shuffle.c \
	lib/ops/signal.c \
	lib/ops/slice.c \
	lib/ops/softmax.c \
	lib/ops/squeeze.c \
	lib/ops/stand_in.c \
	lib/ops/string.c \
	lib/ops/support.c \
	lib/ops/table.c \
	lib/ops/tfidf.c \
	lib/ops/topk.c \
	lib/ops/transpose.c \
	lib/ops/tree_ensemble.c \
	lib/ops/window.c \
	lib/ops/yolo.c \

# layer 2: image files, blobs, boxes, suppression, drawing
VISION = \
	lib/vision/blob.c \
	lib/vision/detect.c \
	lib/vision/draw.c \
	lib/vision/exif.c \
	lib/vision/font.c \
	lib/vision/head_face.c \
	lib/vision/head_nanodet.c \
	lib/vision/head_ssd.c \
	lib/vision/head_ultraface.c \
	lib/vision/head_yolo.c \
	lib/vision/head_yolox.c \
	lib/vision/image.c \
	lib/vision/jpeg.c \
	lib/vision/labels.c \
	lib/vision/nms.c \
	lib/vision/nms_rotated.c \
	lib/vision/png.c \
	lib/vision/presets.c \
	lib/vision/resize.c \
	lib/vision/topk.c \

# layer 2: bytes to graph
PARSERS = \
	parsers/darknet/activation.c \
	parsers/darknet/build.c \
	parsers/darknet/cfg.c \
	parsers/darknet/combine.c \
	parsers/darknet/conv.c \
	parsers/darknet/conv_lstm.c \
	parsers/darknet/darknet.c \
	parsers/darknet/detect.c \
	parsers/darknet/local.c \
	parsers/darknet/pool.c \
	parsers/darknet/recurrent.c \
	parsers/darknet/shape.c \
	parsers/darknet/simple.c \
	parsers/darknet/weights.c \
	parsers/caffe/build.c \
	parsers/caffe/caffe.c \
	parsers/caffe/layer_activation.c \
	parsers/caffe/layer_detect.c \
	parsers/caffe/layer_flow.c \
	parsers/caffe/layer_input.c \
	parsers/caffe/layer_norm.c \
	parsers/caffe/layer_pool.c \
	parsers/caffe/layer_recurrent.c \
	parsers/caffe/layer_refine.c \
	parsers/caffe/layer_reduce.c \
	parsers/caffe/layer_resize.c \
	parsers/caffe/layer_scale.c \
	parsers/caffe/layer_shape.c \
	parsers/caffe/layer_weighted.c \
	parsers/caffe/layers.c \
	parsers/caffe/net.c \
	parsers/caffe/param.c \
	parsers/caffe/phase.c \
	parsers/caffe/text_weights.c \
	parsers/caffe/upgrade.c \
	parsers/caffe/weights.c \
	parsers/findings.c \
	parsers/import.c \
	parsers/message.c \
	parsers/onnx/attr.c \
	parsers/onnx/call.c \
	parsers/onnx/constant.c \
	parsers/onnx/function.c \
	parsers/onnx/graph.c \
	parsers/onnx/node.c \
	parsers/onnx/onnx.c \
	parsers/onnx/rewrite.c \
	parsers/onnx/rewrite_attr.c \
	parsers/onnx/rewrite_meaning.c \
	parsers/onnx/sparse.c \
	parsers/onnx/tensor.c \
	parsers/onnx/tensor_file.c \
	parsers/onnx/type.c \
	parsers/onnx/write.c \
	parsers/onnx/write_graph.c \
	parsers/onnx/write_node.c \
	parsers/onnx/write_older.c \
	parsers/onnx/write_opset.c \
	parsers/onnx/write_out.c \
	parsers/onnx/write_tensor.c \
	parsers/onnx/write_types.c \
	parsers/onnx/write_windows.c \
	parsers/source.c \
	parsers/table.c \
	parsers/tensorflow/attrs.c \
	parsers/tensorflow/call.c \
	parsers/tensorflow/delegate.c \
	parsers/tensorflow/layout.c \
	parsers/tensorflow/op_blocks.c \
	parsers/tensorflow/op_conv.c \
	parsers/tensorflow/op_crop.c \
	parsers/tensorflow/op_detect.c \
	parsers/tensorflow/op_flow.c \
	parsers/tensorflow/op_function.c \
	parsers/tensorflow/op_fused.c \
	parsers/tensorflow/op_image.c \
	parsers/tensorflow/op_list.c \
	parsers/tensorflow/op_loop.c \
	parsers/tensorflow/op_math.c \
	parsers/tensorflow/op_matrix.c \
	parsers/tensorflow/op_nms.c \
	parsers/tensorflow/op_norm.c \
	parsers/tensorflow/op_pick.c \
	parsers/tensorflow/op_pieces.c \
	parsers/tensorflow/op_pool.c \
	parsers/tensorflow/op_quant.c \
	parsers/tensorflow/op_rare.c \
	parsers/tensorflow/op_rnn.c \
	parsers/tensorflow/op_scan.c \
	parsers/tensorflow/op_scatter.c \
	parsers/tensorflow/op_shape.c \
	parsers/tensorflow/op_slice.c \
	parsers/tensorflow/op_soft_nms.c \
	parsers/tensorflow/op_spectral.c \
	parsers/tensorflow/pbtxt.c \
	parsers/tensorflow/scope.c \
	parsers/tensorflow/table.c \
	parsers/tensorflow/tensor.c \
	parsers/tensorflow/tensorflow.c \
	parsers/tensorflow/value.c \
	parsers/tensorflow/window.c \
	parsers/text.c \
	parsers/wire.c \

# compiled by protoc-c
PROTOS = \
	parsers/proto/caffe.proto \
	parsers/proto/onnx.proto \
	parsers/proto/tensorflow.proto \

# layer 3: net, plan, session
RUNTIME = \
	lib/runtime/net.c \
	lib/runtime/cut.c \
	lib/runtime/dot.c \
	lib/runtime/write.c \
	lib/runtime/declare.c \
	lib/runtime/pack.c \
	lib/runtime/arena.c \
	lib/runtime/plan.c \
	lib/runtime/plan_infer.c \
	lib/runtime/plan_uses.c \
	lib/runtime/plan_einsum.c \
	lib/runtime/plan_attention.c \
	lib/runtime/plan_view.c \
	lib/runtime/plan_fuse.c \
	lib/runtime/plan_shuffle.c \
	lib/runtime/plan_chain.c \
	lib/runtime/plan_layout.c \
	lib/runtime/plan_product.c \
	lib/runtime/plan_steps.c \
	lib/runtime/plan_memory.c \
	lib/runtime/evaluate.c \
	lib/runtime/session.c \
	lib/runtime/survey.c \
	lib/runtime/frame.c \
	lib/runtime/exec.c \

# layer 4: the functions of tinydnn.h
API = \
	lib/api.c \
	lib/api_tensor.c \

# the program `tinydnn`
CLI = \
	cli/bench.c \
	cli/blob.c \
	cli/check.c \
	cli/classify.c \
	cli/compare.c \
	cli/convert.c \
	cli/detect.c \
	cli/elements.c \
	cli/info.c \
	cli/json_read.c \
	cli/json_write.c \
	cli/main.c \
	cli/model.c \
	cli/options.c \
	cli/peak.c \
	cli/picture.c \
	cli/profile.c \
	cli/report.c \
	cli/run.c \
	cli/table.c \
	cli/verify.c \
	cli/verify_onnx.c \
	cli/verify_reference.c \
	cli/verify_run.c \

# a program each
EXAMPLES = \
	examples/01_dnn_basics.c \
	examples/classify.c \
	examples/detect_yolo.c \
	examples/share_model.c \

# a cmocka program each; TESTS run in seconds, SLOW_TESTS in `make check` only
TESTS = \
	tests/test_darknet.c \
	tests/test_limits.c \
	tests/test_loading.c \
	tests/test_onnx.c \
	tests/test_onnx_opsets.c \
	tests/test_onnx_schema.c \
	tests/test_onnx_whole.c \
	tests/test_onnx_write.c \
	tests/test_base.c \
	tests/test_caffe.c \
	tests/test_check.c \
	tests/test_conv.c \
	tests/test_file.c \
	tests/test_attention.c \
	tests/test_einsum.c \
	tests/test_fusion.c \
	tests/test_quantized.c \
	tests/test_tensor.c \
	tests/test_tensorflow.c \
	tests/test_text.c \
	tests/test_thread.c \
	tests/test_formats.c \
	tests/test_graph.c \
	tests/test_lower.c \
	tests/test_lower_detect.c \
	tests/test_vision_answers.c \
	tests/test_vision_blob.c \
	tests/test_vision_detect.c \
	tests/test_vision_image.c \
	tests/test_vision_nms.c \

SLOW_TESTS = \
	tests/test_caffe_bad.c \
	tests/test_tensorflow_bad.c \
	tests/test_session.c \
	tests/test_cuts.c \

# those worth a run under SAN=thread
THREADED = \
	tests/test_session.c \
	tests/test_thread.c \

# programs of the test suite that are not cmocka ones (kernel check, fuzzers)
TEST_TOOLS = \
	tests/fuzz.c \

# one program: every kernel at every level against its reference, and their times
KERNEL_CHECK = \
	tests/kernels/bench.c \
	tests/kernels/check_activation.c \
	tests/kernels/check_conv.c \
	tests/kernels/check_copy.c \
	tests/kernels/check_resize.c \
	tests/kernels/check_elementwise.c \
	tests/kernels/check_dot.c \
	tests/kernels/check_integer.c \
	tests/kernels/check_pool.c \
	tests/kernels/check_rows.c \
	tests/kernels/check_gemm.c \
	tests/kernels/check_gemv.c \
	tests/kernels/check_unfold.c \
	tests/kernels/harness.c \
	tests/kernels/main.c \

# linked with every test and tool
TEST_SUPPORT = \
	tests/caffe_model.c \
	tests/lower_model.c \
	tests/same_bits.c \
	tests/tensorflow_model.c \

# ---- Switches -------------------------------------------------------------------------------

ifeq ($(origin CC),default)
CC := gcc
endif
# the compiler's own, which are others when it compiles for another processor
ifeq ($(origin LD),default)
LD := $(shell $(CC) -print-prog-name=ld)
endif
ifeq ($(origin AR),default)
AR := $(shell $(CC) -print-prog-name=ar)
endif
OBJCOPY ?= $(shell $(CC) -print-prog-name=objcopy)
BLAS ?= openblas
SAN ?=
DEBUG ?=
PREFIX ?= /usr/local
DESTDIR ?=

# V=1 shows the commands, -s not even a line for each
Q := $(if $(V),,@)
SAY := @$(if $(findstring s,$(firstword -$(MAKEFLAGS))),:,printf '  %s %s\n')

comma := ,
VARIANT := $(strip \
	$(if $(filter-out gcc cc,$(notdir $(CC))),-$(notdir $(CC))) \
	$(if $(filter-out openblas,$(BLAS)),-noblas) \
	$(if $(SAN),-$(subst $(comma),-,$(SAN))) \
	$(if $(DEBUG),-debug))
empty :=
space := $(empty) $(empty)
BUILD := build$(if $(VARIANT),/variant$(subst $(space),,$(VARIANT)))

VERSION := $(shell awk '/define TDNN_VERSION_/ { v = v d $$3; d = "." } END { print v }' \
	include/tinydnn.h)
SOVERSION := $(firstword $(subst ., ,$(VERSION)))

# ---- Flags ----------------------------------------------------------------------------------

# gcc warns of conversions that only its sanitizers put in
WARNINGS := $(if $(SAN),-w,-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Werror)
DEFINES := -D_POSIX_C_SOURCE=200809L
ifeq ($(BLAS),openblas)
DEFINES += -DTDNN_BLAS_OPENBLAS
BLAS_LIBS := -lopenblas
else ifneq ($(BLAS),none)
$(error BLAS is openblas or none, not '$(BLAS)')
endif
ifeq ($(DEBUG)$(SAN),)
DEFINES += -DNDEBUG
endif
OPTIMIZE := $(if $(DEBUG),-Og,-O2)
KERNEL_OPTIMIZE := $(if $(DEBUG),-Og,-O3)
SANITIZE := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
FLAGS = -std=c11 $(DEFINES) -I. -Iinclude -I$(BUILD) -g -fPIC -fvisibility=hidden \
	-ffunction-sections -fdata-sections -ffp-contract=off $(SANITIZE) $(CFLAGS)
LINK := $(SANITIZE) -Wl,--gc-sections -Wl,--as-needed
LIBS := $(BLAS_LIBS) -lpng -ljpeg -lprotobuf-c -lpthread -lm

AVX2 := -mavx2 -mfma -mf16c
AVX512 := $(AVX2) -mavx512f -mavx512bw -mavx512dq -mavx512vl
$(BUILD)/%_avx2.o: ISA := $(AVX2)
$(BUILD)/%_avx512.o: ISA := $(AVX512)
$(BUILD)/%_avx512vnni.o: ISA := $(AVX512) -mavx512vnni
$(BUILD)/%_avx512bf16.o: ISA := $(AVX512) -mavx512bf16
$(BUILD)/%_amx.o: ISA := $(AVX512) -mavx512bf16 -mamx-tile -mamx-bf16 -mamx-int8
$(BUILD)/kernels/%.o: OPTIMIZE := $(KERNEL_OPTIMIZE)
# operators with loops over elements, for vectors
$(patsubst %,$(BUILD)/lib/ops/%.o,activations arg cast_loops clip col2im convert elementwise_binary \
	elementwise_compare elementwise_unary grid_sample_f32 nms order pool_any power reduce): OPTIMIZE := $(KERNEL_OPTIMIZE)

# ---- Objects --------------------------------------------------------------------------------

KERNELS := $(KERNELS_GENERIC) $(if $(filter openblas,$(BLAS)),$(KERNELS_BLAS))
ifneq ($(findstring x86_64,$(shell $(CC) -dumpmachine)),)
KERNELS += $(KERNELS_AVX2) $(KERNELS_AVX512) $(KERNELS_BF16) $(KERNELS_AMX)
else ifneq ($(findstring aarch64,$(shell $(CC) -dumpmachine)),)
KERNELS += $(KERNELS_NEON)
endif

LIB := $(BASE) $(KERNELS) $(GRAPH) $(PASSES) $(OPS) $(VISION) $(PARSERS) $(RUNTIME) $(API)
LIB_OBJS := $(LIB:%.c=$(BUILD)/%.o) $(PROTOS:%.proto=$(BUILD)/%.pb-c.o)
CLI_OBJS := $(CLI:%.c=$(BUILD)/%.o)
SUPPORT_OBJS := $(TEST_SUPPORT:%.c=$(BUILD)/%.o)
PB_HEADERS := $(PROTOS:%.proto=$(BUILD)/%.pb-c.h)
TEST_PROGRAMS := $(TESTS:%.c=$(BUILD)/%)
SLOW_PROGRAMS := $(SLOW_TESTS:%.c=$(BUILD)/%)
TOOL_PROGRAMS := $(TEST_TOOLS:%.c=$(BUILD)/%)
EXAMPLE_PROGRAMS := $(EXAMPLES:%.c=$(BUILD)/%)
KERNEL_CHECK_PROGRAM := $(if $(KERNEL_CHECK),$(BUILD)/tests/kernels/check)
KERNEL_CHECK_OBJS := $(KERNEL_CHECK:%.c=$(BUILD)/%.o) $(BUILD)/cli/peak.o
PROGRAM := $(if $(CLI),$(BUILD)/tinydnn)

LISTED := $(LIB) $(KERNELS_BLAS) $(KERNELS_AVX2) $(KERNELS_AVX512) $(KERNELS_BF16) $(KERNELS_AMX) $(KERNELS_NEON) \
	$(CLI) $(EXAMPLES) \
	$(TESTS) $(SLOW_TESTS) $(TEST_TOOLS) $(KERNEL_CHECK) $(TEST_SUPPORT)
UNLISTED := $(filter-out $(LISTED),$(sort $(shell \
	find lib kernels parsers cli examples tests -name '*.c' 2>/dev/null)))
ifneq ($(UNLISTED),)
$(error not in any list of the Makefile: $(UNLISTED))
endif

STATIC := $(BUILD)/libtinydnn.a
INTERNAL := $(BUILD)/internal.a
SHARED := $(BUILD)/libtinydnn.so.$(VERSION)

# ---- Targets --------------------------------------------------------------------------------

.PHONY: all lib examples tests quick unit threaded check check-arm demo bench bench-opencv bench-ops bench-peers bench-load install uninstall clean help
.DELETE_ON_ERROR:
.SECONDARY:

all: lib $(PROGRAM) examples ## the libraries, the program and the examples (default)

lib: $(STATIC) $(SHARED) $(BUILD)/tinydnn.pc ## libtinydnn.a, libtinydnn.so, tinydnn.pc

examples: $(EXAMPLE_PROGRAMS)

tests: $(TEST_PROGRAMS) $(SLOW_PROGRAMS) $(TOOL_PROGRAMS) $(KERNEL_CHECK_PROGRAM)

quick: $(TEST_PROGRAMS) ## build and run the fast unit tests
	@BUILD=$(BUILD) tests/run.sh unit $^

unit: $(TEST_PROGRAMS) $(SLOW_PROGRAMS) $(KERNEL_CHECK_PROGRAM)
	@BUILD=$(BUILD) tests/run.sh unit $(TEST_PROGRAMS) $(SLOW_PROGRAMS) $(KERNEL_CHECK_PROGRAM)

threaded: $(THREADED:%.c=$(BUILD)/%)
	@BUILD=$(BUILD) tests/run.sh unit $^

check: all tests ## every test, and a count at the end
	@MAKE="$(MAKE)" BUILD=$(BUILD) tests/run.sh check

check-arm: ## build for AArch64 and test under emulation: needs what `./bootstrap arm` installs
	@MAKE="$(MAKE)" tests/run.sh arm

demo: all ## classify and detect with the models of examples/models
	@BUILD="$(BUILD)" examples/demo.sh

bench: all $(TOOL_PROGRAMS) $(KERNEL_CHECK_PROGRAM) ## times of kernels and models
	@BUILD="$(BUILD)" tests/bench.sh

bench-opencv: $(PROGRAM) ## times of ONNX models against OpenCV's: make bench-opencv [WITH=opencv]
	@BUILD="$(BUILD)" tests/python.sh tests/bench/compare.py --with "$(or $(WITH),opencv)"

bench-load: $(PROGRAM) ## memory and speed of loading: generated models of 100 MB in each format
	@BUILD="$(BUILD)" tests/python.sh tests/bench/load.py --program "$(PROGRAM)" $(ARGS)

bench-ops: $(PROGRAM) ## every operator beside ONNX Runtime, worst first [ARGS="--threads 2 --only Pool --above 1"]
	@BUILD="$(BUILD)" tests/python.sh tests/bench/race.py $(ARGS)

bench-peers: $(PROGRAM) $(KERNEL_CHECK_PROGRAM) ## tinydnn beside its peers: docs/performance.md [ARGS="--only resnet50 ..."]
	@BUILD="$(BUILD)" tests/python.sh tests/bench/peers.py $(ARGS)

# Linked into one object, in which all names but the interface's are made local: a program may
# have names such as ours, or another library with the same protobuf messages.
$(STATIC): $(LIB_OBJS) $(BUILD)/objects.list
	$(SAY) AR $@
	@rm -f $@
	$(Q)$(LD) -r --unique -o $(BUILD)/tinydnn.o $(LIB_OBJS)
	$(Q)$(OBJCOPY) --localize-hidden $(BUILD)/tinydnn.o
	$(Q)$(AR) rcs $@ $(BUILD)/tinydnn.o

# for the tests, which look inside
$(INTERNAL): $(LIB_OBJS) $(BUILD)/objects.list
	@rm -f $@
	$(Q)$(AR) rcs $@ $(LIB_OBJS)

$(SHARED): $(LIB_OBJS) lib/tinydnn.map $(BUILD)/objects.list
	$(SAY) LD $@
	$(Q)$(CC) -shared -Wl,-soname,libtinydnn.so.$(SOVERSION) -Wl,--version-script=lib/tinydnn.map \
		$(LINK) $(LDFLAGS) -o $@ $(LIB_OBJS) $(LIBS)
	@ln -sf $(@F) $(BUILD)/libtinydnn.so.$(SOVERSION)
	@ln -sf libtinydnn.so.$(SOVERSION) $(BUILD)/libtinydnn.so

$(BUILD)/tinydnn: $(CLI_OBJS) $(STATIC)
	$(SAY) LD $@
	$(Q)$(CC) $(LINK) $(LDFLAGS) -o $@ $^ $(LIBS)

$(EXAMPLE_PROGRAMS): $(BUILD)/%: $(BUILD)/%.o $(STATIC)
	$(SAY) LD $@
	$(Q)$(CC) $(LINK) $(LDFLAGS) -o $@ $^ $(LIBS)

$(TEST_PROGRAMS) $(SLOW_PROGRAMS) $(TOOL_PROGRAMS): $(BUILD)/%: $(BUILD)/%.o $(SUPPORT_OBJS) $(INTERNAL)
	$(SAY) LD $@
	$(Q)$(CC) $(LINK) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka

$(KERNEL_CHECK_PROGRAM): $(KERNEL_CHECK_OBJS) $(INTERNAL)
	$(SAY) LD $@
	$(Q)$(CC) $(LINK) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/%.o: %.c $(BUILD)/flags.list | $(PB_HEADERS)
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(FLAGS) $(OPTIMIZE) $(WARNINGS) $(ISA) -MMD -MP -c -o $@ $<

# protoc-c's code is not ours to keep free of warnings
$(BUILD)/%.pb-c.o: $(BUILD)/%.pb-c.c $(BUILD)/flags.list
	$(SAY) CC $<
	$(Q)$(CC) $(FLAGS) $(OPTIMIZE) -w -MMD -MP -c -o $@ $<

$(BUILD)/%.pb-c.c $(BUILD)/%.pb-c.h: %.proto
	@mkdir -p $(@D)
	$(Q)protoc-c --c_out=$(BUILD) $<

# Rewritten only when its text changes, so that what depends on it is made anew exactly then.
define remember
@mkdir -p $(@D)
@printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' >$@
endef
.PHONY: FORCE
$(BUILD)/flags.list: FORCE
	$(call remember,$(CC) $(FLAGS) $(WARNINGS) $(AVX512))
$(BUILD)/objects.list: FORCE
	$(call remember,$(LIB_OBJS))

$(BUILD)/tinydnn.pc: lib/tinydnn.pc.in include/tinydnn.h $(BUILD)/pc.list
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@LIBS@|$(LIBS)|' $< >$@
$(BUILD)/pc.list: FORCE
	$(call remember,$(PREFIX) $(LIBS))

install: all ## to $(DESTDIR)$(PREFIX)
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin include lib/pkgconfig)
	install -m 644 include/tinydnn.h $(DESTDIR)$(PREFIX)/include
	install -m 644 $(STATIC) $(DESTDIR)$(PREFIX)/lib
	install -m 755 $(SHARED) $(DESTDIR)$(PREFIX)/lib
	cp -P $(BUILD)/libtinydnn.so.$(SOVERSION) $(BUILD)/libtinydnn.so $(DESTDIR)$(PREFIX)/lib
	install -m 644 $(BUILD)/tinydnn.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig
	$(if $(PROGRAM),install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin)

uninstall: ## what install has put there
	cd $(DESTDIR)$(PREFIX) && rm -f include/tinydnn.h lib/libtinydnn.a lib/libtinydnn.so \
		lib/libtinydnn.so.* lib/pkgconfig/tinydnn.pc bin/tinydnn

clean: ## remove build/
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile
	@echo "switches: BLAS=openblas|none SAN=address,undefined|thread DEBUG=1 CC=... PREFIX=... DESTDIR=... V=1"

-include $(patsubst %.o,%.d,$(LIB_OBJS) $(CLI_OBJS) $(SUPPORT_OBJS) $(KERNEL_CHECK_OBJS)) \
	$(addsuffix .d,$(EXAMPLE_PROGRAMS) $(TEST_PROGRAMS) $(SLOW_PROGRAMS) $(TOOL_PROGRAMS))
