//! Manifest lists: indexes that users put together here, one instance for each platform, and push as one image.
//!
//! A list is an OCI index in the store like any other blob, and stands in `index.json` under its name:
//!
//! ```text
//! mediaType                           application/vnd.oci.image.index.v1+json
//! org.opencontainers.image.ref.name   localhost/list:latest
//! io.coracle.image.id                 the list's ID: random, the same whatever is added to the list later
//! io.coracle.list                     when it was made and where its instances came from, as JSON (`Local`)
//! ```
//!
//! Every change writes a new blob and then the new entries, under the lock of the index. What a list refers to is kept
//! while it does so, also when the image itself is removed. An instance may be known by its descriptor only: then its
//! manifest and blobs are still in the registry that `Local` names, and a push takes them from there.
//!
//! - `edit.rs`      changes to a list, pure
//! - `store.rs`     lists in the store
//! - `instance.rs`  the image that a list is for a platform, and what a list keeps from being removed
//! - `find.rs`      descriptors of what is to be added, from the store or a registry
//! - `push.rs`      a list on its way out
//! - `source.rs`    where its instances are then
//! - `artifact.rs`  files that become an artifact's manifest and blobs

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::index;
use super::manifest::{Descriptor, Index, OCI_INDEX};
use super::types::Image;

pub mod artifact;
pub mod edit;
pub mod find;
mod instance;
pub mod push;
mod source;
mod store;
#[cfg(test)]
mod tests;

/// The annotation that makes an entry of `index.json` a manifest list.
pub const LIST: &str = "io.coracle.list";

/// A manifest list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestList {
    /// 64 hexadecimal digits.
    pub id: String,
    pub index: Index,
    pub local: Local,
}

/// What is known of a list here and is not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Local {
    pub created: Timestamp,
    /// Where instances came from: `quay.io/x/y@sha256:...` by digest.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, String>,
    /// The files that artifacts were made of, absolute paths by digest of the manifest.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, Vec<String>>,
}

/// Whether an entry of `index.json` is a manifest list.
pub fn is_list(entry: &Descriptor) -> bool {
    entry.annotations.contains_key(LIST)
}

/// Whether two entries are of the same thing. Images are told apart by digest; lists by ID, as several of them may have
/// the same content.
pub(super) fn is_same(one: &Descriptor, other: &Descriptor) -> bool {
    match (is_list(one), is_list(other)) {
        (false, false) => one.digest == other.digest,
        (true, true) => index::id_of(one).is_some() && index::id_of(one) == index::id_of(other),
        _ => false,
    }
}

/// What tells entries apart that are not of the same thing, see [`is_same`].
pub(super) fn key(entry: &Descriptor) -> &str {
    index::id_of(entry).filter(|_| is_list(entry)).unwrap_or(&entry.digest)
}

/// A list as `images` shows it, without names.
pub(super) fn shown(entry: &Descriptor) -> Image {
    Image {
        id: index::id_of(entry).unwrap_or_default().to_owned(),
        digest: entry.digest.clone(),
        media_type: OCI_INDEX.to_owned(),
        created: local(entry).created,
        size: entry.size,
        ..Image::default()
    }
}

/// What the entry of a list says; nothing where it cannot be read.
fn local(entry: &Descriptor) -> Local {
    entry.annotations.get(LIST).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
