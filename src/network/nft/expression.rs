//! The kernel's machine: an expression loads something of the packet into a register, changes it, compares it, or does something.

use super::super::netlink::Message;

/// The first 4-byte register (NFT_REG32_00). Values of more than four bytes use those that follow.
const FIRST_REGISTER: u32 = 8;
/// The register of verdicts (NFT_REG_VERDICT).
const VERDICT_REGISTER: u32 = 0;

const EXPR_NAME: u16 = 1;
const EXPR_DATA: u16 = 2;
const LIST_ELEM: u16 = 1;
const DATA_VALUE: u16 = 1;
const DATA_VERDICT: u16 = 2;

/// Something of a packet that can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// NFT_META_*, bytes.
    Meta(u32, u32),
    /// Base (0 link, 1 network, 2 transport), offset, bytes.
    Payload(u32, u32, u32),
    /// NFT_CT_*, bytes.
    Ct(u32, u32),
    /// NFT_SOCKET_*.
    Socket(u32),
}

impl Field {
    /// The length of the packet.
    pub const LENGTH: Field = Field::Meta(0, 4);
    /// The protocol of the network layer (ETH_P_*), in the network's order.
    pub const PROTOCOL: Field = Field::Meta(1, 2);
    /// In the machine's order.
    pub const MARK: Field = Field::Meta(3, 4);
    /// The name of the interface it came from: [`name`].
    pub const IN: Field = Field::Meta(6, 16);
    /// The name of the interface that it will leave by.
    pub const OUT: Field = Field::Meta(7, 16);
    /// 2 is IPv4, 10 is IPv6.
    pub const NFPROTO: Field = Field::Meta(15, 1);
    /// IPPROTO_*, behind extension headers.
    pub const L4PROTO: Field = Field::Meta(16, 1);

    pub const ETHER_TO: Field = Field::Payload(0, 0, 6);
    pub const ETHER_FROM: Field = Field::Payload(0, 6, 6);
    /// As it is in the frame: 802.1Q if it is tagged.
    pub const ETHER_TYPE: Field = Field::Payload(0, 12, 2);

    /// Hardware type, protocol type, both lengths.
    pub const ARP_HEAD: Field = Field::Payload(1, 0, 6);
    pub const ARP_OPERATION: Field = Field::Payload(1, 6, 2);
    pub const ARP_FROM_MAC: Field = Field::Payload(1, 8, 6);
    pub const ARP_FROM: Field = Field::Payload(1, 14, 4);
    pub const ARP_TO: Field = Field::Payload(1, 24, 4);

    /// Version and length of the header.
    pub const IP4_HEAD: Field = Field::Payload(1, 0, 1);
    pub const IP4_FROM: Field = Field::Payload(1, 12, 4);
    pub const IP4_TO: Field = Field::Payload(1, 16, 4);
    /// The first next header.
    pub const IP6_NEXT: Field = Field::Payload(1, 6, 1);
    pub const IP6_HOPS: Field = Field::Payload(1, 7, 1);
    pub const IP6_FROM: Field = Field::Payload(1, 8, 16);
    pub const IP6_TO: Field = Field::Payload(1, 24, 16);

    pub const FROM_PORT: Field = Field::Payload(2, 0, 2);
    pub const TO_PORT: Field = Field::Payload(2, 2, 2);
    pub const ICMP_TYPE: Field = Field::Payload(2, 0, 1);
    /// The address that a neighbour solicitation or advertisement is about.
    pub const ND_TARGET: Field = Field::Payload(2, 8, 16);

    /// Bits, see [`state`].
    pub const CT_STATE: Field = Field::Ct(0, 4);
    /// 0 original, 1 reply.
    pub const CT_DIRECTION: Field = Field::Ct(1, 1);
    pub const CT_MARK: Field = Field::Ct(3, 4);
    /// 1: belongs to a transparent socket.
    pub const TRANSPARENT: Field = Field::Socket(0);

    /// Its bytes.
    pub fn length(self) -> u32 {
        match self {
            Field::Meta(_, length) | Field::Payload(_, _, length) | Field::Ct(_, length) => length,
            Field::Socket(_) => 1,
        }
    }
}

/// Bits of [`Field::CT_STATE`], in the machine's order.
pub mod state {
    pub const INVALID: u32 = 1;
    pub const ESTABLISHED: u32 = 2;
    pub const RELATED: u32 = 4;
}

/// An interface's name as the kernel compares it.
pub fn name(interface: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().take(15).zip(interface.bytes()) {
        *to = from;
    }
    bytes
}

/// What becomes of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Accept,
    Drop,
    Return,
    /// This chain, and then the next rule.
    Jump(String),
    /// This chain instead of the rest of this one.
    Goto(String),
}

impl Verdict {
    /// As attributes of NFTA_DATA_VERDICT.
    pub(super) fn encode(&self, message: Message) -> Message {
        const CODE: u16 = 1;
        const CHAIN: u16 = 2;
        let (code, chain): (i32, Option<&String>) = match self {
            Verdict::Drop => (0, None),
            Verdict::Accept => (1, None),
            Verdict::Jump(chain) => (-3, Some(chain)),
            Verdict::Goto(chain) => (-4, Some(chain)),
            Verdict::Return => (-5, None),
        };
        message.nest(DATA_VERDICT, |m| m.be32(CODE, code.cast_unsigned()).with(chain, |m, chain| m.text(CHAIN, chain)))
    }
}

/// How the sender learns that a packet is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reject {
    /// For TCP only.
    Reset,
    /// ICMP or ICMPv6: nobody listens there.
    Port,
    /// ICMP or ICMPv6: forbidden.
    Prohibited,
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    Not,
}

