//! Making a container.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use super::{
    Engine, accounts, containers, depend, enter_userns, entered, idmap, images, names, network as networks, secrets,
    volumes,
};
use crate::container::cdi;
use crate::container::mounts::MountKind;
use crate::container::options::{CreateOptions, PullPolicy, Source};
use crate::container::record::{MountedImage, UsernsOf};
use crate::container::security::SeccompChoice;
use crate::container::spec::{self, HostFacts, Place, Prepared};
use crate::container::store::{Draft, Store, Wanted, is_valid_name};
use crate::container::{Record, State, snapshot};
use crate::error::{Error, Kind, Result};
use crate::image::Image;
use crate::image::progress::Progress;
use crate::network::{self, Mode};
use crate::runtime::caps::CapSet;
use crate::runtime::launch::{Accounts, Launch, Root};
use crate::runtime::{seccomp, userns};
use crate::storage::atomic::Durability;
use crate::storage::{fs, id};

/// A container that has been made.
#[derive(Debug)]
pub struct Created {
    pub id: String,
    pub warnings: Vec<String>,
    /// Keeps it from being pruned before it is started.
    pub wanted: Wanted,
    /// Its secrets, for who starts it at once.
    pub secrets: Option<OwnedFd>,
}

/// On the way into the user namespace.
enum Entering {
    Plain(userns::Pending),
    Connected(networks::anchor::Entry),
}

/// Makes a container from an image, which is pulled if the policy says so.
///
/// # Errors
/// The name is in use ([`Kind::InUse`]), the image is not to be had, an option does not fit the host.
pub fn create(engine: &Engine, options: &CreateOptions, progress: &dyn Progress) -> Result<Created> {
    create_for(engine, options, progress, Purpose::Keep)
}

/// What a new container is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Keep,
    /// It is started at once.
    Start,
}

