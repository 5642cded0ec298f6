//! `coracle image trust set`

use std::path::PathBuf;

use crate::bail;
use crate::cli::cx::Cx;
use crate::cli::env;
use crate::error::Result;
use crate::image::trust::edit::Rule;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// File with public keys that images must be signed with; may be given several times, then all must have signed
    #[arg(short = 'f', long, value_name = "stringArray")]
    pubkeysfile: Vec<PathBuf>,
    /// What images must be: signedBy, sigstoreSigned, accept (anything) or reject
    #[arg(short = 't', long = "type", value_name = "string", default_value = "signedBy")]
    kind: String,
    #[arg(value_name = "REGISTRY", required = true)]
    registry: String,
}

pub fn run(_cx: &Cx<'_>, args: Args) -> Result<u8> {
    let rule = match args.kind.as_str() {
        "accept" | "insecureAcceptAnything" => Rule::Accept,
        "reject" => Rule::Reject,
        "signedBy" => Rule::SignedBy(args.pubkeysfile.clone()),
        "sigstoreSigned" => Rule::SigstoreSigned(args.pubkeysfile.clone()),
        other => {
            bail!("invalid choice: {other} (choose from 'accept', 'reject', 'signedBy', 'sigstoreSigned')")
        }
    };
    if matches!(rule, Rule::Accept | Rule::Reject) && !args.pubkeysfile.is_empty() {
        bail!("--pubkeysfile has no meaning with --type {}", args.kind);
    }
    env::trust().set(&args.registry, &rule)?;
    Ok(0)
}
