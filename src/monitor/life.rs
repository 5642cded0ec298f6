//! The life of a container, from its monitor's point of view: start, serve, end, perhaps again, clean up.

mod ending;

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::client::{Clients, Role};
use super::config::Config;
use super::exec::Sessions;
use super::log::{self, Log};
use super::network::Bridges;
use super::protocol::{ATTACH_STDERR, ATTACH_STDIN, ATTACH_STDOUT};
use super::watch::{Token, Watch};
use super::{REPORT_STARTED, REPORT_WAITING, donors, fuse, oom, scratch, stray};
use crate::container::network::Interface;
use crate::container::store::Store;
use crate::container::{State, Status, resting};
use crate::error::{Context, Error, Result};
use crate::network;
use crate::runtime::channel;
use crate::runtime::launch::Given;
use crate::runtime::socket;
use crate::runtime::spawn::{self, Report, Started};
use crate::storage::atomic::Durability;
use crate::storage::lock::Lock;
use crate::storage::{Roots, fs};
use crate::sys::lock;

/// The exit code of a container whose `--timeout` is over.
const TIMED_OUT: i32 = 255;
/// The first pause before a restart, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// How long a restart waits for the containers whose namespaces are joined.
const DONORS_DEADLINE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A container that ran for as long as this is no longer one that keeps failing.
const LONG_ENOUGH: Duration = Duration::from_secs(10);
/// How many clients may wait until they are served.
const BACKLOG: i32 = 64;
/// How long the network helper may take.
const NETWORK_DEADLINE: Duration = Duration::from_secs(15);

/// A monitor and what it holds.
pub struct Life {
    pub(super) config: Config,
    pub(super) store: Store,
    /// Held as long as the monitor lives: the proof that it does.
    lock: Option<File>,
    pub(super) log: Log,
    pub(super) watch: Watch,
    pub(super) clients: Clients,
    pub(super) sessions: Sessions,
    pub(super) signals: nix::sys::signalfd::SignalFd,
    pub(super) listener: OwnedFd,
    pub(super) state: State,
    pub(super) container: Option<Running>,
    /// A network helper that is on its way out. To wait for its end takes as long as the kernel takes to remove its
    /// interface, and nobody needs to: it is reaped when the monitor ends, or starts the next.
    leaving: Option<network::Helper>,
    /// How the container was connected when it ran before: it gets the same addresses if they are free.
    had: Vec<Interface>,
    fuse: Option<Child>,
    /// What fuse-overlayfs mounts beside the root, for one run.
    overlays: Vec<Child>,
    /// What the command gets besides its standard streams. Kept only for a container that may be restarted.
    given: Vec<Given>,
    /// The memory file of the container's secrets, as long as somebody needs it.
    pub(super) secrets: Option<OwnedFd>,
    /// Standard input that the container has not taken yet.
    pub(super) input: Vec<u8>,
    /// Somebody wants the next run to begin before the pause is over.
    pub(super) hurry: bool,
    /// A client said that its input has ended.
    pub(super) input_ended: bool,
    /// Nobody copies into the container while it starts.
    unwritten: Option<Lock>,
}

/// The descriptors that a monitor begins with.
#[derive(Debug)]
pub struct Inherited {
    /// The first client.
    pub client: Option<OwnedFd>,
    /// What the command gets besides its standard streams.
    pub given: Vec<Given>,
    /// The memory file of the container's secrets.
    pub secrets: Option<OwnedFd>,
}

/// A container's process and its streams.
pub struct Running {
    pub started: Started,
    pub terminal: Option<OwnedFd>,
    pub network: Option<network::Helper>,
    /// Its bridge networks.
    pub bridges: Option<Bridges>,
    /// Its exit code, once it has been reaped.
    pub ended: Option<i32>,
    pub since: Instant,
    /// It waits for a start message.
    pub waiting: bool,
    pub kill_at: Option<Instant>,
    /// That time has come.
    pub timed_out: bool,
    /// The kernel's count of kills for want of memory when it began.
    pub oom_kills: u64,
    /// A SIGKILL went through the monitor.
    pub killed: bool,
    /// Where its processes are, if it has no PID namespace of its own.
    pub place: Option<stray::Place>,
}

