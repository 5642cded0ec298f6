//! A netlink socket: send some messages, read their answers; read all of a table; hear what changes.
//!
//! The kernel works a request off while it is sent: all answers are there when send(2) returns, so that nothing here waits.
//! Only the kernel is listened to: root of the same namespace, who may be a container, could write to the socket as well.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::netlink::{NETFILTER, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use super::attributes::u32_at;
use super::message::HEADER;
use super::{Attributes, Message, Packet, Packets, aligned};
use crate::error::{Context as _, Error, Result};
use crate::sys::net::set_netlink_option;

/// The kernel cuts tables into pieces of at most this size.
const BUFFER: usize = 32 * 1024;
/// How often a table is read again because it has changed meanwhile.
const ATTEMPTS: u32 = 10;

/// Text of the kernel in an error, and the place in the request that it is about (NLMSGERR_ATTR_MSG).
const ERROR_TEXT: u16 = 1;

/// Which part of the kernel is talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Links, addresses, routes.
    Route,
    /// nf_tables and its log.
    Netfilter,
}

/// A socket in the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    sequence: u32,
}

/// A request that the kernel refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which one of the messages.
    pub index: usize,
    pub errno: Errno,
    /// What it was to do.
    pub about: &'static str,
    /// The kernel's own words, if it had any.
    pub text: Option<String>,
}

/// What [`Socket::receive`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// There were messages.
    Heard,
    /// Nothing now.
    Nothing,
    /// More came than the socket could hold: what is known must be read anew.
    Lost,
}

