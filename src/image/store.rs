//! The image store: an OCI image layout that other tools can read, and finding images in it.
//!
//! ```text
//! <root>/images/oci-layout            version of the layout
//!               index.json            names and manifests (see index.rs)
//!               index.lock            held while index.json is changed
//!               index.backup.json     the same once more (see index.rs)
//!               removal.lock          held while something is removed (see index.rs)
//!               partial/<hex>         blobs that are being fetched (see parts.rs)
//!               summaries.json        cache (see summary.rs)
//!               blobs/sha256/<hex>    manifests, configurations, layers, bit for bit as they came
//! ```
//!
//! What is not reachable from `index.json` is rubbish.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::family::Family;
use super::index;
use super::list;
use super::manifest::{self, Descriptor, Document, Index, MAX_JSON, Manifest};
use super::platform::Platform;
use super::reference::{DEFAULT_REGISTRY, LOCAL, Reference, Typed, sha256_hex};
use super::summary;
use super::trust::Trust;
use super::types::Image;
use crate::error::{Context, Error, Kind, Result};
use crate::storage::atomic::{self, Durability};
use crate::storage::layers::{Layers, archive_size};
use crate::storage::unpack::digest::sha256;
use crate::storage::{Roots, fs, id};

/// The images of one data root.
#[derive(Debug, Clone)]
pub struct ImageStore {
    pub(super) roots: Roots,
    pub(super) images: PathBuf,
    pub(super) layers: Layers,
    /// What decides which images may come in. Unless it is said, only the system's policy.
    pub(super) trust: Trust,
}

