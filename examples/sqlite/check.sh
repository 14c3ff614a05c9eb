#!/bin/bash
# Runs check.sql as a guest, linked at every level, on every engine, on a database in memory and in a file, and compares with
# check.txt. A native sqlite3, where it is installed, has to find the file in order. Needs build.sh.
source "$(dirname "$0")/../common.sh"
use_pvm
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT

queries() { # program engine
    local run=("$pvm" run "$1" --engine "$2" --env HOME=/ --dir-rw "$data" --) database
    rm -f "$data/file.db"
    for database in :memory: /file.db; do
        "${run[@]}" -batch "$database" <"$here/check.sql" >"$target/found.txt" 2>&1 || return 1
        diff "$here/check.txt" "$target/found.txt" || return 1
    done
    "${run[@]}" -readonly /file.db 'select group_concat(name) from (select name from person order by id)' | grep -qx 'ADA,ALAN,Grace,Kurt,Emmy' || return 1
    ! command -v sqlite3 >/dev/null || [ "$(sqlite3 "$data/file.db" 'pragma integrity_check')" = ok ]
}
every_way "$target/sqlite3.elf" queries
echo "sqlite: 3 levels on 2 engines: ok"
