//! coracle: a rootless, daemonless container engine.
//!
//! Rooms and floors (a room imports only from floors below its own):
//!
//! ```text
//! 5  cli/                                  what the user types
//! 4  engine/                               what the user means
//! 3  container/ image/ network/            the objects
//! 2  runtime/ monitor/ storage/            processes and files
//! 1  sys/                                  thin safe wrappers over system calls
//! 0  error                                 the one error type
//! ```
#![deny(unsafe_code)]

pub mod cli;
pub mod container;
pub mod engine;
pub mod error;
pub mod image;
pub mod monitor;
pub mod network;
pub mod runtime;
pub mod storage;
#[allow(unsafe_code)]
pub mod sys;
