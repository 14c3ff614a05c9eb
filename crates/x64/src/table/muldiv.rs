//! Multiplication and division.

crate::table::rows! {
    imul_r64_rm64 (r64, rm64) "REX.W 0F AF /r";
    imul_r64_rm64_imm8 (r64, rm64, imm8) "REX.W 6B /r ib";
    imul_r64_rm64_imm32 (r64, rm64, imm32) "REX.W 69 /r id";
    mul_rm64 (rm64) "REX.W F7 /4";
    imul_rm64 (rm64) "REX.W F7 /5";
    div_rm64 (rm64) "REX.W F7 /6";
    idiv_rm64 (rm64) "REX.W F7 /7";
    imul_r32_rm32 (r32, rm32) "0F AF /r";
    imul_r32_rm32_imm8 (r32, rm32, imm8) "6B /r ib";
    imul_r32_rm32_imm32 (r32, rm32, imm32) "69 /r id";
    mul_rm32 (rm32) "F7 /4";
    imul_rm32 (rm32) "F7 /5";
    div_rm32 (rm32) "F7 /6";
    idiv_rm32 (rm32) "F7 /7";
    cqo () "REX.W 99";
    cdq () "99";
}
