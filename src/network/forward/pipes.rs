//! Pipes that splice(2) moves bytes through. An empty one serves any connection, so a few are enough for many.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::pipe::{PipeFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with};

use super::way::BUFFER;

/// What a pipe can hold. A mebibyte was not faster.
pub(super) const SIZE: usize = 256 << 10;
/// The kernel grants a user 64 MiB of pipes (fs.pipe-user-pages-soft) and then only pipes of a page or two; a quarter of
/// it is for the four threads that there may be.
const MOST: usize = 16;
/// So many are there before anybody needs them.
const RESERVED: usize = 2;
/// How long nobody asks again for what was refused.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) read: OwnedFd,
    pub(super) write: OwnedFd,
}

#[derive(Debug)]
pub(super) struct Pipes {
    idle: Vec<Pipe>,
    /// All that there are, idle or not.
    count: usize,
    /// There are none to be had before.
    not_before: Option<Instant>,
}

impl Pipes {
    /// Takes a few in advance: pasta, where it is the uplink, takes all that the user may have.
    pub(super) fn new() -> Pipes {
        let mut pipes = Pipes { idle: Vec::new(), count: 0, not_before: None };
        for _ in 0..RESERVED {
            if let Some(pipe) = pipes.make() {
                pipes.idle.push(pipe);
            }
        }
        pipes
    }

    /// An empty pipe, if there is still one to be had.
    pub(super) fn take(&mut self) -> Option<Pipe> {
        self.idle.pop().or_else(|| self.make())
    }

    fn make(&mut self) -> Option<Pipe> {
        if self.count >= MOST || self.not_before.is_some_and(|at| Instant::now() < at) {
            return None;
        }
        let pipe = open();
        self.not_before = pipe.is_none().then(|| Instant::now() + PAUSE);
        self.count += usize::from(pipe.is_some());
        pipe
    }

    /// Takes back a pipe; it is closed unless it is empty.
    pub(super) fn give_back(&mut self, pipe: Pipe, empty: bool) {
        if empty {
            self.idle.push(pipe);
        } else {
            self.count = self.count.saturating_sub(1);
        }
    }
}

/// A pipe that is worth it. Beyond what a user may have it is one of two pages, with which copying is twice as fast.
fn open() -> Option<Pipe> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
    // Without the right to that much, the usual size does as well.
    let size = fcntl_setpipe_size(&write, SIZE).or_else(|_| fcntl_getpipe_size(&write)).ok()?;
    (size >= BUFFER).then_some(Pipe { read, write })
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    use super::super::way::{Flow, Tools, Way};
    use super::*;

    /// Moves so many bytes, with what pipes there are; how many pipes there are then.
    fn carry(pipes: Pipes, length: usize) -> usize {
        let (mut sender, from) = UnixStream::pair().unwrap();
        let (to, mut receiver) = UnixStream::pair().unwrap();
        for socket in [&from, &to] {
            socket.set_nonblocking(true).unwrap();
        }
        let (from, to) = (OwnedFd::from(from), OwnedFd::from(to));
        let sent: Vec<u8> = (0..length).map(|n| (n ^ n >> 8 ^ n >> 16) as u8).collect();
        let mut tools = Tools { buffer: vec![0; BUFFER], pipes };
        std::thread::scope(|scope| {
            let sent = &sent;
            scope.spawn(move || {
                sender.write_all(sent).unwrap();
                drop(sender);
            });
            let received = scope.spawn(move || {
                let mut received = Vec::new();
                receiver.read_to_end(&mut received).unwrap();
                received
            });
            let mut way = Way::default();
            loop {
                (way.readable, way.writable, way.thorough) = (true, true, true);
                match way.pump(&from, &to, &mut tools) {
                    Flow::Finished => break,
                    Flow::Waiting | Flow::More => std::thread::yield_now(),
                    lost => panic!("{lost:?}"),
                }
            }
            assert!(received.join().unwrap() == *sent, "bytes were changed");
        });
        tools.pipes.count
    }

    #[test]
    fn a_stream_passes_with_pipes_and_without() {
        assert_eq!(carry(Pipes { idle: Vec::new(), count: MOST, not_before: None }, 9 << 20), MOST);
        let refused = Some(Instant::now() + Duration::from_secs(3600));
        assert_eq!(carry(Pipes { idle: Vec::new(), count: 0, not_before: refused }, 9 << 20), 0);
        carry(Pipes::new(), 9 << 20);
    }
}
