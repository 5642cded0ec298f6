//! From `create` to `rm`: states, signals, restart policies, and commands on several containers.

use crate::support::{Env, SOON, until};

#[test]
fn create_start_stop_rm() {
    let env = Env::busybox();
    let id = env.ok([
        "create",
        "--name",
        "c",
        "--network",
        "none",
        "busybox",
        "sh",
        "-c",
        "trap 'exit 7' TERM; while :; do sleep 1000 & wait $!; done",
    ]);
    assert_eq!(id.len(), 64);
    assert_eq!(env.status("c"), "created");
    env.fails(125, ["stop", "nosuch"]);
    assert_eq!(env.ok(["start", "c"]), "c");
    assert_eq!(env.status("c"), "running");
    assert_eq!(env.ok(["start", "c"]), "c", "starting a running one does nothing");
    assert!(env.fails(2, ["rm", "c"]).contains("running"));
    assert_eq!(env.ok(["stop", "-t", "20", "c"]), "c");
    assert_eq!(env.status("c"), "exited");
    assert_eq!(env.inspect("c", "State.ExitCode"), 7);
    assert_eq!(env.ok(["stop", "c"]), "c", "stopping a stopped one does nothing");
    env.ok(["start", "c"]);
    env.ok(["restart", "-t", "20", "c"]);
    assert_eq!(env.status("c"), "running");
    assert_eq!(env.ok(["rm", "-f", "-t", "0", "c"]), "c");
    assert!(env.fails(1, ["rm", "c"]).contains("no such container"));
    env.ok(["rm", "-f", "c"]);
    env.ok(["rm", "--ignore", "c"]);
    env.assert_nothing_left();
}

#[test]
fn stop_kills_what_does_not_listen() {
    let env = Env::busybox();
    env.ok([
        "run",
        "-d",
        "--name",
        "deaf",
        "--network",
        "none",
        "busybox",
        "sh",
        "-c",
        "trap '' TERM; while :; do sleep 1000; done",
    ]);
    env.ok(["stop", "-t", "1", "deaf"]);
    assert_eq!(env.inspect("deaf", "State.ExitCode"), 137);
    env.ok([
        "run",
        "-d",
        "--name",
        "usr1",
        "--stop-signal",
        "USR1",
        "--network",
        "none",
        "busybox",
        "sh",
        "-c",
        "trap 'exit 5' USR1; while :; do sleep 1000 & wait $!; done",
    ]);
    env.ok(["stop", "-t", "20", "usr1"]);
    assert_eq!(env.inspect("usr1", "State.ExitCode"), 5);
}

#[test]
fn kill_sends_signals_by_name_and_number() {
    let env = Env::busybox();
    env.ok([
        "run",
        "-d",
        "--name",
        "k",
        "--network",
        "none",
        "busybox",
        "sh",
        "-c",
        "trap 'echo hup' HUP; trap 'exit 9' USR2; echo ready; while :; do sleep 1000 & wait $!; done",
    ]);
    until("the trap", SOON, || env.ok(["logs", "k"]).contains("ready").then_some(()));
    env.ok(["kill", "-s", "HUP", "k"]);
    until("the trap of HUP", SOON, || env.ok(["logs", "k"]).contains("hup").then_some(()));
    assert_eq!(env.status("k"), "running");
    env.ok(["kill", "--signal", "SIGUSR2", "k"]);
    env.wait_status("k", "exited");
    assert_eq!(env.inspect("k", "State.ExitCode"), 9);
    env.fails(125, ["kill", "k"]);
    env.ok(["start", "k"]);
    env.ok(["kill", "-s", "9", "k"]);
    env.wait_status("k", "exited");
    assert_eq!(env.inspect("k", "State.ExitCode"), 137);
    assert!(env.fails(125, ["kill", "-s", "NOSUCH", "k"]).contains("NOSUCH"));
}

