//! coracle: a rootless, daemonless container engine.
//!
//! Rooms and floors (a room imports only from floors below its own):
//!
//! ```text
//! 6  cli/                                  what the user types
//! 5  engine/                               what the user means
//! 4  monitor/                              the process that owns a container
//! 3  container/ image/ network/ secret/    the objects
//! 2  runtime/ storage/                     processes and files
//! 1  sys/                                  thin safe wrappers over system calls
//! 0  error                                 the one error type
//! ```
//!
//! ARCHITECTURE.md says how a container comes to run, and why things are as they are.
#![deny(unsafe_code)]

pub mod cli;
pub mod container;
pub mod engine;
pub mod error;
pub mod image;
pub mod monitor;
pub mod network;
pub mod runtime;
pub mod secret;
pub mod storage;
#[allow(unsafe_code)]
pub mod sys;
pub mod volume;
