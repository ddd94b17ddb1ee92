#!/bin/bash
# Run ptsne as people do and compare exit code, standard output and standard error.
#
#   tests/test_tools.sh BIN     BIN: the directory of the programs
#
# Every check is counted; a failed one shows what was said.
set -u
. "$(dirname "$0")/checks.sh"
export PTSNE_DEVICE=cpu OMP_NUM_THREADS=2

# ---- data ----

rows 200 1 >x.csv
rows 50 2 >new.csv
sed '8s/^[^,]*/nan/' x.csv >nan.csv
sed '8s/^[^,]*/n\/a/' x.csv >text.csv
sed '9s/,[^,]*$//' x.csv >ragged.csv
: >empty.csv
small=(--mode edges --net 16 --epochs 3 --batch-size 32 --neighbors 5 --pca 0)

# ---- help, versions, wrong usage ----

for verb in embed fit transform features info classify autoencode cluster metrics devices; do
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
expect "unused option" 2 - "--perplexity has an effect with --mode batch or teacher only \(it is edges\)" ptsne fit x.csv -o m --mode edges --perplexity 5
expect "no number" 2 - '--epochs: "many" is not a whole number' ptsne fit x.csv -o m --epochs many
expect "out of range" 2 - "--dims: 4 is too large: it must be at most 3" ptsne fit x.csv -o m --dims 4
expect "no such choice" 2 - "--optimizer: .adma. is none of its choices; did you mean adam\?" ptsne fit x.csv -o m --optimizer adma
expect "activation unknown to the library" 2 - "relux" ptsne fit x.csv -o m --activation relux
expect "a model on standard output" 2 - "cannot go to standard output" ptsne fit x.csv -o -
holds "nothing was written" test ! -e m

# ---- fit ----

expect "fit" 0 - "map.st: 6 -> 16 -> 2, 3 epochs" ptsne fit x.csv -o map.st "${small[@]}" --json fit.json
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
cp x.csv precious.csv
expect "report is the data" 2 - "precious.csv: named twice" ptsne fit precious.csv -o m.st "${small[@]}" --json precious.csv
expect "report is the labels" 2 - "precious.csv: named twice" ptsne fit x.csv -o m.st "${small[@]}" --labels precious.csv --exclude-label kind1 --json precious.csv
expect "report is the model to go on from" 2 - "precious.csv: named twice" ptsne fit x.csv -o m.st --init precious.csv --json ./precious.csv
expect "report is the map to learn" 2 - "precious.csv: named twice" ptsne fit x.csv -o m.st --mode teacher --teacher precious.csv --json precious.csv
holds "which is as it was" cmp -s precious.csv x.csv
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
expect "three dimensions, sgd" 0 - "6 -> 16 -> 3" ptsne fit x.csv -o three.st "${small[@]}" --dims 3 --optimizer sgd --momentum 0.5
holds "nothing else was written" test ! -e m.st

