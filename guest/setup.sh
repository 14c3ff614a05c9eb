#!/bin/sh
# Installs the cross toolchain of the guests from Debian packages. Needs root or sudo; does nothing if all is there.
#   clang-19 lld-19 llvm-19             C guests, and the linker of all guests
#   make                                the C library of the SDK (c/sdk.sh)
#   rustc-web cargo-web rust-web-src    Rust guests: compiler and library source of one and the same release
#   ca-certificates                     so that cargo-web reaches crates.io
# Tested on Debian 12, where rustc-web is among the security updates. On a minimal system it downloads 290 MB and takes 1.5 GB.
#   --check    only says what is missing; exit code 1 if something is
set -eu

packages="ca-certificates clang-19 lld-19 llvm-19 make rustc-web cargo-web rust-web-src"

fail() {
    echo "setup.sh: $1" >&2
    exit 1
}

# The packages of the list that are not installed.
missing() {
    for package in $packages; do
        status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$status" = installed ] || printf ' %s' "$package"
    done
}

check_only=""
case "${1-}" in
    "") ;;
    --check) check_only=yes ;;
    *) fail "unknown argument $1; there is --check" ;;
esac
for tool in dpkg-query apt-get apt-cache; do
    command -v "$tool" >/dev/null || fail "no $tool: this is for Debian; elsewhere install what its first lines name"
done

wanted=$(missing)
if [ -z "$wanted" ]; then
    echo "guest toolchain: already installed"
    exit 0
fi
[ -z "$check_only" ] || fail "not installed:$wanted"

if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    fail "need root or sudo to install:$wanted"
fi

echo "guest toolchain: installing$wanted"
$as_root apt-get -q update
for package in $wanted; do
    case "$(apt-cache policy "$package")" in
        *"Candidate: (none)"* | "") fail "no package $package here; Debian 12 with its security updates has it" ;;
    esac
done
# Unquoted on purpose: a list of package names.
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $wanted

wanted=$(missing)
[ -z "$wanted" ] || fail "still not installed:$wanted"
echo "guest toolchain: $(/usr/bin/rustc --version), $(clang-19 --version | head -n1)"
