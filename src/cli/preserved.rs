//! `--preserve-fds` and `--preserve-fd`: descriptors that this process was started with, for the command in the container.

use std::collections::BTreeSet;

use crate::error::{Context as _, Error, Result};
use crate::runtime::channel::MAX_DESCRIPTORS;
use crate::runtime::launch::Given;
use crate::sys::process;

/// As many as fit into one packet beside the standard streams.
const MAX: usize = MAX_DESCRIPTORS - 4;

/// Takes the first `count` descriptors behind the standard streams, and those in the list.
///
/// To be called before this process has opened any file: what it opens could have one of these numbers.
pub fn take(count: u32, list: &[i32]) -> Result<Vec<Given>> {
    let first = (3..).take((count as usize).min(MAX + 1));
    let numbers: BTreeSet<i32> = first.chain(list.iter().copied().filter(|number| *number > 2)).collect();
    if let Some(bad) = list.iter().find(|number| **number < 0) {
        crate::bail!("{bad} is not the number of a descriptor");
    }
    if numbers.len() > MAX {
        return Err(Error::new(format!("at most {MAX} descriptors can be passed to a container")));
    }
    numbers.into_iter().map(take_one).collect()
}

fn take_one(number: i32) -> Result<Given> {
    let missing = || {
        Error::new(format!(
            "file descriptor {number} is not available - the preserve-fds option requires that file descriptors must be passed"
        ))
    };
    let fd = process::inherited(number).ok_or_else(missing)?;
    // It is for the container, and not for the helpers that are started on the way.
    rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC).context("marking a descriptor close-on-exec")?;
    Ok(Given { number, fd })
}
