/* Memory: checked sizes, the allocator, and zones.
 *
 * mem.c is the only file that calls malloc. A zone is a region that grows and is freed as a
 * whole: graphs and plans live in zones, so that nothing in them needs freeing one by one.
 */
#ifndef TDNN_BASE_MEM_H
#define TDNN_BASE_MEM_H

#include "lib/base/error.h"

#define TDNN_ALIGN 64 /* bytes: a cache line, and the widest vector */

/* false if the result does not fit; then *out is unchanged. */
static inline bool tdnn_size_mul(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}
static inline bool tdnn_size_add(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}
/* Rounded up to a multiple of `to`, a power of two; for sizes that are known to be far from
 * SIZE_MAX. */
static inline size_t tdnn_round_up(size_t n, size_t to) { return (n + to - 1) & ~(to - 1); }

/* count * size bytes, aligned to TDNN_ALIGN; NULL if refused. A zero size gives a valid
 * pointer. */
void *tdnn_alloc(size_t count, size_t size);
/* For what is read from end to end in each run (weights, arenas): from 2 MiB on, in pages of
 * that size where the system has them. */
void *tdnn_alloc_huge(size_t bytes);
void *tdnn_calloc(size_t count, size_t size); /* zeroed */
/* Grows (or shrinks) to count * size bytes, keeping the first `kept` bytes. NULL if refused:
 * the old block stays. */
void *tdnn_realloc(void *old, size_t kept, size_t count, size_t size);
void tdnn_free(void *block);

/* What one thread may allocate while the budget is in use: a damaged model may ask for
 * anything. Further allocations are then refused, which every caller passes on as
 * TDNN_ERR_MEMORY. */
typedef struct tdnn_budget {
    uint64_t limit, used; /* bytes */
    uint64_t refused;     /* bytes of the allocation that was too much; 0: none was */
} tdnn_budget;

/* From here on this thread's allocations count; returns the budget that was in use, or NULL. */
tdnn_budget *tdnn_budget_begin(tdnn_budget *budget);
/* The one before is in use again. Returns `status`; TDNN_ERR_LIMIT, with both numbers, if
 * memory was refused since it would have been too much. */
tdnn_status tdnn_budget_end(tdnn_budget *before, tdnn_status status, tdnn_error *err);
/* Of the machine, bytes; UINT64_MAX if the system does not say. */
uint64_t tdnn_memory_size(void);

/* For tests: the n-th allocation from now fails, and all after it; 0: none. */
void tdnn_alloc_fail_after(size_t n);

typedef struct tdnn_zone tdnn_zone;

tdnn_zone *tdnn_zone_create(void); /* NULL if refused */
void tdnn_zone_free(tdnn_zone *zone);
/* Zeroed, aligned to 16 bytes (from 256 bytes on: to TDNN_ALIGN); NULL if refused. */
void *tdnn_zone_alloc(tdnn_zone *zone, size_t count, size_t size);
char *tdnn_zone_strdup(tdnn_zone *zone, const char *text);
char *tdnn_zone_strndup(tdnn_zone *zone, const char *text, size_t length);
char *tdnn_zone_printf(tdnn_zone *zone, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
size_t tdnn_zone_bytes(const tdnn_zone *zone);

/* Makes room for one more element behind `count` of them in a zone-owned array:
 * TDNN_ZONE_PUSH(zone, array, count, capacity) is true on success; the caller then writes
 * array[count++]. */
bool tdnn_zone_reserve(tdnn_zone *zone, void **array, size_t count, size_t *capacity,
                       size_t size);
#define TDNN_ZONE_PUSH(zone, array, count, capacity)                                             \
    tdnn_zone_reserve((zone), (void **)&(array), (count), &(capacity), sizeof *(array))

#define TDNN_NO_MEMORY(err) TDNN_FAIL((err), TDNN_ERR_MEMORY, "out of memory")

#endif
