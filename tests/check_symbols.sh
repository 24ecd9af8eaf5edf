#!/bin/sh
# What the library shows to the linker: only names of its own, no writable state but the documented, and no call that would
# print, end the process, or depend on the environment or the locale. A shared library of the same objects shows the public
# names alone.
#   check_symbols.sh nm cc library | --self-test nm cc
set -eu

# State of the process, each set once or guarded by a lock.
writable='
    hook             base/alloc.c    the allocator
    pool             base/threads.c  the threads
    worker           base/threads.c  the number of a thread
    blas_name        tensor/blas.c   what the BLAS calls itself, asked for once
    prepared         tensor/blas.c   the BLAS has been warmed up
    preparing        tensor/blas.c   the lock of that
    blas_named       tensor/blas.c
    ffn__isa_in_use  tensor/isa.c    the instruction set in use
'
forbidden='
    exit _exit _Exit quick_exit abort __assert_fail __assert raise kill
    printf vprintf puts putchar putc fputc fputs fprintf vfprintf dprintf vdprintf perror psignal
    __printf_chk __vprintf_chk __fprintf_chk __vfprintf_chk __dprintf_chk stdout stderr stdin
    rand srand rand_r random srandom drand48 time
    getenv secure_getenv setenv putenv setlocale localeconv
    strtof strtod strtold atof sscanf fscanf __isoc99_sscanf __isoc99_fscanf
    strtol strtoll strtoul strtoull atoi atol atoll __isoc23_strtol __isoc23_strtoul __isoc23_sscanf
    isalpha isdigit isalnum isspace isupper islower ispunct isprint tolower toupper
    __ctype_b_loc __ctype_tolower_loc __ctype_toupper_loc strcasecmp strncasecmp strcoll strxfrm
    strerror strerror_r __xpg_strerror_r strftime nl_langinfo mbstowcs mbrtowc wcstombs wcrtomb iswalpha towlower
'
# What depends on the locale but for the caller's care, and the only object that may call it: ffn__format, which is vsnprintf
# with the locale "C". snprintf is for text and whole numbers: check_formats.sh.
only='
    vsnprintf   status.c
    newlocale   status.c
    uselocale   status.c
    freelocale  status.c
'

check()
{
    case $2 in *.so* | *.dylib) dynamic=-D shown='^ffn_[^_]' ;; *) dynamic='' shown='^ffn_' ;; esac
    # The section tells constants with addresses in them (.data.rel.ro), which the loader fills in, from state.
    # shellcheck disable=SC2086 # no option, or one
    "$1" --format=sysv $dynamic "$2" | awk -F '|' -v writable="$writable" -v forbidden="$forbidden" \
        -v only="$only" -v shown="$shown" -v shared="$dynamic" '
    BEGIN {
        n = split(writable, list, "\n"); for (i = 1; i <= n; i++) { split(list[i], word, " "); may_write[word[1]] = 1 }
        n = split(only, list, "\n"); for (i = 1; i <= n; i++) { split(list[i], word, " "); owner[word[1]] = word[2] }
        n = split(forbidden, list, " "); for (i = 1; i <= n; i++) no[list[i]] = 1
    }
    function wrong(sentence) { print member sentence; bad = 1 }
    # GNU: Symbols from library[member]:   LLVM: Symbols from member:
    /^Symbols from / { member = $0; sub(/^Symbols from (.*\[)?/, "", member); sub(/(\]|:).*$/, ": ", member); next }
    NF < 7 { next }
    { name = $1; gsub(/ |@.*/, "", name); plain = name; sub(/\.[0-9]+$/, "", plain); type = $3; gsub(/ /, "", type) }
    type !~ /^[A-Za-z]$/ { next }
    { symbols++ }
    type ~ /^[Uw]$/ && name in owner && member && !shared && index(member, owner[name] ".") != 1 {
        wrong(name " is called, which only " owner[name] " may")
    }
    type ~ /^[Uw]$/ { if (name in no) wrong(name " is called"); next }
    name ~ /^(_init|_fini|_edata|_end|__bss_start)$/ { next } # in a shared library, of the linker
    type ~ /^[A-Z]$/ && name !~ shown { wrong(name " is visible (" type "), but not named " shown) }
    type ~ /^[BbDdCcGgSs]$/ && $7 !~ /\.data\.rel\.ro/ && !(plain in may_write) {
        wrong(name " is writable state (" type ") that is not documented")
    }
    END { if (!symbols) { print "no symbols"; bad = 1 } exit bad }'
}

