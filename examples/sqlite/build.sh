#!/bin/bash
# Builds SQLite 3.40.1, from the source of Debian's package and without changes, as a guest: target/sqlite3.elf. Its own makefile
# puts the source into one file, for which it wants a native compiler and tclsh. Needs guest/setup.sh, make and tcl.
source "$(dirname "$0")/../common.sh"
command -v tclsh >/dev/null || fail "tclsh is missing: the package tcl"
use_sdk
source=$(unpack s/sqlite3/sqlite3_3.40.1.orig.tar.xz aaa776260ab4dc976db34aa7891819484c8676b5b2783123ebc6301e2ca5d655 sqlite3-3.40.1)
cd "$source"
./configure --quiet --disable-shared --disable-tcl --disable-readline >/dev/null 2>&1
make --silent sqlite3.c shell.c >/dev/null
# There are neither threads nor libraries to load.
"$sdk/bin/pvm-cc" -O2 -w -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION sqlite3.c shell.c -lm -o "$target/sqlite3.elf"
echo "$target/sqlite3.elf"
