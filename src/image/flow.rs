//! Layers on their way into the store: fetched, saved, hashed and unpacked, several at once.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::ingest::Origin;
use super::manifest::{Descriptor, Manifest};
use super::parts::Part;
use super::progress::{Event, Progress};
use super::store::ImageStore;
use crate::error::{Context, Error, Result};
use crate::storage::behind::Behind;
use crate::storage::fs::is_full;
use crate::storage::layers::LayerDraft;
use crate::storage::unpack::pipeline::{self, Flow, Sinks};
use crate::storage::workdir::WorkDir;

/// How many lower layers overlayfs stacks (`OVL_MAX_STACK`).
const MAX_LAYERS: usize = 500;
/// How many layers flow at once.
const PARALLEL: usize = 4;
/// How often a flow tells of its progress.
const REPORT: Duration = Duration::from_millis(50);

/// One layer as manifest and configuration describe it.
#[derive(Debug, Clone)]
pub(super) struct LayerPart {
    pub descriptor: Descriptor,
    /// Hexadecimal digest of the blob.
    pub blob: String,
    pub diff_id: String,
}

/// One layer to do.
pub(super) struct Job {
    pub layer: LayerPart,
    /// Where it is unpacked to; `None` when only the blob is missing.
    pub draft: Option<LayerDraft>,
    pub save: Save,
}

/// Where a layer's blob is saved.
pub(super) enum Save {
    /// It is in the store, and is unpacked from there.
    Nothing,
    /// In the workspace, by its digest.
    Workspace,
    Part(Part),
}

/// What all flows of an image have in common.
struct Common<'c, 'a> {
    workspace: &'c WorkDir,
    origin: Origin<'c, 'a>,
    progress: &'c dyn Progress,
    /// One has failed, so the others end.
    stop: AtomicBool,
    behind: &'c Behind,
}

