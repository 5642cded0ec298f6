//! What containers.conf(5) says of names, addresses and network programs of containers where no flag says otherwise: parts of
//! its sections `containers`, `engine` and `network`.

use std::net::IpAddr;
use std::path::PathBuf;

use toml::{Table, Value};

use super::conf::RootlessCmd;
use crate::bail;
use crate::error::{Context as _, Error, Result};
use crate::network::Mode;
use crate::network::files::{HostAddress, HostsFile, resolv};

/// Empty where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    /// As `--dns`.
    pub dns_servers: Vec<String>,
    /// As `--dns-search`.
    pub dns_searches: Vec<String>,
    /// As `--dns-option`.
    pub dns_options: Vec<String>,
    /// As `--no-hosts`.
    pub no_hosts: bool,
    /// As `--hosts-file`.
    pub base_hosts_file: String,
    /// The address of `host.containers.internal`; `none` where there is to be no such name.
    pub host_address: Option<HostAddress>,
    /// As `--network-cmd-path`.
    pub network_cmd_path: Option<PathBuf>,
    /// What `--network slirp4netns` begins with.
    pub slirp_options: Vec<String>,
    /// What `--network pasta` begins with.
    pub pasta_options: Vec<String>,
}

impl Defaults {
    /// Adds what one file says.
    ///
    /// # Errors
    /// A value is not what it must be.
    pub(super) fn take(&mut self, file: &Table) -> Result<()> {
        let value = |section: &str, key: &str| file.get(section).and_then(|section| section.get(key));
        let list = |section, key, known: &mut Vec<String>| match value(section, key) {
            Some(value) => add(key, value, known),
            None => Ok(()),
        };
        let text = |section, key| value(section, key).map(|value| string(key, value)).transpose();
        list("containers", "dns_servers", &mut self.dns_servers)?;
        list("containers", "dns_searches", &mut self.dns_searches)?;
        list("containers", "dns_options", &mut self.dns_options)?;
        resolv::check(&self.dns_servers, &self.dns_searches, &self.dns_options)?;
        if let Some(no_hosts) = value("containers", "no_hosts") {
            let Some(no_hosts) = no_hosts.as_bool() else { bail!("`no_hosts` is neither true nor false") };
            self.no_hosts = no_hosts;
        }
        if let Some(hosts) = text("containers", "base_hosts_file")? {
            HostsFile::parse(&hosts).context("invalid value of `base_hosts_file`")?;
            self.base_hosts_file = hosts;
        }
        match text("containers", "host_containers_internal_ip")?.as_deref() {
            None => {}
            Some("") => self.host_address = None,
            Some("none") => self.host_address = Some(HostAddress::Nowhere),
            Some(address) => match address.parse::<IpAddr>() {
                Ok(address) => self.host_address = Some(HostAddress::At(address)),
                Err(_) => bail!("`host_containers_internal_ip` is neither an ip address nor none: {address:?}"),
            },
        }
        if let Some(path) = text("engine", "network_cmd_path")? {
            self.network_cmd_path = Some(PathBuf::from(path)).filter(|path| !path.as_os_str().is_empty());
        }
        list("engine", "network_cmd_options", &mut self.slirp_options)?;
        // It is what the reference does where nothing is said. slirp4netns itself, which is what we ask, shows who calls.
        self.slirp_options.retain(|option| option != "port_handler=rootlesskit");
        list("network", "pasta_options", &mut self.pasta_options)?;
        for (key, mode, options) in [
            ("network_cmd_options", "slirp4netns", &self.slirp_options),
            ("pasta_options", "pasta", &self.pasta_options),
        ] {
            // They become parts of one `--network`, which a comma separates.
            if let Some(option) = options.iter().find(|option| option.contains(',')) {
                bail!("{option:?} in `{key}` has a comma, which an option cannot have here");
            }
            Mode::parse(&with_options(mode, options)).with_context(|| format!("invalid value of `{key}`"))?;
        }
        Ok(())
    }

    /// A mode as it was typed, with the options that are usual for it before its own.
    pub fn mode(&self, typed: &str) -> String {
        match typed.split(':').next() {
            Some("slirp4netns") => with_options(typed, &self.slirp_options),
            Some("pasta") => with_options(typed, &self.pasta_options),
            _ => typed.to_owned(),
        }
    }

    /// What the uplink of all bridge networks begins with.
    ///
    /// # Errors
    /// It has an option that cannot be an uplink's.
    pub fn of_uplink(&self, uplink: RootlessCmd) -> Result<&[String]> {
        let options = match uplink {
            RootlessCmd::Slirp4netns => &self.slirp_options,
            RootlessCmd::Pasta => &self.pasta_options,
        };
        let name = |option: &&String| matches!(option.split('=').next(), Some("-I" | "--ns-ifname"));
        if let Some(option) = options.iter().find(name) {
            return Err(Error::new(format!(
                "cannot start the uplink of networks with `{option}`: its interface has a name"
            ))
            .hint("take it out of `pasta_options` in containers.conf, or use --network pasta"));
        }
        Ok(options)
    }
}

/// Whether a program is called like pasta, or like the one that it is a link to.
pub fn is_pasta(program: &std::path::Path) -> bool {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("pasta") || name.starts_with("passt")
}

