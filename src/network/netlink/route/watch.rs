//! Hearing that the interfaces, addresses or routes of a namespace have changed.

use std::os::fd::{AsFd, BorrowedFd};

use crate::error::Result;
use crate::network::netlink::{Notice, Protocol, Socket};

/// Listens to the namespace of the thread that made it.
#[derive(Debug)]
pub struct Watch {
    socket: Socket,
}

impl Watch {
    /// Begins to listen.
    pub fn new() -> Result<Watch> {
        let socket = Socket::open(Protocol::Route)?;
        for group in [
            libc::RTNLGRP_LINK,
            libc::RTNLGRP_IPV4_IFADDR,
            libc::RTNLGRP_IPV6_IFADDR,
            libc::RTNLGRP_IPV4_ROUTE,
            libc::RTNLGRP_IPV6_ROUTE,
        ] {
            socket.join(group)?;
        }
        Ok(Watch { socket })
    }

    /// Takes what has come, without waiting. Whether anything did: the tables are to be looked at then.
    pub fn changed(&self) -> Result<bool> {
        let mut changed = false;
        loop {
            match self.socket.receive(|_| ())? {
                Notice::Nothing => return Ok(changed),
                Notice::Heard | Notice::Lost => changed = true,
            }
        }
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
