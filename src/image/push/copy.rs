//! Copies an image into a destination: layers at once on several threads, then the configuration, then the manifest.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::compress::{Codec, Consumed, compress};
use super::convert::{ManifestFormat, NewLayer, convert};
use super::hints::Hints;
use super::plan::{Layer, Plan, Task};
use super::sink::{Answer, Finished, Sink, What};
use super::{Format, PushOptions, Pushed};
use crate::error::{Context, Error, Result};
use crate::image::content::{Content, Growing, Known};
use crate::image::flow::space_hint;
use crate::image::manifest::{self, Descriptor};
use crate::image::progress::{Event, Progress};
use crate::image::store::{ImageStore, corrupt};
use crate::storage::unpack::compression::Compression;
use crate::storage::unpack::digest::{Hasher, hash_through, sha256};

/// How many layers are on their way at once.
const PARALLEL: usize = 4;

impl ImageStore {
    /// Copies one manifest of the store with all its blobs. `named` as in [`Finished`].
    pub fn copy_out(
        &self,
        entry: &Descriptor,
        sink: &dyn Sink,
        options: &PushOptions,
        named: bool,
        progress: &dyn Progress,
    ) -> Result<Pushed> {
        let plan = Plan::open(self, entry, sink.want(), options)?;
        let copy = Copy { store: self, sink, progress, hints: Hints::read(&self.images), live: Mutex::default() };
        let layers = copy.layers(&plan)?;
        copy.config(&plan)?;
        progress.event(Event::Line("Writing manifest to image destination".to_owned()));
        let finished = finish(&plan, &layers, plan.format, named)?;
        let finished = match sink.put_manifest(&finished)? {
            Answer::Taken => finished,
            // An old registry, perhaps: Docker's format is the same in other words.
            Answer::FormatRefused(refusal) if options.format.is_none() && plan.format == ManifestFormat::Oci => {
                let Ok(other) = finish(&plan, &layers, ManifestFormat::Docker, named) else { return Err(refusal) };
                match sink.put_manifest(&other) {
                    Ok(Answer::Taken) => other,
                    // The first refusal is about what the image is.
                    Ok(Answer::FormatRefused(_)) | Err(_) => return Err(refusal),
                }
            }
            Answer::FormatRefused(refusal) => return Err(refusal),
        };
        Ok(Pushed { digest: finished.digest, manifest: finished.bytes, media_type: finished.media_type })
    }
}

fn finish(plan: &Plan, layers: &[NewLayer], format: ManifestFormat, named: bool) -> Result<Finished> {
    let bytes = convert(&plan.manifest, &plan.parsed.media_type, layers, format)?;
    let manifest = manifest::parse_manifest(&bytes, format.media_type())?;
    Ok(Finished {
        digest: format!("sha256:{}", sha256(&bytes)),
        media_type: manifest.media_type.clone(),
        manifest,
        bytes,
        named,
    })
}

struct Copy<'a> {
    store: &'a ImageStore,
    sink: &'a dyn Sink,
    progress: &'a dyn Progress,
    hints: Hints,
    /// What is on its way: none of it is worth anything when one part fails.
    live: Mutex<Vec<Content>>,
}

