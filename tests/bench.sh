#!/bin/sh
# Times: every kernel at every level, then the models of this repository and, where a folder of
# larger ones lies beside it (or at $TINYDNN_SHARED), those.
#
#   tests/bench.sh           both
#   tests/bench.sh kernels   or models
cd "$(dirname "$0")/.." || exit 2
: "${BUILD:=build}" "${TINYDNN_SHARED:=../shared}"
what=${1-both}

if [ "$what" != models ]; then
    "$BUILD/tests/kernels/check" --bench || exit 1
fi
[ "$what" != kernels ] || exit 0

printf '\n%-40s %7s %11s %11s %9s\n' model threads 'minimum ms' 'median ms' GFLOP/s
for model in examples/models/*/*.onnx "$TINYDNN_SHARED"/models/onnx/*/*.onnx; do
    [ -e "$model" ] || continue
    for threads in 1 2; do
        line=$("$BUILD/tinydnn" bench "$model" --threads $threads --json 2>&1)
        name=${model##*/models/}
        case $line in
        '{'*) echo "$line" | sed -E 's/.*"min_ms":([^,]*),"median_ms":([^,]*),.*"gflops":([^,]*),.*/\1 \2 \3/' |
            awk -v name="${name#onnx/}" -v threads=$threads \
                '{ printf "%-40s %7d %11.3f %11.3f %9.1f\n", name, threads, $1, $2, $3 }' ;;
        *) printf '%-40s  -  %s\n' "${name#onnx/}" "$(echo "${line#tinydnn: error: }" | cut -c 1-120)" && break ;;
        esac
    done
done
