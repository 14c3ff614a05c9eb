//! THE table: one row per instruction, from which every opcode map, decoder, encoder and handler follows.
//!
//! ```text
//! mnemonic  format  family  [latest64 latest32 jam_v1 revive_v1 gp07]  [operand bytes:opcode ...]  Meaning(function)  {cost}
//! ```
//!
//! - The first bracket numbers the instruction in the bitmask encoding of each set, `_` where it is absent. `latest64` stands
//!   for releases up to 0.36; `jam_v1` equals Gray Paper 0.8.
//! - The second bracket lists the macro-block encodings of `latest64` since 0.37: how many operand bytes the opcode carries
//!   and the opcode itself, `0xffNN` being the two-byte opcode `ff NN`.
//! - The meaning names a function of [`crate::semantics`]; the variant says how operands reach it.
//! - The cost is the pipeline model's: unit, latency in cycles (`memory` and `branch` depend on the model and the
//!   surroundings), decode slots, and whether one more is needed `unless` the destination equals the `first` or `any`
//!   source. `narrow` gives latency and slots of the 32-bit set where they differ.
//!
//! `invalid` has no number: it is what an unassigned opcode decodes to, and acts as `trap`.

/// Hands all rows of the table to the macro `$callback`.
///
/// ```
/// macro_rules! names { ($($name:ident $format:ident $family:ident [$($number:tt)*] [$($block:tt)*]
///     $meaning:ident $(($($function:tt)*))? {$($cost:tt)*};)*) => { [$(stringify!($name)),*] } }
/// let names = pvm_isa::instruction_table!(names);
/// assert_eq!(names[0], "trap");
/// ```
#[macro_export]
macro_rules! instruction_table {
    ($callback:ident) => {
        $callback! {
            trap                                  None         control [  0   0   0   0   0] [0:0x00] Trap {free 2 fixed 1};
            fallthrough                           None         control [  1   1   1   1   1] [0:0x01] Fallthrough {free 2 fixed 1};
            memset                                None         memory  [  2   2   _   _   _] [0:0xffff] Memset {alu 100 fixed 4};
            unlikely                              None         control [  3   3   2   _   _] [0:0x02] Unlikely {free 40 fixed 1};
            ecalli                                Imm          control [ 10  10  10  10  10] [1:0xdd 4:0xff35] Ecalli {alu 100 fixed 4};
            load_imm64                            RegImm64     alu     [ 20   _  20  20  20] [9:0xef] LoadImm64 {free 1 fixed 2};
            store_imm_u8                          ImmImm       memory  [ 30  30  30  30  30] [6:0xde 9:0xff36] StoreImm(u8) {store 25 fixed 1};
            store_imm_u16                         ImmImm       memory  [ 31  31  31  31  31] [9:0xff37] StoreImm(u16) {store 25 fixed 1};
            store_imm_u32                         ImmImm       memory  [ 32  32  32  32  32] [5:0xdf 6:0xe0 9:0xe1] StoreImm(u32) {store 25 fixed 1};
            store_imm_u64                         ImmImm       memory  [ 33   _  33  33  33] [5:0xe2 9:0xff38] StoreImm(u64) {store 25 fixed 1};
            jump                                  Offset       control [ 40  40  40  40  40] [1:0xd9 2:0xda 3:0xdb 4:0xdc] Jump {free 15 fixed 1};
            jump_indirect                         RegImm       control [ 50  50  50  50  50] [1:0x03 5:0xff00] JumpIndirect {free 22 fixed 1};
            load_imm                              RegImm       alu     [ 51  51  51  51  51] [1:0x04 2:0x05 3:0x06 4:0x07 5:0x08] LoadImm {free 1 fixed 1};
            load_u8                               RegImm       memory  [ 52  52  52  52  52] [5:0x09] Load(u8) {load memory fixed 1};
            load_i8                               RegImm       memory  [ 53  53  53  53  53] [4:0x0a 5:0xff01] Load(i8) {load memory fixed 1};
            load_u16                              RegImm       memory  [ 54  54  54  54  54] [5:0x0b] Load(u16) {load memory fixed 1};
            load_i16                              RegImm       memory  [ 55  55  55  55  55] [5:0x0c] Load(i16) {load memory fixed 1};
            load_u32                              RegImm       memory  [ 56   _  56  56  56] [5:0x0f] Load(u32) {load memory fixed 1};
            load_i32                              RegImm       memory  [ 57  57  57  57  57] [4:0x0d 5:0x0e] Load(i32) {load memory fixed 1};
            load_u64                              RegImm       memory  [ 58   _  58  58  58] [4:0x10 5:0x11] Load(u64) {load memory fixed 1};
            store_u8                              RegImm       memory  [ 59  59  59  59  59] [5:0x12] Store(u8) {store 25 fixed 1};
            store_u16                             RegImm       memory  [ 60  60  60  60  60] [5:0x13] Store(u16) {store 25 fixed 1};
            store_u32                             RegImm       memory  [ 61  61  61  61  61] [5:0x14] Store(u32) {store 25 fixed 1};
            store_u64                             RegImm       memory  [ 62   _  62  62  62] [4:0x15 5:0x16] Store(u64) {store 25 fixed 1};
            store_imm_indirect_u8                 RegImmImm    memory  [ 70  70  70  70  70] [1:0x42 2:0x43 3:0x44 4:0x45 5:0x46 9:0xff07] StoreImmIndirect(u8) {store 25 fixed 1};
            store_imm_indirect_u16                RegImmImm    memory  [ 71  71  71  71  71] [2:0x47 3:0x48 4:0x49 5:0x4a 9:0xff08] StoreImmIndirect(u16) {store 25 fixed 1};
            store_imm_indirect_u32                RegImmImm    memory  [ 72  72  72  72  72] [1:0x4b 2:0x4c 3:0x4d 4:0x4e 6:0x4f 9:0x50] StoreImmIndirect(u32) {store 25 fixed 1};
            store_imm_indirect_u64                RegImmImm    memory  [ 73   _  73  73  73] [1:0x51 2:0x52 3:0x53 4:0x54 5:0x55 6:0x56 7:0x57 9:0xff09] StoreImmIndirect(u64) {store 25 fixed 1};
            load_imm_and_jump                     RegImmOffset control [ 80  80  80  80  80] [4:0x17 5:0x18 6:0x19 7:0x1a 8:0x1b 9:0xff02] LoadImmAndJump {free 15 fixed 1};
            branch_eq_imm                         RegImmOffset branch  [ 81  81  81  81  81] [2:0x1c 3:0x1d 4:0x1e 5:0x1f 6:0x20 9:0x21] BranchImm(branch::equal) {alu branch fixed 1};
            branch_not_eq_imm                     RegImmOffset branch  [ 82  82  82  82  82] [2:0x22 3:0x23 4:0x24 6:0x25 9:0xff03] BranchImm(branch::not_equal) {alu branch fixed 1};
            branch_less_unsigned_imm              RegImmOffset branch  [ 83  83  83  83  83] [3:0x26 4:0x27 5:0x28 9:0x29] BranchImm(branch::less_unsigned) {alu branch fixed 1};
            branch_less_or_equal_unsigned_imm     RegImmOffset branch  [ 84  84  84  84  84] [3:0x37 4:0x38 6:0x39 9:0xff06] BranchImm(branch::less_or_equal_unsigned) {alu branch fixed 1};
            branch_greater_or_equal_unsigned_imm  RegImmOffset branch  [ 85  85  85  85  85] [3:0x2e 4:0x2f 5:0x30 9:0xff04] BranchImm(branch::greater_or_equal_unsigned) {alu branch fixed 1};
            branch_greater_unsigned_imm           RegImmOffset branch  [ 86  86  86  86  86] [3:0x3e 4:0x3f 5:0x40 9:0x41] BranchImm(branch::greater_unsigned) {alu branch fixed 1};
            branch_less_signed_imm                RegImmOffset branch  [ 87  87  87  87  87] [2:0x2a 3:0x2b 4:0x2c 9:0x2d] BranchImm(branch::less_signed) {alu branch fixed 1};
            branch_less_or_equal_signed_imm       RegImmOffset branch  [ 88  88  88  88  88] [2:0x34 3:0x35 6:0x36 9:0xff05] BranchImm(branch::less_or_equal_signed) {alu branch fixed 1};
            branch_greater_or_equal_signed_imm    RegImmOffset branch  [ 89  89  89  89  89] [2:0x31 3:0x32 9:0x33] BranchImm(branch::greater_or_equal_signed) {alu branch fixed 1};
            branch_greater_signed_imm             RegImmOffset branch  [ 90  90  90  90  90] [3:0x3a 4:0x3b 5:0x3c 9:0x3d] BranchImm(branch::greater_signed) {alu branch fixed 1};
            move_reg                              RegReg       alu     [100 100 100 100 100] [1:0xe3] MoveReg {rename};
            sbrk                                  RegReg       memory  [101 101   _   _ 101] [1:0xfffe] Sbrk {alu 100 fixed 4};
            count_set_bits_64                     RegReg       alu     [102   _ 101 102 102] [1:0xe8] Unary(alu::count_set_bits_64) {alu 1 fixed 1};
            count_set_bits_32                     RegReg       alu     [103 103 102 103 103] [1:0xe7] Unary(alu::count_set_bits_32) {alu 1 fixed 1};
            count_leading_zero_bits_64            RegReg       alu     [104   _ 103 104 104] [1:0xe5] Unary(alu::count_leading_zero_bits_64) {alu 1 fixed 1};
            count_leading_zero_bits_32            RegReg       alu     [105 105 104 105 105] [1:0xe4] Unary(alu::count_leading_zero_bits_32) {alu 1 fixed 1};
            count_trailing_zero_bits_64           RegReg       alu     [106   _ 105 106 106] [1:0xe6] Unary(alu::count_trailing_zero_bits_64) {alu2 2 fixed 1};
            count_trailing_zero_bits_32           RegReg       alu     [107 107 106 107 107] [1:0xff39] Unary(alu::count_trailing_zero_bits_32) {alu2 2 fixed 1};
            sign_extend_8                         RegReg       alu     [108 108 107 108 108] [1:0xe9] Unary(alu::sign_extend_8) {alu 1 fixed 1};
            sign_extend_16                        RegReg       alu     [109 109 108 109 109] [1:0xea] Unary(alu::sign_extend_16) {alu 1 fixed 1};
            zero_extend_16                        RegReg       alu     [110 110 109 110 110] [1:0xeb] Unary(alu::zero_extend_16) {alu 1 fixed 1};
            reverse_byte                          RegReg       alu     [111 111 110 111 111] [1:0xec] UnarySized(alu::reverse_byte, alu::reverse_byte_32) {alu 1 unless_first 1};
            store_indirect_u8                     RegRegImm    memory  [120 120 120 120 120] [1:0x58 2:0x59 3:0x5a 5:0xff0a] StoreIndirect(u8) {store 25 fixed 1};
            store_indirect_u16                    RegRegImm    memory  [121 121 121 121 121] [1:0x5b 2:0x5c 3:0x5d 5:0xff0b] StoreIndirect(u16) {store 25 fixed 1};
            store_indirect_u32                    RegRegImm    memory  [122 122 122 122 122] [1:0x5e 2:0x5f 3:0x60 5:0xff0c] StoreIndirect(u32) {store 25 fixed 1};
            store_indirect_u64                    RegRegImm    memory  [123   _ 123 123 123] [1:0x61 2:0x62 3:0x63 5:0xff0d] StoreIndirect(u64) {store 25 fixed 1};
            load_indirect_u8                      RegRegImm    memory  [124 124 124 124 124] [1:0x64 2:0x65 3:0x66 5:0xff0e] LoadIndirect(u8) {load memory fixed 1};
            load_indirect_i8                      RegRegImm    memory  [125 125 125 125 125] [1:0x67 2:0x68 3:0x69 5:0xff0f] LoadIndirect(i8) {load memory fixed 1};
            load_indirect_u16                     RegRegImm    memory  [126 126 126 126 126] [1:0x6a 2:0x6b 3:0x6c 5:0xff10] LoadIndirect(u16) {load memory fixed 1};
            load_indirect_i16                     RegRegImm    memory  [127 127 127 127 127] [1:0x6d 2:0x6e 3:0x6f 5:0xff11] LoadIndirect(i16) {load memory fixed 1};
            load_indirect_u32                     RegRegImm    memory  [128   _ 128 128 128] [1:0x73 2:0x74 3:0x75 5:0xff13] LoadIndirect(u32) {load memory fixed 1};
            load_indirect_i32                     RegRegImm    memory  [129 129 129 129 129] [1:0x70 2:0x71 3:0x72 5:0xff12] LoadIndirect(i32) {load memory fixed 1};
            load_indirect_u64                     RegRegImm    memory  [130   _ 130 130 130] [1:0x76 2:0x77 3:0x78 5:0xff14] LoadIndirect(u64) {load memory fixed 1};
            add_imm_32                            RegRegImm    alu     [131 131 131 131 131] [1:0x79 2:0x7a 3:0x7b 5:0x7c] BinaryImm(alu::add_32) {alu 2 unless_first 2 narrow 1 1};
            and_imm                               RegRegImm    alu     [132 132 132 132 132] [2:0x81 3:0x82 5:0x83] BinaryImm(alu::and) {alu 1 unless_first 1};
            xor_imm                               RegRegImm    alu     [133 133 133 133 133] [2:0x84 3:0x85 5:0x86] BinaryImm(alu::xor) {alu 1 unless_first 1};
            or_imm                                RegRegImm    alu     [134 134 134 134 134] [2:0x87 3:0x88 5:0x89] BinaryImm(alu::or) {alu 1 unless_first 1};
            mul_imm_32                            RegRegImm    muldiv  [135 135 135 135 135] [5:0x8a] BinaryImm(muldiv::mul_32) {mul 4 unless_first 2};
            set_less_than_unsigned_imm            RegRegImm    alu     [136 136 136 136 136] [2:0x8e 3:0x8f 5:0x90] BinaryImm(alu::set_less_than_unsigned) {alu 3 fixed 3};
            set_less_than_signed_imm              RegRegImm    alu     [137 137 137 137 137] [1:0x91 2:0x92 5:0xff15] BinaryImm(alu::set_less_than_signed) {alu 3 fixed 3};
            shift_logical_left_imm_32             RegRegImm    shift   [138 138 138 138 138] [2:0x93 5:0xff16] BinaryImm(shift::shift_logical_left_32) {alu 2 unless_first 2 narrow 1 1};
            shift_logical_right_imm_32            RegRegImm    shift   [139 139 139 139 139] [2:0x95 5:0xff18] BinaryImm(shift::shift_logical_right_32) {alu 2 unless_first 2 narrow 1 1};
            shift_arithmetic_right_imm_32         RegRegImm    shift   [140 140 140 140 140] [2:0x97 5:0xff1a] BinaryImm(shift::shift_arithmetic_right_32) {alu 2 unless_first 2 narrow 1 1};
            negate_and_add_imm_32                 RegRegImm    alu     [141 141 141 141 141] [1:0x99 3:0x9a 5:0xff1c] BinaryImm(alu::negate_and_add_32) {alu 3 fixed 4};
            set_greater_than_unsigned_imm         RegRegImm    alu     [142 142 142 142 142] [1:0x9e 5:0x9f] BinaryImm(alu::set_greater_than_unsigned) {alu 3 fixed 3};
            set_greater_than_signed_imm           RegRegImm    alu     [143 143 143 143 143] [1:0xa0 5:0xff1d] BinaryImm(alu::set_greater_than_signed) {alu 3 fixed 3};
            shift_logical_left_imm_alt_32         RegRegImm    shift   [144 144 144 144 144] [5:0xa3] BinaryImmAlt(shift::shift_logical_left_32) {alu 2 fixed 4};
            shift_logical_right_imm_alt_32        RegRegImm    shift   [145 145 145 145 145] [5:0xff1e] BinaryImmAlt(shift::shift_logical_right_32) {alu 2 fixed 4};
            shift_arithmetic_right_imm_alt_32     RegRegImm    shift   [146 146 146 146 146] [5:0xff1f] BinaryImmAlt(shift::shift_arithmetic_right_32) {alu 2 fixed 4};
            cmov_if_zero_imm                      RegRegImm    alu     [147 147 147 147 147] [1:0xa5 2:0xa6 5:0xa7] CmovImm(branch::equal) {alu 2 fixed 3};
            cmov_if_not_zero_imm                  RegRegImm    alu     [148 148 148 148 148] [1:0xa8 2:0xa9 5:0xaa] CmovImm(branch::not_equal) {alu 2 fixed 3};
            add_imm_64                            RegRegImm    alu     [149   _ 149 149 149] [2:0x7d 3:0x7e 4:0x7f 5:0x80] BinaryImm(alu::add_64) {alu 1 unless_first 1};
            mul_imm_64                            RegRegImm    muldiv  [150   _ 150 150 150] [2:0x8b 3:0x8c 5:0x8d] BinaryImm(muldiv::mul_64) {mul 3 unless_first 1};
            shift_logical_left_imm_64             RegRegImm    shift   [151   _ 151 151 151] [2:0x94 5:0xff17] BinaryImm(shift::shift_logical_left_64) {alu 1 unless_first 1};
            shift_logical_right_imm_64            RegRegImm    shift   [152   _ 152 152 152] [2:0x96 5:0xff19] BinaryImm(shift::shift_logical_right_64) {alu 1 unless_first 1};
            shift_arithmetic_right_imm_64         RegRegImm    shift   [153   _ 153 153 153] [2:0x98 5:0xff1b] BinaryImm(shift::shift_arithmetic_right_64) {alu 1 unless_first 1};
            negate_and_add_imm_64                 RegRegImm    alu     [154   _ 154 154 154] [1:0x9b 2:0x9c 5:0x9d] BinaryImm(alu::negate_and_add_64) {alu 2 fixed 3};
            shift_logical_left_imm_alt_64         RegRegImm    shift   [155   _ 155 155 155] [2:0xa4 5:0xff21] BinaryImmAlt(shift::shift_logical_left_64) {alu 1 fixed 3};
            shift_logical_right_imm_alt_64        RegRegImm    shift   [156   _ 156 156 156] [2:0xa1 5:0xa2] BinaryImmAlt(shift::shift_logical_right_64) {alu 1 fixed 3};
            shift_arithmetic_right_imm_alt_64     RegRegImm    shift   [157   _ 157 157 157] [5:0xff20] BinaryImmAlt(shift::shift_arithmetic_right_64) {alu 1 fixed 3};
            rotate_right_imm_64                   RegRegImm    shift   [158   _ 158 158 158] [2:0xac 5:0xff24] BinaryImm(shift::rotate_right_64) {alu 1 unless_first 1};
            rotate_right_imm_alt_64               RegRegImm    shift   [159   _ 159 159 159] [5:0xff25] BinaryImmAlt(shift::rotate_right_64) {alu 1 fixed 3};
            rotate_right_imm_32                   RegRegImm    shift   [160 160 160 160 160] [2:0xab 5:0xff22] BinaryImm(shift::rotate_right_32) {alu 2 unless_first 2 narrow 1 1};
            rotate_right_imm_alt_32               RegRegImm    shift   [161 161 161 161 161] [5:0xff23] BinaryImmAlt(shift::rotate_right_32) {alu 2 fixed 4};
            branch_eq                             RegRegOffset branch  [170 170 170 170 170] [2:0xad 3:0xae 5:0xaf] Branch(branch::equal) {alu branch fixed 1};
            branch_not_eq                         RegRegOffset branch  [171 171 171 171 171] [2:0xb0 3:0xb1 5:0xb2] Branch(branch::not_equal) {alu branch fixed 1};
            branch_less_unsigned                  RegRegOffset branch  [172 172 172 172 172] [2:0xb3 3:0xb4 5:0xff26] Branch(branch::less_unsigned) {alu branch fixed 1};
            branch_less_signed                    RegRegOffset branch  [173 173 173 173 173] [2:0xb5 3:0xb6 5:0xff27] Branch(branch::less_signed) {alu branch fixed 1};
            branch_greater_or_equal_unsigned      RegRegOffset branch  [174 174 174 174 174] [2:0xb7 3:0xb8 5:0xff28] Branch(branch::greater_or_equal_unsigned) {alu branch fixed 1};
            branch_greater_or_equal_signed        RegRegOffset branch  [175 175 175 175 175] [2:0xb9 3:0xba 5:0xff29] Branch(branch::greater_or_equal_signed) {alu branch fixed 1};
            load_imm_and_jump_indirect            RegRegImmImm control [180 180 180 180 180] [4:0xed 5:0xee 10:0xff3a] LoadImmAndJumpIndirect {free 22 fixed 1};
            add_32                                RegRegReg    alu     [190 190 190 190 190] [2:0xbb] Binary(alu::add_32) {alu 2 unless_any 2 narrow 1 1};
            sub_32                                RegRegReg    alu     [191 191 191 191 191] [2:0xbd] Binary(alu::sub_32) {alu 2 unless_any 2 narrow 1 1};
            mul_32                                RegRegReg    muldiv  [192 192 192 192 192] [2:0xc2] Binary(muldiv::mul_32) {mul 4 unless_any 2};
            div_unsigned_32                       RegRegReg    muldiv  [193 193 193 193 193] [2:0xcb] Binary(muldiv::div_unsigned_32) {div 60 fixed 4};
            div_signed_32                         RegRegReg    muldiv  [194 194 194 194 194] [2:0xcd] Binary(muldiv::div_signed_32) {div 60 fixed 4};
            rem_unsigned_32                       RegRegReg    muldiv  [195 195 195 195 195] [2:0xce] Binary(muldiv::rem_unsigned_32) {div 60 fixed 4};
            rem_signed_32                         RegRegReg    muldiv  [196 196 196 196 196] [2:0xd0] Binary(muldiv::rem_signed_32) {div 60 fixed 4};
            shift_logical_left_32                 RegRegReg    shift   [197 197 197 197 197] [2:0xc7] Binary(shift::shift_logical_left_32) {alu 2 unless_first 3 narrow 1 2};
            shift_logical_right_32                RegRegReg    shift   [198 198 198 198 198] [2:0xc9] Binary(shift::shift_logical_right_32) {alu 2 unless_first 3 narrow 1 2};
            shift_arithmetic_right_32             RegRegReg    shift   [199 199 199 199 199] [2:0xff2c] Binary(shift::shift_arithmetic_right_32) {alu 2 unless_first 3 narrow 1 2};
            add_64                                RegRegReg    alu     [200   _ 200 200 200] [2:0xbc] Binary(alu::add_64) {alu 1 unless_any 1};
            sub_64                                RegRegReg    alu     [201   _ 201 201 201] [2:0xbe] Binary(alu::sub_64) {alu 1 unless_any 1};
            mul_64                                RegRegReg    muldiv  [202   _ 202 202 202] [2:0xc3] Binary(muldiv::mul_64) {mul 3 unless_any 1};
            div_unsigned_64                       RegRegReg    muldiv  [203   _ 203 203 203] [2:0xcc] Binary(muldiv::div_unsigned_64) {div 60 fixed 4};
            div_signed_64                         RegRegReg    muldiv  [204   _ 204 204 204] [2:0xff2e] Binary(muldiv::div_signed_64) {div 60 fixed 4};
            rem_unsigned_64                       RegRegReg    muldiv  [205   _ 205 205 205] [2:0xcf] Binary(muldiv::rem_unsigned_64) {div 60 fixed 4};
            rem_signed_64                         RegRegReg    muldiv  [206   _ 206 206 206] [2:0xff2f] Binary(muldiv::rem_signed_64) {div 60 fixed 4};
            shift_logical_left_64                 RegRegReg    shift   [207   _ 207 207 207] [2:0xc8] Binary(shift::shift_logical_left_64) {alu 1 unless_first 2};
            shift_logical_right_64                RegRegReg    shift   [208   _ 208 208 208] [2:0xca] Binary(shift::shift_logical_right_64) {alu 1 unless_first 2};
            shift_arithmetic_right_64             RegRegReg    shift   [209   _ 209 209 209] [2:0xff2d] Binary(shift::shift_arithmetic_right_64) {alu 1 unless_first 2};
            and                                   RegRegReg    alu     [210 210 210 210 210] [2:0xbf] Binary(alu::and) {alu 1 unless_any 1};
            xor                                   RegRegReg    alu     [211 211 211 211 211] [2:0xc0] Binary(alu::xor) {alu 1 unless_any 1};
            or                                    RegRegReg    alu     [212 212 212 212 212] [2:0xc1] Binary(alu::or) {alu 1 unless_any 1};
            mul_upper_signed_signed               RegRegReg    muldiv  [213 213 213 213 213] [2:0xff2a] BinarySized(muldiv::mul_upper_signed_signed, muldiv::mul_upper_signed_signed_32) {mul 4 fixed 4};
            mul_upper_unsigned_unsigned           RegRegReg    muldiv  [214 214 214 214 214] [2:0xc4] BinarySized(muldiv::mul_upper_unsigned_unsigned, muldiv::mul_upper_unsigned_unsigned_32) {mul 4 fixed 4};
            mul_upper_signed_unsigned             RegRegReg    muldiv  [215 215 215 215 215] [2:0xff2b] BinarySized(muldiv::mul_upper_signed_unsigned, muldiv::mul_upper_signed_unsigned_32) {mul 6 fixed 4};
            set_less_than_unsigned                RegRegReg    alu     [216 216 216 216 216] [2:0xc5] Binary(alu::set_less_than_unsigned) {alu 3 fixed 3};
            set_less_than_signed                  RegRegReg    alu     [217 217 217 217 217] [2:0xc6] Binary(alu::set_less_than_signed) {alu 3 fixed 3};
            cmov_if_zero                          RegRegReg    alu     [218 218 218 218 218] [2:0xd1] Cmov(branch::equal) {alu 2 fixed 2};
            cmov_if_not_zero                      RegRegReg    alu     [219 219 219 219 219] [2:0xd2] Cmov(branch::not_equal) {alu 2 fixed 2};
            rotate_left_64                        RegRegReg    shift   [220   _ 220 220 220] [2:0xd8] Binary(shift::rotate_left_64) {alu 1 unless_first 2};
            rotate_left_32                        RegRegReg    shift   [221 221 221 221 221] [2:0xff32] Binary(shift::rotate_left_32) {alu 2 unless_first 3 narrow 1 2};
            rotate_right_64                       RegRegReg    shift   [222   _ 222 222 222] [2:0xff34] Binary(shift::rotate_right_64) {alu 1 unless_first 2};
            rotate_right_32                       RegRegReg    shift   [223 223 223 223 223] [2:0xff33] Binary(shift::rotate_right_32) {alu 2 unless_first 3 narrow 1 2};
            and_inverted                          RegRegReg    alu     [224 224 224 224 224] [2:0xd3] Binary(alu::and_inverted) {alu 2 fixed 3};
            or_inverted                           RegRegReg    alu     [225 225 225 225 225] [2:0xd4] Binary(alu::or_inverted) {alu 2 fixed 3};
            xnor                                  RegRegReg    alu     [226 226 226 226 226] [2:0xd5] Binary(alu::xnor) {alu 2 unless_any 2};
            maximum                               RegRegReg    alu     [227 227 227 227 227] [2:0xff30] Binary(alu::maximum) {alu 3 unless_any 2};
            maximum_unsigned                      RegRegReg    alu     [228 228 228 228 228] [2:0xd6] Binary(alu::maximum_unsigned) {alu 3 unless_any 2};
            minimum                               RegRegReg    alu     [229 229 229 229 229] [2:0xff31] Binary(alu::minimum) {alu 3 unless_any 2};
            minimum_unsigned                      RegRegReg    alu     [230 230 230 230 230] [2:0xd7] Binary(alu::minimum_unsigned) {alu 3 unless_any 2};
            invalid                               None         control [  _   _   _   _   _] [] Trap {free 2 fixed 1};
        }
    };
}
