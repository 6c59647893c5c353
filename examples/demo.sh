#!/bin/sh
# The main job on real data: train, compile, verify on three back ends, let the sensor drift, learn, report.
set -eu
out=demo-out
start=$(date +%s)
rm -rf "$out" && mkdir "$out"
step() { printf '\n$ neurodeploy %s\n' "$*"; neurodeploy "$@"; }

# 1. Ten handwritten digits, 8 time steps, OTTT; float accuracy against the same network in 8-bit integers.
step train --model mlp:64-128-10,readout=spiking --data digits --rule ottt-a --steps 8 --epochs 30 -o "$out/digits" --quiet
step run "$out/digits" --data digits@test --backend float
step compile "$out/digits" --quiet -o "$out/digits.onnx"
step run "$out/digits.onnx" --data digits@test

# 2. Every spike and every membrane potential of every test sample, on three back ends.
step verify "$out/digits.onnx" --data digits@test --backends engine,onnxruntime,lava

# 3. The sensor turns by 20 degrees and its amplifier ages; the network learns online, on Lava too.
step run "$out/digits.onnx" --data digits-drift@test
step learn "$out/digits.onnx" --data digits-drift@train --limit 400 --verify-on lava -o "$out/learned.onnx"

# 4. One page about all of it.
step report "$out/digits.onnx" --data digits@test --model "$out/digits" --backends engine,onnxruntime,lava -o "$out/report"
step report "$out/learned.onnx" --data digits-drift@test -o "$out/report-learned"

printf '\nDone in %s seconds. Open %s/report/report.html\n' "$(($(date +%s) - start))" "$out"
