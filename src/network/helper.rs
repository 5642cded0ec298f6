//! The helper process of one container, slirp4netns or pasta: started, ready, stopped.
//!
//! It belongs to the process that starts it (the monitor) and ends with it, however that ends: slirp4netns watches a
//! pipe, whose other end only the monitor holds; pasta asks the kernel for a signal (PR_SET_PDEATHSIG), so that it must
//! be started by the thread that stays.
//!
//! Its standard error is a memory file of fixed size: nobody has to read it, it cannot grow, and it is there to be shown
//! when the helper fails.

use std::fs::File;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Pid;

use super::child::{Child, Report};
use super::{Mode, lookup, pasta, ports, relay, slirp};
use crate::container::record::PortMapping;
use crate::error::{Context as _, Error, Result, os_message};
use crate::sys;

/// How much the helper may write to its standard error: one page of memory.
const STDERR_SIZE: usize = 4096;

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
    traits: Traits,
    /// It was asked to publish ports, and holds them as long as it lives.
    holds_ports: bool,
    process: Process,
    /// For published UDP ports that the helper cannot do alone.
    relay: Option<Child>,
}

/// What the installed helper can do.
#[derive(Debug, Clone, Copy)]
struct Traits {
    /// slirp4netns is asked to put itself into a sandbox.
    sandbox: bool,
    /// See [`pasta::is_modern`].
    modern: bool,
}

#[derive(Debug)]
struct Process {
    child: Child,
    /// Readable when the helper is ready, at its end when it died.
    ready: OwnedFd,
    /// When the last copy is closed, slirp4netns ends.
    exit: Option<OwnedFd>,
    stderr: File,
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
            // Its ports are bound by the monitor, and the uplink is the anchor's.
            Mode::Bridge => return Ok(()),
            Mode::Container(_) | Mode::Path(_) => return Ok(()),
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
        let modern = matches!(plan.mode, Mode::Pasta(_)) && pasta::is_modern(&program);
        let traits = Traits { sandbox: true, modern };
        let process = start(&plan, &program, target, run_dir, traits)?;
        let run_dir = run_dir.to_owned();
        let holds_ports = !plan.ports.is_empty();
        Ok(Some(Helper { plan, target, run_dir, program, traits, holds_ports, process, relay: None }))
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
            self.traits.sandbox = false;
            self.process = start(&self.plan, &self.program, self.target, &self.run_dir, self.traits)?;
        }
        match &self.plan.mode {
            Mode::Slirp4netns(options) if !self.plan.ports.is_empty() => {
                let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
                let division = relay::divide(options, &self.plan.ports);
                slirp::publish(&self.run_dir, options, &division.slirp, left)?;
                self.relay = relay::start(&division.relay, self.target, deadline)?;
            }
            Mode::Pasta(_) if !self.plan.ports.is_empty() && !self.traits.modern => {
                self.relay = relay::start(&relay::all_udp(&self.plan.ports), self.target, deadline)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether slirp4netns died of its sandbox, and may do without: seccomp is not compiled in, or /etc/resolv.conf is
    /// elsewhere than in /etc and /run.
    fn can_do_without_sandbox(&self, said: &str) -> bool {
        let slirp = matches!(self.plan.mode, Mode::Slirp4netns(_));
        self.traits.sandbox && slirp && (said.contains("sandbox") || said.contains("seccomp"))
    }

    /// Why it died, as far as can be found out.
    fn death(&mut self, said: &str) -> Error {
        // A port that was free when it was checked.
        if let Err(error) = ports::check_free(&self.plan.ports) {
            return error;
        }
        let name = self.plan.mode.name();
        let end = self.process.child.reap();
        let message = format!("starting the network helper `{name}`: {end}");
        let error = if said.is_empty() { Error::new(message) } else { Error::new(said).wrap(message) };
        match check_tun() {
            Err(tun) => error.hint(tun.hint_text().unwrap_or_default()),
            Ok(()) if said.contains("xternal interface") || said.contains("routable interface") => error.hint(
                "pasta needs a default route of the host: use --network slirp4netns, or name an interface: pasta:-i,NAME",
            ),
            Ok(()) => error,
        }
    }

    /// The helper's process, for example to show it. Not valid after [`Helper::stop`].
    pub fn pid(&self) -> i32 {
        self.process.child.pid()
    }

    /// Becomes readable when the helper has died: the network of the container is gone then.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.process.child.pidfd()
    }

    /// Becomes readable when the helper is ready (or dead): then [`Helper::wait_ready`] does not block for long.
    pub fn ready_fd(&self) -> BorrowedFd<'_> {
        self.process.ready.as_fd()
    }

    /// Ends the helper. Waits until it is gone only if it holds ports, so that these are free afterwards.
    ///
    /// The end of a helper takes the kernel 10 to 30 ms, which it spends on removing the tap interface. Dropping waits for
    /// it; a monitor that exits anyway may leave that to init (`std::mem::forget`).
    pub fn stop(&mut self) {
        self.process.exit = None;
        self.process.child.kill();
        if let Some(relay) = &self.relay {
            relay.kill();
        }
        if self.holds_ports {
            self.process.child.end();
            self.relay = None;
        }
        if matches!(self.plan.mode, Mode::Slirp4netns(_)) {
            let _ = std::fs::remove_file(self.run_dir.join(slirp::SOCKET));
        }
    }
}

