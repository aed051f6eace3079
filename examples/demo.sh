#!/bin/sh
# Classifies and detects with the models of examples/models, and writes the pictures with the boxes
# to build/demo; with larger models too, where a folder of them lies beside the repository.
set -eu
cd "$(dirname "$0")/.."
: "${BUILD:=build}"
tinydnn=$BUILD/tinydnn
shared=${TINYDNN_SHARED:-../shared}
out=$BUILD/demo
mkdir -p "$out"

say() { printf '\n== %s\n' "$1"; }
show() { # prints a command and runs it
    printf '$ %s\n' "$*"
    "$@"
}

own=examples/models
say "What does this picture show? A classifier of handwritten digits (ONNX)"
show "$tinydnn" classify $own/digits-cnn/digits-cnn.onnx $own/digits-cnn/digit-7.png \
    --labels $own/digits-cnn/labels.txt --scale 0.00392157 --softmax --top 3

say "What lies where? A detector of handwritten digits (Darknet)"
for scene in examples/models/digits-yolo/samples/*.png; do
    show "$tinydnn" detect $own/digits-yolo/digits-yolo.cfg $own/digits-yolo/digits-yolo.weights \
        "$scene" --labels $own/digits-yolo/labels.txt --preset yolo --output "$out/${scene##*/}"
done

say "The same scenes under an SSD's heads (Caffe, TensorFlow)"
ssd=$own/digits-ssd/digits-ssd
for files in "$ssd.prototxt $ssd.caffemodel" "$ssd.pb $ssd.pbtxt"; do
    # shellcheck disable=SC2086 # two files
    show "$tinydnn" detect $files $own/digits-yolo/samples/scene_0001.png \
        --labels $own/digits-ssd/labels.txt --output "$out/ssd-${files##*.}.png"
done

if [ -d "$shared/models" ]; then
    say "What lies where in a photograph? YOLOv8n (ONNX), Yolo-Fastest (Darknet)"
    show "$tinydnn" detect "$shared/models/onnx/yolov8n/yolov8n.onnx" "$shared/images/dog.jpg" \
        --labels "$shared/labels/coco.names" --preset yolov8 --output "$out/yolov8n-dog.png"
    fastest=$shared/models/darknet/yolo-fastest-1.1
    show "$tinydnn" detect "$fastest/yolo-fastest-1.1.cfg" "$fastest/yolo-fastest-1.1.weights" \
        "$shared/images/dog.jpg" --labels "$shared/labels/coco.names" --preset yolo \
        --output "$out/yolo-fastest-dog.png"
fi

say "The pictures with the boxes"
ls "$out"/*
