//! What a start needs to know of a container's networks before they stand: its files speak of them.

use super::{Engine, conf, store_of, uplink};
use crate::container::Record;
use crate::container::network::Wanted;
use crate::error::Result;
use crate::network::Mode;
use crate::network::anchor::Place;
use crate::network::config::{Network, Store};
use crate::network::files::{Bridges, Host};

/// What is known of the networks of one container.
#[derive(Debug, Clone)]
pub struct Facts {
    pub mode: Mode,
    pub host: Host,
    pub bridges: Bridges,
    /// Some network has IPv6.
    pub ipv6: bool,
    /// With bridges.
    pub anchor: Option<Place>,
}

impl Facts {
    /// Gathers them, in the host's network namespace.
    ///
    /// # Errors
    /// A network of the container is not there any more.
    pub fn gather(engine: &Engine, record: &Record) -> Result<Facts> {
        Facts::with_networks(engine, record).map(|(facts, _)| facts)
    }

    /// The same for a start.
    ///
    /// # Errors
    /// Also: a network has a policy now, which cannot hold this container.
    pub fn for_start(engine: &Engine, record: &Record) -> Result<Facts> {
        let (facts, networks) = Facts::with_networks(engine, record)?;
        super::egress::check_made_for(record, &networks)?;
        Ok(facts)
    }

    fn with_networks(engine: &Engine, record: &Record) -> Result<(Facts, Vec<Network>)> {
        let mode = Mode::parse(&record.network)?;
        if mode != Mode::Bridge {
            let mut host = Host::gather(&mode)?;
            if mode != Mode::None {
                host.said = conf(engine)?.defaults.host_address;
            } else if record.add_host.iter().any(|entry| entry.ends_with(":host-gateway")) {
                host.find_addresses()?;
            }
            let ipv6 = mode.has_ipv6();
            return Ok((Facts { mode, host, bridges: Bridges::default(), ipv6, anchor: None }, Vec::new()));
        }
        let conf = conf(engine)?;
        let store = store_of(engine, conf);
        let uplink = uplink(engine, conf);
        let wanted = Wanted::read(&engine.roots.container(&record.id))?.unwrap_or_default();
        let networks = networks(&store, &wanted)?;
        let mut host = Host::gather(&mode)?;
        host.said = conf.defaults.host_address;
        let facts = Facts {
            host,
            bridges: Bridges::of(&networks),
            ipv6: networks.iter().any(|network| network.subnets.iter().any(|subnet| !subnet.subnet.is_ipv4())),
            anchor: Some(super::anchor::place(engine, conf, store.location().clone(), uplink)?),
            mode,
        };
        Ok((facts, networks))
    }
}

/// The definitions of the networks that a container wants.
pub(super) fn networks(store: &Store, wanted: &Wanted) -> Result<Vec<Network>> {
    wanted.networks.iter().map(|one| store.get(&one.network)).collect()
}
