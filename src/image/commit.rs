//! `commit`: what a container changed becomes a layer, and with its configuration an image.
//!
//! The layer is made in a workspace and a draft, as every other one (see [`super::ingest`]): an archive flows in, is saved
//! as a blob, hashed and unpacked in one pass. Blob, unpacked layer and the name are put in place in one step at the end.

use std::io::Read;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::flow::{self, space_hint};
use super::index;
use super::ingest::{Parts, Stored};
use super::manifest::{
    self, DOCKER_CONFIG, DOCKER_LAYER, DOCKER_MANIFEST, Descriptor, Manifest, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST,
};
use super::progress::{Event, Progress};
use super::reference::Reference;
use super::store::{ImageStore, read_json_blob, read_manifest};
use crate::error::{Context, Error, Result};
use crate::storage::unpack::digest::sha256;
use crate::storage::unpack::pipeline::Flow;

/// The image that a container was made from, as it is in the store.
#[derive(Debug, Clone)]
pub struct Base {
    manifest: Manifest,
    config: Value,
    /// Diff IDs, hexadecimal.
    layers: Vec<String>,
}

impl Base {
    /// Its `config` section.
    pub fn section(&self) -> Map<String, Value> {
        self.config.get("config").and_then(Value::as_object).cloned().unwrap_or_default()
    }
}

/// What the new image is like.
#[derive(Debug, Clone, Default)]
pub struct CommitOptions {
    /// Its name; without one it is listed as `<none>`.
    pub name: Option<Reference>,
    /// The `config` section, all changes made.
    pub section: Map<String, Value>,
    pub author: String,
    /// The comment of an image in Docker's format; the other one has no place for it.
    pub message: String,
    /// Docker's format and not OCI's.
    pub docker: bool,
    /// The archive is the whole root file system, and the only layer.
    pub squash: bool,
    /// What the container was made from, for the history.
    pub from: String,
    /// The ID of the container.
    pub container: String,
    pub created: Timestamp,
}

impl ImageStore {
    /// Reads the image of a container, by ID and the digest of its manifest.
    pub fn base(&self, id: &str, digest: &str) -> Result<Base> {
        let index = index::read(&self.images)?;
        let entry = match self.find_entry(&index, digest)? {
            Some(entry) => Some(entry),
            None => self.find_entry(&index, id)?,
        };
        let entry = entry.ok_or_else(|| super::store::not_known(id)).context("reading the container's image")?;
        let (manifest, ..) = read_manifest(&self.images, entry)?;
        let bytes = read_json_blob(&self.images, &manifest.config)?;
        let layers = manifest::parse_config(&bytes)?.diff_ids;
        if manifest.config.hex()? != id || layers.len() != manifest.layers.len() {
            crate::bail!("reading the container's image: `{digest}` is another one now");
        }
        Ok(Base { manifest, config: serde_json::from_slice(&bytes)?, layers })
    }

    /// Makes an image of the archive in `input`, on top of the base.
    pub fn commit(
        &self,
        base: &Base,
        input: &mut (dyn Read + Send),
        options: &CommitOptions,
        progress: &dyn Progress,
    ) -> Result<Stored> {
        let workspace = self.workspace()?;
        let draft = self.layers.draft()?;
        let path = workspace.path("layer");
        for layer in base.manifest.layers.iter().filter(|_| !options.squash) {
            progress.event(Event::Skipped { digest: layer.digest.clone() });
        }
        let shown = "layer".to_owned();
        progress.event(Event::Started { digest: shown.clone(), what: "blob", total: None });
        let flow = flow::make(input, &path, &draft)?;
        progress.event(Event::Finished { digest: shown });
        draft.note_archive_size(flow.diff_size);

        progress.event(Event::Line("Writing manifest to image destination".to_owned()));
        let config = config(base, options, &flow)?;
        let manifest = manifest_of(base, options, &flow, &config);
        let parts = Parts {
            manifest: serde_json::to_vec(&manifest)?,
            media_type: manifest.media_type,
            config,
            index: None,
            names: options.name.iter().cloned().collect(),
        };
        let needed: Vec<(String, String)> = match options.squash {
            true => Vec::new(),
            false => {
                let blobs = base.manifest.layers.iter().map(|layer| layer.hex().map(str::to_owned));
                blobs.collect::<Result<Vec<_>>>()?.into_iter().zip(base.layers.iter().cloned()).collect()
            }
        };
        let blobs = vec![(path, flow.digest)];
        let warnings = flow.unpacked.warnings;
        let drafts = vec![draft.named(&flow.diff_id)?];
        self.store_made(&workspace, &parts, blobs, drafts, &needed, warnings).map_err(space_hint)
    }
}

fn manifest_of(base: &Base, options: &CommitOptions, flow: &Flow, config: &[u8]) -> Manifest {
    let (manifest_type, config_type, layer_type) = match options.docker {
        true => (DOCKER_MANIFEST, DOCKER_CONFIG, DOCKER_LAYER),
        false => (OCI_MANIFEST, OCI_CONFIG, OCI_LAYER),
    };
    let mut layers = Vec::new();
    if !options.squash {
        layers.extend(
            base.manifest
                .layers
                .iter()
                .cloned()
                .map(|layer| Descriptor { media_type: layer_media_type(&layer.media_type, options.docker), ..layer }),
        );
    }
    layers.push(Descriptor {
        media_type: layer_type.to_owned(),
        digest: format!("sha256:{}", flow.digest),
        size: flow.size,
        ..Descriptor::default()
    });
    Manifest {
        schema_version: 2,
        media_type: manifest_type.to_owned(),
        config: Descriptor {
            media_type: config_type.to_owned(),
            digest: format!("sha256:{}", sha256(config)),
            size: config.len() as u64,
            ..Descriptor::default()
        },
        layers,
        annotations: std::collections::BTreeMap::new(),
    }
}

