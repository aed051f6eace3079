/* What an operator is to the rest of the library: a const descriptor, and the contexts its
 * functions get.
 *
 *   infer   from input types and shapes (and contents, where asked for) to those of the outputs
 *   layout  which memory layouts it can take and give; NULL: plain only
 *   plan    once per input shape: checks, chooses kernels, scratch, tasks, aliasing; may pack
 * weights run     only computes: no allocation, no failure. In tasks that any worker may take
 *   exec    in place of plan and run, where outputs cannot be known before running: control
 * flow, sequences, strings, shapes that depend on data
 *
 * An operator has infer and plan, or exec; with both, exec serves inputs that are lists,
 * strings or smaller than a byte.
 */
#ifndef TDNN_OPS_OP_H
#define TDNN_OPS_OP_H

#include "kernels/kernels.h"
#include "lib/graph/graph.h"
#include "lib/graph/params.h"

/* Not a failure: the answer must wait until the node's inputs have been computed. */
#define TDNN_WAIT ((tdnn_status)1000)

/* What planning knows of a value. */
typedef struct tdnn_info {
    tdnn_kind kind;
    tdnn_dtype dtype;
    tdnn_shape shape;
    tdnn_tensor *contents; /* NULL: not known yet. For operators: use tdnn_infer_contents */
    tdnn_layout layout;
} tdnn_info;

/* ---- infer ---- */

typedef struct tdnn_infer {
    const tdnn_node *node;
    const void *params;
    size_t input_count, output_count;
    const tdnn_info *const *in; /* NULL where an input is absent; always complete shapes */
    tdnn_info *out;             /* to fill: dtype and shape; absent outputs too           */
    tdnn_error *err;
    void *planner;
} tdnn_infer;

/* The contents of input `index`; TDNN_WAIT if they are not known before running. Borrowed. */
tdnn_status tdnn_infer_contents(tdnn_infer *ctx, size_t index, const tdnn_tensor **out);
/* The same as 64-bit integers (input of type i64 or i32), in memory that lives as long as the
 * plan. */
tdnn_status tdnn_infer_ints(tdnn_infer *ctx, size_t index, tdnn_ints *out);
/* Says what output `index` contains (Shape, Size, ...): no step is needed then. Takes over the
 * reference. */
void tdnn_infer_set_contents(tdnn_infer *ctx, size_t index, tdnn_tensor *contents);
/* True if input `index` is there. */
static inline bool tdnn_infer_has(const tdnn_infer *ctx, size_t index)
{
    return index < ctx->input_count && ctx->in[index];
}
/* Fills output `index`. */
void tdnn_infer_set(tdnn_infer *ctx, size_t index, tdnn_dtype dtype, const tdnn_shape *shape);
/* The commonest rule: output 0 is as input 0. */
tdnn_status tdnn_infer_same(tdnn_infer *ctx);
/* Numpy's broadcasting of all inputs into output 0; the type is that of input 0, and all inputs
 * must have it. */
tdnn_status tdnn_infer_broadcast(tdnn_infer *ctx);
tdnn_status tdnn_broadcast_shapes(const tdnn_shape *a, const tdnn_shape *b, tdnn_shape *out,
                                  tdnn_error *err);
/* axis -ndim .. ndim-1 made 0 .. ndim-1, or an error that names it. */
tdnn_status tdnn_axis_resolve(int64_t axis, int ndim, int *out, tdnn_error *err);

/* ---- layout ---- */

typedef struct tdnn_layout_query {
    const tdnn_node *node;
    const void *params;
    size_t input_count, output_count;
    const tdnn_info *const *in;  /* with the layout each has so far; NULL: absent        */
    const tdnn_info *out;
    bool blocked_users;          /* of output 0: operators that may take it blocked      */
    tdnn_layout block;           /* the blocked layout of this CPU level; never PLAIN     */
    tdnn_layout *want;           /* to fill: for each input; starts as PLAIN              */
    tdnn_layout *give;           /* to fill: for each output; starts as PLAIN             */
} tdnn_layout_query;

/* For operators that work element by element: follow input 0, others alike. Each element alone,
 * so the meaningless lanes stay harmless; f(0) must be finite. All 4-dimensional inputs of the
 * output's shape are wanted in the same layout; smaller ones plain. */
void tdnn_layout_follow(tdnn_layout_query *query);

/* ---- plan and run ---- */

typedef struct tdnn_step tdnn_step;
typedef void (*tdnn_run_fn)(const tdnn_step *step, size_t task, size_t worker);

