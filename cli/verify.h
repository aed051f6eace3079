/* verify.h - what the parts of `tinydnn verify` share: the options, a net under test, a
 * verdict. */
#ifndef TINYDNN_CLI_VERIFY_H
#define TINYDNN_CLI_VERIFY_H

#include "cli/compare.h"
#include "cli/model.h"

typedef struct verify_options {
    double rtol, atol;
    bool list, json, same_bits, no_optimize;
    session_choice session;
    int time_limit; /* seconds for one model; 0: none */
} verify_options;

typedef struct verify_tally {
    unsigned cases, passed;
    unsigned loose; /* of those passed: only as close as correct engines are to each other */
} verify_tally;

typedef struct verdict {
    bool pass, loose;
    double difference, relative; /* the greatest of all outputs, as in comparison */
    size_t by_greatest, count;   /* summed over the outputs                       */
    char text[700];              /* why it failed                                 */
} verdict;

/* Counts the case, and prints its line where it failed or --list or --json is given. */
void verify_tell(const verify_options *o, verify_tally *tally, const char *name,
                 const verdict *v);
/* An error as a verdict; `folder` (or NULL) is the case's, which the line names anyway. */
verdict verify_fault(const char *folder, const tdnn_error *err);

/* A net with a session that stays from case to case, so that new shapes plan again. With
 * --same-bits two: with 1 and with 2 threads. */
typedef struct verify_net {
    tdnn_net *net;
    tdnn_session *session[2];
    int sessions;
    bool random; /* an operator draws numbers: outputs are compared by type and shape */
} verify_net;

TDNN_MUST_USE tdnn_status verify_open(verify_net *v, const char *model, const char *config,
                                      const model_options *how, names inputs, names outputs,
                                      const verify_options *o, tdnn_error *err);
void verify_close(verify_net *v);

typedef struct verify_case {
    const char **input_names, **output_names; /* of the net; owned by someone else */
    tdnn_tensor **inputs, **expected;         /* owned                             */
    size_t input_count, output_count;
} verify_case;

void verify_case_clear(verify_case *c);
verdict verify_run(const verify_net *v, const verify_case *c, const compare_rules *rules);

/* The three kinds of what is to be verified. */
void verify_onnx_folder(const char *path, const verify_options *o, verify_tally *tally);
void verify_onnx_light(const char *path, const verify_options *o, verify_tally *tally);
void verify_reference(const char *path, const verify_options *o, verify_tally *tally);

/* "NAME_output_0.pb" for "NAME.onnx" (freed with free); NULL if the path does not end so. */
char *light_output_path(const char *path);

#endif
