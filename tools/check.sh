#!/bin/bash
# Install what the tests need, build ptsne in every shape, run every test, count.
#
#   tools/check.sh            everything: what CI runs; under 25 minutes on two cores
#   tools/check.sh STAGE ...  only these: see the end of this file for their names
#
# Logs go to build/check/STAGE.log; a stage that fails shows the end of its own. The last line counts single tests: "N passed,
# N failed, N skipped". In CI (CI=true) nothing may be skipped.
set -u
cd "$(dirname "$0")/.."

logs=$PWD/build/check
mkdir -p "$logs"
export PTSNE_PLATFORMS=$PWD/build/platforms
jobs=$(nproc)
passed=0 failed=0 skipped=0

# stage NAME COMMAND ...: run it and add to the counts what its log reports; a command that reports no tests counts as one, and
# so does a failure that no test reports (a crash, a time-out).
stage()
{
    local name=$1 began=$SECONDS code counts p f s
    shift
    printf '%-24s' "$name"
    "$@" >"$logs/$name.log" 2>&1 </dev/null
    code=$?
    # Behind ctest's "12: ": cmocka's counts of each program, and the closing lines of our scripts.
    counts=$(sed 's/^[0-9]*: //' "$logs/$name.log" | awk '
        /^\[  PASSED  \] [0-9]+ test/ { p += $4 }
        /^\[  FAILED  \] [0-9]+ test/ { f += $4 }
        /^\[  SKIPPED \] [0-9]+ test/ { s += $4 }
        /^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ { p += $1; f += $3; s += $5 }
        END { print p + 0, f + 0, s + 0 }')
    read -r p f s <<<"$counts"
    if [ $code -eq 77 ]; then
        s=$((s + 1))
    elif [ $code -ne 0 ] && [ "$f" -eq 0 ]; then
        f=1
    elif [ $code -eq 0 ] && [ $((p + f + s)) -eq 0 ]; then
        p=1
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    printf '%4d passed %3d failed %3d skipped  %4d s\n' "$p" "$f" "$s" $((SECONDS - began))
    if [ $code -ne 0 ] && [ $code -ne 77 ]; then
        echo "---- the end of $logs/$name.log:"
        grep -E 'FAILED|\*\*\*|ERROR|error:' "$logs/$name.log" | head -n 20
        tail -n 40 "$logs/$name.log"
        echo "----"
    fi
}

# build NAME OPTIONS ...: configure and compile build/NAME.
build()
{
    local name=$1
    shift
    cmake -S . -B "build/$name" -G Ninja -DPTSNE_WERROR=ON "$@" && ninja -C "build/$name" -j "$jobs"
}

# tests NAME LABEL PLATFORM [WITHOUT]: the tests of build/NAME that carry LABEL, and not WITHOUT, with one OpenCL implementation in
# sight; several at once, since most of them, and the compilers of kernels, keep one core busy.
tests()
{
    OMP_WAIT_POLICY=passive tests/platform.sh "$3" ctest --test-dir "build/$1" -L "$2" ${4:+-LE "$4"} --no-tests=error -V \
        -j "$jobs"
}

build_gcc() { build gcc -DCMAKE_C_COMPILER=gcc -DPTSNE_WITH_OPENCL=ON -DPTSNE_WITH_ONEDNN=ON -DPTSNE_WITH_RENDER=ON; }
build_clang() { build clang -DCMAKE_C_COMPILER=clang-14; }
build_plain() { build plain -DPTSNE_WITH_OPENCL=OFF -DPTSNE_WITH_ONEDNN=OFF -DPTSNE_WITH_RENDER=OFF; }
build_asan() # OpenCL without oneDNN, whose threads upset the leak checker; -O1 -g1 compile in half the time of -O2 -g
{
    build asan -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_C_FLAGS_DEBUG=-O1 -g1" -DPTSNE_SANITIZE=address,undefined \
        -DPTSNE_WITH_ONEDNN=OFF
}

sanitized()
{
    # intercept_tls_get_addr: else the leak check itself crashes now and then where threads met a library opened late
    ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:intercept_tls_get_addr=0 UBSAN_OPTIONS=print_stacktrace=1 \
        LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp "$@"
}

format() { git ls-files '*.c' '*.h' | xargs clang-format-14 --dry-run -Werror; }

fuzz() { BUILD=$PWD/build/fuzz tests/fuzz.sh 5; }

# Programs of the opencl label must find the backend, or fail; the cpu has stages of its own.
with_opencl() { PTSNE_TEST_BACKENDS=opencl "$@"; }

if [ "${PTSNE_SKIP_SETUP-}" != 1 ]; then
    tools/setup.sh tests || exit
fi

stages=(
    format "format"
    kernels "tests/kernels.sh"
    build-gcc "build_gcc"
    build-clang "build_clang"
    build-plain "build_plain"
    build-asan "build_asan"
    cpu "tests gcc cpu none"
    cpu-clang "tests clang quick none" # gcc builds what runs them all
    cpu-plain "tests plain cpu none"
    cpu-asan "sanitized tests asan cpu none"
    tools "tests gcc tool none"
    pocl "with_opencl tests gcc opencl pocl"
    pocl-small "with_opencl tests gcc tiny pocl-small"
    rusticl "with_opencl tests gcc opencl rusticl tool" # the programs ran on PoCL
    oclgrind "with_opencl tests gcc tiny oclgrind"
    bad-icd "tests/bad_icd.sh build/gcc"
    faults-opencl "tests/fault_opencl.sh build/asan"
    install "tests/install.sh build/gcc"
    fuzz "fuzz"
)
wanted=" $* "
for ((i = 0; i < ${#stages[@]}; i += 2)); do
    if [ $# -eq 0 ] || [[ $wanted == *" ${stages[i]} "* ]]; then
        # shellcheck disable=SC2086 # a stage is a command and its arguments
        stage "${stages[i]}" ${stages[i + 1]}
    fi
done

echo "$((SECONDS / 60)) minutes $((SECONDS % 60)) seconds"
if [ "${CI-}" = true ] && [ $skipped -gt 0 ]; then
    echo "in CI nothing may be skipped: $skipped counted as failed"
    failed=$((failed + skipped)) skipped=0
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
