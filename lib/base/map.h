/* A map from names to numbers. Names are borrowed; memory is a zone's. */
#ifndef TDNN_BASE_MAP_H
#define TDNN_BASE_MAP_H

#include "lib/base/mem.h"

typedef struct tdnn_map {
    struct tdnn_map_slot {
        const char *name; /* NULL: free */
        int32_t number;
    } *slots;
    size_t count, capacity; /* capacity: 0 or a power of two */
} tdnn_map;

/* Adds, or changes what the name stands for. False if memory is refused. */
bool tdnn_map_put(tdnn_map *map, tdnn_zone *zone, const char *name, int32_t number);
/* -1 if the name is not there. */
int32_t tdnn_map_get(const tdnn_map *map, const char *name);

uint64_t tdnn_hash(const void *data, size_t size, uint64_t seed);

#endif
