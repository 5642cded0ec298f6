//! `pull`: an image from a registry into the store.

use super::ingest::{Parts, check_digest};
use super::manifest::{self, Descriptor, Document, MAX_JSON};
use super::platform::Platform;
use super::progress::{Event, Progress};
use super::push::hints::Hints;
use super::reference::{Reference, sha256_hex};
use super::registry::blob::BlobReader;
use super::registry::client::RawManifest;
use super::registry::{Access, Client};
use super::store::{ImageStore, read_json_blob};
use super::trust::Remote;
use super::types::Image;
use crate::error::{Context, Error, Result};
use crate::storage::fs::is_full;
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
            let mut attempts = options.access.attempts(reference)?;
            loop {
                let client = attempts.client()?;
                match self.pull_with(&client, reference, options, progress) {
                    Ok(pulled) => return Ok(pulled),
                    Err(Failed { error, is_final: true }) => return Err(error),
                    Err(Failed { error, .. }) => attempts.pass_over(error)?,
                }
            }
        };
        attempt().with_context(|| format!("initializing source docker://{reference}"))
    }

    /// Pulls all tags of a repository (`--all-tags`): what can be had is pulled, then an error tells of the rest. The reference must have neither tag nor digest of its own.
    pub fn pull_all_tags(
        &self,
        reference: &Reference,
        options: &PullOptions,
        progress: &dyn Progress,
    ) -> Result<Vec<Pulled>> {
        let client = options.access.attempts(reference)?.client()?;
        let tags = client.tags().with_context(|| format!("listing tags of {}", reference.name()))?;
        if tags.is_empty() {
            crate::bail!("repository {} has no tags", reference.name());
        }
        let mut pulled = Vec::new();
        let mut failures: Vec<Error> = Vec::new();
        let all = tags.len();
        for tag in tags {
            if !super::reference::is_tag(&tag) {
                failures.push(Error::new(format!("registry lists a malformed tag `{}`", tag.escape_debug())));
                continue;
            }
            let reference = Reference { tag: Some(tag), digest: None, ..reference.clone() };
            progress.event(Event::Line(format!("Trying to pull {reference}...")));
            match self.pull_with(&client, &reference, options, progress) {
                Ok(one) => pulled.push(one),
                Err(Failed { error, .. }) => {
                    failures.push(error.wrap(format!("initializing source docker://{reference}")))
                }
            }
        }
        match failures.len() {
            0 => Ok(pulled),
            1 if all == 1 => Err(failures.remove(0)),
            count => {
                let list: Vec<String> = failures.iter().map(ToString::to_string).collect();
                Err(Error::new(format!("{count} of {all} tags could not be pulled: {}", list.join("; "))))
            }
        }
    }

    fn pull_with(
        &self,
        client: &Client,
        reference: &Reference,
        options: &PullOptions,
        progress: &dyn Progress,
    ) -> Result<Pulled, Failed> {
        let platform = options.platform.clone().unwrap_or_else(Platform::host);
        let name = reference.name();
        let first = self.fetch_manifest(client, reference.wanted(), &name)?;
        progress.event(Event::Line("Getting image source signatures".to_owned()));
        let (manifest, raw, index) = match manifest::parse_document(&first.bytes, &first.media_type)? {
            Document::Manifest(manifest) => (*manifest, first, None),
            Document::Index(list) => {
                let chosen = platform.choose(&list).map_err(Failed::everywhere)?;
                // Anything else would be asked for like a tag, and come unchecked.
                chosen.hex()?;
                let raw = self.fetch_manifest(client, &chosen.digest, &name)?;
                let manifest = manifest::parse_manifest(&raw.bytes, &raw.media_type)?;
                (manifest, raw, Some(first.bytes))
            }
        };
        let image = Remote { intended: reference, client, from_index: index.is_some() };
        self.trust.check_remote(image, &raw.bytes).map_err(Failed::everywhere)?;
        let config = self.fetch_config(client, &manifest.config, progress)?;
        let parts = Parts {
            manifest: raw.bytes,
            media_type: manifest.media_type.clone(),
            config,
            index,
            names: vec![reference.clone()],
        };
        let fetch = |layer: &Descriptor, from: u64| -> Result<Box<dyn std::io::Read + Send + '_>> {
            let opened = BlobReader::open_at(client, &layer.digest, layer.size, from);
            Ok(Box::new(opened.map_err(|e| about_foreign(e, layer))?))
        };
        let stored = self.ingest_remote(&parts, &fetch, progress)?;
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

    /// Fetches what a tag or digest names, unless it is a digest that is here, and checks it where the name is a digest.
    fn fetch_manifest(&self, client: &Client, wanted: &str, name: &str) -> Result<RawManifest> {
        let Some(hex) = wanted.contains(':').then(|| sha256_hex(wanted)) else {
            return client.manifest(wanted).with_context(|| format!("reading manifest {wanted} in {name}"));
        };
        let Some(hex) = hex else {
            crate::bail!("digest `{}` is not a SHA-256, the only algorithm supported", wanted.escape_debug());
        };
        let known = std::fs::read(self.blob_path(hex)).unwrap_or_default();
        if !known.is_empty() && known.len() as u64 <= MAX_JSON && sha256(&known) == hex {
            return Ok(RawManifest { bytes: known, media_type: String::new() });
        }
        let raw = client.manifest(wanted).with_context(|| format!("reading manifest {wanted} in {name}"))?;
        let actual = sha256(&raw.bytes);
        if actual != hex {
            crate::bail!("manifest has the digest `sha256:{actual}`, but `{wanted}` was asked for");
        }
        Ok(raw)
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

/// Why a pull from one source failed.
struct Failed {
    error: Error,
    /// It is not the source that failed, or another one is not to be asked.
    is_final: bool,
}

impl Failed {
    fn everywhere(error: Error) -> Self {
        Failed { error, is_final: true }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Failed { is_final: is_full(&error), error }
    }
}

/// Says why a registry may lack a layer that its image has.
fn about_foreign(error: Error, layer: &Descriptor) -> Error {
    match layer.urls.first() {
        None => error,
        Some(url) => error.hint(format!(
            "this is a foreign layer, which registries need not have: the image says that it is at {}, and layers are \
             fetched from registries only",
            url.escape_debug()
        )),
    }
}
