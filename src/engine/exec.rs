//! A further process in a running container.

use std::io::Write as _;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use super::attach::{self as client, Ends, Outcome, Stdio};
use super::run::{detach_keys, exit_byte};
use super::{Engine, monitor, settle};
use crate::container::environment;
use crate::error::{Context, Error, Kind, Result};
use crate::monitor::protocol::{MAX_MESSAGE, kind};
use crate::runtime::channel;
use crate::runtime::child::join::ExecRequest;
use crate::runtime::launch::Given;
use crate::storage::{fs, id};
use crate::sys::signal;

/// What to execute and how.
#[derive(Debug, Default)]
pub struct ExecOptions {
    pub command: Vec<String>,
    /// `NAME=VALUE`, `NAME` (the value that this process has), or `PREFIX*`.
    pub env: Vec<String>,
    pub user: Option<String>,
    pub workdir: Option<String>,
    pub tty: bool,
    pub interactive: bool,
    pub detach: bool,
    pub privileged: bool,
    pub detach_keys: Option<String>,
    pub env_files: Vec<PathBuf>,
    /// What the command gets besides its standard streams.
    pub given: Vec<Given>,
}

/// How it ended.
#[derive(Debug, Clone, Default)]
pub struct ExecEnd {
    pub code: u8,
    /// The session's ID, when it was left in the background.
    pub session: Option<String>,
}

/// Executes a command in a container.
///
/// # Errors
/// The container does not run; the command is not found (127) or cannot be invoked (126).
pub fn exec(engine: &Engine, container_id: &str, options: ExecOptions) -> Result<ExecEnd> {
    let container = settle(engine, container_id)?;
    let record = &container.record;
    let improper = || {
        Error::of(
            Kind::Engine,
            format!(
                "can only execute in running containers: `{}` is {}: container state improper",
                record.name,
                container.state.status.as_str()
            ),
        )
    };
    if !container.state.status.is_alive() {
        return Err(improper());
    }
    let keys = detach_keys(options.detach_keys.as_deref())?;
    let connection = monitor::connect(&engine.roots, container_id)?.ok_or_else(improper)?;
    let dir = engine.roots.container(container_id);
    let seccomp = dir.join("seccomp.bpf");
    let mut env = Vec::new();
    // What is not UTF-8 could not be passed on.
    let host = std::env::vars_os().filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?)));
    let host: Vec<(String, String)> = host.collect();
    for path in &options.env_files {
        let pairs = environment::parse_file(&fs::read_to_string(path)?, &host);
        env.extend(pairs.with_context(|| format!("environment file `{}`", path.display()))?);
    }
    for text in &options.env {
        env.extend(environment::parse_entry(text, &host).context("parsing environment variables")?);
    }
    let env = env.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    let window = if options.tty { Stdio::own().window() } else { None };
    let request = ExecRequest {
        command: options.command.clone(),
        env,
        user: options.user.clone(),
        workdir: options.workdir.clone(),
        tty: options.tty,
        size: window.map(|w| (w.rows, w.columns)),
        privileged: options.privileged || record.privileged,
        groups: if options.user.is_none() { record.group_add.clone() } else { Vec::new() },
        spec: dir.join("config.json"),
        seccomp: seccomp.exists().then_some(seccomp),
        fenced: record.restricted,
        preserved: options.given.iter().map(|given| given.number).collect(),
    };
    let streams = Streams::make(&options)?;
    let descriptors: Vec<_> = streams.theirs().into_iter().chain(options.given.iter().map(|g| g.fd.as_fd())).collect();
    send(&connection, &request, &descriptors)?;
    // The process has them now; it shall be the last to close them.
    drop(options.given);
    let (mut ends, terminal) = streams.into_ours();
    let ends = match terminal {
        // The master comes over the socket as soon as the process has joined; a failure comes over the connection.
        Some(socket) => match receive_terminal(&socket, &connection)? {
            Some(master) => Ends::Terminal(master),
            None => {
                return Err(first_answer(&connection)?
                    .err()
                    .unwrap_or_else(|| Error::new("the terminal was not handed over")));
            }
        },
        None => ends.take().unwrap_or(Ends::Pipes { stdin: None, stdout: None, stderr: None }),
    };
    first_answer(&connection)??;
    if options.detach {
        return Ok(ExecEnd { code: 0, session: Some(id::random_id()?) });
    }
    let mut ends = ends;
    let how = client::Options {
        stdio: Stdio::own(),
        stdin: options.interactive,
        tty: options.tty,
        detach_keys: keys,
        proxy: None,
    };
    match client::copy(&mut ends, connection.as_fd(), how)? {
        Outcome::Exited(code) => Ok(ExecEnd { code: exit_byte(code), session: None }),
        Outcome::Detached | Outcome::OutputClosed => Ok(ExecEnd::default()),
        Outcome::Signalled(number) => signal::die_by(number),
        // The container ended, and its processes with it.
        Outcome::Lost => Ok(ExecEnd { code: 137, session: None }),
    }
}

