/* Files: the one place that opens them. What a model's text names is opened component by
 * component below the model's folder, so that no link on the way can lead out of it. */
#define _DEFAULT_SOURCE /* madvise */
#include "lib/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct tdnn_file {
    void *data;
    size_t size;
    char *room; /* of the map, with LARGE_PAGE more; NULL: data is from tdnn_alloc */
    atomic_int refs;
};

enum { FIRST_READ = 65536, ERRNO_TEXT = 96, LARGE_PAGE = 2 << 20 };

static const char *errno_text(int number, char text[ERRNO_TEXT])
{
    if (strerror_r(number, text, ERRNO_TEXT) != 0) strcpy(text, "unknown error");
    return text;
}

#define IO_FAIL(err, path, what, number) io_fail((err), TDNN_HERE, (path), (what), (number))

static tdnn_status io_fail(tdnn_error *err, const char *origin, const char *path,
                           const char *what, int number)
{
    char text[ERRNO_TEXT];
    tdnn_error_set(err, origin, TDNN_ERR_IO, "cannot %s: %s", what, errno_text(number, text));
    return tdnn_error_at(err, TDNN_ERR_IO, "%s", path);
}

static tdnn_status too_large(tdnn_error *err, const char *path, uint64_t size, uint64_t limit)
{
    TDNN_FAIL(err, TDNN_ERR_LIMIT, "the file has %llu bytes or more, the limit is %llu",
              (unsigned long long)size, (unsigned long long)limit);
    return tdnn_error_at(err, TDNN_ERR_LIMIT, "%s", path);
}

static tdnn_status no_memory(tdnn_error *err, const char *path)
{
    TDNN_NO_MEMORY(err);
    return tdnn_error_at(err, TDNN_ERR_MEMORY, "%s", path);
}

static ssize_t read_some(int fd, void *buffer, size_t size)
{
    ssize_t got;
    do got = read(fd, buffer, size);
    while (got < 0 && errno == EINTR);
    return got;
}

/* For what cannot be mapped: pipes, and some file systems. */
static tdnn_status read_all(int fd, const char *path, uint64_t max_bytes, tdnn_file *file,
                            tdnn_error *err)
{
    size_t capacity = 0;
    for (;;) {
        if (file->size == capacity) {
            size_t wanted = capacity ? capacity * 2 : FIRST_READ;
            void *grown = tdnn_realloc(file->data, file->size, wanted, 1);
            if (!grown) return no_memory(err, path);
            file->data = grown;
            capacity = wanted;
        }
        ssize_t got = read_some(fd, (char *)file->data + file->size, capacity - file->size);
        if (got < 0) return IO_FAIL(err, path, "read the file", errno);
        if (got == 0) return TDNN_OK;
        file->size += (size_t)got;
        if (file->size > max_bytes) return too_large(err, path, file->size, max_bytes);
    }
}

/* Never at a multiple of a large page: else Linux maps two megabytes for each tensor's head
 * that is read, and a file that was hardly looked at counts as memory of the process. */
static bool map_file(int fd, size_t size, tdnn_file *file)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *room = mmap(NULL, size + LARGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) return false;
    char *at = (uintptr_t)room % LARGE_PAGE ? room : room + page;
    if (mmap(at, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED) {
        munmap(room, size + LARGE_PAGE);
        return false;
    }
    file->data = at;
    file->size = size;
    file->room = room;
    return true;
}

static tdnn_status load(int fd, const struct stat *info, const char *path, uint64_t max_bytes,
                        tdnn_file *file, tdnn_error *err)
{
    if (S_ISREG(info->st_mode)) {
        uint64_t size = (uint64_t)info->st_size;
        if (size > max_bytes) return too_large(err, path, size, max_bytes);
        if (size > 0 && size <= SIZE_MAX / 4) {
            if (map_file(fd, (size_t)size, file)) return TDNN_OK;
        }
    }
    return read_all(fd, path, max_bytes, file, err);
}

/* Takes over `fd`. */
static tdnn_status open_descriptor(int fd, bool only_regular, const char *path,
                                   uint64_t max_bytes, tdnn_file **out, tdnn_error *err)
{
    tdnn_status status;
    tdnn_file *file = NULL;
    struct stat info;
    if (fstat(fd, &info) != 0) {
        status = IO_FAIL(err, path, "look at the file", errno);
        goto fail;
    }
    if (S_ISDIR(info.st_mode)) {
        status = IO_FAIL(err, path, "read the file", EISDIR);
        goto fail;
    }
    if (only_regular && !S_ISREG(info.st_mode)) {
        TDNN_FAIL(err, TDNN_ERR_IO, "not a regular file");
        status = tdnn_error_at(err, TDNN_ERR_IO, "%s", path);
        goto fail;
    }
    file = tdnn_calloc(1, sizeof *file);
    if (!file) {
        status = no_memory(err, path);
        goto fail;
    }
    atomic_init(&file->refs, 1);
    TDNN_GOTO(load(fd, &info, path, max_bytes, file, err));
    close(fd);
    *out = file;
    return TDNN_OK;
fail:
    close(fd);
    tdnn_file_release(file);
    return status;
}

tdnn_status tdnn_file_open(const char *path, uint64_t max_bytes, tdnn_file **out,
                           tdnn_error *err)
{
    *out = NULL;
    if (!path) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "path is NULL");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return IO_FAIL(err, path, "open the file", errno);
    return open_descriptor(fd, false, path, max_bytes, out, err);
}

static tdnn_status refuse(tdnn_error *err, const char *name, const char *why)
{
    TDNN_FAIL(err, TDNN_ERR_FORMAT, "%s; expected a file in the model's folder", why);
    return tdnn_error_at(err, TDNN_ERR_FORMAT, "external file %s", name);
}

