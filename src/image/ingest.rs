//! Brings an image into the store, wherever it comes from: saves blobs, unpacks layers, and lists it when all is there.
//!
//! ```text
//! <root>/tmp/ingest-<random>/   .lock (held)   small blobs, and layers' blobs that come from this machine
//! <root>/images/partial/        layers' blobs that come over the network (see `parts`)
//! <root>/tmp/layer-<diff-id>/   layers being unpacked (see `storage::layers`)
//! ```
//!
//! Order: every missing blob and layer is written under a temporary name, all at once on several threads; one syncfs; then,
//! under the lock of the index, the renames and the new index. An image in the index is therefore complete, and nothing
//! that it needs can be removed as rubbish in between.
//!
//! A layer that another process fetches or unpacks is left to it: first everything else is finished and put in place, and
//! then, holding nothing, this one waits. So each blob is fetched once, and no two processes wait for each other.

use std::io::Read;
use std::path::PathBuf;

use super::flow::{Job, LayerPart, Save, distinct_layers};
use super::index;
use super::manifest::{self, Descriptor, Manifest};
use super::parts::Part;
use super::progress::{Event, Progress};
use super::reference::Reference;
use super::store::ImageStore;
use super::types::Image;
use crate::error::Result;
use crate::storage::layers::{Claim, LayerDraft};
use crate::storage::unpack::Warnings;
use crate::storage::unpack::digest::sha256;
use crate::storage::unpack::pipeline::Flow;
use crate::storage::workdir::{self, WorkDir};
use crate::storage::{atomic, fs};

/// An image about to be stored.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The manifest, bit for bit, and how it is called.
    pub manifest: Vec<u8>,
    pub media_type: String,
    /// The configuration, bit for bit.
    pub config: Vec<u8>,
    /// The index that the manifest was chosen from, bit for bit.
    pub index: Option<Vec<u8>>,
    /// What the image will be called. Without any it is listed as `<none>`.
    pub names: Vec<Reference>,
}

/// Opens a layer's blob to read it from its beginning.
pub type Fetch<'a> = dyn Fn(&Descriptor) -> Result<Box<dyn Read + Send + 'a>> + Sync + 'a;
/// Opens a layer's blob to read it from this byte on.
pub type FetchFrom<'a> = dyn Fn(&Descriptor, u64) -> Result<Box<dyn Read + Send + 'a>> + Sync + 'a;

/// Where the layers' blobs come from.
#[derive(Clone, Copy)]
pub(super) enum Origin<'f, 'a> {
    /// This machine. What has been read of one that breaks off is not worth keeping.
    Local(&'f Fetch<'a>),
    /// Far away: what has arrived is kept, and the next pull goes on from there.
    Remote(&'f FetchFrom<'a>),
}

/// A stored image and what was odd about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub image: Image,
    pub warnings: Warnings,
}

impl ImageStore {
    /// Stores an image whose blobs `fetch` can open. Blobs and layers that are there already are not fetched.
    pub fn ingest(&self, parts: &Parts, fetch: &Fetch<'_>, progress: &dyn Progress) -> Result<Stored> {
        self.ingest_from(parts, Origin::Local(fetch), progress)
    }

    /// The same, from far away: a download that breaks off is resumed by the next one, in whichever process.
    pub fn ingest_remote(&self, parts: &Parts, fetch: &FetchFrom<'_>, progress: &dyn Progress) -> Result<Stored> {
        self.ingest_from(parts, Origin::Remote(fetch), progress)
    }

    fn ingest_from(&self, parts: &Parts, origin: Origin<'_, '_>, progress: &dyn Progress) -> Result<Stored> {
        let manifest = manifest::parse_manifest(&parts.manifest, &parts.media_type)?;
        let config = manifest::parse_config(&parts.config)?;
        check_digest("configuration", &manifest.config, &parts.config)?;
        if config.diff_ids.len() != manifest.layers.len() {
            crate::bail!(
                "manifest has {} layers, but the configuration {}",
                manifest.layers.len(),
                config.diff_ids.len()
            );
        }
        let layers = distinct_layers(&manifest, &config.diff_ids)?;
        let mut warnings = Warnings::default();
        // Another process may remove, as rubbish, what was found here at the beginning: then all is done again.
        for _ in 0..5 {
            if let Some(image) = self.attempt(parts, &manifest, &layers, origin, progress, &mut warnings)? {
                return Ok(Stored { image, warnings });
            }
        }
        crate::bail!("storing image: its blobs are removed by others again and again")
    }

