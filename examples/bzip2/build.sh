#!/bin/bash
# Builds bzip2 1.0.8, from the source of Debian's package and without changes, as a guest: target/bzip2.elf.
# Needs guest/setup.sh and make.
source "$(dirname "$0")/../common.sh"
use_sdk
source=$(unpack b/bzip2/bzip2_1.0.8.orig.tar.gz ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2269 bzip2-1.0.8)
make --silent -C "$source" -j"$(nproc)" bzip2 "${build[@]}" AR=llvm-ar-19 >/dev/null
cp "$source/bzip2" "$target/bzip2.elf"
echo "$target/bzip2.elf"
