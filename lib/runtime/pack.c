/* A chained hash table behind a mutex, which is taken while planning only. What is packed lies side by side
 * in slabs, so that it can have huge pages: of the time of 512 to 2048 channels at 7x7, 15 % went into
 * finding small ones. */
#include "lib/runtime/pack.h"

#include "lib/base/map.h"
#include "lib/base/thread.h"

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

enum { SLAB = 2 << 20, LARGEST_SLAB = 32 << 20 }; /* bytes; sizes are multiples of SLAB */
enum { BUCKETS = 1024, SOURCES = sizeof(((tdnn_pack_key *)0)->source) / sizeof(tdnn_tensor *) };

struct tdnn_packs {
    tdnn_mutex *mutex;
    uint64_t bytes;
    bool measure; /* nothing is built, its size only counted */
    slab *slabs;
    pack *buckets[BUCKETS];
};

tdnn_status tdnn_packs_create(bool measure, tdnn_packs **out, tdnn_error *err)
{
    tdnn_packs *packs = *out = tdnn_calloc(1, sizeof *packs);
    if (!packs) return TDNN_NO_MEMORY(err);
    packs->measure = measure;
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

/* The key's constants for `build`, with their data for as long as that takes. */
static tdnn_status take_sources(const tdnn_pack_key *key, tdnn_tensor *source[SOURCES],
                                 tdnn_error *err)
{
    for (size_t i = 0; i < SOURCES; i++) {
        const tdnn_tensor *t = key->source[i];
        if (t && t->fill) TDNN_TRY(tdnn_tensor_copy(t, &source[i], err));
        else source[i] = tdnn_tensor_retain(t);
    }
    return TDNN_OK;
}

/* A slab with room for `bytes`; a new one is as large as all there is. NULL: no memory. */
static slab *slab_for(tdnn_packs *packs, size_t bytes)
{
    for (slab *s = packs->slabs; s; s = s->next)
        if (s->size - s->used >= bytes) return s;
    size_t size = packs->bytes < LARGEST_SLAB ? (size_t)packs->bytes : LARGEST_SLAB;
    if (size < bytes) size = bytes;
    slab *made = tdnn_calloc(1, sizeof *made);
    unsigned char *data = made ? tdnn_alloc_huge(tdnn_round_up(size, SLAB)) : NULL;
    if (!data) {
        tdnn_free(made);
        return NULL;
    }
    *made = (slab){packs->slabs, data, 0, tdnn_round_up(size, SLAB)};
    return packs->slabs = made;
}

static tdnn_status add(tdnn_packs *packs, const tdnn_pack_key *key, size_t bytes,
                       tdnn_pack_fn build, void *context, const void **out, tdnn_error *err)
{
    tdnn_tensor *source[SOURCES] = {NULL};
    pack *p = tdnn_calloc(1, sizeof *p);
    const size_t taken = packs->measure ? TDNN_ALIGN : tdnn_round_up(bytes, TDNN_ALIGN);
    slab *room = slab_for(packs, taken);
    tdnn_status status = p && room ? TDNN_OK : TDNN_NO_MEMORY(err);
    void *data = room ? room->data + room->used : NULL;
    if (!status && !packs->measure) {
        status = take_sources(key, source, err);
        if (!status) status = build(context, (const tdnn_tensor *const *)source, data, err);
    }
    for (size_t i = 0; i < SOURCES; i++) {
        if (source[i]) tdnn_tensor_discard(source[i]); /* from now on the packed ones are used */
        tdnn_tensor_release(source[i]);
    }
    if (status) {
        tdnn_free(p);
        return status;
    }
    room->used += taken;
    pack **bucket = &packs->buckets[bucket_of(key)];
    *p = (pack){.next = *bucket, .key = *key, .data = data};
    *bucket = p;
    packs->bytes += bytes;
    *out = data;
    return TDNN_OK;
}

tdnn_status tdnn_packs_get(tdnn_packs *packs, const tdnn_pack_key *key, size_t bytes,
                           tdnn_pack_fn build, void *context, const void **out, tdnn_error *err)
{
    tdnn_status status = TDNN_OK;
    *out = NULL;
    tdnn_mutex_lock(packs->mutex);
    for (const pack *p = packs->buckets[bucket_of(key)]; p && !*out; p = p->next)
        if (same_key(&p->key, key)) *out = p->data;
    if (!*out) status = add(packs, key, bytes, build, context, out, err);
    tdnn_mutex_unlock(packs->mutex);
    return status;
}

uint64_t tdnn_packs_bytes(const tdnn_packs *packs) { return packs->bytes; }
