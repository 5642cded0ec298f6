//! The uplink: the process that leads out of the inner namespace. It is started with the anchor, which does not wait for it
//! but where a container needs it, and started again when it has died.

use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Place;
use super::outer::Outer;
use crate::error::{Error, Result};
use crate::network::config::{Net, RootlessCmd};
use crate::network::netlink::route::{address, link, routes};
use crate::network::netlink::{Protocol, Socket};
use crate::network::{Cidr, Helper, Mode, Plan, SlirpOptions};

/// The interface's name in the inner namespace.
pub(super) const INTERFACE: &str = "tap0";
/// How long it may take to start.
const DEADLINE: Duration = Duration::from_secs(15);
/// The first pause before it is started again, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// One that ran for as long as this is not one that keeps failing.
const LONG_ENOUGH: Duration = Duration::from_secs(10);

/// What may be the uplink's own IPv4 network: the default of slirp4netns, and where that is another network's, those that are in
/// documents only (RFC 5737) and so nobody's. pasta has one as well, because with the host's own addresses, which it would take, the
/// host could not be reached.
const RANGES: [&str; 4] = ["10.0.2.0/24", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"];
/// The IPv6 addresses of the inner namespace and of pasta, from what is in documents only (RFC 3849).
const OWN: &str = "2001:db8:c0:ac1e::100";
const PASTA_GATEWAY: &str = "2001:db8:c0:ac1e::2";
/// slirp4netns has fd00::/64 for itself, which is easily a user's network as well: so its router is reached by the link's address.
const SLIRP_GATEWAY: &str = "fe80::2";
/// Its gateway and its resolver there, whatever is the host's.
const SLIRP_V6: [&str; 2] = ["fd00::2", "fd00::3"];

#[derive(Debug)]
pub(super) struct Uplink {
    outer: Outer,
    plan: Plan,
    /// Where the helper may make its files.
    dir: PathBuf,
    state: State,
    pause: Duration,
    /// Its own network; none where somebody has said what it is.
    range: Option<Cidr>,
    /// Networks that its own must not overlap.
    avoided: Vec<Net>,
    /// The host's when the uplink was started, where it does not follow them.
    ways_out: Vec<(routes::Route, Vec<address::Address>)>,
}

#[derive(Debug)]
enum State {
    Starting {
        helper: Box<Helper>,
        until: Instant,
    },
    Ready {
        helper: Box<Helper>,
        since: Instant,
    },
    Broken {
        error: Error,
        again: Instant,
    },
    /// The host itself has no way out: containers still have each other. It is tried when that changes.
    Offline,
}

/// What [`Uplink::heard`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Nothing,
    /// It leads out now.
    Ready,
    /// It does not, and why; it will be tried again.
    Broken(Error),
}

impl Uplink {
    /// Starts it; what goes wrong is for those who need it.
    pub(super) fn start(place: &Place, outer: Outer) -> Uplink {
        let mut mode = mode(place.uplink, &place.options);
        let usual = SlirpOptions::default().cidr;
        let range = match &mode {
            Mode::Slirp4netns(options) => options.cidr == usual,
            Mode::Pasta(options) => !options.has_addresses(),
            _ => false,
        };
        let range = range.then_some(usual);
        if let Mode::Pasta(options) = &mut mode {
            options.args.extend(["--ns-ifname".to_owned(), INTERFACE.to_owned()]);
        }
        let mut plan = Plan::new(mode, Vec::new());
        plan.program = place.program.clone();
        let none = State::Broken { error: Error::new("it has not been started"), again: Instant::now() };
        let (dir, pause) = (place.dir(), FIRST_PAUSE);
        let (avoided, ways_out) = (Vec::new(), Vec::new());
        let mut uplink = Uplink { outer, plan, dir, state: none, pause, range, avoided, ways_out };
        uplink.again();
        uplink
    }