impl Socket {
    /// Opens a socket, closed on exec.
    pub fn open(protocol: Protocol) -> Result<Socket> {
        let number = match protocol {
            Protocol::Route => None,
            Protocol::Netfilter => Some(NETFILTER),
        };
        let open = || -> std::io::Result<OwnedFd> {
            let flags = SocketFlags::CLOEXEC;
            let fd = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, number)?;
            rustix::net::bind(&fd, &SocketAddrNetlink::new(0, 0))?;
            set_netlink_option(fd.as_fd(), libc::NETLINK_EXT_ACK, 1)?;
            // An error does not repeat all of the request.
            set_netlink_option(fd.as_fd(), libc::NETLINK_CAP_ACK, 1)?;
            Ok(fd)
        };
        Ok(Socket { fd: open().context("opening a netlink socket")?, sequence: 0 })
    }

    /// Hears what this group says from now on (RTNLGRP_*, NFNLGRP_*).
    pub fn join(&self, group: u32) -> Result<()> {
        let group = i32::try_from(group).unwrap_or(0);
        let joined = set_netlink_option(self.fd.as_fd(), libc::NETLINK_ADD_MEMBERSHIP, group);
        joined.context("listening to a group of netlink")
    }

    /// Sends the messages at once and reads an acknowledgement for each. All are tried, whatever becomes of the others
    /// (but a batch of nf_tables, which happens as a whole or not at all).
    ///
    /// # Errors
    /// The first one that was refused.
    pub fn request(&mut self, messages: &[Message]) -> Result<(), Refused> {
        self.ask(messages, |_| ())
    }

    /// The same, and `each` gets the messages that the kernel answers with (of an NLM_F_ECHO, or a question).
    pub fn ask(&mut self, messages: &[Message], mut each: impl FnMut(Packet<'_>)) -> Result<(), Refused> {
        let about = messages.iter().find(|m| m.is_acknowledged()).map_or("asking the kernel", Message::about);
        let whole = |errno| Refused { index: 0, errno, about, text: None };
        let first = self.send(messages, libc::NLM_F_ACK as u16).map_err(whole)?;
        let mut open = messages.iter().filter(|message| message.is_acknowledged()).count();
        let mut refused: Option<Refused> = None;
        let mut buffer = vec![0; BUFFER];
        while open > 0 {
            let length = self.receive_from_kernel(&mut buffer).map_err(whole)?;
            for packet in Packets::new(buffer.get(..length).unwrap_or_default()) {
                // Answers to what was asked before and is of no interest any more are passed over.
                let Some((index, message)) = usize::try_from(packet.sequence.wrapping_sub(first))
                    .ok()
                    .and_then(|index| Some((index, messages.get(index)?)))
                else {
                    continue;
                };
                if i32::from(packet.kind) != libc::NLMSG_ERROR {
                    each(packet);
                    continue;
                }
                let (errno, text) = outcome(&packet);
                if message.is_acknowledged() {
                    open = open.saturating_sub(1);
                } else {
                    // The whole batch was thrown away before its messages were looked at.
                    open = 0;
                }
                if let Some(errno) = errno
                    && refused.as_ref().is_none_or(|earlier| index < earlier.index)
                {
                    let about = if message.is_acknowledged() { message.about() } else { about };
                    refused = Some(Refused { index, errno, about, text });
                }
            }
        }
        refused.map_or(Ok(()), Err)
    }

    /// Reads all of a table: `each` puts its messages into what is returned, which begins anew if the table has changed
    /// meanwhile.
    pub fn dump<T: Default>(&mut self, message: &Message, each: impl Fn(&mut T, Packet<'_>)) -> Result<T, Refused> {
        let refused = |errno, text| Refused { index: 0, errno, about: message.about(), text };
        let mut buffer = vec![0; BUFFER];
        for _ in 0..ATTEMPTS {
            let flags = libc::NLM_F_DUMP as u16;
            let sequence = self.send(std::slice::from_ref(message), flags).map_err(|e| refused(e, None))?;
            let mut found = T::default();
            let mut changed = false;
            'reading: loop {
                let length = self.receive_from_kernel(&mut buffer).map_err(|e| refused(e, None))?;
                for packet in Packets::new(buffer.get(..length).unwrap_or_default()) {
                    if packet.sequence != sequence {
                        continue;
                    }
                    changed |= i32::from(packet.flags) & libc::NLM_F_DUMP_INTR != 0;
                    match i32::from(packet.kind) {
                        libc::NLMSG_DONE => break 'reading,
                        libc::NLMSG_ERROR => match outcome(&packet) {
                            (Some(errno), text) => return Err(refused(errno, text)),
                            (None, _) => break 'reading,
                        },
                        _ => each(&mut found, packet),
                    }
                }
            }
            if !changed {
                return Ok(found);
            }
        }
        Err(refused(Errno::INTR, Some("the table does not stop changing".to_owned())))
    }

    /// Reads what the groups have said, without waiting.
    pub fn receive(&self, mut each: impl FnMut(Packet<'_>)) -> Result<Notice> {
        let mut buffer = vec![0; BUFFER];
        match self.receive_from_kernel(&mut buffer) {
            Ok(length) => {
                Packets::new(buffer.get(..length).unwrap_or_default()).for_each(&mut each);
                Ok(Notice::Heard)
            }
            Err(Errno::AGAIN) => Ok(Notice::Nothing),
            Err(Errno::NOBUFS) => Ok(Notice::Lost),
            Err(errno) => Err(Error::from(errno).wrap("reading from a netlink socket")),
        }
    }

    /// Sends them in one piece; returns the number of the first.
    fn send(&mut self, messages: &[Message], flags: u16) -> Result<u32, Errno> {
        let first = self.sequence.wrapping_add(1);
        let size = messages.iter().map(|message| aligned(message.len())).sum();
        let mut buffer = Vec::with_capacity(size);
        for message in messages {
            self.sequence = self.sequence.wrapping_add(1);
            let dump = flags & libc::NLM_F_DUMP as u16 != 0;
            let flags = if message.is_acknowledged() || dump { flags } else { 0 };
            message.append_to(&mut buffer, self.sequence, flags);
        }
        loop {
            let kernel = SocketAddrNetlink::new(0, 0);
            match rustix::net::sendto(&self.fd, &buffer, SendFlags::empty(), &kernel) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
                Ok(_) => return Ok(first),
            }
        }
    }

    /// The length of what the kernel said. What others say is dropped.
    fn receive_from_kernel(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        loop {
            let flags = RecvFlags::DONTWAIT | RecvFlags::TRUNC;
            match rustix::net::recvfrom(&self.fd, &mut *buffer, flags) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
                Ok((kept, length, from)) => {
                    let from = from.and_then(|from| SocketAddrNetlink::try_from(from).ok());
                    match from {
                        Some(from) if from.pid() == 0 && kept == length => return Ok(length),
                        Some(from) if from.pid() == 0 => return Err(Errno::MSGSIZE),
                        _ => {}
                    }
                }
            }
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// What an NLMSG_ERROR says: the error if it is one, and the kernel's words.
fn outcome(packet: &Packet<'_>) -> (Option<Errno>, Option<String>) {
    let number = u32_at(packet.payload, 0).map_or(0, u32::cast_signed);
    let errno = match number {
        0 => None,
        // What the kernel's error numbers can be (MAX_ERRNO).
        -4095..0 => Some(Errno::from_raw_os_error(number.saturating_neg())),
        _ => Some(Errno::IO),
    };
    // After the number comes the request: its header alone, or all of it.
    let flags = i32::from(packet.flags);
    let request = match u32_at(packet.payload, 4).and_then(|length| usize::try_from(length).ok()) {
        Some(length) if flags & libc::NLM_F_CAPPED == 0 => length.max(HEADER),
        _ => HEADER,
    };
    let told = flags & libc::NLM_F_ACK_TLVS != 0;
    let attributes = packet.payload.get(aligned(request).saturating_add(4)..).filter(|_| told).unwrap_or_default();
    let text = Attributes::new(attributes).find(ERROR_TEXT).and_then(|a| a.text()).map(str::to_owned);
    (errno, text)
}

impl Refused {
    /// Whether this is the error.
    pub fn is(&self, errno: Errno) -> bool {
        self.errno == errno
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Error {
        let error = match refused.text {
            Some(text) => Error::from(refused.errno).wrap(text.trim_end_matches('.').to_owned()),
            None => Error::from(refused.errno),
        };
        error.wrap(refused.about)
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Error::from(self.clone()).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(number: i32, flags: i32, rest: &[u8]) -> (Option<Errno>, Option<String>) {
        let mut payload = number.to_ne_bytes().to_vec();
        payload.extend_from_slice(&32u32.to_ne_bytes());
        payload.extend_from_slice(&[0; 12]);
        payload.extend_from_slice(rest);
        let kind = libc::NLMSG_ERROR as u16;
        outcome(&Packet { kind, flags: flags as u16, sequence: 1, payload: &payload })
    }

    #[test]
    fn errors_name_their_cause() {
        let text = [8, 0, 1, 0, b'n', b'o', b'!', 0];
        let told = libc::NLM_F_ACK_TLVS;
        assert_eq!(error(0, 0, &[]), (None, None));
        assert_eq!(error(-1, 0, &text), (Some(Errno::PERM), None));
        assert_eq!(error(-1, told | libc::NLM_F_CAPPED, &text), (Some(Errno::PERM), Some("no!".into())));
        // The rest of the request is in between.
        let repeated = [[0; 16].as_slice(), &text].concat();
        assert_eq!(error(-17, told, &repeated), (Some(Errno::EXIST), Some("no!".into())));
        assert_eq!(error(-17, told, &text), (Some(Errno::EXIST), None));
        assert_eq!(error(i32::MIN, told, &text[..3]).1, None);
        let refused = Refused { index: 0, errno: Errno::EXIST, about: "adding a route", text: Some("no.".into()) };
        assert_eq!(refused.to_string(), "adding a route: no: File exists");
    }

    proptest::proptest! {
        #[test]
        fn no_answer_makes_it_panic(payload: Vec<u8>, flags: u16) {
            let _ = outcome(&Packet { kind: libc::NLMSG_ERROR as u16, flags, sequence: 1, payload: &payload });
        }
    }
}
