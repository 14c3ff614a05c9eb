#!/bin/bash
# Builds the C and C++ SDK of 64-bit guests: musl with the calls of PVM, the compiler's run-time functions, start and allocation.
#   sdk.sh [--libcxx] [DIRECTORY]   builds it there, unless it is there already [default: $XDG_CACHE_HOME or ~/.cache, pvm/c-KEY]
#                                   and prints the directory: include/, lib/, bin/pvm-cc, bin/pvm-c++
#                                   --libcxx: with the standard library of C++, which stays and is used from then on
# Needs setup.sh. The source of musl comes from Debian and is checked against the sum below (fetch.sh). KEY is a hash of all that goes in, so that a changed SDK is built anew.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")"
here=$PWD

musl=musl-1.2.3
musl_sum=7d5b0b6062521e4627e099e4c9dc8248d32a30285e959b7eecaa780cf8cfd4a4
target=(--target=riscv64-unknown-none-elf -march=rv64emac_zbb_xtheadcondmov -mabi=lp64e -fpic -fPIE)
flags=("${target[@]}" -O2 -ffunction-sections -fdata-sections -fno-stack-protector)

fail() {
    echo "sdk.sh: $1" >&2
    exit 1
}

for tool in clang-19 ld.lld-19 llvm-ar-19 llvm-ranlib-19 /usr/bin/cargo /usr/bin/rustc make; do
    command -v "$tool" >/dev/null || fail "$tool is missing; run guest/setup.sh first"
done

libcxx=""
if [ "${1-}" = --libcxx ]; then
    libcxx=yes
    shift
fi

key=$({ find include musl src cc rt sdk.sh ../targets/riscv64emac-unknown-none-polkavm.json -type f | sort | xargs sha256sum
    clang-19 --version; /usr/bin/rustc --version; } | sha256sum | cut -c1-16)
sdk=${1-${XDG_CACHE_HOME:-$HOME/.cache}/pvm/c-$key}
finish() {
    [ -z "$libcxx" ] || ./libcxx.sh "$sdk" "$key-$(sha256sum libcxx.sh | cut -c1-16)"
    echo "$sdk"
}
if [ "$(cat "$sdk/key" 2>/dev/null)" = "$key" ]; then
    finish
    exit 0
fi

mkdir -p "$(dirname "$sdk")"
work=$(mktemp -d "$(dirname "$sdk")/building.XXXXXX")
trap 'rm -rf "$work"' EXIT

archive=$work/musl.tar.gz
../fetch.sh m/musl/musl_1.2.3.orig.tar.gz "$musl_sum" "$archive"

echo "sdk.sh: building musl and run-time functions (about a minute)" >&2
tar -xf "$archive" -C "$work"
cp -r musl/. "$work/$musl"
# Assembly for other registers and for system calls, and what src/syscalls.c has instead: there are no threads or signals.
(
    cd "$work/$musl"
    rm -r src/signal/riscv64 src/thread/riscv64 src/ldso/riscv64
    rm src/thread/{__set_thread_area,__unmapself,clone,syscall_cp}.c src/signal/restore.c
)
(
    cd "$work/$musl"
    CC=clang-19 CFLAGS="${flags[*]} -g0 -w -ffile-prefix-map=$work=sdk" AR=llvm-ar-19 RANLIB=llvm-ranlib-19 LIBCC=" " \
        ./configure --target=riscv64 --disable-shared --disable-wrapper --prefix="$work/sdk" >/dev/null
    make -s -j"$(nproc)" lib/libc.a >/dev/null
    make -s install-headers >/dev/null
)
mkdir -p "$work/sdk/lib" "$work/sdk/bin"
cp "$work/$musl/lib/libc.a" "$work/sdk/lib/"
# Programs ask for them; all is in libc.a.
for library in m pthread rt dl util; do
    llvm-ar-19 rc "$work/sdk/lib/lib$library.a"
done
cp include/*.h "$work/sdk/include/"

# Soft floating point, 128-bit arithmetic, memcpy and its like: those of Rust.
CARGO_TARGET_DIR=$work/rt env -u RUSTFLAGS -u RUSTC_WRAPPER -u RUSTUP_TOOLCHAIN RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
    /usr/bin/cargo build --quiet --release --manifest-path rt/Cargo.toml -Zbuild-std=core -Zjson-target-spec \
    --target ../targets/riscv64emac-unknown-none-polkavm.json
cp "$work/rt/riscv64emac-unknown-none-polkavm/release/libpvm_builtins.a" "$work/sdk/lib/libbuiltins.a"

compile() { # source compiler flags...
    local source=$1
    shift
    "$@" "${flags[@]}" -g0 -Wall -Wextra -Wno-unused-parameter -Werror "-ffile-prefix-map=$here=sdk" -nostdinc \
        -isystem "$work/sdk/include" -isystem "$(clang-19 -print-resource-dir)/include" -c "src/$source" -o "$work/$source.o"
}
compile start.c clang-19 -std=gnu17 -ffreestanding
compile memory.c clang-19 -std=gnu17 -ffreestanding -fno-builtin
compile files.c clang-19 -std=gnu17 -D_GNU_SOURCE
compile syscalls.c clang-19 -std=gnu17 -D_GNU_SOURCE
compile new.cc clang++-19 -std=c++17 -fno-exceptions -fno-rtti -nostdinc++
cp "$work/start.c.o" "$work/sdk/lib/crt1.o"
llvm-ar-19 rcs "$work/sdk/lib/libpvm.a" "$work/memory.c.o" "$work/files.c.o" "$work/syscalls.c.o"
llvm-ar-19 rcs "$work/sdk/lib/libc++new.a" "$work/new.cc.o"

cp cc "$work/sdk/bin/pvm-cc"
ln -s pvm-cc "$work/sdk/bin/pvm-c++"
echo "$key" >"$work/sdk/key"
rm -rf "$sdk"
mv "$work/sdk" "$sdk"
finish
