//! Files of cases: which lines belong to which case.
//!
//! ```text
//! lines every case of the group shares        a file without `===` is one group
//! --- TITLE                                   a case: what the group shares, and these lines;
//! lines of the case                           or these alone, if they hold a program
//! === TITLE                                   another group
//! ```
//!
//! A group without `---` is one case. Lines keep their numbers: a case's text has the file's other lines left empty.

use crate::configuration::Paging;
use crate::failure::Problem;
use pvm_isa::InstructionSet;
use pvm_num::casts::to_u32;

/// A case as a file has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    /// Its title; empty if the file holds one case only.
    pub(crate) title: String,
    /// The line it starts on.
    pub(crate) line: u32,
    /// What `pvm_text::case` reads.
    pub(crate) text: String,
    /// Where it does not hold, as `not:` lines say.
    pub(crate) exclusions: Vec<Exclusion>,
}

/// A line `not: NAME REASON`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Exclusion {
    where_: Where,
    /// The line it stands on.
    pub(crate) line: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Where {
    /// Sets of this name.
    Set(&'static str),
    Paging(Paging),
}

impl Exclusion {
    /// Does it exclude runs of this kind?
    pub(crate) fn covers(&self, set: InstructionSet, paging: Paging) -> bool {
        match self.where_ {
            Where::Set(name) => set.name() == name,
            Where::Paging(excluded) => excluded == paging,
        }
    }
}

/// A line and its number.
type Line<'a> = (u32, &'a str);

#[derive(Default)]
struct Group<'a> {
    title: &'a str,
    shared: Vec<Line<'a>>,
    cases: Vec<(Line<'a>, Vec<Line<'a>>)>,
}

/// The cases of a file.
///
/// # Errors
/// The first line that is wrong, and what is wrong with it.
pub(crate) fn entries(text: &str) -> Result<Vec<Entry>, (u32, Problem)> {
    let line_count = to_u32(text.lines().count());
    let mut entries = Vec::new();
    for group in groups(text) {
        if group.cases.is_empty() && has_program(&group.shared) {
            let line = group.shared[0].0;
            entries.push(entry(group.title, line, &[&group.shared], line_count)?);
        }
        for ((line, title), own) in &group.cases {
            let alone = has_program(own);
            if !alone && !has_program(&group.shared) {
                return Err((*line, Problem::NoProgram));
            }
            let parts = if alone { vec![own] } else { vec![&group.shared, own] };
            entries.push(entry(title, *line, &parts, line_count)?);
        }
    }
    if entries.is_empty() {
        return Err((line_count, Problem::NoProgram));
    }
    Ok(entries)
}

fn groups(text: &str) -> Vec<Group<'_>> {
    let mut groups = vec![Group::default()];
    for (number, line) in (1..).zip(text.lines()) {
        let group = groups.last_mut().expect("there is always one");
        if let Some(title) = line.strip_prefix("===") {
            groups.push(Group { title: title.trim(), ..Group::default() });
        } else if let Some(title) = line.strip_prefix("---") {
            group.cases.push(((number, title.trim()), Vec::new()));
        } else {
            match group.cases.last_mut() {
                Some((_, own)) => own.push((number, line)),
                None => group.shared.push((number, line)),
            }
        }
    }
    groups
}

fn has_program(lines: &[Line<'_>]) -> bool {
    let is_program = |line: &str| {
        let is_case = ["pre:", "post:", "step:", "not:"].iter().any(|word| line.starts_with(word));
        !is_case && !line.trim().is_empty() && !line.trim_start().starts_with("//")
    };
    lines.iter().any(|(_, line)| is_program(line))
}

fn entry(title: &str, line: u32, parts: &[&Vec<Line<'_>>], line_count: u32) -> Result<Entry, (u32, Problem)> {
    let mut exclusions = Vec::new();
    let mut texts = parts.iter().flat_map(|part| part.iter()).peekable();
    let mut text = String::new();
    for number in 1..=line_count {
        if let Some((_, line)) = texts.next_if(|(at, _)| *at == number) {
            match line.strip_prefix("not:") {
                Some(rest) => exclusions.push(exclusion(rest, number).ok_or((number, Problem::BadExclusion))?),
                None => text.push_str(line),
            }
        }
        text.push('\n');
    }
    Ok(Entry { title: title.to_owned(), line, text, exclusions })
}

/// Behind `not:`: what is excluded, and why.
fn exclusion(rest: &str, line: u32) -> Option<Exclusion> {
    let (name, reason) = rest.trim().split_once(' ')?;
    if reason.trim().is_empty() {
        return None;
    }
    let paging = Paging::ALL.into_iter().find(|paging| paging.name() == name).map(Where::Paging);
    let set = InstructionSet::ALL.into_iter().find(|set| set.name() == name).map(|set| Where::Set(set.name()));
    Some(Exclusion { where_: paging.or(set)?, line })
}

/// The line of a case's text that says what to expect of `name`, such as `a0` or `memory 0x20000`.
pub(crate) fn line_of(text: &str, name: &str) -> Option<u32> {
    let names = |line: &str| {
        let equations = line.strip_prefix("post:").into_iter().flat_map(|rest| rest.split(','));
        equations.filter_map(|equation| equation.split_once('=')).any(|(left, _)| left.trim() == name)
    };
    (1..).zip(text.lines()).filter(|(_, line)| names(line)).map(|(number, _)| number).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
// what it is
pub @main:
trap
step: run
--- first
post: a0 = 1, a1 = 2
not: paging because
--- alone
pub @main:
ecalli 1
=== second
trap
";

    #[test]
    fn cases_share_what_their_group_says() {
        let found = entries(FILE).unwrap();
        let titles: Vec<_> = found.iter().map(|entry| (entry.title.as_str(), entry.line)).collect();
        assert_eq!(titles, [("first", 5), ("alone", 8), ("second", 12)]);
        let lines: Vec<_> = found[0].text.lines().collect();
        assert_eq!(
            (lines[1], lines[2], lines[3], lines[5]),
            ("pub @main:", "trap", "step: run", "post: a0 = 1, a1 = 2")
        );
        assert_eq!((lines[6], lines[9], lines.len()), ("", "", 12));
        assert!(!found[1].text.contains("step: run") && found[1].text.contains("ecalli 1"));
        assert_eq!(found[2].text.trim(), "trap");
        assert_eq!((line_of(&found[0].text, "a1"), line_of(&found[0].text, "a2")), (Some(6), None));

        let exclusion = found[0].exclusions[0];
        assert!(exclusion.covers(InstructionSet::JamV1, Paging::Dynamic));
        assert!(!exclusion.covers(InstructionSet::JamV1, Paging::Static));
        assert_eq!(exclusion.line, 7);
    }

    #[test]
    fn what_is_no_file_of_cases() {
        assert_eq!(entries("--- no program\npost: a0 = 1\n").unwrap_err(), (1, Problem::NoProgram));
        assert_eq!(entries("// nothing\n").unwrap_err(), (1, Problem::NoProgram));
        for line in ["not: paging", "not: latest128 why", "not:", "not: gp07  "] {
            assert_eq!(entries(&format!("trap\n{line}\n")).unwrap_err(), (2, Problem::BadExclusion), "{line}");
        }
    }
}
