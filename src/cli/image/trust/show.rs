//! `coracle image trust show`

use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::env;
use crate::cli::format::go_json::{self, Shape};
use crate::cli::format::table::Table;
use crate::error::Result;
use crate::image::trust::{Policy, show};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(short, long)]
    json: GoBool,
    /// Do not print column headings
    #[arg(short, long)]
    noheading: GoBool,
    /// Print the policy file as it is
    #[arg(long)]
    raw: GoBool,
    #[arg(value_name = "REGISTRY", num_args = 0..=1)]
    registry: Option<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let trust = env::trust();
    let text = trust.policy_text()?;
    if text.is_none() {
        let user = trust.user_policy().map(|path| format!("`{}` nor ", path.display())).unwrap_or_default();
        cx.printer
            .message(format_args!("There is neither {user}`/etc/containers/policy.json`, so every image is accepted."));
    }
    if *args.raw {
        let built_in = || br#"{"default":[{"type":"insecureAcceptAnything"}]}"#.to_vec();
        let text = text.map_or_else(built_in, |(_, text)| text);
        cx.printer.data(&text);
        if text.last() != Some(&b'\n') {
            cx.printer.line("");
        }
        return Ok(0);
    }
    let policy = match text {
        Some(_) => trust.policy()?,
        None => Policy::built_in(),
    };
    let (mut rows, warnings) = show::rows(&policy, &trust.registries_d()?);
    cx.warnings(&warnings);
    if let Some(registry) = &args.registry {
        rows = show::about(rows, &policy, registry);
    }
    if *args.json {
        cx.printer.text(&go_json::pretty(&serde_json::to_value(&rows)?, Shape::Images)?);
        return Ok(0);
    }
    let mut table = Table::new();
    if !*args.noheading {
        table.row(["TRANSPORT", "NAME", "TYPE", "ID", "STORE"]);
    }
    for row in &rows {
        table.row([&row.transport, &row.repo_name, &row.kind, &row.gpg_id, &row.sigstore]);
    }
    cx.printer.text(&table.render()?);
    Ok(0)
}
