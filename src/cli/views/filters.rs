//! What the filters of all listings share: several values of one key are alternatives (labels must all match), several keys
//! must all match, and `key!=value` turns the answer around.

use crate::error::Result;

/// The conditions of one command line, by their keys as typed (with `!` where negated).
#[derive(Debug, Clone)]
pub struct Groups<C> {
    groups: Vec<(String, Vec<C>)>,
}

impl<C> Default for Groups<C> {
    fn default() -> Self {
        Groups { groups: Vec::new() }
    }
}

impl<C> Groups<C> {
    /// Adds what was read from one `--filter`.
    pub fn add(&mut self, key: &str, condition: C) {
        match self.groups.iter_mut().find(|(k, _)| k == key) {
            Some((_, conditions)) => conditions.push(condition),
            None => self.groups.push((key.to_owned(), vec![condition])),
        }
    }

    /// Reads filters of the form `key=value`; `condition` is called with both.
    ///
    /// # Errors
    /// A text has another form, or what `condition` says.
    pub fn parse(texts: &[String], mut condition: impl FnMut(&str, &str) -> Result<C>) -> Result<Self> {
        let mut groups = Groups::default();
        for text in texts {
            let Some((key, value)) = text.split_once('=') else {
                crate::bail!("filter input must be in the form of filter=value: {text} is invalid")
            };
            groups.add(key, condition(key, value)?);
        }
        Ok(groups)
    }

    /// Whether all keys are content with what `holds` says of their conditions.
    pub fn matches(&self, holds: impl Fn(&C) -> bool) -> bool {
        self.groups.iter().all(|(key, conditions)| {
            let found = if key == "label" { conditions.iter().all(&holds) } else { conditions.iter().any(&holds) };
            found != key.ends_with('!')
        })
    }

    /// Whether a key was given, negated or not.
    pub fn has(&self, key: &str) -> bool {
        self.groups.iter().any(|(k, _)| k.trim_end_matches('!') == key)
    }

    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}
