//! What containers.conf(5) says of networks: the section `network`, and what of others is [`Defaults`].
//!
//! ```text
//! /usr/share/containers/containers.conf        the distribution's
//! /etc/containers/containers.conf[.d/*.conf]   the administrator's
//! $XDG_CONFIG_HOME/containers/containers.conf[.d/*.conf]
//! CONTAINERS_CONF                              instead of all these
//! CONTAINERS_CONF_OVERRIDE                     after all others
//! ```
//!
//! What a later file says counts. All else in them is nobody's here.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::check;
use super::defaults::{Defaults, string};
use super::definition::{DEFAULT_NAME, DEFAULT_SUBNET};
use super::net::Net;
use super::store::Location;
use crate::bail;
use crate::error::{Context as _, Error, Result};
use crate::storage::fs;

/// No configuration is as long as this.
const MAX_SIZE: usize = 1 << 20;

/// Where to look for it, and where networks are if it does not say so. Gathered from flags and environment.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// `--network-config-dir`.
    pub dir: Option<PathBuf>,
    /// Where they are where nothing else is said.
    pub usual_dir: PathBuf,
    /// The user's directory of configurations.
    pub config_home: Option<PathBuf>,
    /// `CONTAINERS_CONF`.
    pub only: Option<PathBuf>,
    /// `CONTAINERS_CONF_OVERRIDE`.
    pub last: Option<PathBuf>,
}

/// A range that subnets of new networks are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    pub base: Net,
    /// The prefix of each subnet.
    pub size: u8,
}

impl Pool {
    /// All its subnets, in order.
    pub fn subnets(self) -> impl Iterator<Item = Net> {
        let first = Net::new(self.base.address, self.size);
        std::iter::successors(Some(first), |net| net.next()).take_while(move |net| self.base.contains(net.address))
    }
}

/// The program that connects the anchor's namespace with the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RootlessCmd {
    Slirp4netns,
    Pasta,
}

impl RootlessCmd {
    /// The program's name.
    pub fn name(self) -> &'static str {
        match self {
            RootlessCmd::Slirp4netns => "slirp4netns",
            RootlessCmd::Pasta => "pasta",
        }
    }
}

/// What the files say, or would if they did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conf {
    pub default_network: String,
    pub default_subnet: Net,
    pub pools: Vec<Pool>,
    pub dir: Option<PathBuf>,
    pub rootless_cmd: Option<RootlessCmd>,
    /// `netns`: what a container has where nothing is said.
    pub netns: Option<String>,
    pub defaults: Defaults,
}

impl Default for Conf {
    fn default() -> Self {
        Conf {
            default_network: DEFAULT_NAME.to_owned(),
            default_subnet: DEFAULT_SUBNET,
            pools: default_pools(),
            dir: None,
            rootless_cmd: None,
            netns: None,
            defaults: Defaults::default(),
        }
    }
}

/// The reference's: 10.89.0.0/24 to 10.255.255.0/24.
fn default_pools() -> Vec<Pool> {
    [("10.89.0.0", 16u8), ("10.90.0.0", 15), ("10.92.0.0", 14), ("10.96.0.0", 11), ("10.128.0.0", 9)]
        .into_iter()
        .filter_map(|(address, prefix)| Some(Pool { base: Net::new(address.parse().ok()?, prefix), size: 24 }))
        .collect()
}

impl Places {
    /// What is said where.
    pub fn read(&self) -> Result<Conf> {
        let mut conf = Conf::default();
        for path in self.files()? {
            let context = || format!("reading `{}`", path.display());
            let Some(bytes) = fs::read_optional(&path)? else { continue };
            if bytes.len() > MAX_SIZE {
                return Err(Error::new("it is too large for a configuration file").wrap(context()));
            }
            let text = String::from_utf8(bytes).map_err(|_| Error::new("it is not UTF-8")).with_context(context)?;
            conf.take(&text).with_context(context)?;
        }
        Ok(conf)
    }

    /// Where the networks are, by flag, file or custom.
    pub fn location(&self, conf: &Conf) -> Location {
        Location {
            dir: self.dir.clone().or_else(|| conf.dir.clone()).unwrap_or_else(|| self.usual_dir.clone()),
            default_name: conf.default_network.clone(),
            default_subnet: conf.default_subnet,
        }
    }

    fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        if let Some(only) = &self.only {
            files.push(only.clone());
        } else {
            files.push(PathBuf::from("/usr/share/containers/containers.conf"));
            let own = self.config_home.as_ref().map(|home| home.join("containers"));
            for dir in std::iter::once(PathBuf::from("/etc/containers")).chain(own) {
                files.push(dir.join("containers.conf"));
                files.extend(drop_ins(&dir.join("containers.conf.d"))?);
            }
        }
        files.extend(self.last.clone());
        Ok(files)
    }
}

/// The `*.conf` of a directory, in the order of their names.
fn drop_ins(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = match std::fs::read_dir(dir) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(_) => return Ok(Vec::new()),
    };
    files.retain(|path| path.extension().is_some_and(|extension| extension == "conf") && path.is_file());
    files.sort();
    Ok(files)
}

