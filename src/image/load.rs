//! `load`: images from docker-archives, oci-archives and OCI directories.
//!
//! An OCI layout inside (newer `docker save` writes both forms) goes first, as its blobs keep their digests. Layers of a
//! plain docker-archive have no blobs; their tar archives become blobs as they are, uncompressed: compressing them would
//! cost more than everything else, and their digest is then the diff ID, so nothing is hashed twice.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::archive::{Members, not_an_image};
use super::index::REF_NAME;
use super::ingest::Parts;
use super::manifest::{self, Descriptor, Document, Manifest, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST};
use super::platform::Platform;
use super::progress::Progress;
use super::reference::{LOCAL, Reference};
use super::store::ImageStore;
use super::trust::Local;
use super::types::Image;
use crate::error::{Context, Error, Result};
use crate::storage::unpack::Warnings;
use crate::storage::unpack::beneath;
use crate::storage::unpack::compression::{Compression, MAGIC};
use crate::storage::unpack::digest::{hash_through, sha256};

/// What was loaded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loaded {
    pub images: Vec<LoadedImage>,
    pub warnings: Warnings,
}

/// One image of an archive.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedImage {
    pub image: Image,
    /// The names that the archive gave it; where there are none, it is known by its ID.
    pub names: Vec<String>,
}

/// Where what is loaded comes from, which the policy asks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin<'a> {
    Path(&'a Path),
    Stream,
    /// Part of the program.
    BuiltIn,
}

impl<'a> Origin<'a> {
    fn oci(self, tag: Option<&'a str>) -> Option<Local<'a>> {
        match self {
            Origin::Path(path) if path.is_dir() => Some(Local::Oci { path, tag }),
            Origin::Path(path) => Some(Local::OciArchive { path: Some(path) }),
            Origin::Stream => Some(Local::OciArchive { path: None }),
            Origin::BuiltIn => None,
        }
    }

    fn docker(self, name: Option<&'a Reference>) -> Option<Local<'a>> {
        match self {
            Origin::Path(path) => Some(Local::DockerArchive { path: Some(path), name }),
            Origin::Stream => Some(Local::DockerArchive { path: None, name }),
            Origin::BuiltIn => None,
        }
    }

    fn dir(self) -> Option<Local<'a>> {
        match self {
            Origin::Path(path) => Some(Local::Dir { path: Some(path) }),
            Origin::Stream => Some(Local::Dir { path: None }),
            Origin::BuiltIn => None,
        }
    }
}

impl ImageStore {
    /// Loads all images of an archive or OCI directory.
    pub fn load(&self, path: &Path, progress: &dyn Progress) -> Result<Loaded> {
        let attempt = || self.load_members(&Members::open(self, path)?, None, Origin::Path(path), progress);
        attempt().with_context(|| format!("loading `{}`", path.display()))
    }

    /// Loads all images of an archive that cannot be read twice.
    pub fn load_stream(&self, input: &mut (dyn Read + Send), progress: &dyn Progress) -> Result<Loaded> {
        self.load_members(&Members::spool(self, input)?, None, Origin::Stream, progress).context("loading archive")
    }

    /// Loads an archive of one image that is part of the program, under this name.
    pub fn load_bytes(&self, mut archive: &[u8], name: &str) -> Result<Loaded> {
        let name = Reference::parse(name)?;
        let members = Members::spool(self, &mut archive)?;
        let progress = &super::progress::Silent;
        self.load_members(&members, Some(&name), Origin::BuiltIn, progress).context("loading built-in image")
    }

    fn load_members(
        &self,
        members: &Members,
        name: Option<&Reference>,
        origin: Origin<'_>,
        progress: &dyn Progress,
    ) -> Result<Loaded> {
        if members.has("index.json") && (members.has("oci-layout") || !members.has("manifest.json")) {
            self.load_oci(members, name, origin, progress)
        } else if super::transport::source::is_dir(members) {
            self.load_dir(members, name.cloned().into_iter().collect(), &Platform::host(), origin.dir(), progress)
        } else if members.has("manifest.json") {
            self.load_docker(members, name, origin, progress)
        } else {
            Err(not_an_image())
        }
    }

