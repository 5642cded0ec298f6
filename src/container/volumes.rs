//! Which containers use which volumes, and the volumes that go with a container.

use super::Record;
use super::record::MountPoint;
use super::store::{Container, Store};
use crate::error::Result;
use crate::storage::lock::Lock;
use crate::volume::store::{Trash, is_anonymous_name};
use crate::volume::{self, Users};

/// The mounts of a container that are volumes.
pub fn of(record: &Record) -> impl Iterator<Item = &MountPoint> {
    record.mounts.iter().filter(|mount| mount.kind == "volume")
}

/// Every volume that a container uses, whether it runs or not, with the IDs of these containers.
pub fn users(store: &Store) -> Result<Users> {
    Ok(users_of(store.list()?))
}

/// The same for whoever removes volumes.
///
/// # Errors
/// The record of a container cannot be read, so that nobody knows what it uses.
pub fn all_users(store: &Store) -> Result<Users> {
    let (containers, damaged) = store.list_with_damaged()?;
    match damaged.into_iter().next() {
        Some(error) => Err(error
            .wrap("finding out which volumes are in use")
            .hint("remove the damaged container with `coracle rm --force ID`")),
        None => Ok(users_of(containers)),
    }
}

fn users_of(containers: Vec<Container>) -> Users {
    let mut users = Users::new();
    for container in containers {
        for mount in of(&container.record) {
            let ids = users.entry(mount.name.clone()).or_default();
            if !ids.contains(&container.record.id) {
                ids.push(container.record.id.clone());
            }
        }
    }
    users
}

/// The volumes that go with a container, in `tmp/`. As long as this lives, nobody makes them anew.
#[derive(Debug)]
#[must_use = "their files are still there"]
pub struct Going {
    trash: Vec<Trash>,
    removing: Option<Lock>,
}

impl Going {
    /// No volumes.
    pub fn none() -> Self {
        Going { trash: Vec::new(), removing: None }
    }

    /// The container is gone: others may go on.
    pub fn release(&mut self) {
        self.removing = None;
    }

    /// Deletes them, when the container is gone.
    pub fn delete(mut self) -> Result<()> {
        self.release();
        let mut result = Ok(());
        for trash in self.trash {
            result = result.and(trash.delete());
        }
        result
    }
}

/// Takes the volumes of a container that nobody gave a name and no other container uses out of the way. The container is
/// to go next, while the result is held: whoever is killed in between has not left a volume that nobody knows, and whoever
/// is just making or starting the container makes none that would be left.
///
/// The caller is in the user namespace and sees to it that the container is not started any more.
pub fn detach_anonymous(store: &Store, record: &Record) -> Result<Going> {
    let mut own = of(record).filter(|mount| is_anonymous_name(&mount.name)).peekable();
    if own.peek().is_none() {
        return Ok(Going::none());
    }
    let volumes = volume::Store::new(store.roots());
    let mut going = Going { trash: Vec::new(), removing: Some(volumes.removing()?) };
    let mut others = None;
    for mount in own {
        if !volumes.load(&mount.name)?.is_some_and(|volume| volume.record.anonymous) {
            continue;
        }
        let others = match &mut others {
            Some(others) => others,
            none => none.insert(users_but(store, &record.id)?),
        };
        if !others.contains_key(&mount.name) {
            going.trash.extend(volumes.detach_now(&mount.name)?);
        }
    }
    Ok(going)
}

fn users_but(store: &Store, id: &str) -> Result<Users> {
    let mut users = all_users(store)?;
    users.values_mut().for_each(|ids| ids.retain(|user| user != id));
    users.retain(|_, ids| !ids.is_empty());
    Ok(users)
}
