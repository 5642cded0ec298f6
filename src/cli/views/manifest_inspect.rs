//! `manifest inspect`: a list as the reference shows it, with the keys in its order and a platform for every instance.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::cli::format::go_json::{self, Shape};
use crate::error::{Context, Result};
use crate::image::manifest::{Descriptor, Index, OCI_INDEX, PlatformJson};

/// A list. `files` are those that artifacts were made of, by digest of the instance.
pub fn list(index: &Index, files: &BTreeMap<String, Vec<String>>) -> Result<String> {
    let mut object = Map::new();
    object.insert("schemaVersion".to_owned(), json!(2));
    let media_type = if index.media_type.is_empty() { OCI_INDEX } else { &index.media_type };
    object.insert("mediaType".to_owned(), json!(media_type));
    if let Some(artifact_type) = &index.artifact_type {
        object.insert("artifactType".to_owned(), json!(artifact_type));
    }
    let instances: Vec<Value> = index.manifests.iter().map(|entry| instance(entry, files)).collect();
    object.insert("manifests".to_owned(), json!(instances));
    if let Some(subject) = &index.subject {
        object.insert("subject".to_owned(), instance(subject, files));
    }
    if !index.annotations.is_empty() {
        object.insert("annotations".to_owned(), json!(index.annotations));
    }
    go_json::pretty(&Value::Object(object), Shape::Images)
}

/// Any document, indented.
pub fn document(bytes: &[u8]) -> Result<String> {
    let value = serde_json::from_slice(bytes).context("parsing manifest")?;
    go_json::pretty(&value, Shape::Images)
}

fn instance(entry: &Descriptor, files: &BTreeMap<String, Vec<String>>) -> Value {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| drop(object.insert(key.to_owned(), value));
    put("mediaType", json!(entry.media_type));
    put("size", json!(entry.size));
    put("digest", json!(entry.digest));
    if !entry.urls.is_empty() {
        put("urls", json!(entry.urls));
    }
    put("platform", platform(&entry.platform.clone().unwrap_or_default()));
    if !entry.annotations.is_empty() {
        put("annotations", json!(entry.annotations));
    }
    if let Some(artifact_type) = &entry.artifact_type {
        put("artifactType", json!(artifact_type));
    }
    if let Some(data) = &entry.data {
        put("data", json!(data));
    }
    if let Some(files) = files.get(&entry.digest) {
        put("files", json!(files));
    }
    Value::Object(object)
}

fn platform(platform: &PlatformJson) -> Value {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| drop(object.insert(key.to_owned(), value));
    put("architecture", json!(platform.architecture));
    put("os", json!(platform.os));
    if !platform.os_version.is_empty() {
        put("os.version", json!(platform.os_version));
    }
    if !platform.os_features.is_empty() {
        put("os.features", json!(platform.os_features));
    }
    if !platform.variant.is_empty() {
        put("variant", json!(platform.variant));
    }
    if !platform.features.is_empty() {
        put("features", json!(platform.features));
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_sample() {
        let sample = include_str!("../../../tests/data/samples/manifest-inspect.json");
        let index: Index = serde_json::from_str(sample).unwrap();
        assert_eq!(list(&index, &BTreeMap::new()).unwrap().trim_end(), sample.trim_end());
    }
}
