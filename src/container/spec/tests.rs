//! The spec compared with the reference's, and how options change it.

use super::*;
use crate::container::devices::Device;
use crate::container::limits::HostLimit;
use crate::container::mounts::{ImageVolumes, parse_mount, parse_tmpfs, parse_volume};
use crate::container::security::Security;
use crate::container::{defaults, restart};

const ID: &str = "5814d761c23a9228ea46ba42038526976718411c9a07ad668e72aa5006e8bb4b";

fn place() -> Place {
    Place {
        id: ID.to_owned(),
        name: "web".to_owned(),
        container_dir: "/c".into(),
        run_dir: "/r".into(),
        volumes: "/volumes".into(),
        driver: "overlay".to_owned(),
        network: "slirp4netns".to_owned(),
        host: HostFacts {
            uid: 1001,
            gid: 1001,
            nofile: HostLimit { soft: 1024, hard: 524_288 },
            nproc: HostLimit { soft: 96365, hard: 96365 },
            hostname: "machine".to_owned(),
            ..Default::default()
        },
        ..Default::default()
    }
}

fn image() -> Image {
    Image {
        id: "6ada".to_owned(),
        digest: "sha256:f5b5".to_owned(),
        names: vec!["localhost/test:latest".to_owned()],
        layers: vec!["aa".to_owned(), "bb".to_owned()],
        config: ImageConfig {
            env: vec!["FOO=bar".to_owned()],
            cmd: Some(vec!["sh".to_owned()]),
            working_dir: "/home/podman".to_owned(),
            labels: BTreeMap::from([("from".to_owned(), "image".to_owned()), ("tier".to_owned(), "back".to_owned())]),
            exposed_ports: vec!["80/tcp".to_owned(), "nonsense".to_owned()],
            stop_signal: Some("SIGQUIT".to_owned()),
            ..Default::default()
        },
        ..Default::default()
    }
}

fn options() -> CreateOptions {
    CreateOptions {
        source: Source::Image("test".to_owned()),
        command: vec!["sleep".to_owned(), "1000".to_owned()],
        ..Default::default()
    }
}

fn prepared(options: &CreateOptions) -> Prepared {
    prepare(options, Some(&image()), &place()).unwrap()
}

fn json(options: &CreateOptions) -> serde_json::Value {
    serde_json::to_value(prepared(options).spec).unwrap()
}

/// One mount a line: destination, type, source, options.
fn mounts(options: &CreateOptions) -> Vec<String> {
    let prepared = prepared(options);
    let mounts = prepared.spec.mounts().clone().unwrap();
    let line = |m: &oci_spec::runtime::Mount| {
        let options = m.options().clone().unwrap().join(",");
        let source = m.source().clone().unwrap();
        format!("{} {} {} {options}", m.destination().display(), m.typ().clone().unwrap(), source.display())
    };
    mounts.iter().map(line).collect()
}

fn find(options: &CreateOptions, destination: &str) -> Option<String> {
    let found = mounts(options).into_iter().find(|line| line.split(' ').next() == Some(destination));
    found.map(|line| line[destination.len() + 1..].to_owned())
}

#[test]
fn the_mounts_are_the_references() {
    let mut options = options();
    options.mounts =
        vec![parse_tmpfs("/scratch").unwrap(), parse_volume("/etc:/data:nosuid,nodev", "/".as_ref()).unwrap()];
    let want = [
        "/sys sysfs sysfs nosuid,noexec,nodev,ro",
        "/proc proc proc nosuid,noexec,nodev",
        "/dev tmpfs tmpfs nosuid,strictatime,mode=755,size=65536k",
        "/scratch tmpfs tmpfs rw,rprivate,nosuid,nodev,tmpcopyup",
        "/data bind /etc rw,rprivate,nosuid,nodev,rbind",
        "/dev/pts devpts devpts nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5",
        "/dev/shm tmpfs shm nosuid,noexec,nodev,mode=1777,size=65536000",
        "/dev/mqueue mqueue mqueue nosuid,noexec,nodev",
        "/etc/hosts bind /c/hosts bind,rprivate",
        "/run/.containerenv bind /c/.containerenv bind,rprivate",
        "/etc/hostname bind /c/hostname bind,rprivate",
        "/etc/resolv.conf bind /c/resolv.conf bind,rprivate",
        "/sys/fs/cgroup cgroup cgroup rprivate,nosuid,noexec,nodev,relatime,ro",
    ];
    assert_eq!(mounts(&options), want);
    let record = prepared(&options).record;
    assert_eq!(record.tmpfs["/scratch"], "rw,rprivate,nosuid,nodev,tmpcopyup");
    assert_eq!(record.mounts[0].options, ["nosuid", "nodev", "rbind"]);
    assert!(record.mounts[0].rw && record.mounts[0].propagation == "rprivate");
}

