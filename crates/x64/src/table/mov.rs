//! Moves, extensions and conditional moves.

crate::table::rows! {
    mov_rm64_r64 (rm64, r64) "REX.W 89 /r";
    mov_r64_rm64 (r64, rm64) "REX.W 8B /r";
    mov_rm32_r32 (rm32, r32) "89 /r";
    mov_r32_rm32 (r32, rm32) "8B /r";
    mov_rm16_r16 (rm16, r16) "66 89 /r";
    mov_r16_rm16 (r16, rm16) "66 8B /r";
    mov_rm8_r8 (rm8, r8) "88 /r";
    mov_r8_rm8 (r8, rm8) "8A /r";

    mov_rm64_imm32 (rm64, imm32) "REX.W C7 /0 id";
    mov_rm32_imm32 (rm32, imm32) "C7 /0 id";
    mov_rm16_imm16 (rm16, imm16) "66 C7 /0 iw";
    mov_rm8_imm8 (rm8, imm8) "C6 /0 ib";
    mov_r32_imm32 (o32, imm32) "B8 id";
    mov_r64_imm64 (o64, imm64) "REX.W B8 io";

    movzx_r32_rm8 (r32, rm8) "0F B6 /r";
    movzx_r32_rm16 (r32, rm16) "0F B7 /r";
    movsx_r32_rm8 (r32, rm8) "0F BE /r";
    movsx_r32_rm16 (r32, rm16) "0F BF /r";
    movsx_r64_rm8 (r64, rm8) "REX.W 0F BE /r";
    movsx_r64_rm16 (r64, rm16) "REX.W 0F BF /r";
    movsxd_r64_rm32 (r64, rm32) "REX.W 63 /r";

    cmov_r64_rm64 (cc, r64, rm64) "REX.W 0F 40 /r";
    cmov_r32_rm32 (cc, r32, rm32) "0F 40 /r";
    set_rm8 (cc, rm8) "0F 90 /0";

    xchg_rm64_r64 (rm64, r64) "REX.W 87 /r";
    xchg_rm32_r32 (rm32, r32) "87 /r";
    bswap_r64 (o64) "REX.W 0F C8";
    bswap_r32 (o32) "0F C8";
    push_r64 (o64) "50";
    pop_r64 (o64) "58";
    push_imm32 (imm32) "68 id";
    push_rm64 (rm64) "FF /6";
    pop_rm64 (rm64) "8F /0";
}
