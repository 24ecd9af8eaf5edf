#!/bin/sh
# Fractions are written by ffn__format alone, which keeps to a decimal point: snprintf is for text and whole numbers.
#   check_formats.sh source-directory | --self-test
set -eu

# The calls of snprintf in the sources, each on one line, that convert a floating-point number; and calls of the printf family
# with a format that is no literal, of which ffn__format's is the only one.
check()
{
    find "$1/src" -name '*.[ch]' -exec awk '
    { text = text " " $0 }
    /;[ \t]*(\/\*.*)?$/ {
        if (text ~ /[^a-z_]snprintf\(/) {
            call = text
            sub(/^.*[^a-z_]snprintf\(/, "", call)
            gsub(/%%/, "", call)
            if (call ~ /"[^"]*%[-+ #0]*[0-9*]*(\.[0-9*]*)?L?[aefgAEFG]/) print FILENAME ":" FNR ": snprintf writes a fraction"
            if (call !~ /"/) print FILENAME ":" FNR ": snprintf of an unknown format"
        }
        text = ""
    }
    FNR == 1 { text = $0 }' {} + >"${2:-/dev/stdout}"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ "$1" != --self-test ]; then
    check "$1" "$work/found"
    cat "$work/found"
    [ ! -s "$work/found" ]
    exit
fi
failed=0
# expect pass|fail line...
expect()
{
    result=$1
    shift
    mkdir -p "$work/src"
    printf '%s\n' "$@" >"$work/src/a.c"
    check "$work" "$work/found"
    if [ -s "$work/found" ]; then found=fail; else found=pass; fi
    [ "$found" = "$result" ] || { echo "$*: expected $result, got $found"; failed=1; }
}
expect pass 'int n = snprintf(s, 9, "%zu of %s", a, b);'
expect pass '(void)snprintf(s, 9, "%d%%e", a);'
expect pass 'n = ffn__format(s, 9, "%g", a);' 'ffn__text_add(t, "%.9g", x);'
expect fail 'int n = snprintf(s, 9, "%g", x);'
expect fail '(void)snprintf(s, 9, "%s is %-9.*f", a, n, x);'
expect fail '(void)snprintf(s, 9,' '    "%zu and %.3e", n,' '    x);'
expect fail '(void)snprintf(s, 9, format, x);'
exit $failed
