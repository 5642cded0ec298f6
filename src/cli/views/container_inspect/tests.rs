//! `inspect` against the sample of the reference engine.

use std::path::PathBuf;

use super::*;
use crate::cli::views::inspect;
use crate::container::network::{Attachment, Interface};
use crate::container::record::{LogConfig, PortMapping, RestartPolicy, Ulimit};

fn sample() -> Value {
    let text = include_str!("../../../../tests/data/samples/container-inspect.json");
    serde_json::from_str::<Value>(text).unwrap()[0].clone()
}

fn strings(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap()
}

/// The container of the sample.
fn web() -> Container {
    let want = sample();
    let (config, host) = (&want["Config"], &want["HostConfig"]);
    let record = Record {
        id: want["Id"].as_str().unwrap().into(),
        name: "web".into(),
        created: want["Created"].as_str().unwrap().parse().unwrap(),
        image_name: want["ImageName"].as_str().unwrap().into(),
        image_id: want["Image"].as_str().unwrap().into(),
        image_digest: want["ImageDigest"].as_str().unwrap().into(),
        driver: "overlay".into(),
        layers: vec!["aa".into(), "bb".into()],
        create_command: strings(&config["CreateCommand"]),
        command: vec!["sleep".into(), "1000".into()],
        cmd: vec!["sleep".into(), "1000".into()],
        env: strings(&config["Env"]),
        working_dir: "/home/podman".into(),
        hostname: "5814d761c23a".into(),
        labels: serde_json::from_value(config["Labels"].clone()).unwrap(),
        annotations: serde_json::from_value(config["Annotations"].clone()).unwrap(),
        stop_signal: 15,
        stop_timeout: 10,
        umask: "0022".into(),
        log: LogConfig {
            driver: "k8s-file".into(),
            path: Some(host["LogConfig"]["Path"].as_str().unwrap().into()),
            ..LogConfig::default()
        },
        restart: RestartPolicy { name: "on-failure".into(), max_retries: 3 },
        network: "bridge".into(),
        ports: vec![PortMapping {
            container_port: 80,
            host_port: 18080,
            range: 1,
            protocol: "tcp".into(),
            ..PortMapping::default()
        }],
        mounts: vec![MountPoint {
            kind: "volume".into(),
            name: "myvol".into(),
            source: want["Mounts"][0]["Source"].as_str().unwrap().into(),
            destination: "/data".into(),
            options: vec!["nosuid".into(), "nodev".into(), "rbind".into()],
            rw: true,
            propagation: "rprivate".into(),
            ..MountPoint::default()
        }],
        tmpfs: serde_json::from_value(host["Tmpfs"].clone()).unwrap(),
        effective_caps: strings(&want["EffectiveCaps"]),
        bounding_caps: strings(&want["BoundingCaps"]),
        ulimits: vec![
            Ulimit { name: "RLIMIT_NOFILE".into(), soft: 1024, hard: 2048 },
            Ulimit { name: "RLIMIT_NPROC".into(), soft: 96365, hard: 96365 },
        ],
        shm_size: 65_536_000,
        ipc_mode: "shareable".into(),
        pid_mode: "private".into(),
        uts_mode: "private".into(),
        cgroup_mode: "private".into(),
        healthcheck: Some(config["Healthcheck"].clone()),
        ..Record::default()
    };
    let state = State {
        status: Status::Running,
        pid: 11696,
        monitor_pid: 11693,
        started_at: Some(want["State"]["StartedAt"].as_str().unwrap().parse().unwrap()),
        network: vec![Interface {
            network: "mynet".into(),
            interface: "eth0".into(),
            mac: "02:bb:42:9c:cf:1d".into(),
            addresses: vec![("10.89.0.2".parse().unwrap(), 24)],
            gateways: vec!["10.89.0.1".parse().unwrap()],
        }],
        ..State::default()
    };
    Container { record, state, is_lost: false }
}

/// Its network.
fn on_mynet() -> Shown {
    let id = sample()["NetworkSettings"]["Networks"]["mynet"]["NetworkID"].as_str().unwrap().to_owned();
    Shown { networks: vec![(Attachment { network: "mynet".into(), ..Attachment::default() }, id)], of: None }
}

fn roots() -> (tempfile::TempDir, Roots) {
    let dir = tempfile::tempdir().unwrap();
    let roots = Roots::open(&dir.path().join("data"), &dir.path().join("run")).unwrap();
    (dir, roots)
}