/// One step of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    /// Into the register of this number, counted in fours of bytes from the first.
    Load(Field, u32),
    /// The first register: `& mask ^ xor`.
    Bitwise {
        mask: Vec<u8>,
        xor: Vec<u8>,
    },
    Compare(Compare, Vec<u8>),
    /// From one to another, inclusive.
    Range(Vec<u8>, Vec<u8>),
    Lookup {
        set: String,
        not: bool,
    },
    /// The map's verdict, if it has one.
    Map(String),
    Verdict(Verdict),
    /// The mark is the first register.
    SetMark,
    SetCtMark,
    /// A number into the first register.
    Number(u32),
    Masquerade,
    Reject(Reject),
    Log {
        group: u16,
        prefix: String,
        length: u32,
    },
    /// At most so many each second, and so many at once.
    Limit {
        each_second: u64,
        burst: u32,
    },
    /// More than so many each second, and so many at once, of what the registers hold, which `set` counts.
    Over {
        set: String,
        each_second: u64,
        burst: u32,
    },
    Counter,
}

impl Expression {
    /// As an element of NFTA_RULE_EXPRESSIONS.
    pub(super) fn encode(&self, message: Message) -> Message {
        let name = self.name();
        message.nest(LIST_ELEM, |m| m.text(EXPR_NAME, name).nest(EXPR_DATA, |m| self.data(m)))
    }

    fn name(&self) -> &'static str {
        match self {
            Expression::Load(Field::Meta(..), _) | Expression::SetMark => "meta",
            Expression::Load(Field::Payload(..), _) => "payload",
            Expression::Load(Field::Ct(..), _) | Expression::SetCtMark => "ct",
            Expression::Load(Field::Socket(_), _) => "socket",
            Expression::Bitwise { .. } => "bitwise",
            Expression::Compare(..) => "cmp",
            Expression::Range(..) => "range",
            Expression::Lookup { .. } | Expression::Map(_) => "lookup",
            Expression::Verdict(_) | Expression::Number(_) => "immediate",
            Expression::Masquerade => "masq",
            Expression::Reject(_) => "reject",
            Expression::Log { .. } => "log",
            Expression::Limit { .. } => "limit",
            Expression::Over { .. } => "dynset",
            Expression::Counter => "counter",
        }
    }

    /// The attributes of NFTA_EXPR_DATA.
    fn data(&self, m: Message) -> Message {
        let value = |m: Message, kind: u16, bytes: &[u8]| m.nest(kind, |m| m.bytes(DATA_VALUE, bytes));
        match self {
            Expression::Load(field, place) => load(m, *field, FIRST_REGISTER + place),
            Expression::Bitwise { mask, xor } => {
                let length = u32::try_from(mask.len()).unwrap_or(u32::MAX);
                let m = m.be32(1, FIRST_REGISTER).be32(2, FIRST_REGISTER).be32(3, length);
                value(value(m, 4, mask), 5, xor)
            }
            Expression::Compare(how, bytes) => {
                value(m.be32(1, FIRST_REGISTER).be32(2, u32::from(*how == Compare::Not)), 3, bytes)
            }
            Expression::Range(from, to) => value(value(m.be32(1, FIRST_REGISTER).be32(2, 0), 3, from), 4, to),
            Expression::Lookup { set, not } => {
                let m = m.text(1, set).be32(2, FIRST_REGISTER);
                if *not { m.be32(5, 1) } else { m }
            }
            Expression::Map(map) => m.text(1, map).be32(2, FIRST_REGISTER).be32(3, VERDICT_REGISTER),
            Expression::Verdict(verdict) => m.be32(1, VERDICT_REGISTER).nest(2, |m| verdict.encode(m)),
            Expression::Number(number) => value(m.be32(1, FIRST_REGISTER), 2, &number.to_ne_bytes()),
            Expression::SetMark => m.be32(2, 3).be32(3, FIRST_REGISTER),
            Expression::SetCtMark => m.be32(2, 3).be32(4, FIRST_REGISTER),
            Expression::Masquerade => m,
            Expression::Reject(reject) => match reject {
                Reject::Reset => m.be32(1, 1),
                Reject::Port => m.be32(1, 2).u8(2, 1),
                Reject::Prohibited => m.be32(1, 2).u8(2, 3),
            },
            Expression::Log { group, prefix, length } => m.be16(1, *group).text(2, prefix).be32(3, *length),
            Expression::Limit { each_second, burst } => {
                m.be64(1, *each_second).be64(2, 1).be32(3, *burst).be32(4, 0).be32(5, 0)
            }
            Expression::Over { set, each_second, burst } => {
                // NFT_DYNSET_OP_UPDATE; the expression of each element is a limit that is true when it is exceeded.
                m.text(1, set).be32(3, 1).be32(4, FIRST_REGISTER).nest(7, |m| {
                    m.text(EXPR_NAME, "limit")
                        .nest(EXPR_DATA, |m| m.be64(1, *each_second).be64(2, 1).be32(3, *burst).be32(4, 0).be32(5, 1))
                })
            }
            Expression::Counter => m.be64(1, 0).be64(2, 0),
        }
    }
}

fn load(m: Message, field: Field, register: u32) -> Message {
    match field {
        Field::Meta(key, _) => m.be32(1, register).be32(2, key),
        Field::Payload(base, offset, length) => m.be32(1, register).be32(2, base).be32(3, offset).be32(4, length),
        Field::Ct(key, _) => m.be32(1, register).be32(2, key),
        Field::Socket(key) => m.be32(1, key).be32(2, register),
    }
}
