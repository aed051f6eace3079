/* The arena planner: a pure function from lifetimes to offsets. */
#ifndef TDNN_RUNTIME_ARENA_H
#define TDNN_RUNTIME_ARENA_H

#include "lib/base/mem.h"

/* A block that is needed from step `first` to step `last`, both included. */
typedef struct tdnn_lifetime {
    int32_t first, last;
    size_t bytes;  /* rounded up to TDNN_ALIGN by the planner */
    size_t offset; /* the result */
} tdnn_lifetime;

/* Places all blocks so that no two that live at the same time overlap, and returns the arena's
 * size in *total: largest first, each at the lowest gap that fits (greedy by size; Pisarchyk
 * and Lee, 2020); then, while that is above the lower bound, again with the block that lies at
 * the end as the first. */
tdnn_status tdnn_arena_plan(tdnn_lifetime *blocks, size_t count, tdnn_zone *scratch,
                            size_t *total, tdnn_error *err);

/* The lower bound: the largest sum of blocks that live at one time. */
size_t tdnn_arena_bound(const tdnn_lifetime *blocks, size_t count);

#endif
