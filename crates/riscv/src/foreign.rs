//! Encodings of extensions that no program may use, so that an error can name the extension.

use crate::DecodeErrorKind;

/// Mask, value, cause. The first row that matches decides; everything else is unknown.
type Row = (u32, u32, DecodeErrorKind);

use DecodeErrorKind::*;

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Loads and stores of floating point have widths 1 to 4, those of vectors the others.
    (0x0000_707f, 0x0000_1007, FloatingPoint), // flh
    (0x0000_707f, 0x0000_2007, FloatingPoint), // flw
    (0x0000_707f, 0x0000_3007, FloatingPoint), // fld
    (0x0000_707f, 0x0000_4007, FloatingPoint), // flq
    (0x0000_707f, 0x0000_1027, FloatingPoint), // fsh
    (0x0000_707f, 0x0000_2027, FloatingPoint), // fsw
    (0x0000_707f, 0x0000_3027, FloatingPoint), // fsd
    (0x0000_707f, 0x0000_4027, FloatingPoint), // fsq
    (0x0000_007f, 0x0000_0007, Vector),
    (0x0000_007f, 0x0000_0027, Vector),
    (0x0000_007f, 0x0000_0043, FloatingPoint), // fmadd
    (0x0000_007f, 0x0000_0047, FloatingPoint), // fmsub
    (0x0000_007f, 0x0000_004b, FloatingPoint), // fnmsub
    (0x0000_007f, 0x0000_004f, FloatingPoint), // fnmadd
    (0x0000_007f, 0x0000_0053, FloatingPoint),
    (0x0000_007f, 0x0000_0057, Vector),
    (0x0000_007f, 0x0000_0077, Vector),        // vector cryptography
    // OP
    (0xfe00_707f, 0x4800_1033, Zbs),           // bclr
    (0xfe00_707f, 0x4800_5033, Zbs),           // bext
    (0xfe00_707f, 0x6800_1033, Zbs),           // binv
    (0xfe00_707f, 0x2800_1033, Zbs),           // bset
    (0xfe00_707f, 0x0e00_5033, Zicond),        // czero.eqz
    (0xfe00_707f, 0x0e00_7033, Zicond),        // czero.nez
    (0xfe00_707f, 0x0a00_1033, Zbc),           // clmul
    (0xfe00_707f, 0x0a00_2033, Zbc),           // clmulr
    (0xfe00_707f, 0x0a00_3033, Zbc),           // clmulh
    (0xfe00_707f, 0x0800_4033, Zbk),           // pack
    (0xfe00_707f, 0x0800_7033, Zbk),           // packh
    (0xfe00_707f, 0x0800_403b, Zbk),           // packw
    (0xfe00_707f, 0x2800_2033, Zbk),           // xperm4
    (0xfe00_707f, 0x2800_4033, Zbk),           // xperm8
    (0x3200_707f, 0x2200_0033, Zk),            // aes32
    (0xf200_707f, 0x3200_0033, Zk),            // aes64ds, dsm, es, esm
    (0xfe00_707f, 0x7e00_0033, Zk),            // aes64ks2
    (0x3a00_707f, 0x3000_0033, Zk),            // sm4
    (0xf800_707f, 0x5000_0033, Zk),            // sha512sum0r, sum1r, sig0l, sig1l
    (0xfc00_707f, 0x5c00_0033, Zk),            // sha512sig0h, sig1h
    // OP-IMM
    (0xfc00_707f, 0x4800_1013, Zbs),           // bclri
    (0xfc00_707f, 0x4800_5013, Zbs),           // bexti
    (0xfc00_707f, 0x6800_1013, Zbs),           // binvi
    (0xfc00_707f, 0x2800_1013, Zbs),           // bseti
    (0xfff0_707f, 0x6870_5013, Zbk),           // brev8
    (0xfff0_707f, 0x08f0_1013, Zbk),           // zip
    (0xfff0_707f, 0x08f0_5013, Zbk),           // unzip
    (0xff80_707f, 0x1000_1013, Zk),            // sha256, sha512
    (0xffe0_707f, 0x1080_1013, Zk),            // sm3
    (0xfff0_707f, 0x3000_1013, Zk),            // aes64im
    (0xff00_707f, 0x3100_1013, Zk),            // aes64ks1i
    // AMO
    (0x0000_707f, 0x0000_002f, Zabha),
    (0x0000_707f, 0x0000_102f, Zabha),
    (0xf800_707f, 0x2800_202f, Zacas),         // amocas.w
    (0xf800_707f, 0x2800_302f, Zacas),         // amocas.d
    (0xf800_707f, 0x2800_402f, Zacas),         // amocas.q
    // MISC-MEM, SYSTEM
    (0x0000_707f, 0x0000_200f, Zicbo),
    (0xffff_ffff, 0x00d0_0073, Zawrs),         // wrs.nto
    (0xffff_ffff, 0x01d0_0073, Zawrs),         // wrs.sto
    (0xb3c0_707f, 0x81c0_4073, Zimop),         // mop.r
    (0xb200_707f, 0x8200_4073, Zimop),         // mop.rr
    (0xf800_707f, 0x4800_202f, Zimop),         // ssamoswap.w
    (0xf800_707f, 0x4800_302f, Zimop),         // ssamoswap.d
    (0x0000_707f, 0x0000_0073, Privileged),    // mret, sret, wfi, sfence.vma, ...
    (0x0000_707f, 0x0000_4073, Privileged),    // hlv, hsv
    // custom-1, custom-2, custom-3
    (0x0000_007f, 0x0000_002b, Vendor),
    (0x0000_007f, 0x0000_005b, Vendor),
    (0x0000_007f, 0x0000_007b, Vendor),
    (0x0000_001f, 0x0000_001f, TooLong),
];

/// The cause to report for a 32-bit word which the table does not have.
pub(crate) fn classify(word: u32) -> DecodeErrorKind {
    ROWS.iter().find(|(mask, value, _)| word & mask == *value).map_or(Unknown, |(_, _, kind)| *kind)
}
