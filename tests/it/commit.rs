//! `diff` and `commit`: what a container changed, told and made an image of.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::env::CORACLE;
use crate::support::{Env, fixtures, skip};

/// Changes a container in every way.
const CHANGES: &str = "echo x >/new; echo y >>/etc/passwd; mkdir -p /data/sub; touch /data/sub/f; rm '/bin/['; \
                       chmod 700 /root; mkdir /e; ln -s /new /l; mkfifo /p; ln /new /hard; rm -rf /low/gone; \
                       rm -rf /low/opaque; mkdir /low/opaque; touch /low/opaque/fresh; touch -d '2001-02-03 00:00:00' /new";

/// An image with some directories.
fn add_base(env: &Env) {
    let layer = crate::support::image::Layer::new()
        .dir("low", 0o755)
        .file("low/kept", 0o644, "kept")
        .dir("low/gone", 0o755)
        .file("low/gone/x", 0o644, "x")
        .dir("low/opaque", 0o755)
        .file("low/opaque/old", 0o644, "old");
    env.add(&fixtures::on_busybox("localhost/base", vec![layer.gzip()]));
}

/// A container on it, changed; it has ended.
fn changed(env: &Env, options: &[&str]) {
    add_base(env);
    let mut args = vec!["run", "--network", "none", "--name", "c"];
    args.extend(options);
    args.extend(["base", "sh", "-c", CHANGES]);
    env.ok(args);
}

#[test]
fn diff_of_a_container() {
    for driver in ["overlay", "vfs"] {
        let env = Env::busybox();
        let layer = crate::support::image::Layer::new().dir("low", 0o755).file("low/gone", 0o644, "x");
        env.add(&fixtures::on_busybox("localhost/base", vec![layer.gzip()]));
        let script = "echo x >/new; echo y >>/etc/passwd; rm '/bin/['; chmod 711 /root; rm /low/gone; echo z >/tt/in";
        env.ok([
            "--storage-driver",
            driver,
            "run",
            "--network",
            "none",
            "--tmpfs",
            "/tt",
            "--name",
            "c",
            "base",
            "sh",
            "-c",
            script,
        ]);
        let want = "C /bin\nD /bin/[\nC /etc\nC /etc/passwd\nC /low\nD /low/gone\nA /new\nC /root\nA /tt";
        assert_eq!(env.ok(["diff", "c"]), want, "{driver}");
    }
    let env = Env::busybox();
    env.ok(["run", "--network", "none", "--name", "c", "busybox", "touch", "/new"]);
    env.ok(["create", "--name", "other", "busybox"]);
    // The place of /etc/hosts is not told, but its directory is not what it was.
    assert_eq!(env.ok(["container", "diff", "c"]), "C /etc\nA /new");
    assert_eq!(env.ok(["diff", "c", "busybox"]), "C /etc\nA /new");
    assert_eq!(env.ok(["diff", "busybox", "c"]), "C /etc\nD /new");
    assert_eq!(env.ok(["container", "diff", "other", "c"]), "C /etc\nD /new");
    assert_eq!(env.ok(["diff", "--latest"]), "");
    let json: Value = serde_json::from_str(&env.ok(["diff", "--format", "json", "c"])).unwrap();
    assert_eq!(json, serde_json::json!({"changed": ["/etc"], "added": ["/new"]}));
    for (args, part) in [
        (["diff", "nosuch"], "nosuch not found: layer not known"),
        (["container", "diff"], "requires a name, id, or the \"--latest\" flag"),
    ] {
        assert!(env.fails(125, args).contains(part), "{args:?}");
    }
    assert!(env.fails(125, ["container", "diff", "busybox"]).contains("busybox not found: container not known"));
    assert!(env.fails(125, ["image", "diff", "c"]).contains("c not found: c: image not known"));
    assert!(env.fails(125, ["diff", "--format", "x", "c"]).contains("only supported value for '--format' is 'json'"));
}

/// Neither directories in which nothing was added or deleted, nor files that every container has of its own.
#[test]
fn diff_of_an_image() {
    let env = Env::busybox();
    let lower =
        crate::support::image::Layer::new().dir("opt", 0o755).dir("opt/lib", 0o755).file("opt/lib/a", 0o644, "a");
    let upper = crate::support::image::Layer::new()
        .file("opt/lib/a", 0o644, "other")
        .file("etc/hosts", 0o644, "")
        .file("etc/resolv.conf", 0o644, "")
        .file("etc/hostname", 0o644, "")
        .file("srv/x", 0o644, "x");
    env.add(&fixtures::on_busybox("localhost/two", vec![lower.gzip(), upper.gzip()]));
    assert_eq!(env.ok(["image", "diff", "two"]), "C /opt/lib/a\nA /srv\nA /srv/x");
}

