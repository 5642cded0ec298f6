//! Containers whose packets are held (`--egress`), as they are made.
//!
//! Such a container has a user namespace of its own below the user's. The network anchor's namespace belongs to the user's: root of that
//! one, with CAP_NET_ADMIN, could make interfaces in the anchor's namespace from inside a container (the other end of every veth pair
//! names the namespace it is in, and rtnetlink takes that name). docs/design/egress-attacks.md has it with all the rest.

use std::borrow::Cow;

use super::{Choice, Engine};
use crate::container::network::{Attachment, Wanted};
use crate::container::options::CreateOptions;
use crate::container::record::Record;
use crate::container::userns;
use crate::engine::containers;
use crate::error::{Context as _, Error, Result};
use crate::network::Mode;
use crate::network::config::{Network, Store};
use crate::network::egress::{FILE, OLD_FILE, OPTION, Policy};

/// Refuses policies where nothing would hold them.
pub(super) fn check_mode(options: &CreateOptions, mode: &Mode) -> Result<()> {
    let Some(egress) = &options.egress else { return Ok(()) };
    let flag = if egress.allow.is_some() { "--egress" } else { "--egress-log" };
    match mode {
        // Nothing is what it reaches.
        Mode::None | Mode::Bridge => Ok(()),
        _ => Err(Error::new(format!("`{flag}` has no effect with `--network {}`", mode.name())).hint(
            "what a container may reach is decided on bridge networks: leave --network out, or name one of those",
        )),
    }
}

/// Whether a new container is held, by its own policy or by one of its networks'.
///
/// # Errors
/// `--egress-log` was given, and nothing is refused that could be written down; a network has no valid policy.
pub(super) fn is_held(store: &Store, options: &CreateOptions, attachments: &[Attachment]) -> Result<bool> {
    let mut networks = Vec::new();
    for attachment in attachments {
        networks.push(store.get(&attachment.network)?);
    }
    let policy = Policy::of(options.egress.as_ref(), &networks)?;
    if policy.is_none() && options.egress.as_ref().is_some_and(|egress| egress.log) {
        return Err(Error::new("`--egress-log` has nothing to write down: all is allowed")
            .hint("say with --egress what may be reached"));
    }
    Ok(policy.is_some())
}

/// The options of a container with a user namespace of its own, if it is held.
///
/// # Errors
/// `--userns=host` was given.
pub fn with_own_namespace<'a>(options: &'a CreateOptions, choice: &Choice) -> Result<Cow<'a, CreateOptions>> {
    // With `--network none` there is nothing to hold, but sockets that have nothing to do with networks.
    let asked = options.egress.as_ref().is_some_and(|egress| egress.allow.is_some());
    if !choice.held && !asked {
        return Ok(Cow::Borrowed(options));
    }
    let mut options = options.clone();
    options.restricted = true;
    if !choice.held {
        return Ok(Cow::Owned(options));
    }
    if options.userns.mode == userns::Mode::Host {
        if !options.userns.typed.is_empty() {
            return Err(Error::new(
                "`--egress` does not go with `--userns=host`: a container that shares the user namespace of the \
                 network owns what holds it",
            )
            .hint("leave --userns out: the container has the same IDs in a namespace of its own"));
        }
        options.userns.mode = userns::Mode::Own;
    }
    Ok(Cow::Owned(options))
}

/// Refuses to hold a container that was made without a restriction: it shares the network's user namespace, or has no fence around
/// its sockets, which nobody can put there later.
pub(super) fn check_made_for(record: &Record, networks: &[Network]) -> Result<()> {
    if record.restricted || Policy::of(None, networks)?.is_none() {
        return Ok(());
    }
    let with = networks.iter().find(|network| network.options.contains_key(OPTION));
    Err(Error::new(format!(
        "container {} was made without a restriction, and network {} has one: neither its user namespace nor its sockets would be held",
        record.name,
        with.map_or("", |network| network.name.as_str())
    ))
    .hint("make the container again, with `--egress` or with that network"))
}

/// What a restricted container was refused, oldest first: one JSON document on each line.
///
/// # Errors
/// There is no such container, or nothing of it is written down.
pub fn egress_log(engine: &Engine, name: &str) -> Result<Vec<u8>> {
    let found = containers(engine).find(name)?;
    let dir = engine.roots.container(&found.record.id);
    let mut log = Vec::new();
    for file in [OLD_FILE, FILE] {
        match std::fs::read(dir.join(file)) {
            Ok(bytes) => log.extend(bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(e).with_context(|| format!("reading `{}`", dir.join(file).display())),
        }
    }
    if log.is_empty() {
        let wanted = Wanted::read(&dir)?.unwrap_or_default();
        let networks = super::files::networks(&super::store(engine)?, &wanted)?;
        let policy = Policy::of(wanted.egress.as_ref(), &networks)?;
        if !policy.is_some_and(|policy| policy.log) {
            let name = &found.record.name;
            return Err(Error::new(format!("nothing is written down of what container `{name}` is refused"))
                .hint("create it with --egress and --egress-log, or its network"));
        }
    }
    Ok(log)
}