    fn attempt(
        &self,
        parts: &Parts,
        manifest: &Manifest,
        layers: &[LayerPart],
        origin: Origin<'_, '_>,
        progress: &dyn Progress,
        warnings: &mut Warnings,
    ) -> Result<Option<Image>> {
        let workspace = self.workspace()?;
        let mut made = Made::default();
        for (hex, bytes) in small_blobs(manifest, parts)? {
            // A damaged one is replaced: whoever meets it is told to pull or load again.
            if !self.is_blob(&hex, bytes) {
                fs::write_private(&workspace.path(&hex), bytes)?;
                made.blobs.push(Blob::Workspace(hex));
            }
        }
        let mut busy = Vec::new();
        let mut jobs = Vec::new();
        for layer in layers {
            match self.take(layer, origin)? {
                Taken::Nothing => progress.event(Event::Skipped { digest: layer.descriptor.digest.clone() }),
                Taken::Job(job) => jobs.push(*job),
                Taken::Busy => busy.push(layer),
            }
        }
        let flowed = self.run_jobs(jobs, &workspace, origin, progress)?;
        made.take(flowed, warnings);
        // Wait for others only when nobody can be waiting for this.
        for layer in busy {
            self.put(&workspace, std::mem::take(&mut made), |_| Ok(()))?;
            progress.event(Event::Waiting { digest: layer.descriptor.digest.clone() });
            let jobs: Vec<Job> = self.take_later(layer, origin)?.into_iter().collect();
            if jobs.is_empty() {
                progress.event(Event::Finished { digest: layer.descriptor.digest.clone() });
            }
            let flowed = self.run_jobs(jobs, &workspace, origin, progress)?;
            made.take(flowed, warnings);
        }
        let entry = entry_for(manifest, parts)?;
        let complete = self.put(&workspace, made, |index| {
            let complete = self.is_complete(manifest, parts, layers)?;
            if complete {
                list(index, &entry, &parts.names);
            }
            Ok(complete)
        })?;
        if complete { self.image_of_entry(&entry).map(Some) } else { Ok(None) }
    }

    /// What is to be done for a layer, if anything is, and if nobody else is at it.
    fn take(&self, layer: &LayerPart, origin: Origin<'_, '_>) -> Result<Taken> {
        let draft = match self.layers.claim(&layer.diff_id)? {
            Claim::Exists => None,
            Claim::Mine(draft) => Some(draft),
            Claim::Busy => return Ok(Taken::Busy),
        };
        let mut save = Save::Nothing;
        if !self.has_blob(&layer.blob) {
            save = match origin {
                Origin::Local(_) => Save::Workspace,
                Origin::Remote(_) => match self.claim_part(&layer.blob)? {
                    // Whoever had it may have finished.
                    Some(part) if self.has_blob(&layer.blob) => {
                        part.discard();
                        Save::Nothing
                    }
                    Some(part) => Save::Part(part),
                    None => return Ok(Taken::Busy),
                },
            };
        }
        if draft.is_none() && matches!(save, Save::Nothing) {
            return Ok(Taken::Nothing);
        }
        Ok(Taken::Job(Box::new(Job { layer: layer.clone(), draft, save })))
    }

    /// The same after whoever is at it has finished or died. The caller must hold neither a part nor a draft.
    fn take_later(&self, layer: &LayerPart, origin: Origin<'_, '_>) -> Result<Option<Job>> {
        loop {
            match self.take(layer, origin)? {
                Taken::Nothing => return Ok(None),
                Taken::Job(job) => return Ok(Some(*job)),
                Taken::Busy => {}
            }
            drop(self.layers.wait(&layer.diff_id)?);
            self.wait_for_part(&layer.blob)?;
        }
    }

    /// Makes what was written durable, puts it in place, and changes the index, the latter two in one step for others.
    fn put<T>(
        &self,
        workspace: &WorkDir,
        made: Made,
        change: impl FnOnce(&mut manifest::Index) -> Result<T>,
    ) -> Result<T> {
        if !made.blobs.is_empty() || !made.drafts.is_empty() {
            self.layers.flush()?;
        }
        index::update(&self.images, |index| {
            let any = !made.blobs.is_empty();
            for blob in made.blobs {
                match blob {
                    Blob::Workspace(hex) => {
                        fs::rename(&workspace.path(&hex), &self.blob_path(&hex))?;
                        self.forget_part(&hex);
                    }
                    Blob::Part(hex, part) => part.commit(&self.blob_path(&hex))?,
                }
            }
            if any {
                atomic::sync_dir(&self.images.join("blobs/sha256"))?;
            }
            self.layers.commit(made.drafts)?;
            change(index)
        })
    }

    /// A directory for blobs that are being written. What killed processes left of theirs is swept up first.
    pub(super) fn workspace(&self) -> Result<WorkDir> {
        // Rubbish that cannot be removed (made by another user, say) must not keep an image out.
        let _ = workdir::sweep(&self.roots);
        WorkDir::random(&self.roots, "ingest-")
    }

