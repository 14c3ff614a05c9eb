#!/bin/sh
# Builds the cases with clang and lld 19 (see guest/setup.sh). The files that come out are in the repository, so that tests
# need no toolchain; run this after changing a source.
set -e
cd "$(dirname "$0")"

compile() { # bits source object flags...
    case $1 in
        32) target=riscv32 march=rv32emac_zbb mabi=ilp32e ;;
        64) target=riscv64 march=rv64emac_zbb mabi=lp64e ;;
    esac
    source=$2 object=$3 && shift 3
    clang-19 --target=$target-unknown-none-elf -march=$march -mabi=$mabi "$@" -c "$source" -o "$object"
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
        case $name in absolute | rodata-fold) continue ;; esac
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
cd ..

# The same C program by every compiler, code model and linker, with and without relaxation. All give the same result.
cd toolchains
rm -f ./*.elf
clang_objects() { # bits flags...
    bits=$1 && shift
    for source in model.c other.c export.S gp.S; do
        compile $bits "$source" "${source%.*}.o" -I.. -ffreestanding "$@"
    done
}
lld() { # linker output flags...
    linker=$1 && output=$2 && shift 2
    "$linker" --no-warnings --emit-relocs --entry=main -o "$output.elf" model.o other.o export.o "$@"
}
# A newer lld relaxes more; rustc brings one along.
new_lld=$(rustc --print sysroot)/lib/rustlib/x86_64-unknown-linux-gnu/bin/gcc-ld/ld.lld
for bits in 32 64; do
    for relax in relax no-relax; do
        clang_objects $bits -O2 -m$relax -fPIE
        lld ld.lld-19 clang.$bits.pie.$relax -pie -z notext --$relax
        clang_objects $bits -O2 -m$relax -mcmodel=medany -ffunction-sections -fdata-sections
        lld ld.lld-19 clang.$bits.medany.$relax -static --$relax --gc-sections
        clang_objects $bits -O2 -m$relax -mcmodel=medlow
        lld ld.lld-19 clang.$bits.medlow.$relax -static --$relax
    done
    clang_objects $bits -O0 -fPIE
    lld ld.lld-19 clang.$bits.pie.relax-relr -pie -z notext --relax -z pack-relative-relocs --apply-dynamic-relocs
    lld ld.lld-19 clang.$bits.pie.relax-unique -pie -z notext --relax --unique
    lld ld.lld-19 clang.$bits.static.relax-got -static --relax
    lld "$new_lld" clang.$bits.pie.relax-new -pie -z notext --relax
    ld.lld-19 -r -o clang.$bits.partial.elf model.o other.o export.o
    clang_objects $bits -Oz -mcmodel=medlow
    lld ld.lld-19 clang.$bits.medlow.relax-gp gp.o -static --relax --relax-gp
    lld "$new_lld" clang.$bits.medlow.relax-new gp.o -static --relax --relax-gp
    lld "$new_lld" clang.$bits.medlow.relax-zero -static --relax --image-base=0
done
# Neither compressed instructions nor atomics, as for rustc's riscv32em-unknown-none-elf.
clang_objects 32 -O2 -march=rv32em
lld ld.lld-19 clang.32.em -static --no-relax
# For the profile with all registers, but told to leave alone those that the other has not.
fixed=$(for number in 3 4 $(seq 16 31); do echo "-ffixed-x$number"; done)
clang_objects 64 -O2 -march=rv64imac -mabi=lp64 $fixed
lld ld.lld-19 clang.64.fixed -static --no-relax
# GCC knows no 64-bit E profile.
for relax in relax no-relax; do
    for model in -mcmodel=medlow -mcmodel=medany -fPIE; do
        name=gcc.32.$(echo $model | sed 's/.*=//; s/-f//').$relax
        for source in model.c other.c export.S gp.S; do
            riscv64-unknown-elf-gcc -march=rv32emac -mabi=ilp32e -I.. -ffreestanding -O2 -m$relax $model -msave-restore \
                -c $source -o ${source%.*}.o
        done
        riscv64-unknown-elf-ld -melf32lriscv --no-warn-rwx-segments --entry=main --emit-relocs --$relax -o "$name.elf" \
            model.o other.o export.o gp.o "$(riscv64-unknown-elf-gcc -march=rv32emac -mabi=ilp32e -print-libgcc-file-name)"
    done
done
rm -f ./*.o
