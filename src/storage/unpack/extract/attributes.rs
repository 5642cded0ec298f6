//! Owner, mode and extended attributes of what [`super`] makes.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Gid, Mode, Uid, XattrFlags};
use rustix::io::Errno;

use super::{Extractor, Owners};
use crate::error::{Context, Error, Result};
use crate::storage::unpack::reader::Entry;

impl Extractor<'_> {
    /// Owner, then mode (which chown would have cleared of setuid), then extended attributes (as chown clears
    /// capabilities too).
    pub(super) fn attributes(&mut self, fd: impl AsFd, entry: &Entry) -> Result<()> {
        let (uid, gid) = entry.owner()?;
        // What was made just now is mostly as it shall be, and looking costs a fifth of setting.
        let now = rustix::fs::fstat(&fd).context("reading its attributes")?;
        let owned = (now.st_uid, now.st_gid) == (uid, gid);
        if !owned {
            let result = rustix::fs::fchown(&fd, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
            self.check_owner(result, entry)?;
        }
        if !owned || now.st_mode & 0o7777 != entry.mode {
            rustix::fs::fchmod(&fd, Mode::from_raw_mode(entry.mode)).context("setting its mode")?;
        }
        for (name, value) in &entry.xattrs {
            self.xattr(&fd, name, value)?;
        }
        Ok(())
    }

    pub(super) fn own_link(&mut self, parent: &OwnedFd, name: &[u8], entry: &Entry) -> Result<()> {
        let (uid, gid) = entry.owner()?;
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let result = rustix::fs::chownat(parent, name, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)), flags);
        self.check_owner(result, entry)
    }

    fn check_owner(&mut self, result: rustix::io::Result<()>, entry: &Entry) -> Result<()> {
        match result {
            Ok(()) => Ok(()),
            Err(Errno::INVAL | Errno::PERM) if self.owners == Owners::WherePossible => {
                self.done.warnings.add(
                    "ignored the owner of a file: only one user ID is mapped; files belong to root in the container",
                );
                Ok(())
            }
            Err(e) => Err(Error::from(e)
                .wrap(format!("setting its owner to {}:{}", entry.uid, entry.gid))
                .hint("the ranges in /etc/subuid and /etc/subgid must be large enough for the image's IDs")),
        }
    }

    fn xattr(&mut self, fd: impl AsFd, name: &[u8], value: &[u8]) -> Result<()> {
        let shown = || String::from_utf8_lossy(name).escape_debug().to_string();
        // What overlay file systems read as their own must not come from an archive.
        let refused: [&[u8]; 4] = [b"user.overlay.", b"trusted.", b"user.fuseoverlayfs.", b"user.containers."];
        if refused.iter().any(|prefix| name.starts_with(prefix)) || name.contains(&0) {
            self.done.warnings.add(&format!("ignored the extended attribute `{}`", shown()));
            return Ok(());
        }
        match rustix::fs::fsetxattr(fd, name, value, XattrFlags::empty()) {
            Ok(()) => Ok(()),
            // Labels of security modules and the like: not for a user namespace to set, and no part of the content.
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::INVAL) if name != b"security.capability" => {
                self.done.warnings.add(&format!("ignored the extended attribute `{}`", shown()));
                Ok(())
            }
            Err(Errno::PERM | Errno::OPNOTSUPP) if self.owners == Owners::WherePossible => {
                self.done.warnings.add("ignored file capabilities: they cannot be set here");
                Ok(())
            }
            Err(e) => Err(Error::from(e).wrap(format!("setting its extended attribute `{}`", shown()))),
        }
    }
}