/// The same, for a container that is perhaps started at once.
pub fn create_for(
    engine: &Engine,
    options: &CreateOptions,
    progress: &dyn Progress,
    purpose: Purpose,
) -> Result<Created> {
    let store = containers(engine);
    // Whatever needs the user's own IDs or the host's network comes before the namespace.
    let (options, mut needs) = depend::resolve(&store, options)?;
    let options = options.as_ref();
    let host = HostFacts::gather(false, options.privileged)?;
    let network = networks::choose(engine, options)?;
    let options = &*networks::with_defaults(engine, options, &network)?;
    let options = &*networks::with_own_namespace(options, &network)?;
    spec::check(options, &network.mode)?;
    let options = &*with_inherited(&store, options)?;
    let cdi = cdi::resolve(&options.cdi, &options.cdi_directories)?;
    cdi.devices.iter().try_for_each(crate::container::devices::Device::check)?;
    if let Some(name) = &options.name {
        check_name(name)?;
        if options.replace {
            replace(engine, &store, name)?;
        } else {
            store.check_name_is_free(name)?;
        }
    }
    let id = id::random_id()?;
    let secrets = secrets::provide(engine, &options.secrets, &id)?;
    secrets::prepare(engine, &needs.ids)?;
    let host_users = accounts::host_users(&options.host_users)?;
    let pending = match super::ENTERED.get() {
        Some(_) => None,
        None if purpose == Purpose::Start && network.mode == Mode::Bridge.name() => {
            let place = networks::anchor::find_place(engine)?;
            Some(Entering::Connected(networks::anchor::begin(engine, place)?))
        }
        None => Some(Entering::Plain(userns::begin(&engine.roots)?)),
    };
    // The helpers write the maps while the image is looked for.
    let found = match &options.source {
        Source::Image(name) if options.pull.policy == PullPolicy::Missing => find_local(engine, name, options)?,
        _ => None,
    };
    match pending {
        Some(Entering::Plain(pending)) => drop(entered(pending.finish()?)?),
        Some(Entering::Connected(entry)) => entry.finish()?,
        None => {}
    }
    let mapping = enter_userns(engine)?;
    let mut warnings = Vec::new();
    warnings.extend(mapping.single_because.as_ref().map(|why| format!("only one ID is mapped: {why}")));
    if mapping.maps_host_root() && options.privileged {
        warnings.push(
            "run by root, a privileged container owns what root owns: it can change the host (as an ordinary user's cannot)"
                .to_owned(),
        );
    }
    let image = match (&options.source, found) {
        (Source::Rootfs { .. }, _) => None,
        (Source::Image(_), Some(image)) => Some(image),
        (Source::Image(name), None) => {
            Some(super::image::obtain(engine, name, &options.pull, progress, &mut warnings)?)
        }
    };
    if let Some(image) = &image {
        warnings.extend(super::image::foreign_platform(image));
    }

    let draft = store.draft(&id)?;
    let decided = idmap::decide(engine, &store, options, mapping, image.as_ref(), draft.dir())?;
    let mut driver = snapshot::choose_driver(&engine.roots, engine.driver.as_deref())?;
    let mut shown = None;
    if let (Some(shift), Some(image)) = (&decided.shift, &image) {
        driver = snapshot::shifting_driver(driver, engine.driver.is_some());
        if driver == "overlay" {
            shown = Some(idmap::shown(engine, image, shift, progress)?);
        }
    }
    let terminals = decided.map.as_ref().map_or_else(|| mapping.has_gid(5), |map| map.has_gid(5));
    if let Some(UsernsOf::Container(id)) = &decided.of
        && !needs.ids.contains(id)
    {
        needs.ids.push(id.clone());
    }
    let shows_images = decided.shift.is_some() && options.mounts.iter().any(|m| matches!(m.kind, MountKind::Image(_)));
    let fuse_shows = shows_images && snapshot::fuse_works();
    if shows_images && driver == "overlay" && !fuse_shows {
        warnings.push(
            "mounted images are shown with their own owners: fuse-overlayfs, which could change them, is missing"
                .to_owned(),
        );
    }
    let place = Place {
        name: match &options.name {
            Some(name) => name.clone(),
            None => free_name(&store)?,
        },
        created: jiff::Timestamp::now(),
        container_dir: engine.roots.container(&id),
        run_dir: engine.roots.run_container(&id),
        volumes: engine.roots.volumes(),
        driver,
        create_command: std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect(),
        network: network.mode.clone(),
        host: HostFacts { single_id_mapping: !terminals, ..host },
        userns: decided,
        fuse_shows,
        layers_dir: engine.roots.layers(),
        images: mounted_images(engine, options)?,
        joined_hostname: needs.hostname,
        joins_shm: needs.shm,
        joined_network: needs.network,
        dependencies: needs.ids,
        cdi,
        id,
    };
    let mut prepared = spec::prepare(options, image.as_ref(), &place)?;
    prepared.record.ports = ports(options, image.as_ref(), &prepared.record)?;
    prepared.record.secrets = secrets.files.clone();
    prepared.record.env_secrets = secrets.variables.clone();
    warnings.append(&mut prepared.warnings);
    depend::mark(&store, &prepared.record.dependencies)?;
    prepared.record.shown = shown.as_ref().map(|shown| shown.key.clone());
    let durability = if options.auto_remove { Durability::Process } else { Durability::Power };
    let accounts = (!options.no_passwd).then(|| {
        let mut accounts = Accounts {
            passwd_entry: options.passwd_entry.clone(),
            group_entry: options.group_entry.clone(),
            host_users,
        };
        idmap::add_user(&mut accounts, &place.userns);
        accounts
    });
    let wanted_networks = network.wanted(&prepared.record)?;
    prepared.record.networks = wanted_networks.as_ref().map(|wanted| wanted.names()).unwrap_or_default();
    let filled = fill(engine, &draft, &prepared, options, accounts)
        .and_then(|()| secrets.write(draft.dir(), durability))
        .and_then(|()| wanted_networks.map_or(Ok(()), |wanted| wanted.write(draft.dir(), durability)));
    if let Err(error) = filled {
        return Err(error.wrap("creating the container"));
    }
    let kept = volumes::named(engine, &prepared.volumes)?;
    let wanted = store.commit(draft, &prepared.record, &State::default(), durability)?;
    let used = image.iter().map(|image| &image.id).chain(prepared.record.mounted_images.iter().map(|image| &image.id));
    for id in used {
        if !images(engine)?.is_kept(id)? {
            store.detach(&prepared.record)?.delete()?;
            return Err(Error::of(Kind::NoSuch, format!("image `{id}` was removed meanwhile")));
        }
    }
    // Last, so that none is left of a container that is not to be.
    if let Err(error) = volumes::anonymous(engine, &prepared.volumes, durability) {
        drop(kept);
        let volumes = crate::container::volumes::detach_anonymous(&store, &prepared.record)?;
        let trash = store.detach(&prepared.record)?;
        volumes.delete().and(trash.delete())?;
        return Err(error.wrap("creating the container"));
    }
    drop((kept, shown));
    if let Some(path) = &options.cid_file {
        fs::write(path, place.id.as_bytes())?;
    }
    Ok(Created { id: place.id, warnings, wanted, secrets: secrets.memory })
}