    fn load_oci(
        &self,
        members: &Members,
        name: Option<&Reference>,
        origin: Origin<'_>,
        progress: &dyn Progress,
    ) -> Result<Loaded> {
        let index = manifest::parse_index(&members.read("index.json")?).context("reading `index.json`")?;
        // One image may stand there several times with several names.
        let mut wanted: Vec<(Descriptor, Vec<Reference>)> = Vec::new();
        // The policy may say something else of each of them.
        let mut more_tags: Vec<(String, String)> = Vec::new();
        for entry in index.manifests {
            let reference = name.cloned().or_else(|| archive_name(&entry));
            match wanted.iter_mut().find(|(known, _)| known.digest == entry.digest) {
                Some((_, names)) => {
                    names.extend(reference);
                    more_tags.extend(entry.annotations.get(REF_NAME).map(|tag| (entry.digest.clone(), tag.clone())));
                }
                None => wanted.push((entry, reference.into_iter().collect())),
            }
        }
        if wanted.is_empty() {
            crate::bail!("the archive has no images");
        }
        let mut loaded = Loaded::default();
        for (entry, names) in wanted {
            let parts = oci_parts(members, &entry, names, &Platform::host())?;
            let fetch = |layer: &Descriptor| {
                let (_, reader) = members.open_member(&Members::blob_name(&layer.digest)?)?;
                Ok(reader)
            };
            for (_, tag) in more_tags.iter().filter(|(digest, _)| *digest == entry.digest) {
                origin.oci(Some(tag)).map_or(Ok(()), |from| self.trust.check_local(from, &parts.manifest))?;
            }
            let tag = entry.annotations.get(REF_NAME).map(String::as_str);
            self.keep(&mut loaded, &parts, origin.oci(tag), &fetch, progress)?;
        }
        Ok(loaded)
    }

    fn load_docker(
        &self,
        members: &Members,
        name: Option<&Reference>,
        origin: Origin<'_>,
        progress: &dyn Progress,
    ) -> Result<Loaded> {
        let mut entries = read_docker_entries(members)?;
        if let Some(name) = name {
            entries.iter_mut().for_each(|entry| entry.repo_tags = Some(vec![name.canonical()]));
        }
        self.load_docker_entries(members, entries, origin, progress)
    }

    pub(super) fn load_docker_entries(
        &self,
        members: &Members,
        entries: Vec<DockerEntry>,
        origin: Origin<'_>,
        progress: &dyn Progress,
    ) -> Result<Loaded> {
        let mut loaded = Loaded::default();
        for entry in entries {
            let (parts, sources) = docker_parts(members, &entry)?;
            let fetch = |layer: &Descriptor| match sources.get(&layer.digest) {
                Some(path) => members.open_member(path).map(|(_, reader)| reader),
                None => Err(Error::new(format!("archive has no layer `{}`", layer.digest))),
            };
            self.keep(&mut loaded, &parts, origin.docker(parts.names.first()), &fetch, progress)?;
        }
        Ok(loaded)
    }

    /// Stores an image that the policy accepts. `from` is `None` for what is our own.
    pub(super) fn keep(
        &self,
        loaded: &mut Loaded,
        parts: &Parts,
        from: Option<Local<'_>>,
        fetch: &super::ingest::Fetch<'_>,
        progress: &dyn Progress,
    ) -> Result<()> {
        if let Some(from) = from {
            self.trust.check_local(from, &parts.manifest)?;
        }
        let stored = self.ingest(parts, fetch, progress)?;
        loaded.warnings.merge(stored.warnings);
        let names = parts.names.iter().map(Reference::canonical).collect();
        loaded.images.push(LoadedImage { image: stored.image, names });
        Ok(())
    }
}

/// The name that an entry of `index.json` carries: the annotation of containerd and docker, which is a full name, or
/// OCI's, which may be a bare tag.
fn archive_name(entry: &Descriptor) -> Option<Reference> {
    let full = entry.annotations.get("io.containerd.image.name").and_then(|name| Reference::parse(name).ok());
    full.or_else(|| {
        let name = entry.annotations.get(REF_NAME)?;
        let text = if name.contains('/') { name.clone() } else { format!("{LOCAL}/{name}") };
        Reference::parse(&text).ok()
    })
}

/// What an entry of a layout's index leads to, for this platform.
pub(super) fn oci_parts(
    members: &Members,
    entry: &Descriptor,
    names: Vec<Reference>,
    platform: &Platform,
) -> Result<Parts> {
    let mut descriptor = entry.clone();
    let mut index = None;
    for _ in 0..4 {
        let bytes = members.read(&Members::blob_name(&descriptor.digest)?)?;
        super::ingest::check_digest("manifest", &descriptor, &bytes)?;
        match manifest::parse_document(&bytes, &descriptor.media_type)? {
            Document::Index(list) => {
                descriptor = platform.choose(&list)?.clone();
                index.get_or_insert(bytes);
            }
            Document::Manifest(manifest) => {
                let config = members.read(&Members::blob_name(&manifest.config.digest)?)?;
                return Ok(Parts { media_type: manifest.media_type, manifest: bytes, config, index, names });
            }
        }
    }
    crate::bail!("indexes are nested too deeply")
}

/// What `manifest.json` of a docker-archive lists.
pub(super) fn read_docker_entries(members: &Members) -> Result<Vec<DockerEntry>> {
    let entries: Vec<DockerEntry> =
        serde_json::from_slice(&members.read("manifest.json")?).context("reading `manifest.json`")?;
    if entries.is_empty() {
        crate::bail!("the archive has no images");
    }
    Ok(entries)
}

/// An element of a docker-archive's `manifest.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DockerEntry {
    config: String,
    #[serde(default)]
    pub repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Vec<String>,
}

