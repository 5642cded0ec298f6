//! From what was asked for, and the IDs that the user has, to the map of a container.

use super::entry::{self, Entry};
use super::mode::Mode;
use super::ranges::Ranges;
use super::stored::Shift;
use crate::bail;
use crate::container::record::UsernsOf;
use crate::error::{Error, Result};
use crate::runtime::idmap::IdMap;
use crate::runtime::userns::Extent;
use crate::storage::owners::{NOBODY, Needed};

/// `--userns=auto` without a size: at least so many IDs, at most so many.
const AUTO_LEAST: u32 = 1024;
const AUTO_MOST: u32 = 65536;

/// Everything that was said of the mapping.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    pub mode: Mode,
    /// As typed; for inspection.
    pub typed: String,
    pub uid_map: Vec<Entry>,
    pub gid_map: Vec<Entry>,
    /// `--subuidname`, `--subgidname`.
    pub subuid_name: Option<String>,
    pub subgid_name: Option<String>,
}

/// What the user has.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The map of the user's namespace: its IDs to the host's.
    pub own: IdMap,
    /// The user's IDs on the host.
    pub uid: u32,
    pub gid: u32,
    /// Only one ID is mapped.
    pub single: bool,
    /// Ranges of `--subuidname` and `--subgidname`: start and count on the host.
    pub named_uids: Vec<(u32, u32)>,
    pub named_gids: Vec<(u32, u32)>,
}

/// What a container gets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decided {
    /// `None` is the user's own mapping.
    pub map: Option<IdMap>,
    /// The namespace is another's.
    pub of: Option<UsernsOf>,
    /// What of an image's files is shown with other owners than it is stored with.
    pub shift: Option<Shift>,
    /// Who the container runs as when nobody says so.
    pub default_user: Option<String>,
    /// What that one is called on the host.
    pub name: String,
    /// The map is the user's own, in a namespace of the container's own all the same: nobody asked for it.
    pub guarded: bool,
}

impl Decided {
    /// As it is inspected.
    pub fn mode(&self) -> String {
        match (&self.of, &self.map) {
            (Some(UsernsOf::Container(id)), _) => format!("container:{id}"),
            (Some(UsernsOf::Path(path)), _) => format!("ns:{}", path.display()),
            (None, Some(_)) if !self.guarded => "private".to_owned(),
            (None, _) => String::new(),
        }
    }
}

impl Request {
    /// From the flags.
    ///
    /// # Errors
    /// What is malformed, and flags that contradict each other.
    pub fn parse(
        userns: Option<&str>,
        maps: (&[String], &[String]),
        names: (Option<&str>, Option<&str>),
    ) -> Result<Self> {
        let some = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(str::to_owned);
        let (mut uid_map, mut gid_map) = (entry::parse_all(maps.0, "UID")?, entry::parse_all(maps.1, "GID")?);
        let (mut subuid_name, mut subgid_name) = (some(names.0), some(names.1));
        let has_names = subuid_name.is_some() || subgid_name.is_some();
        let has_maps = !uid_map.is_empty() || !gid_map.is_empty();
        if userns.is_some() && (has_names || has_maps) {
            bail!("--userns and --uidmap/--gidmap/--subuidname/--subgidname are mutually exclusive");
        }
        if has_names && has_maps {
            bail!("--uidmap/--gidmap and --subuidname/--subgidname are mutually exclusive");
        }
        // One of them alone stands for both.
        if gid_map.is_empty() {
            gid_map.clone_from(&uid_map);
        } else if uid_map.is_empty() {
            uid_map.clone_from(&gid_map);
        }
        uid_map.retain(|entry| entry.for_users);
        gid_map.retain(|entry| entry.for_groups);
        subuid_name = subuid_name.or_else(|| subgid_name.clone());
        subgid_name = subgid_name.or_else(|| subuid_name.clone());
        let mode = match userns {
            Some(text) => Mode::parse(text)?,
            None if has_maps || has_names => Mode::Private,
            None => Mode::Host,
        };
        if mode == Mode::Private && !has_maps && !has_names {
            return Err(Error::new("must provide at least one UID or GID mapping to configure a user namespace")
                .hint("give them with --uidmap and --gidmap, or use --userns=auto"));
        }
        Ok(Request { mode, typed: userns.unwrap_or_default().to_owned(), uid_map, gid_map, subuid_name, subgid_name })
    }

