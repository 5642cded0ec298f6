//! Room for more open files: a walk holds one descriptor for each level and layer.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit of open files raised as far as it goes; back where it was when this is dropped, because containers that are
/// started later inherit it.
#[derive(Debug)]
pub struct ManyFiles {
    before: Rlimit,
}

impl ManyFiles {
    /// Raises the limit.
    pub fn allow() -> Self {
        let before = getrlimit(Resource::Nofile);
        let _ = setrlimit(Resource::Nofile, Rlimit { current: before.maximum, maximum: before.maximum });
        ManyFiles { before }
    }
}

impl Drop for ManyFiles {
    fn drop(&mut self) {
        let before = Rlimit { current: self.before.current, maximum: self.before.maximum };
        let _ = setrlimit(Resource::Nofile, before);
    }
}
