#!/bin/sh
# Builds the cases with clang and lld 19 (see guest/setup.sh). The files that come out are in the repository, so that tests
# need no toolchain; run this after changing a source. They are the same wherever the tree lies.
set -e
cd "$(dirname "$0")"

compile() { # source object bits flags...
    source=$1 object=$2 bits=$3
    shift 3
    case $bits in
        32) mabi=ilp32e ;;
        64) mabi=lp64e ;;
    esac
    clang-19 --target="riscv$bits-unknown-none-elf" -march="rv${bits}emac_zbb" -mabi="$mabi" -ffreestanding -fpic -fPIE \
        -I../../guest/c/include -fdebug-compilation-dir=/src "-ffile-prefix-map=../../guest/c/include=include" \
        "$@" -c "$source" -o "$object"
}

object() { # name bits flags...
    name=$1
    shift
    compile inline.c "inline.$name.object.elf" "$@"
}

linked() { # name
    ld.lld-19 --emit-relocs --no-relax --gc-sections --entry=0 -pie -z notext -o "inline.$1.pie.elf" "inline.$1.object.elf"
    rm "inline.$1.object.elf"
}

rm -f ./*.elf
for version in 4 5; do
    for level in 0 2; do
        object "dwarf$version-O$level" 64 -g "-gdwarf-$version" "-O$level"
        linked "dwarf$version-O$level"
    done
    # Nothing but line tables and inlined functions, which is what release builds have.
    object "dwarf$version-lines" 64 "-gdwarf-$version" -gline-tables-only -Os -ffunction-sections
    # One that is not linked, where all numbers are relocations; clang leaves hardly any to be applied without relaxation.
    object "dwarf$version-relax" 64 -g "-gdwarf-$version" -O2 -ffunction-sections -mrelax
    object "dwarf$version-norelax" 32 -g "-gdwarf-$version" -O2 -mno-relax
done
# Two files, and what lld makes of them if it keeps all sections apart.
for version in 4 5; do
    compile second.c "second.dwarf$version-O2.object.elf" 64 -g "-gdwarf-$version" -O2
    compile inline.c inline.o 64 -g "-gdwarf-$version" -O2
    ld.lld-19 --emit-relocs --no-relax --entry=0 -pie -z notext --unique -o "both.dwarf$version-unique.pie.elf" \
        inline.o "second.dwarf$version-O2.object.elf"
done
rm inline.o
# No debug information: functions have the names of their symbols.
object symbols 64 -g0 -O2
# Nothing runs them here.
chmod -x ./*.elf
