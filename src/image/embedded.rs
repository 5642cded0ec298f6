//! The image that is part of the binary: `coracle run --rm hello` works offline and on a fresh machine.
//!
//! build.rs compiles its program; the archive around it is put together here when it is first needed, so that it is
//! loaded by the same way as any other OCI archive.

use std::io::Write;

use serde_json::{Value, json};

use super::index::REF_NAME;
use super::manifest::{OCI_CONFIG, OCI_LAYER, OCI_MANIFEST};
use crate::error::{Context, Result};
use crate::storage::unpack::digest::sha256;

/// Full name of the embedded image.
pub const NAME: &str = "localhost/hello:latest";

/// The program: static, without libc, for the architecture of this binary.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hello"));

/// When the image "was made". Fixed, so that the same binary always has the same image.
const CREATED: &str = "2026-11-22T00:00:00Z";

/// The embedded image as an OCI image archive (a tar of an OCI image layout) of one uncompressed layer.
pub fn archive() -> Result<Vec<u8>> {
    build().context("making the embedded image")
}

fn build() -> Result<Vec<u8>> {
    let layer = layer()?;
    let config = serde_json::to_vec(&json!({
        "created": CREATED,
        "architecture": architecture(),
        "os": "linux",
        "config": {
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Cmd": ["/hello"],
            "WorkingDir": "/",
            "Labels": { "org.opencontainers.image.title": "hello", "org.opencontainers.image.version": env!("CARGO_PKG_VERSION") },
        },
        "rootfs": { "type": "layers", "diff_ids": [digest(&layer)] },
        "history": [{ "created": CREATED, "created_by": "part of the coracle binary" }],
    }))?;
    let manifest = serde_json::to_vec(&json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(OCI_CONFIG, &config),
        "layers": [descriptor(OCI_LAYER, &layer)],
    }))?;
    let mut entry = descriptor(OCI_MANIFEST, &manifest);
    entry["annotations"] = json!({ REF_NAME: NAME });
    let index = serde_json::to_vec(&json!({ "schemaVersion": 2, "manifests": [entry] }))?;

    let mut archive = tar::Builder::new(Vec::new());
    add_file(&mut archive, "oci-layout", 0o644, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    add_file(&mut archive, "index.json", 0o644, &index)?;
    for blob in [&layer, &config, &manifest] {
        add_file(&mut archive, &format!("blobs/sha256/{}", sha256(blob)), 0o644, blob)?;
    }
    Ok(archive.into_inner()?)
}

/// The only layer: the program, and the accounts that make `--user` work with a name.
fn layer() -> Result<Vec<u8>> {
    let mut layer = tar::Builder::new(Vec::new());
    add_directory(&mut layer, "etc/", 0o755)?;
    add_file(&mut layer, "etc/passwd", 0o644, b"root:x:0:0:root:/:/hello\nnobody:x:65534:65534:nobody:/:/hello\n")?;
    add_file(&mut layer, "etc/group", 0o644, b"root:x:0:\nnobody:x:65534:\n")?;
    add_file(&mut layer, "hello", 0o755, PROGRAM)?;
    add_directory(&mut layer, "tmp/", 0o1777)?;
    Ok(layer.into_inner()?)
}

fn add_file<W: Write>(tar: &mut tar::Builder<W>, path: &str, mode: u32, bytes: &[u8]) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_mode(mode);
    header.set_size(bytes.len() as u64);
    Ok(tar.append_data(&mut header, path, bytes)?)
}

fn add_directory<W: Write>(tar: &mut tar::Builder<W>, path: &str, mode: u32) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_mode(mode);
    header.set_size(0);
    Ok(tar.append_data(&mut header, path, std::io::empty())?)
}

fn descriptor(media_type: &str, blob: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest(blob), "size": blob.len() })
}

fn digest(blob: &[u8]) -> String {
    format!("sha256:{}", sha256(blob))
}

/// Go's name of the architecture that this binary was compiled for.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read as _;

    use super::*;

    /// Follows the chain from the index to the program, as any OCI tool would.
    #[test]
    fn archive_is_an_image_layout_whose_digests_hold() {
        let archive = archive().unwrap();
        assert!(archive.len() < 400_000, "embedded image has {} bytes", archive.len());
        let files = unpack(&archive);
        let blob = |descriptor: &Value| {
            let name = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
            let bytes = &files[&format!("blobs/sha256/{name}")];
            assert_eq!(descriptor["size"], bytes.len());
            assert_eq!(sha256(bytes), name);
            bytes
        };
        let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        let entry = &index["manifests"][0];
        assert_eq!(entry["annotations"]["org.opencontainers.image.ref.name"], NAME);
        let manifest: Value = serde_json::from_slice(blob(entry)).unwrap();
        let config: Value = serde_json::from_slice(blob(&manifest["config"])).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], manifest["layers"][0]["digest"]);
        let root = unpack(blob(&manifest["layers"][0]));
        assert!(root["hello"].starts_with(b"\x7fELF"));
        assert!(root.contains_key("etc/passwd") && root.contains_key("tmp/"));
    }

    fn unpack(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(bytes).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            files.insert(String::from_utf8(entry.path_bytes().into_owned()).unwrap(), content);
        }
        files
    }
}
