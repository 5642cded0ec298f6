//! `index.json` of the store: which images there are and what they are called.
//!
//! One entry for each name (several for an image with several names), and one without a name for an image that has
//! none. Each is a descriptor of a manifest with these annotations:
//!
//! ```text
//! org.opencontainers.image.ref.name   full name, `localhost/busybox:latest` or `quay.io/x/y@sha256:...`
//! io.coracle.image.id                 digits of the configuration's digest; saves reading the manifest
//! io.coracle.image.index              digest of the index that the manifest was chosen from
//! io.coracle.list                     the entry is of a manifest list (see list/mod.rs)
//! ```
//!
//! `index.backup.json` is a copy of it, because names cannot be found out again from anything else.
//!
//! Readers take no lock: the file is replaced in one step. Writers hold `index.lock` for one read, change and write.
//! Those that remove something hold `removal.lock` as well, behind the other: who has just recorded that he needs an image
//! waits for these (see `ImageStore::is_kept`), and never for a pull that flushes the disk.

use std::path::Path;

use super::list;
use super::manifest::{Descriptor, Index, OCI_INDEX};
use super::reference::{LOCAL, Reference, sha256_hex};
use super::summary::Summaries;
use crate::error::{Context, Error, Result};
use crate::storage::atomic::{self, Durability};
use crate::storage::{fs, lock};

/// The annotation with the name.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The annotation with the image's ID.
pub const IMAGE_ID: &str = "io.coracle.image.id";
/// The annotation with the digest of the index.
pub const FROM_INDEX: &str = "io.coracle.image.index";

/// A copy of the index, for the day when that cannot be read.
const BACKUP: &str = "index.backup.json";

/// Reads the index; an empty one where there never was any. Where only its copy is left, the images still have their names.
pub fn read(images: &Path) -> Result<Index> {
    let path = images.join("index.json");
    let bytes = match fs::read_optional(&path)? {
        None if images.join(BACKUP).exists() => {
            // Both may have been written between the two looks.
            match fs::read_optional(&path)? {
                None => return Err(damaged(Error::new(format!("`{}` is missing", path.display())))),
                bytes => bytes,
            }
        }
        bytes => bytes,
    };
    match bytes {
        Some(bytes) => {
            serde_json::from_slice(&bytes).with_context(|| format!("reading `{}`", path.display())).map_err(damaged)
        }
        None => Ok(Index { schema_version: 2, media_type: OCI_INDEX.to_owned(), ..Index::default() }),
    }
}

fn damaged(error: Error) -> Error {
    error.hint("repair it with `coracle system check --repair`")
}

/// Changes the index. The lock is held while `change` runs, which must not wait for anything, nor take anything away that a
/// container may need: that is [`update_then`]'s.
pub fn update<T>(images: &Path, change: impl FnOnce(&mut Index) -> Result<T>) -> Result<T> {
    let _lock = lock::exclusive(&images.join("index.lock"))?;
    locked(images, change, |_, _, result| Ok(result))
}

/// Changes the index and, before anybody else can, removes what the change makes superfluous: `after` is given the index as
/// it is on disk now, with summaries of its images. Neither may wait for anything.
pub fn update_then<T, U>(
    images: &Path,
    change: impl FnOnce(&mut Index) -> Result<T>,
    after: impl FnOnce(&Index, &Summaries, T) -> Result<U>,
) -> Result<U> {
    let _lock = lock::exclusive(&images.join("index.lock"))?;
    let _removal = lock::exclusive(&removal_lock(images))?;
    locked(images, change, after)
}

fn locked<T, U>(
    images: &Path,
    change: impl FnOnce(&mut Index) -> Result<T>,
    after: impl FnOnce(&Index, &Summaries, T) -> Result<U>,
) -> Result<U> {
    let before = read(images)?;
    let mut index = before.clone();
    let result = change(&mut index)?;
    if index != before || index.manifests.is_empty() {
        write(images, &index)?;
    }
    let summaries = super::summary::refresh_from(images, &index, super::summary::read(images));
    after(&index, &summaries, result)
}

fn write(images: &Path, index: &Index) -> Result<()> {
    let bytes = serde_json::to_vec(index)?;
    let path = images.join("index.json");
    let mut written = atomic::write(&path, &bytes, Durability::Power);
    // Where the disk is full, the copy makes room for the new index: without that nothing could be removed there.
    if written.as_ref().is_err_and(fs::is_full) && std::fs::remove_file(images.join(BACKUP)).is_ok() {
        written = atomic::write(&path, &bytes, Durability::Power);
    }
    written?;
    // Names stand nowhere else. Without it there is one chance less to repair, so a failure is no failure.
    let _ = atomic::write(&images.join(BACKUP), &bytes, Durability::Process);
    Ok(())
}

