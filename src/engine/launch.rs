//! Starting the monitor of a container that exists.

use std::os::fd::OwnedFd;
use std::path::Path;

use super::network::{self as networks, Facts};
use super::{Engine, enter_userns, idmap, secrets, volumes};
use crate::container::store::Container;
use crate::container::{Record, restart, snapshot, timezone};
use crate::error::{Context, Result};
use crate::monitor::launch::{Launched, launch};
use crate::monitor::{self, config::Config};
use crate::network::config::RootlessCmd;
use crate::network::files::{self, HostsFile};
use crate::network::{self, Mode};
use crate::runtime::launch::{Given, Launch};
use crate::runtime::secrets::Secrets;
use crate::storage::atomic::{self, Durability};
use crate::storage::{Roots, fs, tree};
use crate::sys::signal::SignalSet;

/// What differs from one start to another.
#[derive(Debug, Default)]
pub struct How {
    /// Set up everything but let the command wait (`init`).
    pub hold: bool,
    /// A connected socket that gets all of the output.
    pub client: Option<OwnedFd>,
    /// Rows and columns that the container's terminal begins with.
    pub window: Option<(u16, u16)>,
    /// What the command gets besides its standard streams.
    pub given: Vec<Given>,
    /// Signals that are to be kept for the container.
    pub signals: Option<SignalSet>,
    /// The secrets, where the caller has them already.
    pub secrets: Option<OwnedFd>,
}

/// Starts the container: its monitor runs when this returns, and its command unless it is to wait.
pub fn start(engine: &Engine, container: &Container, how: How) -> Result<Launched> {
    let record = &container.record;
    // Programs that keep secrets expect to be called by the user: before the namespace is entered.
    let given_secrets = match how.secrets {
        Some(given) => Some(given),
        None => secrets::of_record(engine, record)?,
    };
    super::depend::start_needed(engine, record)?;
    let network = Facts::for_start(engine, record)?;
    let mut plan = network::Plan::new(network.mode.clone(), record.ports.clone());
    plan.program = match &network.mode {
        Mode::Slirp4netns(_) => networks::program(engine, networks::conf(engine)?, RootlessCmd::Slirp4netns),
        Mode::Pasta(_) => networks::program(engine, networks::conf(engine)?, RootlessCmd::Pasta),
        _ => None,
    };
    plan.check()?;
    if let Some(place) = &network.anchor {
        networks::anchor::enter(engine, || Ok(place.clone()))?;
    }
    enter_userns(engine)?;
    let dir = engine.roots.container(&record.id);
    write_files(engine, record, &network, &dir)?;
    idmap::give_files(record, &dir)?;
    fs::create_private_dir_all(&engine.roots.run_container(&record.id))?;
    let launch_file = fs::read(&dir.join("launch.json"))?;
    let mut base: Launch =
        serde_json::from_slice(&launch_file).with_context(|| format!("reading `{}`", dir.display()))?;
    base.window = how.window;
    base.ipv6 = network.ipv6;
    let joined;
    (base.userns, joined) = idmap::of(engine, record)?;
    base.joins.extend(joined);
    if base.userns.is_some() {
        base.namespaces |= nix::libc::CLONE_NEWUSER as u64;
    }
    base.secrets = given_secrets.as_ref().map(|_| Secrets {
        fd: monitor::SECRETS_FD,
        keep: !record.env_secrets.is_empty() || restart::is_active(&record.restart),
    });
    let mut fuse = None;
    if !record.is_on_directory() {
        (base.root, fuse) = snapshot::root(record, &dir, &engine.roots);
    }
    let _volumes = volumes::ready(engine, record)?;
    let config = Config {
        id: record.id.clone(),
        root: engine.roots.data().to_owned(),
        runroot: engine.roots.run().to_owned(),
        launch: base,
        log: record.log.clone(),
        restart: record.restart.clone(),
        auto_remove: record.auto_remove,
        auto_remove_image: record.auto_remove_image,
        timeout: record.timeout,
        network: record.network.clone(),
        network_program: plan.program,
        anchor: network.anchor,
        ports: record.ports.clone(),
        hold: how.hold,
        fuse,
        pid_file: record.pid_file.clone(),
        monitor_pid_file: record.monitor_pid_file.clone(),
        first_client: how.client.is_some(),
        preserved: how.given.iter().map(|given| given.number).collect(),
    };
    let given = how.given.into_iter().map(|given| given.fd).collect();
    launch(&config, how.client, given, given_secrets, how.signals.as_ref())
}

/// The files that speak of names and addresses; they may have changed on the host since the last start.
fn write_files(engine: &Engine, record: &Record, network: &Facts, dir: &Path) -> Result<()> {
    let container_env = if record.privileged {
        files::ContainerEnv {
            name: &record.name,
            id: &record.id,
            image: &record.image_name,
            image_id: &record.image_id,
            rootless: true,
        }
        .render()
    } else {
        String::new()
    };
    let hosts_file = HostsFile::parse(&record.hosts_file)?;
    let image_hosts = match hosts_file {
        HostsFile::Image => hosts_of_image(record, &engine.roots)?,
        _ => String::new(),
    };
    if !record.timezone.is_empty() {
        let zone = timezone::read(&record.timezone)?;
        atomic::write_with_mode(&dir.join("localtime"), &zone, 0o644, Durability::Process)?;
    }
    let request = files::Request { hosts_file, image_hosts: &image_hosts, container_env, ..request(record, network) };
    files::write(dir, &request, &network.host).map(drop)
}

/// What the record says of the files, but for what has to be read.
fn request<'a>(record: &'a Record, network: &'a Facts) -> files::Request<'a> {
    files::Request {
        mode: &network.mode,
        bridges: network.bridges.clone(),
        hostname: &record.hostname,
        container_name: &record.name,
        add_host: &record.add_host,
        dns: &record.dns,
        dns_search: &record.dns_search,
        dns_option: &record.dns_option,
        hosts_file: HostsFile::Host,
        image_hosts: "",
        no_hosts: record.no_hosts,
        no_hostname: record.no_hostname,
        container_env: String::new(),
    }
}

/// Writes the resolv.conf of a running container whose networks have changed.
pub(super) fn rewrite_resolv_conf(record: &Record, network: &Facts, dir: &Path) -> Result<()> {
    files::set_resolv_conf(dir, &request(record, network), &network.host)
}

/// No sensible image has a larger one.
const MAX_HOSTS: u64 = 1 << 20;

/// The image's own /etc/hosts; empty where it has none.
fn hosts_of_image(record: &Record, roots: &Roots) -> Result<String> {
    let layers = snapshot::layer_paths(record, roots);
    let bytes = tree::read::read_file(&layers, b"etc/hosts", MAX_HOSTS)?;
    Ok(String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned())
}
