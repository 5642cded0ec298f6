//! Manifests, indexes and configurations: what registries and archives send as JSON. Parsers are pure functions on bytes.
//!
//! Formats: OCI image specification 1.1; Docker image manifest version 2, schema 2.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::reference::{is_digest, sha256_hex};
use super::types::{History, ImageConfig};
use crate::error::{Context, Error, Result};

/// Manifests, indexes and configurations larger than this are refused, as registries do.
pub const MAX_JSON: u64 = 4 << 20;

pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
pub const SCHEMA_1: [&str; 2] = [
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
];

/// Whether this is the media type of an index, a list of manifests.
pub fn is_index_type(media_type: &str) -> bool {
    matches!(media_type, OCI_INDEX | DOCKER_LIST)
}

/// A reference to a blob by digest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    #[serde(default)]
    pub media_type: String,
    pub digest: String,
    pub size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformJson>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The blob itself, in base64, where it is small.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

impl Descriptor {
    /// Hexadecimal digits of the digest.
    ///
    /// # Errors
    /// When it is not a SHA-256.
    pub fn hex(&self) -> Result<&str> {
        match sha256_hex(&self.digest) {
            Some(hex) => Ok(hex),
            None if is_digest(&self.digest) => {
                Err(Error::new(format!("digest `{}` is not a SHA-256, the only algorithm supported", self.digest)))
            }
            None => Err(Error::new(format!("digest `{}` is malformed", self.digest.escape_debug()))),
        }
    }
}

/// The platform of an entry of an index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformJson {
    #[serde(default, deserialize_with = "null_is_default")]
    pub architecture: String,
    #[serde(default, deserialize_with = "null_is_default")]
    pub os: String,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub variant: String,
    #[serde(
        rename = "os.version",
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub os_version: String,
    #[serde(
        rename = "os.features",
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub os_features: Vec<String>,
    /// Features of the processor. Docker's format has them, OCI's keeps the name for them.
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
}

/// A manifest: configuration and layers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub schema_version: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    pub config: Descriptor,
    pub layers: Vec<Descriptor>,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// An image index or Docker manifest list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    pub schema_version: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub manifests: Vec<Descriptor>,
    /// What the index is about (a signature's image, for example).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Box<Descriptor>>,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Either of the two, as a registry may answer a tag with either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    Manifest(Box<Manifest>),
    Index(Index),
}

/// Parses a manifest or an index. `media_type` is what the sender called it; what the document says itself goes first.
pub fn parse_document(bytes: &[u8], media_type: &str) -> Result<Document> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Probe {
        schema_version: Option<u32>,
        #[serde(default)]
        media_type: String,
        manifests: Option<serde::de::IgnoredAny>,
        layers: Option<serde::de::IgnoredAny>,
        config: Option<serde::de::IgnoredAny>,
    }
    if bytes.len() as u64 > MAX_JSON {
        crate::bail!("manifest is larger than {MAX_JSON} bytes");
    }
    let probe: Probe = serde_json::from_slice(bytes).context("parsing manifest")?;
    let said = if probe.media_type.is_empty() {
        media_type.split(';').next().unwrap_or_default().trim()
    } else {
        probe.media_type.as_str()
    };
    if probe.schema_version == Some(1) || SCHEMA_1.contains(&said) {
        return Err(Error::new("the image has a Docker schema 1 manifest, a format that is not supported any more")
            .hint("ask its publisher for an OCI or schema 2 image, or convert it with `skopeo copy --format oci`"));
    }
    let is_called_index = matches!(said, OCI_INDEX | DOCKER_LIST);
    if (probe.manifests.is_some() || is_called_index) && (probe.layers.is_some() || probe.config.is_some()) {
        // Readers that choose differently would see different images under one digest (CVE-2021-41190).
        crate::bail!("manifest is both a manifest and an index");
    }
    let is_index = is_called_index || probe.manifests.is_some();
    if is_index {
        let index: Index = serde_json::from_slice(bytes).context("parsing index")?;
        return Ok(Document::Index(index));
    }
    let mut manifest: Manifest = serde_json::from_slice(bytes).context("parsing manifest")?;
    if manifest.media_type.is_empty() {
        manifest.media_type = if said == DOCKER_MANIFEST { DOCKER_MANIFEST } else { OCI_MANIFEST }.to_owned();
    }
    if !matches!(manifest.media_type.as_str(), OCI_MANIFEST | DOCKER_MANIFEST) {
        crate::bail!("media type `{}` is not of an image", manifest.media_type.escape_debug());
    }
    for descriptor in manifest.layers.iter().chain([&manifest.config]) {
        descriptor.hex()?;
    }
    if !matches!(manifest.config.media_type.as_str(), OCI_CONFIG | DOCKER_CONFIG | "") {
        return Err(Error::new(format!(
            "this is not an image but an artifact: its configuration is `{}`",
            manifest.config.media_type.escape_debug()
        )));
    }
    Ok(Document::Manifest(Box::new(manifest)))
}

