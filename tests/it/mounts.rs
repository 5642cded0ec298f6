//! Bind mounts, tmpfs, read-only roots: what a container sees of the host's files, and how.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use crate::support::Env;

/// Options of the mount at `path`, and the optional fields behind them, as mountinfo in the container has them.
fn mountinfo(env: &Env, options: &[&str], path: &str) -> (Vec<String>, String) {
    let text = env.sh(options, "cat /proc/self/mountinfo");
    let line = text.lines().rfind(|line| line.split(' ').nth(4) == Some(path));
    let line = line.unwrap_or_else(|| panic!("{path} is not mounted:\n{text}"));
    let words: Vec<&str> = line.split(' ').collect();
    let optional = words[6..].iter().take_while(|word| **word != "-").copied().collect::<Vec<_>>().join(" ");
    (words[5].split(',').map(str::to_owned).collect(), optional)
}

#[test]
fn bind_mounts_read_and_write() {
    let env = Env::busybox();
    let dir = env.work();
    env.file("in", "from the host");
    let volume = format!("{}:/w", dir.display());
    let mount = format!("type=bind,source={},destination=/w", dir.display());
    for options in [["-v", &volume], ["--mount", &mount]] {
        assert_eq!(env.sh(&options, "cat /w/in; echo x > /w/out"), "from the host");
        let made = std::fs::metadata(dir.join("out")).unwrap();
        assert_eq!(made.uid(), nix::unistd::getuid().as_raw(), "root in the container is the user outside");
        std::fs::remove_file(dir.join("out")).unwrap();
    }
    // One file, and a path that is made in the image's root.
    let file = format!("{}:/deep/er/file", dir.join("in").display());
    assert_eq!(env.sh(&["-v", &file], "cat /deep/er/file"), "from the host");
    // Relative to where the command is run.
    assert_eq!(env.sh(&["-v", "./:/w"], "cat /w/in"), "from the host");
}

#[test]
fn read_only_is_read_only() {
    let env = Env::busybox();
    let dir = env.work();
    env.file("in", "x");
    let volume = format!("{}:/w:ro", dir.display());
    let mount = format!("type=bind,src={},target=/w,ro", dir.display());
    let mount2 = format!("type=bind,src={},dst=/w,readonly=true", dir.display());
    for options in [["-v", &volume], ["--mount", &mount], ["--mount", &mount2]] {
        assert_eq!(
            env.sh(
                &options,
                "cat /w/in; echo; touch /w/new 2>&1 | grep -c Read-only; mount -o remount,rw /w 2>/dev/null || echo kept"
            ),
            "x\n1\nkept"
        );
    }
    assert!(!dir.join("new").exists());
}

#[test]
fn propagation_and_flags() {
    let env = Env::busybox();
    let dir = env.work();
    let with = |options: &str| mountinfo(&env, &["-v", &format!("{}:/w:{options}", dir.display())], "/w");
    assert!(with("rshared").1.contains("shared:"));
    assert!(with("shared").1.contains("shared:"));
    assert_eq!(with("rprivate").1, "");
    assert_eq!(with("private").1, "");
    assert_eq!(with("unbindable").1, "unbindable");
    assert_eq!(with("runbindable").1, "unbindable");
    // Whether there is a master depends on the host's own mounts.
    assert!(!with("slave").1.contains("shared:") && !with("rslave").1.contains("shared:"));
    assert!(
        ["ro", "nosuid", "nodev", "noexec"].iter().all(|o| with("ro,nosuid,nodev,noexec").0.contains(&(*o).into()))
    );
    assert!(with("noexec").0.contains(&"noexec".into()));
    let mount = format!("type=bind,src={},dst=/w,bind-propagation=rshared", dir.display());
    assert!(mountinfo(&env, &["--mount", &mount], "/w").1.contains("shared:"));
    for bad in ["nosuchoption", "ro,rw", "shared,private"] {
        env.fails(
            125,
            ["run", "--rm", "--network", "none", "-v", &format!("{}:/w:{bad}", dir.display()), "busybox", "true"],
        );
    }
}

#[test]
fn mounts_that_make_no_sense_are_refused() {
    let env = Env::busybox();
    let work = env.work().display().to_string();
    for (flag, value, part) in [
        ("-v", "/nosuch:/x".to_owned(), "/nosuch"),
        ("-v", format!("{work}:relative"), "relative"),
        ("-v", format!("{work}:/a:ro:extra"), "extra"),
        ("-v", format!("{work}:/"), "/"),
        ("--mount", "type=bind,dst=/nosuch".to_owned(), "statfs /nosuch"),
        ("--mount", format!("type=bind,src={work}"), "dest"),
        ("--mount", format!("type=nosuch,src={work},dst=/x"), "nosuch"),
        ("--mount", format!("type=bind,src={work},dst=/x,nosuch=1"), "nosuch"),
        ("--tmpfs", "relative".to_owned(), "relative"),
    ] {
        let said = env.fails(125, ["run", "--rm", "--network", "none", flag, &value, "busybox", "true"]);
        assert!(said.contains(part), "{flag} {value}: {said}");
    }
    let twice =
        env.fails(125, ["run", "--rm", "-v", &format!("{work}:/x"), "-v", &format!("{work}:/x"), "busybox", "true"]);
    assert!(twice.contains("/x"), "{twice}");
    env.assert_nothing_left();
}

