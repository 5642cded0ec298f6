//! The mounts that a user asks for (`--volume`, `--mount`, `--tmpfs`), read into one form.
//!
//! Reading says nothing of whether a source exists: [`UserMount::check`] looks. What is mounted in every container is in
//! [`super::spec`].

mod from;
mod glob;
mod long;
mod options;
mod short;

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

pub use from::VolumesFrom;
pub use long::parse_mount;
pub use options::{NO_DEREFERENCE, is_propagation};
pub use short::{parse_tmpfs, parse_volume};

use crate::bail;
use crate::error::{Error, Result};
use crate::storage::id::is_valid_name;

/// One mount, with its options in their final form: every default filled in, contradictions refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserMount {
    pub kind: MountKind,
    /// Path in the container: absolute, without `.` and `..`, not the root.
    pub destination: PathBuf,
    /// Access first (`rw`, `ro`, `rro`), then propagation, then the others.
    pub options: Vec<String>,
    /// `z`, `Z` or nothing: labels of SELinux, of which only `inspect` tells.
    pub relabel: String,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountKind {
    /// A file or directory of the host; an absolute path.
    Bind(PathBuf),
    /// `O`: a directory of the host, with a layer over it that takes what the container writes.
    Overlay {
        source: PathBuf,
        /// `upperdir=` and `workdir=`: a layer of the user's own, which is kept. Otherwise it goes when the container stops.
        kept: Option<Kept>,
    },
    Image(ImageMount),
    Volume(VolumeSource),
    Tmpfs,
    Ramfs,
    Devpts,
}

/// The writable layer of an overlay that the user keeps; absolute paths of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub upper: PathBuf,
    pub work: PathBuf,
}

/// `type=image`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageMount {
    /// As typed.
    pub name: String,
    /// `rw`: what the container writes goes when it stops.
    pub writable: bool,
    /// `subpath`: an absolute path in the image; the image's root if it is `None`.
    pub subpath: Option<PathBuf>,
}

/// A volume of the engine's, made when it is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VolumeSource {
    /// `None` is one of the container's own, which gets a name when the container is made.
    pub name: Option<String>,
    /// What of the volume is mounted; relative. It is resolved inside the volume when the container starts.
    pub subpath: Option<PathBuf>,
    /// `volume-opt`: how it is made where it is not there.
    pub options: BTreeMap<String, String>,
}

impl VolumeSource {
    /// A volume by name.
    ///
    /// # Errors
    /// It cannot be the name of a volume.
    pub fn named(name: &str) -> Result<Self> {
        if is_valid_name(name) {
            return Ok(VolumeSource { name: Some(name.to_owned()), ..Self::default() });
        }
        let error =
            Error::new(format!("creating named volume \"{name}\": names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*"));
        Err(error.hint("to mount a directory of the host, write its path with a leading `/` or `./`"))
    }
}

/// `--image-volume`: what becomes of the volumes that an image declares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ImageVolumes {
    /// A volume without a name, filled with what the image has there.
    #[default]
    Anonymous,
    Tmpfs,
    Ignore,
}

impl ImageVolumes {
    /// Reads the value of `--image-volume`.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "" | "anonymous" | "bind" => Ok(ImageVolumes::Anonymous),
            "tmpfs" => Ok(ImageVolumes::Tmpfs),
            "ignore" => Ok(ImageVolumes::Ignore),
            other => bail!("invalid image-volume type \"{other}\": must be one of anonymous, tmpfs or ignore"),
        }
    }
}

impl UserMount {
    /// Whether the container may write there.
    pub fn is_writable(&self) -> bool {
        !self.options.iter().any(|o| o == "ro" || o == "rro")
    }

    /// The propagation that its options name.
    pub fn propagation(&self) -> &str {
        self.options.iter().find(|o| options::is_propagation(o)).map_or("rprivate", String::as_str)
    }

    /// Checks that its source may be given to the container's user, where that is asked for (`U`): what the host needs
    /// as it is may not, nor the whole home directory. The paths are those of the reference.
    pub fn check_chown(&self, home: Option<&Path>) -> Result<()> {
        const KEPT: [&str; 24] = [
            "/",
            "/bin",
            "/boot",
            "/dev",
            "/etc",
            "/etc/passwd",
            "/etc/pki",
            "/etc/shadow",
            "/home",
            "/lib",
            "/lib64",
            "/media",
            "/opt",
            "/proc",
            "/root",
            "/run",
            "/sbin",
            "/srv",
            "/sys",
            "/tmp",
            "/usr",
            "/var",
            "/var/lib",
            "/var/log",
        ];
        let source = match &self.kind {
            MountKind::Bind(source) | MountKind::Overlay { source, .. } if self.options.iter().any(|o| o == "U") => {
                source
            }
            _ => return Ok(()),
        };
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let shown = real(source);
        if KEPT.iter().any(|kept| shown == Path::new(kept)) || home.is_some_and(|home| shown == real(home)) {
            return Err(Error::new(format!("chowning host path \"{}\" is not allowed", shown.display()))
                .hint("mount a directory below it, or change the owner by hand with `coracle unshare chown -R`"));
        }
        Ok(())
    }

    /// Checks that what is to be mounted exists.
    pub fn check(&self) -> Result<()> {
        let check = |path: &Path, is_dir: bool| match std::fs::metadata(path) {
            Ok(meta) if is_dir && !meta.is_dir() => bail!("{}: not a directory", path.display()),
            Ok(_) => Ok(()),
            Err(error) => bail!("statfs {}: {}", path.display(), go_reason(&error)),
        };
        match &self.kind {
            // A link that is mounted as a link may lead nowhere.
            MountKind::Bind(source) if self.options.iter().any(|o| o == options::NO_DEREFERENCE) => {
                match std::fs::symlink_metadata(source) {
                    Ok(_) => Ok(()),
                    Err(error) => bail!("lstat {}: {}", source.display(), go_reason(&error)),
                }
            }
            MountKind::Bind(source) => check(source, false),
            MountKind::Overlay { source, kept } => {
                check(source, true)?;
                let own = kept.iter().flat_map(|kept| [&kept.upper, &kept.work]);
                own.into_iter().try_for_each(|path| check(path, true))
            }
            _ => Ok(()),
        }
    }
}

/// Checks that no two mounts have one destination.
pub fn check_duplicates(mounts: &[UserMount]) -> Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    match mounts.iter().find(|mount| !seen.insert(&mount.destination)) {
        Some(twice) => bail!("{}: duplicate mount destination", twice.destination.display()),
        None => Ok(()),
    }
}

/// Brings a path in the container to its shortest form, without looking at any file system.
pub fn clean_destination(text: &str) -> Result<PathBuf> {
    if text.is_empty() {
        bail!("container directory cannot be empty");
    }
    if !text.starts_with('/') {
        bail!("invalid container path \"{text}\", must be an absolute path");
    }
    if text.contains('\0') {
        bail!("invalid container path: it contains a null byte");
    }
    let clean = clean(Path::new(text));
    if clean == Path::new("/") {
        bail!("invalid container path \"{text}\": cannot mount over the root directory");
    }
    Ok(clean)
}

/// Removes `.` and resolves `..` by name alone; `..` of the root is the root. The result is absolute.
pub fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::ParentDir => {
                clean.pop();
            }
            Component::Normal(name) => clean.push(name),
            _ => {}
        }
    }
    clean
}

/// The system's words as the reference prints them: it begins them in lower case.
pub fn go_reason(error: &std::io::Error) -> String {
    let text = crate::error::os_message(error);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
