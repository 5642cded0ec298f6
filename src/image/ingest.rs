//! Brings an image into the store, wherever it comes from: saves blobs, unpacks layers, and lists it when all is there.
//!
//! ```text
//! <root>/tmp/ingest-<random>/   .lock (held)   blobs that are not complete or not yet committed
//! ```
//!
//! Order: every missing blob and layer is written under a temporary name, all at once on several threads; one syncfs; then,
//! under the lock of the index, the renames and the new index. An image in the index is therefore complete, and nothing
//! that it needs can be removed as rubbish in between.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::index;
use super::manifest::{self, Descriptor, Manifest};
use super::progress::{Event, Progress};
use super::reference::Reference;
use super::store::ImageStore;
use super::types::Image;
use crate::error::{Context, Error, Result};
use crate::storage::layers::{Claim, LayerDraft};
use crate::storage::lock::{self, Lock};
use crate::storage::unpack::digest::sha256;
use crate::storage::unpack::pipeline::{self, Flow, Sinks};
use crate::storage::unpack::{Warnings, remove_tree};
use crate::storage::{atomic, fs, id};

/// How many layers flow at once.
const PARALLEL: usize = 4;

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

/// A stored image and what was odd about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub image: Image,
    pub warnings: Warnings,
}

/// One layer as manifest and configuration describe it.
#[derive(Debug, Clone)]
struct LayerPart {
    descriptor: Descriptor,
    blob: String,
    diff_id: String,
}

/// A directory for blobs that are being written; removed at the end, whatever happens.
#[derive(Debug)]
pub(super) struct Workspace {
    dir: PathBuf,
    _lock: Lock,
}

impl Workspace {
    pub(super) fn new(store: &ImageStore) -> Result<Self> {
        let random = id::hex(&id::random::<8>()?);
        let dir = store.roots.tmp().join(format!("ingest-{random}"));
        fs::create_dir(&dir, 0o700)?;
        let lock = lock::exclusive(&dir.join(".lock"))?;
        Ok(Workspace { dir, _lock: lock })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let _ = remove_tree(&self.dir);
    }
}

