#!/bin/bash
# Builds zlib 1.2.13, from the source of Debian's package and without changes, with its own configure script: target/minigzip.elf, and
# its self check target/example.elf. Needs guest/setup.sh and make.
source "$(dirname "$0")/../common.sh"
use_sdk
source=$(unpack z/zlib/zlib_1.2.13.dfsg.orig.tar.bz2 71feb7947e3c00ef125f83b79a4e529bde31171e5babe48b391f06758d1ab0a1 zlib-1.2.13.dfsg)
cd "$source"
env CHOST=riscv64 "${build[@]}" AR=llvm-ar-19 CFLAGS="-O2 -w" ./configure --static >/dev/null
make --silent -j"$(nproc)" minigzip example
cp minigzip "$target/minigzip.elf"
cp example "$target/example.elf"
echo "$target/minigzip.elf"
