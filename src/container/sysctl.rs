//! Kernel parameters (`--sysctl`): only those that belong to a namespace of the container.

use std::collections::BTreeMap;

use crate::bail;
use crate::error::{Error, Result};

/// The parameters of the IPC namespace, beside fs.mqueue.*.
const IPC: [&str; 8] = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
];

/// Which namespaces a container shares with the host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shared {
    pub network: bool,
    pub ipc: bool,
}

/// Reads the values of `--sysctl`.
pub fn parse(values: &[String]) -> Result<BTreeMap<String, String>> {
    let mut sysctls = BTreeMap::new();
    for value in values {
        let Some((key, setting)) = value.split_once('=') else {
            bail!("sysctl `{value}` is not valid: must be NAME=VALUE");
        };
        // A name may be written with slashes, as in /proc/sys; names with dots in an interface name need that.
        let key = if key.contains('/') { swap(key) } else { key.to_owned() };
        if owner(&key).is_none() {
            return Err(Error::new(format!("sysctl '{key}' is not allowed"))
                .hint("only net.*, fs.mqueue.* and the kernel.msg*, sem and shm* settings belong to a container"));
        }
        sysctls.insert(key, setting.to_owned());
    }
    Ok(sysctls)
}

/// Checks that none of these parameters belongs to a namespace of the host.
pub fn check(sysctls: &BTreeMap<String, String>, shared: Shared) -> Result<()> {
    for key in sysctls.keys() {
        let (namespace, is_shared) = match owner(key) {
            Some(Owner::Network) => ("Network", shared.network),
            Some(Owner::Ipc) => ("IPC", shared.ipc),
            None => continue,
        };
        if is_shared {
            bail!("sysctl {key} can't be set since {namespace} Namespace set to host");
        }
    }
    Ok(())
}

enum Owner {
    Network,
    Ipc,
}

fn owner(key: &str) -> Option<Owner> {
    // A component of dots only would climb out of /proc/sys/net.
    let plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b));
    if !plain || key.contains("..") || key.contains("//") || key.ends_with('.') || key.contains("./") {
        return None;
    }
    if key.starts_with("net.") {
        Some(Owner::Network)
    } else if key.starts_with("fs.mqueue.") || IPC.contains(&key) {
        Some(Owner::Ipc)
    } else {
        // kernel.domainname is of the UTS namespace, but only for the host's root to set.
        None
    }
}

/// Slashes to dots and dots to slashes, as sysctl(8) does.
fn swap(key: &str) -> String {
    let swapped = |c| match c {
        '/' => '.',
        '.' => '/',
        other => other,
    };
    key.chars().map(swapped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<BTreeMap<String, String>> {
        parse(&[text.to_owned()])
    }

    #[test]
    fn only_namespaced_parameters() {
        for text in ["net.ipv4.ip_forward=1", "kernel.shmmax=1", "fs.mqueue.msg_max=5"] {
            assert_eq!(one(text).unwrap().len(), 1, "{text}");
        }
        assert_eq!(
            one("net/ipv4/conf/eth0.1/forwarding=1").unwrap().keys().next().unwrap(),
            "net.ipv4.conf.eth0/1.forwarding"
        );
        for text in [
            "",
            "net.core.somaxconn",
            "kernel.hostname=x",
            "kernel.domainname=x",
            "kernel.core_pattern=|/x",
            "vm.swappiness=1",
            "net.=1",
            "net/../kernel/core_pattern=1",
            "net.ipv4.x/../../y=1",
            "net.//.//.kernel=1",
        ] {
            assert!(one(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_hosts_are_not_touched() {
        let network = Shared { network: true, ..Default::default() };
        assert!(check(&one("net.ipv4.ip_forward=1").unwrap(), network).is_err());
        assert!(check(&one("kernel.shmmax=1").unwrap(), network).is_ok());
        assert!(check(&one("kernel.shmmax=1").unwrap(), Shared { ipc: true, ..Default::default() }).is_err());
    }
}
