//! Things that could not be done as asked and do not stop the work, each kind told once with how often it happened.

/// Collected warnings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Warnings {
    /// Message and count, in order of first appearance.
    list: Vec<(String, u64)>,
}

impl Warnings {
    /// Notes a warning; a repeated one is only counted.
    pub fn add(&mut self, message: &str) {
        self.add_many(message, 1);
    }

    fn add_many(&mut self, message: &str, count: u64) {
        match self.list.iter_mut().find(|(known, _)| known == message) {
            Some((_, known)) => *known += count,
            None => self.list.push((message.to_owned(), count)),
        }
    }

    /// Takes over the warnings of another part of the work.
    pub fn merge(&mut self, other: Warnings) {
        for (message, count) in other.list {
            self.add_many(&message, count);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// One line each, with the count where it happened more than once.
    pub fn messages(&self) -> Vec<String> {
        let line = |(message, count): &(String, u64)| match count {
            1 => message.clone(),
            n => format!("{message} ({n} times)"),
        };
        self.list.iter().map(line).collect()
    }
}
