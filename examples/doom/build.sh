#!/bin/bash
# Builds Doom as a guest, and fetches the free data it plays with.
#   build.sh [--link LEVEL]   does so unless it is done already, and prints the directory [in $XDG_CACHE_HOME or ~/.cache,
#                             pvm/doom-KEY]: doom.elf, freedoom1.wad, freedoom2.wad, licences;
#                             with --link also doom.polkavm, linked at that level (0, 1 or 2)
# Needs guest/setup.sh, and `apt-get update` once. The engine is the source in the crate `doomgeneric`, which is under the GPL,
# version 2: neither it nor what is built from it belongs into this repository. Cargo fetches and checks it (engine/Cargo.lock).
# The data is that of Debian's package `freedoom`, checked against the sum below; FREEDOOM_DEB names a package that lies here
# already, PVM the command `pvm` if it shall not be built. KEY is a hash of all that goes in.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")"

freedoom=freedoom=0.12.1-2
freedoom_sum=c5b7cf1aa6dde8c980271981ce75b9b4a9e7b634b9db93d471f54bab7a8e1290
width=320 height=200

fail() {
    echo "build.sh: $1" >&2
    exit 1
}

level=""
case ${1-} in
    --link) level=${2-}
        [[ $level =~ ^[012]$ ]] || fail "--link takes 0, 1 or 2" ;;
    ?*) fail "unknown argument $1" ;;
esac

sdk=$(../../guest/c/sdk.sh)
key=$({ find build.sh engine guest -type f | sort | xargs sha256sum; cat "$sdk/key"; } | sha256sum | cut -c1-16)
out=${XDG_CACHE_HOME:-$HOME/.cache}/pvm/doom-$key

# Into a directory of its own, which gets its name when it is complete.
build() {
    work=$(mktemp -d "$(dirname "$out")/building.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    mkdir "$work/out"

    echo "build.sh: fetching the engine and the data" >&2
    cp -r engine "$work/engine"
    touch "$work/engine/none.rs"
    (cd "$work/engine" && cargo vendor --locked --quiet vendor >/dev/null) || fail "cargo cannot fetch the crate doomgeneric"
    local engine=$work/engine/vendor/doomgeneric
    local package=${FREEDOOM_DEB-}
    if [ -z "$package" ]; then
        (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$freedoom") >&2 ||
            fail "cannot download $freedoom (apt-get update?); FREEDOOM_DEB=FILE names the package from elsewhere"
        package=$(echo "$work"/freedoom_*.deb)
    fi
    echo "$freedoom_sum  $package" | sha256sum --check --status || fail "$package is not the $freedoom it should be"
    dpkg-deb -x "$package" "$work/freedoom"
    cp "$work"/freedoom/usr/share/games/doom/freedoom[12].wad "$work/out/"
    cp "$work/freedoom/usr/share/doc/freedoom/copyright" "$work/out/freedoom-licence"
    cp "$engine/LICENSE" "$work/out/doom-licence"

    echo "build.sh: compiling the engine" >&2
    local sources=$engine/doomgeneric/doomgeneric
    local flags=(-O2 -w -DNORMALUNIX -DLINUX -D_DEFAULT_SOURCE -DFEATURE_SOUND "-DDOOMGENERIC_RESX=$width"
        "-DDOOMGENERIC_RESY=$height" -Iguest/include "-I$sources" "-ffile-prefix-map=$work=doom")
    # All but the platforms of others and the tables only these need.
    find "$sources" -name '*.c' | grep -vE '/(doomgeneric_[^/]*|i_main|doomdef|icon|gusconf|[^/]*_?(sdl|allegro)[^/]*)\.c$' | sort |
        xargs -P"$(nproc)" -I{} sh -c 'source=$1; shift; exec "$@" -c "$source" -o "$0/$(basename "$source" .c).o"' \
            "$work" {} "$sdk/bin/pvm-cc" "${flags[@]}"
    for source in platform sound; do
        "$sdk/bin/pvm-cc" "${flags[@]}" -c "guest/$source.c" -o "$work/$source.o"
    done
    "$sdk/bin/pvm-cc" "$work"/*.o -lm -o "$work/out/doom.elf"
    rm -rf "$out"
    mv "$work/out" "$out"
}
[ -e "$out/doom.elf" ] || build

if [ -n "$level" ]; then
    ${PVM:-cargo run --quiet --release --manifest-path ../../Cargo.toml -p pvm-cli --} \
        link --opt-level "$level" "$out/doom.elf" -o "$out/doom.polkavm" >&2
fi
echo "$out"
