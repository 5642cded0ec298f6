//! `info`: the host, the store and the engine, as YAML, JSON or through a template.

pub mod host;
mod programs;

use serde_json::{Value, json};

use self::host::Host;
use super::version::{self, Build};
use crate::cli::format::go_json::{self, Shape};
use crate::cli::format::template::{self, Schema};
use crate::cli::format::{is_json, yaml};
use crate::error::Result;
use crate::storage::Roots;

/// What templates of `info` know.
pub const SCHEMA: Schema = Schema {
    command: "info",
    type_name: "system.infoReport",
    free_maps: &["graphStatus", "graphOptions", "registries"],
    aliases: &[
        ("cgroupVersion", "CgroupsVersion"),
        ("cpus", "CPUs"),
        ("cpuUtilization", "CPUUtilization"),
        ("idMappings", "IDMappings"),
        ("gidmap", "GIDMap"),
        ("uidmap", "UIDMap"),
        ("ociRuntime", "OCIRuntime"),
        ("os", "OS"),
        ("apparmorEnabled", "AppArmorEnabled"),
        ("capabilities", "DefaultCapabilities"),
        ("seccompEnabled", "SECCOMPEnabled"),
        ("seccompProfilePath", "SECCOMPProfilePath"),
        ("selinuxEnabled", "SELinuxEnabled"),
        ("slirp4netns", "Slirp4NetNS"),
        ("container_id", "ContainerID"),
        ("host_id", "HostID"),
        ("dns", "DNS"),
    ],
    omitted: &[],
    headings: &[],
};

/// Consecutive IDs of the container and of the host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IdMap {
    pub container_id: u32,
    pub host_id: u32,
    pub size: u32,
}

/// How many containers there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub number: usize,
    pub running: usize,
    pub paused: usize,
    pub stopped: usize,
}

/// What the engine knows about itself.
#[derive(Debug, Clone)]
pub struct Engine {
    pub roots: Roots,
    /// `overlay`, `fuse-overlayfs` or `vfs`.
    pub driver: String,
    pub containers: Counts,
    pub images: usize,
    pub rootless: bool,
    /// Capabilities that a container has by default.
    pub capabilities: Vec<String>,
    pub uid_map: Vec<IdMap>,
    pub gid_map: Vec<IdMap>,
    /// The uplink of bridge networks: `slirp4netns` or `pasta`.
    pub network_helper: String,
    pub log_driver: String,
    /// The configured registries, for the part of the same name.
    pub registries: Value,
    pub build: Build,
}

/// Shows everything: as YAML, as JSON, or through a template.
///
/// # Errors
/// When the template is wrong.
pub fn render(engine: &Engine, host: &Host, format: Option<&str>) -> Result<String> {
    // Asking programs and the package manager takes time: only when it is shown.
    let is_shown = |name: &str| {
        format.is_none_or(|format| is_json(format) || format.to_lowercase().contains(name) || format.contains("json"))
    };
    let object = object(engine, host, &is_shown);
    match format {
        None => Ok(yaml::to_yaml(&object)),
        Some(format) if is_json(format) => go_json::pretty(&object, Shape::Listing),
        Some(format) => template::render_one(format, &object, &SCHEMA),
    }
}

fn object(engine: &Engine, host: &Host, is_shown: &dyn Fn(&str) -> bool) -> Value {
    json!({
        "host": host_object(engine, host, is_shown),
        "store": store_object(engine),
        "registries": engine.registries,
        "plugins": {
            "volume": ["local"],
            "network": ["bridge"],
            "log": ["k8s-file", "json-file", "none", "passthrough"],
            "authorization": null,
        },
        "version": engine.build.json(),
    })
}

fn host_object(engine: &Engine, host: &Host, is_shown: &dyn Fn(&str) -> bool) -> Value {
    let program = |name: &str| if is_shown(name) { programs::program(name) } else { programs::unknown() };
    let itself = std::env::current_exe().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    let own_version = format!("coracle version {}", engine.build.version);
    let map = |extents: &[IdMap]| -> Value {
        let extent = |e: &IdMap| json!({"container_id": e.container_id, "host_id": e.host_id, "size": e.size});
        extents.iter().map(extent).collect()
    };
    json!({
        "arch": version::arch(),
        "buildahVersion": "",
        "cgroupManager": "cgroupfs",
        "cgroupVersion": host.cgroup_version,
        "cgroupControllers": host.cgroup_controllers,
        // The monitor is a part of the engine, and so is the runtime.
        "conmon": {"package": "", "path": itself, "version": own_version},
        "cpus": host.cpus,
        "cpuUtilization": {
            "userPercent": host.cpu.user, "systemPercent": host.cpu.system, "idlePercent": host.cpu.idle,
        },
        "databaseBackend": "files",
        "distribution": host.distribution.json(),
        "eventLogger": "none",
        // Locks are files, which do not run out. Tools warn when this is low.
        "freeLocks": 2048,
        "hostname": host.hostname,
        "idMappings": {"gidmap": map(&engine.gid_map), "uidmap": map(&engine.uid_map)},
        "kernel": host.kernel,
        "logDriver": engine.log_driver,
        "memFree": host.mem_free,
        "memTotal": host.mem_total,
        // Bridges, firewall and names are parts of the engine; the files are netavark's.
        "networkBackend": "coracle",
        "networkBackendInfo": {
            "backend": "coracle", "version": own_version, "package": "", "path": itself,
            "dns": {"version": own_version, "package": "", "path": itself},
        },
        "ociRuntime": {
            "name": "coracle", "package": "", "path": itself, "version": format!("{own_version}\nspec: 1.2.0"),
        },
        "os": "linux",
        "remoteSocket": {"path": "", "exists": false},
        "rootlessNetworkCmd": engine.network_helper,
        "serviceIsRemote": false,
        "security": {
            "apparmorEnabled": false,
            "capabilities": engine.capabilities.join(","),
            "rootless": engine.rootless,
            "seccompEnabled": host.seccomp,
            "seccompProfilePath": "builtin",
            "selinuxEnabled": false,
        },
        "slirp4netns": program("slirp4netns"),
        "pasta": program("pasta"),
        "swapFree": host.swap_free,
        "swapTotal": host.swap_total,
        "uptime": host.uptime,
        "variant": "",
        "linkmode": "static",
    })
}

