//! The client's side of a container's standard streams: the user's terminal, and the relays between it and a container.
//!
//! * [`relay`](mod@relay): over the control socket of a monitor, which holds the container's ends (`run`, `start -a`,
//!   `attach`);
//! * [`copy`](mod@copy): with the container's ends in our own hands (`exec`).
//!
//! Both run in one thread, keep bytes in order, and know the same detach keys, windows and signals ([`console`]). Neither
//! prints anything of its own.

pub mod console;
pub mod copy;
pub mod keys;
pub mod relay;
pub mod terminal;
mod wire;

pub use console::{Options, Outcome, Stdio, proxied_signals};
pub use copy::{Ends, copy};
pub use keys::DetachKeys;
pub use relay::{attach, relay};
pub use terminal::Window;
