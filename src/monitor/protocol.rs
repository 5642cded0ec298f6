//! What is spoken on a monitor's control socket.
//!
//! The socket is `<runroot>/containers/<id>/ctl`, of type SOCK_SEQPACKET: one message, one packet of at most
//! [`MAX_MESSAGE`] bytes; the first byte is the kind, the rest its payload, integers little-endian. The first message of a
//! connection says what it is for:
//!
//! ```text
//! client                                   monitor
//! 'A' attach, u8 flags                 ->  'a' attached; then 'o' stdout, 'x' stderr data, and at the end 'q' code
//!     'i' data, 'e' end of input       ->
//!     'w' u16 rows, u16 columns        ->
//! 'K' kill, i32 signal, u8 by_user     ->  'k' i32 errno (0: sent)
//! 'W' wait                             ->  'q' i32 exit code, when the container has ended
//! 'S' start (of an initialized one)    ->  'k' i32 errno, or 'E' u8 exit code + text
//! 'P' pause / 'U' unpause              ->  'k' i32 errno
//! 'N' network.json has changed          ->  'k' i32 errno, or 'E' u8 exit code + text, once that has happened
//! 'P' pause, u8 1                      ->  'k' i32 errno; it lasts no longer than the connection
//! 'X' exec, JSON, descriptors          ->  'p' i32 pid, or 'E' u8 exit code + text; and at the end 'q' code
//! ```
//!
//! The monitor closes every connection when the container has ended and been cleaned up, so that the end of a
//! connection without 'q' means that the monitor was killed.

/// The largest packet, kind byte included.
pub const MAX_MESSAGE: usize = 32 * 1024;

/// Attach: the client wants to send input.
pub const ATTACH_STDIN: u8 = 1;
/// Attach: the client wants standard output.
pub const ATTACH_STDOUT: u8 = 2;
/// Attach: the client wants standard error.
pub const ATTACH_STDERR: u8 = 4;

/// Kinds of messages.
pub mod kind {
    pub const ATTACH: u8 = b'A';
    pub const KILL: u8 = b'K';
    pub const WAIT: u8 = b'W';
    pub const START: u8 = b'S';
    pub const PAUSE: u8 = b'P';
    pub const UNPAUSE: u8 = b'U';
    pub const NETWORK: u8 = b'N';
    pub const EXEC: u8 = b'X';

    pub const INPUT: u8 = b'i';
    pub const END_OF_INPUT: u8 = b'e';
    pub const WINDOW: u8 = b'w';

    pub const ATTACHED: u8 = b'a';
    pub const STDOUT: u8 = b'o';
    pub const STDERR: u8 = b'x';
    pub const EXIT: u8 = b'q';
    pub const DONE: u8 = b'k';
    pub const PID: u8 = b'p';
    pub const FAILED: u8 = b'E';
}
