//! Which pages a guest has and what it may do with them: a table of ranges.

use crate::Access;
use core::ops::Range;

/// A range of whole pages with the same rights.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mapping {
    pub(crate) range: Range<u64>,
    pub(crate) access: Access,
}

/// Disjoint mappings by rising address; those that meet differ in rights.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Ranges(Vec<Mapping>);

impl Ranges {
    pub(crate) const fn new() -> Ranges {
        Ranges(Vec::new())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Mapping> {
        self.0.iter()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The mapping that holds an address.
    #[inline]
    pub(crate) fn at(&self, address: u64) -> Option<&Mapping> {
        // A static map has about five, which is faster than halving.
        let mapping = match self.0.len() {
            0..=8 => self.0.iter().find(|mapping| address < mapping.range.end),
            _ => self.0.get(self.0.partition_point(|mapping| mapping.range.end <= address)),
        };
        mapping.filter(|mapping| mapping.range.start <= address)
    }

    /// The mapping that holds the whole range.
    #[inline]
    pub(crate) fn holding(&self, range: &Range<u64>) -> Option<&Mapping> {
        self.at(range.start).filter(|mapping| range.end <= mapping.range.end)
    }

    /// Is every page of the range mapped?
    pub(crate) fn hold(&self, range: &Range<u64>) -> bool {
        let mut at = range.start;
        while at < range.end {
            match self.at(at) {
                Some(mapping) => at = mapping.range.end,
                None => return false,
            }
        }
        true
    }

    /// Does some mapping overlap the range?
    pub(crate) fn meet(&self, range: &Range<u64>) -> bool {
        let first = self.0.partition_point(|mapping| mapping.range.end <= range.start);
        !range.is_empty() && self.0.get(first).is_some_and(|mapping| mapping.range.start < range.end)
    }

    /// Takes a range out.
    pub(crate) fn remove(&mut self, range: &Range<u64>) {
        let first = self.0.partition_point(|mapping| mapping.range.end <= range.start);
        let last = self.0.partition_point(|mapping| mapping.range.start < range.end);
        if range.is_empty() || first >= last {
            return;
        }
        let before = Mapping { range: self.0[first].range.start..range.start, ..self.0[first].clone() };
        let after = Mapping { range: range.end..self.0[last - 1].range.end, ..self.0[last - 1].clone() };
        self.0.splice(first..last, [before, after].into_iter().filter(|mapping| !mapping.range.is_empty()));
    }

    /// Puts a range in, instead of what was there; ranges that meet with the same rights become one.
    pub(crate) fn insert(&mut self, range: Range<u64>, access: Access) {
        if range.is_empty() {
            return;
        }
        self.remove(&range);
        let at = self.0.partition_point(|mapping| mapping.range.end <= range.start);
        let mut mapping = Mapping { range, access };
        let mut replaced = at..at;
        if let Some(before) = at.checked_sub(1).map(|index| &self.0[index])
            && (before.range.end, before.access) == (mapping.range.start, access)
        {
            mapping.range.start = before.range.start;
            replaced.start -= 1;
        }
        if let Some(after) = self.0.get(at)
            && (after.range.start, after.access) == (mapping.range.end, access)
        {
            mapping.range.end = after.range.end;
            replaced.end += 1;
        }
        self.0.splice(replaced, [mapping]);
    }

    /// What is here and not in `other`, or there with other rights.
    pub(crate) fn without(&self, other: &Ranges) -> Ranges {
        let mut rest = self.clone();
        for theirs in other.iter() {
            let same = |ours: &Mapping| ours.access == theirs.access;
            let overlaps: Vec<Range<u64>> = (self.iter().filter(|ours| same(ours)))
                .map(|ours| ours.range.start.max(theirs.range.start)..ours.range.end.min(theirs.range.end))
                .filter(|range| !range.is_empty())
                .collect();
            for range in overlaps {
                rest.remove(&range);
            }
        }
        rest
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Access::{Read, ReadWrite};

    /// The same as a table of pages.
    fn pages(ranges: &Ranges) -> [Option<Access>; 32] {
        let mut pages = [None; 32];
        let mut last_end = 0;
        for (index, mapping) in ranges.iter().enumerate() {
            assert!(mapping.range.start < mapping.range.end, "{ranges:?}");
            assert!(index == 0 || last_end <= mapping.range.start, "{ranges:?}");
            last_end = mapping.range.end;
            for page in mapping.range.clone() {
                pages[usize::try_from(page).unwrap()] = Some(mapping.access);
            }
        }
        pages
    }

    #[test]
    fn ranges_are_what_a_table_of_pages_is() {
        let mut seed = 1_u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let mut ranges = Ranges::new();
        let mut other = Ranges::new();
        let mut expected = [None; 32];
        for _ in 0..20_000 {
            let start = next(32);
            let end = start + next(33 - start);
            let range = start..end;
            let held: Vec<_> = range.clone().map(|page| expected[usize::try_from(page).unwrap()]).collect();
            assert_eq!(ranges.hold(&range), held.iter().all(Option::is_some));
            assert_eq!(ranges.meet(&range), held.iter().any(Option::is_some));
            let one = !held.is_empty() && held[0].is_some() && held.iter().all(|access| *access == held[0]);
            if !range.is_empty() {
                assert_eq!(ranges.holding(&range).is_some(), one, "{ranges:?} {range:?}");
            }
            let access = match next(5) {
                0 => Some(Read),
                1 | 2 => Some(ReadWrite),
                3 => None,
                _ => {
                    other = ranges.clone();
                    continue;
                }
            };
            match access {
                Some(access) => ranges.insert(range.clone(), access),
                None => ranges.remove(&range),
            }
            for page in range {
                expected[usize::try_from(page).unwrap()] = access;
            }
            assert_eq!(pages(&ranges), expected);
            assert!(
                ranges
                    .iter()
                    .zip(ranges.iter().skip(1))
                    .all(|(a, b)| a.range.end < b.range.start || a.access != b.access)
            );
            let theirs = pages(&other);
            let rest = core::array::from_fn(|page| expected[page].filter(|access| theirs[page] != Some(*access)));
            assert_eq!(pages(&ranges.without(&other)), rest);
        }
    }
}
