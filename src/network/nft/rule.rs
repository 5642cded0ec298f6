//! Rules: conditions that must all be true, then what is done.

use super::super::netlink::Message;
use super::expression::{Compare, Expression, Field, Reject, Verdict, name};

/// A rule to be built from left to right, as it is read.
///
/// ```text
/// Rule::new().is(Field::IN, &name("podman0")).accept()
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Rule {
    expressions: Vec<Expression>,
}

impl Rule {
    pub fn new() -> Rule {
        Rule::default()
    }

    fn then(mut self, expression: Expression) -> Rule {
        self.expressions.push(expression);
        self
    }

    fn load(self, field: Field) -> Rule {
        self.then(Expression::Load(field, 0))
    }

    /// The field has this value. Numbers of packets are in the network's order, those of meta and ct in the machine's.
    pub fn is(self, field: Field, value: &[u8]) -> Rule {
        self.load(field).then(Expression::Compare(Compare::Equal, value.to_vec()))
    }

    pub fn is_not(self, field: Field, value: &[u8]) -> Rule {
        self.load(field).then(Expression::Compare(Compare::Not, value.to_vec()))
    }

    /// What `mask` leaves of the field is this value.
    pub fn masked(self, field: Field, mask: &[u8], value: &[u8]) -> Rule {
        self.mask(field, mask).then(Expression::Compare(Compare::Equal, value.to_vec()))
    }

    pub fn masked_not(self, field: Field, mask: &[u8], value: &[u8]) -> Rule {
        self.mask(field, mask).then(Expression::Compare(Compare::Not, value.to_vec()))
    }

    fn mask(self, field: Field, mask: &[u8]) -> Rule {
        self.load(field).then(Expression::Bitwise { mask: mask.to_vec(), xor: vec![0; mask.len()] })
    }

    /// One of these bits (of a number in the machine's order) is set.
    pub fn any_bit(self, field: Field, bits: u32) -> Rule {
        self.masked_not(field, &bits.to_ne_bytes(), &[0; 4])
    }

    /// The number in the field (in the network's order) is between these, inclusive.
    pub fn between(self, field: Field, from: &[u8], to: &[u8]) -> Rule {
        if from == to {
            return self.is(field, from);
        }
        self.load(field).then(Expression::Range(from.to_vec(), to.to_vec()))
    }

    /// These fields together are an element of a set.
    pub fn in_set(self, fields: &[Field], set: &str) -> Rule {
        self.load_all(fields).then(Expression::Lookup { set: set.to_owned(), not: false })
    }

    pub fn not_in_set(self, fields: &[Field], set: &str) -> Rule {
        self.load_all(fields).then(Expression::Lookup { set: set.to_owned(), not: true })
    }

    /// The verdict that a map has for these fields; without one, the next rule.
    pub fn map(self, fields: &[Field], map: &str) -> Rule {
        self.load_all(fields).then(Expression::Map(map.to_owned()))
    }

    /// The verdict that a map has for what `bits` leave of a number in the machine's order.
    pub fn map_bits(self, field: Field, bits: u32, map: &str) -> Rule {
        self.mask(field, &bits.to_ne_bytes()).then(Expression::Map(map.to_owned()))
    }

    fn load_all(mut self, fields: &[Field]) -> Rule {
        let mut place = 0;
        for field in fields {
            self = self.then(Expression::Load(*field, place));
            place += field.length().div_ceil(4);
        }
        self
    }

    /// IPv4 only: the other families' packets have something else where the fields of IPv4 are.
    pub fn ip4(self) -> Rule {
        self.is(Field::NFPROTO, &[2])
    }

    pub fn ip6(self) -> Rule {
        self.is(Field::NFPROTO, &[10])
    }

    pub fn from(self, interface: &str) -> Rule {
        self.is(Field::IN, &name(interface))
    }

    pub fn not_from(self, interface: &str) -> Rule {
        self.is_not(Field::IN, &name(interface))
    }

    pub fn to(self, interface: &str) -> Rule {
        self.is(Field::OUT, &name(interface))
    }

    /// IPPROTO_*.
    pub fn protocol(self, number: u8) -> Rule {
        self.is(Field::L4PROTO, &[number])
    }

    pub fn to_port(self, port: u16) -> Rule {
        self.is(Field::TO_PORT, &port.to_be_bytes())
    }

    pub fn state(self, bits: u32) -> Rule {
        self.any_bit(Field::CT_STATE, bits)
    }

    /// Of these bits of the packet's mark, one is set.
    pub fn marked(self, bits: u32) -> Rule {
        self.any_bit(Field::MARK, bits)
    }

    /// Sets these bits of the packet's mark.
    pub fn mark(self, bits: u32) -> Rule {
        self.load(Field::MARK)
            .then(Expression::Bitwise { mask: (!bits).to_ne_bytes().to_vec(), xor: bits.to_ne_bytes().to_vec() })
            .then(Expression::SetMark)
    }

    /// The packet's mark is this.
    pub fn set_mark(self, number: u32) -> Rule {
        self.then(Expression::Number(number)).then(Expression::SetMark)
    }

    /// The connection's mark is this from now on.
    pub fn set_ct_mark(self, number: u32) -> Rule {
        self.then(Expression::Number(number)).then(Expression::SetCtMark)
    }

    /// True at most so often.
    pub fn limit(self, each_second: u64, burst: u32) -> Rule {
        self.then(Expression::Limit { each_second, burst })
    }

    /// There were more packets with the same field than so many each second, and so many at once. `set` remembers that, and has
    /// the field as its key ([`super::Set::counting`]).
    pub fn over(self, field: Field, set: &str, each_second: u64, burst: u32) -> Rule {
        self.load(field).then(Expression::Over { set: set.to_owned(), each_second, burst })
    }

    /// Sends the first `length` bytes of the packet to who reads this group. `prefix` has at most 127 bytes.
    pub fn log(self, group: u16, prefix: &str, length: u32) -> Rule {
        self.then(Expression::Log { group, prefix: prefix.to_owned(), length })
    }

    pub fn counter(self) -> Rule {
        self.then(Expression::Counter)
    }

    pub fn verdict(self, verdict: Verdict) -> Rule {
        self.then(Expression::Verdict(verdict))
    }

    pub fn accept(self) -> Rule {
        self.verdict(Verdict::Accept)
    }

    pub fn drop(self) -> Rule {
        self.verdict(Verdict::Drop)
    }

    /// Back to the rule behind the jump.
    pub fn back(self) -> Rule {
        self.verdict(Verdict::Return)
    }

    pub fn jump(self, chain: &str) -> Rule {
        self.verdict(Verdict::Jump(chain.to_owned()))
    }

    pub fn goto(self, chain: &str) -> Rule {
        self.verdict(Verdict::Goto(chain.to_owned()))
    }

    pub fn masquerade(self) -> Rule {
        self.then(Expression::Masquerade)
    }

    pub fn reject(self, how: Reject) -> Rule {
        self.then(Expression::Reject(how))
    }

    /// As NFTA_RULE_EXPRESSIONS.
    pub(super) fn encode(&self, message: Message) -> Message {
        const EXPRESSIONS: u16 = 4;
        message.nest(EXPRESSIONS, |m| self.expressions.iter().fold(m, |m, expression| expression.encode(m)))
    }
}