/// All paths of keys, in order, down to `depth`.
fn keys(value: &Value, depth: usize) -> Vec<String> {
    let Value::Object(fields) = value else { return Vec::new() };
    let mut all = Vec::new();
    for (key, field) in fields {
        all.push(key.clone());
        if depth > 0 && !["Networks", "Data"].contains(&key.as_str()) {
            all.extend(keys(field, depth - 1).into_iter().map(|inner| format!("{key}.{inner}")));
        }
    }
    all
}

#[test]
fn keys_and_values_are_those_of_the_sample() {
    let (_dir, roots) = roots();
    let (got, want) = (object(&web(), &roots, None, &on_mynet()), sample());
    assert_eq!(keys(&got, 3), keys(&want, 3));
    // What depends on the store, on processes that are not there, or on capabilities of later days.
    let differs = [
        "State",
        "ResolvConfPath",
        "HostnamePath",
        "HostsPath",
        "StaticDir",
        "OCIConfigPath",
        "OCIRuntime",
        "ConmonPidFile",
        "PidFile",
        "ExecIDs",
        "GraphDriver",
        "NetworkSettings",
        "lockNumber",
    ];
    for key in keys(&want, 0).iter().filter(|key| !differs.contains(&key.as_str())) {
        let (mut got, mut want) = (got[key].clone(), want[key].clone());
        if key == "Config" {
            (got["Secrets"], want["Secrets"]) = (Value::Null, Value::Null);
        }
        assert_eq!(got, want, "{key}");
    }
    let states =
        ["Status", "Running", "Paused", "Pid", "ConmonPid", "ExitCode", "StartedAt", "FinishedAt", "CheckpointedAt"];
    for key in states {
        assert_eq!(got["State"][key], want["State"][key], "State.{key}");
    }
    let (mut got, mut want) = (got["NetworkSettings"].clone(), want["NetworkSettings"].clone());
    (got["SandboxKey"], want["SandboxKey"]) = (Value::Null, Value::Null);
    assert_eq!(got, want);
}

#[test]
fn networks_of_every_kind() {
    let (_dir, roots) = roots();
    let mut web = web();
    // It does not run.
    web.state = State::default();
    let settings = |web: &Container, shown: &Shown| object(web, &roots, None, shown)["NetworkSettings"].clone();
    let stopped = settings(&web, &on_mynet());
    assert_eq!(stopped["Networks"]["mynet"]["IPAddress"], json!(""));
    assert_eq!(
        stopped["Networks"]["mynet"]["NetworkID"],
        sample()["NetworkSettings"]["Networks"]["mynet"]["NetworkID"]
    );
    assert_eq!(stopped["SandboxKey"], json!(""));
    // Two address families, and more than one address.
    web.state.network = vec![Interface {
        network: "mynet".into(),
        addresses: vec![
            ("10.1.0.2".parse().unwrap(), 24),
            ("fd00::2".parse().unwrap(), 64),
            ("10.2.0.2".parse().unwrap(), 16),
        ],
        gateways: vec!["10.1.0.1".parse().unwrap(), "fd00::1".parse().unwrap()],
        ..Interface::default()
    }];
    let both = settings(&web, &on_mynet())["Networks"]["mynet"].clone();
    assert_eq!(
        (&both["IPAddress"], &both["Gateway"], &both["IPPrefixLen"]),
        (&json!("10.1.0.2"), &json!("10.1.0.1"), &json!(24))
    );
    assert_eq!((&both["GlobalIPv6Address"], &both["IPv6Gateway"]), (&json!("fd00::2"), &json!("fd00::1")));
    assert_eq!(both["SecondaryIPAddresses"], json!([{"Addr": "10.2.0.2", "PrefixLength": 16}]));
    // Another container's network is shown as that one's.
    let donor = web.clone();
    let mut guest = web.clone();
    (guest.record.network, guest.record.ports) = (format!("container:{}", donor.record.id), Vec::new());
    let shared = Shown { of: Some(Box::new(donor)), ..on_mynet() };
    assert_eq!(settings(&guest, &shared)["Networks"]["mynet"]["IPAddress"], json!("10.1.0.2"));
    assert_eq!(settings(&guest, &shared)["Ports"]["80/tcp"][0]["HostPort"], json!("18080"));
    let mode = &object(&guest, &roots, None, &shared)["HostConfig"]["NetworkMode"];
    assert_eq!(*mode, json!(format!("container:{}", guest.record.id)));
    for (network, want) in
        [("none", json!("none")), ("host", json!("host")), ("slirp4netns:mtu=1500", json!("slirp4netns"))]
    {
        guest.record.network = network.into();
        let networks = settings(&guest, &Shown::default())["Networks"].clone();
        assert_eq!(networks[want.as_str().unwrap()]["NetworkID"], want);
    }
    guest.record.network = "ns:/run/netns/x".into();
    let foreign = settings(&guest, &Shown::default());
    assert_eq!((&foreign["Networks"], &foreign["SandboxKey"]), (&Value::Null, &json!("/run/netns/x")));
}

