//! `coracle export`

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli::cx::Cx;
use crate::engine;
use crate::error::{Context as _, Error, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write to a file instead of stdout
    #[arg(short, long, value_name = "string")]
    output: Option<PathBuf>,
    #[arg(value_name = "CONTAINER")]
    container: String,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let (engine, store) = cx.containers()?;
    let id = store.resolve(&args.container)?;
    write_to(cx, args.output.as_deref(), |output| engine::export(&engine, &id, output))
}

/// Gives `export` a file, which is complete or not there, or standard output to write to.
pub fn write_to(cx: &Cx<'_>, path: Option<&Path>, export: impl Fn(&mut dyn Write) -> Result<()>) -> Result<u8> {
    let Some(path) = path else {
        if cx.printer.out_is_terminal() {
            return Err(Error::new("refusing to export to terminal").hint("use the -o flag or redirect"));
        }
        let mut out = cx.printer;
        let result = export(&mut out);
        return if cx.printer.is_closed() { Ok(0) } else { result.map(|()| 0) };
    };
    let context = || format!("writing `{}`", path.display());
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
    // A device or a pipe is written to; a file is complete or not there.
    if std::fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        let mut file = std::fs::OpenOptions::new().write(true).open(path).with_context(context)?;
        export(&mut file)?;
        return Ok(0);
    }
    let mut builder = tempfile::Builder::new();
    // As the umask says, like any file that is written by name.
    let file = builder.prefix(".coracle-export-").permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = file.tempfile_in(dir).with_context(context)?;
    let mut buffer = std::io::BufWriter::with_capacity(256 * 1024, file.as_file_mut());
    export(&mut buffer)?;
    buffer.flush().with_context(context)?;
    drop(buffer);
    file.persist(path).map_err(|e| e.error).with_context(context)?;
    Ok(0)
}
