//! After an anchor that was killed: whose addresses are whose. Containers that live come back one after the other, and a
//! new one must not have taken the address of one that has not come yet. Their states say what they had.

use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use crate::container::State;

/// How long their addresses are kept for them.
pub(super) const FOR: Duration = Duration::from_secs(60);
/// No container's state is longer.
const MAX_SIZE: u64 = 1 << 20;

/// An address of a container that ran when the last anchor was killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reserved {
    pub(super) network: String,
    pub(super) address: IpAddr,
    pub(super) id: String,
}

/// What the states in this directory of containers say. What cannot be read is passed over.
pub(super) fn reserved(containers: &Path) -> Vec<Reserved> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(containers).into_iter().flatten().flatten() {
        let (Some(state), Ok(id)) = (read(&entry.path().join("state.json")), entry.file_name().into_string()) else {
            continue;
        };
        if !state.status.is_alive() {
            continue;
        }
        for interface in state.network {
            let reserve = |(address, _)| Reserved { network: interface.network.clone(), address, id: id.clone() };
            all.extend(interface.addresses.into_iter().map(reserve));
        }
    }
    all
}

fn read(path: &Path) -> Option<State> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MAX_SIZE).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_of_those_that_ran() {
        let dir = tempfile::tempdir().unwrap();
        let network = r#"[{"network":"n","interface":"eth0","mac":"","addresses":[["10.1.0.2",24],["fd00::2",64]]}]"#;
        for (id, state) in [
            ("a", format!(r#"{{"status":"running","network":{network}}}"#)),
            ("b", format!(r#"{{"status":"exited","network":{network}}}"#)),
            ("c", "not a state".to_owned()),
        ] {
            std::fs::create_dir(dir.path().join(id)).unwrap();
            std::fs::write(dir.path().join(id).join("state.json"), state).unwrap();
        }
        std::fs::create_dir(dir.path().join("empty")).unwrap();
        let found: Vec<_> = reserved(dir.path()).into_iter().map(|r| (r.id, r.address.to_string())).collect();
        assert_eq!(found, [("a".to_owned(), "10.1.0.2".to_owned()), ("a".to_owned(), "fd00::2".to_owned())]);
        assert_eq!(reserved(&dir.path().join("none")), []);
    }
}
