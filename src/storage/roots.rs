//! The two directories that hold all state, and the paths inside them.
//!
//! ```text
//! $XDG_DATA_HOME/coracle/            --root        $XDG_RUNTIME_DIR/coracle/        --runroot  (gone at reboot)
//!   images/   OCI layout                             containers/<id>/  monitor lock, control socket
//!   layers/<diff-id>/                                network/  the network anchor's lock and socket
//!   shown/<key>/      layers with other owners, made when they are first wanted
//!   containers/<id>/  record, OCI spec, upper, log
//!   names/<name> -> <id>
//!   volumes/<name>/  volume.json, _data/
//!   tmp/      things half made or half removed; each one locked by the process that works on it
//! ```

use std::path::{Path, PathBuf};

use super::fs;
use crate::error::{Context, Result};

/// The data root and the run root of this invocation.
#[derive(Debug, Clone)]
pub struct Roots {
    data: PathBuf,
    run: PathBuf,
}

impl Roots {
    /// Roots at these two absolute directories, which are made (mode 0700) when they are missing.
    pub fn open(data: &Path, run: &Path) -> Result<Self> {
        let absolute =
            |path: &Path| std::path::absolute(path).with_context(|| format!("resolving `{}`", path.display()));
        let roots = Roots { data: absolute(data)?, run: absolute(run)? };
        for dir in [&roots.data, &roots.run] {
            fs::create_private_dir_all(dir)?;
        }
        for dir in
            [roots.images(), roots.layers(), roots.containers(), roots.names(), roots.tmp(), roots.run_containers()]
        {
            fs::create_private_dir_all(&dir)?;
        }
        Ok(roots)
    }

    /// Roots that were opened by the process that started this one.
    pub fn reopen(data: &Path, run: &Path) -> Self {
        Roots { data: data.to_owned(), run: run.to_owned() }
    }

    /// The data root (`--root`).
    pub fn data(&self) -> &Path {
        &self.data
    }
    /// The run root (`--runroot`).
    pub fn run(&self) -> &Path {
        &self.run
    }
    /// The image store, an OCI image layout.
    pub fn images(&self) -> PathBuf {
        self.data.join("images")
    }
    /// Unpacked layers, one directory each, named by the hexadecimal digits of the diff ID.
    pub fn layers(&self) -> PathBuf {
        self.data.join("layers")
    }
    /// Images with other owners, for the kernel's overlay.
    pub fn shown(&self) -> PathBuf {
        self.data.join("shown")
    }
    /// Containers, one directory each, named by ID.
    pub fn containers(&self) -> PathBuf {
        self.data.join("containers")
    }
    /// Symbolic links from container names to IDs.
    pub fn names(&self) -> PathBuf {
        self.data.join("names")
    }
    /// Volumes, one directory each, named as they are. Made with the first one.
    pub fn volumes(&self) -> PathBuf {
        self.data.join("volumes")
    }
    /// Where things are made before they are renamed into place, and where they go before they are removed.
    pub fn tmp(&self) -> PathBuf {
        self.data.join("tmp")
    }
    /// The persistent directory of a container.
    pub fn container(&self, id: &str) -> PathBuf {
        self.containers().join(id)
    }
    /// What is known of the owners of layers' files, by diff ID.
    pub fn owners(&self) -> PathBuf {
        self.run().join("owners")
    }

    /// Runtime directories of containers.
    pub fn run_containers(&self) -> PathBuf {
        self.run.join("containers")
    }
    /// What the network anchor holds as long as it lives.
    pub fn anchor_lock(&self) -> PathBuf {
        self.run.join("network/anchor.lock")
    }
    /// The run-time directory of a container.
    pub fn run_container(&self, id: &str) -> PathBuf {
        self.run_containers().join(id)
    }
}
