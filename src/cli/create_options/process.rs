//! What runs: command, user, environment, terminal, and how it is stopped.

use std::path::PathBuf;

use crate::cli::args::{GoBool, Refused, refuse};

/// Flags about the process.
#[derive(Debug, clap::Args)]
pub struct ProcessArgs {
    /// Attach to stdin, stdout or stderr
    #[arg(short, long, value_name = "strings", value_delimiter = ',')]
    pub attach: Vec<String>,
    /// Replace the entrypoint of the image
    #[arg(long, value_name = "string")]
    pub entrypoint: Option<String>,
    /// Set an environment variable (NAME=VALUE, NAME to pass the host's, or PREFIX*)
    #[arg(short, long, value_name = "stringArray")]
    pub env: Vec<String>,
    /// Read environment variables from a file
    #[arg(long, value_name = "stringArray")]
    pub env_file: Vec<PathBuf>,
    /// Pass the whole environment of the host
    #[arg(long)]
    pub env_host: GoBool,
    /// Set a variable from those of the image (PATH=${PATH}:/opt/bin)
    #[arg(long, value_name = "stringArray")]
    pub env_merge: Vec<String>,
    /// Add a group to the groups of the user
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub group_add: Vec<String>,
    /// Entry of the user's group in the container's /etc/group (with $GROUPNAME, $GID, $USERLIST)
    #[arg(long, value_name = "string")]
    pub group_entry: Option<String>,
    /// Add a user of the host to the container's /etc/passwd
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub hostuser: Vec<String>,
    /// Pass the proxy variables of the host [default: true]
    #[arg(long, default_value = "true")]
    pub http_proxy: GoBool,
    /// Run an init as PID 1 that forwards signals and reaps processes
    #[arg(long)]
    pub init: GoBool,
    /// Path of another init
    #[arg(long, value_name = "string", value_parser = refuse("the init is a part of this program"))]
    pub init_path: Option<Refused>,
    /// Keep stdin open even when not attached
    #[arg(short, long)]
    pub interactive: GoBool,
    /// Entry of the user in the container's /etc/passwd (with $USERNAME, $UID, $GID, $NAME, $HOME)
    #[arg(long, value_name = "string")]
    pub passwd_entry: Option<String>,
    /// Set the execution domain (LINUX, LINUX32)
    #[arg(long, value_name = "string")]
    pub personality: Option<String>,
    /// Signal that stops the container [default: the image's, or SIGTERM]
    #[arg(long, value_name = "string")]
    pub stop_signal: Option<String>,
    /// Seconds to wait for the container to stop before it is killed [default: 10]
    #[arg(long, value_name = "uint")]
    pub stop_timeout: Option<u32>,
    /// Kill the container after this many seconds (0: never)
    #[arg(long, value_name = "uint", default_value_t = 0, hide_default_value = true)]
    pub timeout: u32,
    /// Allocate a terminal
    #[arg(short, long)]
    pub tty: GoBool,
    /// Set the time zone (Area/City, or local for the host's)
    #[arg(long, value_name = "string")]
    pub tz: Option<String>,
    /// Set the umask [default: 0022]
    #[arg(long, value_name = "string")]
    pub umask: Option<String>,
    /// Unset an environment variable of the image
    #[arg(long, value_name = "stringArray")]
    pub unsetenv: Vec<String>,
    /// Unset all default environment variables
    #[arg(long)]
    pub unsetenv_all: GoBool,
    /// User and group (USER[:GROUP], names or numbers)
    #[arg(short, long, value_name = "string")]
    pub user: Option<String>,
    /// Working directory in the container
    #[arg(short, long, value_name = "string")]
    pub workdir: Option<String>,
}