/// Makes an OCI manifest for an image of a docker-archive, and says which member each layer's blob is.
fn docker_parts(members: &Members, entry: &DockerEntry) -> Result<(Parts, BTreeMap<String, String>)> {
    let config_bytes = members.read(&member_name(&entry.config)?)?;
    let config = manifest::parse_config(&config_bytes)?;
    if config.diff_ids.len() != entry.layers.len() {
        crate::bail!(
            "`manifest.json` lists {} layers, but the configuration {}",
            entry.layers.len(),
            config.diff_ids.len()
        );
    }
    // Before any of them is read.
    super::flow::check_count(entry.layers.len())?;
    let mut sources = BTreeMap::new();
    let mut layers = Vec::new();
    for (layer, diff_id) in entry.layers.iter().zip(&config.diff_ids) {
        let path = member_name(layer)?;
        let descriptor = describe_layer(members, &path, diff_id)?;
        sources.insert(descriptor.digest.clone(), path);
        layers.push(descriptor);
    }
    let manifest = Manifest {
        schema_version: 2,
        media_type: OCI_MANIFEST.to_owned(),
        config: Descriptor {
            media_type: OCI_CONFIG.to_owned(),
            digest: format!("sha256:{}", sha256(&config_bytes)),
            size: config_bytes.len() as u64,
            ..Descriptor::default()
        },
        layers,
        annotations: BTreeMap::new(),
    };
    let names = entry.repo_tags.iter().flatten().map(|tag| Reference::parse(tag)).collect::<Result<_>>()?;
    let parts = Parts {
        manifest: serde_json::to_vec(&manifest)?,
        media_type: OCI_MANIFEST.to_owned(),
        config: config_bytes,
        index: None,
        names,
    };
    Ok((parts, sources))
}

fn member_name(name: &str) -> Result<String> {
    String::from_utf8(beneath::clean(name.as_bytes())?).map_err(|_| Error::new("name of a member is not UTF-8"))
}

fn describe_layer(members: &Members, path: &str, diff_id: &str) -> Result<Descriptor> {
    let (size, mut reader) = members.open_member(path)?;
    let mut head = Vec::new();
    reader.by_ref().take(MAGIC as u64).read_to_end(&mut head).with_context(|| format!("reading `{path}`"))?;
    let compression = Compression::detect(&head);
    compression.check_layer()?;
    let suffix = match compression {
        Compression::None => {
            let digest = format!("sha256:{diff_id}");
            return Ok(Descriptor { media_type: OCI_LAYER.to_owned(), digest, size, ..Descriptor::default() });
        }
        Compression::Zstd => "+zstd",
        _ => "+gzip",
    };
    let unreadable = |e| Error::from(e).wrap(format!("reading `{path}`"));
    let hasher = hash_through(&mut head.as_slice().chain(reader), &unreadable, &mut |_| Ok(()))?;
    let digest = format!("sha256:{}", hasher.finish());
    Ok(Descriptor { media_type: format!("{OCI_LAYER}{suffix}"), digest, size, ..Descriptor::default() })
}