fn with_options(mode: &str, options: &[String]) -> String {
    if options.is_empty() {
        return mode.to_owned();
    }
    let (name, own) = mode.split_once(':').unwrap_or((mode, ""));
    let all: Vec<&str> = options.iter().map(String::as_str).chain(Some(own).filter(|own| !own.is_empty())).collect();
    format!("{name}:{}", all.join(","))
}

pub(super) fn string(key: &str, value: &Value) -> Result<String> {
    match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => bail!("`{key}` is not a string"),
    }
}

/// A list takes the place of the one before, or is added to it with `{append=true}` among its elements.
fn add(key: &str, value: &Value, known: &mut Vec<String>) -> Result<()> {
    let wanted = || Error::new(format!("`{key}` is not a list of strings"));
    let mut texts = Vec::new();
    let mut append = false;
    for element in value.as_array().ok_or_else(wanted)? {
        match (element.as_str(), element.get("append").and_then(Value::as_bool)) {
            (Some(text), _) => texts.push(text.to_owned()),
            (None, Some(said)) => append = said,
            (None, None) => return Err(wanted()),
        }
    }
    if !append {
        known.clear();
    }
    known.extend(texts);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(defaults: &mut Defaults, text: &str) -> Result<()> {
        defaults.take(&text.parse().unwrap())
    }

    #[test]
    fn what_files_say() {
        let mut defaults = Defaults::default();
        take(
            &mut defaults,
            "[containers]\ndns_servers = ['192.0.2.1']\ndns_searches = ['a.example']\nno_hosts = true\n\
             base_hosts_file = 'none'\nhost_containers_internal_ip = '192.0.2.9'\n\
             [engine]\nnetwork_cmd_path = '/opt/slirp4netns'\nnetwork_cmd_options = ['mtu=1400']\n",
        )
        .unwrap();
        take(
            &mut defaults,
            "[containers]\ndns_servers = ['192.0.2.2', {append = true}]\ndns_searches = ['b.example']\n\
             no_hosts = false\n[network]\npasta_options = ['--map-gw']\n",
        )
        .unwrap();
        assert_eq!(defaults.dns_servers, ["192.0.2.1", "192.0.2.2"]);
        assert_eq!(defaults.dns_searches, ["b.example"]);
        assert!(!defaults.no_hosts);
        assert_eq!(defaults.base_hosts_file, "none");
        assert_eq!(defaults.host_address, Some(HostAddress::At("192.0.2.9".parse().unwrap())));
        assert_eq!(defaults.network_cmd_path, Some("/opt/slirp4netns".into()));
        for (typed, mode) in [
            ("slirp4netns", "slirp4netns:mtu=1400"),
            ("slirp4netns:mtu=1500", "slirp4netns:mtu=1400,mtu=1500"),
            ("pasta", "pasta:--map-gw"),
            ("pasta:-t,80", "pasta:--map-gw,-t,80"),
            ("host", "host"),
        ] {
            assert_eq!(defaults.mode(typed), mode);
        }
        assert_eq!(defaults.of_uplink(RootlessCmd::Slirp4netns), Ok(&["mtu=1400".to_owned()][..]));
        take(&mut defaults, "[engine]\nnetwork_cmd_options = ['port_handler=rootlesskit']\n").unwrap();
        assert_eq!(defaults.mode("slirp4netns"), "slirp4netns");
        take(&mut defaults, "[network]\npasta_options = ['-I', 'eth7']\n").unwrap();
        assert_eq!(defaults.mode("pasta"), "pasta:-I,eth7");
        let error = defaults.of_uplink(RootlessCmd::Pasta).unwrap_err().to_string();
        assert!(error.contains("with `-I`"), "{error}");
        take(&mut defaults, "[containers]\nhost_containers_internal_ip = 'none'\n").unwrap();
        assert_eq!(defaults.host_address, Some(HostAddress::Nowhere));
        take(&mut defaults, "[containers]\nhost_containers_internal_ip = ''\n").unwrap();
        assert_eq!(defaults.host_address, None);
    }

    #[test]
    fn what_is_refused() {
        for (text, message) in [
            ("[containers]\ndns_servers = '192.0.2.1'", "`dns_servers` is not a list of strings"),
            ("[containers]\ndns_servers = ['x']", "x is not an ip address"),
            ("[containers]\ndns_searches = [1]", "`dns_searches` is not a list of strings"),
            ("[containers]\nno_hosts = 'yes'", "`no_hosts` is neither true nor false"),
            ("[containers]\nbase_hosts_file = 'x'", "invalid value of `base_hosts_file`: cannot use `x`"),
            ("[containers]\nhost_containers_internal_ip = 'x'", "neither an ip address nor none: \"x\""),
            ("[engine]\nnetwork_cmd_options = ['x=1']", "invalid value of `network_cmd_options`: unknown option"),
            ("[engine]\nnetwork_cmd_path = 1", "`network_cmd_path` is not a string"),
            ("[network]\npasta_options = ['--netns=/x']", "cannot pass `--netns` to pasta"),
            ("[network]\npasta_options = ['-t', '80,443']", "\"80,443\" in `pasta_options` has a comma"),
        ] {
            let error = take(&mut Defaults::default(), text).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
