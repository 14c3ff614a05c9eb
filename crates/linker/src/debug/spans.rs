//! From ranges that lie within each other to a list of ranges that do not: which innermost scope each address belongs to.

use super::units::Scope;
use pvm_num::casts::to_usize;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

/// Addresses whose innermost scope is the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub(super) range: Range<u64>,
    /// Index of the scope.
    pub(super) scope: u32,
}

/// Cuts ranges of scopes into spans, sorted by address.
///
/// ```text
/// ranges  |---------- f ----------|      |--- g ---|
///            |--- h ---|                             h is inlined into f
/// spans   |f |    h    |    f     |      |    g    |
/// ```
///
/// Where two functions claim the same code, the one that comes first has it. Takes time for sorting.
pub(super) fn spans(mut ranges: Vec<(Range<u64>, u32)>, scopes: &[Scope]) -> Vec<Span> {
    ranges.sort_by_key(|(range, scope)| (range.start, *scope));
    let mut open = BinaryHeap::new();
    let mut spans = Vec::new();
    let mut at = 0;
    for (range, scope) in ranges {
        close(&mut spans, &mut open, &mut at, range.start);
        let Scope { root, depth, .. } = scopes[to_usize(scope)];
        open.push((Reverse(root), depth, scope, range.end));
    }
    close(&mut spans, &mut open, &mut at, u64::MAX);
    spans
}

/// A range that has been entered: the greatest is the one whose scope the address belongs to.
type Open = (Reverse<u32>, u32, u32, u64);

/// Writes the spans between the addresses `at` and `until`.
fn close(spans: &mut Vec<Span>, open: &mut BinaryHeap<Open>, at: &mut u64, until: u64) {
    while *at < until
        && let Some((_, _, scope, end)) = open.peek().copied()
    {
        if end <= *at {
            open.pop();
            continue;
        }
        let end = end.min(until);
        match spans.last_mut() {
            Some(last) if last.range.end == *at && last.scope == scope => last.range.end = end,
            _ => spans.push(Span { range: *at..end, scope }),
        }
        *at = end;
    }
    *at = (*at).max(until);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(caller: Option<(u32, u32, u32)>, id: u32) -> Scope {
        let (depth, root) = caller.map_or((0, id), |(_, depth, root)| (depth, root));
        Scope { function: id, caller: None, depth, root }
    }

    #[track_caller]
    fn check(ranges: &[(Range<u64>, u32)], scopes: &[Scope], expected: &[(Range<u64>, u32)]) {
        let found: Vec<_> = spans(ranges.to_vec(), scopes).into_iter().map(|span| (span.range, span.scope)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn inner_scopes_cut_outer_ones() {
        let scopes = [scope(None, 0), scope(Some((0, 1, 0)), 1), scope(Some((1, 2, 0)), 2), scope(None, 3)];
        check(
            &[(10..30, 0), (12..20, 1), (14..16, 2), (18..20, 2), (30..40, 3)],
            &scopes,
            &[(10..12, 0), (12..14, 1), (14..16, 2), (16..18, 1), (18..20, 2), (20..30, 0), (30..40, 3)],
        );
        check(&[], &scopes, &[]);
        check(&[(10..20, 0), (25..30, 0)], &scopes, &[(10..20, 0), (25..30, 0)]);
    }

    #[test]
    fn the_first_of_two_functions_has_the_code() {
        let scopes = [scope(None, 0), scope(None, 1), scope(Some((1, 1, 1)), 2)];
        check(&[(10..20, 0), (5..30, 1), (12..25, 2)], &scopes, &[(5..10, 1), (10..20, 0), (20..25, 2), (25..30, 1)]);
    }
}
