//! Manifests with other layers or in another format. Pure.
//!
//! What does not have to change stays: a manifest that is right already is passed on bit for bit, and one whose layers
//! were compressed differently keeps everything else, known or not.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::{Context, Error, Result};
use crate::image::manifest::{
    self, DOCKER_CONFIG, DOCKER_LAYER, DOCKER_MANIFEST, Descriptor, Manifest, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST,
};
use crate::storage::unpack::compression::Compression;

/// A format of manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestFormat {
    Oci,
    /// Docker image manifest version 2, schema 2.
    Docker,
}

impl ManifestFormat {
    /// The value of `--format`.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "oci" => Ok(ManifestFormat::Oci),
            "v2s2" | "docker" => Ok(ManifestFormat::Docker),
            "v2s1" => Err(Error::new("format `v2s1` is not supported: no registry takes it any more")),
            other => Err(Error::new(format!(
                "unknown format \"{}\". Choose one of the supported formats: 'oci', 'v2s1', or 'v2s2'",
                other.escape_debug()
            ))),
        }
    }

    /// The format of a manifest's media type.
    pub fn of(media_type: &str) -> Self {
        if media_type == DOCKER_MANIFEST { ManifestFormat::Docker } else { ManifestFormat::Oci }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            ManifestFormat::Oci => OCI_MANIFEST,
            ManifestFormat::Docker => DOCKER_MANIFEST,
        }
    }

    fn config_type(self) -> &'static str {
        match self {
            ManifestFormat::Oci => OCI_CONFIG,
            ManifestFormat::Docker => DOCKER_CONFIG,
        }
    }
}

/// A layer as it will be at the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLayer {
    /// `sha256:...`.
    pub digest: String,
    pub size: u64,
    pub compression: Compression,
}

/// The manifest for these layers in this format. `layers` are in the order of the original's.
///
/// # Errors
/// When the format cannot express the layers.
pub fn convert(original: &[u8], media_type: &str, layers: &[NewLayer], format: ManifestFormat) -> Result<Vec<u8>> {
    let parsed = manifest::parse_manifest(original, media_type)?;
    if parsed.layers.len() != layers.len() {
        crate::bail!("manifest has {} layers, but {} are to be written", parsed.layers.len(), layers.len());
    }
    let same_layers = parsed.layers.iter().zip(layers).all(|(old, new)| old.digest == new.digest);
    let same_format = ManifestFormat::of(&parsed.media_type) == format;
    match (same_format, same_layers) {
        (true, true) => Ok(original.to_vec()),
        (true, false) => replace_layers(original, &parsed, layers, format),
        (false, _) => rebuild(&parsed, layers, format),
    }
}

fn replace_layers(original: &[u8], parsed: &Manifest, layers: &[NewLayer], format: ManifestFormat) -> Result<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(original).context("parsing manifest")?;
    let list = value.get_mut("layers").and_then(Value::as_array_mut);
    for ((item, old), new) in list.into_iter().flatten().zip(&parsed.layers).zip(layers) {
        let Some(item) = item.as_object_mut().filter(|_| old.digest != new.digest) else { continue };
        item.insert("mediaType".to_owned(), layer_type(format, new.compression, &old.media_type)?.into());
        item.insert("digest".to_owned(), new.digest.clone().into());
        item.insert("size".to_owned(), new.size.into());
        // Data within the descriptor and tables of contents are those of the old blob.
        item.remove("data");
        if let Some(annotations) = item.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.retain(|key, _| !is_about_bytes(key));
        }
    }
    Ok(serde_json::to_vec(&value)?)
}

fn rebuild(parsed: &Manifest, layers: &[NewLayer], format: ManifestFormat) -> Result<Vec<u8>> {
    let descriptor = |(old, new): (&Descriptor, &NewLayer)| -> Result<Descriptor> {
        let changed = old.digest != new.digest;
        let mut annotations = old.annotations.clone();
        annotations.retain(|key, _| format == ManifestFormat::Oci && !(changed && is_about_bytes(key)));
        Ok(Descriptor {
            media_type: layer_type(format, new.compression, &old.media_type)?,
            digest: new.digest.clone(),
            size: new.size,
            urls: old.urls.clone(),
            annotations,
            ..Descriptor::default()
        })
    };
    let manifest = Manifest {
        schema_version: 2,
        media_type: format.media_type().to_owned(),
        config: Descriptor {
            media_type: format.config_type().to_owned(),
            digest: parsed.config.digest.clone(),
            size: parsed.config.size,
            ..Descriptor::default()
        },
        layers: parsed.layers.iter().zip(layers).map(descriptor).collect::<Result<_>>()?,
        annotations: match format {
            ManifestFormat::Oci => parsed.annotations.clone(),
            ManifestFormat::Docker => BTreeMap::new(),
        },
    };
    Ok(serde_json::to_vec(&manifest)?)
}

/// Annotations that describe the bytes of a layer (zstd:chunked, eStargz).
fn is_about_bytes(key: &str) -> bool {
    key.starts_with("io.github.containers.zstd-chunked.")
        || key.starts_with("containerd.io/snapshot/stargz")
        || key.starts_with("io.containers.estargz.")
}

