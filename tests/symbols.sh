#!/bin/sh
# What the libraries define and call: only tdnn_ names are seen from outside, every function of the
# header is there, and nothing prints, exits, or allocates and opens files outside its one place.
cd "$(dirname "$0")/.." || exit 2
: "${BUILD:=build}"
passed=0 failed=0

none() { # WHAT NAMES: passes if there are no names
    if [ -n "$2" ]; then
        printf '%s:\n%s\n' "$1" "$2"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
}
calls() { # PATTERN OBJECT: who in the archive calls it, other than the one object
    nm -A --undefined-only "$BUILD/internal.a" 2>/dev/null |
        grep -E " U ($1)(@.*)?\$" | grep -v ":$2\.o:"
}
only_in() { # A B: words of the list A that B lacks
    printf '%s\n' "$1" "$2" "$2" | sort | uniq -u
}

exported=$(nm -D --defined-only "$BUILD/libtinydnn.so" | awk '$2 != "A" { print $NF }' | sed 's/@.*//')
declared=$(gcc -E -P -include include/tinydnn.h -x c /dev/null | tr '\n' ' ' |
    grep -oE 'visibility[^;]*;' | grep -oE 'tdnn_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u)
external=$(nm -g --defined-only "$BUILD/libtinydnn.a" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort)
none "exported, not in tinydnn.h" "$(only_in "$exported" "$declared")"
none "in tinydnn.h, not exported" "$(only_in "$declared" "$exported")"
none "external in libtinydnn.a, not in tinydnn.h" "$(only_in "$external" "$declared")"
none "exits or prints" "$(calls 'abort|_?exit|__assert_fail|v?f?printf|f?puts|f?putc|putchar|perror|std(out|err)' none)"
none "allocates" "$(calls 'malloc|calloc|realloc|aligned_alloc|posix_memalign|strn?dup' mem)"
none "opens files" "$(calls 'open|openat|creat|fopen|fdopen|mmap' file)"
none "uses threads" "$(calls 'pthread_.*' thread)"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
