//! The anchor's loop: connections, the uplink's process, signals, time.

use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::SocketFlags;

use super::attach::{Container, Wiring};
use super::bridges::Bridges;
use super::namespace::Inner;
use super::outer::Outer;
use super::protocol::{self, Answer, Attach, Connected, Failure, Listed, MAX_LISTENERS, MAX_PACKET, Request};
use super::services::Services;
use super::uplink::{Change, Uplink};
use super::{Lock, Place, launch, recover};
use crate::error::{Context as _, Error, Result};
use crate::network::netlink::route::watch::Watch;
use crate::network::netlink::{Protocol, Socket};
use crate::runtime::channel::{self, MAX_DESCRIPTORS};

/// How long an anchor stays after its last connection.
const LINGER: Duration = Duration::from_secs(3);
/// How long those who wait for an anchor that cannot be are told so.
const REFUSING: Duration = Duration::from_millis(500);
/// How long a client that asked may leave the answer unread.
const PATIENCE: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };
/// The host's network has changed, perhaps several times: how long it must be quiet before that is looked at.
const SETTLING: Duration = Duration::from_millis(300);

/// What became ready. Connections are the numbers from [`CONNECTIONS`] on.
const LISTENER: u64 = 0;
const SIGNALS: u64 = 1;
const UPLINK: u64 = 2;
const HOST: u64 = 3;
const CONNECTIONS: u64 = 16;

struct Anchor {
    place: Place,
    listener: OwnedFd,
    signals: SignalFd,
    epoll: OwnedFd,
    wiring: Wiring,
    uplink: Uplink,
    /// The descriptor of the uplink that is watched now.
    uplink_fd: Option<i32>,
    /// Only where the uplink does not look at the host's network itself.
    host: Option<Watch>,
    host_changed: Option<Instant>,
    connections: HashMap<u64, Connection>,
    next: u64,
    /// Since when there is no connection.
    idle_since: Option<Instant>,
    /// Goes with the last connection.
    closing: bool,
    buffer: Vec<u8>,
}

struct Connection {
    socket: OwnedFd,
    container: Option<Container>,
    /// An attach whose descriptors have not all come.
    coming: Option<Coming>,
    /// It is connected, but hears so only when the uplink is ready.
    waits: bool,
}

struct Coming {
    attach: Attach,
    namespace: OwnedFd,
    listeners: Vec<OwnedFd>,
}

/// Serves until nobody needs it any more.
pub(super) fn serve(place: Place, listener: OwnedFd, lock: Lock) -> Result<()> {
    let refused = match begin(place, listener.try_clone()?, &lock) {
        Ok(mut anchor) => {
            drop(listener);
            anchor.run()
        }
        Err(error) => {
            refuse(&listener, &error);
            Err(error)
        }
    };
    lock.leave();
    refused
}

fn begin(place: Place, listener: OwnedFd, lock: &Lock) -> Result<Anchor> {
    let mut mask = SigSet::empty();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGPIPE] {
        mask.add(signal);
    }
    // Before there are threads, which inherit it.
    mask.thread_block().context("blocking signals")?;
    let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
    let signals = SignalFd::with_flags(&mask, flags).context("creating a signalfd")?;
    crate::sys::net::raise_descriptor_limit();
    let outer = Outer::start()?;
    let inner = Inner::enter()?;
    let uplink = Uplink::start(&place, outer.clone());
    let host = if uplink.follows_host() { None } else { Some(outer.run(Watch::new)??) };
    // The text that an anchor leaves which was killed.
    let reserved = if lock.was_left() { recover::reserved(&place.containers) } else { Vec::new() };
    let bridges = Bridges::new(reserved);
    let mut socket = Socket::open(Protocol::Route)?;
    let services = Services::start(&outer, &mut socket)?;
    let wiring = Wiring::new(inner, socket, services, bridges);
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).context("creating an epoll")?;
    let mut anchor = Anchor {
        place,
        listener,
        signals,
        epoll,
        wiring,
        uplink,
        uplink_fd: None,
        host,
        host_changed: None,
        connections: HashMap::new(),
        next: CONNECTIONS,
        idle_since: Some(Instant::now()),
        closing: false,
        buffer: vec![0; MAX_PACKET],
    };
    watch(&anchor.epoll, &anchor.listener, LISTENER)?;
    watch(&anchor.epoll, &anchor.signals, SIGNALS)?;
    if let Some(host) = &anchor.host {
        watch(&anchor.epoll, host, HOST)?;
    }
    anchor.watch_uplink();
    Ok(anchor)
}

