#!/bin/bash
# Run ptsne classify and ptsne autoencode as people do.
#
#   tests/test_learn_tools.sh BIN     BIN: the directory of the programs
set -u
. "$(dirname "$0")/checks.sh"
export PTSNE_DEVICE=cpu OMP_NUM_THREADS=1

rows 200 1 >x.csv
rows 48 2 >new.csv
rows 8 3 | sed '2,9s/kind3/other/' >strange.csv
cut -d, -f1-6 new.csv >bare.csv
cut -d, -f7 new.csv >new-labels.csv
rows 40 4 | cut -d, -f1-5,7 >narrow.csv
small=(--net "16, bn, relu" --batches 20:16,2:64)

# ---- classify: training ----

expect "classify" 0 - "c.st: 4 classes, [0-9]+ parameters, epoch 22 of 22" ptsne classify x.csv -o c.st "${small[@]}" --history h.csv --json c.json
holds "as many as info counts" grep -q ", $(ptsne info c.st | sed -n 's/.*layers, \([0-9]*\) parameters$/\1/p') parameters," err
holds "validation is told" grep -qE "^validation: 20 rows, loss .*, accuracy (9|100)" err
holds "the history has a line an epoch" test "$(wc -l <h.csv)" -eq 23
holds "the history's columns" grep -qx "epoch,batch_size,loss,accuracy,validation_loss,validation_accuracy,seconds" h.csv
holds "the batches are those asked for" awk -F, 'NR > 1 && $2 != (NR <= 21 ? 16 : 64) { bad = 1 } END { exit bad }' h.csv
holds "the loss falls" awk -F, 'NR == 2 { first = $3 } END { exit !($3 < first / 2) }' h.csv
holds "the report" grep -q '"epoch_kept": 22' c.json
holds "the report has no NaN" bash -c '! grep -qiE ": *-?(nan|inf)" c.json'
expect "info says what it is" 0 "^a classifier: ptsne classify X --model asks it" - ptsne info c.st
expect "for machines too" 0 '"kind": "classifier"' - ptsne info c.st --json -
cp c.st kept.st
expect "existing model" 2 - "^ptsne: c.st: exists already \(-f overwrites it\)$" ptsne classify x.csv -o c.st "${small[@]}"
holds "it is as it was" cmp -s c.st kept.st
expect "two threads" 0 - . ptsne classify x.csv -o one.st "${small[@]}" --threads 2
holds "the same bits" cmp -s one.st kept.st
expect "another seed" 0 - . ptsne classify x.csv -o other.st "${small[@]}" --seed 5
holds "other bits" bash -c '! cmp -s other.st kept.st'
expect "no validation" 0 - . ptsne classify x.csv -o all.st "${small[@]}" --validation 0 --history all.csv
holds "and none in the history" grep -qx "epoch,batch_size,loss,accuracy,seconds" all.csv
expect "validation of its own" 0 - "^validation: 48 rows" ptsne classify x.csv -o own.st "${small[@]}" --validation-data bare.csv --validation-labels new-labels.csv
expect "an early end" 0 - "epoch [0-9]+ of [0-9]+" ptsne classify x.csv -o early.st --net 8 --epochs 200 --batch-size 16 --patience 2 --min-delta 0.2 --history early.csv
holds "before the last epoch" test "$(wc -l <early.csv)" -lt 100
expect "default batches of few rows" 0 - "4 classes" ptsne classify x.csv -o default.st

# ---- classify: asking ----