/// Parses a manifest where an index will not do.
pub fn parse_manifest(bytes: &[u8], media_type: &str) -> Result<Manifest> {
    match parse_document(bytes, media_type)? {
        Document::Manifest(manifest) => Ok(*manifest),
        Document::Index(_) => crate::bail!("an index stands where a manifest should be"),
    }
}

/// Parses an image index.
pub fn parse_index(bytes: &[u8]) -> Result<Index> {
    match parse_document(bytes, OCI_INDEX)? {
        Document::Index(index) => Ok(index),
        Document::Manifest(_) => crate::bail!("a manifest stands where an index should be"),
    }
}

/// What a configuration says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    pub created: Timestamp,
    pub author: String,
    pub comment: String,
    pub architecture: String,
    pub os: String,
    pub variant: String,
    pub config: ImageConfig,
    /// Hexadecimal digits, lowest first.
    pub diff_ids: Vec<String>,
    pub history: Vec<History>,
    pub raw_config: serde_json::Value,
}

/// Parses the configuration of an image.
pub fn parse_config(bytes: &[u8]) -> Result<Config> {
    if bytes.len() as u64 > MAX_JSON {
        crate::bail!("configuration is larger than {MAX_JSON} bytes");
    }
    let raw: RawConfig = serde_json::from_slice(bytes).context("parsing image configuration")?;
    let section: RawSection =
        serde_json::from_value(raw.config.clone()).context("parsing `config` of the image configuration")?;
    let mut diff_ids = Vec::new();
    for id in &raw.rootfs.diff_ids {
        match sha256_hex(id) {
            Some(hex) => diff_ids.push(hex.to_owned()),
            None => crate::bail!("image configuration has a malformed diff ID `{}`", id.escape_debug()),
        }
    }
    Ok(Config {
        created: raw.created.as_deref().and_then(time).unwrap_or_default(),
        author: raw.author,
        comment: raw.comment,
        architecture: raw.architecture,
        os: raw.os,
        variant: raw.variant,
        config: ImageConfig {
            user: section.user,
            env: section.env,
            entrypoint: section.entrypoint.map(OneOrMany::into_vec).filter(|words| !words.is_empty()),
            cmd: section.cmd.map(OneOrMany::into_vec).filter(|words| !words.is_empty()),
            working_dir: section.working_dir,
            labels: section.labels,
            exposed_ports: section.exposed_ports.into_keys().collect(),
            volumes: section.volumes.into_keys().collect(),
            stop_signal: section.stop_signal.filter(|signal| !signal.is_empty()),
            healthcheck: section.healthcheck.filter(|check| !check.is_null()),
            shell: section.shell.map(OneOrMany::into_vec).filter(|words| !words.is_empty()),
            on_build: section.on_build,
        },
        diff_ids,
        history: raw
            .history
            .into_iter()
            .map(|step| History {
                created: step.created.as_deref().and_then(time),
                created_by: step.created_by,
                comment: step.comment,
                author: step.author,
                empty_layer: step.empty_layer,
            })
            .collect(),
        raw_config: raw.config,
    })
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// Go writes `null` for empty lists and maps.
pub(super) fn null_is_default<'de, D, T>(deserializer: D) -> std::result::Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Deserialize)]
struct RawConfig {
    #[serde(default)]
    created: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    author: String,
    #[serde(default, deserialize_with = "null_is_default")]
    comment: String,
    #[serde(default, deserialize_with = "null_is_default")]
    architecture: String,
    #[serde(default, deserialize_with = "null_is_default")]
    os: String,
    #[serde(default, deserialize_with = "null_is_default")]
    variant: String,
    #[serde(default = "empty_object", deserialize_with = "null_is_object")]
    config: serde_json::Value,
    rootfs: RawRootfs,
    #[serde(default, deserialize_with = "null_is_default")]
    history: Vec<RawHistory>,
}

fn empty_object() -> serde_json::Value {
    serde_json::Value::Object(serde_json::Map::new())
}

fn null_is_object<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<serde_json::Value, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(if value.is_null() { empty_object() } else { value })
}

