//! `pull`: an image from a registry into the store.

use super::ingest::{Parts, check_digest};
use super::manifest::{self, Descriptor, Document};
use super::platform::Platform;
use super::progress::{Event, Progress};
use super::push::hints::Hints;
use super::reference::{Reference, sha256_hex};
use super::registry::blob::BlobReader;
use super::registry::client::RawManifest;
use super::registry::{Access, Client};
use super::store::{ImageStore, read_json_blob};
use super::types::Image;
use crate::error::{Context, Result};
use crate::storage::unpack::digest::sha256;

/// How to pull.
#[derive(Debug, Clone, Default)]
pub struct PullOptions {
    /// `--platform`, or `--os`, `--arch` and `--variant`; `None` means this machine.
    pub platform: Option<Platform>,
    /// How to reach registries.
    pub access: Access,
}

/// A pulled image and what was odd about it, one line each.
#[derive(Debug, Clone, PartialEq)]
pub struct Pulled {
    pub image: Image,
    pub warnings: Vec<String>,
}

impl ImageStore {
    /// Pulls one image.
    pub fn pull(&self, reference: &Reference, options: &PullOptions, progress: &dyn Progress) -> Result<Pulled> {
        progress.event(Event::Line(format!("Trying to pull {reference}...")));
        let attempt = || {
            let client = options.access.first(reference)?;
            self.pull_with(&client, reference, options, progress)
        };
        attempt().with_context(|| format!("initializing source docker://{reference}"))
    }

    /// Pulls all tags of a repository (`--all-tags`). The reference must have neither tag nor digest of its own.
    pub fn pull_all_tags(
        &self,
        reference: &Reference,
        options: &PullOptions,
        progress: &dyn Progress,
    ) -> Result<Vec<Pulled>> {
        let client = options.access.first(reference)?;
        let tags = client.tags().with_context(|| format!("listing tags of {}", reference.name()))?;
        if tags.is_empty() {
            crate::bail!("repository {} has no tags", reference.name());
        }
        let mut pulled = Vec::new();
        for tag in tags {
            if !super::reference::is_tag(&tag) {
                crate::bail!("registry lists a malformed tag `{}`", tag.escape_debug());
            }
            let reference = Reference { tag: Some(tag), digest: None, ..reference.clone() };
            progress.event(Event::Line(format!("Trying to pull {reference}...")));
            let one = self.pull_with(&client, &reference, options, progress);
            pulled.push(one.with_context(|| format!("initializing source docker://{reference}"))?);
        }
        Ok(pulled)
    }

    fn pull_with(
        &self,
        client: &Client,
        reference: &Reference,
        options: &PullOptions,
        progress: &dyn Progress,
    ) -> Result<Pulled> {
        let platform = options.platform.clone().unwrap_or_else(Platform::host);
        let name = reference.name();
        let first = fetch_manifest(client, reference.wanted(), &name)?;
        progress.event(Event::Line("Getting image source signatures".to_owned()));
        let (manifest, raw, index) = match manifest::parse_document(&first.bytes, &first.media_type)? {
            Document::Manifest(manifest) => (*manifest, first, None),
            Document::Index(list) => {
                let chosen = platform.choose(&list)?;
                let raw = fetch_manifest(client, &chosen.digest, &name)?;
                let manifest = manifest::parse_manifest(&raw.bytes, &raw.media_type)?;
                (manifest, raw, Some(first.bytes))
            }
        };
        let config = self.fetch_config(client, &manifest.config, progress)?;
        let parts = Parts {
            manifest: raw.bytes,
            media_type: manifest.media_type.clone(),
            config,
            index,
            names: vec![reference.clone()],
        };
        let fetch = |layer: &Descriptor| -> Result<Box<dyn std::io::Read + Send + '_>> {
            Ok(Box::new(BlobReader::open(client, &layer.digest, layer.size)?))
        };
        let stored = self.ingest(&parts, &fetch, progress)?;
        progress.event(Event::Line("Writing manifest to image destination".to_owned()));
        Hints::pulled(&self.images, reference, &manifest);
        let mut warnings = stored.warnings.messages();
        warnings.extend_from_slice(client.notes());
        let image = stored.image;
        if !platform.matches(&image.os, &image.architecture) {
            let actual = Platform {
                os: image.os.clone(),
                architecture: image.architecture.clone(),
                variant: image.variant.clone(),
            };
            warnings.push(format!(
                "image platform ({actual}) does not match the expected platform ({}/{})",
                platform.os, platform.architecture
            ));
        }
        Ok(Pulled { image, warnings })
    }

    fn fetch_config(&self, client: &Client, config: &Descriptor, progress: &dyn Progress) -> Result<Vec<u8>> {
        if self.has_blob(config.hex()?)
            && let Ok(bytes) = read_json_blob(&self.images, config)
        {
            return Ok(bytes);
        }
        let digest = config.digest.clone();
        progress.event(Event::Started { digest: digest.clone(), what: "config", total: Some(config.size) });
        let bytes = client.small_blob(&digest).context("reading configuration")?;
        check_digest("configuration", config, &bytes)?;
        progress.event(Event::Finished { digest });
        Ok(bytes)
    }
}

/// Fetches what a tag or digest names, and checks it where the name is a digest.
fn fetch_manifest(client: &Client, wanted: &str, name: &str) -> Result<RawManifest> {
    let raw = client.manifest(wanted).with_context(|| format!("reading manifest {wanted} in {name}"))?;
    if wanted.contains(':') {
        let Some(hex) = sha256_hex(wanted) else {
            crate::bail!("digest `{}` is not a SHA-256, the only algorithm supported", wanted.escape_debug());
        };
        let actual = sha256(&raw.bytes);
        if actual != hex {
            crate::bail!("manifest has the digest `sha256:{actual}`, but `{wanted}` was asked for");
        }
    }
    Ok(raw)
}
