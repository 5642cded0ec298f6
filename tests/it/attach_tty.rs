//! Terminals: `-it`, attach, detach keys, resize, signals, and the state the terminal is left in.

use std::io::Read as _;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, poll};

use crate::support::pty::Pty;
use crate::support::{Env, SOON, until};

fn shell(env: &Env, name: &str) -> Pty {
    let mut pty = Pty::spawn(&env.coracle(["run", "-it", "--name", name, "--network", "none", "busybox", "sh"]).raw());
    pty.expect("# ");
    pty
}

#[test]
fn a_real_terminal() {
    let env = Env::busybox();
    let mut pty = shell(&env, "t");
    assert!(!pty.is_cooked(), "the outer terminal is raw while the inner one edits lines");
    pty.send("stty size; tty; test -t 0 -a -t 1 -a -t 2 && echo all'three'\n");
    pty.expect("24 80");
    pty.expect("/dev/pts/0");
    pty.expect("allthree");
    pty.resize(33, 99);
    pty.send("while [ \"$(stty size)\" != '33 99' ]; do :; done; echo re'sized'\n");
    pty.expect("resized");
    pty.send("exit 17\n");
    assert_eq!(pty.wait(), 17);
    assert!(pty.is_cooked(), "the terminal is as it was");
}

#[test]
fn keys_make_signals_and_jobs() {
    let env = Env::busybox();
    let mut pty = shell(&env, "k");
    pty.send("sleep 1000\n");
    pty.expect("sleep 1000");
    until("sleep", SOON, || env.ok(["top", "k", "args"]).contains("sleep 1000").then_some(()));
    pty.send("\x03");
    pty.expect("# ");
    pty.send("echo inter'rupted' $?\n");
    pty.expect("interrupted 130");
    pty.send("sleep 1000\n");
    until("sleep", SOON, || env.ok(["top", "k", "args"]).contains("sleep 1000").then_some(()));
    pty.send("\x1a");
    pty.expect("Stopped");
    pty.send("kill -9 %1; wait; echo go'ne'\n");
    pty.expect("gone");
    // It asks twice when it has not yet seen the job's end.
    pty.send("exit\nexit\n");
    pty.wait();
    assert!(pty.is_cooked());
}

#[test]
fn detach_and_attach_again() {
    let env = Env::busybox();
    let mut pty = shell(&env, "d");
    pty.send("echo be'fore'\n");
    pty.expect("before");
    pty.send("\x10\x11");
    assert_eq!(pty.wait(), 0);
    assert!(pty.is_cooked(), "the terminal is as it was");
    assert_eq!(env.status("d"), "running");
    let mut pty = Pty::spawn(&env.coracle(["attach", "d"]).raw());
    pty.send("echo af'ter'; exit 4\n");
    pty.expect("after");
    assert_eq!(pty.wait(), 4);
    assert!(pty.is_cooked());
    assert_eq!(env.status("d"), "exited");
    assert!(env.fails(125, ["attach", "d"]).contains("running"));
    env.fails(125, ["attach", "nosuch"]);
}

/// The first key of the sequence alone belongs to the container, together with what follows.
#[test]
fn half_of_the_detach_keys_is_input() {
    let env = Env::busybox();
    let mut pty = Pty::spawn(
        &env.coracle([
            "run",
            "-it",
            "--rm",
            "--network",
            "none",
            "busybox",
            "sh",
            "-c",
            "stty raw -echo; echo ready; head -c 2 | xxd",
        ])
        .raw(),
    );
    pty.expect("ready");
    pty.send("\x10x");
    pty.expect("1078");
    assert_eq!(pty.wait(), 0);
}