expect "judged by the label column" 0 "^accuracy: +(9|100).* of 48\)$" - ptsne classify new.csv --model c.st
holds "a line a class" grep -qE "^kind2 +12 +" out
expect "judged by a file" 0 "^accuracy: +(9|100)" - ptsne classify bare.csv --labels new-labels.csv --model c.st --json judged.json
holds "the confusion" grep -q '"taken_for"' judged.json
expect "predictions" 0 - - ptsne classify bare.csv --model c.st --predict p.csv
holds "a column of classes" grep -qE "^kind1,-" p.csv
holds "named columns" grep -qx 'class,log p kind0,log p kind1,log p kind2,log p kind3' p.csv
holds "probabilities sum to 1" awk -F, 'NR > 1 { s = exp($2) + exp($3) + exp($4) + exp($5); if (s < 0.9999 || s > 1.0001) bad = 1 } END { exit bad }' p.csv
expect "to standard output" 0 "^class,log p kind0" - ptsne classify bare.csv --model c.st --predict -
holds "the same" cmp -s out p.csv
expect "to standard output as .npy" 0 "NUMPY" - ptsne classify bare.csv --model c.st --predict - --to npy
cp out stream.npy
expect "as .npy" 0 - - ptsne classify bare.csv --model c.st --predict p.npy
holds "of 48 x 4" grep -qa "'shape': (48, 4)" p.npy
holds "as to standard output" cmp -s stream.npy p.npy
expect "an ending in capitals" 0 - - ptsne classify bare.csv --model c.st --predict P.CSV
holds "is an ending" cmp -s P.CSV p.csv
expect "--to without predictions" 2 - "--to has an effect with --predict only" ptsne classify new.csv --model c.st --to csv
expect "predictions and report on standard output" 2 - "--predict - and --json - both go to standard output" ptsne classify new.csv --model c.st --predict - --json -
expect "predictions are labels" 0 "^accuracy: +100" - ptsne classify bare.csv --labels p.csv --model c.st
ptsne cluster bare.csv -k 2,4 -o groups.npy -q >out 2>err
for data in bare.csv p.npy; do
    expect "a column of the labels, $data" 0 - "kind.st: 4 classes" ptsne classify $data --labels groups.npy --label-column 2 -o kind.st -f --net 8 --batches 2:16 --json kind.json
    holds "$data: all columns of the data" grep -q "\"columns\": $([ $data = bare.csv ] && echo 6 || echo 4)" kind.json
    expect "validation labels likewise, $data" 0 - "2 classes" ptsne classify $data --labels groups.npy --label-column 1 -o kind.st -f --net 8 --batches 2:16 --validation-data $data --validation-labels groups.npy
done
expect "labels it never saw" 0 "^accuracy: +75" "2 of 8 rows have labels that the model has no class for" ptsne classify strange.csv --model c.st
expect "existing predictions" 2 - "p.csv: exists already" ptsne classify bare.csv --model c.st --predict p.csv
expect "predictions of a new model" 0 - . ptsne classify x.csv -o fresh.st "${small[@]}" --predict fresh.csv
holds "a line a row" test "$(wc -l <fresh.csv)" -eq 201

# ---- classify: wrong usage and data ----

expect "neither -o nor --model" 2 - "-o MODEL is missing, to train one, or --model MODEL, to ask one" ptsne classify x.csv
expect "both" 2 - "one of them alone" ptsne classify x.csv -o a.st --model c.st
expect "training options with --model" 2 - "--l2 has no effect with --model" ptsne classify x.csv --model c.st --l2 0.1
expect "--net with --model" 2 - "--net has no effect with --model" ptsne classify x.csv --model c.st --net 5
expect "nothing to do" 2 - "nothing to do: --predict FILE writes classes" ptsne classify bare.csv --model c.st
expect "no labels" 2 - "bare.csv: has no label column, and --labels is not given" ptsne classify bare.csv -o a.st
expect "labels of another length" 4 - "new-labels.csv: 48 labels, but x.csv has 200 rows" ptsne classify x.csv --labels new-labels.csv -o a.st
expect "other columns" 4 - "narrow.csv: rows of 5 columns, but c.st was trained on 6" ptsne classify narrow.csv --model c.st
expect "batches and epochs" 2 - "--batches says the epochs and their rows" ptsne classify x.csv -o a.st --batches 1:8 --epochs 3
expect "no learning rate" 2 - "--learning-rate: 0 is too small" ptsne classify x.csv -o a.st --learning-rate 0
mkdir directory
for way in "classify x.csv -o" "autoencode x.csv -o" "autoencode x.csv --codes" "fit x.csv -o" "embed x.csv -o" "cluster x.csv -k 3 -o"; do
    # shellcheck disable=SC2086 # words
    expect "a directory: $way" 1 - "^ptsne: directory: is a directory$" ptsne $way directory
    holds "which is told before the work: $way" test "$(wc -l <err)" -eq 1
