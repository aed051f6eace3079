#!/bin/sh
# The program from outside: exit statuses, results on stdout and errors on stderr, wrong usage, and
# inputs that are missing, damaged or of the wrong kind.
cd "$(dirname "$0")/.." || exit 2
: "${BUILD:=build}"
tinydnn=$BUILD/tinydnn
model=examples/models/digits-cnn/digits-cnn.onnx
digit=examples/models/digits-cnn/digit-7.png
labels=examples/models/digits-cnn/labels.txt
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0

verdict() { # STATUS WHAT: counts; shows what was printed if it failed
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    echo "FAILED $2"
    head -n 5 "$tmp/out" "$tmp/err"
}

run() { "$tinydnn" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null; }

good() { # PATTERN ARGUMENT...: status 0, the pattern on stdout, nothing on stderr
    pattern=$1
    shift
    run "$@"
    [ $? -eq 0 ] && grep -Eq -e "$pattern" "$tmp/out" && [ ! -s "$tmp/err" ]
    verdict $? "tinydnn $* (expected $pattern)"
}

refused() { # STATUS PATTERN ARGUMENT...: nothing on stdout, one line that starts the errors
    wanted=$1 pattern=$2
    shift 2
    run "$@"
    [ $? -eq "$wanted" ] && [ ! -s "$tmp/out" ] &&
        head -n 1 "$tmp/err" | grep -q '^tinydnn: error: ' && grep -Eq -e "$pattern" "$tmp/err"
    verdict $? "tinydnn $* (expected status $wanted, $pattern)"
}

usage() { refused 2 "$@" && grep -q '^usage: tinydnn' "$tmp/err"; }
fault() { refused 1 "$@"; }

# ---- usage ------------------------------------------------------------------------------------
good '^tinydnn [0-9]+\.[0-9]+\.[0-9]+ \(' --version
good 'usage: tinydnn COMMAND' --help
for command in info check run verify bench classify detect blob convert; do
    good "usage: tinydnn $command .*" "$command" --help
    good "usage: tinydnn $command .*" help "$command"
    usage 'missing' "$command"
    usage 'no option --no-such' "$command" --no-such
done
usage "did you mean 'verify'" verfy
usage 'did you mean --threads' bench "$model" --thread 2
usage 'whole number from 1' bench "$model" --threads 0
usage 'whole number from 1' bench "$model" --threads 2x
usage '--runs needs a value' bench "$model" --runs
usage 'expected BYTES' bench "$model" --memory-limit 1.5G
fault 'the memory limit is 4096' info "$model" --memory-limit 4K
fault 'the memory limit is 1000000' bench "$model" --memory-limit 1000000
good 'median' bench "$model" --memory-limit 100M --runs 1
usage '--json takes no value' info "$model" --json=1
usage 'expected npy\|pb' run "$model" --format png
usage 'one argument too many' run a b c
usage 'expected WxH' blob "$digit" --output "$tmp/x.npy" --size 320
usage 'expected S\[,S,S\]' blob "$digit" --output "$tmp/x.npy" --scale 1,2,,3
usage '--output FILE.npy is missing' blob "$digit"
usage 'no IMAGE given' detect a.cfg a.weights
usage 'did you mean imagenet' classify "$model" "$digit" --preset image-net
usage 'presets: imagenet' blob "$digit" --output "$tmp/x.npy" --preset none
usage 'did you mean yolov8' detect "$model" "$digit" --head yolov88

# ---- what works ---------------------------------------------------------------------------------
good '^format +ONNX' info "$model"
good '"format":"ONNX"' info "$model" --json
good '^output +name' run "$model" --random 1 --output-dir "$tmp/one"
good '"median_ms":[0-9.e+-]+' bench "$model" --runs 2 --warmup 0 --json
good 'GFLOP/s' bench "$model" --runs 2 --profile
good 'kernel' info "$model" --plan --dot "$tmp/net.dot"
grep -q '^digraph' "$tmp/net.dot"
verdict $? "--dot writes Graphviz"
good 'f32  1x1x28x28$' blob "$digit" --pixels gray --size 28x28 --output "$tmp/blob.npy"
for n in 0 1 2 3 4 5 6 7 8 9; do
    good "^  1 .*  $n  .*$n\$" classify "$model" "examples/models/digits-cnn/digit-$n.png" \
        --scale 0.00392157 --labels "$labels" --top 1
