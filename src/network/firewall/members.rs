//! Who is connected, who of them is held, and what changes when somebody comes or goes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use super::held::{self, Held};
use super::{Bridge, NUMBER, Veth, base, ingress, neighbours};
use crate::bail;
use crate::error::{Context as _, Result};
use crate::network::egress::{Control, Journal, Policy, start_watch};
use crate::network::netlink::{Protocol, Socket};
use crate::network::nft::Batch;

#[derive(Debug, Default)]
pub(super) struct Members {
    all: HashMap<String, Member>,
    /// The number given last. None is given twice.
    last: u32,
    classes: Vec<Class>,
    last_class: u32,
    /// Bridges with a held container, which answer for others.
    proxies: BTreeSet<String>,
    /// Bridge and IPv6 address that it answers for.
    answers: BTreeSet<(String, IpAddr)>,
    /// The table of neighbours is there.
    installed: bool,
    watched: bool,
}

#[derive(Debug)]
struct Member {
    veths: Vec<Veth>,
    held: Option<Known>,
}

/// A held container, as the kernel has it.
#[derive(Debug, Clone)]
struct Known {
    number: u32,
    policy: Policy,
    class: u32,
}

/// Those that are held by the same policy may talk to each other: none of them can be of use to another.
#[derive(Debug)]
struct Class {
    number: u32,
    policy: Policy,
    members: usize,
}

impl Known {
    fn with<'a>(&'a self, veths: &'a [Veth]) -> Held<'a> {
        Held { number: self.number, policy: &self.policy, veths, class: self.class, log: self.policy.log }
    }
}

impl Members {
    /// Whether the table of neighbours is there.
    pub(super) fn anyone_held(&self) -> bool {
        self.installed
    }

    pub(super) fn set(
        &mut self,
        socket: &mut Socket,
        control: &Arc<Control>,
        bridges: &BTreeMap<String, Bridge>,
        id: &str,
        veths: &[Veth],
        policy: Option<(&Policy, Option<&Arc<Journal>>)>,
    ) -> Result<()> {
        let known = self.all.get(id);
        let was_held = known.is_some_and(|member| member.held.is_some());
        control.lock().own(id, veths.iter().flat_map(|veth| veth.addresses.iter().copied()))?;
        if policy.is_none() && !was_held {
            let member = Member { veths: veths.to_vec(), held: None };
            self.all.insert(id.to_owned(), member);
            return self.settle(bridges);
        }
        if let Some(member) = known
            && let (Some(held), Some((policy, _))) = (&member.held, policy)
            && held.policy == *policy
            && member.veths == veths
        {
            return Ok(());
        }
        let what = || format!("setting the rules of container `{id}`");
        // From the first rule to the last word of control nobody opens anything.
        let mut state = control.lock();
        let mut batch = Batch::new(&base::table());
        let mut classes = std::mem::take(&mut self.classes);
        let old = known.and_then(|member| Some((member.held.clone()?, member.veths.clone())));
        let new = match policy {
            Some((policy, _)) => Some(self.plan(&mut batch, &mut classes, bridges, veths, policy, old.as_ref())?),
            None => None,
        };
        let leaves = old.as_ref().filter(|(old, _)| new.as_ref().is_none_or(|new| new.number != old.number));
        if let Some((old, veths)) = leaves {
            remove_held(&mut batch, &old.with(veths), new.is_some());
            leave(&mut batch, &mut classes, old.class);
        }
        if batch.is_empty() {
            bail!("the rules of container `{id}` did not change");
        }
        let result = batch.commit(socket).with_context(what);
        self.classes = classes;
        if let Err(error) = result {
            // Numbers of classes were counted for nothing: the kernel has what it had.
            self.recount();
            return Err(error);
        }
        match (&new, policy) {
            (Some(new), Some((policy, journal))) => {
                self.installed = true;
                if old.as_ref().is_none_or(|(old, _)| old.number != new.number) {
                    state.set(id, new.number, policy, journal.cloned());
                }
                state.set_addresses(id, veths.iter().flat_map(|veth| veth.addresses.clone()).collect());
            }
            _ => state.remove(id),
        }
        drop(state);
        self.all.insert(id.to_owned(), Member { veths: veths.to_vec(), held: new });
        if policy.is_some_and(|(policy, journal)| policy.log && journal.is_some()) && !self.watched {
            start_watch(Arc::downgrade(control))?;
            self.watched = true;
        }
        self.settle(bridges).with_context(what)
    }

