//! Removing images, and the blobs and layers that nothing needs any more.
//!
//! All images of one command go in one change of the index. What only they needed goes before the lock is given back, so
//! that nobody can list an image with it in between; the files of a layer are deleted after that, as this takes time.
//!
//! Whoever makes a container writes its record first and looks for its image afterwards. Here the records are read
//! before the index is changed, and again before layers are removed. So one of the two always sees the other, and no
//! container ever loses a layer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::family::Family;
use super::index;
use super::manifest::{Descriptor, Index};
use super::reach::Parts;
use super::store::{ImageStore, not_known};
use super::summary::{self, Summaries};
use crate::error::{Error, Kind, Result};
use crate::storage::fs;
use crate::storage::workdir::WorkDir;

/// What `rmi` did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// Names that are free now.
    pub untagged: Vec<String>,
    /// IDs of images that are gone.
    pub deleted: Vec<String>,
}

/// Who uses what, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Users {
    /// By ID of the image, the IDs of its containers.
    pub containers: BTreeMap<String, Vec<String>>,
    /// By ID of the image, where it is mounted.
    pub mounts: BTreeMap<String, PathBuf>,
    /// Diff IDs of layers that something stands on.
    pub layers: BTreeSet<String>,
}

/// Finds out who uses what. Called while the index is locked.
pub type InUse<'a> = dyn Fn() -> Result<Users> + 'a;

/// How to remove.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RemoveOptions {
    /// Even if it has several names and is meant by its ID.
    pub force: bool,
    /// Keep images without a name that it was made from (`--no-prune`).
    pub keep_parents: bool,
}

impl ImageStore {
    /// Removes one image or name, see [`remove_all`](Self::remove_all).
    pub fn remove(&self, text: &str, force: bool, in_use: &InUse<'_>) -> Result<Removed> {
        let options = RemoveOptions { force, ..RemoveOptions::default() };
        let mut done = self.remove_all(&[text.to_owned()], options, in_use)?;
        done.pop().unwrap_or_else(|| Err(not_known(text)))
    }

    /// Removes names, or images when it was their last one or they were meant by ID or digest. One result for each.
    ///
    /// # Errors
    /// The store cannot be changed. In the results: [`Kind::NoSuch`]; [`Kind::InUse`] when something uses it, or when it
    /// has several names, is meant by ID or digest, and force is not wanted.
    pub fn remove_all(
        &self,
        texts: &[String],
        options: RemoveOptions,
        in_use: &InUse<'_>,
    ) -> Result<Vec<Result<Removed>>> {
        self.remove_chosen(&|| Ok(texts.to_vec()), options, in_use).map(|(_, results)| results)
    }

    /// The same for those that `choose` names, which is asked while the index is locked: what it has seen is what is
    /// removed. Returns what it named as well.
    pub(super) fn remove_chosen(
        &self,
        choose: &dyn Fn() -> Result<Vec<String>>,
        options: RemoveOptions,
        in_use: &InUse<'_>,
    ) -> Result<(Vec<String>, Vec<Result<Removed>>)> {
        let mut trash = None;
        let done = index::update_then(
            &self.images,
            |index| {
                let texts = choose()?;
                let summaries = summary::read(&self.images);
                let mut removal = Removal {
                    store: self,
                    options,
                    users: in_use()?,
                    family: Family::of(summaries.values()),
                    summaries,
                    gone: Vec::new(),
                };
                let results: Vec<_> = texts.iter().map(|text| removal.one(index, text)).collect();
                Ok(((texts, results), removal.gone, removal.summaries))
            },
            |index, summaries, (done, gone, before)| {
                trash = self.discard(index, summaries, &gone, &before, in_use)?;
                Ok(done)
            },
        )?;
        if let Some(trash) = trash {
            trash.remove()?;
        }
        // What killed processes left; if that cannot be removed, it is not this command's failure.
        let _ = crate::storage::workdir::sweep(&self.roots);
        Ok(done)
    }

    /// Removes what only the removed entries needed. The layers go to a directory that is left to delete.
    fn discard(
        &self,
        index: &Index,
        summaries: &Summaries,
        gone: &[Descriptor],
        before: &Summaries,
        in_use: &InUse<'_>,
    ) -> Result<Option<WorkDir>> {
        if gone.is_empty() {
            return Ok(None);
        }
        let mut garbage = Parts::default();
        for entry in gone {
            // A broken image does not say all it had; the rest waits for the next prune.
            let _ = self.needs_of(entry, before, &mut garbage);
        }
        // Where one that stays does not say what it needs, nothing can be said to be rubbish.
        let Ok(needed) = self.needed(index, summaries) else { return Ok(None) };
        self.detach(&garbage.without(&needed), in_use)
    }

