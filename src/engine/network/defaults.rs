//! What containers.conf says where no flag does.

use std::borrow::Cow;

use super::{Choice, Engine, conf};
use crate::container::options::CreateOptions;
use crate::error::Result;
use crate::network::config::Defaults;

/// The options of a new container together with what is usual.
///
/// # Errors
/// containers.conf cannot be read.
pub fn with_defaults<'a>(
    engine: &Engine,
    options: &'a CreateOptions,
    choice: &Choice,
) -> Result<Cow<'a, CreateOptions>> {
    let defaults = &conf(engine)?.defaults;
    // What is nobody's network, or another container's, has no names of its own.
    let apart = matches!(choice.mode.split(':').next(), Some("none" | "container"));
    if *defaults == Defaults::default() || apart {
        return Ok(Cow::Borrowed(options));
    }
    let mut options = options.clone();
    for (own, usual) in [
        (&mut options.dns, &defaults.dns_servers),
        (&mut options.dns_search, &defaults.dns_searches),
        (&mut options.dns_option, &defaults.dns_options),
    ] {
        if own.is_empty() {
            own.clone_from(usual);
        }
    }
    // Flags that want the file are stronger.
    if options.no_hosts.is_none() && options.add_host.is_empty() && options.hosts_file.is_empty() {
        options.no_hosts = Some(defaults.no_hosts);
    }
    if options.hosts_file.is_empty() && options.no_hosts != Some(true) {
        options.hosts_file.clone_from(&defaults.base_hosts_file);
    }
    Ok(Cow::Owned(options))
}