    /// Stores an image whose layers were made here, in a workspace and drafts: blobs as path and digest. What it stands on
    /// besides must be in the store: blobs with the layers that they are.
    pub(super) fn store_made(
        &self,
        workspace: &WorkDir,
        parts: &Parts,
        blobs: Vec<(PathBuf, String)>,
        drafts: Vec<LayerDraft>,
        base: &[(String, String)],
        warnings: Warnings,
    ) -> Result<Stored> {
        let manifest = manifest::parse_manifest(&parts.manifest, &parts.media_type)?;
        let mut made = Made { blobs: Vec::new(), drafts };
        for (path, hex) in blobs {
            fs::rename(&path, &workspace.path(&hex))?;
            made.blobs.push(Blob::Workspace(hex));
        }
        for (hex, bytes) in small_blobs(&manifest, parts)? {
            fs::write_private(&workspace.path(&hex), bytes)?;
            made.blobs.push(Blob::Workspace(hex));
        }
        let entry = entry_for(&manifest, parts)?;
        self.put(workspace, made, |index| {
            if !base.iter().all(|(blob, layer)| self.has_blob(blob) && self.layers.exists(layer)) {
                crate::bail!("a layer that it stands on was removed meanwhile");
            }
            list(index, &entry, &parts.names);
            Ok(())
        })?;
        Ok(Stored { image: self.image_of_entry(&entry)?, warnings })
    }

    /// Whether a small blob is there and holds these bytes.
    fn is_blob(&self, hex: &str, bytes: &[u8]) -> bool {
        let path = self.blob_path(hex);
        let same_size = std::fs::metadata(&path).is_ok_and(|meta| meta.is_file() && meta.len() == bytes.len() as u64);
        same_size && std::fs::read(&path).is_ok_and(|there| there == bytes)
    }

    fn image_of_entry(&self, entry: &Descriptor) -> Result<Image> {
        self.image_of(&index::read(&self.images)?, entry)
    }

    fn is_complete(&self, manifest: &Manifest, parts: &Parts, layers: &[LayerPart]) -> Result<bool> {
        Ok(self.has_blob(manifest.config.hex()?)
            && self.has_blob(&sha256(&parts.manifest))
            && parts.index.as_ref().is_none_or(|index| self.has_blob(&sha256(index)))
            && layers.iter().all(|layer| self.has_blob(&layer.blob) && self.layers.exists(&layer.diff_id)))
    }
}

/// What has been written in a workspace and in drafts, and is not yet in place.
#[derive(Debug, Default)]
struct Made {
    blobs: Vec<Blob>,
    drafts: Vec<LayerDraft>,
}

/// A complete blob that is not yet in place, by its hexadecimal digest.
#[derive(Debug)]
enum Blob {
    /// The file of that name in the workspace.
    Workspace(String),
    Part(String, Part),
}

/// What [`ImageStore::take`] found.
enum Taken {
    /// Blob and layer are there.
    Nothing,
    Job(Box<Job>),
    /// Another process is at it.
    Busy,
}

impl Made {
    fn take(&mut self, flowed: Vec<(Job, Flow)>, warnings: &mut Warnings) {
        for (job, flow) in flowed {
            warnings.merge(flow.unpacked.warnings);
            match job.save {
                Save::Nothing => {}
                Save::Workspace => self.blobs.push(Blob::Workspace(job.layer.blob)),
                Save::Part(part) => self.blobs.push(Blob::Part(job.layer.blob, part)),
            }
            if let Some(draft) = &job.draft {
                draft.note_archive_size(flow.diff_size);
            }
            self.drafts.extend(job.draft);
        }
    }
}

/// Configuration, manifest and index with their hexadecimal digests.
fn small_blobs<'a>(manifest: &Manifest, parts: &'a Parts) -> Result<Vec<(String, &'a [u8])>> {
    let mut blobs = vec![
        (manifest.config.hex()?.to_owned(), parts.config.as_slice()),
        (sha256(&parts.manifest), parts.manifest.as_slice()),
    ];
    blobs.extend(parts.index.as_ref().map(|index| (sha256(index), index.as_slice())));
    Ok(blobs)
}

/// Lists an image under its names, or without one.
fn list(index: &mut manifest::Index, entry: &Descriptor, names: &[Reference]) {
    if names.is_empty() {
        index::set_name(index, entry, None);
    }
    for name in names {
        index::set_name(index, entry, Some(name));
    }
}

fn entry_for(manifest: &Manifest, parts: &Parts) -> Result<Descriptor> {
    let mut entry = Descriptor {
        media_type: manifest.media_type.clone(),
        digest: format!("sha256:{}", sha256(&parts.manifest)),
        size: parts.manifest.len() as u64,
        ..Descriptor::default()
    };
    entry.annotations.insert(index::IMAGE_ID.to_owned(), manifest.config.hex()?.to_owned());
    if let Some(index) = &parts.index {
        entry.annotations.insert(index::FROM_INDEX.to_owned(), format!("sha256:{}", sha256(index)));
    }
    Ok(entry)
}

/// Compares bytes with the descriptor that announced them.
pub(super) fn check_digest(what: &str, descriptor: &Descriptor, bytes: &[u8]) -> Result<()> {
    let actual = sha256(bytes);
    if actual != descriptor.hex()? {
        crate::bail!("{what} has the digest `sha256:{actual}`, but `{}` was announced", descriptor.digest);
    }
    Ok(())
}
