//! Containers: `.polkavm` blobs and JAM standard programs.

use super::{Input, program};
use crate::corpus;
use crate::probe::Probe;
use crate::random::Random;
use pvm_isa::InstructionSet;
use pvm_num::casts::{to_u32, to_u64};
use pvm_program::sections::{END, HEADER_SIZE, Section, Sections};
use pvm_program::{
    JamMetadata, JamNumbering, Latest64Layout, MetadataPrefix, ParseOptions, Program, StandardProgram, Varints, varint,
};

/// Seeds, small ones more often: what a mutation can break shows in little code as well.
fn seed(random: &mut Random, small: &'static [Vec<u8>], large: &'static [Vec<u8>]) -> Vec<u8> {
    let from = if random.below(300) == 0 { large } else { small };
    random.pick(from).clone()
}

pub(super) fn generate(random: &mut Random) -> Input {
    let origin = seed(random, &corpus::BLOBS, &corpus::LARGE_BLOBS);
    let mut bytes = origin.clone();
    if random.below(2) == 0 {
        bytes = mutate_sections(random, &bytes).unwrap_or(bytes);
    } else {
        random.mutate(&mut bytes);
    }
    // The header's length is checked first; get past it.
    let length = to_u64(bytes.len()).to_le_bytes();
    if let Some(field) = bytes.get_mut(5..HEADER_SIZE) {
        field.copy_from_slice(&length);
    }
    Input { bytes, choice: random.next(), origin }
}

/// Changes what is in the sections, so that the frame stays in order; sometimes the order of sections, too.
fn mutate_sections(random: &mut Random, bytes: &[u8]) -> Option<Vec<u8>> {
    let options = ParseOptions { latest64_layout: Latest64Layout::Detect, ..ParseOptions::default() };
    let sections = Sections::parse(bytes, &options).ok()?;
    let mut payloads: Vec<(u8, Vec<u8>)> =
        Section::ALL.iter().map(|section| (section.id(), sections.payload(*section).to_vec())).collect();
    payloads.retain(|(_, payload)| !payload.is_empty());
    if payloads.is_empty() {
        return None;
    }
    for _ in 0..=random.below(3) {
        let at = random.below(payloads.len());
        match random.below(16) {
            0 => {
                let to = random.below(payloads.len());
                payloads.swap(at, to);
            }
            1 => {
                let copy = payloads[at].clone();
                payloads.insert(at, copy);
            }
            2 => payloads[at].0 = *random.pick(&[1, 4, 5, 6, 7, 0x7f, 0x80, 0x81, 0x82, 0x83, 0x84, 0xff]),
            _ => random.mutate(&mut payloads[at].1),
        }
    }
    let mut out = bytes[..HEADER_SIZE].to_vec();
    if random.below(4) == 0 {
        out[4] = *random.pick(&[0, 1, 2, 3, 4]);
    }
    for (id, payload) in payloads {
        out.push(id);
        varint::write(&mut out, to_u32(payload.len()));
        out.extend_from_slice(&payload);
    }
    out.push(END);
    Some(out)
}

pub(super) fn check(input: &Input, probe: &mut Probe) -> bool {
    let mut random = Random::new(input.choice);
    let varints = *random.pick(&[Varints::Strict, Varints::Lenient]);
    // The version byte decides which of the choices there is.
    let all = match input.bytes.get(4) {
        Some(2) => [Latest64Layout::Detect, Latest64Layout::Bitmask, Latest64Layout::MacroBlock]
            .map(|latest64_layout| ParseOptions { latest64_layout, varints, ..ParseOptions::default() })
            .to_vec(),
        Some(3) => [JamNumbering::Gp08, JamNumbering::Gp07]
            .map(|jam_numbering| ParseOptions { jam_numbering, varints, ..ParseOptions::default() })
            .to_vec(),
        _ => vec![ParseOptions { varints, ..ParseOptions::default() }],
    };
    let mut detected: Option<InstructionSet> = None;
    let mut accepted = false;
    for options in all {
        let Ok(parsed) = Program::parse(&input.bytes[..], &options) else { continue };
        accepted = true;
        // What detection found is looked at once.
        if options.latest64_layout != Latest64Layout::Detect && detected == Some(parsed.set()) {
            continue;
        }
        detected = Some(parsed.set());
        program::look_at(&parsed, &mut random, probe);
    }
    accepted
}

pub(super) fn generate_spi(random: &mut Random) -> Input {
    let mut origin = seed(random, &corpus::STANDARD_PROGRAMS, &corpus::LARGE_STANDARD_PROGRAMS);
    if random.below(2) == 0 {
        let metadata = JamMetadata { name: "guest", version: "1", license: "MIT", authors: vec!["a", "b"] };
        let mut prefixed = metadata.to_prefix();
        prefixed.append(&mut origin);
        origin = prefixed;
    }
    let mut bytes = origin.clone();
    if random.below(2) == 0 {
        random.overwrite(&mut bytes)
    } else {
        random.mutate(&mut bytes)
    }
    Input { bytes, choice: random.next(), origin }
}

pub(super) fn check_spi(input: &Input, probe: &mut Probe) -> bool {
    let mut random = Random::new(input.choice);
    if let Ok(found) = StandardProgram::parse(&input.bytes) {
        let _ = JamMetadata::parse(&input.bytes[found.metadata]);
    }
    let set = *random.pick(&[InstructionSet::JamV1, InstructionSet::Gp07]);
    let mut accepted = false;
    for prefix in [MetadataPrefix::Detect, MetadataPrefix::Absent, MetadataPrefix::Present] {
        let Ok(parsed) = Program::parse_spi_with(&input.bytes[..], set, prefix) else { continue };
        if !accepted {
            program::look_at(&parsed, &mut random, probe);
        }
        accepted = true;
    }
    accepted
}
