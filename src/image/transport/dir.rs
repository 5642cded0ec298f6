//! `dir:` as something to write to: one image, its files as they are, for looking into.
//!
//! ```text
//! version         Directory Transport Version: 1.1
//! manifest.json   <hex> for each blob   <hex>.manifest.json for each instance of an index
//! ```

use std::path::{Path, PathBuf};

use super::layout::{blob_path, replace, save};
use crate::error::{Context, Error, Result};
use crate::image::content::{Content, Known};
use crate::image::push::sink::{Answer, Finished, Sink, Want, What};
use crate::image::reference::sha256_hex;
use crate::storage::{fs, id};

/// The content of `version`.
const VERSION: &[u8] = b"Directory Transport Version: 1.1\n";
/// What every version of the format begins with.
const VERSIONS: &[u8] = b"Directory Transport Version: ";

/// A directory for one image.
#[derive(Debug)]
pub struct Dir {
    dir: PathBuf,
}

impl Dir {
    /// Makes the directory, or empties it of the image that it holds.
    ///
    /// # Errors
    /// When it holds anything else.
    pub fn open(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("creating directory `{}`", dir.display()))?;
        let list = std::fs::read_dir(dir).with_context(|| format!("listing `{}`", dir.display()))?;
        let names: Vec<String> = list.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        let version = dir.join("version");
        if !names.is_empty() {
            let known = fs::read_optional(&version)?.is_some_and(|bytes| bytes.starts_with(VERSIONS));
            if !known {
                return Err(Error::new("not a containers image directory, don't want to overwrite important data")
                    .hint(format!("name a directory that does not exist yet instead of `{}`", dir.display())));
            }
        }
        // Without its manifest it is no image any more, whatever happens in between.
        fs::remove_file_if_exists(&dir.join("manifest.json"))?;
        for name in names.iter().filter(|name| is_ours(name)) {
            fs::remove_file_if_exists(&dir.join(name))?;
        }
        replace(dir, &version, VERSION)?;
        Ok(Dir { dir: dir.to_owned() })
    }
}

/// Whether a file is one that this format has.
fn is_ours(name: &str) -> bool {
    let hex = name.strip_suffix(".manifest.json").unwrap_or(name);
    hex.len() == 64 && id::is_hex(hex) || name.starts_with("signature-")
}

impl Sink for Dir {
    fn want(&self) -> Want {
        Want::AsIs
    }

    fn has(&self, blob: &Known, _what: What) -> Result<bool> {
        let path = blob_path(&self.dir, &blob.digest)?;
        Ok(std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == blob.size))
    }

    fn put(&self, content: &Content, _what: What, advanced: &(dyn Fn(u64) + Sync)) -> Result<()> {
        save(&self.dir, content, |known| blob_path(&self.dir, &known.digest), advanced)
    }

    fn put_manifest(&self, manifest: &Finished) -> Result<Answer> {
        let name = match sha256_hex(&manifest.digest) {
            Some(hex) if !manifest.named => format!("{hex}.manifest.json"),
            _ => "manifest.json".to_owned(),
        };
        replace(&self.dir, &self.dir.join(name), &manifest.bytes)?;
        Ok(Answer::Taken)
    }
}
