//! An image of what a container has become.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use oci_spec::runtime::Spec;
use rustix::fs::FileType;
use serde_json::{Map, Value, json};

use super::export::{Source, open};
use super::monitor::Held;
use super::{Engine, containers, enter_userns, images, interrupt, settle};
use crate::container::userns;
use crate::container::{Record, Status};
use crate::error::{Context, Error, Result};
use crate::image::Reference;
use crate::image::commit::{self, Base};
use crate::image::ingest::Stored;
use crate::image::progress::{Event, Progress};
use crate::storage::fs;
use crate::storage::tree::archive::{self, End, Options};
use crate::storage::tree::walk::Item;
use crate::storage::unpack::beneath::file_type;

/// What is wanted of the image.
#[derive(Debug, Clone, Default)]
pub struct CommitOptions {
    pub name: Option<Reference>,
    pub author: String,
    pub message: String,
    /// Instructions of a Containerfile, in order.
    pub changes: Vec<String>,
    /// `--config`: a `config` section to merge into that of the container.
    pub config: Option<PathBuf>,
    pub docker: bool,
    pub include_volumes: bool,
    pub pause: bool,
    pub squash: bool,
}

/// Makes an image of a container, running or not.
pub fn commit(engine: &Engine, id: &str, options: &CommitOptions, progress: &dyn Progress) -> Result<Stored> {
    let container = settle(engine, id)?;
    let record = &container.record;
    if record.image_id.is_empty() {
        return Err(Error::new("cannot commit a container that uses an exploded rootfs"));
    }
    let store = images(engine)?;
    let base = store.base(&record.image_id, &record.image_digest)?;
    let mut section = section(record, &base, options.include_volumes);
    if let Some(path) = &options.config {
        commit::merge_section(&mut section, &fs::read(path)?)
            .with_context(|| format!("reading `{}`", path.display()))?;
    }
    for change in &options.changes {
        crate::image::change::apply(&mut section, change)?;
    }
    let make = || {
        make(engine, record, &base, section, options, progress)
            .with_context(|| format!("committing container `{}`", record.name))
    };
    if !options.pause || container.state.status != Status::Running {
        return make();
    }
    // Before there is a second thread.
    enter_userns(engine)?;
    let paused = Paused { engine, id, progress, standing: Mutex::default() };
    interrupt::guarded(&paused, "committing interrupted", || {
        paused.pause()?;
        let made = make();
        paused.resume();
        made
    })
}

/// A container that stands still meanwhile, but not longer, also when this command is interrupted.
struct Paused<'a> {
    engine: &'a Engine,
    id: &'a str,
    progress: &'a dyn Progress,
    standing: Mutex<Standing>,
}

#[derive(Default)]
struct Standing {
    held: Option<Held>,
    /// It has been told to go on, and may not be stopped any more.
    over: bool,
}

impl Paused<'_> {
    fn pause(&self) -> Result<()> {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if standing.over {
            return Err(Error::new("interrupted"));
        }
        standing.held = Some(super::hold(self.engine, self.id)?);
        Ok(())
    }

    /// That it has ended or was let go on by somebody else does no harm to the image.
    fn resume(&self) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.over = true;
        if standing.held.take().is_some() {
            let _ = super::unpause(self.engine, self.id);
        }
    }
}

impl Progress for Paused<'_> {
    fn event(&self, event: Event) {
        if matches!(event, Event::Stopped(_)) {
            self.resume();
        }
        self.progress.event(event);
    }
}

