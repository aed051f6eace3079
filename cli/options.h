/* options.h - a command line as a table of options. */
#ifndef TINYDNN_CLI_OPTIONS_H
#define TINYDNN_CLI_OPTIONS_H

#include "cli/report.h"

/* Options that may be given several times. The texts are those of argv. */
typedef struct text_list {
    const char **text;
    size_t count;
} text_list;

/* What `out` points to is in brackets. */
typedef enum option_kind {
    OPTION_FLAG,   /* no value [bool]                                                */
    OPTION_TEXT,   /* [const char *]                                                 */
    OPTION_TEXTS,  /* [text_list], freed with free(list.text)                        */
    OPTION_INT,    /* [int], at least `low`                                          */
    OPTION_BYTES,  /* 512M: a number, in K, M or G if so written [uint64_t]          */
    OPTION_SEED,   /* [uint64_t], and the bool `given`                               */
    OPTION_REAL,   /* [double], at least `low`                                       */
    OPTION_REALS,  /* one to four [float[4]], and the int `given`: how many          */
    OPTION_CHOICE, /* [int]: which of `value`, whose words stand between '|'         */
    OPTION_SIZE    /* WxH [int[2]]                                                   */
} option_kind;

typedef struct option {
    const char *name; /* without the dashes                                          */
    option_kind kind;
    void *out;
    const char *value; /* what stands for the value in the help; the words of a choice */
    const char *help;
    double low;
    void *given;
} option;

#define OPTION(name_, kind_, out_, value_, help_)                                              \
    {                                                                                          \
        .name = (name_), .kind = OPTION_##kind_, .out = (out_), .value = (value_),             \
        .help = (help_)                                                                        \
    }
#define OPTION_FROM(low_, name_, kind_, out_, value_, help_)                                   \
    {                                                                                          \
        .name = (name_), .kind = OPTION_##kind_, .out = (out_), .value = (value_),             \
        .help = (help_), .low = (low_)                                                         \
    }
#define OPTION_GIVEN(given_, name_, kind_, out_, value_, help_)                                \
    {                                                                                          \
        .name = (name_), .kind = OPTION_##kind_, .out = (out_), .value = (value_),             \
        .help = (help_), .given = (given_)                                                     \
    }
#define OPTION_END                                                                             \
    {                                                                                          \
        .name = NULL                                                                           \
    }

typedef struct command_line {
    const char *name;      /* of the subcommand                              */
    const char *arguments; /* "MODEL [CONFIG] [options]"                     */
    const char *about;     /* what --help says below the usage               */
    const option *options; /* up to OPTION_END                               */
    int least, most;       /* positional arguments; most -1: any number      */
    const char **given;    /* the positional arguments, in their order       */
    int count;
} command_line;

/* Fills in the options and the positional arguments (freed with free(line->given)). False: the
 * program ends with *status, everything having been said. argv[0] is the subcommand. */
bool options_parse(command_line *line, int argc, char **argv, int *status);

/* Says what is wrong and how the command is used; returns EXIT_USAGE. */
int options_wrong(const command_line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The one of `count` words that is most like `word`; NULL if none is near. */
const char *nearest_word(const char *word, const char *const *words, size_t count);

#endif
