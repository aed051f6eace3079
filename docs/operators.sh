#!/bin/sh
# Prints operators.md: what each format's importer knows, out of the tables that the importers use.
#
#   docs/operators.sh          prints it
#   docs/operators.sh check    says whether docs/operators.md is what it would print
cd "$(dirname "$0")/.." || exit 2

names() { # PATTERN FILE: first strings of the table's rows, sorted, as a paragraph
    sed -nE "s/$1/\2/p" "$2" | LC_ALL=C sort -u | paste -sd ' ' | sed 's/ /, /g' | fold -s -w 110 | sed 's/ *$//'
}

count() {
    sed -nE "s/$1/\2/p" "$2" | sort -u | wc -l
}

section() { # TITLE PATTERN FILE TEXT
    printf '\n## %s: %d\n\n%s\n\n' "$1" "$(count "$2" "$3")" "$4"
    names "$2" "$3"
}

print() {
    cat <<'TEXT'
# Operators

Made by `docs/operators.sh` from the importers' own tables. `tinydnn check MODEL` says of one model whether all of it is
known, and lists with names and places what is not.
TEXT
    onnx=$(mktemp)
    # rows of lib/graph/oplist.h that stand before its line "ours"
    sed -n '/\* ours \*/q;p' lib/graph/oplist.h >"$onnx"
    section ONNX '^( *)X\(([A-Za-z0-9]+)\).*' "$onnx" \
        'Opsets 1 to the newest of ai.onnx, and those of ai.onnx.ml among them; functions, subgraphs and sequences.
Older forms of an operator are read too, and so are some retired ones.'
    rm -f "$onnx"
    section Caffe '^( *)\{"([A-Za-z0-9]+)", .*' parsers/caffe/layers.c \
        'Layer types, of Caffe itself and of its forks. V0 and V1 layers are upgraded first.'
    section TensorFlow '^( *[A-Z]+\(| *\{)"([_A-Za-z0-9]+)", .*' parsers/tensorflow/table.c \
        'Operators of frozen graphs; beside them subgraphs that stand for one operator, and functions.'
    section Darknet '^( *)\{"([a-z0-9_]+)", tdnn_dark.*' parsers/darknet/darknet.c \
        'Sections of a .cfg file, with the short names that Darknet takes.'
}

case ${1-} in
'') print ;;
check)
    if print | diff - docs/operators.md >&2; then
        echo "1 passed, 0 failed"
    else
        echo "docs/operators.md is old: docs/operators.sh >docs/operators.md" >&2
        echo "0 passed, 1 failed"
        exit 1
    fi
    ;;
*)
    echo "usage: docs/operators.sh [check]" >&2
    exit 2
    ;;
esac
