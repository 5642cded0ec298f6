//! The container as an object: its name, labels, files that tell of it, its end.

use std::path::PathBuf;

use crate::cli::args::{GoBool, Refused, refuse};

const PODS: &str = "pods are the matter of a later release";

/// Flags about the container as an object.
#[derive(Debug, clap::Args)]
pub struct MiscArgs {
    /// Add an annotation (KEY=VALUE)
    #[arg(long, value_name = "stringArray")]
    pub annotation: Vec<String>,
    /// Write the ID of the container to a file
    #[arg(long, value_name = "string")]
    pub cidfile: Option<PathBuf>,
    /// Write the PID of the monitor to a file
    #[arg(long, value_name = "string")]
    pub conmon_pidfile: Option<PathBuf>,
    /// Set a label (KEY=VALUE)
    #[arg(short, long, value_name = "stringArray")]
    pub label: Vec<String>,
    /// Read labels from a file
    #[arg(long, value_name = "stringArray")]
    pub label_file: Vec<PathBuf>,
    /// Name the container
    #[arg(long, value_name = "string")]
    pub name: Option<String>,
    /// Write the PID of the container's first process to a file
    #[arg(long, value_name = "string")]
    pub pidfile: Option<PathBuf>,
    /// Run in a pod
    #[arg(long, value_name = "string", value_parser = refuse(PODS))]
    pub pod: Option<Refused>,
    /// Read the ID of the pod from a file
    #[arg(long, value_name = "string", value_parser = refuse(PODS))]
    pub pod_id_file: Option<Refused>,
    /// Remove a container of the same name first
    #[arg(long)]
    pub replace: GoBool,
    /// Containers that must run first
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub requires: Vec<String>,
    /// Restart the container when it exits (no, on-failure[:max_retries], always, unless-stopped)
    #[arg(long, value_name = "string")]
    pub restart: Option<String>,
    /// Remove the container when it has exited
    #[arg(long)]
    pub rm: GoBool,
    /// Who tells systemd that the container is ready (ignore)
    #[arg(long, value_name = "string")]
    pub sdnotify: Option<String>,
    /// Run systemd in the container (false)
    #[arg(long, value_name = "string")]
    pub systemd: Option<String>,
}
