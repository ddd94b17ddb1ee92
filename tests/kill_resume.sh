#!/bin/sh
# Kill a fit with SIGKILL at random times, resume it, and compare: tests/kill_resume.sh COUNT [PTSNE]
# Each round kills the fit once or twice at a random share of its time; the model it ends with has to have the bytes of that of a
# run that nobody touched, and no temporary file may stay.
set -eu

count=${1:?usage: tests/kill_resume.sh COUNT [PTSNE]}
root=$(cd "$(dirname "$0")/.." && pwd)
ptsne=$(realpath "${2:-$root/build/release/bin/ptsne}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

awk 'BEGIN {
    srand(5)
    for (i = 0; i < 600; i++) {
        line = ""
        for (j = 0; j < 8; j++) { line = line (j ? "," : "") sprintf("%.4f", 4 * ((i * (j + 3)) % 5) + rand()) }
        print line
    }
}' >x.csv

# exec, so that the process number of a background fit is ptsne's. One thread: work as small as this runs no faster on more, and the machine may be busy.
fit()
{
    exec "$ptsne" fit x.csv -o "$1.safetensors" --device cpu --threads 1 --net 64,64 --batch-size 120 --epochs 60 --checkpoint 0.0002 \
        --quiet "$2"
}

now() { date +%s%N; }

begin=$(now)
(fit whole -f)
whole_ms=$((($(now) - begin) / 1000000 + 1))

killed=0
round=1
while [ "$round" -le "$count" ]; do
    rm -f cut.*
    kills=$((round % 2 + 1))
    how=-f
    while [ "$kills" -gt 0 ]; do
        fit cut "$how" >log 2>&1 &
        pid=$!
        sleep "$(awk -v seed="$round$kills" -v ms="$whole_ms" 'BEGIN { srand(seed); printf "%.3f", rand() * ms / 1000 }')"
        if kill -9 "$pid" 2>/dev/null; then killed=$((killed + 1)); fi
        wait "$pid" 2>/dev/null || true
        kills=$((kills - 1))
        how=--resume
    done
    # killed after its end: a model without a state, and nothing to resume
    if { [ ! -e cut.safetensors ] || [ -e cut.safetensors.state ]; } && ! (fit cut --resume) >log 2>&1; then
        echo "round $round: --resume failed: $(cat log)"
        exit 1
    fi
    if ! cmp whole.safetensors cut.safetensors; then
        echo "round $round: the resumed run ended in another model"
        exit 1
    fi
    if ls | grep -v -x -e whole.safetensors -e cut.safetensors -e x.csv -e log; then
        echo "round $round: the files above should not be there"
        exit 1
    fi
    round=$((round + 1))
done
[ "$killed" -gt 0 ] || { echo "nothing was killed: the fit takes $whole_ms ms"; exit 1; }
echo "kill_resume: $count rounds, $killed kills, every resumed model equal"