    /// The user that the container has when nobody names one: with keep-id the one who runs it.
    pub fn default_user(&self, given: &Given) -> Option<String> {
        match &self.mode {
            Mode::KeepId { uid, gid, .. } => Some(format!("{}:{}", uid.unwrap_or(given.uid), gid.unwrap_or(given.gid))),
            _ => None,
        }
    }

    /// The map, for the modes that need no more than the user's own IDs; `None` for the others.
    pub fn plan(&self, given: &Given) -> Result<Option<IdMap>> {
        let map = match &self.mode {
            Mode::Host | Mode::Auto { .. } | Mode::Container(_) | Mode::Path(_) => return Ok(None),
            Mode::KeepId { uid, gid, size } => IdMap {
                uids: keep(&given.own.uids, uid.unwrap_or(given.uid), *size),
                gids: keep(&given.own.gids, gid.unwrap_or(given.gid), *size),
            },
            Mode::Own => IdMap { uids: typed(&[], &given.own.uids, "UID")?, gids: typed(&[], &given.own.gids, "GID")? },
            Mode::NoMap if given.uid == 0 => bail!("nomap is only supported in rootless mode"),
            Mode::NoMap if given.single => {
                return Err(Error::new("`--userns=nomap` needs subordinate IDs: you have none besides your own")
                    .hint("as root, write a line like `NAME:100000:65536` into /etc/subuid and /etc/subgid"));
            }
            Mode::NoMap => IdMap { uids: others(&given.own.uids), gids: others(&given.own.gids) },
            Mode::Private if self.subuid_name.is_some() => IdMap {
                uids: named(&given.named_uids, &given.own.uids, "UID")?,
                gids: named(&given.named_gids, &given.own.gids, "GID")?,
            },
            Mode::Private => IdMap {
                uids: typed(&self.uid_map, &given.own.uids, "UID")?,
                gids: typed(&self.gid_map, &given.own.gids, "GID")?,
            },
        };
        map.check(&given.own)?;
        Ok(Some(map))
    }
}

/// How many IDs there are beyond the user's own.
fn subordinate(own: &[Extent]) -> u32 {
    own.iter().skip(1).fold(0, |sum, e| sum.saturating_add(e.size))
}

fn keep(own: &[Extent], id: u32, size: Option<u32>) -> Vec<Extent> {
    let most = size.map_or(u32::MAX, |size| size.saturating_sub(1)).min(subordinate(own));
    let map = vec![
        Extent { container_id: 0, host_id: 1, size: id.min(most) },
        Extent { container_id: id, host_id: 0, size: 1 },
        Extent { container_id: id.saturating_add(1), host_id: id.saturating_add(1), size: most.saturating_sub(id) },
    ];
    entry::merged(map)
}

fn others(own: &[Extent]) -> Vec<Extent> {
    vec![Extent { container_id: 0, host_id: 1, size: subordinate(own) }]
}

/// What was typed. A map of which nothing was said is the user's own.
fn typed(entries: &[Entry], own: &[Extent], what: &str) -> Result<Vec<Extent>> {
    if entries.is_empty() {
        return Ok(entry::merged(own.iter().map(|e| Extent { host_id: e.container_id, ..*e }).collect()));
    }
    entry::build(entries, own, what)
}

fn named(ranges: &[(u32, u32)], own: &[Extent], what: &str) -> Result<Vec<Extent>> {
    let mut next = 0_u32;
    let mut map = Vec::new();
    for (start, count) in ranges {
        let entry = Entry {
            extend: false,
            for_users: true,
            for_groups: true,
            container: next,
            parent: *start,
            host: true,
            size: *count,
        };
        map.extend(entry.extents(own, what)?);
        next = next.saturating_add(*count);
    }
    Ok(entry::merged(map))
}

