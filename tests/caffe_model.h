/* Small Caffe models for tests: a .caffemodel is put together here, a .prototxt is text. */
#ifndef TDNN_TESTS_CAFFE_MODEL_H
#define TDNN_TESTS_CAFFE_MODEL_H

#include "parsers/wire.h"

typedef enum caffe_form { CAFFE_NEWEST, CAFFE_V1, CAFFE_V0 } caffe_form;

/* Starts a model with a name. */
void caffe_model_begin(tdnn_wire_buffer *model);
/* A layer's blobs: `sizes` are numbers of elements, up to a 0; element k of a blob is
 * values(k). */
void caffe_model_layer(tdnn_wire_buffer *model, caffe_form form, const char *name,
                       const int64_t *sizes, float (*values)(size_t));
tdnn_bytes caffe_model_bytes(const tdnn_wire_buffer *model);

/* Loads from memory; `model` may be empty. */
tdnn_status caffe_load(const char *prototxt, const tdnn_wire_buffer *model, tdnn_net **net,
                       tdnn_error *err);
/* Loads, feeds an input of `shape` with 0, 1, 2 ..., runs, and copies output 0, at most `most`
 * numbers, how many of which there are comes back in *count. */
tdnn_status caffe_run(const char *prototxt, const tdnn_wire_buffer *model,
                      const tdnn_shape *shape, float *out, size_t most, size_t *count,
                      tdnn_error *err);

#endif
