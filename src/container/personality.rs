//! `--personality`: the execution domain of a container's processes, personality(2).

use oci_spec::runtime::LinuxPersonalityDomain;

use crate::error::{Error, Result};

/// The domains of the runtime specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personality {
    Linux,
    /// The kernel says that it is a 32-bit one.
    Linux32,
}

impl Personality {
    /// Reads `LINUX` or `LINUX32`.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "LINUX" => Ok(Personality::Linux),
            "LINUX32" => Ok(Personality::Linux32),
            _ => Err(Error::new(format!("unknown persona specified `{text}`")).hint("use LINUX or LINUX32")),
        }
    }

    pub fn to_oci(self) -> LinuxPersonalityDomain {
        match self {
            Personality::Linux => LinuxPersonalityDomain::PerLinux,
            Personality::Linux32 => LinuxPersonalityDomain::PerLinux32,
        }
    }
}
