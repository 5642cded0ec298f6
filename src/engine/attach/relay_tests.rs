//! Tests of the relay against a monitor played by another thread, over a real socket and real terminals.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::thread::Pid;

use super::super::keys::{DEFAULT, DetachKeys};
use super::super::terminal::tests::{is_raw, pty, type_raw};
use super::super::{Stdio, relay as run_relay};
use super::*;
use crate::sys::signal;

/// The monitor's end of a connection. Blocking, but not for ever.
struct Monitor(OwnedFd);

impl Monitor {
    fn send(&self, kind: u8, payload: &[u8]) {
        rustix::net::send(&self.0, &wire::packet(kind, payload), SendFlags::NOSIGNAL).expect("the client is gone");
    }

    fn exit(&self, code: i32) {
        self.send(kind::EXIT, &code.to_le_bytes());
    }

    /// The next packet; `None` at the end.
    fn receive(&self) -> Option<(u8, Vec<u8>)> {
        let mut buffer = vec![0; MAX_MESSAGE];
        let (_, length) = rustix::net::recv(&self.0, &mut buffer[..], RecvFlags::empty()).expect("nothing came");
        buffer.truncate(length);
        let kind = *buffer.first()?;
        Some((kind, buffer.split_off(1)))
    }

    /// All input until its end.
    fn input(&self) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            match self.receive().expect("the connection ended before the input") {
                (kind::INPUT, bytes) => all.extend(bytes),
                (kind::END_OF_INPUT, _) => return all,
                (other, _) => panic!("`{}` is no input", other.escape_ascii()),
            }
        }
    }
}

fn connection() -> (OwnedFd, Monitor) {
    let flags = SocketFlags::CLOEXEC;
    let (client, monitor) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
    let limit = Some(std::time::Duration::from_secs(20));
    rustix::net::sockopt::set_socket_timeout(&monitor, rustix::net::sockopt::Timeout::Recv, limit).unwrap();
    (client, Monitor(monitor))
}

fn pipe() -> (File, File) {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    (read.into(), write.into())
}

/// What the user's side of a session is made of.
struct User {
    input: OwnedFd,
    output: OwnedFd,
    error: OwnedFd,
    stdin: bool,
    tty: bool,
    keys: &'static str,
}

impl User {
    fn new(input: impl Into<OwnedFd>, output: impl Into<OwnedFd>, error: impl Into<OwnedFd>) -> User {
        let (input, output, error) = (input.into(), output.into(), error.into());
        User { input, output, error, stdin: true, tty: false, keys: DEFAULT }
    }

    fn on_terminal(slave: OwnedFd) -> User {
        let again = || slave.try_clone().unwrap();
        User { tty: true, ..User::new(again(), again(), slave) }
    }

    fn options<'a>(&'a self, proxy: Option<&'a mut dyn FnMut(i32)>) -> Options<'a> {
        let stdio = Stdio { input: self.input.as_fd(), output: self.output.as_fd(), error: self.error.as_fd() };
        let detach_keys = DetachKeys::parse(self.keys).unwrap();
        Options { stdio, stdin: self.stdin, tty: self.tty, detach_keys, proxy }
    }
}

fn null() -> File {
    File::options().read(true).write(true).open("/dev/null").unwrap()
}

/// Relays for `user` against `monitor`, which runs in a thread and is given the relay's thread.
fn session(user: &User, monitor: impl FnOnce(Monitor, Pid) + Send) -> Result<Outcome> {
    let (client, end) = connection();
    let relay_thread = rustix::thread::gettid();
    std::thread::scope(|scope| {
        let player = scope.spawn(move || monitor(end, relay_thread));
        let outcome = run_relay(&Attached(client), user.options(None));
        player.join().unwrap();
        outcome
    })
}

