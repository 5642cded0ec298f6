//! The `process` object of the spec.

use oci_spec::runtime::{
    Capabilities, Capability, LinuxCapabilities, LinuxCapabilitiesBuilder, PosixRlimit, PosixRlimitBuilder,
    PosixRlimitType, Process, ProcessBuilder, UserBuilder,
};

use super::{Decided, built};
use crate::container::capabilities::Sets;
use crate::container::defaults;
use crate::container::options::CreateOptions;
use crate::container::record::Ulimit;
use crate::error::{Context, Error, Result};

pub(super) fn build(options: &CreateOptions, decided: &Decided) -> Result<Process> {
    let mut user = UserBuilder::default().uid(0u32).gid(0u32).umask(options.umask.unwrap_or(defaults::UMASK));
    if !decided.user.is_empty() {
        user = user.username(decided.user.clone());
    }
    let mut process = ProcessBuilder::default()
        .terminal(options.tty)
        .user(built(user.build())?)
        .args(decided.command.args.clone())
        .env(decided.env.clone())
        .cwd(decided.working_dir.clone())
        .capabilities(capabilities(&decided.caps)?)
        .rlimits(rlimits(&decided.ulimits)?)
        .no_new_privileges(options.security.no_new_privileges);
    if let Some(adjustment) = decided.oom_score_adj {
        process = process.oom_score_adj(adjustment);
    }
    built(process.build())
}

/// The capability sets of the spec. The inheritable set is the ambient one: the kernel allows no other.
fn capabilities(sets: &Sets) -> Result<LinuxCapabilities> {
    let set = |names: &[String]| -> Result<Capabilities> { names.iter().map(|name| capability(name)).collect() };
    let mut capabilities = LinuxCapabilitiesBuilder::default()
        .bounding(set(&sets.bounding)?)
        .effective(set(&sets.effective)?)
        .permitted(set(&sets.effective)?)
        .inheritable(Capabilities::new())
        .ambient(Capabilities::new());
    if !sets.ambient.is_empty() {
        capabilities = capabilities.inheritable(set(&sets.ambient)?).ambient(set(&sets.ambient)?);
    }
    built(capabilities.build())
}

fn capability(name: &str) -> Result<Capability> {
    let short = name.strip_prefix("CAP_").unwrap_or(name);
    short.parse().map_err(|_| Error::new(format!("\"{name}\": unknown capability")))
}

fn rlimits(limits: &[Ulimit]) -> Result<Vec<PosixRlimit>> {
    let one = |limit: &Ulimit| -> Result<PosixRlimit> {
        let kind: PosixRlimitType =
            serde_json::from_value(limit.name.as_str().into()).with_context(|| format!("ulimit `{}`", limit.name))?;
        built(PosixRlimitBuilder::default().typ(kind).soft(limit.soft).hard(limit.hard).build())
    };
    limits.iter().map(one).collect()
}