done
run run "$model" --random 1 --json && cp "$tmp/out" "$tmp/same" && run run "$model" --random 1 --json
cmp -s "$tmp/out" "$tmp/same"
verdict $? "the same seed gives the same numbers"
run run "$model" --random 2 --json && ! cmp -s "$tmp/out" "$tmp/same"
verdict $? "another seed gives other numbers"

good '^can run$' check "$model"
printf '[net]\nwidth=4\nheight=4\nchannels=1\n[conv]\n[bogus]\n[silly]\n[bogus]\n' >"$tmp/two.cfg"
run check "$tmp/two.cfg"
[ $? -eq 1 ] && [ "$(tr -s '\n ' '  ' <"$tmp/out")" = "operator: section [bogus] layer 1 \
[bogus], line 6 layer 3 [bogus], line 8 operator: section [silly] layer 2 [silly], line 7 cannot run: 2 \
operators, in 3 places " ]
verdict $? "check lists all that is missing"
run check "$tmp/two.cfg" --json
grep -q '"supported":false,.*{"kind":"operator","what":"section \[bogus\]","where":\["layer 1 \[bogus\], line 6","layer 3 \[bogus\], line 8"\],"nodes":\[{"name":"layer 1","op":"bogus"},' "$tmp/out"
verdict $? "check --json lists all that is missing"
printf "node { name: 'x' op: 'Placeholder' }\nnode { name: 'd' op: 'Decode' input: 'x' }\nnode { name: 'e' op: 'Spectre' \
input: 'd' }\nnode { name: 'y' op: 'Neg' input: 'e' }\n" >"$tmp/front.pbtxt"
run check "$tmp/front.pbtxt"
[ $? -eq 1 ] && grep -q '^cannot run: 2 operators' "$tmp/out" && grep -q ': --from e$' "$tmp/out"
verdict $? "check says where a model can begin"
good '^can run' check "$tmp/front.pbtxt" --from e
run check "$tmp/front.pbtxt" --to d
[ $? -eq 1 ] && grep -q '^cannot run: 1 operator, in 1 place' "$tmp/out"
verdict $? "check --to looks at a part alone"
printf "node { name: 'z' op: 'Neg' input: 'nowhere' }\n" >>"$tmp/front.pbtxt"
run check "$tmp/front.pbtxt"
[ $? -eq 1 ] && grep -q 'nothing makes its input "nowhere"' "$tmp/out" && grep -q '^operator Spectre' "$tmp/out"
verdict $? "check tells of what ends the search"
# a model of SequenceLength
printf '\010\010:,\012\026\012\001s\022\001n"\016SequenceLengthZ\015\012\001s\022\010"\006\012\004\012\002\010\001b\003\012\001nB\002\020\021' \
    >"$tmp/list.onnx"
good '^can run; .* input s is no tensor$' check "$tmp/list.onnx"

ssd=examples/models/digits-ssd/digits-ssd
scene=examples/models/digits-yolo/samples/scene_0000.png
run detect $ssd.prototxt $ssd.caffemodel $scene --head ssd && cp "$tmp/out" "$tmp/same"
run detect $ssd.prototxt $ssd.caffemodel $scene --head ssd --mean 127.5 --scale 0.00784313725
cmp -s "$tmp/out" "$tmp/same"
verdict $? "a head's own mean and scale are those of its preset"
run detect $ssd.prototxt $ssd.caffemodel $scene --head ssd --mean 127.5 && cp "$tmp/out" "$tmp/same"
run detect $ssd.prototxt $ssd.caffemodel $scene --head ssd --mean 127.5 --scale 1
cmp -s "$tmp/out" "$tmp/same"
verdict $? "a mean alone does not come with the preset's scale"

