#!/bin/bash
# Runs every script of scripts/ and bench/ as a guest, linked at every level, on every engine, and compares what it prints with
# what is written down in NAME.txt; with the native lua5.4 too, where it is installed. Needs build.sh.
source "$(dirname "$0")/../common.sh"
use_pvm
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
mkdir "$data/tmp"
cp "$here"/scripts/* "$here"/bench/* "$data"

compare() { # script command...
    local script=$1
    shift
    "$@" "$script" </dev/null >"$target/found.txt" 2>&1 || fail "$script ends with $? by $*"
    diff "$data/${script%.lua}.txt" "$target/found.txt" || fail "$script prints something else by $*"
}

scripts() { # program engine
    local script
    for script in "$data"/*.lua; do
        compare "$(basename "$script")" "$pvm" run "$1" --engine "$2" --dir-rw "$data" --
    done
}

# What is typed at its prompt, a program from the standard input, bytecode, exit codes.
commands() { # program engine
    local run=("$pvm" run "$1" --engine "$2" --dir-rw "$data" --env NAME=value)
    local typed
    typed=$(printf 'x = 6\nx * 7\nfunction f()\nreturn "multi"\nend\nf()\nerror("oops", 0)\nx\n' | "${run[@]}" -- -i 2>&1 | tr -d '>' | sed 's/^ *//')
    [[ $typed == *$'\n42\n'*multi*oops*6* ]] || { echo "$typed"; return 1; }
    [ "$(echo 'print(#arg, ..., os.getenv("NAME"))' | "${run[@]}" -- - a b)" = $'2\ta\tvalue' ] || return 1
    [ "$("${run[@]}" -- -e 'io.write(io.read("n") + io.read("n"))' <<<"20 22")" = 42 ] || return 1
    local code=0
    "${run[@]}" -- -e 'os.exit(7)' || code=$?
    [ "$code" = 7 ] || return 1
    code=0
    "${run[@]}" -- -e 'error("x")' 2>/dev/null || code=$?
    [ "$code" = 1 ] || return 1
}

everything() {
    scripts "$@" && commands "$@"
}

if native=$(command -v lua5.4); then
    cd "$data"
    for script in *.lua; do
        compare "$script" "$native"
    done
    echo "lua: native"
fi
every_way "$target/lua.elf" everything
echo "lua: $(ls "$data"/*.lua | wc -l) scripts at 3 levels on 2 engines: ok"
