//! Processes: fork, clone3, exit, descriptors.
//!
//! Every function that makes a process must be called while this process has one thread: then the child may run any
//! Rust code, because no lock can be held by a thread that does not exist in it.

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};

/// What fork or clone3 returned.
#[derive(Debug)]
pub enum Forked<P> {
    Child,
    Parent(P),
}

/// A child made by [`clone3`].
#[derive(Debug)]
pub struct Child {
    pub pid: i32,
    pub pidfd: OwnedFd,
}

/// fork(2).
pub fn fork() -> io::Result<Forked<i32>> {
    // SAFETY: the process has one thread (see the module's head), so the child inherits no held lock.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        pid => Ok(Forked::Parent(pid)),
    }
}

/// clone3(2) with these CLONE_NEW* flags and a pidfd; the child continues here, as after fork(2).
pub fn clone3(flags: u64) -> io::Result<Forked<Child>> {
    clone3_with(flags, libc::SIGCHLD)
}

/// clone3(2) with these CLONE_NEW* flags and CLONE_PARENT: the child is a sibling of this process, and its parent hears of
/// its end.
pub fn clone_sibling(flags: u64) -> io::Result<Forked<Child>> {
    clone3_with(flags | libc::CLONE_PARENT as u64, 0)
}

fn clone3_with(flags: u64, exit_signal: i32) -> io::Result<Forked<Child>> {
    let mut pidfd: libc::c_int = -1;
    // SAFETY: all zeroes is a valid clone_args structure: no stack, no TLS, no cgroup.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = flags | libc::CLONE_PIDFD as u64;
    args.pidfd = (&raw mut pidfd) as u64;
    args.exit_signal = exit_signal as u64;
    // SAFETY: without CLONE_VM the child works on a copy of this address space, and the process has one thread; `args`
    // and the place for the pidfd live across the call.
    let result = unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<libc::clone_args>()) };
    match result {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        pid => {
            // SAFETY: the kernel has just stored a new descriptor that nobody else owns.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Forked::Parent(Child { pid: pid as i32, pidfd }))
        }
    }
}

/// Ends the process at once: no destructors, no exit handlers, nothing of the parent's is flushed twice.
pub fn exit_now(code: u8) -> ! {
    // SAFETY: _exit never returns and touches no memory.
    unsafe { libc::_exit(i32::from(code)) }
}

/// Marks every descriptor from `first` on as close-on-exec.
pub fn cloexec_from(first: RawFd) -> io::Result<()> {
    close_range(first as libc::c_uint, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC)
}

/// Closes every descriptor from `first` on. Only for a process that is about to exec or exit: owners of these
/// descriptors in this process must not be used or dropped any more.
pub fn close_from(first: RawFd) -> io::Result<()> {
    close_range(first as libc::c_uint, libc::c_uint::MAX, 0)
}

/// Closes every descriptor but the standard streams and `keep`. Only for the child of a fork that never returns to its
/// parent's code: the owners of what is closed here are never dropped in it.
pub fn close_all_but(keep: &[RawFd]) -> io::Result<()> {
    ranges_without(keep).try_for_each(|(first, last)| close_range(first, last, 0))
}

/// Marks every descriptor but the standard streams and `keep` as close-on-exec.
pub fn cloexec_all_but(keep: &[RawFd]) -> io::Result<()> {
    ranges_without(keep).try_for_each(|(first, last)| close_range(first, last, libc::CLOSE_RANGE_CLOEXEC))
}

/// The ranges of numbers from 3 on in which none of `keep` is.
fn ranges_without(keep: &[RawFd]) -> impl Iterator<Item = (libc::c_uint, libc::c_uint)> {
    let mut keep: Vec<libc::c_uint> = keep.iter().filter_map(|fd| (*fd).try_into().ok()).filter(|fd| *fd > 2).collect();
    keep.sort_unstable();
    let ends = keep.iter().map(|fd| fd - 1).chain([libc::c_uint::MAX]).collect::<Vec<_>>();
    let starts = std::iter::once(3).chain(keep.into_iter().map(|fd| fd + 1));
    starts.zip(ends).filter(|(first, last)| first <= last)
}

