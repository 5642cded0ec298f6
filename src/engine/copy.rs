//! `cp`: files between a container and the host, or between containers.
//!
//! One thread writes what is there as a tar archive into a pipe, this one puts it where it is to be (`storage::tree::put`).
//! Containers are reached through descriptors of their roots (`engine::view`); all that is decided from a path is decided
//! on what was opened, not on its name.

mod ends;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use rustix::fs::{FileType, Mode, OFlags};

use super::{Engine, containers, enter_userns, settle, view};
use crate::container::store::Container;
use crate::container::{Record, resting};
use crate::error::{Context, Error, Kind, Result};
use crate::runtime::passwd;
use crate::storage::lock::Lock;
use crate::storage::tree::archive::{self, End, Options};
use crate::storage::tree::copy::Renumber;
use crate::storage::tree::put::{self, Target};
use crate::storage::unpack::Reader;
use crate::storage::unpack::beneath::file_type;
use crate::storage::unpack::compression::{Compression, MAGIC};
use ends::{Destination, Found, Side};

/// Where something is: a path of the host (empty container), or of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    pub container: Option<String>,
    /// As typed.
    pub path: Vec<u8>,
}

/// How to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyOptions {
    /// What comes into a container belongs to its user.
    pub archive: bool,
    /// Directories may replace other things, and the other way round.
    pub overwrite: bool,
}

/// Copies one to the other. Returns warnings.
pub fn copy(engine: &Engine, from: &Location, to: &Location, options: CopyOptions) -> Result<Vec<String>> {
    let [from_side, to_side] = open([from, to], [false, true], engine)?;
    let source = ends::source(&from_side, &from.path)?;
    let destination = ends::destination(&to_side, &to.path, source.is_dir, false)?;
    if from_side.is_same_container(&to_side) && source.holds(&destination.path) {
        // What is put there would be found and put there again, without an end.
        return Err(Error::new("cannot copy a directory into itself").wrap(format!("copying to {}", to_side.what())));
    }
    let name = source.name_for(destination.name.as_deref());
    let numbers = from_side.own_numbers();
    let (read, mut write) = std::io::pipe().context("creating a pipe")?;
    std::thread::scope(|scope| {
        // Moved into the thread, so that the pipe ends with it.
        let source = &source;
        let numbers = numbers.as_ref();
        let sender = scope.spawn(move || send(source, name, numbers, &mut write));
        let put = receive(BufReader::with_capacity(1 << 18, read), &to_side, &destination, options);
        let sent = sender.join().unwrap_or_else(|_| Err(Error::new("a thread of copying panicked")));
        // What went wrong at the beginning of the pipe shows at its end as an archive that breaks off.
        let unreadable = sent.with_context(|| format!("copying from {}", from_side.what()))?;
        let mut warnings = put?;
        if unreadable > 0 {
            warnings.push(format!("{unreadable} files or directories may not be read, and were left out"));
        }
        Ok(warnings)
    })
}

/// Writes what is there as a tar archive. That nobody reads to the end is no error.
pub fn copy_out(engine: &Engine, from: &Location, output: &mut dyn Write) -> Result<()> {
    let side = open_one(from, false, engine)?;
    let source = ends::source(&side, &from.path)?;
    let numbers = side.own_numbers();
    send(&source, source.name_for(None), numbers.as_ref(), output)
        .map(drop)
        .with_context(|| format!("copying from {}", side.what()))
}

/// Puts the content of a tar archive, plain or compressed, into a directory. Returns warnings.
pub fn copy_in(
    engine: &Engine,
    input: &mut (dyn Read + Send),
    to: &Location,
    options: CopyOptions,
) -> Result<Vec<String>> {
    let mut spooled;
    let input = match rests(engine, to)? {
        // Nobody waits for whoever writes the archive: neither another `cp` nor the container that is to start.
        true => {
            spooled = spool(engine, input)?;
            &mut spooled
        }
        false => input,
    };
    let side = open_one(to, true, engine)?;
    let destination = ends::destination(&side, &to.path, true, true)?;
    let mut head = Vec::new();
    input.take(MAGIC as u64).read_to_end(&mut head).context("reading standard input")?;
    let compression = Compression::detect(&head);
    let input = BufReader::with_capacity(1 << 18, head.as_slice().chain(input));
    let mut plain = BufReader::with_capacity(1 << 18, compression.decoder(input)?);
    // The first block says whether it is an archive at all; one without anything in it is none to the reference either.
    let first = plain.fill_buf().map(|bytes| bytes.get(257..262).is_some_and(|magic| magic == b"ustar"));
    let probably = first.as_ref().is_ok_and(|ustar| *ustar);
    receive(plain, &side, &destination, options).map_err(|error| match probably {
        true => error,
        false => {
            Error::new("source must be a (compressed) tar archive when copying from stdin").hint(error.to_string())
        }
    })
}

/// Returns how much may not be read and was left out, as the reference does.
fn send(source: &Found, name: Option<Vec<u8>>, numbers: Option<&Renumber>, output: &mut dyn Write) -> Result<u64> {
    let unreadable = AtomicU64::new(0);
    let options = Options {
        name: name.as_deref(),
        without_kernel: true,
        renumber: numbers,
        unreadable: Some(&unreadable),
        ..Options::default()
    };
    let end = if source.is_dir {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(&source.place, ".", flags, Mode::empty()).context("opening the directory")?;
        archive::write_with(dir, &options, output)?
    } else {
        archive::write_file(&source.place, &options, output)?
    };
    match end {
        End::Complete | End::ReaderGone => Ok(unreadable.into_inner()),
    }
}

