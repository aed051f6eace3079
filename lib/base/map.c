/* Open addressing, linear probing, at most half full. */
#include "lib/base/map.h"

#include <string.h>

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
uint64_t tdnn_hash(const void *data, size_t size, uint64_t seed)
{
    const unsigned char *p = data;
    uint64_t h = seed ^ 14695981039346656037u;
    for (size_t i = 0; i < size; i++) h = (h ^ p[i]) * 1099511628211u;
    return h;
}

static struct tdnn_map_slot *find(struct tdnn_map_slot *slots, size_t capacity, const char *name)
{
    size_t at = (size_t)tdnn_hash(name, strlen(name), 0) & (capacity - 1);
    while (slots[at].name && strcmp(slots[at].name, name) != 0) at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static bool grow(tdnn_map *map, tdnn_zone *zone)
{
    size_t capacity = map->capacity ? map->capacity * 2 : 16;
    struct tdnn_map_slot *slots = tdnn_zone_alloc(zone, capacity, sizeof *slots);
    if (!slots) return false;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].name) *find(slots, capacity, map->slots[i].name) = map->slots[i];
    map->slots = slots;
    map->capacity = capacity;
    return true;
}

bool tdnn_map_put(tdnn_map *map, tdnn_zone *zone, const char *name, int32_t number)
{
    if (map->count * 2 >= map->capacity && !grow(map, zone)) return false;
    struct tdnn_map_slot *slot = find(map->slots, map->capacity, name);
    if (!slot->name) map->count++;
    *slot = (struct tdnn_map_slot){name, number};
    return true;
}

int32_t tdnn_map_get(const tdnn_map *map, const char *name)
{
    if (!map->capacity) return -1;
    const struct tdnn_map_slot *slot = find(map->slots, map->capacity, name);
    return slot->name ? slot->number : -1;
}
