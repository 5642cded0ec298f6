//! `version`: which engine this is.

use serde_json::{Value, json};

use crate::cli::format::template::{self, Schema};
use crate::cli::format::{go_json, is_json, table};
use crate::error::Result;

/// What templates of `version` know.
pub const SCHEMA: Schema = Schema {
    command: "version",
    type_name: "*types.SystemVersionReport",
    free_maps: &[],
    aliases: &[],
    omitted: &[("", "Server", template::Empty::Nothing)],
    headings: &[],
};

/// The version of the reference whose commands and API this engine has: what scripts compare with.
pub const API_VERSION: &str = "5.4.2";

/// What is known about this build.
#[derive(Debug, Clone, Default)]
pub struct Build {
    pub version: String,
    /// Empty when it was not built from a repository.
    pub git_commit: String,
    /// Unix seconds; 0 when not known.
    pub built: i64,
}

impl Build {
    /// This executable: the package's version, and what the build put into the environment of the compiler.
    pub fn of_this() -> Self {
        Build {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            git_commit: option_env!("CORACLE_GIT_COMMIT").unwrap_or_default().to_owned(),
            built: option_env!("SOURCE_DATE_EPOCH").and_then(|text| text.parse().ok()).unwrap_or_default(),
        }
    }

    /// The object that `version` and `info` show.
    pub fn json(&self) -> Value {
        let then = jiff::Timestamp::from_second(self.built).unwrap_or_default();
        let built_time = then.to_zoned(jiff::tz::TimeZone::system()).strftime("%a %b %e %H:%M:%S %Y").to_string();
        json!({
            "APIVersion": API_VERSION,
            "Version": self.version,
            "GoVersion": "",
            "GitCommit": self.git_commit,
            "BuiltTime": built_time,
            "Built": self.built,
            "BuildOrigin": "",
            "OsArch": format!("linux/{}", arch()),
            "Os": "linux",
        })
    }
}

/// The processor's architecture in the words of OCI images.
pub fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "powerpc64" => "ppc64le",
        other => other,
    }
}

/// Shows the version: as lines, as JSON on one line, or through a template.
///
/// # Errors
/// When the template is wrong.
pub fn render(build: &Build, format: Option<&str>) -> Result<String> {
    let client = build.json();
    let report = json!({"Client": client});
    match format {
        Some(format) if is_json(format) => Ok(go_json::compact(&report)? + "\n"),
        // There is only one side here; scripts that ask for the other mean the same engine.
        Some(format) if format.contains(".Server.") => {
            template::render_one(&format.replace(".Server.", ".Client."), &report, &SCHEMA)
        }
        Some(format) => match template::render_one(format, &report, &SCHEMA) {
            Ok(text) => Ok(text),
            // The short form of old scripts, `{{.Version}}`.
            Err(error) => template::render_one(format, &client, &SCHEMA).map_err(|_| error),
        },
        None => {
            let field = |name: &str| client[name].as_str().unwrap_or_default().to_owned();
            let lines = [
                ("Client:", "Coracle Engine".to_owned()),
                ("Version:", field("Version")),
                ("API Version:", field("APIVersion")),
                ("Git Commit:", field("GitCommit")),
                ("Built:", if build.built == 0 { String::new() } else { field("BuiltTime") }),
                ("OS/Arch:", field("OsArch")),
            ];
            let known = lines.iter().filter(|(_, value)| !value.is_empty());
            table::align(&known.map(|(name, value)| format!("{name}\t{value}\n")).collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_the_keys_of_the_sample() {
        let sample: Value = serde_json::from_str(include_str!("../../../tests/data/samples/version.json")).unwrap();
        let got: Value = serde_json::from_str(&render(&Build::of_this(), Some("json")).unwrap()).unwrap();
        let keys = |v: &Value| v["Client"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&got), keys(&sample));
        assert_eq!(render(&Build::of_this(), Some("json")).unwrap().lines().count(), 1);
    }

    #[test]
    fn lines_and_templates() {
        let build = Build { version: "0.1.0".into(), git_commit: "abc".into(), built: 1_766_335_321 };
        let text = render(&build, None).unwrap();
        assert!(text.starts_with("Client:       Coracle Engine\nVersion:      0.1.0\nAPI Version:  5.4.2\n"), "{text}");
        assert!(text.contains("\nGit Commit:   abc\nBuilt:        Sun Dec 21 "), "{text}");
        for format in ["{{.Client.Version}}", "{{.Version}}", "{{.Server.Version}}"] {
            assert_eq!(render(&build, Some(format)).unwrap(), "0.1.0\n", "{format}");
        }
        assert!(render(&build, Some("{{.Client.Nope}}")).is_err());
        let unknown = Build { version: "1".into(), ..Build::default() };
        assert!(!render(&unknown, None).unwrap().contains("Built"));
    }
}
