//! Mappings of IDs: who the container's users are outside, and whose the files are inside.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt};

use crate::support::image::Layer;
use crate::support::{Env, SOON, fixtures, skip, until};

/// The user's own IDs.
fn own() -> (u32, u32) {
    (nix::unistd::getuid().as_raw(), nix::unistd::getgid().as_raw())
}

/// Whether another mapping can be tried: for who runs as root, or has no fuse, all of this is different.
fn works(test: &str) -> bool {
    let fuse = std::fs::File::options().read(true).write(true).open("/dev/fuse").is_ok();
    let reason = match own().0 {
        0 => "root keeps its IDs anyhow",
        _ if !fuse => "/dev/fuse is not to be had",
        _ => return true,
    };
    skip(test, reason);
    false
}

/// The lines of the container's map, in it.
fn map_in(env: &Env, options: &[&str]) -> Vec<[u32; 3]> {
    parse(&env.sh(options, "cat /proc/self/uid_map"))
}

fn parse(text: &str) -> Vec<[u32; 3]> {
    let line = |line: &str| -> [u32; 3] {
        let numbers: Vec<u32> = line.split_whitespace().map(|n| n.parse().unwrap()).collect();
        numbers.try_into().unwrap()
    };
    text.lines().map(line).collect()
}

#[test]
fn keep_id_keeps_the_user_and_the_owners_of_both_sides() {
    if !works("keep_id_keeps_the_user_and_the_owners_of_both_sides") {
        return;
    }
    let env = Env::busybox();
    let layer = Layer::new().owned("srv/web", 0o640, 33, 33, b"w").owned("srv/high", 0o644, 65000, 0, b"h");
    env.add(&fixtures::on_busybox("owners", vec![layer.plain()]));
    let (uid, gid) = own();
    let dir = env.work();
    std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o700)).unwrap();
    env.file("in", "x");
    let volume = format!("{}:/w", dir.display());
    let run = |options: &[&str], script: &str| {
        let options = [&["run", "--rm", "--network", "none", "-v", &volume], options, &["owners", "sh", "-c", script]];
        env.ok(options.concat()).trim().to_owned()
    };
    assert_eq!(run(&["--userns=keep-id"], "echo $(id -u):$(id -g)"), format!("{uid}:{gid}"));
    // The user's volume is the user's, and what is made in it as well.
    let script = "stat -c %u:%g /w /w/in; echo y > /w/out";
    assert_eq!(run(&["--userns=keep-id"], script), format!("{uid}:{gid}\n{uid}:{gid}"));
    let out = std::fs::metadata(dir.join("out")).unwrap();
    assert_eq!((out.uid(), out.gid()), (uid, gid));
    // The image's files have the image's owners.
    let script = "stat -c %u:%g:%a / /etc/passwd /srv/web /srv/high; cat /srv/web 2>/dev/null || echo denied";
    let owners = "0:0:755\n0:0:644\n33:33:640\n65000:0:644\n";
    assert_eq!(run(&["--userns=keep-id"], script), format!("{owners}denied"));
    assert_eq!(run(&["--userns=keep-id", "-u", "33"], script), format!("{owners}w"));
    assert_eq!(run(&["--userns=keep-id:uid=7,gid=8"], "id -u; id -g; stat -c %u:%g /w/in"), "7\n8\n7:8");
    assert_eq!(run(&["--userns=keep-id:uid=7,gid=8", "--user", "0"], "id -u; stat -c %u /w/in"), "0\n7");
    // By the environment, too, unless a flag says otherwise.
    let by_env = |options: &[&str]| {
        let args = [&["run", "--rm", "--network", "none"], options, &["busybox", "id", "-u"]].concat();
        env.coracle(args).env("PODMAN_USERNS", "keep-id").run().expect(0).text().trim().to_owned()
    };
    assert_eq!((by_env(&[]), by_env(&["--userns=host"])), (uid.to_string(), "0".to_owned()));
    assert_eq!(by_env(&["--uidmap", "0:0:10"]), "0");
}

