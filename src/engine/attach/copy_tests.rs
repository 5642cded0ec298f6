//! Tests of the copier against a command played by another thread, over real pipes and terminals.

use std::fs::File;
use std::io::{Read as _, Write as _};

use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType};

use super::super::keys::{DEFAULT, DetachKeys};
use super::super::terminal::tests::{is_raw, pty, type_raw, until};
use super::super::terminal::{RawMode, Window};
use super::super::{Stdio, copy as run_copy};
use super::*;
use crate::sys::signal;

fn pipe() -> (File, File) {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    (read.into(), write.into())
}

fn null() -> File {
    File::options().read(true).write(true).open("/dev/null").unwrap()
}

/// Both ends of a connection to the monitor: ours, and the monitor's.
fn connection() -> (OwnedFd, OwnedFd) {
    rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap()
}

fn exit(monitor: &OwnedFd, code: i32) {
    rustix::net::send(monitor, &wire::packet(kind::EXIT, &code.to_le_bytes()), SendFlags::NOSIGNAL).unwrap();
}

/// The user's descriptors.
struct User {
    input: File,
    output: File,
    error: File,
    stdin: bool,
    tty: bool,
}

impl User {
    fn new(input: File, output: File, error: File) -> User {
        User { input, output, error, stdin: true, tty: false }
    }

    fn copy(&self, ends: &mut Ends, done: &OwnedFd) -> Result<Outcome> {
        let stdio = Stdio { input: self.input.as_fd(), output: self.output.as_fd(), error: self.error.as_fd() };
        let detach_keys = DetachKeys::parse(DEFAULT).unwrap();
        let options = Options { stdio, stdin: self.stdin, tty: self.tty, detach_keys, proxy: None };
        run_copy(ends, done.as_fd(), options)
    }
}

/// The command's ends of its pipes.
struct Command {
    stdin: File,
    stdout: File,
    stderr: File,
}

fn pipes() -> (Ends, Command) {
    let ((stdin, stdin_w), (stdout_r, stdout), (stderr_r, stderr)) = (pipe(), pipe(), pipe());
    let ends =
        Ends::Pipes { stdin: Some(stdin_w.into()), stdout: Some(stdout_r.into()), stderr: Some(stderr_r.into()) };
    (ends, Command { stdin, stdout, stderr })
}

/// Reads all of a pipe in a thread.
fn collect(mut from: File) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        from.read_to_end(&mut all).unwrap();
        all
    })
}

#[test]
fn a_filter_gets_all_input_and_gives_all_output() {
    let (mut ends, mut command) = pipes();
    let ((input, mut input_w), (output, output_w), (error, error_w)) = (pipe(), pipe(), pipe());
    let text: Vec<u8> = (0..3_000_000_u32).map(|n| (n / 251) as u8).collect();
    let sent = text.clone();
    let (ours, monitor) = connection();
    let writer = std::thread::spawn(move || input_w.write_all(&sent));
    let (output, error) = (collect(output), collect(error));
    let player = std::thread::spawn(move || {
        // A `cat` that blocks on each side, and ends with its input.
        std::io::copy(&mut command.stdin, &mut command.stdout).unwrap();
        command.stderr.write_all(b"bye").unwrap();
        exit(&monitor, 3);
        drop(command);
    });
    let user = User::new(input, output_w, error_w);
    assert_eq!(user.copy(&mut ends, &ours), Ok(Outcome::Exited(3)));
    drop(user);
    player.join().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.join().unwrap() == text);
    assert_eq!(error.join().unwrap(), b"bye");
}

#[test]
fn a_process_left_behind_is_not_waited_for() {
    let (mut ends, mut command) = pipes();
    let (output, output_w) = pipe();
    let (ours, monitor) = connection();
    // All that a pipe holds, from a command that has ended already; the pipes stay open.
    let text = vec![b'z'; 65536];
    command.stdout.write_all(&text).unwrap();
    exit(&monitor, 0);
    let output = collect(output);
    let user = User { stdin: false, ..User::new(null(), output_w, null()) };
    assert_eq!(user.copy(&mut ends, &ours), Ok(Outcome::Exited(0)));
    drop(user);
    assert!(output.join().unwrap() == text);
    command.stdout.write_all(b"still open").unwrap();
}

#[test]
fn a_process_that_goes_on_writing_is_left_alone() {
    let (mut ends, mut command) = pipes();
    let (ours, monitor) = connection();
    exit(&monitor, 0);
    let writer = std::thread::spawn(move || while command.stdout.write_all(&[b'y'; 4096]).is_ok() {});
    let user = User { stdin: false, ..User::new(null(), null(), null()) };
    assert_eq!(user.copy(&mut ends, &ours), Ok(Outcome::Exited(0)));
    drop(ends);
    writer.join().unwrap();
}

#[test]
fn output_that_ends_early_does_not_end_the_command() {
    let (mut ends, command) = pipes();
    let (input, mut input_w) = pipe();
    let (ours, monitor) = connection();
    let Command { mut stdin, stdout, stderr } = command;
    drop((stdout, stderr));
    let player = std::thread::spawn(move || {
        input_w.write_all(b"still read").unwrap();
        drop(input_w);
        let mut text = String::new();
        stdin.read_to_string(&mut text).unwrap();
        exit(&monitor, i32::from(text != "still read"));
    });
    assert_eq!(User::new(input, null(), null()).copy(&mut ends, &ours), Ok(Outcome::Exited(0)));
    player.join().unwrap();
}

