//! The mapping of a new container's IDs, and what has to be done for it at each start.
//!
//! Ranges of `--userns=auto` are in use as long as a record has them. Between the choice and the record, the choice
//! stands in the draft (`ids.json`): so that the lock is held for a moment only, and what a killed command chose is free
//! as soon as its draft is swept up.

use std::path::Path;

use oci_spec::runtime::Spec;

use super::{Engine, containers, settle};
use crate::container::namespaces::Sharing;
use crate::container::options::CreateOptions;
use crate::container::record::UsernsOf;
use crate::container::snapshot::shown::{self, Shown};
use crate::container::store::Store;
use crate::container::userns::{Decided, Given, Mode, Request, Shift, plan};
use crate::container::{Record, Status};
use crate::error::{Context, Error, Result};
use crate::image::Image;
use crate::image::progress::{Event, Progress};
use crate::runtime::idmap::{IdMap, Userns};
use crate::runtime::joined::USER;
use crate::runtime::launch::{Accounts, Donor, HostUser, Join, Launch};
use crate::runtime::userns::{self, Mapping};
use crate::storage::owners::{self, Needed};
use crate::storage::{fs, lock, tree};

/// The choice of a container that is being made.
const CHOICE: &str = "ids.json";
/// No more of the image's passwd and group files is read.
const MAX_FILE: u64 = 1 << 20;

/// Decides. The caller is in the user's namespace, `mapping` is that one's; `draft` is the directory of what is made.
pub fn decide(
    engine: &Engine,
    store: &Store,
    options: &CreateOptions,
    mapping: &Mapping,
    image: Option<&Image>,
    draft: &Path,
) -> Result<Decided> {
    let request = &options.userns;
    if request.mode == Mode::Host {
        return Ok(guarded(options, mapping));
    }
    let given = given(request, mapping)?;
    let default_user = request.default_user(&given);
    let (map, of) = match &request.mode {
        Mode::Container(name) => {
            let found = store.find(name).context("looking up container to share user namespace with")?;
            (found.record.id_map, Some(UsernsOf::Container(found.record.id)))
        }
        Mode::Path(path) => {
            let map = userns::map_of_file(path).context("cannot find specified user namespace path")?;
            (map, Some(UsernsOf::Path(path.clone())))
        }
        Mode::Auto { .. } => {
            let needed = match image {
                // Whoever says how many does not want to be told.
                Some(image) if !matches!(request.mode, Mode::Auto { size: Some(_), .. }) => {
                    needed(engine, &image.layers, options.user.as_ref().unwrap_or(&image.config.user))?
                }
                _ => Needed::default(),
            };
            (Some(allocate(store, &request.mode, &given, needed, draft)?), None)
        }
        _ => (request.plan(&given)?, None),
    };
    // The name of the number that the user has outside.
    let name = default_user.as_ref().map(|_| userns::user_name(given.uid)).unwrap_or_default();
    let shift = map.as_ref().and_then(|map| Shift::of(map, &given.own));
    Ok(Decided { map, of, shift, default_user, name, guarded: false })
}

/// A container that sees the host's processes gets a user namespace of its own, with the IDs that it would have had. In the
/// user's, its root would own the namespaces of `--userns=auto` below, whoever it becomes, and could read the environment
/// of every process there. Who is given the power to look into others (or asks for `--userns=host`) has it as in the
/// reference.
fn guarded(options: &CreateOptions, mapping: &Mapping) -> Decided {
    let may_look = |capability: &String| {
        let name = capability.to_ascii_uppercase();
        matches!(name.strip_prefix("CAP_").unwrap_or(&name), "ALL" | "SYS_ADMIN" | "SYS_PTRACE")
    };
    let is_asked_for = options.privileged || options.cap_add.iter().any(may_look) || !options.userns.typed.is_empty();
    if options.pid != Sharing::Host || is_asked_for {
        return Decided::default();
    }
    let own = mapping.id_map();
    let same =
        |side: &[userns::Extent]| side.iter().map(|e| userns::Extent { host_id: e.container_id, ..*e }).collect();
    Decided { map: Some(IdMap { uids: same(&own.uids), gids: same(&own.gids) }), guarded: true, ..Decided::default() }
}

