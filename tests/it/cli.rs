//! The command line itself: help, versions, nouns, formats, and the documents made of it.

use serde_json::Value;

use crate::support::Env;

#[test]
fn versions() {
    let env = Env::new();
    let version = env.ok(["--version"]);
    assert!(version.starts_with("coracle version "), "{version}");
    assert!(env.ok(["version"]).contains("Version:"));
    let json: Value = serde_json::from_str(&env.ok(["version", "--format", "json"])).unwrap();
    assert!(json["Client"]["Version"].is_string(), "{json}");
    assert_eq!(env.ok(["version", "--format", "{{.Client.Os}}"]), "linux");
    assert_eq!(env.ok(["-v"]), version);
}

/// These make no store and ask nothing of the host.
#[test]
fn help_needs_nothing() {
    let env = Env::new();
    for args in [
        &["--help"][..],
        &["run", "--help"],
        &["container", "--help"],
        &["image", "ls", "--help"],
        &["container", "run", "--help"],
    ] {
        let output = env.coracle(args).env("PATH", "/nothing").run().expect(0);
        assert!(output.stdout.contains("Usage") || output.stdout.contains("usage"), "{output}");
        assert!(output.stderr.is_empty(), "{output}");
    }
    assert!(!env.root().exists());
    assert!(env.fails(125, ["container"]).contains("coracle container"));
}

/// Every command of the foundation is there, alone and under its noun.
#[test]
fn commands_and_nouns() {
    let env = Env::new();
    let containers = [
        "run", "create", "start", "stop", "restart", "kill", "pause", "unpause", "rm", "ps", "logs", "attach", "exec",
        "wait", "inspect", "top", "rename", "init", "port", "export",
    ];
    let images = ["pull", "load", "import", "tag", "inspect"];
    for command in containers.iter().chain(&images).chain(&["images", "rmi", "info", "version", "unshare"]) {
        env.coracle([command, "--help"]).run().expect(0);
    }
    for command in containers.iter().chain(&["ls", "list"]) {
        env.coracle(["container", command, "--help"]).run().expect(0);
    }
    for command in images.iter().chain(&["ls", "list", "rm"]) {
        env.coracle(["image", command, "--help"]).run().expect(0);
    }
    env.coracle(["system", "info", "--help"]).run().expect(0);
}

#[test]
fn info_tells_about_the_host() {
    let env = Env::new();
    let json: Value = serde_json::from_str(&env.ok(["info", "--format", "json"])).unwrap();
    assert_eq!(json["host"]["os"], "linux");
    assert_eq!(json["host"]["security"]["rootless"], nix::unistd::getuid().as_raw() != 0);
    assert_eq!(json["store"]["graphRoot"], env.root().display().to_string());
    assert_eq!(json["store"]["runRoot"], env.runroot().display().to_string());
    assert_eq!(env.ok(["info", "--format", "{{.Host.OS}}"]), "linux");
}

#[test]
fn ps_formats() {
    let env = Env::busybox();
    let id = env.start("c", &["-l", "a=1"]);
    let table = env.ok(["ps"]);
    let mut lines = table.lines();
    let columns: Vec<&str> = lines.next().unwrap().split("  ").map(str::trim).filter(|s| !s.is_empty()).collect();
    assert_eq!(columns, ["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]);
    let line = lines.next().unwrap();
    assert!(
        line.starts_with(&id[..12])
            && line.contains("localhost/busybox:latest")
            && line.contains("Up ")
            && line.ends_with('c'),
        "{line}"
    );
    assert_eq!(env.ok(["ps", "-q"]), &id[..12]);
    assert_eq!(env.ok(["ps", "-q", "--no-trunc"]), id);
    assert_eq!(env.ok(["ps", "--noheading"]).lines().count(), 1);
    assert_eq!(
        env.ok(["ps", "--format", "{{.ID}} {{.Names}} {{.State}} {{.Labels.a}}"]),
        format!("{} c running 1", &id[..12])
    );
    let headed = env.ok(["ps", "--format", "table {{.ID}} {{.Names}}"]);
    assert!(headed.starts_with("CONTAINER ID") && headed.lines().count() == 2, "{headed}");
    let json: Value = serde_json::from_str(&env.ok(["ps", "--format", "json"])).unwrap();
    let sample: Value = serde_json::from_str(include_str!("samples/ps.json")).unwrap();
    for key in sample[0].as_object().unwrap().keys() {
        assert!(json[0].get(key).is_some(), "ps has no {key}: {json}");
    }
    assert!(env.fails(125, ["ps", "--format", "{{.NoSuch}}"]).contains("NoSuch"));
    env.fails(125, ["ps", "--format", "{{"]);
}

#[test]
fn inspect_has_the_references_keys() {
    let env = Env::busybox();
    env.start("c", &[]);
    for (name, sample) in
        [("c", include_str!("samples/container-inspect.json")), ("busybox", include_str!("samples/image-inspect.json"))]
    {
        let got: Value = serde_json::from_str(&env.ok(["inspect", name])).unwrap();
        let sample: Value = serde_json::from_str(sample).unwrap();
        let mut missing = Vec::new();
        compare("", &sample[0], &got[0], &mut missing);
        assert!(missing.is_empty(), "inspect of {name} lacks: {missing:#?}");
    }
    assert_eq!(env.ok(["inspect", "--format", "{{.State.Status}} {{.Name}}", "c"]), "running c");
    assert_eq!(env.ok(["inspect", "-f", "{{json .State.Running}}", "c"]), "true");
    let both: Value = serde_json::from_str(&env.ok(["inspect", "c", "busybox"])).unwrap();
    assert_eq!(both.as_array().unwrap().len(), 2);
    let output = env.coracle(["inspect", "nosuch"]).run().expect(125);
    assert_eq!(output.stdout.trim(), "[]");
}

/// Objects whose keys are data, and what only some containers have.
const FREE: [&str; 9] = [
    ".NetworkSettings.Networks",
    ".NetworkSettings.Ports",
    ".Config.Labels",
    ".Config.ExposedPorts",
    ".Config.Annotations",
    ".Config.Healthcheck",
    ".Labels",
    ".HostConfig.Annotations",
    ".HostConfig.PortBindings",
];

fn compare(path: &str, sample: &Value, got: &Value, missing: &mut Vec<String>) {
    let Some(sample) = sample.as_object() else { return };
    for (key, value) in sample {
        let path = format!("{path}.{key}");
        match got.get(key) {
            _ if FREE.contains(&path.as_str()) || path.starts_with(".HostConfig.Tmpfs.") => {}
            None => missing.push(path),
            Some(got) => compare(&path, value, got, missing),
        }
    }
}

#[test]
fn unshare_is_root_of_the_users_namespace() {
    let env = Env::new();
    assert_eq!(env.ok(["unshare", "id", "-u"]), "0");
    assert_eq!(env.ok(["unshare", "sh", "-c", "wc -l < /proc/self/uid_map"]), "2");
    env.coracle(["unshare", "sh", "-c", "exit 7"]).run().expect(7);
    env.fails(127, ["unshare", "nosuchcmd"]);
    let file = env.file("f", "");
    let path = file.to_str().unwrap();
    env.ok(["unshare", "chown", "1000:1000", path]);
    use std::os::unix::fs::MetadataExt as _;
    assert_ne!(std::fs::metadata(&file).unwrap().uid(), nix::unistd::getuid().as_raw());
    env.ok(["unshare", "chown", "0:0", path]);
    assert_eq!(std::fs::metadata(&file).unwrap().uid(), nix::unistd::getuid().as_raw());
}
