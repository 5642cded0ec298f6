//! Devices of the host in a container (`--device`, `--privileged`).
//!
//! An unprivileged user cannot make device nodes, so that a device is a bind mount of the host's node.

use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use crate::bail;
use crate::error::{Context, Result};

/// One `--device`.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Device {
    /// A path of the host: a node, or a directory of nodes.
    pub host: PathBuf,
    pub container: PathBuf,
    /// Some of `r`, `w` and `m`.
    pub permissions: String,
}

impl Device {
    /// Reads `HOST[:CONTAINER][:PERMISSIONS]`.
    pub fn parse(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let (host, container, permissions) = match parts.as_slice() {
            [host] => (*host, *host, "rwm"),
            [host, mode] if is_mode(mode) => (*host, *host, *mode),
            [host, container] if container.starts_with('/') => (*host, *container, "rwm"),
            [_, mode] => bail!("invalid device mode: {mode}"),
            [host, container, mode] if is_mode(mode) => (*host, *container, *mode),
            [_, _, mode] => bail!("invalid device mode: {mode}"),
            _ => bail!("invalid device specification: {text}"),
        };
        if !host.starts_with('/') || !container.starts_with('/') {
            bail!("invalid device specification `{text}`: it is neither an absolute path nor the name of a CDI device");
        }
        let container = super::mounts::clean_destination(container)?;
        Ok(Device { host: PathBuf::from(host), container, permissions: permissions.to_owned() })
    }

    /// Checks that the host has it.
    pub fn check(&self) -> Result<()> {
        let metadata = match std::fs::metadata(&self.host) {
            Ok(metadata) => metadata,
            Err(error) => {
                let reason = super::mounts::go_reason(&error);
                bail!("stat {}: {reason}", self.host.display());
            }
        };
        let kind = metadata.file_type();
        if kind.is_dir() {
            return self.nodes().map(drop);
        }
        if !(kind.is_char_device() || kind.is_block_device()) {
            bail!("{} is not a valid device: not a device node", self.host.display());
        }
        Ok(())
    }

    /// The nodes that it stands for: itself, or those in its directory.
    pub fn nodes(&self) -> Result<Vec<Device>> {
        if !self.host.is_dir() {
            return Ok(vec![self.clone()]);
        }
        let mut found = Vec::new();
        nodes_below(&self.host, 0, &mut found)
            .with_context(|| format!("listing devices in `{}`", self.host.display()))?;
        if found.is_empty() {
            bail!("no devices found in {}: invalid argument", self.host.display());
        }
        found.sort();
        let one = |path: PathBuf| {
            let below = path.strip_prefix(&self.host).unwrap_or(&path);
            Device { container: self.container.join(below), permissions: self.permissions.clone(), host: path }
        };
        Ok(found.into_iter().map(one).collect())
    }

    /// The options of its bind mount.
    pub fn mount_options(&self) -> Vec<String> {
        let access = if self.permissions.contains('w') { "rw" } else { "ro" };
        ["slave", "nosuid", "noexec", access, "rbind"].map(str::to_owned).to_vec()
    }
}

fn is_mode(text: &str) -> bool {
    !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b"rwm".contains(&b))
}

/// Every device node below the host's /dev that this process may open: what a privileged container sees.
pub fn of_the_host(dev: &Path) -> Result<Vec<Device>> {
    let mut devices = Vec::new();
    collect(dev, &mut devices).with_context(|| format!("listing devices in `{}`", dev.display()))?;
    devices.sort_by(|a, b| a.container.cmp(&b.container));
    Ok(devices)
}

/// No directory of devices is deeper, or has more.
const MAX_DEPTH: usize = 8;
const MAX_NODES: usize = 4096;

fn nodes_below(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
        if kind.is_dir() && depth < MAX_DEPTH {
            match nodes_below(&path, depth + 1, found) {
                Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {}
                other => other?,
            }
        } else if (kind.is_char_device() || kind.is_block_device()) && found.len() < MAX_NODES {
            found.push(path);
        }
    }
    Ok(())
}

fn collect(dir: &Path, devices: &mut Vec<Device>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let (path, kind, name) = (entry.path(), entry.file_type()?, entry.file_name());
        if kind.is_dir() {
            // These are mounts of their own in every container.
            if !matches!(name.to_str(), Some("pts" | "shm" | "mqueue" | "fd" | ".udev" | ".lxc" | ".lxd-mounts")) {
                match collect(&path, devices) {
                    Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {}
                    other => other?,
                }
            }
        } else if (kind.is_char_device() || kind.is_block_device()) && !skipped(&name) && may_open(&path) {
            devices.push(Device { container: path.clone(), host: path, permissions: "rwm".to_owned() });
        }
    }
    Ok(())
}

/// The terminals of the host's console are its own, and every container has a /dev/console, /dev/ptmx and /dev/tty.
fn skipped(name: &std::ffi::OsStr) -> bool {
    let Some(name) = name.to_str() else { return true };
    matches!(name, "console" | "ptmx" | "tty")
        || name.strip_prefix("tty").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

fn may_open(path: &Path) -> bool {
    use rustix::fs::{Access, access};
    access(path, Access::READ_OK).is_ok() || access(path, Access::WRITE_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications() {
        for (text, host, container, permissions) in [
            ("/dev/fuse", "/dev/fuse", "/dev/fuse", "rwm"),
            ("/dev/fuse:r", "/dev/fuse", "/dev/fuse", "r"),
            ("/dev/fuse:/dev/x", "/dev/fuse", "/dev/x", "rwm"),
            ("/dev/fuse:/dev/x/:rw", "/dev/fuse", "/dev/x", "rw"),
        ] {
            let device = Device::parse(text).unwrap();
            assert_eq!(
                (device.host.to_str().unwrap(), device.container.to_str().unwrap()),
                (host, container),
                "{text}"
            );
            assert_eq!(device.permissions, permissions, "{text}");
        }
        for text in
            ["", "fuse", "/dev/fuse:", "/dev/fuse:x", "/dev/a:/dev/b:q", "/a:/b:r:w", "vendor.com/gpu=0", "/dev/a:/"]
        {
            assert!(Device::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_nodes_pass() {
        assert!(Device::parse("/dev/null").unwrap().check().is_ok());
        let missing = Device::parse("/dev/nosuch").unwrap().check().unwrap_err();
        assert_eq!(missing.to_string(), "stat /dev/nosuch: no such file or directory");
        let said = |text: &str| Device::parse(text).unwrap().check().unwrap_err().to_string();
        assert_eq!(said("/etc/passwd"), "/etc/passwd is not a valid device: not a device node");
        let empty = tempfile::tempdir().unwrap();
        let path = empty.path().to_str().unwrap();
        assert_eq!(said(path), format!("no devices found in {path}: invalid argument"));
    }

    #[test]
    fn a_privileged_container_sees_null() {
        let devices = of_the_host(Path::new("/dev")).unwrap();
        assert!(devices.iter().any(|d| d.host == Path::new("/dev/null")));
        assert!(!devices.iter().any(|d| d.host.starts_with("/dev/pts")));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[/a:rw.]{0,20}") {
            let _ = Device::parse(&text);
        }
    }
}