impl ImageStore {
    /// Opens the store, making it when it is missing.
    pub fn open(roots: &Roots) -> Result<Self> {
        let images = roots.images();
        let marker = images.join("oci-layout");
        if !marker.exists() {
            fs::create_private_dir_all(&images.join("blobs/sha256"))?;
            atomic::write(&marker, br#"{"imageLayoutVersion":"1.0.0"}"#, Durability::Power)?;
        }
        Ok(ImageStore { roots: roots.clone(), images, layers: Layers::new(roots), trust: Trust::default() })
    }

    /// The same store with this user's policy.
    #[must_use]
    pub fn trusting(mut self, trust: &Trust) -> Self {
        self.trust = trust.clone();
        self
    }

    /// The unpacked layers.
    pub fn layers(&self) -> &Layers {
        &self.layers
    }

    /// Where a blob is, or would be.
    pub fn blob_path(&self, hex: &str) -> PathBuf {
        blob_path(&self.images, hex)
    }

    /// Whether an image is there, and stays unless what was recorded before this call allows its removal: a removal that
    /// began earlier has ended, and a later one sees what the caller has written.
    pub fn is_kept(&self, id: &str) -> Result<bool> {
        index::wait_for_removals(&self.images)?;
        Ok(self.exists(id)? || self.is_in_list(id)?)
    }

    /// Whether a blob is there.
    pub fn has_blob(&self, hex: &str) -> bool {
        self.blob_path(hex).is_file()
    }

    /// All images, newest first, each without its history and raw configuration (for these, [`find`](Self::find) it). One
    /// whose files cannot be read is listed with what the index says of it.
    pub fn list(&self) -> Result<Vec<Image>> {
        let index = index::read(&self.images)?;
        let mut summaries = summary::read(&self.images);
        for entry in &index.manifests {
            if !list::is_list(entry)
                && !summaries.contains_key(&entry.digest)
                && let Ok(fresh) = summary::summarise(&self.images, entry)
            {
                summaries.insert(entry.digest.clone(), fresh);
            }
        }
        let listed = index.manifests.iter().filter_map(|entry| summaries.get(&entry.digest));
        let family = Family::of(listed);
        let mut list: Vec<Image> = Vec::new();
        // By ID, and by digest for what cannot be read. Several manifests may have one configuration: that is one image.
        let mut seen: HashMap<String, usize> = HashMap::new();
        for entry in &index.manifests {
            let image = match list::is_list(entry) {
                true => Some(list::shown(entry)),
                false => summaries.remove(&entry.digest).map(|summary| summary.image),
            };
            let known =
                seen.get(list::key(entry)).or_else(|| image.as_ref().and_then(|image| seen.get(&image.id))).copied();
            let position = known.unwrap_or_else(|| {
                list.push(image.unwrap_or_else(|| unreadable(entry)));
                list.len() - 1
            });
            seen.insert(list::key(entry).to_owned(), position);
            if let Some(image) = list.get_mut(position) {
                seen.insert(image.id.clone(), position);
                add_names(image, entry);
            }
        }
        let parents: HashSet<&str> = list.iter().filter_map(|image| family.parent(&image.id)).collect();
        let stages: Vec<(String, bool)> = list
            .iter()
            .map(|image| (family.parent(&image.id).unwrap_or_default().to_owned(), parents.contains(image.id.as_str())))
            .collect();
        for (image, (parent, has_children)) in list.iter_mut().zip(stages) {
            image.parent = parent;
            image.has_children = has_children;
        }
        list.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
        Ok(list)
    }

    /// The image that a user means: a name, a short name, a digest, an ID or the beginning of one.
    ///
    /// # Errors
    /// [`Kind::NoSuch`] when there is none.
    pub fn find(&self, text: &str) -> Result<Image> {
        let index = index::read(&self.images)?;
        let Some(entry) = self.find_entry(&index, text)? else { return Err(not_known(text)) };
        self.image_of(&index, entry).with_context(|| format!("reading image `{text}`"))
    }

    /// The same; of a manifest list, its image for this platform.
    pub fn find_for(&self, text: &str, platform: &Platform) -> Result<Image> {
        let index = index::read(&self.images)?;
        let Some(entry) = self.find_entry(&index, text)? else { return Err(not_known(text)) };
        self.image_for(&index, entry, platform).with_context(|| format!("reading image `{text}`"))
    }

    /// Whether [`find`](Self::find) finds something.
    pub fn exists(&self, text: &str) -> Result<bool> {
        Ok(self.find_entry(&index::read(&self.images)?, text)?.is_some())
    }

    /// The full name of a local image that a short or full name means, without reading the image.
    pub fn resolve_name(&self, text: &str) -> Result<Option<Reference>> {
        let index = index::read(&self.images)?;
        Ok(Typed::parse(text).ok().and_then(|typed| by_name(&index, &typed)).and_then(index::name_of))
    }

    /// The ID of an image that the index does not say it of; `None` when that cannot be read either.
    pub(super) fn read_id(&self, entry: &Descriptor) -> Option<String> {
        let (manifest, ..) = read_manifest(&self.images, entry).ok()?;
        manifest.config.hex().ok().map(str::to_owned)
    }

    /// The image of an entry, with all its names.
    pub(super) fn image_of(&self, index: &Index, entry: &Descriptor) -> Result<Image> {
        self.image_for(index, entry, &Platform::host())
    }

    /// The same; of a manifest list, its image for this platform.
    pub(super) fn image_for(&self, index: &Index, entry: &Descriptor, platform: &Platform) -> Result<Image> {
        let entry = &*self.instance(index, entry, platform)?;
        let mut image = read_image(&self.images, entry)?;
        for other in &index.manifests {
            if list::is_same(other, entry) || index::id_of(other) == Some(image.id.as_str()) {
                add_names(&mut image, other);
            }
        }
        Ok(image)
    }

    /// Whether this means an image by a name, and not by its digest or ID.
    pub fn is_name(&self, index: &Index, text: &str) -> bool {
        sha256_hex(text).is_none() && Typed::parse(text).is_ok_and(|typed| by_name(index, &typed).is_some())
    }

    /// The entry that a user means.
    pub(super) fn find_entry<'a>(&self, index: &'a Index, text: &str) -> Result<Option<&'a Descriptor>> {
        let text = text.strip_prefix("docker://").unwrap_or(text);
        if let Some(hex) = sha256_hex(text) {
            return Ok(by_digest(index, text).or_else(|| self.by_id(index, hex).next()));
        }
        if let Some(prefix) = text.strip_prefix("sha256:") {
            return self.by_id_prefix(index, prefix);
        }
        if let Ok(typed) = Typed::parse(text)
            && let Some(entry) = by_name(index, &typed)
        {
            return Ok(Some(entry));
        }
        self.by_id_prefix(index, text)
    }

    fn by_id<'a>(&self, index: &'a Index, prefix: &str) -> impl Iterator<Item = &'a Descriptor> {
        let prefix = prefix.to_owned();
        let images = self.images.clone();
        index.manifests.iter().filter(move |entry| match index::id_of(entry) {
            Some(id) => id.starts_with(&prefix),
            None => read_image(&images, entry).is_ok_and(|image| image.id.starts_with(&prefix)),
        })
    }

    fn by_id_prefix<'a>(&self, index: &'a Index, prefix: &str) -> Result<Option<&'a Descriptor>> {
        if !id::is_hex(prefix) {
            return Ok(None);
        }
        let found: Vec<&Descriptor> = self.by_id(index, prefix).collect();
        let distinct: BTreeSet<_> = found.iter().map(|e| index::id_of(e).unwrap_or(&e.digest)).collect();
        if distinct.len() > 1 {
            return Err(Error::new(format!("\"{prefix}\" is the beginning of {} image IDs", distinct.len()))
                .hint("give more digits of the ID"));
        }
        Ok(found.first().copied())
    }
}