/* Copies the next component of *at, without "." and doubled slashes, and moves on behind it; an
 * empty one is the end. False if it is too long. */
static bool next_component(const char **at, char component[NAME_MAX + 1])
{
    const char *p = *at;
    while (*p == '/' || (p[0] == '.' && (p[1] == '/' || p[1] == '\0'))) p++;
    size_t length = strcspn(p, "/");
    if (length > NAME_MAX) return false;
    memcpy(component, p, length);
    component[length] = '\0';
    *at = p + length;
    return true;
}

/* Opens `name` below the folder `fd`, which it closes. */
static tdnn_status open_below(int fd, const char *name, int *out, tdnn_error *err)
{
    char component[NAME_MAX + 1], next[NAME_MAX + 1];
    const char *at = name;
    bool fits = next_component(&at, component);
    if (fits && !component[0]) {
        close(fd);
        return refuse(err, name, "it names no file");
    }
    for (;;) {
        fits = fits && next_component(&at, next);
        bool leads_up = strcmp(component, "..") == 0;
        if (!fits || leads_up) {
            close(fd);
            return refuse(err, name,
                          leads_up ? "its path contains .." : "its path is too long");
        }
        /* O_NONBLOCK: a named pipe is refused later, and must not be waited for here. */
        int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (next[0] ? O_DIRECTORY : O_NONBLOCK);
        int below = openat(fd, component, flags), number = errno;
        close(fd);
        if (below < 0) {
            IO_FAIL(err, "", number == ELOOP ? "follow a symbolic link" : "open the file",
                    number);
            return tdnn_error_at(err, TDNN_ERR_IO, "external file %s", name);
        }
        fd = below;
        if (!next[0]) break;
        memcpy(component, next, sizeof next);
    }
    *out = fd;
    return TDNN_OK;
}

tdnn_status tdnn_file_open_inside(const char *dir, const char *name, uint64_t max_bytes,
                                  tdnn_file **out, tdnn_error *err)
{
    *out = NULL;
    if (!dir || !name) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "folder or name is NULL");
    if (name[0] == '/') return refuse(err, name, "its path is absolute");
    if (!dir[0]) dir = ".";
    int fd = open(dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (fd < 0) return IO_FAIL(err, dir, "open the folder", errno);
    TDNN_TRY(open_below(fd, name, &fd, err));
    return open_descriptor(fd, true, name, max_bytes, out, err);
}

tdnn_file *tdnn_file_retain(tdnn_file *file)
{
    if (file) atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
    return file;
}

void tdnn_file_release(void *released)
{
    tdnn_file *file = released;
    if (!file || atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) != 1) return;
    if (file->room)
        munmap(file->room, file->size + LARGE_PAGE);
    else
        tdnn_free(file->data);
    tdnn_free(file);
}

tdnn_bytes tdnn_file_bytes(const tdnn_file *file)
{
    return (tdnn_bytes){file->data, file->size};
}

void tdnn_file_discard(const tdnn_file *file, const void *data, size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = tdnn_round_up((uintptr_t)data, page);
    const uintptr_t end = ((uintptr_t)data + bytes) & ~(page - 1);
    if (file->room && begin < end) madvise((void *)begin, end - begin, MADV_DONTNEED);
}

/* ---- Writing ---- */

/* Number of what went wrong; 0: nothing. */
static int write_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t put = write(fd, at, size);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return errno;
        at += put;
        size -= (size_t)put;
    }
    return 0;
}

tdnn_status tdnn_file_write(const char *path, const void *data, size_t size, tdnn_error *err)
{
    if (!path) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "path is NULL");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return IO_FAIL(err, path, "open the file for writing", errno);
    int fault = write_all(fd, data, size);
    if (close(fd) != 0 && !fault) fault = errno;
    return fault ? IO_FAIL(err, path, "write the file", fault) : TDNN_OK;
}

/* A name beside `path` that nothing has yet, opened; -1, and errno, if there is none. */
static int open_beside(const char *path, char *name, size_t size)
{
    for (unsigned i = 0; i < 100; i++) {
        if (snprintf(name, size, "%s.part%u", path, i) >= (int)size) break;
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    errno = ENAMETOOLONG;
    return -1;
}

/* Closes fd. */
static tdnn_status write_parts(int fd, const char *path, tdnn_next_part next, void *context,
                               tdnn_error *err)
{
    tdnn_status status = TDNN_OK;
    tdnn_bytes part = {NULL, 1};
    int fault = 0;
    while (!status && !fault) {
        status = next(context, &part, err);
        if (status || !part.size) break;
        fault = write_all(fd, part.data, part.size);
    }
    if (close(fd) != 0 && !fault) fault = errno;
    return status || !fault ? status : IO_FAIL(err, path, "write the file", fault);
}

tdnn_status tdnn_file_write_parts(const char *path, tdnn_next_part next, void *context,
                                  tdnn_error *err)
{
    if (!path) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "path is NULL");
    char beside[PATH_MAX], real[PATH_MAX];
    struct stat info;
    if (realpath(path, real)) path = real; /* what a link leads to is replaced, not the link */
    bool other = stat(path, &info) == 0 && !S_ISREG(info.st_mode); /* a device, a pipe */
    int fd = other ? open(path, O_WRONLY | O_TRUNC | O_CLOEXEC)
                   : open_beside(path, beside, sizeof beside);
    if (fd < 0) return IO_FAIL(err, path, "open the file for writing", errno);
    tdnn_status status = write_parts(fd, path, next, context, err);
    if (!status && !other && rename(beside, path) != 0)
        status = IO_FAIL(err, path, "write the file", errno);
    if (status && !other) unlink(beside);
    return status;
}

void tdnn_file_remove(const char *path) { unlink(path); }
