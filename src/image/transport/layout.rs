//! An OCI image layout as something to write to. What is in it stays; images are added, and names move.
//!
//! Blobs are renamed into place before the index names them. Writers of the index hold a lock on the directory itself,
//! so that nothing is in the layout that does not belong there.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::name::Pick;
use crate::error::{Context, Result};
use crate::image::content::{Content, Known};
use crate::image::index::REF_NAME;
use crate::image::manifest::{MAX_JSON, OCI_INDEX};
use crate::image::push::sink::{Answer, Finished, Sink, Want, What};
use crate::image::reference::sha256_hex;

/// The content of `oci-layout`.
pub const VERSION: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// A layout.
#[derive(Debug)]
pub struct Layout {
    dir: PathBuf,
    name: Option<String>,
}

impl Layout {
    /// Opens a layout, making what is missing. The image will have this name in it.
    pub fn open(dir: &Path, pick: &Pick) -> Result<Self> {
        if let Pick::Index(index) = pick {
            crate::bail!("an image cannot be written to position @{index} of a layout");
        }
        let blobs = dir.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).with_context(|| format!("creating directory `{}`", blobs.display()))?;
        let marker = dir.join("oci-layout");
        if !marker.exists() {
            replace(dir, &marker, VERSION)?;
        }
        Ok(Layout { dir: dir.to_owned(), name: pick.name().map(str::to_owned) })
    }

    /// The same layout with another name for the next image.
    pub fn named(&self, name: Option<&str>) -> Self {
        Layout { dir: self.dir.clone(), name: name.map(str::to_owned) }
    }

    fn blob(&self, digest: &str) -> Result<PathBuf> {
        blob_path(&self.dir.join("blobs/sha256"), digest)
    }

    fn list(&self, manifest: &Finished) -> Result<()> {
        let path = self.dir.join("index.json");
        let lock = File::open(&self.dir).and_then(|dir| dir.lock().map(|()| dir));
        let _lock = lock.with_context(|| format!("locking `{}`", self.dir.display()))?;
        let before = match std::fs::read(&path) {
            Ok(bytes) if bytes.len() as u64 > 16 * MAX_JSON => crate::bail!("`{}` is too large", path.display()),
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("reading `{}`", path.display()))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Value::Null,
            Err(e) => return Err(crate::error::Error::from(e).wrap(format!("reading `{}`", path.display()))),
        };
        let index = with_entry(before, manifest, self.name.as_deref());
        replace(&self.dir, &path, &serde_json::to_vec(&index)?)
    }
}

impl Sink for Layout {
    fn want(&self) -> Want {
        Want::Compressed
    }

    fn has(&self, blob: &Known, _what: What) -> Result<bool> {
        let path = self.blob(&blob.digest)?;
        Ok(std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == blob.size))
    }

    fn put(&self, content: &Content, _what: What, advanced: &(dyn Fn(u64) + Sync)) -> Result<()> {
        save(&self.dir.join("blobs/sha256"), content, |known| self.blob(&known.digest), advanced)
    }

    fn put_manifest(&self, manifest: &Finished) -> Result<Answer> {
        let path = self.blob(&manifest.digest)?;
        replace(&self.dir.join("blobs/sha256"), &path, &manifest.bytes)?;
        if manifest.named {
            self.list(manifest)?;
        }
        Ok(Answer::Taken)
    }
}

/// The entry of a manifest in an index.
pub fn entry(manifest: &Finished, name: Option<&str>) -> Value {
    let mut entry = json!({"mediaType": manifest.media_type, "digest": manifest.digest, "size": manifest.bytes.len()});
    if let (Some(name), Some(entry)) = (name, entry.as_object_mut()) {
        entry.insert("annotations".to_owned(), json!({ REF_NAME: name }));
    }
    entry
}

