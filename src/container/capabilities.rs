//! Capabilities by name, and the set a container gets from `--cap-add`, `--cap-drop` and `--privileged`.

use crate::bail;
use crate::error::Result;

use super::defaults;

/// Every capability that this engine knows, sorted.
const ALL: [&str; 41] = [
    "CAP_AUDIT_CONTROL",
    "CAP_AUDIT_READ",
    "CAP_AUDIT_WRITE",
    "CAP_BLOCK_SUSPEND",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_KILL",
    "CAP_LEASE",
    "CAP_LINUX_IMMUTABLE",
    "CAP_MAC_ADMIN",
    "CAP_MAC_OVERRIDE",
    "CAP_MKNOD",
    "CAP_NET_ADMIN",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_RAW",
    "CAP_PERFMON",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYSLOG",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_CHROOT",
    "CAP_SYS_MODULE",
    "CAP_SYS_NICE",
    "CAP_SYS_PACCT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_WAKE_ALARM",
];

const EVERY: &str = "ALL";

/// The sets of a container's first process. Names with `CAP_`, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sets {
    pub bounding: Vec<String>,
    /// Also the permitted set.
    pub effective: Vec<String>,
    /// Also the inheritable set: what survives the exec of a user that is not root.
    pub ambient: Vec<String>,
}

/// Brings the names of `--cap-add` or `--cap-drop` to one form: capitals with `CAP_`, or `ALL`; sorted, each once.
pub fn normalize(names: &[String]) -> Result<Vec<String>> {
    let mut normal = Vec::with_capacity(names.len());
    for name in names {
        let upper = name.trim().to_ascii_uppercase();
        if upper == EVERY {
            normal.push(upper);
            continue;
        }
        let full = if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") };
        if !ALL.contains(&full.as_str()) {
            bail!("\"{name}\": unknown capability");
        }
        normal.push(full);
    }
    normal.sort();
    normal.dedup();
    Ok(normal)
}

/// The capabilities of a container, from normalized lists of what to add and what to drop.
///
/// A user that is not root starts with those only that were added explicitly, as the kernel would take the others at
/// exec anyway.
pub fn compute(privileged: bool, user: &str, add: &[String], drop: &[String]) -> Result<Sets> {
    let base: &[&str] = if privileged { &ALL } else { &defaults::CAPABILITIES };
    let bounding = merge(base, add, drop)?;
    let name = user.split(':').next().unwrap_or_default();
    if matches!(name, "" | "root" | "0") {
        return Ok(Sets { effective: bounding.clone(), bounding, ambient: Vec::new() });
    }
    let own = merge(&[], add, drop)?;
    Ok(Sets { bounding, effective: own.clone(), ambient: own })
}

fn merge(base: &[&str], add: &[String], drop: &[String]) -> Result<Vec<String>> {
    let has = |list: &[String], name: &str| list.iter().any(|n| n == name);
    if has(drop, EVERY) {
        if has(add, EVERY) {
            bail!("adding all caps and removing all caps not allowed");
        }
        return Ok(add.to_vec());
    }
    if let Some(both) = add.iter().find(|name| has(drop, name)) {
        bail!("capability \"{both}\" cannot be dropped and added");
    }
    let all = has(add, EVERY);
    let mut merged: Vec<String> = if all { &ALL } else { base }.iter().map(|&n| n.to_owned()).collect();
    if !all {
        merged.extend(add.iter().cloned());
    }
    merged.retain(|name| !has(drop, name));
    merged.sort();
    merged.dedup();
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(privileged: bool, user: &str, add: &[&str], drop: &[&str]) -> Result<Sets> {
        let list = |names: &[&str]| normalize(&names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>());
        compute(privileged, user, &list(add)?, &list(drop)?)
    }

    #[test]
    fn the_default_set_is_the_fields() {
        let sets = sets(false, "", &[], &[]).unwrap();
        assert_eq!(sets.bounding, defaults::CAPABILITIES);
        assert_eq!(sets.effective, sets.bounding);
        assert!(sets.ambient.is_empty());
    }

    #[test]
    fn adding_and_dropping() {
        let bounding = |add: &[&str], drop: &[&str]| sets(false, "0:0", add, drop).unwrap().bounding;
        assert!(bounding(&["net_raw"], &[]).contains(&"CAP_NET_RAW".to_owned()));
        assert!(!bounding(&[], &["CAP_chown"]).contains(&"CAP_CHOWN".to_owned()));
        assert_eq!(bounding(&[], &["all"]), Vec::<String>::new());
        assert_eq!(bounding(&["chown"], &["all"]), ["CAP_CHOWN"]);
        assert_eq!(bounding(&["all"], &["sys_admin"]).len(), ALL.len() - 1);
        assert_eq!(sets(true, "", &[], &[]).unwrap().effective, ALL);
        assert!(sets(false, "", &["all"], &["all"]).is_err());
        assert!(sets(false, "", &["chown"], &["chown"]).is_err());
        assert_eq!(sets(false, "", &["bogus"], &[]).unwrap_err().to_string(), "\"bogus\": unknown capability");
    }

    #[test]
    fn other_users_have_only_what_was_added() {
        let sets = sets(false, "nobody", &["net_raw"], &[]).unwrap();
        assert_eq!(sets.effective, ["CAP_NET_RAW"]);
        assert_eq!(sets.ambient, ["CAP_NET_RAW"]);
        assert_eq!(sets.bounding.len(), defaults::CAPABILITIES.len() + 1);
    }

    #[test]
    fn every_name_is_known_to_the_specification() {
        for name in ALL {
            let quoted = format!("\"{name}\"");
            serde_json::from_str::<oci_spec::runtime::Capability>(&quoted).unwrap();
        }
        assert!(ALL.is_sorted());
    }
}