    /// Whether it leads out, or nothing does.
    pub(super) fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready { .. } | State::Offline)
    }

    /// Readable when [`Uplink::heard`] should be called.
    pub(super) fn watched(&self) -> Option<BorrowedFd<'_>> {
        match &self.state {
            State::Starting { helper, .. } => Some(helper.ready_fd()),
            State::Ready { helper, .. } => Some(helper.pidfd()),
            State::Broken { .. } | State::Offline => None,
        }
    }

    /// When [`Uplink::heard`] should be called at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Starting { until, .. } => Some(*until),
            State::Ready { .. } | State::Offline => None,
            State::Broken { again, .. } => Some(*again),
        }
    }

    /// Somebody needs it now: no pause if it is broken.
    pub(super) fn hurry(&mut self) {
        if matches!(self.state, State::Broken { .. }) {
            self.again();
        }
    }

    /// Whether it looks at the host's network with every connection, as slirp4netns does. pasta copies addresses and routes
    /// when it is started.
    pub(super) fn follows_host(&self) -> bool {
        !matches!(self.plan.mode, Mode::Pasta(_))
    }

    /// Whether its own network overlaps one of these.
    pub(super) fn overlaps(&self, networks: &[Net]) -> bool {
        self.range.is_some_and(|range| networks.iter().any(|network| network.overlaps(net(range))))
    }

    /// Starts it again with a network of its own that overlaps none of these, if there is one.
    pub(super) fn avoid(&mut self, networks: Vec<Net>) {
        self.avoided = networks;
        let before = self.range;
        self.choose_range();
        if self.range != before {
            self.again();
        }
    }

    /// Who answers questions for names in the inner namespace itself: the uplink, which asks the host's resolver.
    pub(super) fn resolver(&self) -> Option<IpAddr> {
        self.plan().mode.dns()
    }

    /// Addresses of the uplink itself, behind which is no host: its gateway, and resolvers that know all names.
    pub(super) fn helpers(&self) -> Vec<IpAddr> {
        let mode = self.plan().mode;
        let (gateway, v6) = match &mode {
            Mode::Slirp4netns(options) => (Some(options.cidr.gateway()), &SLIRP_V6[..]),
            // It is the host with `--map-gw`.
            Mode::Pasta(_) => (self.range.map(Cidr::gateway), &[][..]),
            _ => (None, &[][..]),
        };
        let v6 = v6.iter().filter_map(|address| address.parse().ok());
        gateway.map(IpAddr::V4).into_iter().chain(mode.dns()).chain(v6).collect()
    }

    /// A network that is neither the host's nor one to be avoided.
    fn choose_range(&mut self) {
        if self.range.is_none() {
            return;
        }
        let hosts = self.outer.run(networks_of_host).unwrap_or_default();
        let all: Vec<Cidr> = RANGES.iter().filter_map(|range| range.parse().ok()).collect();
        let is_free = |range: &&Cidr| !self.avoided.iter().any(|network| network.overlaps(net(**range)));
        let is_nobodys = |range: &&Cidr| is_free(range) && !hosts.iter().any(|host| host.overlaps(net(**range)));
        // Rather one of the host's than one of the containers'.
        let range = all.iter().find(is_nobodys).or_else(|| all.iter().find(is_free));
        self.range = range.copied().or(self.range);
    }

    /// The plan with that network.
    fn plan(&self) -> Plan {
        let mut plan = self.plan.clone();
        match (&mut plan.mode, self.range) {
            (Mode::Slirp4netns(options), Some(range)) => options.cidr = range,
            (Mode::Pasta(options), Some(range)) => {
                let v6 = self.ways_out.iter().any(|(route, _)| route.destination.is_ipv6());
                options.args.extend(own_addresses(range, v6));
            }
            _ => {}
        }
        plan
    }

    /// The host's network has changed, perhaps in what was copied.
    pub(super) fn host_changed(&mut self) {
        let now = self.outer.run(ways_out).unwrap_or_default();
        if now != self.ways_out {
            self.again();
        }
    }

    /// Something is readable, or time has passed.
    pub(super) fn heard(&mut self, socket: &mut Socket) -> Change {
        let pause = Instant::now() + self.pause;
        match std::mem::replace(&mut self.state, State::Broken { error: Error::new("it died"), again: pause }) {
            State::Starting { mut helper, until } => {
                // It may start the helper once more, which must happen where it was started.
                let waited = self.outer.run(move || {
                    let result = helper.wait_ready(until);
                    (helper, result)
                });
                match waited {
                    Ok((helper, Ok(()))) => {
                        if matches!(&self.plan.mode, Mode::Slirp4netns(options) if options.enable_ipv6) {
                            let _ = set_ipv6(socket);
                        }
                        self.state = State::Ready { helper, since: Instant::now() };
                        Change::Ready
                    }
                    Ok((_, Err(_))) if !self.follows_host() && self.ways_out.is_empty() => {
                        self.state = State::Offline;
                        Change::Ready
                    }
                    Ok((_, Err(error))) | Err(error) => self.broken(error),
                }
            }
            State::Ready { since, .. } => {
                if since.elapsed() >= LONG_ENOUGH {
                    self.pause = FIRST_PAUSE;
                }
                self.broken(Error::new("the network's uplink died"))
            }
            State::Offline => {
                self.state = State::Offline;
                Change::Nothing
            }
            State::Broken { error, again } if again > Instant::now() => {
                self.state = State::Broken { error, again };
                Change::Nothing
            }
            State::Broken { .. } => {
                self.again();
                match &self.state {
                    State::Broken { error, .. } => Change::Broken(error.clone()),
                    _ => Change::Nothing,
                }
            }
        }
    }

    fn broken(&mut self, error: Error) -> Change {
        self.state = State::Broken { error: error.clone(), again: Instant::now() + self.pause };
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Change::Broken(error)
    }

    /// Starts the helper in the host's namespace, for that of this process's first thread.
    fn again(&mut self) {
        self.choose_range();
        let own = i32::try_from(std::process::id()).unwrap_or_default();
        // The old one must be gone, or the name of its interface is still taken.
        let old = std::mem::replace(&mut self.state, State::Broken { error: Error::new(""), again: Instant::now() });
        drop(old);
        if !self.follows_host() {
            self.ways_out = self.outer.run(ways_out).unwrap_or_default();
        }
        let (plan, dir) = (self.plan(), self.dir.clone());
        let spawned = self.outer.run(move || Helper::spawn(plan, own, &dir));
        match spawned.and_then(|spawned| spawned) {
            Ok(Some(helper)) => {
                self.state = State::Starting { helper: Box::new(helper), until: Instant::now() + DEADLINE };
            }
            Ok(None) => drop(self.broken(Error::new("this uplink has no process"))),
            Err(error) => drop(self.broken(error)),
        }
    }

    /// Why it does not lead out.
    pub(super) fn error(&self) -> Option<Error> {
        match &self.state {
            State::Broken { error, .. } => Some(error.clone()),
            _ => None,
        }
    }
}

