#!/bin/bash
# Builds Lua 5.4.4, from the source of Debian's package and without changes, as guests: target/lua.elf and luac.elf.
#   build.sh [--native]   also for this machine, by the same compiler with the same options: target/lua-native
# Needs guest/setup.sh and make.
source "$(dirname "$0")/../common.sh"
use_sdk
source=$(unpack l/lua5.4/lua5.4_5.4.4.orig.tar.gz 164c7849653b80ae67bec4b7473b884bf5cc8d2dca05653475ec2ed27b9ebf61 lua-5.4.4)
make --silent -C "$source/src" -j"$(nproc)" posix "${build[@]}" "AR=llvm-ar-19 rc"
for program in lua luac; do
    cp "$source/src/$program" "$target/$program.elf"
done
if [ "${1-}" = --native ]; then
    make --silent -C "$source/src" clean
    make --silent -C "$source/src" -j"$(nproc)" posix CC=clang-19 "AR=llvm-ar-19 rc" RANLIB=llvm-ranlib-19
    cp "$source/src/lua" "$target/lua-native"
fi
echo "$target/lua.elf"