fn given(request: &Request, mapping: &Mapping) -> Result<Given> {
    let own = mapping.id_map();
    let first = |side: &[userns::Extent]| side.first().map_or(0, |e| e.host_id);
    let named = |file: &str, kind: &str, name: &Option<String>| -> Result<Vec<(u32, u32)>> {
        let Some(name) = name else { return Ok(Vec::new()) };
        let ranges = userns::named_ranges(Path::new(file), name)?;
        if ranges.is_empty() {
            return Err(Error::new(format!("no {kind} ranges found for user \"{name}\" in {file}")));
        }
        Ok(ranges.into_iter().map(|range| (range.start, range.count)).collect())
    };
    Ok(Given {
        uid: first(&own.uids),
        gid: first(&own.gids),
        single: mapping.is_single(),
        named_uids: named("/etc/subuid", "subuid", &request.subuid_name)?,
        named_gids: named("/etc/subgid", "subgid", &request.subgid_name)?,
        own,
    })
}

/// What the image's users and files and the container's own user need.
fn needed(engine: &Engine, layers: &[String], user: &str) -> Result<Needed> {
    let paths: Vec<_> = layers.iter().rev().map(|id| engine.roots.layers().join(id)).collect();
    let read = |path: &[u8]| tree::read::read_file(&paths, path, MAX_FILE).map(Option::unwrap_or_default);
    let by_files = plan::needed_by(&read(b"etc/passwd")?, &read(b"etc/group")?);
    let number: Option<u32> = user.split(':').next().and_then(|name| name.parse().ok());
    let owners = layers.iter().zip(paths.iter().rev());
    let owners = owners.map(|(id, path)| owners::of_layer(path, &engine.roots.owners().join(id)));
    Ok(owners.fold(by_files.and(number.map(Needed::of).unwrap_or_default()), Needed::and))
}

fn allocate(store: &Store, mode: &Mode, given: &Given, needed: Needed, draft: &Path) -> Result<IdMap> {
    let roots = store.roots();
    let _lock = lock::exclusive(&roots.data().join("ids.lock"))?;
    // Drafts first: one that becomes a container meanwhile is seen twice, and not never.
    let mut used = choices(&roots.tmp());
    let (containers, damaged) = store.list_with_damaged()?;
    if !damaged.is_empty() {
        // One whose record cannot be read may run all the same. The choice came with it.
        used.extend(choices(&roots.containers()));
    }
    // Whoever shares the mapping of another has none of its own, nor has who has the user's (see `guarded`).
    let containers =
        containers.into_iter().filter(|c| c.record.userns_of.is_none() && !c.record.userns_mode.is_empty());
    used.extend(containers.filter_map(|c| c.record.id_map));
    let map = plan::auto(mode, given, needed, &used.iter().collect::<Vec<_>>())?;
    fs::write_private(&draft.join(CHOICE), &serde_json::to_vec(&map)?)?;
    Ok(map)
}

/// Gives a copy of a container of `--userns=auto` a range of its own. `draft` is the directory of the copy. What it returns
/// is to be kept until the record is written.
pub fn renew(engine: &Engine, store: &Store, record: &mut Record, draft: &Path) -> Result<Option<Shown>> {
    let mapping = super::enter_userns(engine)?;
    let old = record.id_map.clone().unwrap_or_default();
    let typed = match record.auto_userns.as_str() {
        // One of an earlier version: as many as it has.
        "" => format!("auto:size={}", old.uids.iter().map(|e| e.size).sum::<u32>()),
        typed => typed.to_owned(),
    };
    let request = Request::parse(Some(&typed), (&[], &[]), (None, None))?;
    let needed = match request.mode {
        Mode::Auto { size: None, .. } => needed(engine, &record.layers, &record.user)?,
        _ => Needed::default(),
    };
    let map = allocate(store, &request.mode, &given(&request, mapping)?, needed, draft)?;
    let shift = Shift::of(&map, &mapping.id_map());
    let before = record.shift.as_ref().map(Shift::options);
    spec_with(draft, &map)?;
    if let (Some(before), Some(shift)) = (before, &shift) {
        show_images(draft, &before, &shift.options())?;
    }
    let tree = match (&record.shown, &shift) {
        (Some(_), Some(shift)) => Some(shown::obtain(&engine.roots, &record.layers, shift, &|| {})?),
        _ => None,
    };
    record.shown = tree.as_ref().map(|tree| tree.key.clone());
    record.shift = shift.filter(|_| record.shift.is_some());
    record.id_map = Some(map);
    Ok(tree)
}