/// As `--network` would be, without a network.
fn mode(uplink: RootlessCmd, options: &[String]) -> Mode {
    let usual = |options: &[String]| Mode::parse(&format!("{}:{}", uplink.name(), options.join(",")));
    match usual(options).or_else(|_| usual(&[])) {
        Ok(mode) => mode,
        Err(_) => Mode::Slirp4netns(SlirpOptions::default()),
    }
}

/// What pasta is told of its addresses; of IPv6 only where the host has a way out by it.
fn own_addresses(range: Cidr, v6: bool) -> Vec<String> {
    let (_, prefix) = range.network();
    let (own, gateway) = (range.container().to_string(), range.gateway().to_string());
    let v4 = ["-a".to_owned(), own, "-n".to_owned(), prefix.to_string(), "-g".to_owned(), gateway];
    let v6 = if v6 { &["-a", OWN, "-g", PASTA_GATEWAY][..] } else { &[] };
    v4.into_iter().chain(v6.iter().map(|word| (*word).to_owned())).collect()
}

fn net(range: Cidr) -> Net {
    let (address, prefix) = range.network();
    Net::new(address.into(), prefix)
}

/// Where this thread's namespace has a way to but the default one.
fn networks_of_host() -> Vec<Net> {
    let list = || -> Result<_> { Ok(routes::list(&mut Socket::open(Protocol::Route)?)?) };
    let is_one = |route: &routes::Route| route.prefix > 0 && route.kind == routes::Kind::Unicast;
    let routes = list().unwrap_or_default().into_iter().filter(is_one);
    routes.map(|route| Net::new(route.destination, route.prefix)).collect()
}

/// The default routes of this thread's namespace, each with the addresses of its interface.
fn ways_out() -> Vec<(routes::Route, Vec<address::Address>)> {
    let list = || -> Result<_> {
        let mut socket = Socket::open(Protocol::Route)?;
        Ok((routes::list(&mut socket)?, address::list(&mut socket)?))
    };
    let Ok((routes, addresses)) = list() else { return Vec::new() };
    let is_default =
        |route: &routes::Route| route.prefix == 0 && route.table == routes::MAIN && route.kind == routes::Kind::Unicast;
    let with_addresses = |route: routes::Route| {
        let on_it = addresses.iter().filter(|address| Some(address.link) == route.link && address.scope == 0);
        (route, on_it.copied().collect())
    };
    routes.into_iter().filter(is_default).map(with_addresses).collect()
}

/// slirp4netns sets IPv4 up in the namespace and leaves IPv6 to router advertisements, which nobody here listens to.
fn set_ipv6(socket: &mut Socket) -> Result<()> {
    let (Ok(gateway), Ok(own)) = (SLIRP_GATEWAY.parse(), OWN.parse()) else { return Ok(()) };
    let Some(tap) = link::find(socket, INTERFACE)? else { return Ok(()) };
    let link = Some(tap.index);
    socket.request(&[
        address::add(tap.index, own, 128),
        routes::set(&routes::Route { link, ..routes::Route::default_by(gateway) }),
    ])?;
    Ok(())
}

impl Drop for Uplink {
    fn drop(&mut self) {
        if let State::Starting { helper, .. } | State::Ready { helper, .. } = &mut self.state {
            helper.stop();
        }
    }
}
