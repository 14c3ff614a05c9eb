#!/bin/bash
# Builds every guest program into fixtures/ and writes fixtures/manifest.json (README.md says what is in it).
# The toolchain is the one of setup.sh. The same sources and toolchain give the same bytes, wherever the tree lies.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")"

guest=$PWD
export CARGO_TARGET_DIR=${GUEST_TARGET_DIR:-$guest/target}
fixtures=$guest/fixtures
staging=$CARGO_TARGET_DIR/fixtures
size_max=$((512 * 1024))

for tool in clang-19 ld.lld-19 wasm-ld-19 llvm-readelf-19 /usr/bin/cargo /usr/bin/rustc; do
    command -v "$tool" >/dev/null || { echo "build.sh: $tool is missing; run setup.sh first" >&2; exit 1; }
done

rm -rf "$staging"
mkdir -p "$staging"

# --- Rust ---------------------------------------------------------------------------------------------------------

# The compiler and the library source have to be one release, which only Debian's pair is: hence /usr/bin and not rustup.
clean_env() {
    env -u RUSTFLAGS -u CARGO_BUILD_RUSTC -u RUSTC_WRAPPER -u RUSTUP_TOOLCHAIN RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 "$@"
}

# Paths that tell where the tree, the crates and the library lie are replaced by names. Cargo takes the flags apart at
# the unit separator, so that a path may have spaces.
clean_env /usr/bin/cargo fetch --quiet --locked
flags=("--remap-path-prefix=$guest=guest")
for library in /usr/lib/rustlib/src/rust/library "$(realpath /usr/lib/rustlib/src/rust/library)"; do
    flags+=("--remap-path-prefix=$library=rust/library")
done
for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    flags+=("--remap-path-prefix=$registry=crates")
done

guest_cargo() { # target profile [cargo flags...]
    local target=$1 profile=$2
    shift 2
    CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f'; echo "${flags[*]}") clean_env \
        /usr/bin/cargo build --quiet --locked --bins --profile "$profile" --target "$target" \
        -Zbuild-std=core,alloc -Zjson-target-spec "$@"
}

workloads="blake2b ecrecover ed25519-verify fib keccak kitchen-sink nes sieve sort"
workloads_32="blake2b fib keccak kitchen-sink nes sieve sort"

guest_cargo targets/riscv64emac-unknown-none-polkavm.json release --package hello --package exit --package guests
for program in hello exit $workloads; do
    cp "$CARGO_TARGET_DIR/riscv64emac-unknown-none-polkavm/release/$program" "$staging/$program.elf"
done
# By itself: together with others, abi-rust would get the features of the SDK that they want.
for bits in 64 32; do
    suffix=""
    [ "$bits" = 64 ] || suffix=-32
    for program in sdk abi-rust; do
        guest_cargo "targets/riscv${bits}emac-unknown-none-polkavm.json" release --package "$program"
        cp "$CARGO_TARGET_DIR/riscv${bits}emac-unknown-none-polkavm/release/$program" "$staging/$program$suffix.elf"
    done
done
guest_cargo targets/riscv64emac-unknown-none-polkavm.json release-debug --package hello
cp "$CARGO_TARGET_DIR/riscv64emac-unknown-none-polkavm/release-debug/hello" "$staging/hello-debug.elf"
guest_cargo targets/riscv32emac-unknown-none-polkavm.json release --package hello --package exit --package guests
for program in hello exit $workloads_32; do
    cp "$CARGO_TARGET_DIR/riscv32emac-unknown-none-polkavm/release/$program" "$staging/$program-32.elf"
done

# The same workloads as Wasm modules, for comparisons with other machines.
flags+=(-Clinker=wasm-ld-19 -Clink-args=--no-entry "-Clink-args=--export=initialize --export=run" -Cstrip=symbols)
guest_cargo wasm32-unknown-unknown release --package guests
for program in $workloads; do
    cp "$CARGO_TARGET_DIR/wasm32-unknown-unknown/release/$program.wasm" "$staging/$program.wasm"
done

# --- C ------------------------------------------------------------------------------------------------------------

c_object() { # bits source object flags...
    local bits=$1 source=$2 object=$3 abi=lp64e
    shift 3
    [ "$bits" = 64 ] || abi=ilp32e
    clang-19 --target="riscv$bits-unknown-none-elf" -march="rv${bits}emac_zbb_xtheadcondmov" -mabi="$abi" \
        -std=gnu17 -ffreestanding -ffunction-sections -O2 -Wall -Wextra -Werror -ffile-prefix-map="$guest=guest" \
        -Ic/include "$@" -c "$source" -o "$object"
}

c_program() { # bits source name model(pie|medany|medlow|rel)
    local object=$staging/$3.o link="--emit-relocs --no-relax --gc-sections --entry=0"
    case $4 in
        pie)
            c_object "$1" "$2" "$object" -fpic -fPIE
            # shellcheck disable=SC2086
            ld.lld-19 $link -pie -z notext -o "$staging/$3.elf" "$object"
            ;;
        medany | medlow)
            c_object "$1" "$2" "$object" -fno-pic -mcmodel="$4"
            # shellcheck disable=SC2086
            ld.lld-19 $link -static -o "$staging/$3.elf" "$object"
            ;;
        rel)
            c_object "$1" "$2" "$object" -fpic -fPIE
            ld.lld-19 -r -o "$staging/$3.elf" "$object"
            ;;
    esac
    rm "$object"
}

