#!/bin/sh
# Compiles and runs programs without CMake, against the installation in a prefix:
#   check_by_hand.sh pkg_config|by_hand prefix openblas|none work-folder cc [flags ...]
# pkg_config asks plain `pkg-config --cflags --libs ffn`; by_hand writes the libraries out.
set -eu
way=$1 prefix=$2 blas=$3 work=$4
shift 4
here=$(cd "$(dirname "$0")" && pwd)
pkg_config=${PKG_CONFIG:-pkg-config}
mkdir -p "$work"
cd "$prefix" # and name everything from here, so that no folder with a space in its name comes in between
pc=$(find . -name ffn.pc)
libraries=$(dirname "$(dirname "$pc")")

if [ "$way" = pkg_config ]; then
    PKG_CONFIG_PATH=$(dirname "$pc"):${PKG_CONFIG_PATH:-}
    export PKG_CONFIG_PATH
    flags=$($pkg_config --cflags --libs ffn)
else
    flags="-Iinclude -L$libraries -lffn"
    [ "$blas" = none ] || flags="$flags -lopenblas"
    flags="$flags -lpthread -lm"
fi
LD_LIBRARY_PATH=$PWD/$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH

# run source program: compiles and runs it.
run()
{
    source=$1 program=$work/$2
    shift 2
    echo "$* $source $flags"
    # shellcheck disable=SC2086 # flags are words
    "$@" "$source" -o "$program" $flags
    "$program"
}
run "$here/consumer/quickstart.c" quickstart "$@"
run "$here/consumer/by_hand.c" by_hand "$@"

# The program in the README, as it stands there.
awk '/^```/ { inside = $0 == "```c"; next } inside' "$here/../README.md" >"$work/readme.c"
run "$work/readme.c" readme "$@" >"$work/readme.txt"
grep -q '^1 xor 0 = \(0\.9\|1\.0\)' "$work/readme.txt"
