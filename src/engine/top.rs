//! The processes of a container, seen from the host: which they are, and what their columns say.
//!
//! Everything is read from the host's /proc. Nothing runs in the container, so that images without `ps` have a `top` too,
//! and a container that lies about its processes (a changed `ps`, something mounted on its /proc) deceives nobody.

mod column;
mod names;
mod process;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub use self::column::{Column, DEFAULT_COLUMNS};
use self::names::Names;
use self::process::Process;
use crate::container::store::Container;
use crate::container::{Status, snapshot};
use crate::error::{Error, Result};
use crate::storage::Roots;

/// The columns that a user asks for: descriptors as arguments or separated by commas; the usual ones when there are none.
///
/// # Errors
/// When a descriptor is unknown, such as the options of ps(1), which would have to run in the container.
pub fn columns(arguments: &[String]) -> Result<Vec<Column>> {
    let wanted: Vec<&str> = arguments.iter().flat_map(|argument| argument.split(',')).map(str::trim).collect();
    let wanted = wanted.into_iter().filter(|word| !word.is_empty());
    let columns = wanted.map(|word| {
        Column::of(word).ok_or_else(|| {
            let error = Error::new(format!("'{word}': unknown descriptor"));
            if word.starts_with('-') {
                error.hint("options of ps(1) are for the `ps` in the container: use `coracle exec CONTAINER ps …`")
            } else {
                error.hint(format!("choose from: {}", column::all_names().join(", ")))
            }
        })
    });
    let columns: Vec<Column> = columns.collect::<Result<_>>()?;
    Ok(if columns.is_empty() { DEFAULT_COLUMNS.to_vec() } else { columns })
}

/// The headings and then one row for each process, ordered by PID.
///
/// # Errors
/// When the container does not run, or ends meanwhile.
pub fn top(roots: &Roots, container: &Container, columns: &[Column]) -> Result<Vec<Vec<String>>> {
    let init = container.state.pid;
    if container.state.status != Status::Running || init <= 0 {
        return Err(Error::new("top can only be used on running containers")
            .with_kind(crate::error::Kind::InUse)
            .hint(format!("start it: coracle start {}", container.record.name)));
    }
    let all = process::read_all()?;
    let Some(first) = all.get(&init) else { return Err(Error::new("the container has ended meanwhile")) };
    // In the container's PID namespace its init is the last of the PIDs that it has.
    let level = first.pids.len().saturating_sub(1);
    let members = members(&all, init);
    let context = Context {
        all: &all,
        names: Names::of(init, &layers_of(roots, container)),
        level,
        now: process::uptime(),
        members: &members,
    };
    let mut rows: Vec<(i32, Vec<String>)> = Vec::new();
    for process in members.iter().filter_map(|pid| all.get(pid)) {
        let row = columns.iter().map(|column| column.value(process, &context)).collect();
        rows.push((process.pid_at(level), row));
    }
    rows.sort_by_key(|(pid, _)| *pid);
    let headings = columns.iter().map(|column| column.heading().to_owned()).collect();
    Ok(std::iter::once(headings).chain(rows.into_iter().map(|(_, row)| row)).collect())
}

/// Where the container's files are, topmost first. A root file system of fuse-overlayfs lets nobody in from outside of the
/// user's namespace.
fn layers_of(roots: &Roots, container: &Container) -> Vec<PathBuf> {
    let mut layers = vec![roots.container(&container.record.id).join("upper")];
    layers.extend(snapshot::layer_paths(&container.record, roots));
    layers
}

/// What the columns of one process are made of besides the process.
struct Context<'a> {
    all: &'a BTreeMap<i32, Process>,
    members: &'a BTreeSet<i32>,
    names: Names,
    /// Which of a process's PIDs is the container's.
    level: usize,
    /// Seconds since the host started.
    now: f64,
}

/// The processes of the container whose first process is `init`, by the host's PIDs: those in its PID namespace, and the
/// descendants of these, which may be in namespaces of their own.
fn members(all: &BTreeMap<i32, Process>, init: i32) -> BTreeSet<i32> {
    let namespace = |pid: i32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let shared = namespace(init);
    let mut members = BTreeSet::from([init]);
    // With the host's PID namespace (`--pid host`) the namespace says nothing.
    if shared.is_some() && shared != namespace(std::process::id() as i32) {
        members.extend(all.keys().copied().filter(|pid| namespace(*pid) == shared));
    }
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for process in all.values() {
        children.entry(process.parent).or_default().push(process.pid);
    }
    let mut queue: Vec<i32> = members.iter().copied().collect();
    while let Some(pid) = queue.pop() {
        for child in children.get(&pid).into_iter().flatten() {
            if members.insert(*child) {
                queue.push(*child);
            }
        }
    }
    members
}

#[cfg(test)]
mod tests;