#[test]
fn a_committed_container_runs_as_it_was() {
    for (driver, flags) in [("overlay", &[][..]), ("overlay", &["--squash"]), ("vfs", &[])] {
        let env = Env::busybox();
        // The driver is the container's own from then on.
        add_base(&env);
        env.ok(["--storage-driver", driver, "run", "--network", "none", "--name", "c", "base", "sh", "-c", CHANGES]);
        let mut args = vec!["commit", "-q"];
        args.extend(flags);
        args.extend(["c", "made"]);
        let id = env.ok(args);
        assert_eq!(env.inspect("made", "Id"), Value::String(id));
        let script = "ls -R /low; cat /new; tail -n 1 /etc/passwd; ls -d /data/sub/f /e; readlink /l; [ -p /p ] && echo pipe; \
                      [ /new -ef /hard ] && echo linked; stat -c %a /root; stat -c %Y /new; ls '/bin/[' 2>&1";
        let want = "/low:\nkept\nopaque\n\n/low/opaque:\nfresh\nx\ny\n/data/sub/f\n/e\n/new\npipe\nlinked\n700\n981158400\n\
                    ls: /bin/[: No such file or directory";
        let output = env.coracle(["run", "--rm", "--network", "none", "made", "sh", "-c", script]).run().expect(1);
        assert_eq!(output.text(), want, "{driver} {flags:?}");
        // Made again it is the same layer.
        let again: Vec<&str> =
            ["commit", "-q"].into_iter().chain(flags.iter().copied()).chain(["c", "again"]).collect();
        env.ok(again);
        let layers = env.inspect("made", "RootFS.Layers");
        assert_eq!(env.inspect("again", "RootFS.Layers"), layers);
        assert_eq!(layers.as_array().unwrap().len(), if flags.is_empty() { 3 } else { 1 });
        env.ok(["system", "check"]);
    }
}

