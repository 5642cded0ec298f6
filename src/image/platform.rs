//! Platforms: which entry of an index is for which machine.
//!
//! Names are Go's (GOOS, GOARCH), as in the OCI image specification; `linux/arm/v7` as users type it.

use super::manifest::{Descriptor, Index, PlatformJson};
use crate::error::{Error, Result};

/// Operating system, architecture and variant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Platform {
    pub os: String,
    pub architecture: String,
    /// `v7` and so on; empty where there is none or any will do.
    pub variant: String,
}

impl Platform {
    /// The machine this runs on.
    pub fn host() -> Self {
        let machine = std::env::consts::ARCH;
        let (architecture, variant) = normalise(machine, "");
        let variant = if machine == "arm" { "v7".to_owned() } else { variant };
        Platform { os: "linux".to_owned(), architecture, variant }
    }

    /// Parses `os/architecture[/variant]`, or an operating system alone.
    pub fn parse(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts.as_slice() {
            [os] if !os.is_empty() => return Ok(Self::new(os, "", "")),
            [os, architecture] => (*os, *architecture, ""),
            [os, architecture, variant] => (*os, *architecture, *variant),
            _ => crate::bail!("invalid platform syntax for --platform (use OS/ARCH[/VARIANT]): \"{text}\""),
        };
        if os.is_empty() || architecture.is_empty() {
            crate::bail!("invalid platform syntax for --platform (use OS/ARCH[/VARIANT]): \"{text}\"");
        }
        Ok(Self::new(os, architecture, variant))
    }

    /// A platform from its parts (`--os`, `--arch`, `--variant`); an empty part is the host's.
    pub fn new(os: &str, architecture: &str, variant: &str) -> Self {
        let host = Self::host();
        let os = if os.is_empty() { host.os } else { os.to_ascii_lowercase() };
        if architecture.is_empty() {
            let variant = if variant.is_empty() { host.variant } else { variant.to_ascii_lowercase() };
            return Platform { os, architecture: host.architecture, variant };
        }
        let (architecture, variant) = normalise(architecture, variant);
        Platform { os, architecture, variant }
    }

    /// How well an entry fits: `None` not at all, else the smaller the better.
    fn fit(&self, entry: &PlatformJson) -> Option<u32> {
        let (architecture, variant) = normalise(&entry.architecture, &entry.variant);
        if entry.os != self.os || architecture != self.architecture {
            return None;
        }
        if variant == self.variant {
            return Some(0);
        }
        let level = |variant: &str| variant.strip_prefix('v').and_then(|n| n.parse::<u32>().ok());
        match (self.architecture.as_str(), level(&self.variant), level(&variant)) {
            // An ARM of version 7 runs what is made for 6 and 5.
            ("arm", Some(ours), Some(theirs)) if theirs < ours => Some((ours - theirs).saturating_add(1)),
            ("arm", Some(_), None) => Some(10),
            ("arm", None, _) => Some(11),
            // No variant said on either side: any will do; a plain entry first.
            (_, None, None) => Some(1),
            (_, None, Some(theirs)) => Some(theirs.saturating_add(1)),
            (_, Some(ours), Some(theirs)) if theirs <= ours => Some((ours - theirs).saturating_add(1)),
            (_, Some(_), None) => Some(10),
            _ => None,
        }
    }

    /// The entry of an index for this platform.
    pub fn choose<'a>(&self, index: &'a Index) -> Result<&'a Descriptor> {
        let fits = |entry: &'a Descriptor| {
            let platform = entry.platform.as_ref()?;
            self.fit(platform).map(|fit| (fit, entry))
        };
        let best = index.manifests.iter().filter_map(fits).min_by_key(|(fit, _)| *fit);
        if let Some((_, entry)) = best {
            return Ok(entry);
        }
        // An index of a single image may leave the platform out.
        if let [only] = index.manifests.as_slice()
            && only.platform.is_none()
        {
            return Ok(only);
        }
        let shown = |p: &PlatformJson| {
            Platform { os: p.os.clone(), architecture: p.architecture.clone(), variant: p.variant.clone() }.to_string()
        };
        let mut others: Vec<String> = index
            .manifests
            .iter()
            .filter_map(|e| e.platform.as_ref())
            .filter(|p| p.os != "unknown")
            .map(shown)
            .collect();
        others.dedup();
        let error = Error::new(format!(
            "no image found in image index for architecture \"{}\", variant \"{}\", OS \"{}\"",
            self.architecture, self.variant, self.os
        ));
        Err(if others.is_empty() { error } else { error.hint(format!("the index has {}", others.join(", "))) })
    }

    /// Whether an image of these may run as this platform.
    pub fn matches(&self, os: &str, architecture: &str) -> bool {
        (os.is_empty() || os == self.os)
            && (architecture.is_empty() || normalise(architecture, "").0 == self.architecture)
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if self.variant.is_empty() { Ok(()) } else { write!(f, "/{}", self.variant) }
    }
}

