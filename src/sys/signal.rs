//! Signals by number, real-time ones included (nix and rustix know only the named ones): sets, masks, signalfd.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd as _, OwnedFd};

/// The highest signal number of Linux.
pub const HIGHEST: i32 = 64;

/// A set of signals.
#[derive(Debug, Clone, Copy)]
pub struct SignalSet(libc::sigset_t);

impl SignalSet {
    /// No signal.
    pub fn empty() -> Self {
        // SAFETY: all zeroes is a valid set, and sigemptyset initializes it in any case.
        let mut set = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is valid for the time of the call.
        unsafe { libc::sigemptyset(&raw mut set) };
        SignalSet(set)
    }

    /// These signals.
    pub fn of(signals: impl IntoIterator<Item = i32>) -> Self {
        let mut set = Self::empty();
        signals.into_iter().for_each(|s| set.add(s));
        set
    }

    /// Every signal that a program may block but those in `but`. The C library's own two (32 and 33) are left out.
    pub fn all_but(but: &[i32]) -> Self {
        Self::of((1..=HIGHEST).filter(|s| !but.contains(s)))
    }

    /// Adds a signal; one that does not exist is ignored.
    pub fn add(&mut self, signal: i32) {
        // SAFETY: the pointer is valid for the time of the call; the C library checks the number.
        unsafe { libc::sigaddset(&raw mut self.0, signal) };
    }

    /// Whether the signal is in the set.
    pub fn contains(&self, signal: i32) -> bool {
        // SAFETY: the pointer is valid for the time of the call; the C library checks the number.
        unsafe { libc::sigismember(&raw const self.0, signal) == 1 }
    }

    /// These signals but for those that our parent had us ignore (`nohup`): they stay ignored.
    pub fn unless_ignored(self) -> Self {
        Self::of((1..=HIGHEST).filter(|signal| self.contains(*signal) && !is_ignored(*signal)))
    }

    /// Blocks these signals in this thread, too; returns the mask before.
    pub fn block(&self) -> SignalSet {
        self.change_mask(libc::SIG_BLOCK)
    }

    /// Makes this the mask of this thread; returns the one before.
    pub fn set_as_mask(&self) -> SignalSet {
        self.change_mask(libc::SIG_SETMASK)
    }

    fn change_mask(&self, how: i32) -> SignalSet {
        let mut before = Self::empty();
        // SAFETY: both pointers are valid for the time of the call. It cannot fail with a valid `how`.
        unsafe { libc::pthread_sigmask(how, &raw const self.0, &raw mut before.0) };
        before
    }

    /// Waits for one of these signals, which must be blocked, and takes it.
    ///
    /// # Errors
    /// Never `EINTR`: an interrupted wait goes on.
    pub fn wait(&self) -> io::Result<i32> {
        loop {
            // SAFETY: the set is valid for the time of the call; no information is asked for.
            let signal = unsafe { libc::sigwaitinfo(&raw const self.0, std::ptr::null_mut()) };
            if signal > 0 {
                return Ok(signal);
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }
}

/// Signals that are blocked in the thread that made this, until it is dropped.
#[derive(Debug)]
pub struct Held {
    before: SignalSet,
}

impl Held {
    /// Blocks them.
    pub fn new(signals: &SignalSet) -> Held {
        Held { before: signals.block() }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.before.set_as_mask();
    }
}

/// Runs `work`, which starts a program, with no signal blocked in this thread: a program inherits the mask, and one that
/// cannot be interrupted would outlive its user's patience.
pub fn unblocked<T>(work: impl FnOnce() -> T) -> T {
    let before = SignalSet::empty().set_as_mask();
    let result = work();
    before.set_as_mask();
    result
}

/// Signals to be read from a descriptor. They must be blocked for it to get them. Never blocks a reader.
#[derive(Debug)]
pub struct SignalFd(OwnedFd);

impl SignalFd {
    /// A descriptor for the signals of `set`.
    pub fn new(set: &SignalSet) -> io::Result<Self> {
        // SAFETY: the set is valid for the time of the call.
        let fd = unsafe { libc::signalfd(-1, &raw const set.0, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and nobody else has it.
        Ok(SignalFd(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// The next signal that has come, if any.
    pub fn next(&self) -> Option<i32> {
        const SIZE: usize = size_of::<libc::signalfd_siginfo>();
        let mut bytes = [0_u8; SIZE];
        // `ssi_signo`, a u32, comes first. A shorter read does not happen.
        match rustix::io::read(&self.0, &mut bytes) {
            Ok(SIZE) => i32::try_from(u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).ok(),
            _ => None,
        }
    }
}

impl AsFd for SignalFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Sends a signal to a process.
///
/// # Errors
/// `ESRCH` when there is none, `EPERM`, `EINVAL`. A process ID below 1 is `ESRCH`, never a group.
pub fn send(pid: i32, signal: i32) -> io::Result<()> {
    if pid < 1 {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    // SAFETY: no memory is involved.
    if unsafe { libc::kill(pid, signal) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Whether this process ignores the signal.
pub fn is_ignored(signal: i32) -> bool {
    // SAFETY: an all-zero sigaction is valid.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is valid for the time of the call; null asks without changing anything.
    let result = unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) };
    result == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// Ends this process by `signal`, as if it had never been caught, so that a shell sees what happened.
pub fn die_by(signal: i32) -> ! {
    // SAFETY: no handler is installed, only the default action, and no memory is involved.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::kill(libc::getpid(), signal);
    }
    // Here the signal is pending at the latest; unblocked, it strikes.
    SignalSet::empty().set_as_mask();
    // Only a signal whose default action does not end a process gets here.
    // SAFETY: no memory is involved, and nothing of ours needs to be run at exit.
    unsafe { libc::_exit(128 + signal) }
}

/// Sends a signal to one thread of this process.
#[cfg(test)]
pub fn send_to_thread(thread: rustix::thread::Pid, signal: i32) {
    let tid = thread.as_raw_nonzero().get();
    // SAFETY: no memory is involved.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), tid, signal) };
}
