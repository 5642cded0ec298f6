//! Devices by name: the Container Device Interface (<https://github.com/cncf-tags/container-device-interface>, SPEC.md).
//!
//! ```text
//! /etc/cdi/*.json *.yaml       what an administrator has written
//! /var/run/cdi/                what programs have generated; a device here takes the place of one above
//! ```
//!
//! A file describes devices of one kind (`vendor.com/class`), and what a container is to get with each of them. It is
//! written by somebody else, and only believed as far as it can be checked.

mod edits;
mod spec;

use std::path::{Path, PathBuf};

pub use edits::{Edits, Hook};
pub use spec::Spec;

use crate::error::{Context, Error, Result};

/// Where descriptions are, the more important ones last.
pub const DIRECTORIES: [&str; 2] = ["/etc/cdi", "/var/run/cdi"];

/// A description is no larger than this, and a directory has no more of them.
const MAX_SIZE: u64 = 8 << 20;
const MAX_FILES: usize = 1000;

/// Whether `text` is the name of a device in full: `vendor.com/class=name`.
pub fn is_name(text: &str) -> bool {
    let Some((kind, device)) = text.split_once('=') else { return false };
    spec::check_kind(kind).is_ok() && spec::is_device(device)
}

/// The devices that `--gpus` means.
pub fn gpus(values: &[String]) -> Result<Vec<String>> {
    let one = |value: &String| {
        let name = format!("nvidia.com/gpu={value}");
        if is_name(&name) { Ok(name) } else { Err(Error::new(format!("invalid GPU `{value}`: use `all` or a number"))) }
    };
    values.iter().filter(|value| !value.is_empty()).map(one).collect()
}

/// What a container gets with these devices.
///
/// # Errors
/// A device is described nowhere, or twice in one directory; it wants what cannot be given.
pub fn resolve(names: &[String], directories: &[PathBuf]) -> Result<Edits> {
    let mut edits = Edits::default();
    if names.is_empty() {
        return Ok(edits);
    }
    let found = read(directories);
    let mut unresolved = Vec::new();
    let mut with_general: Vec<&Path> = Vec::new();
    for name in names {
        match find(&found.specs, name)? {
            Some((file, device)) => {
                let failed = |e: Error| e.wrap(format!("setting up CDI device {name} of `{}`", file.path.display()));
                if !with_general.contains(&file.path.as_path()) {
                    with_general.push(&file.path);
                    edits.add(&file.spec.container_edits).map_err(failed)?;
                }
                edits.add(&device.container_edits).map_err(failed)?;
            }
            None => unresolved.push(name.as_str()),
        }
    }
    if unresolved.is_empty() {
        return Ok(edits);
    }
    let shown: Vec<String> = directories.iter().map(|dir| dir.display().to_string()).collect();
    let error = Error::new(format!("setting up CDI devices: unresolvable CDI devices {}", unresolved.join(", ")));
    Err(match found.broken.first() {
        Some(broken) => error.hint(format!("a description cannot be used: {broken}")),
        None => error.hint(format!("devices are described by files in {}", shown.join(" and "))),
    })
}

/// A file that was read.
struct File {
    path: PathBuf,
    spec: Spec,
    /// The number of its directory: the larger one wins.
    priority: usize,
}

#[derive(Default)]
struct Found {
    specs: Vec<File>,
    broken: Vec<Error>,
}

/// One broken file is in nobody's way who wants nothing of it.
fn read(directories: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for (priority, dir) in directories.iter().enumerate() {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == "json" || end == "yaml"));
        paths.sort();
        for path in paths.into_iter().take(MAX_FILES) {
            match read_one(&path) {
                Ok(spec) => found.specs.push(File { path, spec, priority }),
                Err(error) => found.broken.push(error.wrap(format!("reading `{}`", path.display()))),
            }
        }
    }
    found
}

fn read_one(path: &Path) -> Result<Spec> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).context("opening it")?;
    if !file.metadata().context("looking at it")?.is_file() {
        return Err(Error::new("it is not a file"));
    }
    let mut text = String::new();
    file.take(MAX_SIZE + 1).read_to_string(&mut text).context("reading it")?;
    if text.len() as u64 > MAX_SIZE {
        return Err(Error::new(format!("it is larger than {MAX_SIZE} bytes")));
    }
    Spec::parse(&text, path.extension().is_some_and(|end| end == "json"))
}

fn find<'a>(files: &'a [File], name: &str) -> Result<Option<(&'a File, &'a spec::Device)>> {
    let (kind, device) = name.split_once('=').unwrap_or((name, ""));
    let of_kind = files.iter().filter(|file| file.spec.kind == kind);
    let all: Vec<_> =
        of_kind.filter_map(|file| Some((file, file.spec.devices.iter().find(|d| d.name == device)?))).collect();
    let Some(best) = all.iter().map(|(file, _)| file.priority).max() else { return Ok(None) };
    let mut best = all.into_iter().filter(|(file, _)| file.priority == best);
    let first = best.next();
    if let (Some((first, _)), Some((second, _))) = (first, best.next()) {
        return Err(Error::new(format!(
            "setting up CDI devices: conflicting device \"{name}\": it is described by `{}` and by `{}`",
            first.path.display(),
            second.path.display()
        )));
    }
    Ok(first)
}

#[cfg(test)]
mod tests;