# check_shared nm cc objects...: the same of a shared library made of these, which may be an archive.
check_shared()
{
    nm=$1 cc=$2
    shift 2
    "$cc" -shared -o "$work/all.so" -Wl,--whole-archive "$@" -Wl,--no-whole-archive
    check "$nm" "$work/all.so"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ "$1" = --self-test ]; then
    failed=0
    # expect pass|fail what code: an object file of the code must pass, or fail.
    expect()
    {
        printf '%s\n' "$3" >"$work/a.c"
        "$cc" -w -fPIC -c "$work/a.c" -o "$work/a.o"
        if check "$nm" "$work/a.o" >"$work/output"; then result=pass; else result=fail; fi
        [ "$result" = "$1" ] || { echo "$2: expected $1, got $result"; cat "$work/output"; failed=1; }
    }
    nm=$2 cc=$3
    expect pass 'a function of ours'     'int ffn_f(int a) { return a; }'
    expect pass 'a static function'      'static int f(int a) { return a; } int ffn_f(int a) { return f(a); }'
    expect pass 'a table'                'const int ffn__table[2] = {1, 2};'
    expect pass 'a table of addresses'   'int ffn_f(void); int (*const ffn__table[1])(void) = {ffn_f};'
    expect fail 'addresses that change'  'int ffn_f(void); int (*ffn__table[1])(void) = {ffn_f};'
    expect pass 'snprintf'               '#include <stdio.h>
int ffn_f(char *s, int a) { return snprintf(s, 9, "%d", a); }'
    expect fail 'a name without prefix'  'int f(int a) { return a; }'
    expect fail 'a writable global'      'int ffn__counter;'
    expect fail 'a writable static'      'static int n = 3; int ffn_f(void) { return n++; }'
    expect fail 'a static in a function' 'int ffn_f(void) { static int n; return n++; }'
    expect fail 'exit'                   'void exit(int); void ffn_f(void) { exit(1); }'
    expect fail 'printf'                 '#include <stdio.h>
void ffn_f(int a) { printf("%d", a); }'
    expect fail 'a print to stderr'      '#include <stdio.h>
void ffn_f(int a) { fprintf(stderr, "%d", a); }'
    expect fail 'assert'                 '#include <assert.h>
void ffn_f(int a) { assert(a); }'
    expect fail 'rand'                   'int rand(void); int ffn_f(void) { return rand(); }'
    expect fail 'strtod'                 'double strtod(const char *, char **); double ffn_f(char *s) { return strtod(s, 0); }'
    expect fail 'isalpha'                '#include <ctype.h>
int ffn_f(int c) { return isalpha(c); }'
    expect fail 'tolower'                '#include <ctype.h>
int ffn_f(int c) { return tolower(c); }'
    expect fail 'getenv'                 'char *getenv(char *); char *ffn_f(void) { return getenv("A"); }'
    for name in a status.c; do # of an archive, whose members have names
        printf '%s\n' '#include <stdio.h>' 'int ffn_f(char *s, va_list a) { return vsnprintf(s, 9, "%g", a); }' >"$work/a.c"
        "$cc" -w -include stdarg.h -c "$work/a.c" -o "$work/$name.o"
        rm -f "$work/a.a"
        ar rc "$work/a.a" "$work/$name.o"
        if check "$nm" "$work/a.a" >"$work/output"; then result=pass; else result=fail; fi
        case $name.$result in a.fail | status.c.pass) ;; *) echo "vsnprintf in $name: $result"; failed=1 ;; esac
    done
    # expect_shared pass|fail what code: of a shared library.
    expect_shared()
    {
        printf '%s\n' "$3" >"$work/a.c"
        "$cc" -w -fPIC -fvisibility=hidden -c "$work/a.c" -o "$work/a.o"
        if check_shared "$nm" "$cc" "$work/a.o" >"$work/output"; then result=pass; else result=fail; fi
        [ "$result" = "$1" ] || { echo "$2, shared: expected $1, got $result"; cat "$work/output"; failed=1; }
    }
    visible='__attribute__((visibility("default")))'
    expect_shared pass 'a public function'   "$visible int ffn_f(int a) { return a; }"
    expect_shared pass 'an internal one'     "int ffn__g(int a) { return a; } $visible int ffn_f(int a) { return a; }"
    expect_shared fail 'one that is visible' "$visible int ffn__g(int a) { return a; }"
    exit $failed
fi
check "$1" "$3"
case $3 in *.a) check_shared "$1" "$2" "$3" ;; esac
