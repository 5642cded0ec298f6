//! A further process in a running container (`exec`): join its namespaces, become its user, execute.

use std::os::fd::{AsFd as _, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;

use nix::sched::CloneFlags;
use oci_spec::runtime::{Process, Spec};
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};

use super::preserved::Preserved;
use super::{
    Prepared, Stdio, credentials, hide_and_tie, keeps_groups, limits, nested, report_and_exit, root, secrets, target,
    terminal,
};
use crate::error::{Context, Error, Kind, Result};
use crate::runtime::caps::{CapSet, ProcessCaps};
use crate::runtime::channel;
use crate::runtime::idmap::Userns;
use crate::runtime::launch::Given;
use crate::storage::fs;

/// What to execute, as the command line asks for it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExecRequest {
    pub command: Vec<String>,
    /// Added to the container's environment.
    pub env: Vec<String>,
    /// As typed; `None` is the container's own user.
    pub user: Option<String>,
    pub workdir: Option<String>,
    pub tty: bool,
    /// Rows and columns of the terminal.
    pub size: Option<(u16, u16)>,
    pub privileged: bool,
    pub groups: Vec<String>,
    pub spec: PathBuf,
    pub seccomp: Option<PathBuf>,
    /// As in [`crate::runtime::launch::Launch`].
    pub fenced: bool,
    /// Numbers of the descriptors that come behind the standard streams, in the same order.
    pub preserved: Vec<RawFd>,
}

/// What is joined.
#[derive(Debug, Clone, Copy)]
pub struct Container<'a> {
    /// The pidfd of its first process.
    pub init: &'a OwnedFd,
    /// CLONE_NEW* flags of the namespaces that it does not share with the host.
    pub namespaces: u64,
    /// The memory file of its secrets, where it has some in its environment.
    pub secrets: Option<RawFd>,
    /// Its user namespace, if that is not the user's.
    pub userns: Option<&'a Userns>,
}

/// Runs in a child of the monitor that is already in the container's PID namespace. `streams` are standard input, output
/// and error, or, with a terminal, one socket on which its master is sent, and then what is preserved. Never returns.
pub fn start(request: &[u8], container: Container<'_>, streams: Vec<OwnedFd>, channel: BorrowedFd<'_>) -> ! {
    let (request, channel, given, streams) = match receive(request, streams, channel) {
        Ok(received) => received,
        Err(error) => report_and_exit(&error, channel),
    };
    let error = match set_up(&request, container, streams, given, channel.as_fd()) {
        Ok(never) => match never {},
        Err(error) => error,
    };
    report_and_exit(&error, channel.as_fd())
}

/// Reads the request, and moves what must not be in the way of the descriptors that the command gets.
fn receive(
    request: &[u8],
    mut streams: Vec<OwnedFd>,
    channel: BorrowedFd<'_>,
) -> Result<(ExecRequest, OwnedFd, Preserved, Vec<OwnedFd>)> {
    let request: ExecRequest = serde_json::from_slice(request).context("reading the request")?;
    let standard = if request.tty { 1 } else { 3 };
    if streams.len() != standard + request.preserved.len() || request.preserved.iter().any(|number| *number < 3) {
        crate::bail!("the request does not have the descriptors that it speaks of");
    }
    let fds = streams.split_off(standard);
    let given: Vec<Given> =
        request.preserved.iter().zip(fds).map(|(number, fd)| Given { number: *number, fd }).collect();
    let given = Preserved::stage(&given)?;
    Ok((request, given.out_of_the_way(channel)?, given, streams))
}

fn set_up(
    request: &ExecRequest,
    container: Container<'_>,
    streams: Vec<OwnedFd>,
    given: Preserved,
    channel: BorrowedFd<'_>,
) -> Result<std::convert::Infallible> {
    hide_and_tie()?;
    let mut keep = vec![channel.as_raw_fd(), container.init.as_raw_fd()];
    keep.extend(container.secrets);
    keep.extend(streams.iter().map(AsRawFd::as_raw_fd).chain(given.staged()));
    crate::sys::process::close_all_but(&keep).context("closing the monitor's descriptors")?;
    // Both are files of the host's, so they are read before its file system is out of sight.
    let mut spec: Spec = serde_json::from_slice(&fs::read(&request.spec)?)
        .with_context(|| format!("reading the spec `{}`", request.spec.display()))?;
    if let Some(fd) = container.secrets {
        secrets::add_variables(&mut spec, &secrets::take(fd)?);
    }
    let filter = match &request.seccomp {
        _ if request.privileged => None,
        Some(path) => Some(fs::read(path)?),
        None if spec.linux().as_ref().is_some_and(|l| l.seccomp().is_some()) => {
            return Err(Error::new("the container has a seccomp profile, and its filter is missing"));
        }
        None => None,
    };
    let process = process_of(request, &spec)?;
    limits::oom_score(&process)?;
    let may_set_groups = credentials::may_set_groups() && !keeps_groups(&spec);
    limits::personality(&spec)?;
    let flags =
        libc::CLONE_NEWNS | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS | libc::CLONE_NEWNET | libc::CLONE_NEWCGROUP;
    // The host's are the monitor's already, and not for the root of a user namespace to join.
    let flags = CloneFlags::from_bits_truncate(flags & i32::try_from(container.namespaces).unwrap_or(0));
    if let Some(userns) = container.userns {
        nested::give(&streams, userns.map());
        nix::sched::setns(container.init, flags | CloneFlags::CLONE_NEWUSER)
            .context("joining the container's namespaces")?;
        nested::become_root(userns.map())?;
    } else {
        nix::sched::setns(container.init, flags).context("joining the container's namespaces")?;
    }
    let root_fd = root::open_root()?;
    let user = credentials::resolve(&process, &request.groups, &root_fd)?;
    // As the reference says it of a further process.
    let cwd =
        target::working_directory(&root_fd, process.cwd(), false).map_err(|e| e.with_kind(Kind::CommandNotFound))?;
    limits::umask(&process);
    let stdio = stdio(request, streams)?;
    channel::send(channel, b"R", &[]).context("reporting to the monitor")?;
    let prepared = Prepared { filter, fenced: request.fenced, user, cwd, root_fd, init: false, may_set_groups, given };
    prepared.execute(&process, stdio, channel)
}

