//! A container's first process, from clone to exec, in the order in which it must happen.
//!
//! It begins as a copy of the monitor: root of the user namespace, in new namespaces, but still with the host's file
//! system and the monitor's descriptors. What it learns from the image it learns through descriptors resolved beneath
//! the container's root. It is not dumpable until the exec, so that nothing in the container can look into it.

mod accounts;
mod chown;
mod command;
mod credentials;
mod dev;
mod hooks;
mod idmap;
mod limits;
mod mask;
mod mounts;
mod options;
mod preserved;
mod root;
mod secrets;
mod target;
mod terminal;
mod tree;

pub mod join;
mod nested;
pub mod view;

use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};

use nix::sys::signal::Signal;
use oci_spec::runtime::Spec;

use super::channel;
use super::joined::{Joined, PID};
use super::launch::{Given, Launch};
use super::spawn::Streams;
use crate::error::{Context, Error, Result};
use crate::storage::fs;
use crate::sys::process;
use preserved::Preserved;

/// Sets up this process, which has just been cloned, and executes the container's command; with a user namespace of its
/// own, a further process does. Never returns: a failure is reported on the channel.
pub fn start(launch: &Launch, streams: &Streams, given: &[Given], joined: &[Joined], channel: BorrowedFd<'_>) -> ! {
    let staged = Preserved::stage(given).and_then(|given| Ok((given.out_of_the_way(channel)?, given)));
    let (channel, given) = match staged {
        Ok(staged) => staged,
        Err(error) => report_and_exit(&error, channel),
    };
    let error = match set_up(launch, streams, given, joined, channel.as_fd()) {
        Ok(never) => match never {},
        Err(error) => error,
    };
    report_and_exit(&error, channel.as_fd())
}

/// The annotation of a container whose processes keep the groups of the user who started it, as crun knows it.
pub const KEEP_GROUPS: &str = "run.oci.keep_original_groups";

fn keeps_groups(spec: &Spec) -> bool {
    spec.annotations().as_ref().is_some_and(|annotations| annotations.contains_key(KEEP_GROUPS))
}

fn report_and_exit(error: &Error, channel: BorrowedFd<'_>) -> ! {
    let mut packet = vec![b'E'];
    packet.extend(channel::encode_error(error));
    let _ = channel::send(channel, &packet, &[]);
    process::exit_now(error.kind().exit_code())
}

