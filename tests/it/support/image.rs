//! Images made to order, entry by entry: also those that no honest tool would make.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A layer being put together, as a tar.
pub struct Layer {
    tar: tar::Builder<Vec<u8>>,
}

impl Layer {
    pub fn new() -> Self {
        Layer { tar: tar::Builder::new(Vec::new()) }
    }

    pub fn dir(self, path: &str, mode: u32) -> Self {
        self.entry(tar::EntryType::Directory, path, "", mode, b"")
    }

    pub fn file(self, path: &str, mode: u32, content: impl AsRef<[u8]>) -> Self {
        self.entry(tar::EntryType::Regular, path, "", mode, content.as_ref())
    }

    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(tar::EntryType::Symlink, path, target, 0o777, b"")
    }

    pub fn hardlink(self, path: &str, target: &str) -> Self {
        self.entry(tar::EntryType::Link, path, target, 0o644, b"")
    }

    pub fn fifo(self, path: &str) -> Self {
        self.entry(tar::EntryType::Fifo, path, "", 0o644, b"")
    }

    /// A character device.
    pub fn device(mut self, path: &str, major: u32, minor: u32) -> Self {
        let mut header = header(tar::EntryType::Char, path, "", 0o666, 0);
        header.set_device_major(major).unwrap();
        header.set_device_minor(minor).unwrap();
        header.set_cksum();
        self.tar.append(&header, std::io::empty()).unwrap();
        self
    }

    /// A file that belongs to someone.
    pub fn owned(mut self, path: &str, mode: u32, uid: u64, gid: u64, content: &[u8]) -> Self {
        let mut header = header(tar::EntryType::Regular, path, "", mode, content.len() as u64);
        header.set_uid(uid);
        header.set_gid(gid);
        header.set_cksum();
        self.tar.append(&header, content).unwrap();
        self
    }

    /// Any entry. Names and targets go into the header as they are, however hostile; long ones as GNU extensions.
    pub fn entry(mut self, kind: tar::EntryType, path: &str, target: &str, mode: u32, content: &[u8]) -> Self {
        for (kind, text) in [(tar::EntryType::GNULongName, path), (tar::EntryType::GNULongLink, target)] {
            if text.len() > 99 {
                let mut long = header(kind, "././@LongLink", "", 0o644, text.len() as u64 + 1);
                long.set_cksum();
                self.tar.append(&long, format!("{text}\0").as_bytes()).unwrap();
            }
        }
        let header = header(kind, path, target, mode, content.len() as u64);
        self.tar.append(&header, content).unwrap();
        self
    }

    pub fn bytes(self) -> Vec<u8> {
        self.tar.into_inner().unwrap()
    }

    pub fn plain(self) -> Blob {
        let tar = self.bytes();
        Blob { media_type: "application/vnd.oci.image.layer.v1.tar", diff_id: digest(&tar), bytes: tar }
    }

    pub fn gzip(self) -> Blob {
        let tar = self.bytes();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&tar).unwrap();
        let bytes = encoder.finish().unwrap();
        Blob { media_type: "application/vnd.oci.image.layer.v1.tar+gzip", diff_id: digest(&tar), bytes }
    }

    /// Files that no compression makes smaller, `size` bytes of them: what a download takes time for.
    pub fn noise(self, path: &str, size: usize) -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ size as u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .flatten()
        .take(size)
        .collect();
        self.file(path, 0o644, noise)
    }

    pub fn zstd(self) -> Blob {
        let tar = self.bytes();
        let bytes = zstd::encode_all(tar.as_slice(), 1).unwrap();
        Blob { media_type: "application/vnd.oci.image.layer.v1.tar+zstd", diff_id: digest(&tar), bytes }
    }
}

fn header(kind: tar::EntryType, path: &str, target: &str, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(1_700_000_000);
    header.set_uid(0);
    header.set_gid(0);
    // Not set_path and set_link_name, which refuse `..` and absolute paths.
    let fields = header.as_gnu_mut().unwrap();
    for (field, text) in [(&mut fields.name, path), (&mut fields.linkname, target)] {
        let text = &text.as_bytes()[..text.len().min(99)];
        field[..text.len()].copy_from_slice(text);
    }
    header.set_cksum();
    header
}