# ---- convert -------------------------------------------------------------------------------------
usage '--output is missing' convert "$model"
usage 'whole number from 7' convert "$model" --output "$tmp/x.onnx" --opset 6
fault 'opset 99, expected 7 to' convert "$model" --output "$tmp/x.onnx" --opset 99
fault 'no/such/folder' convert "$model" --output no/such/folder/x.onnx
fault 'No space left' convert "$model" --output /dev/full
[ ! -e "$tmp/x.onnx" ]
verdict $? "a conversion that fails leaves no file"
for opset in 9 13 17 21; do
    good '^.*written.onnx  [0-9.]+ [KM]iB$' convert "$model" --output "$tmp/written.onnx" --opset $opset
    rm -rf "$tmp/again"
    run run "$tmp/written.onnx" --random 1 --output-dir "$tmp/again" &&
        cmp -s "$tmp/one/output_0.npy" "$tmp/again/output_0.npy"
    verdict $? "opset $opset reads back to the same bits"
done

# ---- verify finds what is wrong ------------------------------------------------------------------
input=$("$tinydnn" info "$model" --json | sed 's/.*"inputs":\[{"name":"\([^"]*\)".*/\1/')
output=$("$tinydnn" info "$model" --json | sed 's/.*"outputs":\[{"name":"\([^"]*\)".*/\1/')
case=$tmp/case
mkdir -p "$case/reference"
cp "$model" "$case/model.onnx"
cp "$tmp/blob.npy" "$case/reference/in.npy"
run run "$model" --input "$input=$tmp/blob.npy" --output-dir "$tmp/two"
cp "$tmp/two/output_0.npy" "$case/reference/out.npy"
reference() { # NAME: a reference.json whose output has that name
    cat >"$case/reference/reference.json" <<EOF
{"model": "model.onnx", "config": null, "engine": "none", "layout": "NCHW", "cases": [
 {"inputs": [{"name": "$input", "file": "in.npy"}], "outputs": [{"name": "$1", "file": "out.npy"}]}]}
EOF
}
wrong_case() { # PATTERN WHAT
    run verify "$case"
    [ $? -eq 1 ] && grep -q '^0 of 1 cases pass$' "$tmp/out" && grep -Eq -e "$1" "$tmp/out"
    verdict $? "$2"
}
reference "$output"
good '^1 of 1 cases pass$' verify "$case" --same-bits
reference "$output.none"
wrong_case "$output.none" "an output that the model does not have"
reference "$output"
cp "$tmp/blob.npy" "$case/reference/out.npy"
wrong_case 'shape .*, expected 1x1x28x28' "an output of another shape"
"$tinydnn" blob "$digit" --pixels gray --size 28x28 --type u8 --output "$case/reference/out.npy" \
    >/dev/null
wrong_case 'type f32, expected u8' "an output of another type"
head -c 150 "$tmp/two/output_0.npy" >"$case/reference/out.npy"
wrong_case 'out.npy' "a reference that is cut off"
{ head -c 128 "$tmp/two/output_0.npy" && head -c 40 /dev/zero; } >"$case/reference/out.npy"
wrong_case 'numbers differ' "an output with other values"
echo '{"model": "model.onnx", "cases": [' >"$case/reference/reference.json"
wrong_case 'line 2: expected' "a reference.json that is cut off"
awk 'BEGIN { for (i = 0; i < 100; i++) printf "[" }' >"$case/reference/reference.json"
wrong_case 'at most 64 levels' "a reference.json that is nested too deeply"
printf '{"model": "\\q"}' >"$case/reference/reference.json"
wrong_case 'one of the escapes' "a reference.json with an escape that JSON does not have"
run verify "$tmp/two"
[ $? -eq 1 ] && grep -q 'no test case there' "$tmp/out"
verdict $? "a folder without cases"

# ---- inner values: given out, and fed ----------------------------------------------------------
inner=$("$tinydnn" info "$model" --json | sed 's/.*"layers":\[{"name":"\([^"]*\)".*/\1/')_output_0
good "$inner" run "$model" --input "$input=$tmp/blob.npy" --output "$inner" --output "$output" \
    --output-dir "$tmp/inner"
cp "$tmp/inner/output_0.npy" "$case/reference/in.npy"
cp "$tmp/two/output_0.npy" "$case/reference/out.npy"
outer=$input
input=$inner
reference "$output"
input=$outer
good '^1 of 1 cases pass$' verify "$case"
good '^output' run "$model" --input "$inner=$tmp/inner/output_0.npy"