/// The index with one more entry. Whatever had the name loses its entry; what is unknown stays. Pure.
fn with_entry(index: Value, manifest: &Finished, name: Option<&str>) -> Value {
    let mut index = match index {
        Value::Object(index) => index,
        _ => serde_json::Map::from_iter([
            ("schemaVersion".to_owned(), json!(2)),
            ("mediaType".to_owned(), json!(OCI_INDEX)),
        ]),
    };
    let mut entries = match index.remove("manifests") {
        Some(Value::Array(entries)) => entries,
        _ => Vec::new(),
    };
    let name_of = |entry: &Value| {
        let name = entry.get("annotations").and_then(|annotations| annotations.get(REF_NAME));
        name.and_then(Value::as_str).map(str::to_owned)
    };
    entries.retain(|entry| {
        let same = entry.get("digest").and_then(Value::as_str) == Some(manifest.digest.as_str());
        let old = name_of(entry);
        !(old.as_deref() == name && (name.is_some() || same))
    });
    entries.push(entry(manifest, name));
    index.insert("manifests".to_owned(), Value::Array(entries));
    Value::Object(index)
}

/// The path of a blob in a directory.
pub fn blob_path(dir: &Path, digest: &str) -> Result<PathBuf> {
    match sha256_hex(digest) {
        Some(hex) => Ok(dir.join(hex)),
        None => crate::bail!("digest `{}` is malformed or not a SHA-256", digest.escape_debug()),
    }
}

/// Writes content to a file in `dir` whose name is known when all is written.
pub fn save(
    dir: &Path,
    content: &Content,
    path: impl FnOnce(&Known) -> Result<PathBuf>,
    advanced: &(dyn Fn(u64) + Sync),
) -> Result<()> {
    let mut file = temporary(dir)?;
    let known = content.copy_to(file.as_file_mut(), advanced)?;
    let path = path(&known)?;
    file.persist(&path).map_err(|e| e.error).with_context(|| format!("writing `{}`", path.display()))?;
    Ok(())
}

/// Replaces a file in one step.
pub fn replace(dir: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = temporary(dir)?;
    let write = std::io::Write::write_all(file.as_file_mut(), bytes);
    write.with_context(|| format!("writing `{}`", path.display()))?;
    file.persist(path).map_err(|e| e.error).with_context(|| format!("writing `{}`", path.display()))?;
    Ok(())
}

/// A file with a mode as the umask says, like any file that is written by name.
fn temporary(dir: &Path) -> Result<tempfile::NamedTempFile> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    let mut builder = tempfile::Builder::new();
    let file = builder.prefix(".coracle-").permissions(mode).tempfile_in(dir);
    file.with_context(|| format!("creating a file in `{}`", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::manifest::Manifest;

    fn manifest(digit: char) -> Finished {
        Finished {
            bytes: b"{}".to_vec(),
            media_type: "m".to_owned(),
            digest: format!("sha256:{}", digit.to_string().repeat(64)),
            manifest: Manifest::default(),
            named: true,
        }
    }

    fn shown(index: &Value) -> Vec<(char, Option<&str>)> {
        let one = |entry: &Value| entry["digest"].as_str().and_then(|d| d.chars().last()).unwrap();
        let name = |entry: &'_ Value| entry["annotations"].get(REF_NAME).is_some();
        let all = index["manifests"].as_array().unwrap();
        all.iter().map(|e| (one(e), name(e).then(|| e["annotations"][REF_NAME].as_str().unwrap()))).collect()
    }

    #[test]
    fn names_move_and_the_rest_stays() {
        let index = with_entry(json!({"manifests": null, "x": 1}), &manifest('a'), Some("v1"));
        assert_eq!(index["x"], 1);
        let index = with_entry(index, &manifest('b'), Some("v2"));
        let index = with_entry(index, &manifest('b'), Some("v1"));
        let index = with_entry(index, &manifest('c'), None);
        let index = with_entry(index, &manifest('c'), None);
        assert_eq!(shown(&index), [('b', Some("v2")), ('b', Some("v1")), ('c', None)]);
        assert_eq!(shown(&with_entry(Value::Null, &manifest('a'), None)), [('a', None)]);
    }
}
