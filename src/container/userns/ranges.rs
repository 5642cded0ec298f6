//! Sets of IDs as ranges.

use crate::runtime::userns::Extent;

/// Sorted, not empty, not touching: start and end (exclusive).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// The set of all these.
    pub fn of(ranges: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut all: Vec<(u64, u64)> = ranges.into_iter().filter(|(start, end)| start < end).collect();
        all.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::new();
        for (start, end) in all {
            match joined.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => joined.push((start, end)),
            }
        }
        Ranges(joined)
    }

    /// Takes the IDs from `start` to before `end` away.
    pub fn remove(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let parts = self.0.iter().flat_map(|(s, e)| [(*s, (*e).min(start)), ((*s).max(end), *e)]);
        self.0 = parts.filter(|(s, e)| s < e).collect();
    }

    /// How many IDs there are.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(start, end)| end - start).sum()
    }

    /// The ranges in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, u64)> + '_ {
        self.0.iter().copied()
    }

    /// Gives the IDs of this set, in order, those of `ids`, in order, until either is used up.
    pub fn deal(&self, ids: &Ranges) -> Vec<Extent> {
        let mut dealt = Vec::new();
        let (mut own, mut theirs) = (self.iter(), ids.iter());
        let (mut a, mut b) = (own.next(), theirs.next());
        while let (Some((from, to)), Some((start, end))) = (a, b) {
            let size = (to - from).min(end - start);
            let extent = (u32::try_from(from), u32::try_from(start), u32::try_from(size));
            if let (Ok(container_id), Ok(host_id), Ok(size)) = extent {
                dealt.push(Extent { container_id, host_id, size });
            }
            a = if from + size < to { Some((from + size, to)) } else { own.next() };
            b = if start + size < end { Some((start + size, end)) } else { theirs.next() };
        }
        dealt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_join_lose_and_deal() {
        let mut set = Ranges::of([(5, 10), (0, 5), (20, 30), (7, 9), (3, 3)]);
        assert_eq!(set, Ranges(vec![(0, 10), (20, 30)]));
        set.remove(8, 22);
        set.remove(1, 2);
        set.remove(9, 3);
        assert_eq!((set.clone(), set.count()), (Ranges(vec![(0, 1), (2, 8), (22, 30)]), 15));
        let dealt = set.deal(&Ranges::of([(100, 105), (200, 203)]));
        let dealt: Vec<_> = dealt.iter().map(|e| (e.container_id, e.host_id, e.size)).collect();
        assert_eq!(dealt, [(0, 100, 1), (2, 101, 4), (6, 200, 2), (22, 202, 1)]);
    }
}
