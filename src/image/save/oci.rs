//! An OCI layout as a tar archive, written in one go: blobs as they come, the index at the end.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::Output;
use super::tar::Tar;
use crate::error::Result;
use crate::image::content::{Content, Known};
use crate::image::manifest::OCI_INDEX;
use crate::image::push::sink::{Answer, Finished, Sink, Want, What};
use crate::image::reference::sha256_hex;
use crate::image::transport::layout::{VERSION, entry};

/// An archive of an OCI layout.
pub struct OciArchive<'a> {
    state: Mutex<State<'a>>,
}

struct State<'a> {
    tar: Tar<'a>,
    written: BTreeSet<String>,
    entries: Vec<Value>,
    /// Names of the image that is being written.
    names: Vec<String>,
}

impl<'a> OciArchive<'a> {
    pub fn create(output: Output<'a>) -> Result<Self> {
        let mut tar = Tar::create(output, None)?;
        // For skopeo, which gives directories that are not in the archive to root, and may not.
        tar.dir("blobs/")?;
        tar.dir("blobs/sha256/")?;
        let state = State { tar, written: BTreeSet::new(), entries: Vec::new(), names: Vec::new() };
        Ok(OciArchive { state: Mutex::new(state) })
    }

    /// The next image has these names.
    pub fn next(&self, names: Vec<String>) {
        self.state().names = names;
    }

    /// Writes the index and puts the archive in place.
    pub fn finish(self) -> Result<()> {
        let State { mut tar, entries, .. } = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries});
        tar.bytes("oci-layout", VERSION)?;
        tar.bytes("index.json", &serde_json::to_vec(&index)?)?;
        tar.finish()
    }

    fn state(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for OciArchive<'_> {
    fn want(&self) -> Want {
        Want::Compressed
    }

    fn has(&self, blob: &Known, _what: What) -> Result<bool> {
        Ok(self.state().written.contains(&blob.digest))
    }

    fn put(&self, content: &Content, _what: What, advanced: &(dyn Fn(u64) + Sync)) -> Result<()> {
        // Without holding up the others.
        let digest = content.wait()?.digest;
        let name = member(&digest)?;
        let mut state = self.state();
        if state.written.insert(digest) {
            state.tar.content(&name, content, advanced)?;
        }
        Ok(())
    }

    fn put_manifest(&self, manifest: &Finished) -> Result<Answer> {
        let mut state = self.state();
        if state.written.insert(manifest.digest.clone()) {
            state.tar.bytes(&member(&manifest.digest)?, &manifest.bytes)?;
        }
        if manifest.named {
            let names = std::mem::take(&mut state.names);
            if names.is_empty() {
                state.entries.push(entry(manifest, None));
            }
            state.entries.extend(names.iter().map(|name| entry(manifest, Some(name))));
        }
        Ok(Answer::Taken)
    }
}

fn member(digest: &str) -> Result<String> {
    match sha256_hex(digest) {
        Some(hex) => Ok(format!("blobs/sha256/{hex}")),
        None => crate::bail!("digest `{}` is malformed or not a SHA-256", digest.escape_debug()),
    }
}
