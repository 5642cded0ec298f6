//! `save`: images as files that other tools and machines read.
//!
//! - `tar.rs`     an archive being written, that is complete or not there
//! - `docker.rs`  what `docker save` writes, with plain layers
//! - `oci.rs`     an OCI layout as an archive

pub mod docker;
pub mod oci;
pub mod tar;

use std::path::Path;

use docker::DockerArchive;
use oci::OciArchive;

use super::index;
use super::manifest::Descriptor;
use super::platform::Platform;
use super::progress::Progress;
use super::push::PushOptions;
use super::push::sink::Sink;
use super::reference::Reference;
use super::store::{ImageStore, not_known, read_manifest};
use super::transport::dir::Dir;
use super::transport::layout::Layout;
use super::transport::name::Pick;
use crate::error::{Context, Error, Result};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveFormat {
    DockerArchive,
    OciArchive,
    OciDir,
    DockerDir,
}

/// An image to save, and what it is called in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedImage {
    /// Descriptor of its manifest.
    pub manifest: Descriptor,
    /// Without digests. None for an image that was asked for by its ID.
    pub names: Vec<Reference>,
}

/// Where it goes to.
pub enum Output<'a> {
    Path(&'a Path),
    Stream(&'a mut (dyn std::io::Write + Send)),
}

impl ImageStore {
    /// The image that a user names, and the name itself if it is one.
    pub fn to_save(&self, text: &str) -> Result<SavedImage> {
        let index = index::read(&self.images)?;
        let Some(entry) = self.find_entry(&index, text)? else { return Err(not_known(text)) };
        // Of a manifest list, the image for this machine.
        let entry = &*self.instance(&index, entry, &Platform::host())?;
        let (_, manifest, _) = read_manifest(&self.images, entry).with_context(|| format!("reading image `{text}`"))?;
        let name = self.resolve_name(text)?.filter(|name| name.digest.is_none());
        Ok(SavedImage { manifest, names: name.into_iter().collect() })
    }

    /// Saves images into one archive or directory, each blob once.
    pub fn save(
        &self,
        images: &[SavedImage],
        format: SaveFormat,
        output: Output<'_>,
        options: &PushOptions,
        progress: &dyn Progress,
    ) -> Result<()> {
        match (format, output) {
            (SaveFormat::DockerArchive, output) => {
                let archive = DockerArchive::create(output)?;
                for image in images {
                    archive.next(&image.names);
                    self.copy_out(&image.manifest, &archive, options, true, progress)?;
                }
                archive.finish()
            }
            (SaveFormat::OciArchive, output) => {
                let archive = OciArchive::create(output)?;
                for image in images {
                    archive.next(image.names.iter().map(Reference::canonical).collect());
                    self.copy_out(&image.manifest, &archive, options, true, progress)?;
                }
                archive.finish()
            }
            (SaveFormat::OciDir, Output::Path(path)) => {
                let layout = Layout::open(path, &Pick::Any)?;
                for image in images {
                    let names: Vec<String> = image.names.iter().map(Reference::canonical).collect();
                    // The first time with the blobs, then only one more name.
                    let mut all: Vec<Option<&str>> = names.iter().map(|name| Some(name.as_str())).collect();
                    if all.is_empty() {
                        all.push(None);
                    }
                    let mut progress = progress;
                    for name in all {
                        self.copy_out(&image.manifest, &layout.named(name), options, true, progress)?;
                        progress = &super::progress::Silent;
                    }
                }
                Ok(())
            }
            (SaveFormat::DockerDir, Output::Path(path)) => {
                let [image] = images else { crate::bail!("a directory of this form holds one image") };
                let dir: &dyn Sink = &Dir::open(path)?;
                self.copy_out(&image.manifest, dir, options, true, progress).map(|_| ())
            }
            (SaveFormat::OciDir | SaveFormat::DockerDir, Output::Stream(_)) => {
                Err(Error::new("a directory cannot be written to standard output").hint("name it with --output"))
            }
        }
    }
}
