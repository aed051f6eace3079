/* report.h - what the program says besides its results: errors and progress, on stderr. */
#ifndef TINYDNN_CLI_REPORT_H
#define TINYDNN_CLI_REPORT_H

#include "tinydnn.h"

enum { EXIT_DONE = 0, EXIT_FAULT = 1, EXIT_USAGE = 2 };

/* "tinydnn: error: WHERE: WHAT". */
void report(const char *where, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for a failure of the library. `file` is named unless the error does so itself. */
void report_error(const char *file, const tdnn_error *err);
void report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The text of an error without the program's name, into `text`. */
void error_text(const char *file, const tdnn_error *err, char *text, size_t size);

/* A line that is overwritten, on a terminal only. */
void progress_show(const char *what, size_t done, size_t total);
void progress_clear(void);

/* Escape sequences for results on stdout; empty strings where stdout is no terminal. */
typedef enum colour { COLOUR_GOOD, COLOUR_BAD, COLOUR_DIM, COLOUR_STRONG, COLOUR_NONE } colour;
const char *colour_code(colour which);

/* True if all that was written to stdout arrived; says so if not. */
bool output_flush(void);

/* Zeroed memory; the program ends if the system refuses it. */
void *need(size_t count, size_t size);
void *need_more(void *old, size_t count, size_t size);
char *need_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
