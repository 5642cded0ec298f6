//! Hosts on which something is missing: one clear line, the way out, the right code.

use crate::support::Env;
use crate::support::env::CORACLE;

#[test]
fn missing_id_mapping_tools_fall_back_with_a_warning() {
    let env = Env::busybox();
    // A path with everything but newuidmap and newgidmap.
    let bin = env.work().join("bin");
    std::fs::create_dir(&bin).unwrap();
    for name in ["slirp4netns", "fuse-overlayfs", "sh", "rm"] {
        let found = ["/usr/bin", "/bin"]
            .iter()
            .map(|dir| format!("{dir}/{name}"))
            .find(|path| std::path::Path::new(path).exists());
        std::os::unix::fs::symlink(found.unwrap(), bin.join(name)).unwrap();
    }
    let output = env
        .coracle(["run", "--rm", "--network", "none", "busybox", "cat", "/proc/self/uid_map"])
        .env("PATH", &bin)
        .run();
    assert!(
        output.stderr.contains("newuidmap") && output.stderr.contains("uidmap"),
        "it names what to install: {output}"
    );
    assert!([0, 125].contains(&output.code()), "{output}");
}

/// The host refuses what rootless containers are made of: one line says what, another the way out.
#[test]
fn user_namespaces_and_their_ranges() {
    let env = Env::busybox();
    // Root of a namespace may forbid further ones, and put another file over /etc/subuid.
    let inside = |script: &str| {
        let run = format!("{script}; exec \"$@\" run --rm --network none busybox true");
        let (root, runroot) = (env.root(), env.runroot());
        env.program("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", &run, "sh", CORACLE, "--root"])
            .args([root.as_os_str(), "--runroot".as_ref(), runroot.as_os_str()])
            .run()
    };
    let output = inside("echo 0 > /proc/sys/user/max_user_namespaces");
    assert_eq!(output.code(), 125, "{output}");
    assert!(output.stderr.contains("user namespace") && output.stderr.contains("max_user_namespaces"), "{output}");
    let bad = env.file("subuid", "root:many:65536\n");
    let output = inside(&format!("mount --bind '{}' /etc/subuid", bad.display()));
    assert_eq!(output.code(), 125, "{output}");
    assert!(output.stderr.contains("/etc/subuid") && output.stderr.contains("line 1"), "{output}");
    assert_eq!(output.stderr.lines().count(), 2, "an error and a hint: {output}");
    env.assert_nothing_left();
}

#[test]
fn run_time_directory_is_optional() {
    let env = Env::busybox();
    env.coracle(["run", "--rm", "--network", "none", "busybox", "echo", "ran"])
        .env_remove("XDG_RUNTIME_DIR")
        .run()
        .expect(0)
        .says("ran");
    env.coracle(["run", "--rm", "--network", "none", "busybox", "echo", "ran"])
        .env("XDG_RUNTIME_DIR", "/no/such/dir")
        .run()
        .expect(0)
        .says("ran");
    env.coracle(["run", "--rm", "--network", "none", "busybox", "echo", "ran"])
        .env_remove("HOME")
        .run()
        .expect(0)
        .says("ran");
}

#[test]
fn working_directory_may_be_gone() {
    let env = Env::busybox();
    let dir = env.work().join("gone");
    std::fs::create_dir(&dir).unwrap();
    let coracle = env.coracle(["run", "--rm", "--network", "none", "busybox", "echo", "ran"]).raw();
    let words: Vec<_> = std::iter::once(coracle.get_program()).chain(coracle.get_args()).collect();
    env.program("sh").args(["-c", "rmdir ../gone; \"$@\"", "sh"]).args(words).cwd(&dir).run().expect(0).says("ran");
}

#[test]
fn unusable_roots_are_named() {
    let env = Env::new();
    let file = env.file("file", "");
    let root = file.display().to_string();
    let output =
        env.program(crate::support::env::CORACLE).args(["--root", &root, "--runroot", &root, "ps"]).run().expect(125);
    assert!(output.stderr.contains(&root), "{output}");
    let output = env.program(crate::support::env::CORACLE).args(["--root", "/proc/nosuch", "images"]).run().expect(125);
    assert!(output.stderr.contains("/proc/nosuch"), "{output}");
}