#[test]
fn the_rest_is_the_references_too() {
    let spec = json(&options());
    let expect = |pointer: &str, want: serde_json::Value| {
        assert_eq!(spec.pointer(pointer), Some(&want), "{pointer}");
    };
    expect("/ociVersion", "1.2.0".into());
    expect("/hostname", "5814d761c23a".into());
    expect("/root/path", "/c/merged".into());
    expect("/process/args", serde_json::json!(["sleep", "1000"]));
    expect("/process/cwd", "/home/podman".into());
    expect("/process/user", serde_json::json!({ "uid": 0, "gid": 0, "umask": 18 }));
    expect(
        "/process/env",
        serde_json::json!([
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "container=podman",
            "FOO=bar",
            "HOSTNAME=5814d761c23a"
        ]),
    );
    expect(
        "/process/rlimits",
        serde_json::json!([
            { "type": "RLIMIT_NOFILE", "hard": 524_288, "soft": 524_288 },
            { "type": "RLIMIT_NPROC", "hard": 96365, "soft": 96365 }
        ]),
    );
    expect(
        "/linux/namespaces",
        serde_json::json!([
            { "type": "pid" }, { "type": "network" }, { "type": "ipc" }, { "type": "uts" }, { "type": "mount" },
            { "type": "cgroup" }
        ]),
    );
    expect("/linux/sysctl", serde_json::json!({ "net.ipv4.ping_group_range": "0 0" }));
    expect("/linux/resources", serde_json::json!({}));
    expect("/linux/maskedPaths", serde_json::json!(defaults::MASKED_PATHS));
    expect("/linux/readonlyPaths", serde_json::json!(defaults::READONLY_PATHS));
    assert_eq!(spec.pointer("/linux/seccomp"), None);
    for set in ["bounding", "effective", "permitted"] {
        let set = spec.pointer(&format!("/process/capabilities/{set}")).unwrap();
        let mut names: Vec<&str> = set.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, defaults::CAPABILITIES);
    }
    expect("/process/capabilities/inheritable", serde_json::json!([]));
    expect("/process/capabilities/ambient", serde_json::json!([]));
}

#[test]
fn the_record_says_what_was_decided() {
    let mut options = options();
    options.labels.insert("tier".to_owned(), "front".to_owned());
    let Prepared { record, warnings, seccomp, .. } = prepared(&options);
    assert_eq!(record.image_name, "localhost/test:latest");
    assert_eq!(record.layers, ["aa", "bb"]);
    assert_eq!(record.labels["from"], "image");
    assert_eq!(record.labels["tier"], "front");
    assert_eq!((record.stop_signal, record.stop_timeout, record.umask.as_str()), (3, 10, "0022"));
    assert_eq!(record.exposed_ports, ["80/tcp"]);
    assert_eq!(record.restart.name, "no");
    assert_eq!(record.log.path, Some("/c/ctr.log".into()));
    assert_eq!((record.ipc_mode.as_str(), record.pid_mode.as_str()), ("shareable", "private"));
    assert_eq!(record.annotations["org.opencontainers.image.stopSignal"], "3");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(seccomp, SeccompChoice::Default);
}

