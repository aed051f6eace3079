#!/bin/sh
# include/tinydnn.h compiles alone, as C99 and as C++11, without a warning.
cd "$(dirname "$0")/.." || exit 2
passed=0 failed=0 skipped=0

try() { # COMPILER LANGUAGE STANDARD [OPTION]
    if ! command -v "$1" >/dev/null; then
        skipped=$((skipped + 1))
    elif echo '#include "tinydnn.h"' | "$1" -x "$2" -std="$3" ${4:+"$4"} -Wall -Wextra -Wpedantic -Wshadow \
        -Werror -Iinclude -fsyntax-only -; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
}

try gcc c c99 -Wstrict-prototypes
try g++ c++ c++11
try clang-14 c c99 -Wstrict-prototypes
try clang++-14 c++ c++11
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