#[test]
fn output_comes_whole_in_order_and_on_its_own_descriptor() {
    let ((mut out, out_w), (mut err, err_w)) = (pipe(), pipe());
    let user = User { stdin: false, ..User::new(null(), out_w, err_w) };
    let piece = |n: u8| vec![n; MAX_MESSAGE - 1];
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        out.read_to_end(&mut all).map(|_| all)
    });
    let outcome = session(&user, |monitor, _| {
        for n in 0..64 {
            monitor.send(kind::STDOUT, &piece(n));
        }
        monitor.send(kind::STDERR, b"oops");
        monitor.send(b'?', b"from a later version");
        monitor.exit(-3);
    });
    assert_eq!(outcome, Ok(Outcome::Exited(-3)));
    drop(user);
    assert!(reader.join().unwrap().unwrap() == (0..64).flat_map(piece).collect::<Vec<_>>());
    let mut text = String::new();
    err.read_to_string(&mut text).unwrap();
    assert_eq!(text, "oops");
}

#[test]
fn input_of_every_kind_comes_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let text = b"\x10\x11 is no detaching in a file\n".repeat(10_000);
    std::fs::write(dir.path().join("input"), &text).unwrap();
    let file: OwnedFd = File::open(dir.path().join("input")).unwrap().into();
    let closed_pipe = {
        let (read, mut write) = pipe();
        write.write_all(b"piped").unwrap();
        OwnedFd::from(read)
    };
    let directory: OwnedFd = File::open("/").unwrap().into();
    let write_only: OwnedFd = pipe().1.into();
    for (input, expected) in
        [(file, &text[..]), (closed_pipe, b"piped"), (null().into(), b""), (directory, b""), (write_only, b"")]
    {
        let user = User::new(input, null(), null());
        let outcome = session(&user, |monitor, _| {
            let input = monitor.input();
            monitor.exit(i32::from(input != expected));
        });
        assert_eq!(outcome, Ok(Outcome::Exited(0)));
    }
}

#[test]
fn both_directions_at_once_do_not_wait_for_each_other() {
    let ((input, mut input_w), (mut output, output_w)) = (pipe(), pipe());
    let user = User::new(input, output_w, null());
    let text: Vec<u8> = (0..4 * 1024 * 1024_u32).map(|n| (n / 251) as u8).collect();
    let sent = text.clone();
    let writer = std::thread::spawn(move || input_w.write_all(&sent));
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        output.read_to_end(&mut all).map(|_| all)
    });
    // An echo that does nothing else while it cannot write.
    let outcome = session(&user, |monitor, _| {
        while let Some((kind::INPUT, bytes)) = monitor.receive() {
            monitor.send(kind::STDOUT, &bytes);
        }
        monitor.exit(0);
    });
    assert_eq!(outcome, Ok(Outcome::Exited(0)));
    drop(user);
    writer.join().unwrap().unwrap();
    assert!(reader.join().unwrap().unwrap() == text);
}

#[test]
fn what_the_monitor_said_last_is_read_although_it_left_input_unread() {
    let (input, mut input_w) = pipe();
    let (mut output, output_w) = pipe();
    input_w.write_all(b"never read").unwrap();
    let user = User::new(input, output_w, null());
    let outcome = session(&user, |monitor, _| {
        // The packet is there, and stays: closing now resets the connection.
        let mut fds = [rustix::event::PollFd::new(&monitor.0, PollFlags::IN)];
        rustix::event::poll(&mut fds, None).unwrap();
        monitor.send(kind::STDOUT, b"last words");
        monitor.exit(7);
    });
    assert_eq!(outcome, Ok(Outcome::Exited(7)));
    drop(user);
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    assert_eq!(text, "last words");
}

#[test]
fn an_end_without_an_exit_code_is_a_lost_monitor() {
    let (mut output, output_w) = pipe();
    let user = User { stdin: false, ..User::new(null(), output_w, null()) };
    assert_eq!(session(&user, |monitor, _| monitor.send(kind::STDOUT, b"half")), Ok(Outcome::Lost));
    drop(user);
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    assert_eq!(text, "half");
    let user = User::new(null(), null(), null());
    assert_eq!(session(&user, |monitor, _| drop(monitor)), Ok(Outcome::Lost));
}

