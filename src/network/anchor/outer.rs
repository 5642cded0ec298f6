//! The thread that stays in the host's network namespace while the rest of the anchor leaves it.
//!
//! A socket belongs for good to the namespace of the thread that makes it, a process to that of the thread that forks it,
//! and a thread to that of the thread that starts it.

use std::sync::mpsc::{Sender, channel};

use crate::error::{Context as _, Error, Result};

type Job = Box<dyn FnOnce() + Send>;

/// A way to have things done in the host's namespace, from any thread.
#[derive(Debug, Clone)]
pub struct Outer {
    jobs: Sender<Job>,
}

impl Outer {
    /// Starts the thread. The caller is in the host's namespace, and leaves it afterwards.
    pub fn start() -> Result<Outer> {
        let (jobs, todo) = channel::<Job>();
        let work = move || todo.into_iter().for_each(|job| job());
        std::thread::Builder::new()
            .name("outer".to_owned())
            .stack_size(256 * 1024)
            .spawn(work)
            .context("starting the thread in the host's network namespace")?;
        Ok(Outer { jobs })
    }

    /// Runs `job` there and waits for what it returns. Jobs run one after the other: none may take long.
    ///
    /// # Errors
    /// The thread is gone.
    pub fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let gone = || Error::new("the thread in the host's network namespace is gone");
        let (done, result) = channel();
        let job = Box::new(move || drop(done.send(job())));
        self.jobs.send(job).map_err(|_| gone())?;
        result.recv().map_err(|_| gone())
    }

    /// Starts a thread there that runs `body`.
    pub fn spawn(&self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
        let builder = std::thread::Builder::new().name(name.to_owned()).stack_size(512 * 1024);
        let spawned = self.run(move || builder.spawn(body).map(drop))?;
        spawned.with_context(|| format!("starting the thread `{name}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_run_elsewhere_and_return() {
        let outer = Outer::start().unwrap();
        let here = std::thread::current().id();
        let there = outer.run(|| std::thread::current().id()).unwrap();
        assert_ne!(here, there);
        assert_eq!(outer.clone().run(|| std::thread::current().id()).unwrap(), there);
        let (said, heard) = channel();
        outer.spawn("other", move || said.send(std::thread::current().id()).unwrap()).unwrap();
        let other = heard.recv().unwrap();
        assert!(other != here && other != there);
    }
}
