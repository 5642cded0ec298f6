//! GPG signatures of images in registries: files in a directory tree, or the same tree on a web server.
//!
//! ```text
//! <base>/<repository>@sha256=<hex of the manifest's digest>/signature-1
//!                                                          /signature-2 ...   until one is missing
//! ```
//!
//! Protocol: containers/image, "Signature access protocols", separate storage.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::Signature;
use crate::error::{Context, Error, Result};
use crate::image::reference::Reference;
use crate::image::registry::Client;
use crate::image::registry::client::read_limited;
use crate::image::registry::request::Request;
use crate::storage::atomic;

/// Who has more signatures than this wants to keep us busy.
pub const MAX_SIGNATURES: usize = 128;
/// And no signature is larger.
pub const MAX_SIZE: u64 = 4 << 20;

/// Where the signatures of the images of one repository are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookaside {
    /// A directory, the repository's name included, to which `@sha256=...` is added.
    Directory(PathBuf),
    /// A URL of that kind.
    Web(String),
}

impl Lookaside {
    /// The place below a base URL (`file://`, `http://` or `https://`) for a repository.
    pub fn new(base: &str, reference: &Reference) -> Result<Self> {
        let base = base.trim_end_matches('/');
        let lower = base.to_ascii_lowercase();
        if lower.starts_with("http://") || lower.starts_with("https://") {
            if base.contains(['?', '#']) || crate::image::registry::url::origin(base).is_none() {
                crate::bail!("`{}` is not a valid URL for signatures", base.escape_debug());
            }
            return Ok(Lookaside::Web(format!("{base}/{}", reference.repository)));
        }
        let path = base.strip_prefix("file://").map(|rest| rest.strip_prefix("localhost").unwrap_or(rest));
        match path.and_then(percent_decoded).filter(|path| path.starts_with('/') || path.is_empty()) {
            Some(path) => Ok(Lookaside::Directory(PathBuf::from(format!("{path}/{}", reference.repository)))),
            None => Err(Error::new(format!("`{}` is not a place for signatures", base.escape_debug()))
                .hint("in registries.d, write a URL that begins with file:///, http:// or https://")),
        }
    }

    /// All signatures of a manifest (`sha256` in hexadecimal digits). A missing one is the end, anything else that goes
    /// wrong an error.
    pub fn read(&self, hex: &str, client: &Client) -> Result<Vec<Signature>> {
        let mut signatures = Vec::new();
        loop {
            let number = signatures.len() + 1;
            let found = match self {
                Lookaside::Directory(dir) => read_file(&signature_path(dir, hex, number))?,
                Lookaside::Web(base) => {
                    let url = format!("{base}@sha256={hex}/signature-{number}");
                    fetch(client, &url).with_context(|| format!("reading signature from `{url}`"))?
                }
            };
            let Some(bytes) = found else { return Ok(signatures) };
            if number > MAX_SIGNATURES {
                crate::bail!("image has more than {MAX_SIGNATURES} signatures");
            }
            signatures.push(Signature::from_blob(bytes).with_context(|| format!("reading signature {number}"))?);
        }
    }

    /// Adds a signature, unless the very same is there.
    pub fn add(&self, hex: &str, signature: &[u8]) -> Result<()> {
        match self {
            Lookaside::Directory(dir) => add_to(&signatures_dir(dir, hex), signature),
            Lookaside::Web(base) => Err(Error::new(format!("writing signatures to `{base}` is not possible"))
                .hint("set `lookaside-staging` in registries.d to a file:/// URL")),
        }
    }
}

fn signatures_dir(dir: &Path, hex: &str) -> PathBuf {
    let mut name = dir.as_os_str().to_owned();
    name.push(format!("@sha256={hex}"));
    PathBuf::from(name)
}

fn signature_path(dir: &Path, hex: &str, number: usize) -> PathBuf {
    signatures_dir(dir, hex).join(format!("signature-{number}"))
}

