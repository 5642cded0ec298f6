//! Manifest lists in the store: finding, making, changing, removing.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{LIST, Local, ManifestList, is_list, is_same, local};
use crate::error::{Error, Result};
use crate::image::index;
use crate::image::manifest::{self, Descriptor, Index, MAX_JSON, OCI_INDEX};
use crate::image::reach::Parts;
use crate::image::reference::Reference;
use crate::image::remove::Users;
use crate::image::store::{ImageStore, not_known, read_json_blob};
use crate::image::summary::Summaries;
use crate::storage::atomic::{self, Durability};
use crate::storage::unpack::digest::sha256;
use crate::storage::workdir::WorkDir;
use crate::storage::{fs, id};

/// Blobs that were made for a list and come into the store together with the change.
#[derive(Debug)]
pub struct NewBlobs {
    pub(super) workspace: WorkDir,
    /// Hexadecimal digests; each is a file of that name in the workspace.
    pub(super) blobs: Vec<String>,
}

impl ImageStore {
    /// Whether this names a manifest list.
    ///
    /// # Errors
    /// [`Kind::NoSuch`](crate::error::Kind::NoSuch) when it names nothing.
    pub fn is_manifest_list(&self, text: &str) -> Result<bool> {
        let index = index::read(&self.images)?;
        self.find_entry(&index, text)?.map(is_list).ok_or_else(|| not_known(text))
    }

    /// The manifest list of this name or ID.
    ///
    /// # Errors
    /// [`Kind::NoSuch`](crate::error::Kind::NoSuch) when there is none; another kind when it is an image.
    pub fn manifest_list(&self, text: &str) -> Result<ManifestList> {
        let mut last = None;
        loop {
            let index = index::read(&self.images)?;
            let entry = self.find_list(&index, text)?;
            match self.read_list(entry) {
                // Another process has just changed the list, and this one's blob is gone.
                Err(_) if last.as_ref() != Some(&entry.digest) => last = Some(entry.digest.clone()),
                read => return read,
            }
        }
    }

    /// The entry of a manifest list, by its name or ID.
    fn find_list<'a>(&self, index: &'a Index, text: &str) -> Result<&'a Descriptor> {
        match self.find_entry(index, text)? {
            Some(entry) if is_list(entry) => Ok(entry),
            Some(_) => Err(Error::new(format!("{text}: image is not a manifest list"))),
            None => Err(not_known(text)),
        }
    }

    pub(super) fn read_list(&self, entry: &Descriptor) -> Result<ManifestList> {
        let index = manifest::parse_index(&read_json_blob(&self.images, entry)?)?;
        Ok(ManifestList { id: index::id_of(entry).unwrap_or_default().to_owned(), index, local: local(entry) })
    }

    /// Makes a list of this name, and returns its ID. With `amend`, a list that has the name already is changed instead.
    ///
    /// # Errors
    /// When an image has the name, or a list and not `amend`.
    pub fn create_manifest_list(
        &self,
        name: &Reference,
        amend: bool,
        change: impl FnOnce(&mut ManifestList) -> Result<()>,
    ) -> Result<String> {
        if name.digest.is_some() {
            crate::bail!("`{name}`: a list that can change cannot be named by a digest");
        }
        let change = |index: &mut Index| {
            let old = index.manifests.iter().find(|e| index::name_of(e).is_some_and(|n| n == *name)).cloned();
            let mut list = match &old {
                None => ManifestList {
                    id: id::hex(&id::random::<32>()?),
                    index: Index { schema_version: 2, media_type: OCI_INDEX.to_owned(), ..Index::default() },
                    local: Local { created: Timestamp::now(), ..Local::default() },
                },
                Some(entry) if amend && is_list(entry) => self.read_list(entry)?,
                Some(entry) => return Err(in_use(name, entry)),
            };
            change(&mut list)?;
            let entry = self.write_list(&list)?;
            match &old {
                Some(old) => replace(index, old, &entry),
                None => index::set_name(index, &entry, Some(name)),
            }
            Ok((list.id, old))
        };
        index::update_then(&self.images, change, |index, summaries, (id, old)| {
            old.map_or(Ok(()), |old| self.clean(index, summaries, &old))?;
            Ok(id)
        })
    }

    /// Changes a list and returns its ID. `blobs` become the store's together with the change.
    pub fn change_manifest_list(
        &self,
        text: &str,
        blobs: Option<NewBlobs>,
        change: impl FnOnce(&mut ManifestList) -> Result<()>,
    ) -> Result<String> {
        if blobs.is_some() {
            self.layers.flush()?;
        }
        let change = |index: &mut Index| {
            let old = self.find_list(index, text)?.clone();
            let mut list = self.read_list(&old)?;
            change(&mut list)?;
            if let Some(new) = &blobs {
                for hex in &new.blobs {
                    fs::rename(&new.workspace.path(hex), &self.blob_path(hex))?;
                }
                atomic::sync_dir(&self.images.join("blobs/sha256"))?;
            }
            replace(index, &old, &self.write_list(&list)?);
            Ok((list.id, old))
        };
        index::update_then(&self.images, change, |index, summaries, (id, old)| {
            self.clean(index, summaries, &old)?;
            Ok(id)
        })
    }

    /// Writes the blob of a list; its entry.
    fn write_list(&self, list: &ManifestList) -> Result<Descriptor> {
        let bytes = serde_json::to_vec(&list.index)?;
        if bytes.len() as u64 > MAX_JSON {
            crate::bail!("the list would be larger than the {MAX_JSON} bytes allowed");
        }
        let hex = sha256(&bytes);
        if !self.has_blob(&hex) {
            atomic::write(&self.blob_path(&hex), &bytes, Durability::Power)?;
        }
        let annotations = [(index::IMAGE_ID, list.id.clone()), (LIST, serde_json::to_string(&list.local)?)];
        Ok(Descriptor {
            media_type: OCI_INDEX.to_owned(),
            digest: format!("sha256:{hex}"),
            size: bytes.len() as u64,
            annotations: annotations.map(|(key, value)| (key.to_owned(), value)).into(),
            ..Descriptor::default()
        })
    }

    /// Removes what a list needed before it was changed, and nothing needs now.
    fn clean(&self, index: &Index, summaries: &Summaries, old: &Descriptor) -> Result<()> {
        let mut before = Parts::default();
        // Of a list that cannot be read, the rest waits for the next prune.
        let _ = self.needs_of(old, summaries, &mut before);
        let Ok(needed) = self.needed(index, summaries) else { return Ok(()) };
        // Whether a container stands on a layer is not known here; the next prune finds out.
        let garbage = Parts { layers: BTreeSet::new(), ..before.without(&needed) };
        self.detach(&garbage, &|| Ok(Users::default())).map(drop)
    }
}

/// Puts `new` in the place of all entries of the list `old`.
fn replace(index: &mut Index, old: &Descriptor, new: &Descriptor) {
    for entry in index.manifests.iter_mut().filter(|entry| is_same(entry, old)) {
        let name = entry.annotations.remove(index::REF_NAME);
        entry.clone_from(new);
        entry.annotations.extend(name.map(|name| (index::REF_NAME.to_owned(), name)));
    }
}

fn in_use(name: &Reference, owner: &Descriptor) -> Error {
    let id = index::id_of(owner).unwrap_or(&owner.digest);
    let hint = match is_list(owner) {
        true => "add to the list with --amend, or choose another name",
        false => "choose another name, or remove the image's with `untag`",
    };
    Error::new(format!("image name \"{name}\" is already associated with image \"{id}\": that name is already in use"))
        .hint(hint)
}
