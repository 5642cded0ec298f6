//! The part `HostConfig`: what was asked for and ties the container to this host.

use serde_json::{Map, Value, json};

use super::{network, optional_path, path_text};
use crate::cli::format::units;
use crate::container::Record;
use crate::container::record::MountPoint;
use crate::runtime::userns::Extent;

pub(super) fn object(record: &Record) -> Value {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    put("Binds", record.mounts.iter().filter(|mount| mount.kind != "image").map(bind).collect());
    put("CgroupManager", json!("cgroupfs"));
    put("CgroupMode", json!(record.cgroup_mode));
    put("ContainerIDFile", json!(optional_path(record.cid_file.as_deref())));
    put(
        "LogConfig",
        json!({
            "Type": record.log.driver,
            "Config": null,
            "Path": optional_path(record.log.path.as_deref()),
            "Tag": record.log.tag,
            "Size": units::human_size_long(record.log.max_size),
        }),
    );
    put("NetworkMode", json!(network::mode(record)));
    put("PortBindings", network::bindings(record));
    put("RestartPolicy", json!({"Name": policy(record), "MaximumRetryCount": record.restart.max_retries}));
    put("AutoRemove", json!(record.auto_remove));
    put("AutoRemoveImage", json!(record.auto_remove_image));
    put("Annotations", json!(record.annotations));
    put("VolumeDriver", json!(""));
    put("VolumesFrom", if record.volumes_from.is_empty() { Value::Null } else { json!(record.volumes_from) });
    put("CapAdd", json!(record.cap_add));
    put("CapDrop", json!(record.cap_drop));
    put("Dns", json!(record.dns));
    put("DnsOptions", json!(record.dns_option));
    put("DnsSearch", json!(record.dns_search));
    put("ExtraHosts", json!(record.add_host));
    put("HostsFile", json!(record.hosts_file));
    put("GroupAdd", json!(record.group_add));
    put("IpcMode", json!(record.ipc_mode));
    put("Cgroup", json!(""));
    put("Cgroups", json!(if record.no_cgroup { "disabled" } else { "default" }));
    put("Links", Value::Null);
    put("OomScoreAdj", json!(record.oom_score_adj.unwrap_or_default()));
    put("PidMode", json!(record.pid_mode));
    put("Privileged", json!(record.privileged));
    put("PublishAllPorts", json!(record.publish_all));
    put("ReadonlyRootfs", json!(record.read_only));
    put("SecurityOpt", json!(record.security_opt));
    put("Tmpfs", json!(record.tmpfs));
    put("UTSMode", json!(record.uts_mode));
    put("UsernsMode", json!(record.userns_mode));
    if let Some(map) = record.id_map.as_ref().filter(|_| !record.userns_mode.is_empty()) {
        let side = |side: &[Extent]| -> Vec<String> {
            side.iter().map(|e| format!("{}:{}:{}", e.container_id, e.host_id, e.size)).collect()
        };
        put("IDMappings", json!({"UidMap": side(&map.uids), "GidMap": side(&map.gids)}));
    }
    put("ShmSize", json!(record.shm_size));
    put("Runtime", json!("oci"));
    put("ConsoleSize", json!([0, 0]));
    put("Isolation", json!(""));
    // Resource limits and devices of the block layer are not there yet.
    for key in ["CpuShares", "Memory", "NanoCpus"] {
        put(key, json!(0));
    }
    put("CgroupParent", json!(""));
    put("BlkioWeight", json!(0));
    for key in [
        "BlkioWeightDevice",
        "BlkioDeviceReadBps",
        "BlkioDeviceWriteBps",
        "BlkioDeviceReadIOps",
        "BlkioDeviceWriteIOps",
    ] {
        put(key, Value::Null);
    }
    for key in ["CpuPeriod", "CpuQuota", "CpuRealtimePeriod", "CpuRealtimeRuntime"] {
        put(key, json!(0));
    }
    put("CpusetCpus", json!(""));
    put("CpusetMems", json!(""));
    put("Devices", devices(record));
    for key in ["DiskQuota", "KernelMemory", "MemoryReservation", "MemorySwap", "MemorySwappiness"] {
        put(key, json!(0));
    }
    put("OomKillDisable", json!(false));
    put("PidsLimit", json!(0));
    put("Ulimits", ulimits(record));
    for key in ["CpuCount", "CpuPercent", "IOMaximumIOps", "IOMaximumBandwidth"] {
        put(key, json!(0));
    }
    put("CgroupConf", Value::Null);
    Value::Object(object)
}

fn policy(record: &Record) -> &str {
    if record.restart.name.is_empty() { "no" } else { &record.restart.name }
}

/// A mount in the form of `-v`.
fn bind(mount: &MountPoint) -> Value {
    let source = if mount.kind == "volume" { mount.name.clone() } else { path_text(&mount.source) };
    if matches!(mount.kind.as_str(), "devpts" | "ramfs") {
        return json!(format!("{}:{}", mount.kind, path_text(&mount.destination)));
    }
    if mount.options.first().is_some_and(|option| option == "O") {
        return json!(format!(
            "{}:{}:{}",
            path_text(&mount.source),
            path_text(&mount.destination),
            mount.options.join(",")
        ));
    }
    let access = if mount.rw { "rw" } else { "ro" };
    let mut options = vec![access, &mount.mode, &mount.propagation];
    options.extend(mount.options.iter().map(String::as_str));
    options.retain(|option| !option.is_empty());
    json!(format!("{source}:{}:{}", path_text(&mount.destination), options.join(",")))
}

fn devices(record: &Record) -> Value {
    let device = |device: &crate::container::devices::Device| {
        json!({
            "PathOnHost": path_text(&device.host),
            "PathInContainer": path_text(&device.container),
            "CgroupPermissions": device.permissions,
        })
    };
    record.devices.iter().map(device).collect()
}

fn ulimits(record: &Record) -> Value {
    // Unlimited is -1, as the reference has signed numbers.
    let number = |value: u64| i64::try_from(value).unwrap_or(-1);
    let limit = |limit: &crate::container::record::Ulimit| json!({"Name": limit.name, "Soft": number(limit.soft), "Hard": number(limit.hard)});
    record.ulimits.iter().map(limit).collect()
}
