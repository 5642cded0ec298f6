//! The helper process of one container, slirp4netns or pasta: started, ready, stopped.
//!
//! It belongs to the process that starts it (the monitor) and ends with it, however that ends: slirp4netns watches a
//! pipe, whose other end only the monitor holds; pasta asks the kernel for a signal (PR_SET_PDEATHSIG), so that it must
//! be started by the thread that stays.
//!
//! Its standard error is a memory file of fixed size: nobody has to read it, it cannot grow, and it is there to be shown
//! when the helper fails.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, Signal, WaitIdOptions, WaitIdStatus};

use super::{Mode, lookup, pasta, ports, slirp};
use crate::container::record::PortMapping;
use crate::error::{Context as _, Error, Result, os_message};
use crate::sys;

/// How much the helper may write to its standard error: one page of memory.
const STDERR_SIZE: u64 = 4096;

/// What is to be connected, and how.
#[derive(Debug, Clone)]
pub struct Plan {
    pub mode: Mode,
    pub ports: Vec<PortMapping>,
    /// The program to start instead of the one in `PATH` (`--network-cmd-path`).
    pub program: Option<PathBuf>,
}

/// A helper process.
#[derive(Debug)]
pub struct Helper {
    plan: Plan,
    /// PID of the process in the network namespace.
    target: i32,
    run_dir: PathBuf,
    program: PathBuf,
    /// slirp4netns is asked to put itself into a sandbox.
    sandbox: bool,
    process: Process,
}

#[derive(Debug)]
struct Process {
    pid: Pid,
    pidfd: OwnedFd,
    /// Readable when the helper is ready, at its end when it died.
    ready: OwnedFd,
    /// When the last copy is closed, slirp4netns ends.
    exit: Option<OwnedFd>,
    stderr: File,
    ended: bool,
}

impl Plan {
    /// A plan for the helper found in `PATH`.
    pub fn new(mode: Mode, ports: Vec<PortMapping>) -> Plan {
        Plan { mode, ports, program: None }
    }

    /// Finds before anything is started what the helper could not do: it is missing, a port is not free, an address is
    /// of the wrong kind.
    pub fn check(&self) -> Result<()> {
        match &self.mode {
            // Published ports mean nothing there, as for the reference: the container's ports are the host's.
            Mode::None | Mode::Host => return Ok(()),
            Mode::Slirp4netns(_) => slirp::check_ports(&self.ports)?,
            Mode::Pasta(_) => {}
        }
        self.program()?;
        check_tun()?;
        ports::check_free(&self.ports)
    }

    fn program(&self) -> Result<PathBuf> {
        match &self.program {
            Some(path) => std::path::absolute(path).with_context(|| format!("finding `{}`", path.display())),
            None => lookup::require(self.mode.name()),
        }
    }
}

impl Helper {
    /// Starts the helper that the plan needs (`None` if none) for the network namespace of process `target`, and returns
    /// at once. `run_dir` is the container's private directory; the helper's socket is made there.
    ///
    /// The caller must have the right to enter that namespace, and live as long as the container.
    pub fn spawn(plan: Plan, target: i32, run_dir: &Path) -> Result<Option<Helper>> {
        if !plan.mode.needs_helper() {
            return Ok(None);
        }
        let program = plan.program()?;
        let process = start(&plan, &program, target, run_dir, true)?;
        let run_dir = run_dir.to_owned();
        Ok(Some(Helper { plan, target, run_dir, program, sandbox: true, process }))
    }

    /// Waits until the network stands and the ports are published. The ports are forgotten then.
    ///
    /// # Errors
    /// The helper died (with what it wrote), the time is over, or a port cannot be published; the helper is gone then.
    pub fn wait_ready(&mut self, deadline: Instant) -> Result<()> {
        let result = self.try_wait_ready(deadline);
        if result.is_err() {
            self.stop();
        }
        self.plan.ports = Vec::new();
        result
    }