fn receive(input: impl BufRead, side: &Side, destination: &Destination, options: CopyOptions) -> Result<Vec<String>> {
    let attempt = || -> Result<Vec<String>> {
        let root = match side.view() {
            Some(view) => Some((view?.root(), destination.path.as_slice())),
            None => None,
        };
        let numbers = side.numbers();
        let target = Target {
            renumber: numbers.as_ref(),
            dir: destination.dir.as_fd(),
            root,
            owner: side.owner(options.archive)?,
            overwrite: options.overwrite,
        };
        Ok(put::put(&mut Reader::new(input), &target)?.messages())
    };
    attempt().with_context(|| format!("copying to {}", side.what()))
}

fn open_one(location: &Location, writes: bool, engine: &Engine) -> Result<Side> {
    let nothing = Location { container: None, path: Vec::new() };
    let [side, _] = open([location, &nothing], [writes, false], engine)?;
    Ok(side)
}

/// Whether it is a place in a container that does not run.
fn rests(engine: &Engine, location: &Location) -> Result<bool> {
    Ok(find(engine, location)?.is_some_and(|container| !container.state.status.is_alive()))
}

/// All of the input, in a file without a name.
fn spool(engine: &Engine, input: &mut (dyn Read + Send)) -> Result<std::fs::File> {
    use std::io::Seek as _;
    let dir = engine.roots.tmp();
    crate::storage::fs::create_private_dir_all(&dir)?;
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
    let shown = || format!("keeping the archive in `{}`", dir.display());
    let mut file: std::fs::File = rustix::fs::open(&dir, flags, Mode::RUSR | Mode::WUSR).with_context(shown)?.into();
    std::io::copy(input, &mut file).with_context(shown)?;
    file.rewind().with_context(shown)?;
    Ok(file)
}

fn find(engine: &Engine, location: &Location) -> Result<Option<Container>> {
    let Some(name) = &location.container else { return Ok(None) };
    let store = containers(engine);
    match store.resolve(name).and_then(|id| settle(engine, &id)) {
        Ok(container) => Ok(Some(container)),
        Err(error) if error.kind() == Kind::NoSuch => Err(Error::new(if name.is_empty() {
            "name or ID cannot be empty".to_owned()
        } else {
            format!("container \"{name}\" does not exist")
        })),
        Err(error) => Err(error),
    }
}

/// How long another command may take to start a container.
const START_DEADLINE: Duration = Duration::from_secs(20);

/// A container with its view if it runs; with the lock of who writes if it does not, and that is wanted.
type Seen = (Container, Option<view::Open>, Option<Lock>);

/// To be called before the user namespace is entered.
fn look(engine: &Engine, container: Container, writes: bool) -> Result<Seen> {
    let store = containers(engine);
    let deadline = Instant::now() + START_DEADLINE;
    let mut container = container;
    loop {
        if let Some(open) = view::if_running(engine, &container)? {
            return Ok((container, Some(open), None));
        }
        if !writes {
            return Ok((container, None, None));
        }
        let id = container.record.id.clone();
        let lock = resting::lock(&engine.roots.container(&id))?;
        let alive = store.monitor_is_alive(&id);
        container = store.load(&id)?;
        // A monitor that has said itself that the container does not run waits for its time to restart it.
        if !container.state.status.is_alive() && (!alive || store.is_word_of_monitor(&container)) {
            return Ok((container, None, Some(lock)));
        }
        // It is being started, or has just ended.
        drop(lock);
        if Instant::now() > deadline {
            return Err(Error::new(format!("container `{}` does not come up", container.record.name))
                .hint("copy again when it runs, or stop it"));
        }
        let _ = rustix::event::poll(&mut [], Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 2_000_000 }));
    }
}

/// Opens both sides: running containers first, as they are joined from outside of the user namespace.
fn open(locations: [&Location; 2], writes: [bool; 2], engine: &Engine) -> Result<[Side; 2]> {
    let [first, second] = locations;
    let found = [find(engine, first)?, find(engine, second)?];
    let mut opened = Vec::new();
    for (container, writes) in found.into_iter().zip(writes) {
        opened.push(container.map(|container| look(engine, container, writes)).transpose()?);
    }
    enter_userns(engine)?;
    let mut sides = Vec::new();
    for (seen, location) in opened.into_iter().zip(locations) {
        sides.push(match seen {
            None => Side::Host,
            Some((container, Some(open), _)) => Side::container(location, container.record, open),
            Some((container, None, lock)) => {
                let open = view::stopped(engine, &container, lock)?;
                Side::container(location, container.record, open)
            }
        });
    }
    sides.try_into().map_err(|_| Error::new("there are two ends"))
}

/// The user of the container, as its own files name it: whom it gives what comes into it. The one place that has to know
/// how the IDs of a container with another mapping look from here.
fn user_of(record: &Record, root: std::os::fd::BorrowedFd<'_>) -> Result<(u32, u32)> {
    let user = passwd::resolve(&record.user, &[], root).map_err(|e| e.with_kind(Kind::Engine))?;
    Ok((user.uid, user.gid))
}

/// Whether an open place is a directory.
fn is_directory(place: &OwnedFd) -> Result<bool> {
    let stat = rustix::fs::fstat(place).context("reading what it is")?;
    Ok(file_type(&stat) == FileType::Directory)
}