impl Copy<'_> {
    /// Copies all layers; what they have become, in the manifest's order.
    fn layers(&self, plan: &Plan) -> Result<Vec<NewLayer>> {
        // An image may have the same layer many times.
        let mut distinct: BTreeMap<&str, usize> = BTreeMap::new();
        let mut jobs: Vec<&Layer> = Vec::new();
        for layer in &plan.layers {
            distinct.entry(&layer.descriptor.digest).or_insert_with(|| {
                jobs.push(layer);
                jobs.len() - 1
            });
        }
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let results: Mutex<Vec<(usize, Result<NewLayer>)>> = Mutex::default();
        let work = || {
            while !stop.load(Ordering::Relaxed) {
                let position = next.fetch_add(1, Ordering::Relaxed);
                let Some(layer) = jobs.get(position) else { return };
                let result = self.layer(layer);
                let failed = result.is_err();
                results.lock().unwrap_or_else(PoisonError::into_inner).push((position, result));
                if failed {
                    stop.store(true, Ordering::Relaxed);
                    self.live().iter().for_each(Content::abandon);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..PARALLEL.min(jobs.len()) {
                scope.spawn(work);
            }
            work();
        });
        let mut done: BTreeMap<usize, NewLayer> = BTreeMap::new();
        // The error that came first is the cause.
        for (position, result) in results.into_inner().unwrap_or_else(PoisonError::into_inner) {
            done.insert(position, result?);
        }
        let of = |layer: &Layer| {
            let position = distinct.get(layer.descriptor.digest.as_str());
            position.and_then(|position| done.get(position)).cloned()
        };
        let all: Option<Vec<NewLayer>> = plan.layers.iter().map(of).collect();
        all.ok_or_else(|| Error::new("not all layers were copied"))
    }

    fn layer(&self, layer: &Layer) -> Result<NewLayer> {
        match layer.task {
            Task::Keep => self.keep(layer),
            Task::Compress(codec) => self.compressed(layer, codec),
            Task::Decompress => {
                let known = Known { digest: format!("sha256:{}", layer.diff_id), size: 0 };
                self.made(layer, Some(known), Compression::None, |growing, advanced| {
                    decompress(layer, growing, advanced)
                })
            }
        }
    }

    fn keep(&self, layer: &Layer) -> Result<NewLayer> {
        let Descriptor { digest, size, .. } = &layer.descriptor;
        let known = Known { digest: digest.clone(), size: *size };
        if self.skip(&known, digest)? {
            return Ok(new_layer(known, layer.compression));
        }
        let file = layer.file.try_clone().context("duplicating a descriptor")?;
        let content = Content::complete(file, digest, *size);
        self.live().push(content.clone());
        self.started(digest, Some(*size));
        let advanced = |bytes| self.progress.event(Event::Advanced { digest: digest.clone(), bytes });
        self.sink.put(&content, What::Layer, &advanced)?;
        self.finished(&content, digest);
        Ok(new_layer(known, layer.compression))
    }

    fn compressed(&self, layer: &Layer, codec: Codec) -> Result<NewLayer> {
        let compression = match codec.format {
            Format::Gzip => Compression::Gzip,
            Format::Zstd => Compression::Zstd,
        };
        let known = self.hints.compressed(&layer.diff_id, codec);
        let made =
            self.made(layer, known, compression, |growing, advanced| recompress(layer, codec, growing, advanced))?;
        let blob = Known { digest: made.digest.clone(), size: made.size };
        Hints::update(&self.store.images, |hints| hints.became(&layer.diff_id, codec, &blob));
        Ok(made)
    }

    /// Copies a layer that `make` makes, unless what it will be is known and there already.
    fn made(
        &self,
        layer: &Layer,
        known: Option<Known>,
        compression: Compression,
        make: impl FnOnce(&mut Growing, &(dyn Fn(u64) + Sync)) -> Result<Known> + Send,
    ) -> Result<NewLayer> {
        let digest = &layer.descriptor.digest;
        if let Some(known) = known
            && self.skip(&known, digest)?
        {
            return Ok(new_layer(known, compression));
        }
        let tmp = self.store.roots.tmp();
        // Without a name: nothing is left of it whatever happens.
        let file =
            tempfile::tempfile_in(&tmp).with_context(|| format!("creating temporary file in `{}`", tmp.display()))?;
        let (content, mut growing) = Content::growing(file);
        self.live().push(content.clone());
        self.started(digest, Some(layer.descriptor.size));
        let advanced = |bytes| self.progress.event(Event::Advanced { digest: digest.clone(), bytes });
        let (made, put) = std::thread::scope(|scope| {
            let making = scope.spawn(move || {
                let end = make(&mut growing, &advanced);
                growing.finish(end.clone());
                end
            });
            let put = self.sink.put(&content, What::Layer, &|_| {});
            let refused = put.is_err() && !matches!(content.known(), Some(Err(_)));
            if refused {
                content.abandon();
            }
            let made = making.join().unwrap_or_else(|_| Err(Error::new("a thread that compresses panicked")));
            (if refused { None } else { Some(made) }, put)
        });
        // The maker's error is the cause of what the reader saw, unless it was stopped because of that.
        let known = made.transpose().map_err(space_hint)?;
        put?;
        let known = known.ok_or_else(|| Error::new("a layer was not made"))?;
        self.finished(&content, digest);
        Ok(new_layer(known, compression))
    }

    fn config(&self, plan: &Plan) -> Result<()> {
        let Descriptor { digest, size, .. } = &plan.parsed.config;
        let known = Known { digest: digest.clone(), size: *size };
        self.progress.event(Event::Started { digest: digest.clone(), what: "config", total: Some(*size) });
        if !self.sink.has(&known, What::Config)? {
            let mut file = tempfile::tempfile_in(self.store.roots.tmp()).context("creating temporary file")?;
            std::io::Write::write_all(&mut file, &plan.config).context("writing temporary file")?;
            self.sink.put(&Content::complete(file, digest, *size), What::Config, &|_| {})?;
        }
        self.progress.event(Event::Finished { digest: digest.clone() });
        Ok(())
    }

    /// Nothing is to be done any more for this layer, and its temporary file can go.
    fn finished(&self, content: &Content, digest: &str) {
        self.live().retain(|other| !other.is(content));
        self.progress.event(Event::Finished { digest: digest.to_owned() });
    }

    fn live(&self) -> MutexGuard<'_, Vec<Content>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a layer's blob need not be sent.
    fn skip(&self, known: &Known, shown: &str) -> Result<bool> {
        let there = self.sink.has(known, What::Layer)?;
        if there {
            self.progress.event(Event::Skipped { digest: shown.to_owned() });
        }
        Ok(there)
    }

    fn started(&self, digest: &str, total: Option<u64>) {
        self.progress.event(Event::Started { digest: digest.to_owned(), what: "blob", total });
    }
}