fn close_range(first: libc::c_uint, last: libc::c_uint, flags: libc::c_uint) -> io::Result<()> {
    // SAFETY: plain integers; which descriptors are affected is the caller's promise.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Takes ownership of an inherited descriptor (3 and up) that the parent left at a known number.
pub fn inherited(fd: RawFd) -> Option<OwnedFd> {
    // SAFETY: F_GETFD has no effect and fails for a number that is not open.
    let open = unsafe { libc::fcntl(fd, libc::F_GETFD) } >= 0;
    // SAFETY: the descriptor is open and, by the protocol between parent and child, owned by nobody else here.
    open.then(|| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Lets this process and those that it becomes see a 32-bit kernel (personality(2), `PER_LINUX32`).
pub fn run_as_32_bit() -> io::Result<()> {
    /// linux/personality.h
    const PER_LINUX32: libc::c_ulong = 8;
    // SAFETY: the call changes how the kernel names itself to this process, and no memory.
    if unsafe { libc::personality(PER_LINUX32) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Duplicates `from` onto the number `to`, without close-on-exec.
pub fn dup_onto(from: RawFd, to: RawFd) -> io::Result<()> {
    if from == to {
        // SAFETY: F_SETFD on an open descriptor only changes its close-on-exec flag.
        return if unsafe { libc::fcntl(from, libc::F_SETFD, 0) } < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        };
    }
    // SAFETY: the caller owns the number `to` (standard streams, or numbers of the exec protocol).
    if unsafe { libc::dup2(from, to) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// kill(2) with pid -1: every process of this PID namespace but this one and PID 1.
pub fn kill_all(signal: i32) -> io::Result<()> {
    // SAFETY: plain integers.
    if unsafe { libc::kill(-1, signal) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// kill(2).
pub fn kill(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: plain integers.
    if unsafe { libc::kill(pid, signal) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// pidfd_send_signal(2), for any signal number, real-time ones as well.
pub fn pidfd_kill(pidfd: &OwnedFd, signal: i32) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;
    // SAFETY: the descriptor is open; no siginfo is passed.
    let result = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, std::ptr::null::<libc::siginfo_t>(), 0)
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Resets every signal to its default action and unblocks all: what a program expects when it starts.
pub fn default_signals() {
    for signal in 1..=64 {
        // SAFETY: SIG_DFL is valid for every signal; numbers that cannot be changed fail harmlessly.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: all zeroes is the empty set, and the set outlives the call.
    unsafe {
        let empty: libc::sigset_t = std::mem::zeroed();
        libc::sigprocmask(libc::SIG_SETMASK, &raw const empty, std::ptr::null_mut());
    }
}

/// Waits for the child `pid` to end; its wait status.
pub fn wait(pid: i32) -> io::Result<i32> {
    loop {
        let mut status = 0;
        // SAFETY: `status` lives across the call.
        if unsafe { libc::waitpid(pid, &raw mut status, 0) } >= 0 {
            return Ok(status);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Reaps one child that has ended, if there is one: its PID and wait status.
pub fn reap() -> Option<(i32, i32)> {
    let mut status = 0;
    // SAFETY: `status` lives across the call.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
    (pid > 0).then_some((pid, status))
}

/// The exit code that a shell would show for a wait status: the code, or 128 and the signal.
pub fn exit_code(status: i32) -> i32 {
    if libc::WIFSIGNALED(status) { 128 + libc::WTERMSIG(status) } else { libc::WEXITSTATUS(status) }
}

/// A descriptor that stays open for the rest of this process's life: a standard stream, or one that an owner who is
/// never dropped holds (the child of a fork never returns to the owner's code).
pub fn borrow(fd: RawFd) -> std::os::fd::BorrowedFd<'static> {
    // SAFETY: by the contract above the number stays open; -1 is excluded.
    unsafe { std::os::fd::BorrowedFd::borrow_raw(fd.max(0)) }
}

/// Starts a command that is killed when this thread, its parent, dies.
pub fn spawn_tied(command: &mut std::process::Command) -> io::Result<std::process::Child> {
    use std::os::unix::process::CommandExt as _;
    // SAFETY: between fork and exec only prctl(2) is called, which is async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) < 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        });
    }
    command.spawn()
}
