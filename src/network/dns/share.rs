//! How many questions and connections one container may have open, and all together, so that no container's flood is the end of
//! the others.

use std::collections::HashMap;
use std::sync::Arc;

/// Counts what containers hold of something scarce.
pub(super) struct Shares {
    held: HashMap<Arc<str>, usize>,
    total: usize,
    most_each: usize,
    most: usize,
}

/// Whether there is room for one more.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Room {
    Yes,
    /// The asker has its share already.
    No,
    /// All is taken, and this one has more of it than the asker would: it has to give one up.
    From(Arc<str>),
}

impl Shares {
    pub(super) fn new(most_each: usize, most: usize) -> Shares {
        Shares { held: HashMap::new(), total: 0, most_each, most }
    }

    pub(super) fn room_for(&self, id: &str) -> Room {
        let own = self.held.get(id).copied().unwrap_or(0);
        if own >= self.most_each {
            return Room::No;
        }
        if self.total < self.most {
            return Room::Yes;
        }
        match self.held.iter().max_by_key(|(_, held)| **held) {
            Some((other, held)) if *held > own + 1 => Room::From(Arc::clone(other)),
            _ => Room::No,
        }
    }

    pub(super) fn take(&mut self, id: &Arc<str>) {
        *self.held.entry(Arc::clone(id)).or_default() += 1;
        self.total += 1;
    }

    pub(super) fn give_back(&mut self, id: &str) {
        if let Some(held) = self.held.get_mut(id) {
            self.total -= 1;
            *held -= 1;
            if *held == 0 {
                self.held.remove(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_has_its_share_and_makes_room() {
        let [a, b]: [Arc<str>; 2] = ["a", "b"].map(Into::into);
        let mut shares = Shares::new(3, 4);
        for _ in 0..3 {
            assert_eq!(shares.room_for("a"), Room::Yes);
            shares.take(&a);
        }
        assert_eq!(shares.room_for("a"), Room::No);
        assert_eq!(shares.room_for("b"), Room::Yes);
        shares.take(&b);
        assert_eq!(shares.room_for("b"), Room::From(Arc::clone(&a)), "all is taken");
        shares.give_back("a");
        shares.take(&b);
        assert_eq!(shares.room_for("b"), Room::No, "two each");
        assert!(matches!(shares.room_for("c"), Room::From(_)));
        for id in ["a", "a", "b", "b", "c"] {
            shares.give_back(id);
        }
        assert!(shares.held.is_empty() && shares.total == 0);
    }
}
