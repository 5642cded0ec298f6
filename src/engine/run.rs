//! Run, and attaching to what runs.

use std::os::fd::OwnedFd;

use super::attach::{self as client, DetachKeys, Outcome, Stdio};
use super::create::{Purpose, create_for};
use super::{Engine, containers, launch, monitor};
use crate::container::options::{CreateOptions, Streams};
use crate::container::store::Container;
use crate::error::{Error, Kind, Result};
use crate::image::progress::Progress;
use crate::runtime::channel;
use crate::runtime::launch::Given;
use crate::sys::signal::{self, Held};

/// How `run` behaves once the container is there.
#[derive(Debug, Default)]
pub struct RunOptions {
    pub detach: bool,
    /// `None`: the default, ctrl-p,ctrl-q.
    pub detach_keys: Option<String>,
    pub sig_proxy: bool,
    /// What the command gets besides its standard streams.
    pub given: Vec<Given>,
}

/// How `run` ended.
#[derive(Debug, Clone, Default)]
pub struct RunEnd {
    /// The exit code for the shell.
    pub code: u8,
    /// The container's ID when it was left running in the background.
    pub detached_id: Option<String>,
    pub warnings: Vec<String>,
}

/// How to attach to a running container.
#[derive(Debug, Clone, Default)]
pub struct AttachOptions {
    pub stdin: bool,
    pub sig_proxy: bool,
    pub detach_keys: Option<String>,
}

/// Makes a container and starts it; stays with it unless it is detached. `warn` is called with what is odd before the
/// container runs.
pub fn run(
    engine: &Engine,
    options: &CreateOptions,
    run: RunOptions,
    progress: &dyn Progress,
    warn: &mut dyn FnMut(&str),
) -> Result<RunEnd> {
    let keys = detach_keys(run.detach_keys.as_deref())?;
    let created = create_for(engine, options, progress, Purpose::Start)?;
    let secrets = created.secrets;
    created.warnings.iter().for_each(|w| warn(w));
    let container = containers(engine).load(&created.id)?;
    let streams = streams_of(options.attach, options.interactive);
    let how = Attach { streams, tty: options.tty, keys, sig_proxy: run.sig_proxy };
    let started = if run.detach {
        launch::start(engine, &container, launch::How { given: run.given, secrets, ..Default::default() }).map(|_| None)
    } else {
        start_with_client(engine, &container, run.given, secrets, &how).map(Some)
    };
    // Its monitor has its own lock now.
    drop(created.wanted);
    let started = match started {
        Ok(started) => started,
        Err(error) => {
            if options.auto_remove {
                let force = super::RemoveOptions { force: true, timeout: Some(0), ..Default::default() };
                let _ = super::remove(engine, &created.id, force);
            }
            return Err(error);
        }
    };
    let Some(started) = started else {
        return Ok(RunEnd { code: 0, detached_id: Some(created.id), warnings: created.warnings });
    };
    let code = follow(engine, &container, started, how)?;
    Ok(RunEnd { code, detached_id: None, warnings: created.warnings })
}

fn streams_of(asked: Option<Streams>, interactive: bool) -> Streams {
    asked.unwrap_or(Streams { stdin: interactive, stdout: true, stderr: true })
}

/// A container of which this process is the first client.
#[derive(Debug)]
pub struct Started {
    connection: OwnedFd,
    /// Signals that are the container's from its start on wait for [`follow`].
    held: Option<Held>,
}

/// Starts a container for [`follow`].
pub fn start_with_client(
    engine: &Engine,
    container: &Container,
    given: Vec<Given>,
    secrets: Option<OwnedFd>,
    attach: &Attach,
) -> Result<Started> {
    let (ours, theirs) = channel::pair()?;
    let window = if container.record.tty { Stdio::own().window() } else { None };
    let window = window.map(|w| (w.rows, w.columns));
    let signals = attach.proxies().then(client::proxied_signals);
    let how = launch::How { client: Some(theirs), window, given, secrets, signals, hold: false };
    let launched = launch::start(engine, container, how)?;
    Ok(Started { connection: ours, held: launched.held })
}

/// How this process is attached.
#[derive(Debug, Clone)]
pub struct Attach {
    pub streams: Streams,
    pub tty: bool,
    pub keys: DetachKeys,
    pub sig_proxy: bool,
}

impl Attach {
    /// Whether signals go to the container. With a raw terminal, the keys that make signals go to it as they are.
    fn proxies(&self) -> bool {
        self.sig_proxy && !(self.tty && self.streams.stdin)
    }
}

/// Stays with a container that was started with a client. The exit code for the shell.
pub fn follow(engine: &Engine, container: &Container, started: Started, how: Attach) -> Result<u8> {
    let outcome = relay(engine, container, &client::relay::Attached::already(started.connection), how)?;
    drop(started.held);
    end(engine, container, outcome)
}

fn relay(engine: &Engine, container: &Container, attached: &client::relay::Attached, how: Attach) -> Result<Outcome> {
    let id = container.record.id.clone();
    let roots = engine.roots.clone();
    let mut forward = |signal: i32| {
        let _ = monitor::kill(&roots, &id, signal, false);
    };
    client::relay(
        attached,
        client::Options {
            stdio: Stdio::own(),
            stdin: how.streams.stdin,
            tty: how.tty,
            proxy: if how.proxies() { Some(&mut forward) } else { None },
            detach_keys: how.keys,
        },
    )
}

fn end(engine: &Engine, container: &Container, outcome: Outcome) -> Result<u8> {
    match outcome {
        Outcome::Exited(code) => Ok(exit_byte(code)),
        Outcome::Detached | Outcome::OutputClosed => Ok(0),
        Outcome::Signalled(number) => signal::die_by(number),
        Outcome::Lost => {
            super::settle(engine, &container.record.id)?;
            Err(Error::new(format!(
                "the monitor of container `{}` was killed, and the container with it",
                container.record.name
            )))
        }
    }
}

/// An exit code as a shell sees it.
pub fn exit_byte(code: i32) -> u8 {
    u8::try_from(code & 0xff).unwrap_or(255)
}

/// The keys that detach: those given, else ctrl-p,ctrl-q.
pub fn detach_keys(text: Option<&str>) -> Result<DetachKeys> {
    DetachKeys::parse(text.unwrap_or("ctrl-p,ctrl-q"))
}

/// Attaches to a running container and stays until it ends or the user detaches.
pub fn attach_to(engine: &Engine, id: &str, options: &AttachOptions) -> Result<u8> {
    let container = containers(engine).load(id)?;
    let keys = detach_keys(options.detach_keys.as_deref())?;
    let record = &container.record;
    let connection = match monitor::connect(&engine.roots, id)? {
        Some(connection) if container.state.status.is_alive() => connection,
        _ => {
            return Err(Error::of(Kind::Engine, "you can only attach to running containers")
                .hint(format!("start it and attach: `coracle start --attach {}`", record.name)));
        }
    };
    let how = Attach {
        streams: Streams { stdin: options.stdin && record.open_stdin, stdout: true, stderr: true },
        tty: record.tty,
        keys,
        sig_proxy: options.sig_proxy,
    };
    let streams = client::relay::Streams { stdin: how.streams.stdin, stdout: true, stderr: true };
    let window = if record.tty { Stdio::own().window() } else { None };
    let attached = client::attach(connection, streams, window)?;
    let outcome = relay(engine, &container, &attached, how)?;
    end(engine, &container, outcome)
}
