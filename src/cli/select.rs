//! Which containers a command is for: names, `--all`, `--latest`, `--cidfile`, `--filter`.

use std::path::PathBuf;

use jiff::Timestamp;

use super::views::container_filter::Filters;
use crate::bail;
use crate::container::Status;
use crate::container::store::{Container, Store};
use crate::error::{Error, Kind, Result};
use crate::storage::fs;

/// What the flags and arguments of a command say.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub names: &'a [String],
    pub all: bool,
    pub latest: bool,
    pub cidfiles: &'a [PathBuf],
    pub filters: &'a [String],
    /// What is not there is left out, instead of being an error.
    pub ignore: bool,
    /// Which containers `--all` means, by their state.
    pub of_all: fn(Status) -> bool,
}

impl Default for Wanted<'_> {
    fn default() -> Self {
        Wanted { names: &[], all: false, latest: false, cidfiles: &[], filters: &[], ignore: false, of_all: |_| true }
    }
}

/// A container to act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub id: String,
    /// What to call it in the output: as typed, or its ID.
    pub shown: String,
}

impl Wanted<'_> {
    /// The containers to act on. One that cannot be found is an error in its own place, so that the others are still
    /// acted on.
    ///
    /// # Errors
    /// When the flags contradict each other, name nothing, or a filter is wrong.
    pub fn targets(&self, store: &Store) -> Result<Vec<Result<Target>>> {
        self.check()?;
        let typed = match self.typed() {
            typed if self.filters.is_empty() && !self.all && !self.latest => {
                return Ok(self.without_missing(typed.into_iter().map(|name| target(store, name?)).collect()));
            }
            typed => typed,
        };
        let all = store.list()?;
        let filters = Filters::parse(self.filters, &all, Timestamp::now())?;
        let mut chosen: Vec<&Container> = all.iter().filter(|c| !self.all || (self.of_all)(c.state.status)).collect();
        if self.latest {
            chosen = chosen.pop().into_iter().collect();
            if chosen.is_empty() {
                return Err(no_containers());
            }
        }
        chosen.retain(|container| filters.matches(container));
        if self.all && chosen.iter().any(|c| !c.record.dependencies.is_empty()) {
            // Whoever needs another one is younger, and comes before it.
            chosen.reverse();
        }
        if typed.is_empty() {
            return Ok(chosen
                .into_iter()
                .map(|c| Ok(Target { id: c.record.id.clone(), shown: c.record.id.clone() }))
                .collect());
        }
        let mut targets: Vec<_> = typed.into_iter().map(|name| target(store, name?)).collect();
        targets.retain(|t| t.as_ref().map_or(true, |t| chosen.iter().any(|c| c.record.id == t.id)));
        Ok(self.without_missing(targets))
    }

    /// # Errors
    /// When the flags contradict each other, or name nothing.
    pub fn check(&self) -> Result<()> {
        let (names, files) = (!self.names.is_empty(), !self.cidfiles.is_empty());
        if self.all && self.latest {
            bail!("--all and --latest cannot be used together");
        }
        if files && (self.all || self.latest) {
            bail!("--all, --latest, and --cidfile cannot be used together");
        }
        if names && self.all {
            bail!("no arguments are needed with --all");
        }
        if names && self.latest {
            bail!("--latest and containers cannot be used together");
        }
        if !(names || files || self.all || self.latest || !self.filters.is_empty()) {
            bail!("you must provide at least one name or id");
        }
        Ok(())
    }

    /// The names as typed, and those in the files.
    fn typed(&self) -> Vec<Result<String>> {
        let names = self.names.iter().cloned().map(Ok);
        names.chain(self.cidfiles.iter().filter_map(|path| self.id_in(path).transpose())).collect()
    }

    fn id_in(&self, path: &std::path::Path) -> Result<Option<String>> {
        match fs::read_optional(path).map_err(|e| e.wrap("reading CIDFile"))? {
            Some(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                Ok(Some(text.lines().next().unwrap_or_default().trim().to_owned()))
            }
            None if self.ignore => Ok(None),
            None => Err(Error::new(format!("reading CIDFile `{}`: No such file or directory", path.display()))),
        }
    }

    fn without_missing(&self, mut targets: Vec<Result<Target>>) -> Vec<Result<Target>> {
        if self.ignore {
            targets.retain(|target| !matches!(target, Err(error) if error.kind() == Kind::NoSuch));
        }
        targets
    }
}

