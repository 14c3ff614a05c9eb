#!/bin/bash
# Compresses and decompresses its own archive of source as a guest, linked at every level, on every engine: what it makes is what
# the native bzip2 makes. Needs build.sh, and bzip2.
source "$(dirname "$0")/../common.sh"
use_pvm
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
gzip -dc "$target"/bzip2_*.tar.gz >"$data/text"
truncate -s 1000000 "$data/text"
bzip2 -9 <"$data/text" >"$data/wanted.bz2"

roundtrip() { # program engine
    local run=("$pvm" run "$1" --engine "$2")
    "${run[@]}" -- -9 <"$data/text" | cmp - "$data/wanted.bz2" || return 1
    "${run[@]}" --dir "$data" -- -dc wanted.bz2 | cmp - "$data/text" || return 1
    # Files beside each other, as its users have it.
    cp "$data/text" "$data/copy"
    "${run[@]}" --dir-rw "$data" -- -9 copy || return 1
    [ ! -e "$data/copy" ] && cmp "$data/copy.bz2" "$data/wanted.bz2" || return 1
    "${run[@]}" --dir-rw "$data" -- -d copy.bz2 || return 1
    cmp "$data/copy" "$data/text" || return 1
    # What is damaged, it finds.
    head -c 5000 "$data/wanted.bz2" >"$data/cut.bz2"
    ! "${run[@]}" --dir "$data" -- -t cut.bz2 2>/dev/null
}
every_way "$target/bzip2.elf" roundtrip
echo "bzip2: 3 levels on 2 engines: ok"
