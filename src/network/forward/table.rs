//! Things with keys that epoll can carry. A key names its thing for good: a later one in the same place has another key.

/// Names one thing of a [`Table`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    place: u32,
    generation: u32,
}

/// How many low bits of a token say what kind of thing it is about.
const KIND_BITS: u32 = 3;
/// So that place and kind fit into 32 bits.
const MAX_PLACES: usize = 1 << (32 - KIND_BITS);

impl Key {
    /// As the number that epoll keeps; `kind` below 8.
    pub(super) fn token(self, kind: u8) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.place) << KIND_BITS | u64::from(kind & 7)
    }

    /// Back from the number.
    pub(super) fn of(token: u64) -> (Key, u8) {
        let place = (token & u64::from(u32::MAX)) >> KIND_BITS;
        let kind = token & 7;
        // Both were masked to fit.
        (Key { place: place as u32, generation: (token >> 32) as u32 }, kind as u8)
    }
}

#[derive(Debug)]
pub(super) struct Table<T> {
    places: Vec<(u32, Option<T>)>,
    free: Vec<u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table { places: Vec::new(), free: Vec::new() }
    }
}

impl<T> Table<T> {
    /// `None` when there are more than half a thousand million.
    pub(super) fn insert(&mut self, thing: T) -> Option<Key> {
        if let Some(place) = self.free.pop()
            && let Some((generation, slot)) = self.places.get_mut(place as usize)
        {
            *slot = Some(thing);
            return Some(Key { place, generation: *generation });
        }
        let place = self.places.len();
        if place >= MAX_PLACES {
            return None;
        }
        self.places.push((0, Some(thing)));
        Some(Key { place: place as u32, generation: 0 })
    }

    pub(super) fn get(&self, key: Key) -> Option<&T> {
        let (generation, slot) = self.places.get(key.place as usize)?;
        if *generation == key.generation { slot.as_ref() } else { None }
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let (generation, slot) = self.places.get_mut(key.place as usize)?;
        if *generation == key.generation { slot.as_mut() } else { None }
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        let (generation, slot) = self.places.get_mut(key.place as usize)?;
        if *generation != key.generation {
            return None;
        }
        let thing = slot.take()?;
        *generation = generation.wrapping_add(1);
        self.free.push(key.place);
        Some(thing)
    }

    pub(super) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// The keys of those that fit.
    pub(super) fn keys(&self, mut fits: impl FnMut(&T) -> bool) -> Vec<Key> {
        let all = (0..).zip(&self.places);
        let fitting = all.filter(|(_, (_, slot))| slot.as_ref().is_some_and(&mut fits));
        fitting.map(|(place, (generation, _))| Key { place, generation: *generation }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_fit_what_came_later() {
        let mut table = Table::default();
        let first = table.insert("a").unwrap();
        assert_eq!(Key::of(first.token(5)), (first, 5));
        assert_eq!(table.remove(first), Some("a"));
        let second = table.insert("b").unwrap();
        assert_eq!(table.remove(first), None);
        assert_eq!((table.get(first), table.get(second)), (None, Some(&"b")));
        let third = table.insert("c").unwrap();
        assert_eq!(Key::of(third.token(7)), (third, 7));
        assert_eq!(table.keys(|thing| *thing != "b"), [third]);
        assert_eq!(table.len(), 2);
    }
}
