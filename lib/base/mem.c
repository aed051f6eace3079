/* The one file that allocates. */
#define _DEFAULT_SOURCE /* madvise, malloc_usable_size */
#include "lib/base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HUGE_PAGE = 2 << 20 };

static atomic_size_t fail_countdown; /* 0: allocations do not fail on purpose */

void tdnn_alloc_fail_after(size_t n) { atomic_store(&fail_countdown, n); }

static bool fails_on_purpose(void)
{
    size_t left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    if (left == 0) return false;
    if (left == 1) return true; /* stays at 1: all further ones fail too */
    atomic_store(&fail_countdown, left - 1);
    return false;
}

static _Thread_local tdnn_budget *budget; /* NULL: without limit */

tdnn_budget *tdnn_budget_begin(tdnn_budget *from_now)
{
    tdnn_budget *before = budget;
    budget = from_now;
    budget->refused = 0;
    return before;
}

tdnn_status tdnn_budget_end(tdnn_budget *before, tdnn_status status, tdnn_error *err)
{
    const tdnn_budget ended = *budget;
    budget = before;
    if (status != TDNN_ERR_MEMORY || !ended.refused) return status;
    const tdnn_error inner = err ? *err : (tdnn_error){0};
    TDNN_FAIL(err, TDNN_ERR_LIMIT,
              "%llu bytes are needed beside %llu in use, the memory limit is %llu",
              (unsigned long long)ended.refused, (unsigned long long)ended.used,
              (unsigned long long)ended.limit);
    return inner.where[0] ? tdnn_error_at(err, TDNN_ERR_LIMIT, "%s", inner.where)
                          : TDNN_ERR_LIMIT;
}

uint64_t tdnn_memory_size(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_MAX;
}

/* `alignment` a power of two; bytes and alignment far from SIZE_MAX. */
static void *allocate(size_t alignment, size_t bytes)
{
    bytes = tdnn_round_up(bytes ? bytes : 1, alignment);
    if (budget && (budget->used > budget->limit || bytes > budget->limit - budget->used)) {
        budget->refused = bytes;
        return NULL;
    }
    void *block = aligned_alloc(alignment, bytes);
    if (budget && block) budget->used += malloc_usable_size(block);
    return block;
}

void *tdnn_alloc(size_t count, size_t size)
{
    size_t bytes;
    if (!tdnn_size_mul(count, size, &bytes) || bytes > SIZE_MAX / 2 || fails_on_purpose())
        return NULL;
    return allocate(TDNN_ALIGN, bytes);
}

void *tdnn_alloc_huge(size_t bytes)
{
    if (bytes < HUGE_PAGE) return tdnn_alloc(bytes, 1);
    if (bytes > SIZE_MAX / 2 || fails_on_purpose()) return NULL;
    void *block = allocate(HUGE_PAGE, bytes);
#ifdef MADV_HUGEPAGE
    if (block)
        madvise(block, tdnn_round_up(bytes, HUGE_PAGE),
                MADV_HUGEPAGE); /* no more than a wish */
#endif
    return block;
}

void *tdnn_calloc(size_t count, size_t size)
{
    void *block = tdnn_alloc(count, size);
    if (block) memset(block, 0, count * size);
    return block;
}

void *tdnn_realloc(void *old, size_t kept, size_t count, size_t size)
{
    void *block = tdnn_alloc(count, size);
    if (!block) return NULL;
    if (old) memcpy(block, old, kept < count * size ? kept : count * size);
    tdnn_free(old);
    return block;
}

void tdnn_free(void *block)
{
    if (budget && block) { /* what another budget paid for may come back here */
        const size_t bytes = malloc_usable_size(block);
        budget->used -= bytes < budget->used ? bytes : budget->used;
    }
    free(block);
}

/* A zone is a chain of chunks; the newest has room, the older ones are full. */
typedef struct chunk {
    struct chunk *next;
    size_t used, size; /* bytes of the payload */
    _Alignas(TDNN_ALIGN) unsigned char data[];
} chunk;

struct tdnn_zone {
    chunk *newest;
    size_t bytes;
};

enum { SMALLEST_CHUNK = 4096, LARGEST_CHUNK = 1 << 20 };

tdnn_zone *tdnn_zone_create(void) { return tdnn_calloc(1, sizeof(tdnn_zone)); }

void tdnn_zone_free(tdnn_zone *zone)
{
    if (!zone) return;
    for (chunk *c = zone->newest; c;) {
        chunk *next = c->next;
        tdnn_free(c);
        c = next;
    }
    tdnn_free(zone);
}

size_t tdnn_zone_bytes(const tdnn_zone *zone) { return zone->bytes; }

static chunk *add_chunk(tdnn_zone *zone, size_t bytes)
{
    size_t size = zone->newest ? zone->newest->size * 2 : SMALLEST_CHUNK;
    if (size > LARGEST_CHUNK) size = LARGEST_CHUNK;
    if (size < bytes) size = bytes;
    size_t total;
    if (!tdnn_size_add(size, sizeof(chunk), &total)) return NULL;
    chunk *c = tdnn_calloc(total, 1);
    if (!c) return NULL;
    c->size = size;
    c->next = zone->newest;
    zone->newest = c;
    zone->bytes += size;
    return c;
}

void *tdnn_zone_alloc(tdnn_zone *zone, size_t count, size_t size)
{
    size_t bytes;
    if (!tdnn_size_mul(count, size, &bytes) || bytes > SIZE_MAX / 2) return NULL;
    size_t align = bytes >= 256 ? TDNN_ALIGN : 16;
    chunk *c = zone->newest;
    size_t at = c ? tdnn_round_up(c->used, align) : 0;
    if (!c || at > c->size || c->size - at < bytes) {
        c = add_chunk(zone, bytes + align);
        if (!c) return NULL;
        at = 0;
    }
    c->used = at + bytes;
    return c->data + at;
}

char *tdnn_zone_strndup(tdnn_zone *zone, const char *text, size_t length)
{
    char *copy = tdnn_zone_alloc(zone, length + 1, 1);
    if (copy && length) memcpy(copy, text, length);
    return copy;
}

char *tdnn_zone_strdup(tdnn_zone *zone, const char *text)
{
    return tdnn_zone_strndup(zone, text, strlen(text));
}

char *tdnn_zone_printf(tdnn_zone *zone, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = length < 0 ? NULL : tdnn_zone_alloc(zone, (size_t)length + 1, 1);
    if (text) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

bool tdnn_zone_reserve(tdnn_zone *zone, void **array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) return true;
    size_t wanted = *capacity ? *capacity * 2 : 8;
    void *grown = tdnn_zone_alloc(zone, wanted, size);
    if (!grown) return false;
    if (count) memcpy(grown, *array, count * size);
    *array = grown;
    *capacity = wanted;
    return true;
}
