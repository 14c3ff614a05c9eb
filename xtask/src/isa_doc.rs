//! docs/isa.md: the instruction table as a document, generated from the table.

use pvm_isa::{Cost, InstructionSet, Opcode, cost::ExtraSlot, cost::Latency};
use std::fmt::Write;

/// The document.
pub fn text() -> String {
    let mut out = String::from(
        "# Instructions\n\n\
         Generated from `crates/isa/src/table.rs` by `cargo bless`; do not edit.\n\n\
         Numbers are those of the bitmask encoding, `-` where a set lacks the instruction; `latest64` stands for releases up to\n\
         0.36 there. The macro-block column lists, for `latest64` since 0.37, operand bytes and opcode (`ffNN` is a two-byte\n\
         opcode). Operands: `d` destination, `a` `b` sources. Cost is that of the pipeline gas model: latency in cycles, decode\n\
         slots (`+1` if the destination is not the first, or not any, source), units.\n",
    );
    let mut opcodes = Opcode::ALL.to_vec();
    opcodes.sort_by_key(|opcode| opcode.family()); // stable: table order within a family
    let mut family = None;
    for opcode in opcodes {
        if family != Some(opcode.family()) {
            family = Some(opcode.family());
            let _ = write!(
                out,
                "\n## {:?}\n\n| instruction | operands | latest64 | latest32 | jam_v1 | revive_v1 | gp07 | macro blocks | ends block \
                 | latency | slots | units |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n",
                opcode.family()
            );
        }
        let sets = [
            InstructionSet::Latest64Bitmask,
            InstructionSet::Latest32,
            InstructionSet::JamV1,
            InstructionSet::ReviveV1,
            InstructionSet::Gp07,
        ];
        let numbers: Vec<String> =
            sets.iter().map(|set| set.number(opcode).map_or("-".into(), |number| number.to_string())).collect();
        let blocks: Vec<String> = opcode
            .macro_block_encodings()
            .iter()
            .map(
                |(length, bytes)| {
                    if *bytes > 0xff { format!("{length}:{bytes:04x}") } else { format!("{length}:{bytes:02x}") }
                },
            )
            .collect();
        let cost = opcode.cost();
        let _ = writeln!(
            out,
            "| {opcode} | {} | {} | {} | {} | {} | {} | {} |",
            opcode.format().name(),
            numbers.join(" | "),
            blocks.join(" "),
            if opcode.ends_block() { "yes" } else { "" },
            latency(&cost),
            slots(&cost),
            units(&cost),
        );
    }
    out
}

fn latency(cost: &Cost) -> String {
    let wide = match cost.latency {
        Latency::Cycles(cycles) => cycles.to_string(),
        Latency::Memory => "memory".into(),
        Latency::Branch => "1 or 20".into(),
    };
    match cost.narrow {
        Some((narrow, _)) => format!("{wide} (32-bit: {narrow})"),
        None => wide,
    }
}

fn slots(cost: &Cost) -> String {
    let extra = match cost.extra_slot {
        ExtraSlot::Never => "",
        ExtraSlot::UnlessFirst => " +1 first",
        ExtraSlot::UnlessAny => " +1 any",
    };
    let narrow = cost.narrow.map_or(String::new(), |(_, slots)| format!(" (32-bit: {slots})"));
    format!("{}{extra}{narrow}", cost.slots)
}

fn units(cost: &Cost) -> String {
    let units = cost.units;
    let named =
        [("alu", units.alu), ("load", units.load), ("store", units.store), ("mul", units.mul), ("div", units.div)];
    let held: Vec<String> =
        named.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name} {count}")).collect();
    held.join(", ")
}
