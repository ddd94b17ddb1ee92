#!/bin/bash
# From a fresh machine to a map of 60,000 real images by t-SNE, a network that has learnt this map, 10,000 new images that it places
# there, and three pictures: out/embed.png, out/scatter.png and out/sprites.png. Under five minutes on two cores.
#
#   tools/demo.sh              installs what is missing (Debian, Ubuntu), builds, runs
#   tools/demo.sh DIRECTORY    ... with the four Fashion-MNIST files (train-images-idx3-ubyte.gz ...) that lie there
#   PTSNE_DEMO_DATA=DIRECTORY  ... the same
#   PTSNE_DEVICE=cpu           ... on the cpu even where there is a GPU
#   PTSNE_SKIP_SETUP=1         ... and installs nothing
set -euo pipefail
data=${1:-${PTSNE_DEMO_DATA-}}
case $data in
"" | /*) ;;
*) data=$PWD/$data ;; # before we leave the directory it is named from
esac
cd "$(dirname "$0")/.."
began=$SECONDS

say() { printf '\n== %s\n' "$*" >&2; }

# quietly LOG COMMAND ...: show the output only where it fails.
quietly()
{
    local log=$1
    shift
    "$@" >"$log" 2>&1 || {
        cat "$log" >&2
        exit 1
    }
}

if [ "${PTSNE_SKIP_SETUP-}" != 1 ]; then
    say "packages"
    if [ -n "$data" ]; then tools/setup.sh build; else tools/setup.sh demo; fi
fi

say "build"
mkdir -p build out
quietly build/demo-configure.log cmake --preset release
quietly build/demo-build.log cmake --build --preset release
bin=build/release/bin

if [ -z "$data" ]; then
    data=$(dpkg -L dataset-fashion-mnist 2>/dev/null | grep '/train-images' || true)
    data=${data:+$(dirname "$data")}
    data=${data:-/usr/share/datasets/fashion-mnist}
fi
if [ ! -r "$data/train-images-idx3-ubyte.gz" ]; then
    echo "demo: no $data/train-images-idx3-ubyte.gz: install the Debian package dataset-fashion-mnist, or name the" \
        "directory of Fashion-MNIST's four files: tools/demo.sh DIRECTORY, or PTSNE_DEMO_DATA=DIRECTORY" >&2
    exit 3
fi

# names LABELS: the class names of an IDX file of labels, a line each.
names()
{
    gzip -dc "$1" | od -An -v -tu1 -w1 -j8 | awk '
        BEGIN { split("T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot", name, ",") }
        { print name[$1 + 1] }'
}
names "$data/train-labels-idx1-ubyte.gz" >out/train-labels.txt
names "$data/t10k-labels-idx1-ubyte.gz" >out/test-labels.txt

say "t-SNE of the 60,000 training images (no labels are used)"
"$bin/ptsne" embed "$data/train-images-idx3-ubyte.gz" -o out/embed.npy -f --json out/embed.json
"$bin/ptsne-render" scatter out/embed.npy --labels out/train-labels.txt -o out/embed.png -f \
    --title "Fashion-MNIST, 60,000 images: t-SNE"

# 12 epochs of small batches: fewer rows are learnt than by the default, 20 epochs of batches of 500. Without --teacher, fit would make a
# t-SNE map of its own.
say "a network learns that map"
"$bin/ptsne" fit "$data/train-images-idx3-ubyte.gz" -o out/map.safetensors --teacher out/embed.npy --batch-size 250 \
    --epochs 12 -f --json out/fit.json

say "place the 10,000 test images on it, which it has never seen"
"$bin/ptsne" transform out/map.safetensors "$data/train-images-idx3-ubyte.gz" -o out/train-map.npy -f
"$bin/ptsne" transform out/map.safetensors "$data/t10k-images-idx3-ubyte.gz" -o out/test-map.npy -f

say "how good is it?"
"$bin/ptsne" metrics --data "$data/train-images-idx3-ubyte.gz" --embedding out/train-map.npy \
    --labels out/train-labels.txt --test-data "$data/t10k-images-idx3-ubyte.gz" --test-embedding out/test-map.npy \
    --test-labels out/test-labels.txt --json out/metrics.json

say "pictures"
"$bin/ptsne-render" scatter out/train-map.npy --labels out/train-labels.txt -o out/scatter.png -f \
    --title "Fashion-MNIST, 60,000 images: placed by a network"
"$bin/ptsne-render" sprites out/test-map.npy --images "$data/t10k-images-idx3-ubyte.gz" \
    --labels out/test-labels.txt -o out/sprites.png -f --title "10,000 images that the network had not seen"

echo
echo "out/embed.png, out/scatter.png and out/sprites.png are done; $(((SECONDS - began) / 60)) min $(((SECONDS - began) % 60)) s in all"
