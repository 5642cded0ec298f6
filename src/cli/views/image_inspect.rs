//! `image inspect`: everything about one image, with the keys of the reference in their order.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::cli::format::time;
use crate::image::{History, Image, ImageConfig};

/// Where an image's layers are.
#[derive(Debug, Clone, Default)]
pub struct Storage {
    /// `overlay`, `fuse-overlayfs` or `vfs`.
    pub driver: String,
    /// Directories of the unpacked layers, lowest first; none when they are not unpacked.
    pub layers: Vec<PathBuf>,
}

/// The object of an image.
pub fn object(image: &Image, storage: &Storage) -> Value {
    let Image { config, .. } = image;
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    put("Id", json!(image.id));
    put("Digest", json!(image.digest));
    put("RepoTags", json!(image.names));
    put("RepoDigests", json!(image.repo_digests));
    put("Parent", json!(image.parent));
    put("Comment", json!(image.comment));
    put("Created", json!(time::rfc3339(Some(image.created))));
    put("Config", config_object(config));
    put("Version", json!(""));
    put("Author", json!(image.author));
    put("Architecture", json!(image.architecture));
    put("Os", json!(image.os));
    // Go leaves out what is empty.
    if !image.variant.is_empty() {
        put("Variant", json!(image.variant));
    }
    put("Size", json!(image.size));
    put("VirtualSize", json!(image.size));
    put("GraphDriver", json!({"Name": storage.driver, "Data": graph_data(&storage.layers)}));
    let layers: Vec<String> = image.layers.iter().map(|layer| format!("sha256:{layer}")).collect();
    put("RootFS", json!({"Type": "layers", "Layers": layers}));
    put("Labels", if config.labels.is_empty() { Value::Null } else { json!(config.labels) });
    put("Annotations", json!(image.annotations));
    put("ManifestType", json!(image.media_type));
    put("User", json!(config.user));
    put("History", image.history.iter().map(history_object).collect());
    put("NamesHistory", json!(image.names));
    if let Some(healthcheck) = &config.healthcheck {
        put("Healthcheck", healthcheck.clone());
    }
    Value::Object(object)
}

fn graph_data(layers: &[PathBuf]) -> Value {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut data = Map::new();
    if let Some((top, lower)) = layers.split_last() {
        if !lower.is_empty() {
            let lower: Vec<String> = lower.iter().rev().map(|path| text(path)).collect();
            data.insert("LowerDir".to_owned(), json!(lower.join(":")));
        }
        data.insert("UpperDir".to_owned(), json!(text(top)));
    }
    Value::Object(data)
}

/// The configuration in the order of the OCI specification, without what is empty.
fn config_object(config: &ImageConfig) -> Value {
    let set = |names: &[String]| -> Value { names.iter().map(|name| (name.clone(), json!({}))).collect() };
    let fields = [
        ("User", json!(config.user), config.user.is_empty()),
        ("ExposedPorts", set(&config.exposed_ports), config.exposed_ports.is_empty()),
        ("Env", json!(config.env), config.env.is_empty()),
        ("Entrypoint", json!(config.entrypoint), config.entrypoint.as_ref().is_none_or(Vec::is_empty)),
        ("Cmd", json!(config.cmd), config.cmd.as_ref().is_none_or(Vec::is_empty)),
        ("Volumes", set(&config.volumes), config.volumes.is_empty()),
        ("WorkingDir", json!(config.working_dir), config.working_dir.is_empty()),
        ("Labels", json!(config.labels), config.labels.is_empty()),
        ("StopSignal", json!(config.stop_signal), config.stop_signal.as_ref().is_none_or(String::is_empty)),
        ("OnBuild", json!(config.on_build), config.on_build.is_empty()),
        ("Shell", json!(config.shell), config.shell.as_ref().is_none_or(Vec::is_empty)),
    ];
    let present = fields.into_iter().filter(|(.., empty)| !empty);
    Value::Object(present.map(|(name, value, _)| (name.to_owned(), value)).collect())
}

