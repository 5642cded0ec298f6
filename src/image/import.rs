//! `import`: a root file system as a tar archive becomes an image of one layer.
//!
//! The archive is the layer's blob as it came, plain, gzip or zstd; what is compressed otherwise is decompressed. Its diff ID is known only when it has flowed through,
//! so the layer is unpacked under a random name first.

use std::io::{BufReader, Read};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::flow;
use super::ingest::{Parts, Stored};
use super::manifest::{self, Descriptor, Manifest, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST};
use super::platform::Platform;
use super::progress::{Event, Progress};
use super::reference::Reference;
use super::store::ImageStore;
use super::trust::Local;
use crate::error::{Context, Result};
use crate::storage::unpack::compression::{Compression, MAGIC};
use crate::storage::unpack::digest::sha256;

/// What the new image is like.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ImportOptions {
    /// Its name; without one it is listed as `<none>`.
    pub name: Option<Reference>,
    /// `--change`, in order.
    pub changes: Vec<String>,
    /// `--message`: the comment of the history.
    pub message: String,
    /// Whose root file system it is.
    pub platform: Platform,
    /// Where it came from, for the history.
    pub source: String,
    pub created: Timestamp,
}

impl ImageStore {
    /// Makes an image of the archive in `input`.
    pub fn import(
        &self,
        input: &mut (dyn Read + Send),
        options: &ImportOptions,
        progress: &dyn Progress,
    ) -> Result<Stored> {
        self.trust.check_local(Local::Tarball, b"").with_context(|| format!("importing `{}`", options.source))?;
        let mut section = Map::new();
        for change in &options.changes {
            super::change::apply(&mut section, change)?;
        }
        self.import_with(input, options, section, progress).with_context(|| format!("importing `{}`", options.source))
    }

    fn import_with(
        &self,
        input: &mut (dyn Read + Send),
        options: &ImportOptions,
        section: Map<String, Value>,
        progress: &dyn Progress,
    ) -> Result<Stored> {
        let workspace = self.workspace()?;
        let draft = self.layers.draft()?;
        let mut head = Vec::new();
        input.take(MAGIC as u64).read_to_end(&mut head).context("reading archive")?;
        let compression = Compression::detect(&head);
        let mut input: Box<dyn Read + Send + '_> = Box::new(head.as_slice().chain(input));
        let media_type = match compression {
            Compression::Gzip => format!("{OCI_LAYER}+gzip"),
            Compression::Zstd => format!("{OCI_LAYER}+zstd"),
            // An archive may be compressed in ways that a layer may not.
            _ => {
                input = compression.decoder(BufReader::with_capacity(1 << 18, input))?;
                OCI_LAYER.to_owned()
            }
        };
        let path = workspace.path("layer");
        let shown = "layer".to_owned();
        progress.event(Event::Started { digest: shown.clone(), what: "blob", total: None });
        let flow = flow::make(&mut input, &path, &draft)?;
        progress.event(Event::Finished { digest: shown });

        draft.note_archive_size(flow.diff_size);
        let config = config(options, section, &flow.diff_id)?;
        let manifest = Manifest {
            schema_version: 2,
            media_type: OCI_MANIFEST.to_owned(),
            config: Descriptor {
                media_type: OCI_CONFIG.to_owned(),
                digest: format!("sha256:{}", sha256(&config)),
                size: config.len() as u64,
                ..Descriptor::default()
            },
            layers: vec![Descriptor {
                media_type,
                digest: format!("sha256:{}", flow.digest),
                size: flow.size,
                ..Descriptor::default()
            }],
            annotations: std::collections::BTreeMap::new(),
        };
        let parts = Parts {
            manifest: serde_json::to_vec(&manifest)?,
            media_type: OCI_MANIFEST.to_owned(),
            config,
            index: None,
            names: options.name.iter().cloned().collect(),
        };
        let blobs = vec![(path, flow.digest)];
        self.store_made(&workspace, &parts, blobs, vec![draft.named(&flow.diff_id)?], &[], flow.unpacked.warnings)
    }
}

/// The configuration of an image made here.
fn config(options: &ImportOptions, section: Map<String, Value>, diff_id: &str) -> Result<Vec<u8>> {
    let created = options.created.to_string();
    let mut config = json!({
        "created": created,
        "architecture": options.platform.architecture,
        "os": options.platform.os,
        "config": section,
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{diff_id}")] },
        "history": [{
            "created": created,
            "created_by": format!("/bin/sh -c #(nop) ADD file:{diff_id} in / "),
            "comment": if options.message.is_empty() {
                format!("Imported from {}", options.source)
            } else {
                options.message.clone()
            },
        }],
    });
    if !options.platform.variant.is_empty()
        && let Some(config) = config.as_object_mut()
    {
        config.insert("variant".to_owned(), json!(options.platform.variant));
    }
    let bytes = serde_json::to_vec(&config)?;
    manifest::parse_config(&bytes)?;
    Ok(bytes)
}