#[test]
fn what_a_commit_says_of_the_image() {
    let env = Env::busybox();
    env.file("conf.json", r#"{"Cmd": ["z"], "Env": ["Q=1"], "Labels": {"j": "k"}}"#);
    let options = ["-e", "FOO=bar", "--label", "l=1", "-w", "/tmp", "--user", "app", "--expose", "80", "-h", "myhost"];
    env.start("c", &options);
    env.ok(["commit", "-q", "c", "plain"]);
    let config = env.inspect("plain", "Config");
    assert_eq!(config["User"], "app");
    assert_eq!(config["WorkingDir"], "/tmp");
    assert_eq!(config["Labels"]["l"], "1");
    assert!(config["ExposedPorts"]["80/tcp"].is_object(), "{config}");
    let environment: Vec<&str> = config["Env"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    assert!(
        environment.contains(&"FOO=bar") && !environment.iter().any(|v| v.starts_with("HOSTNAME=")),
        "{environment:?}"
    );
    // With an entry point of its own the arguments of the image's are not the container's.
    env.ok(["run", "--name", "entry", "--network", "none", "--entrypoint", "/bin/echo", "busybox"]);
    env.ok(["commit", "-q", "entry", "entry"]);
    assert_eq!(env.ok(["run", "--rm", "--network", "none", "entry"]), "");
    assert_eq!(env.inspect("plain", "History.1.comment"), "FROM localhost/busybox:latest");
    assert_eq!(env.inspect("plain", "ManifestType"), "application/vnd.oci.image.manifest.v1+json");
    let changes = [
        "CMD echo hi",
        "ENTRYPOINT [\"/bin/env\"]",
        "ENV A=1 B='2 3'",
        "EXPOSE 53/udp",
        "LABEL x=y",
        "ONBUILD RUN x",
        "STOPSIGNAL SIGINT",
        "USER 5",
        "VOLUME /v",
        "WORKDIR /w",
    ];
    let mut args = vec!["commit", "-q", "-f", "docker", "-m", "the message", "-a", "Ann <a@b>", "--iidfile", "iid"];
    for change in &changes {
        args.extend(["-c", change]);
    }
    args.extend(["--config", "conf.json", "c", "full:tag"]);
    let id = env.ok(args);
    assert_eq!(std::fs::read_to_string(env.work().join("iid")).unwrap(), id);
    let config = env.inspect("full:tag", "Config");
    assert_eq!(config["Cmd"], serde_json::json!(["/bin/sh", "-c", "echo hi"]));
    assert_eq!(config["Entrypoint"], serde_json::json!(["/bin/env"]));
    for (key, want) in [("User", "5"), ("WorkingDir", "/w"), ("StopSignal", "SIGINT")] {
        assert_eq!(config[key], want);
    }
    assert_eq!((&config["Labels"]["x"], &config["Labels"]["j"]), (&"y".into(), &"k".into()));
    let environment = config["Env"].to_string();
    assert!(
        ["\"A=1\"", "\"B=2 3\"", "\"Q=1\"", "\"FOO=bar\""].iter().all(|v| environment.contains(v)),
        "{environment}"
    );
    assert_eq!(env.inspect("full:tag", "Comment"), "the message");
    assert_eq!(env.inspect("full:tag", "Author"), "Ann <a@b>");
    assert_eq!(env.inspect("full:tag", "ManifestType"), "application/vnd.docker.distribution.manifest.v2+json");
    for (args, part) in [
        (&["commit", "-m", "x", "c"][..], "messages are only compatible with the docker image format (-f docker)"),
        (&["commit", "-f", "foo", "c"], "unrecognized image format \"foo\""),
        (&["commit", "c", "Upper"], "repository name must be lowercase"),
        (&["commit", "-c", "RUN x", "c"], "invalid change"),
        (&["commit", "nosuch"], "no container with name or ID \"nosuch\" found"),
    ] {
        let said = env.fails(125, args);
        assert!(said.contains(part), "{args:?}: {said}");
    }
    // Without a name, with progress on stderr, and while it is paused.
    let output = env.coracle(["commit", "--pause", "c"]).run().expect(0);
    assert_eq!(output.stdout.trim().len(), 64);
    assert!(output.stderr.contains("Writing manifest to image destination"), "{output}");
    env.wait_status("c", "running");
}

/// What the engine mounts into every container is no content of it: neither the files nor their places.
#[test]
fn our_own_mounts_are_not_committed() {
    let env = Env::busybox();
    changed(&env, &["--tmpfs", "/tt"]);
    env.ok(["commit", "-q", "c", "made"]);
    env.ok(["save", "-q", "--format", "oci-dir", "-o", "saved", "made"]);
    let blobs = env.work().join("saved/blobs/sha256");
    let mut names = String::new();
    for blob in std::fs::read_dir(&blobs).unwrap().flatten() {
        let listed = env.program("tar").args(["-tzf".as_ref(), blob.path().as_os_str()]).run();
        if listed.stdout.contains("data/sub/f") {
            names = listed.stdout;
        }
    }
    assert!(names.contains("new\n") && names.contains("bin/.wh.[\n"), "{names}");
    for ours in ["etc/hosts", "etc/resolv.conf", "etc/hostname", "run/.containerenv", "dev/", "proc/"] {
        assert!(!names.lines().any(|line| line == ours), "{ours} is in the layer:\n{names}");
    }
}

/// A disk that becomes full in the middle: one clear error, nothing left, and the container as it was.
#[test]
fn full_disk_while_committing() {
    let Some(small) = std::env::var_os("CORACLE_TEST_SMALL").map(PathBuf::from) else {
        return skip("full_disk_while_committing", "CORACLE_TEST_SMALL names no small file system");
    };
    let env = Env::new();
    let root = small.join("commit");
    let roots = ["--root".into(), root.clone().into_os_string(), "--runroot".into(), env.runroot().into_os_string()];
    let run = |args: &[&str]| env.program(CORACLE).args(&roots).args(args).run();
    let tar = env.work().join("tiny.tar");
    std::fs::write(&tar, crate::support::image::Layer::new().file("x", 0o644, "x").bytes()).unwrap();
    run(&["import", "-q", tar.to_str().unwrap(), "tiny"]).expect(0);
    run(&["create", "--name", "c", "tiny", "/x"]).expect(0);
    env.file("big", vec![1; 450 << 10]);
    run(&["cp", env.work().join("big").to_str().unwrap(), "c:/big"]).expect(0);
    let output = run(&["commit", "-q", "c", "made"]).expect(125);
    assert!(output.stderr.contains("No space left on device"), "{output}");
    assert_eq!(output.stderr.lines().filter(|line| line.starts_with("Error:")).count(), 1, "{output}");
    run(&["images", "-q", "made"]).expect(0).says("");
    let left: Vec<_> = std::fs::read_dir(root.join("tmp")).unwrap().flatten().map(|e| e.path()).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    run(&["diff", "c"]).expect(0).says("A /big");
    run(&["rm", "c"]).expect(0);
    run(&["rmi", "tiny"]).expect(0);
    env.program("rm").args(["-rf".as_ref(), root.as_os_str()]).run().expect(0);
}

/// Killed while the layer is being made: no image, and what was half made goes with the next command that tidies up.
#[test]
fn killed_while_committing() {
    let env = Env::busybox();
    env.start("c", &[]);
    env.ok(["exec", "c", "sh", "-c", "dd if=/dev/urandom of=/big bs=1M count=40 2>/dev/null"]);
    let before = env.ok(["images", "-a", "-q"]);
    let tmp = env.root().join("tmp");
    let half_made = || {
        let entries = std::fs::read_dir(&tmp).unwrap().flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("layer-new-")).count()
    };
    let mut running = env.coracle(["commit", "-q", "c", "made"]).spawn();
    crate::support::until("a layer that is being made", crate::support::SOON, || (half_made() > 0).then_some(()));
    running.child.kill().unwrap();
    running.finish().expect(137);
    assert_eq!(half_made(), 1, "it was made before it was killed");
    assert_eq!(env.ok(["images", "-a", "-q"]), before);
    env.ok(["commit", "-q", "c", "made"]);
    assert_eq!(half_made(), 0);
    env.ok(["run", "--rm", "--network", "none", "made", "sh", "-c", "[ $(wc -c </big) = 41943040 ]"]);
    env.ok(["system", "check"]);
    env.wait_status("c", "running");
}