fn watch(epoll: &OwnedFd, fd: impl AsFd, token: u64) -> Result<()> {
    epoll::add(epoll, fd, EventData::new_u64(token), EventFlags::IN).context("watching a descriptor")
}

impl Anchor {
    fn run(&mut self) -> Result<()> {
        let mut events = Vec::with_capacity(64);
        loop {
            let idle_end = self.idle_since.map(|since| if self.closing { since } else { since + LINGER });
            if idle_end.is_some_and(|end| end <= Instant::now()) && self.may_leave() {
                return Ok(());
            }
            let due = [idle_end, self.uplink.deadline(), self.wiring.next_sweep(), self.wiring.bridges.next_sweep()];
            let host = self.host_changed.map(|at| at + SETTLING);
            let timeout = due.into_iter().chain([host]).flatten().min().map(until);
            events.clear();
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), timeout.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno).context("waiting for events"),
            }
            for event in &events {
                match event.data.u64() {
                    LISTENER => self.accept(),
                    SIGNALS => {
                        while let Ok(Some(_)) = self.signals.read_signal() {
                            self.closing = true;
                        }
                    }
                    UPLINK => self.uplink_heard(),
                    HOST => {
                        if self.host.as_ref().is_some_and(|host| host.changed().unwrap_or(false)) {
                            self.host_changed = Some(Instant::now());
                        }
                    }
                    token => self.hear(token),
                }
            }
            self.time_passes();
        }
    }

    /// Whether nobody has connected in this very moment: whoever has would find an anchor that does not answer.
    fn may_leave(&mut self) -> bool {
        let hidden = launch::hide(&self.place, true).is_ok();
        self.accept();
        if self.connections.is_empty() {
            launch::remove_hidden(&self.place);
            return true;
        }
        // It cannot be found again: the others start another one when this one has gone.
        self.closing |= hidden && launch::hide(&self.place, false).is_err();
        false
    }

    fn time_passes(&mut self) {
        let now = Instant::now();
        if self.uplink.deadline().is_some_and(|at| at <= now) {
            self.uplink_heard();
        }
        if self.host_changed.is_some_and(|at| at + SETTLING <= now) {
            self.host_changed = None;
            self.unwatch_uplink();
            self.uplink.host_changed();
            self.watch_uplink();
        }
        if self.wiring.next_sweep().is_some_and(|at| at <= now) {
            self.wiring.sweep();
        }
        if self.wiring.bridges.next_sweep().is_some_and(|at| at <= now) {
            self.wiring.sweep_bridges();
        }
    }

    fn uplink_heard(&mut self) {
        // Its descriptors may be closed by what follows, and their numbers taken by others.
        self.unwatch_uplink();
        let mut change = self.uplink.heard(self.wiring.socket());
        self.watch_uplink();
        if change == Change::Nothing {
            return;
        }
        // Before anybody hears that it leads out.
        if let Err(error) = self.wiring.services.firewall().set_helpers(self.uplink.helpers()) {
            change = Change::Broken(error);
        }
        let waiting: Vec<u64> = self.connections.iter().filter(|(_, c)| c.waits).map(|(token, _)| *token).collect();
        for token in waiting {
            match &change {
                Change::Broken(error) => {
                    self.drop_container(token);
                    self.answer(token, &Answer::Failed(error.into()));
                }
                _ => self.say_connected(token),
            }
        }
    }

    fn unwatch_uplink(&mut self) {
        if let (Some(_), Some(fd)) = (self.uplink_fd.take(), self.uplink.watched()) {
            let _ = epoll::delete(&self.epoll, fd);
        }
    }

    fn watch_uplink(&mut self) {
        self.uplink_fd = match self.uplink.watched() {
            Some(fd) if watch(&self.epoll, fd, UPLINK).is_ok() => Some(fd.as_raw_fd()),
            _ => None,
        };
    }

    fn accept(&mut self) {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        while let Ok(socket) = rustix::net::accept_with(&self.listener, flags) {
            if !launch::is_own(&socket) {
                continue;
            }
            let token = self.next;
            self.next += 1;
            if watch(&self.epoll, &socket, token).is_ok() {
                let connection = Connection { socket, container: None, coming: None, waits: false };
                self.connections.insert(token, connection);
                self.idle_since = None;
                // Most have written already.
                self.hear(token);
            }
        }
    }

    /// Reads one packet of a connection.
    fn hear(&mut self, token: u64) {
        let Some(connection) = self.connections.get(&token) else { return };
        let (length, descriptors) = match channel::receive(&connection.socket, &mut self.buffer) {
            Err(rustix::io::Errno::AGAIN) => return,
            Ok((0, _)) | Err(_) => return self.end(token),
            Ok(received) => received,
        };
        let request = protocol::parse(self.buffer.get(..length).unwrap_or_default());
        if let Err(error) = request.and_then(|request| self.handle(token, request, descriptors)) {
            self.answer(token, &Answer::Failed(Failure::from(&error)));
        }
    }

    fn handle(&mut self, token: u64, request: Request, descriptors: Vec<OwnedFd>) -> Result<()> {
        match request {
            Request::Attach(attach) => {
                if protocol::count(&attach.listeners) > MAX_LISTENERS {
                    return Err(Error::new("the container publishes too many ports"));
                }
                let mut descriptors = descriptors.into_iter();
                let namespace = descriptors.next().ok_or_else(|| Error::new("there is no network namespace"))?;
                check_complete(descriptors.len(), protocol::count(&attach.listeners).min(MAX_DESCRIPTORS - 1))?;
                self.gather(token, Coming { attach, namespace, listeners: descriptors.collect() })
            }
            Request::More {} => {
                let coming = self.connections.get_mut(&token).and_then(|connection| connection.coming.take());
                // After a failure, which has been answered.
                let Some(mut coming) = coming else { return Ok(()) };
                let missing = protocol::count(&coming.attach.listeners).saturating_sub(coming.listeners.len());
                check_complete(descriptors.len(), missing.min(MAX_DESCRIPTORS))?;
                coming.listeners.extend(descriptors);
                self.gather(token, coming)
            }
            Request::Detach {} => {
                self.drop_container(token);
                self.answer(token, &Answer::Done {});
                Ok(())
            }
            Request::Ready {} => self.say_when_ready(token, true),
            Request::List {} => {
                let list: Vec<Answer> = self.connections.values().filter_map(listed).collect();
                for answer in list.iter().chain([&Answer::Done {}]) {
                    self.answer_patiently(token, answer);
                }
                Ok(())
            }
            Request::Reload { network } => {
                self.wiring.reload(&network)?;
                self.answer(token, &Answer::Done {});
                Ok(())
            }
        }
    }

    /// Connects the container once all of its descriptors are there.
    fn gather(&mut self, token: u64, coming: Coming) -> Result<()> {
        let Some(connection) = self.connections.get_mut(&token) else { return Ok(()) };
        if coming.listeners.len() < protocol::count(&coming.attach.listeners) {
            connection.coming = Some(coming);
            return Ok(());
        }
        let Coming { attach, namespace, listeners } = coming;
        let listeners = protocol::listeners(&attach.listeners, listeners)?;
        let waits = connection.waits;
        let mut container = connection.container.take().unwrap_or_default();
        // It has come back before the end of its earlier connection was noticed.
        let id = &attach.wanted.id;
        let earlier = self.connections.iter().find(|(_, c)| c.container.as_ref().is_some_and(|c| c.wanted.id == *id));
        if let Some(earlier) = earlier.map(|(token, _)| *token) {
            self.drop_container(earlier);
        }
        // A container that is connected stays so while nothing leads out: that is tried again without it.
        let was_connected = !waits && !container.wires.is_empty();
        let result = self.wiring.connect(&mut container, attach, &namespace, listeners);
        let needs_uplink = container.reaches_out() && !was_connected;
        let Some(connection) = self.connections.get_mut(&token) else { return Ok(()) };
        if !container.wires.is_empty() || result.is_ok() {
            connection.container = Some(container);
        }
        result?;
        self.keep_uplink_apart();
        self.say_when_ready(token, needs_uplink)
    }

    /// The uplink must not have the addresses of a network that has come.
    fn keep_uplink_apart(&mut self) {
        let networks = self.wiring.bridges.subnets();
        if self.uplink.overlaps(&networks) {
            self.unwatch_uplink();
            self.uplink.avoid(networks);
            self.watch_uplink();
        }
    }

    /// Answers now, or when the uplink is ready.
    fn say_when_ready(&mut self, token: u64, needs_uplink: bool) -> Result<()> {
        if !needs_uplink || self.uplink.is_ready() {
            self.say_connected(token);
            return Ok(());
        }
        if let Some(connection) = self.connections.get_mut(&token) {
            connection.waits = true;
        }
        self.unwatch_uplink();
        self.uplink.hurry();
        self.watch_uplink();
        match self.uplink.error() {
            Some(error) => {
                self.drop_container(token);
                Err(error)
            }
            None => Ok(()),
        }
    }

    fn say_connected(&mut self, token: u64) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        connection.waits = false;
        let interfaces = connection.container.as_ref().map(Container::interfaces).unwrap_or_default();
        // No container needs to know: theirs are the gateways.
        let resolver = if connection.container.is_none() { self.uplink.resolver() } else { None };
        self.answer(token, &Answer::Connected(Connected { interfaces, resolver }));
    }

    /// A client that does not take its answer is no client any more.
    fn answer(&mut self, token: u64, answer: &Answer) {
        let Some(connection) = self.connections.get(&token) else { return };
        if protocol::send(connection.socket.as_fd(), answer, &[]).is_err() {
            self.end(token);
        }
    }

    /// The same for many answers, which do not fit into the socket.
    fn answer_patiently(&mut self, token: u64, answer: &Answer) {
        let Some(connection) = self.connections.get(&token) else { return };
        let mut fds = [PollFd::new(&connection.socket, PollFlags::OUT)];
        if matches!(rustix::event::poll(&mut fds, Some(&PATIENCE)), Ok(1..)) {
            self.answer(token, answer);
        } else {
            self.end(token);
        }
    }

    fn end(&mut self, token: u64) {
        self.drop_container(token);
        if let Some(connection) = self.connections.remove(&token) {
            let _ = epoll::delete(&self.epoll, &connection.socket);
        }
        if self.connections.is_empty() {
            self.idle_since = Some(Instant::now());
        }
    }

    fn drop_container(&mut self, token: u64) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        connection.waits = false;
        if let Some(container) = connection.container.take() {
            self.wiring.disconnect(container);
        }
    }
}

