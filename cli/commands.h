/* commands.h - the subcommands: each takes its own argc and argv and returns the exit status.
 */
#ifndef TINYDNN_CLI_COMMANDS_H
#define TINYDNN_CLI_COMMANDS_H

int command_info(int argc, char **argv);
int command_check(int argc, char **argv);
int command_run(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_classify(int argc, char **argv);
int command_detect(int argc, char **argv);
int command_blob(int argc, char **argv);
int command_convert(int argc, char **argv);

#endif
