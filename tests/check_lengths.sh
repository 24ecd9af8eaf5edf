#!/bin/sh
# What can be read at one sitting: a function has at most 60 lines (90 in a kernel's source), a file 600. Relies on the
# layout of .clang-format, where a function's braces are the only ones in the first column after a line that ends in ")".
#   check_lengths.sh root | --self-test
set -eu

check()
{
    (cd "$1" && find src tests examples benchmarks -name '*.[ch]' -not -path 'tests/consumer/*' | sort | xargs awk '
    function wrong(line, sentence) { printf "%s:%d: %s\n", FILENAME, line, sentence; bad = 1 }
    function close_file() { if (last > 600) { printf "%s: %d lines, at most 600\n", name, last; bad = 1 } }
    FNR == 1 { close_file(); name = FILENAME; start = 0; files++; limit = FILENAME ~ /_kernels\.c$/ ? 90 : 60 }
    { last = FNR }
    /^[A-Za-z_].*\(/ && !start { first = FNR }
    /^\{/ { start = first }
    /^\}/ { if (start && FNR - start + 1 > limit) wrong(start, "a function of " FNR - start + 1 " lines, at most " limit); start = 0 }
    END { close_file(); if (!files) { print "no sources"; bad = 1 } exit bad }')
}

# make_function lines: prints a function of so many lines.
make_function()
{
    awk -v n="$1" 'BEGIN { print "int f(int a,\n      int b)\n{"; for (i = 4; i < n; i++) print "    a++;"; print "}" }'
}

if [ "$1" = --self-test ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir "$work/src" "$work/tests" "$work/examples" "$work/benchmarks"
    failed=0
    expect()
    {
        if check "$work" >"$work/output"; then result=pass; else result=fail; fi
        [ "$result" = "$1" ] || { echo "$2: expected $1, got $result"; cat "$work/output"; failed=1; }
        rm -f "$work"/src/*.[ch]
    }
    make_function 60 >"$work/src/a.c";                             expect pass '60 lines'
    make_function 61 >"$work/src/a.c";                             expect fail '61 lines'
    { make_function 9; make_function 61; } >"$work/src/a.c";            expect fail 'the second of two'
    make_function 90 >"$work/src/a_kernels.c";                     expect pass 'a kernel of 90'
    make_function 91 >"$work/src/a_kernels.c";                     expect fail 'a kernel of 91'
    yes 'int x;' | head -n 600 >"$work/src/a.h";              expect pass 'a file of 600'
    yes 'int x;' | head -n 601 >"$work/src/a.h"; : >"$work/src/b.h"; expect fail 'a file of 601'
    expect fail 'no files'
    exit $failed
fi
check "$1"