/// The error for an image that is not there, in the reference's words.
pub fn not_known(text: &str) -> Error {
    Error::of(Kind::NoSuch, format!("{text}: image not known"))
}

fn by_digest<'a>(index: &'a Index, digest: &str) -> Option<&'a Descriptor> {
    index.manifests.iter().find(|e| e.digest == digest || index::index_digest_of(e) == Some(digest))
}

/// Full names first; then, for a short name, `localhost/`, docker.io and any other registry.
fn by_name<'a>(index: &'a Index, typed: &Typed) -> Option<&'a Descriptor> {
    if let Some(reference) = typed.complete() {
        return by_full_name(index, &reference);
    }
    if let Some(found) = [LOCAL, DEFAULT_REGISTRY].iter().find_map(|host| by_full_name(index, &typed.at(host))) {
        return Some(found);
    }
    let tail = format!("/{}", typed.repository);
    index.manifests.iter().find(|entry| {
        index::name_of(entry).is_some_and(|name| {
            let tag_matches = match (&typed.digest, &typed.tag) {
                (Some(digest), _) => entry.digest == *digest || index::index_digest_of(entry) == Some(digest),
                (None, tag) => name.tag.as_deref() == Some(tag.as_deref().unwrap_or("latest")) && name.digest.is_none(),
            };
            name.name().ends_with(&tail) && tag_matches
        })
    })
}

fn by_full_name<'a>(index: &'a Index, reference: &Reference) -> Option<&'a Descriptor> {
    let canonical = reference.canonical();
    // Our own entries have the name just so, and need no parsing.
    let just_so = index.manifests.iter().find(|entry| entry.annotations.get(index::REF_NAME) == Some(&canonical));
    just_so.or_else(|| {
        index.manifests.iter().find(|entry| {
            index::name_of(entry).is_some_and(|name| {
                name.canonical() == canonical
                    || reference.digest.as_deref().is_some_and(|digest| {
                        name.name() == reference.name()
                            && (entry.digest == digest || index::index_digest_of(entry) == Some(digest))
                    })
            })
        })
    })
}

