/* model.h - loading a model and giving it inputs, as every subcommand that runs one does. */
#ifndef TINYDNN_CLI_MODEL_H
#define TINYDNN_CLI_MODEL_H

#include "cli/options.h"

typedef struct model_options {
    int darknet_as, layout; /* tdnn_darknet_as, tdnn_io_layout */
    bool no_optimize;
    uint64_t memory_limit; /* of loading, and of a session; 0: the default */
} model_options;

#define MODEL_OPTIONS(m)                                                                       \
    OPTION("darknet-as", CHOICE, &(m).darknet_as, "darknet|opencv",                            \
           "whose meaning a Darknet model has where they differ"),                             \
        OPTION("layout", CHOICE, &(m).layout, "nchw|graph",                                    \
               "inputs and outputs of TensorFlow models"),                                     \
        OPTION("no-optimize", FLAG, &(m).no_optimize, NULL,                                    \
               "run the graph as the file has it, without folding and fusion"),                \
        OPTION("memory-limit", BYTES, &(m).memory_limit, "BYTES[K|M|G]",                       \
               "most memory that may be allocated; default: what the machine has")

typedef struct session_choice {
    int threads, precision; /* tdnn_precision */
    const char *cpu;
    bool no_winograd;
} session_choice;

#define SESSION_OPTIONS(s)                                                                           \
    OPTION_FROM(1, "threads", INT, &(s).threads, "N", "threads that compute (default 1)"),           \
        OPTION(                                                                                      \
            "cpu", TEXT, &(s).cpu, "LEVEL",                                                          \
            "at most these instructions: generic, avx2, avx512, avx512vnni; fast: avx512bf16, amx"), \
        OPTION("precision", CHOICE, &(s).precision, "fp32|fast",                                     \
               "fast: bf16 products, f32 sums where the CPU has them"),                              \
        OPTION("no-winograd", FLAG, &(s).no_winograd, NULL, "3x3 convolutions by direct sums")

typedef struct names {
    const char *const *text;
    size_t count;
} names;

/* Loads so that the values `inputs` can be fed and the values `outputs` come out: the model as
 * it is where those are its own, else cut there. Either may be empty: the model's own. */
TDNN_MUST_USE tdnn_status model_load(const char *model, const char *config,
                                     const model_options *options, names inputs, names outputs,
                                     tdnn_net **out, tdnn_error *err);
tdnn_session_options session_options(const session_choice *choice, const model_options *model);

/* The index of an input or output; SIZE_MAX if the net has none of that name. */
size_t net_input_index(const tdnn_net *net, const char *name);
size_t net_output_index(const tdnn_net *net, const char *name);

/* Reads "NAME=1x3x224x224", or "1x3x224x224" where the net has one input only, over the
 * declared shapes of all inputs. A first dimension that stays unknown becomes 1. False:
 * reported. `shapes` (freed with free) has one a net input. */
bool model_shapes(const tdnn_net *net, const text_list *given, tdnn_shape **shapes);
/* One of them, for an input whose name is "" where none is given. False: reported. `name` is
 * freed with free in either case. */
bool size_read(const char *given, char **name, tdnn_shape *shape);
/* The first input whose shape is not known in full; SIZE_MAX if there is none. */
size_t first_unknown(const tdnn_net *net, const tdnn_shape *shapes);
void report_unknown(const tdnn_net *net, size_t input, const tdnn_shape *shape);
/* Plans for the shapes of all inputs (sequences and optionals left out). */
TDNN_MUST_USE tdnn_status model_plan(tdnn_session *session, const tdnn_net *net,
                                     const tdnn_shape *shapes, tdnn_error *err);

/* Gives an input uniform random values of that shape. */
TDNN_MUST_USE tdnn_status input_randomise(tdnn_session *session, const tdnn_port *port,
                                          const tdnn_shape *shape, uint64_t *state,
                                          tdnn_error *err);
#endif
