//! Restricted containers: what holds one, and when. The rules are there before the near end of its first pair is up, and go only when
//! its pairs have gone.

use std::path::Path;
use std::sync::Arc;

use super::attach::{Container, Wire, Wiring};
use crate::container::network::Wanted;
use crate::error::Result;
use crate::network::egress::{Journal, Policy};
use crate::network::firewall::Veth;

impl Wiring {
    /// What a container is held by that wants this and is connected by these.
    pub(super) fn policy<'a>(
        &mut self,
        wanted: &Wanted,
        wires: impl Iterator<Item = &'a Wire>,
    ) -> Result<Option<Policy>> {
        let mut networks = Vec::new();
        for wire in wires {
            if let Some(bridge) = self.bridges.get_mut(&wire.interface.network) {
                networks.push(bridge.network.clone());
            }
        }
        Policy::of(wanted.egress.as_ref(), &networks)
    }

    /// Holds a container with these connections, or lets it go.
    pub(super) fn hold<'a>(
        &mut self,
        wanted: &Wanted,
        dir: &Path,
        policy: Option<&Policy>,
        wires: impl Iterator<Item = &'a Wire>,
    ) -> Result<()> {
        let mut veths = Vec::new();
        for wire in wires {
            let Some(bridge) = self.bridges.get_mut(&wire.interface.network) else { continue };
            veths.push(Veth {
                host: wire.host.clone(),
                mac: wire.mac,
                addresses: wire.interface.addresses.iter().map(|(ip, _)| *ip).collect(),
                bridge: bridge.network.network_interface.clone(),
            });
        }
        let journal = policy
            .filter(|policy| policy.log && !dir.as_os_str().is_empty())
            .map(|_| Arc::new(Journal::new(&wanted.id, &wanted.name, dir.to_owned())));
        self.services.firewall().set_container(&wanted.id, &veths, policy, journal.as_ref())
    }

    /// After a change that failed: what held before holds.
    pub(super) fn hold_as_before(&mut self, container: &Container, id: &str) {
        if container.wires.is_empty() {
            let _ = self.services.firewall().remove_container(id);
            return;
        }
        let policy = self.policy(&container.wanted, container.wires.iter());
        if let Ok(policy) = policy {
            let wires = container.wires.iter();
            let _ = self.hold(&container.wanted, &container.dir, policy.as_ref(), wires);
        }
    }
}
