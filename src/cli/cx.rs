//! What every command is handed: the printer, the global flags, and the engine on demand.

use std::fmt::Display;

use super::global::Globals;
use super::printer::Printer;
use super::{env, prompt, roots};
use crate::container::store::Store;
use crate::engine::{self, Engine};
use crate::error::{Error, Kind, Result};
use crate::network::config::Places;

/// The context of one command.
#[derive(Debug)]
pub struct Cx<'a> {
    pub printer: &'a Printer,
    pub globals: Globals,
    /// `coracle container stop`: the command as typed, for messages.
    pub path: String,
    /// The whole command line, for the record of a new container.
    pub argv: Vec<String>,
}

impl Cx<'_> {
    /// The engine on the roots of this invocation.
    pub fn engine(&self) -> Result<Engine> {
        for name in [env::CONTAINER_HOST, env::CONTAINER_CONNECTION] {
            if env::get(name).is_some() {
                return Err(Error::new(format!("{name} is set, and coracle has no remote mode"))
                    .hint(format!("unset {name} to work on this machine")));
            }
        }
        let roots = roots::open(&self.globals)?;
        self.printer.debug(|| format!("roots `{}` and `{}`", roots.data().display(), roots.run().display()));
        let driver = self.globals.storage_driver.clone();
        let driver = driver.or_else(|| env::get(env::STORAGE_DRIVER).and_then(|value| value.into_string().ok()));
        if let Some(name) = driver.as_deref().filter(|name| !["overlay", "fuse-overlayfs", "vfs"].contains(name)) {
            return Err(Error::new(format!("storage driver `{name}` is not supported"))
                .hint("use overlay, fuse-overlayfs or vfs"));
        }
        Ok(Engine {
            roots,
            driver,
            network_cmd_path: self.globals.network_cmd_path.clone(),
            networks: self.network_places(),
            places: env::places(),
            choose: prompt::chooser(),
            trust: env::trust(),
        })
    }

    /// Where networks are defined: where the reference has them, unless this store is apart from the user's usual one.
    fn network_places(&self) -> Places {
        let usual_dir = match &self.globals.root {
            Some(root) => root.join("networks"),
            None if roots::host_uid() == 0 => "/etc/containers/networks".into(),
            None => roots::data_home().map(|home| home.join("containers/storage/networks")).unwrap_or_default(),
        };
        Places {
            dir: self.globals.network_config_dir.clone(),
            usual_dir,
            config_home: env::config_home(),
            only: env::get(env::CONTAINERS_CONF).map(Into::into),
            last: env::get(env::CONTAINERS_CONF_OVERRIDE).map(Into::into),
        }
    }

    /// The engine together with its containers.
    pub fn containers(&self) -> Result<(Engine, Store)> {
        let engine = self.engine()?;
        let store = engine::containers(&engine);
        Ok((engine, store))
    }

    /// Shows warnings that the engine collected.
    pub fn warnings<W: Display>(&self, warnings: &[W]) {
        for warning in warnings {
            self.printer.warning(warning);
        }
    }

    /// Does something with each of several objects. All are tried; each failure is printed; the exit code is that of the
    /// last failure.
    pub fn each<T>(
        &self,
        items: impl IntoIterator<Item = T>,
        code_of: fn(Kind) -> u8,
        mut act: impl FnMut(T) -> Result<()>,
    ) -> u8 {
        let mut code = 0;
        for item in items {
            if let Err(error) = act(item) {
                self.printer.error(&error);
                code = code_of(error.kind());
            }
        }
        code
    }

    /// Removes each of several objects and prints those that are gone; whether one that is missing is a failure is the
    /// caller's choice. One in use counts more for the exit code than one that is missing, whichever came last.
    pub fn remove_each(
        &self,
        names: impl IntoIterator<Item = String>,
        missing_is_fine: bool,
        mut remove: impl FnMut(&str) -> Result<()>,
    ) -> u8 {
        let mut worst = 0;
        let last = self.each(names, removal_code, |name| {
            match remove(&name) {
                Err(error) if error.kind() == Kind::NoSuch && missing_is_fine => return Ok(()),
                Err(error) if matches!(error.kind(), Kind::NoSuch | Kind::InUse) => {
                    worst = worst.max(removal_code(error.kind()));
                    return Err(error);
                }
                removed => removed?,
            }
            self.printer.line(name);
            Ok(())
        });
        if matches!(last, 1 | 2) { worst } else { last }
    }
}

/// The exit codes of most commands.
pub fn usual_code(kind: Kind) -> u8 {
    kind.exit_code()
}

/// The exit codes of `rm` and `rmi`: 1 for what is not there, 2 for what is in use.
pub fn removal_code(kind: Kind) -> u8 {
    match kind {
        Kind::NoSuch => 1,
        Kind::InUse => 2,
        _ => kind.exit_code(),
    }
}