#define TDNN_MAX_PHASES 4

/* One operator, ready to run: flat data, filled by `plan`. */
struct tdnn_step {
    const tdnn_node *node;
    const void *params;
    tdnn_tensor **in;  /* NULL where absent; data is set before each run */
    tdnn_tensor **out; /* NULL where absent                              */
    size_t input_count, output_count;
    /* Phases run one after another, all tasks of one before the next begins. */
    struct {
        tdnn_run_fn run;
        size_t task_count;
    } phases[TDNN_MAX_PHASES];
    size_t phase_count;
    void *data; /* the operator's own: kernel arguments, strides, packed weights ... */
    unsigned char *scratch; /* of worker w: scratch + w * scratch_stride, 64-byte aligned */
    size_t scratch_stride;
    unsigned char *shared;           /* scratch that all workers share, between phases           */
    size_t shared_bytes, scratch_at; /* scratch_at: offset in the arena */
    const tdnn_kernels *kernels;
    const char *kernel;        /* a name for people: "conv1x1 c16 avx512" */
    uint64_t flops, moved;
};

typedef struct tdnn_plan_ctx {
    tdnn_step *step; /* in and out have types, shapes and layouts; no data yet      */
    const tdnn_kernels *kernels;
    int threads;
    tdnn_precision precision;
    bool no_winograd;
    /* Per input: its contents if they never change, else NULL. Of the inputs in op->later the
     * data may be missing or lie unaligned: see lib/base/tensor.h. */
    const tdnn_tensor *const *constants;
    /* Per input: its contents if this plan is for no others (constants, and what infer asked
     * for or worked out), else NULL. */
    const tdnn_tensor *const *known;
    tdnn_error *err;
    void *planner;
} tdnn_plan_ctx;

/* Zeroed memory that lives as long as the plan; becomes step->data if that is still NULL. */
void *tdnn_plan_alloc(tdnn_plan_ctx *ctx, size_t count, size_t size);
/* Output 0 is input 0 under its own shape: a view, or a copy where that cannot be. A whole plan
 * function. */
tdnn_status tdnn_plan_view(tdnn_plan_ctx *ctx);
/* Adds a phase. */
void tdnn_plan_phase(tdnn_plan_ctx *ctx, tdnn_run_fn run, size_t task_count);
/* Scratch for each worker, and shared by all; the largest request counts. */
void tdnn_plan_scratch(tdnn_plan_ctx *ctx, size_t bytes_per_worker);
void tdnn_plan_shared(tdnn_plan_ctx *ctx, size_t bytes);
/* Output `out` is input `in`, seen `offset` bytes further on (views: Reshape, Split): no copy,
 * and, if the step adds no phase, no step. False if it cannot be; then copy. */
bool tdnn_plan_alias(tdnn_plan_ctx *ctx, size_t out, size_t in, size_t offset);
/* Input `in` is to be made right inside output `out`, `offset` bytes from its start (Concat:
 * the inputs behind it are to follow it there). False if it cannot be; then copy. */
bool tdnn_plan_embed(tdnn_plan_ctx *ctx, size_t in, size_t out, size_t offset);
/* Output `out` may take over the memory of input `in` if nobody needs that any more: run must
 * read each element before it writes it. The sizes must be equal. */
void tdnn_plan_inplace(tdnn_plan_ctx *ctx, size_t out, size_t in);

/* Something made once per net from constants, most often packed weights: `build` is called
 * unless the net has it already under the same key, when all steps are planned, maybe by
 * another thread. The result is borrowed, as long as the net; until then it must not be read.
 */
typedef struct tdnn_pack_key {
    const char *what;               /* compared as text: "gemm b avx512" */
    const tdnn_tensor *source[4];   /* constants of the net; NULL: none */
    int64_t number[6];              /* whatever else it depends on */
    bool anywhere; /* `build` takes data at any address: they need no copy where they lie in a
                      file */
} tdnn_pack_key;
/* `source` are those of the key, with aligned data whatever the constants have (but see
 * `anywhere`). */
typedef tdnn_status (*tdnn_pack_fn)(void *context, const tdnn_tensor *const *source, void *out,
                                    tdnn_error *err);
/* `context` is copied. */
tdnn_status tdnn_plan_pack(tdnn_plan_ctx *ctx, const tdnn_pack_key *key, size_t bytes,
                           tdnn_pack_fn build, const void *context, size_t context_bytes,
                           const void **out);

