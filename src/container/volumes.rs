//! Which containers use which volumes, and the volumes that go with a container.

use super::Record;
use super::record::MountPoint;
use super::store::Store;
use crate::error::{Kind, Result};
use crate::volume::{self, Users};

/// The mounts of a container that are volumes.
pub fn of(record: &Record) -> impl Iterator<Item = &MountPoint> {
    record.mounts.iter().filter(|mount| mount.kind == "volume")
}

/// Every volume that a container uses, whether it runs or not, with the IDs of these containers.
pub fn users(store: &Store) -> Result<Users> {
    let mut users = Users::new();
    for container in store.list()? {
        for mount in of(&container.record) {
            let ids = users.entry(mount.name.clone()).or_default();
            if !ids.contains(&container.record.id) {
                ids.push(container.record.id.clone());
            }
        }
    }
    Ok(users)
}

/// Removes the volumes of a container that nobody gave a name and no other container uses. The container is removed next:
/// whoever is killed in between has not left a volume that nobody knows.
///
/// The caller is in the user namespace and sees to it that the container is not started any more.
pub fn remove_anonymous(store: &Store, record: &Record) -> Result<()> {
    let volumes = volume::Store::new(store.roots());
    let mut result = Ok(());
    for mount in of(record) {
        if !volumes.load(&mount.name)?.is_some_and(|volume| volume.record.anonymous) {
            continue;
        }
        let others = || {
            let mut users = users(store)?;
            users.values_mut().for_each(|ids| ids.retain(|id| *id != record.id));
            users.retain(|_, ids| !ids.is_empty());
            Ok(users)
        };
        match volumes.detach(&mount.name, &others) {
            Ok(trash) => result = result.and(trash.delete()),
            Err(error) if matches!(error.kind(), Kind::InUse | Kind::NoSuch) => {}
            Err(error) => result = result.and(Err(error)),
        }
    }
    result
}