#[test]
fn who_sees_the_hosts_processes_cannot_read_those_of_another_mapping() {
    if !works("who_sees_the_hosts_processes_cannot_read_those_of_another_mapping") {
        return;
    }
    let env = Env::busybox();
    env.start("hidden", &["--userns=auto", "-e", "WORD=of-the-hidden"]);
    env.start("plain", &["-e", "WORD=of-the-plain"]);
    let root = env.inspect("hidden", "HostConfig.IDMappings.UidMap")[0].as_str().unwrap().to_owned();
    let root = root.split(':').nth(1).unwrap().to_owned();
    let look = "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep ^WORD= | sort -u; true";
    // Its processes are seen, but not what is in them: not by root, nor by who has become that one's root.
    for user in ["0", &root] {
        let seen = env.sh(&["--pid=host", "--user", user], &format!("ls -d /proc/{}; {look}", pid_of(&env, "hidden")));
        assert!(seen.starts_with("/proc/") && !seen.contains("WORD="), "{user}: {seen}");
    }
    let other = "chroot / true; su -s /bin/sh other -c id";
    let passwd = format!("echo other:x:{root}:{root}::/:/bin/sh >> /etc/passwd");
    let seen = env.sh(&["--pid=host"], &format!("{passwd}; {other} >/dev/null; su -s /bin/sh other -c \"{look}\""));
    assert_eq!(seen, "");
    // It is otherwise as ever.
    let own = map_in(&env, &[]);
    assert_eq!(map_in(&env, &["--pid=host"]), own.iter().map(|[c, _, n]| [*c, *c, *n]).collect::<Vec<_>>());
    env.start("seeing", &["--pid=host"]);
    assert_eq!(env.inspect("seeing", "HostConfig.UsernsMode"), "");
    env.ok(["run", "--rm", "--network", "none", "--userns=auto:size=60000", "busybox", "true"]);
    // Who may look into others by right does.
    for options in [&["--cap-add", "SYS_PTRACE"][..], &["--privileged"], &["--userns=host"]] {
        let seen = env.sh(&[&["--pid=host"], options].concat(), look);
        assert!(seen.contains("WORD=of-the-plain"), "{options:?}: {seen}");
    }
}

#[test]
fn automatic_ranges_are_as_large_as_the_image_wants() {
    if !works("automatic_ranges_are_as_large_as_the_image_wants") {
        return;
    }
    let env = Env::busybox();
    let layer = Layer::new().owned("srv/high", 0o644, 3000, 4999, b"h").owned("srv/nobodys", 0o644, 65534, 0, b"n");
    env.add(&fixtures::on_busybox("owners", vec![layer.plain()]));
    env.ok([
        "run",
        "--network",
        "none",
        "--name",
        "c",
        "--userns=auto",
        "owners",
        "stat",
        "-c",
        "%u:%g",
        "/srv/high",
        "/srv/nobodys",
    ]);
    assert_eq!(env.ok(["logs", "c"]), "3000:4999\n65534:0");
    let map = parse(
        &env.inspect("c", "HostConfig.IDMappings.UidMap")
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line.as_str().unwrap().replace(':', " ") + "\n")
            .collect::<String>(),
    );
    assert_eq!(map.iter().map(|[inside, _, size]| (*inside, *size)).collect::<Vec<_>>(), [(0, 5000), (65534, 1)]);
    // The rest is for others.
    env.ok(["create", "--userns=auto:size=60000", "busybox"]);
}

/// The first process of a container, as the host numbers it.
fn pid_of(env: &Env, name: &str) -> String {
    env.inspect(name, "State.Pid").to_string()
}

#[test]
fn an_id_beyond_the_subordinate_ones_can_be_kept() {
    if !works("an_id_beyond_the_subordinate_ones_can_be_kept") {
        return;
    }
    let env = Env::busybox();
    let options = ["--userns=keep-id:uid=3000000", "--tmpfs", "/tmp:mode=1777"];
    assert_eq!(env.sh(&options, "id -u; touch /tmp/x; stat -c %u /tmp/x /etc"), "3000000\n3000000\n0");
    env.ok([
        "run",
        "--name",
        "c",
        "--network",
        "none",
        "--userns=keep-id:uid=3000000",
        "--user=0",
        "busybox",
        "chown",
        "3000000:5",
        "/home",
    ]);
    assert_eq!(env.inspect("c", "HostConfig/UsernsMode"), "private");
}