impl ImageStore {
    /// Runs all jobs, several at once, the largest first. The first error stops the rest.
    pub(super) fn run_jobs(
        &self,
        jobs: Vec<Job>,
        workspace: &WorkDir,
        origin: Origin<'_, '_>,
        progress: &dyn Progress,
    ) -> Result<Vec<(Job, Flow)>> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        Behind::run(workspace.dir(), |behind| {
            let stop = AtomicBool::new(false);
            self.run_beside(jobs, &Common { workspace, origin, progress, stop, behind })
        })
    }

    fn run_beside(&self, mut jobs: Vec<Job>, common: &Common<'_, '_>) -> Result<Vec<(Job, Flow)>> {
        for job in &jobs {
            let total = Some(job.layer.descriptor.size);
            common.progress.event(Event::Queued { digest: job.layer.descriptor.digest.clone(), total });
        }
        jobs.sort_by_key(|job| std::cmp::Reverse(job.layer.descriptor.size));
        let next = AtomicUsize::new(0);
        let results: Mutex<Vec<(usize, Result<Flow>)>> = Mutex::new(Vec::new());
        let work = || {
            while !common.stop.load(Ordering::Relaxed) {
                let position = next.fetch_add(1, Ordering::Relaxed);
                let Some(job) = jobs.get(position) else { return };
                let result = self.run_job(job, common);
                let failed = result.is_err();
                // The result first: what stopping makes of the others must stand behind it.
                results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((position, result));
                if failed {
                    common.stop.store(true, Ordering::Relaxed);
                }
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

    fn run_job(&self, job: &Job, common: &Common<'_, '_>) -> Result<Flow> {
        let mut present = job.present()?;
        loop {
            let broken = AtomicBool::new(false);
            let flowed =
                self.flow(job, common, present, &broken).and_then(|flow| job.layer.check(&flow).map(|()| flow));
            let error = match flowed {
                Ok(flow) => {
                    common.progress.event(Event::Finished { digest: job.layer.descriptor.digest.clone() });
                    return Ok(flow);
                }
                Err(error) => error,
            };
            let part = match &job.save {
                Save::Part(part) => part,
                Save::Workspace => return Err(error),
                Save::Nothing => {
                    return Err(error.hint("repair the image store with `coracle system check --repair`"));
                }
            };
            if broken.load(Ordering::Relaxed) {
                // Nothing is known against what has arrived.
                let kept = part.length().is_ok_and(|length| length > 0);
                return Err(if kept {
                    error.hint("what has arrived is kept: pull again to go on from there")
                } else {
                    error
                });
            }
            part.restart()?;
            if present == 0 || is_full(&error) {
                part.discard();
                return Err(error);
            }
            // What an earlier pull had left was wrong.
            present = 0;
            if let Some(draft) = &job.draft {
                draft.restart()?;
            }
        }
    }

    /// Lets a layer flow whose first `present` bytes are in its part. `broken` says that its source failed.
    fn flow(&self, job: &Job, common: &Common<'_, '_>, present: u64, broken: &AtomicBool) -> Result<Flow> {
        let layer = &job.layer;
        let digest = &layer.descriptor.digest;
        let size = layer.descriptor.size;
        common.progress.event(match job.save {
            Save::Nothing => Event::Unpacking { digest: digest.clone() },
            _ => Event::Started { digest: digest.clone(), what: "blob", total: Some(size) },
        });
        let opened = layer.open(job, common.origin, present, || self.blob_path(&layer.blob));
        let source = opened.map_err(|e| {
            broken.store(true, Ordering::Relaxed);
            layer.explain(e)
        })?;
        let mut file = None;
        let mut writer: Option<Box<dyn Write + Send + '_>> = match &job.save {
            Save::Nothing => None,
            Save::Workspace => {
                let path = common.workspace.path(&layer.blob);
                let made = File::create_new(&path).with_context(|| format!("creating `{}`", path.display()))?;
                Some(Box::new(file.insert(made)))
            }
            Save::Part(part) => Some(Box::new(part.write(present))),
        };
        let root = job.draft.as_ref().map(LayerDraft::open_root).transpose()?;
        // One byte more than promised is enough to know that the blob is wrong.
        let mut watched = Watched {
            inner: source.take(size.saturating_add(1)),
            left: size,
            progress: common.progress,
            stop: &common.stop,
            digest,
            broken,
            unreported: 0,
            last: None,
        };
        let sinks = Sinks {
            blob: writer.as_mut().map(|writer| &mut **writer as &mut (dyn Write + Send)),
            root: root.as_ref().map(|root| root.as_fd()),
            limit: self.limit(size),
            behind: Some(common.behind),
        };
        pipeline::run(&mut watched, sinks).map_err(|e| layer.explain(e))
    }

    /// How large a layer may be whose blob has `size` bytes.
    ///
    /// Nothing says it beforehand. Layers of honest images shrink to a third, rarely to a hundredth; what shrinks more is
    /// allowed as long as it would fit on the disk (large sparse files do that, and need no place there).
    pub(super) fn limit(&self, size: u64) -> u64 {
        let free = rustix::fs::statvfs(&self.images).map_or(0, |stat| stat.f_bavail.saturating_mul(stat.f_frsize));
        free.max(size.saturating_mul(256).saturating_add(1 << 30))
    }
}

/// Saves as `path` and unpacks a layer that was made on this machine. Who made it has it: its size is his own matter, as far
/// as the disk goes.
pub(super) fn make(input: &mut dyn Read, path: &Path, draft: &LayerDraft) -> Result<Flow> {
    let mut blob = File::create_new(path).with_context(|| format!("creating `{}`", path.display()))?;
    let root = draft.open_root()?;
    let flow = Behind::run(path, |behind| {
        let sinks = Sinks { blob: Some(&mut blob), root: Some(root.as_fd()), limit: u64::MAX, behind: Some(behind) };
        pipeline::run(input, sinks)
    });
    flow.map_err(space_hint)
}

impl Job {
    /// How many bytes of the blob an earlier pull has left.
    fn present(&self) -> Result<u64> {
        let Save::Part(part) = &self.save else { return Ok(0) };
        let present = part.length()?;
        if present > self.layer.descriptor.size {
            part.restart()?;
            return Ok(0);
        }
        Ok(present)
    }
}

/// Counts what is read, tells of it now and then, and ends a download early when another one failed.
struct Watched<'a, R> {
    inner: R,
    progress: &'a dyn Progress,
    stop: &'a AtomicBool,
    digest: &'a str,
    broken: &'a AtomicBool,
    /// Bytes that were promised and have not come.
    left: u64,
    unreported: u64,
    last: Option<Instant>,
}

