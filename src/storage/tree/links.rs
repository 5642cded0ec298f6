//! Which files have been seen under another name.

use std::collections::HashMap;

use rustix::fs::Stat;

/// Files with several names, by device and inode, until all of their names have been seen.
#[derive(Debug, Default)]
pub struct Links {
    seen: HashMap<(u64, u64), Seen>,
}

#[derive(Debug)]
struct Seen {
    path: Vec<u8>,
    left: u64,
}

impl Links {
    /// The name under which this file was seen before, if it was. Otherwise `path` is remembered as that name.
    pub fn first_name(&mut self, stat: &Stat, path: &[u8]) -> Option<Vec<u8>> {
        // 32 bits wide on arm64.
        #[allow(clippy::useless_conversion)]
        let names = u64::from(stat.st_nlink);
        if names < 2 {
            return None;
        }
        let key = (stat.st_dev, stat.st_ino);
        let Some(seen) = self.seen.get_mut(&key) else {
            self.seen.insert(key, Seen { path: path.to_owned(), left: names - 1 });
            return None;
        };
        seen.left = seen.left.saturating_sub(1);
        if seen.left > 0 {
            return Some(seen.path.clone());
        }
        self.seen.remove(&key).map(|seen| seen.path)
    }

    /// What was seen last could not be taken: its next name is the first again.
    pub fn forget(&mut self, stat: &Stat) {
        self.seen.remove(&(stat.st_dev, stat.st_ino));
    }
}
