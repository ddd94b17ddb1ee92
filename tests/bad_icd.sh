#!/bin/bash
# Drivers that are broken, crash or hang, and no driver at all: ptsne goes on without them, within seconds.
#
#   tests/bad_icd.sh BUILD
#
# Compiles the bad drivers and asks with each alone. The model of the cpu must come out, the same one every time.
set -u
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset OPENCL_LAYERS PTSNE_DEVICE PTSNE_NO_OPENCL PTSNE_NO_PROBE
passed=0 failed=0

# driver NAME BODY: a library whose constructor runs BODY.
driver()
{
    printf '#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\n__attribute__((constructor)) static void start(void) { %s }\n' \
        "$2" >"$work/$1.c"
    "${CC:-cc}" -shared -fPIC "$work/$1.c" -o "$work/$1.so" || exit 1
    mkdir -p "$work/icd-$1"
    echo "$work/$1.so" >"$work/icd-$1/$1.icd"
}
driver aborts 'abort();'
driver segfaults 'raise(SIGSEGV);'
driver exits '_exit(0);'
driver hangs 'for (;;) { pause(); }'
driver empty ''
mkdir -p "$work/icd-none" "$work/icd-missing" "$work/icd-garbage"
echo /nonexistent/driver.so >"$work/icd-missing/missing.icd"
echo "not a library" >"$work/garbage.so"
echo "$work/garbage.so" >"$work/icd-garbage/garbage.icd"

awk 'BEGIN { srand(1); for (i = 0; i < 60; i++) { for (j = 0; j < 4; j++) printf "%s%.6f", j ? "," : "", 3 * (i % 3) + rand(); print "" } }' \
    >"$work/x.csv"

# expect WHAT CODE PATTERN COMMAND...: exit code and a line of its output, within 9 seconds.
expect()
{
    local what=$1 want=$2 pattern=$3 code=0
    shift 3
    timeout -k 1 20 "$@" >"$work/log" 2>&1 || code=$?
    if [ "$code" -eq "$want" ] && { [ -z "$pattern" ] || grep -q -- "$pattern" "$work/log"; }; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    echo "bad_icd.sh: $what: exit code $code, not $want, or no \"$pattern\" in:" >&2
    head -n 20 "$work/log" >&2
}

for name in none missing garbage empty aborts segfaults exits hangs; do
    export OCL_ICD_VENDORS=$work/icd-$name/
    case $name in
    aborts) why='crashed when it was asked (signal 6)' ;;
    segfaults) why='crashed when it was asked (signal 11)' ;;
    exits) why='crashed when it was asked (exit code 0)' ;;
    hangs) why='does not answer within' ;;
    *) why='no platform has a device' ;;
    esac
    began=$SECONDS
    expect "$name: devices" 0 '^cpu' "$build/bin/ptsne" devices
    expect "$name: opencl by name" 3 "$why" "$build/bin/ptsne" fit "$work/x.csv" -o "$work/named.safetensors" --device opencl
    expect "$name: fit" 0 '' "$build/bin/ptsne" fit "$work/x.csv" -o "$work/$name.safetensors" --mode edges --net 8 --epochs 1 \
        --batch-size 30 --neighbors 5 --quiet
    cmp -s "$work/none.safetensors" "$work/$name.safetensors" || {
        failed=$((failed + 1))
        echo "bad_icd.sh: $name: another model than without any driver" >&2
    }
    if [ $((SECONDS - began)) -gt 40 ]; then
        failed=$((failed + 1))
        echo "bad_icd.sh: $name: $((SECONDS - began)) s for three commands" >&2
    fi
done
OCL_ICD_VENDORS=$work/icd-aborts/ PTSNE_NO_OPENCL=1 expect "turned off" 3 'turned off by PTSNE_NO_OPENCL' \
    "$build/bin/ptsne" fit "$work/x.csv" -o "$work/off.safetensors" --device opencl

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
