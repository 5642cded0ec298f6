//! What is to be done with each layer of an image that goes out.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;

use super::PushOptions;
use super::compress::{Codec, Format};
use super::convert::ManifestFormat;
use super::sink::Want;
use crate::error::{Context, Error, Result};
use crate::image::manifest::{self, Descriptor, Manifest};
use crate::image::store::{ImageStore, corrupt, read_json_blob};
use crate::storage::unpack::compression::{Compression, MAGIC};

/// An image as it is in the store, with its files open: what is removed from now on does not matter.
#[derive(Debug)]
pub struct Plan {
    pub manifest: Vec<u8>,
    pub parsed: Manifest,
    pub config: Vec<u8>,
    /// One for each layer of the manifest.
    pub layers: Vec<Layer>,
    pub format: ManifestFormat,
}

/// One layer.
#[derive(Debug)]
pub struct Layer {
    pub descriptor: Descriptor,
    pub diff_id: String,
    pub file: File,
    /// What the bytes are, whatever the media type says.
    pub compression: Compression,
    pub task: Task,
}

/// What becomes of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    Keep,
    Decompress,
    Compress(Codec),
}

impl Plan {
    /// Opens an image by the descriptor of its manifest.
    pub fn open(store: &ImageStore, entry: &Descriptor, want: Want, options: &PushOptions) -> Result<Self> {
        let bytes = read_json_blob(&store.images, entry)?;
        let parsed = manifest::parse_manifest(&bytes, &entry.media_type)?;
        let config = read_json_blob(&store.images, &parsed.config)?;
        let diff_ids = manifest::parse_config(&config)?.diff_ids;
        if diff_ids.len() != parsed.layers.len() {
            crate::bail!("manifest has {} layers, its configuration {}", parsed.layers.len(), diff_ids.len());
        }
        let mut layers = Vec::with_capacity(diff_ids.len());
        for (descriptor, diff_id) in parsed.layers.iter().zip(diff_ids) {
            let path = store.blob_path(descriptor.hex()?);
            let file = File::open(&path).with_context(|| format!("opening `{}`", path.display()))?;
            let size = file.metadata().with_context(|| format!("reading `{}`", path.display()))?.len();
            if size != descriptor.size {
                return Err(corrupt(&descriptor.digest));
            }
            let mut head = Vec::new();
            (&file)
                .take(MAGIC as u64)
                .read_to_end(&mut head)
                .with_context(|| format!("reading `{}`", path.display()))?;
            let compression = Compression::detect(&head);
            let task = task(want, options, compression);
            layers.push(Layer { descriptor: descriptor.clone(), diff_id, file, compression, task });
        }
        let format = format(&parsed, options, &layers)?;
        Ok(Plan { manifest: bytes, parsed, config, layers, format })
    }
}

impl Layer {
    /// The blob from its beginning.
    pub fn reader(&self) -> FileReader<'_> {
        FileReader { file: &self.file, position: 0 }
    }
}

/// Reads a file at a position of its own.
#[derive(Debug)]
pub struct FileReader<'a> {
    file: &'a File,
    position: u64,
}

impl std::io::Read for FileReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let length = self.file.read_at(into, self.position)?;
        self.position += length as u64;
        Ok(length)
    }
}

fn task(want: Want, options: &PushOptions, compression: Compression) -> Task {
    if want == Want::Plain {
        return if compression == Compression::None { Task::Keep } else { Task::Decompress };
    }
    let codec = options.codec.unwrap_or(Codec::default_for(Format::Gzip));
    let same = match codec.format {
        Format::Gzip => compression == Compression::Gzip,
        Format::Zstd => compression == Compression::Zstd,
    };
    let wanted = options.force_compression
        // A format that was asked for is for all layers.
        || (options.codec_is_explicit && !same)
        || (compression == Compression::None && (want == Want::Compressed || options.compress));
    if wanted && !options.accept_uncompressed { Task::Compress(codec) } else { Task::Keep }
}

fn format(parsed: &Manifest, options: &PushOptions, layers: &[Layer]) -> Result<ManifestFormat> {
    let own = ManifestFormat::of(&parsed.media_type);
    let zstd = layers.iter().any(|layer| match layer.task {
        Task::Compress(codec) => codec.format == Format::Zstd,
        Task::Keep => layer.compression == Compression::Zstd,
        Task::Decompress => false,
    });
    match options.format {
        Some(ManifestFormat::Docker) if zstd => {
            Err(Error::new("manifests of Docker's format cannot have layers with zstd compression")
                .hint("use --format oci, or --compression-format gzip"))
        }
        Some(format) => Ok(format),
        None if zstd => Ok(ManifestFormat::Oci),
        None => Ok(own),
    }
}
