//! Commands about networks.

pub mod connect;
pub mod create;
pub mod disconnect;
pub mod egress_log;
pub mod exists;
pub mod inspect;
pub mod list;
pub mod prune;
pub mod reload;
pub mod rm;
pub mod update;

use std::net::IpAddr;

use crate::bail;
use crate::error::Result;

/// Addresses of resolvers, as `--dns` and its like have them.
fn servers(given: &[String], what: &str) -> Result<Vec<IpAddr>> {
    let one = |text: &String| match text.parse() {
        Ok(address) => Ok(address),
        Err(_) => bail!("unable to parse ip {text} specified in {what}: invalid argument"),
    };
    given.iter().filter(|text| !text.is_empty()).map(one).collect()
}
