/* report.c - errors, notes and progress on stderr, colour on stdout, memory that is there or
 * ends the program. */
#include "cli/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool line_is_open; /* a progress line stands on the terminal */

void progress_clear(void)
{
    if (line_is_open) fputs("\r\033[K", stderr);
    line_is_open = false;
}

void progress_show(const char *what, size_t done, size_t total)
{
    if (!isatty(STDERR_FILENO)) return;
    if (total > 0)
        fprintf(stderr, "\r\033[K%s %zu/%zu", what, done, total);
    else
        fprintf(stderr, "\r\033[K%s", what);
    fflush(stderr);
    line_is_open = true;
}

void report(const char *where, const char *format, ...)
{
    va_list list;

    progress_clear();
    fflush(stdout);
    fputs("tinydnn: error: ", stderr);
    if (where && *where) fprintf(stderr, "%s: ", where);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
}

void report_note(const char *format, ...)
{
    va_list list;

    progress_clear();
    fputs("tinydnn: ", stderr);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
}

void error_text(const char *file, const tdnn_error *err, char *text, size_t size)
{
    bool named = !file || strstr(err->where, file) || strstr(err->message, file);
    const char *message = *err->message ? err->message : tdnn_status_name(err->status);
    int used = snprintf(text, size, "%s%s%s%s%s", named ? "" : file, named ? "" : ": ",
                        err->where, *err->where ? ": " : "", message);

    if (err->status == TDNN_ERR_INTERNAL && err->origin && used > 0 && (size_t)used < size)
        snprintf(text + used, size - (size_t)used, " (%s)", err->origin);
}

void report_error(const char *file, const tdnn_error *err)
{
    char text[1024];

    error_text(file, err, text, sizeof text);
    report(NULL, "%s", text);
}

const char *colour_code(colour which)
{
    static const char *const codes[] = {"\033[32m", "\033[31m", "\033[2m", "\033[1m",
                                        "\033[0m"};

    if (!isatty(STDOUT_FILENO) || getenv("NO_COLOR")) return "";
    return codes[which];
}

bool output_flush(void)
{
    progress_clear();
    if (fflush(stdout) == 0 && !ferror(stdout)) return true;
    report("stdout", "could not be written");
    return false;
}

void *need(size_t count, size_t size)
{
    void *block = calloc(count ? count : 1, size ? size : 1);

    if (!block) {
        report(NULL, "out of memory: %zu times %zu bytes", count, size);
        exit(EXIT_FAULT);
    }
    return block;
}

void *need_more(void *old, size_t count, size_t size)
{
    void *block = size && count > SIZE_MAX / size ? NULL : realloc(old, count * size);

    if (!block) {
        report(NULL, "out of memory: %zu times %zu bytes", count, size);
        exit(EXIT_FAULT);
    }
    return block;
}

char *need_text(const char *format, ...)
{
    va_list list;
    char *text;
    int length;

    va_start(list, format);
    length = vsnprintf(NULL, 0, format, list);
    va_end(list);
    text = need((size_t)length + 1, 1);
    va_start(list, format);
    vsnprintf(text, (size_t)length + 1, format, list);
    va_end(list);
    return text;
}
