//! Entering the user namespace for a container that is about to be connected by the network anchor.
//!
//! The anchor can connect only containers whose namespaces belong to its own user namespace. So who finds an anchor joins
//! that of the anchor, and who finds none takes the right to start it before a user namespace is made, and starts it as
//! soon as that stands. A connection keeps it until the monitor has its own.

use std::net::IpAddr;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::net::sockopt;

use super::{Engine, uplink};
use crate::engine::{ENTERED, entered};
use crate::error::{Context as _, Kind, Result};
use crate::network::Mode;
use crate::network::anchor::Place;
use crate::network::anchor::client::{self, Client, Found};
use crate::network::config::{Conf, Location, RootlessCmd};
use crate::network::files::Host;
use crate::network::files::resolv::{self, Resolv};
use crate::runtime::userns::{self, Pending, Whose};
use crate::storage::atomic::{self, Durability};

const PATIENCE: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(2);

/// The connection of this process.
static HELD: OnceLock<Client> = OnceLock::new();

/// On the way into the user namespace.
#[derive(Debug)]
#[must_use = "the namespace has no IDs before `finish`"]
pub struct Entry {
    place: Place,
    pending: Pending,
    found: Found,
}

/// The anchor of this user.
pub fn place(engine: &Engine, conf: &Conf, location: Location, uplink: RootlessCmd) -> Result<Place> {
    Ok(Place {
        runroot: engine.roots.run().to_owned(),
        location,
        uplink,
        program: super::program(engine, conf, uplink),
        options: conf.defaults.of_uplink(uplink)?.to_owned(),
        containers: engine.roots.containers(),
    })
}

/// The same, as far as it has to be read.
pub fn find_place(engine: &Engine) -> Result<Place> {
    let conf = super::conf(engine)?;
    let uplink = uplink(engine, conf);
    place(engine, conf, engine.networks.location(conf), uplink)
}

/// Begins to move this process, which has one thread and has not entered it yet, into the user namespace.
pub fn begin(engine: &Engine, place: Place) -> Result<Entry> {
    loop {
        let found = client::find(&place)?;
        let whose = match &found {
            Found::Anchor(_) => Whose::Anchor,
            Found::Nobody(right) => Whose::Like(right.user_namespace()),
        };
        match userns::begin_with(&engine.roots, whose) {
            Ok(pending) => return Ok(Entry { place, pending, found }),
            // It was killed just now: there is another one, or there will be.
            Err(error) if whose == Whose::Anchor && error.kind() == Kind::NoSuch => {}
            Err(error) => return Err(error),
        }
    }
}

impl Entry {
    /// Enters it. The anchor is there, or on its way, when this returns.
    pub fn finish(self) -> Result<()> {
        entered(self.pending.finish()?)?;
        let client = match self.found {
            Found::Anchor(client) => client,
            Found::Nobody(right) => client::start(&self.place, right)?,
        };
        let _ = HELD.set(client);
        Ok(())
    }
}

/// Enters the user namespace for a container that is to be connected, unless this process has done so.
pub fn enter(engine: &Engine, place: impl FnOnce() -> Result<Place>) -> Result<()> {
    if HELD.get().is_some() {
        return Ok(());
    }
    let place = place()?;
    if ENTERED.get().is_none() {
        return begin(engine, place)?.finish();
    }
    let _ = HELD.set(client::connect_or_start(&place)?);
    Ok(())
}

/// Waits (not for long) until the anchor has noticed that a container's monitor was killed: its published ports are free then.
pub fn wait_for_end(engine: &Engine, id: &str) {
    let Ok(place) = find_place(engine) else { return };
    let deadline = Instant::now() + PATIENCE;
    while let Ok(Some(client)) = client::connect(&place) {
        // One that hangs is not waited for.
        let _ = sockopt::set_socket_timeout(&client, sockopt::Timeout::Recv, Some(PATIENCE));
        let is_there = client.list().is_ok_and(|all| all.iter().any(|one| one.id == id));
        if !is_there || Instant::now() >= deadline {
            return;
        }
        std::thread::sleep(STEP);
    }
}

/// Puts another file over /etc/resolv.conf in this process's mount namespace: who resolves names on the host's loopback is not to be
/// reached from that of the bridges.
fn show_resolver(place: &Place, resolver: Option<IpAddr>) -> Result<()> {
    const FILE: &str = "/etc/resolv.conf";
    // There is nothing that it could be mounted over.
    if resolver.is_none() || !Path::new(FILE).exists() {
        return Ok(());
    }
    let host = Host::gather(&Mode::Bridge)?;
    let resolv = Resolv { base: &host.resolv, private: true, forwarder: resolver, ..Resolv::default() };
    let file = place.runroot.join("network/resolv.conf");
    atomic::write_with_mode(&file, resolv::render(&resolv).as_bytes(), 0o644, Durability::Process)?;
    rustix::mount::mount_bind(&file, FILE).with_context(|| format!("mounting `{}`", file.display()))
}

/// Moves this process into the namespace of the bridges, which stands as long as it and what it executes do.
pub fn enter_network(engine: &Engine) -> Result<()> {
    let place = find_place(engine)?;
    enter(engine, || Ok(place.clone()))?;
    let Some(client) = HELD.get() else { return Ok(()) };
    let resolver = client.ready()?;
    show_resolver(&place, resolver).context("saying in /etc/resolv.conf who answers there")?;
    client.enter_network(&place)?;
    // Whatever is executed keeps the connection.
    rustix::io::fcntl_setfd(client, rustix::io::FdFlags::empty()).context("passing the connection on")
}