/// The map of `--userns=auto`: IDs that are in none of `used`. `needed` is what the image and the user want. Nobody gets an ID
/// of their own beside the others, where the reference leaves them out: setgroups(65534) of apt and its like would fail.
///
/// # Errors
/// There are not so many left.
pub fn auto(mode: &Mode, given: &Given, needed: Needed, used: &[&IdMap]) -> Result<IdMap> {
    let Mode::Auto { size, uids, gids } = mode else { bail!("the mode is not auto") };
    if given.single {
        return Err(Error::new("`--userns=auto` needs subordinate IDs: you have none besides your own")
            .hint("as root, write a line like `NAME:100000:65536` into /etc/subuid and /etc/subgid"));
    }
    let nobody = if size.is_none() && needed.nobody { u64::from(NOBODY) } else { 0 };
    let needed = needed.below;
    let size = match size {
        Some(size) => *size,
        None if needed > AUTO_MOST => bail!(
            "the container needs a user namespace with size {needed} that is bigger than the maximum value allowed with userns=auto {AUTO_MOST}"
        ),
        None => needed.max(AUTO_LEAST),
    };
    let side = |entries: &[Entry], own: &[Extent], used: Vec<Extent>, what: &str| {
        let mut extra = Vec::new();
        for entry in entries {
            extra.extend(entry.extents(own, what)?);
        }
        let total = 1 + u64::from(subordinate(own));
        // The user's own ID is not given away.
        let mut free = Ranges::of([(1, total)]);
        let mut wanted = Ranges::of([(0, u64::from(size)), (nobody, nobody + 1)]);
        for extent in used.iter().chain(&extra) {
            free.remove(u64::from(extent.host_id), u64::from(extent.host_id) + u64::from(extent.size));
        }
        for extent in &extra {
            wanted.remove(u64::from(extent.container_id), u64::from(extent.container_id) + u64::from(extent.size));
        }
        if free.count() < wanted.count() {
            return Err(Error::new(format!(
                "not enough unused IDs in user namespace: {} {what}s are wanted, and {} of {} are free",
                wanted.count(),
                free.count(),
                total - 1
            ))
            .hint(
                "remove containers that have a mapping of their own (keep-id and nomap take all IDs unless keep-id has a \
                 `size=`), ask for fewer with `auto:size=`, or get a larger range in /etc/subuid and /etc/subgid",
            ));
        }
        let mut map = wanted.deal(&free);
        map.extend(extra);
        Ok(map)
    };
    let map = IdMap {
        uids: side(uids, &given.own.uids, used.iter().flat_map(|m| m.uids.clone()).collect(), "UID")?,
        gids: side(gids, &given.own.gids, used.iter().flat_map(|m| m.gids.clone()).collect(), "GID")?,
    };
    map.check(&given.own)?;
    Ok(map)
}

