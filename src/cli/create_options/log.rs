//! Where the output goes.

/// Flags about logs.
#[derive(Debug, clap::Args)]
pub struct LogArgs {
    /// Log driver (k8s-file, json-file, none, passthrough) [default: k8s-file]
    #[arg(long, value_name = "string")]
    pub log_driver: Option<String>,
    /// Set an option of the log driver (path, max-size, max-file, tag)
    #[arg(long, value_name = "stringArray")]
    pub log_opt: Vec<String>,
}