#[test]
fn a_mapped_container_is_a_container_like_any_other() {
    if !works("a_mapped_container_is_a_container_like_any_other") {
        return;
    }
    let env = Env::busybox();
    env.start("c", &["--userns=auto"]);
    let exec = |options: &[&str], script: &str| {
        env.ok([&["exec"], options, &["c", "sh", "-c", script]].concat()).trim().to_owned()
    };
    let map = exec(&[], "cat /proc/self/uid_map");
    assert!(parse(&map)[0][2] >= 1024, "{map}");
    assert_eq!(exec(&["-u", "5:6"], "id -u; id -g; echo x > /dev/stderr; echo y > /dev/stdout"), "5\n6\ny");
    exec(&[], "echo data > /etc/new; chown 7:8 /etc/new; mkdir /opt; chown 9 /opt");
    let output = env.coracle(["exec", "-u", "5000", "c", "true"]).run().expect(126);
    assert!(output.stderr.contains("5000") && output.stderr.contains("hint:"), "{output}");
    // Outside it is one of the subordinate IDs.
    let top = env.ok(["top", "c", "huser,user"]);
    let row: Vec<&str> = top.lines().nth(1).unwrap().split_whitespace().collect();
    assert!(row[0].parse::<u32>().is_ok_and(|id| id >= 100_000) && row[1] == "root", "{top}");
    let extents = env.inspect("c", "HostConfig/IDMappings/UidMap");
    let [inside, outside, count] = parse(&map)[0];
    assert_eq!(extents[0], format!("{inside}:{outside}:{count}"));
    // A restart finds everything as it was; so does one after the monitor was killed.
    env.ok(["restart", "-t", "0", "c"]);
    assert_eq!(exec(&[], "cat /etc/new; stat -c %u:%g /etc/new /opt /bin"), "data\n7:8\n9:0\n0:0");
    let monitor = env.inspect("c", "State/ConmonPid").as_i64().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(monitor as i32), nix::sys::signal::Signal::SIGKILL).unwrap();
    env.wait_status("c", "exited");
    env.ok(["start", "c"]);
    assert_eq!(exec(&[], "cat /proc/self/uid_map"), map);
    // Its own numbers are what is exported.
    let tar = env.coracle(["export", "-o", env.work().join("c.tar").to_str().unwrap(), "c"]).run();
    tar.expect(0);
    let list = env.program("tar").args(["--numeric-owner", "-tvf", env.work().join("c.tar").to_str().unwrap()]).run();
    let text = list.expect(0).text();
    assert!(text.lines().any(|l| l.contains(" 7/8 ") && l.ends_with("etc/new")), "{text}");
    assert!(text.lines().any(|l| l.contains(" 9/0 ") && l.ends_with("opt/")), "{text}");
    // Into it and out of it, running or not, as whom it knows.
    env.file("in", "host");
    let host = env.work().join("in").display().to_string();
    let archive = |what: &str| -> String {
        let tar = env.coracle(["cp", &format!("c:{what}"), "-"]).raw().output().unwrap().stdout;
        let list = env.program("tar").args(["--numeric-owner", "-tvf", "-"]).stdin(tar).run().expect(0).text();
        list.split_whitespace().nth(1).unwrap_or_default().to_owned()
    };
    for running in [true, false] {
        let copied = format!("/etc/copied-{running}");
        env.ok(["cp", &host, &format!("c:{copied}")]);
        assert_eq!((archive("/etc/new"), archive(&copied)), ("7/8".to_owned(), "0/0".to_owned()), "{running}");
        env.ok(if running { &["stop", "-t", "0", "c"][..] } else { &["start", "c"] });
    }
    assert_eq!(exec(&[], "stat -c %u:%g /etc/copied-false; cat /etc/copied-true"), "0:0\nhost");
    // Another one in the same namespace.
    let shared = env.sh(&["--userns=container:c"], "cat /proc/self/uid_map; stat -c %u /etc").trim().to_owned();
    assert_eq!(shared.trim_start(), format!("{map}\n0"));
    env.ok(["stop", "-t", "0", "c"]);
    let output = env.coracle(["run", "--rm", "--userns=container:c", "busybox", "true"]).run();
    assert!(output.code() == 0 || output.stderr.contains("is not running"), "{output}");
    env.ok(["rm", "-f", "-t", "0", "c"]);
    env.assert_nothing_left();
}

