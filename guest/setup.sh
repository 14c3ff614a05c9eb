#!/bin/sh
# Installs the cross toolchain of the guests from Debian packages. Idempotent; needs root, or sudo.
#   clang-19 lld-19 llvm-19             C guests, and the linker of all guests
#   rustc-web cargo-web rust-web-src    Rust guests: compiler and library source of one and the same release
set -eu

packages="clang-19 lld-19 llvm-19 rustc-web cargo-web rust-web-src"

missing=""
for package in $packages; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
    echo "guest toolchain: already installed"
    exit 0
fi

if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    echo "setup.sh: need root or sudo to install:$missing" >&2
    exit 1
fi

$as_root apt-get update
# Unquoted on purpose: a list of package names.
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
