//! Running a program with a deadline, and telling everything about it when the outcome is not the one wanted.

use std::ffi::OsStr;
use std::fmt;
use std::io::{Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::poll;

/// A program about to be run.
pub struct Cmd {
    command: Command,
    stdin: Option<Vec<u8>>,
    timeout: Duration,
}

impl Cmd {
    pub fn new(command: Command) -> Self {
        Cmd { command, stdin: None, timeout: Duration::from_secs(120) }
    }

    pub fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, args: I) -> Self {
        self.command.args(args);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub fn cwd(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// What the program reads from standard input; without this it is /dev/null.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The command itself, for what this type has no word for.
    pub fn raw(self) -> Command {
        self.command
    }

    /// Starts it with pipes on all three streams.
    #[track_caller]
    pub fn spawn(mut self) -> Running {
        self.command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap_or_else(|e| panic!("starting {:?}: {e}", self.command));
        if let (Some(bytes), Some(mut pipe)) = (self.stdin.take(), child.stdin.take()) {
            std::thread::spawn(move || {
                // The program may end without having read it.
                let _ = pipe.write_all(&bytes);
            });
        }
        let stdout = collect(child.stdout.take());
        let stderr = collect(child.stderr.take());
        Running { shown: describe(&self.command), child, stdout, stderr, timeout: self.timeout }
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(self) -> Output {
        self.spawn().finish()
    }
}

/// A program that runs.
pub struct Running {
    pub child: Child,
    shown: String,
    stdout: mpsc::Receiver<Vec<u8>>,
    stderr: mpsc::Receiver<Vec<u8>>,
    timeout: Duration,
}

impl Running {
    /// Its process ID.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Waits for its end, and for the end of its output: a helper that it leaves behind must not hold that open.
    #[track_caller]
    pub fn finish(mut self) -> Output {
        let status = poll(self.timeout, || self.child.try_wait().expect("waiting for a child"));
        if status.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        let text = |stream: &mpsc::Receiver<Vec<u8>>| {
            let mut bytes = Vec::new();
            let complete = loop {
                match stream.recv_timeout(Duration::from_secs(10)) {
                    Ok(chunk) => bytes.extend(chunk),
                    Err(mpsc::RecvTimeoutError::Disconnected) => break true,
                    Err(mpsc::RecvTimeoutError::Timeout) => break false,
                }
            };
            (String::from_utf8_lossy(&bytes).into_owned(), complete)
        };
        let ((stdout, out_closed), (stderr, err_closed)) = (text(&self.stdout), text(&self.stderr));
        let output = Output { shown: self.shown, status: status.unwrap_or_default(), stdout, stderr };
        assert!(status.is_some(), "still running after {:?}\n{output}", self.timeout);
        assert!(out_closed && err_closed, "ended, but another process holds its output open\n{output}");
        output
    }
}

fn collect(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    let mut stream = stream.expect("a piped stream");
    std::thread::spawn(move || {
        let mut buffer = [0; 65536];
        while let Ok(n @ 1..) = stream.read(&mut buffer) {
            if sender.send(buffer[..n].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let mut shown = String::from("command:");
    for word in words {
        let word = word.to_string_lossy();
        let plain = !word.is_empty() && !word.contains([' ', '\n', '\'', '"', '$', ';', '&', '|', '<', '>', '*']);
        let word = if plain { word.into_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) };
        shown.push(' ');
        shown.push_str(&word);
    }
    let cwd = command.get_current_dir().map_or_else(|| ".".into(), |dir| dir.display().to_string());
    format!("{shown}\ncwd: {cwd}")
}

/// How a program ended, and what it wrote.
pub struct Output {
    shown: String,
    status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// The exit code, or 128 + the signal's number as a shell would say it.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap_or(0))
    }

    /// Fails the test unless the exit code is this one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert!(self.code() == code, "wanted exit code {code}\n{self}");
        self
    }

    /// Fails the test unless standard output is exactly this (but for the line end).
    #[track_caller]
    pub fn says(self, stdout: &str) -> Self {
        assert!(self.stdout.trim_end() == stdout.trim_end(), "wanted on stdout: {stdout:?}\n{self}");
        self
    }

    /// Standard output without the last line end.
    pub fn text(self) -> String {
        self.stdout.trim_end_matches('\n').to_owned()
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Output { shown, status, stdout, stderr } = self;
        write!(f, "{shown}\nstatus: {status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---")
    }
}
