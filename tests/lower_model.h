/* Nets of one operator with random parameters, run as they are and after lowering to ONNX's own
 * operators; nothing else may be left, and the answers must be the same. */
#ifndef TESTS_LOWER_MODEL_H
#define TESTS_LOWER_MODEL_H

#include "tests/onnx_build.h"

#include "lib/graph/params.h"

enum { OPSET = 17, CONFIGURATIONS = 40, MOST_PORTS = 4 };

uint32_t random_u32(void);
int64_t random_pick(int64_t low, int64_t high);
double random_uniform(double low, double high);
bool random_chance(void);

typedef struct lower_model {
    onnx_build build;
    int64_t opset; /* that it is lowered to */
    char attrs[2048];
    const char *names[MOST_PORTS];
    tdnn_tensor *inputs[MOST_PORTS];
    size_t input_count;
} lower_model;

/* Seeded with the number. */
lower_model lower_begin(uint64_t number);
void attr_int(lower_model *m, const char *name, int64_t value);
void attr_text(lower_model *m, const char *name, const char *value);
void attr_float(lower_model *m, const char *name, double value);
void attr_floats(lower_model *m, const char *name, size_t count, double low, double high);
/* An input of any size, and what it is fed with. */
float *lower_feed(lower_model *m, const char *name, int ndim, const int64_t *dims, double low,
                  double high);
tdnn_net *lower_load(tdnn_bytes bytes);
/* Closes the model, and compares; how many numbers of output 0 are not 0 comes back. */
size_t lower_same(lower_model *m, double tolerance);

#endif
