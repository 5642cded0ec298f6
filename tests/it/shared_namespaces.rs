//! `--pid`, `--ipc`, `--uts`, `--cgroupns` with container:NAME and ns:PATH, and what containers that depend on each other
//! may and may not.

use crate::support::{Env, SOON, until};

const ALL: [&str; 8] = [
    "--pid",
    "container:donor",
    "--ipc",
    "container:donor",
    "--uts",
    "container:donor",
    "--cgroupns",
    "container:donor",
];

fn links(env: &Env, name: &str) -> String {
    env.ok(["exec", name, "sh", "-c", "for n in pid ipc uts cgroup; do readlink /proc/self/ns/$n; done"])
}

/// Arguments of all processes that the PID namespace of `name` shows, but for the one that looks.
fn processes(env: &Env, name: &str) -> String {
    env.ok(["exec", name, "sh", "-c", "ps -o stat,args | grep -v -e 'ps -o' -e '^Z' -e grep"])
}

#[test]
fn another_containers_namespaces() {
    let env = Env::busybox();
    env.start("donor", &["--hostname", "boat"]);
    env.start("guest", &ALL);
    assert_eq!(links(&env, "donor"), links(&env, "guest"));
    env.ok(["exec", "donor", "sh", "-c", "echo seen > /dev/shm/f"]);
    assert_eq!(
        env.ok(["exec", "guest", "sh", "-c", "cat /dev/shm/f; hostname; cat /etc/hostname; echo $HOSTNAME"]),
        "seen\nboat\nboat\nboat"
    );
    let donor = env.inspect("donor", "Id");
    let mode = format!("container:{}", donor.as_str().unwrap());
    for key in ["PidMode", "IpcMode", "UTSMode", "CgroupMode"] {
        assert_eq!(env.inspect("guest", &format!("HostConfig.{key}")), mode.as_str(), "{key}");
    }
    assert_eq!(env.inspect("guest", "Dependencies"), serde_json::json!([donor]));
    assert_eq!(env.inspect("donor", "Dependencies"), serde_json::json!([]));
    // The file systems are their own.
    env.ok(["exec", "guest", "touch", "/of-the-guest"]);
    env.coracle(["exec", "donor", "ls", "/of-the-guest"]).run().expect(1);
    // Only those that were asked for.
    env.start("partly", &["--ipc", "container:donor"]);
    let (all, partly) = (links(&env, "donor"), links(&env, "partly"));
    let same: Vec<bool> = all.lines().zip(partly.lines()).map(|(a, b)| a == b).collect();
    assert_eq!(same, [false, true, false, false]);
    env.start("shy", &["--ipc", "private"]);
    let said = env.fails(125, ["run", "--rm", "--ipc", "container:shy", "busybox", "true"]);
    assert!(said.contains("is not allowed: non-shareable IPC"), "{said}");
}

#[test]
fn namespaces_by_path() {
    let env = Env::busybox();
    env.start("donor", &["--hostname", "boat"]);
    let pid = env.inspect("donor", "State.Pid");
    let path = |kind: &str| format!("ns:/proc/{pid}/ns/{kind}");
    let (pids, ipc, uts, cgroup) = (path("pid"), path("ipc"), path("uts"), path("cgroup"));
    env.start("guest", &["--pid", &pids, "--ipc", &ipc, "--uts", &uts, "--cgroupns", &cgroup]);
    assert_eq!(links(&env, "donor"), links(&env, "guest"));
    for (flag, value, part) in [
        (
            "--pid",
            "ns:/nosuch",
            "cannot find specified PID namespace path: faccessat /nosuch: no such file or directory",
        ),
        ("--ipc", "ns:/etc/passwd", "joining the IPC namespace of `/etc/passwd`: Invalid argument"),
        ("--uts", ipc.as_str(), "Invalid argument"),
        ("--pid", "ns:", "namespace mode path requires a value"),
        ("--ipc", "container:", "namespace mode container requires a value"),
        (
            "--uts",
            "container:nosuch",
            "looking up container to share uts namespace with: no container with name or ID \"nosuch\" found",
        ),
        ("--cgroupns", "odd", "unrecognized namespace mode odd passed"),
    ] {
        let said = env.fails(125, ["run", "--rm", "--network", "none", flag, value, "busybox", "true"]);
        assert!(said.contains(part), "{flag} {value}: {said}");
    }
    let said = env.fails(125, ["create", "--uts", "container:donor", "--hostname", "x", "busybox"]);
    assert!(said.contains("cannot set hostname"), "{said}");
}

#[test]
fn whoever_is_needed_is_started_and_stays() {
    let env = Env::busybox();
    env.ok(["create", "--name", "donor", "--network", "none", "busybox", "sleep", "1000"]);
    let guest = env.ok([
        "create",
        "--name",
        "guest",
        "--network",
        "none",
        "--pid",
        "container:donor",
        "busybox",
        "ps",
        "-o",
        "args",
    ]);
    env.coracle(["start", "-a", "guest"]).run().expect(0).says("COMMAND\nsleep 1000\nps -o args");
    assert_eq!(env.status("donor"), "running");
    for args in [["rm", "-f", "donor"].as_slice(), &["rm", "-t0", "-f", "donor"]] {
        let said = env.fails(125, args);
        assert!(
            said.contains("has dependent containers which must be removed before it") && said.contains(&guest),
            "{said}"
        );
    }
    env.ok(["pause", "donor"]);
    let said = env.fails(125, ["start", "guest"]);
    assert!(said.contains("it is paused"), "{said}");
    env.ok(["unpause", "donor"]);
    let removed = env.ok(["rm", "-f", "-t", "0", "--depend", "donor"]);
    assert_eq!(removed, format!("{guest}\ndonor"));
    env.assert_nothing_left();
}