fn add_names(image: &mut Image, entry: &Descriptor) {
    let Some(name) = index::name_of(entry) else { return };
    if name.digest.is_none() {
        image.names.push(name.canonical());
    }
    for digest in [Some(entry.digest.as_str()), index::index_digest_of(entry)].into_iter().flatten() {
        let full = format!("{}@{digest}", name.name());
        if !image.repo_digests.contains(&full) {
            image.repo_digests.push(full);
        }
    }
}

/// What can be said of an image that cannot be read.
fn unreadable(entry: &Descriptor) -> Image {
    Image {
        id: index::id_of(entry).unwrap_or_default().to_owned(),
        digest: entry.digest.clone(),
        media_type: entry.media_type.clone(),
        size: entry.size,
        ..Image::default()
    }
}

fn blob_path(images: &Path, hex: &str) -> PathBuf {
    images.join("blobs/sha256").join(hex)
}

/// Reads a small blob (manifest, index, configuration) and checks it against its digest.
pub(super) fn read_json_blob(images: &Path, descriptor: &Descriptor) -> Result<Vec<u8>> {
    let hex = descriptor.hex()?;
    let path = blob_path(images, hex);
    let attempt = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        std::fs::File::open(&path)?.take(MAX_JSON + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = attempt().with_context(|| format!("reading `{}`", path.display()))?;
    if sha256(&bytes) != hex { Err(corrupt(&descriptor.digest)) } else { Ok(bytes) }
}

/// The error for a blob of the store that is not what its name says.
pub(super) fn corrupt(digest: &str) -> Error {
    Error::new(format!("blob `{digest}` in the image store is corrupt"))
        .hint("repair it with `coracle system check --repair`, or pull or load the image again")
}

/// The manifest of an entry. Where another tool put an index there, the one for this machine in it.
pub(super) fn read_manifest(images: &Path, entry: &Descriptor) -> Result<(Manifest, Descriptor, u64)> {
    let mut descriptor = entry.clone();
    for _ in 0..4 {
        let bytes = read_json_blob(images, &descriptor)?;
        match manifest::parse_document(&bytes, &descriptor.media_type)? {
            Document::Manifest(manifest) => return Ok((*manifest, descriptor, bytes.len() as u64)),
            Document::Index(index) => descriptor = Platform::host().choose(&index)?.clone(),
        }
    }
    crate::bail!("indexes are nested too deeply")
}

/// The size of a layer as people are shown it: that of its archive, uncompressed, or of the blob where that is not known.
pub(super) fn layer_size(images: &Path, layer: &Descriptor, diff_id: &str) -> u64 {
    // The layers lie beside the images (see `Roots`).
    let dir = images.parent().map(|data| data.join("layers").join(diff_id));
    dir.and_then(|dir| archive_size(&dir)).unwrap_or(layer.size)
}

/// Reads an image without its names.
pub(super) fn read_image(images: &Path, entry: &Descriptor) -> Result<Image> {
    let (manifest, descriptor, manifest_size) = read_manifest(images, entry)?;
    let bytes = read_json_blob(images, &manifest.config)?;
    let config = manifest::parse_config(&bytes)?;
    if config.diff_ids.len() != manifest.layers.len() {
        crate::bail!("manifest has {} layers, its configuration {}", manifest.layers.len(), config.diff_ids.len());
    }
    let layers = manifest.layers.iter().zip(&config.diff_ids);
    let layers: u64 = layers.map(|(layer, id)| layer_size(images, layer, id)).fold(0, u64::saturating_add);
    Ok(Image {
        id: manifest.config.hex()?.to_owned(),
        digest: descriptor.digest,
        media_type: manifest.media_type,
        names: Vec::new(),
        repo_digests: Vec::new(),
        created: config.created,
        size: layers.saturating_add(manifest_size).saturating_add(bytes.len() as u64),
        layers: config.diff_ids,
        architecture: config.architecture,
        os: config.os,
        variant: config.variant,
        author: config.author,
        comment: config.comment,
        config: config.config,
        history: config.history,
        annotations: manifest.annotations,
        raw_config: config.raw_config,
        parent: String::new(),
        has_children: false,
    })
}