/// The other one has been started again since, so that its namespace is another process's.
#[test]
fn a_restarted_container_joins_the_namespace_that_is_there_now() {
    if !works("a_restarted_container_joins_the_namespace_that_is_there_now") {
        return;
    }
    let env = Env::busybox();
    env.start("owner", &["--userns=auto"]);
    let script = "echo x >> /runs; until test -e /go; do sleep 0.05; done; rm /go";
    let guest = ["--name", "guest", "--network", "none", "--userns=container:owner", "--restart=always"];
    env.ok([&["run", "-d"], &guest[..], &["busybox", "sh", "-c", script]].concat());
    let namespace = |name: &str| env.ok(["exec", name, "readlink", "/proc/self/ns/user"]);
    assert_eq!(namespace("guest"), namespace("owner"));
    env.ok(["restart", "-t", "0", "owner"]);
    env.ok(["exec", "guest", "touch", "/go"]);
    let runs = || env.coracle(["exec", "guest", "cat", "/runs"]).run().stdout.lines().count();
    until("another run", SOON, || (runs() == 2).then_some(()));
    assert_eq!(namespace("guest"), namespace("owner"));
    env.ok(["rm", "-f", "-t", "0", "guest", "owner"]);
    env.assert_nothing_left();
}

#[test]
fn automatic_ranges_of_parallel_containers_never_overlap_and_come_back() {
    if !works("automatic_ranges_of_parallel_containers_never_overlap_and_come_back") {
        return;
    }
    let env = Env::busybox();
    let create = |i: usize| {
        let name = format!("c{i}");
        env.coracle(["create", "--name", &name, "--userns=auto:size=6000", "--network", "none", "busybox", "true"])
            .spawn()
    };
    let outputs: Vec<_> = (0..10).map(create).collect::<Vec<_>>().into_iter().map(|running| running.finish()).collect();
    outputs.into_iter().for_each(|output| drop(output.expect(0)));
    let range = |i: usize| -> Vec<(u32, u32)> {
        let extents = env.inspect(&format!("c{i}"), "HostConfig/IDMappings/UidMap");
        let one = |text: &serde_json::Value| {
            let numbers: Vec<u32> = text.as_str().unwrap().split(':').map(|n| n.parse().unwrap()).collect();
            (numbers[1], numbers[1] + numbers[2])
        };
        extents.as_array().unwrap().iter().map(one).collect()
    };
    let mut all: Vec<(u32, u32)> = (0..10).flat_map(range).collect();
    all.sort_unstable();
    assert!(all.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{all:?}");
    assert!(all[0].0 > 0, "the user's own ID is not given away");
    // There are 65536, and 60000 are taken.
    let more = || env.coracle(["create", "--name", "more", "--userns=auto:size=6000", "busybox", "true"]).run();
    let output = more().expect(125);
    assert!(output.stderr.contains("not enough unused IDs in user namespace"), "{output}");
    assert!(output.stderr.contains("hint:"), "{output}");
    // One that cannot be read has its range still.
    let id = env.inspect("c5", "Id").as_str().unwrap().to_owned();
    let record = env.root().join("containers").join(id).join("record.json");
    let text = std::fs::read(&record).unwrap();
    std::fs::write(&record, "{").unwrap();
    more().expect(125);
    std::fs::write(&record, text).unwrap();
    env.ok(["rm", "c3"]);
    more().expect(0);
    env.ok(["rm", "-a"]);
    env.assert_nothing_left();
}

#[test]
fn maps_of_one_s_own() {
    if !works("maps_of_one_s_own") {
        return;
    }
    let env = Env::busybox();
    let map = |options: &[&str]| map_in(&env, options);
    assert_eq!(map(&["--uidmap", "0:0:1000"]), [[0, 0, 1], [1, 1, 999]]);
    assert_eq!(map(&["--uidmap", "0:1:5,7:9:2"]), [[0, 1, 5], [7, 9, 2]]);
    assert_eq!(map(&["--uidmap", "+100000:1:1"])[..2], [[0, 0, 1], [1, 2, 65535]]);
    let at = format!("0:@{}:1", own().0);
    assert_eq!(map(&["--uidmap", &at]), [[0, 0, 1]]);
    assert_eq!(map(&["--userns=nomap"]), [[0, 1, 65536]]);
    // The kernel's own overlay where owners are the same on both sides.
    env.ok(["create", "--name", "same", "--uidmap", "0:0:1000", "busybox", "true"]);
    env.ok(["create", "--name", "other", "--uidmap", "0:1:1000", "busybox", "true"]);
    assert_eq!(env.inspect("other", "Driver"), "fuse-overlayfs");
    assert_ne!(env.inspect("same", "Driver"), "vfs");
    // A container without a root.
    assert_eq!(env.sh(&["--uidmap", "5:0:1", "--user", "5:5"], "id -u; id -g; stat -c %u /etc"), "5\n5\n5");
    for (options, message) in [
        (&["--uidmap", "0:0", "--userns", "host"][..], "mutually exclusive"),
        (&["--subuidname", "nosuchuser"], "no subuid ranges found for user \"nosuchuser\" in /etc/subuid"),
        (&["--uidmap", "0:0:100000"], "cannot be mapped"),
        (&["--uidmap", "0:0:10", "--uidmap", "5:20:5"], "conflicts with other mappings"),
        (&["--uidmap", "foo"], "UID setting is malformed"),
        (&["--userns=private"], "must provide at least one UID or GID mapping"),
        (&["--userns=container:nosuch"], "no container with name or ID \"nosuch\" found"),
        (&["--userns=ns:/nosuch"], "cannot find specified user namespace path"),
    ] {
        let said = env.fails(125, [&["run", "--rm"], options, &["busybox", "true"]].concat());
        assert!(said.contains(message), "{options:?}: {said}");
    }
    env.fails(126, ["run", "--rm", "--network=none", "--userns=keep-id:size=100", "--user", "5000", "busybox", "true"]);
}

#[test]
fn volumes_pipes_and_terminals_belong_to_the_container() {
    if !works("volumes_pipes_and_terminals_belong_to_the_container") {
        return;
    }
    let env = Env::busybox();
    let script = "stat -c %u:%g /v /v/f /etc/hosts; echo x > /v/g; echo err > /dev/stderr; echo out > /dev/stdout";
    let image = fixtures::on_busybox("with", vec![Layer::new().owned("v/f", 0o644, 3, 4, b"").plain()]);
    env.add(&image);
    let run = |mode: &str| {
        let args =
            ["run", "--rm", "--network", "none", "-v", "/v", &format!("--userns={mode}"), "with", "sh", "-c", script];
        env.coracle(args).run().expect(0)
    };
    for mode in ["auto", "keep-id:uid=5,gid=5", "host"] {
        let options = if mode.starts_with("keep") { "--user=0" } else { "--user=0:0" };
        let args = [
            "run",
            "--rm",
            "--network",
            "none",
            "-v",
            "/v",
            options,
            &format!("--userns={mode}"),
            "with",
            "sh",
            "-c",
            script,
        ];
        let output = env.coracle(args).run().expect(0);
        assert_eq!(output.stdout, "0:0\n3:4\n0:0\nout\n", "{mode}: {output}");
        assert_eq!(output.stderr, "err\n", "{mode}: {output}");
    }
    assert_eq!(run("nomap").stdout, "0:0\n3:4\n0:0\nout\n");
    env.assert_nothing_left();
}

#[test]
fn a_new_volume_belongs_to_the_user_of_the_container() {
    if !works("a_new_volume_belongs_to_the_user_of_the_container") {
        return;
    }
    let env = Env::busybox();
    // Nothing is at /data in the image.
    let script = "stat -c %u:%g /data; echo x > /data/x; stat -c %u:%g /data/x";
    for (number, options) in [
        &["--userns=auto"][..],
        &["--userns=auto", "--user=5:6"],
        &["--userns=keep-id:uid=7,gid=8"],
        &["--userns=nomap"],
        &["--user=5:6"],
    ]
    .iter()
    .enumerate()
    {
        let volume = format!("v{number}:/data");
        let mut all = vec!["-v", &volume];
        all.extend(*options);
        let want = match options.last() {
            Some(last) if last.starts_with("--user=") => "5:6\n5:6",
            Some(last) if last.starts_with("--userns=keep-id") => "7:8\n7:8",
            _ => "0:0\n0:0",
        };
        assert_eq!(env.sh(&all, script), want, "{options:?}");
    }
    env.assert_nothing_left();
}

#[test]
fn the_image_s_data_are_not_copied_and_nothing_stays_mounted() {
    if !works("the_image_s_data_are_not_copied_and_nothing_stays_mounted") {
        return;
    }
    let env = Env::busybox();
    let layer = Layer::new().noise("big", 8 << 20);
    env.add(&fixtures::on_busybox("big", vec![layer.plain()]));
    env.ok(["create", "--name", "c", "--network", "none", "--userns=auto", "big", "sh", "-c", "sleep 1000"]);
    env.ok(["start", "c"]);
    assert_eq!(env.ok(["exec", "c", "stat", "-c", "%u:%s", "/big"]).trim(), format!("0:{}", 8 << 20));
    let used = env.program("du").args(["-sk", env.root().join("containers").to_str().unwrap()]).run().expect(0).text();
    let used: u64 = used.split_whitespace().next().unwrap().parse().unwrap();
    assert!(used < 1024, "{used} kB");
    let pid = env.inspect("c", "State/ConmonPid").as_i64().unwrap();
    let children = || std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let fuse = children().split_whitespace().map(str::to_owned).find(|child| {
        std::fs::read_to_string(format!("/proc/{child}/comm")).is_ok_and(|name| name.starts_with("fuse-overlay"))
    });
    let fuse = fuse.expect("the monitor's own fuse-overlayfs");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), nix::sys::signal::Signal::SIGKILL).unwrap();
    until("fuse-overlayfs to end with its monitor", SOON, || {
        (!std::path::Path::new(&format!("/proc/{fuse}")).exists()).then_some(())
    });
    env.ok(["rm", "-f", "c"]);
    env.assert_nothing_left();
}