/// The kernel ends everybody in a PID namespace with its first process; and a container without one of its own ends with
/// everything that it has started, and nothing else.
#[test]
fn processes_of_a_shared_pid_namespace() {
    let env = Env::busybox();
    env.start("donor", &[]);
    env.start("guest", &["--pid", "container:donor"]);
    env.ok(["exec", "-d", "guest", "sh", "-c", "setsid sleep 4321 & exec sleep 4322"]);
    until("its processes", crate::support::SOON, || processes(&env, "donor").contains("sleep 4321").then_some(()));
    env.ok(["pause", "guest"]);
    let stopped = processes(&env, "donor");
    assert!(stopped.lines().any(|l| l.starts_with('T') && l.contains("4321")), "{stopped}");
    env.ok(["unpause", "guest"]);
    env.ok(["kill", "guest"]);
    env.wait_status("guest", "exited");
    let left = processes(&env, "donor");
    assert!(!left.contains("432"), "{left}");
    assert_eq!(env.status("donor"), "running");
    // Whose monitor is killed loses its processes with the next command.
    env.ok(["start", "guest"]);
    env.ok(["exec", "-d", "guest", "setsid", "sleep", "4323"]);
    until("its process", crate::support::SOON, || processes(&env, "donor").contains("sleep 4323").then_some(()));
    let monitor = env.inspect("guest", "State.ConmonPid").as_i64().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(monitor as i32), nix::sys::signal::Signal::SIGKILL).unwrap();
    env.wait_status("guest", "exited");
    env.ok(["ps", "-a"]);
    assert!(!processes(&env, "donor").contains("4323"), "{}", processes(&env, "donor"));
    env.ok(["start", "guest"]);
    env.ok(["stop", "-t", "1", "donor"]);
    env.wait_status("guest", "exited");
    assert_eq!(env.inspect("guest", "State.ExitCode"), 137);
}

#[test]
fn the_hosts_pid_namespace_is_left_clean() {
    let env = Env::busybox();
    // One sees neither the root nor any mount of the container's.
    let script = "mkdir -p /jail/bin; cp /bin/busybox /jail/bin/sleep; chroot /jail /bin/sleep 5434 & \
                  sleep 5432 & setsid sleep 5433 & echo ready; wait";
    env.ok(["run", "-d", "--name", "h", "--network", "none", "--pid", "host", "busybox", "sh", "-c", script]);
    until("its processes", crate::support::SOON, || env.ok(["logs", "h"]).contains("ready").then_some(()));
    let monitor = env.inspect("h", "State.ConmonPid").as_i64().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(monitor as i32), nix::sys::signal::Signal::SIGKILL).unwrap();
    env.wait_status("h", "exited");
    // The environment's own end looks for processes that are left.
    env.ok(["rm", "h"]);
    env.assert_nothing_left();
}

/// Several at once go in an order that is possible.
#[test]
fn many_are_removed_in_the_right_order() {
    let env = Env::busybox();
    let make = |name: &str, of: &[&str]| {
        let args = ["create", "--network", "none", "--name", name];
        env.ok(args.iter().copied().chain(of.iter().copied()).chain(["busybox", "true"]));
    };
    let chain = || {
        make("a", &[]);
        make("b", &["--pid", "container:a"]);
        make("c", &["--ipc", "container:b", "--uts", "container:a"]);
    };
    for args in [
        ["rm", "a", "c", "b"].as_slice(),
        &["rm", "-f", "b", "a", "c"],
        &["rm", "-a"],
        &["container", "prune", "-f"],
        &["rmi", "-f", "busybox"],
    ] {
        chain();
        env.ok(args);
        assert!(env.names().is_empty(), "{args:?}");
    }
    env.assert_nothing_left();
}

/// A container of `--rm` that another one needs is there until that is gone.
#[test]
fn a_needed_container_is_not_removed_by_itself() {
    let env = Env::busybox();
    env.start("donor", &["--rm"]);
    env.ok(["create", "--name", "guest", "--network", "none", "--ipc", "container:donor", "busybox", "true"]);
    env.ok(["stop", "-t", "1", "donor"]);
    env.wait_status("donor", "exited");
    env.coracle(["start", "-a", "guest"]).run().expect(0);
    env.ok(["rm", "guest"]);
    env.ok(["stop", "-t", "1", "donor"]);
    until("the removal", crate::support::SOON, || env.names().is_empty().then_some(()));
    env.assert_nothing_left();
}

/// Both may be on their way back: who joins waits for the other for a while.
#[test]
fn a_restart_waits_for_the_donor() {
    let env = Env::busybox();
    env.start("donor", &[]);
    env.ok([
        "run",
        "-d",
        "--name",
        "guest",
        "--network",
        "none",
        "--restart",
        "always",
        "--ipc",
        "container:donor",
        "busybox",
        "sleep",
        "0.3",
    ]);
    env.ok(["kill", "donor"]);
    let why = until("the guest to miss it", SOON, || {
        let error = env.inspect("guest", "State.Error");
        error.as_str().filter(|e| !e.is_empty()).map(str::to_owned)
    });
    assert!(why.contains("the container is not running"), "{why}");
    env.ok(["start", "donor"]);
    env.wait_status("guest", "running");
    assert_eq!(env.inspect("guest", "State.Error"), "");
    // Somebody may lose patience before it does.
    env.ok(["kill", "donor"]);
    until("the guest to miss it", SOON, || (env.inspect("guest", "State.Error") != "").then_some(()));
    env.ok(["stop", "-t", "0", "guest"]);
    env.wait_status("guest", "exited");
    env.ok(["rm", "-f", "guest", "donor"]);
    env.assert_nothing_left();
}
