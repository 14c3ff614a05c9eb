//! Jumps and calls.

crate::table::rows! {
    jmp_rel8 (rel8) "EB cb";
    jmp_rel32 (rel32) "E9 cd";
    jmp_rm64 (rm64) "FF /4";
    j_rel8 (cc, rel8) "70 cb";
    j_rel32 (cc, rel32) "0F 80 cd";
    call_rel32 (rel32) "E8 cd";
    call_rm64 (rm64) "FF /2";
    ret () "C3";
    ud2 () "0F 0B";
    int3 () "CC";
}
