/* main.c - the program tinydnn: finds the subcommand and hands over. */
#include "cli/commands.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

typedef struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about;
} command;

static const command commands[] = {
    {"info", command_info, "what a model is: inputs, outputs, layers, cost, memory"},
    {"check", command_check, "can this model run here? all that is missing, at once"},
    {"run", command_run, "run a model once on tensors from files, or random ones"},
    {"verify", command_verify, "compare with recorded outputs"},
    {"bench", command_bench, "time a model; profile it step by step"},
    {"classify", command_classify, "pictures in, labels out"},
    {"detect", command_detect, "pictures in, labelled boxes out"},
    {"blob", command_blob, "pictures to the tensor a network is fed with"},
    {"convert", command_convert, "a model of any format as an ONNX file"},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *to)
{
    fputs("usage: tinydnn COMMAND ...\n\n"
          "Runs trained neural networks (ONNX, Caffe, TensorFlow, Darknet) on the CPU.\n\n",
          to);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-10s  %s\n", commands[i].name, commands[i].about);
    fputs(
        "\ntinydnn COMMAND --help says more; tinydnn --version names the version.\n"
        "Exit status: 0 done, 1 the model, the input or the run is at fault, 2 wrong usage.\n",
        to);
}

static int wrong_command(const char *word)
{
    const char *words[COMMANDS], *near;

    for (size_t i = 0; i < COMMANDS; i++) words[i] = commands[i].name;
    near = nearest_word(word, words, COMMANDS);
    fprintf(stderr, "tinydnn: error: no command '%s'", word);
    if (near) fprintf(stderr, ", did you mean '%s'?", near);
    fputs("\nusage: tinydnn ", stderr);
    for (size_t i = 0; i < COMMANDS; i++) fprintf(stderr, "%s%s", i ? "|" : "", words[i]);
    fputs(" ...\n       tinydnn --help says more\n", stderr);
    return EXIT_USAGE;
}

static const command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (!strcmp(commands[i].name, name)) return &commands[i];
    return NULL;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    const command *found;

    if (!word) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(word, "--help") || !strcmp(word, "-h") ||
        (!strcmp(word, "help") && argc == 2)) {
        print_help(stdout);
        return output_flush() ? EXIT_DONE : EXIT_FAULT;
    }
    if (!strcmp(word, "--version")) {
        printf("tinydnn %s (%s)\n", tdnn_version(), tdnn_cpu_level());
        return output_flush() ? EXIT_DONE : EXIT_FAULT;
    }
    if (!strcmp(word, "help")) {
        char help[] = "--help", *words[] = {argv[2], help, NULL};

        found = find(argv[2]);
        return found ? found->run(2, words) : wrong_command(argv[2]);
    }
    found = find(word);
    return found ? found->run(argc - 1, argv + 1) : wrong_command(word);
}
