#!/bin/bash
# Fetches a source archive of Debian bookworm and checks it:
#   fetch.sh PATH SHA256 FILE     PATH is below pool/main of the archive
# It comes from where this machine's Debian packages come; sources need not be enabled there. PVM_SOURCES names a folder to take
# archives from that lie there already.
set -euo pipefail
path=$1 sum=$2 file=$3
if [ -f "${PVM_SOURCES:+$PVM_SOURCES/$(basename "$path")}" ]; then
    cp "$PVM_SOURCES/$(basename "$path")" "$file"
else
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 2>/dev/null | awk '$2 == "bookworm" { print $1; exit }') || true
    [ -n "$mirror" ] || mirror=http://deb.debian.org/debian/
    /usr/lib/apt/apt-helper -o APT::Sandbox::User=root download-file "${mirror}pool/main/$path" "$file" >&2 || {
        echo "fetch.sh: cannot download $path; PVM_SOURCES=FOLDER names where it lies" >&2
        exit 1
    }
fi
echo "$sum  $file" | sha256sum --check --status || {
    echo "fetch.sh: $file is not the $(basename "$path") it should be" >&2
    exit 1
}