impl Conf {
    /// Adds what one file says.
    ///
    /// # Errors
    /// It is no TOML, or a value is not what it must be.
    pub fn take(&mut self, text: &str) -> Result<()> {
        let table: Table = text.parse().map_err(|e: toml::de::Error| Error::new(e.message().to_owned()))?;
        if let Some(netns) = table.get("containers").and_then(|section| section.get("netns")) {
            self.netns = Some(string("netns", netns)?).filter(|text| !text.is_empty());
        }
        self.defaults.take(&table)?;
        let Some(network) = table.get("network") else { return Ok(()) };
        let Some(network) = network.as_table() else { bail!("`network` is no section") };
        let text = |key: &str| network.get(key).map(|value| string(key, value)).transpose();
        if let Some(name) = text("default_network")?.filter(|name| !name.is_empty()) {
            check::name(&name)?;
            self.default_network = name;
        }
        if let Some(subnet) = text("default_subnet")?.filter(|subnet| !subnet.is_empty()) {
            let net: Net = subnet.parse().context("invalid value of `default_subnet`")?;
            self.default_subnet = net.network();
        }
        if let Some(dir) = text("network_config_dir")?.filter(|dir| !dir.is_empty()) {
            self.dir = Some(PathBuf::from(dir)).filter(|dir| dir.is_absolute());
        }
        match text("default_rootless_network_cmd")?.as_deref() {
            None | Some("") => {}
            Some("slirp4netns") => self.rootless_cmd = Some(RootlessCmd::Slirp4netns),
            Some("pasta") => self.rootless_cmd = Some(RootlessCmd::Pasta),
            Some(other) => bail!("invalid default_rootless_network_cmd option {other:?}"),
        }
        match text("network_backend")?.as_deref() {
            None | Some("" | "netavark") => {}
            Some(other) => bail!("the network backend {other:?} is not supported: netavark's files are read"),
        }
        if let Some(port) =
            network.get("dns_bind_port").and_then(Value::as_integer).filter(|port| ![0, 53].contains(port))
        {
            bail!(
                "`dns_bind_port` {port} is not supported: names are asked for at port 53, in a namespace of the containers'"
            );
        }
        if let Some(pools) = network.get("default_subnet_pools") {
            self.pools = pools_of(pools).context("invalid value of `default_subnet_pools`")?;
        }
        Ok(())
    }
}

fn pools_of(value: &Value) -> Result<Vec<Pool>> {
    let wanted = || Error::new("a list of {\"base\" = \"10.89.0.0/16\", \"size\" = 24} is wanted");
    value
        .as_array()
        .ok_or_else(wanted)?
        .iter()
        .map(|pool| {
            let base: Net = pool.get("base").and_then(Value::as_str).ok_or_else(wanted)?.parse()?;
            let size = pool.get("size").and_then(Value::as_integer).and_then(|size| u8::try_from(size).ok());
            let size = size.ok_or_else(wanted)?;
            let most = if base.is_ipv4() { 32 } else { 128 };
            if base.network() != base {
                bail!("invalid subnet pool: {base} is not the address of a network");
            }
            if size < base.prefix || size > most {
                bail!("invalid subnet pool {base}: the size {size} must be between {} and {most}", base.prefix);
            }
            Ok(Pool { base, size })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_files_say() {
        let mut conf = Conf::default();
        conf.take(
            "[containers]\nnetns = 'pasta'\n[network]\ndefault_subnet = '10.5.0.0/24'\nnetwork_backend = 'netavark'\n",
        )
        .unwrap();
        conf.take(
            "[network]\ndefault_network = 'mine'\ndefault_rootless_network_cmd = 'pasta'\nnetwork_config_dir = '/n'\n\
             default_subnet_pools = [{'base' = '10.7.0.0/16', 'size' = 26}]\ndns_bind_port = 0\n",
        )
        .unwrap();
        let pool = Pool { base: "10.7.0.0/16".parse().unwrap(), size: 26 };
        assert_eq!(
            conf,
            Conf {
                default_network: "mine".into(),
                default_subnet: "10.5.0.0/24".parse().unwrap(),
                pools: vec![pool],
                dir: Some("/n".into()),
                rootless_cmd: Some(RootlessCmd::Pasta),
                netns: Some("pasta".into()),
                defaults: Defaults::default(),
            }
        );
        let places = Places { usual_dir: "/usual".into(), ..Places::default() };
        assert_eq!(places.location(&conf).dir, Path::new("/n"));
        assert_eq!(places.location(&Conf::default()).dir, Path::new("/usual"));
        let places = Places { dir: Some("/flag".into()), ..places };
        assert_eq!(places.location(&conf).dir, Path::new("/flag"));
    }

    #[test]
    fn what_is_refused() {
        for (text, message) in [
            ("[network", "unclosed table"),
            ("network = 1", "`network` is no section"),
            ("[network]\ndefault_subnet = 5", "`default_subnet` is not a string"),
            ("[network]\ndefault_subnet = 'x'", "invalid CIDR address: x"),
            ("[network]\ndefault_network = '../x'", "network name ../x invalid"),
            ("[network]\ndefault_rootless_network_cmd = 'vpnkit'", "invalid default_rootless_network_cmd option"),
            ("[network]\nnetwork_backend = 'cni'", "the network backend \"cni\" is not supported"),
            ("[network]\ndns_bind_port = 5353", "`dns_bind_port` 5353 is not supported"),
            ("[network]\ndefault_subnet_pools = 5", "a list of"),
            ("[network]\ndefault_subnet_pools = [{base = '10.0.0.0/16', size = 8}]", "must be between 16 and 32"),
            ("[network]\ndefault_subnet_pools = [{base = '10.0.0.1/16', size = 24}]", "not the address of a network"),
        ] {
            let error = Conf::default().take(text).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\[network\\]\n)?[ -~\n]{0,80}") {
            let _ = Conf::default().take(&text);
        }
    }
}