/// The container's process with the request's differences.
fn process_of(request: &ExecRequest, spec: &Spec) -> Result<Process> {
    let mut process = spec.process().clone().ok_or_else(|| Error::new("the spec has no process"))?;
    let mut env = process.env().clone().unwrap_or_default();
    for variable in &request.env {
        let name = variable.split('=').next().unwrap_or_default();
        env.retain(|e| e.split('=').next() != Some(name));
        env.push(variable.clone());
    }
    if request.tty && !env.iter().any(|e| e.starts_with("TERM=")) {
        env.push("TERM=xterm".to_owned());
    }
    process.set_args(Some(request.command.clone())).set_env(Some(env));
    if let Some(workdir) = &request.workdir {
        process.set_cwd(PathBuf::from(workdir));
    }
    if let Some(user) = &request.user
        && process.user().username().as_ref() != Some(user)
    {
        // What was added for the container's own user is not for others; root has what the container may have.
        let bounding = process.capabilities().as_ref().map(ProcessCaps::from_oci).unwrap_or_default().bounding;
        process.set_capabilities(Some(ProcessCaps::for_user(bounding, CapSet::EMPTY, 0).to_oci()));
        let mut oci_user = process.user().clone();
        oci_user.set_username(Some(user.clone())).set_additional_gids(None);
        process.set_user(oci_user);
    }
    if request.privileged {
        let all = CapSet::available();
        let had = process.capabilities().as_ref().map(ProcessCaps::from_oci).unwrap_or_default();
        let sets = ProcessCaps { bounding: all, effective: all, permitted: all, ..had };
        process.set_capabilities(Some(sets.to_oci())).set_no_new_privileges(Some(false));
    }
    Ok(process)
}

fn stdio(request: &ExecRequest, streams: Vec<OwnedFd>) -> Result<Stdio> {
    if request.tty {
        let socket =
            streams.into_iter().next().ok_or_else(|| Error::new("the request has no socket for a terminal"))?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // The runtime's own devpts, or what the container's root has put over it: then it only deceives itself.
        let devpts = rustix::fs::open(c"/dev/pts", flags, Mode::empty()).context("opening `/dev/pts`")?;
        check_devpts(&devpts)?;
        let console = terminal::open(&devpts, request.size)?;
        channel::send(&socket, b"T", &[console.master.as_fd()]).context("handing over the terminal")?;
        let again = || console.slave.try_clone().context("duplicating the terminal");
        return Ok(Stdio { fds: [again()?, again()?, again()?], terminal: true, ours: true });
    }
    let fds: [OwnedFd; 3] =
        streams.try_into().map_err(|_| Error::new("the request does not have three standard streams"))?;
    Ok(Stdio { fds, terminal: false, ours: true })
}

/// statfs(2): DEVPTS_SUPER_MAGIC.
const DEVPTS_MAGIC: u64 = 0x1cd1;

fn check_devpts(devpts: &OwnedFd) -> Result<()> {
    let seen = rustix::fs::fstatfs(devpts).context("looking at `/dev/pts`")?;
    if u64::try_from(seen.f_type) == Ok(DEVPTS_MAGIC) {
        Ok(())
    } else {
        Err(Error::new("`/dev/pts` in the container is not a devpts"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_user_does_not_get_what_was_added_for_the_containers_own() -> Result<()> {
        let (all, added) = (CapSet::from_names(&["CHOWN", "KILL"])?, CapSet::from_names(&["KILL"])?);
        let mut user = oci_spec::runtime::User::default();
        user.set_username(Some("app".to_owned()));
        let mut process = Process::default();
        process.set_user(user).set_capabilities(Some(ProcessCaps::for_user(all, added, 1000).to_oci()));
        let mut spec = Spec::default();
        spec.set_process(Some(process));
        let caps_of = |user: Option<&str>| -> Result<ProcessCaps> {
            let request = ExecRequest { user: user.map(str::to_owned), ..ExecRequest::default() };
            Ok(process_of(&request, &spec)?.capabilities().as_ref().map(ProcessCaps::from_oci).unwrap_or_default())
        };
        for own in [None, Some("app")] {
            assert_eq!(caps_of(own)?, ProcessCaps::for_user(all, added, 1000));
        }
        for other in ["root", "7"] {
            assert_eq!(caps_of(Some(other))?, ProcessCaps::for_user(all, CapSet::EMPTY, 0), "{other}");
        }
        Ok(())
    }
}
