//! One description: its form, and what must be true of it.

use serde::Deserialize;

use crate::bail;
use crate::error::{Context as _, Error, Result};

/// The content of a file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    pub cdi_version: String,
    /// `vendor.com/class`.
    pub kind: String,
    #[serde(default)]
    pub annotations: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    pub devices: Vec<Device>,
    /// With any of its devices.
    #[serde(default)]
    pub container_edits: ContainerEdits,
}

/// One device.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Device {
    pub name: String,
    #[serde(default)]
    pub annotations: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    pub container_edits: ContainerEdits,
}

/// What a container gets.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ContainerEdits {
    /// `NAME=VALUE`.
    pub env: Vec<String>,
    pub device_nodes: Vec<DeviceNode>,
    pub hooks: Vec<Hook>,
    pub mounts: Vec<Mount>,
    pub intel_rdt: Option<serde_json::Value>,
    pub net_devices: Vec<serde_json::Value>,
    #[serde(rename = "additionalGids")]
    pub additional_gids: Vec<u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DeviceNode {
    /// In the container.
    pub path: String,
    /// On the host; empty is the same.
    pub host_path: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub major: i64,
    pub minor: i64,
    pub file_mode: Option<u32>,
    /// Some of `r`, `w`, `m`; empty is all of them.
    pub permissions: String,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Mount {
    pub host_path: String,
    pub container_path: String,
    pub options: Vec<String>,
    #[serde(rename = "type")]
    pub kind: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Hook {
    pub hook_name: String,
    pub path: String,
    pub args: Vec<String>,
    pub env: Vec<String>,
    /// Seconds.
    pub timeout: Option<i64>,
}

/// The versions of the specification that this understands.
const VERSIONS: [&str; 9] = ["0.1.0", "0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0"];

/// More of anything in one file would be a mistake.
const MAX_ENTRIES: usize = 10_000;

impl Spec {
    /// Reads a description, in JSON or in YAML.
    pub fn parse(text: &str, json: bool) -> Result<Self> {
        let spec: Spec = if json {
            serde_json::from_str(text).context("it is not a CDI specification")?
        } else {
            let first_line = |e: serde_saphyr::Error| e.to_string().lines().next().unwrap_or_default().to_owned();
            serde_saphyr::from_str(text).map_err(|e| Error::new(first_line(e)).wrap("it is not a CDI specification"))?
        };
        spec.check()?;
        Ok(spec)
    }

    fn check(&self) -> Result<()> {
        if !VERSIONS.contains(&self.cdi_version.trim_start_matches('v')) {
            bail!("version `{}` of CDI is not known", self.cdi_version.escape_debug());
        }
        check_kind(&self.kind)?;
        let edits = || std::iter::once(&self.container_edits).chain(self.devices.iter().map(|d| &d.container_edits));
        let entries = edits().map(|e| e.env.len() + e.device_nodes.len() + e.hooks.len() + e.mounts.len());
        if self.devices.len() > MAX_ENTRIES || entries.sum::<usize>() > MAX_ENTRIES {
            bail!("it has more than {MAX_ENTRIES} entries");
        }
        let mut names = std::collections::BTreeSet::new();
        for device in &self.devices {
            if !is_device(&device.name) {
                bail!("`{}` is not the name of a device", device.name.escape_debug());
            }
            if !names.insert(&device.name) {
                bail!("device `{}` is described twice", device.name);
            }
        }
        if self.devices.is_empty() {
            bail!("it has no devices");
        }
        edits().try_for_each(ContainerEdits::check)
    }
}

impl ContainerEdits {
    fn check(&self) -> Result<()> {
        let is_variable = |text: &String| text.split_once('=').is_some_and(|(name, _)| !name.is_empty());
        for text in self.env.iter().chain(self.hooks.iter().flat_map(|hook| &hook.env)) {
            if !is_variable(text) || text.contains('\0') {
                bail!("`{}` is not an environment variable", text.escape_debug());
            }
        }
        let is_path = |path: &str| path.starts_with('/') && !path.contains('\0');
        for node in &self.device_nodes {
            if !is_path(&node.path) || !(node.host_path.is_empty() || is_path(&node.host_path)) {
                bail!("a device node has no absolute path");
            }
            if !matches!(node.kind.as_str(), "" | "b" | "c" | "u" | "p") {
                bail!("`{}` is not a type of device nodes", node.kind.escape_debug());
            }
            if !node.permissions.bytes().all(|b| b"rwm".contains(&b)) {
                bail!("`{}` are not permissions of a device node", node.permissions.escape_debug());
            }
        }
        for mount in &self.mounts {
            if mount.host_path.is_empty() || mount.host_path.contains('\0') || !is_path(&mount.container_path) {
                bail!("a mount has no host path, or no absolute container path");
            }
            if mount.options.iter().any(|option| option.contains('\0')) {
                bail!("a mount has an option with a null byte");
            }
        }
        for hook in &self.hooks {
            if !is_path(&hook.path) || hook.args.iter().any(|arg| arg.contains('\0')) {
                bail!("hook `{}` has no absolute path", hook.hook_name.escape_debug());
            }
        }
        Ok(())
    }
}

/// Whether this is `vendor/class`.
pub(super) fn check_kind(kind: &str) -> Result<()> {
    let ends = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.ends_with(|c: char| c.is_ascii_alphanumeric())
    };
    let all = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    match kind.split_once('/') {
        Some((vendor, class)) if [vendor, class].iter().all(|part| ends(part) && all(part)) => Ok(()),
        _ => bail!("`{}` is not a kind of devices (vendor.com/class)", kind.escape_debug()),
    }
}

/// Whether this can name a device of a kind.
pub(super) fn is_device(name: &str) -> bool {
    let end = |c: char| c.is_ascii_alphanumeric();
    name.starts_with(end)
        && name.ends_with(end)
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b))
}