impl ImageStore {
    /// Stores an image whose blobs `fetch` can open. Blobs and layers that are there already are not fetched.
    pub fn ingest(&self, parts: &Parts, fetch: &Fetch<'_>, progress: &dyn Progress) -> Result<Stored> {
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
            if let Some(image) = self.attempt(parts, &manifest, &layers, fetch, progress, &mut warnings)? {
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
        fetch: &Fetch<'_>,
        progress: &dyn Progress,
        warnings: &mut Warnings,
    ) -> Result<Option<Image>> {
        let workspace = Workspace::new(self)?;
        let mut drafts = Vec::new();
        let mut busy = Vec::new();
        let mut jobs = Vec::new();
        for layer in layers {
            let draft = match self.layers.claim(&layer.diff_id)? {
                Claim::Exists => None,
                Claim::Mine(draft) => Some(draft),
                Claim::Busy => {
                    busy.push(layer.clone());
                    None
                }
            };
            let has_blob = self.has_blob(&layer.blob);
            if draft.is_some() || !has_blob {
                jobs.push(Job { layer: layer.clone(), draft, has_blob });
            } else {
                progress.event(Event::Skipped { digest: layer.descriptor.digest.clone() });
            }
        }
        let mut blobs = vec![(manifest.config.hex()?.to_owned(), parts.config.as_slice())];
        let manifest_hex = sha256(&parts.manifest);
        blobs.push((manifest_hex.clone(), parts.manifest.as_slice()));
        if let Some(index) = &parts.index {
            blobs.push((sha256(index), index.as_slice()));
        }
        let mut renames = Vec::new();
        for (hex, bytes) in blobs {
            if !self.has_blob(&hex) {
                fs::write_private(&workspace.path(&hex), bytes)?;
                renames.push(hex);
            }
        }
        for (job, flow) in self.run_jobs(jobs, &workspace, fetch, progress)? {
            warnings.merge(flow.unpacked.warnings);
            if !job.has_blob {
                renames.push(job.layer.blob);
            }
            drafts.extend(job.draft);
        }
        if !renames.is_empty() || !drafts.is_empty() {
            self.layers.flush()?;
        }
        let entry = entry_for(manifest, parts, &manifest_hex)?;
        if busy.is_empty() {
            let done = index::update(&self.images, |index| {
                self.move_into_place(&workspace, &renames, drafts)?;
                let complete = self.is_complete(manifest, parts, layers)?;
                if complete {
                    list(index, &entry, &parts.names);
                }
                Ok(complete)
            })?;
            return if done { self.image_of_entry(&entry).map(Some) } else { Ok(None) };
        }
        // Wait for others only when nobody can be waiting for this.
        index::update(&self.images, |_| self.move_into_place(&workspace, &renames, drafts))?;
        for layer in &busy {
            self.wait_for(layer, warnings)?;
        }
        let done = index::update(&self.images, |index| {
            let complete = self.is_complete(manifest, parts, layers)?;
            if complete {
                list(index, &entry, &parts.names);
            }
            Ok(complete)
        })?;
        if done { self.image_of_entry(&entry).map(Some) } else { Ok(None) }
    }

    /// Stores an image whose layers were made here, in a workspace and drafts: blobs as path and digest.
    pub(super) fn store_made(
        &self,
        workspace: &Workspace,
        parts: &Parts,
        blobs: Vec<(PathBuf, String)>,
        drafts: Vec<LayerDraft>,
        warnings: Warnings,
    ) -> Result<Stored> {
        let manifest = manifest::parse_manifest(&parts.manifest, &parts.media_type)?;
        let manifest_hex = sha256(&parts.manifest);
        let mut renames = Vec::new();
        for (path, hex) in blobs {
            fs::rename(&path, &workspace.path(&hex))?;
            renames.push(hex);
        }
        for (hex, bytes) in [(manifest.config.hex()?, &parts.config), (manifest_hex.as_str(), &parts.manifest)] {
            fs::write_private(&workspace.path(hex), bytes)?;
            renames.push(hex.to_owned());
        }
        self.layers.flush()?;
        let entry = entry_for(&manifest, parts, &manifest_hex)?;
        index::update(&self.images, |index| {
            self.move_into_place(workspace, &renames, drafts)?;
            list(index, &entry, &parts.names);
            Ok(())
        })?;
        Ok(Stored { image: self.image_of_entry(&entry)?, warnings })
    }

    fn image_of_entry(&self, entry: &Descriptor) -> Result<Image> {
        self.image_of(&index::read(&self.images)?, entry)
    }

    fn move_into_place(&self, workspace: &Workspace, blobs: &[String], drafts: Vec<LayerDraft>) -> Result<()> {
        for hex in blobs {
            fs::rename(&workspace.path(hex), &self.blob_path(hex))?;
        }
        if !blobs.is_empty() {
            atomic::sync_dir(&self.images.join("blobs/sha256"))?;
        }
        self.layers.commit(drafts)
    }

    fn is_complete(&self, manifest: &Manifest, parts: &Parts, layers: &[LayerPart]) -> Result<bool> {
        Ok(self.has_blob(manifest.config.hex()?)
            && self.has_blob(&sha256(&parts.manifest))
            && parts.index.as_ref().is_none_or(|index| self.has_blob(&sha256(index)))
            && layers.iter().all(|layer| self.has_blob(&layer.blob) && self.layers.exists(&layer.diff_id)))
    }

    /// Waits for whoever is unpacking the layer; unpacks it from its blob if that one failed.
    fn wait_for(&self, layer: &LayerPart, warnings: &mut Warnings) -> Result<()> {
        let Claim::Mine(draft) = self.layers.wait(&layer.diff_id)? else { return Ok(()) };
        let path = self.blob_path(&layer.blob);
        let mut file = File::open(&path).with_context(|| format!("opening `{}`", path.display()))?;
        let root = draft.open_root()?;
        let sinks = Sinks { blob: None, root: Some(std::os::fd::AsFd::as_fd(&root)), progress: &|_| {} };
        let flow = pipeline::run(&mut file, sinks).map_err(|e| layer.explain(e))?;
        layer.check(&flow)?;
        warnings.merge(flow.unpacked.warnings);
        self.layers.flush()?;
        self.layers.commit(vec![draft])
    }

    /// Runs all jobs, several at once. The first error stops the rest.
    fn run_jobs(
        &self,
        jobs: Vec<Job>,
        workspace: &Workspace,
        fetch: &Fetch<'_>,
        progress: &dyn Progress,
    ) -> Result<Vec<(Job, Flow)>> {
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let results: Mutex<Vec<(usize, Result<Flow>)>> = Mutex::new(Vec::new());
        let work = || {
            while !stop.load(Ordering::Relaxed) {
                let position = next.fetch_add(1, Ordering::Relaxed);
                let Some(job) = jobs.get(position) else { return };
                let result = self.run_job(job, workspace, fetch, progress, &stop);
                if result.is_err() {
                    stop.store(true, Ordering::Relaxed);
                }
                results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((position, result));
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..PARALLEL.min(jobs.len()) {
                scope.spawn(work);
            }
            work();
        });
        let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        // The error that came first, not one that stopping the others made.
        let mut flows = Vec::with_capacity(results.len());
        for (position, result) in results.drain(..) {
            flows.push((position, result?));
        }
        flows.sort_by_key(|(position, _)| *position);
        if flows.len() != jobs.len() {
            crate::bail!("storing image: not all layers were processed");
        }
        Ok(jobs.into_iter().zip(flows).map(|(job, (_, flow))| (job, flow)).collect())
    }

    fn run_job(
        &self,
        job: &Job,
        workspace: &Workspace,
        fetch: &Fetch<'_>,
        progress: &dyn Progress,
        stop: &AtomicBool,
    ) -> Result<Flow> {
        let layer = &job.layer;
        let digest = layer.descriptor.digest.clone();
        let mut source: Box<dyn Read + Send + '_> = if job.has_blob {
            let path = self.blob_path(&layer.blob);
            Box::new(File::open(&path).with_context(|| format!("opening `{}`", path.display()))?)
        } else {
            let total = Some(layer.descriptor.size);
            progress.event(Event::Started { digest: digest.clone(), what: "blob", total });
            fetch(&layer.descriptor)?
        };
        let mut blob = match job.has_blob {
            true => None,
            false => {
                let path = workspace.path(&layer.blob);
                Some(File::create_new(&path).with_context(|| format!("creating `{}`", path.display()))?)
            }
        };
        let root = job.draft.as_ref().map(LayerDraft::open_root).transpose()?;
        // One byte more than promised is enough to know that the blob is wrong.
        let mut limited = Stoppable { inner: source.as_mut().take(layer.descriptor.size.saturating_add(1)), stop };
        let advanced = |bytes| {
            if !job.has_blob {
                progress.event(Event::Advanced { digest: digest.clone(), bytes });
            }
        };
        let sinks = Sinks {
            blob: blob.as_mut().map(|file| file as &mut (dyn std::io::Write + Send)),
            root: root.as_ref().map(std::os::fd::AsFd::as_fd),
            progress: &advanced,
        };
        let flow = pipeline::run(&mut limited, sinks).map_err(|e| layer.explain(e))?;
        layer.check(&flow)?;
        progress.event(Event::Finished { digest: digest.clone() });
        Ok(flow)
    }
}

