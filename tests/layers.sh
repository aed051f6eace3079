#!/bin/sh
# Who may include whom: docs/architecture.md has the table.
cd "$(dirname "$0")/.." || exit 2
passed=0 failed=0

layer() { # FOLDER PATTERN: what its files may include in quotes, besides what lies in it
    bad=$(grep -rn --include='*.[ch]' '^ *# *include *"' "$1" 2>/dev/null |
        grep -vE "include *\"($1/|$2)[^\"]*\"")
    verdict "$bad"
}
only() { # PATTERN FILE...: what no other file of the library may include
    pattern=$1
    shift
    bad=$(grep -rnE --include='*.[ch]' "^ *# *include *[<\"]($pattern)[>\"]" lib kernels parsers)
    for file; do bad=$(printf '%s\n' "$bad" | grep -v "^$file:"); done
    verdict "$bad"
}
verdict() {
    if [ -n "$1" ]; then
        printf '%s\n' "$1"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
}

base='tinydnn\.h|lib/base/'
layer examples 'tinydnn\.h'
layer cli 'tinydnn\.h'
layer lib/runtime "$base|lib/graph/|lib/passes/pass\.h|lib/ops/op\.h|parsers/parser\.h|kernels/kernels\.h"
layer lib/passes "$base|lib/graph/"
layer parsers "$base|lib/graph/"
layer lib/ops "$base|lib/graph/|kernels/kernels\.h"
layer lib/vision "$base|kernels/kernels\.h"
layer lib/graph "$base"
layer lib/base "$base"
layer kernels 'kernels/'
only 'cblas\.h' kernels/blas.c
only 'pthread\.h|threads\.h' lib/base/thread.c
only 'fcntl\.h' lib/base/file.c
only 'sys/mman\.h' lib/base/file.c lib/base/mem.c
only '.*\.pb-c\.h|protobuf-c/.*' 'parsers/.*'
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