/* How many tasks to cut `work` (in elements or flops) into, so that each is worth a hand-over:
 * 1 .. 4 * threads. Only for splits that do not change any sum. */
size_t tdnn_plan_split(const tdnn_plan_ctx *ctx, double flops, size_t most);
/* The part of 0 .. count-1 that task `task` of `tasks` has. */
static inline void tdnn_task_range(size_t count, size_t tasks, size_t task, size_t *begin,
                                   size_t *end)
{
    size_t each = count / tasks, more = count % tasks; /* the first `more` tasks have one more */
    *begin = task * each + (task < more ? task : more);
    *end = *begin + each + (task < more);
}

/* ---- exec ---- */

typedef struct tdnn_exec {
    const tdnn_node *node;
    const void *params;
    size_t input_count, output_count;
    tdnn_tensor *const *in; /* NULL where absent; input_count, then the captures */
    tdnn_tensor **out;      /* to fill with new references; absent outputs may stay NULL */
    const tdnn_kernels *kernels;
    tdnn_error *err;
    void *runner;
} tdnn_exec;

/* Runs subgraph `index` on `inputs` (as many as it has; borrowed); `outputs` receives new
 * references to tensors that nobody else writes. */
tdnn_status tdnn_exec_subgraph(tdnn_exec *ctx, size_t index, tdnn_tensor *const *inputs,
                               size_t input_count, tdnn_tensor **outputs, size_t output_count);
/* A reference to `tensor` that stays valid after this run: the tensor itself, or a copy. */
tdnn_status tdnn_exec_keep(tdnn_exec *ctx, tdnn_tensor *tensor, tdnn_tensor **out);
/* Runs another operator, which has infer and plan, on tensors (NULL where absent): for
 * operators that are made of others. `outputs` receives new references. */
tdnn_status tdnn_exec_op(tdnn_exec *ctx, tdnn_op_kind kind, const void *params,
                         tdnn_tensor *const *inputs, size_t input_count, tdnn_tensor **outputs,
                         size_t output_count);

/* ---- the descriptor ---- */

enum {
    TDNN_OP_RANDOM = 1,    /* another result each time: never folded                         */
    TDNN_OP_NO_FOLD = 2,   /* not folded at load: its result is much larger than its inputs  */
    TDNN_OP_LISTS = 4      /* may take or give sequences or optionals                        */
};

typedef struct tdnn_op {
    tdnn_schema schema; /* first: node->op points here */
    unsigned flags;
    /* Bit i: constant f32 data of input i need not be there, where all inputs but the first are
     * constant: `plan` packs them, or has a kernel for data at any address. */
    unsigned later;
    tdnn_status (*infer)(tdnn_infer *ctx);
    void (*layout)(tdnn_layout_query *query);
    tdnn_status (*plan)(tdnn_plan_ctx *ctx);
    tdnn_status (*exec)(tdnn_exec *ctx);
    /* Of operators with subgraphs: says what inputs subgraph `index` gets at first, as far as
     * that is known (ctx->in is NULL where it is not, and so is in[i].dtype); false: it never
     * runs. */
    bool (*enter)(const tdnn_infer *ctx, size_t index, tdnn_info *in, size_t count);
} tdnn_op;

static inline const tdnn_op *tdnn_op_of(const tdnn_node *node)
{
    return (const tdnn_op *)(const void *)node->op;
}

#define TDNN_OP_DECLARE(name) extern const tdnn_op tdnn_op_##name;
TDNN_OP_LIST(TDNN_OP_DECLARE)
#undef TDNN_OP_DECLARE

/* The head of a descriptor: TDNN_SCHEMA(Conv, 2, 4, 1, 1, conv_attrs, tdnn_conv_params). */
#define TDNN_SCHEMA(op_, min_in, max_in, min_out, max_out, attrs_, params_type)                  \
    .kind = TDNN_OP_##op_, .name = #op_, .min_inputs = (min_in), .max_inputs = (max_in),         \
    .min_outputs = (min_out), .max_outputs = (max_out), .attrs = (attrs_),                       \
    .params_size = sizeof(params_type)
/* One without attributes. */
#define TDNN_SCHEMA_PLAIN(op_, min_in, max_in, min_out, max_out)                                 \
    .kind = TDNN_OP_##op_, .name = #op_, .min_inputs = (min_in), .max_inputs = (max_in),         \
    .min_outputs = (min_out), .max_outputs = (max_out)

#endif
