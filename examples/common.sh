# What the scripts of the examples share; to be sourced by them.
set -euo pipefail
export LC_ALL=C
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
here=$(cd "$(dirname "$0")" && pwd)
target=$here/target
mkdir -p "$target"

fail() {
    echo "$(basename "$here"): $1" >&2
    exit 1
}

# Unpacks an archive of Debian below the target folder and prints where.
unpack() { # path sum directory
    local archive
    archive=$target/$(basename "$1")
    [ -f "$archive" ] && echo "$2  $archive" | sha256sum --check --status || "$root/guest/fetch.sh" "$1" "$2" "$archive"
    rm -rf "${target:?}/$3"
    tar -xf "$archive" -C "$target"
    echo "$target/$3"
}

# Sets `sdk` to the folder of the C SDK, `build` to the variables by which makefiles take it.
use_sdk() {
    sdk=$("$root/guest/c/sdk.sh")
    build=("CC=$sdk/bin/pvm-cc" "RANLIB=llvm-ranlib-19")
}

# Sets `pvm` to the command: PVM, or else one built here.
use_pvm() {
    pvm=${PVM-}
    [ -z "$pvm" ] || return 0
    cargo build --quiet --release --manifest-path "$root/Cargo.toml" -p pvm-cli
    pvm=${CARGO_TARGET_DIR:-$root/target}/release/pvm
}

# Links an ELF file at every level and calls a function with the program and the engine for each way to run it.
every_way() { # elf function
    local level engine program
    for level in 0 1 2; do
        program=$target/$(basename "$1" .elf)-$level.polkavm
        "$pvm" link "$1" --opt-level "$level" -o "$program"
        for engine in interpreter auto; do
            "$2" "$program" "$engine" || fail "fails on $engine at level $level"
        done
    done
}