#[test]
fn pause_and_unpause() {
    let env = Env::busybox();
    let shared = env.work();
    env.ok([
        "run",
        "-d",
        "--name",
        "p",
        "--network",
        "none",
        "-v",
        &format!("{}:/w", shared.display()),
        "busybox",
        "sh",
        "-c",
        "i=0; while :; do i=$((i+1)); echo $i > /w/new; mv /w/new /w/count; done",
    ]);
    let count = || std::fs::read_to_string(shared.join("count")).unwrap_or_default();
    until("counting", SOON, || (!count().is_empty()).then_some(()));
    env.ok(["pause", "p"]);
    assert_eq!(env.status("p"), "paused");
    // A fixed value while other commands run: they take longer than one round of the loop.
    let (first, _, _, second) = (count(), env.names(), env.names(), count());
    assert_eq!(first, second, "a paused container does nothing");
    env.fails(125, ["pause", "p"]);
    env.ok(["unpause", "p"]);
    assert_eq!(env.status("p"), "running");
    until("counting again", SOON, || (count() != second).then_some(()));
    env.ok(["pause", "p"]);
    env.ok(["rm", "-f", "-t", "0", "p"]);
    env.assert_nothing_left();
}

#[test]
fn wait_returns_exit_codes() {
    let env = Env::busybox();
    let script = "trap 'exit 3' TERM; echo ready; while :; do sleep 1000 & wait $!; done";
    env.ok(["run", "-d", "--name", "a", "--network", "none", "busybox", "sh", "-c", script]);
    env.start("b", &[]);
    let waiting = env.coracle(["wait", "a", "b"]).spawn();
    until("the trap", SOON, || env.ok(["logs", "a"]).contains("ready").then_some(()));
    env.ok(["stop", "-t", "20", "b", "a"]);
    waiting.finish().expect(0).says("3\n0");
    assert_eq!(env.ok(["wait", "a"]), "3");
    env.fails(125, ["wait", "nosuch"]);
    assert_eq!(env.ok(["wait", "--ignore", "nosuch"]), "-1");
    env.fails(125, ["wait", "--condition", "nosuch", "a"]);
    let waiting = env.coracle(["wait", "--condition", "running", "a"]).spawn();
    env.ok(["start", "a"]);
    waiting.finish().expect(0);
}

#[test]
fn rename() {
    let env = Env::busybox();
    let id = env.start("old", &[]);
    env.start("taken", &[]);
    env.ok(["rename", "old", "new"]);
    assert_eq!(env.inspect("new", "Id"), id);
    env.fails(125, ["inspect", "old"]);
    assert!(env.fails(125, ["rename", "new", "taken"]).contains("in use"));
    env.fails(125, ["rename", "nosuch", "x"]);
    env.ok(["run", "--rm", "--name", "old", "--network", "none", "busybox", "true"]);
    assert_eq!(env.names(), ["new", "taken"]);
}

#[test]
fn init_makes_everything_but_the_command() {
    let env = Env::busybox();
    env.ok(["create", "--name", "i", "--network", "none", "busybox", "echo", "started"]);
    env.ok(["init", "i"]);
    assert_eq!(env.status("i"), "initialized");
    assert_eq!(env.ok(["logs", "i"]), "");
    env.ok(["start", "i"]);
    env.wait_status("i", "exited");
    assert_eq!(env.ok(["logs", "i"]), "started");
    env.ok(["create", "--name", "j", "--network", "none", "busybox", "true"]);
    env.ok(["init", "j"]);
    env.ok(["rm", "-f", "-t", "0", "j"]);
    assert_eq!(env.names(), ["i"]);
    env.ok(["create", "--name", "k", "--network", "none", "busybox", "nosuchcmd"]);
    env.ok(["init", "k"]);
    assert!(env.fails(127, ["start", "k"]).contains("`nosuchcmd` not found"));
    env.wait_status("k", "exited");
}

#[test]
fn start_attached_relays_output_and_code() {
    let env = Env::busybox();
    env.ok(["create", "--name", "s", "--network", "none", "busybox", "sh", "-c", "echo out; echo err >&2; exit 6"]);
    for _ in 0..2 {
        let output = env.coracle(["start", "-a", "s"]).run().expect(6);
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("out\n", "err\n"));
    }
    env.ok(["create", "-i", "--name", "cat", "--network", "none", "busybox", "cat"]);
    env.coracle(["start", "-a", "-i", "cat"]).stdin("typed").run().expect(0).says("typed");
    let missing = env.ok(["create", "--name", "bad", "--network", "none", "busybox", "nosuchcmd"]);
    env.fails(127, ["start", "-a", &missing]);
    let output = env.coracle(["start", &missing]).run();
    assert!([125, 127].contains(&output.code()), "{output}");
}