fn history_object(step: &History) -> Value {
    let fields = [
        ("created", json!(step.created.map(|then| time::rfc3339(Some(then)))), step.created.is_none()),
        ("created_by", json!(step.created_by), step.created_by.is_empty()),
        ("author", json!(step.author), step.author.is_empty()),
        ("comment", json!(step.comment), step.comment.is_empty()),
        ("empty_layer", json!(step.empty_layer), !step.empty_layer),
    ];
    let present = fields.into_iter().filter(|(.., empty)| !empty);
    Value::Object(present.map(|(name, value, _)| (name.to_owned(), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::views::inspect;

    /// The image of the sample, read back from the sample.
    fn sample() -> (Image, Value) {
        let text = include_str!("../../../tests/data/samples/image-inspect.json");
        let want: Value = serde_json::from_str(text).unwrap();
        let object = &want[0];
        let strings = |v: &Value| serde_json::from_value::<Vec<String>>(v.clone()).unwrap();
        let image = Image {
            id: object["Id"].as_str().unwrap().into(),
            digest: object["Digest"].as_str().unwrap().into(),
            media_type: object["ManifestType"].as_str().unwrap().into(),
            names: strings(&object["RepoTags"]),
            repo_digests: strings(&object["RepoDigests"]),
            created: object["Created"].as_str().unwrap().parse().unwrap(),
            size: object["Size"].as_u64().unwrap(),
            layers: strings(&object["RootFS"]["Layers"]).iter().map(|l| l.replace("sha256:", "")).collect(),
            architecture: "amd64".into(),
            os: "linux".into(),
            config: ImageConfig {
                env: strings(&object["Config"]["Env"]),
                cmd: Some(strings(&object["Config"]["Cmd"])),
                working_dir: "/home/podman".into(),
                labels: serde_json::from_value(object["Labels"].clone()).unwrap(),
                ..ImageConfig::default()
            },
            annotations: serde_json::from_value(object["Annotations"].clone()).unwrap(),
            history: object["History"]
                .as_array()
                .unwrap()
                .iter()
                .map(|h| History {
                    created: h["created"].as_str().map(|c| c.parse().unwrap()),
                    created_by: h["created_by"].as_str().unwrap().into(),
                    empty_layer: h["empty_layer"].as_bool().unwrap_or_default(),
                    ..History::default()
                })
                .collect(),
            ..Image::default()
        };
        (image, want)
    }

    #[test]
    fn the_object_is_that_of_the_sample() {
        let (image, want) = sample();
        let top = want[0]["GraphDriver"]["Data"]["UpperDir"].as_str().unwrap();
        let got = object(&image, &Storage { driver: "overlay".into(), layers: vec![top.into()] });
        let text = inspect::render(&[(got, &inspect::IMAGE)], None).unwrap();
        let sample = include_str!("../../../tests/data/samples/image-inspect.json");
        // There is no work directory: overlay needs one only for a container.
        let without_work: Vec<&str> = sample.lines().filter(|l| !l.contains("\"WorkDir\"")).collect();
        assert_eq!(
            text.trim_end(),
            without_work
                .join("\n")
                .replace("/diff\",\n               }", "/diff\"\n               }")
                .replace("/diff\",", "/diff\"")
        );
    }

    #[test]
    fn templates_of_an_image() {
        let (image, _) = sample();
        let storage = Storage { driver: "overlay".into(), layers: vec!["/l/a".into(), "/l/b".into(), "/l/c".into()] };
        let cases = [
            ("{{.ID}}", "6ada4d435fabc799687f8bf284078c07e137ba1e52e9dc73f04ce7b19bb0fbc0\n"),
            ("{{.Os}}/{{.Architecture}}", "linux/amd64\n"),
            ("{{index .RepoTags 0}}", "quay.io/libpod/testimage:20241011\n"),
            ("{{.GraphDriver.Data.LowerDir}} {{.GraphDriver.Data.UpperDir}}", "/l/b:/l/a /l/c\n"),
            ("{{json .Config.Cmd}}", "[\"/bin/echo\",\"This container is intended for podman CI testing\"]\n"),
            ("{{index .Labels \"nope\"}}|{{.Config.WorkingDir}}", "|/home/podman\n"),
            ("{{len .History}}", "6\n"),
        ];
        for (format, want) in cases {
            let objects = [(object(&image, &storage), &inspect::IMAGE)];
            assert_eq!(inspect::render(&objects, Some(format)).unwrap(), want, "{format}");
        }
        assert_eq!(inspect::render(&[], None).unwrap(), "[]\n");
        assert_eq!(inspect::render(&[], Some("{{.Id}}")).unwrap(), "");
    }
}
