//! What several devices want of one container, put together.

use std::path::PathBuf;

use super::spec::ContainerEdits;
use crate::bail;
use crate::container::devices::Device;
use crate::container::mounts::{clean_destination, go_reason};
use crate::error::{Error, Result};

/// Everything that a container gets for its devices.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Edits {
    /// NAME=VALUE; a later one takes the place of an earlier one.
    pub env: Vec<String>,
    pub devices: Vec<Device>,
    pub mounts: Vec<Mount>,
    pub hooks: Vec<Hook>,
    /// Further groups of the container's user.
    pub groups: Vec<u32>,
}

/// A mount in the words of the OCI runtime spec.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mount {
    pub kind: String,
    pub source: PathBuf,
    pub destination: PathBuf,
    pub options: Vec<String>,
}

/// A program of the host's that is run when the container's mounts stand (OCI runtime spec, `createContainer`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hook {
    pub path: PathBuf,
    /// With the program's name.
    pub args: Vec<String>,
    pub env: Vec<String>,
    pub timeout: Option<i64>,
}

impl Edits {
    /// Adds what one description says.
    ///
    /// # Errors
    /// It wants what cannot be given.
    pub(super) fn add(&mut self, edits: &ContainerEdits) -> Result<()> {
        if edits.intel_rdt.is_some() || !edits.net_devices.is_empty() {
            bail!("it asks for Intel RDT or network devices, which an unprivileged user cannot give");
        }
        self.env.extend(edits.env.iter().cloned());
        self.groups.extend(edits.additional_gids.iter().filter(|gid| **gid != 0));
        for node in &edits.device_nodes {
            let host = if node.host_path.is_empty() { &node.path } else { &node.host_path };
            // An unprivileged user cannot make nodes: owner and mode are the host's.
            let device = Device {
                host: host.into(),
                container: clean_destination(&node.path)?,
                permissions: if node.permissions.is_empty() { "rwm".to_owned() } else { node.permissions.clone() },
            };
            if !self.devices.iter().any(|other| other.container == device.container) {
                self.devices.push(device);
            }
        }
        for mount in &edits.mounts {
            let binds = matches!(mount.kind.as_str(), "" | "none" | "bind");
            if !binds && mount.kind != "tmpfs" {
                bail!("it asks for a mount of type `{}`", mount.kind.escape_debug());
            }
            let mut options = mount.options.clone();
            if binds {
                if let Err(error) = std::fs::metadata(&mount.host_path) {
                    bail!("stat {}: {}", mount.host_path, go_reason(&error));
                }
                if !options.iter().any(|option| option == "bind" || option == "rbind") {
                    options.push("rbind".to_owned());
                }
            }
            // Options that would mean something to this runtime alone are not a description's to set.
            options.retain(|option| option != "U" && !option.starts_with("x-") && !option.starts_with("idmap"));
            let destination = clean_destination(&mount.container_path)?;
            self.mounts.retain(|other| other.destination != destination);
            self.mounts.push(Mount {
                kind: if binds { "bind".to_owned() } else { mount.kind.clone() },
                source: mount.host_path.clone().into(),
                destination,
                options,
            });
        }
        for hook in &edits.hooks {
            if hook.hook_name != "createContainer" {
                return Err(Error::new(format!(
                    "its hook `{}` of kind `{}` cannot be run: only createContainer is",
                    hook.path,
                    hook.hook_name.escape_debug()
                )));
            }
            let mut args = hook.args.clone();
            if args.is_empty() {
                args.push(hook.path.clone());
            }
            let timeout = hook.timeout.filter(|seconds| *seconds > 0);
            self.hooks.push(Hook { path: hook.path.clone().into(), args, env: hook.env.clone(), timeout });
        }
        Ok(())
    }
}
