//! The anchor as monitors and commands see it.

use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::thread::LinkNameSpaceType;

pub use super::launch::Right;
use super::protocol::{Answer, Attach, Connected, Listed, Request};
use super::{Place, launch, protocol};
use crate::error::{Context as _, Error, Result};
use crate::runtime::channel::MAX_DESCRIPTORS;

/// How long an anchor that is on its way in or out is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an anchor may take to let a container go.
const GOODBYE: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };
const STEP: Duration = Duration::from_millis(1);

/// A connection to the anchor.
#[derive(Debug)]
pub struct Client {
    socket: OwnedFd,
}

/// Connects to the anchor; `None` when there is none.
pub fn connect(place: &Place) -> Result<Option<Client>> {
    Ok(launch::connect(place)?.map(|socket| Client { socket }))
}

/// What [`find`] found.
#[derive(Debug)]
pub enum Found {
    /// It lives as long as this connection.
    Anchor(Client),
    /// There is none, and nobody else may start one.
    Nobody(Right),
}

/// Connects to the anchor, or takes the right to start it.
pub fn find(place: &Place) -> Result<Found> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(client) = connect(place)? {
            return Ok(Found::Anchor(client));
        }
        if let Some(right) = launch::take(place)? {
            return Ok(Found::Nobody(right));
        }
        // Another is about to start it, or it is about to end.
        if Instant::now() > deadline {
            return Err(silent(place));
        }
        std::thread::sleep(STEP);
    }
}

/// Starts the anchor in the user namespace of this process, which is root of it and has one thread; connects to it.
pub fn start(place: &Place, right: Right) -> Result<Client> {
    launch::start(place, right)?;
    connect(place)?.ok_or_else(|| silent(place))
}

/// Connects to the anchor, and starts it if there is none. The caller is root of the user namespace and has one thread.
pub fn connect_or_start(place: &Place) -> Result<Client> {
    match find(place)? {
        Found::Anchor(client) => Ok(client),
        Found::Nobody(right) => start(place, right),
    }
}

/// The same without waiting: `None` while another starts it, or it ends.
pub fn try_connect_or_start(place: &Place) -> Result<Option<Client>> {
    if let Some(client) = connect(place)? {
        return Ok(Some(client));
    }
    launch::take(place)?.map(|right| start(place, right)).transpose()
}

fn ended() -> Error {
    Error::new("the network anchor ended while it was asked")
}

fn silent(place: &Place) -> Error {
    let lock = place.dir().join("anchor.lock");
    Error::new("the network anchor does not answer")
        .hint(format!("end the process whose PID is in `{}`", lock.display()))
}

impl Client {
    /// Says what a container wants: its network namespace, and the listening sockets that `attach.listeners` speaks of.
    /// The answer comes with [`Client::connected`], also that there is no anchor any more.
    pub fn attach(&self, attach: Attach, namespace: BorrowedFd<'_>, listeners: &[BorrowedFd<'_>]) -> Result<()> {
        let mut descriptors = vec![namespace];
        let first = listeners.len().min(MAX_DESCRIPTORS - 1);
        let (first, rest) = listeners.split_at(first);
        descriptors.extend_from_slice(first);
        let mut lives = self.say(&Request::Attach(attach), &descriptors)?;
        for chunk in rest.chunks(MAX_DESCRIPTORS) {
            lives = lives && self.say(&Request::More {}, chunk)?;
        }
        Ok(())
    }

    /// Whether the anchor could still be told.
    fn say(&self, request: &Request, descriptors: &[BorrowedFd<'_>]) -> Result<bool> {
        match protocol::try_send(self.socket.as_fd(), request, descriptors)? {
            Ok(()) => Ok(true),
            Err(Errno::PIPE | Errno::CONNRESET) => Ok(false),
            Err(errno) => Err(Error::from(errno).wrap("talking to the network anchor")),
        }
    }

    /// Waits for the answer to [`Client::attach`]; `None` when the anchor ended instead.
    pub fn connected(&self) -> Result<Option<Result<Connected>>> {
        match self.answer()? {
            None => Ok(None),
            Some(Answer::Connected(connected)) => Ok(Some(Ok(connected))),
            Some(Answer::Failed(failure)) => Ok(Some(Err(failure.into()))),
            Some(_) => Err(Error::new("the network anchor said something unknown")),
        }
    }

    /// Ends the container's network, and waits (not for ever) until its published ports are free.
    pub fn detach(&self) {
        if protocol::send(self.socket.as_fd(), &Request::Detach {}, &[]).is_ok() {
            let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
            let _ = rustix::event::poll(&mut fds, Some(&GOODBYE));
        }
    }

    /// Waits until the anchor stands and leads out. Who answers questions for names in its namespace.
    ///
    /// # Errors
    /// It does not lead out.
    pub fn ready(&self) -> Result<Option<IpAddr>> {
        protocol::send(self.socket.as_fd(), &Request::Ready {}, &[])?;
        match self.answer()? {
            Some(Answer::Connected(connected)) => Ok(connected.resolver),
            Some(Answer::Failed(failure)) => Err(failure.into()),
            Some(_) | None => Err(ended()),
        }
    }

    /// Moves this thread into the anchor's network namespace.
    pub fn enter_network(&self, place: &Place) -> Result<()> {
        let namespace = launch::namespace(place)?;
        rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
            .context("entering the network namespace of the bridges")
    }

    /// All containers that are connected.
    pub fn list(&self) -> Result<Vec<Listed>> {
        protocol::send(self.socket.as_fd(), &Request::List {}, &[])?;
        let mut all = Vec::new();
        loop {
            match self.answer()? {
                Some(Answer::Listed(one)) => all.push(one),
                Some(Answer::Done {}) => return Ok(all),
                Some(Answer::Failed(failure)) => return Err(failure.into()),
                Some(Answer::Connected(_)) | None => return Err(ended()),
            }
        }
    }

    /// Lets the anchor read the definition of a network again.
    pub fn reload(&self, network: &str) -> Result<()> {
        protocol::send(self.socket.as_fd(), &Request::Reload { network: network.to_owned() }, &[])?;
        match self.answer()? {
            Some(Answer::Done {}) => Ok(()),
            Some(Answer::Failed(failure)) => Err(failure.into()),
            Some(_) | None => Err(ended()),
        }
    }

    fn answer(&self) -> Result<Option<Answer>> {
        Ok(protocol::receive(self.socket.as_fd())?.map(|(answer, _)| answer))
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::channel;

    /// That there is no anchor any more is heard where the answer is awaited, and not an error of asking.
    #[test]
    fn an_anchor_that_has_ended() {
        let (socket, theirs) = channel::pair().unwrap();
        drop(theirs);
        let client = Client { socket };
        let file = std::fs::File::open("/dev/null").unwrap();
        let many = [file.as_fd(); 200];
        client.attach(Attach::default(), file.as_fd(), &many).unwrap();
        assert!(client.connected().unwrap().is_none());
    }
}
