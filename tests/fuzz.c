/* Damages models at random, and loads and runs what comes out: built with the sanitizers it
 * finds what trusts its input too much. Each file in a process of its own; a crash, or a run
 * without end, is reported with the number of the round, which makes the same damage again.
 *
 *   fuzz SEED ROUNDS FILE...  ROUNDS rounds; the first leaves the file as it is
 *   fuzz SEED =ROUND FILE     one round, in this process
 */
#include "lib/base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Read by the address sanitizer: an allocation that is too large is refused, as elsewhere. */
__attribute__((visibility("default"), used)) const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }

enum {
    MOST_CHANGES = 5,
    TIME_LIMIT_S = 20,
    MOST_ELEMENTS = 1 << 20,
    LARGEST_FILE = 4 << 20,
    MOST_STEPS = 20000
};

typedef struct source {
    uint64_t state;
} source;

static uint32_t next(source *s, uint32_t range)
{
    s->state = s->state * 6364136223846793005u + 1442695040888963407u;
    return range ? (uint32_t)(s->state >> 33) % range : 0;
}

/* Single bytes, mostly small changes of small numbers; now and then a piece cut out or doubled.
 */
static size_t damage(source *s, unsigned char *bytes, size_t size)
{
    for (uint32_t n = next(s, MOST_CHANGES) + 1; n > 0 && size > 0; n--) {
        size_t at = next(s, (uint32_t)size), length = next(s, 16) + 1;
        if (length > size - at) length = size - at;
        switch (next(s, 8)) {
        case 0: bytes[at] = (unsigned char)next(s, 256); break;
        case 1: bytes[at] = 0; break;
        case 2: bytes[at] = 0xff; break;
        case 3: bytes[at] ^= (unsigned char)(1u << next(s, 8)); break;
        case 4: bytes[at]++; break;
        case 5: bytes[at]--; break;
        case 6:
            memmove(bytes + at, bytes + at + length, size - at - length);
            size -= length;
            break;
        default: memmove(bytes + next(s, (uint32_t)(size - length + 1)), bytes + at, length);
        }
    }
    return size;
}

static tdnn_status feed(tdnn_session *session, const tdnn_port *port, source *s,
                        tdnn_error *err)
{
    tdnn_shape shape = port->shape;
    for (int d = 0; d < shape.ndim; d++)
        if (shape.dim[d] < 0) shape.dim[d] = next(s, 5);
    int64_t count = tdnn_shape_count(&shape);
    if (port->kind != TDNN_KIND_TENSOR || port->dtype == TDNN_NONE || count < 0 ||
        count > MOST_ELEMENTS)
        return TDNN_ERR_LIMIT;
    tdnn_tensor *t = NULL;
    tdnn_status status = tdnn_tensor_create(port->dtype, &shape, &t, err);
    if (status != TDNN_OK) return status;
    unsigned char *data = tdnn_tensor_data(t);
    for (size_t i = 0; data && i < tdnn_tensor_bytes(t); i++)
        data[i] = (unsigned char)(port->dtype == TDNN_BOOL ? next(s, 2) : next(s, 256));
    status = tdnn_session_set_input(session, port->name, t, err);
    tdnn_tensor_release(t);
    return status;
}

/* Loops may be without end. */
static int stop_late(void *user, size_t step, size_t step_count)
{
    (void)step;
    (void)step_count;
    return ++*(int *)user > MOST_STEPS;
}

static tdnn_status load_and_run(tdnn_bytes model, source *s, tdnn_error *err)
{
    tdnn_net *net = NULL;
    tdnn_session *session = NULL;
    tdnn_load_options options;
    tdnn_load_options_init(&options);
    options.max_bytes = 64 << 20;
    options.max_tensor_bytes = 16 << 20;
    options.max_nodes = 10000;
    options.optimize = next(s, 4) != 0;
    tdnn_session_options how;
    tdnn_session_options_init(&how);
    int steps = 0;
    how.progress = stop_late;
    how.user = &steps;
    tdnn_status status = tdnn_net_load_memory(model, (tdnn_bytes){0}, &options, &net, err);
    if (status == TDNN_OK) status = tdnn_session_create(net, &how, &session, err);
    for (size_t i = 0; status == TDNN_OK && i < tdnn_net_input_count(net); i++)
        status = feed(session, tdnn_net_input(net, i), s, err);
    if (status == TDNN_OK) status = tdnn_session_run(session, err);
    tdnn_session_free(session);
    tdnn_net_release(net);
    return status;
}