impl Life {
    /// Takes the lock, opens the socket and the log.
    pub fn new(config: Config, roots: &Roots, inherited: Inherited) -> Result<Self> {
        let Inherited { client, given, secrets } = inherited;
        let store = Store::new(roots);
        let run_dir = roots.run_container(&config.id);
        fs::create_private_dir_all(&run_dir)?;
        let lock = take_lock(&run_dir)?;
        let mut mask = nix::sys::signal::SigSet::empty();
        mask.add(nix::sys::signal::SIGCHLD);
        // The monitor ends with its container and not before.
        for signal in [
            nix::sys::signal::SIGTERM,
            nix::sys::signal::SIGINT,
            nix::sys::signal::SIGHUP,
            nix::sys::signal::SIGQUIT,
            nix::sys::signal::SIGPIPE,
        ] {
            mask.add(signal);
        }
        mask.thread_block().context("blocking signals")?;
        let flags = nix::sys::signalfd::SfdFlags::SFD_NONBLOCK | nix::sys::signalfd::SfdFlags::SFD_CLOEXEC;
        let signals = nix::sys::signalfd::SignalFd::with_flags(&mask, flags).context("creating a signalfd")?;
        let listener = socket::listen(&run_dir, "ctl", BACKLOG)?;
        let options = log::Options {
            driver: &config.log.driver,
            path: config.log.path.as_deref(),
            max_size: config.log.max_size,
            max_files: config.log.max_files,
        };
        let log = Log::open(&options)?;
        let watch = Watch::new()?;
        watch.add(&signals, Token::Signal)?;
        watch.add(&listener, Token::Listener)?;
        let mut clients = Clients::default();
        if let Some(client) = client {
            let input = if config.launch.stdin || config.launch.tty { ATTACH_STDIN } else { 0 };
            clients.add(&watch, client, Role::Attach { flags: input | ATTACH_STDOUT | ATTACH_STDERR });
        }
        let state = State { monitor_pid: std::process::id() as i32, ..State::default() };
        let container = None;
        Ok(Life {
            config,
            store,
            lock: Some(lock),
            log,
            watch,
            clients,
            sessions: Sessions::default(),
            signals,
            listener,
            state,
            container,
            leaving: None,
            had: Vec::new(),
            fuse: None,
            overlays: Vec::new(),
            given,
            secrets,
            input: Vec::new(),
            hurry: false,
            input_ended: false,
            unwritten: None,
        })
    }