#[test]
fn paths_are_those_of_the_store() {
    let (_dir, roots) = roots();
    let mut web = web();
    web.record.no_hosts = true;
    web.record.exposed_ports = vec!["443/tcp".into()];
    let got = object(&web, &roots, Some(Size { rw: 3, root_fs: 10 }), &on_mynet());
    let dir = roots.container(&web.record.id);
    let text = |path: PathBuf| json!(path.to_string_lossy());
    assert_eq!(got["StaticDir"], text(dir.clone()));
    assert_eq!(got["HostsPath"], json!(""));
    assert_eq!(got["ResolvConfPath"], text(dir.join("resolv.conf")));
    let lower = format!("{}:{}", roots.layers().join("bb").display(), roots.layers().join("aa").display());
    assert_eq!(got["GraphDriver"]["Data"]["LowerDir"], json!(lower));
    assert_eq!(got["GraphDriver"]["Data"]["MergedDir"], json!("/proc/11696/root"));
    assert_eq!((&got["SizeRw"], &got["SizeRootFs"]), (&json!(3), &json!(10)));
    assert_eq!(got["NetworkSettings"]["Ports"]["443/tcp"], Value::Null);
    assert_eq!(got["NetworkSettings"]["SandboxKey"], json!("/proc/11696/ns/net"));
    assert_eq!(got["Config"]["ExposedPorts"], json!({"443/tcp": {}, "80/tcp": {}}));
    web.state.pid = std::process::id() as i32;
    assert!(object(&web, &roots, None, &on_mynet())["State"]["CgroupPath"].as_str().unwrap().starts_with('/'));
}

#[test]
fn templates_of_a_container() {
    let (_dir, roots) = roots();
    let object = object(&web(), &roots, None, &on_mynet());
    let cases = [
        ("{{.State.Status}} {{.State.Running}} {{.State.Pid}}", "running true 11696\n"),
        ("{{.Id}}|{{.ID}}", &format!("{0}|{0}\n", web().record.id)),
        ("{{.Name}} {{.ImageName}}", "web quay.io/libpod/testimage:20241011\n"),
        (
            "{{range .Mounts}}{{.Src}}:{{.Destination}}{{end}}",
            &format!("{}:/data\n", sample()["Mounts"][0]["Source"].as_str().unwrap()),
        ),
        ("{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}", "18080\n"),
        ("{{range $p, $c := .NetworkSettings.Ports}}{{$p}}={{(index $c 0).HostPort}};{{end}}", "80/tcp=18080;\n"),
        ("{{index .Config.Labels \"tier\"}} {{.Config.Labels.tier}}", "front front\n"),
        ("{{json .Config.Cmd}} {{json .Config.Entrypoint}}", "[\"sleep\",\"1000\"] null\n"),
        ("{{.Config.Entrypoint}} {{.Config.Cmd}}", "[] [sleep 1000]\n"),
        ("{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.LogConfig.Type}}", "on-failure k8s-file\n"),
        ("{{.State.ExitCode}} {{.State.OOMKilled}} {{.LockNumber}}", "0 false 0\n"),
        ("{{json .State.Health}}", "{\"Status\":\"\",\"FailingStreak\":0,\"Log\":null}\n"),
        ("{{.SizeRw}} {{.ImageDigest}}", &format!("<no value> {}\n", web().record.image_digest)),
        ("{{range .Config.Env}}{{println .}}{{end}}", &format!("{}\n\n", web().record.env.join("\n"))),
    ];
    for (format, want) in cases {
        let got = inspect::render(&[(object.clone(), &inspect::CONTAINER)], Some(format));
        assert_eq!(got.unwrap_or_else(|e| e.to_string()), want, "{format}");
    }
    let error = inspect::render(&[(object, &inspect::CONTAINER)], Some("{{.State.Nope}}")).unwrap_err().to_string();
    assert!(error.ends_with("at <.State.Nope>: can't evaluate field Nope in type State"), "{error}");
}
