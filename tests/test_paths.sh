#!/bin/bash
# The whole way through files: each verb reads what the others write.
#
#   tests/test_paths.sh BIN     BIN: the directory of the programs
#
# classify -> features -> embed -> scatter, autoencode -> cluster -> metrics, fit -> transform -> scatter, on the cpu and, where
# there is one, on an OpenCL device; PTSNE_TEST_BACKENDS with "opencl" in it: there has to be one.
set -u
. "$(dirname "$0")/checks.sh"
export OMP_NUM_THREADS=1

# images N SEED: N images of 8 x 8 bytes as IDX in SEED.idx, a bright square in one of four corners, and its corner as IDX labels.
images()
{
    awk -v n="$1" -v seed="$2" 'BEGIN {
        srand(seed)
        for (i = 0; i < n; i++) {
            corner = i % 4
            print corner >"corners"
            for (p = 0; p < 64; p++) {
                y = int(p / 8); x = p % 8
                lit = int(y / 4) == int(corner / 2) && int(x / 4) == corner % 2
                printf "%d\n", (lit ? 150 : 0) + 100 * rand()
            }
        }
    }' >pixels
    { header 3 "$1" 8 8; bytes <pixels; } >"$2.idx"
    { header 1 "$1"; bytes <corners; } >"$2-labels.idx"
}

# An IDX header of bytes: the number of dimensions, then each.
header()
{
    printf '\0\0\010'
    printf '%b' "\\0$1"
    shift
    for size in "$@"; do printf '\0\0%b%b' "$(printf '\\0%o' $((size / 256)))" "$(printf '\\0%o' $((size % 256)))"; done
}

# Numbers, one a line, as bytes.
bytes() { LC_ALL=C awk '{ printf "%c", $1 }'; }

is_png() { [ "$(head -c 4 "$1" | tail -c 3)" = PNG ]; }

# accuracy_above PERCENT: of the table that classify printed.
accuracy_above() { awk -v least="$1" '/^accuracy:/ { good = $2 > least } END { exit !good }' out; }

# figure FILE KEY: a number of a report.
figure() { sed -n "s/.*\"$2\": \([-0-9.e]*\).*/\1/p" "$1"; }

walk()
{
    export PTSNE_DEVICE=$1
    rm -rf "$1" && mkdir "$1" && cd "$1" || exit 1
    local net="conv 4 3x3 same, bn, relu, pool 2, conv 8 3x3 same, bn, relu, pool 2, dense 16, bn, relu"
    local quick=(--phases 50:12,100:1 --perplexity 10)

    expect "$1: classify" 0 - "net.st: 4 classes" ptsne classify ../1.idx --labels ../1-labels.idx -o net.st --net "$net" --batches 8:16 --history net.csv
    expect "$1: it tells new images" 0 - - ptsne classify -q ../2.idx --model net.st --predict told.csv
    expect "$1: and is right" 0 "^accuracy:" - ptsne classify -q ../2.idx --labels ../2-labels.idx --model net.st
    holds "$1: more often than 9 times in 10" accuracy_above 90
    expect "$1: info" 0 "dense1" . ptsne info net.st
    expect "$1: features" 0 . . ptsne features net.st ../2.idx --layer dense1 -o features.npy
    holds "$1: of 120 x 16" grep -qa "'shape': (120, 16)" features.npy
    expect "$1: embed them" 0 . . ptsne embed features.npy -o map.npy "${quick[@]}"
    expect "$1: how good is the map" 0 "^1-NN error" . ptsne metrics --data features.npy --embedding map.npy --labels ../2-labels.idx --json map.json
    holds "$1: corners lie apart" awk -v e="$(figure map.json knn_error_1)" 'BEGIN { exit !(e < 0.1) }'
    expect "$1: embed the probabilities" 0 . . ptsne embed told.csv -o told.npy "${quick[@]}"
    scatter "$1: scatter of the features" map.npy ../2-labels.idx
    scatter "$1: scatter with the classes that were told" map.npy told.csv
    scatter "$1: the history is a table like any other" net.csv ""

    expect "$1: autoencode" 0 - "ae.st: codes of 8" ptsne autoencode ../1.idx -o ae.st --encoder "32, 8" --decoder "32, 64, sigmoid" --batches 60:16 --patience 0 --learning-rate 0.005 --codes codes.npy --reconstructions again.npy --history ae.csv
    holds "$1: codes of 240 x 8" grep -qa "'shape': (240, 8)" codes.npy
    expect "$1: cluster the codes" 0 . . ptsne cluster codes.npy -k 4 -o groups.npy --json groups.json
    expect "$1: embed the codes" 0 . . ptsne embed codes.npy -o codes-map.npy "${quick[@]}"
    expect "$1: metrics with the clusters" 0 "^1-NN error" . ptsne metrics --data codes.npy --embedding codes-map.npy --labels groups.npy --json groups-map.json
    holds "$1: clusters lie together" awk -v e="$(figure groups-map.json knn_error_1)" 'BEGIN { exit !(e < 0.2) }'
    expect "$1: metrics of the reconstructions" 0 "^1-NN error" . ptsne metrics --data again.npy --embedding codes-map.npy --labels ../1-labels.idx --json again.json
    holds "$1: codes keep the corners" awk -v e="$(figure again.json knn_error_1)" 'BEGIN { exit !(e < 0.1) }'
    scatter "$1: scatter of the clusters" codes-map.npy groups.npy

    expect "$1: fit" 0 - . ptsne fit ../1.idx -o fit.st --mode edges --net 32 --epochs 20 --batch-size 80 --neighbors 8
    expect "$1: transform" 0 . . ptsne transform fit.st ../2.idx -o placed.npy
    holds "$1: of 120 x 2" grep -qa "'shape': (120, 2)" placed.npy
    scatter "$1: scatter of new points" placed.npy ../2-labels.idx
    expect "$1: fit on the features" 0 - . ptsne fit features.npy -o chain.st --mode edges --net 16 --epochs 10 --batch-size 40 --neighbors 8
    expect "$1: and transform them" 0 . . ptsne transform chain.st features.npy -o chain.csv
    cd ..
}

# scatter NAME MAP LABELS: a picture of a map; "": without labels.
scatter()
{
    if ! command -v ptsne-render >/dev/null; then
        skipped=$((skipped + 1))
        return
    fi
    expect "$1" 0 . . ptsne-render scatter "$2" ${3:+--labels "$3"} -o picture.png -f
    holds "$1: a picture" is_png picture.png
}

images 240 1
images 120 2
walk cpu
case ${PTSNE_TEST_BACKENDS:-} in
*opencl*) walk opencl ;;
*)
    if ptsne devices 2>/dev/null | grep -q '^opencl:'; then
        walk opencl
    else
        echo "no OpenCL device: on the cpu alone"
    fi
    ;;
esac

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
