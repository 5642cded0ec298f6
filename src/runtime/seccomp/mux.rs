//! i386 reaches sockets and System V IPC in two ways: by calls of their own, and through `socketcall` and `ipc`, whose
//! first argument says which is meant. A rule for the one must hold for the other, or it could be gone around.
//!
//! The arguments proper are in memory there, where a filter does not see them. So a rule that looks at arguments holds
//! for this way whatever they are when it denies, and not at all when it allows.

use super::plan::{Condition, Op};

const SOCKETCALL: u32 = 102;
const IPC: u32 = 117;

/// What `socketcall` calls its calls, from 1 on (linux/net.h).
const SOCKET_CALLS: [&str; 20] = [
    "socket",
    "bind",
    "connect",
    "listen",
    "accept",
    "getsockname",
    "getpeername",
    "socketpair",
    "send",
    "recv",
    "sendto",
    "recvfrom",
    "shutdown",
    "setsockopt",
    "getsockopt",
    "sendmsg",
    "recvmsg",
    "accept4",
    "recvmmsg",
    "sendmmsg",
];

/// What `ipc` calls its calls (linux/ipc.h).
const IPC_CALLS: [(&str, u64); 12] = [
    ("semop", 1),
    ("semget", 2),
    ("semctl", 3),
    ("semtimedop", 4),
    ("msgsnd", 11),
    ("msgrcv", 12),
    ("msgget", 13),
    ("msgctl", 14),
    ("shmat", 21),
    ("shmdt", 22),
    ("shmget", 23),
    ("shmctl", 24),
];

/// The same call the other way: a number, and the condition under which this number means `name`.
pub(super) fn on_x86(name: &str) -> Option<(u32, Condition)> {
    if let Some(place) = (1u64..).zip(SOCKET_CALLS).find(|(_, call)| *call == name).map(|(place, _)| place) {
        // The kernel takes the low half of the register, which is all that a filter for i386 compares.
        return Some((SOCKETCALL, Condition { index: 0, op: Op::Equal, value: place, masked: 0 }));
    }
    let (_, place) = IPC_CALLS.iter().find(|(call, _)| *call == name)?;
    // The upper half is a version number.
    Some((IPC, Condition { index: 0, op: Op::MaskedEqual, value: 0xffff, masked: *place }))
}