fn set_up(
    launch: &Launch,
    streams: &Streams,
    given: Preserved,
    joined: &[Joined],
    channel: BorrowedFd<'_>,
) -> Result<std::convert::Infallible> {
    hide_and_tie()?;
    // Of the monitor's descriptors, only ours may stay: its own end of the channel, above all, or nobody would ever see
    // that a killed monitor has closed it.
    let mut keep = vec![channel.as_raw_fd()];
    keep.extend(given.staged());
    keep.extend(streams.numbers().into_iter().flatten());
    keep.extend(launch.secrets.as_ref().map(|secrets| secrets.fd));
    keep.extend(joined.iter().map(|one| one.fd.as_raw_fd()));
    process::close_all_but(&keep).context("closing the monitor's descriptors")?;
    let mut spec: Spec = serde_json::from_slice(&fs::read(&launch.spec)?)
        .with_context(|| format!("reading the spec `{}`", launch.spec.display()))?;
    let given_secrets = launch.secrets.as_ref().map(|from| secrets::take(from.fd)).transpose()?.unwrap_or_default();
    secrets::add_variables(&mut spec, &given_secrets);
    let filter = launch.seccomp.as_deref().map(fs::read).transpose()?;
    let may_set_groups = credentials::may_set_groups() && !keeps_groups(&spec);
    limits::personality(&spec)?;
    let oci_process = spec.process().as_ref().ok_or_else(|| Error::new("the spec has no process"))?;
    limits::oom_score(oci_process)?;

    let (place, opened) = match &launch.userns {
        None => {
            for one in joined {
                // The PID namespace is that of this process already.
                one.enter(!PID)?;
            }
            (root::attach(&launch.root)?, mounts::Opened::default())
        }
        Some(userns) => {
            let nested = nested::enter(userns, launch, &spec, streams, joined, channel)?;
            (root::attach_detached(&nested.root)?, nested.opened)
        }
    };
    let mounted = mounts::mount_all(&place, &spec, launch.tty, joined, opened)?;
    secrets::mount(&place, &spec, &given_secrets)?;
    drop(given_secrets);
    let console = if launch.tty {
        let devpts =
            mounted.devpts.as_ref().ok_or_else(|| Error::new("the spec has no devpts mount for a terminal"))?;
        Some(terminal::open(devpts, launch.window)?)
    } else {
        None
    };
    if let (Some(console), Some(dev)) = (&console, &mounted.dev) {
        dev::bind_console(dev, console)?;
    }
    if launch.namespaces & libc::CLONE_NEWNET as u64 != 0 {
        // While the host's /proc is still there.
        super::netns::prepare(launch.ipv6)?;
    }
    if let Some(bundle) = launch.spec.parent() {
        hooks::create_container(&spec, bundle)?;
    }
    limits::sysctls(&spec)?;
    mask::apply(&place, &spec, &mounted.null)?;
    root::pivot(&place)?;
    drop(place);
    let root_fd = root::open_root()?;
    let user = accounts::resolve(launch, oci_process, &root_fd)?;
    if spec.root().as_ref().and_then(oci_spec::runtime::Root::readonly) == Some(true) {
        root::make_read_only()?;
    }
    if let Some(hostname) = spec.hostname()
        && launch.namespaces & libc::CLONE_NEWUTS as u64 != 0
    {
        nix::unistd::sethostname(hostname).with_context(|| format!("setting the host name `{hostname}`"))?;
    }
    mounted.chown.iter().try_for_each(|source| chown::recursive(source, user.uid, user.gid))?;
    let cwd = target::working_directory(&root_fd, oci_process.cwd(), launch.create_cwd)?;
    limits::umask(oci_process);

    let terminal_master = console.as_ref().map(|c| &c.master);
    let descriptors: Vec<BorrowedFd<'_>> = terminal_master.iter().map(|fd| fd.as_fd()).collect();
    channel::send(channel, b"R", &descriptors).context("reporting to the monitor")?;
    drop(descriptors);
    wait_for_go(channel)?;

    let stdio = streams_of(streams, console)?;
    let fenced = launch.fenced;
    let prepared = Prepared { filter, fenced, user, cwd, root_fd, init: launch.init, may_set_groups, given };
    prepared.execute(oci_process, stdio, channel)
}

/// Everything that is left between "ready" and the exec.
struct Prepared {
    filter: Option<Vec<u8>>,
    /// No sockets but those that a network namespace holds.
    fenced: bool,
    user: credentials::User,
    cwd: OwnedFd,
    root_fd: OwnedFd,
    init: bool,
    /// See [`credentials::may_set_groups`].
    may_set_groups: bool,
    given: Preserved,
}

/// The three standard streams, and whether they are a terminal.
struct Stdio {
    fds: [OwnedFd; 3],
    terminal: bool,
    /// Made for the container, and not the caller's own.
    ours: bool,
}