#[test]
fn one_bad_name_does_not_keep_the_others_from_it() {
    let env = Env::busybox();
    for name in ["a", "b"] {
        env.start(name, &[]);
    }
    let output = env.coracle(["stop", "-t", "20", "a", "nosuch", "b"]).run().expect(125);
    assert_eq!(output.stdout.lines().collect::<Vec<_>>(), ["a", "b"]);
    let output = env.coracle(["rm", "a", "nosuch", "b"]).run().expect(1);
    assert_eq!(output.stdout.lines().collect::<Vec<_>>(), ["a", "b"]);
    env.assert_nothing_left();
}

#[test]
fn all_latest_and_filters() {
    let env = Env::busybox();
    for (name, label) in [("a", "n=1"), ("b", "n=2"), ("c", "n=1")] {
        env.start(name, &["-l", label]);
    }
    assert_eq!(env.ok(["ps", "-q", "--no-trunc", "-l"]), env.inspect("c", "Id").as_str().unwrap());
    env.ok(["stop", "-t", "20", "--filter", "label=n=1"]);
    let names = |filter: &str| {
        let text = env.ok(["ps", "-a", "--filter", filter, "--format", "{{.Names}}", "--sort", "names"]);
        text.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names("status=running"), ["b"]);
    assert_eq!(names("status=exited"), ["a", "c"]);
    assert_eq!(names("label=n"), ["a", "b", "c"]);
    assert_eq!(names("label=n=2"), ["b"]);
    assert_eq!(names("name=a"), ["a"]);
    assert_eq!(names("ancestor=busybox"), ["a", "b", "c"]);
    assert_eq!(names("exited=0"), ["a", "c"]);
    assert_eq!(names("before=b"), ["a"]);
    assert_eq!(names("since=b"), ["c"]);
    env.fails(125, ["ps", "--filter", "nosuch=1"]);
    env.ok(["stop", "-a", "-t", "20"]);
    env.ok(["rm", "-a"]);
    env.assert_nothing_left();
}

#[test]
fn restart_on_failure_gives_up() {
    let env = Env::busybox();
    env.ok([
        "run",
        "-d",
        "--name",
        "r",
        "--restart",
        "on-failure:2",
        "--network",
        "none",
        "busybox",
        "sh",
        "-c",
        "echo run; exit 4",
    ]);
    until("the last restart", SOON, || {
        (env.ok(["logs", "r"]) == "run\nrun\nrun" && env.status("r") == "exited").then_some(())
    });
    assert_eq!(env.inspect("r", "RestartCount"), 2);
    assert_eq!(env.inspect("r", "State.ExitCode"), 4);
    env.ok(["run", "--name", "good", "--restart", "on-failure", "--network", "none", "busybox", "true"]);
    env.wait_status("good", "exited");
    assert_eq!(env.inspect("good", "RestartCount"), 0);
}