struct Job {
    layer: LayerPart,
    draft: Option<LayerDraft>,
    /// The blob is in the store: it is unpacked from there.
    has_blob: bool,
}

/// Ends a download early when another one failed.
struct Stoppable<'a, R> {
    inner: R,
    stop: &'a AtomicBool,
}

impl<R: Read> Read for Stoppable<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(std::io::Error::other("another layer failed"));
        }
        self.inner.read(into)
    }
}

impl LayerPart {
    fn explain(&self, error: Error) -> Error {
        let error = error.wrap(format!("layer `{}`", self.descriptor.digest));
        if error.chain().iter().any(|cause| cause.contains("No space left on device")) {
            return error.hint("free some space on the file system of the data root, or choose another with --root");
        }
        error
    }

    fn check(&self, flow: &Flow) -> Result<()> {
        let shown = &self.descriptor.digest;
        if flow.size != self.descriptor.size {
            let more = if flow.size > self.descriptor.size { "more than" } else { "less than" };
            crate::bail!("layer `{shown}`: the blob has {more} the {} bytes promised", self.descriptor.size);
        }
        if flow.digest != self.blob {
            crate::bail!("layer `{shown}`: the blob has the wrong digest `sha256:{}`", flow.digest);
        }
        if flow.diff_id != self.diff_id {
            crate::bail!(
                "layer `{shown}`: its content has the diff ID `sha256:{}`, but the image's configuration says `sha256:{}`",
                flow.diff_id,
                self.diff_id
            );
        }
        Ok(())
    }
}

/// Layers without repetitions (images may have the same empty layer many times).
fn distinct_layers(manifest: &Manifest, diff_ids: &[String]) -> Result<Vec<LayerPart>> {
    let mut seen = BTreeSet::new();
    let mut layers = Vec::new();
    for (descriptor, diff_id) in manifest.layers.iter().zip(diff_ids) {
        let blob = descriptor.hex()?.to_owned();
        if seen.insert((blob.clone(), diff_id.clone())) {
            layers.push(LayerPart { descriptor: descriptor.clone(), blob, diff_id: diff_id.clone() });
        }
    }
    // One name for one thing: a blob with two diff IDs, or the other way round, is at best a mistake.
    let blobs: BTreeSet<_> = layers.iter().map(|layer| &layer.blob).collect();
    let ids: BTreeSet<_> = layers.iter().map(|layer| &layer.diff_id).collect();
    if blobs.len() != layers.len() || ids.len() != layers.len() {
        crate::bail!("manifest and configuration disagree about which layers are the same");
    }
    Ok(layers)
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

fn entry_for(manifest: &Manifest, parts: &Parts, manifest_hex: &str) -> Result<Descriptor> {
    let mut entry = Descriptor {
        media_type: manifest.media_type.clone(),
        digest: format!("sha256:{manifest_hex}"),
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
