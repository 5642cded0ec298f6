//! Start, stop, signal, pause, wait, rename: what happens to a container that exists.

use std::time::Duration;

use super::monitor::{self, Waited};
use super::run::{Attach, detach_keys, follow, start_with_client};
use super::{Engine, containers, launch, settle};
use crate::container::options::Streams;
use crate::container::store::Container;
use crate::container::{State, Status};
use crate::error::{Error, Kind, Result};
use crate::monitor::protocol::kind;

/// How to start.
#[derive(Debug, Clone, Default)]
pub struct StartOptions {
    pub attach: bool,
    pub interactive: bool,
    pub sig_proxy: bool,
    pub detach_keys: Option<String>,
}

/// How long a container that was sent SIGKILL may take to end.
const KILL_DEADLINE: Duration = Duration::from_secs(10);

/// Starts a container that does not run. `Some` is the exit code of one that was attached to.
pub fn start(engine: &Engine, id: &str, options: &StartOptions) -> Result<Option<u8>> {
    let container = settle(engine, id)?;
    let keys = detach_keys(options.detach_keys.as_deref())?;
    let attach = options.attach || options.interactive;
    let record = &container.record;
    let how = Attach {
        streams: Streams { stdin: options.interactive && record.open_stdin, stdout: true, stderr: true },
        tty: record.tty,
        keys,
        sig_proxy: options.sig_proxy,
    };
    match container.state.status {
        Status::Initialized => {
            if attach {
                return Err(Error::new("attaching to an initialized container while it starts is not there yet")
                    .hint("start it, then `coracle attach`"));
            }
            monitor::request(&engine.roots, id, &[kind::START])?.map_err(|errno| {
                Error::new(nix::errno::Errno::from_raw(errno).desc()).wrap(format!("starting `{}`", record.name))
            })?;
            Ok(None)
        }
        Status::Running | Status::Stopping if attach => {
            let options = super::AttachOptions {
                stdin: how.streams.stdin,
                sig_proxy: how.sig_proxy,
                detach_keys: options.detach_keys.clone(),
            };
            super::attach(engine, id, &options).map(Some)
        }
        Status::Running | Status::Stopping => Ok(None),
        Status::Paused => Err(improper(&container, "start")),
        Status::Exited if !attach && rests(engine, &container) => {
            // Its monitor pauses before it starts it again: not any longer.
            let _ = monitor::request(&engine.roots, id, &[kind::START])?;
            Ok(None)
        }
        Status::Created | Status::Exited | Status::Removing => {
            // Until its monitor has a lock of its own. Without it, what is wrong shows below.
            let _wanted = containers(engine).want(id).ok();
            if record.is_on_bridge() {
                // Whoever changed its networks may have been killed before the record said so.
                containers(engine).copy_networks(id)?;
            }
            let started = if attach {
                start_with_client(engine, &container, Vec::new(), None, &how).map(Some)
            } else {
                launch::start(engine, &container, launch::How::default()).map(|_| None)
            };
            let started = match started {
                Ok(started) => started,
                // Another command was quicker: it has removed the container, or started it, as wanted.
                Err(error) => match containers(engine).load(id) {
                    Err(gone) if gone.kind() == Kind::NoSuch => return Err(gone),
                    Ok(now) if now.state.status == Status::Running && !attach => return Ok(None),
                    _ => return Err(error.wrap(format!("starting container `{}`", record.name))),
                },
            };
            match started {
                Some(started) => follow(engine, &container, started, how).map(Some),
                None => Ok(None),
            }
        }
    }
}

/// Sets a container up without starting its command.
pub fn init(engine: &Engine, id: &str) -> Result<()> {
    let container = settle(engine, id)?;
    match container.state.status {
        Status::Initialized => Ok(()),
        Status::Created | Status::Exited => {
            let _wanted = containers(engine).want(id).ok();
            let how = launch::How { hold: true, ..Default::default() };
            launch::start(engine, &container, how)
                .map(drop)
                .map_err(|e| e.wrap(format!("initializing container `{}`", container.record.name)))
        }
        _ => Err(improper(&container, "initialize")),
    }
}

