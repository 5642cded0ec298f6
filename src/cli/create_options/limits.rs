//! Limits: those of processes, and those of cgroups, which are not there yet.

use crate::cli::args::{Refused, RefusedBool, refuse, refuse_bool};

const RESOURCES: &str = "resource limits are the matter of a later release";

/// Flags about limits.
#[derive(Debug, clap::Args)]
pub struct LimitsArgs {
    /// Weight of block IO
    #[arg(long, value_name = "string", value_parser = refuse(RESOURCES))]
    pub blkio_weight: Option<Refused>,
    /// Weight of block IO of a device
    #[arg(long, value_name = "string", value_parser = refuse(RESOURCES))]
    pub blkio_weight_device: Option<Refused>,
    /// Set a value of the cgroup
    #[arg(long, value_name = "strings", value_parser = refuse(RESOURCES))]
    pub cgroup_conf: Option<Refused>,
    /// Parent of the cgroup
    #[arg(long, value_name = "string", value_parser = refuse(RESOURCES))]
    pub cgroup_parent: Option<Refused>,
    /// Have a cgroup of the container's own (enabled, disabled)
    #[arg(long, value_name = "string")]
    pub cgroups: Option<String>,
    /// Period of the CPU scheduler
    #[arg(long, value_name = "uint", value_parser = refuse(RESOURCES))]
    pub cpu_period: Option<Refused>,
    /// Quota of the CPU scheduler
    #[arg(long, value_name = "int", value_parser = refuse(RESOURCES))]
    pub cpu_quota: Option<Refused>,
    /// Period of the real-time scheduler
    #[arg(long, value_name = "uint", value_parser = refuse(RESOURCES))]
    pub cpu_rt_period: Option<Refused>,
    /// Runtime of the real-time scheduler
    #[arg(long, value_name = "int", value_parser = refuse(RESOURCES))]
    pub cpu_rt_runtime: Option<Refused>,
    /// Relative weight of CPU time
    #[arg(short = 'c', long, value_name = "uint", value_parser = refuse(RESOURCES))]
    pub cpu_shares: Option<Refused>,
    /// Number of CPUs
    #[arg(long, value_name = "float", value_parser = refuse(RESOURCES))]
    pub cpus: Option<Refused>,
    /// CPUs that may be used
    #[arg(long, value_name = "string", value_parser = refuse(RESOURCES))]
    pub cpuset_cpus: Option<Refused>,
    /// Memory nodes that may be used
    #[arg(long, value_name = "string", value_parser = refuse(RESOURCES))]
    pub cpuset_mems: Option<Refused>,
    /// Add a rule to the list of devices of the cgroup
    #[arg(long, value_name = "strings", value_parser = refuse(RESOURCES))]
    pub device_cgroup_rule: Option<Refused>,
    /// Limit the bytes read from a device
    #[arg(long, value_name = "stringArray", value_parser = refuse(RESOURCES))]
    pub device_read_bps: Option<Refused>,
    /// Limit the reads from a device
    #[arg(long, value_name = "stringArray", value_parser = refuse(RESOURCES))]
    pub device_read_iops: Option<Refused>,
    /// Limit the bytes written to a device
    #[arg(long, value_name = "stringArray", value_parser = refuse(RESOURCES))]
    pub device_write_bps: Option<Refused>,
    /// Limit the writes to a device
    #[arg(long, value_name = "stringArray", value_parser = refuse(RESOURCES))]
    pub device_write_iops: Option<Refused>,
    /// Limit the memory
    #[arg(short, long, value_name = "string", hide = true)]
    pub memory: Option<String>,
    /// Soft limit of the memory
    #[arg(long, value_name = "string", value_parser = refuse(RESOURCES))]
    pub memory_reservation: Option<Refused>,
    /// Limit memory and swap together
    #[arg(long, value_name = "string", value_parser = refuse(RESOURCES))]
    pub memory_swap: Option<Refused>,
    /// Tendency to swap
    #[arg(long, value_name = "int", value_parser = refuse(RESOURCES))]
    pub memory_swappiness: Option<Refused>,
    /// Switch off the killer of processes when memory runs out
    #[arg(long, value_parser = refuse_bool(RESOURCES))]
    pub oom_kill_disable: RefusedBool,
    /// How likely the container is killed when memory runs out (-1000 to 1000)
    #[arg(long, value_name = "int")]
    pub oom_score_adj: Option<i32>,
    /// Limit the number of processes
    #[arg(long, value_name = "int", value_parser = refuse(RESOURCES))]
    pub pids_limit: Option<Refused>,
    /// Class of cache and memory bandwidth
    #[arg(long, value_name = "string", value_parser = refuse(RESOURCES))]
    pub rdt_class: Option<Refused>,
    /// Set a limit of the processes (NAME=SOFT[:HARD], or host)
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub ulimit: Vec<String>,
}