fn new_layer(known: Known, compression: Compression) -> NewLayer {
    NewLayer { digest: known.digest, size: known.size, compression }
}

/// Counts what is read from the blob.
struct Counted<'a, R> {
    inner: R,
    advanced: &'a (dyn Fn(u64) + Sync),
}

impl<R: std::io::Read> std::io::Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let length = self.inner.read(into)?;
        (self.advanced)(length as u64);
        Ok(length)
    }
}

fn recompress(layer: &Layer, codec: Codec, growing: &mut Growing, advanced: &(dyn Fn(u64) + Sync)) -> Result<Known> {
    let source = BufReader::with_capacity(1 << 18, Counted { inner: layer.reader(), advanced });
    let mut plain = layer.compression.decoder(source)?;
    let mut hasher = Hasher::default();
    let consumed = compress(codec, &mut *plain, &mut |bytes| {
        hasher.update(bytes);
        growing.write(bytes)
    })?;
    check(layer, &consumed)?;
    let size = hasher.bytes();
    Ok(Known { digest: format!("sha256:{}", hasher.finish()), size })
}

fn decompress(layer: &Layer, growing: &mut Growing, advanced: &(dyn Fn(u64) + Sync)) -> Result<Known> {
    let source = BufReader::with_capacity(1 << 18, Counted { inner: layer.reader(), advanced });
    let mut plain = layer.compression.decoder(source)?;
    let unreadable = |e| Error::from(e).wrap("reading layer");
    let hasher = hash_through(&mut *plain, &unreadable, &mut |bytes| growing.write(bytes))?;
    let size = hasher.bytes();
    let consumed = Consumed { digest: hasher.finish(), size };
    check(layer, &consumed)?;
    Ok(Known { digest: format!("sha256:{}", consumed.digest), size })
}

/// A damaged blob must not go out under a digest that is right for it.
fn check(layer: &Layer, consumed: &Consumed) -> Result<()> {
    if consumed.digest == layer.diff_id { Ok(()) } else { Err(corrupt(&layer.descriptor.digest)) }
}
