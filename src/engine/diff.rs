//! What a container changed about its image, or one thing about another (`diff`).

use std::collections::BTreeSet;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use super::export::{Source, open};
use super::{Engine, containers, enter_userns, images};
use crate::container::{Record, snapshot, userns};
use crate::error::{Context, Error, Kind, Result};
use crate::image::diff::{Change, Changes, Tree};
use crate::storage::tree::copy::Renumber;
use crate::storage::unpack::beneath;

/// What may be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Containers,
    Images,
    Both,
}

/// One of them.
enum Object {
    Container(Box<Record>),
    Image(String),
}

/// What `name` changes about what it was made from, or, with `other`, about that.
pub fn diff(engine: &Engine, of: Of, name: &str, other: Option<&str>) -> Result<Changes> {
    let object = find(engine, of, name)?;
    let other = other.map(|other| find(engine, of, other)).transpose()?;
    // Directories of other IDs of the mapping cannot be listed from outside of it.
    enter_userns(engine)?;
    match (&object, &other) {
        (Object::Image(id), None) => images(engine)?.diff(id, None),
        (Object::Image(id), Some(Object::Image(other))) => images(engine)?.diff(id, Some(other)),
        (object, Some(other)) => Ok(Tree::changes(&tree(engine, other)?, &tree(engine, object)?, true)),
        (Object::Container(record), None) => {
            if record.image_id.is_empty() {
                return Err(Error::new(format!("container `{}` has no image to be compared with", record.name)));
            }
            let before = images(engine)?.tree(&record.layers)?;
            Ok(Tree::changes(&before, &tree(engine, &object)?, true))
        }
    }
}

fn find(engine: &Engine, of: Of, name: &str) -> Result<Object> {
    let missing = |what: &str| Error::of(Kind::NoSuch, format!("{name} not found: {what} not known"));
    let image = || -> Result<Option<Object>> {
        match images(engine)?.find(name) {
            Ok(image) => Ok(Some(Object::Image(image.id))),
            Err(error) if error.kind() == Kind::NoSuch => Ok(None),
            Err(error) => Err(error),
        }
    };
    let container = || -> Result<Option<Object>> {
        match containers(engine).find(name) {
            Ok(container) => Ok(Some(Object::Container(Box::new(container.record)))),
            Err(error) if error.kind() == Kind::NoSuch => Ok(None),
            Err(error) => Err(error),
        }
    };
    match of {
        Of::Images => image()?.ok_or_else(|| missing(&format!("{name}: image"))),
        Of::Containers => container()?.ok_or_else(|| missing("container")),
        Of::Both => {
            // The name of an image goes first, as in the reference; but `c` is the container of that name before it is the
            // beginning of an image's ID.
            let named = images(engine)?.resolve_name(name)?.is_some();
            let found = if named { image()? } else { None };
            match found {
                Some(found) => Ok(found),
                None => match container()? {
                    Some(found) => Ok(found),
                    None => image()?.ok_or_else(|| missing("layer")),
                },
            }
        }
    }
}

fn tree(engine: &Engine, object: &Object) -> Result<Tree> {
    match object {
        Object::Image(id) => {
            let store = images(engine)?;
            let layers = store.find(id)?.layers;
            store.tree(&layers)
        }
        Object::Container(record) => {
            let source = Source::open(engine, record)?;
            let root = source.root.try_clone().context("duplicating a descriptor")?;
            let tree = Tree::of(root).with_context(|| format!("reading container `{}`", record.name));
            source.close();
            Ok(tree?.renumbered(own_numbers(record).as_ref()))
        }
    }
}

/// How to tell the container's own numbers, where what is on disk has others.
fn own_numbers(record: &Record) -> Option<Renumber> {
    userns::disk_map(record).map(userns::to_own)
}

/// What a container of the vfs driver changed.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// Paths without a leading slash, and the directories above them.
    wanted: BTreeSet<Vec<u8>>,
    /// Likewise, of what is gone.
    pub(super) deleted: Vec<Vec<u8>>,
}

impl Changed {
    /// Whether something belongs to the layer.
    pub(super) fn is_wanted(&self, path: &[u8]) -> bool {
        path.is_empty() || self.wanted.contains(path)
    }
}

/// Compares a container of the vfs driver with its image, the content of files included: a program may have set a file's
/// time back.
pub(super) fn of_vfs(engine: &Engine, record: &Record) -> Result<Changed> {
    let before = images(engine)?.tree(&record.layers)?;
    let source = Source::open(engine, record)?;
    let root = source.root.try_clone().context("duplicating a descriptor")?;
    let after = Tree::of(root)?.renumbered(own_numbers(record).as_ref());
    let mut changes = Tree::all_changes(&before, &after);
    let layers = snapshot::layer_paths(record, &engine.roots);
    for path in Tree::same_files(&before, &after) {
        if !changes.contains_key(&path) && differs(&source.root, &layers, &path)? {
            changes.insert(path, Change::Changed);
        }
    }
    source.close();
    let mut changed = Changed::default();
    for (path, change) in changes {
        let path = path.strip_prefix(b"/").unwrap_or(&path);
        if change == Change::Deleted {
            changed.deleted.push(path.to_vec());
            continue;
        }
        let mut at = path;
        while !at.is_empty() && changed.wanted.insert(at.to_vec()) {
            at = beneath::split(at).0;
        }
    }
    Ok(changed)
}

/// Whether a regular file has another content than in the topmost layer that has it.
fn differs(root: &OwnedFd, layers: &[PathBuf], path: &[u8]) -> Result<bool> {
    let relative = path.strip_prefix(b"/").unwrap_or(path);
    let read = |dir: &OwnedFd| -> Result<Option<std::fs::File>> {
        let (above, name) = beneath::split(relative);
        let Ok(above) = beneath::open_dir(dir, above) else { return Ok(None) };
        let name = std::ffi::CString::new(name).map_err(|_| Error::new("a name has a null byte"))?;
        Ok(crate::storage::tree::data::open_file(&above, &name).ok().map(|(file, _)| file))
    };
    let Some(mut now) = read(root)? else { return Ok(false) };
    for layer in layers {
        let Some(mut then) = read(&open(layer)?)? else { continue };
        let (mut a, mut b) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        loop {
            let n = now.read(&mut a).context("reading a file")?;
            let (ours, theirs) = (a.get(..n).unwrap_or_default(), b.get_mut(..n.max(1)).unwrap_or_default());
            if n == 0 {
                return Ok(then.read(theirs).context("reading a file")? > 0);
            }
            if then.read_exact(theirs).is_err() || ours != theirs {
                return Ok(true);
            }
        }
    }
    Ok(true)
}
