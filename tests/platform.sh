#!/bin/sh
# Run a command with one OpenCL implementation in sight and no other.
#
#   tests/platform.sh none|pocl|pocl-small|rusticl|oclgrind COMMAND ...
#
# pocl-small is PoCL as a device of 64 work-items a group and 1 GiB. oclgrind looks for races and writes outside of buffers: the
# command has failed when any of its programs wrote to the log. Exit code 77: that implementation is not installed.
# The vendors directories and PoCL's kernel cache live under $PTSNE_PLATFORMS (default: ./build/platforms).
set -eu

name=$1
shift
root=${PTSNE_PLATFORMS:-$PWD/build/platforms}
mkdir -p "$root/$name"

# The library that an .icd file of the system names, by a pattern of its contents; else 77.
registered()
{
    library=$(grep -h -i -m 1 "$1" /etc/OpenCL/vendors/*.icd 2>/dev/null) || {
        echo "platform: $name is not installed" >&2
        exit 77
    }
    echo "$library" | head -n 1
}

# What is read becomes the .icd file, whole at any moment: another run may be looking.
place()
{
    cat >"$root/$name/new.$$"
    if [ -s "$root/$name/new.$$" ]; then
        mv -f "$root/$name/new.$$" "$root/$name/$name.icd"
    else
        rm -f "$root/$name/new.$$"
        exit 77
    fi
}

case $name in
none) ;;
pocl | pocl-small)
    registered pocl | place
    export POCL_CACHE_DIR="$root/pocl-cache"
    mkdir -p "$POCL_CACHE_DIR"
    if [ "$name" = pocl-small ]; then
        export POCL_MAX_WORK_GROUP_SIZE=64 POCL_MEMORY_LIMIT=1
    fi
    ;;
rusticl)
    registered rusticl | place
    export RUSTICL_ENABLE=llvmpipe
    ;;
oclgrind)
    library=/usr/lib/oclgrind/liboclgrind-rt-icd.so
    [ -e "$library" ] || {
        echo "platform: oclgrind is not installed" >&2
        exit 77
    }
    echo "$library" | place
    log=$root/oclgrind.$$.log
    export OCLGRIND_LOG="$root/oclgrind.$$" OCLGRIND_CHECK_API=1
    if [ -z "${OCLGRIND_UNINITIALIZED-}" ]; then
        export OCLGRIND_DATA_RACES=1 OCLGRIND_UNIFORM_WRITES=1
    fi
    ;;
*)
    echo "platform: none, pocl, pocl-small, rusticl or oclgrind, not \"$name\"" >&2
    exit 2
    ;;
esac

export OCL_ICD_VENDORS="$root/$name/"
[ "$name" = oclgrind ] || exec "$@"

# Every context of every program opens the log anew and so empties it: they get a pipe, which cannot be emptied. It is held open
# here from first to last, else its reader would leave with the first of them.
trap 'rm -f "$OCLGRIND_LOG"' EXIT
rm -f "$OCLGRIND_LOG"
mkfifo "$OCLGRIND_LOG"
cat "$OCLGRIND_LOG" >"$log" &
reader=$!
exec 3>"$OCLGRIND_LOG"
code=0
"$@" 3>&- || code=$?
exec 3>&-
wait $reader
if [ -s "$log" ]; then
    echo "platform: oclgrind found:" >&2
    head -n 40 "$log" >&2
    exit 1
fi
rm -f "$log"
exit "$code"
