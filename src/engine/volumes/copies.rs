//! The content of volumes moved: archives, clones, snapshots.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::{manage, store};
use crate::container::{Status, volumes};
use crate::engine::monitor::Held;
use crate::engine::{self, Engine, containers, enter_userns, interrupt};
use crate::error::{Context, Error, Kind, Result};
use crate::image::progress::{Event, Progress};
use crate::storage::atomic::Durability;
use crate::storage::tree::archive::{self, End};
use crate::storage::tree::copy::copy_live;
use crate::storage::unpack::{Owners, Warnings};
use crate::volume::store::no_such;
use crate::volume::{Record, Volume, fill};

/// Writes the files of a volume as a tar archive.
///
/// # Errors
/// [`Kind::NoSuch`]. That nobody reads to the end is none.
pub fn export(engine: &Engine, name: &str, output: &mut dyn Write) -> Result<()> {
    enter_userns(engine)?;
    let data = manage::mount(engine, &exactly(engine, name)?.record.name)?;
    match archive::write(fill::open_dir(&data)?, output).with_context(|| format!("exporting volume `{name}`"))? {
        End::Complete | End::ReaderGone => Ok(()),
    }
}

/// The volume of exactly this name: an archive is not to end up in another.
fn exactly(engine: &Engine, name: &str) -> Result<Volume> {
    store(engine).load(name)?.ok_or_else(|| no_such(name))
}

/// Unpacks an archive into a volume. Into an empty one all of it or nothing; otherwise what is there stays, but for what the
/// archive has as well.
pub fn import(engine: &Engine, name: &str, input: &mut (dyn Read + Send)) -> Result<Warnings> {
    enter_userns(engine)?;
    let store = store(engine);
    let volume = exactly(engine, name)?;
    let context = || format!("importing into volume `{name}`");
    let data = manage::mount(engine, name)?;
    let over = |input: &mut (dyn Read + Send)| {
        crate::volume::archive::unpack(input, &fill::open_dir(&data)?).with_context(context)
    };
    if volume.record.parsed()?.mount.is_some() || !fill::is_empty(&data)? {
        return over(input);
    }
    let warnings = std::cell::RefCell::new(Warnings::default());
    let input = std::cell::RefCell::new(input);
    let make = |into: OwnedFd| {
        // The volume's own directory keeps owner and mode unless the archive says otherwise.
        crate::storage::tree::copy::attributes_of(&fill::open_dir(&data)?, &into, Owners::of_this_process(), None)?;
        *warnings.borrow_mut() = crate::volume::archive::unpack(&mut **input.borrow_mut(), &into)?;
        Ok(())
    };
    // Nobody waits for whoever writes the archive.
    let staged = fill::stage(&store, Durability::Power, &make).with_context(context)?;
    let _lock = store.lock(name)?;
    let volume = exactly(engine, name)?;
    if !fill::is_empty(&data)? {
        return Err(Error::new("somebody else has put files into it meanwhile")
            .wrap(context())
            .hint("import it again"));
    }
    fill::put(&volume, &staged, Durability::Power).with_context(context)?;
    let record = Record { needs_copy_up: false, needs_chown: false, ..volume.record };
    store.write(&record, Durability::Power)?;
    Ok(warnings.into_inner())
}

/// How a volume is copied.
#[derive(Debug, Clone, Default)]
pub struct CopyOptions {
    pub name: String,
    /// Besides those of the original.
    pub labels: BTreeMap<String, String>,
    /// Containers that use it stand still meanwhile, so that the copy is of one moment.
    pub pause: bool,
}

/// The labels of a snapshot: of what, and when.
const SNAPSHOT_OF: &str = "io.coracle.snapshot.of";
const SNAPSHOT_TIME: &str = "io.coracle.snapshot.time";

