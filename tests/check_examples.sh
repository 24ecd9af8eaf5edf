#!/bin/sh
# Runs every example as a user would and looks at what it prints, writes and returns.
#   check_examples.sh DIRECTORY-OF-THE-PROGRAMS
set -u
[ $# -eq 1 ] && [ -x "$1/digits" ] || { echo "usage: $0 DIRECTORY-OF-THE-PROGRAMS" >&2; exit 2; }
bin=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work" || exit 1
LC_ALL=C
export LC_ALL
failures=0

fail() {
    echo "FAILED: $*" >&2
    sed 's/^/  | /' out err >&2
    failures=$((failures + 1))
}

# run STATUS PROGRAM [ARGUMENT]...: leaves what it printed in out and err.
run() {
    expected=$1
    name=$2
    shift 2
    called="$name $*"
    "$bin/$name" "$@" >out 2>err </dev/null
    status=$?
    [ "$status" -eq "$expected" ] || fail "$called: exit status $status, expected $expected"
    if [ "$expected" -eq 0 ]; then
        [ -s err ] && fail "$called: wrote to standard error"
    else
        [ -s err ] || fail "$called: no message on standard error"
    fi
}

# The number after a word in the output, and whether it is at least as large as another.
number_after() { sed -n "s/.*$1 \\([0-9.]*\\).*/\\1/p" out | tail -n 1; }
at_least() {
    value=$(number_after "$1")
    [ -n "$value" ] && awk "BEGIN { exit !($value >= $2) }" || fail "$called: $1 is '$value', expected at least $2"
}
expect() { grep -q -- "$1" out || fail "$called: did not print '$1'"; }
complains() { grep -q -- "$1" err || fail "$called: the message does not say '$1'"; }
lines() { [ "$(wc -l <"$1")" -eq "$2" ] || fail "$called: $(wc -l <"$1") lines in $1, expected $2"; }

is_svg() {
    if [ -f "$1" ]; then
        head -c 4 "$1" | grep -q '<svg' && tail -n 1 "$1" | grep -q '^</svg>$' || fail "$called: $1 is not an SVG"
        grep -q -i -E '[^a-z](nan|inf)[^a-z]' "$1" && fail "$called: $1 has coordinates that are not numbers"
        if command -v xmllint >/dev/null; then xmllint --noout "$1" || fail "$called: $1 is not well-formed"; fi
    else
        fail "$called: did not write $1"
    fi
}

# ---- the small ones --------------------------------------------------------------------------------------------------

run 0 xor
for row in '0 xor 0 = 0\.0' '0 xor 1 = \(0\.9\|1\.0\)' '1 xor 0 = \(0\.9\|1\.0\)' '1 xor 1 = 0\.0'; do expect "^$row"; done

run 0 regression curve.svg
at_least R2 0.9
is_svg curve.svg
grep -q stroke-dasharray curve.svg || fail "$called: the true curve is not dashed"
run 1 regression no/such/directory/curve.svg
complains 'no/such/directory/curve.svg'

run 0 iris
expect 'precision  recall      F1'
expect 'versicolor'
at_least 'test accuracy' 0.9
run 1 iris no-such.csv
complains 'no-such.csv'

run 0 manual_loop
at_least 'test accuracy' 0.95

run 0 learning_rate
expect 'the loss falls fastest near 0\.0'
is_svg learning-rate.svg
run 1 learning_rate nope
complains 'nope'

run 0 search log.csv
at_least 'accuracy' 0.95
at_least 'test accuracy' 0.95
lines log.csv 41
tail -n 3 out >first
head -n 20 log.csv >cut.csv
run 0 search cut.csv
tail -n 3 out >second
for file in first second; do awk '{ $4 = ""; print }' $file >$file.fixed; done # without the seconds
cmp -s first.fixed second.fixed || fail "$called: a search that goes on ends in another way"
printf 'trial\n1\n' >bad.csv
run 1 search bad.csv
complains 'bad.csv'

run 0 custom_layer
expect 'gradient check: [0-9]* elements right'
at_least 'accuracy after training:' 0.97

run 0 export
at_least 'the network: accuracy' 0.97
at_least 'of memory, accuracy' 0.96
for file in digits_float digits_int8; do
    grep -q "^void $file(const float \*in, float \*out);\$" $file.c || fail "$called: $file.c does not declare its function"
done
[ "$(wc -c <digits_int8.c)" -lt "$(wc -c <digits_float.c)" ] || fail "$called: 8 bits are not smaller"
run 1 export no-such.csv
complains 'no-such.csv'

# Interrupted twice, by Ctrl-C and by the end of the process, it ends as if it had not been.
run 0 resume whole.checkpoint whole.safetensors 600
expect 'epoch 600 of 600: loss'
for signal in INT KILL; do
    "$bin/resume" parts.checkpoint parts.safetensors 600 >out 2>err </dev/null &
    sleep 1
    kill -$signal $! 2>/dev/null
    wait $! || [ $signal = KILL ] || fail "resume: status $? after SIGINT"
done
run 0 resume parts.checkpoint parts.safetensors 600
cmp -s whole.safetensors parts.safetensors || fail 'resume: the interrupted training ended with another network'
run 0 resume whole.checkpoint again.safetensors 600
cmp -s whole.safetensors again.safetensors || fail 'resume: a finished training is not what it was'
printf 'nonsense' >bad.checkpoint
run 1 resume bad.checkpoint
complains 'safetensors'
for python in python3 /usr/bin/python3; do
    "$python" -c 'import numpy' 2>err || continue
    "$python" "$here/../examples/read_model.py" whole.safetensors >out 2>err || fail 'read_model.py: it failed'
    for line in 'dense1 dense' "dense2.weight (10, 64)" 'standardize1.offset (64,)'; do
        grep -q -F -- "$line" out || fail "read_model.py: did not print '$line'"
    done
    break
done

# None of them takes an option for a file.
for name in regression iris learning_rate resume search export; do
    run 0 $name --help
    expect "^Usage: $name "
    run 2 $name --no-such-option
    complains "'--no-such-option' is not an option"
    [ -e --help ] || [ -e --no-such-option ] && fail "$called: wrote a file of that name"
done

# ---- digits ----------------------------------------------------------------------------------------------------------

run 0 digits
tail -n 1 out | grep -q -E '^test accuracy [01]\.[0-9]{4} \([0-9]+ of [0-9]+\)$' || fail "digits: the last line is another"
at_least 'test accuracy' 0.97
[ "$(grep -c '^epoch [0-9]*/40: loss ' out)" -eq 40 ] || fail 'digits: not one plain line per epoch'
grep -q "$(printf '[\033\r]')" out && fail 'digits: control characters in a file'
expect 'confusion matrix'
expect 'read as'
lines digits-output/history.csv 41
head -n 1 digits-output/history.csv | grep -q '^epoch,loss,accuracy,' || fail 'digits: history.csv has no header'
is_svg digits-output/history.svg

run 0 digits --quiet --epochs 2 --threads 1 --output one
lines out 1
run 0 digits -q -e2 -t3 -O three
cut -d, -f1-6 one/history.csv >one.csv
cut -d, -f1-6 three/history.csv >three.csv
cmp -s one.csv three.csv || fail 'digits: the result depends on the number of threads'
run 0 digits --quiet --epochs 2 --seed 2 --output two
cmp -s one/history.csv two/history.csv && fail 'digits: the seed makes no difference'
run 0 digits --quiet --epochs 1 --batch-size 100000 --hidden 8 --activation tanh --optimizer momentum --learning-rate 0.5
run 0 digits --help
expect '--learning-rate'
run 0 digits --version
expect 'FFN [0-9]*\.[0-9]*\.[0-9]*'

# Each option refuses nonsense, says which and what it wants, prints nothing else and writes nothing.
while read -r option value; do
    run 2 digits "--$option=$value" --output refused
    complains "--$option is '$value'; expected"
    lines out 0
done <<END
epochs 0
epochs 1x
epochs -1
epochs 99999999999999999999999
batch-size 0
batch-size many
hidden 0
hidden 12,
hidden 12,,3
hidden 1,2,3,4,5,6,7,8,9
learning-rate 0
learning-rate -1
learning-rate nan
learning-rate inf
learning-rate 0.1x
seed -1
seed 18446744073709551616
threads -1
threads 1025
END
run 2 digits --epochs=
complains "--epochs is ''"
run 2 digits --activation relo
complains relo
run 2 digits --optimizer addam
complains addam
run 2 digits --no-such-option
run 2 digits --epochs
run 2 digits something
complains something
[ -e refused ] && fail 'digits: made its output directory for nothing'

# What goes wrong later ends with the library's sentence and status 1.
run 1 digits --data no-such.csv
complains no-such.csv
printf 'a,b,c\n1,2,0\n1,2,1\n2,3,0\n3,4,1\n' >small.csv
run 1 digits --data small.csv
complains 'small.csv: found 2 columns'
run 1 digits --epochs 1 --output small.csv
complains small.csv
run 1 digits --epochs 1 --output no/such/directory
complains no/such/directory
run 1 digits --quiet --optimizer sgd --learning-rate 1000
complains epoch
if [ -w /dev/full ]; then
    "$bin/digits" --epochs 1 >/dev/full 2>err
    [ $? -eq 1 ] || fail 'digits: a full disk under standard output goes unnoticed'
fi

[ "$failures" -eq 0 ] || { echo "$failures failures" >&2; exit 1; }
echo 'the examples do what they should'
