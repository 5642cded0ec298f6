//! createContainer hooks of the spec: programs of the host's that run when the container's mounts stand and before its root
//! is entered (OCI runtime spec, "POSIX-platform Hooks"). CDI descriptions bring them.

use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use oci_spec::runtime::{Hook, Spec};
use serde_json::json;

use crate::error::{Context, Error, Result};

/// How long a hook may take that does not say so itself.
const DEADLINE: Duration = Duration::from_secs(60);

/// Runs them one after the other. `bundle` is the directory of the spec.
///
/// # Errors
/// One cannot be executed, fails, or takes too long.
pub fn create_container(spec: &Spec, bundle: &Path) -> Result<()> {
    let hooks = spec.hooks().as_ref().and_then(|hooks| hooks.create_container().as_deref()).unwrap_or_default();
    if hooks.is_empty() {
        return Ok(());
    }
    // /proc is the host's still, and says by which number the host knows this process.
    let pid = std::fs::read_link("/proc/self").ok().and_then(|path| path.to_str()?.parse::<i32>().ok());
    let state = json!({
        "ociVersion": spec.version(),
        "id": bundle.file_name().map(|name| name.to_string_lossy()),
        "status": "creating",
        "pid": pid.unwrap_or(0),
        "bundle": bundle,
        "annotations": spec.annotations(),
    });
    let state = serde_json::to_vec(&state)?;
    hooks.iter().try_for_each(|hook| {
        run(hook, &state).map_err(|e| e.wrap(format!("running the hook `{}`", hook.path().display())))
    })
}

fn run(hook: &Hook, state: &[u8]) -> Result<()> {
    let args = hook.args().as_deref().unwrap_or_default();
    let env = hook.env().as_deref().unwrap_or_default();
    let memory = |name: &std::ffi::CStr| -> Result<std::fs::File> {
        let fd = rustix::fs::memfd_create(name, rustix::fs::MemfdFlags::CLOEXEC).context("creating a memory file")?;
        Ok(std::fs::File::from(fd))
    };
    let mut input = memory(c"state")?;
    input.write_all(state).and_then(|()| input.rewind()).context("writing the container's state")?;
    let mut said = memory(c"hook")?;
    let stderr = said.try_clone().context("duplicating a descriptor")?;
    let mut command = Command::new(hook.path());
    command.args(args.iter().skip(1)).env_clear().stdin(input).stdout(Stdio::null()).stderr(stderr);
    if let Some(name) = args.first() {
        command.arg0(name);
    }
    command.envs(env.iter().filter_map(|pair| pair.split_once('=')));
    // Killed with the container that it is for.
    crate::sys::net::prepare_helper(&mut command, &[], true);
    let mut child = command.spawn().context("executing it")?;
    let limit = hook.timeout().and_then(|seconds| u64::try_from(seconds).ok()).map_or(DEADLINE, Duration::from_secs);
    let deadline = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait().context("waiting for it")? {
            break status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return Err(Error::new(format!("it did not end within {} seconds", limit.as_secs())));
        }
        let _ = rustix::event::poll(&mut [], Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 1_000_000 }));
    };
    if status.success() {
        return Ok(());
    }
    let mut text = String::new();
    let _ = said.rewind().and_then(|()| said.take(4096).read_to_string(&mut text));
    Err(Error::new(format!("{status}: {}", text.trim())))
}
