//! Tests of init. Each runs it in a process of its own: this test program again, with the command in a variable.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::*;

/// The words of the command, one per line.
const VARIABLE: &str = "CORACLE_TEST_INIT";
/// What the test program prints before a test; with nothing else behind it, as init never returns to it.
const BEFORE: &str = "running 1 test\n";

#[test]
#[ignore = "run by the other tests of init"]
fn be_init() {
    let Ok(words) = std::env::var(VARIABLE) else { return };
    let words: Vec<CString> = words.lines().map(|w| CString::new(w).unwrap()).collect();
    let environment = [c"PATH=/bin:/usr/bin".to_owned(), c"ONLY=this".to_owned()];
    // The test program has a second thread, which signals could strike; its child has not.
    match process::fork().unwrap() {
        Forked::Child => run(&words[0], &words, &environment),
        Forked::Parent(init) => {
            process::close_from(0).unwrap();
            process::exit_now(process::wait(init).map_or(125, exit_code))
        }
    }
}

/// This program as init of a command. What runs in the background ends by itself, should a test fail.
fn init_of(words: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "runtime::init::tests::be_init", "--ignored", "--nocapture", "-q"]);
    command.env(VARIABLE, words.join("\n")).env("SECRET", "of-the-host").stdin(Stdio::null());
    command
}

fn output(words: &[&str]) -> Output {
    init_of(words).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace(BEFORE, "").trim_start().to_owned()
}

/// Starts init, and waits for the line that the command prints first.
#[expect(clippy::zombie_processes, reason = "the caller waits for it")]
fn started(words: &[&str]) -> (Child, BufReader<ChildStdout>, String) {
    let mut child = init_of(words).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    loop {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the command printed nothing");
        if !line.trim().is_empty() && line != BEFORE {
            return (child, lines, line.trim().to_owned());
        }
    }
}

#[test]
fn ends_as_the_command_ends() {
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137), ("kill -SEGV $$", 139)] {
        assert_eq!(output(&["/bin/sh", "-c", script]).status.code(), Some(code), "{script}");
    }
}

#[test]
fn a_command_that_cannot_be_executed_is_reported() {
    let long = "/x".repeat(1000);
    for (program, code, message) in [
        ("/no/such", 127, "coracle: executing `/no/such`: No such file or directory\n".to_owned()),
        ("/etc/passwd/x", 127, "coracle: executing `/etc/passwd/x`: Not a directory\n".to_owned()),
        ("/etc/passwd", 126, "coracle: executing `/etc/passwd`: Permission denied\n".to_owned()),
        (&long, 127, "`: No such file or directory\n".to_owned()),
    ] {
        let output = output(&[program]);
        assert_eq!(output.status.code(), Some(code), "{program}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.ends_with(&message) && said.starts_with("coracle: ") && said.len() <= 512, "{said}");
    }
}

#[test]
fn signals_reach_the_command() {
    for number in [libc::SIGTERM, libc::SIGINT, libc::SIGUSR1, libc::SIGHUP, libc::SIGABRT, libc::SIGTSTP, 40] {
        let script = format!("trap 'kill $!; exit 42' {number}; sleep 60 & echo $PPID; wait");
        let (mut child, _lines, init) = started(&["/bin/bash", "-c", &script]);
        signal::send(init.parse().unwrap(), number).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(42), "signal {number}");
    }
}