/// Puts an index in place of one that cannot be read: the copy of the last one, or else one that `rebuild` makes. Does
/// nothing where it can be read.
pub fn restore(images: &Path, rebuild: impl FnOnce() -> Result<Index>) -> Result<()> {
    let _lock = lock::exclusive(&images.join("index.lock"))?;
    if read(images).is_ok() {
        return Ok(());
    }
    let copy = fs::read_optional(&images.join(BACKUP))?.and_then(|bytes| serde_json::from_slice::<Index>(&bytes).ok());
    let index = match copy {
        Some(index) => index,
        None => rebuild()?,
    };
    write(images, &index)
}

/// Waits until no removal is under way.
pub fn wait_for_removals(images: &Path) -> Result<()> {
    lock::shared(&removal_lock(images)).map(drop)
}

fn removal_lock(images: &Path) -> std::path::PathBuf {
    images.join("removal.lock")
}

/// The full name in an entry, `None` for an image without one.
pub fn name_of(entry: &Descriptor) -> Option<Reference> {
    let name = entry.annotations.get(REF_NAME)?;
    // Other tools write a bare tag here.
    let full = if name.contains('/') { name.clone() } else { format!("{LOCAL}/{name}") };
    Reference::parse(&full).ok()
}

/// The image ID that the entry says.
pub fn id_of(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(IMAGE_ID).map(String::as_str).filter(|id| crate::storage::layers::is_diff_id(id))
}

/// The digest of the index that the manifest came from.
pub fn index_digest_of(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(FROM_INDEX).map(String::as_str).filter(|digest| sha256_hex(digest).is_some())
}

/// Gives a manifest a name, taking the name from whatever had it. An image that loses its last name stays, without one.
pub fn set_name(index: &mut Index, manifest: &Descriptor, name: Option<&Reference>) {
    let mut entry = manifest.clone();
    entry.annotations.remove(REF_NAME);
    if let Some(name) = name {
        let text = name.canonical();
        if let Some(position) = index.manifests.iter().position(|e| name_of(e).is_some_and(|n| n.canonical() == text)) {
            let old = index.manifests.remove(position);
            if !list::is_same(&old, &entry) {
                keep_nameless(index, &old);
            }
        }
        entry.annotations.insert(REF_NAME.to_owned(), text);
        // The nameless entry of the same image has served.
        index.manifests.retain(|e| !list::is_same(e, &entry) || e.annotations.contains_key(REF_NAME));
        index.manifests.push(entry);
    } else if !index.manifests.iter().any(|e| list::is_same(e, &entry)) {
        index.manifests.push(entry);
    }
}

/// Makes sure that an image is still listed after one of its entries was removed.
pub fn keep_nameless(index: &mut Index, removed: &Descriptor) {
    if !index.manifests.iter().any(|e| list::is_same(e, removed)) {
        let mut entry = removed.clone();
        entry.annotations.remove(REF_NAME);
        index.manifests.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(digit: char) -> Descriptor {
        Descriptor { digest: format!("sha256:{}", digit.to_string().repeat(64)), size: 1, ..Descriptor::default() }
    }

    fn shown(index: &Index) -> Vec<(char, Option<String>)> {
        let one = |e: &Descriptor| (e.digest.chars().last().unwrap(), name_of(e).map(|n| n.to_string()));
        index.manifests.iter().map(one).collect()
    }

    #[test]
    fn names_move_between_images() {
        let name = |text: &str| Reference::parse(text).unwrap();
        let mut index = Index::default();
        set_name(&mut index, &descriptor('a'), None);
        set_name(&mut index, &descriptor('a'), None);
        assert_eq!(shown(&index), [('a', None)]);
        set_name(&mut index, &descriptor('a'), Some(&name("localhost/x")));
        assert_eq!(shown(&index), [('a', Some("localhost/x:latest".into()))]);
        set_name(&mut index, &descriptor('a'), Some(&name("localhost/y:1")));
        set_name(&mut index, &descriptor('b'), Some(&name("localhost/x")));
        assert_eq!(shown(&index), [('a', Some("localhost/y:1".into())), ('b', Some("localhost/x:latest".into()))]);
        set_name(&mut index, &descriptor('b'), Some(&name("localhost/y:1")));
        assert_eq!(
            shown(&index),
            [('b', Some("localhost/x:latest".into())), ('a', None), ('b', Some("localhost/y:1".into()))]
        );
    }
}