fn layer_type(format: ManifestFormat, compression: Compression, old: &str) -> Result<String> {
    // Layers that their owner allows nobody else to hand out.
    let restricted = old.contains("nondistributable") || old.contains(".foreign.");
    let name = match compression {
        Compression::None => "",
        Compression::Gzip => "gzip",
        Compression::Zstd if format == ManifestFormat::Oci => "zstd",
        Compression::Zstd => {
            return Err(Error::new("manifests of Docker's format cannot have layers with zstd compression")
                .hint("use --format oci, or --compression-format gzip"));
        }
        Compression::Xz | Compression::Bzip2 => crate::bail!("a layer has a compression that images cannot have"),
    };
    let (base, joint) = match (format, restricted) {
        (ManifestFormat::Oci, false) => (OCI_LAYER, "+"),
        (ManifestFormat::Oci, true) => ("application/vnd.oci.image.layer.nondistributable.v1.tar", "+"),
        (ManifestFormat::Docker, false) => (DOCKER_LAYER, "."),
        (ManifestFormat::Docker, true) => ("application/vnd.docker.image.rootfs.foreign.diff.tar", "."),
    };
    Ok(if name.is_empty() { base.to_owned() } else { format!("{base}{joint}{name}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(digit: char) -> String {
        format!("sha256:{}", digit.to_string().repeat(64))
    }

    fn layer(digit: char, compression: Compression) -> NewLayer {
        NewLayer { digest: digest(digit), size: 7, compression }
    }

    fn original() -> Vec<u8> {
        format!(
            r#"{{ "schemaVersion": 2, "config": {{"mediaType":"{OCI_CONFIG}","digest":"{c}","size":3}},
                 "layers": [{{"mediaType":"{OCI_LAYER}+gzip","digest":"{a}","size":7,"annotations":{{"x":"y"}}}},
                            {{"mediaType":"{OCI_LAYER}","digest":"{b}","size":9,
                              "annotations":{{"io.github.containers.zstd-chunked.manifest-checksum":"z","k":"v"}}}}],
                 "subject": {{"unknown": true}}, "annotations": {{"m":"n"}} }}"#,
            a = digest('a'),
            b = digest('b'),
            c = digest('c')
        )
        .into_bytes()
    }

    #[test]
    fn what_need_not_change_stays_bit_for_bit() {
        let layers = [layer('a', Compression::Gzip), layer('b', Compression::None)];
        assert_eq!(convert(&original(), OCI_MANIFEST, &layers, ManifestFormat::Oci).unwrap(), original());
    }

    #[test]
    fn other_layers_leave_the_rest_alone() {
        let layers = [layer('a', Compression::Gzip), layer('d', Compression::Zstd)];
        let new = convert(&original(), OCI_MANIFEST, &layers, ManifestFormat::Oci).unwrap();
        let value: Value = serde_json::from_slice(&new).unwrap();
        assert_eq!(value["subject"]["unknown"], true);
        assert_eq!(value["layers"][0]["annotations"]["x"], "y");
        assert_eq!(value["layers"][1]["mediaType"], format!("{OCI_LAYER}+zstd"));
        assert_eq!(value["layers"][1]["size"], 7);
        assert_eq!(value["layers"][1]["annotations"], serde_json::json!({"k": "v"}));
    }

    #[test]
    fn docker_and_back() {
        let layers = [layer('a', Compression::Gzip), layer('b', Compression::None)];
        let docker = convert(&original(), OCI_MANIFEST, &layers, ManifestFormat::Docker).unwrap();
        let value: Value = serde_json::from_slice(&docker).unwrap();
        assert_eq!(value["mediaType"], DOCKER_MANIFEST);
        assert_eq!(value["config"]["mediaType"], DOCKER_CONFIG);
        assert_eq!(value["layers"][0]["mediaType"], format!("{DOCKER_LAYER}.gzip"));
        assert_eq!(value["layers"][1]["mediaType"], DOCKER_LAYER);
        assert!(value.get("annotations").is_none() && value["layers"][0].get("annotations").is_none());
        let back = convert(&docker, DOCKER_MANIFEST, &layers, ManifestFormat::Oci).unwrap();
        assert_eq!(manifest::parse_manifest(&back, "").unwrap().media_type, OCI_MANIFEST);
        let zstd = [layer('a', Compression::Zstd), layer('b', Compression::None)];
        let said = convert(&original(), OCI_MANIFEST, &zstd, ManifestFormat::Docker).unwrap_err();
        assert!(said.to_string().contains("zstd"), "{said}");
        assert!(convert(&original(), OCI_MANIFEST, &zstd[..1], ManifestFormat::Oci).is_err());
    }

    #[test]
    fn formats_have_the_names_of_the_reference() {
        assert_eq!(ManifestFormat::parse("oci").unwrap(), ManifestFormat::Oci);
        assert_eq!(ManifestFormat::parse("v2s2").unwrap(), ManifestFormat::Docker);
        for bad in ["v2s1", "x", ""] {
            assert!(ManifestFormat::parse(bad).is_err(), "{bad}");
        }
    }
}
