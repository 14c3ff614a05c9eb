#!/bin/bash
# Adds the standard library of C++ to the C SDK: LLVM's libc++ 19 and what it needs of libc++abi, for guests without exceptions and threads.
#   libcxx.sh SDK [KEY]   SDK is what sdk.sh made, which runs this for `--libcxx`; KEY says whether it is there already
# The source is that of Debian's clang-19 (164 MB), checked against the sum below. Random devices are left out: a guest has none.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")"
sdk=$1 key=${2-}

version=19.1.7
sum=ae498f3bc58ae2d9f64ef5f0c035c4240152bf015a5b7738b15c22e93bdc97ce
marker=$sdk/include/c++/key
if [ -n "$key" ] && [ "$(cat "$marker" 2>/dev/null)" = "$key" ]; then
    exit 0
fi

command -v xz >/dev/null || { echo "libcxx.sh: xz is missing: the package xz-utils" >&2; exit 1; }
work=$(mktemp -d "$(dirname "$sdk")/building.XXXXXX")
trap 'rm -rf "$work"' EXIT
archive=$work/llvm.tar.xz
../fetch.sh "l/llvm-toolchain-19/llvm-toolchain-19_$version.orig.tar.xz" "$sum" "$archive"
echo "libcxx.sh: building the standard library of C++ (about a minute)" >&2
tar -xf "$archive" -C "$work" --strip-components=1 --wildcards '*/libcxx/include' '*/libcxx/src' '*/libcxx/vendor/llvm' \
    '*/libcxx/LICENSE.TXT' '*/libcxxabi/include' '*/libcxxabi/src'
rm "$archive"

headers=$work/made/v1
mkdir -p "$headers" "$work/objects"
cp -r "$work"/libcxx/include/. "$work"/libcxxabi/include/*.h "$headers"
rm -f "$headers"/CMakeLists.txt "$headers"/*.in
cp "$work/libcxx/vendor/llvm/default_assertion_handler.in" "$headers/__assertion_handler"
# What its own build would find out. Hardening mode 2 is none: a program asks for another by -D_LIBCPP_HARDENING_MODE=.
cat >"$headers/__config_site" <<'END'
#pragma once
#define _LIBCPP_ABI_VERSION 1
#define _LIBCPP_ABI_NAMESPACE __1
#define _LIBCPP_HARDENING_MODE_DEFAULT 2
#define _LIBCPP_PSTL_BACKEND_SERIAL
#define _LIBCPP_HAS_MUSL_LIBC
#define _LIBCPP_HAS_NO_THREADS
#define _LIBCPP_HAS_NO_RANDOM_DEVICE
#define _LIBCPP_HAS_NO_STD_MODULES
#define _LIBCPP_HAS_NO_TIME_ZONE_DATABASE
#define _LIBCPP_HAS_NO_VENDOR_AVAILABILITY_ANNOTATIONS
#define _LIBCPP_DISABLE_VISIBILITY_ANNOTATIONS
END

# `new`, guards of statics and what is called for pure virtual functions are in src/new.cc.
(
    cd "$work"
    find libcxx/src -maxdepth 1 -name '*.cpp'
    find libcxx/src/filesystem libcxx/src/ryu -name '*.cpp'
) | grep -vE '/(atomic|barrier|condition_variable.*|future|mutex.*|shared_mutex|thread|random|new|int128_builtins)\.cpp$' >"$work/sources"
for source in abort_message cxa_aux_runtime cxa_default_handlers cxa_handlers cxa_noexception cxa_vector \
    private_typeinfo stdlib_exception stdlib_stdexcept stdlib_typeinfo; do
    echo "libcxxabi/src/$source.cpp" >>"$work/sources"
done
flags=(-std=c++23 -O2 -g0 -w "-ffile-prefix-map=$work=libcxx" -D_LIBCPP_BUILDING_LIBRARY -DLIBCXX_BUILDING_LIBCXXABI
    -D_LIBCXXABI_BUILDING_LIBRARY -D_LIBCXXABI_HAS_NO_THREADS -DLIBCXXABI_NON_DEMANGLING_TERMINATE -Ilibcxx/src -Ilibcxxabi/include)
(
    cd "$work"
    export PVM_LIBCXX=$headers
    xargs -P"$(nproc)" -I{} sh -c 'source=$1; shift; exec "$@" -c "$source" -o "objects/$(echo "$source" | tr / _).o"' \
        sh {} "$sdk/bin/pvm-c++" "${flags[@]}" <sources
)
llvm-ar-19 rcs "$work/libc++.a" "$work"/objects/*.o
cp "$work/libcxx/LICENSE.TXT" "$work/made/LICENCE"
echo "$key" >"$work/made/key"

rm -rf "$sdk/include/c++"
mv "$work/libc++.a" "$sdk/lib/"
mv "$work/made" "$sdk/include/c++"
