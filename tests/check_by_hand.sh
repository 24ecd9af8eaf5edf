#!/bin/sh
# Compiles and runs the consumers without CMake, against the installation in a prefix:
#   check_by_hand.sh pkg_config|by_hand prefix openblas|none work-folder cc [flags ...]
# pkg_config asks plain `pkg-config --cflags --libs ffn`; by_hand writes the libraries out.
set -eu
way=$1 prefix=$2 blas=$3 work=$4
shift 4
here=$(cd "$(dirname "$0")" && pwd)
pkg_config=${PKG_CONFIG:-pkg-config}
pc=$(find "$prefix" -name ffn.pc)
libraries=$(cd "$(dirname "$pc")/.." && pwd)

if [ "$way" = pkg_config ]; then
    PKG_CONFIG_PATH=$(dirname "$pc"):${PKG_CONFIG_PATH:-}
    export PKG_CONFIG_PATH
    flags=$($pkg_config --cflags --libs ffn)
else
    flags="-I$prefix/include -L$libraries -lffn"
    [ "$blas" = none ] || flags="$flags -lopenblas"
    flags="$flags -lpthread -lm"
fi

mkdir -p "$work"
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
for program in quickstart by_hand; do
    echo "$* $program.c $flags"
    # shellcheck disable=SC2086 # flags are words
    "$@" "$here/consumer/$program.c" -o "$work/$program" $flags
    "$work/$program"
done