#[test]
fn restart_always_until_stopped() {
    let env = Env::busybox();
    for policy in ["always", "unless-stopped"] {
        env.start(policy, &["--restart", policy]);
        let first = env.inspect(policy, "State.Pid");
        // Not with `kill`, which is the user's will as much as `stop`.
        let pid = nix::unistd::Pid::from_raw(i32::try_from(first.as_i64().unwrap()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        until("the restart", SOON, || {
            let again = env.inspect(policy, "State.Pid");
            (again != 0 && again != first && env.status(policy) == "running").then_some(())
        });
        env.ok(["stop", "-t", "0", policy]);
        assert_eq!(env.status(policy), "exited", "{policy}: a stopped container stays so");
    }
    assert!(env.fails(125, ["run", "--rm", "--restart", "sometimes", "busybox", "true"]).contains("sometimes"));
    env.ok(["rm", "-a"]);
    env.assert_nothing_left();
}

/// Between two runs a container has no process, but a monitor that will start it again.
#[test]
fn a_container_that_is_about_to_be_started_again() {
    let env = Env::busybox();
    let command = ["--network", "none", "busybox", "sh", "-c", "exit 3"];
    env.ok(["run", "-d", "--name", "again", "--restart", "always"].iter().chain(&command));
    assert_eq!(env.ok(["wait", "again"]), "3", "an end is an end, whatever comes after");
    until("a few restarts", SOON, || (env.inspect("again", "RestartCount").as_i64() > Some(3)).then_some(()));
    // The pause is long by now, but it need not be waited for.
    env.ok(["start", "again"]);
    assert!(env.fails(2, ["rm", "again"]).contains("without force"));
    env.ok(["stop", "-t", "0", "again"]);
    env.wait_status("again", "exited");
    until("the monitor's end", SOON, || env.coracle(["rm", "again"]).run().code().eq(&0).then_some(()));
    env.assert_nothing_left();
}

/// Without a PID namespace nothing but the monitor ends what a container leaves behind.
#[test]
fn what_a_container_leaves_in_the_hosts_pid_namespace_ends_with_it() {
    let env = Env::busybox();
    let script = "sleep 77177 & sh -c 'setsid sleep 77177 &'; echo $!";
    env.ok(["run", "--rm", "--pid", "host", "--network", "none", "busybox", "sh", "-c", script]);
    let left = std::fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| line.ends_with(b"sleep\x0077177\0"))
    });
    assert_eq!(left.count(), 0);
    env.assert_nothing_left();
}

#[test]
fn rm_is_done_by_the_monitor() {
    let env = Env::busybox();
    env.ok(["run", "-d", "--rm", "--name", "gone", "--network", "none", "busybox", "true"]);
    until("the removal", SOON, || env.names().is_empty().then_some(()));
    env.start("gone", &["--rm"]);
    env.ok(["stop", "-t", "20", "gone"]);
    env.assert_nothing_left();
    env.ok(["run", "--rm", "--network", "none", "busybox", "true"]);
    env.assert_nothing_left();
}

#[test]
fn top_port_and_export() {
    let env = Env::busybox();
    env.start("t", &["-p", "127.0.0.1::80"]);
    let top = env.ok(["top", "t"]);
    assert!(top.starts_with("USER") && top.contains("root") && top.contains("sh -c"), "{top}");
    assert_eq!(
        env.ok(["top", "t", "pid", "user"]).lines().nth(1).unwrap().split_ascii_whitespace().collect::<Vec<_>>(),
        ["1", "root"]
    );
    env.ok(["exec", "t", "sh", "-c", "echo made > /made"]);
    let tar = env.work().join("export.tar");
    env.ok(["export", "-o", tar.to_str().unwrap(), "t"]);
    let list = env.program("tar").args(["-tvf".as_ref(), tar.as_os_str()]).run().expect(0).text();
    assert!(list.lines().any(|line| line.ends_with(" made") || line.ends_with(" ./made")), "{list}");
    assert!(list.contains("bin/busybox"), "{list}");
    env.fails(125, ["export", "nosuch"]);
    env.fails(125, ["top", "nosuch"]);
}

/// State is what the kernel says, in times and numbers too.
#[test]
fn inspect_tells_times_and_state() {
    let env = Env::busybox();
    env.start("c", &[]);
    let pid = env.inspect("c", "State.Pid").as_i64().unwrap();
    assert!(std::path::Path::new(&format!("/proc/{pid}")).exists());
    assert_eq!(env.inspect("c", "State.Running"), true);
    env.ok(["stop", "-t", "20", "c"]);
    assert_eq!(env.inspect("c", "State.Running"), false);
    assert_eq!(env.inspect("c", "State.Pid"), 0);
    let time = |path: &str| env.inspect("c", path).as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(time("Created") <= time("State.StartedAt") && time("State.StartedAt") <= time("State.FinishedAt"));
    assert!(env.fails(125, ["inspect", "nosuch"]).contains("nosuch"));
}
