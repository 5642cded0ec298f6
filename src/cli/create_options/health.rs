//! Health checks, which are not there yet.

use crate::cli::args::{GoBool, Refused, refuse};

const HEALTH: &str = "health checks are the matter of a later release";

/// Flags about health checks.
#[derive(Debug, clap::Args)]
pub struct HealthArgs {
    /// Command that checks the container's health
    #[arg(long, value_name = "string", value_parser = refuse(HEALTH))]
    pub health_cmd: Option<Refused>,
    /// Time between two checks
    #[arg(long, value_name = "string", value_parser = refuse(HEALTH))]
    pub health_interval: Option<Refused>,
    /// Where the results of checks are logged
    #[arg(long, value_name = "string", value_parser = refuse(HEALTH))]
    pub health_log_destination: Option<Refused>,
    /// How many results are kept
    #[arg(long, value_name = "uint", value_parser = refuse(HEALTH))]
    pub health_max_log_count: Option<Refused>,
    /// How long a kept result is
    #[arg(long, value_name = "uint", value_parser = refuse(HEALTH))]
    pub health_max_log_size: Option<Refused>,
    /// What happens when the container is unhealthy
    #[arg(long, value_name = "string", value_parser = refuse(HEALTH))]
    pub health_on_failure: Option<Refused>,
    /// How many checks must fail
    #[arg(long, value_name = "uint", value_parser = refuse(HEALTH))]
    pub health_retries: Option<Refused>,
    /// Time in which failed checks do not count
    #[arg(long, value_name = "string", value_parser = refuse(HEALTH))]
    pub health_start_period: Option<Refused>,
    /// Command that checks whether the container has started
    #[arg(long, value_name = "string", value_parser = refuse(HEALTH))]
    pub health_startup_cmd: Option<Refused>,
    /// Time between two startup checks
    #[arg(long, value_name = "string", value_parser = refuse(HEALTH))]
    pub health_startup_interval: Option<Refused>,
    /// How many startup checks must fail
    #[arg(long, value_name = "uint", value_parser = refuse(HEALTH))]
    pub health_startup_retries: Option<Refused>,
    /// How many startup checks must succeed
    #[arg(long, value_name = "uint", value_parser = refuse(HEALTH))]
    pub health_startup_success: Option<Refused>,
    /// Longest time of a startup check
    #[arg(long, value_name = "string", value_parser = refuse(HEALTH))]
    pub health_startup_timeout: Option<Refused>,
    /// Longest time of a check
    #[arg(long, value_name = "string", value_parser = refuse(HEALTH))]
    pub health_timeout: Option<Refused>,
    /// Do not take over the health check of the image
    #[arg(long)]
    pub no_healthcheck: GoBool,
}
