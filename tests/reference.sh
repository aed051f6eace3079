#!/bin/sh
# Recorded outputs: what the lists beside this script name must pass `tinydnn verify`, where the
# folder of models and test cases lies beside the repository (or at $TINYDNN_SHARED).
#
#   tests/reference.sh models [LEVEL]        references.list, with 1 and 2 threads, the same bits
#   tests/reference.sh conformance [LEVEL]   conformance.list
#   tests/reference.sh grow                  adds to conformance.list what passes by now
cd "$(dirname "$0")/.." || exit 2
: "${BUILD:=build}" "${TINYDNN_SHARED:=../shared}"
tinydnn=$BUILD/tinydnn
level=${2:+--cpu $2}

verify() { # LIST FOLDER OPTION...: the folders that the list names, below FOLDER
    [ -d "$2" ] && [ -x "$tinydnn" ] || exit 77
    grep -qv '^#' "$1" || exit 77
    list=$1 folder=$2
    shift 2
    # shellcheck disable=SC2046,SC2086 # words
    output=$(${RUNNER-} "$tinydnn" verify "$@" $level --time-limit 300 \
        $(grep -v '^#' "$list" | sed "s|^|$folder/|") 2>&1)
    printf '%s\n' "$output" | cut -c 1-300
    line=$(printf '%s\n' "$output" | tail -n 1)
    echo "$line" | grep -qE '^[0-9]+ of [0-9]+ cases pass$' || exit 1
    passed=${line%% *} cases=${line#* of } cases=${cases%% *}
    echo "$passed passed, $((cases - passed)) failed"
    [ "$passed" -eq "$cases" ]
}

case ${1-} in
models) verify tests/references.list "$TINYDNN_SHARED/models" --same-bits ;;
conformance) verify tests/conformance.list "$TINYDNN_SHARED/onnx-conformance" ;;
grow)
    cases=$TINYDNN_SHARED/onnx-conformance
    passing=$("$tinydnn" verify --list --json --time-limit 60 "$cases" |
        sed -nE "s|.*\"case\":\"$cases/([^\"]*)\".*\"pass\":true.*|\1|p")
    { cat tests/conformance.list; printf '%s\n' "$passing"; } |
        sort -u >tests/conformance.new
    mv tests/conformance.new tests/conformance.list
    wc -l tests/conformance.list
    ;;
*)
    echo "usage: tests/reference.sh models|conformance|grow [LEVEL]" >&2
    exit 2
    ;;
esac
