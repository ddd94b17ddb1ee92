# What the tests of the programs share: run a program as people do and compare exit code, standard output and standard error.
# Read by bash with `.` in a script whose first word is the directory of the programs: it goes to a directory of its own, which is
# gone at the end. Every check is counted in `passed` or `failed`, and a failed one shows what was said.
bin=$(cd "${1:?usage: $0 BIN}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
PATH=$bin:$PATH
unset NO_COLOR PTSNE_DEVICE PTSNE_KERNEL_PATH
# Waiting threads sleep: on a machine that does other things as well, spinning ones cost a hundredfold.
export OMP_WAIT_POLICY=passive LC_ALL=C.UTF-8 TERM=xterm
passed=0 failed=0 skipped=0

pass() { passed=$((passed + 1)); }
fail()
{
    failed=$((failed + 1))
    echo "FAILED: $1"
    echo "    code $code"
    head -c 2000 out | sed 's/^/    out: /'
    head -c 2000 err | sed 's/^/    err: /'
}

run()
{
    timeout -k 5 120 "$@" >out 2>err </dev/null
    code=$?
}

# expect NAME CODE OUT ERR COMMAND ...: OUT and ERR are regular expressions over the whole text; "-" matches nothing but
# silence, "." anything.
expect()
{
    local name=$1 want=$2 out_says=$3 err_says=$4
    shift 4
    run "$@"
    if [ $code -ne "$want" ]; then
        fail "$name (expected code $want)"
    elif ! matches out "$out_says"; then
        fail "$name (standard output)"
    elif ! matches err "$err_says"; then
        fail "$name (standard error)"
    else
        pass
    fi
}

matches()
{
    case $2 in
    .) true ;;
    -) [ ! -s "$1" ] ;;
    *) grep -qE -- "$2" "$1" ;;
    esac
}

# holds NAME COMMAND ...: the command succeeds; it is about files that an earlier one wrote.
holds()
{
    local name=$1
    shift
    if "$@"; then pass; else fail "$name"; fi
}

# ---- data ----

# rows N SEED: four clusters in six columns, with their number in a column "label".
rows()
{
    awk -v n="$1" -v seed="$2" 'BEGIN {
        srand(seed)
        print "a,b,c,d,e,f,label"
        for (i = 0; i < n; i++) {
            k = i % 4
            for (j = 0; j < 6; j++) printf "%.5f,", 5 * (j == k) + rand()
            print "kind" k
        }
    }'
}