#[test]
fn other_drivers_show_the_same_owners_and_a_tree_is_made_once() {
    if !works("other_drivers_show_the_same_owners_and_a_tree_is_made_once") {
        return;
    }
    let env = Env::busybox();
    let layer =
        Layer::new().owned("srv/web", 0o640, 33, 34, b"w").hardlink("srv/again", "srv/web").noise("srv/big", 1 << 20);
    let upper = Layer::new().owned("srv/top", 0o4755, 5, 0, b"t").file("srv/.wh.big", 0o644, b"");
    env.add(&fixtures::on_busybox("owners", vec![layer.plain(), upper.plain()]));
    let shown = || std::fs::read_dir(env.root().join("shown")).map_or(0, Iterator::count);
    for driver in ["overlay", "vfs"] {
        let run = |options: &[&str], script: &str| {
            let head = ["--storage-driver", driver, "run", "--rm", "--network", "none", "--userns=keep-id", "--user=0"];
            env.ok([&head, options, &["owners", "sh", "-c", script]].concat()).trim().to_owned()
        };
        let script = "stat -c %u:%g:%a:%s /etc /srv/web /srv/top | cut -d: -f1-3; cat /srv/again /srv/top; ls /srv";
        assert_eq!(run(&[], script), "0:0:755\n33:34:640\n5:0:4755\nwtagain\ntop\nweb", "{driver}");
        assert_eq!(run(&["-u", "33"], "echo $(cat /srv/web)"), "w", "{driver}");
        let args =
            ["--storage-driver", driver, "create", "--name", "c", "--network", "none", "--userns=keep-id", "--user=0"];
        let script = "cat /srv/more 2>/dev/null || echo none; echo x >> /srv/web; echo m > /srv/more; chown 7:8 /srv/more /srv/top";
        env.ok([&args[..], &["owners", "sh", "-c", script]].concat());
        assert_eq!(env.ok(["start", "-a", "c"]).trim(), "none", "{driver}");
        assert_eq!(env.ok(["start", "-a", "c"]).trim(), "m", "{driver}");
        let changes = env.ok(["diff", "c"]);
        for (line, is_there) in
            [("A /srv/more", true), ("C /srv/top", true), ("C /bin", false), ("C /bin/busybox", false)]
        {
            assert_eq!(changes.lines().any(|l| l == line), is_there, "{driver}: {line}:\n{changes}");
        }
        env.ok(["commit", "-q", "c", "made"]);
        let made =
            ["run", "--rm", "--network", "none", "--user=0", "made", "stat", "-c", "%u:%g", "/srv/more", "/srv/web"];
        assert_eq!(env.ok(made).trim(), "7:8\n33:34", "{driver}");
        env.ok(["rmi", "made"]);
        let tar = env.work().join(format!("{driver}.tar"));
        env.ok(["export", "-o", tar.to_str().unwrap(), "c"]);
        let list = env.program("tar").args(["--numeric-owner", "-tvf", tar.to_str().unwrap()]).run().expect(0).text();
        for (owner, name) in [(" 7/8 ", "srv/more"), (" 7/8 ", "srv/top"), (" 33/34 ", "srv/web"), (" 0/0 ", "etc/")] {
            assert!(list.lines().any(|l| l.contains(owner) && l.contains(name)), "{driver}: {name}{owner}:\n{list}");
        }
        let trees = usize::from(driver == "overlay");
        assert_eq!(shown(), trees, "{driver}: one tree for all of them");
        env.ok(["image", "prune", "-f"]);
        assert_eq!(shown(), trees, "{driver}: it is in use");
        env.ok(["rm", "c"]);
        env.ok(["image", "prune", "-f"]);
        assert_eq!(shown(), 0, "{driver}: nobody uses it");
    }
    env.assert_nothing_left();
}