done
expect "nothing comes in" 4 - "^ptsne: standard input: empty$" ptsne classify - -o a.st
expect "half a row" 2 - "8.5 is not a whole number of rows" ptsne classify x.csv -o a.st --batches 1:8.5
head -n 4 x.csv >few.csv
sed 2q x.csv | cut -d, -f1-6 >single.csv
expect "a share that leaves one row" 2 - "validation 0.9 leaves 1 of 3 rows to learn from" ptsne classify few.csv -o a.st --validation 0.9
expect "one row" 4 - "^ptsne: single.csv: 1 row: there is nothing to learn from$" ptsne autoencode single.csv -o a.st
expect "a wrong layer" 2 - 'network: "16 relu" is no layer' ptsne classify x.csv -o a.st --net "16 relu"
expect "a convolution without images" 2 - "needs an image" ptsne classify x.csv -o a.st --net "conv 4 3x3"
expect "a shape that does not fit" 2 - "images of 2 x 2 x 1 have 4 values, the rows 6" ptsne classify x.csv -o a.st --net "conv 4 2x2" --input 2x2
expect "a shape that is none" 2 - "--input 2by3: not HEIGHTxWIDTHxCHANNELS" ptsne classify x.csv -o a.st --input 2by3
expect "images" 0 - "4 classes" ptsne classify x.csv -o conv.st --net "conv 4 2x2 same, bn, relu, pool 2x2 stride 1, 8" --input 2x3x1 --batches 3:16
expect "standard output takes no model" 2 - "cannot go to standard output" ptsne classify x.csv -o -
expect "not a classifier" 4 - "^ptsne: ae.st: is an autoencoder, not a classifier: ptsne autoencode X --model makes its codes" bash -c 'ptsne autoencode x.csv -o ae.st --encoder 3 --batches 2:16 -q && ptsne classify x.csv --model ae.st'
expect "it diverges" 1 - "smaller learning rate" ptsne classify x.csv -o div.st --net "16, linear, 16, linear" --optimizer sgd --learning-rate 100000 --batches 20:16
holds "nothing else was written" test ! -e a.st
expect "no map" 4 - "^ptsne: c.st: is a classifier, not the model of a map: ptsne classify X --model asks it, ptsne features takes its layers$" ptsne transform c.st bare.csv -o a.npy
expect "nor from an autoencoder" 4 - "^ptsne: ae.st: is an autoencoder, not the model of a map: ptsne autoencode X --model" ptsne transform ae.st bare.csv -o a.npy
expect "fit from a classifier" 4 - "^ptsne: c.st: is a classifier" ptsne fit bare.csv -o a.st --init c.st --epochs 1
expect "fit from an autoencoder" 4 - "^ptsne: ae.st: is an autoencoder" ptsne fit bare.csv -o a.st --init ae.st --epochs 1
expect "but its layers" 0 - . ptsne features c.st bare.csv --layer dense1 -o layer.npy

# ---- fit --init: the model's own network cannot be told anew ----

mini=(--mode edges --epochs 1 --batch-size 32 --neighbors 5)
ptsne fit bare.csv -o three.st "${mini[@]}" --net 4 --dims 3 -q
while read -r option value; do
    expect "--$option with --init" 2 - "^ptsne: --$option has no effect with --init, which brings its own$" \
        ptsne fit bare.csv -o a.st "${mini[@]}" --init three.st "--$option" "$value"
