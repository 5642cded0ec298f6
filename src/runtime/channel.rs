//! What the monitor and a container process that is being set up say to each other, on a SOCK_SEQPACKET pair.
//!
//! ```text
//! child                                        monitor
//! 'R' ready: everything stands but the exec -> (with the terminal's master, if there is one)
//!                                           <- 'G' go
//! 'E' exit code, message, NUL, hint         -> and the child exits
//! end of file: the exec has succeeded       ->
//! ```

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType,
};

use crate::error::{Context, Error, Kind, Result};

/// How many descriptors one packet may carry: the standard streams, and what `exec --preserve-fds` adds.
pub const MAX_DESCRIPTORS: usize = 64;

/// A connected pair of packet sockets.
pub fn pair() -> Result<(OwnedFd, OwnedFd)> {
    rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .context("creating a socket pair")
}

/// Sends one packet, with descriptors.
pub fn send(socket: impl AsFd, packet: &[u8], descriptors: &[BorrowedFd<'_>]) -> rustix::io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    rustix::io::retry_on_intr(|| {
        rustix::net::sendmsg(&socket, &[IoSlice::new(packet)], &mut ancillary, SendFlags::NOSIGNAL)
    })?;
    Ok(())
}

/// Receives one packet into `buffer`: its length (0 at the end of the connection) and its descriptors.
pub fn receive(socket: impl AsFd, buffer: &mut [u8]) -> rustix::io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::io::retry_on_intr(|| {
        rustix::net::recvmsg(&socket, &mut [IoSliceMut::new(buffer)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)
    })?;
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            descriptors.extend(fds);
        }
    }
    Ok((received.bytes, descriptors))
}

/// An error as a packet's payload: exit code, message, NUL, hint.
pub fn encode_error(error: &Error) -> Vec<u8> {
    let mut payload = vec![error.kind().exit_code()];
    payload.extend(error.to_string().bytes().filter(|b| *b != 0).take(4096));
    payload.push(0);
    payload.extend(error.hint_text().unwrap_or_default().bytes().take(1024));
    payload
}

/// The error in a packet's payload.
pub fn decode_error(payload: &[u8]) -> Error {
    let (code, text) = payload.split_first().map_or((125, &[][..]), |(code, text)| (*code, text));
    let mut parts = text.splitn(2, |b| *b == 0);
    let message = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let hint = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let kind = match code {
        125 => Kind::Engine,
        126 => Kind::CannotInvoke,
        127 => Kind::CommandNotFound,
        other => Kind::Exit(other),
    };
    Error::from_parts(kind, vec![message], (!hint.is_empty()).then_some(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_cross_with_code_message_and_hint() {
        let error = Error::of(Kind::CommandNotFound, "no such command").wrap("starting").hint("look again");
        let back = decode_error(&encode_error(&error));
        assert_eq!(back.to_string(), "starting: no such command");
        assert_eq!((back.kind(), back.hint_text()), (Kind::CommandNotFound, Some("look again")));
        assert_eq!(decode_error(&[]).kind(), Kind::Engine);
    }
}