/// Go's names for what uname and others call it.
fn normalise(architecture: &str, variant: &str) -> (String, String) {
    let variant = variant.to_ascii_lowercase();
    let (architecture, implied) = match architecture.to_ascii_lowercase().as_str() {
        "x86_64" | "x86-64" => ("amd64".to_owned(), ""),
        "i386" | "i686" | "x86" => ("386".to_owned(), ""),
        "aarch64" | "arm64" => ("arm64".to_owned(), ""),
        "armhf" => ("arm".to_owned(), "v7"),
        "armel" => ("arm".to_owned(), "v6"),
        "powerpc64le" => ("ppc64le".to_owned(), ""),
        "loongarch64" => ("loong64".to_owned(), ""),
        other => (other.to_owned(), ""),
    };
    let variant = match (architecture.as_str(), variant.as_str()) {
        // The only ARM of 64 bits that images name; saying it changes nothing.
        ("arm64", "v8" | "8") => String::new(),
        ("amd64", "v1") => String::new(),
        ("arm", digit @ ("5" | "6" | "7" | "8")) => format!("v{digit}"),
        (_, "") => implied.to_owned(),
        (_, variant) => variant.to_owned(),
    };
    (architecture, variant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(platforms: &[&str]) -> Index {
        let entry = |text: &&str| {
            let mut parts = text.split('/');
            let mut next = || parts.next().unwrap_or_default().to_owned();
            let platform =
                PlatformJson { os: next(), architecture: next(), variant: next(), ..PlatformJson::default() };
            Descriptor { digest: (*text).to_owned(), platform: Some(platform), ..Descriptor::default() }
        };
        Index { manifests: platforms.iter().map(entry).collect(), ..Index::default() }
    }

    #[test]
    fn the_best_entry_is_chosen() {
        let arm = ["linux/arm/v5", "linux/arm/v6", "linux/arm/v7", "linux/arm64/v8", "linux/amd64"];
        let table: [(&str, &[&str], Option<&str>); 12] = [
            ("linux/amd64", &arm, Some("linux/amd64")),
            ("linux/x86_64", &arm, Some("linux/amd64")),
            ("linux/arm64", &arm, Some("linux/arm64/v8")),
            ("linux/aarch64/v8", &["linux/arm64"], Some("linux/arm64")),
            ("linux/arm/v7", &arm, Some("linux/arm/v7")),
            ("linux/arm/v7", &["linux/arm/v5", "linux/arm/v6"], Some("linux/arm/v6")),
            ("linux/arm/v6", &["linux/arm/v7"], None),
            ("linux/amd64", &["linux/amd64/v3", "linux/amd64"], Some("linux/amd64")),
            // Numbers of an index can be anything.
            ("linux/amd64", &["linux/amd64/v4294967295", "linux/amd64/v2"], Some("linux/amd64/v2")),
            ("linux/amd64/v4294967295", &["linux/amd64/v0"], Some("linux/amd64/v0")),
            ("linux/s390x", &arm, None),
            ("windows/amd64", &arm, None),
        ];
        for (platform, entries, expected) in table {
            let index = index(entries);
            let chosen = Platform::parse(platform).unwrap().choose(&index).ok().map(|e| e.digest.as_str());
            assert_eq!(chosen, expected, "{platform} of {entries:?}");
        }
        assert_eq!(Platform::parse("linux").unwrap(), Platform::host());
        assert!(Platform::parse("").is_err());
        assert!(Platform::parse("linux//v7").is_err());
    }
}