fn make(
    engine: &Engine,
    record: &Record,
    base: &Base,
    section: Map<String, Value>,
    options: &CommitOptions,
    progress: &dyn Progress,
) -> Result<crate::image::ingest::Stored> {
    enter_userns(engine)?;
    let store = images(engine)?;
    let ours = mount_points(engine, record)?;
    // Nothing of the container's own can be in these, as they lie under mounts from its first moment on.
    let is_covered = |path: &[u8]| !options.squash && matches!(path, b"dev" | b"proc" | b"sys");
    let is_ours = |item: &Item<'_>| is_covered(item.path) || is_mount_point(&ours, item);
    let dir = engine.roots.container(&record.id);
    let changed = if record.driver == "vfs" && !options.squash {
        // Without a layer of its own, what differs from the image's has to be found out.
        Some(super::diff::of_vfs(engine, record)?)
    } else {
        None
    };
    let skip = |item: &Item<'_>| is_ours(item) || changed.as_ref().is_some_and(|changed| !changed.is_wanted(item.path));
    let whole = options.squash || record.driver == "vfs";
    let source = match whole {
        true => Some(Source::open(engine, record)?),
        false => None,
    };
    let root = match &source {
        Some(source) => source.root.try_clone().context("duplicating a descriptor")?,
        None => open(&dir.join("upper"))?,
    };
    let with = commit::CommitOptions {
        name: options.name.clone(),
        section,
        author: options.author.clone(),
        message: options.message.clone(),
        docker: options.docker,
        squash: options.squash,
        from: record.image_name.clone(),
        container: record.id.clone(),
        created: Timestamp::now(),
    };
    let numbers = userns::disk_map(record).map(userns::to_own);
    let (read, write) = std::io::pipe().context("creating a pipe")?;
    let deleted = changed.as_ref().map(|changed| changed.deleted.as_slice()).unwrap_or_default();
    let stored = std::thread::scope(|scope| {
        let skip: &(dyn Fn(&Item<'_>) -> bool + Sync) = &skip;
        let sender = scope.spawn(move || -> Result<End> {
            let mut output = std::io::BufWriter::with_capacity(1 << 18, write);
            archive::write_whiteouts(deleted, &mut output)?;
            let skip = |item: &Item<'_>| skip(item);
            let options =
                Options { whiteouts: !whole, skip: Some(&skip), renumber: numbers.as_ref(), ..Options::default() };
            let end = archive::write_with(root, &options, &mut output)?;
            output.flush().context("writing the layer").map(|()| end)
        });
        let mut read = read;
        let stored = store.commit(base, &mut read, &with, progress);
        drop(read);
        let sent = sender.join().unwrap_or_else(|_| Err(Error::new("a thread of reading the container panicked")));
        match (stored, sent) {
            // What went wrong at the beginning of the pipe shows at its end as an archive that breaks off.
            (Err(_), Err(sent)) if !sent.to_string().contains("Broken pipe") => Err(sent),
            (stored, _) => stored,
        }
    });
    if let Some(source) = source {
        source.close();
    }
    stored
}

/// What the runtime made in the container to mount something on: paths without a leading slash.
fn mount_points(engine: &Engine, record: &Record) -> Result<BTreeSet<Vec<u8>>> {
    use std::os::unix::ffi::OsStrExt as _;
    let path = engine.roots.container(&record.id).join("config.json");
    let spec: Spec = fs::read_json(&path)?;
    let mounts = spec.mounts().as_deref().unwrap_or_default();
    Ok(mounts
        .iter()
        .map(|mount| mount.destination())
        .filter_map(|path| path.strip_prefix("/").ok())
        .map(|path| path.as_os_str().as_bytes().to_vec())
        .collect())
}

/// An empty file on which something is mounted, as /etc/hosts: nobody wrote it, and nobody could.
fn is_mount_point(points: &BTreeSet<Vec<u8>>, item: &Item<'_>) -> bool {
    file_type(item.stat) == FileType::RegularFile && item.stat.st_size == 0 && points.contains(item.path)
}

/// The `config` section of the image, with what the container has of its own.
fn section(record: &Record, base: &Base, include_volumes: bool) -> Map<String, Value> {
    let mut section = base.section();
    let mut set = |key: &str, value: Value| drop(section.insert(key.to_owned(), value));
    set("Env", json!(environment(record, base)));
    if !record.user.is_empty() {
        set("User", json!(record.user));
    }
    if !record.working_dir.is_empty() {
        set("WorkingDir", json!(record.working_dir));
    }
    if let Some(entrypoint) = &record.entrypoint {
        set("Entrypoint", json!(entrypoint));
    }
    if !record.cmd.is_empty() {
        set("Cmd", json!(record.cmd));
    }
    if record.cmd.is_empty() {
        // With an entry point of its own the container has not the arguments of the image's.
        section.remove("Cmd");
    }
    let mut unite = |key: &str, more: Vec<(String, Value)>| {
        if more.is_empty() {
            return;
        }
        match section.entry(key).or_insert_with(|| json!({})) {
            Value::Object(map) => map.extend(more),
            other => *other = Value::Object(more.into_iter().collect()),
        }
    };
    unite("Labels", record.labels.iter().map(|(key, value)| (key.clone(), json!(value))).collect());
    let mut ports = record.exposed_ports.clone();
    for port in &record.ports {
        let last = port.container_port.saturating_add(port.range.max(1) - 1);
        ports.extend((port.container_port..=last).map(|number| format!("{number}/{}", port.protocol)));
    }
    unite("ExposedPorts", ports.into_iter().map(|port| (port, json!({}))).collect());
    if include_volumes {
        let paths = record.mounts.iter().map(|mount| (mount.destination.display().to_string(), json!({})));
        unite("Volumes", paths.collect());
    }
    // The steps of the image's own are done.
    section.remove("OnBuild");
    section
}

/// The environment without what the engine has put there for this one container.
fn environment<'a>(record: &'a Record, base: &Base) -> Vec<&'a String> {
    let section = base.section();
    let of_image = section.get("Env").and_then(Value::as_array).cloned().unwrap_or_default();
    let own = |variable: &String| match variable.split_once('=') {
        Some(("HOSTNAME", value)) => value == record.hostname,
        Some(("TERM", _)) => record.tty,
        _ => false,
    };
    record.env.iter().filter(|variable| !own(variable) || of_image.contains(&json!(variable))).collect()
}

/// Checks that there is such a container and gives its ID.
pub fn resolve(engine: &Engine, name: &str) -> Result<String> {
    containers(engine).resolve(name)
}
