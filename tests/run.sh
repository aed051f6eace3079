#!/bin/sh
# Runs tests and counts them. A part is any command: a cmocka program, or one whose last line ends
# in "N passed, N failed" or "N passed, N failed, N skipped"; status 77 is one skipped.
#
#   tests/run.sh unit PROGRAM...   these programs
#   tests/run.sh check             everything, as `make check` calls it
#   tests/run.sh arm               for AArch64, as `make check-arm` calls it
#
# RUNNER is put before programs that another processor than this one has to run.
cd "$(dirname "$0")/.." || exit 2
: "${MAKE:=make}" "${BUILD:=build}"
passed=0 failed=0 skipped=0
log=$(mktemp) && trap 'rm -f "$log"' EXIT

# Refused allocations are tested for, and must come back as NULL from the sanitizers' allocators too.
export ASAN_OPTIONS="allocator_may_return_null=1:detect_stack_use_after_return=1"
export TSAN_OPTIONS="allocator_may_return_null=1:halt_on_error=1"
export UBSAN_OPTIONS="print_stacktrace=1"
unset MAKEFLAGS MFLAGS MAKELEVEL

cmocka_count() { # of the tests that a cmocka program says it PASSED, FAILED or SKIPPED
    n=$(sed -n "s/^\[ *$1 *\] \([0-9]*\) test(s).*/\1/p" "$log" | tail -n 1)
    echo "${n:-0}"
}

counts() { # of the log: passed failed skipped; nothing if it has none
    line=$(grep -v '^make: ' "$log" | tail -n 1 | sed -nE \
        's/^(.*[^0-9])?([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?( \(.*\))?$/\2 \3 \5/p')
    if [ -z "$line" ] && grep -q '^\[==========\]' "$log"; then
        line="$(cmocka_count PASSED) $(cmocka_count FAILED) $(cmocka_count SKIPPED)"
    fi
    echo "$line"
}

part() { # NAME COMMAND...
    name=$1
    shift
    "$@" >"$log" 2>&1 </dev/null
    status=$?
    line=$(counts)
    # shellcheck disable=SC2086 # numbers
    set -- ${line:-0 0}
    p=$1 f=$2 s=${3:-0}
    if [ $status -eq 77 ]; then
        s=1
    elif [ $status -ne 0 ] && [ "$f" -eq 0 ] || [ "$p $f $s" = "0 0 0" ]; then
        f=1 # it crashed, or ran nothing
    fi
    [ "$f" -eq 0 ] || grep -v -e '^\[ RUN ' -e '^\[       OK ' "$log" | tail -n 80
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    printf '%-32s %5d passed, %d failed, %d skipped\n' "$name" "$p" "$f" "$s"
}

total() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

case $1 in
unit)
    shift
    # shellcheck disable=SC2086 # words
    for program; do part "${program#"$BUILD"/}" ${RUNNER-} "$program"; done
    ;;
check)
    part "unit tests" "$MAKE" -s unit
    part "include layers" tests/layers.sh
    part "list of operators" docs/operators.sh check
    part "header" tests/header.sh
    part "symbols" tests/symbols.sh
    part "install" tests/install.sh
    part "program" tests/cli.sh
    for judge in tests/judges/*.py; do
        [ "$judge" = tests/judges/tdnn.py ] || part "${judge#tests/}" tests/python.sh "$judge"
    done
    part "reference outputs" tests/reference.sh models
    for level in generic avx2; do # below the machine's best
        part "reference outputs, $level" tests/reference.sh models $level
    done
    part "ONNX conformance" tests/reference.sh conformance
    part "unit tests, address, undefined" "$MAKE" -s -j2 SAN=address,undefined all unit
    sanitized=build/variant-address-undefined
    part "program, address, undefined" env BUILD=$sanitized tests/cli.sh
    part "ONNX, address, undefined" env BUILD=$sanitized tests/reference.sh conformance
    part "unit tests, thread" "$MAKE" -s -j2 SAN=thread BLAS=none threaded
    part "clang" tests/clang.sh
    ;;
arm)
    export RUNNER=qemu-aarch64 BUILD=build/variant-aarch64-linux-gnu-gcc-noblas
    part "unit tests" "$MAKE" -s CC=aarch64-linux-gnu-gcc BLAS=none all unit
    part "reference outputs" tests/reference.sh models
    part "ONNX conformance" tests/reference.sh conformance
    ;;
*)
    echo "usage: tests/run.sh unit PROGRAM... | check | arm" >&2
    exit 2
    ;;
esac
total
