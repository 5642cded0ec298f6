//! Whether an unpacked layer is still what its archive holds.
//!
//! The archive is read once more, entry by entry, as unpacking does it, but nothing is written: [`expect`] makes the tree
//! that there should be, and compares the content of each file with the one on disk as it flows by; [`compare`] walks what
//! there is. No stored list is needed, which could be damaged itself.

mod compare;
mod content;
mod expect;
#[cfg(test)]
mod tests;

use std::os::fd::BorrowedFd;

use crate::error::Result;
use crate::storage::unpack::Reader;
use crate::storage::unpack::extract::Owners;

/// What is wrong with a layer, in words, each with its path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// The first few.
    pub shown: Vec<String>,
    pub number: usize,
}

/// As many are described.
const MAX_SHOWN: usize = 3;

impl Differences {
    fn add(&mut self, path: &[u8], what: &str) {
        self.number += 1;
        if self.shown.len() < MAX_SHOWN {
            self.shown.push(format!("`/{}` {what}", crate::storage::tree::shown(path)));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.number == 0
    }

    /// All in one line.
    pub fn summary(&self) -> String {
        let more = self.number.saturating_sub(self.shown.len());
        let more = if more == 0 { String::new() } else { format!(", and {more} more") };
        format!("{}{more}", self.shown.join(", "))
    }
}

/// Compares the directory `root` with the archive of the layer that it is. The process is root of the user namespace.
///
/// # Errors
/// The archive or the directory cannot be read.
pub fn layer<R: std::io::BufRead>(
    archive: &mut Reader<R>,
    root: BorrowedFd<'_>,
    owners: Owners,
) -> Result<Differences> {
    let tree = expect::Tree::read(archive, root)?;
    compare::compare(&tree, root, owners)
}
