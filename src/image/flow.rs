//! Layers on their way into the store: fetched, saved, hashed and unpacked, several at once.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::ingest::Fetch;
use super::manifest::{Descriptor, Manifest};
use super::progress::{Event, Progress};
use super::store::ImageStore;
use crate::error::{Context, Error, Result};
use crate::storage::layers::LayerDraft;
use crate::storage::unpack::pipeline::{self, Flow, Sinks};
use crate::storage::workdir::WorkDir;

/// How many layers flow at once.
const PARALLEL: usize = 4;

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
    /// The blob is in the store: it is unpacked from there.
    pub has_blob: bool,
}

impl ImageStore {
    /// Runs all jobs, several at once. The first error stops the rest.
    pub(super) fn run_jobs(
        &self,
        jobs: Vec<Job>,
        workspace: &WorkDir,
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
                let failed = result.is_err();
                // The result first: what stopping makes of the others must stand behind it.
                results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((position, result));
                if failed {
                    stop.store(true, Ordering::Relaxed);
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

    fn run_job(
        &self,
        job: &Job,
        workspace: &WorkDir,
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
    let full = ["No space left on device", "Disk quota exceeded"];
    if error.chain().iter().any(|cause| full.iter().any(|words| cause.contains(words))) {
        return error.hint("free some space on the file system of the data root, or choose another with --root");
    }
    error
}

/// Layers without repetitions (images may have the same empty layer many times).
pub(super) fn distinct_layers(manifest: &Manifest, diff_ids: &[String]) -> Result<Vec<LayerPart>> {
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
