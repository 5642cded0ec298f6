//! The restart policy: `no`, `always`, `unless-stopped`, `on-failure[:retries]`.

use crate::bail;
use crate::error::Result;

use super::record::RestartPolicy;

/// Reads the value of `--restart`.
pub fn parse(text: &str) -> Result<RestartPolicy> {
    let (name, retries) = match text.split_once(':') {
        None => (text, None),
        Some((_, retries)) if retries.contains(':') => {
            bail!("invalid restart policy `{text}`: may specify retries at most once")
        }
        Some((name, retries)) => (name, Some(retries)),
    };
    let name = match name.to_ascii_lowercase().as_str() {
        "" | "no" | "never" => "no",
        "always" => "always",
        "unless-stopped" => "unless-stopped",
        "on-failure" => "on-failure",
        _ => bail!("invalid restart policy `{text}`: use no, always, unless-stopped or on-failure[:max_retries]"),
    };
    let max_retries = match retries {
        None => 0,
        Some(_) if name != "on-failure" => bail!("restart policy retries can only be specified with on-failure policy"),
        Some(text) => match text.parse() {
            Ok(retries) => retries,
            Err(_) => bail!("invalid restart policy retry count `{text}`: must be a whole number, 0 or greater"),
        },
    };
    Ok(RestartPolicy { name: name.to_owned(), max_retries })
}

/// Whether the policy ever restarts anything.
pub fn is_active(policy: &RestartPolicy) -> bool {
    !matches!(policy.name.as_str(), "" | "no")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies() {
        for (text, want) in [
            ("no", ("no", 0)),
            ("never", ("no", 0)),
            ("always", ("always", 0)),
            ("unless-stopped", ("unless-stopped", 0)),
            ("on-failure", ("on-failure", 0)),
            ("on-failure:3", ("on-failure", 3)),
            ("On-Failure:0", ("on-failure", 0)),
        ] {
            let policy = parse(text).unwrap();
            assert_eq!((policy.name.as_str(), policy.max_retries), want, "{text}");
        }
        for text in ["sometimes", "always:3", "on-failure:-1", "on-failure:x", "on-failure:1:2", "on-failure:"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(!is_active(&parse("no").unwrap()));
        assert!(is_active(&parse("on-failure").unwrap()));
    }
}
