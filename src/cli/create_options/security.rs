//! Capabilities, confinement, kernel parameters.

use crate::cli::args::GoBool;

/// Flags about security.
#[derive(Debug, clap::Args)]
pub struct SecurityArgs {
    /// Add a capability (ALL: every one)
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub cap_add: Vec<String>,
    /// Drop a capability (ALL: every one)
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub cap_drop: Vec<String>,
    /// Give all capabilities and devices that the user has
    #[arg(long)]
    pub privileged: GoBool,
    /// Where the seccomp profile comes from (default)
    #[arg(long, value_name = "string")]
    pub seccomp_policy: Option<String>,
    /// Set a security option (no-new-privileges, seccomp=FILE, mask=PATH, ...)
    #[arg(long, value_name = "stringArray")]
    pub security_opt: Vec<String>,
    /// Set a kernel parameter of the container's namespaces
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub sysctl: Vec<String>,
}
