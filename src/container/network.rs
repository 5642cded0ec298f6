//! What a container wants of its networks, and what it got. The first is `network.json` in its directory: decided at creation, and
//! changed by `network connect`, `network disconnect`, `port add` and `port rm`. The second is a part of its state.

use std::net::IpAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::record::PortMapping;
use crate::error::{Context as _, Result};
use crate::storage::atomic::{self, Durability};
use crate::storage::lock;

/// The file's name in a container's directory. Containers without a bridge network have none.
pub const FILE: &str = "network.json";

/// Everything that the network anchor is to do for one container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// The container's ID, all of it.
    pub id: String,
    pub name: String,
    pub hostname: String,
    /// In the order of the interfaces; the first one has the default route.
    pub networks: Vec<Attachment>,
    pub ports: Vec<PortMapping>,
    /// `--dns`: who is asked instead of the host's resolvers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<IpAddr>,
    /// What it may reach; `None` is everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress: Option<Egress>,
}

/// One network of a container, as wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attachment {
    /// The network's name.
    pub network: String,
    /// The interface's name in the container, `eth0`.
    pub interface: String,
    /// `--ip`, `--ip6`: addresses it must have. An address family without one gets one that is free.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// `--mac-address`, as `02:42:ac:11:00:02`; empty: any.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mac: String,
    /// Names besides its own and its short ID, on this network.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// `--egress` and `--egress-log`, each entry in its one form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Egress {
    /// `example.org`, `*.example.org:443`, `192.0.2.0/24:53`; nothing for `none`. Without it only the policies of its networks
    /// hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<String>>,
    /// Write down what was refused.
    pub log: bool,
}

/// One network of a container, as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interface {
    pub network: String,
    /// The name in the container.
    pub interface: String,
    pub mac: String,
    /// With the length of their prefixes: (10.88.0.2, 16).
    pub addresses: Vec<(IpAddr, u8)>,
    /// The bridge's addresses, none where there is no way out.
    pub gateways: Vec<IpAddr>,
}

impl Wanted {
    /// The names of the networks.
    pub fn names(&self) -> Vec<String> {
        self.networks.iter().map(|one| one.network.clone()).collect()
    }

    /// What the container in `dir` wants; `None` if it has no bridge network.
    pub fn read(dir: &Path) -> Result<Option<Wanted>> {
        let path = dir.join(FILE);
        match std::fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map(Some).with_context(|| format!("reading `{}`", path.display()))
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e).with_context(|| format!("reading `{}`", path.display())),
        }
    }

    /// Changes the file in `dir` under the lock that also whoever removes the container takes, and returns what it said
    /// before and says now. Where `edit` fails, nothing is changed.
    pub fn change(dir: &Path, edit: impl FnOnce(&mut Wanted) -> Result<()>) -> Result<(Wanted, Wanted)> {
        let _lock = lock::exclusive(&dir.join(".lock"))?;
        let before = Wanted::read(dir)?.unwrap_or_default();
        let mut after = before.clone();
        edit(&mut after)?;
        if after != before {
            after.write(dir, Durability::Power)?;
        }
        Ok((before, after))
    }

    /// Replaces the file in `dir`.
    pub fn write(&self, dir: &Path, durability: Durability) -> Result<()> {
        atomic::write(&dir.join(FILE), &serde_json::to_vec(self)?, durability)
    }
}