impl Process {
    /// Whether it became ready; `false` when it died.
    fn wait_ready(&self, deadline: Instant, name: &str) -> Result<bool> {
        match self.child.wait_for(&self.ready, deadline)? {
            Report::Wrote(_) => Ok(true),
            Report::Died => Ok(false),
            Report::Late => {
                let message = format!("starting the network helper `{name}`: it is not ready in time");
                let said = self.said();
                Err(if said.is_empty() { Error::new(message) } else { Error::new(said).wrap(message) })
            }
        }
    }

    /// What it wrote to its standard error, on one line.
    fn said(&self) -> String {
        let mut buffer = [0u8; STDERR_SIZE];
        let length = self.stderr.read_at(&mut buffer, 0).unwrap_or(0);
        let bytes = buffer.get(..length).unwrap_or_default();
        let bytes = bytes.split(|b| *b == 0).next().unwrap_or_default();
        tidy(&String::from_utf8_lossy(bytes))
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
pub(super) fn check_tun() -> Result<()> {
    const TUN: &str = "/dev/net/tun";
    match File::options().read(true).write(true).open(TUN) {
        Ok(_) => Ok(()),
        Err(e) => Err(Error::from(e).wrap(format!("opening `{TUN}`")).hint(format!(
            "the network helpers need it (modprobe tun; chmod 666 {TUN}); or use --network none or --network host"
        ))),
    }
}

fn start(plan: &Plan, program: &Path, target: i32, run_dir: &Path, traits: Traits) -> Result<Process> {
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
            command.args(slirp::arguments(options, traits.sandbox, api, inherit[0], inherit[1], target));
            command.current_dir(run_dir).stdout(Stdio::null());
            sys::net::prepare_helper(&mut command, &inherit, false);
            keep = Some(exit_end);
            Some(exit)
        }
        Mode::Pasta(options) => {
            command.args(pasta::arguments(options, &plan.ports, traits.modern)?);
            let namespace = format!("/proc/{target}/ns/net");
            let namespace = File::open(&namespace).with_context(|| format!("opening `{namespace}`"))?;
            command.current_dir("/").stdin(namespace).stdout(ready_end.try_clone()?);
            sys::net::prepare_helper(&mut command, &[], true);
            None
        }
        Mode::None | Mode::Host | Mode::Bridge | Mode::Container(_) | Mode::Path(_) => {
            return Err(Error::new("this network mode has no helper"));
        }
    };
    let child = command.spawn().map_err(|e| {
        let message = format!("starting the network helper `{}`", program.display());
        Error::new(os_message(&e)).wrap(message).hint(format!("is {} installed and executable?", plan.mode.name()))
    })?;
    drop(keep);
    let child = Child::adopt(Pid::from_child(&child))?;
    Ok(Process { child, ready, exit, stderr })
}