/// The kernel leaves descriptors out of a packet that the process can have no more of.
fn check_complete(came: usize, wanted: usize) -> Result<()> {
    if came >= wanted {
        return Ok(());
    }
    Err(Error::from(rustix::io::Errno::MFILE)
        .wrap("publishing the ports of the container")
        .hint("publish fewer ports, or let your processes have more open files (ulimit -Hn)"))
}

fn listed(connection: &Connection) -> Option<Answer> {
    let container = connection.container.as_ref()?;
    let (id, name) = (container.wanted.id.clone(), container.wanted.name.clone());
    Some(Answer::Listed(Listed { id, name, interfaces: container.interfaces() }))
}

fn until(at: Instant) -> Timespec {
    // Rounded up, so that a deadline is over when the wait for it is.
    let left = at.saturating_duration_since(Instant::now()) + Duration::from_micros(1);
    Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX), tv_nsec: left.subsec_nanos().into() }
}

/// Tells all who come why there is no anchor.
fn refuse(listener: &OwnedFd, error: &Error) {
    let end = Instant::now() + REFUSING;
    let ready = |fd: BorrowedFd<'_>| {
        let mut fds = [PollFd::new(&fd, PollFlags::IN)];
        matches!(rustix::event::poll(&mut fds, Some(&until(end))), Ok(1..))
    };
    while ready(listener.as_fd()) {
        let Ok(socket) = rustix::net::accept_with(listener, SocketFlags::CLOEXEC) else { return };
        if ready(socket.as_fd()) {
            let _ = channel::receive(&socket, &mut [0; 64]);
            let _ = protocol::send(socket.as_fd(), &Answer::Failed(Failure::from(error)), &[]);
        }
    }
}
