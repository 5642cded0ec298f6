//! Credential helpers: programs named `docker-credential-NAME` that keep passwords, one call for each action.
//!
//! ```text
//! get    stdin: SERVER                                       stdout: {"ServerURL","Username","Secret"}
//! store  stdin: {"ServerURL","Username","Secret"}
//! erase  stdin: SERVER
//! list                                                       stdout: {SERVER: USERNAME, ...}
//! ```
//!
//! On failure the status is not 0 and stdout says why. Source: the README of docker/docker-credential-helpers.

use std::io::{ErrorKind, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Value, json};

use super::credentials::Credentials;
use crate::bail;
use crate::error::{Context, Error, Kind, Result};
use crate::sys::signal::unblocked;

/// A helper may ask the user for a passphrase, which takes a while.
const PATIENCE: Duration = Duration::from_secs(120);
/// More than any answer.
const MAX_ANSWER: usize = 1 << 20;
/// The user name of an identity token.
const TOKEN_USER: &str = "<token>";

/// One helper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helper {
    name: String,
}

impl Helper {
    /// The helper with this name, that is, the program `docker-credential-NAME`.
    pub fn new(name: &str) -> Result<Self> {
        if name.is_empty() || name.contains(['/', '\0']) {
            bail!("credential helper `{}` is not the name of a program", name.escape_debug());
        }
        Ok(Helper { name: name.to_owned() })
    }

    /// What it keeps for a server.
    pub fn get(&self, server: &str) -> Result<Option<Credentials>> {
        let Some(answer) = self.call("get", server.as_bytes())? else { return Ok(None) };
        // The error of the JSON parser could show what it met.
        let parsed: Value =
            serde_json::from_slice(&answer).map_err(|_| self.failed("get", "its answer is not JSON"))?;
        let text = |key: &str| parsed.get(key).and_then(Value::as_str).unwrap_or_default();
        let (username, secret) = (text("Username"), text("Secret"));
        Ok(match (username, secret) {
            (_, "") => None,
            (TOKEN_USER, token) => Some(Credentials::with_identity_token(TOKEN_USER, token)),
            (username, password) => Some(Credentials::new(username, password)),
        })
    }

    /// Gives it something to keep.
    pub fn store(&self, server: &str, credentials: &Credentials) -> Result<()> {
        let (username, secret) = (credentials.username(), credentials.password());
        let input = json!({"ServerURL": server, "Username": username, "Secret": secret}).to_string();
        self.call("store", input.as_bytes()).map(|_| ())
    }

    /// Makes it forget; false when it kept nothing.
    pub fn erase(&self, server: &str) -> Result<bool> {
        Ok(self.call("erase", server.as_bytes())?.is_some())
    }

    /// The servers that it keeps something for.
    pub fn list(&self) -> Result<Vec<String>> {
        let Some(answer) = self.call("list", b"")? else { return Ok(Vec::new()) };
        let parsed: Value =
            serde_json::from_slice(&answer).map_err(|_| self.failed("list", "its answer is not JSON"))?;
        Ok(parsed.as_object().map(|all| all.keys().cloned().collect()).unwrap_or_default())
    }

    /// Runs the program; `None` when it has nothing for the server. An error of kind `NoSuch` means there is no program.
    fn call(&self, action: &str, input: &[u8]) -> Result<Option<Vec<u8>>> {
        let program = format!("docker-credential-{}", self.name);
        let mut command = Command::new(&program);
        command.arg(action).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = match unblocked(|| command.spawn()) {
            Ok(child) => child,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                return Err(Error::of(Kind::NoSuch, format!("credential helper `{program}` is not in $PATH"))
                    .hint("install it, or take it out of the authentication file or registries.conf"));
            }
            Err(e) => return Err(Error::from(e).wrap(format!("starting `{program}`"))),
        };
        let result = talk(&mut child, input);
        if result.is_err() {
            let _ = child.kill();
        }
        let status = child.wait().with_context(|| format!("waiting for `{program}`"))?;
        let answer = result.map_err(|e| self.failed(action, &e.to_string()))?;
        if status.success() {
            return Ok(Some(answer));
        }
        let said = String::from_utf8_lossy(&answer);
        if said.contains("credentials not found") {
            return Ok(None);
        }
        let said: String = said.trim().chars().filter(|c| !c.is_control()).take(300).collect();
        Err(self.failed(action, if said.is_empty() { "it failed without saying why" } else { &said }))
    }

    fn failed(&self, action: &str, why: &str) -> Error {
        Error::new(why.to_owned()).wrap(format!("credential helper `{}` ({action})", self.name))
    }
}

/// Sends what a child is to read and returns all that it says.
fn talk(child: &mut Child, input: &[u8]) -> Result<Vec<u8>> {
    if let Some(mut stdin) = child.stdin.take() {
        // One that reads nothing has its reasons, which it will say.
        let _ = stdin.write_all(input);
    }
    let Some(mut stdout) = child.stdout.take() else { return Ok(Vec::new()) };
    let deadline = Instant::now() + PATIENCE;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            bail!("no answer in {} s", PATIENCE.as_secs());
        }
        let timeout = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&stdout, PollFlags::IN)], Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(e) => return Err(e.into()),
        }
        match stdout.read(&mut buffer)? {
            0 => return Ok(answer),
            length => answer.extend_from_slice(buffer.get(..length).unwrap_or_default()),
        }
        if answer.len() > MAX_ANSWER {
            bail!("its answer is too long");
        }
    }
}
