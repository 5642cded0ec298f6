//! What a signal means while an image is on its way: the bars end, one line says what it means, and the process dies by the
//! same signal, so that a shell sees what happened. Nothing is tidied up: what is half made is recognised as such by the
//! next one, as after kill -9, and Ctrl-C ends things at once.

use std::os::fd::AsFd as _;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

use crate::error::Result;
use crate::image::progress::{Event, Progress};
use crate::sys::signal::{Held, SignalFd, SignalSet, die_by};

/// The signals that end a command.
const ENDING: [i32; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

/// Runs `work`; if a signal comes meanwhile, says `words` and dies. The thread that waits for it is joined before this
/// returns.
pub fn guarded<T>(progress: &dyn Progress, words: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    // Ignored by `nohup`, or by a shell that starts something in the background.
    let set = SignalSet::of(ENDING).unless_ignored();
    let signals = SignalFd::new(&set)?;
    let ended = eventfd(0, EventfdFlags::CLOEXEC)?;
    let _held = Held::new(&set);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                let mut fds = [PollFd::new(&signals, PollFlags::IN), PollFd::new(&ended, PollFlags::IN)];
                if poll(&mut fds, None).is_err_and(|e| e != rustix::io::Errno::INTR) {
                    return;
                }
                if let Some(signal) = signals.next() {
                    progress.event(Event::Stopped(words));
                    die_by(signal);
                }
                if fds[1].revents().contains(PollFlags::IN) {
                    return;
                }
            }
        });
        // Also when `work` panics: the scope waits for the thread.
        let _end = End(ended.as_fd());
        work()
    })
}

/// Tells the thread that all is done.
struct End<'a>(std::os::fd::BorrowedFd<'a>);

impl Drop for End<'_> {
    fn drop(&mut self) {
        // It cannot fail: nobody else adds to the counter.
        let _ = rustix::io::write(self.0, &1_u64.to_ne_bytes());
    }
}
