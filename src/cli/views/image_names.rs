//! The parts of image names that listings and filters look at.

use crate::image::Image;

/// What is shown where an image has no name or no tag.
pub const NONE: &str = "<none>";

/// Splits `localhost:5000/a/b:tag` into repository and tag, and `a/b@sha256:…` into repository and nothing.
pub fn split(name: &str) -> (&str, Option<&str>) {
    if let Some((repository, _)) = name.split_once('@') {
        // A name may have a tag as well as a digest.
        return (split(repository).0, None);
    }
    let last_part = name.rfind('/').map_or(0, |slash| slash + 1);
    match name.get(last_part..).and_then(|part| part.find(':')) {
        Some(colon) => {
            let (repository, tag) = name.split_at(last_part + colon);
            (repository, tag.get(1..))
        }
        None => (name, None),
    }
}

/// All forms in which people may write a name: whole, without registry, only the last part; each with and without tag.
pub fn forms(name: &str) -> Vec<&str> {
    let (repository, _) = split(name);
    let path_start = repository.find('/').map_or(0, |slash| slash + 1);
    let last_start = repository.rfind('/').map_or(0, |slash| slash + 1);
    let mut forms = Vec::with_capacity(6);
    for start in [0, path_start, last_start] {
        forms.extend(name.get(start..));
        forms.extend(repository.get(start..));
    }
    forms
}

/// Whether a person who writes `text` means this image: an ID or the beginning of one, a digest, or a name, where
/// `latest` is meant when no tag is written.
pub fn means(text: &str, image: &Image) -> bool {
    let id = text.strip_prefix("sha256:").unwrap_or(text);
    if crate::storage::id::is_hex(id) && image.id.starts_with(id) {
        return true;
    }
    if image.digest == text || image.repo_digests.iter().any(|d| d == text || d.ends_with(&format!("/{text}"))) {
        return true;
    }
    let with_tag = if split(text).1.is_some() { text.to_owned() } else { format!("{text}:latest") };
    image.names.iter().any(|name| forms(name).contains(&with_tag.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split() {
        let cases = [
            ("localhost/busybox:latest", ("localhost/busybox", Some("latest"))),
            ("localhost:5000/a/b", ("localhost:5000/a/b", None)),
            ("localhost:5000/a/b:1", ("localhost:5000/a/b", Some("1"))),
            ("a/b@sha256:1234", ("a/b", None)),
            ("a/b:1@sha256:1234", ("a/b", None)),
            ("x", ("x", None)),
        ];
        for (name, want) in cases {
            assert_eq!(split(name), want, "{name}");
        }
    }

    #[test]
    fn an_image_is_meant_in_many_ways() {
        let image = Image {
            id: "6ada4d43".into(),
            digest: "sha256:ff".into(),
            names: vec!["quay.io/libpod/testimage:latest".into(), "localhost/other:1".into()],
            repo_digests: vec!["quay.io/libpod/testimage@sha256:ff".into()],
            ..Image::default()
        };
        let meant = [
            "6ada",
            "sha256:6ada4d43",
            "testimage",
            "libpod/testimage:latest",
            "quay.io/libpod/testimage",
            "other:1",
            "sha256:ff",
            "libpod/testimage@sha256:ff",
        ];
        for text in meant {
            assert!(means(text, &image), "{text}");
        }
        for text in ["other", "image", "", "io/libpod/testimage", "7ada"] {
            assert!(!means(text, &image), "{text}");
        }
    }
}
