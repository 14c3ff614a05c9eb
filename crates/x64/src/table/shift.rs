//! Shifts, rotations and bit tests.

crate::table::rows! {
    rol_rm64_imm8 (rm64, imm8) "REX.W C1 /0 ib";
    rol_rm64_cl (rm64) "REX.W D3 /0";
    rol_rm32_imm8 (rm32, imm8) "C1 /0 ib";
    rol_rm32_cl (rm32) "D3 /0";

    ror_rm64_imm8 (rm64, imm8) "REX.W C1 /1 ib";
    ror_rm64_cl (rm64) "REX.W D3 /1";
    ror_rm32_imm8 (rm32, imm8) "C1 /1 ib";
    ror_rm32_cl (rm32) "D3 /1";

    shl_rm64_imm8 (rm64, imm8) "REX.W C1 /4 ib";
    shl_rm64_cl (rm64) "REX.W D3 /4";
    shl_rm32_imm8 (rm32, imm8) "C1 /4 ib";
    shl_rm32_cl (rm32) "D3 /4";

    shr_rm64_imm8 (rm64, imm8) "REX.W C1 /5 ib";
    shr_rm64_cl (rm64) "REX.W D3 /5";
    shr_rm32_imm8 (rm32, imm8) "C1 /5 ib";
    shr_rm32_cl (rm32) "D3 /5";

    sar_rm64_imm8 (rm64, imm8) "REX.W C1 /7 ib";
    sar_rm64_cl (rm64) "REX.W D3 /7";
    sar_rm32_imm8 (rm32, imm8) "C1 /7 ib";
    sar_rm32_cl (rm32) "D3 /7";

    shld_rm64_r64_imm8 (rm64, r64, imm8) "REX.W 0F A4 /r ib";
    shrd_rm64_r64_imm8 (rm64, r64, imm8) "REX.W 0F AC /r ib";
    bt_rm64_r64 (rm64, r64) "REX.W 0F A3 /r";
    bt_rm64_imm8 (rm64, imm8) "REX.W 0F BA /4 ib";
    shld_rm32_r32_imm8 (rm32, r32, imm8) "0F A4 /r ib";
    shrd_rm32_r32_imm8 (rm32, r32, imm8) "0F AC /r ib";
    bt_rm32_r32 (rm32, r32) "0F A3 /r";
    bt_rm32_imm8 (rm32, imm8) "0F BA /4 ib";
}
