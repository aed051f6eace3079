/* A plan: the steps that compute a stretch of a graph for certain input shapes, and where each
 * value lies.
 *
 * A stretch begins at some node and ends before the first one that cannot be planned yet,
 * because a shape depends on values that must be computed first, or because the operator has
 * `exec`. For most networks it is the whole graph.
 *
 * Making one: infer (plan_infer.c) -> fuse (plan_einsum.c, plan_attention.c, plan_fuse.c,
 * plan_product.c, plan_shuffle.c, plan_chain.c) -> layouts (plan_layout.c) -> steps
 * (plan_steps.c) -> memory (plan_memory.c).
 */
#ifndef TDNN_RUNTIME_PLAN_H
#define TDNN_RUNTIME_PLAN_H

#include "lib/base/thread.h"
#include "lib/ops/op.h"
#include "lib/runtime/pack.h"

/* What planning needs to know besides the graph. */
typedef struct tdnn_plan_env {
    const tdnn_kernels *kernels;
    int threads;
    tdnn_precision precision;
    bool no_winograd;
    tdnn_packs *packs; /* NULL: constants are not packed */
    tdnn_workers *workers; /* who pack; NULL: the caller alone */
} tdnn_plan_env;

/* Where planning starts. */
typedef struct tdnn_segment {
    const tdnn_graph *graph;
    size_t begin; /* first node                                                   */
    tdnn_tensor *const *values; /* per value: computed so far, or NULL. Data NULL: shape only */
    const int32_t *last_use; /* per value: last node that uses it; INT32_MAX: an output      */
} tdnn_segment;

typedef enum tdnn_place { TDNN_PLACE_ARENA, TDNN_PLACE_CONSTANT, TDNN_PLACE_LIVE } tdnn_place;

typedef struct tdnn_plan_value {
    tdnn_info info;
    tdnn_tensor view; /* what steps see                                             */
    tdnn_id id;       /* in the graph; TDNN_ABSENT: made by the planner             */
    tdnn_place place; /* LIVE: computed before this stretch                         */
    bool forever;     /* a constant of the graph: may be packed for the net         */
    bool asked;       /* LIVE: its contents decided something, they are in the key  */
    bool escapes;     /* used behind this stretch                                   */
    int32_t root;     /* the value in whose memory it lies; itself: its own         */
    size_t offset;    /* in the root's memory, bytes                                */
    int32_t other;    /* the same value in the other layout, -1: none               */
    int32_t first, last; /* nodes of the plan between which it must be kept         */
    size_t at;        /* of roots in the arena: offset                              */
} tdnn_plan_value;

typedef struct tdnn_plan_node {
    const tdnn_node *node; /* of the graph, or made by the planner */
    int32_t *in, *out;     /* plan values; -1: absent              */
    size_t in_count, out_count;
    bool dead;
    tdnn_step *step;       /* NULL: nothing to run                 */
    struct tdnn_inplace {
        int32_t out, in;
    } inplace[4];
    size_t inplace_count;
} tdnn_plan_node;

typedef struct tdnn_step_times {
    uint64_t runs, total_ns, min_ns;
} tdnn_step_times;

typedef struct tdnn_plan {
    tdnn_zone *zone;
    const tdnn_graph *graph;
    size_t begin, end; /* nodes of the graph */
    tdnn_plan_value *values;
    size_t value_count, value_capacity;
    tdnn_plan_node *nodes;
    size_t node_count, node_capacity;
    tdnn_step *steps;
    tdnn_step_times *times;
    size_t step_count;
    tdnn_tensor **held; /* contents that were worked out while planning */
    size_t held_count, held_capacity;
    int32_t *live;      /* plan values with place LIVE: the key */
    size_t live_count;
    int32_t *moving;    /* values whose memory is that of a LIVE one */
    size_t moving_count;
    int32_t *escaping;  /* values to hand on after running */
    size_t escaping_count;
    size_t arena_bytes, arena_bound;
    unsigned char *base; /* the arena it is bound to */
    uint64_t used;       /* a counter, for dropping the least recently used */
} tdnn_plan;