fn target(store: &Store, shown: String) -> Result<Target> {
    Ok(Target { id: store.resolve(&shown)?, shown })
}

fn no_containers() -> Error {
    Error::of(Kind::NoSuch, "no containers found: no such container")
}

/// The ID of the one container that a command is for: the named or the latest one.
pub fn one(store: &Store, name: Option<&str>, latest: bool) -> Result<String> {
    match name {
        Some(_) if latest => bail!("--latest and containers cannot be used together"),
        Some(name) => store.resolve(name),
        None if latest => store.list()?.pop().map(|container| container.record.id).ok_or_else(no_containers),
        None => bail!("you must provide at least one name or id"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::{Record, State};
    use crate::storage::Roots;
    use crate::storage::atomic::Durability;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(&Roots::open(&dir.path().join("data"), &dir.path().join("run")).unwrap());
        for (i, (name, status)) in
            [("old", Status::Exited), ("web", Status::Created), ("new", Status::Exited)].into_iter().enumerate()
        {
            let id = format!("{i}").repeat(64);
            let record = Record {
                id: id.clone(),
                name: name.to_owned(),
                created: Timestamp::from_second(1000 + i as i64).unwrap(),
                ..Record::default()
            };
            let draft = store.draft(&id).unwrap();
            store.commit(draft, &record, &State { status, ..State::default() }, Durability::Process).unwrap();
        }
        (dir, store)
    }

    fn shown(wanted: Wanted<'_>, store: &Store) -> Vec<String> {
        let short = |text: String| text.get(..5).map_or(text.clone(), str::to_owned);
        match wanted.targets(store) {
            Ok(targets) => {
                targets.into_iter().map(|t| short(t.map_or_else(|e| format!("!{e}"), |t| t.shown))).collect()
            }
            Err(error) => vec![error.to_string()],
        }
    }

    #[test]
    fn what_flags_mean() {
        let (dir, store) = store();
        let file = dir.path().join("cid");
        std::fs::write(&file, format!("{}\nrest", "1".repeat(64))).unwrap();
        let files = [file, dir.path().join("gone")];
        let names = |names: &[&str]| -> Vec<String> { names.iter().map(|n| (*n).to_owned()).collect() };
        let (mixed, web, exited) = (names(&["web", "nosuch", "000"]), names(&["web"]), names(&["status=exited"]));
        let base = Wanted::default();
        let cases: Vec<(Wanted<'_>, &[&str])> = vec![
            (Wanted { names: &mixed, ..base }, &["web", "!no c", "000"]),
            (Wanted { names: &mixed, ignore: true, ..base }, &["web", "000"]),
            (Wanted { all: true, ..base }, &["00000", "11111", "22222"]),
            (Wanted { all: true, of_all: |s| s == Status::Created, ..base }, &["11111"]),
            (Wanted { latest: true, ..base }, &["22222"]),
            (Wanted { cidfiles: &files, ..base }, &["11111", "!read"]),
            (Wanted { cidfiles: &files, ignore: true, ..base }, &["11111"]),
            (Wanted { filters: &exited, ..base }, &["00000", "22222"]),
            (Wanted { filters: &exited, names: &web, ..base }, &[]),
            (base, &["you must provide at least one name or id"]),
            (Wanted { all: true, names: &web, ..base }, &["no arguments are needed with --all"]),
            (Wanted { all: true, latest: true, ..base }, &["--all and --latest cannot be used together"]),
        ];
        for (wanted, want) in cases {
            assert_eq!(shown(wanted, &store), want, "{wanted:?}");
        }
    }

    #[test]
    fn one_container() {
        let (_dir, store) = store();
        assert_eq!(one(&store, Some("web"), false).unwrap(), "1".repeat(64));
        assert_eq!(one(&store, None, true).unwrap(), "2".repeat(64));
        assert_eq!(one(&store, Some("nosuch"), false).unwrap_err().kind(), Kind::NoSuch);
        assert!(one(&store, Some("web"), true).is_err());
        assert!(one(&store, None, false).is_err());
    }
}