/// The options with what `--volumes-from` brings.
fn with_inherited<'a>(store: &Store, options: &'a CreateOptions) -> Result<Cow<'a, CreateOptions>> {
    if options.volumes_from.is_empty() {
        return Ok(Cow::Borrowed(options));
    }
    let mut options = options.clone();
    for (_, from) in &options.volumes_from {
        let found = store.find(&from.container).map_err(|e| {
            e.with_kind(Kind::Engine).wrap(format!("looking up container \"{}\" for volumes-from", from.container))
        })?;
        options.inherited.extend(from.mounts(&found.record));
    }
    Ok(Cow::Owned(options))
}

/// Whether a name may be given to a container.
pub fn check_name(name: &str) -> Result<()> {
    if is_valid_name(name) {
        return Ok(());
    }
    Err(Error::new(format!("invalid container name `{name}`: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*")))
}

fn replace(engine: &Engine, store: &Store, name: &str) -> Result<()> {
    match store.resolve(name) {
        Ok(id) => {
            let options = super::RemoveOptions { force: true, timeout: Some(0), ..Default::default() };
            super::remove(engine, &id, options).map_err(|e| e.wrap(format!("replacing container `{name}`")))
        }
        Err(error) if error.kind() == Kind::NoSuch => Ok(()),
        Err(error) => Err(error),
    }
}

fn find_local(engine: &Engine, name: &str, options: &CreateOptions) -> Result<Option<Image>> {
    // Another platform than the one that is there has to be looked for.
    if options.pull.platform != Default::default() {
        return Ok(None);
    }
    match images(engine)?.find(name) {
        Ok(image) => Ok(Some(image)),
        Err(error) if error.kind() == Kind::NoSuch => Ok(None),
        Err(error) => Err(error),
    }
}

fn free_name(store: &Store) -> Result<String> {
    for attempt in 0..100 {
        let name = names::random(attempt)?;
        if store.check_name_is_free(&name).is_ok() {
            return Ok(name);
        }
    }
    Err(Error::new("no random name is free").hint("give the container one with `--name`"))
}

fn ports(
    options: &CreateOptions,
    image: Option<&Image>,
    record: &Record,
) -> Result<Vec<crate::container::record::PortMapping>> {
    let mut requests = Vec::new();
    for text in &options.publish {
        requests.extend(network::ports::parse(text)?);
    }
    if options.publish_all {
        let mut exposed = record.exposed_ports.clone();
        exposed.extend(image.map(|i| i.config.exposed_ports.clone()).unwrap_or_default());
        exposed.sort();
        exposed.dedup();
        requests.extend(network::ports::publish_all(&exposed, &requests)?);
    }
    if requests.is_empty() {
        return Ok(Vec::new());
    }
    let mode = Mode::parse(&record.network)?;
    if !mode.publishes_ports() {
        // As the reference: ports of a container that shares the host's network are published already.
        return Ok(Vec::new());
    }
    network::ports::assign(requests)
}

