#!/bin/sh
# Run every fuzz target for SECONDS each, from the samples of the tests: tests/fuzz.sh SECONDS [TARGET ...]
# Builds with clang into build-fuzz (or $BUILD). Inputs that broke something are kept there and named.
set -eu

seconds=${1:?usage: tests/fuzz.sh SECONDS [TARGET ...]}
shift
root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$root/build-fuzz}
clang=${CLANG:-$(command -v clang || command -v clang-14 || command -v clang-15)}

mkdir -p "$build"
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_C_COMPILER="$clang" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DPTSNE_BUILD_FUZZERS=ON -DPTSNE_SANITIZE=address,undefined >"$build/build.log" 2>&1 || { cat "$build/build.log"; exit 1; }
ninja -C "$build" fuzzers >>"$build/build.log" 2>&1 || { tail -40 "$build/build.log"; exit 1; }
"$build/bin/fuzz_seeds" "$build/seeds"
if [ $# -eq 0 ]; then
    for source in "$root"/tests/fuzz/fuzz_*.c; do set -- "$@" "$(basename "$source" .c)"; done
fi

passed=0
failed=0
for target in "$@"; do
    seeds=$build/seeds/${target#fuzz_}
    corpus=$build/corpus/$target
    mkdir -p "$seeds" "$corpus" "$build/crashes"
    if "$build/bin/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 \
        -print_final_stats=1 -artifact_prefix="$build/crashes/$target-" "$corpus" "$seeds" >"$build/$target.log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$target.log")
        echo "$target: ok, $runs runs in $seconds s"
        passed=$((passed + 1))
    else
        tail -60 "$build/$target.log"
        echo "$target: FAILED, see $build/$target.log"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
