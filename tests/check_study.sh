#!/bin/sh
# A slice of the activation study: its files, known relations among their numbers, and that it goes on where it was.
#   check_study.sh benchmark_activation_study
set -u
[ $# -eq 1 ] && [ -x "$1" ] || { echo "usage: $0 PROGRAM" >&2; exit 2; }
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work" || exit 1
LC_ALL=C
export LC_ALL
failures=0
fail() { echo "FAILED: $*" >&2; failures=$((failures + 1)); }

# run STATUS [ARGUMENT]...
run() {
    expected=$1
    shift
    "$program" "$@" >out 2>err </dev/null
    status=$?
    [ "$status" -eq "$expected" ] || { fail "$*: exit status $status, expected $expected"; cat out err >&2; }
}
slice() {
    folder=$1
    shift
    run 0 --output "$folder" --activations relu,sigmoid,prelu --layers 2 --depths 2,6 --rows 300 --epochs 2 \
        --tune-epochs 1 --depth-epochs 1 --rates 0.001,0.01 --seeds 2 "$@"
}

# column FILE NAME: its number.
column() { head -n 1 "$1" | tr , '\n' | grep -n -x "$2" | cut -d: -f1; }
# holds WHAT FILE CONDITION: an awk condition on every line that `when` selects; names of columns are $(name).
holds() {
    what=$1 file=$2 when=$3 condition=$4
    for name in $(echo "$when $condition" | grep -o '@[a-z_]*' | sort -u); do
        at=$(column "$file" "${name#@}")
        [ -n "$at" ] || { fail "$file has no column ${name#@}"; return; }
        when=$(echo "$when" | sed "s/$name\\b/\$$at/g")
        condition=$(echo "$condition" | sed "s/$name\\b/\$$at/g")
    done
    awk -F, "NR > 1 && ($when) { n++; if (!($condition)) bad++ } END { exit !(n > 0 && !bad) }" "$file" || fail "$what"
}

# ---- the files -------------------------------------------------------------------------------------------------------

slice whole
run_columns=run,data,rows,stage,activation,layers,units,optimizer,rate,batch,epochs,dropout,init,seed,epoch
scores=train_loss,train_accuracy,validation_loss,validation_accuracy,test_loss,test_accuracy
values=mean,variance,sum_square,gradient_variance,gain
theory=theory_mean,theory_variance,theory_sum_square,theory_gradient_variance,theory_gain
rest=weight_gradient,bias_gradient,dead,saturated,flat,zeros,slope
[ "$(head -n 1 whole/epochs.csv)" = "$run_columns,$scores,last" ] || fail 'the columns of epochs.csv'
[ "$(head -n 1 whole/layers.csv)" = "$run_columns,layer,$values,$theory,$rest" ] || fail 'the columns of layers.csv'
[ "$(head -n 1 whole/times.csv)" = "$run_columns,seconds" ] || fail 'the columns of times.csv'
# 2 depths of 1 epoch, 2 rates of 1 epoch, 2 seeds of 2 epochs, 3 activations; layers are measured once more.
[ "$(wc -l <whole/epochs.csv)" -eq $((1 + 3 * (2 + 2 + 4))) ] || fail 'the lines of epochs.csv'
[ "$(wc -l <whole/layers.csv)" -eq $((1 + 3 * (2 * (2 + 6) + 2 * 2 * 2 + 2 * 3 * 2))) ] || fail 'the lines of layers.csv'
grep -q '^PAIRS' whole/report.txt && grep -q '^GRADIENTS' whole/report.txt && grep -q '^prelu: slopes' whole/report.txt ||
    fail 'report.txt lacks a part'
for figure in functions start gradients-2 gradients-6 units learning speed; do
    tail -n 1 whole/$figure.svg | grep -q '^</svg>$' || fail "$figure.svg is not whole"
    grep -q -i -E '[^a-z](nan|inf)[^a-z]' whole/$figure.svg && fail "$figure.svg has coordinates that are not numbers"
done

# ---- relations -------------------------------------------------------------------------------------------------------

start='@epoch == 0 && @stage == "final" && @layer == 1'
same=$(awk -F, -v s="$(column whole/layers.csv sum_square)" -v e="$(column whole/layers.csv epoch)" \
    -v l="$(column whole/layers.csv layer)" '$4 == "final" && $14 == 1 && $e == 0 && $l == 1 { print $s }' \
    whole/layers.csv | sort -u | wc -l)
[ "$same" -eq 1 ] || fail "activations start from $same sets of weights"
holds 'sigmoids die' whole/layers.csv '@activation == "sigmoid"' '@dead == 0 && @zeros == 0'
holds 'a relu is 0 for about half' whole/layers.csv '@activation == "relu"' '@zeros > 0.2 && @zeros < 0.8'
holds 'a relu that is flat is 0' whole/layers.csv '@activation == "relu"' '@flat == @zeros && @dead == @saturated'
holds 'measured and predicted sums' whole/layers.csv "$start" \
    '@sum_square / @theory_sum_square > 0.7 && @sum_square / @theory_sum_square < 1.4'
holds 'measured and predicted gain' whole/layers.csv "$start" '@gain / @theory_gain > 0.6 && @gain / @theory_gain < 1.6'
holds 'theory is for the start' whole/layers.csv '@epoch > 0' '@theory_gain == "" && @gain > 0'
holds 'prelu starts at .25' whole/layers.csv '@activation == "prelu" && @epoch == 0' '@slope == 0.25'
holds 'prelu learns' whole/layers.csv '@activation == "prelu" && @epoch > 0' '@slope != 0.25 && @slope > 0'
holds 'only prelu has slopes' whole/layers.csv '@activation != "prelu"' '@slope == ""'
holds 'the gradient of sigmoids vanishes' whole/layers.csv \
    '@activation == "sigmoid" && @layers == 6 && @layer == 1 && @epoch == 0' '@weight_gradient < 0.01'
holds 'that of relu does not' whole/layers.csv \
    '@activation == "relu" && @layers == 6 && @layer == 1 && @epoch == 0' '@weight_gradient > 0.3'
holds 'scores' whole/epochs.csv 1 '@train_loss > 0 && @test_loss > 0 && @test_accuracy >= 0 && @test_accuracy <= 1'
holds 'relu learns' whole/epochs.csv '@activation == "relu" && @stage == "final" && @last == 1' '@test_accuracy > 0.3'
holds 'the chosen rate is one of those tried' whole/epochs.csv '@stage == "final"' '@rate == 0.001 || @rate == 0.01'

# ---- killed and started again ----------------------------------------------------------------------------------------

mkdir cut
head -n 11 whole/epochs.csv >cut/epochs.csv
printf '7,digits' >>cut/epochs.csv
head -n 70 whole/layers.csv >cut/layers.csv
head -n 11 whole/times.csv >cut/times.csv
slice cut --threads 2
cmp -s whole/epochs.csv cut/epochs.csv || fail 'epochs.csv is another after an interruption'
cmp -s whole/layers.csv cut/layers.csv || fail 'layers.csv is another after an interruption'
cut -d, -f1-15 whole/times.csv >one
cut -d, -f1-15 cut/times.csv | cmp -s - one || fail 'times.csv has other runs after an interruption'
cp whole/report.txt report.txt
slice whole
cmp -s whole/report.txt report.txt || fail 'a study that is only read reports something else'
slice cut --seeds 3
head -n "$(wc -l <whole/epochs.csv)" cut/epochs.csv | cmp -s - whole/epochs.csv || fail 'more seeds change what was there'
[ "$(wc -l <cut/epochs.csv)" -eq $((1 + 3 * (2 + 2 + 6))) ] || fail 'a third seed is not there'
cp cut/epochs.csv before.csv
run 1 --output cut --activations tanh --layers 2 --depths 2 --epochs 1
grep -q 'a study with other options' err || fail 'runs of another study are not refused by name'
cmp -s before.csv cut/epochs.csv || fail 'a refused study was changed'

# ---- the rest --------------------------------------------------------------------------------------------------------

run 0 --theory
[ "$(wc -l <out)" -eq 12 ] || fail '--theory prints another table'
run 0 --curves curves
[ -f curves/activation-gelu_tanh.svg ] && [ ! -e curves/activation-softmax.svg ] || fail '--curves draws other functions'
run 0 --help
for experiment in study gelu gelu-dropout nielsen fashion; do grep -q "^  $experiment " out || fail "no $experiment"; done
run 1 --activations softmax --output no
run 1 --activations nope --output no
run 1 --idx no-such-folder --output no
run 2 --experiment nope
run 2 --epochs 0
run 2 --rates 0.1,x
run 2 --depths 2,1000
run 2 extra
[ -e no ] && fail 'a mistake leaves a folder'

[ "$failures" -eq 0 ] || { echo "$failures failures" >&2; exit 1; }
echo 'the study does what it should'
