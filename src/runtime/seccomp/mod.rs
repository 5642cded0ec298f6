//! Seccomp filters: from the default profile, a profile of the user's or an OCI spec to a BPF program, which is made
//! when a container is created and installed when its process starts.
//!
//! ```text
//! default.rs   the default profile, as a table          \
//! profile.rs   profiles in Docker's JSON -> OCI spec     > plan.rs: outcome of each call -> compile.rs -> Filter
//! oci.rs       the seccomp section of an OCI spec       /                                   with bpf.rs
//! fence.rs     what holds beside it for a container whose network is held
//! ```

use std::io;
use std::path::Path;

use libc::sock_filter;
use oci_spec::runtime::LinuxSeccomp;

use super::caps::CapSet;
use crate::bail;
use crate::error::{Context, Result};
pub use fence::fence;
use numbers::Abi;

mod bpf;
mod compile;
mod default;
mod fence;
#[cfg(test)]
mod interpreter;
mod mux;
mod numbers;
mod oci;
mod plan;
mod profile;
#[cfg(test)]
mod tests;

/// This machine by Go's name, as it stands in profiles.
const NATIVE: &str = if cfg!(target_arch = "x86_64") {
    "amd64"
} else if cfg!(target_arch = "aarch64") {
    "arm64"
} else {
    ""
};

/// A compiled filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    program: Vec<sock_filter>,
    flags: u32,
}

/// The length of an instruction in [`Filter::to_bytes`].
const UNIT: usize = 8;

/// `BPF_MAXINSNS`
const LONGEST: usize = 4096;

impl Filter {
    /// Puts the filter before the calling thread. Irrevocable; allocates nothing.
    ///
    /// # Errors
    /// `EACCES` where the thread has neither `no_new_privs` nor `CAP_SYS_ADMIN` in its user namespace.
    pub fn install(&self) -> io::Result<()> {
        crate::sys::seccomp::install(&self.program, self.flags)
    }

    /// The program, in the order of execution.
    pub fn program(&self) -> &[sock_filter] {
        &self.program
    }

    /// To keep beside a container's record: the flags (a little-endian u32), four zero bytes, and eight bytes for each
    /// instruction (`code`, `jt`, `jf`, `k` as in `struct sock_filter`, little-endian).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity((self.program.len() + 1) * UNIT);
        bytes.extend_from_slice(&u64::from(self.flags).to_le_bytes());
        for i in &self.program {
            bytes.extend_from_slice(&i.code.to_le_bytes());
            bytes.extend_from_slice(&[i.jt, i.jf]);
            bytes.extend_from_slice(&i.k.to_le_bytes());
        }
        bytes
    }

    /// From what [`Filter::to_bytes`] made. Only the form is checked here; the kernel checks the program.
    pub fn from_bytes(bytes: &[u8]) -> Result<Filter> {
        let (units, rest) = bytes.as_chunks::<UNIT>();
        let Some((head, program)) = units.split_first() else { bail!("reading seccomp filter: it is empty") };
        let flags = u32::try_from(u64::from_le_bytes(*head));
        let (Ok(flags), true, 1..=LONGEST) = (flags, rest.is_empty(), program.len()) else {
            bail!("reading seccomp filter: {} bytes are not a filter", bytes.len());
        };
        let instruction = |[c0, c1, jt, jf, k0, k1, k2, k3]: [u8; UNIT]| sock_filter {
            code: u16::from_le_bytes([c0, c1]),
            jt,
            jf,
            k: u32::from_le_bytes([k0, k1, k2, k3]),
        };
        Ok(Filter { program: program.iter().copied().map(instruction).collect(), flags })
    }
}

/// The default profile's filter for a container with these capabilities in its bounding set.
pub fn default_filter(caps: CapSet) -> Result<Filter> {
    let plan = default::plan(caps, NATIVE, Abi::family())?;
    Ok(Filter { program: compile::compile(&plan)?, flags: libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW as u32 })
}

/// The default profile as it stands in the OCI spec of a container with these capabilities.
pub fn to_oci(caps: CapSet) -> LinuxSeccomp {
    default::to_oci(caps)
}

/// The profile in a file (the JSON format of Docker and Podman), resolved for a container with these capabilities in
/// its bounding set: what stands in its OCI spec.
pub fn oci_from_file(path: &Path, caps: CapSet) -> Result<LinuxSeccomp> {
    profile::read(path, profile::Host::this(caps))
}

/// The same from the profile's text.
pub fn oci_from_json(json: &[u8], caps: CapSet) -> Result<LinuxSeccomp> {
    profile::resolve(json, profile::Host::this(caps)).context("reading seccomp profile")
}

/// The filter that an OCI spec asks for.
pub fn from_oci(profile: &LinuxSeccomp) -> Result<Filter> {
    let plan = oci::plan(profile)?;
    Ok(Filter { program: compile::compile(&plan)?, flags: oci::flags(profile) })
}