    /// Starts the container, reports to the starter, and stays until the end.
    pub fn live(mut self, report: &OwnedFd) -> Result<()> {
        if let Err(error) = self.first_start(report) {
            self.stop_container();
            self.never_started(&error);
            return Err(error);
        }
        let mut pause = FIRST_PAUSE;
        loop {
            let code = self.serve_until_end();
            // As the reference says it of a container that took too long.
            let code = if self.container.as_ref().is_some_and(|c| c.timed_out) { TIMED_OUT } else { code };
            let ran_for = self.container.as_ref().map_or(Duration::ZERO, |c| c.since.elapsed());
            self.state.oom_killed = self
                .container
                .as_ref()
                .is_some_and(|c| code == 128 + libc::SIGKILL && !c.killed && oom::kills() > c.oom_kills);
            self.stop_container();
            self.state.exit_code = code;
            self.state.pid = 0;
            self.state.finished_at = Some(Timestamp::now());
            self.state.status = Status::Exited;
            if !self.wants_restart(code) {
                break;
            }
            pause = if ran_for >= LONG_ENOUGH { FIRST_PAUSE } else { pause };
            self.save(Durability::Process);
            self.clients.say_exit_to_waiters(&self.watch, code);
            if !self.rest(pause) {
                break;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            self.state.restart_count += 1;
            self.copy_networks();
            match self.donors_are_back() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    self.state.error = error.to_string();
                    break;
                }
            }
            if let Err(error) = self.start().and_then(|()| self.execute()) {
                self.stop_container();
                self.state.error = error.to_string();
                self.state.pid = 0;
                self.state.finished_at = Some(Timestamp::now());
                self.state.status = Status::Exited;
                self.state.exit_code = i32::from(error.kind().exit_code());
                break;
            }
        }
        self.end();
        Ok(())
    }

    /// Waits for containers whose namespaces this one joins, which may be about to be restarted as well. Whether they
    /// are there; not if somebody has stopped this one meanwhile.
    ///
    /// # Errors
    /// They do not come back.
    fn donors_are_back(&mut self) -> Result<bool> {
        let deadline = Instant::now() + DONORS_DEADLINE;
        loop {
            match donors::open(&self.store, &self.config.launch.joins) {
                Ok(_) => return Ok(true),
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(error) => {
                    let why = error.to_string();
                    if std::mem::replace(&mut self.state.error, why.clone()) != why {
                        self.save(Durability::Process);
                    }
                    if !self.rest(FIRST_PAUSE) {
                        return Ok(false);
                    }
                }
            }
        }
    }

    fn first_start(&mut self, report: &OwnedFd) -> Result<()> {
        self.start()?;
        if self.config.restart.name.is_empty() || self.config.restart.name == "no" {
            // The command shall be the last to close them.
            self.given.clear();
        }
        if self.config.launch.secrets.as_ref().is_some_and(|secrets| !secrets.keep) {
            (self.secrets, self.config.launch.secrets) = (None, None);
        }
        let pid = self.container.as_ref().map_or(0, |c| c.started.pid);
        let kind = if self.config.hold {
            if let Some(container) = &mut self.container {
                container.waiting = true;
            }
            self.state.status = Status::Initialized;
            self.save(Durability::Process);
            self.unwritten = None;
            REPORT_WAITING
        } else {
            self.execute()?;
            REPORT_STARTED
        };
        let mut packet = vec![kind];
        packet.extend(pid.to_le_bytes());
        let _ = channel::send(report, &packet, &[]);
        Ok(())
    }

    /// Namespaces, mounts and network, up to where only the exec is missing.
    fn start(&mut self) -> Result<()> {
        let again = self.state.started_at.is_some();
        self.unwritten = resting::starting(&self.store.roots().container(&self.config.id), again)?;
        if let Some(fuse) = &self.config.fuse
            && self.fuse.is_none()
        {
            self.fuse = Some(fuse::mount(fuse)?);
        }
        scratch::begin(&self.config.launch.scratch)?;
        for overlay in &self.config.launch.overlays {
            self.overlays.push(fuse::mount_overlay(overlay)?);
        }
        let joined = donors::open(&self.store, &self.config.launch.joins)?;
        let started = spawn::spawn(&self.config.launch, &self.given, &joined)?;
        drop(joined);
        let pid = started.pid;
        // As long as the process waits for its start.
        let place = if self.has_own_pids() { None } else { stray::Place::of(pid).ok() };
        let run_dir = self.store.roots().run_container(&self.config.id);
        self.container = Some(Running {
            started,
            terminal: None,
            network: None,
            bridges: None,
            ended: None,
            since: Instant::now(),
            waiting: false,
            kill_at: None,
            timed_out: false,
            oom_kills: oom::kills(),
            killed: false,
            place,
        });
        let Some(container) = &mut self.container else { return Ok(()) };
        // The helper starts while the child does its mounts.
        let mode = network::Mode::parse(&self.config.network)?;
        if mode == network::Mode::Bridge {
            let had = std::mem::take(&mut self.had);
            container.bridges = Some(Bridges::begin(&self.config, self.store.roots(), pid, had)?);
        }
        if mode.needs_helper() {
            let mut plan = network::Plan::new(mode, self.config.ports.clone());
            plan.program = self.config.network_program.clone();
            container.network = network::Helper::spawn(plan, pid, &run_dir)?;
        }
        match spawn::read_report(&container.started.channel) {
            Report::Ready { terminal } => container.terminal = terminal,
            Report::Failed(error) => return Err(error),
            Report::Closed => return Err(Error::new("the container's process died while it was set up")),
        }
        if let Some(network) = &mut container.network {
            network.wait_ready(Instant::now() + NETWORK_DEADLINE)?;
        }
        if let Some(bridges) = &mut container.bridges {
            self.state.network = bridges.finish(Instant::now() + NETWORK_DEADLINE)?.to_vec();
            bridges.watch(&self.watch)?;
        }
        self.input.clear();
        self.input_ended = false;
        self.clients.resume_input(&self.watch);
        self.write_pid_files(pid);
        self.state.pid = pid;
        self.state.pid_started = crate::runtime::start_time(pid).unwrap_or(0);
        Ok(())
    }

    /// Lets the command begin, and watches its streams.
    pub(super) fn execute(&mut self) -> Result<()> {
        self.state.status = Status::Running;
        self.state.started_at = Some(Timestamp::now());
        self.state.finished_at = None;
        self.state.error.clear();
        let Some(container) = &mut self.container else { return Ok(()) };
        spawn::go(&container.started.channel)?;
        container.since = Instant::now();
        container.waiting = false;
        if self.config.timeout > 0 {
            container.kill_at = Some(container.since + Duration::from_secs(u64::from(self.config.timeout)));
        }
        // Written while the command is being executed; if that fails, it is soon corrected.
        self.save(Durability::Process);
        self.unwritten = None;
        let Some(container) = &mut self.container else { return Ok(()) };
        match spawn::read_report(&container.started.channel) {
            Report::Closed => {}
            Report::Failed(error) => return Err(error),
            Report::Ready { .. } => return Err(Error::new("the container's process sent an unknown message")),
        }
        for (fd, token) in [
            (container.terminal.as_ref(), Token::Stdout),
            (container.started.stdout.as_ref(), Token::Stdout),
            (container.started.stderr.as_ref(), Token::Stderr),
        ] {
            if let Some(fd) = fd {
                let _ = rustix::io::ioctl_fionbio(fd, true);
                self.watch.add(fd, token)?;
            }
        }
        if let Some(stdin) = &container.started.stdin {
            let _ = rustix::io::ioctl_fionbio(stdin, true);
        }
        Ok(())
    }

    fn has_own_pids(&self) -> bool {
        self.config.launch.namespaces & libc::CLONE_NEWPID as u64 != 0
    }

    fn wants_restart(&self, code: i32) -> bool {
        let policy = &self.config.restart;
        if self.state.stopped_by_user {
            return false;
        }
        match policy.name.as_str() {
            "always" | "unless-stopped" => true,
            "on-failure" => code != 0 && (policy.max_retries == 0 || self.state.restart_count < policy.max_retries),
            _ => false,
        }
    }

    /// Writes the state; that it cannot be written must not end the container.
    pub(super) fn save(&self, durability: Durability) {
        let durability = if self.config.auto_remove { Durability::Process } else { durability };
        let _ = self.store.write_state(&self.config.id, &self.state, durability);
    }

    fn write_pid_files(&self, pid: i32) {
        if let Some(path) = &self.config.pid_file {
            let _ = fs::write(path, pid.to_string().as_bytes());
        }
        if let Some(path) = &self.config.monitor_pid_file {
            let _ = fs::write(path, std::process::id().to_string().as_bytes());
        }
    }
}

fn take_lock(run_dir: &Path) -> Result<File> {
    let path = run_dir.join("lock");
    let open = std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = open.with_context(|| format!("opening `{}`", path.display()))?;
    lock::hold(&file).map_err(|e| match e.raw_os_error() {
        Some(libc::EAGAIN | libc::EACCES) => Error::new("the container is already running"),
        _ => Error::from(e).wrap(format!("locking `{}`", path.display())),
    })?;
    let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
    Ok(file)
}
