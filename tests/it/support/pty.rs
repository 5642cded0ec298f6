//! A program on a terminal of its own, spoken to as a person would.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::pty::openpty;
use rustix::event::{PollFd, PollFlags};
use rustix::termios::{LocalModes, Winsize};

use super::{SOON, poll};

/// The terminal and the program on it.
pub struct Pty {
    master: File,
    /// Kept open, so that the terminal's modes can be looked at after the program's end.
    slave: File,
    child: Child,
    /// Everything written so far that was not yet matched.
    seen: String,
    /// Everything, for failure messages.
    transcript: String,
}

impl Pty {
    /// Starts the program as the leader of a session on a new terminal of 24 by 80.
    pub fn spawn(command: &Command) -> Self {
        let pty = openpty(None, None).expect("a terminal");
        let (master, slave) = (File::from(pty.master), File::from(pty.slave));
        // setsid(1) makes the terminal on standard input the controlling one.
        let mut on_terminal = Command::new("setsid");
        on_terminal.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
        on_terminal.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(dir) = command.get_current_dir() {
            on_terminal.current_dir(dir);
        }
        let stream = || slave.try_clone().expect("another descriptor of the terminal");
        let child = on_terminal.stdin(stream()).stdout(stream()).stderr(stream()).spawn().expect("setsid");
        let pty = Pty { master, slave, child, seen: String::new(), transcript: String::new() };
        pty.resize(24, 80);
        pty
    }

    /// Changes the size of the window, as a terminal emulator does.
    pub fn resize(&self, rows: u16, columns: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&self.master, size).expect("setting the window's size");
    }

    /// Types this.
    pub fn send(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).expect("writing to the terminal");
    }

    /// Waits until this was written, and returns what stood before it.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> String {
        let deadline = Instant::now() + SOON;
        loop {
            if let Some(at) = self.seen.find(text) {
                let before = self.seen[..at].to_owned();
                self.seen.drain(..at + text.len());
                return before;
            }
            if !self.read(Duration::from_millis(50)) && Instant::now() > deadline {
                panic!(
                    "waited {SOON:?} in vain for {text:?} on the terminal, where this was written:\n{}",
                    self.transcript
                );
            }
        }
    }

    /// Waits for the program's end; its exit code.
    #[track_caller]
    pub fn wait(&mut self) -> i32 {
        let status = poll(SOON, || {
            self.read(Duration::from_millis(5));
            self.child.try_wait().expect("waiting for the program")
        });
        let status = status.unwrap_or_else(|| {
            let _ = self.child.kill();
            panic!("the program does not end; on its terminal:\n{}", self.transcript)
        });
        while self.read(Duration::from_millis(20)) {}
        status.code().unwrap_or(255)
    }

    /// What was written and not yet matched.
    pub fn rest(&self) -> &str {
        &self.seen
    }

    /// Whether the terminal echoes and edits lines: not while a program has put it into raw mode.
    pub fn is_cooked(&self) -> bool {
        let modes = rustix::termios::tcgetattr(self.slave.as_fd()).expect("the terminal's modes").local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// The program's process ID.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Reads what is there within this time; whether there was anything.
    fn read(&mut self, wait: Duration) -> bool {
        let timeout = rustix::time::Timespec { tv_sec: 0, tv_nsec: i64::from(wait.subsec_nanos()) };
        let mut fds = [PollFd::new(&self.master, PollFlags::IN)];
        if !matches!(rustix::event::poll(&mut fds, Some(&timeout)), Ok(1..)) {
            return false;
        }
        let mut buffer = [0; 4096];
        let Ok(n @ 1..) = self.master.read(&mut buffer) else { return false };
        let text = String::from_utf8_lossy(&buffer[..n]).into_owned();
        self.seen.push_str(&text);
        self.transcript.push_str(&text);
        true
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
