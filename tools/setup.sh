#!/bin/sh
# Install what ptsne needs on Debian and Ubuntu; name it on other systems.
#
#   tools/setup.sh build   to build and run ptsne
#   tools/setup.sh demo    ... and the demo's data
#   tools/setup.sh tests   ... and every test (OpenCL implementations, compilers of all vendors, fuzzers)
#
# Nothing is asked of the network when everything is there. Root, or a user who may sudo.
set -eu

build="gcc cmake ninja-build pkg-config libc6-dev zlib1g-dev libjansson-dev libpng-dev libcairo2-dev
 libdnnl-dev ocl-icd-opencl-dev opencl-headers libclblast-dev"
demo="dataset-fashion-mnist"
tests="g++ clang-14 llvm-14 libclang-rt-14-dev libomp-14-dev libcmocka-dev clang-format-14 python3 python3-numpy
 python3-torch pocl-opencl-icd mesa-opencl-icd oclgrind clinfo clang-15 libclc-15 llvm-spirv-14 spirv-tools
 intel-opencl-icd locales-all procps"

case "${1-}" in
build) wanted=$build ;;
demo) wanted="$build $demo" ;;
tests) wanted="$build $demo $tests" ;;
*)
    echo "usage: tools/setup.sh build | demo | tests" >&2
    exit 2
    ;;
esac

if ! command -v apt-get >/dev/null 2>&1; then
    cat >&2 <<'END'
setup: no apt-get here: please see to it yourself that these are installed, then run the script again with
PTSNE_SKIP_SETUP=1 (names as Debian has them):
END
    printf '%s\n' $wanted | sed 's/^/  /' >&2
    [ "${PTSNE_SKIP_SETUP-}" = 1 ] && exit 0
    exit 3
fi

missing=
for package in $wanted; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

root=
if [ "$(id -u)" != 0 ]; then
    root=sudo
    command -v sudo >/dev/null 2>&1 || {
        echo "setup: neither root nor sudo; an administrator can run: apt-get install$missing" >&2
        exit 3
    }
fi
echo "setup: installing$missing" >&2
$root apt-get update -q >&2
# Packages that this release does not have (a compiler of another version, say) are left out and named: what needs
# them says so itself.
have=
for package in $missing; do
    if [ -n "$(apt-cache madison "$package" 2>/dev/null)" ]; then
        have="$have $package"
    else
        echo "setup: this release has no $package" >&2
    fi
done
[ -z "$have" ] || $root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $have >&2