done <<'END'
net 4
activation tanh
input 2x3x1
dims 2
head linear
anchors 5
END
expect "--init brings its dimensions" 0 - . ptsne fit bare.csv -o on.st "${mini[@]}" --init three.st --json on.json
holds "the report has them too" test "$(sed -n '/"spread"/,/]/p' on.json | grep -c '[0-9]\.')" -eq 3

holds "nothing of these was written" bash -c '! ls a.st* a.npy* 2>/dev/null'

# ---- Ctrl-C keeps the model so far ----

ptsne classify x.csv -o stop.st --net 64,64 --batches 1000000:16 --history stop.csv >out 2>err &
pid=$!
for _ in $(seq 100); do
    sleep 0.1
    grep -q "epoch" err && break
done
kill -TERM $pid # SIGINT is ignored behind &
wait $pid
code=$?
holds "stopped" test $code -eq 130
holds "it says where the model is" grep -q "stopped after [0-9]* epochs; the model so far is in stop.st" err
holds "the history is kept" grep -q "^2,16," stop.csv
expect "the model works" 0 "^accuracy" - ptsne classify new.csv --model stop.st

# ---- Ctrl-C while a model is asked ----

# interrupted COMMAND: its code, once it was told to stop as soon as it listens.
interrupted()
{
    "$@" >out 2>err &
    pid=$!
    for _ in $(seq 100); do
        sleep 0.1
        ((0x$(awk '/^SigCgt/ { print $2 }' /proc/$pid/status) & 0x4000)) && break
    done
    kill -TERM $pid
    wait $pid
    code=$?
}
rows 60000 6 | cut -d, -f1-6 >many.csv
wide=(--batches 1:64 --validation 0)
ptsne classify x.csv -o wide.st --net 1000,1000 "${wide[@]}" -q
interrupted ptsne classify many.csv --model wide.st --predict many-told.csv
holds "asking stops" test $code -eq 130
holds "and says so" grep -qx "ptsne: stopped; many-told.csv was not written" err
interrupted ptsne classify many.csv --model wide.st --predict -
holds "standard output has its name" grep -qx "ptsne: stopped; standard output was not written" err
ptsne autoencode x.csv -o wide-ae.st --encoder 1000,1000,3 "${wide[@]}" -q
interrupted ptsne autoencode many.csv --model wide-ae.st --codes many-codes.npy --reconstructions many-again.npy
holds "coding stops" test $code -eq 130
holds "and says so of both" grep -qx "ptsne: stopped; many-codes.npy and many-again.npy were not written" err
interrupted ptsne autoencode many.csv --model wide-ae.st --codes many-codes.npy --reconstructions -
holds "also beside a file" grep -qx "ptsne: stopped; many-codes.npy and standard output were not written" err
interrupted ptsne autoencode many.csv --encoder 1000,1000,3 --batches 100:64 --codes many-codes.npy --history stopped.csv
holds "before there is a model" grep -qE "^ptsne: stopped after 0 epochs; no model was written$" err
holds "though the history was" grep -q "^epoch,batch_size" stopped.csv
holds "there is nothing" bash -c '! ls many-* 2>/dev/null'

# ---- autoencode ----