/// What the users and groups of an image need. Whoever is called nobody counts only with the usual ID.
pub fn needed_by(passwd: &[u8], group: &[u8]) -> Needed {
    use crate::runtime::passwd;
    let counts = |name: &[u8], id: u32| id == NOBODY || !(name == b"nobody" || name == b"nogroup");
    let users = passwd::users(passwd).flat_map(|u| [(u.name, u.uid), (u.name, u.gid)]);
    let groups = passwd::groups(group).map(|g| (g.name, g.gid));
    let all = users.chain(groups).filter(|(name, id)| counts(name, *id)).map(|(_, id)| Needed::of(id));
    all.fold(Needed::default(), Needed::and)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(all: &[(u32, u32, u32)]) -> Vec<Extent> {
        all.iter().map(|(c, h, n)| Extent { container_id: *c, host_id: *h, size: *n }).collect()
    }

    fn given() -> Given {
        let own = side(&[(0, 1001, 1), (1, 100_000, 65536)]);
        Given { own: IdMap { uids: own.clone(), gids: own }, uid: 1001, gid: 1001, ..Given::default() }
    }

    fn single() -> Given {
        let own = side(&[(0, 1001, 1)]);
        Given { own: IdMap { uids: own.clone(), gids: own }, uid: 1001, gid: 1001, single: true, ..Given::default() }
    }

    fn plain(side: &[Extent]) -> Vec<(u32, u32, u32)> {
        side.iter().map(|e| (e.container_id, e.host_id, e.size)).collect()
    }

    type Triples<'a> = &'a [(u32, u32, u32)];

    #[test]
    fn modes_make_the_maps_of_the_reference() {
        let default: Triples<'_> = &[(0, 1, 1001), (1001, 0, 1), (1002, 1002, 64535)];
        let cases: &[(&str, Triples<'_>, Triples<'_>)] = &[
            ("keep-id", default, default),
            ("keep-id:uid=5,gid=6,size=100", &[(0, 1, 5), (5, 0, 1), (6, 6, 94)], &[(0, 1, 6), (6, 0, 1), (7, 7, 93)]),
            ("keep-id:uid=70000", &[(0, 1, 65536), (70_000, 0, 1)], default),
            ("keep-id:size=100", &[(0, 1, 99), (1001, 0, 1)], &[(0, 1, 99), (1001, 0, 1)]),
            ("keep-id:size=9999999", default, default),
            ("keep-id:uid=0,gid=9", &[(0, 0, 65537)], &[(0, 1, 9), (9, 0, 1), (10, 10, 65527)]),
            ("nomap", &[(0, 1, 65536)], &[(0, 1, 65536)]),
        ];
        for (text, uids, gids) in cases {
            let request = Request::parse(Some(text), (&[], &[]), (None, None)).unwrap();
            let map = request.plan(&given()).unwrap().unwrap();
            assert_eq!((plain(&map.uids), plain(&map.gids)), (uids.to_vec(), gids.to_vec()), "{text}");
        }
    }

    #[test]
    fn one_of_two_flags_stands_for_both() {
        let words = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let all: Triples<'_> = &[(0, 0, 65537)];
        type Case<'a> = (&'a [&'a str], &'a [&'a str], Triples<'a>, Triples<'a>);
        let cases: &[Case<'_>] = &[
            (&["0:0:1000"], &[], &[(0, 0, 1000)], &[(0, 0, 1000)]),
            (&["0:0:1000"], &["0:1:10"], &[(0, 0, 1000)], &[(0, 1, 10)]),
            (&[], &["0:0:1000", "g2000:2000:1"], &[(0, 0, 1000)], &[(0, 0, 1000), (2000, 2000, 1)]),
            (&["g0:0:5"], &[], all, &[(0, 0, 5)]),
            (&[], &["+g100000:@1001"], all, &[(0, 1, 65536), (100_000, 0, 1)]),
            (&["0:0:5"], &["+10:0:1"], &[(0, 0, 5)], &[(0, 1, 10), (10, 0, 1), (11, 11, 65526)]),
        ];
        for (uid, gid, uids, gids) in cases {
            let request = Request::parse(None, (&words(uid), &words(gid)), (None, None)).unwrap();
            let map = request.plan(&given()).unwrap().unwrap();
            assert_eq!((plain(&map.uids), plain(&map.gids)), (uids.to_vec(), gids.to_vec()), "{uid:?} {gid:?}");
        }
    }

    #[test]
    fn names_are_ranges_of_the_host() {
        let request = Request::parse(None, (&[], &[]), (Some("dev"), None)).unwrap();
        assert_eq!(request.subgid_name.as_deref(), Some("dev"));
        let given = Given { named_uids: vec![(100_000, 65536)], named_gids: vec![(100_010, 5)], ..given() };
        let map = request.plan(&given).unwrap().unwrap();
        assert_eq!((plain(&map.uids), plain(&map.gids)), (vec![(0, 1, 65536)], vec![(0, 11, 5)]));
        let foreign = Given { named_uids: vec![(5, 1)], ..given };
        assert_eq!(request.plan(&foreign).unwrap_err().to_string(), "parent ID UID 5 is not mapped/delegated");
    }

    #[test]
    fn contradictions_are_refused_in_the_reference_s_words() {
        let map = ["0:0:1".to_owned()];
        let exclusive = "--userns and --uidmap/--gidmap/--subuidname/--subgidname are mutually exclusive";
        let nothing = "must provide at least one UID or GID mapping to configure a user namespace";
        let wrong =
            |userns, map: &[String], name| Request::parse(userns, (map, &[]), (name, None)).unwrap_err().to_string();
        assert_eq!(wrong(Some("host"), &map, None), exclusive);
        assert_eq!(wrong(Some("keep-id"), &[], Some("dev")), exclusive);
        assert_eq!(wrong(Some("private"), &[], None), nothing);
        let zero = Request::parse(None, (&["0:0:0".to_owned()], &[]), (None, None)).unwrap();
        assert_eq!(zero.plan(&given()).unwrap_err().to_string(), nothing);
    }

    #[test]
    fn without_subordinate_ids_the_user_can_keep_their_own() {
        let request = Request::parse(Some("keep-id"), (&[], &[]), (None, None)).unwrap();
        assert_eq!(plain(&request.plan(&single()).unwrap().unwrap().uids), [(1001, 0, 1)]);
        assert_eq!(request.default_user(&single()).as_deref(), Some("1001:1001"));
        for text in ["nomap", "auto"] {
            let request = Request::parse(Some(text), (&[], &[]), (None, None)).unwrap();
            let error = match &request.mode {
                mode @ Mode::Auto { .. } => auto(mode, &single(), Needed::default(), &[]).unwrap_err(),
                _ => request.plan(&single()).unwrap_err(),
            };
            assert!(error.to_string().contains("needs subordinate IDs"), "{error}");
        }
    }

    #[test]
    fn automatic_ranges_never_overlap_and_come_to_an_end() {
        let mode = Mode::parse("auto:size=20000").unwrap();
        let mut maps: Vec<IdMap> = Vec::new();
        for start in [1, 20_001, 40_001] {
            let used: Vec<&IdMap> = maps.iter().collect();
            let map = auto(&mode, &given(), Needed::default(), &used).unwrap();
            assert_eq!(plain(&map.uids), [(0, start, 20_000)]);
            maps.push(map);
        }
        let used: Vec<&IdMap> = maps.iter().collect();
        let error = auto(&mode, &given(), Needed::default(), &used).unwrap_err();
        assert!(error.to_string().starts_with("not enough unused IDs in user namespace"), "{error}");
        assert!(error.hint_text().is_some_and(|hint| hint.contains("auto:size=")));
        // What the second gives back is found again, in parts if need be.
        let left: Vec<&IdMap> = maps.iter().enumerate().filter(|(i, _)| *i != 1).map(|(_, m)| m).collect();
        let again = auto(&Mode::parse("auto:size=25000").unwrap(), &given(), Needed::default(), &left).unwrap();
        assert_eq!(plain(&again.gids), [(0, 20_001, 20_000), (20_000, 60_001, 5000)]);
    }

    #[test]
    fn sizes_and_forced_ids_of_automatic_ranges() {
        let parts = |text: &str, below| {
            let needed = Needed { below, nobody: below == 6 };
            let map = auto(&Mode::parse(text).unwrap(), &given(), needed, &[]);
            map.map(|m| (plain(&m.uids), plain(&m.gids))).map_err(|e| e.to_string())
        };
        assert_eq!(parts("auto", 5), Ok((vec![(0, 1, 1024)], vec![(0, 1, 1024)])));
        let with_nobody = vec![(0, 1, 1024), (65534, 1025, 1)];
        assert_eq!(parts("auto", 6), Ok((with_nobody.clone(), with_nobody)));
        assert_eq!(parts("auto:size=10", 6), Ok((vec![(0, 1, 10)], vec![(0, 1, 10)])));
        assert_eq!(parts("auto", 7001), Ok((vec![(0, 1, 7001)], vec![(0, 1, 7001)])));
        assert!(parts("auto", 70_001).unwrap_err().contains("size 70001 that is bigger than the maximum"));
        let forced = parts("auto:size=5000,uidmapping=3000:0:1,gidmapping=10:@1001:1", 0);
        let uids = vec![(0, 1, 3000), (3001, 3001, 1999), (3000, 0, 1)];
        assert_eq!(forced, Ok((uids, vec![(0, 1, 10), (11, 11, 4989), (10, 0, 1)])));
        assert!(parts("auto:size=500000", 0).unwrap_err().contains("not enough unused IDs"));
        let passwd = b"root:x:0:0::/:/bin/sh\nnobody:x:70000:70000::/:/\nweb:x:33:5000::/:/\n";
        let all = needed_by(passwd, b"nogroup:x:99999:\nn:x:65534:\n");
        assert_eq!(all, Needed { below: 5001, nobody: true });
        assert_eq!(needed_by(b"", b""), Needed::default());
    }
}