/// A file in memory that keeps the first page of what is written, and refuses the rest.
fn stderr_file() -> Result<File> {
    let fd = rustix::fs::memfd_create("network-helper-stderr", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    rustix::fs::ftruncate(&fd, STDERR_SIZE as u64)?;
    rustix::fs::fcntl_add_seals(&fd, SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(File::from(fd))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A helper made of a shell script, started by the API; what becomes of it.
    fn with_script(script: &str, patience: Duration) -> (Result<()>, Option<Helper>) {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("helper");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let plan = Plan { program: Some(program), ..Plan::new(Mode::parse("slirp4netns").unwrap(), Vec::new()) };
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let mut helper = loop {
            match Helper::spawn(plan.clone(), own, dir.path()) {
                // Another test's fork has the script open for writing for an instant.
                Err(e) if e.to_string().contains("Text file busy") => {}
                other => break other.unwrap().unwrap(),
            }
        };
        let result = helper.wait_ready(Instant::now() + patience);
        (result, Some(helper))
    }

    const LONG: Duration = Duration::from_secs(20);
    const READY: &str =
        "for a; do case $a in --ready-fd=*) printf 1 > /proc/self/fd/${a#*=};; esac; done; exec sleep 100";

    #[test]
    fn what_a_dying_helper_said_is_shown() {
        let script = "echo 'WARNING: Support for seccomp is x' >&2; echo 'cannot foo' >&2; echo bar >&2; exit 3";
        // The first line is noise, but mentions seccomp no more than that.
        let error = with_script(script, LONG).0.unwrap_err();
        assert_eq!(
            error.to_string(),
            "starting the network helper `slirp4netns`: it exited with status 3: cannot foo; bar"
        );
        let error = with_script("kill -9 $$", LONG).0.unwrap_err();
        assert_eq!(error.to_string(), "starting the network helper `slirp4netns`: it was killed by signal 9");
    }

    #[test]
    fn much_that_is_said_blocks_nobody() {
        let script = format!(
            "i=0; while [ $i -lt 2000 ]; do echo 'a line of some length, again and again' >&2; i=$((i+1)); done; {READY}"
        );
        with_script(&script, LONG).0.unwrap();
        let script = "head -c 100000 /dev/zero | tr '\\0' x >&2; echo; exit 1";
        let error = with_script(script, LONG).0.unwrap_err().to_string();
        assert!(error.len() < 2200, "{}", error.len());
    }

    #[test]
    fn without_sandbox_where_there_is_none() {
        let script = format!("case $* in *enable-sandbox*) echo 'create_sandbox failed' >&2; exit 1;; esac; {READY}");
        let (result, helper) = with_script(&script, LONG);
        result.unwrap();
        assert!(!helper.unwrap().traits.sandbox);
        let error = with_script("echo 'no sandbox, ever' >&2; exit 1", LONG).0.unwrap_err().to_string();
        assert!(error.ends_with("no sandbox, ever"), "{error}");
    }

    #[test]
    fn a_helper_that_is_never_ready_is_ended() {
        let (result, helper) = with_script("echo thinking >&2; exec sleep 100", Duration::from_millis(300));
        let error = result.unwrap_err().to_string();
        assert_eq!(error, "starting the network helper `slirp4netns`: it is not ready in time: thinking");
        let mut helper = helper.unwrap();
        assert_eq!(helper.process.child.reap(), "it was killed by signal 9");
    }

    #[test]
    fn a_missing_program_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let mode = Mode::parse("pasta").unwrap();
        let plan = Plan { program: Some("/no/such/pasta".into()), ..Plan::new(mode, Vec::new()) };
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let error = Helper::spawn(plan, own, dir.path()).unwrap_err();
        assert_eq!(error.to_string(), "starting the network helper `/no/such/pasta`: No such file or directory");
        assert_eq!(error.hint_text(), Some("is pasta installed and executable?"));
    }

    #[test]
    fn no_helper_for_none_and_host() {
        for mode in [Mode::None, Mode::Host] {
            let plan = Plan::new(mode, Vec::new());
            plan.check().unwrap();
            assert!(Helper::spawn(plan, 1, Path::new("/")).unwrap().is_none());
        }
    }
}