/// A signature file; `None` where there is none.
pub fn read_file(path: &Path) -> Result<Option<Vec<u8>>> {
    use std::io::Read as _;
    let shown = || format!("reading signature `{}`", path.display());
    // Not to be kept waiting by a pipe.
    let file = match std::fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::from(e).wrap(shown())),
    };
    if !file.metadata().with_context(shown)?.is_file() {
        return Err(Error::new("it is not a file").wrap(shown()));
    }
    let mut bytes = Vec::new();
    file.take(MAX_SIZE + 1).read_to_end(&mut bytes).with_context(shown)?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(Error::new(format!("it is larger than {MAX_SIZE} bytes")).wrap(shown()));
    }
    Ok(Some(bytes))
}

fn fetch(client: &Client, url: &str) -> Result<Option<Vec<u8>>> {
    let mut answer = client.request(Request::get(url).expect(&[404]))?;
    if answer.status().as_u16() == 404 {
        return Ok(None);
    }
    read_limited(&mut answer, "signature").map(Some)
}

/// Puts a signature under the next free number. Each number is taken in one step (a link never replaces), so that two
/// signers at once both find a place.
pub fn add_to(dir: &Path, signature: &[u8]) -> Result<()> {
    // A web server, or other users, are to read it.
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o755).create(dir);
    made.with_context(|| format!("creating directory `{}`", dir.display()))?;
    let mut file = tempfile::Builder::new()
        .prefix(".tmp-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(dir)
        .with_context(|| format!("writing a signature in `{}`", dir.display()))?;
    let written = file.write_all(signature).and_then(|()| file.as_file().sync_all());
    written.with_context(|| format!("writing a signature in `{}`", dir.display()))?;
    for number in 1..=MAX_SIGNATURES {
        let path = dir.join(format!("signature-{number}"));
        match read_file(&path)? {
            Some(there) if there == signature => return Ok(()),
            Some(_) => continue,
            None => {}
        }
        match file.persist_noclobber(&path) {
            Ok(_) => return atomic::sync_dir(dir),
            Err(e) if e.error.kind() == std::io::ErrorKind::AlreadyExists => file = e.file,
            Err(e) => return Err(Error::from(e.error).wrap(format!("writing `{}`", path.display()))),
        }
    }
    crate::bail!("`{}` has {MAX_SIGNATURES} signatures already", dir.display())
}

/// A path with its `%41` decoded.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok().filter(|byte| *byte != 0)?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let reference = Reference::parse("quay.io/a/b:1").unwrap();
        let directory = |path: &str| Some(Lookaside::Directory(path.into()));
        let web = |url: &str| Some(Lookaside::Web(url.into()));
        let table = [
            ("file:///srv/sig%20s", directory("/srv/sig s/a/b")),
            ("file:///srv/", directory("/srv/a/b")),
            ("file://localhost/srv", directory("/srv/a/b")),
            ("file://other/srv", None),
            ("file:///srv%zz", None),
            ("file:///srv%", None),
            ("/srv", None),
            ("ftp://x/y", None),
            ("https://x.y/z/", web("https://x.y/z/a/b")),
            ("http://x.y", web("http://x.y/a/b")),
            ("http://x.y/?q", None),
            ("http://", None),
        ];
        for (base, expected) in table {
            assert_eq!(Lookaside::new(base, &reference).ok(), expected, "{base}");
        }
    }

    #[test]
    fn signatures_get_the_next_number_and_never_replace() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("a/b@sha256=00");
        for signature in [b"\x90one".as_slice(), b"\x90two", b"\x90one"] {
            add_to(&dir, signature).unwrap();
        }
        let mut names: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["signature-1", "signature-2"]);
        assert_eq!(read_file(&dir.join("signature-2")).unwrap().unwrap(), b"\x90two");
        assert_eq!(read_file(&dir.join("signature-3")).unwrap(), None);
        std::fs::create_dir(dir.join("signature-3")).unwrap();
        assert!(read_file(&dir.join("signature-3")).is_err());
    }
}