/// Makes a volume with the options, labels and files of another.
///
/// # Errors
/// [`Kind::NoSuch`], [`Kind::InUse`] when there is a volume of the new name; a full disk. There is no new volume then.
pub fn clone(engine: &Engine, of: &str, options: CopyOptions) -> Result<Record> {
    let volume = exactly(engine, of)?;
    if volume.record.parsed()?.mount.is_some() {
        return Err(Error::new(format!("volume `{of}` is a mount: a clone of it would be the same files, or none"))
            .hint(format!("copy what is in it now: coracle volume snapshot {of} {}", options.name)));
    }
    let mut labels = volume.record.labels.clone();
    labels.extend(options.labels.clone());
    let record = Record { labels, options: volume.record.options.clone(), ..Record::default() };
    copy(engine, &volume, record, options)
}

/// Makes an ordinary volume of what is in another at this moment, labelled as its snapshot.
///
/// # Errors
/// As [`clone`].
pub fn snapshot(engine: &Engine, of: &str, options: CopyOptions) -> Result<Record> {
    let volume = exactly(engine, of)?;
    let mut labels = volume.record.labels.clone();
    labels.insert(SNAPSHOT_OF.to_owned(), volume.record.name.clone());
    labels.insert(SNAPSHOT_TIME.to_owned(), Timestamp::now().to_string());
    labels.extend(options.labels.clone());
    copy(engine, &volume, Record { labels, ..Record::default() }, options)
}

/// The files go into a directory that becomes the volume by one rename.
fn copy(engine: &Engine, volume: &Volume, record: Record, options: CopyOptions) -> Result<Record> {
    enter_userns(engine)?;
    let store = store(engine);
    let context = || format!("copying volume `{}`", volume.record.name);
    let record = Record {
        name: options.name,
        created: Timestamp::now(),
        needs_copy_up: volume.record.needs_copy_up,
        needs_chown: volume.record.needs_chown,
        ..record
    };
    if store.load(&record.name)?.is_some() {
        return Err(Error::of(
            Kind::InUse,
            format!("volume with name {} already exists: volume already exists", record.name),
        ));
    }
    let data = manage::mount(engine, &volume.record.name)?;
    let draft = store.draft(&BTreeMap::new())?;
    let paused = Paused { engine, standing: Mutex::default() };
    interrupt::guarded(&paused, "copying interrupted", || {
        let copied = match options.pause {
            true => paused.all_that_use(&volume.record.name),
            false => Ok(()),
        };
        let copied = copied.and_then(|()| {
            let (from, to) = (fill::open_dir(&data)?, fill::open_dir(&draft.data())?);
            copy_live(from, to, Owners::of_this_process(), None).with_context(context)
        });
        // Before signals end the process again.
        paused.resume();
        copied
    })?;
    fill::flush(&draft.data())?;
    store.commit(draft, &record, Durability::Power)?;
    Ok(record)
}

/// Containers that stand still while a volume is copied.
struct Paused<'a> {
    engine: &'a Engine,
    standing: Mutex<Standing>,
}

#[derive(Default)]
struct Standing {
    held: Vec<(String, Held)>,
    /// They have been told to go on: no other one may be stopped.
    over: bool,
}

impl Paused<'_> {
    fn all_that_use(&self, name: &str) -> Result<()> {
        for container in containers(self.engine).list()? {
            let uses = volumes::of(&container.record).any(|mount| mount.name == name && mount.rw);
            if !uses || container.state.status != Status::Running {
                continue;
            }
            let id = container.record.id;
            // Held meanwhile: whoever is interrupted lets go on all that were stopped.
            let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
            if standing.over {
                return Err(Error::new("interrupted"));
            }
            match engine::hold(self.engine, &id) {
                Ok(held) => standing.held.push((id, held)),
                // It has ended meanwhile, or somebody else has paused it.
                Err(_) if containers(self.engine).load(&id).map_or(true, |c| c.state.status != Status::Running) => {}
                Err(error) => {
                    return Err(error
                        .wrap("pausing a container that uses the volume")
                        .hint("`--pause=false` copies while it writes"));
                }
            }
        }
        Ok(())
    }

    fn resume(&self) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.over = true;
        for (id, _held) in std::mem::take(&mut standing.held) {
            let _ = engine::unpause(self.engine, &id);
        }
    }
}

impl Progress for Paused<'_> {
    /// Whoever is interrupted does not leave them standing.
    fn event(&self, event: Event) {
        if matches!(event, Event::Stopped(_)) {
            self.resume();
        }
    }
}
