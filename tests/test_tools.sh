#!/bin/bash
# Run ptsne as people do and compare exit code, standard output and standard error.
#
#   tests/test_tools.sh BIN     BIN: the directory of the programs
#
# Every check is counted; a failed one shows what was said.
set -u
bin=$(cd "${1:?usage: tests/test_tools.sh BIN}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
PATH=$bin:$PATH
unset NO_COLOR PTSNE_DEVICE PTSNE_KERNEL_PATH
# Waiting threads sleep: on a machine that does other things as well, spinning ones cost a hundredfold.
export PTSNE_DEVICE=cpu OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive LC_ALL=C.UTF-8 TERM=xterm
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
rows 200 1 >x.csv
rows 50 2 >new.csv
sed '8s/^[^,]*/nan/' x.csv >nan.csv
sed '8s/^[^,]*/n\/a/' x.csv >text.csv
sed '9s/,[^,]*$//' x.csv >ragged.csv
: >empty.csv
small=(--net 16 --epochs 3 --batch-size 32 --neighbors 5 --pca 0)

# ---- help, versions, wrong usage ----

for verb in fit transform metrics devices; do
    expect "$verb --help" 0 "^Usage: ptsne $verb" - ptsne $verb --help
    holds "$verb --help has examples" grep -q "^Examples:" out
    holds "$verb --help says the exit codes" grep -q "^Exit codes: 0 done" out
    holds "$verb --help fits 100 columns" awk 'length > 100 { bad = 1 } END { exit bad }' out
    expect "$verb -h" 0 "More options with --help" - ptsne $verb -h
    expect "help $verb" 0 "^Usage: ptsne $verb" - ptsne help $verb
    expect "$verb --hlep" 2 - "there is no option --hlep; did you mean --help\?" ptsne $verb --hlep
    expect "$verb --frobnicate" 2 - "^Try 'ptsne $verb --help'" ptsne $verb --frobnicate
done
expect "overview" 0 "^  transform  +place points" - ptsne --help
expect "no verb" 2 - "^Usage: ptsne VERB" ptsne
expect "version" 0 "^ptsne [0-9]+\.[0-9]+\.[0-9]+$" - ptsne --version
holds "version names the matrix products" grep -q "^matrix products: " out
holds "version names OpenCL" grep -q "^OpenCL: " out
expect "wrong verb" 2 - 'there is no verb "trasnform"; did you mean transform\?' ptsne trasnform
expect "option before the verb" 2 - "options come after the verb" ptsne --quiet fit
expect "man page" 0 "^\.TH ptsne 1" - ptsne --generate man
expect "completion" 0 "complete -o default -F _ptsne ptsne" - ptsne --generate complete-bash
holds "the completion is bash" bash -n out
expect "wrong completion" 2 - "man, complete-bash, complete-fish" ptsne --generate complete-tcsh
expect "fit alone" 2 - "^ptsne: X is missing" ptsne fit
expect "fit without -o" 2 - "^ptsne: -o MODEL is missing" ptsne fit x.csv
expect "near miss" 2 - "did you mean --epochs\?" ptsne fit x.csv -o m --epohcs 3
expect "one argument too many" 2 - 'one argument too many: "y.csv"' ptsne fit x.csv y.csv -o m
expect "unused option" 2 - "--perplexity has an effect with --mode batch only \(it is edges\)" ptsne fit x.csv -o m --perplexity 5
expect "no number" 2 - '--epochs: "many" is not a whole number' ptsne fit x.csv -o m --epochs many
expect "out of range" 2 - "--dims: 4 is too large: it must be at most 3" ptsne fit x.csv -o m --dims 4
expect "no such choice" 2 - "--optimizer: .adma. is none of its choices; did you mean adam\?" ptsne fit x.csv -o m --optimizer adma
expect "activation unknown to the library" 2 - "relux" ptsne fit x.csv -o m --activation relux
expect "a model on standard output" 2 - "cannot go to standard output" ptsne fit x.csv -o -
holds "nothing was written" test ! -e m

# ---- fit ----

expect "fit" 0 - "map.st: 6,16,2, 3 epochs" ptsne fit x.csv -o map.st "${small[@]}" --json fit.json
holds "no state is left" test ! -e map.st.state
holds "the report has no NaN" bash -c '! grep -qiE "nan|inf" fit.json && grep -q "\"outcome\": \"done\"" fit.json'
holds "the report has the rows" grep -q '"rows": 200' fit.json
cp map.st kept.st
expect "existing output" 2 - "^ptsne: map.st: exists already \(-f overwrites it\)$" ptsne fit x.csv -o map.st "${small[@]}"
holds "it is as it was" cmp -s map.st kept.st
expect "-f, the same seed" 0 - . ptsne fit x.csv -o map.st "${small[@]}" -f
holds "the same bits" cmp -s map.st kept.st
expect "one thread" 0 - . ptsne fit x.csv -o one.st "${small[@]}" --threads 1
holds "the same bits with one thread" cmp -s one.st kept.st
expect "another seed" 0 - . ptsne fit x.csv -o other.st "${small[@]}" --seed 7
holds "other bits" bash -c '! cmp -s other.st kept.st'
expect "quiet" 0 - - ptsne fit x.csv -o q.st "${small[@]}" -q
expect "output is the input" 2 - "x.csv: named twice" ptsne fit x.csv -o x.csv -f
expect "report is the model" 2 - "m.st: named twice" ptsne fit x.csv -o m.st --json m.st
expect "missing file" 1 - "^ptsne: nothing.npy: " ptsne fit nothing.npy -o m.st
expect "NaN in the data" 4 - "^ptsne: nan.csv:8: column 1" ptsne fit nan.csv -o m.st
expect "text in the data" 4 - "^ptsne: text.csv:8: column 1 .*n/a" ptsne fit text.csv -o m.st --columns a,b
expect "ragged rows" 4 - "^ptsne: ragged.csv:9: " ptsne fit ragged.csv -o m.st
expect "empty file" 4 - "^ptsne: empty.csv" ptsne fit empty.csv -o m.st
expect "no such directory" 1 - "^ptsne: nowhere/m.st: cannot be written: No such file" ptsne fit x.csv -o nowhere/m.st
expect "perplexity too large" 2 - "perplexity" ptsne fit x.csv -o m.st --mode batch --batch-size 30 --perplexity 500
expect "no such device" 3 - "[oO]pen[cC][lL]" ptsne fit x.csv -o m.st --device opencl:97.0
expect "a device that is none" 3 - 'no device "gpux"; there (is|are) cpu' ptsne fit x.csv -o m.st --device gpux
expect "mode batch" 0 - . ptsne fit x.csv -o batch.st --mode batch --net 16 --epochs 2 --batch-size 64 --perplexity 5,10
expect "three dimensions, sgd" 0 - "6,16,3" ptsne fit x.csv -o three.st "${small[@]}" --dims 3 --optimizer sgd --momentum 0.5
holds "nothing else was written" test ! -e m.st

# What help says of defaults that depend on the mode is what the model says was used.
rows 5000 3 >many.csv
used() { grep -aoE "\"ptsne\.$2\": ?\"[^\"]*\"" "$1" | head -n 1 | sed 's/.*"\([^"]*\)"$/\1/'; }
expect "defaults, edges" 0 - . ptsne fit many.csv -o edges.st --net 4 --epochs 1
expect "defaults, batch" 0 - . ptsne fit many.csv -o batches.st --net 4 --epochs 1 --mode batch
expect "defaults, sgd" 0 - . ptsne fit x.csv -o sgd.st "${small[@]}" --optimizer sgd
ptsne fit --help >help.txt
for option in dropout input-dropout interpolation batch-size; do
    key=${option//-/_}
    tr -s ' \n' ' ' <help.txt >out
    holds "--help has the default of --$option" \
        grep -qE -- " --$option [A-Z]+ [^[]*\[$(used edges.st $key); mode batch: $(used batches.st $key)\]" out
done
holds "--help has the default of --exaggeration" grep -qE -- " --exaggeration A [^[]*\[$(used edges.st exaggeration)\]" out
holds "and it is that of mode batch" test "$(used edges.st exaggeration)" = "$(used batches.st exaggeration)"
holds "--help has the default of --learning-rate" \
    grep -qF "[$(used edges.st learning_rate); sgd: $(used sgd.st learning_rate)]" out

# ---- transform ----

expect "transform" 0 - - ptsne transform map.st new.csv -o new.npy
expect "transform to CSV" 0 - - ptsne transform map.st new.csv -o map.csv
holds "a row each, and a header" test "$(wc -l <map.csv)" = 51
holds "x and y" grep -q "^x,y$" map.csv
expect "existing output" 2 - "new.npy: exists already" ptsne transform map.st new.csv -o new.npy
expect "output is the model" 2 - "map.st: named twice" ptsne transform map.st new.csv -o map.st -f
expect "to standard output, rows unknown: CSV" 0 "^x,y$" - ptsne transform map.st new.csv -o -
holds "as to the file" cmp -s out map.csv
expect "npy in, npy out" 0 "NUMPY" - bash -c 'ptsne fit new.npy -o two.st -q --net 4 --epochs 1 --neighbors 3 --pca 0 --batch-size 16 && ptsne transform two.st new.npy -o -'
expect "through pipes" 0 "^x,y$" - bash -c 'cat new.csv | ptsne transform map.st - -o -'
holds "as to the file" cmp -s out map.csv
expect "npy through a pipe" 0 . - bash -c 'ptsne transform two.st new.npy -o a.npy && cat new.npy | ptsne transform two.st - -o - | cmp - a.npy'
expect "a reader that leaves" 0 "^x,y$" . bash -c 'ptsne transform map.st new.csv -o - | head -n 1'
expect "npy without a number of rows" 2 - "--to|CSV|csv" bash -c 'cat new.csv | ptsne transform map.st - -o - --to npy'
expect "other columns" 4 - "^ptsne: new.csv: rows of 2 columns, but map.st was fitted on 6" ptsne transform map.st new.csv --columns a,b -o no.npy
expect "not a model" 4 - "^ptsne: x.csv: not a safetensors file" ptsne transform x.csv new.csv -o no.npy
expect "NaN in the data" 4 - "^ptsne: nan.csv:8: column 1" ptsne transform map.st nan.csv -o no.npy
holds "nothing was written" bash -c '! ls no.npy* 2>/dev/null'
expect "full disk" 1 - "^ptsne: /dev/full: cannot be written: No space left on device$" ptsne transform map.st new.csv -o /dev/full --to csv
expect "full disk behind standard output" 1 - "standard output: cannot be written: No space" bash -c 'ptsne transform map.st new.csv -o - >/dev/full'
expect "closed standard output" 1 - "standard output: cannot be written" bash -c 'ptsne transform map.st new.csv -o - >&-'
expect "report" 0 - - ptsne transform map.st new.csv -o r.npy --json r.json
holds "the report has the rows" grep -q '"rows": 50' r.json
expect "map and report on standard output" 2 - "-o - and --json - both go to standard output" ptsne transform map.st new.csv -o - --json -
odd=$'odd\xff\xc3.csv'
cp new.csv "$odd"
expect "a name that is not UTF-8" 0 - - ptsne transform map.st "$odd" -o odd.npy --json odd.json
holds "the report has it with question marks" grep -q '"input": "odd??.csv"' odd.json
expect "likewise in fit" 0 - . ptsne fit "$odd" -o odd.st "${small[@]}" --json odd.json
holds "the report has it, and the rest" bash -c 'grep -q "\"data\": \"odd??.csv\"" odd.json && grep -q "\"outcome\": \"done\"" odd.json'
expect "first rows" 0 - - ptsne transform map.st new.csv -o few.csv --limit 10
holds "so many" test "$(wc -l <few.csv)" = 11

# ---- metrics ----

expect "metrics" 0 "^1-NN error: +[0-9.]+ %$" - ptsne metrics --data new.csv --embedding map.csv
holds "trustworthiness" grep -qE "^trustworthiness \(12\): +0\.[0-9]{4}$" out
expect "metrics without labels" 0 "^trustworthiness" - ptsne metrics --data new.csv --embedding map.csv --label-column=
holds "no error then" bash -c '! grep -q "NN error" out'
cut -d, -f7 new.csv | tail -n +2 >labels.txt
expect "labels from a file" 0 "^10-NN error" - ptsne metrics --data new.csv --embedding map.csv --labels labels.txt --json m.json
holds "the report has the figures" grep -qE '"trustworthiness_12": 0\.' m.json
expect "report to standard output" 0 '"kl_30"' - ptsne metrics --data new.csv --embedding map.csv --json -
holds "and nothing else" bash -c '! grep -q "NN error" out'
expect "the report is the labels" 2 - "labels.txt: named twice" ptsne metrics --data new.csv --embedding map.csv --labels labels.txt --json labels.txt
cp labels.txt test-labels.txt
expect "the report is the test labels" 2 - "test-labels.txt: named twice" ptsne metrics --data new.csv --embedding map.csv --labels labels.txt --test-data new.csv --test-embedding map.csv --test-labels test-labels.txt --json test-labels.txt
holds "they are as they were" cmp -s labels.txt test-labels.txt
head -n 49 labels.txt >short.txt
expect "labels too short" 4 - "^ptsne: short.txt: 49 labels, but new.csv has 50 rows$" ptsne metrics --data new.csv --embedding map.csv --labels short.txt
expect "map of another length" 4 - "^ptsne: few.csv: 10 rows, but new.csv has 50$" ptsne metrics --data new.csv --embedding few.csv
expect "half a test set" 2 - "--test-data and --test-embedding go together" ptsne metrics --data new.csv --embedding map.csv --test-data x.csv
ptsne transform map.st x.csv -o x-map.csv
expect "test points" 0 "^1-NN error: +[0-9.]+ %$" - ptsne metrics --data x.csv --embedding x-map.csv --test-data new.csv --test-embedding map.csv

# ---- devices ----

expect "devices" 0 "^cpu +cpu " - ptsne devices
expect "devices in full" 0 "^  OCL_ICD_VENDORS " - ptsne devices -v
expect "devices as JSON" 0 '"device": "cpu"' - ptsne devices --json -
expect "the list on a full disk" 1 - "standard output: cannot be written: No space" bash -c 'ptsne devices >/dev/full'
expect "no such device" 3 - "there is no device opencl:97.0" ptsne devices --device opencl:97.0
expect "nor by its numbers" 3 - "there is no device 97.0" ptsne devices --device 97.0
name=$(ptsne devices --device cpu --json - | sed -n 's/.*"name": "\([^"]*\)".*/\1/p' | tr '[:lower:]' '[:upper:]')
expect "a device by its name, in either case" 0 "^cpu +cpu " - ptsne devices --device "$name"

# ---- Ctrl-C ----

# stop SIGNAL MODEL: begin a long fit, and send the signal as soon as its first checkpoint is there.
long=(--net 16 --epochs 400 --batch-size 32 --neighbors 5 --pca 0)
stop()
{
    local pid tries=0
    set -m # else a job in the background is deaf to SIGINT
    ptsne fit x.csv -o "$2" "${long[@]}" --checkpoint 0.00001 >out 2>err &
    pid=$!
    while [ ! -e "$2.state" ] && [ $tries -lt 600 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
    kill -"$1" $pid
    wait $pid
    code=$?
    set +m
}
expect "uninterrupted" 0 - . ptsne fit x.csv -o whole.st "${long[@]}"
for signal in INT TERM; do
    stop $signal $signal.st
    holds "$signal: code 130" test "$code" = 130
    holds "$signal: the state is kept" test -s $signal.st.state
    holds "$signal: says what was saved" grep -q "^ptsne: stopped after [0-9]* epochs\\?; the training state is in $signal.st.state" err
    resume=$(sed -n '/^To go on:$/{n;p}' err)
    holds "$signal: prints the command" grep -q -- "ptsne fit x.csv -o $signal.st .*--resume$" err
    expect "$signal: anew without -f" 2 - "an unfinished fit \(--resume goes on with it, -f begins anew\)" ptsne fit x.csv -o $signal.st "${long[@]}"
    expect "$signal: the command works" 0 - "400 epochs" bash -c "$resume"
    holds "$signal: the same bits" cmp -s $signal.st whole.st
    holds "$signal: no state is left" test ! -e $signal.st.state
done
expect "resume without a state" 2 - "^ptsne: whole.st is there, but whole.st.state is not: nothing to go on from \(-f begins anew\)$" ptsne fit x.csv -o whole.st "${long[@]}" --resume
expect "resume another run's model" 2 - "nothing to go on from" ptsne fit new.csv -o whole.st "${small[@]}" --seed 9 --resume
expect "resume without a state, -f" 0 - "beginning anew" ptsne fit x.csv -o map.st "${small[@]}" --resume -f
holds "it is trained anew" cmp -s map.st kept.st
# A run that begins anew removes the state of an earlier one before anything else is computed.
stop INT old.st
expect "anew over an old state" 0 - "old.st.state: removed the state of an earlier run" ptsne fit x.csv -o old.st "${small[@]}" -f
holds "it is as if it were new" cmp -s old.st kept.st
# A state that cannot be written: a directory has its place.
mkdir full.st.state
expect "no place for the state" 0 - "^ptsne: warning: full.st.state: .*training goes on" ptsne fit x.csv -o full.st "${small[@]}" --checkpoint 0.00001 -f
holds "said once" test "$(grep -c "training goes on" err)" = 1
holds "the model is there" cmp -s full.st kept.st
expect "resume what never began" 0 - "beginning anew" ptsne fit x.csv -o never.st "${small[@]}" --resume
holds "it is as if it were new" cmp -s never.st kept.st
mkfifo pipe
set -m
ptsne transform map.st - -o stopped.csv <pipe >out 2>err &
pid=$!
exec 9>pipe
head -n 20 new.csv >&9
sleep 0.3
kill -INT $pid
wait $pid
code=$?
exec 9>&-
set +m
holds "a waiting transform stops" test "$code" = 130
holds "and leaves nothing" bash -c '! ls stopped.csv* 2>/dev/null'

# ---- terminals ----

# terminal COMMAND: what it prints when standard error is a terminal.
terminal() { timeout 60 script -qec "$1" /dev/null </dev/null >err 2>&1; }
if command -v script >/dev/null; then
    code=0
    terminal "ptsne fit x.csv -o t.st ${long[*]}"
    holds "a bar on a terminal" grep -q $'\r.*training.*%' err
    holds "it is cleared at the end" grep -q $'\r\e\[K' err
    terminal "ptsne fit nothing -o t2.st"
    holds "errors in colour on a terminal" grep -q $'\e\[31m' err
    NO_COLOR=1 terminal "ptsne fit nothing -o t2.st"
    holds "NO_COLOR" bash -c "! grep -q \$'\e\[31m' err"
    NO_COLOR=1 terminal "ptsne fit nothing -o t2.st --color always"
    holds "--color always wins" grep -q $'\e\[31m' err
    TERM=dumb terminal "ptsne fit nothing -o t2.st"
    holds "TERM=dumb" bash -c "! grep -q \$'\e\[' err"
else
    skipped=$((skipped + 6))
fi
expect "no bar elsewhere" 0 - . ptsne fit x.csv -o t3.st "${long[@]}"
holds "neither returns nor escapes" bash -c "! grep -q \$'[\r\e]' err"

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
