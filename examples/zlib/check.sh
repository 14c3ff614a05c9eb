#!/bin/bash
# Runs zlib's own self check as a guest, linked at every level, on every engine, and compares with gzip. Needs build.sh.
source "$(dirname "$0")/../common.sh"
use_pvm
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
bzip2 -dc "$target"/zlib_*.tar.bz2 >"$data/text"
truncate -s 1000000 "$data/text"
gzip -c "$data/text" >"$data/text.gz"

self_check() { # program engine
    "$pvm" run "$1" --engine "$2" --dir-rw "$data" | diff "$here/example.txt" -
}
roundtrip() { # program engine
    "$pvm" run "$1" --engine "$2" <"$data/text" | gzip -dc | cmp - "$data/text" || return 1
    "$pvm" run "$1" --engine "$2" --dir "$data" -- -d -c text.gz | cmp - "$data/text"
}
every_way "$target/example.elf" self_check
every_way "$target/minigzip.elf" roundtrip
echo "zlib: 3 levels on 2 engines: ok"
