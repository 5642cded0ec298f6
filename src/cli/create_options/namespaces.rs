//! Which namespaces are the container's own.

use crate::cli::args::{Refused, refuse};

const MAPPINGS: &str = "other ID mappings are the matter of a later release";

/// Flags about namespaces.
#[derive(Debug, clap::Args)]
pub struct NamespacesArgs {
    /// Cgroup namespace (private, host, container:NAME, ns:PATH)
    #[arg(long, value_name = "string")]
    pub cgroupns: Option<String>,
    /// Map group IDs
    #[arg(long, value_name = "strings", value_parser = refuse(MAPPINGS))]
    pub gidmap: Option<Refused>,
    /// IPC namespace (shareable, private, none, host, container:NAME, ns:PATH)
    #[arg(long, value_name = "string")]
    pub ipc: Option<String>,
    /// PID namespace (private, host, container:NAME, ns:PATH)
    #[arg(long, value_name = "string")]
    pub pid: Option<String>,
    /// Name in /etc/subgid whose ranges are used
    #[arg(long, value_name = "string", value_parser = refuse(MAPPINGS))]
    pub subgidname: Option<Refused>,
    /// Name in /etc/subuid whose ranges are used
    #[arg(long, value_name = "string", value_parser = refuse(MAPPINGS))]
    pub subuidname: Option<Refused>,
    /// Map user IDs
    #[arg(long, value_name = "strings", value_parser = refuse(MAPPINGS))]
    pub uidmap: Option<Refused>,
    /// User namespace (host: the mapping of the user who runs the container)
    #[arg(long, value_name = "string")]
    pub userns: Option<String>,
    /// UTS namespace (private, host, container:NAME, ns:PATH)
    #[arg(long, value_name = "string")]
    pub uts: Option<String>,
}
