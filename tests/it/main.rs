//! Integration tests: the binary as a user meets it, one file per topic.
//!
//! Every test has an environment of its own (see [`support::Env`]) and leaves nothing behind. `make test` runs them as
//! an unprivileged user; `cargo test --test it NAME` runs some of them as whoever you are.

mod anchor;
mod attach_tty;
mod bad_registry;
mod cli;
mod commit;
mod cp;
mod create_flags;
mod debian;
mod devices;
mod dns;
mod egress;
mod errors;
mod exec;
mod hello;
mod housekeeping;
mod image_store;
mod images;
mod kill9;
mod lifecycle;
mod logs;
mod manifest;
mod mount_kinds;
mod mounts;
mod network;
mod network_commands;
mod network_connect;
mod network_faults;
mod outside_names;
mod preserved;
mod published;
mod pull;
mod pull_formats;
mod pull_hostile;
mod pull_policy;
mod pull_resume;
mod push;
mod registries_conf;
mod registry_auth;
mod run;
mod save;
mod secrets;
mod security;
mod shared_namespaces;
mod stress;
mod support;
mod system_check;
mod system_df;
mod transports;
mod trust;
mod userns;
mod volume_races;
mod volumes;