#[test]
fn several_clients_see_the_same() {
    let env = Env::busybox();
    env.ok(["run", "-dit", "--name", "m", "--network", "none", "busybox", "sh"]);
    let mut first = Pty::spawn(&env.coracle(["attach", "m"]).raw());
    let mut second = Pty::spawn(&env.coracle(["attach", "m"]).raw());
    // A client that has seen something is attached.
    first.send("echo al'ive'\n");
    first.expect("alive");
    second.send("echo he'llo'\n");
    second.expect("hello");
    second.send("echo to'gether'\n");
    first.expect("together");
    second.expect("together");
    second.send("\x10\x11");
    assert_eq!(second.wait(), 0);
    first.send("exit 2\n");
    assert_eq!(first.wait(), 2);
}

#[test]
fn attach_without_a_terminal() {
    let env = Env::busybox();
    env.ok(["run", "-d", "-i", "--name", "c", "--network", "none", "busybox", "sh", "-c", "cat; echo err >&2; exit 8"]);
    let output = env.coracle(["attach", "c"]).stdin("typed\n").run().expect(8);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("typed\n", "err\n"));
}

#[test]
fn raw_mode_ends_with_the_client_however_it_ends() {
    let env = Env::busybox();
    for (name, signal) in [("term", Signal::SIGTERM), ("hup", Signal::SIGHUP), ("int", Signal::SIGINT)] {
        let args = ["run", "-it", "--sig-proxy=false", "--name", name, "--network", "none", "busybox", "sh"];
        let mut pty = Pty::spawn(&env.coracle(args).raw());
        pty.expect("# ");
        kill(Pid::from_raw(pty.pid()), signal).unwrap();
        assert_ne!(pty.wait(), 0, "{name}");
        assert!(pty.is_cooked(), "{name}: the terminal stays raw");
        assert_eq!(env.status(name), "running", "the container survives its client");
    }
}

#[test]
fn signals_are_passed_on() {
    let env = Env::busybox();
    let script = "trap 'exit 44' TERM; echo ready; while :; do sleep 1000 & wait $!; done";
    let running = env.coracle(["run", "--name", "s", "--network", "none", "busybox", "sh", "-c", script]).spawn();
    until("the trap", SOON, || {
        let output = env.coracle(["logs", "s"]).run();
        output.stdout.contains("ready").then_some(())
    });
    kill(Pid::from_raw(running.pid()), Signal::SIGTERM).unwrap();
    running.finish().expect(44);
}

#[test]
fn a_signal_may_come_as_soon_as_the_command_runs() {
    let env = Env::busybox();
    let fifo = env.work().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let volume = format!("{}:/fifo", fifo.display());
    let mut fifo = std::fs::File::options().read(true).write(true).open(fifo).unwrap();
    let script = "trap 'exit 44' TERM; echo > /fifo; while :; do sleep 1000 & wait $!; done";
    for _ in 0..8 {
        let running =
            env.coracle(["run", "--rm", "--network", "none", "-v", &volume, "busybox", "sh", "-c", script]).spawn();
        let mut said = [PollFd::new(&fifo, PollFlags::IN)];
        assert_eq!(poll(&mut said, Some(&SOON.try_into().unwrap())), Ok(1), "the trap");
        fifo.read_exact(&mut [0]).unwrap();
        kill(Pid::from_raw(running.pid()), Signal::SIGTERM).unwrap();
        running.finish().expect(44);
    }
}

#[test]
fn terminal_output_is_logged() {
    let env = Env::busybox();
    env.ok(["run", "-d", "-t", "--name", "l", "--network", "none", "busybox", "echo", "on the terminal"]);
    env.wait_status("l", "exited");
    assert_eq!(env.ok(["logs", "l"]).trim_end_matches('\r'), "on the terminal");
}

/// TERM is set for terminals only.
#[test]
fn term_variable() {
    let env = Env::busybox();
    assert_eq!(env.sh(&[], "echo ${TERM-unset}"), "unset");
    assert_eq!(env.sh(&["-t"], "echo ${TERM-unset}").trim_end(), "xterm");
    assert_eq!(env.sh(&["-e", "TERM=foobar"], "echo $TERM"), "foobar");
}
