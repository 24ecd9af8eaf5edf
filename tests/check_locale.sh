#!/bin/sh
# Runs programs where numbers have a decimal comma. If the system has no such locale, one is made in a folder of its own, from
# the sources that come with the C library; without these the answer is 77, for "left out".
#   check_locale.sh PROGRAM...
set -u
[ $# -ge 1 ] || { echo "usage: $0 PROGRAM..." >&2; exit 2; }
if ! locale -a 2>/dev/null | grep -Eiq '^de_DE\.utf-?8$'; then
    command -v localedef >/dev/null || { echo "no German locale, and no localedef to make it"; exit 77; }
    work=$(mktemp -d) || exit 1
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    localedef -i de_DE -f UTF-8 "$work/de_DE.UTF-8" >"$work/log" 2>&1
    [ -d "$work/de_DE.UTF-8" ] || { echo "no German locale, and it cannot be made:"; cat "$work/log"; exit 77; }
    LOCPATH=$work
    export LOCPATH
fi
failures=0
for program; do
    echo "$program"
    "$program" || failures=$((failures + 1))
done
exit $((failures > 0))