/// Everything in the container's directory but its record and state.
fn fill(
    engine: &Engine,
    draft: &Draft,
    prepared: &Prepared,
    options: &CreateOptions,
    accounts: Option<Accounts>,
) -> Result<()> {
    let (record, dir) = (&prepared.record, draft.dir());
    let final_dir = engine.roots.container(&record.id);
    let mut spec = prepared.spec.clone();
    let capabilities = CapSet::from_names(&record.bounding_caps)?;
    let (filter, profile) = match &prepared.seccomp {
        SeccompChoice::Unconfined => (None, None),
        SeccompChoice::Default => (Some(seccomp::default_filter(capabilities)?), Some(seccomp::to_oci(capabilities))),
        SeccompChoice::File(path) => {
            let profile = seccomp::oci_from_file(path, capabilities)?;
            let filter = seccomp::from_oci(&profile)
                .map_err(|e| e.wrap(format!("compiling seccomp profile `{}`", path.display())))?;
            (Some(filter), Some(profile))
        }
    };
    if let Some(filter) = &filter {
        fs::write_private(&dir.join("seccomp.bpf"), &filter.to_bytes())?;
    }
    if profile.is_some()
        && let Some(mut linux) = spec.linux().clone()
    {
        linux.set_seccomp(profile);
        spec.set_linux(Some(linux));
    }
    fs::write_private(&dir.join("config.json"), &serde_json::to_vec(&spec)?)?;
    let root = match &options.source {
        Source::Rootfs { path, overlay: false } => Root::Directory(path.clone()),
        Source::Rootfs { .. } | Source::Image(_) => {
            let layers = snapshot::base(record, &engine.roots);
            snapshot::create(dir, &record.driver, &layers, record.shift.as_ref())?;
            Root::default()
        }
    };
    let launch = Launch {
        spec: final_dir.join("config.json"),
        seccomp: filter.map(|_| final_dir.join("seccomp.bpf")),
        fenced: record.restricted,
        root,
        namespaces: namespaces(&spec),
        tty: record.tty,
        window: None,
        stdin: record.open_stdin,
        passthrough: record.log.driver == "passthrough",
        ipv6: Mode::parse(&record.network)?.has_ipv6(),
        init: record.init,
        create_cwd: options.workdir.is_none(),
        groups: record.group_add.iter().chain(&prepared.device_groups).cloned().collect(),
        userns: None,
        accounts,
        secrets: None,
        joins: prepared.joins.clone(),
        scratch: prepared.scratch.clone(),
        overlays: prepared.overlays.clone(),
    };
    fs::write_private(&dir.join("launch.json"), &serde_json::to_vec(&launch)?)?;
    for path in &prepared.directories {
        let path = dir.join(path.strip_prefix(&final_dir).unwrap_or(path));
        fs::create_private_dir_all(&path)?;
    }
    Ok(())
}

/// The images that are mounted in it, by their names.
fn mounted_images(engine: &Engine, options: &CreateOptions) -> Result<BTreeMap<String, MountedImage>> {
    let mut found = BTreeMap::new();
    for mount in &options.mounts {
        let MountKind::Image(image) = &mount.kind else { continue };
        if !found.contains_key(&image.name) {
            // As in the reference, it is not pulled.
            let one = images(engine)?.find(&image.name).map_err(|e| {
                e.wrap(format!("creating image volume \"{}\":\"{}\"", image.name, mount.destination.display()))
                    .hint(format!("`coracle pull {}` gets it from a registry", image.name))
            })?;
            found.insert(image.name.clone(), MountedImage { id: one.id, layers: one.layers });
        }
    }
    Ok(found)
}

fn namespaces(spec: &oci_spec::runtime::Spec) -> u64 {
    use oci_spec::runtime::LinuxNamespaceType as Kind;
    let list = spec.linux().as_ref().and_then(|l| l.namespaces().as_deref()).unwrap_or_default();
    list.iter().filter(|n| n.path().is_none()).fold(0, |flags, namespace| {
        flags
            | match namespace.typ() {
                Kind::Mount => libc::CLONE_NEWNS,
                Kind::Pid => libc::CLONE_NEWPID,
                Kind::Ipc => libc::CLONE_NEWIPC,
                Kind::Uts => libc::CLONE_NEWUTS,
                Kind::Network => libc::CLONE_NEWNET,
                Kind::Cgroup => libc::CLONE_NEWCGROUP,
                _ => 0,
            } as u64
    })
}