#[test]
fn sharing_namespaces_changes_their_file_systems() {
    let mut place = place();
    place.network = "host".to_owned();
    let shared = CreateOptions {
        pid: Sharing::Host,
        ipc: IpcMode::Host,
        uts: Sharing::Host,
        cgroup: Sharing::Host,
        publish: vec!["80".to_owned()],
        ..options()
    };
    let prepared = prepare(&shared, Some(&image()), &place).unwrap();
    let spec = serde_json::to_value(&prepared.spec).unwrap();
    assert_eq!(spec.pointer("/linux/namespaces"), Some(&serde_json::json!([{ "type": "mount" }])));
    assert_eq!(spec.pointer("/linux/sysctl"), Some(&serde_json::json!({})));
    assert_eq!(spec.pointer("/hostname"), None);
    assert_eq!(prepared.record.hostname, "machine");
    assert!(prepared.warnings.iter().any(|w| w.contains("discarded")), "{:?}", prepared.warnings);
    let binds: Vec<_> =
        prepared.spec.mounts().iter().flatten().filter(|m| m.typ().as_deref() == Some("bind")).collect();
    for path in ["/sys", "/proc", "/dev/shm"] {
        assert!(binds.iter().any(|m| m.destination() == std::path::Path::new(path)), "{path}");
    }
    let alone = CreateOptions { cgroup: Sharing::Host, ipc: IpcMode::None, ..options() };
    assert_eq!(find(&alone, "/sys/fs/cgroup").unwrap(), "bind /sys/fs/cgroup rprivate,nosuid,noexec,nodev,rro,rbind");
    assert_eq!(find(&alone, "/dev/shm"), None);
}

#[test]
fn privileged_sees_and_may_more() {
    let mut place = place();
    place.host.devices = vec![Device::parse("/dev/null").unwrap()];
    let options = CreateOptions { privileged: true, ..options() };
    let prepared = prepare(&options, Some(&image()), &place).unwrap();
    assert_eq!(prepared.seccomp, SeccompChoice::Unconfined);
    assert!(prepared.record.effective_caps.contains(&"CAP_SYS_ADMIN".to_owned()));
    let spec = serde_json::to_value(&prepared.spec).unwrap();
    assert_eq!(spec.pointer("/linux/maskedPaths"), Some(&serde_json::json!([])));
    assert_eq!(find(&options, "/sys").unwrap(), "sysfs sysfs nosuid,noexec,nodev,rw");
    let plain = CreateOptions { privileged: false, ..options.clone() };
    let plain = prepare(&plain, Some(&image()), &place).unwrap().spec;
    assert!(!plain.mounts().iter().flatten().any(|m| m.destination().ends_with("null")));
    let null = prepared.spec.mounts().iter().flatten().find(|m| m.destination().ends_with("null")).unwrap();
    assert_eq!(null.options().clone().unwrap().join(","), "slave,nosuid,noexec,rw,rbind");
}

#[test]
fn read_only_containers_can_still_write_where_programs_must() {
    let options = CreateOptions { read_only: true, ..options() };
    assert_eq!(find(&options, "/run").unwrap(), "tmpfs tmpfs rw,rprivate,nosuid,nodev,tmpcopyup");
    assert_eq!(find(&options, "/tmp").unwrap(), "tmpfs tmpfs rw,rprivate,nosuid,nodev,tmpcopyup");
    assert_eq!(find(&options, "/etc/hosts").unwrap(), "bind /c/hosts bind,rprivate,ro,nosuid,noexec,nodev");
    assert_eq!(json(&options).pointer("/root/readonly"), Some(&true.into()));
    let frozen = CreateOptions { no_read_only_tmpfs: true, ..options.clone() };
    assert_eq!(find(&frozen, "/tmp"), None);
    assert!(find(&frozen, "/dev").unwrap().ends_with(",ro"));
    assert!(find(&frozen, "/dev/shm").unwrap().ends_with(",ro"));
    let own = CreateOptions { mounts: vec![parse_tmpfs("/tmp:size=1m").unwrap()], ..options };
    assert!(find(&own, "/tmp").unwrap().ends_with("size=1m"));
}