impl<R> Watched<'_, R> {
    fn report(&mut self) {
        let bytes = std::mem::take(&mut self.unreported);
        self.last = Some(Instant::now());
        self.progress.event(Event::Advanced { digest: self.digest.to_owned(), bytes });
    }
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let result = if self.stop.load(Ordering::Relaxed) {
            Err(std::io::Error::other("another layer failed"))
        } else {
            self.inner.read(into)
        };
        match &result {
            Ok(0) if !into.is_empty() => {
                self.report();
                self.progress.event(Event::Unpacking { digest: self.digest.to_owned() });
            }
            Ok(length) if *length as u64 > self.left => {
                return Err(std::io::Error::other("the blob has more bytes than promised"));
            }
            Ok(length) => {
                self.left -= *length as u64;
                self.unreported += *length as u64;
                if self.last.is_none_or(|last| last.elapsed() >= REPORT) {
                    self.report();
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => self.broken.store(true, Ordering::Relaxed),
        }
        result
    }
}

impl LayerPart {
    /// Opens the whole blob: what is in its part, then the rest from where the image comes from.
    fn open<'j, 'a: 'j>(
        &self,
        job: &'j Job,
        origin: Origin<'_, 'a>,
        present: u64,
        blob: impl Fn() -> PathBuf,
    ) -> Result<Box<dyn Read + Send + 'j>> {
        match (&job.save, origin) {
            (Save::Nothing, _) => {
                let path = blob();
                Ok(Box::new(File::open(&path).with_context(|| format!("opening `{}`", path.display()))?))
            }
            (_, Origin::Local(fetch)) => Ok(fetch(&self.descriptor)?),
            (Save::Part(part), Origin::Remote(fetch)) if present > 0 => {
                let head = part.read(present);
                if present == self.descriptor.size {
                    return Ok(Box::new(head));
                }
                Ok(Box::new(head.chain(fetch(&self.descriptor, present)?)))
            }
            (_, Origin::Remote(fetch)) => Ok(fetch(&self.descriptor, 0)?),
        }
    }

    pub(super) fn explain(&self, error: Error) -> Error {
        space_hint(error.wrap(format!("layer `{}`", self.descriptor.digest)))
    }

    pub(super) fn check(&self, flow: &Flow) -> Result<()> {
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

/// Says the way out where the disk is full.
pub(super) fn space_hint(error: Error) -> Error {
    if is_full(&error) {
        return error.hint("free some space on the file system of the data root, or choose another with --root");
    }
    error
}

/// Whether a layer is of a kind that can be unpacked, as far as its media type says: how it is compressed is seen later.
fn check_kind(layer: &Descriptor) -> Result<()> {
    let kind = layer.media_type.as_str();
    let shown = kind.escape_debug();
    if kind.ends_with("+encrypted") {
        return Err(Error::new(format!("layer `{}` is encrypted (`{shown}`)", layer.digest))
            .hint("encrypted images are not supported: decrypt it first, with `skopeo copy --decryption-key`"));
    }
    let known = ["application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs."];
    if !kind.is_empty() && !known.iter().any(|prefix| kind.starts_with(prefix)) {
        crate::bail!("layer `{}` has the media type `{shown}`, which is not that of a layer of an image", layer.digest);
    }
    Ok(())
}

/// Refuses an image with more layers than can be stacked.
pub(super) fn check_count(layers: usize) -> Result<()> {
    if layers > MAX_LAYERS {
        crate::bail!("the image has {layers} layers, more than the {MAX_LAYERS} that can be stacked");
    }
    Ok(())
}

/// Layers without repetitions (images may have the same empty layer many times).
pub(super) fn distinct_layers(manifest: &Manifest, diff_ids: &[String]) -> Result<Vec<LayerPart>> {
    let mut seen = BTreeSet::new();
    let mut layers = Vec::new();
    check_count(manifest.layers.len())?;
    for (descriptor, diff_id) in manifest.layers.iter().zip(diff_ids) {
        check_kind(descriptor)?;
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
