//! The registry client: manifests, blobs and tags over the OCI distribution API (v2), blocking, on the caller's threads.
//!
//! - `access.rs`     what an invocation knows of registries before it talks to one
//! - `client.rs`     requests to one repository: redirects, retries, manifests, tags
//! - `request.rs`    one request: what is asked, what goes along
//! - `transport.rs`  the HTTP library, set up; `tls.rs` certificates, `proxy.rs` proxies
//! - `auth.rs`       from a challenge to an `Authorization` header; `challenge.rs` and `token.rs`, pure
//! - `credentials.rs` a name and a password that cannot be printed
//! - `logins.rs`      the user's logins in files (`authfile.rs`, pure) and with programs (`helper.rs`)
//! - `blob.rs`       a blob as a stream that takes up again where a connection broke
//! - `upload.rs`     sending blobs and manifests
//! - `failure.rs`    errors in words, and whether another try may help
//! - `login.rs`      what one can log in to; `search.rs` what registries have
//! - `url.rs`        the little of URLs that is needed, pure
//! - `download.rs`   a file from any web server

pub mod access;
mod auth;
pub mod authfile;
pub mod blob;
pub mod challenge;
pub mod client;
pub mod credentials;
pub mod download;
mod failure;
mod helper;
pub mod login;
pub mod logins;
pub mod proxy;
pub mod request;
pub mod search;
#[cfg(test)]
mod tests;
pub mod tls;
mod token;
mod transport;
pub mod upload;
pub mod url;

pub use access::{Access, Attempts, Endpoint, Purpose};
pub use client::{Answer, Client, ClientOptions};
pub use credentials::{Credentials, Source};
pub use login::LoginTarget;
pub use logins::Logins;
pub use proxy::Proxies;
pub use request::{Payload, Request};