#[test]
fn the_users_mounts_win() {
    let with = |text: &str| CreateOptions { mounts: parse_mount(text, "/".as_ref()).unwrap(), ..options() };
    let shm = with("type=tmpfs,dst=/dev/shm");
    assert_eq!(find(&shm, "/dev/shm").unwrap(), "tmpfs tmpfs rw,rprivate,nosuid,nodev,tmpcopyup");
    assert_eq!(mounts(&shm).iter().filter(|line| line.starts_with("/dev/shm ")).count(), 1);
    let dev = mounts(&with("type=bind,src=/dev,dst=/dev"));
    assert_eq!(dev.iter().filter(|line| line.starts_with("/dev")).count(), 1, "{dev:?}");
    assert_eq!(
        find(&with("type=bind,src=/etc/hosts,dst=/etc/hosts"), "/etc/hosts").unwrap(),
        "bind /etc/hosts rw,rprivate,rbind"
    );
    let nested =
        CreateOptions { mounts: vec![parse_tmpfs("/a/b/c").unwrap(), parse_tmpfs("/a").unwrap()], ..options() };
    let order: Vec<_> = mounts(&nested).into_iter().filter(|line| line.starts_with("/a")).collect();
    assert!(order[0].starts_with("/a "), "{order:?}");
}

#[test]
fn volumes_of_the_image() {
    let mut image = image();
    image.config.volumes = vec!["/data".to_owned(), "/own".to_owned(), "relative".to_owned(), "/x/../..".to_owned()];
    let mut options = CreateOptions { mounts: vec![parse_tmpfs("/own").unwrap()], ..options() };
    let Prepared { volumes, record, warnings, .. } = prepare(&options, Some(&image), &place()).unwrap();
    let point = &record.mounts[0];
    assert_eq!((point.kind.as_str(), point.name.len(), point.destination.to_str()), ("volume", 64, Some("/data")));
    assert_eq!(point.source, PathBuf::from(format!("/volumes/{}/_data", point.name)));
    let needed = NeededVolume { name: point.name.clone(), anonymous: true, options: BTreeMap::new() };
    assert_eq!(volumes, [needed]);
    assert_eq!(warnings.iter().filter(|w| w.contains("volume")).count(), 2);
    options.image_volumes = ImageVolumes::Tmpfs;
    let tmpfs = prepare(&options, Some(&image), &place()).unwrap();
    assert!(tmpfs.volumes.is_empty() && tmpfs.record.tmpfs.contains_key("/data"));
    options.image_volumes = ImageVolumes::Ignore;
    let ignored = prepare(&options, Some(&image), &place()).unwrap();
    assert!(ignored.record.mounts.is_empty() && !ignored.record.tmpfs.contains_key("/data"));
}

#[test]
fn no_image_hides_what_the_kernel_shows() {
    for path in ["/proc", "/proc/sys", "/sys/", "/x/../dev"] {
        let mut image = image();
        image.config.volumes = vec![path.to_owned()];
        let error = prepare(&options(), Some(&image), &place()).unwrap_err();
        assert!(error.to_string().contains("the kernel's own files"), "{path}: {error}");
        let ignored = CreateOptions { image_volumes: ImageVolumes::Ignore, ..options() };
        assert!(prepare(&ignored, Some(&image), &place()).is_ok());
        // What the user mounts there themselves is their own decision.
        let own =
            CreateOptions { mounts: vec![parse_volume(&format!("/usr:{path}"), "/".as_ref()).unwrap()], ..options() };
        assert!(prepare(&own, Some(&image), &place()).is_ok(), "{path}");
    }
}

#[test]
fn files_of_the_engine_can_be_declined() {
    let options = CreateOptions { no_hosts: Some(true), no_hostname: true, dns: vec!["none".to_owned()], ..options() };
    for path in ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"] {
        assert_eq!(find(&options, path), None, "{path}");
    }
}

#[test]
fn a_single_mapping_has_no_group_of_terminals() {
    let mut place = place();
    place.host.single_id_mapping = true;
    let spec = prepare(&options(), Some(&image()), &place).unwrap().spec;
    let pts = spec.mounts().iter().flatten().find(|m| m.typ().as_deref() == Some("devpts")).unwrap();
    assert!(!pts.options().clone().unwrap().contains(&"gid=5".to_owned()));
}

