//! Files that become an artifact: a manifest with a configuration and one layer for each file, as it is.
//!
//! Format: OCI image specification 1.1, "Guidelines for Artifact Usage". A file's media type is guessed from its first
//! bytes where the user does not say it.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::find::{Found, descriptor};
use super::store::NewBlobs;
use crate::error::{Context, Error, Result};
use crate::image::manifest::{Descriptor, MAX_JSON, OCI_CONFIG, OCI_MANIFEST};
use crate::image::store::ImageStore;
use crate::storage::fs;
use crate::storage::unpack::digest::{hash_through, sha256};

/// The type of artifacts that have none.
pub const UNKNOWN_TYPE: &str = "application/vnd.unknown.artifact.v1";
/// The type of the configuration `{}`, which stands for none.
pub const EMPTY_CONFIG: &str = "application/vnd.oci.empty.v1+json";
/// The annotation of a layer with the file's name.
const TITLE: &str = "org.opencontainers.image.title";
/// Configurations up to this size stand in the manifest as well.
const MAX_DATA: usize = 16 << 10;

/// What is to be made.
#[derive(Debug, Clone, Default)]
pub struct Artifact {
    pub files: Vec<PathBuf>,
    /// Of the whole; `None` means [`UNKNOWN_TYPE`].
    pub artifact_type: Option<String>,
    /// A file; `None` means `{}`.
    pub config: Option<PathBuf>,
    pub config_type: Option<String>,
    /// Of the files.
    pub layer_type: Option<String>,
    /// Do not put the names of the files into the manifest.
    pub exclude_titles: bool,
    /// The manifest that the artifact is about.
    pub subject: Option<Descriptor>,
}

impl ImageStore {
    /// Makes an artifact. Its blobs are the store's as soon as a list with it is written.
    pub fn make_artifact(&self, artifact: &Artifact) -> Result<(Found, NewBlobs)> {
        let mut new = NewBlobs { workspace: self.workspace()?, blobs: Vec::new() };
        let config = match &artifact.config {
            None => b"{}".to_vec(),
            Some(path) => {
                let size = std::fs::metadata(path).with_context(|| format!("reading `{}`", path.display()))?.len();
                if size > MAX_JSON {
                    crate::bail!(
                        "`{}` is larger than the {MAX_JSON} bytes allowed for a configuration",
                        path.display()
                    );
                }
                fs::read(path)?
            }
        };
        let usual = if artifact.config.is_none() { EMPTY_CONFIG } else { OCI_CONFIG };
        let config_type = artifact.config_type.as_deref().unwrap_or(usual);
        let mut described = descriptor(config_type, &config, None);
        described.data = (config.len() <= MAX_DATA).then(|| STANDARD.encode(&config));
        new.write(&config)?;

        let mut layers = Vec::new();
        for path in &artifact.files {
            layers.push(new.copy(path, artifact).with_context(|| format!("reading `{}`", path.display()))?);
        }
        let artifact_type = artifact.artifact_type.as_deref().unwrap_or(UNKNOWN_TYPE);
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": artifact_type,
            "config": described,
            "layers": layers,
        });
        if let (Some(subject), Some(manifest)) = (&artifact.subject, manifest.as_object_mut()) {
            manifest.insert("subject".to_owned(), json!(subject));
        }
        let manifest = serde_json::to_vec(&manifest)?;
        new.write(&manifest)?;
        let mut entry = descriptor(OCI_MANIFEST, &manifest, None);
        entry.artifact_type = Some(artifact_type.to_owned());
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let files = artifact.files.iter().map(|path| absolute(path).to_string_lossy().into_owned()).collect();
        Ok((Found { descriptor: entry, source: None, files }, new))
    }
}

impl NewBlobs {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let hex = sha256(bytes);
        fs::write_private(&self.workspace.path(&hex), bytes)?;
        self.note(hex);
        Ok(())
    }

    /// Copies a file; its layer.
    fn copy(&mut self, path: &Path, artifact: &Artifact) -> Result<Descriptor> {
        let mut source = File::open(path)?;
        if !source.metadata()?.is_file() {
            crate::bail!("it is not a regular file");
        }
        let unnamed = self.workspace.path("file");
        let mut target = File::create(&unnamed)?;
        let mut head = Vec::new();
        let hasher = hash_through(&mut source, &Error::from, &mut |bytes| {
            if head.len() < SNIFFED {
                head.extend(bytes.iter().take(SNIFFED - head.len()));
            }
            target.write_all(bytes).context("writing into the image store")
        })?;
        let size = hasher.bytes();
        let hex = hasher.finish();
        fs::rename(&unnamed, &self.workspace.path(&hex))?;
        let mut layer = Descriptor {
            media_type: artifact.layer_type.clone().unwrap_or_else(|| media_type(&head).to_owned()),
            digest: format!("sha256:{hex}"),
            size,
            ..Descriptor::default()
        };
        self.note(hex);
        if let Some(name) = path.file_name().filter(|_| !artifact.exclude_titles) {
            layer.annotations.insert(TITLE.to_owned(), name.to_string_lossy().into_owned());
        }
        Ok(layer)
    }

    fn note(&mut self, hex: String) {
        if !self.blobs.contains(&hex) {
            self.blobs.push(hex);
        }
    }
}

/// How many bytes a media type is guessed from.
const SNIFFED: usize = 512;

/// Beginnings of files and their types, as in the WHATWG's "MIME Sniffing".
const MAGIC: &[(&[u8], &str)] = &[
    (b"%PDF-", "application/pdf"),
    (b"%!PS-Adobe-", "application/postscript"),
    (b"\xfe\xff", "text/plain"),
    (b"\xff\xfe", "text/plain"),
    (b"\xef\xbb\xbf", "text/plain"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\x1f\x8b\x08", "application/x-gzip"),
    (b"PK\x03\x04", "application/zip"),
    (b"\0asm", "application/wasm"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"OggS\0", "application/ogg"),
];

/// The media type of a file that begins like this.
fn media_type(head: &[u8]) -> &'static str {
    if let Some((_, found)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return found;
    }
    let text = head.trim_ascii_start();
    if text.starts_with(b"<?xml") {
        return "text/xml";
    }
    let starts_as = |tag: &str| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes()));
    if starts_as("<!doctype html") || starts_as("<html") {
        return "text/html";
    }
    let is_binary = |byte: &u8| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    if head.iter().any(is_binary) { "application/octet-stream" } else { "text/plain" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_guessed() {
        for (head, expected) in [
            (&b""[..], "text/plain"),
            (b"art\n", "text/plain"),
            (b"{\"a\":1}", "text/plain"),
            (b"\x1f\x8b\x08\x00", "application/x-gzip"),
            (b"a\0b", "application/octet-stream"),
            (b"  <?xml version", "text/xml"),
            (b"<!DOCTYPE HTML>", "text/html"),
            (b"%PDF-1.7", "application/pdf"),
        ] {
            assert_eq!(media_type(head), expected, "{head:?}");
        }
    }
}
