//! `container inspect`: everything about one container, with the keys of the reference in their order.
//!
//! What the engine cannot do yet has the value that the reference has where it is not used.

mod config;
mod host_config;
mod network;

use std::path::Path;

use serde_json::{Map, Value, json};

use super::ps_row::Size;
use crate::cli::format::time;
use crate::container::record::MountPoint;
use crate::container::store::Container;
use crate::container::{Record, State, Status};
use crate::engine::network::Shown;
use crate::storage::Roots;

/// The version of the OCI runtime specification that containers are described in.
const OCI_VERSION: &str = "1.2.0";

/// The object of a container. `size` is there with `--size`.
pub fn object(container: &Container, roots: &Roots, size: Option<Size>, shown: &Shown) -> Value {
    let Container { record, state, .. } = container;
    let dir = roots.container(&record.id);
    let file = |wanted: bool, name: &str| if wanted { path_text(&dir.join(name)) } else { String::new() };
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    put("Id", json!(record.id));
    put("Created", json!(time::rfc3339(Some(record.created))));
    put("Path", json!(record.command.first().map_or("", String::as_str)));
    put("Args", json!(record.command.get(1..).unwrap_or_default()));
    put("State", state_object(state));
    put("Image", json!(record.image_id));
    put("ImageDigest", json!(record.image_digest));
    put("ImageName", json!(record.image_name));
    put("Rootfs", json!(optional_path(record.rootfs.as_deref())));
    put("Pod", json!(""));
    // Who shares the network of another has that one's files.
    let owner = shown.of.as_ref().map_or(record, |of| &of.record);
    let named = |wanted: bool, name: &str| match wanted {
        true => path_text(&roots.container(&owner.id).join(name)),
        false => String::new(),
    };
    put("ResolvConfPath", json!(named(owner.dns.first().is_none_or(|dns| dns != "none"), "resolv.conf")));
    put("HostnamePath", json!(file(!record.no_hostname, "hostname")));
    put("HostsPath", json!(named(!record.no_hosts && !owner.no_hosts, "hosts")));
    put("StaticDir", json!(path_text(&dir)));
    put("OCIConfigPath", json!(file(true, "config.json")));
    put("OCIRuntime", json!("coracle"));
    put("ConmonPidFile", json!(optional_path(record.monitor_pid_file.as_deref())));
    put("PidFile", json!(optional_path(record.pid_file.as_deref())));
    put("Name", json!(record.name));
    put("RestartCount", json!(state.restart_count));
    put("Driver", json!(record.driver));
    put("MountLabel", json!(""));
    put("ProcessLabel", json!(""));
    put("AppArmorProfile", json!(""));
    put("EffectiveCaps", json!(record.effective_caps));
    put("BoundingCaps", json!(record.bounding_caps));
    put("ExecIDs", json!([]));
    put("GraphDriver", json!({"Name": record.driver, "Data": graph_data(record, state, roots)}));
    if let Some(size) = size {
        put("SizeRw", json!(size.rw));
        put("SizeRootFs", json!(size.root_fs));
    }
    put("Mounts", record.mounts.iter().map(mount_object).collect());
    put("Dependencies", json!(record.dependencies));
    put("NetworkSettings", network::settings(container, shown));
    put("Namespace", json!(""));
    put("IsInfra", json!(false));
    put("IsService", json!(false));
    put("KubeExitCodePropagation", json!("invalid"));
    put("lockNumber", json!(0));
    put("Config", config::object(record));
    put("HostConfig", host_config::object(record));
    put("UseImageHosts", json!(record.no_hosts));
    put("UseImageHostname", json!(record.no_hostname));
    Value::Object(object)
}

fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn optional_path(path: Option<&Path>) -> String {
    path.map(path_text).unwrap_or_default()
}

fn state_object(state: &State) -> Value {
    json!({
        "OciVersion": OCI_VERSION,
        "Status": state.status.as_str(),
        "Running": matches!(state.status, Status::Running | Status::Stopping),
        "Paused": state.status == Status::Paused,
        "Restarting": false,
        "OOMKilled": state.oom_killed,
        "Dead": false,
        "Pid": state.pid,
        "ConmonPid": state.monitor_pid,
        "ExitCode": state.exit_code,
        "Error": state.error,
        "StartedAt": time::rfc3339(state.started_at),
        "FinishedAt": time::rfc3339(state.finished_at),
        "Health": {"Status": "", "FailingStreak": 0, "Log": null},
        "CgroupPath": cgroup_path(state.pid),
        "CheckpointedAt": time::ZERO_RFC3339,
        "RestoredAt": time::ZERO_RFC3339,
    })
}

/// The path of a process's cgroup in the unified hierarchy; empty when there is no process.
fn cgroup_path(pid: i32) -> String {
    if pid <= 0 {
        return String::new();
    }
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or_default().to_owned()
}

fn graph_data(record: &Record, state: &State, roots: &Roots) -> Value {
    let dir = roots.container(&record.id);
    let mut data = Map::new();
    let mut put = |key: &str, value: String| data.insert(key.to_owned(), Value::String(value));
    if record.rootfs.is_some() && !record.rootfs_overlay {
        return Value::Object(data);
    }
    if record.driver != "vfs" && !record.rootfs_overlay {
        let layers = record.layers.iter().rev().map(|layer| path_text(&roots.layers().join(layer)));
        put("LowerDir", layers.collect::<Vec<_>>().join(":"));
    }
    // The root is mounted in the container's own mount namespace only: this is how it is reached from outside.
    put("MergedDir", if state.pid > 0 { format!("/proc/{}/root", state.pid) } else { String::new() });
    put("UpperDir", path_text(&dir.join("upper")));
    if record.driver != "vfs" {
        put("WorkDir", path_text(&dir.join("work")));
    }
    Value::Object(data)
}

fn mount_object(mount: &MountPoint) -> Value {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    put("Type", json!(mount.kind));
    if !mount.name.is_empty() {
        put("Name", json!(mount.name));
    }
    put("Source", json!(path_text(&mount.source)));
    put("Destination", json!(path_text(&mount.destination)));
    put("Driver", json!(if mount.kind == "volume" { "local" } else { "" }));
    put("Mode", json!(mount.mode));
    put("Options", if mount.kind == "image" { Value::Null } else { json!(mount.options) });
    put("RW", json!(mount.rw));
    put("Propagation", json!(mount.propagation));
    if !mount.subpath.as_os_str().is_empty() {
        put("SubPath", json!(path_text(&mount.subpath)));
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests;