/// A layer as stored in an image.
#[derive(Clone)]
pub struct Blob {
    pub media_type: &'static str,
    pub diff_id: String,
    pub bytes: Vec<u8>,
}

/// An image of layers and a configuration.
#[derive(Clone)]
pub struct Image {
    pub name: String,
    pub layers: Vec<Blob>,
    /// The `config` object of the configuration.
    pub config: Value,
    pub architecture: String,
}

impl Image {
    /// An image for this machine.
    pub fn new(name: &str, layers: Vec<Blob>) -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        Image { name: name.into(), layers, config: json!({}), architecture: architecture.into() }
    }

    /// Sets the `config` object (`Cmd`, `Env`, `Entrypoint` ...).
    pub fn config(mut self, config: Value) -> Self {
        self.config = config;
        self
    }

    fn configuration(&self) -> Vec<u8> {
        let diff_ids: Vec<&str> = self.layers.iter().map(|layer| layer.diff_id.as_str()).collect();
        serde_json::to_vec(&json!({
            "created": "2024-10-11T00:00:00Z",
            "architecture": self.architecture,
            "os": "linux",
            "config": self.config,
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
            "history": self.layers.iter().map(|_| json!({"created_by": "test"})).collect::<Vec<_>>(),
        }))
        .unwrap()
    }

    /// Name and content of every file of the image as an OCI layout.
    pub fn oci_files(&self) -> Vec<(String, Vec<u8>)> {
        let configuration = self.configuration();
        let descriptor = |media_type: &str, bytes: &[u8]| json!({"mediaType": media_type, "digest": digest(bytes), "size": bytes.len()});
        let layers: Vec<Value> = self.layers.iter().map(|l| descriptor(l.media_type, &l.bytes)).collect();
        let manifest = serde_json::to_vec(&json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("application/vnd.oci.image.config.v1+json", &configuration),
            "layers": layers,
        }))
        .unwrap();
        let mut entry = descriptor("application/vnd.oci.image.manifest.v1+json", &manifest);
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": self.name});
        let index = serde_json::to_vec(&json!({"schemaVersion": 2, "manifests": [entry]})).unwrap();
        let blob = |bytes: &[u8]| format!("blobs/sha256/{}", digest(bytes).trim_start_matches("sha256:"));
        let mut files = vec![
            ("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
            ("index.json".into(), index),
            (blob(&configuration), configuration),
            (blob(&manifest), manifest),
        ];
        files.extend(self.layers.iter().map(|layer| (blob(&layer.bytes), layer.bytes.clone())));
        files
    }

    /// Writes an OCI archive.
    pub fn oci_archive(&self, path: &Path) {
        std::fs::write(path, archive(&self.oci_files())).unwrap();
    }

    /// Writes an OCI layout into a directory.
    pub fn oci_layout(&self, dir: &Path) {
        for (name, content) in self.oci_files() {
            let path = dir.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
    }

    /// Writes what `docker save` writes (layers uncompressed).
    pub fn docker_archive(&self, path: &Path) {
        let configuration = self.configuration();
        let name = format!("{}.json", digest(&configuration).trim_start_matches("sha256:"));
        let mut files = Vec::new();
        let mut layers = Vec::new();
        for layer in &self.layers {
            assert!(layer.diff_id == digest(&layer.bytes), "docker archives have plain layers");
            let file = format!("{}/layer.tar", layer.diff_id.trim_start_matches("sha256:"));
            layers.push(file.clone());
            files.push((file, layer.bytes.clone()));
        }
        let manifest = json!([{"Config": name, "RepoTags": [self.name], "Layers": layers}]);
        files.push((name, configuration));
        files.push(("manifest.json".into(), serde_json::to_vec(&manifest).unwrap()));
        std::fs::write(path, archive(&files)).unwrap();
    }
}

/// A tar of these files.
pub fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    files.iter().fold(Layer::new(), |layer, (name, content)| layer.file(name, 0o644, content)).bytes()
}

/// `sha256:...` of these bytes.
pub fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
