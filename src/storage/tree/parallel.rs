//! The content of files copied by several threads while one walks the tree. They are joined before anybody goes on.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use rustix::fs::Stat;

use super::copy::Attributes;
use super::data::Copier;
use crate::error::{Context, Error, Result};

/// A file whose copy has been created.
pub(super) struct Job {
    pub from: File,
    pub to: File,
    pub stat: Stat,
    /// For errors.
    pub path: Vec<u8>,
}

impl Job {
    fn run(mut self, copier: &mut Copier, keep: Attributes<'_>) -> Result<()> {
        let size = u64::try_from(self.stat.st_size).unwrap_or(0);
        copier
            .copy(&mut self.from, &mut self.to, size)
            .and_then(|()| keep.set(self.from.as_fd(), self.to.as_fd(), &self.stat))
            .with_context(|| format!("copying `/{}`", super::shown(&self.path)))
    }
}

/// Those who copy, or the one who does it itself.
pub(super) enum Workers<'a> {
    Alone { copier: Copier, keep: Attributes<'a> },
    Several { jobs: SyncSender<Job> },
}

/// How many files may wait: two descriptors each.
const WAITING: usize = 64;

impl<'a> Workers<'a> {
    /// Runs `walk`, then waits for all that it gave to copy. With 0 threads it copies itself.
    pub(super) fn run(
        threads: usize,
        keep: Attributes<'a>,
        walk: impl FnOnce(&mut Workers<'a>) -> Result<()>,
    ) -> Result<()> {
        if threads == 0 {
            return walk(&mut Workers::Alone { copier: Copier::default(), keep });
        }
        let (sender, receiver) = sync_channel(WAITING);
        let receiver = Mutex::new(Some(receiver));
        let failed: Mutex<Option<Error>> = Mutex::new(None);
        let walked = std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| work(&receiver, &failed, keep));
            }
            walk(&mut Workers::Several { jobs: sender })
        });
        // What a thread met is the cause of what the walk saw of it.
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => walked,
        }
    }

    /// Copies content and attributes of one file, now or soon.
    pub(super) fn copy(&mut self, job: Job) -> Result<()> {
        match self {
            Workers::Alone { copier, keep } => {
                // The caller names the path.
                let Job { mut from, mut to, stat, .. } = job;
                copier.copy(&mut from, &mut to, u64::try_from(stat.st_size).unwrap_or(0))?;
                keep.set(from.as_fd(), to.as_fd(), &stat)
            }
            Workers::Several { jobs } => jobs.send(job).map_err(|_| Error::new("copying was given up")),
        }
    }
}

fn work(receiver: &Mutex<Option<Receiver<Job>>>, failed: &Mutex<Option<Error>>, keep: Attributes<'_>) {
    let mut copier = Copier::default();
    loop {
        let job = match receiver.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(Receiver::recv) {
            Some(Ok(job)) => job,
            _ => return,
        };
        if let Err(error) = job.run(&mut copier, keep) {
            failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            // Without a receiver the walk ends at its next file.
            *receiver.lock().unwrap_or_else(PoisonError::into_inner) = None;
            return;
        }
    }
}
