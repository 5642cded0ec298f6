//! kill -9 of anything, at any moment: the kernel tells the next command, which cleans up.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Env, SOON, leftovers, let_pass, until};

fn kill_9(pid: i64) {
    // It may have ended by itself.
    let _ = kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL);
}

fn pid(env: &Env, name: &str, which: &str) -> i64 {
    env.inspect(name, which).as_i64().unwrap()
}

#[test]
fn of_the_containers_init() {
    let env = Env::busybox();
    env.start("c", &[]);
    kill_9(pid(&env, "c", "State.Pid"));
    env.wait_status("c", "exited");
    assert_eq!(env.inspect("c", "State.ExitCode"), 137);
    env.ok(["start", "c"]);
    assert_eq!(env.status("c"), "running");
    env.ok(["rm", "-f", "-t", "0", "c"]);
    env.assert_nothing_left();
}

#[test]
fn of_the_monitor() {
    let env = Env::busybox();
    for (name, option) in [("plain", "--init=false"), ("init", "--init"), ("removed", "--rm")] {
        env.start(name, &[option]);
        kill_9(pid(&env, name, "State.ConmonPid"));
        if name == "removed" {
            until("the removal", SOON, || (!env.names().contains(&name.to_owned())).then_some(()));
            continue;
        }
        until("another state", SOON, || (env.status(name) != "running").then_some(()));
        let listed = env.ok(["ps", "-a", "--format", "{{.Names}} {{.State}}"]);
        assert!(!listed.contains(&format!("{name} running")), "{listed}");
        assert_ne!(env.inspect(name, "State.ExitCode"), 0, "an unknown end is not success");
        // Nothing of it runs on, and the name is usable.
        let processes = until("the end of its processes", SOON, || {
            Some(leftovers::of(env.root().parent().unwrap())).filter(Vec::is_empty)
        });
        assert!(processes.is_empty());
        env.ok(["start", name]);
        assert_eq!(env.status(name), "running");
        env.ok(["rm", "-f", "-t", "0", name]);
    }
    env.assert_nothing_left();
}

#[test]
fn of_the_monitor_with_a_network() {
    let env = Env::busybox();
    for helper in ["slirp4netns", "pasta"] {
        env.ok(["run", "-d", "--name", helper, "--network", helper, "busybox", "sleep", "1000"]);
        kill_9(pid(&env, helper, "State.ConmonPid"));
        until("another state", SOON, || (env.status(helper) != "running").then_some(()));
        env.ok(["rm", "-f", "-t", "0", helper]);
        env.assert_nothing_left();
    }
}

/// The container goes on, and everything works with it.
#[test]
fn of_the_attached_client() {
    let env = Env::busybox();
    let script = "trap 'exit 0' TERM; while :; do echo output; sleep 1000 & wait $!; done";
    let mut running = env.coracle(["run", "--name", "c", "--network", "none", "busybox", "sh", "-c", script]).spawn();
    until("the container", SOON, || env.ok(["ps", "-q"]).lines().next().map(|_| ()));
    until("its output", SOON, || env.ok(["logs", "c"]).contains("output").then_some(()));
    running.child.kill().unwrap();
    assert_eq!(running.finish().code(), 137);
    assert_eq!(env.status("c"), "running");
    assert_eq!(env.ok(["exec", "c", "echo", "there"]), "there");
    env.ok(["stop", "-t", "20", "c"]);
    assert_eq!(env.inspect("c", "State.ExitCode"), 0);
    env.ok(["rm", "c"]);
    env.assert_nothing_left();
}

/// `run` killed at every few milliseconds of its life. Whatever was reached, `ps` works, and `rm` removes it.
#[test]
fn of_run_at_any_moment() {
    let env = Env::busybox();
    for step in 0..40 {
        let mut running = env.coracle(["run", "--name", "c", "--network", "none", "busybox", "sleep", "1000"]).spawn();
        let_pass(Duration::from_millis(step));
        running.child.kill().unwrap();
        running.finish();
        env.ok(["ps", "-a"]);
        env.ok(["rm", "-f", "-a", "-t", "0"]);
        env.ok(["run", "--rm", "--name", "c", "--network", "none", "busybox", "true"]);
    }
    env.assert_nothing_left();
}

/// Any process of the engine, while containers start and end.
#[test]
fn of_any_process_at_any_moment() {
    let env = Env::busybox();
    let dir = env.root().parent().unwrap().to_owned();
    for step in 0..30 {
        let running =
            env.coracle(["run", "--rm", "--init", "--network", "none", "busybox", "sh", "-c", "sleep 0.02"]).spawn();
        let_pass(Duration::from_millis(step * 2));
        let processes = leftovers::of(&dir);
        if let Some(process) = processes.get(usize::try_from(step).unwrap() % processes.len().max(1)) {
            kill_9(process.pid.into());
        }
        running.finish();
        env.ok(["ps", "-a"]);
    }
    env.ok(["rm", "-f", "-a", "-t", "0"]);
    env.assert_nothing_left();
}

#[test]
fn of_exec() {
    let env = Env::busybox();
    env.start("c", &[]);
    for step in 0..15 {
        let mut running = env.coracle(["exec", "c", "sh", "-c", "exec sleep 1000"]).spawn();
        let_pass(Duration::from_millis(step * 2));
        running.child.kill().unwrap();
        running.finish();
        assert_eq!(env.ok(["exec", "c", "echo", "there"]), "there");
    }
    env.ok(["rm", "-f", "-t", "0", "c"]);
    env.assert_nothing_left();
}

/// A reboot in small: the run root is gone, the data root is not.
#[test]
fn the_run_root_disappears() {
    let env = Env::busybox();
    env.start("c", &[]);
    env.ok(["stop", "-t", "0", "c"]);
    env.start("d", &[]);
    leftovers::kill(env.root().parent().unwrap());
    until("the end of all processes", SOON, || leftovers::of(env.root().parent().unwrap()).is_empty().then_some(()));
    std::fs::remove_dir_all(env.runroot()).unwrap();
    assert_eq!(env.names(), ["c", "d"]);
    assert_eq!(env.status("d"), "exited");
    env.ok(["start", "c", "d"]);
    assert_eq!(env.status("d"), "running");
}
