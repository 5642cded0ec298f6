//! What the tests stand on: an environment of one's own for every test, commands with deadlines and complete failure
//! messages, terminals, images made to order, and other tools' servers.

pub mod command;
pub mod env;
pub mod fixtures;
pub mod image;
pub mod keys;
pub mod leftovers;
pub mod played;
pub mod proxy;
pub mod pty;
pub mod registry;

use std::io::Write as _;
use std::time::{Duration, Instant};

pub use env::Env;

/// Asks `probe` until it answers, and fails the test when `limit` has passed.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, probe: impl FnMut() -> Option<T>) -> T {
    poll(limit, probe).unwrap_or_else(|| panic!("waited {limit:?} in vain for: {what}"))
}

/// Asks `probe` until it answers or `limit` has passed.
pub fn poll<T>(limit: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = probe() {
            return Some(answer);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// Lets this much of a process's life pass, to kill it at a chosen moment. Not for waiting until something has happened.
pub fn let_pass(part_of_life: Duration) {
    let moment = Instant::now() + part_of_life;
    until("the moment to kill", part_of_life + SOON, || (Instant::now() >= moment).then_some(()));
}

/// Long enough for anything that is not broken, on a machine that does much else.
pub const SOON: Duration = Duration::from_secs(30);

/// Says why a test (or a part of it) does not run here; past the test runner's capture, so that it shows.
pub fn skip(test: &str, reason: &str) {
    let _ = writeln!(std::io::stderr(), "SKIP {test}: {reason}");
}
