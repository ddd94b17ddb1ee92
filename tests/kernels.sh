#!/bin/bash
# Compile every kernel for every vendor, on a machine that has none of their devices.
#
#   tests/kernels.sh
#
# The programs are those that the engine puts together (kernel_dump). Gates: the language in three versions, with smaller groups,
# without any extension, on a 32-bit device; AMD instructions, which must not spill; NVIDIA PTX with nothing left to link and all
# variables in registers; Intel's own compiler; SPIR-V, validated; and no bare `inline`. A compiler that is missing is a skip, and a
# failure where CI is true.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
work=${PTSNE_KERNEL_GATES:-$root/build/kernel-gates}
rm -rf "$work"
mkdir -p "$work/cl" "$work/out"

cd "$root" || exit 1
cmake -DOUT="$work/kernels.c" "-DFILES=$(ls cl/*.clh cl/*.cl | paste -sd ";")" -P cl/embed.cmake &&
    "${CC:-cc}" -std=c11 -Iinclude -Isrc tests/kernel_dump.c "$work/kernels.c" src/backend/opencl/source.c \
        src/base/error.c src/base/memory.c -o "$work/kernel_dump" &&
    "$work/kernel_dump" "$work/cl" || exit 1

clang=clang-15
clc=/usr/lib/clc
export clang clc work

# B OPTIONS...: clang on OpenCL C.
B() { "$clang" -x cl -Xclang -finclude-default-header "$@" -Wno-unused-function; }

gate_language()
{
    for standard in CL1.2 CL2.0 CL3.0; do
        B -cl-std=$standard -DWG=64 -Wall -Wextra -Werror -Wdouble-promotion --target=spir64 -fsyntax-only "$1" || return 1
    done
}
gate_groups()
{
    for group in 32 16 8 4 2 1; do
        B -cl-std=CL1.2 -DWG=$group -Wall -Wextra -Werror --target=spir64 -fsyntax-only "$1" || return 1
    done
}
gate_no_extensions() { B -cl-std=CL1.2 -DWG=64 -Xclang -cl-ext=-all -Werror --target=spir64 -fsyntax-only "$1"; }
gate_32_bit() { B -cl-std=CL1.2 -DWG=64 -Werror --target=spir -fsyntax-only "$1"; }
gate_amd()
{
    local chip assembly
    for chip in gfx803 gfx906 gfx90a gfx1010 gfx1030 gfx1100; do
        assembly=$2.$chip.s
        B -cl-std=CL1.2 -DWG=64 -O2 --target=amdgcn--amdhsa -mcpu=$chip -nogpulib -Xclang -mlink-builtin-bitcode \
            -Xclang "$clc/amdgcn--amdhsa.bc" -S "$1" -o "$assembly" || return 1
        grep -q '\.private_segment_fixed_size:' "$assembly" || { echo "$chip: no kernel in the assembly"; return 1; }
        if grep '\.private_segment_fixed_size:' "$assembly" | grep -qv ' 0$'; then
            echo "$chip: private memory spills:"
            grep -E '^    \.name:|\.private_segment_fixed_size:' "$assembly"
            return 1
        fi
        if grep '\.group_segment_fixed_size:' "$assembly" | awk '$2 > 16384 { exit 1 }'; then :; else
            echo "$chip: more than 16 KiB of local memory"
            return 1
        fi
    done
}
gate_nvidia()
{
    local chip
    for chip in sm_50 sm_70 sm_80; do
        B -cl-std=CL1.2 -DWG=64 -O2 --target=nvptx64--nvidiacl -Xclang -target-cpu -Xclang $chip -Xclang \
            -mlink-builtin-bitcode -Xclang "$clc/nvptx64--nvidiacl.bc" -S "$1" -o "$2.$chip.ptx" || return 1
        if grep '^\.extern' "$2.$chip.ptx"; then return 1; fi
        if grep '\.local .*__local_depot' "$2.$chip.ptx"; then
            echo "$chip: variables in private memory"
            return 1
        fi
    done
}
gate_intel()
{
    local chip
    for chip in skl tgllp acm-g10 pvc; do
        (cd "$work/out" && ocloc compile -file "$1" -device $chip -options "-cl-std=CL1.2 -DWG=64" -q \
            -output "$(basename "$2").$chip" -out_dir "$work/out") || return 1
    done
}
gate_spirv()
{
    clang-14 -x cl -Xclang -finclude-default-header -O0 -cl-std=CL1.2 -DWG=64 --target=spir64 -emit-llvm -c "$1" \
        -o "$2.bc" &&
        llvm-spirv-14 --spirv-max-version=1.0 "$2.bc" -o "$2.spv" && spirv-val --target-env opencl1.2 "$2.spv"
}

# one GATE FILE: its result into work/out.
one()
{
    local name log
    name=$(basename "$2" .cl)
    log=$work/out/$name.$1.log
    if "gate_$1" "$2" "$work/out/$name" >"$log" 2>&1; then
        echo "passed $1 $name" >>"$work/results"
    else
        echo "failed $1 $name" >>"$work/results"
        { echo "kernels: $name does not pass the gate \"$1\":"; head -n 20 "$log"; } >&2
    fi
}
export -f B one gate_language gate_groups gate_no_extensions gate_32_bit gate_amd gate_nvidia gate_intel gate_spirv

# gate NAME TOOL...: on all programs, if the tools are there (a path is a file).
skipped=0 failed=0
: >"$work/results"
gate()
{
    local name=$1 tool
    shift
    for tool in "$@"; do
        if ! command -v "$tool" >/dev/null && [ ! -e "$tool" ]; then
            echo "kernels: gate \"$name\" needs $tool" >&2
            if [ "${CI-}" = true ]; then failed=$((failed + 1)); else skipped=$((skipped + 1)); fi
            return
        fi
    done
    printf '%s\n' "$work"/cl/*.cl | xargs -P "$(nproc)" -I{} bash -c 'one "$@"' one "$name" {}
}
gate language "$clang"
gate groups "$clang"
gate no_extensions "$clang"
gate 32_bit "$clang"
gate amd "$clang" "$clc/amdgcn--amdhsa.bc"
gate nvidia "$clang" "$clc/nvptx64--nvidiacl.bc"
gate intel ocloc
gate spirv clang-14 llvm-spirv-14 spirv-val

if grep -nw inline cl/*.cl cl/*.clh; then # links at -O2 and not at -O0
    echo "kernels: bare inline" >&2
    failed=$((failed + 1))
fi
programs=$(ls "$work/cl" | wc -l)
passed=$(grep -c ^passed "$work/results")
failed=$((failed + $(grep -c ^failed "$work/results")))
echo "kernels: $programs programs"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
