/* A chained hash table behind a mutex, which is taken while planning only. What is packed lies
 * side by side in slabs, so that it can have huge pages: of the time of 512 to 2048 channels at
 * 7x7, 15 % went into finding small ones. */
#include "lib/runtime/pack.h"

#include "lib/base/map.h"

#include <string.h>

typedef struct pack {
    struct pack *next;
    tdnn_pack_key key;
    void *data;
} pack;

typedef struct slab {
    struct slab *next;
    unsigned char *data;
    size_t used, size;
} slab;

enum { SLAB = 2 << 20, LARGEST_SLAB = 64 << 20 }; /* bytes; sizes are multiples of SLAB */
enum { BUCKETS = 1024, SOURCES = sizeof(((tdnn_pack_key *)0)->source) / sizeof(tdnn_tensor *) };

/* What has been asked for and is to be built. */
typedef struct pending {
    pack *pack;
    tdnn_pack_fn build;
    void *context;
    slab *room;
    size_t taken, bytes; /* of the slab; asked for */
    tdnn_status status;
} pending;

struct tdnn_packs {
    tdnn_mutex *mutex;
    pending *pending;
    size_t pending_count, pending_capacity;
    uint64_t bytes, weight_bytes; /* packed; of the net's constants */
    bool measure; /* nothing is built, its size only counted */
    slab *slabs;
    pack *buckets[BUCKETS];
};

tdnn_status tdnn_packs_create(bool measure, uint64_t weight_bytes, tdnn_packs **out,
                              tdnn_error *err)
{
    tdnn_packs *packs = *out = tdnn_calloc(1, sizeof *packs);
    if (!packs) return TDNN_NO_MEMORY(err);
    packs->measure = measure;
    packs->weight_bytes = weight_bytes;
    packs->mutex = tdnn_mutex_create();
    if (packs->mutex) return TDNN_OK;
    tdnn_free(packs);
    *out = NULL;
    return TDNN_NO_MEMORY(err);
}

void tdnn_packs_free(tdnn_packs *packs)
{
    if (!packs) return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (pack *p = packs->buckets[i]; p;) {
            pack *next = p->next;
            tdnn_free(p);
            p = next;
        }
    for (slab *s = packs->slabs; s;) {
        slab *next = s->next;
        tdnn_free(s->data);
        tdnn_free(s);
        s = next;
    }
    tdnn_free(packs->pending);
    tdnn_mutex_free(packs->mutex);
    tdnn_free(packs);
}

static bool same_key(const tdnn_pack_key *a, const tdnn_pack_key *b)
{
    return strcmp(a->what, b->what) == 0 && memcmp(a->source, b->source, sizeof a->source) == 0 &&
           memcmp(a->number, b->number, sizeof a->number) == 0;
}

static size_t bucket_of(const tdnn_pack_key *key)
{
    uint64_t h = tdnn_hash(key->what, strlen(key->what), 0);
    h = tdnn_hash(key->source, sizeof key->source, h);
    return (size_t)(tdnn_hash(key->number, sizeof key->number, h) >> 7) % BUCKETS;
}

/* A slab with room for `bytes`. A new one is as large as the weights or as all there is, since
 * what is not used of it takes no memory but a part of its last page; if that is refused, as
 * small as can be. NULL: no memory. */
static slab *slab_for(tdnn_packs *packs, size_t bytes)
{
    for (slab *s = packs->slabs; s; s = s->next)
        if (s->size - s->used >= bytes) return s;
    const uint64_t guess =
        packs->bytes > packs->weight_bytes ? packs->bytes : packs->weight_bytes;
    size_t size = tdnn_round_up(guess < LARGEST_SLAB ? (size_t)guess : LARGEST_SLAB, SLAB);
    const size_t enough = tdnn_round_up(bytes ? bytes : 1, SLAB);
    if (size < enough || packs->measure) size = enough;
    slab *made = tdnn_calloc(1, sizeof *made);
    unsigned char *data = made ? tdnn_alloc_huge(size) : NULL;
    if (made && !data) data = tdnn_alloc_huge(size = enough);
    if (!data) {
        tdnn_free(made);
        return NULL;
    }
    *made = (slab){packs->slabs, data, 0, size};
    return packs->slabs = made;
}

