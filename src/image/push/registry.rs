//! A registry as something to write to.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::hints::Hints;
use super::sink::{Answer, Finished, Sink, Want, What};
use crate::error::{Context, Error, Result};
use crate::image::content::{Content, Known};
use crate::image::reference::Reference;
use crate::image::registry::Client;
use crate::image::registry::client::header;
use crate::image::registry::upload::refusal;

/// How many repositories are asked for a blob before it is sent.
const MAX_MOUNTS: usize = 3;

/// A repository.
#[derive(Debug)]
pub struct Repository {
    client: Client,
    /// Where it really is, with the tag or digest that the image is to have.
    reference: Reference,
    images: PathBuf,
    hints: Hints,
    /// Digests that the repository has.
    has: Mutex<Vec<String>>,
}

impl Repository {
    /// The repository that `client` talks to. `images` is the store with the hints.
    pub fn new(client: Client, reference: Reference, images: &Path) -> Self {
        let hints = Hints::read(images);
        Repository { client, reference, images: images.to_owned(), hints, has: Mutex::default() }
    }

    /// The connection, for what goes beside the image.
    pub fn client(&self) -> &Client {
        &self.client
    }

    fn note(&self, digest: &str) {
        self.has.lock().unwrap_or_else(PoisonError::into_inner).push(digest.to_owned());
    }

    /// Whether the blob could be had from another repository.
    fn mounted(&self, digest: &str) -> bool {
        let mut elsewhere = self.hints.repositories(digest, &self.reference.registry);
        elsewhere.retain(|repository| *repository != self.reference.repository);
        // That it cannot be had (any more) is no reason to fail: then it is sent.
        elsewhere.iter().take(MAX_MOUNTS).any(|from| self.client.mount(digest, from).unwrap_or(false))
    }
}

impl Sink for Repository {
    fn want(&self) -> Want {
        Want::Compressed
    }

    fn has(&self, blob: &Known, what: What) -> Result<bool> {
        let asking = || format!("checking whether a blob {} exists in {}", blob.digest, self.reference.name());
        let there = self.client.has_blob(&blob.digest).with_context(asking)?;
        let there = there || what == What::Layer && self.mounted(&blob.digest);
        if there {
            self.note(&blob.digest);
        }
        Ok(there)
    }

    fn put(&self, content: &Content, _what: What, advanced: &(dyn Fn(u64) + Sync)) -> Result<()> {
        self.client.upload(content, advanced).with_context(|| format!("writing blob to {}", self.reference.name()))?;
        self.note(&content.wait()?.digest);
        Ok(())
    }

    fn put_manifest(&self, manifest: &Finished) -> Result<Answer> {
        let wanted = match (&self.reference.digest, manifest.named) {
            (Some(digest), true) if *digest != manifest.digest => {
                crate::bail!("the manifest has the digest `{}`, so it cannot be `{digest}`", manifest.digest);
            }
            (None, true) => self.reference.wanted(),
            (_, _) => manifest.digest.as_str(),
        };
        let writing = || format!("uploading manifest {wanted} to {}", self.reference.name());
        let answer = self.client.put_manifest(wanted, &manifest.media_type, &manifest.bytes).with_context(writing)?;
        if !answer.status().is_success() {
            return Ok(Answer::FormatRefused(refusal(answer).wrap(writing())));
        }
        if let Some(digest) = header(&answer, "docker-content-digest").filter(|digest| *digest != manifest.digest) {
            return Err(Error::new(format!(
                "registry has a manifest `{}`, but `{}` was sent",
                digest.escape_debug(),
                manifest.digest
            )));
        }
        let has = std::mem::take(&mut *self.has.lock().unwrap_or_else(PoisonError::into_inner));
        Hints::update(&self.images, |hints| hints.seen_at(&self.reference.name(), has));
        Ok(Answer::Taken)
    }
}
