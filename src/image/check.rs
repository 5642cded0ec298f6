//! `system check`, the part of images: every blob by its digest, every document by its structure, every unpacked layer by
//! its archive. Reads everything and changes nothing; see [`super::repair`] for that.
//!
//! A layer's blob is read once: its digest, the diff ID, and the comparison with what is unpacked come out of one pass.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use super::index;
use super::manifest::{self, Descriptor, Document, Index};
use super::reach::Parts;
use super::store::{ImageStore, read_image, read_json_blob, read_manifest};
use super::summary;
use crate::error::{Context, Error, Result};
use crate::storage::fs;
use crate::storage::layers::is_diff_id;
use crate::storage::unpack::Reader;
use crate::storage::unpack::compression::{Compression, MAGIC};
use crate::storage::unpack::digest::{Hasher, HashingReader};
use crate::storage::unpack::extract::Owners;
use crate::storage::verify;

/// Something of the store that can be damaged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// `index.json`.
    Index,
    /// An entry of it: which image, and the digest of its manifest.
    Entry { image: String, digest: String },
    /// Hexadecimal digest, and whose it is; `None` for a blob of no image.
    Blob { hex: String, of: Option<String> },
    /// Hexadecimal diff ID, and whose it is.
    Layer { diff_id: String, of: String },
    /// `summaries.json`.
    Cache,
    /// Blobs and layers that no image needs and that have been there for long.
    Rubbish,
    /// Its ID.
    Container(String),
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Object::Index => f.write_str("index of the images"),
            Object::Entry { image, .. } => write!(f, "image {image}"),
            Object::Blob { hex, of: Some(of) } => write!(f, "blob sha256:{hex} of image {of}"),
            Object::Blob { hex, of: None } => write!(f, "blob sha256:{hex} of no image"),
            Object::Layer { diff_id, of } => write!(f, "layer {diff_id} of image {of}"),
            Object::Cache => f.write_str("cache of the list of images"),
            Object::Rubbish => f.write_str("unreachable data"),
            Object::Container(id) => write!(f, "container {id}"),
        }
    }
}

/// One damage: what is damaged, how, and what can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    pub object: Object,
    pub what: String,
    pub way_out: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.object, self.what, self.way_out)
    }
}

/// What to look at.
#[derive(Debug, Clone)]
pub struct CheckOptions {
    /// Only what is quickly done: whether things are there, have their sizes, and are well-formed.
    pub quick: bool,
    /// What no image needs and is older than this counts as damage.
    pub max_age: Duration,
}

const REPAIR: &str = "repair it with `coracle system check --repair`";

/// What the images of the index should be made of.
#[derive(Debug, Default)]
struct Expected {
    /// Size and whose it is, by hexadecimal digest.
    blobs: BTreeMap<String, (u64, String)>,
    /// Digest of the blob and whose it is, by diff ID.
    layers: BTreeMap<String, (String, String)>,
}

impl ImageStore {
    /// Looks at everything. The process is root of the user namespace.
    ///
    /// # Errors
    /// The store cannot be read at all.
    pub fn check(&self, options: &CheckOptions) -> Result<Vec<Damage>> {
        let index = match index::read(&self.images) {
            Ok(index) => index,
            Err(error) => return Ok(vec![damage(Object::Index, error.to_string(), REPAIR)]),
        };
        let mut found = Vec::new();
        let mut expected = Expected::default();
        for entry in &index.manifests {
            expect(self, entry, &shown_name(entry), 0, &mut expected, &mut found);
        }
        found.extend(self.check_cache(&index));
        let present = self.present()?;
        for (hex, (_, of)) in &expected.blobs {
            if !present.blobs.contains(hex) {
                found.push(blob_damage(hex, Some(of), "is missing"));
            }
        }
        for (diff_id, (_, of)) in &expected.layers {
            if !present.layers.contains(diff_id) {
                let object = Object::Layer { diff_id: diff_id.clone(), of: of.clone() };
                found.push(damage(object, "is missing", REPAIR));
            }
        }
        found.extend(self.check_contents(&expected, &present, options.quick)?);
        found.extend(self.check_rubbish(&expected, &present, options.max_age));
        found.sort_by(|a, b| a.object.cmp(&b.object));
        found.dedup_by(|a, b| a.object == b.object);
        Ok(found)
    }

