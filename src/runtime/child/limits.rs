//! Sysctls, resource limits, OOM score, execution domain, umask.

use std::path::Path;

use oci_spec::runtime::{LinuxPersonality, LinuxPersonalityDomain, Process, Spec};

use crate::error::{Context, Error, Result};
use crate::storage::fs;
use crate::sys::process;

/// Writes the spec's sysctls. This process's /proc is the host's, but /proc/sys shows the namespaces of who opens it.
pub fn sysctls(spec: &Spec) -> Result<()> {
    let Some(sysctls) = spec.linux().as_ref().and_then(|l| l.sysctl().as_ref()) else { return Ok(()) };
    for (key, value) in sysctls {
        if key.contains('/') && key.contains("..") {
            return Err(Error::new(format!("sysctl `{key}` is not a valid name")));
        }
        let path = Path::new("/proc/sys").join(key.replace('.', "/"));
        fs::write(&path, value.as_bytes()).map_err(|e| e.wrap(format!("setting the sysctl `{key}` to `{value}`")))?;
    }
    Ok(())
}

/// Resource limits. After the last descriptor has been made: there may be room for very few.
pub fn apply(process: &Process) -> Result<()> {
    for limit in process.rlimits().as_deref().unwrap_or_default() {
        let name = limit.typ().to_string();
        let resource = resource(&name).ok_or_else(|| Error::new(format!("unknown resource limit `{name}`")))?;
        // -1 is the most that this process may have.
        let most = || rustix::process::getrlimit(resource).maximum;
        let value = |number| if number == u64::MAX { most() } else { Some(number) };
        let wanted = rustix::process::Rlimit { current: value(limit.soft()), maximum: value(limit.hard()) };
        rustix::process::setrlimit(resource, wanted)
            .with_context(|| format!("setting the limit {name} to {}:{}", limit.soft(), limit.hard()))?;
    }
    Ok(())
}

/// The OOM score of the process, while /proc is still the host's.
pub fn oom_score(process: &Process) -> Result<()> {
    let Some(score) = process.oom_score_adj() else { return Ok(()) };
    fs::write(Path::new("/proc/self/oom_score_adj"), score.to_string().as_bytes())
        .map_err(|e| e.hint("an unprivileged user may only raise it"))
}

/// The execution domain of the process.
pub fn personality(spec: &Spec) -> Result<()> {
    let wanted = spec.linux().as_ref().and_then(|linux| linux.personality().as_ref());
    match wanted.map(LinuxPersonality::domain) {
        None | Some(LinuxPersonalityDomain::PerLinux) => Ok(()),
        Some(LinuxPersonalityDomain::PerLinux32) => process::run_as_32_bit().context("setting the execution domain"),
    }
}

/// The umask of the process. Nothing more is made for the container after it.
pub fn umask(process: &Process) {
    if let Some(umask) = process.user().umask() {
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(umask & 0o777));
    }
}

fn resource(name: &str) -> Option<rustix::process::Resource> {
    use rustix::process::Resource;
    Some(match name {
        "RLIMIT_CPU" => Resource::Cpu,
        "RLIMIT_FSIZE" => Resource::Fsize,
        "RLIMIT_DATA" => Resource::Data,
        "RLIMIT_STACK" => Resource::Stack,
        "RLIMIT_CORE" => Resource::Core,
        "RLIMIT_RSS" => Resource::Rss,
        "RLIMIT_NPROC" => Resource::Nproc,
        "RLIMIT_NOFILE" => Resource::Nofile,
        "RLIMIT_MEMLOCK" => Resource::Memlock,
        "RLIMIT_AS" => Resource::As,
        "RLIMIT_LOCKS" => Resource::Locks,
        "RLIMIT_SIGPENDING" => Resource::Sigpending,
        "RLIMIT_MSGQUEUE" => Resource::Msgqueue,
        "RLIMIT_NICE" => Resource::Nice,
        "RLIMIT_RTPRIO" => Resource::Rtprio,
        "RLIMIT_RTTIME" => Resource::Rttime,
        _ => return None,
    })
}
