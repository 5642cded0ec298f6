//! Which namespaces are the container's own.

/// Flags about namespaces.
#[derive(Debug, clap::Args)]
pub struct NamespacesArgs {
    /// Cgroup namespace (private, host, container:NAME, ns:PATH)
    #[arg(long, value_name = "string")]
    pub cgroupns: Option<String>,
    /// Map group IDs ([+ug]CONTAINER:[@]ID[:AMOUNT])
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub gidmap: Vec<String>,
    /// IPC namespace (shareable, private, none, host, container:NAME, ns:PATH)
    #[arg(long, value_name = "string")]
    pub ipc: Option<String>,
    /// PID namespace (private, host, container:NAME, ns:PATH)
    #[arg(long, value_name = "string")]
    pub pid: Option<String>,
    /// Name in /etc/subgid whose ranges are used
    #[arg(long, value_name = "string")]
    pub subgidname: Option<String>,
    /// Name in /etc/subuid whose ranges are used
    #[arg(long, value_name = "string")]
    pub subuidname: Option<String>,
    /// Map user IDs ([+ug]CONTAINER:[@]ID[:AMOUNT])
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub uidmap: Vec<String>,
    /// User namespace (host, keep-id[:uid=UID,gid=GID,size=SIZE], auto[:size=SIZE], nomap, private, container:NAME,
    /// ns:PATH) [default: $PODMAN_USERNS, or host]
    #[arg(long, value_name = "string")]
    pub userns: Option<String>,
    /// UTS namespace (private, host, container:NAME, ns:PATH)
    #[arg(long, value_name = "string")]
    pub uts: Option<String>,
}