static tdnn_status play_round(tdnn_bytes whole, uint64_t seed, unsigned round, tdnn_error *err)
{
    source s = {seed * 0x9e3779b97f4a7c15u + round};
    next(&s, 1);
    unsigned char *scratch = tdnn_alloc(whole.size, 1), *exact;
    memcpy(scratch, whole.data, whole.size);
    size_t size = round ? damage(&s, scratch, whole.size) : whole.size;
    exact = tdnn_alloc(size, 1); /* so that a read past the end is seen */
    memcpy(exact, scratch, size);
    tdnn_free(scratch);
    alarm(TIME_LIMIT_S);
    tdnn_status status = load_and_run((tdnn_bytes){exact, size}, &s, err);
    alarm(0);
    tdnn_free(exact);
    return status;
}

/* In the child: tells the number of each round before it is played. */
static int play_all(const char *path, tdnn_bytes whole, uint64_t seed, unsigned rounds, int to)
{
    tdnn_error err = {0};
    for (unsigned round = 0; round < rounds; round++) {
        if (write(to, &round, sizeof round) < 0) return 2;
        tdnn_status status = play_round(whole, seed, round, &err);
        if (status != TDNN_ERR_INTERNAL) continue;
        printf("%s, round %u: status '%s': %s: %s\n", path, round, tdnn_status_name(status),
               err.where, err.message);
        fflush(stdout);
        return 2;
    }
    return 0;
}

/* True if every round ended well. */
static bool play(const char *path, uint64_t seed, unsigned rounds)
{
    tdnn_file *file = NULL;
    tdnn_error err = {0};
    int ends[2], status = 0;
    unsigned round = 0;
    if (tdnn_file_open(path, LARGEST_FILE, &file, &err) != TDNN_OK) return true;
    if (pipe(ends) != 0) exit(2);
    pid_t child = fork();
    if (child == 0) _exit(play_all(path, tdnn_file_bytes(file), seed, rounds, ends[1]));
    close(ends[1]);
    while (read(ends[0], &round, sizeof round) == (ssize_t)sizeof round) continue;
    close(ends[0]);
    waitpid(child, &status, 0);
    tdnn_file_release(file);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    if (WIFSIGNALED(status))
        printf("%s, round %u: %s\n", path, round, strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 2)
        printf("%s, round %u: ended with status %d\n", path, round, WEXITSTATUS(status));
    return false;
}

static int play_one(const char *path, uint64_t seed, unsigned round)
{
    tdnn_file *file = NULL;
    tdnn_error err = {0};
    if (tdnn_file_open(path, LARGEST_FILE, &file, &err) != TDNN_OK) return 2;
    tdnn_status status = play_round(tdnn_file_bytes(file), seed, round, &err);
    printf("status '%s': %s: %s\n", tdnn_status_name(status), err.where, err.message);
    tdnn_file_release(file);
    return 0;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 4) {
        fprintf(stderr, "usage: fuzz SEED ROUNDS|=ROUND FILE...\n");
        return 2;
    }
    uint64_t seed = strtoull(argv[1], NULL, 10);
    if (argv[2][0] == '=')
        return play_one(argv[3], seed, (unsigned)strtoul(argv[2] + 1, NULL, 10));
    unsigned rounds = (unsigned)strtoul(argv[2], NULL, 10);
    int passed = 0, failed = 0;
    for (int i = 3; i < argc; i++) {
        if (play(argv[i], seed, rounds))
            passed++;
        else
            failed++;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