# What help says of defaults that depend on the mode is what the model says was used.
rows 5000 3 >many.csv
used() { grep -aoE "\"ptsne\.$2\": ?\"[^\"]*\"" "$1" | head -n 1 | sed 's/.*"\([^"]*\)"$/\1/'; }
expect "defaults, edges" 0 - . ptsne fit many.csv -o edges.st --net 4 --epochs 1 --mode edges
expect "defaults, batch" 0 - . ptsne fit many.csv -o batches.st --net 4 --epochs 1 --mode batch
expect "defaults, teacher" 0 - . ptsne fit many.csv -o taught.st --net 4 --epochs 1 --teacher-phases 2:12
expect "defaults, sgd" 0 - . ptsne fit x.csv -o sgd.st "${small[@]}" --optimizer sgd
ptsne fit --help >help.txt
for option in dropout input-dropout interpolation batch-size; do
    key=${option//-/_}
    tr -s ' \n' ' ' <help.txt >out
    holds "--help has the default of --$option" \
        grep -qE -- " --$option [A-Z]+ [^[]*\[$(used taught.st $key); mode edges: $(used edges.st $key); batch: $(used batches.st $key)\]" out
done
holds "--help has the default of --exaggeration" grep -qE -- " --exaggeration A [^[]*\[$(used edges.st exaggeration)\]" out
holds "and it is that of mode batch" test "$(used edges.st exaggeration)" = "$(used batches.st exaggeration)"
holds "--help has the default of --learning-rate" \
    grep -qF "[$(printf %.2g "$(used taught.st learning_rate)"); mode edges: $(used edges.st learning_rate); batch: $(printf %.2g "$(used batches.st learning_rate)"); sgd: $(used sgd.st learning_rate)]" out

# ---- fit: a map to learn, classes left out, going on from a model ----

taught=(--mode teacher --epochs 2 --batch-size 50)
own=(--perplexity 8 --teacher-phases 30:12,30:4)
expect "mode teacher" 0 - "^learnt.st: 6 -> 16 -> 2, 2 epochs" ptsne fit x.csv -o learnt.st "${taught[@]}" "${own[@]}" --net 16 --anchors 8 --json t.json
holds "the report has the teacher" grep -q '"teacher_kl": [0-9]' t.json
expect "it places points" 0 . - ptsne transform learnt.st x.csv -o -
expect "the same again" 0 - . ptsne fit x.csv -o learnt2.st "${taught[@]}" "${own[@]}" --net 16 --anchors 8 --threads 1
holds "the same bytes" cmp learnt.st learnt2.st
expect "linear head, three dimensions" 0 - . ptsne fit x.csv -o learnt3.st "${taught[@]}" "${own[@]}" --net 16 --head linear --dims 3
expect "anchors in mode edges" 0 - . ptsne fit x.csv -o learnt4.st "${small[@]}" --head anchors --anchors 5 --averaging 0.9
ptsne transform learnt.st x.csv -o taught.npy -q
expect "a map from standard input" 4 - "^ptsne: standard input: a map of 50 rows and 6 columns; x.csv has 200 rows, and the map 2 dimensions$" \
    bash -c "ptsne fit x.csv -o m.st --teacher - <new.csv"
expect "a map that is given" 0 - . ptsne fit x.csv -o learnt5.st "${taught[@]}" --net 16 --teacher taught.npy
expect "a map of other rows" 4 - "taught.npy: a map of 200 rows and 2 columns; new.csv has [0-9]+ rows" \
    ptsne fit new.csv -o m.st "${taught[@]}" --teacher taught.npy
expect "of other dimensions" 4 - "and the map 3 dimensions" ptsne fit x.csv -o m.st "${taught[@]}" --teacher taught.npy --dims 3
expect "both a map and phases" 2 - "--teacher-phases has no effect with --teacher" \
    ptsne fit x.csv -o m.st "${taught[@]}" --teacher taught.npy --teacher-phases 5:1
expect "a teacher in mode edges" 2 - "--teacher has an effect with --mode teacher only" ptsne fit x.csv -o m.st --mode edges --teacher taught.npy
expect "anchors without any" 2 - "--anchors has an effect with --head anchors only" ptsne fit x.csv -o m.st --mode edges --anchors 9
expect "no loss" 2 - "--error-width: 0 is too small" ptsne fit x.csv -o m.st --mode teacher --error-width 0

awk 'BEGIN { for (i = 0; i < 200; i++) print i % 4 == 3 ? "rare" : "kind " i % 4 }' >kinds.txt
expect "classes left out" 0 - "^100 rows are left out" \
    ptsne fit x.csv -o few.st "${small[@]}" --labels kinds.txt --exclude-label "rare,kind 2"
holds "the others stay" grep -q "x.csv: 100 rows of 6 columns" err
expect "by the label column" 0 - "^50 rows are left out" ptsne fit x.csv -o few2.st "${small[@]}" --exclude-label kind3
expect "no such class" 2 - 'no row has the label "kind 7"' ptsne fit x.csv -o m.st --labels kinds.txt --exclude-label "kind 7"
expect "no labels" 2 - "--exclude-label needs labels" ptsne fit x.csv -o m.st --exclude-label rare --columns a,b --label-column=
expect "labels for nothing" 2 - "--labels has an effect with --exclude-label only" ptsne fit x.csv -o m.st --labels kinds.txt
expect "all classes left out" 2 - "^ptsne: --exclude-label leaves no row" \
    ptsne fit x.csv -o m.st "${small[@]}" --labels kinds.txt --exclude-label "rare,kind 0,kind 1,kind 2"


# ---- labels from a file of their own, which --label-column belongs to ----

expect "data as an array" 0 - . ptsne transform learnt.st x.csv -o array.npy
expect "two clusterings" 0 . . ptsne cluster x.csv -k 2,4 -o groups.npy
cut -d, -f1-6 x.csv >bare.csv
for data in bare.csv array.npy; do
    expect "metrics: labels' column, $data" 0 "^1-NN error" - ptsne metrics -q --data $data --embedding array.npy --labels groups.npy --label-column 2 --json by2.json
    ptsne metrics --data $data --embedding array.npy --json plain.json >out 2>err
    holds "$data: no column of the data is gone" test "$(grep -E 'trust|kl_' by2.json)" = "$(grep -E 'trust|kl_' plain.json)"
    expect "fit: labels' column, $data" 0 - "^[0-9]+ rows are left out" \
        ptsne fit $data -o by2.st -f "${small[@]}" --labels groups.npy --label-column 2 --exclude-label 3
    holds "$data: nor in fit" grep -q "rows of $([ $data = bare.csv ] && echo 6 || echo 2) columns" err
    expect "fit: the labels' other column, $data" 2 - 'no row has the label "3"' \
        ptsne fit $data -o m.st "${small[@]}" --labels groups.npy --label-column 1 --exclude-label 3
done
sed '1s/.*/1,3,5,7,9,11/' bare.csv >numbered.csv
cut -d, -f7 x.csv | sed '1s/.*/cultivar/' >named.txt
sed 1d named.txt >list.txt
expect "a header of numbers" 4 - "list.txt: 200 labels, but numbered.csv has 201 rows" ptsne metrics --data numbered.csv --embedding array.npy --labels list.txt
expect "--header is about the data" 0 "^1-NN error" - ptsne metrics -q --data numbered.csv --header --embedding array.npy --labels list.txt
expect "a list that begins with its name" 4 - "named.txt: 201 labels, but bare.csv has 200 rows" ptsne metrics --data bare.csv --embedding array.npy --labels named.txt
expect "which is told" 0 "^1-NN error" - ptsne metrics -q --data bare.csv --embedding array.npy --labels named.txt --label-column cultivar
expect "a label column of the data" 0 - "^50 rows are left out" ptsne fit x.csv -o by2.st -f "${small[@]}" --label-column label --exclude-label kind3

expect "going on from a model" 0 - "^on.st: learnt.st trained on, 1 epoch" ptsne fit x.csv -o on.st --init learnt.st "${taught[@]}" --epochs 1 --perplexity 8
expect "with a net of one's own" 2 - "--net has no effect with --init" ptsne fit x.csv -o m.st --init learnt.st --net 5
expect "on other columns" 4 - "^ptsne: x.csv: rows of 2 columns, but learnt.st was fitted on 6$" ptsne fit x.csv -o m.st --init learnt.st --columns 1,2
expect "images" 0 - . ptsne fit x.csv -o images.st "${taught[@]}" "${own[@]}" --input 2x3 --net "conv 4 2x2 same, bn, relu, pool 2, dense 8, relu" --anchors 8
expect "images of another size" 2 - "images of 2 x 2 x 1 have 4 values, the rows 6" ptsne fit x.csv -o m.st --input 2x2 --net "conv 4 2x2"
expect "from no model" 4 - "x.csv" ptsne fit x.csv -o m.st --init x.csv
expect "onto itself" 2 - "learnt.st: named twice" ptsne fit x.csv -o learnt.st -f --init learnt.st
holds "nothing else was written" test ! -e m.st

# ---- embed ----

brief=(--perplexity 5 --early-iterations 20 --iterations 30)
shape() { head -c 128 "$1" | tr -d '\0' | grep -aqF "'shape': ($2)"; }
expect "embed" 0 - "^map\.npy: 200 x 2, KL [0-9.]+, [0-9.]+ s$" ptsne embed x.csv -o map.npy "${brief[@]}" --json embed.json
holds "a line a stage" test "$(grep -cE '^  (neighbours|affinities|embedding) +[0-9.]+ s   ' err)" = 3
holds "so many iterations" grep -q "50 iterations, KL" err
holds "two columns" shape map.npy "200, 2"
holds "no state is left" test ! -e map.npy.state
holds "the report has the figures" grep -q '"kl_divergence": [0-9]' embed.json
holds "and no NaN" bash -c '! grep -qiE "[^a-z](nan|inf)" embed.json && grep -q "\"outcome\": \"done\"" embed.json'
expect "existing output" 2 - "^ptsne: map.npy: exists already \(-f overwrites it\)$" ptsne embed x.csv -o map.npy "${brief[@]}"
expect "one thread" 0 - . ptsne embed x.csv -o one.npy "${brief[@]}" --threads 1
holds "the same bits with one thread" cmp -s one.npy map.npy
expect "to standard output" 0 NUMPY - ptsne embed x.csv -o - -q "${brief[@]}"
holds "as to the file" cmp -s out map.npy
expect "to CSV on standard output" 0 "^x,y$" - ptsne embed x.csv -o - -q --to csv "${brief[@]}"
expect "from standard input" 0 - . bash -c "cat x.csv | ptsne embed - -o in.npy ${brief[*]}"
holds "as from the file" cmp -s in.npy map.npy
while read -r options; do
    # shellcheck disable=SC2086 # words
    expect "embed $options" 0 - . ptsne embed x.csv -o each.npy -f "${brief[@]}" $options
    holds "embed $options: a map of its own" bash -c '! cmp -s each.npy map.npy'
done <<'END'
--dims 3
--perplexity 5,20
--n-neighbors 20
--metric cosine
--metric manhattan
--pca 3
--method exact
--method barnes-hut
--method barnes-hut --theta 0.8
--spacing 0.3
--dof 0.7
--init random
--init random --seed 7
--init map.npy
--early-exaggeration 4
--early-iterations 10
--exaggeration 2
--iterations 20
--learning-rate 50
--momentum 0.5
--max-step 0.5
--columns a,b,c
--limit 100
END
while read -r options; do
    # shellcheck disable=SC2086
    expect "embed $options" 0 - . ptsne embed x.csv -o each.npy -f --perplexity 5 $options
    holds "embed $options: the same map" cmp -s each.npy map.npy
done <<'END'
--phases 20:12,30:1
--early-iterations 20 --iterations 30 --snapshots each-film.npy --every 7
--early-iterations 20 --iterations 30 --state each.state --checkpoint 0.00001
--early-iterations 20 --iterations 30 --save-neighbors each-index.npy,each-distance.npy
--early-iterations 20 --iterations 30 --neighbors each-index.npy,each-distance.npy
--early-iterations 20 --iterations 30 --tolerance 0
END
holds "frames at 0, 7, ..., 49, and the last map" shape each-film.npy "9, 200, 2"
holds "which is the map" bash -c 'cmp -s <(tail -c 1600 each-film.npy) <(tail -c 1600 map.npy)'
holds "as many neighbours as it says" shape each-index.npy "200, 15"
holds "the state is gone with the run" test ! -e each.state
rows 150 5 | awk -F, 'BEGIN { srand(3) } NR > 1 { line = $1; for (j = 0; j < 60; j++) line = line "," $(j % 6 + 1) + 0.1 * rand(); print line }' >wide.csv
expect "many columns" 0 - "50 components have [0-9.]+ % of the variance" ptsne embed wide.csv -o wide.npy "${brief[@]}" --save-neighbors wide-index.npy,wide-distance.npy
expect "many columns, neighbours given" 0 - . ptsne embed wide.csv -o wide-given.npy "${brief[@]}" --neighbors wide-index.npy,wide-distance.npy
holds "the same bits" cmp -s wide.npy wide-given.npy
expect "uniform affinities" 0 - "15 of each point, exact" ptsne embed x.csv -o uniform.npy --affinities uniform --iterations 20
expect "an inverted file" 0 - "15 of each point, recall (0\.9[0-9]*|1\.000) \([0-9]+ of [0-9]+ cells\)" ptsne embed x.csv -o cells.npy "${brief[@]}" --search cells --recall 0.9
expect "neighbours alone" 0 - "^each-index.npy: 200 points of 15 neighbours" ptsne embed --neighbors each-index.npy,each-distance.npy --init random -o alone.npy "${brief[@]}"
ptsne embed x.csv -o random.npy -q "${brief[@]}" --init random
holds "as with the data" cmp -s alone.npy random.npy
expect "neighbours of other data" 4 - "each-index.npy: neighbours of 200 points, but new.csv has 50 rows" ptsne embed new.csv --neighbors each-index.npy,each-distance.npy -o no.npy
expect "neighbours alone, but PCA" 2 - "DATA is missing: --neighbors alone do with --init random" ptsne embed --neighbors each-index.npy,each-distance.npy -o no.npy
expect "one file of neighbours" 2 - '--neighbors: "each-index.npy" is not two files with one comma' ptsne embed x.csv --neighbors each-index.npy -o no.npy
expect "distances for indices" 4 - "each-distance.npy: these are not whole numbers" ptsne embed x.csv --neighbors each-distance.npy,each-distance.npy -o no.npy
expect "a plan" 0 "^peak: [0-9.]+ .iB" - ptsne embed x.csv --dry-run --perplexity 5
holds "with its stages" test "$(grep -cE '^(data|neighbours|affinities|embedding) +[0-9.]+ .* [0-9.]+$' out)" = 4
expect "a plan as JSON" 0 '"peak_host_bytes": [0-9]+' - ptsne embed x.csv --dry-run --perplexity 5 --json -
awk 'BEGIN { for (i = 0; i < 3000; i++) print i % 57 "," i * i % 101 }' >many.csv
expect "a plan of too many nodes" 1 - "3000 points grows about [0-9]+ wide, too large for a grid of spacing 0.05: take a larger one" ptsne embed many.csv --dims 3 --spacing 0.05 --dry-run
expect "duplicates" 0 - "^ptsne: warning: 200 points have a neighbour at distance 0" bash -c "(cat x.csv; tail -n +2 x.csv | head -n 100) >twice.csv; ptsne embed twice.csv -o twice.npy ${brief[*]}"
expect "report is the map" 2 - "no.npy: named twice" ptsne embed x.csv -o no.npy --json no.npy
expect "the film is the map" 2 - "no.npy: named twice" ptsne embed x.csv -o no.npy --snapshots no.npy
expect "output is the input" 2 - "x.csv: named twice" ptsne embed x.csv -o x.csv -f
expect "no data" 2 - "DATA is missing" ptsne embed -o no.npy
expect "no output" 2 - "^ptsne: -o FILE is missing" ptsne embed x.csv
expect "phases and iterations" 2 - "--iterations has no effect with --phases" ptsne embed x.csv -o no.npy --phases 5:1 --iterations 3
expect "phases that are none" 2 - '--phases: "5" is not of the form N:A' ptsne embed x.csv -o no.npy --phases 5
expect "every without a film" 2 - "--every has an effect with --snapshots only" ptsne embed x.csv -o no.npy --every 3
expect "recall of all" 2 - "--recall has no effect with --search exact" ptsne embed x.csv -o no.npy --search exact --recall 0.9
expect "theta without a tree" 2 - "--theta has an effect with --method barnes-hut only" ptsne embed x.csv -o no.npy --theta 0.5
expect "perplexity too large" 2 - "^ptsne: x.csv: perplexity 100 is too large for 200 points: at most 66.33$" ptsne embed x.csv -o no.npy --perplexity 100
expect "four dimensions" 2 - "--dims: 4 is too large" ptsne embed x.csv -o no.npy --dims 4
expect "no such metric" 3 - "chebychev" ptsne embed x.csv -o no.npy --perplexity 5 --metric chebychev
expect "initial map of another size" 4 - "^ptsne: new.csv: 50 x 6 numbers, but the map has 200 x 2$" ptsne embed x.csv -o no.npy --init new.csv --perplexity 5
expect "no such initial map" 1 - "^ptsne: pcs: " ptsne embed x.csv -o no.npy --init pcs --perplexity 5
expect "NaN in the data" 4 - "^ptsne: nan.csv:8: column 1" ptsne embed nan.csv -o no.npy
expect "missing file" 1 - "^ptsne: nothing.npy: " ptsne embed nothing.npy -o no.npy
expect "full disk" 1 - "/dev/full: cannot be written: No space" ptsne embed x.csv -o /dev/full --to csv "${brief[@]}"
expect "resume to standard output" 2 - "--resume with -o - needs the --state" ptsne embed x.csv -o - --resume
holds "nothing was written" bash -c '! ls no.npy* 2>/dev/null'

expect "new points" 0 - "^placed.csv: 50 points placed on map.npy" ptsne embed --add map.npy --reference x.csv new.csv -o placed.csv --json placed.json
holds "a row each, and a header" test "$(wc -l <placed.csv)" = 51
holds "where points of their kind are" bash -c 'ptsne metrics --data x.csv --embedding map.npy --test-data new.csv --test-embedding placed.csv | grep -qE "^1-NN error: +0\.00 %"'
expect "new points, every option" 0 - . ptsne embed --add map.npy --reference x.csv new.csv -o placed2.npy --perplexity 10 --n-neighbors 20 --pca 3 --method exact --dof 0.8 --phases 20:2,20:1 --learning-rate 0.2 --momentum 0.5 --max-step 0.5 --seed 3
expect "new points without a reference" 2 - "--add needs --reference FILE" ptsne embed --add map.npy new.csv -o no.npy
expect "a reference alone" 2 - "--reference has an effect with --add only" ptsne embed x.csv --reference x.csv -o no.npy
expect "an option of maps" 2 - "--init has no effect with --add: new points start at" ptsne embed --add map.npy --reference x.csv new.csv -o no.npy --init random
expect "a map of other data" 4 - "map.npy: 200 points, but new.csv has 50 rows" ptsne embed --add map.npy --reference new.csv x.csv -o no.npy
expect "new points of other columns" 4 - "placed.csv: rows of 2 columns, but x.csv has 6" ptsne embed --add map.npy --reference x.csv placed.csv -o no.npy
expect "from standard input" 4 - "^ptsne: standard input: rows of 2 columns, but x.csv has 6$" bash -c "ptsne embed --add map.npy --reference x.csv - -o no.npy <placed.csv"
expect "several perplexities" 2 - "--add takes one --perplexity" ptsne embed --add map.npy --reference x.csv new.csv -o no.npy --perplexity 5,10
holds "nothing was written" bash -c '! ls no.npy* 2>/dev/null'

# What help says of defaults is what is used, here and with --add.
ptsne embed --help | tr -s ' \n' ' ' >help.txt
shown() { grep -oE -- " --$1 [^[]*\[[^]]*\]" help.txt | head -n 1 | sed 's/.*\[\(.*\)\]$/\1/'; }
spelled=() added=()
for option in dims perplexity affinities init dof seed metric pca search recall early-exaggeration early-iterations exaggeration \
    iterations momentum max-step tolerance method spacing; do
    said=$(shown $option | sed 's/; --dims.*//')
    spelled+=("--$option" "${said%%; --add: *}")
done
for option in perplexity pca exaggeration iterations learning-rate momentum max-step dof spacing seed; do
    said=$(shown $option | sed 's/; --dims.*//')
    added+=("--$option" "${said##*; --add: }")
done
expect "defaults" 0 - . ptsne embed x.csv -o plain.npy
expect "defaults, spelled" 0 - . ptsne embed x.csv -o spelled.npy "${spelled[@]}"
holds "the same map" cmp -s plain.npy spelled.npy
expect "defaults of --add" 0 - . ptsne embed --add plain.npy --reference x.csv new.csv -o added.npy
expect "defaults of --add, spelled" 0 - . ptsne embed --add plain.npy --reference x.csv new.csv -o added2.npy "${added[@]}"
holds "the same places" cmp -s added.npy added2.npy

# ---- transform ----

expect "transform" 0 - - ptsne transform map.st new.csv -o new.npy
expect "transform to CSV" 0 - - ptsne transform map.st new.csv -o map.csv
holds "a row each, and a header" test "$(wc -l <map.csv)" = 51
holds "x and y" grep -q "^x,y$" map.csv
expect "existing output" 2 - "new.npy: exists already" ptsne transform map.st new.csv -o new.npy
expect "output is the model" 2 - "map.st: named twice" ptsne transform map.st new.csv -o map.st -f
expect "to standard output, rows unknown: CSV" 0 "^x,y$" - ptsne transform map.st new.csv -o -
holds "as to the file" cmp -s out map.csv
expect "npy in, npy out" 0 "NUMPY" - bash -c 'ptsne fit new.npy -o two.st --mode edges -q --net 4 --epochs 1 --neighbors 3 --pca 0 --batch-size 16 && ptsne transform two.st new.npy -o -'
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
# ---- networks for images ----

image_net="conv 3 2x2, bn, relu, dense 5, tanh"
expect "a convolutional fit" 0 - "6 -> conv 3 2x2, bn, relu, dense 5, tanh -> 2" ptsne fit x.csv -o image.st --mode edges --net "$image_net" --input 2x3x1 --epochs 1 --neighbors 3 --pca 0 --batch-size 16
expect "and its model" 0 "image.st: 2x3x1 -> 2, 4 layers" - ptsne info image.st
expect "with the norm folded" 0 "^  conv1 +convolution 2x2, relu +1x2x3 +15$" - ptsne info image.st
expect "transform of images" 0 "^x,y$" - ptsne transform image.st new.csv -o -
expect "no images" 2 - "needs an image, but has 6 columns" ptsne fit x.csv -o no.st --net "$image_net"
expect "images of another size" 2 - "3 x 3 x 1" ptsne fit x.csv -o no.st --net "$image_net" --input 3x3x1
expect "no shape" 2 - "--input 3by2: not HEIGHTxWIDTHxCHANNELS" ptsne fit x.csv -o no.st --net "$image_net" --input 3by2
expect "no layer" 2 - '"flatten" is no layer: there are N, dense N, conv' ptsne fit x.csv -o no.st --net "5, flatten"

# ---- info and features ----

expect "info" 0 "two.st: 2 -> 2, 2 layers, 22 parameters" - ptsne info two.st
expect "info lists layers" 0 "^  dense1 +dense, relu +4 +12$" - ptsne info two.st
expect "info says how" 0 "^  epochs +1$" - ptsne info two.st
expect "info for machines" 0 '"parameters": 22' - ptsne info two.st --json -
expect "info of no model" 4 - "^ptsne: x.csv: not a safetensors file" ptsne info x.csv
expect "features" 0 "^dense1_1,dense1_2,dense1_3,dense1_4$" - ptsne features two.st new.npy --layer dense1 -o - --to csv
expect "features of the last layer" 0 - - bash -c 'ptsne features two.st new.npy --layer dense2 -o last.npy && cmp last.npy a.npy'
expect "no such layer" 2 - '^ptsne: two.st: there is no layer "conv1": there are dense1, dense2$' ptsne features two.st new.npy --layer conv1 -o no.npy
expect "features of which layer?" 2 - "--layer" ptsne features two.st new.npy -o no.npy

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

# ---- cluster ----

cut -d, -f1-6 x.csv >plain.csv
expect "cluster" 0 - "^ +4 +[0-9.]+ +0\\.[0-9]{4} +50 +50 " ptsne cluster x.csv -k 4 -o cl-groups.npy --centers cl-centers.csv --json cl-c.json
holds "no other k is compared" bash -c '! grep -q "^\\*" err'
holds "a centre a cluster" test "$(wc -l <cl-centers.csv)" = 5
holds "the report has the figures" bash -c 'grep -q "\"best_k\": 4" cl-c.json && grep -qE "\"silhouette\": 0\\.[0-9]+" cl-c.json && grep -q "\"converged\": true" cl-c.json'
expect "several k" 0 - "^\\* +4 " ptsne cluster x.csv -k 2,4,7 -o cl-many.csv --silhouette cl-s.csv --restarts 3
holds "a column for each" test "$(head -n 1 cl-many.csv) $(head -n 1 cl-s.csv) $(wc -l <cl-many.csv)" = "k2,k4,k7 k2,k4,k7 201"
holds "labels are whole numbers" bash -c 'tail -n +2 cl-many.csv | grep -qvE "^[0-9]+,[0-3],[0-6]$" && exit 1 || exit 0'
holds "silhouettes of four groups" awk -F, 'NR > 1 && $2 < 0.5 { bad = 1 } END { exit bad }' cl-s.csv
expect "the clusters are the kinds" 0 "^10-NN error: +0\\.00 %" - ptsne metrics --data plain.csv --embedding plain.csv --labels cl-groups.npy
expect "a column of labels" 0 "^1-NN error: +0\\.00 %" - ptsne metrics --data plain.csv --embedding plain.csv --labels <(cut -d, -f2 cl-many.csv)
expect "one thread" 0 - . ptsne cluster x.csv -k 2,4,7 -o cl-again.csv --restarts 3 --threads 1
holds "the same bits" cmp -s cl-many.csv cl-again.csv
expect "cosine to standard output" 0 "^k3$" "standard output: clusters of 200 rows, cosine" ptsne cluster x.csv -k 3 --metric cosine -o - --to csv
expect "one cluster has no silhouette" 0 - "^ +1 +[0-9.]+ +- +200 +200 " ptsne cluster x.csv -k 1 -o c1.npy
expect "no score" 0 - "^ +4 +[0-9.]+ +- " ptsne cluster x.csv -k 4 -o c2.npy --score never
expect "cluster, quiet" 0 '"silhouette": null' - ptsne cluster x.csv -k 4 -o c3.npy --score never --quiet --json -
expect "it exists" 2 - "cl-groups.npy: exists already" ptsne cluster x.csv -k 4 -o cl-groups.npy
expect "cluster without -k" 2 - "^ptsne: -k LIST is missing" ptsne cluster x.csv -o g.npy
expect "half a cluster" 2 - "-k: 2\\.5 is not a whole number" ptsne cluster x.csv -k 2.5 -o g.npy
expect "twice the same k" 2 - "-k: 4 is there twice" ptsne cluster x.csv -k 4,4 -o g.npy
expect "centres of several k" 2 - "--centers takes one -k, not 2" ptsne cluster x.csv -k 2,4 -o g.npy --centers g2.npy
expect "two outputs, one name" 2 - "g.npy: named twice" ptsne cluster x.csv -k 4 -o g.npy --silhouette g.npy
expect "two on standard output" 2 - "-o - and --json - both go to standard output" ptsne cluster x.csv -k 4 -o - --json -
expect "silhouettes that are not computed" 2 - "--silhouette has no effect with --score never" ptsne cluster x.csv -k 4 -o g.npy --silhouette s2.npy --score never
expect "more clusters than rows" 2 - "^ptsne: x.csv: 201 clusters of 200 rows: k is at most 200$" ptsne cluster x.csv -k 3,201 -o g.npy
(head -n 6 x.csv; tail -n +2 x.csv | head -n 5) >cl-twice.csv
expect "more clusters than different rows" 2 - "^ptsne: cl-twice.csv: 6 clusters of 10 rows, of which 5 have different values: k is at most 5$" ptsne cluster cl-twice.csv -k 6 -o g.npy
expect "cluster: not a number" 4 - "nan.csv" ptsne cluster nan.csv -k 4 -o g.npy
holds "nothing was written" test ! -e g.npy

# ---- metrics ----

expect "metrics" 0 "^1-NN error: +[0-9.]+ %$" - ptsne metrics --data new.csv --embedding map.csv
holds "trustworthiness" grep -qE "^trustworthiness \(12\): +0\.[0-9]{4}$" out
expect "metrics without labels" 0 "^trustworthiness" - ptsne metrics -q --data new.csv --embedding map.csv --label-column=
holds "no error then" bash -c '! grep -q "NN error" out'
cut -d, -f7 new.csv | tail -n +2 >labels.txt
expect "labels from a file" 0 "^10-NN error" - ptsne metrics --data new.csv --embedding map.csv --labels labels.txt --json m.json
holds "the report has the figures" grep -qE '"trustworthiness_12": 0\.' m.json
expect "report to standard output" 0 '"kl_30"' - ptsne metrics -q --data new.csv --embedding map.csv --json -
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

# The same of embed: interrupt MAP SIGNAL begins a long run and sends the signal once its first state is there.
slow=(--perplexity 10 --early-iterations 100 --iterations 1500 --tolerance 0 --checkpoint 0.0002)
interrupt()
{
    local pid tries=0
    set -m
    ptsne embed x.csv -o "$1" "${slow[@]}" --snapshots "$1.film" --every 100 >out 2>err &
    pid=$!
    while [ ! -e "$1.state" ] && [ $tries -lt 600 ]; do
        sleep 0.02
        tries=$((tries + 1))
    done
    kill -"$2" $pid
    { wait $pid; } 2>/dev/null # no word on a job that was killed
    code=$?
    set +m
}
expect "embed uninterrupted" 0 - . ptsne embed x.csv -o slow.npy "${slow[@]}" --snapshots slow.film --every 100
holds "its film" shape slow.film "17, 200, 2"
interrupt cut.npy INT
holds "embed: code 130" test "$code" = 130
holds "embed: says what was saved" grep -q "^ptsne: stopped after [0-9]* of 1600 iterations; the map so far is in cut.npy, its state in cut.npy.state$" err
holds "embed: the map so far" shape cut.npy "200, 2"
resume=$(sed -n '/^To go on:$/{n;p}' err)
expect "embed: anew without -f" 2 - "an unfinished embed \(--resume goes on with it, -f begins anew\)" ptsne embed x.csv -o cut.npy "${slow[@]}"
expect "embed: the command works" 0 - "1600 iterations" bash -c "$resume"
holds "embed: the same bits" cmp -s cut.npy slow.npy
holds "embed: the same film" cmp -s cut.npy.film slow.film
holds "embed: no state is left" test ! -e cut.npy.state
interrupt killed.npy KILL
holds "embed: killed" test "$code" = 137
expect "embed: resume after a kill" 0 - . ptsne embed x.csv -o killed.npy "${slow[@]}" --resume
holds "embed: the same bits after a kill" cmp -s killed.npy slow.npy
interrupt other.npy KILL
expect "embed: resume with other options" 2 - "other.npy.state: .*momentum" ptsne embed x.csv -o other.npy "${slow[@]}" --momentum 0.5 --resume
expect "embed: resume with another seed" 2 - "^ptsne: other.npy.state: .*seed" ptsne embed x.csv -o other.npy "${slow[@]}" --seed 5 --resume
expect "embed: anew over an old state" 0 - . ptsne embed x.csv -o other.npy "${brief[@]}" -f
holds "embed: it is as if it were new" cmp -s other.npy map.npy
expect "embed: resume what is done" 2 - "slow.npy is there, but slow.npy.state is not" ptsne embed x.csv -o slow.npy "${slow[@]}" --resume

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