    fn try_wait_ready(&mut self, deadline: Instant) -> Result<()> {
        while !self.process.wait_ready(deadline, self.plan.mode.name())? {
            let said = self.process.said();
            if !self.can_do_without_sandbox(&said) {
                return Err(self.death(&said));
            }
            self.sandbox = false;
            self.process = start(&self.plan, &self.program, self.target, &self.run_dir, false)?;
        }
        if let Mode::Slirp4netns(options) = &self.plan.mode
            && !self.plan.ports.is_empty()
        {
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            slirp::publish(&self.run_dir, options, &self.plan.ports, left)?;
        }
        Ok(())
    }

    /// Whether slirp4netns died of its sandbox, and may do without: seccomp is not compiled in, or /etc/resolv.conf is
    /// elsewhere than in /etc and /run.
    fn can_do_without_sandbox(&self, said: &str) -> bool {
        let slirp = matches!(self.plan.mode, Mode::Slirp4netns(_));
        self.sandbox && slirp && (said.contains("sandbox") || said.contains("seccomp"))
    }

    /// Why it died, as far as can be found out.
    fn death(&mut self, said: &str) -> Error {
        // A port that was free when it was checked.
        if let Err(error) = ports::check_free(&self.plan.ports) {
            return error;
        }
        let name = self.plan.mode.name();
        let end = self.process.reap();
        let message = format!("starting the network helper `{name}`: {end}");
        let error = if said.is_empty() { Error::new(message) } else { Error::new(said).wrap(message) };
        match check_tun() {
            Err(tun) => error.hint(tun.hint_text().unwrap_or_default()),
            Ok(()) if said.contains("external interface") || said.contains("No routable interface") => error.hint(
                "pasta needs a default route of the host: use --network slirp4netns, or name an interface: pasta:-i,NAME",
            ),
            Ok(()) => error,
        }
    }

    /// The helper's process, for example to show it. Not valid after [`Helper::stop`].
    pub fn pid(&self) -> i32 {
        self.process.pid.as_raw_nonzero().get()
    }

    /// Becomes readable when the helper has died: the network of the container is gone then.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.process.pidfd.as_fd()
    }

    /// Becomes readable when the helper is ready (or dead): then [`Helper::wait_ready`] does not block for long.
    pub fn ready_fd(&self) -> BorrowedFd<'_> {
        self.process.ready.as_fd()
    }

    /// Ends the helper and waits until it is gone, and with it the ports that it held.
    pub fn stop(&mut self) {
        self.process.end();
        if matches!(self.plan.mode, Mode::Slirp4netns(_)) {
            let _ = std::fs::remove_file(self.run_dir.join(slirp::SOCKET));
        }
    }
}

