//! The thread that reads refused packets from the kernel. There is none until a container wants them written down.

use std::sync::Weak;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::control::Control;
use super::packet;
use crate::error::{Context as _, Result};
use crate::network::nft::{Log, Logged};

/// The group that rules log to. The namespace is ours alone.
pub(in crate::network) const GROUP: u16 = 1;

/// So often it looks whether anybody still wants it.
const TICK: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };

/// Starts it in the network namespace of the calling thread. It ends with the control.
pub(in crate::network) fn start(control: Weak<Control>) -> Result<()> {
    let log = Log::open(GROUP)?;
    let read = move || {
        loop {
            let mut fds = [PollFd::new(&log, PollFlags::IN)];
            let woken = poll(&mut fds, Some(&TICK));
            let Some(control) = control.upgrade() else { return };
            if matches!(woken, Ok(n) if n > 0) {
                let heard = log.read(|logged| one(&control, &logged));
                if heard.is_err() {
                    return;
                }
            }
        }
    };
    let thread = std::thread::Builder::new().name("egress-log".into()).stack_size(64 << 10).spawn(read);
    thread.map(|_| ()).context("starting a thread for what is refused")
}

/// `7 out`: what container 7 sent; `7 in`: what was sent to it; `7 forged`: what it sent in the name of another one.
fn one(control: &Control, logged: &Logged<'_>) {
    let Some((number, direction)) = logged.prefix.split_once(' ') else { return };
    let Ok(number) = number.parse() else { return };
    control.refused(number, direction, &packet::parse(logged.protocol, logged.packet));
}