fn spec_with(dir: &Path, map: &IdMap) -> Result<()> {
    let path = dir.join("config.json");
    let mut spec: Spec =
        serde_json::from_slice(&fs::read(&path)?).with_context(|| format!("reading `{}`", path.display()))?;
    crate::container::spec::set_id_map(&mut spec, map)?;
    fs::write_private(&path, &serde_json::to_vec(&spec)?)
}

/// Images that fuse-overlayfs mounts in the container are shown with the other owners too.
fn show_images(dir: &Path, before: &(String, String), after: &(String, String)) -> Result<()> {
    let path = dir.join("launch.json");
    let mut launch: Launch =
        serde_json::from_slice(&fs::read(&path)?).with_context(|| format!("reading `{}`", path.display()))?;
    for fuse in launch.overlays.iter_mut().filter(|fuse| (&fuse.uids, &fuse.gids) == (&before.0, &before.1)) {
        (fuse.uids, fuse.gids) = after.clone();
    }
    fs::write_private(&path, &serde_json::to_vec(&launch)?)
}

/// The choices of containers whose directories are in this one.
fn choices(dir: &Path) -> Vec<IdMap> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let texts = entries.filter_map(|entry| std::fs::read(entry.path().join(CHOICE)).ok());
    texts.filter_map(|text| serde_json::from_slice(&text).ok()).collect()
}

/// The tree that the kernel's overlay needs to show the image so; made if there is none.
pub fn shown(engine: &Engine, image: &Image, shift: &Shift, progress: &dyn Progress) -> Result<Shown> {
    let making = || {
        let name = image.names.first().unwrap_or(&image.id);
        progress.event(Event::Line(format!("Showing {name} with the owners of this mapping, once...")));
    };
    shown::obtain(&engine.roots, &image.layers, shift, &making)
}

/// Removes trees that no container uses; if `all` is false, only those that nobody can use any more. The caller is in the
/// user's namespace.
pub fn prune_shown(engine: &Engine, all: bool) -> Result<()> {
    let store = containers(engine);
    let in_use = || Ok(store.list()?.into_iter().filter_map(|c| c.record.shown).collect());
    shown::prune(&engine.roots, all, &in_use)
}

/// The user namespace that a container starts in, `None` is the user's; and where it is if it is another's. That is looked
/// for at each start, also by the monitor: when it restarts its container, the other may be another process by then.
///
/// # Errors
/// It is that of a container that does not run.
pub fn of(engine: &Engine, record: &Record) -> Result<(Option<Userns>, Option<Join>)> {
    let Some(map) = &record.id_map else { return Ok((None, None)) };
    let of = match &record.userns_of {
        None => return Ok((Some(Userns::Own(map.clone())), None)),
        Some(UsernsOf::Path(path)) => Donor::Path(path.clone()),
        Some(UsernsOf::Container(id)) => {
            let context = || format!("joining the user namespace of container {id}");
            let other = settle(engine, id).with_context(context)?;
            if !matches!(other.state.status, Status::Running | Status::Paused | Status::Initialized) {
                let name = &other.record.name;
                return Err(Error::new(format!("container `{name}` is not running"))
                    .wrap(context())
                    .hint(format!("start it first: coracle start {name}")));
            }
            Donor::Container(id.clone())
        }
    };
    Ok((Some(Userns::Join(map.clone())), Some(Join { namespace: USER, of })))
}

/// Gives the files that the engine writes for the container to its root.
pub fn give_files(record: &Record, dir: &Path) -> Result<()> {
    let Some(map) = &record.id_map else { return Ok(()) };
    let (uid, gid) = map.owner();
    for name in ["hosts", "hostname", "resolv.conf", ".containerenv"] {
        let path = dir.join(name);
        match std::os::unix::fs::lchown(&path, Some(uid), Some(gid)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::from(error).wrap(format!("giving `{}` to the container's root", path.display())));
            }
            _ => {}
        }
    }
    Ok(())
}

/// With keep-id, the user who runs the container has a name in it, as long as the image has none for that ID.
pub fn add_user(accounts: &mut Accounts, decided: &Decided) {
    let Some((uid, gid)) = decided.default_user.as_deref().and_then(|user| user.split_once(':')) else { return };
    let (Ok(uid), Ok(gid)) = (uid.parse(), gid.parse()) else { return };
    let name = decided.name.clone();
    accounts.host_users.push(HostUser { name, uid, gid, only_if_free: true, ..HostUser::default() });
}
