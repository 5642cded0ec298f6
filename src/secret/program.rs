//! Calling the programs that keep something for us.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::MemfdFlags;
use zeroize::Zeroizing;

use super::MAX_SIZE;
use crate::bail;
use crate::error::{Context, Error, Kind, Result};

/// How a program is called.
pub struct Call<'a> {
    /// What it is called in messages.
    pub name: &'a str,
    pub command: Command,
    pub input: &'a [u8],
    /// It is killed after this time; without, it may ask the user for something.
    pub deadline: Option<Duration>,
}

impl Call<'_> {
    /// Runs it to its end. What it prints comes back.
    ///
    /// # Errors
    /// It cannot be called ([`Kind::CommandNotFound`] where it is not installed), fails, or takes too long.
    pub fn run(mut self) -> Result<Zeroizing<Vec<u8>>> {
        let quiet = self.deadline.is_some();
        self.command.stdout(Stdio::piped()).stderr(if quiet { Stdio::null() } else { Stdio::inherit() });
        self.command.stdin(if self.input.is_empty() { Stdio::null() } else { self.memory()?.into() });
        let mut child = self.command.spawn().map_err(|error| {
            let missing = error.kind() == std::io::ErrorKind::NotFound;
            let kind = if missing { Kind::CommandNotFound } else { Kind::CannotInvoke };
            Error::from(error).with_kind(kind).wrap(format!("calling `{}`", self.name))
        })?;
        let output = self.talk(&mut child);
        if output.is_err() {
            let _ = child.kill();
        }
        let status = child.wait().with_context(|| format!("waiting for `{}`", self.name))?;
        let output = output?;
        if !status.success() {
            bail!("`{}` failed: {}", self.name, ending(status));
        }
        Ok(output)
    }

    /// The input as a file in memory: into a pipe it could not be written while the program waits for its output to be read.
    fn memory(&self) -> Result<File> {
        let failed = || format!("writing to `{}`", self.name);
        let mut file = File::from(rustix::fs::memfd_create(c"secret", MemfdFlags::CLOEXEC).with_context(failed)?);
        file.write_all(self.input).and_then(|()| file.rewind()).with_context(failed)?;
        Ok(file)
    }

    fn talk(&self, child: &mut Child) -> Result<Zeroizing<Vec<u8>>> {
        let begun = Instant::now();
        let Some(mut stdout) = child.stdout.take() else { return Ok(Zeroizing::default()) };
        // One byte more than there may be, so that too much is seen.
        let mut output = Zeroizing::new(vec![0; MAX_SIZE + 1]);
        let mut filled = 0;
        loop {
            if let Some(deadline) = self.deadline {
                let left = deadline.saturating_sub(begun.elapsed());
                if !readable(&stdout, left)? {
                    bail!("`{}` did not answer for {} seconds", self.name, deadline.as_secs());
                }
            }
            let rest = output.get_mut(filled..).unwrap_or_default();
            if rest.is_empty() {
                bail!("`{}` printed more than {MAX_SIZE} bytes", self.name);
            }
            match stdout.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error).with_context(|| format!("reading from `{}`", self.name)),
            }
        }
        output.truncate(filled);
        Ok(output)
    }
}

/// Whether there is something to read, or its end, within this time.
fn readable(from: &impl std::os::fd::AsFd, time: Duration) -> Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let time = Timespec { tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: time.subsec_nanos().into() };
    Ok(poll(&mut [PollFd::new(from, PollFlags::IN)], Some(&time)).context("waiting for a program")? > 0)
}

fn ending(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit status {code}"),
        None => "killed by a signal".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, input: &[u8], deadline: Option<Duration>) -> Result<Vec<u8>, String> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let call = Call { name: "it", command, input, deadline };
        call.run().map(|out| out.to_vec()).map_err(|e| e.to_string())
    }

    #[test]
    fn programs_answer_fail_or_hang() {
        let long = Some(Duration::from_secs(60));
        assert_eq!(shell("cat; echo x", b"in ", long), Ok(b"in x\n".to_vec()));
        assert_eq!(shell("exit 3", b"", long), Err("`it` failed: exit status 3".to_owned()));
        // More at once than a pipe holds.
        assert_eq!(shell("cat", &vec![b'x'; 300_000], None).map(|out| out.len()), Ok(300_000));
        // It need not read what it is given.
        assert_eq!(shell("exec true", &vec![0; 300_000], None), Ok(Vec::new()));
        assert_eq!(
            shell("exec sleep 100", b"", Some(Duration::ZERO)),
            Err("`it` did not answer for 0 seconds".to_owned())
        );
        assert_eq!(shell("exec cat /dev/zero", b"", long), Err("`it` printed more than 512000 bytes".to_owned()));
        let none = Call { name: "none", command: Command::new("/no/such"), input: b"", deadline: None };
        assert_eq!(none.run().unwrap_err().kind(), Kind::CommandNotFound);
    }
}
