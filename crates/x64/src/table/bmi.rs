//! Bit counts and the instructions of BMI1, BMI2, ABM and POPCNT.

crate::table::rows! {
    andn_r64_r64_rm64 (r64, v64, rm64) "VEX.LZ.0F38.W1 F2 /r";
    shlx_r64_rm64_r64 (r64, rm64, v64) "VEX.LZ.66.0F38.W1 F7 /r";
    sarx_r64_rm64_r64 (r64, rm64, v64) "VEX.LZ.F3.0F38.W1 F7 /r";
    shrx_r64_rm64_r64 (r64, rm64, v64) "VEX.LZ.F2.0F38.W1 F7 /r";
    rorx_r64_rm64_imm8 (r64, rm64, imm8) "VEX.LZ.F2.0F3A.W1 F0 /r ib";
    mulx_r64_r64_rm64 (r64, v64, rm64) "VEX.LZ.F2.0F38.W1 F6 /r";
    bextr_r64_rm64_r64 (r64, rm64, v64) "VEX.LZ.0F38.W1 F7 /r";
    blsr_r64_rm64 (v64, rm64) "VEX.LZ.0F38.W1 F3 /1";
    lzcnt_r64_rm64 (r64, rm64) "F3 REX.W 0F BD /r";
    tzcnt_r64_rm64 (r64, rm64) "F3 REX.W 0F BC /r";
    popcnt_r64_rm64 (r64, rm64) "F3 REX.W 0F B8 /r";
    bsr_r64_rm64 (r64, rm64) "REX.W 0F BD /r";
    bsf_r64_rm64 (r64, rm64) "REX.W 0F BC /r";

    andn_r32_r32_rm32 (r32, v32, rm32) "VEX.LZ.0F38.W0 F2 /r";
    shlx_r32_rm32_r32 (r32, rm32, v32) "VEX.LZ.66.0F38.W0 F7 /r";
    sarx_r32_rm32_r32 (r32, rm32, v32) "VEX.LZ.F3.0F38.W0 F7 /r";
    shrx_r32_rm32_r32 (r32, rm32, v32) "VEX.LZ.F2.0F38.W0 F7 /r";
    rorx_r32_rm32_imm8 (r32, rm32, imm8) "VEX.LZ.F2.0F3A.W0 F0 /r ib";
    mulx_r32_r32_rm32 (r32, v32, rm32) "VEX.LZ.F2.0F38.W0 F6 /r";
    bextr_r32_rm32_r32 (r32, rm32, v32) "VEX.LZ.0F38.W0 F7 /r";
    blsr_r32_rm32 (v32, rm32) "VEX.LZ.0F38.W0 F3 /1";
    lzcnt_r32_rm32 (r32, rm32) "F3 0F BD /r";
    tzcnt_r32_rm32 (r32, rm32) "F3 0F BC /r";
    popcnt_r32_rm32 (r32, rm32) "F3 0F B8 /r";
    bsr_r32_rm32 (r32, rm32) "0F BD /r";
    bsf_r32_rm32 (r32, rm32) "0F BC /r";

}