/// The media type of a layer as the other format writes it.
fn layer_media_type(media_type: &str, docker: bool) -> String {
    let (from, to, old, new) = match docker {
        true => (OCI_LAYER, DOCKER_LAYER, '+', "."),
        false => (DOCKER_LAYER, OCI_LAYER, '.', "+"),
    };
    match media_type.strip_prefix(from) {
        Some(rest) => format!("{to}{}", rest.replacen(old, new, 1)),
        None => media_type.to_owned(),
    }
}

/// The configuration: the base's, with another section, one more step of the history and one more layer.
fn config(base: &Base, options: &CommitOptions, flow: &Flow) -> Result<Vec<u8>> {
    let created = options.created.to_string();
    let mut config = base.config.as_object().cloned().unwrap_or_default();
    for stale in ["container", "container_config", "parent", "docker_version", "id", "comment", "author"] {
        config.remove(stale);
    }
    let mut step = json!({
        "created": created,
        "created_by": "/bin/sh",
        "comment": format!("FROM {}", options.from),
    });
    let mut history = match config.remove("history") {
        Some(Value::Array(history)) => history,
        _ => Vec::new(),
    };
    let mut diff_ids: Vec<String> = base.layers.iter().map(|id| format!("sha256:{id}")).collect();
    if options.squash {
        diff_ids.clear();
        history.clear();
    }
    diff_ids.push(format!("sha256:{}", flow.diff_id));
    if !options.author.is_empty() {
        config.insert("author".to_owned(), json!(options.author));
        if let Some(step) = step.as_object_mut() {
            step.insert("author".to_owned(), json!(options.author));
        }
    }
    history.push(step);
    if options.docker {
        config.insert("container".to_owned(), json!(options.container));
        config.insert("comment".to_owned(), json!(options.message));
    }
    config.insert("created".to_owned(), json!(created));
    config.insert("config".to_owned(), Value::Object(options.section.clone()));
    config.insert("rootfs".to_owned(), json!({ "type": "layers", "diff_ids": diff_ids }));
    config.insert("history".to_owned(), Value::Array(history));
    let bytes = serde_json::to_vec(&config)?;
    // What nobody could read again is not written.
    manifest::parse_config(&bytes)?;
    Ok(bytes)
}

/// The keys of a `config` section that an image can have, and that `--config` may set.
const KEYS: [&str; 12] = [
    "User",
    "ExposedPorts",
    "Env",
    "Entrypoint",
    "Cmd",
    "Volumes",
    "WorkingDir",
    "Labels",
    "StopSignal",
    "OnBuild",
    "Shell",
    "Healthcheck",
];

/// Merges a `config` section that a user wrote (Docker's Schema2Config as JSON) into another: maps and the environment are
/// united, everything else is replaced.
///
/// # Errors
/// It is no JSON object.
pub fn merge_section(section: &mut Map<String, Value>, text: &[u8]) -> Result<()> {
    let given: Value = serde_json::from_slice(text).context("parsing it as JSON")?;
    let Value::Object(given) = given else { return Err(Error::new("it is not a JSON object")) };
    for (key, value) in given {
        let Some(known) = KEYS.into_iter().find(|known| known.eq_ignore_ascii_case(&key)) else { continue };
        match (section.get_mut(known), value) {
            (_, Value::Null) => {}
            (Some(Value::Object(map)), Value::Object(more)) => map.extend(more),
            (Some(Value::Array(list)), Value::Array(more)) if known == "Env" => {
                let name = |value: &Value| value.as_str().and_then(|text| text.split('=').next().map(str::to_owned));
                for entry in more {
                    match list.iter_mut().find(|old| name(old) == name(&entry)) {
                        Some(old) => *old = entry,
                        None => list.push(entry),
                    }
                }
            }
            (_, value) => drop(section.insert(known.to_owned(), value)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_of_both_formats() {
        for (oci, docker) in [
            (OCI_LAYER.to_owned(), DOCKER_LAYER.to_owned()),
            (format!("{OCI_LAYER}+gzip"), format!("{DOCKER_LAYER}.gzip")),
            (format!("{OCI_LAYER}+zstd"), format!("{DOCKER_LAYER}.zstd")),
        ] {
            assert_eq!(layer_media_type(&oci, true), docker);
            assert_eq!(layer_media_type(&docker, false), oci);
            assert_eq!(layer_media_type(&oci, false), oci);
        }
    }

    #[test]
    fn sections_are_merged() {
        let mut section = json!({"Env": ["A=1", "B=2"], "Labels": {"x": "1"}, "Cmd": ["old"]});
        let section = section.as_object_mut().unwrap();
        merge_section(
            section,
            br#"{"env": ["A=3", "C=4"], "Labels": {"y": "2"}, "Cmd": ["new"], "Image": "z", "User": null}"#,
        )
        .unwrap();
        let want = json!({"Env": ["A=3", "B=2", "C=4"], "Labels": {"x": "1", "y": "2"}, "Cmd": ["new"]});
        assert_eq!(Value::Object(section.clone()), want);
        assert!(merge_section(section, b"[]").is_err() && merge_section(section, b"{").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}|\\{\"(Env|Labels|Cmd)\": (\\[\"a=b\"\\]|\\{\"x\":1\\}|1)\\}") {
            let mut section = json!({"Env": ["A=1", 7], "Labels": {}}).as_object().cloned().unwrap_or_default();
            let _ = merge_section(&mut section, text.as_bytes());
        }
    }
}
