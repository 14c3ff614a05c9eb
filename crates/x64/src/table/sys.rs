//! System calls, string instructions and padding.

crate::table::rows! {
    syscall () "0F 05";
    nop () "90";
    nop_rm32 (rm32) "0F 1F /0";
    rep_stosb () "F3 AA";
    rep_stosq () "F3 REX.W AB";
    rep_movsb () "F3 A4";
    pause () "F3 90";
    rdgsbase_r64 (b64) "F3 REX.W 0F AE /1";
    wrgsbase_r64 (b64) "F3 REX.W 0F AE /3";
}
