//! Finding and executing the command.

use std::convert::Infallible;
use std::ffi::CString;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use nix::errno::Errno;
use oci_spec::runtime::Process;

use super::credentials::User;
use crate::error::{Error, Kind, Result};
use crate::runtime::init;
use crate::sys::process;

/// PATH where the environment has none.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command that is ready to be executed.
#[derive(Debug)]
pub struct Command {
    /// As the user wrote it.
    name: String,
    /// Where it may be, in order.
    candidates: Vec<CString>,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Command {
    /// Makes the command of the spec's process. HOME is the user's where the environment says nothing.
    pub fn prepare(oci_process: &Process, user: &User) -> Result<Self> {
        let arguments = oci_process.args().as_deref().unwrap_or_default();
        let mut environment = oci_process.env().clone().unwrap_or_default();
        if !environment.iter().any(|e| e.starts_with("HOME=")) {
            environment.push(format!("HOME={}", user.home.as_deref().unwrap_or("/")));
        }
        Self::new(arguments, &environment)
    }

    fn new(arguments: &[String], environment: &[String]) -> Result<Self> {
        let name = arguments
            .first()
            .filter(|a| !a.is_empty())
            .cloned()
            .ok_or_else(|| Error::of(Kind::CommandNotFound, "the command is empty"))?;
        let path = environment.iter().find_map(|e| e.strip_prefix("PATH=")).unwrap_or(DEFAULT_PATH);
        Ok(Command {
            candidates: candidates(&name, path).into_iter().map(|c| c_string(&c)).collect::<Result<_>>()?,
            arguments: arguments.iter().map(|a| c_string(a)).collect::<Result<_>>()?,
            environment: environment.iter().map(|e| c_string(e)).collect::<Result<_>>()?,
            name,
        })
    }

    /// Executes it in place of this process; returns only the reason why that is not possible.
    pub fn execute(&self) -> Error {
        let mut last = Errno::ENOENT;
        for candidate in &self.candidates {
            match nix::unistd::execve(candidate, &self.arguments, &self.environment) {
                Err(Errno::ENOENT | Errno::ENOTDIR) if exists(candidate) => {
                    return Error::of(
                        Kind::CommandNotFound,
                        "its interpreter or dynamic loader is not in the container",
                    )
                    .wrap(format!("executing `{}`", candidate.to_string_lossy()))
                    .hint("check the first line of a script, and that libc of the image fits the program");
                }
                Err(Errno::ENOENT | Errno::ENOTDIR) => {}
                // As a shell does: a later directory may have one that can be executed.
                Err(Errno::EACCES) => last = Errno::EACCES,
                Err(errno) => return self.refused(errno),
                Ok(never) => match never {},
            }
        }
        if last == Errno::EACCES { self.refused(last) } else { self.not_found() }
    }

    fn not_found(&self) -> Error {
        let message = if self.name.contains('/') {
            format!("executing `{}`: No such file or directory", self.name)
        } else {
            format!("executable file `{}` not found in $PATH: No such file or directory", self.name)
        };
        Error::of(Kind::CommandNotFound, message)
    }

    fn refused(&self, errno: Errno) -> Error {
        let error = Error::of(Kind::CannotInvoke, errno.desc()).wrap(format!("executing `{}`", self.name));
        match errno {
            Errno::ENOEXEC => error.hint("the image may be of another architecture, or the file no program at all"),
            Errno::EACCES => error.hint("the file is a directory, or not executable for this user"),
            _ => error,
        }
    }

    /// Runs it under our init, which stays as this process. Once the command can be found, every descriptor is closed but
    /// the standard streams and those that the command is to have.
    pub fn supervise(&self, preserved: &[RawFd]) -> Result<Infallible> {
        let found = self.candidates.iter().find(|c| exists(c)).ok_or_else(|| self.not_found())?;
        if nix::unistd::access(found.as_c_str(), nix::unistd::AccessFlags::X_OK).is_err() || is_directory(found) {
            return Err(self.refused(Errno::EACCES));
        }
        // The monitor takes the end of the channel for success. What is left, init closes once it has forked the command.
        process::close_all_but(preserved).map_err(Error::from)?;
        init::run(found, &self.arguments, &self.environment)
    }
}

/// Where a command may be: as named when it has a slash, else in each directory of `path`.
fn candidates(name: &str, path: &str) -> Vec<String> {
    if name.contains('/') {
        return vec![name.to_owned()];
    }
    path.split(':').map(|dir| format!("{}/{name}", if dir.is_empty() { "." } else { dir })).collect()
}

fn exists(path: &CString) -> bool {
    std::fs::symlink_metadata(Path::new(std::ffi::OsStr::from_bytes(path.to_bytes()))).is_ok()
}

fn is_directory(path: &CString) -> bool {
    Path::new(std::ffi::OsStr::from_bytes(path.to_bytes())).is_dir()
}

fn c_string(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::new(format!("`{}` has a NUL byte", text.escape_default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_looked_for_as_a_shell_does() {
        assert_eq!(candidates("/bin/x", "/a"), ["/bin/x"]);
        assert_eq!(candidates("./x", "/a"), ["./x"]);
        assert_eq!(candidates("x", "/a::/b"), ["/a/x", "./x", "/b/x"]);
    }

    #[test]
    fn what_cannot_be_executed_has_the_right_code() -> Result<()> {
        let run = |name: &str| -> Result<u8> {
            let command = Command::new(&[name.to_owned()], &["PATH=/etc:/bin".to_owned()])?;
            Ok(command.execute().kind().exit_code())
        };
        assert_eq!(run("no-such-command")?, 127);
        assert_eq!(run("/no/such/command")?, 127);
        assert_eq!(run("/etc/hostname")?, 126);
        assert_eq!(run("/etc")?, 126);
        assert!(run("").is_err());
        Ok(())
    }
}
