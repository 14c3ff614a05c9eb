//! Which passes run: those of the level, some switched on or off by name, or just the named ones.

use super::PASSES;

/// A choice of passes.
///
/// ```
/// use pvm_linker::PassSelection;
///
/// assert!(PassSelection::parse("-nops").is_ok());
/// assert_eq!(PassSelection::parse("nosuch").unwrap_err().to_string(), "there is no pass `nosuch`");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PassSelection {
    /// Run these and no others.
    only: Option<Names>,
    off: Names,
    on: Names,
}

/// A set of passes, one bit each in the order of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Names(u64);

const _: () = assert!(PASSES.len() <= 64);

/// A name that no pass has.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no pass `{name}`")]
pub struct UnknownPass {
    /// The name.
    pub name: Box<str>,
}

impl PassSelection {
    /// A list of names, separated by commas. `-name` switches a pass off, `+name` switches one on that the level does not
    /// have; if names without sign are among them, those passes run and no others.
    ///
    /// # Errors
    /// The first name that no pass has.
    pub fn parse(list: &str) -> Result<PassSelection, UnknownPass> {
        let mut selection = PassSelection::default();
        for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let (set, name) = match (item.strip_prefix('-'), item.strip_prefix('+')) {
                (Some(name), _) => (&mut selection.off, name),
                (None, Some(name)) => (&mut selection.on, name),
                (None, None) => (selection.only.get_or_insert_default(), item),
            };
            let index = PASSES.iter().position(|pass| pass.info.name == name);
            let index = index.ok_or_else(|| UnknownPass { name: name.into() })?;
            set.0 |= 1 << index;
        }
        Ok(selection)
    }

    /// Does the pass at a position of the table run at a level?
    pub(super) fn selects(&self, index: usize, level: u8) -> bool {
        let bit = 1 << index;
        match self.only {
            Some(only) => (only.0 | self.on.0) & !self.off.0 & bit != 0,
            None => (PASSES[index].info.level <= level || self.on.0 & bit != 0) && self.off.0 & bit == 0,
        }
    }
}
