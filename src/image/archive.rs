//! Archives of images as files: a tar archive indexed once, so that its members can be read in any order.
//!
//! What cannot be read twice or out of order (standard input, a compressed archive) goes through a temporary file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use super::flow::space_hint;
use super::manifest::MAX_JSON;
use super::reference::sha256_hex;
use super::store::ImageStore;
use crate::error::{Context, Error, Result};
use crate::storage::unpack::beneath;
use crate::storage::unpack::compression::{Compression, MAGIC};
use crate::storage::unpack::{Kind, Reader};
use crate::storage::workdir::WorkDir;

/// Members beyond this are not those of an image.
const MAX_MEMBERS: usize = 200_000;

/// Members of an image, by path.
pub(super) enum Members {
    Tar { file: Arc<File>, index: HashMap<Vec<u8>, Member>, _workspace: Option<WorkDir> },
    Dir(std::path::PathBuf),
}

/// Where a member is.
#[derive(Debug, Clone)]
pub(super) enum Member {
    At {
        offset: u64,
        size: u64,
    },
    /// A link to another member, by clean path.
    Link(Vec<u8>),
}

impl Members {
    /// Opens an archive or an OCI directory at a path.
    pub(super) fn open(store: &ImageStore, path: &Path) -> Result<Self> {
        if path.is_dir() {
            return Ok(Members::Dir(path.to_owned()));
        }
        let mut file = File::open(path).with_context(|| format!("opening `{}`", path.display()))?;
        let mut head = Vec::new();
        (&mut file)
            .take(MAGIC as u64)
            .read_to_end(&mut head)
            .with_context(|| format!("reading `{}`", path.display()))?;
        if Compression::detect(&head) == Compression::None && file.rewind().is_ok() {
            return Self::index(file, None);
        }
        Self::spool(store, &mut head.as_slice().chain(file))
    }

    /// Reads an archive from a stream, decompressing it, into a temporary file.
    pub(super) fn spool(store: &ImageStore, input: &mut (dyn Read + Send)) -> Result<Self> {
        let mut head = Vec::new();
        input.take(MAGIC as u64).read_to_end(&mut head).context("reading archive")?;
        if head.is_empty() {
            return Err(Error::new("the input is empty").hint("pass an archive with --input or on standard input"));
        }
        let compression = Compression::detect(&head);
        let mut reader = compression.decoder(BufReader::with_capacity(1 << 18, head.as_slice().chain(input)))?;
        let workspace = store.workspace()?;
        let path = workspace.path("archive");
        let mut file =
            File::options().read(true).write(true).create_new(true).open(&path).context("creating temporary file")?;
        std::io::copy(&mut reader, &mut file).context("reading archive").map_err(space_hint)?;
        drop(reader);
        Self::index(file, Some(workspace))
    }

    fn index(mut file: File, workspace: Option<WorkDir>) -> Result<Self> {
        let length = file.seek(SeekFrom::End(0)).context("reading archive")?;
        let file = Arc::new(file);
        let mut index = HashMap::new();
        // Each step reads headers at a known place and jumps over the data.
        let mut position = 0;
        while position < length {
            let section = Section { file: Arc::clone(&file), position, end: length };
            let mut reader = Reader::new(BufReader::with_capacity(4096, section));
            let Some(entry) = reader.next_entry().context("reading archive")? else { break };
            let size = reader.remaining();
            let offset = position + reader.position();
            let next = offset.checked_add(size).and_then(|end| end.checked_next_multiple_of(512));
            let Some(next) = next.filter(|_| offset.saturating_add(size) <= length) else {
                crate::bail!("archive is truncated: it ends within `{}`", entry.path.escape_ascii());
            };
            position = next;
            let path = beneath::clean(&entry.path)?;
            let member = match entry.kind {
                Kind::File if entry.sparse.is_none() => Member::At { offset, size },
                Kind::HardLink => Member::Link(beneath::clean(&entry.link)?),
                Kind::Symlink => {
                    // Relative to the directory of the link; docker save writes `../<id>/layer.tar`.
                    let (dir, _) = beneath::split(&path);
                    Member::Link(beneath::clean(&[dir, b"/", entry.link.as_slice()].concat())?)
                }
                _ => continue,
            };
            index.insert(path, member);
            if index.len() > MAX_MEMBERS {
                return Err(not_an_image());
            }
        }
        Ok(Members::Tar { file, index, _workspace: workspace })
    }

    /// Whether there is such a member.
    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Members::Tar { index, .. } => index.contains_key(name.as_bytes()),
            Members::Dir(dir) => dir.join(name).is_file(),
        }
    }

    /// Size and reader of a member. `name` must come from this program or have been cleaned.
    pub(super) fn open_member(&self, name: &str) -> Result<(u64, Box<dyn Read + Send>)> {
        match self {
            Members::Tar { file, index, .. } => {
                let (offset, size) = resolve(index, name)?;
                let section = Section { file: Arc::clone(file), position: offset, end: offset + size };
                Ok((size, Box::new(section)))
            }
            Members::Dir(dir) => {
                let path = dir.join(name);
                let file = File::open(&path).with_context(|| format!("opening `{}`", path.display()))?;
                let size = file.metadata().with_context(|| format!("reading `{}`", path.display()))?.len();
                Ok((size, Box::new(file)))
            }
        }
    }

    /// A small member as a whole.
    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>> {
        let (size, reader) = self.open_member(name)?;
        if size > MAX_JSON {
            crate::bail!("`{name}` in the archive is larger than {MAX_JSON} bytes");
        }
        let mut bytes = Vec::new();
        reader.take(MAX_JSON + 1).read_to_end(&mut bytes).with_context(|| format!("reading `{name}`"))?;
        Ok(bytes)
    }

    /// The path of a blob by its digest.
    pub(super) fn blob_name(digest: &str) -> Result<String> {
        match sha256_hex(digest) {
            Some(hex) => Ok(format!("blobs/sha256/{hex}")),
            None => crate::bail!("digest `{}` is malformed or not a SHA-256", digest.escape_debug()),
        }
    }
}

fn resolve(index: &HashMap<Vec<u8>, Member>, name: &str) -> Result<(u64, u64)> {
    let mut path = name.as_bytes();
    for _ in 0..16 {
        match index.get(path) {
            Some(Member::At { offset, size }) => return Ok((*offset, *size)),
            Some(Member::Link(target)) => path = target,
            None => crate::bail!("archive has no `{}`", name.escape_debug()),
        }
    }
    crate::bail!("`{}` in the archive is a link that leads nowhere", name.escape_debug())
}

/// The error for an archive without anything that an image has.
pub(super) fn not_an_image() -> Error {
    Error::new("this is not an archive of an image: it has neither `manifest.json` nor `index.json`")
        .hint("to make an image of the files in it, use `import`")
}

/// A part of a file, read at its own position.
struct Section {
    file: Arc<File>,
    position: u64,
    end: u64,
}

impl Read for Section {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let limit = left.min(into.len());
        let length = self.file.read_at(into.get_mut(..limit).unwrap_or_default(), self.position)?;
        self.position += length as u64;
        Ok(length)
    }
}
