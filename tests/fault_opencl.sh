#!/bin/bash
# Every OpenCL call failing in turn, on PoCL, through the layer of tests/fault.
#
#   tests/fault_opencl.sh BUILD [STRIDE]    STRIDE 1: each call of the op program (more than an hour); without it every 61st
#
# All ops in one process (fault_opencl.c says what is expected), and ptsne fit: the fault-free model bit for bit, or a message, an
# exit code of the list and no output file; never a signal, a leak (the layer's 99) or another model with exit code 0.
set -u
build=$1
stride=${2:-61}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OPENCL_LAYERS=$PWD/$build/lib/cl_fault_layer.so PTSNE_MODULE_PATH=$PWD/$build/lib
export LSAN_OPTIONS=${LSAN_OPTIONS-suppressions=$here/lsan.supp}
failed=0

# on COMMAND...: with PoCL, bounded in time: a sweep makes the more runs the smaller its stride is.
on() { "$here/platform.sh" pocl timeout $((900 + 9000 / stride)) "$@"; }

# ops MODE: all ops in one process, with the faults of that mode; a second one may run beside it.
ops()
{
    local mode=$1 name=${1%% *} code
    # shellcheck disable=SC2086 # a mode and its stride
    FI_REPORT=$work/$name.report on "$build/bin/fault_opencl" $mode 2>"$work/$name.log"
    code=$?
    [ $code -eq 0 ] && return
    echo "fault_opencl.sh: $mode: exit code $code" >&2
    grep -v '^CLBlast' "$work/$name.log" >&2
    return 1
}

# ---- a whole fit, without a fault ----

env -u OPENCL_LAYERS "$here/platform.sh" pocl true || exit
awk 'BEGIN { srand(1); for (i = 0; i < 90; i++) { for (j = 0; j < 6; j++) printf "%s%.6f", j ? "," : "", 3 * (i % 3) + rand(); print "" } }' \
    >"$work/x.csv"

# fit OUT: a tiny run; the self-test is left out, so that the faults hit the run itself.
fit()
{
    PTSNE_NO_SELFTEST=1 PTSNE_NO_PROBE=1 FI_REPORT=$work/report FI_CALL=Enqueue on "$build/bin/ptsne" fit "$work/x.csv" -o "$1" --mode edges \
        --device opencl --net 8 --epochs 1 --batch-size 30 --neighbors 5 --checkpoint 0 --quiet >"$work/out" 2>"$work/log"
}

fit "$work/good.safetensors" || {
    echo "fault_opencl.sh: ptsne fit without a fault: exit code $?" >&2
    cat "$work/log" >&2
    exit 1
}
calls=$(sed 's/ .*//' "$work/report")

# ---- all ops ----

ops "sweep $stride" &
sweep=$!
for mode in memory flip; do ops $mode || failed=$((failed + 1)); done

# ---- the fit, with faults ----

runs=0 right=0
first=41 # what comes before belongs to the check of CLBlast, which may turn to our own kernels and so to other roundings
for ((at = first; at <= calls; at += (calls - first) / 20 + 1)); do
    errors=(-4 -5 -6 -36)
    rm -f "$work"/model*
    FI_FAIL_AT=$at FI_ERROR=${errors[$((runs % 4))]} fit "$work/model.safetensors"
    code=$?
    runs=$((runs + 1))
    if [ $code -eq 0 ] && cmp -s "$work/good.safetensors" "$work/model.safetensors"; then
        right=$((right + 1))
    elif { [ $code -ne 1 ] && [ $code -ne 3 ]; } || [ ! -s "$work/log" ] || [ -e "$work/model.safetensors" ]; then
        echo "fault_opencl.sh: ptsne fit, call $at of $calls fails: exit code $code" >&2
        ls "$work" >&2
        cat "$work/log" >&2
        failed=$((failed + 1))
    else
        right=$((right + 1))
    fi
done
wait $sweep || failed=$((failed + 1))
echo "fault_opencl.sh: ptsne fit: $calls calls, $runs runs with a fault"
echo "$right passed, $failed failed"
[ $failed -eq 0 ]
