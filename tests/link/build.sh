#!/bin/sh
# Builds the cases with clang and lld 19 (see guest/setup.sh). The files that come out are in the repository, so that tests
# need no toolchain; run this after changing a source.
set -e
cd "$(dirname "$0")"

compile() { # bits source object
    case $1 in
        32) target=riscv32 march=rv32emac_zbb mabi=ilp32e ;;
        64) target=riscv64 march=rv64emac_zbb mabi=lp64e ;;
    esac
    clang-19 --target=$target-unknown-none-elf -march=$march -mabi=$mabi -c "$2" -o "$3"
}

rm -f ./*.elf
for source in *.S; do
    name=${source%.S}
    for bits in 32 64; do
        # A case may be for one width only, and says so by its name.
        case $name in *-rv32) [ $bits = 32 ] || continue ;; *-rv64) [ $bits = 64 ] || continue ;; esac
        case $bits.$name in 32.error-*) continue ;; esac
        object=$name.$bits.object.elf
        compile $bits "$source" "$object"
        case $name in error-*) continue ;; esac
        ld.lld-19 --no-warnings --emit-relocs --no-relax --entry=main -static -o "$name.$bits.static.elf" "$object"
        case $name in absolute) continue ;; esac
        # The records of exports are no code, which lld is told by a relocation meant for code.
        ld.lld-19 --no-warnings --emit-relocs --no-relax --entry=main -pie -z notext --apply-dynamic-relocs --unique \
            -o "$name.$bits.pie.elf" "$object"
    done
    [ -f "$name.64.object.elf" ] || continue
    case $name in error-*) continue ;; esac
    ld.lld-19 -r -o "$name.64.partial.elf" "$name.64.object.elf"
done

# Linked as for other systems, without the relocations.
ld.lld-19 --entry=main -static -o error-no-relocations.64.static.elf calls.64.object.elf

# Several files at once.
cd files
rm -f ./*.o ./*.a
for bits in 32 64; do
    for name in main hook one two three unused; do
        compile $bits $name.S $name.$bits.o
    done
    llvm-ar-19 rcsD libodd.$bits.a one.$bits.o three.$bits.o unused.$bits.o
    llvm-ar-19 rcsD libeven.$bits.a two.$bits.o
    llvm-ar-19 rcsD libmain.$bits.a unused.$bits.o main.$bits.o
done
llvm-ar-19 rcsTD libthin.a two.64.o
clang-19 --target=riscv64-unknown-none-elf -march=rv64imac -mabi=lp64 -c two.S -o two.lp64.o
