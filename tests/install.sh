#!/bin/bash
# Install a build into an empty prefix, move it, and use it as dependents do: find_package and pkg-config, C and C++, the programs.
#
#   tests/install.sh BUILD
set -u
cd "$(dirname "$0")/.."
build=${1:?usage: tests/install.sh BUILD}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
mkdir "$work/none" # no OpenCL driver is asked
unset LD_LIBRARY_PATH PTSNE_MODULE_PATH

# check WHAT COMMAND ...
check()
{
    local what=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
        sed 's/^/    /' "$work/log"
    fi
}

skip()
{
    skipped=$((skipped + 1))
    echo "skipped: $1"
}

# Compile with what pkg-config says, and run with the libraries of the prefix.
with_pkg_config()
{
    local compiler=$1 source=$2 libraries
    export PKG_CONFIG_PATH=$pc
    # shellcheck disable=SC2046 # flags are words
    $compiler -Wall -Wextra -Werror "$source" -o "$work/pc" $(pkg-config --cflags --libs ptsne) &&
        libraries=$(pkg-config --variable=libdir ptsne) && LD_LIBRARY_PATH=$libraries "$work/pc"
}

with_pkg_config_render()
{
    export PKG_CONFIG_PATH=$pc
    # shellcheck disable=SC2046 # flags are words
    ${CC-cc} -std=c11 tests/consumer/consumer_render.c -o "$work/pcr" $(pkg-config --cflags --libs ptsne-render) &&
        LD_LIBRARY_PATH=$(pkg-config --variable=libdir ptsne-render) "$work/pcr" "$work/picture.png"
}

says_version() { [ "$("$@" | head -n 1)" = "ptsne $version" ]; }
# Nothing that we install may know where it was built.
keeps_no_path() { ! grep -rqF -- "$PWD" "$work/moved"; }
# Each header of the installed tree alone, as C and as C++.
compile_alone()
{
    local header alone=0
    for header in "$work"/moved/include/ptsne.h "$work"/moved/include/ptsne/*.h; do
        alone=$((alone + 1))
        ${CC-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -I "$work/moved/include" -fsyntax-only -x c "$header" || return
        ${CXX-c++} -std=c++11 -Wall -Wextra -Wpedantic -Werror -I "$work/moved/include" -fsyntax-only -x c++ "$header" || return
    done
    [ $alone -eq "$(find include -name '*.h' | wc -l)" ]
}
# The library finds its module: then it says something else of a machine without OpenCL, or nothing at all.
finds_module()
{
    printf '1,2\n2,3\n4,5\n5,7\n' >"$work/x.csv"
    OCL_ICD_VENDORS=$work/none "$work/moved/bin/ptsne" fit "$work/x.csv" -o "$work/x.st" --device opencl --net 2 --epochs 1 >"$work/said" 2>&1
    cat "$work/said"
    ! grep -q "libptsne-opencl" "$work/said"
}

check "installs" cmake --install "$build" --prefix "$work/first"
[ $failed -eq 0 ] || { echo "$passed passed, $failed failed, $skipped skipped"; exit 1; }
mv "$work/first" "$work/moved"
pc=$(dirname "$(find "$work/moved" -name ptsne.pc)")
version=$(PKG_CONFIG_PATH=$pc pkg-config --modversion ptsne)

check "each header compiles alone" compile_alone
check "find_package finds it" cmake -S tests/consumer -B "$work/consumer" -G Ninja "-DCMAKE_PREFIX_PATH=$work/moved"
check "a consumer compiles" cmake --build "$work/consumer"
check "a C consumer runs" "$work/consumer/consumer_c"
check "a C++ consumer runs" "$work/consumer/consumer_cxx"
check "pkg-config, C" with_pkg_config "${CC-cc} -std=c11" tests/consumer/consumer.c
check "pkg-config, C++" with_pkg_config "${CXX-c++} -std=c++17" tests/consumer/consumer.cpp
check "ptsne runs from the new place" says_version "$work/moved/bin/ptsne" --version
check "nothing points into the source tree" keeps_no_path
check "the man page is there" test -s "$work/moved/share/man/man1/ptsne.1"
if [ -n "$(find "$work/moved" -name 'libptsne-opencl*')" ]; then
    check "the opencl module is found" finds_module
else
    skip "the opencl module was not built"
fi
if [ -x "$work/moved/bin/ptsne-render" ]; then
    check "a consumer of the pictures runs" "$work/consumer/consumer_render" "$work/picture.png"
    check "pkg-config, pictures" with_pkg_config_render
    check "ptsne-render runs from the new place" "$work/moved/bin/ptsne-render" --version
else
    skip "the pictures were not built"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
