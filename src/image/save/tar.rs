//! A tar archive being written. A file is complete or not there; a device or a pipe is written to.
//!
//! Members have neither owner nor time, so that the same images give the same members.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use tempfile::NamedTempFile;

use super::Output;
use crate::error::{Context, Error, Result};
use crate::image::content::Content;

/// Data in archives is padded to this.
const RECORD: u64 = 512;

/// An archive.
pub struct Tar<'a> {
    out: BufWriter<Box<dyn Write + Send + 'a>>,
    /// What becomes the file, and where.
    file: Option<(NamedTempFile, PathBuf)>,
    shown: String,
}

impl<'a> Tar<'a> {
    /// Begins an archive. With `fresh`, there must be no file yet.
    pub fn create(output: Output<'a>, fresh: Option<Error>) -> Result<Self> {
        let path = match output {
            Output::Stream(stream) => {
                let out = BufWriter::with_capacity(1 << 18, Box::new(stream) as Box<dyn Write + Send>);
                return Ok(Tar { out, file: None, shown: "standard output".to_owned() });
            }
            Output::Path(path) => path,
        };
        let shown = path.display().to_string();
        let context = || format!("writing `{shown}`");
        let meta = std::fs::metadata(path);
        if meta.as_ref().is_ok_and(std::fs::Metadata::is_dir) {
            crate::bail!("writing `{shown}`: Is a directory");
        }
        if meta.as_ref().is_ok_and(|meta| !meta.is_file()) {
            let file = OpenOptions::new().write(true).open(path).with_context(context)?;
            let out = BufWriter::with_capacity(1 << 18, Box::new(file) as Box<dyn Write + Send>);
            return Ok(Tar { out, file: None, shown });
        }
        if let Some(refusal) = fresh.filter(|_| meta.is_ok_and(|meta| meta.len() > 0)) {
            return Err(refusal);
        }
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
        let mut builder = tempfile::Builder::new();
        // As the umask says, like any file that is written by name.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        let file = builder.prefix(".coracle-save-").permissions(mode).tempfile_in(dir).with_context(context)?;
        let writer = file.as_file().try_clone().with_context(context)?;
        let out = BufWriter::with_capacity(1 << 18, Box::new(writer) as Box<dyn Write + Send>);
        Ok(Tar { out, file: Some((file, path.to_owned())), shown })
    }

    /// Adds a small file.
    pub fn bytes(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.header(tar::EntryType::Regular, name, "", 0o444, bytes.len() as u64)?;
        self.write(bytes)?;
        self.pad(bytes.len() as u64)
    }

    /// Adds a directory.
    pub fn dir(&mut self, name: &str) -> Result<()> {
        self.header(tar::EntryType::Directory, name, "", 0o755, 0)
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, name: &str, target: &str) -> Result<()> {
        self.header(tar::EntryType::Symlink, name, target, 0o777, 0)
    }

    /// Adds content that is complete.
    pub fn content(&mut self, name: &str, content: &Content, advanced: &(dyn Fn(u64) + Sync)) -> Result<()> {
        let known = content.wait()?;
        self.header(tar::EntryType::Regular, name, "", 0o444, known.size)?;
        content.copy_to(&mut self.out, advanced).with_context(|| format!("writing `{}`", self.shown))?;
        self.pad(known.size)
    }

    /// Ends the archive and puts it in place.
    pub fn finish(mut self) -> Result<()> {
        self.write(&[0; 2 * RECORD as usize])?;
        let context = || format!("writing `{}`", self.shown);
        self.out.flush().with_context(context)?;
        if let Some((file, path)) = self.file {
            file.persist(&path).map_err(|e| e.error).with_context(|| format!("writing `{}`", path.display()))?;
        }
        Ok(())
    }

    fn header(&mut self, kind: tar::EntryType, name: &str, target: &str, mode: u32, size: u64) -> Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_path(name).with_context(|| format!("naming `{name}` in the archive"))?;
        if !target.is_empty() {
            header.set_link_name(target).with_context(|| format!("naming `{target}` in the archive"))?;
        }
        header.set_cksum();
        self.write(header.as_bytes())
    }

    fn pad(&mut self, size: u64) -> Result<()> {
        let rest = usize::try_from(size.next_multiple_of(RECORD) - size).unwrap_or(0);
        let zeros = [0; RECORD as usize];
        self.write(zeros.get(..rest).unwrap_or_default())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).with_context(|| format!("writing `{}`", self.shown))
    }
}
