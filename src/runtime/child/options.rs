//! Mount options of an OCI spec, sorted by what the kernel wants to know them as.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::runtime::launch::SUBPATH;
use crate::sys::mount::{ATIME_MASK, Attributes, NOATIME, NODEV, NODIRATIME, NOEXEC, NOSUID, RDONLY, STRICTATIME};

/// Parsed options of one mount.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// A bind mount (`bind`, `rbind`), whatever the type says.
    pub bind: bool,
    /// With everything that is mounted beneath (`rbind`).
    pub recursive: bool,
    /// Attributes of the mount, and its propagation.
    pub attributes: Attributes,
    /// Propagation is for the whole tree (`rprivate` and so on).
    pub recursive_propagation: bool,
    /// Read-only for the whole tree (`rro`).
    pub recursive_read_only: bool,
    /// The source is given to the container's user (`U`).
    pub chown: bool,
    /// A symbolic link as the source is made anew (`copy-symlink`).
    pub copy_symlink: bool,
    /// `idmap`, with its mappings if there are any.
    pub idmap: Option<String>,
    /// What of the source is mounted (`x-subpath=`): a path inside it, as if it were the root.
    pub subpath: Option<PathBuf>,
    /// If it is empty, begin with a copy of what the image has there (`tmpcopyup`, `copy`).
    pub copy_up: bool,
    /// What the file system itself is to know: `size=65536k`, a flag without a value.
    pub data: Vec<(String, Option<String>)>,
}

/// Sorts the options of a mount.
///
/// # Errors
/// An option with a NUL byte.
pub fn parse<S: AsRef<str>>(options: &[S]) -> Result<Options> {
    let mut parsed = Options::default();
    for option in options {
        let option = option.as_ref();
        let attributes = &mut parsed.attributes;
        let mut set = |bit: u64| attributes.set |= bit;
        match option {
            "bind" => parsed.bind = true,
            "rbind" => (parsed.bind, parsed.recursive) = (true, true),
            "ro" => set(RDONLY),
            "rro" => {
                set(RDONLY);
                parsed.recursive_read_only = true;
            }
            "nosuid" => set(NOSUID),
            "nodev" => set(NODEV),
            "noexec" => set(NOEXEC),
            "noatime" => atime(attributes, NOATIME),
            "strictatime" => atime(attributes, STRICTATIME),
            "relatime" => atime(attributes, 0),
            "nodiratime" => set(NODIRATIME),
            // The defaults of a fresh mount; on a bind mount of the host's they cannot be forced by a user namespace.
            "rw" | "suid" | "dev" | "exec" | "atime" | "diratime" | "defaults" | "async" | "norelatime"
            | "nostrictatime" | "notmpcopyup" | "nocopy" | "z" | "Z" => {}
            "private" => attributes.propagation = libc::MS_PRIVATE,
            "slave" => attributes.propagation = libc::MS_SLAVE,
            "shared" => attributes.propagation = libc::MS_SHARED,
            "unbindable" => attributes.propagation = libc::MS_UNBINDABLE,
            "rprivate" => (attributes.propagation, parsed.recursive_propagation) = (libc::MS_PRIVATE, true),
            "rslave" => (attributes.propagation, parsed.recursive_propagation) = (libc::MS_SLAVE, true),
            "rshared" => (attributes.propagation, parsed.recursive_propagation) = (libc::MS_SHARED, true),
            "runbindable" => (attributes.propagation, parsed.recursive_propagation) = (libc::MS_UNBINDABLE, true),
            "tmpcopyup" | "copy" => parsed.copy_up = true,
            "U" => parsed.chown = true,
            "copy-symlink" => parsed.copy_symlink = true,
            "idmap" => parsed.idmap = Some(String::new()),
            other if other.contains('\0') => return Err(Error::new(format!("mount option `{other}` has a NUL byte"))),
            "" => {}
            other => parsed.data.push(match other.split_once('=') {
                Some(("idmap", value)) => {
                    parsed.idmap = Some(value.to_owned());
                    continue;
                }
                Some((SUBPATH, value)) => {
                    parsed.subpath = Some(value.into());
                    continue;
                }
                Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                None => (other.to_owned(), None),
            }),
        }
    }
    Ok(parsed)
}

fn atime(attributes: &mut Attributes, value: u64) {
    attributes.set = (attributes.set & !ATIME_MASK) | value;
    attributes.clear |= ATIME_MASK;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_sorted() {
        let o = parse(&["rbind", "rw", "rprivate", "nosuid", "nodev"]).unwrap_or_default();
        assert!(o.bind && o.recursive && o.recursive_propagation && o.data.is_empty());
        assert_eq!((o.attributes.set, o.attributes.propagation), (NOSUID | NODEV, libc::MS_PRIVATE));
        let o = parse(&["nosuid", "strictatime", "mode=755", "size=65536k", "tmpcopyup"]).unwrap_or_default();
        assert_eq!(o.attributes.set, NOSUID | STRICTATIME);
        assert_eq!(o.attributes.clear, ATIME_MASK);
        assert!(o.copy_up);
        assert_eq!(o.data, [("mode".into(), Some("755".into())), ("size".into(), Some("65536k".into()))]);
        let o = parse(&["rro", "bind"]).unwrap_or_default();
        assert!(o.recursive_read_only && o.attributes.set & RDONLY != 0);
        assert!(parse(&["a\0b"]).is_err());
    }
}