#[test]
fn tmpfs() {
    let env = Env::busybox();
    let (options, _) = mountinfo(&env, &["--tmpfs", "/t"], "/t");
    assert!(["rw", "nosuid", "nodev"].iter().all(|o| options.contains(&(*o).to_owned())), "{options:?}");
    let size = "df -k /t | awk 'END { print $2 }'; stat -c %a /t";
    assert_eq!(env.sh(&["--tmpfs", "/t:size=1m,mode=0711"], size), "1024\n711");
    assert_eq!(env.sh(&["--mount", "type=tmpfs,dst=/t,tmpfs-size=2m,tmpfs-mode=1770"], size), "2048\n1770");
    assert_eq!(env.sh(&["--tmpfs", "/t:ro"], "touch /t/x 2>&1 | grep -c Read-only"), "1");
    assert_eq!(env.sh(&["--tmpfs", "/run", "--tmpfs", "/tmp"], "echo ok > /tmp/x && cat /tmp/x"), "ok");
}

#[test]
fn a_new_tmpfs_is_everybodys_and_one_over_a_directory_is_as_that() {
    let env = Env::busybox();
    let script = "stat -c %a /new /tmp /etc; touch /new/x";
    let tmpfs = ["--user", "1000", "--tmpfs", "/new", "--tmpfs", "/tmp", "--tmpfs", "/etc"];
    assert_eq!(env.sh(&tmpfs, script), "1777\n1777\n755");
    let mounts = ["--mount", "type=tmpfs,dst=/new,notmpcopyup", "--mount", "type=tmpfs,dst=/etc,notmpcopyup"];
    assert_eq!(env.sh(&mounts, "stat -c %a /new /etc; ls /etc | grep -c passwd; true"), "1777\n755\n0");
    let own = ["--mount", "type=tmpfs,dst=/new,tmpfs-mode=700", "--tmpfs", "/etc:mode=711"];
    assert_eq!(env.sh(&own, "stat -c %a /new /etc"), "700\n711");
    let read_only = ["--read-only", "--user", "1000"];
    assert_eq!(env.sh(&read_only, "stat -c %a /var/tmp; touch /var/tmp/x"), "1777");
}

#[test]
fn read_only_root_with_writable_places() {
    let env = Env::busybox();
    let probe = |paths: &str| format!("for p in {paths}; do touch $p/x 2>/dev/null && echo $p yes || echo $p no; done");
    assert_eq!(env.sh(&["--read-only"], &probe("/ /etc /tmp /dev/shm")), "/ no\n/etc no\n/tmp yes\n/dev/shm yes");
    assert_eq!(env.sh(&["--read-only", "--read-only-tmpfs=false"], &probe("/ /tmp")), "/ no\n/tmp no");
    assert_eq!(env.sh(&["--read-only", "--tmpfs", "/w"], &probe("/w")), "/w yes");
    assert_eq!(env.sh(&["--read-only", "--hostname", "boat"], "cat /etc/hostname"), "boat");
}

/// A mount's destination may not exist, may be a symbolic link in the image, and is never outside of the root.
#[test]
fn destinations_stay_inside_the_root() {
    let env = Env::busybox();
    let outside = env.work().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::set_permissions(&outside, std::fs::Permissions::from_mode(0o777)).unwrap();
    let inside = env.work().join("inside");
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(inside.join("file"), "mounted").unwrap();
    let host = outside.display().to_string();
    use crate::support::fixtures::on_busybox;
    use crate::support::image::Layer;
    let up = format!("{}{host}", "../".repeat(20));
    let layer = Layer::new()
        .symlink("abs", &host)
        .symlink("up", &up)
        .symlink("loop", "loop")
        .symlink("proc-root", "/proc/1/root");
    env.add(&on_busybox("localhost/links", vec![layer.plain()]));
    for link in ["abs", "up", "proc-root"] {
        let volume = format!("{}:/{link}/new", inside.display());
        let output = env
            .coracle(["run", "--rm", "--network", "none", "-v", &volume, "links", "cat", &format!("/{link}/new/file")])
            .run();
        assert!(output.code() != 0 || output.stdout == "mounted", "{output}");
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0, "{link} led out of the root");
    }
    let volume = format!("{}:/loop/new", inside.display());
    assert_ne!(env.coracle(["run", "--rm", "--network", "none", "-v", &volume, "links", "true"]).run().code(), 0);
    env.assert_nothing_left();
}

#[test]
fn inspect_lists_mounts() {
    let env = Env::busybox();
    let dir = env.work().display().to_string();
    env.ok(["create", "--name", "m", "-v", &format!("{dir}:/w:ro"), "--tmpfs", "/t:size=1m", "busybox"]);
    let mount = env.inspect("m", "Mounts.0");
    assert_eq!(mount["Type"], "bind");
    assert_eq!(mount["Source"], dir);
    assert_eq!(mount["Destination"], "/w");
    assert_eq!(mount["RW"], false);
    assert!(env.inspect("m", "HostConfig.Tmpfs").get("/t").is_some());
}

/// A container's files belong to it alone, and survive a restart of it.
#[test]
fn each_container_has_its_own_layer() {
    let env = Env::busybox();
    env.ok([
        "create",
        "--name",
        "w",
        "--network",
        "none",
        "busybox",
        "sh",
        "-c",
        "cat /note 2>/dev/null; echo again > /note",
    ]);
    env.coracle(["start", "-a", "w"]).run().expect(0).says("");
    env.coracle(["start", "-a", "w"]).run().expect(0).says("again");
    assert_eq!(env.sh(&[], "ls /note 2>/dev/null || echo none"), "none");
}