static tdnn_status add(tdnn_packs *packs, const tdnn_pack_key *key, size_t bytes,
                       tdnn_pack_fn build, void *context, const void **out, tdnn_error *err)
{
    const size_t taken = packs->measure ? TDNN_ALIGN : tdnn_round_up(bytes, TDNN_ALIGN);
    if (packs->pending_count == packs->pending_capacity) {
        const size_t wanted = packs->pending_capacity ? 2 * packs->pending_capacity : 64;
        void *grown =
            tdnn_realloc(packs->pending, packs->pending_count * sizeof *packs->pending, wanted,
                         sizeof *packs->pending);
        if (!grown) return TDNN_NO_MEMORY(err);
        packs->pending = grown;
        packs->pending_capacity = wanted;
    }
    pack *p = tdnn_calloc(1, sizeof *p);
    slab *room = p ? slab_for(packs, taken) : NULL;
    if (!room) {
        tdnn_free(p);
        return TDNN_NO_MEMORY(err);
    }
    pack **bucket = &packs->buckets[bucket_of(key)];
    *p = (pack){.next = *bucket, .key = *key, .data = room->data + room->used};
    *bucket = p;
    room->used += taken;
    packs->bytes += bytes;
    packs->pending[packs->pending_count++] =
        (pending){p, build, context, room, taken, bytes, TDNN_OK};
    *out = p->data;
    return TDNN_OK;
}

void tdnn_packs_begin(tdnn_packs *packs) { tdnn_mutex_lock(packs->mutex); }

tdnn_status tdnn_packs_get(tdnn_packs *packs, const tdnn_pack_key *key, size_t bytes,
                           tdnn_pack_fn build, void *context, const void **out, tdnn_error *err)
{
    *out = NULL;
    for (const pack *p = packs->buckets[bucket_of(key)]; p; p = p->next)
        if (same_key(&p->key, key)) {
            *out = p->data;
            return TDNN_OK;
        }
    return add(packs, key, bytes, build, context, out, err);
}

/* ---- building ---- */

/* The key's constants for `build`, with their data for as long as that takes. */
static tdnn_status take_sources(const tdnn_pack_key *key, tdnn_tensor *source[SOURCES],
                                 tdnn_error *err)
{
    for (size_t i = 0; i < SOURCES; i++) {
        const tdnn_tensor *t = key->source[i];
        if (t && t->fill && !(t->data && key->anywhere))
            TDNN_TRY(tdnn_tensor_copy(t, &source[i], err));
        else source[i] = tdnn_tensor_retain(t);
    }
    return TDNN_OK;
}

static tdnn_status build_one(const pending *p, tdnn_error *err)
{
    tdnn_tensor *source[SOURCES] = {NULL};
    tdnn_status status = take_sources(&p->pack->key, source, err);
    if (!status)
        status = p->build(p->context, (const tdnn_tensor *const *)source, p->pack->data, err);
    for (size_t i = 0; i < SOURCES; i++) {
        if (source[i]) tdnn_tensor_discard(source[i]); /* from now on the packed ones are used */
        tdnn_tensor_release(source[i]);
    }
    return status;
}

static void build_task(void *context, size_t task, size_t worker)
{
    (void)worker;
    pending *p = (pending *)context + task;
    p->status = build_one(p, NULL);
}

/* What failed is tried again by itself: for its message, and since memory may suffice for one
 * at a time. */
static tdnn_status build_all(tdnn_packs *packs, tdnn_workers *workers, tdnn_error *err)
{
    const size_t count = packs->measure ? 0 : packs->pending_count;
    if (workers && count > 1)
        tdnn_workers_run(workers, build_task, packs->pending, count);
    else
        for (size_t i = 0; i < count; i++) build_task(packs->pending, i, 0);
    for (size_t i = 0; i < count; i++)
        if (packs->pending[i].status) TDNN_TRY(build_one(&packs->pending[i], err));
    return TDNN_OK;
}

/* The last one first, so that each is at the head of its bucket and at the end of its slab. */
static void take_back(tdnn_packs *packs)
{
    for (size_t i = packs->pending_count; i-- > 0;) {
        const pending *p = &packs->pending[i];
        packs->buckets[bucket_of(&p->pack->key)] = p->pack->next;
        p->room->used -= p->taken;
        packs->bytes -= p->bytes;
        tdnn_free(p->pack);
    }
}

tdnn_status tdnn_packs_end(tdnn_packs *packs, tdnn_workers *workers, tdnn_status status,
                           tdnn_error *err)
{
    if (!status) status = build_all(packs, workers, err);
    if (status) take_back(packs);
    packs->pending_count = 0;
    tdnn_mutex_unlock(packs->mutex);
    return status;
}

uint64_t tdnn_packs_bytes(const tdnn_packs *packs) { return packs->bytes; }
