//! The registry client: manifests, blobs and tags over the OCI distribution API (v2), blocking, on the caller's threads.
//!
//! - `client.rs`     requests: authentication, redirects, retries
//! - `access.rs`     what an invocation knows of registries before it talks to one
//! - `blob.rs`       a blob as a stream that takes up again where a connection broke
//! - `challenge.rs`  `WWW-Authenticate`, pure
//! - `credentials.rs` a name and a password that cannot be printed
//! - `failure.rs`  errors in words, and whether another try may help
//! - `url.rs`        the little of URLs that is needed, pure
//! - `download.rs`  a file from any web server
//! - `tls.rs`        certificates and the TLS provider

pub mod access;
pub mod blob;
pub mod challenge;
pub mod client;
pub mod credentials;
pub mod download;
mod failure;
#[cfg(test)]
mod tests;
pub mod tls;
pub mod url;

pub use access::{Access, Endpoint, Purpose};
pub use client::{Client, ClientOptions};
pub use credentials::Credentials;