    /// Makes blobs and layers disappear, but for layers that are in use. The lock on the index must be held.
    pub(super) fn detach(&self, garbage: &Parts, in_use: &InUse<'_>) -> Result<Option<WorkDir>> {
        for hex in &garbage.blobs {
            fs::remove_file_if_exists(&self.blob_path(hex))?;
        }
        if garbage.layers.is_empty() {
            return Ok(None);
        }
        let users = in_use()?;
        let work = WorkDir::random(&self.roots, "removed-layer-")?;
        for id in garbage.layers.difference(&users.layers) {
            match std::fs::rename(self.layers.path(id), work.path(id)) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::from(e).wrap(format!("removing layer `{id}`")));
                }
                _ => {}
            }
        }
        Ok(Some(work))
    }
}

/// The removal of several images, while the index is changed.
struct Removal<'a> {
    store: &'a ImageStore,
    options: RemoveOptions,
    users: Users,
    family: Family,
    /// As they were before.
    summaries: Summaries,
    /// Entries of images that are gone.
    gone: Vec<Descriptor>,
}

impl Removal<'_> {
    fn one(&mut self, index: &mut Index, text: &str) -> Result<Removed> {
        let Some(entry) = self.store.find_entry(index, text)?.cloned() else { return Err(not_known(text)) };
        let all = self.store.entries_of(index, &entry);
        let id = self.id_of(&entry);
        let names: Vec<String> = all.iter().filter_map(index::name_of).map(|name| name.canonical()).collect();
        let bare = text.strip_prefix("sha256:").unwrap_or(text);
        // `cafe` may be a name and the beginning of an ID at once; then it is the name.
        let by_id = !id.is_empty() && id.starts_with(bare) && !self.store.is_name(index, text);
        let by_digest = text.starts_with("sha256:");
        if names.len() > 1 && (by_id || by_digest) && !self.options.force {
            let how = if by_id { "ID" } else { "digest" };
            return Err(Error::of(
                Kind::InUse,
                format!(
                    "unable to delete image \"{id}\" by {how} with more than one tag ([{}]): please force removal",
                    names.join(" ")
                ),
            ));
        }
        let mut removed = Removed::default();
        if names.len() > 1 && !by_id && !by_digest {
            removed.untagged.extend(index::name_of(&entry).map(|name| name.canonical()));
            self.store.drop_name(index, &entry);
            return Ok(removed);
        }
        self.check_unused(&id)?;
        removed.untagged.extend(names);
        self.take(index, all, id, &mut removed);
        Ok(removed)
    }

    fn check_unused(&self, id: &str) -> Result<()> {
        if let Some(user) = self.users.containers.get(id).and_then(|users| users.first()) {
            return Err(Error::of(
                Kind::InUse,
                format!(
                    "image used by {user}: image is in use by a container: consider listing external containers and \
                     force-removing image"
                ),
            ));
        }
        match self.users.mounts.get(id) {
            Some(point) => Err(Error::of(Kind::InUse, format!("image is mounted at `{}`", point.display()))
                .hint("`coracle image unmount` it in the `coracle unshare` where it was mounted, or end that")),
            None => Ok(()),
        }
    }

    /// Takes all entries of an image out of the index, then its parent's if that has neither name nor other children.
    fn take(&mut self, index: &mut Index, entries: Vec<Descriptor>, id: String, removed: &mut Removed) {
        let mut next = Some((entries, id));
        while let Some((entries, id)) = next {
            index.manifests.retain(|e| !entries.contains(e));
            self.gone.extend(entries);
            let has_children = self.family.has_children(&id);
            let parent = self.family.parent(&id).map(str::to_owned);
            self.family.forget(&id);
            // As in the reference: an image that others were made from is not said to be deleted, as its data are there.
            if !has_children {
                removed.deleted.push(id);
            }
            next = parent.filter(|_| !self.options.keep_parents).and_then(|parent| self.dangling(index, parent));
        }
    }

    /// The entries of an image, if it has no name, no children and no users.
    fn dangling(&self, index: &Index, id: String) -> Option<(Vec<Descriptor>, String)> {
        let entry = index.manifests.iter().find(|entry| self.id_of(entry) == id)?;
        let entries = self.store.entries_of(index, entry);
        let is_dangling = entries.iter().all(|e| index::name_of(e).is_none())
            && !self.family.has_children(&id)
            && self.check_unused(&id).is_ok();
        is_dangling.then_some((entries, id))
    }

    fn id_of(&self, entry: &Descriptor) -> String {
        let said = index::id_of(entry).map(str::to_owned);
        let known = || self.summaries.get(&entry.digest).map(|summary| summary.image.id.clone());
        said.or_else(known).or_else(|| self.store.read_id(entry)).unwrap_or_default()
    }
}
