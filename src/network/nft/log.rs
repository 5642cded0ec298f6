//! Packets that rules have logged (NFLOG). Source: linux/netfilter/nfnetlink_log.h.

use std::os::fd::{AsFd, BorrowedFd};

use super::super::netlink::{Message, Notice, Packet, Protocol, Socket};
use crate::error::Result;

/// The number of the log among the parts of netfilter (NFNL_SUBSYS_ULOG).
const SUBSYSTEM: u16 = 4;
const PACKET: u16 = 0;
const CONFIG: u16 = 1;

/// Reads what is logged to one group in the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Log {
    socket: Socket,
}

/// A packet that was logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logged<'a> {
    /// What the rule says.
    pub prefix: &'a str,
    /// ETH_P_*.
    pub protocol: u16,
    /// From the header of the network layer on, cut where the rule says.
    pub packet: &'a [u8],
}

impl Log {
    /// Listens to this group. No other process of the namespace may.
    pub fn open(group: u16) -> Result<Log> {
        const COMMAND: u16 = 1;
        const MODE: u16 = 2;
        const THRESHOLD: u16 = 5;
        const BIND: u8 = 1;
        const COPY_PACKET: u8 = 2;
        let mut socket = Socket::open(Protocol::Netfilter)?;
        let [high, low] = group.to_be_bytes();
        let message =
            || Message::new(SUBSYSTEM << 8 | CONFIG, 0, "listening to the packet log").fixed(&[0, 0, high, low]);
        // As much as the rules give, each packet at once: the kernel would gather them for a second.
        let mode = [0, 0, 0xff, 0xff, COPY_PACKET, 0];
        let settings = message().bytes(MODE, &mode).be32(THRESHOLD, 1);
        socket.request(&[message().u8(COMMAND, BIND), settings])?;
        Ok(Log { socket })
    }

    /// Reads what is there, without waiting. `false`: there is nothing.
    pub fn read(&self, mut each: impl FnMut(Logged<'_>)) -> Result<bool> {
        let notice = self.socket.receive(|packet| {
            if let Some(logged) = parse(packet) {
                each(logged);
            }
        })?;
        // What is lost is lost.
        Ok(notice != Notice::Nothing)
    }
}

impl AsFd for Log {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn parse(packet: Packet<'_>) -> Option<Logged<'_>> {
    const HEADER: u16 = 1;
    const PAYLOAD: u16 = 9;
    const PREFIX: u16 = 10;
    if packet.kind != SUBSYSTEM << 8 | PACKET {
        return None;
    }
    let (_, attributes) = packet.split(4)?;
    let protocol = attributes.find(HEADER)?.value.first_chunk().copied().map(u16::from_be_bytes)?;
    let prefix = attributes.find(PREFIX).and_then(|a| a.text()).unwrap_or_default();
    Some(Logged { prefix, protocol, packet: attributes.find(PAYLOAD)?.value })
}