/// The process's standard streams, both ends.
enum Streams {
    Terminal { ours: OwnedFd, theirs: OwnedFd },
    Pipes { stdin: (OwnedFd, Option<OwnedFd>), stdout: (Option<OwnedFd>, OwnedFd), stderr: (Option<OwnedFd>, OwnedFd) },
}

impl Streams {
    fn make(options: &ExecOptions) -> Result<Self> {
        if options.tty {
            let (ours, theirs) = channel::pair()?;
            return Ok(Streams::Terminal { ours, theirs });
        }
        let null = || -> Result<OwnedFd> {
            rustix::fs::open(
                c"/dev/null",
                rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC,
                rustix::fs::Mode::empty(),
            )
            .context("opening `/dev/null`")
        };
        if options.detach {
            return Ok(Streams::Pipes { stdin: (null()?, None), stdout: (None, null()?), stderr: (None, null()?) });
        }
        let pipe = || rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).context("creating a pipe");
        let stdin = if options.interactive {
            let (read, write) = pipe()?;
            (read, Some(write))
        } else {
            (null()?, None)
        };
        let (stdout_read, stdout) = pipe()?;
        let (stderr_read, stderr) = pipe()?;
        Ok(Streams::Pipes { stdin, stdout: (Some(stdout_read), stdout), stderr: (Some(stderr_read), stderr) })
    }

    fn theirs(&self) -> Vec<BorrowedFd<'_>> {
        match self {
            Streams::Terminal { theirs, .. } => vec![theirs.as_fd()],
            Streams::Pipes { stdin, stdout, stderr } => vec![stdin.0.as_fd(), stdout.1.as_fd(), stderr.1.as_fd()],
        }
    }

    /// Our ends, and the socket on which a terminal's master comes. Theirs are closed.
    fn into_ours(self) -> (Option<Ends>, Option<OwnedFd>) {
        match self {
            Streams::Terminal { ours, .. } => (None, Some(ours)),
            Streams::Pipes { stdin, stdout, stderr } => {
                (Some(Ends::Pipes { stdin: stdin.1, stdout: stdout.0, stderr: stderr.0 }), None)
            }
        }
    }
}

fn send(connection: &OwnedFd, request: &ExecRequest, descriptors: &[BorrowedFd<'_>]) -> Result<()> {
    let mut packet = vec![kind::EXEC];
    packet.write_all(&serde_json::to_vec(request)?).context("building the request")?;
    if packet.len() > MAX_MESSAGE {
        return Err(Error::new(format!("the command and its environment are larger than {MAX_MESSAGE} bytes"))
            .hint("put long values into a file, and mount or copy it into the container"));
    }
    channel::send(connection, &packet, descriptors).context("sending a request to the monitor")
}

fn receive_terminal(socket: &OwnedFd, connection: &OwnedFd) -> Result<Option<OwnedFd>> {
    use rustix::event::{PollFd, PollFlags};
    loop {
        let mut fds = [PollFd::new(socket, PollFlags::IN), PollFd::new(connection, PollFlags::IN)];
        match rustix::event::poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => continue,
            other => other.context("waiting for the terminal")?,
        };
        let [on_socket, _] = fds.map(|fd| fd.revents());
        if on_socket.contains(PollFlags::IN) {
            let (_, mut descriptors) = channel::receive(socket, &mut [0; 8]).context("receiving the terminal")?;
            return Ok(descriptors.pop());
        }
        return Ok(None);
    }
}

/// Whether the command was executed. The outer error is the connection's.
fn first_answer(connection: &OwnedFd) -> Result<Result<()>> {
    let mut buffer = vec![0; MAX_MESSAGE];
    let (length, _) = channel::receive(connection, &mut buffer).context("waiting for the monitor")?;
    match buffer.get(..length).and_then(<[u8]>::split_first) {
        Some((&kind::PID, _)) => Ok(Ok(())),
        Some((&kind::FAILED, payload)) => Ok(Err(channel::decode_error(payload))),
        _ => Ok(Err(Error::new("the container ended while the command was being started"))),
    }
}