    /// What is in the cache must be what would be put there now.
    fn check_cache(&self, index: &Index) -> Option<Damage> {
        let bytes = std::fs::read(self.images.join("summaries.json")).ok()?;
        let is_right = serde_json::from_slice::<summary::Summaries>(&bytes).is_ok_and(|known| {
            index.manifests.iter().all(|entry| match known.get(&entry.digest) {
                None => true,
                Some(cached) => summary::summarise(&self.images, entry).map_or(true, |fresh| {
                    (&fresh.blobs, &fresh.steps, &fresh.image.layers)
                        == (&cached.blobs, &cached.steps, &cached.image.layers)
                        && fresh.image.id == cached.image.id
                        && fresh.image.config == cached.image.config
                }),
            })
        });
        (!is_right).then(|| damage(Object::Cache, "is not what the images say", REPAIR))
    }

    /// Reads blobs and layers, several at once.
    fn check_contents(&self, expected: &Expected, present: &Parts, quick: bool) -> Result<Vec<Damage>> {
        let layer_of: BTreeMap<&str, &str> =
            expected.layers.iter().map(|(diff_id, (blob, _))| (blob.as_str(), diff_id.as_str())).collect();
        let mut jobs = Vec::new();
        for hex in &present.blobs {
            let known = expected.blobs.get(hex);
            let size = std::fs::metadata(self.blob_path(hex)).map(|meta| meta.len()).unwrap_or_default();
            jobs.push(Job { hex, known, size, diff_id: layer_of.get(hex.as_str()).copied() });
        }
        // The largest first, so that none is left for the end.
        jobs.sort_by_key(|job| std::cmp::Reverse(job.size));
        let next = AtomicUsize::new(0);
        let found = Mutex::new(Vec::new());
        let owners = Owners::of_this_process();
        let work = || {
            while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let damages = self.check_job(job, quick, owners);
                found.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(damages);
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8);
        std::thread::scope(|scope| {
            for _ in 1..threads.min(jobs.len()) {
                scope.spawn(work);
            }
            work();
        });
        Ok(found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn check_job(&self, job: &Job<'_>, quick: bool, owners: Owners) -> Vec<Damage> {
        let of = job.known.map(|(_, of)| of);
        if let Some((size, _)) = job.known.filter(|(size, _)| *size != job.size) {
            return vec![blob_damage(job.hex, of, &format!("has {} bytes instead of {size}", job.size))];
        }
        // Documents are small and everything hangs on them.
        if quick && job.size > manifest::MAX_JSON {
            return Vec::new();
        }
        let diff_id = job.diff_id.filter(|diff_id| !quick && self.layers.exists(diff_id));
        match self.read_blob(job.hex, diff_id, owners) {
            // Removed as rubbish meanwhile.
            Err(_) if of.is_none() && !self.has_blob(job.hex) => Vec::new(),
            Err(error) => vec![blob_damage(job.hex, of, &format!("cannot be read: {error}"))],
            Ok(Read1 { digest, .. }) if digest != job.hex => vec![blob_damage(job.hex, of, "has the wrong content")],
            Ok(Read1 { layer: None, .. }) => Vec::new(),
            Ok(Read1 { layer: Some(Err(error)), .. }) => {
                vec![layer_damage(job, &format!("cannot be checked: {error}"))]
            }
            Ok(Read1 { layer: Some(Ok(wrong)), .. }) => wrong.iter().map(|what| layer_damage(job, what)).collect(),
        }
    }

    /// Reads a blob to its end; with a diff ID, compares the layer with it.
    fn read_blob(&self, hex: &str, diff_id: Option<&str>, owners: Owners) -> Result<Read1> {
        let path = self.blob_path(hex);
        let mut file = File::open(&path).with_context(|| format!("opening `{}`", path.display()))?;
        let mut head = Vec::new();
        file.by_ref().take(MAGIC as u64).read_to_end(&mut head).context("reading it")?;
        let compression = Compression::detect(&head);
        let mut blob = HashingReader { inner: std::io::Cursor::new(head).chain(file), hasher: Hasher::default() };
        let layer = diff_id.map(|diff_id| {
            let mut decoder = compression.decoder(BufReader::with_capacity(1 << 18, &mut blob))?;
            self.compare_layer(&mut decoder, diff_id, owners)
        });
        std::io::copy(&mut BufReader::with_capacity(1 << 18, &mut blob), &mut std::io::sink()).context("reading it")?;
        Ok(Read1 { digest: blob.hasher.finish(), layer })
    }

    fn compare_layer(&self, archive: &mut dyn Read, diff_id: &str, owners: Owners) -> Result<Option<String>> {
        let path = self.layers.path(diff_id);
        let root = File::open(&path).with_context(|| format!("opening `{}`", path.display()))?;
        let hashing = HashingReader { inner: archive, hasher: Hasher::default() };
        let mut reader = Reader::new(BufReader::with_capacity(1 << 18, hashing));
        let differences = verify::layer(&mut reader, root.as_fd(), owners)?;
        reader.drain().context("reading layer")?;
        let actual = reader.into_inner().into_inner().hasher.finish();
        if actual != diff_id {
            return Ok(Some(format!("has another diff ID than its blob, sha256:{actual}")));
        }
        Ok((!differences.is_empty()).then(|| differences.summary()))
    }

    fn check_rubbish(&self, expected: &Expected, present: &Parts, max_age: Duration) -> Option<Damage> {
        let is_old = |path: &std::path::Path| {
            let changed = std::fs::symlink_metadata(path).ok().and_then(|meta| u64::try_from(meta.ctime()).ok());
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            changed.is_some_and(|changed| now.saturating_sub(Duration::from_secs(changed)) > max_age)
        };
        let blobs =
            present.blobs.iter().filter(|hex| !expected.blobs.contains_key(*hex) && is_old(&self.blob_path(hex)));
        let layers = present.layers.iter();
        let layers = layers.filter(|id| !expected.layers.contains_key(*id) && is_old(&self.layers.path(id)));
        let (blobs, layers) = (blobs.count(), layers.count());
        if blobs + layers == 0 {
            return None;
        }
        let what = format!("{blobs} blobs and {layers} layers that no image needs are left of earlier work");
        Some(damage(Object::Rubbish, what, "remove it with `coracle image prune` or `coracle system check --repair`"))
    }
}

/// One blob to read.
struct Job<'a> {
    hex: &'a str,
    known: Option<&'a (u64, String)>,
    size: u64,
    diff_id: Option<&'a str>,
}

/// What reading a blob brought.
struct Read1 {
    digest: String,
    /// With a layer: what is wrong with it, if anything is.
    layer: Option<Result<Option<String>>>,
}

/// Adds what an entry is made of; what cannot be read of it is damage.
fn expect(
    store: &ImageStore,
    entry: &Descriptor,
    name: &str,
    depth: usize,
    expected: &mut Expected,
    found: &mut Vec<Damage>,
) {
    let mut add = |descriptor: &Descriptor| -> Result<()> {
        expected.blobs.entry(descriptor.hex()?.to_owned()).or_insert_with(|| (descriptor.size, name.to_owned()));
        Ok(())
    };
    let result = (|| -> Result<Option<Vec<Descriptor>>> {
        add(entry)?;
        if let Some(list) = index::index_digest_of(entry) {
            let path = store.blob_path(list.trim_start_matches("sha256:"));
            // Its size is written down nowhere.
            let size = std::fs::metadata(path).map(|meta| meta.len()).unwrap_or_default();
            add(&Descriptor { digest: list.to_owned(), size, ..Descriptor::default() })?;
        }
        if !store.has_blob(entry.hex()?) {
            return Ok(None);
        }
        if manifest::is_index_type(&entry.media_type) {
            let bytes = read_json_blob(&store.images, entry)?;
            if let Document::Index(list) = manifest::parse_document(&bytes, &entry.media_type)? {
                return Ok(Some(list.manifests));
            }
        }
        if let Some(blobs) = store.artifact_blobs(entry).filter(|_| depth > 0) {
            blobs.iter().try_for_each(add)?;
            return Ok(None);
        }
        let (manifest, descriptor, _) = read_manifest(&store.images, entry)?;
        for part in manifest.layers.iter().chain([&descriptor, &manifest.config]) {
            add(part)?;
        }
        if store.has_blob(manifest.config.hex()?) {
            let image = read_image(&store.images, entry)?;
            for (layer, diff_id) in manifest.layers.iter().zip(image.layers) {
                let blob = layer.hex()?.to_owned();
                expected.layers.entry(diff_id).or_insert_with(|| (blob, name.to_owned()));
            }
        }
        Ok(None)
    })();
    match result {
        Ok(None) => {}
        Ok(Some(children)) => {
            for child in children {
                let is_here = child.hex().is_ok_and(|hex| store.has_blob(hex));
                if depth < 4 && is_here {
                    expect(store, &child, name, depth + 1, expected, found);
                }
            }
        }
        // A blob with the wrong content is told when it is read; this one has the wrong form.
        Err(error) if entry.hex().is_ok_and(|hex| expected.blobs.contains_key(hex)) && is_corrupt(&error) => {}
        Err(error) => {
            let object = Object::Entry { image: name.to_owned(), digest: entry.digest.clone() };
            found.push(damage(object, error.to_string(), "remove it with `coracle rmi`, and pull or load it again"));
        }
    }
}

/// Whether [`read_json_blob`] found another digest than it should have.
fn is_corrupt(error: &Error) -> bool {
    error.chain().iter().any(|cause| cause.ends_with("in the image store is corrupt"))
}

/// What an entry is called where it stands for its image.
fn shown_name(entry: &Descriptor) -> String {
    let name = index::name_of(entry).map(|name| name.canonical());
    name.or_else(|| index::id_of(entry).map(str::to_owned)).unwrap_or_else(|| entry.digest.escape_debug().to_string())
}

fn damage(object: Object, what: impl Into<String>, way_out: &str) -> Damage {
    Damage { object, what: what.into(), way_out: way_out.to_owned() }
}

fn blob_damage(hex: &str, of: Option<&String>, what: &str) -> Damage {
    damage(Object::Blob { hex: hex.to_owned(), of: of.cloned() }, what, REPAIR)
}

fn layer_damage(job: &Job<'_>, what: &str) -> Damage {
    let of = job.known.map(|(_, of)| of.clone()).unwrap_or_default();
    damage(Object::Layer { diff_id: job.diff_id.unwrap_or_default().to_owned(), of }, what, REPAIR)
}

impl ImageStore {
    /// The layers among these that are not there.
    pub fn missing_layers(&self, layers: &[String]) -> BTreeSet<String> {
        layers.iter().filter(|id| is_diff_id(id) && !self.layers.exists(id)).cloned().collect()
    }

    /// How old something must be to be rubbish, where the user does not say it.
    pub const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

    /// Removes the file of a blob that is damaged and that no image needs.
    pub(super) fn drop_blob(&self, hex: &str) -> Result<()> {
        fs::remove_file_if_exists(&self.blob_path(hex))
    }
}
