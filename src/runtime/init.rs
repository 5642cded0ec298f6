//! The init of a container with `--init`: PID 1 that starts the command, passes signals on to it, reaps what nobody
//! waits for, and ends as the command ends.
//!
//! It is this program, forked and not executed anew; so it wipes its command line and environment, which are the
//! engine's, makes itself unreadable, and keeps no descriptor of its own. After the fork neither side allocates.

use std::ffi::{CStr, CString};
use std::io::Write as _;

use nix::errno::Errno;
use rustix::process::DumpableBehavior;

use crate::sys::exec::Program;
use crate::sys::process::{self, Forked};
use crate::sys::signal::{self, SignalSet};
use crate::sys::{stdio, title};

/// What these tell of happened in init itself. Blocked, they would strike all the same.
const FAULTS: &[i32] = &[libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS];

/// Runs `program` with these arguments and this environment as the only child of this process, and ends with its exit
/// code: 128 and the signal's number where a signal ended it; 126 or 127, with a message on standard error, where it
/// cannot be executed.
///
/// This process must have one thread, and be what the command is to be in everything that an exec inherits: user,
/// capabilities, working directory, standard streams, controlling terminal.
pub fn run(program: &CStr, arguments: &[CString], environment: &[CString]) -> ! {
    process::exit_now(supervise(program, arguments, environment))
}

fn supervise(program: &CStr, arguments: &[CString], environment: &[CString]) -> u8 {
    // Not dumpable: no process of the container may look into the engine's memory. The exec of the child undoes it
    // there. A failure would leave what capabilities and user namespaces protect already.
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    // Only with a PID namespace of its own is it PID 1, to which the kernel gives orphans in any case.
    let _ = nix::sys::prctl::set_child_subreaper(true);
    let _ = rustix::thread::set_name(c"coracle-init");
    // An ignored SIGCHLD would have the kernel reap the child before its exit code is read.
    process::default_signals();
    // Blocked before the child exists, so that neither its end nor a signal for it is missed.
    let signals = SignalSet::all_but(FAULTS);
    signals.block();
    let command = Program::new(program, arguments, environment);
    match process::fork() {
        Ok(Forked::Child) => become_command(&command, program),
        Ok(Forked::Parent(child)) => {
            let words = [&b"coracle-init"[..], b"--"];
            title::replace(words.into_iter().chain(arguments.iter().map(|a| a.as_bytes())));
            leave_streams();
            watch(child, &signals)
        }
        Err(error) => {
            complain("starting a process for", program, &error);
            126
        }
    }
}

/// Passes signals on until the child has ended; its exit code.
fn watch(child: i32, signals: &SignalSet) -> u8 {
    loop {
        match signals.wait() {
            // One signal may stand for many children, and for one that only stopped.
            Ok(libc::SIGCHLD) => {
                while let Some((pid, status)) = process::reap() {
                    if pid == child {
                        return exit_code(status);
                    }
                }
            }
            // It may have ended meanwhile, or have become somebody that we must not signal.
            Ok(number) => drop(signal::send(child, number)),
            // Not to be expected; then there is at least the child to wait for.
            Err(_) => return process::wait(child).map_or(125, exit_code),
        }
    }
}

fn exit_code(status: i32) -> u8 {
    u8::try_from(process::exit_code(status)).unwrap_or(u8::MAX)
}

/// In the child: takes the terminal, if there is one, and executes the command.
fn become_command(command: &Program<'_>, program: &CStr) -> ! {
    // A process group of its own, so that the keys of the terminal reach it, and init only passes on what is sent.
    let _ = rustix::process::setpgid(None, None);
    // Fails where there is no terminal. A background group may do this only while SIGTTOU is blocked, as it still is.
    let _ = rustix::termios::tcsetpgrp(stdio::input(), rustix::process::getpid());
    SignalSet::empty().set_as_mask();
    let error = command.execute();
    complain("executing", program, &error);
    process::exit_now(match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENOTDIR) => 127,
        _ => 126,
    })
}

/// Gives up what only the child uses: a pipe whose other end waits for all to have closed it, the file system of the
/// working directory. A terminal is kept, because it hangs up when nobody has it open for a moment.
fn leave_streams() {
    let _ = rustix::process::chdir(c"/");
    let keep = if rustix::termios::isatty(stdio::input()) { 3 } else { 0 };
    // Nothing is opened any more, and nothing printed.
    let _ = process::close_from(keep);
}

/// Says on standard error what went wrong, without allocating.
fn complain(what: &str, program: &CStr, error: &std::io::Error) {
    let mut line = [0; 512];
    let mut rest = &mut line[..];
    let reason = Errno::from_raw(error.raw_os_error().unwrap_or(0)).desc();
    // A line that is too long is cut off.
    let _ = write!(rest, "coracle: {what} `");
    let (end, room) = (b"`: ".len() + reason.len() + 1, rest.len());
    let _ = rest.write_all(program.to_bytes().get(..room.saturating_sub(end)).unwrap_or(program.to_bytes()));
    let _ = writeln!(rest, "`: {reason}");
    let left = rest.len();
    let _ = rustix::io::write(stdio::error(), line.get(..line.len() - left).unwrap_or(&[]));
}

#[cfg(test)]
#[path = "init_tests.rs"]
mod tests;