/* Plans a stretch. plan->end == segment->begin: the first node cannot be planned, but by
 * running it (exec), or, in a segment with shapes only, not at all. */
tdnn_status tdnn_plan_build(const tdnn_plan_env *env, const tdnn_segment *segment,
                            tdnn_plan **out, tdnn_error *err);
void tdnn_plan_free(tdnn_plan *plan); /* takes NULL */
/* True if the plan is for values like these. */
bool tdnn_plan_matches(const tdnn_plan *plan, tdnn_tensor *const *values);
/* Computes, in the arena at `base` (arena_bytes large). Each escaping value then stands in
 * values[id], as a view of the arena. `clock` not NULL: times are recorded. */
typedef struct tdnn_run_hooks {
    tdnn_workers *workers; /* NULL: the caller's thread alone */
    bool profile;
    int (*progress)(void *user, size_t step, size_t step_count);
    void *user;
} tdnn_run_hooks;
tdnn_status tdnn_plan_run(tdnn_plan *plan, unsigned char *base, const tdnn_run_hooks *hooks,
                          tdnn_tensor **values, tdnn_error *err);

/* Whether a node must be run by its `exec`. An input is odd if it is a list, holds strings or
 * has elements smaller than a byte. */
bool tdnn_op_needs_exec(const tdnn_op *op, bool odd_input);

/* One operator on tensors, by planning and running it alone; `name` is for messages. The
 * outputs are new. TDNN_WAIT if it has `exec` only. */
tdnn_status tdnn_evaluate(const tdnn_plan_env *env, const tdnn_node *node,
                          tdnn_tensor *const *inputs, tdnn_tensor **outputs, tdnn_error *err);

/* ---- between the files of the planner ---- */

typedef struct tdnn_planner {
    const tdnn_plan_env *env;
    const tdnn_segment *segment;
    tdnn_plan *plan;
    int32_t *index;          /* per graph value: plan value, -1: none yet */
    tdnn_plan_node *current; /* the node whose infer or plan runs         */
    tdnn_error *err;
    /* Not NULL: inference goes on behind nodes that wait, and behind those that fail, of which
     * it is told; what hangs on their results is left out. */
    void (*failed)(void *context, const tdnn_node *node, tdnn_error *why);
    void *context;
} tdnn_planner;

tdnn_status tdnn_planner_add_value(tdnn_planner *p, const tdnn_info *info, tdnn_id id,
                                   int32_t *out);
tdnn_status tdnn_planner_add_node(tdnn_planner *p, const tdnn_node *node, size_t in_count,
                                  size_t out_count, tdnn_plan_node **out);
/* Who makes and who uses the values of the plan, for the fusions. In the plan's zone. */
typedef struct tdnn_plan_uses {
    uint32_t *uses;    /* per plan value, by live nodes; what escapes counts as used once more */
    int32_t *producer; /* per plan value: plan node, -1 none                                   */
    int32_t *consumer; /* the last of them, -1 none                                            */
} tdnn_plan_uses;
tdnn_status tdnn_planner_uses(tdnn_planner *p, tdnn_plan_uses *out);
tdnn_status tdnn_planner_infer(tdnn_planner *p);
tdnn_status tdnn_planner_einsum(tdnn_planner *p);
tdnn_status tdnn_planner_attention(tdnn_planner *p);
tdnn_status tdnn_planner_fuse(tdnn_planner *p);
tdnn_status tdnn_planner_product(tdnn_planner *p);
tdnn_status tdnn_planner_shuffle(tdnn_planner *p);
tdnn_status tdnn_planner_chain(tdnn_planner *p);
tdnn_status tdnn_planner_layout(tdnn_planner *p);
tdnn_status tdnn_planner_steps(tdnn_planner *p);
tdnn_status tdnn_planner_memory(tdnn_planner *p);
/* The root of a value's memory, and the value's offset in it. */
int32_t tdnn_plan_root(const tdnn_plan *plan, int32_t value, size_t *offset);

#endif