#[test]
fn a_reader_that_is_gone_ends_the_session_and_a_full_disk_is_an_error() {
    let user = User { stdin: false, ..User::new(null(), pipe().1, null()) };
    let outcome = session(&user, |monitor, _| {
        monitor.send(kind::STDOUT, b"y\n");
        assert_eq!(monitor.receive(), None);
    });
    assert_eq!(outcome, Ok(Outcome::OutputClosed));

    let user = User { stdin: false, ..User::new(null(), null(), pipe().1) };
    let outcome = session(&user, |monitor, _| {
        monitor.send(kind::STDERR, b"nobody");
        monitor.send(kind::STDERR, b"reads");
        monitor.exit(0);
    });
    assert_eq!(outcome, Ok(Outcome::Exited(0)));

    let full = File::options().write(true).open("/dev/full").unwrap();
    let user = User { stdin: false, ..User::new(null(), full, null()) };
    let outcome = session(&user, |monitor, _| monitor.send(kind::STDOUT, b"y\n"));
    assert_eq!(outcome.unwrap_err().to_string(), "writing to standard output: No space left on device");
}

#[test]
fn the_terminal_is_raw_during_the_session_and_detaching_gives_it_back() {
    let (master, slave) = pty();
    Window { rows: 24, columns: 80 }.apply(master.as_fd());
    let seen = slave.try_clone().unwrap();
    let user = User::on_terminal(slave);
    let mut keyboard = File::from(master);
    let outcome = session(&user, |monitor, _| {
        assert_eq!(monitor.receive(), Some((kind::WINDOW, vec![24, 0, 80, 0])));
        assert!(is_raw(&seen));
        keyboard.write_all(b"a\x03\x10b").unwrap();
        let mut typed = Vec::new();
        while typed != b"a\x03\x10b" {
            let (kind, bytes) = monitor.receive().unwrap();
            assert_eq!(kind, kind::INPUT);
            typed.extend(bytes);
        }
        keyboard.write_all(b"c\x10\x11").unwrap();
        assert_eq!(monitor.receive(), Some((kind::INPUT, b"c".to_vec())));
    });
    assert_eq!(outcome, Ok(Outcome::Detached));
    assert!(!is_raw(&user.input));
    let flags = rustix::fs::fcntl_getfl(&user.input).unwrap();
    assert!(!flags.contains(rustix::fs::OFlags::NONBLOCK), "the user's terminal became non-blocking");
}

#[test]
fn the_window_of_the_container_follows_ours() {
    let (master, slave) = pty();
    let seen = slave.try_clone().unwrap();
    let user = User::on_terminal(slave);
    let outcome = session(&user, |monitor, relay_thread| {
        // A first key proves that signals are taken; there was no window to send before it.
        type_raw(&master, &seen, b"k");
        assert_eq!(monitor.receive(), Some((kind::INPUT, b"k".to_vec())));
        Window { rows: 50, columns: 300 }.apply(master.as_fd());
        signal::send_to_thread(relay_thread, libc::SIGWINCH);
        assert_eq!(monitor.receive(), Some((kind::WINDOW, vec![50, 0, 44, 1])));
        monitor.exit(0);
    });
    assert_eq!(outcome, Ok(Outcome::Exited(0)));
}

#[test]
fn a_signal_that_ends_us_finds_the_terminal_restored() {
    for number in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT] {
        let (master, slave) = pty();
        let seen = slave.try_clone().unwrap();
        let user = User::on_terminal(slave);
        let outcome = session(&user, |monitor, relay_thread| {
            type_raw(&master, &seen, b"k");
            assert_eq!(monitor.receive(), Some((kind::INPUT, b"k".to_vec())));
            signal::send_to_thread(relay_thread, number);
            assert_eq!(monitor.receive(), None);
        });
        assert_eq!(outcome, Ok(Outcome::Signalled(number)));
        assert!(!is_raw(&user.input));
        assert!(!signal::SignalSet::empty().block().contains(number), "the signal stays blocked");
    }
}

