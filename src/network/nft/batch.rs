//! One transaction: all of it happens, or nothing.

use super::super::netlink::{Message, Refused, Socket};
use super::expression::Verdict;
use super::rule::Rule;
use super::set::{Element, Set};
use super::{Family, Table};

/// The number of nf_tables among the parts of netfilter (NFNL_SUBSYS_NFTABLES).
const SUBSYSTEM: u16 = 10;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;

const NEW_TABLE: u16 = 0;
const DELETE_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const DELETE_CHAIN: u16 = 5;
const NEW_RULE: u16 = 6;
const DELETE_RULE: u16 = 8;
const NEW_SET: u16 = 9;
const DELETE_SET: u16 = 11;
const NEW_ELEMENT: u16 = 12;
const DELETE_ELEMENT: u16 = 14;

/// Every object names its table so.
const TABLE: u16 = 1;

/// So many elements go into one message: the lengths of attributes have 16 bits.
const ELEMENTS: usize = 256;

/// Where a base chain sees packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hook {
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
    /// Of an interface, in a netdev table.
    Ingress(String),
}

/// A chain that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    name: String,
    base: Option<Base>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Base {
    hook: Hook,
    priority: i32,
    /// `filter` or `nat`.
    kind: &'static str,
    policy: bool,
}

impl Chain {
    /// One that others jump to.
    pub fn new(name: impl Into<String>) -> Chain {
        Chain { name: name.into(), base: None }
    }

    /// One that sees packets at a hook. What no rule decides is accepted.
    pub fn base(name: impl Into<String>, hook: Hook, priority: i32) -> Chain {
        Chain { name: name.into(), base: Some(Base { hook, priority, kind: "filter", policy: true }) }
    }

    /// The same for the first packets of connections, which change addresses.
    pub fn nat(name: impl Into<String>, hook: Hook, priority: i32) -> Chain {
        Chain { name: name.into(), base: Some(Base { hook, priority, kind: "nat", policy: true }) }
    }

    /// What no rule decides is dropped.
    #[must_use]
    pub fn dropping(mut self) -> Chain {
        if let Some(base) = &mut self.base {
            base.policy = false;
        }
        self
    }
}

/// Changes of one table, or several.
#[derive(Debug)]
pub struct Batch {
    table: Table,
    messages: Vec<Message>,
    sets: u32,
}

impl Batch {
    /// Changes of this table.
    pub fn new(table: &Table) -> Batch {
        Batch { table: table.clone(), messages: vec![mark(BATCH_BEGIN)], sets: 0 }
    }

