//! One small file out of a stack of layers, without mounting them.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::error::{Context as _, Result};
use crate::storage::unpack::beneath;

/// Reads the file at `path` (clean, as overlayfs would show it) in `layers`, topmost first. `None` where there is none, or
/// something else than a regular file of at most `limit` bytes; symbolic links are not followed, not even on the way.
pub fn read_file(layers: &[PathBuf], path: &[u8], limit: u64) -> Result<Option<Vec<u8>>> {
    let (dir, name) = beneath::split(path);
    for layer in layers {
        let root = File::open(layer).with_context(|| format!("opening layer `{}`", layer.display()))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = rustix::fs::ResolveFlags::BENEATH | rustix::fs::ResolveFlags::NO_SYMLINKS;
        let parent = match rustix::fs::openat2(&root, dir, flags, Mode::empty(), resolve) {
            Ok(parent) => parent,
            Err(Errno::NOENT) => continue,
            // A whiteout, a file or a link hides what is below it.
            Err(Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(e) => return Err(e).with_context(|| format!("reading layer `{}`", layer.display())),
        };
        match beneath::stat(&parent, name).with_context(|| format!("reading layer `{}`", layer.display()))? {
            None if super::xattr::get(&parent, c"user.overlay.opaque")?.as_deref() == Some(b"y") => return Ok(None),
            None => {}
            Some(stat) if beneath::file_type(&stat) == FileType::RegularFile => {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                let file = rustix::fs::openat(&parent, name, flags, Mode::empty())
                    .with_context(|| format!("opening `{}` in a layer", super::shown(path)))?;
                let mut bytes = Vec::new();
                let read = File::from(file).take(limit + 1).read_to_end(&mut bytes);
                read.with_context(|| format!("reading `{}` in a layer", super::shown(path)))?;
                return Ok((bytes.len() as u64 <= limit).then_some(bytes));
            }
            Some(_) => return Ok(None),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topmost_wins_and_hides() {
        let home = tempfile::tempdir().unwrap();
        let layer = |name: &str, files: &[(&str, &str)]| {
            let root = home.path().join(name);
            std::fs::create_dir_all(root.join("etc")).unwrap();
            files.iter().for_each(|(path, text)| std::fs::write(root.join(path), text).unwrap());
            root
        };
        let low = layer("low", &[("etc/hosts", "low"), ("etc/only", "x")]);
        let high = layer("high", &[("etc/hosts", "high")]);
        let linked = layer("linked", &[]);
        std::os::unix::fs::symlink("/etc/passwd", linked.join("etc/hosts")).unwrap();
        let opaque = layer("opaque", &[]);
        rustix::fs::setxattr(opaque.join("etc"), "user.overlay.opaque", b"y", rustix::fs::XattrFlags::empty()).unwrap();
        let file_above = home.path().join("file");
        std::fs::create_dir(&file_above).unwrap();
        std::fs::write(file_above.join("etc"), "no directory").unwrap();
        let read = |layers: &[&PathBuf], path: &str| {
            let layers: Vec<PathBuf> = layers.iter().map(|layer| (*layer).clone()).collect();
            read_file(&layers, path.as_bytes(), 4).unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
        };
        assert_eq!(read(&[&high, &low], "etc/hosts").as_deref(), Some("high"));
        assert_eq!(read(&[&high, &low], "etc/only").as_deref(), Some("x"));
        assert_eq!(read(&[&high, &low], "etc/none"), None);
        for hiding in [&linked, &opaque, &file_above] {
            assert_eq!(read(&[hiding, &low], "etc/hosts"), None, "{hiding:?}");
        }
        assert_eq!(read_file(std::slice::from_ref(&low), b"etc/hosts", 2).unwrap(), None, "larger than wanted");
    }
}