fn improper(container: &Container, verb: &str) -> Error {
    Error::of(
        Kind::InUse,
        format!(
            "cannot {verb} container {}: it is {}: container state improper",
            container.record.id,
            container.state.status.as_str()
        ),
    )
}

/// Sends the stop signal, waits, and kills what has not ended by then. One that does not run is left as it is.
pub fn stop(engine: &Engine, id: &str, timeout: Option<u32>) -> Result<()> {
    let container = settle(engine, id)?;
    if container.state.status == Status::Paused {
        return Err(improper(&container, "stop"));
    }
    let grace = Duration::from_secs(u64::from(timeout.unwrap_or(container.record.stop_timeout)));
    end(engine, &container, grace)
}

/// Ends a container whatever it does: stop signal, grace, SIGKILL.
pub fn end(engine: &Engine, container: &Container, grace: Duration) -> Result<()> {
    let id = &container.record.id;
    let Some(waiter) = monitor::waiter(&engine.roots, id)? else { return Ok(()) };
    let paused = container.state.status == Status::Paused;
    if !grace.is_zero() && !paused {
        let _ = monitor::kill(&engine.roots, id, container.record.stop_signal, true)?;
        if waiter.wait(Some(grace))? != Waited::TimedOut {
            return Ok(());
        }
    }
    if monitor::kill(&engine.roots, id, libc::SIGKILL, true)? == Err(libc::ETIMEDOUT) {
        monitor::kill_monitor(&engine.roots, id);
    }
    match waiter.wait(Some(KILL_DEADLINE))? {
        Waited::TimedOut => Err(Error::new(format!("container `{}` did not end after SIGKILL", container.record.name))
            .hint("a process of it may hang in the kernel, on a file system that does not answer")),
        Waited::Ended(_) | Waited::Lost => Ok(()),
    }
}

/// Stops it if it runs, and starts it.
pub fn restart(engine: &Engine, id: &str, timeout: Option<u32>) -> Result<()> {
    stop(engine, id, timeout)?;
    start(engine, id, &StartOptions::default()).map(drop)
}

/// Sends a signal to the container's PID 1.
pub fn kill(engine: &Engine, id: &str, signal: i32) -> Result<()> {
    let container = settle(engine, id)?;
    let rests = rests(engine, &container);
    if !container.state.status.is_alive() && !rests {
        return Err(Error::of(
            Kind::InUse,
            format!(
                "can only kill running containers. {id} is in state {}: container state improper",
                container.state.status.as_str()
            ),
        ));
    }
    monitor::kill(&engine.roots, id, signal, signal == libc::SIGKILL || rests)?.map_err(|errno| {
        Error::new(nix::errno::Errno::from_raw(errno).desc())
            .wrap(format!("sending a signal to container `{}`", container.record.name))
    })?;
    if signal == libc::SIGKILL
        && let Some(waiter) = monitor::waiter(&engine.roots, id)?
    {
        // Whoever asks next is to see that it ended.
        let _ = waiter.wait(Some(KILL_DEADLINE))?;
    }
    Ok(())
}

/// Whether it has ended, and its monitor is about to start it again.
fn rests(engine: &Engine, container: &Container) -> bool {
    container.state.status == Status::Exited && containers(engine).monitor_is_alive(&container.record.id)
}

/// Stops every process of the container where it is.
pub fn pause(engine: &Engine, id: &str) -> Result<()> {
    let container = settle(engine, id)?;
    if container.state.status != Status::Running {
        return Err(improper(&container, "pause"));
    }
    change(engine, &container, kind::PAUSE, "pausing")
}