fn store_object(engine: &Engine) -> Value {
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let Counts { number, running, paused, stopped } = engine.containers;
    let root = host::file_system(engine.roots.data());
    let is_overlay = (engine.driver == "overlay").to_string();
    json!({
        "configFile": "",
        "containerStore": {"number": number, "paused": paused, "running": running, "stopped": stopped},
        "graphDriverName": engine.driver,
        "graphOptions": {},
        "graphRoot": text(engine.roots.data()),
        "graphRootAllocated": root.size,
        "graphRootUsed": root.used,
        "graphStatus": {
            "Backing Filesystem": root.kind,
            "Native Overlay Diff": is_overlay,
            "Supports d_type": "true",
            "Supports shifting": "false",
            "Supports volatile": is_overlay,
            "Using metacopy": "false",
        },
        "imageCopyTmpDir": text(&engine.roots.tmp()),
        "imageStore": {"number": engine.images},
        "runRoot": text(engine.roots.run()),
        "volumePath": text(&engine.roots.data().join("volumes")),
        "transientStore": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine() -> (tempfile::TempDir, Engine) {
        let dir = tempfile::tempdir().unwrap();
        let roots = Roots::open(&dir.path().join("data"), &dir.path().join("run")).unwrap();
        let engine = Engine {
            roots,
            driver: "overlay".into(),
            containers: Counts { number: 4, running: 3, paused: 0, stopped: 1 },
            images: 2,
            rootless: true,
            capabilities: vec!["CAP_CHOWN".into(), "CAP_KILL".into()],
            uid_map: vec![IdMap { container_id: 0, host_id: 1001, size: 1 }],
            gid_map: vec![IdMap { container_id: 0, host_id: 1001, size: 1 }],
            network_helper: "slirp4netns".into(),
            log_driver: "k8s-file".into(),
            registries: json!({}),
            build: Build::of_this(),
        };
        (dir, engine)
    }

    fn keys(value: &Value, depth: usize) -> Vec<String> {
        let Value::Object(fields) = value else { return Vec::new() };
        let inner = |(key, field): (&String, &Value)| {
            let below = if depth > 0 { keys(field, depth - 1) } else { Vec::new() };
            std::iter::once(key.clone()).chain(below).collect::<Vec<_>>()
        };
        fields.iter().flat_map(inner).collect()
    }

    #[test]
    fn json_has_the_keys_of_the_sample() {
        let (_dir, engine) = engine();
        let sample: Value = serde_json::from_str(include_str!("../../../tests/data/samples/info.json")).unwrap();
        let text = render(&engine, &Host::read(), Some("json")).unwrap();
        let got: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(keys(&got, 0), keys(&sample, 0));
        for part in ["store", "plugins", "version"] {
            assert_eq!(keys(&got[part], 1), keys(&sample[part], 1), "{part}");
        }
        assert_eq!(keys(&got["host"], 0), keys(&sample["host"], 0));
        for part in
            ["conmon", "cpuUtilization", "idMappings", "ociRuntime", "remoteSocket", "security", "slirp4netns", "pasta"]
        {
            assert_eq!(keys(&got["host"][part], 0), keys(&sample["host"][part], 0), "{part}");
        }
        assert!(got["store"]["graphRootAllocated"].as_u64().unwrap() > 0);
    }

    #[test]
    fn yaml_and_templates() {
        let (_dir, engine) = engine();
        let host = Host::read();
        let text = render(&engine, &host, None).unwrap();
        assert!(
            text.starts_with("host:\n  arch: ") && text.contains("\nstore:\n") && text.contains("\nversion:\n"),
            "{text}"
        );
        let cases = [
            ("{{.Host.Security.Rootless}} {{.Host.OS}}", "true linux\n"),
            ("{{.Store.GraphDriverName}} {{.Store.ContainerStore.Running}}", "overlay 3\n"),
            ("{{.Host.OCIRuntime.Name}} {{.Host.LogDriver}}", "coracle k8s-file\n"),
            ("{{range .Host.IDMappings.UIDMap}}{{.HostID}}{{end}}", "1001\n"),
            ("{{json .Store.ImageStore}}", "{\"number\":2}\n"),
        ];
        for (format, want) in cases {
            assert_eq!(render(&engine, &host, Some(format)).unwrap_or_else(|e| e.to_string()), want, "{format}");
        }
        for name in ["CgroupsVersion", "CPUs", "MemTotal", "RootlessNetworkCmd", "Kernel", "Distribution.Distribution"]
        {
            render(&engine, &host, Some(&format!("{{{{.Host.{name}}}}}"))).unwrap();
        }
        assert!(render(&engine, &host, Some("{{.Host.Nope}}")).is_err());
    }
}