#[test]
fn small_settings_reach_the_spec() {
    let options = CreateOptions {
        user: Some("nobody:nogroup".to_owned()),
        umask: Some(0o077),
        oom_score_adj: Some(-500),
        hostname: Some("box".to_owned()),
        tty: true,
        security: Security::parse(&["no-new-privileges".to_owned(), "proc-opts=hidepid=2".to_owned()], "/".as_ref())
            .unwrap(),
        workdir: Some("/srv/../work".into()),
        ..options()
    };
    let spec = json(&options);
    for (pointer, want) in [
        ("/process/user/username", serde_json::json!("nobody:nogroup")),
        ("/process/user/umask", 63.into()),
        ("/process/oomScoreAdj", 0.into()),
        ("/process/terminal", true.into()),
        ("/process/noNewPrivileges", true.into()),
        ("/process/cwd", "/work".into()),
        ("/process/capabilities/effective", serde_json::json!([])),
        ("/hostname", "box".into()),
    ] {
        assert_eq!(spec.pointer(pointer), Some(&want), "{pointer}");
    }
    assert!(spec.pointer("/process/env").unwrap().to_string().contains("TERM=xterm"));
    assert_eq!(find(&options, "/proc").unwrap(), "proc proc nosuid,noexec,nodev,hidepid=2");
    let prepared = prepared(&options);
    assert!(prepared.warnings.iter().any(|w| w.contains("oom_score_adj=-500")));
    assert_eq!(prepared.record.oom_score_adj, Some(0));
}

#[test]
fn a_root_of_ones_own_needs_a_command() {
    let mut options =
        CreateOptions { source: Source::Rootfs { path: "/srv/root".into(), overlay: false }, ..options() };
    let Prepared { spec, record, .. } = prepare(&options, None, &place()).unwrap();
    assert_eq!(spec.root().clone().unwrap().path(), std::path::Path::new("/srv/root"));
    assert_eq!((record.rootfs, record.image_name.as_str()), (Some("/srv/root".into()), ""));
    options.command.clear();
    assert!(prepare(&options, None, &place()).unwrap_err().to_string().starts_with("no command or entrypoint"));
}

#[test]
fn contradictions() {
    let volume = |text: &str| parse_volume(text, "/".as_ref()).unwrap();
    for (options, part) in [
        (CreateOptions { uts: Sharing::Host, hostname: Some("x".to_owned()), ..options() }, "host UTS namespace"),
        (CreateOptions { hostname: Some("a b".to_owned()), ..options() }, "invalid hostname"),
        (CreateOptions { hostname: Some("x".repeat(65)), ..options() }, "invalid hostname"),
        (CreateOptions { ipc: IpcMode::Host, shm_size: Some(1), ..options() }, "cannot set shmsize"),
        (
            CreateOptions { auto_remove: true, restart: restart::parse("always").unwrap(), ..options() },
            "the --rm option conflicts with --restart",
        ),
        (
            CreateOptions { mounts: vec![volume("/nosuch:/x")], ..options() },
            "statfs /nosuch: no such file or directory",
        ),
        (
            CreateOptions { mounts: vec![volume("/etc:/x"), volume("/usr:/x/")], ..options() },
            "/x: duplicate mount destination",
        ),
        (
            CreateOptions {
                devices: vec![Device::parse("/dev/null:/x").unwrap()],
                mounts: vec![volume("/etc:/x")],
                ..options()
            },
            "/x: duplicate mount destination",
        ),
        (CreateOptions { devices: vec![Device::parse("/dev/nosuch").unwrap()], ..options() }, "stat /dev/nosuch"),
        (
            CreateOptions { cap_add: vec!["CAP_KILL".to_owned()], cap_drop: vec!["CAP_KILL".to_owned()], ..options() },
            "cannot be dropped and added",
        ),
    ] {
        let error = prepare(&options, Some(&image()), &place()).unwrap_err().to_string();
        assert!(error.contains(part), "{part}: {error}");
    }
    let kept = CreateOptions { auto_remove: true, restart: restart::parse("on-failure").unwrap(), ..options() };
    assert!(prepare(&kept, Some(&image()), &place()).is_ok());
}