#[test]
fn orphans_are_reaped() {
    let script = "trap 'kill $!; exit 3' TERM; sleep 60 & ( sh -c 'echo $1 $$' sh $PPID & ); wait";
    let (mut child, _lines, line) = started(&["/bin/bash", "-c", script]);
    let (init, orphan) = line.split_once(' ').unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while std::fs::exists(format!("/proc/{orphan}")).unwrap() {
        assert!(Instant::now() < deadline, "process {orphan} is still there");
        std::thread::yield_now();
    }
    signal::send(init.parse().unwrap(), libc::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

#[test]
fn the_command_starts_with_clean_signals_and_environment() {
    let output = output(&["/bin/sh", "-c", "grep -E 'Sig(Blk|Ign)' /proc/self/status; env"]);
    let shown = text(&output.stdout);
    // Signals 32 and 33 are the C library's own; whoever runs the tests may have had them ignored.
    let own = 0x1_8000_0000;
    let sets = shown.lines().filter_map(|line| line.strip_prefix("Sig")?.split_once('\t'));
    let sets: Vec<_> = sets.map(|(name, set)| (name, u64::from_str_radix(set, 16).unwrap() & !own)).collect();
    assert_eq!(sets, [("Blk:", 0), ("Ign:", 0)], "{shown}");
    assert!(shown.contains("ONLY=this") && !shown.contains("SECRET"), "{shown}");
}

#[test]
fn nothing_of_the_engine_shows_in_proc() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("s").display().to_string();
    let look = "tr '\\0' '|' </proc/$PPID/cmdline; echo; tr '\\0' '|' </proc/$PPID/environ | tr -d '|'; echo; \
                cat /proc/$PPID/comm; ls /proc/$PPID/fd | wc -l; readlink /proc/$PPID/cwd";
    std::fs::write(&script, look).unwrap();
    // The first fits into the place of the test program's own command line, the second needs some of its environment.
    let long = "x".repeat(500);
    for (argument, title, spilled) in [
        ("a", format!("coracle-init|--|/bin/sh|{script}|a|"), ""),
        (&long, format!("coracle-init -- /bin/sh {script} {long}"), "x"),
    ] {
        // Init does this beside the command; until it is done the command sees what was there before.
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let output = output(&["/bin/sh", &script, argument]);
            let shown = text(&output.stdout);
            let lines: Vec<_> = shown.lines().collect();
            let [command, environment, rest @ ..] = &lines[..] else { panic!("{shown}") };
            let command = command.trim_end_matches('|');
            if command == title.trim_end_matches('|')
                && environment.chars().all(|c| spilled.contains(c))
                && rest.starts_with(&["coracle-init", "0"])
                // Only root may read the link.
                && rest.get(2).is_none_or(|cwd| matches!(*cwd, "/" | ""))
            {
                break;
            }
            assert!(Instant::now() < deadline, "{shown}");
        }
    }
}

#[test]
fn the_command_has_the_foreground_of_the_terminal() {
    let flags = rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY | rustix::pty::OpenptFlags::CLOEXEC;
    let master = rustix::pty::openpt(flags).unwrap();
    rustix::pty::unlockpt(&master).unwrap();
    let slave = rustix::pty::ioctl_tiocgptpeer(&master, flags).unwrap();
    let script = "read -r pid comm state ppid pgrp session tty tpgid rest </proc/self/stat; echo $$ $pgrp $tpgid";
    let init = init_of(&["/bin/sh", "-c", script]);
    let mut session = Command::new("setsid");
    session.args(["--ctty", "--wait"]).arg(init.get_program()).args(init.get_args());
    session.envs(init.get_envs().filter_map(|(k, v)| Some((k, v?))));
    session.stdin(slave).stdout(Stdio::piped());
    let output = session.output().unwrap();
    let shown = text(&output.stdout);
    let words: Vec<_> = shown.split_ascii_whitespace().collect();
    assert!(output.status.success() && words.len() == 3, "{output:?}");
    assert!(words.iter().all(|w| *w == words[0]), "pid, group, foreground group: {shown}");
    drop(master);
}

#[test]
fn a_pipe_that_the_command_closed_is_closed() {
    // Its end comes only when nobody has it open any more; the command itself goes on.
    let script = "trap 'kill $!; exit 5' TERM; sleep 60 >&- & echo $PPID; exec >&-; wait";
    let (mut child, mut lines, init) = started(&["/bin/bash", "-c", script]);
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    signal::send(init.parse().unwrap(), libc::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(5));
}