# ---- models that cannot be loaded -----------------------------------------------------------------
: >"$tmp/empty"
head -c 100 "$model" >"$tmp/short.onnx"
head -c 20000 "$model" >"$tmp/cut.onnx"
awk 'BEGIN { srand(7); for (i = 0; i < 4000; i++) printf "%c", int(rand() * 255) + 1 }' >"$tmp/random"
echo 'This is no model.' >"$tmp/text"
for command in info run bench; do
    fault "$tmp/none: .*No such file" "$command" "$tmp/none"
    fault "$tmp" "$command" "$tmp"
    for file in empty short.onnx cut.onnx random text; do
        fault "$tmp/$file: " "$command" "$tmp/$file"
    done
    fault "$digit: " "$command" "$digit"
done
fault 'empty' info "$model" "$tmp/empty"

cat >"$tmp/one.cfg" <<'EOF'
[net]
width=8
height=8
channels=1
[convolutional]
filters=2
size=1
activation=linear
EOF
# version 0.2.5, 64 bits of images seen, 2 biases, 2 weights
printf '\0\0\0\0\2\0\0\0\5\0\0\0\0\0\0\0\0\0\0\0' >"$tmp/head"
{ cat "$tmp/head" && head -c 16 /dev/zero; } >"$tmp/one.weights"
{ cat "$tmp/head" && head -c 12 /dev/zero; } >"$tmp/short.weights"
{ cat "$tmp/head" && head -c 20 /dev/zero; } >"$tmp/long.weights"
good '^format +Darknet' info "$tmp/one.cfg" "$tmp/one.weights"
good '^format +Darknet' info "$tmp/one.weights" "$tmp/one.cfg"
fault 'conv_0|convolutional' info "$tmp/one.cfg" "$tmp/short.weights"
fault '4 (bytes|are left)' info "$tmp/one.cfg" "$tmp/long.weights"
sed 's/size=1/size=1\nsizzle=3/' "$tmp/one.cfg" >"$tmp/key.cfg"
fault 'sizzle' info "$tmp/key.cfg" "$tmp/one.weights"
sed 's/convolutional/convulsional/' "$tmp/one.cfg" >"$tmp/section.cfg"
fault 'convulsional' info "$tmp/section.cfg" "$tmp/one.weights"

# ---- inputs that do not fit -----------------------------------------------------------------------
fault "input '$input' has no value" run "$model"
fault "no_such" run "$model" --input "no_such=$tmp/blob.npy"
fault "no_such" run "$model" --random 1 --output no_such
fault 'No such file' run "$model" --input "$input=$tmp/none.npy"
fault "$tmp/text" run "$model" --input "$input=$tmp/text"
fault '1x1x5x5' run "$model" --random 1 --input-shape "$input=1x1x5x5"
fault 'expected sizes' run "$model" --random 1 --input-shape "$input=1x1xa"
fault "no input 'no_such'" run "$model" --random 1 --input-shape no_such=1x1x28x28
run blob "$digit" --pixels gray --size 28x28 --type u8 --output "$tmp/bytes.npy"
fault 'u8' run "$model" --input "$input=$tmp/bytes.npy"
fault 'cpu|level' run "$model" --random 1 --cpu fastest

# ---- pictures -------------------------------------------------------------------------------------
head -c 60 "$digit" >"$tmp/cut.png"
cp "$tmp/text" "$tmp/text.png"
for command in classify detect; do
    fault "$tmp/none.png: .*No such file" "$command" "$model" "$tmp/none.png"
    fault "$tmp/cut.png" "$command" "$model" "$tmp/cut.png"
    fault "$tmp/text.png" "$command" "$model" "$tmp/text.png"
    fault "$tmp/none.txt: .*No such file" "$command" "$model" "$digit" --labels "$tmp/none.txt"
done
fault "$tmp/text.png" blob "$digit" "$tmp/text.png" --output "$tmp/x.npy"

# ---- results that cannot be written ---------------------------------------------------------------
fault "$tmp/none/x.npy" blob "$digit" --output "$tmp/none/x.npy"
fault "$tmp/text/x" run "$model" --random 1 --output-dir "$tmp/text/x"
if [ -w /dev/full ]; then
    "$tinydnn" info "$model" >/dev/full 2>"$tmp/err"
    [ $? -eq 1 ] && grep -q 'could not be written' "$tmp/err"
    verdict $? "a full disk under stdout"
fi

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
