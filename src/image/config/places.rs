//! Where the files of this user are. The command line fills this in from the environment, before any namespace is entered.

use std::path::PathBuf;

use crate::image::registry::Proxies;

/// Files and directories of the user's, as the environment names them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// `$XDG_CONFIG_HOME`, else `$HOME/.config`.
    pub config_home: Option<PathBuf>,
    /// `$CONTAINERS_REGISTRIES_CONF`: read instead of the usual registries.conf.
    pub registries_conf: Option<PathBuf>,
    /// `$CONTAINERS_REGISTRIES_CONF_DIR`: read instead of the usual registries.conf.d directories.
    pub registries_conf_dir: Option<PathBuf>,
    /// short-name-aliases.conf, which the engine itself writes.
    pub aliases: Option<PathBuf>,
    pub auth: AuthPlaces,
    /// No files, but from the same environment.
    pub proxies: Proxies,
}

/// Where logins are, by containers-auth.json(5).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthPlaces {
    /// `$REGISTRY_AUTH_FILE`, or config.json in `$DOCKER_CONFIG`: the only one that is read and written.
    pub only: Option<PathBuf>,
    /// `$XDG_RUNTIME_DIR/containers/auth.json`, the one that is written.
    pub primary: Option<PathBuf>,
    /// Read after it, in this order: `$XDG_CONFIG_HOME/containers/auth.json`, `$HOME/.docker/config.json`.
    pub others: Vec<PathBuf>,
    /// Read last: `$HOME/.dockercfg`, an old format.
    pub dockercfg: Option<PathBuf>,
}