/// Long paths: the store may live deep below a home directory, deeper than a socket's address may be long.
#[test]
fn deep_roots_work() {
    let env = Env::new();
    let deep = env.work().join("directory-with-a-long-name/".repeat(8));
    let roots = [
        "--root".to_owned(),
        deep.join("root").display().to_string(),
        "--runroot".to_owned(),
        deep.join("run").display().to_string(),
    ];
    let run = |args: &[&str]| env.program(crate::support::env::CORACLE).args(&roots).args(args).run();
    run(&["load", "-q", "-i", crate::support::fixtures::busybox().to_str().unwrap()]).expect(0);
    run(&["run", "-d", "--name", "c", "--network", "none", "busybox", "sleep", "1000"]).expect(0);
    run(&["exec", "c", "echo", "deep"]).expect(0).says("deep");
    run(&["rm", "-f", "-t", "0", "c"]).expect(0);
    // No string of the new mount interface is so long, and another mapping has no other way.
    let mapped = ["--storage-driver", "overlay", "run", "--rm", "--network", "none", "--userns=keep-id", "busybox"];
    run(&[&mapped[..], &["echo", "mapped"]].concat()).expect(0).says("mapped");
    run(&["system", "reset", "-f"]).expect(0);
    assert!(!deep.join("root").exists(), "what the mapping made goes as well");
}

/// A store that was damaged: the other objects remain usable, the error names the file.
#[test]
fn damaged_records_do_not_hide_the_others() {
    let env = Env::busybox();
    let bad = env.ok(["create", "--name", "bad", "--network", "none", "busybox", "true"]);
    env.ok(["create", "--name", "good", "--network", "none", "busybox", "true"]);
    std::fs::write(env.root().join("containers").join(&bad).join("record.json"), "{\"id\": ").unwrap();
    let output = env.coracle(["ps", "-a", "--format", "{{.Names}}"]).run();
    assert!(output.stdout.contains("good"), "{output}");
    env.ok(["start", "good"]);
    env.ok(["rm", "-f", "-t", "0", "good"]);
    let output = env.coracle(["rm", "-f", &bad]).run();
    assert!(output.code() == 0 || output.stderr.contains(&bad[..12]), "{output}");
}

/// What belongs to a later release says so.
#[test]
fn what_is_not_there_yet_is_refused_by_name() {
    let env = Env::busybox();
    for (flag, value) in [
        ("-v", "named:/data"),
        ("--memory", "100m"),
        ("--cpus", "1"),
        ("--pids-limit", "10"),
        ("--secret", "s"),
        ("--pod", "p"),
        ("--health-cmd", "true"),
        ("--device", "/dev/fuse"),
    ] {
        let output = env.coracle(["run", "--rm", "--network", "none", flag, value, "busybox", "true"]).run();
        if output.code() == 0 {
            continue;
        }
        let output = output.expect(125);
        assert!(output.stderr.contains(flag.trim_start_matches('-')) || output.stderr.contains(value), "{output}");
    }
    env.assert_nothing_left();
}

#[test]
fn closed_pipes_are_not_an_error() {
    let env = Env::busybox();
    for i in 0..3 {
        env.ok(["create", "--name", &format!("c{i}"), "--network", "none", "busybox", "true"]);
    }
    for args in [
        &["ps", "-a"][..],
        &["images"],
        &["--help"],
        &["inspect", "c0"],
        &["run", "--rm", "--network", "none", "busybox", "seq", "1", "100000"],
    ] {
        let coracle = env.coracle(args).raw();
        let words: Vec<_> =
            std::iter::once(coracle.get_program()).chain(coracle.get_args()).map(ToOwned::to_owned).collect();
        let output = env.program("bash").args(["-c", "\"$@\" | true; exit ${PIPESTATUS[0]}", "bash"]).args(words).run();
        assert!(!output.stderr.contains("panicked") && !output.stderr.contains("Broken pipe"), "{output}");
    }
}