impl Prepared {
    fn execute(
        self,
        oci_process: &oci_spec::runtime::Process,
        stdio: Stdio,
        channel: BorrowedFd<'_>,
    ) -> Result<std::convert::Infallible> {
        if stdio.terminal {
            let [stdin, ..] = &stdio.fds;
            rustix::process::ioctl_tiocsctty(stdin).context("making the terminal the controlling one")?;
        }
        if stdio.ours {
            credentials::give_streams(&stdio.fds, self.user.uid);
        }
        target::enter(&self.cwd)?;
        let command = command::Command::prepare(oci_process, &self.user)?;
        let [stdin, stdout, stderr] = stdio.fds;
        let staged = stage(&[&stdin, &stdout, &stderr], channel)?;
        for (number, fd) in (0..).zip(&staged) {
            process::dup_onto(fd.as_raw_fd(), number).context("setting up the standard streams")?;
        }
        drop((staged, stdin, stdout, stderr, self.cwd));
        // From here on, the channel and this one are all that is open besides what the command gets.
        let root_fd = self.given.out_of_the_way(self.root_fd.as_fd())?;
        drop(self.root_fd);
        let preserved = self.given.place()?;
        limits::apply(oci_process)?;
        // Without no_new_privs only a process with CAP_SYS_ADMIN may install a filter, so it comes before the drop.
        let no_new_privileges = oci_process.no_new_privileges() == Some(true);
        if no_new_privileges {
            rustix::thread::set_no_new_privs(true).context("setting no_new_privs")?;
        } else {
            install(self.fenced, self.filter.as_deref())?;
        }
        credentials::become_user(&self.user, oci_process.capabilities().as_ref(), self.may_set_groups)?;
        if no_new_privileges {
            install(self.fenced, self.filter.as_deref())?;
        }
        target::check_inside()?;
        process::default_signals();
        // Nothing of the host's may cross the exec, whoever opened it.
        process::cloexec_all_but(&preserved).context("marking descriptors close-on-exec")?;
        tie_to_parent()?;
        // The tie is undone by a change of user; the monitor may have died in between.
        if has_hung_up(channel) {
            process::exit_now(137);
        }
        drop(root_fd);
        if self.init { command.supervise(&preserved) } else { Err(command.execute()) }
    }
}

/// Copies the streams to numbers above those that are about to be overwritten.
fn stage(streams: &[&OwnedFd; 3], channel: BorrowedFd<'_>) -> Result<[OwnedFd; 3]> {
    debug_assert!(channel.as_raw_fd() > 2);
    let copy = |fd: &OwnedFd| rustix::io::fcntl_dupfd_cloexec(fd, 3).context("duplicating a standard stream");
    let [stdin, stdout, stderr] = streams;
    Ok([copy(stdin)?, copy(stdout)?, copy(stderr)?])
}

fn install(fenced: bool, filter: Option<&[u8]>) -> Result<()> {
    // First: the container's own filter may forbid to install another.
    if fenced {
        super::seccomp::fence()?.install().context("installing the filter of a restricted container")?;
    }
    match filter {
        Some(bytes) => super::seccomp::Filter::from_bytes(bytes)?.install().context("installing the seccomp filter"),
        None => Ok(()),
    }
}

/// Unreadable for others, and gone with the monitor.
fn hide_and_tie() -> Result<()> {
    nix::sys::prctl::set_dumpable(false).context("making the process undumpable")?;
    let _ = nix::unistd::setsid();
    tie_to_parent()
}

fn tie_to_parent() -> Result<()> {
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).context("tying the process to its monitor")
}

/// Whether the monitor is gone.
fn has_hung_up(channel: BorrowedFd<'_>) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec};
    let mut fds = [PollFd::new(&channel, PollFlags::HUP)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    matches!(rustix::event::poll(&mut fds, Some(&now)), Ok(1..))
        && fds.iter().any(|fd| fd.revents().contains(PollFlags::HUP))
}

fn wait_for_go(channel: BorrowedFd<'_>) -> Result<()> {
    let mut buffer = [0; 16];
    match channel::receive(channel, &mut buffer) {
        Ok((1.., _)) => Ok(()),
        // The monitor is gone, or gave up: nobody reads an error.
        Ok((0, _)) | Err(_) => process::exit_now(125),
    }
}

fn streams_of(streams: &Streams, console: Option<terminal::Console>) -> Result<Stdio> {
    let copy = |number| rustix::io::fcntl_dupfd_cloexec(borrow(number), 3).context("duplicating a standard stream");
    match console {
        Some(console) => {
            drop(console.master);
            let again = || console.slave.try_clone().context("duplicating the terminal");
            Ok(Stdio { fds: [again()?, again()?, again()?], terminal: true, ours: true })
        }
        None => {
            let [stdin, stdout, stderr] =
                streams.numbers().ok_or_else(|| Error::new("the container has no standard streams"))?;
            let ours = !matches!(streams, Streams::Inherit);
            Ok(Stdio { fds: [copy(stdin)?, copy(stdout)?, copy(stderr)?], terminal: false, ours })
        }
    }
}

fn borrow(number: i32) -> BorrowedFd<'static> {
    crate::sys::process::borrow(number)
}
