/* Files: the one place that opens them. */
#ifndef TDNN_BASE_FILE_H
#define TDNN_BASE_FILE_H

#include "lib/base/mem.h"

/* A file's contents: mapped where the system allows it, else read. Reference-counted, so that
 * weights can point into it. */
typedef struct tdnn_file tdnn_file;

tdnn_status tdnn_file_open(const char *path, uint64_t max_bytes, tdnn_file **out,
                           tdnn_error *err);
/* A file inside the folder `dir` (or below it). Refuses absolute paths, "..", symbolic links and
 * anything that is not a regular file. */
tdnn_status tdnn_file_open_inside(const char *dir, const char *name, uint64_t max_bytes,
                                  tdnn_file **out, tdnn_error *err);
tdnn_file *tdnn_file_retain(tdnn_file *file);
void tdnn_file_release(
    void *file); /* takes NULL; void * to serve as tdnn_tensor's release_data */
tdnn_bytes tdnn_file_bytes(const tdnn_file *file);
/* These bytes of it are not needed for some time: if they are mapped, their memory goes back and
 * is filled again from the file when they are read. */
void tdnn_file_discard(const tdnn_file *file, const void *data, size_t bytes);

/* Replaces the file's contents. */
tdnn_status tdnn_file_write(const char *path, const void *data, size_t size, tdnn_error *err);
/* The same with parts one behind the other, as `next` gives them, until one has no bytes; each
 * is asked for when the one before is written. They may lie in a file that is open, even in
 * this one: a regular file is written beside the old one and then takes its place, so that it
 * is there as a whole or not at all. */
typedef tdnn_status (*tdnn_next_part)(void *context, tdnn_bytes *part, tdnn_error *err);
tdnn_status tdnn_file_write_parts(const char *path, tdnn_next_part next, void *context,
                                  tdnn_error *err);
/* If it is there. */
void tdnn_file_remove(const char *path);

#endif
