//! What an image is to the rest of the engine.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An image in the store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Image {
    /// Hexadecimal digest of the configuration, without `sha256:`.
    pub id: String,
    /// Digest of the manifest, with `sha256:`.
    pub digest: String,
    /// Media type of the manifest (OCI or Docker schema 2).
    pub media_type: String,
    /// Full names with tags, `localhost/busybox:latest`.
    pub names: Vec<String>,
    /// `name@sha256:...`.
    pub repo_digests: Vec<String>,
    pub created: Timestamp,
    /// Bytes of manifest, configuration and the archives of all layers, uncompressed.
    pub size: u64,
    /// Diff IDs, hexadecimal without `sha256:`, lowest first.
    pub layers: Vec<String>,
    pub architecture: String,
    pub os: String,
    pub variant: String,
    pub author: String,
    pub comment: String,
    pub config: ImageConfig,
    pub history: Vec<History>,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// The `config` object of the configuration as it stands there, for `inspect`.
    pub raw_config: serde_json::Value,
    /// In a list: the ID of the image that this one was made from, if that is here.
    #[serde(skip)]
    pub parent: String,
    /// In a list: others here were made from this one.
    #[serde(skip)]
    pub has_children: bool,
}

/// What an image says about how to run it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageConfig {
    pub user: String,
    pub env: Vec<String>,
    pub entrypoint: Option<Vec<String>>,
    pub cmd: Option<Vec<String>>,
    pub working_dir: String,
    pub labels: BTreeMap<String, String>,
    /// `80/tcp`.
    pub exposed_ports: Vec<String>,
    pub volumes: Vec<String>,
    /// A name or a number.
    pub stop_signal: Option<String>,
    pub healthcheck: Option<serde_json::Value>,
    pub shell: Option<Vec<String>>,
    pub on_build: Vec<String>,
}

/// One step of how an image came to be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    pub created: Option<Timestamp>,
    pub created_by: String,
    pub comment: String,
    pub author: String,
    pub empty_layer: bool,
}

impl Image {
    /// Whether this is a manifest list, which has neither configuration nor layers of its own.
    pub fn is_manifest_list(&self) -> bool {
        self.media_type == super::manifest::OCI_INDEX
    }

    /// Without a name, and only there because others were made from it.
    pub fn is_intermediate(&self) -> bool {
        self.names.is_empty() && self.has_children
    }

    /// Without a name, and not needed by others either.
    pub fn is_dangling(&self) -> bool {
        self.names.is_empty() && !self.has_children
    }
}