#[derive(Deserialize)]
struct RawRootfs {
    #[serde(default, deserialize_with = "null_is_default")]
    diff_ids: Vec<String>,
}

#[derive(Deserialize)]
struct RawHistory {
    #[serde(default)]
    created: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    created_by: String,
    #[serde(default, deserialize_with = "null_is_default")]
    comment: String,
    #[serde(default, deserialize_with = "null_is_default")]
    author: String,
    #[serde(default, deserialize_with = "null_is_default")]
    empty_layer: bool,
}

/// Old images have a plain string where a list should be.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn into_vec(self) -> Vec<String> {
        match self {
            OneOrMany::One(word) => vec![word],
            OneOrMany::Many(words) => words,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawSection {
    #[serde(default, deserialize_with = "null_is_default")]
    user: String,
    #[serde(default, deserialize_with = "null_is_default")]
    env: Vec<String>,
    #[serde(default)]
    entrypoint: Option<OneOrMany>,
    #[serde(default)]
    cmd: Option<OneOrMany>,
    #[serde(default, deserialize_with = "null_is_default")]
    working_dir: String,
    #[serde(default, deserialize_with = "null_is_default")]
    labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "null_is_default")]
    exposed_ports: BTreeMap<String, serde_json::Value>,
    #[serde(default, deserialize_with = "null_is_default")]
    volumes: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    stop_signal: Option<String>,
    #[serde(default)]
    healthcheck: Option<serde_json::Value>,
    #[serde(default)]
    shell: Option<OneOrMany>,
    #[serde(default, deserialize_with = "null_is_default")]
    on_build: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "sha256:6ada4d435fabc799687f8bf284078c07e137ba1e52e9dc73f04ce7b19bb0fbc0";

    #[test]
    fn documents_are_told_apart() {
        let manifest = format!(
            r#"{{"schemaVersion":2,"config":{{"mediaType":"{OCI_CONFIG}","digest":"{SHA}","size":1}},"layers":[]}}"#
        );
        let parsed = parse_document(manifest.as_bytes(), DOCKER_MANIFEST).unwrap();
        let Document::Manifest(parsed) = parsed else { panic!("{parsed:?}") };
        assert_eq!(parsed.media_type, DOCKER_MANIFEST);
        let index = r#"{"schemaVersion":2,"manifests":null,"mediaType":"application/vnd.oci.image.index.v1+json"}"#;
        assert!(matches!(parse_document(index.as_bytes(), "").unwrap(), Document::Index(_)));
        let table = [
            (r#"{"schemaVersion":1,"name":"x"}"#.to_owned(), "schema 1"),
            (manifest.replace("\"layers\"", "\"manifests\":[],\"layers\""), "both"),
            (manifest.replace("\"config\"", &format!("\"mediaType\":\"{OCI_INDEX}\",\"config\"")), "both"),
            (manifest.replace("sha256:6", "sha256:x"), "malformed"),
            (manifest.replace(OCI_CONFIG, "application/vnd.cncf.helm.config.v1+json"), "artifact"),
            ("[]".to_owned(), "parsing manifest"),
        ];
        for (text, expected) in table {
            let message = parse_document(text.as_bytes(), "").unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
        assert!(parse_index(manifest.as_bytes()).is_err());
    }

    #[test]
    fn configurations_with_nulls_and_plain_strings() {
        let text = format!(
            r#"{{"architecture":"amd64","os":"linux","created":"2024-10-10T22:40:00Z","config":{{"Env":null,
            "Entrypoint":"/bin/sh","Cmd":[],"Labels":null,"ExposedPorts":{{"80/tcp":{{}}}}}},"rootfs":{{"type":"layers",
            "diff_ids":["{SHA}"]}},"history":[{{"created_by":"x","empty_layer":true}}]}}"#
        );
        let config = parse_config(text.as_bytes()).unwrap();
        assert_eq!(config.config.entrypoint, Some(vec!["/bin/sh".to_owned()]));
        assert_eq!(config.config.cmd, None);
        assert_eq!(config.config.exposed_ports, ["80/tcp"]);
        assert_eq!(config.diff_ids, [&SHA[7..]]);
        assert!(config.history[0].empty_layer);
        assert_eq!(parse_config(br#"{"rootfs":{}}"#).unwrap().raw_config, serde_json::json!({}));
        assert!(parse_config(br#"{"rootfs":{"diff_ids":["../../x"]}}"#).is_err());
    }
}
