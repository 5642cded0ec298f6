//! Every environment variable that the command line reads, in one place.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::image::config::{AuthPlaces, Places};
use crate::image::registry::Proxies;

/// Where the data root is: `$XDG_DATA_HOME/coracle`, else `$HOME/.local/share/coracle`.
pub const XDG_DATA_HOME: &str = "XDG_DATA_HOME";
/// Where the run root is: `$XDG_RUNTIME_DIR/coracle`, else `/run/user/UID/coracle`, else `/tmp/coracle-run-UID`.
pub const XDG_RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";
/// Where the user's registries.conf is: `$XDG_CONFIG_HOME/containers`, else `$HOME/.config/containers`.
pub const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";
/// The user's home directory, used where `XDG_DATA_HOME` is not set.
pub const HOME: &str = "HOME";
/// Default of `--storage-driver`.
pub const STORAGE_DRIVER: &str = "STORAGE_DRIVER";
/// A remote engine of Podman. It is refused, for acting on this machine instead would be a surprise.
pub const CONTAINER_HOST: &str = "CONTAINER_HOST";
/// A named remote engine of Podman; refused like [`CONTAINER_HOST`].
pub const CONTAINER_CONNECTION: &str = "CONTAINER_CONNECTION";
/// Default of `--userns`.
pub const PODMAN_USERNS: &str = "PODMAN_USERNS";
/// What `unshare` runs when it is given no command.
pub const SHELL: &str = "SHELL";
/// When it is set and not empty, nothing is coloured (<https://no-color.org>).
pub const NO_COLOR: &str = "NO_COLOR";
/// Where the engine remembers which image a short name meant: `$XDG_CACHE_HOME/containers`, else
/// `$HOME/.cache/containers`, for root /var/cache/containers.
pub const XDG_CACHE_HOME: &str = "XDG_CACHE_HOME";
/// Read instead of the usual registries.conf.
pub const CONTAINERS_REGISTRIES_CONF: &str = "CONTAINERS_REGISTRIES_CONF";
/// Read instead of the usual registries.conf.d directories.
pub const CONTAINERS_REGISTRIES_CONF_DIR: &str = "CONTAINERS_REGISTRIES_CONF_DIR";
/// Read instead of the usual containers.conf files.
pub const CONTAINERS_CONF: &str = "CONTAINERS_CONF";
/// Read after all other containers.conf files.
pub const CONTAINERS_CONF_OVERRIDE: &str = "CONTAINERS_CONF_OVERRIDE";
/// Default of `--authfile`.
pub const REGISTRY_AUTH_FILE: &str = "REGISTRY_AUTH_FILE";
/// The directory of Docker's config.json. When there is one in it, it is the default of `--authfile`, too.
pub const DOCKER_CONFIG: &str = "DOCKER_CONFIG";

/// The proxies for registries that are reached by HTTP and by HTTPS, and the hosts that are reached without one.
pub const HTTP_PROXY: [&str; 2] = ["HTTP_PROXY", "http_proxy"];
/// See [`HTTP_PROXY`].
pub const HTTPS_PROXY: [&str; 2] = ["HTTPS_PROXY", "https_proxy"];
/// See [`HTTP_PROXY`].
pub const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// Directories with descriptions of CDI devices, instead of /etc/cdi and /var/run/cdi; with colons between them, the more
/// important ones last.
pub const CORACLE_CDI_DIRS: &str = "CORACLE_CDI_DIRS";

/// The value of a variable, unless it is unset or empty.
pub fn get(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The value of a variable as an absolute path. The XDG specification says to ignore relative ones.
pub fn absolute_path(name: &str) -> Option<PathBuf> {
    get(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The user's configuration directory.
pub fn config_home() -> Option<PathBuf> {
    absolute_path(XDG_CONFIG_HOME).or_else(|| Some(absolute_path(HOME)?.join(".config")))
}

/// The files about registries and logins. To be asked before the user namespace is entered.
pub fn places() -> Places {
    let home = absolute_path(HOME);
    let config_home = config_home();
    let docker = get(DOCKER_CONFIG).map(|dir| PathBuf::from(dir).join("config.json"));
    let only = get(REGISTRY_AUTH_FILE).map(PathBuf::from).or_else(|| docker.clone().filter(|path| path.is_file()));
    let uid = rustix::process::geteuid();
    let run =
        absolute_path(XDG_RUNTIME_DIR).unwrap_or_else(|| PathBuf::from(format!("/run/containers/{}", uid.as_raw())));
    let primary = match get(XDG_RUNTIME_DIR) {
        Some(_) => run.join("containers/auth.json"),
        None => run.join("auth.json"),
    };
    let usual =
        if uid.is_root() { Some(PathBuf::from("/var/cache")) } else { home.as_ref().map(|dir| dir.join(".cache")) };
    let cache = absolute_path(XDG_CACHE_HOME).or(usual);
    let dockers = docker.or_else(|| Some(home.as_ref()?.join(".docker/config.json")));
    Places {
        registries_conf: get(CONTAINERS_REGISTRIES_CONF).map(PathBuf::from),
        registries_conf_dir: get(CONTAINERS_REGISTRIES_CONF_DIR).map(PathBuf::from),
        aliases: cache.map(|dir| dir.join("containers/short-name-aliases.conf")),
        auth: AuthPlaces {
            only,
            primary: Some(primary),
            others: config_home.iter().map(|dir| dir.join("containers/auth.json")).chain(dockers).collect(),
            dockercfg: home.map(|home| home.join(".dockercfg")),
        },
        proxies: Proxies {
            http: text(HTTP_PROXY),
            https: text(HTTPS_PROXY),
            except: text(NO_PROXY).unwrap_or_default(),
        },
        config_home,
    }
}

/// The first of several variables that is set, where it is UTF-8.
fn text(names: [&str; 2]) -> Option<String> {
    names.into_iter().find_map(get).and_then(|value| value.into_string().ok())
}

/// The user's home directory: HOME, or what the system says.
pub fn home() -> Option<PathBuf> {
    absolute_path(HOME).or_else(|| {
        let uid = nix::unistd::Uid::from_raw(super::roots::host_uid());
        let user = nix::unistd::User::from_uid(uid).ok().flatten();
        user.map(|user| user.dir).filter(|dir| dir.is_absolute())
    })
}

/// Where the user's policy on images is. To be asked before the user namespace is entered, where everybody is root.
pub fn trust() -> crate::image::trust::Trust {
    crate::image::trust::Trust { home: home(), is_root: super::roots::host_uid() == 0 }
}
