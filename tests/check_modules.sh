#!/bin/sh
# Who may know whom: reads the sources under <root>/src and fails on an #include that points the wrong way, and on a call
# that belongs to one module alone.
#   check_modules.sh root | --self-test
set -eu

check()
{
    (cd "$1" && find src -name '*.[ch]' | sort | xargs awk '
    BEGIN {
        # base <- tensor <- { activation, loss, metric, initializer, optimizer } <- kernel <- layer <- backprop <- data <- io <- train <- search
        rank["base"] = 1; rank["tensor"] = 2
        rank["activation"] = rank["loss"] = rank["metric"] = rank["initializer"] = rank["optimizer"] = 3
        rank["kernel"] = 4; rank["layer"] = 5; rank["backprop"] = 6; rank["data"] = 7; rank["io"] = 8; rank["train"] = 9; rank["search"] = 10
    }
    function wrong(sentence) { printf "%s:%d: %s\n", FILENAME, FNR, sentence; bad = 1 }
    # Is name called, or taken, as a function of its own, and not as a member or as part of a longer name?
    function uses(name) { return line ~ ("(^|[^A-Za-z0-9_.>])" name "[ ]*\\(") }
    function uses_any(names,    list, n, i) {
        n = split(names, list, " ")
        for (i = 1; i <= n; i++) if (uses(list[i])) return list[i]
        return ""
    }
    FNR == 1 {
        files++
        in_comment = 0
        file = substr(FILENAME, length("src/") + 1)
        module = file; sub("/.*", "", module)
        if (!(module in rank)) wrong("module " module " has no place in the order")
    }
    {
        line = $0
        if (in_comment) { if (!sub(/^.*\*\//, "", line)) next; in_comment = 0 }
        gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, " ", line)
        if (sub(/\/\*.*/, "", line)) in_comment = 1
        sub(/\/\/.*/, "", line)
    }
    line ~ /^[ ]*#[ ]*include[ ]*"/ {
        split(line, part, "\"")
        if (part[2] == "ffn.h") next
        other = part[2]
        if (!sub("/.*", "", other)) { wrong("\"" part[2] "\" is not written as module/file"); next }
        if (!(other in rank)) wrong("there is no module " other)
        else if (other != module && rank[other] >= rank[module]) wrong(module " must not know " other)
        next
    }
    line ~ /^[ ]*#[ ]*include[ ]*<.*cblas/ && file != "tensor/blas.c" { wrong("only tensor/blas.c knows the BLAS") }
    { gsub(/"([^"\\]|\\.)*"/, "\"\"", line) }
    file != "base/alloc.c" && (name = uses_any("malloc calloc realloc free aligned_alloc posix_memalign strdup")) != "" {
        wrong(name " is for base/alloc.c alone")
    }
    module != "data" && module != "io" && (name = uses_any("fopen open openat fdopen freopen")) != "" {
        wrong(name ": only data and io open files")
    }
    END { if (!files) { print "no sources"; bad = 1 } exit bad }')
}

# expect pass|fail what file line: a tree of the one file with that line must pass, or fail.
expect()
{
    rm -rf "$work/src"
    mkdir -p "$work/src/$(dirname "$3")"
    printf '%s\n' "$4" >"$work/src/$3"
    if check "$work" >"$work/output"; then result=pass; else result=fail; fi
    if [ "$result" != "$1" ]; then
        echo "$2: expected $1, got $result"
        cat "$work/output"
        failed=1
    fi
}

if [ "$1" = --self-test ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    failed=0
    expect pass 'an arrow to the left'      layer/dense.c         '#include "tensor/tensor.h"'
    expect pass 'a module its own header'   loss/loss.c           '#include "loss/loss.h"'
    expect fail 'an arrow to the right'     base/alloc.c          '#include "tensor/tensor.h"'
    expect fail 'a skip to the right'       tensor/tensor.c       '#  include "train/train.h"'
    expect fail 'one brace sees another'    loss/loss.c           '#include "activation/activation.h"'
    expect fail 'a header without module'   loss/loss.c           '#include "loss.h"'
    expect fail 'an unknown module'         utils/x.c             '#include "ffn.h"'
    expect pass 'the BLAS in its place'     tensor/blas.c         '#include <cblas.h>'
    expect fail 'the BLAS elsewhere'        kernel/dense_blas.c   '#include <cblas.h>'
    expect pass 'malloc in its place'       base/alloc.c          'p = malloc(1);'
    expect fail 'malloc elsewhere'          base/arena.c          'p = (malloc(1));'
    expect fail 'free elsewhere'            train/fit.c           'free(p);'
    expect pass 'a member called free'      train/fit.c           'hook.free(p); hook->free(p); ffn__free(p);'
    expect pass 'free in a comment'         train/fit.c           '/* free(p) */ x = 1; // free(p)'
    expect pass 'free in a string'          train/fit.c           'x = "free(p)";'
    expect pass 'a file opened in data'     data/csv.c            'f = fopen(path, "rb");'
    expect fail 'a file opened elsewhere'   train/history.c       'f = fopen(path, "w");'
    expect fail 'code behind a comment'     train/history.c       '/* a */ f = fopen(path, "w"); /* b'
    rm -rf "$work/src"; mkdir "$work/src"
    if check "$work" >/dev/null; then echo 'an empty tree passes'; failed=1; fi
    exit $failed
fi
check "$1"