c_program 64 programs/hello-c/hello.c hello-c pie
c_program 64 programs/hello-c/hello.c hello-c-medany medany
c_program 64 programs/hello-c/hello.c hello-c-medlow medlow
c_program 64 programs/hello-c/hello.c hello-c-rel rel
c_program 32 programs/hello-c/hello.c hello-c-32 pie
c_program 64 programs/abi-c/abi.c abi-c pie
c_program 32 programs/abi-c/abi.c abi-c-32 medlow

# --- Hosted C -----------------------------------------------------------------------------------------------------

sdk=$(c/sdk.sh --libcxx)
"$sdk/bin/pvm-cc" -O2 -Wall -Wextra -Werror "-ffile-prefix-map=$guest=guest" programs/libc/libc.c -lm -Wl,--strip-debug \
    -o "$staging/libc.elf"
"$sdk/bin/pvm-c++" -std=c++23 -O2 -Wall -Wextra -Werror "-ffile-prefix-map=$guest=guest" programs/libcxx/libcxx.cc -lm -Wl,--strip-debug \
    -o "$staging/libcxx.elf"
llvm-objcopy-19 --strip-unneeded "$staging/libcxx.elf"

# --- Checks, manifest ---------------------------------------------------------------------------------------------

chmod 644 "$staging"/*
for file in "$staging"/*; do
    name=$(basename "$file")
    size=$(stat -c %s "$file")
    [ "$size" -le "$size_max" ] || { echo "build.sh: $name has $size bytes, the limit is $size_max" >&2; exit 1; }
    for path in "$guest" "$HOME" "$CARGO_TARGET_DIR" /usr/lib/rustlib /usr/src; do
        if [ "$path" != / ] && grep -qaF "$path" "$file"; then
            echo "build.sh: $name contains the path $path" >&2
            exit 1
        fi
    done
done

# What a fixture is made from, relative to guest/: files, and folders standing for every file below them.
sources() { # fixture
    local rust="Cargo.toml Cargo.lock build.sh"
    case $1 in
        hello-c.elf | hello-c-*.elf) echo "build.sh c/include programs/hello-c"; return ;;
        abi-c.elf | abi-c-*.elf) echo "build.sh c/include programs/abi-c"; return ;;
        libc.elf | libcxx.elf) echo "build.sh c programs/${1%.elf} targets/riscv64emac-unknown-none-polkavm.json"; return ;;
        *-32.elf) rust+=" targets/riscv32emac-unknown-none-polkavm.json" ;;
        *.elf) rust+=" targets/riscv64emac-unknown-none-polkavm.json" ;;
    esac
    case $1 in
        hello.elf | hello-32.elf | hello-debug.elf) echo "$rust programs/hello" ;;
        sdk.elf | sdk-32.elf) echo "$rust sdk macros ../crates/guest-abi/src/system.rs programs/sdk" ;;
        abi-rust.elf | abi-rust-32.elf) echo "$rust sdk macros ../crates/guest-abi/src/system.rs programs/abi-rust" ;;
        exit.elf | exit-32.elf) echo "$rust programs/exit" ;;
        *) echo "$rust programs/rt programs/guests programs/workloads" ;;
    esac
}

source_hash() { # files and folders...
    find "$@" -type f | sort -u | xargs -d '\n' sha256sum | sha256sum | cut -d' ' -f1
}

{
    echo '{'
    echo '  "version": 1,'
    echo '  "toolchain": {'
    echo "    \"rustc\": \"$(/usr/bin/rustc --version)\","
    echo "    \"clang\": \"$(clang-19 --version | head -n1)\","
    echo "    \"lld\": \"$(ld.lld-19 --version)\""
    echo '  },'
    echo '  "fixtures": {'
    separator=""
    for file in "$staging"/*; do
        name=$(basename "$file")
        read -ra from <<<"$(sources "$name")"
        printf '%s    "%s": {\n' "$separator" "$name"
        printf '      "sha256": "%s",\n' "$(sha256sum "$file" | cut -d' ' -f1)"
        printf '      "sources_sha256": "%s",\n' "$(source_hash "${from[@]}")"
        printf '      "sources": ["%s"' "${from[0]}"
        printf ', "%s"' "${from[@]:1}"
        printf ']\n    }'
        separator=$',\n'
    done
    printf '\n  }\n}\n'
} >"$CARGO_TARGET_DIR/manifest.json"

mkdir -p "$fixtures"
rm -f "$fixtures"/*
mv "$staging"/* "$fixtures"/
mv "$CARGO_TARGET_DIR/manifest.json" "$fixtures/manifest.json"
ls -l "$fixtures"