tiny=(--encoder "8, relu, 3, tanh" --decoder "8, relu, 6, linear" --batches 30:16 --learning-rate 0.01)
expect "autoencode" 0 - "a.st: codes of 3, [0-9]+ parameters, epoch [0-9]+ of [0-9]+" ptsne autoencode x.csv -o a.st "${tiny[@]}" --codes codes.npy --reconstructions again.csv --history ah.csv --json a.json
holds "the history's columns" grep -qx "epoch,batch_size,loss,validation_loss,seconds" ah.csv
holds "codes of 200 x 3" grep -qa "'shape': (200, 3)" codes.npy
holds "reconstructions" test "$(wc -l <again.csv)" -eq 201
holds "in the units of the data" bash -c "paste -d, again.csv x.csv | awk -F, 'NR > 1 { for (j = 1; j <= 6; j++) s += (\$j - \$(j + 6)) ^ 2 } END { exit !(s / 1200 < 1) }'"
holds "the report" grep -q '"code_size": 3' a.json
expect "the same codes later" 0 - "x.csv: 200 rows, loss " ptsne autoencode x.csv --model a.st --codes later.npy
holds "bit for bit" cmp -s codes.npy later.npy
expect "of standard input" 0 - "^standard input: 200 rows, loss " bash -c "ptsne autoencode - --model a.st --codes later.npy -f <x.csv"
expect "codes alone" 0 - "codes of 3" ptsne autoencode x.csv "${tiny[@]}" --codes alone.csv
holds "named" grep -qx "code_1,code_2,code_3" alone.csv
expect "codes to standard output" 0 "NUMPY" - ptsne autoencode x.csv --model a.st --codes - -q
holds "as to the file" cmp -s out codes.npy
expect "as CSV" 0 "^code_1,code_2,code_3$" - ptsne autoencode x.csv --model a.st --codes - --to csv -q
if command -v script >/dev/null; then # a terminal
    expect "codes to a terminal are text" 0 "^code_1,code_2,code_3" - script -qec "ptsne autoencode x.csv --model a.st --codes - -q" /dev/null
    expect "which .npy is not" 2 "standard output is a terminal and .npy is not text" - \
        script -qec "ptsne autoencode x.csv --model a.st --codes - --to npy" /dev/null
fi
expect "--to without a table" 2 - "--to has an effect with --codes and --reconstructions only" ptsne autoencode x.csv -o b.st --to csv
expect "one grammar of networks" 0 "pool HxW stride S" - ptsne autoencode --help
expect "as .npy again" 0 - . ptsne autoencode x.csv "${tiny[@]}" --codes alone.npy --threads 2
holds "the same with two threads" cmp -s alone.npy codes.npy
expect "patience ends it" 0 - "\(nothing got better\)" ptsne autoencode x.csv -o end.st --encoder 2 --epochs 400 --min-delta 0.01
expect "penalties" 0 - "codes of 3" ptsne autoencode x.csv -o pen.st "${tiny[@]}" --l2 0.001 --activity-l2 0.01
expect "validation data" 0 - "^validation: 48 rows" ptsne autoencode x.csv -o val.st "${tiny[@]}" --validation-data bare.csv
expect "no output" 2 - "-o MODEL is missing, or --codes FILE, or --reconstructions FILE" ptsne autoencode x.csv
expect "a decoder of other columns" 2 - "decoder: ends with 5 values a row, the data have 6" ptsne autoencode x.csv -o b.st --encoder 3 --decoder 5
expect "no autoencoder" 4 - "c.st: is a classifier, not an autoencoder" ptsne autoencode x.csv --model c.st --codes b.npy
LC_ALL=C sed -E 's/("ptsne\.scale": ?")[0-9]/\1-/' a.st >damaged.st
expect "a damaged one" 4 - "^ptsne: damaged.st: ptsne.scale is -[0-9.e-]+: the model is damaged$" ptsne autoencode x.csv --model damaged.st --codes b.npy
expect "training options with --model" 2 - "--encoder has no effect with --model" ptsne autoencode x.csv --model a.st --encoder 4
expect "two streams" 2 - "--codes - and --reconstructions - both go to standard output: one of them needs a file" ptsne autoencode x.csv --model a.st --codes - --reconstructions -
expect "a diverging one" 1 - "smaller learning rate" ptsne autoencode x.csv -o b.st --encoder "8, linear, 8, linear" --optimizer sgd --learning-rate 100000 --batches 20:16

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