#[test]
fn an_error_gives_the_terminal_back() {
    let (master, slave) = pty();
    let full: OwnedFd = File::options().write(true).open("/dev/full").unwrap().into();
    let seen = slave.try_clone().unwrap();
    let user = User { output: full, ..User::on_terminal(slave) };
    let outcome = session(&user, |monitor, _| {
        type_raw(&master, &seen, b"k");
        assert_eq!(monitor.receive(), Some((kind::INPUT, b"k".to_vec())));
        monitor.send(kind::STDOUT, b"too much");
    });
    assert!(outcome.is_err() && !is_raw(&user.input));
}

/// Sends signals while the client reads, and while it waits for a slow reader; returns what was proxied.
fn proxied(signals: &[i32], blocked: bool) -> Vec<i32> {
    let ((input, mut input_w), (mut output, output_w)) = (pipe(), pipe());
    let user = User::new(input, output_w, null());
    let (client, monitor) = connection();
    let relay_thread = rustix::thread::gettid();
    let (told, tell) = std::sync::mpsc::channel();
    let mut proxy = |number: i32| told.send(number).unwrap();
    let attached = Attached(client);
    std::thread::scope(|scope| {
        let player = scope.spawn(move || {
            input_w.write_all(b"k").unwrap();
            assert_eq!(monitor.receive(), Some((kind::INPUT, b"k".to_vec())));
            if blocked {
                // More than a pipe holds: the client must now be waiting for its reader, or will be.
                (0..3).for_each(|_| monitor.send(kind::STDOUT, &[b'x'; MAX_MESSAGE - 1]));
            }
            let mut seen = Vec::new();
            for number in signals {
                signal::send_to_thread(relay_thread, *number);
                seen.push(tell.recv_timeout(std::time::Duration::from_secs(20)).expect("the signal was not proxied"));
            }
            // Only now does somebody read.
            let reader = std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
            monitor.exit(0);
            (reader, seen)
        });
        let outcome = run_relay(&attached, user.options(Some(&mut proxy)));
        let (reader, seen) = player.join().unwrap();
        assert_eq!(outcome, Ok(Outcome::Exited(0)));
        drop(user);
        reader.join().unwrap().unwrap();
        seen
    })
}

#[test]
fn signals_are_proxied_even_while_output_waits() {
    let signals = [libc::SIGTERM, libc::SIGUSR1, libc::SIGINT, libc::SIGHUP, libc::SIGWINCH, 40];
    assert_eq!(proxied(&signals, false), signals);
    assert_eq!(proxied(&signals, true), signals);
}

#[test]
fn attaching_says_what_for_and_waits_for_the_answer() {
    let streams = Streams { stdin: true, stdout: true, stderr: false };
    let (client, monitor) = connection();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(monitor.receive(), Some((kind::ATTACH, vec![ATTACH_STDIN | ATTACH_STDOUT])));
            assert_eq!(monitor.receive(), Some((kind::WINDOW, vec![1, 0, 2, 0])));
            monitor.send(kind::ATTACHED, b"");
        });
        attach(client, streams, Some(Window { rows: 1, columns: 2 })).unwrap();
    });
    for (answer, payload, expected) in [
        (kind::FAILED, &b"\x7dcontainer is not running"[..], "container is not running"),
        (b'?', b"", "the monitor answered `?` to attach"),
    ] {
        let (client, monitor) = connection();
        monitor.send(answer, payload);
        assert_eq!(attach(client, streams, None).unwrap_err().to_string(), expected);
    }
    let (client, _) = connection();
    let error = attach(client, streams, None).unwrap_err();
    assert_eq!(error.to_string(), "the monitor ended while it was being attached to");
}