impl Process {
    /// Whether it became ready; `false` when it died.
    fn wait_ready(&mut self, deadline: Instant, name: &str) -> Result<bool> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
            let mut fds = [PollFd::new(&self.ready, PollFlags::IN), PollFd::new(&self.pidfd, PollFlags::IN)];
            match poll(&mut fds, Some(&timeout)) {
                Ok(0) => {
                    let said = self.said();
                    let error = Error::new(format!("starting the network helper `{name}`: it is not ready in time"));
                    return Err(if said.is_empty() { error } else { Error::new(said).wrap(error.to_string()) });
                }
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(Error::from(errno).wrap("waiting for the network helper")),
            }
            let [ready, died] = fds.map(|fd| !fd.revents().is_empty());
            if ready {
                let mut byte = [0u8; 16];
                match rustix::io::read(&self.ready, &mut byte) {
                    Ok(0) => return Ok(self.wait_death(deadline)),
                    Ok(_) => return Ok(true),
                    Err(Errno::INTR | Errno::AGAIN) => {}
                    Err(errno) => return Err(Error::from(errno).wrap("waiting for the network helper")),
                }
            } else if died {
                return Ok(false);
            }
        }
    }

    /// It closed the pipe unwritten: it is about to die. Always false, for "not ready".
    fn wait_death(&self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        let _ = poll(&mut [PollFd::new(&self.pidfd, PollFlags::IN)], Some(&timeout));
        false
    }

    /// What it wrote to its standard error, on one line.
    fn said(&self) -> String {
        let mut buffer = [0u8; STDERR_SIZE as usize];
        let length = self.stderr.read_at(&mut buffer, 0).unwrap_or(0);
        let bytes = buffer.get(..length).unwrap_or_default();
        let bytes = bytes.split(|b| *b == 0).next().unwrap_or_default();
        tidy(&String::from_utf8_lossy(bytes))
    }

    /// Kills it, and waits for its end.
    fn end(&mut self) {
        self.exit = None;
        if !self.ended {
            let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
            self.reap();
        }
    }

    /// Takes its exit status, in words.
    fn reap(&mut self) -> String {
        if self.ended {
            return "it ended".to_owned();
        }
        self.ended = true;
        loop {
            match rustix::process::waitid(rustix::process::WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED) {
                Err(Errno::INTR) => {}
                Ok(Some(status)) => return describe(&status),
                // Somebody else, who waits for all children, was faster.
                Ok(None) | Err(_) => return "it ended".to_owned(),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

fn describe(status: &WaitIdStatus) -> String {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("it exited with status {code}"),
        (_, Some(signal)) => format!("it was killed by signal {signal}"),
        _ => "it ended".to_owned(),
    }
}

/// The last lines that say something, joined: at most 2000 bytes.
fn tidy(text: &str) -> String {
    const NOISE: [&str; 6] =
        ["Failed to send", "WARNING: Support for", "sent tapfd=", "received tapfd=", "Starting slirp", "* "];
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !NOISE.iter().any(|noise| line.starts_with(noise)))
        .collect();
    let joined = lines.join("; ");
    let mut from = joined.len().saturating_sub(2000);
    while !joined.is_char_boundary(from) {
        from += 1;
    }
    joined.get(from..).unwrap_or_default().to_owned()
}

/// Both helpers make a tap interface.
fn check_tun() -> Result<()> {
    const TUN: &str = "/dev/net/tun";
    match File::options().read(true).write(true).open(TUN) {
        Ok(_) => Ok(()),
        Err(e) => Err(Error::from(e).wrap(format!("opening `{TUN}`")).hint(format!(
            "the network helpers need it (modprobe tun; chmod 666 {TUN}); or use --network none or --network host"
        ))),
    }
}

fn start(plan: &Plan, program: &Path, target: i32, run_dir: &Path, sandbox: bool) -> Result<Process> {
    let (ready, ready_end) = pipe_with(PipeFlags::CLOEXEC).context("making a pipe for the network helper")?;
    let stderr = stderr_file().context("making a file for the errors of the network helper")?;
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stderr(stderr.try_clone()?);
    // What the helper gets must be open until it is started.
    let mut keep = None;
    let exit = match &plan.mode {
        Mode::Slirp4netns(options) => {
            let (exit_end, exit) = pipe_with(PipeFlags::CLOEXEC).context("making a pipe for the network helper")?;
            let api = !plan.ports.is_empty();
            let _ = std::fs::remove_file(run_dir.join(slirp::SOCKET));
            let inherit = [ready_end.as_raw_fd(), exit_end.as_raw_fd()];
            command.args(slirp::arguments(options, sandbox, api, inherit[0], inherit[1], target));
            command.current_dir(run_dir).stdout(Stdio::null());
            sys::net::prepare_helper(&mut command, &inherit, false);
            keep = Some(exit_end);
            Some(exit)
        }
        Mode::Pasta(options) => {
            command.args(pasta::arguments(options, &plan.ports, pasta::maps_host(program), target)?);
            command.current_dir("/").stdout(ready_end.try_clone()?);
            sys::net::prepare_helper(&mut command, &[], true);
            None
        }
        Mode::None | Mode::Host => return Err(Error::new("this network mode has no helper")),
    };
    let child = command.spawn().map_err(|e| {
        let message = format!("starting the network helper `{}`", program.display());
        Error::new(os_message(&e)).wrap(message).hint(format!("is {} installed and executable?", plan.mode.name()))
    })?;
    drop(keep);
    let pid = Pid::from_child(&child);
    let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty()).context("watching the network helper")?;
    Ok(Process { pid, pidfd, ready, exit, stderr, ended: false })
}

/// A file in memory that keeps the first page of what is written, and refuses the rest.
fn stderr_file() -> Result<File> {
    let fd = rustix::fs::memfd_create("network-helper-stderr", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    rustix::fs::ftruncate(&fd, STDERR_SIZE)?;
    rustix::fs::fcntl_add_seals(&fd, SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(File::from(fd))
}