#[test]
fn a_command_that_does_not_read_is_no_error() {
    let (mut ends, command) = pipes();
    let (input, mut input_w) = pipe();
    let (output, output_w) = pipe();
    let (ours, monitor) = connection();
    input_w.write_all(b"for nobody").unwrap();
    let Command { stdin, mut stdout, stderr: _stderr } = command;
    drop(stdin);
    stdout.write_all(b"done").unwrap();
    let output = collect(output);
    let player = std::thread::spawn(move || {
        drop(stdout);
        exit(&monitor, 0);
    });
    let user = User::new(input, output_w, null());
    assert_eq!(user.copy(&mut ends, &ours), Ok(Outcome::Exited(0)));
    player.join().unwrap();
    drop(user);
    assert_eq!(output.join().unwrap(), b"done");
}

#[test]
fn a_failure_and_the_loss_of_the_monitor_are_told() {
    let user = User { stdin: false, ..User::new(null(), null(), null()) };
    let (mut ends, _command) = pipes();
    let (ours, monitor) = connection();
    rustix::net::send(&monitor, &wire::packet(kind::FAILED, b"\x7fno such file"), SendFlags::NOSIGNAL).unwrap();
    let error = user.copy(&mut ends, &ours).unwrap_err();
    assert_eq!((error.kind().exit_code(), error.to_string()), (127, "no such file".to_owned()));
    let (ours, monitor) = connection();
    drop(monitor);
    assert_eq!(user.copy(&mut ends, &ours), Ok(Outcome::Lost));
}

#[test]
fn a_terminal_is_raw_has_our_window_and_tells_its_last_output() {
    let (our_master, ours) = pty();
    let (master, slave) = pty();
    Window { rows: 30, columns: 90 }.apply(our_master.as_fd());
    let (done, monitor) = connection();
    let user = {
        let again = || File::from(ours.try_clone().unwrap());
        User { tty: true, ..User::new(again(), again(), again()) }
    };
    let copier = rustix::thread::gettid();
    let (mut keyboard, ours_seen) = (File::from(our_master), ours.try_clone().unwrap());
    let player = std::thread::spawn(move || {
        let mut command = File::from(slave);
        until("the terminal is raw", || is_raw(&ours_seen));
        keyboard.write_all(b"echo\r").unwrap();
        let mut line = [0; 5];
        command.read_exact(&mut line).unwrap();
        assert_eq!(&line, b"echo\n");
        assert_eq!(Window::of(command.as_fd()), Some(Window { rows: 30, columns: 90 }));
        Window { rows: 31, columns: 91 }.apply(keyboard.as_fd());
        signal::send_to_thread(copier, libc::SIGWINCH);
        until("the window follows", || Window::of(command.as_fd()) == Some(Window { rows: 31, columns: 91 }));
        command.write_all(b"last words").unwrap();
        drop(command);
        exit(&monitor, 0);
        // The echo of the container's terminal, and then what the command wrote.
        let mut shown = vec![0; "echo\r\nlast words".len()];
        keyboard.read_exact(&mut shown).unwrap();
        (keyboard, String::from_utf8(shown).unwrap())
    });
    let mut ends = Ends::Terminal(master);
    assert_eq!(user.copy(&mut ends, &done), Ok(Outcome::Exited(0)));
    // The keyboard is kept: a terminal that hung up has no mode.
    let (_keyboard, shown) = player.join().unwrap();
    assert_eq!(shown, "echo\r\nlast words");
    assert!(!is_raw(&ours));
}

#[test]
fn detaching_leaves_the_ends_open() {
    let (our_master, ours) = pty();
    let (master, slave) = pty();
    // So that the terminal of the command echoes nothing.
    let _quiet = RawMode::enter(slave.as_fd()).unwrap();
    let (done, _monitor) = connection();
    let again = || File::from(ours.try_clone().unwrap());
    let user = User { tty: true, ..User::new(again(), null(), null()) };
    let seen = ours.try_clone().unwrap();
    let typist = std::thread::spawn(move || {
        type_raw(&our_master, &seen, b"x\x10\x11");
        our_master
    });
    let mut ends = Ends::Terminal(master);
    assert_eq!(user.copy(&mut ends, &done), Ok(Outcome::Detached));
    assert!(!is_raw(&ours));
    let _our_master = typist.join().unwrap();
    let Ends::Terminal(master) = ends else { panic!("the ends have changed") };
    let mut typed = [0; 8];
    assert_eq!((rustix::io::read(&slave, &mut typed), typed[0]), (Ok(1), b'x'));
    rustix::io::write(&slave, b"still there").unwrap();
    let mut shown = [0; 64];
    let length = rustix::io::read(&master, &mut shown).unwrap();
    assert_eq!(std::str::from_utf8(&shown[..length]), Ok("still there"));
}