    /// Adds to the batch what a container needs that is to be held.
    fn plan(
        &mut self,
        batch: &mut Batch,
        classes: &mut Vec<Class>,
        bridges: &BTreeMap<String, Bridge>,
        veths: &[Veth],
        policy: &Policy,
        old: Option<&(Known, Vec<Veth>)>,
    ) -> Result<Known> {
        if !self.installed {
            let gateways: Vec<IpAddr> = bridges.values().flat_map(Bridge::gateways).collect();
            neighbours::install(batch, &gateways);
            batch.table(&base::table());
        }
        // With the same policy, what is open stays open, and connections stay.
        if let Some((known, before)) = old.filter(|(known, _)| known.policy == *policy) {
            let (was, is) = (known.with(before), known.with(veths));
            held::remove_addresses(batch, &was);
            held::add_addresses(batch, &is);
            neighbours::remove(batch, before);
            neighbours::add(batch, veths);
            ingress::add(batch, known.number, veths, policy.log);
            batch.table(&base::table());
            return Ok(known.clone());
        }
        if self.last >= NUMBER {
            bail!("no more containers can be restricted by this network anchor");
        }
        self.last += 1;
        let class = match classes.iter_mut().find(|class| class.policy.lists == policy.lists) {
            Some(class) => {
                class.members += 1;
                class.number
            }
            None => {
                self.last_class += 1;
                held::add_class(batch, self.last_class);
                classes.push(Class { number: self.last_class, policy: policy.clone(), members: 1 });
                self.last_class
            }
        };
        let known = Known { number: self.last, policy: policy.clone(), class };
        // The old ones go first where addresses stay: a map has one element for each.
        if let Some((old, before)) = old {
            held::remove_addresses(batch, &old.with(before));
            neighbours::remove(batch, before);
            batch.table(&base::table());
        }
        let held = known.with(veths);
        held::add(batch, &held);
        neighbours::add(batch, veths);
        ingress::add(batch, known.number, veths, policy.log);
        batch.table(&base::table());
        Ok(known)
    }

    pub(super) fn remove(
        &mut self,
        socket: &mut Socket,
        control: &Arc<Control>,
        bridges: &BTreeMap<String, Bridge>,
        id: &str,
    ) -> Result<()> {
        let Some(member) = self.all.remove(id) else { return Ok(()) };
        control.lock().disown(id);
        if let Some(known) = &member.held {
            let mut state = control.lock();
            state.remove(id);
            let mut batch = Batch::new(&base::table());
            remove_held(&mut batch, &known.with(&member.veths), false);
            leave(&mut batch, &mut self.classes, known.class);
            if state.is_empty() {
                neighbours::uninstall(&mut batch);
            }
            batch.commit(socket).with_context(|| format!("removing the rules of container `{id}`"))?;
            self.installed = !state.is_empty();
        }
        self.settle(bridges)
    }

    /// Lets bridges answer for those who cannot be reached directly, as is needed now.
    fn settle(&mut self, bridges: &BTreeMap<String, Bridge>) -> Result<()> {
        let held = self.all.values().filter(|member| member.held.is_some());
        let proxies: BTreeSet<String> = held.flat_map(|m| m.veths.iter().map(|veth| veth.bridge.clone())).collect();
        if proxies.is_empty() && self.proxies.is_empty() {
            return Ok(());
        }
        let mut answers = BTreeSet::new();
        for veth in self.all.values().flat_map(|member| &member.veths) {
            if proxies.contains(&veth.bridge) {
                let six = veth.addresses.iter().filter(|address| address.is_ipv6());
                answers.extend(six.map(|address| (veth.bridge.clone(), *address)));
            }
        }
        for bridge in self.proxies.symmetric_difference(&proxies) {
            if bridges.contains_key(bridge) || proxies.contains(bridge) {
                neighbours::set_proxy(bridge, proxies.contains(bridge));
            }
        }
        self.proxies = proxies;
        if answers != self.answers {
            let mut socket = Socket::open(Protocol::Route)?;
            for (bridge, address) in self.answers.difference(&answers) {
                neighbours::proxy(&mut socket, bridge, *address, false)?;
            }
            for (bridge, address) in answers.difference(&self.answers) {
                neighbours::proxy(&mut socket, bridge, *address, true)?;
            }
            self.answers = answers;
        }
        Ok(())
    }

    /// After a batch that did not happen: who is in which class is what the members say.
    fn recount(&mut self) {
        let mut classes: Vec<Class> = Vec::new();
        for known in self.all.values().filter_map(|member| member.held.as_ref()) {
            match classes.iter_mut().find(|class| class.number == known.class) {
                Some(class) => class.members += 1,
                None => classes.push(Class { number: known.class, policy: known.policy.clone(), members: 1 }),
            }
        }
        self.classes = classes;
    }
}

/// Removes what a container had. `moved`: its addresses are another number's already.
fn remove_held(batch: &mut Batch, held: &Held<'_>, moved: bool) {
    batch.table(&base::table());
    if moved {
        held::remove_without_addresses(batch, held);
    } else {
        held::remove(batch, held);
        neighbours::remove(batch, held.veths);
    }
    ingress::remove(batch, held.number);
    batch.table(&base::table());
}

fn leave(batch: &mut Batch, classes: &mut Vec<Class>, number: u32) {
    if let Some(class) = classes.iter_mut().find(|class| class.number == number) {
        class.members = class.members.saturating_sub(1);
        if class.members == 0 {
            held::remove_class(batch, number);
            classes.retain(|class| class.number != number);
        }
    }
}