/// Stops every process of the container where it is, until [`unpause`] or the end of what is returned.
pub fn hold(engine: &Engine, id: &str) -> Result<monitor::Held> {
    let container = settle(engine, id)?;
    if container.state.status != Status::Running {
        return Err(improper(&container, "pause"));
    }
    monitor::hold(&engine.roots, &container.record.id)?.map_err(|errno| refused(&container, errno, "pausing"))
}

/// Lets the processes of a paused container go on.
pub fn unpause(engine: &Engine, id: &str) -> Result<()> {
    let container = settle(engine, id)?;
    if container.state.status != Status::Paused {
        return Err(improper(&container, "unpause"));
    }
    change(engine, &container, kind::UNPAUSE, "unpausing")
}

fn change(engine: &Engine, container: &Container, what: u8, doing: &str) -> Result<()> {
    monitor::request(&engine.roots, &container.record.id, &[what])?.map_err(|errno| refused(container, errno, doing))
}

fn refused(container: &Container, errno: i32, doing: &str) -> Error {
    Error::new(nix::errno::Errno::from_raw(errno).desc()).wrap(format!("{doing} container `{}`", container.record.name))
}

/// Waits until the container is in one of these conditions (`exited` and `stopped` if none is given). Its exit code,
/// or -1 for a condition of a living container.
pub fn wait(engine: &Engine, id: &str, conditions: &[String], interval: Duration) -> Result<i32> {
    let wanted = conditions.iter().map(|c| condition(c)).collect::<Result<Vec<_>>>()?;
    let for_end = wanted.is_empty() || wanted.iter().all(|s| *s == Status::Exited);
    loop {
        // Before the state is read, so that an end in between is heard.
        let waiter = monitor::waiter(&engine.roots, id)?;
        let state = match settle(engine, id) {
            Ok(container) => container.state,
            // Removed: it must have ended.
            Err(error) if error.kind() == Kind::NoSuch && wanted.contains(&Status::Removing) => return Ok(-1),
            Err(error) => return Err(error),
        };
        if for_end {
            let Some(waiter) = waiter else { return Ok(if ended(&state) { state.exit_code } else { 0 }) };
            match waiter.wait(None)? {
                Waited::Ended(code) => return Ok(code),
                // Killed; the state is corrected when it is read again.
                Waited::Lost | Waited::TimedOut => continue,
            }
        }
        if wanted.contains(&state.status) {
            return Ok(if state.status == Status::Exited { state.exit_code } else { -1 });
        }
        let end_matters = waiter.as_ref().filter(|_| wanted.contains(&Status::Exited));
        match end_matters {
            Some(waiter) => {
                if let Waited::Ended(code) = waiter.wait(Some(interval))? {
                    return Ok(code);
                }
            }
            None => pause_for(interval),
        }
    }
}

fn ended(state: &State) -> bool {
    state.status == Status::Exited
}

fn pause_for(interval: Duration) {
    let time = rustix::event::Timespec {
        tv_sec: i64::try_from(interval.as_secs()).unwrap_or(1),
        tv_nsec: i64::from(interval.subsec_nanos()),
    };
    let _ = rustix::event::poll(&mut [], Some(&time));
}

fn condition(text: &str) -> Result<Status> {
    Ok(match text {
        "configured" | "created" => Status::Created,
        "initialized" => Status::Initialized,
        "running" => Status::Running,
        "paused" => Status::Paused,
        "stopping" => Status::Stopping,
        "exited" | "stopped" => Status::Exited,
        "removing" => Status::Removing,
        "healthy" | "unhealthy" => {
            return Err(Error::new(format!(
                "waiting for `{text}` is not there yet: health checks are the matter of a later release"
            )));
        }
        other => {
            return Err(Error::new(format!("unknown condition `{other}`"))
                .hint("use configured, created, exited, initialized, paused, removing, running, stopped or stopping"));
        }
    })
}

/// Gives a container another name.
pub fn rename(engine: &Engine, id: &str, name: &str) -> Result<()> {
    super::create::check_name(name)?;
    containers(engine).rename(id, name)?;
    super::network::renamed(engine, id, name)
}