    /// What follows is about this table.
    pub fn table(&mut self, table: &Table) -> &mut Batch {
        self.table = table.clone();
        self
    }

    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.messages.len() <= 1
    }

    /// Makes the table; if it is there, it stays as it is.
    pub fn add_table(&mut self) -> &mut Batch {
        self.push(NEW_TABLE, libc::NLM_F_CREATE, "making a table of rules", |m| m)
    }

    /// Removes the table with all that is in it.
    pub fn delete_table(&mut self) -> &mut Batch {
        self.push(DELETE_TABLE, 0, "removing a table of rules", |m| m)
    }

    pub fn add_chain(&mut self, chain: &Chain) -> &mut Batch {
        const NAME: u16 = 3;
        const HOOK: u16 = 4;
        const POLICY: u16 = 5;
        const KIND: u16 = 7;
        let family = self.table.family;
        self.push(NEW_CHAIN, libc::NLM_F_CREATE, "making a chain of rules", |m| {
            let m = m.text(NAME, &chain.name);
            m.with(chain.base.as_ref(), |m, base| {
                m.nest(HOOK, |m| hook(m, family, base)).be32(POLICY, u32::from(base.policy)).text(KIND, base.kind)
            })
        })
    }

    /// Removes the chain's rules.
    pub fn flush_chain(&mut self, chain: &str) -> &mut Batch {
        const CHAIN: u16 = 2;
        self.push(DELETE_RULE, 0, "removing rules", |m| m.text(CHAIN, chain))
    }

    /// Removes a chain that has no rules and that nothing refers to.
    pub fn delete_chain(&mut self, chain: &str) -> &mut Batch {
        const NAME: u16 = 3;
        self.push(DELETE_CHAIN, 0, "removing a chain of rules", |m| m.text(NAME, chain))
    }

    /// Appends a rule to a chain.
    pub fn add_rule(&mut self, chain: &str, rule: &Rule) -> &mut Batch {
        const CHAIN: u16 = 2;
        let flags = libc::NLM_F_CREATE | libc::NLM_F_APPEND;
        self.push(NEW_RULE, flags, "adding a rule", |m| rule.encode(m.text(CHAIN, chain)))
    }

    /// A chain with its rules.
    pub fn add_chain_of(&mut self, chain: &Chain, rules: &[Rule]) -> &mut Batch {
        self.add_chain(chain);
        for rule in rules {
            self.add_rule(&chain.name, rule);
        }
        self
    }

    pub fn add_set(&mut self, set: &Set) -> &mut Batch {
        self.sets += 1;
        let id = self.sets;
        self.push(NEW_SET, libc::NLM_F_CREATE, "making a set", |m| set.encode(m, id))
    }

    /// Removes a set that no rule refers to.
    pub fn delete_set(&mut self, name: &str) -> &mut Batch {
        const NAME: u16 = 2;
        self.push(DELETE_SET, 0, "removing a set", |m| m.text(NAME, name))
    }

    /// Adds elements; those that are there stay as they are.
    pub fn add_elements(&mut self, set: &str, elements: &[Element]) -> &mut Batch {
        self.elements(NEW_ELEMENT, libc::NLM_F_CREATE, "adding to a set", set, elements)
    }

    /// Removes elements, which must be there.
    pub fn delete_elements(&mut self, set: &str, elements: &[Element]) -> &mut Batch {
        self.elements(DELETE_ELEMENT, 0, "removing from a set", set, elements)
    }

    fn elements(&mut self, kind: u16, flags: i32, about: &'static str, set: &str, all: &[Element]) -> &mut Batch {
        const SET: u16 = 2;
        const ELEMENTS_OF: u16 = 3;
        for some in all.chunks(ELEMENTS) {
            self.push(kind, flags, about, |m| {
                m.text(SET, set).nest(ELEMENTS_OF, |m| some.iter().fold(m, |m, element| element.encode(m)))
            });
        }
        self
    }

    /// Adds an element to a map.
    pub fn map(&mut self, map: &str, key: &[&[u8]], verdict: Verdict) -> &mut Batch {
        self.add_elements(map, &[Element::new(key).verdict(verdict)])
    }

    /// Does it all at once.
    ///
    /// # Errors
    /// The first change that the kernel refuses; nothing has been changed then.
    pub fn commit(mut self, socket: &mut Socket) -> Result<(), Refused> {
        // One acknowledgement is enough, and thousands do not fit into the socket's buffer. Errors come anyway.
        let Some(last) = self.messages.pop().filter(|_| !self.messages.is_empty()) else { return Ok(()) };
        let mut messages: Vec<Message> = self.messages.into_iter().map(Message::unacknowledged).collect();
        messages.push(last);
        messages.push(mark(BATCH_END));
        socket.request(&messages).map_err(|refused| {
            let about = messages.get(refused.index).map_or(refused.about, Message::about);
            Refused { about, ..refused }
        })
    }

    fn push(
        &mut self,
        kind: u16,
        flags: i32,
        about: &'static str,
        with: impl FnOnce(Message) -> Message,
    ) -> &mut Batch {
        let message = Message::new(SUBSYSTEM << 8 | kind, u16::try_from(flags).unwrap_or(0), about)
            .fixed(&[self.table.family.number(), 0, 0, 0])
            .text(TABLE, &self.table.name);
        self.messages.push(with(message));
        self
    }
}

/// The mark at the beginning or the end of a transaction.
fn mark(kind: u16) -> Message {
    let [high, low] = SUBSYSTEM.to_be_bytes();
    Message::new(kind, 0, "changing rules").fixed(&[0, 0, high, low]).unacknowledged()
}

fn hook(message: Message, family: Family, base: &Base) -> Message {
    const NUMBER: u16 = 1;
    const PRIORITY: u16 = 2;
    const DEVICE: u16 = 3;
    let (number, device) = match (&base.hook, family) {
        (Hook::Ingress(device), _) => (0, Some(device)),
        (Hook::Prerouting, _) => (0, None),
        (Hook::Input, _) => (1, None),
        (Hook::Forward, _) => (2, None),
        (Hook::Output, _) => (3, None),
        (Hook::Postrouting, _) => (4, None),
    };
    message
        .be32(NUMBER, number)
        .be32(PRIORITY, base.priority.cast_unsigned())
        .with(device, |m, device| m.text(DEVICE, device))
}
