#!/bin/sh
# test_render_tool.sh PROGRAM: ptsne-render as people run it: exit codes, words, files.
set -u
program=$1
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
cd "$room" || exit 1
failures=0

# expect CODE WORDS ARGUMENT...: the program's exit code, and words that standard error has ("": none at all).
expect() {
    code=$1 words=$2
    shift 2
    "$program" "$@" >out.txt 2>err.txt </dev/null
    got=$?
    if [ "$got" -ne "$code" ]; then
        echo "FAILED: $* : exit code $got, not $code"
        cat err.txt
        failures=$((failures + 1))
    elif [ -n "$words" ] && ! grep -qF -- "$words" err.txt || { [ -z "$words" ] && [ -s err.txt ]; }; then
        echo "FAILED: $* : standard error lacks \"$words\":"
        cat err.txt
        failures=$((failures + 1))
    fi
}

# check WORDS COMMAND...: the command succeeds.
check() {
    words=$1
    shift
    "$@" >/dev/null 2>&1 || { echo "FAILED: $words"; failures=$((failures + 1)); }
}

is_png() { [ "$(head -c 4 "$1" | tail -c 3)" = PNG ]; }

printf 'x,y,kind\n0,0,a\n1,0,b\n0,1,a\n' >map.csv
printf 'x,y,z\n0,0,5\n1,0,5\n0,1,5\n' >solid.csv
printf 'a\nb\n' >two.txt
printf 'a\nb\nZ\303\274rich\n' >three.txt
printf '0,0\n1,nan\n' >nan.csv
printf '1,2,3,4\n5,6,7,8\n9,10,11,12\n' >pixels.csv
# three images of 2 x 2 bytes
printf '\000\000\010\003\000\000\000\003\000\000\000\002\000\000\000\002\377\000\000\377\000\377\377\000\377\377\000\000' >images.idx

expect 0 '3 points of' scatter map.csv --label-column kind -o a.png
check 'a.png is a PNG' is_png a.png
expect 2 'a.png: exists already (-f overwrites it)' scatter map.csv -o a.png
cp a.png before.png
expect 0 '' scatter map.csv --label-column kind -o a.png -f -q
check 'the same bytes again' cmp a.png before.png
expect 0 '' scatter map.csv --labels three.txt --dark --title 'Z\303\274rich' --size 300x200 -q -o b.png
expect 0 'the first two are drawn' scatter solid.csv -o c.png
expect 0 '' scatter map.csv -q -o -
check 'a PNG on standard output' is_png out.txt

expect 2 '--size 300: not WIDTHxHEIGHT' scatter map.csv --size 300 -o d.png
expect 2 'no palette "rainbow"' scatter map.csv --palette rainbow -o d.png
expect 2 'output' scatter map.csv
expect 4 'two.txt: 2 labels, but map.csv has 3 rows' scatter map.csv -l two.txt -o d.png
expect 4 'nan' scatter nan.csv -o d.png
expect 1 'missing.csv' scatter missing.csv -o d.png
expect 1 'no/such/d.png' scatter map.csv -o no/such/d.png
expect 2 'map.csv: named twice' scatter map.csv -o map.csv -f
expect 2 'scatter' scater map.csv -o d.png

# --header is about the map, as is an empty --label-column=; a column's name is about the labels, and says that it stands there.
printf '7,9\n0,0\n1,0\n0,1\n' >numbered.csv
printf 'y,z\n0,0\n1,0\n0,1\n' >flat.csv
printf 'cultivar\na\nb\na\n' >named.txt
expect 4 'three.txt: 3 labels, but numbered.csv has 4 rows' scatter numbered.csv -l three.txt -o d.png
expect 0 '' scatter numbered.csv -l three.txt --header -q -o e.png
expect 4 'flat.csv: a map needs 2 columns, this has 1' scatter flat.csv -l three.txt -o d.png
expect 0 '' scatter flat.csv -l three.txt --label-column= -q -o f.png
expect 4 'named.txt: 4 labels, but map.csv has 3 rows' scatter map.csv -l named.txt -o d.png
expect 0 '' scatter map.csv -l named.txt --label-column cultivar -q -o g.png
expect 2 'no column "cultivated": there are 1 columns: "cultivar"' scatter map.csv -l named.txt --label-column cultivated -o d.png
printf '1\n2\n' | "$program" scatter - -o d.png 2>err.txt
check 'a map on standard input' grep -qx 'ptsne-render: standard input: a map needs 2 columns, this has 1' err.txt

expect 0 '3 sprites of' sprites map.csv -i images.idx -l three.txt --canvas 400 -o s.png
check 's.png is a PNG' is_png s.png
expect 0 '' sprites map.csv -i pixels.csv --image-shape 2x2 --canvas 400 -q -o t.png
expect 4 'if they are square: --image-shape 2x2' sprites map.csv -i pixels.csv -o d.png
expect 4 '--image-shape 2x3 does not fit the 4 columns of pixels.csv' sprites map.csv -i pixels.csv --image-shape 2x3 -o d.png
expect 2 'not HEIGHTxWIDTH' sprites map.csv -i pixels.csv --image-shape 2by2 -o d.png
expect 4 'two.txt: 2 labels' sprites map.csv -i images.idx -l two.txt -o d.png
printf '0,0\n1,1\n' >short.csv
expect 4 'images.idx has 3 images, but short.csv has 2 points' sprites short.csv -i images.idx -o d.png
check 'no failure left a file' test ! -e d.png

for verb in scatter sprites; do
    expect 0 '' "$verb" --help
    check "$verb --help explains itself" grep -q 'Examples:' out.txt
done
expect 0 '' --version
[ "$failures" -eq 0 ] && echo 'all passed'
exit "$failures"
