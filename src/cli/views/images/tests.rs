//! `images` against the samples of the reference engine.

use super::*;
use crate::image::ImageConfig;

fn now() -> Timestamp {
    "2026-11-22T01:13:21.6Z".parse().unwrap()
}

fn image(id: &str, name: &str, created: i64, size: u64, labels: &[(&str, &str)]) -> Image {
    let digest = match name {
        n if n.contains("pause") => "sha256:937ab5016c3cde893b077da2e62d6e718810cf017772c41bea6ad2b37fd5be02",
        n if n.contains("test") => "sha256:f5b58aee9a2f2b1cde7cba7c67433c328ef449e71e0ea34220b2b25e5b8d264f",
        _ => "sha256:00",
    };
    let names: Vec<String> = if name.is_empty() { vec![] } else { vec![name.to_owned()] };
    Image {
        id: id.to_owned(),
        digest: digest.to_owned(),
        repo_digests: names.iter().map(|n| format!("{}@{digest}", image_names::split(n).0)).collect(),
        names,
        created: Timestamp::from_second(created).unwrap(),
        size,
        config: ImageConfig {
            labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..ImageConfig::default()
        },
        ..Image::default()
    }
}

fn samples() -> Vec<Image> {
    let buildah = ("io.buildah.version", "1.39.3");
    vec![
        image(
            "6ada4d435fabc799687f8bf284078c07e137ba1e52e9dc73f04ce7b19bb0fbc0",
            "quay.io/libpod/testimage:20241011",
            1_728_600_000,
            13_519_141,
            &[("created_at", "2024-10-11T00:00:00Z"), ("created_by", "test/system/build-testimage"), buildah],
        ),
        image(
            "dc4f7a9766d76103be8b030e7ea037f555d9a226f5c0be8f74b0b0b9bd1ad9c6",
            "localhost/podman-pause:5.4.2-1766335321",
            1_795_310_000,
            737_423,
            &[buildah],
        ),
    ]
}

fn with_dangling() -> Vec<Image> {
    let mut all = samples();
    all.push(image(&"ab".repeat(32), "", 1_795_000_000, 5, &[]));
    all
}

fn counts() -> BTreeMap<String, usize> {
    samples().into_iter().map(|i| (i.id.clone(), if i.id.starts_with('6') { 3 } else { 1 })).collect()
}

fn show(images: &[Image], options: &Options) -> String {
    render(images, &counts(), options, now()).unwrap_or_else(|e| e.to_string())
}

#[test]
fn tables_and_json_are_those_of_the_samples() {
    let plain = show(&samples(), &Options::default());
    assert_eq!(plain, include_str!("../../../../tests/data/samples/images.txt"));
    let digests = show(&samples(), &Options { digests: true, ..Options::default() });
    assert_eq!(digests, include_str!("../../../../tests/data/samples/images-digests.txt"));
    let json = show(&samples(), &Options { format: Some("json".into()), ..Options::default() });
    assert_eq!(json, include_str!("../../../../tests/data/samples/images.json"));
}

#[test]
fn images_without_names_are_shown_too() {
    let template = Options { format: Some("{{.Repository}}:{{.Tag}}".into()), ..Options::default() };
    assert_eq!(show(&[image("ab", "", 0, 5, &[])], &template), "<none>:<none>\n");
    let mut by_digest = image("ab", "", 0, 5, &[]);
    by_digest.repo_digests = vec!["localhost:5000/a/b@sha256:00".into()];
    assert_eq!(show(&[by_digest], &template), "localhost:5000/a/b:<none>\n");
    let mut two = image("ab", "localhost/a:1", 0, 5, &[]);
    two.names.push("localhost/b:2".into());
    assert_eq!(show(&[two.clone()], &template), "localhost/a:1\nlocalhost/b:2\n");
    assert_eq!(show(&[two], &Options { quiet: true, ..Options::default() }), "ab\n");
    let json: Value =
        serde_json::from_str(&show(&with_dangling(), &Options { format: Some("json".into()), ..Options::default() }))
            .unwrap();
    assert_eq!(
        (&json[1]["Dangling"], &json[1]["Names"], &json[1]["Labels"]),
        (&json!(true), &json!(null), &json!(null))
    );
}

#[test]
fn options_change_the_listing() {
    let all = with_dangling();
    let quiet = Options { quiet: true, no_trunc: true, sort: Some("size".into()), ..Options::default() };
    let lines: Vec<String> = show(&all, &quiet).lines().map(str::to_owned).collect();
    assert_eq!(lines[0], format!("sha256:{}", "ab".repeat(32)));
    let history = show(&all, &Options { history: true, no_heading: true, ..Options::default() });
    assert!(
        history.lines().next().unwrap().ends_with("737 kB      localhost/podman-pause:5.4.2-1766335321"),
        "{history}"
    );
    for (key, first) in [("id", "6ada"), ("repository", "abab"), ("tag", "6ada"), ("created", "dc4f"), ("size", "abab")]
    {
        let options = Options { quiet: true, sort: Some(key.into()), ..Options::default() };
        assert!(show(&all, &options).starts_with(first), "{key}");
    }
    let both = Options { reference: Some("x".into()), filters: vec!["dangling=true".into()], ..Options::default() };
    assert_eq!(show(&all, &both), "cannot specify an image and a filter(s)");
    let odd = Options { sort: Some("odd".into()), ..Options::default() };
    assert!(show(&all, &odd).contains("Choose from: created, id, repository, size, tag"));
    let table = Options { format: Some("table {{.ID}} {{.Repository}} {{.ReadOnly}}".into()), ..Options::default() };
    assert!(show(&all, &table).starts_with("IMAGE ID      REPOSITORY                R/O\ndc4f7a9766d7  "));
}

#[test]
fn filters_choose() {
    let cases: [(&[&str], &str); 18] = [
        (&["dangling=true"], "abab"),
        (&["dangling=false"], "dc4f 6ada"),
        (&["dangling!=true"], "dc4f 6ada"),
        (&["reference=testimage"], "6ada"),
        (&["reference=*pause*"], "dc4f"),
        (&["reference=*pause*", "reference=libpod/*"], "dc4f 6ada"),
        (&["reference!=*pause*"], "abab 6ada"),
        (&["reference=quay.io/*/testimage:2024*"], "6ada"),
        (&["label=created_at"], "6ada"),
        (&["label=io.buildah.version=1.39.3"], "dc4f 6ada"),
        (&["label!=io.buildah.version"], "abab"),
        (&["before=podman-pause:5.4.2-1766335321"], "abab 6ada"),
        (&["since=testimage:20241011"], "dc4f abab"),
        (&["until=1h"], "abab 6ada"),
        (&["id=6ada4"], "6ada"),
        (&["intermediate=true"], ""),
        (&["readonly=false", "containers=true"], "dc4f 6ada"),
        (&["digest=sha256:f5b5"], "6ada"),
    ];
    for (filters, want) in cases {
        let options =
            Options { quiet: true, filters: filters.iter().map(|&f| f.to_owned()).collect(), ..Options::default() };
        let got: Vec<String> = show(&with_dangling(), &options).lines().map(|l| l.chars().take(4).collect()).collect();
        assert_eq!(got.join(" "), want, "{filters:?}");
    }
    for bad in ["nope=1", "dangling", "dangling=x", "before=nosuch", "until=odd"] {
        let options = Options { filters: vec![bad.into()], ..Options::default() };
        assert!(render(&samples(), &counts(), &options, now()).is_err(), "{bad}");
    }
}

#[test]
fn every_placeholder_of_the_reference_is_known() {
    let placeholders = "Containers Created CreatedAt CreatedSince CreatedTime Dangling Digest History ID Id IsDangling \
                        IsReadOnly Labels Names ParentId ReadOnly RepoDigests Repository RepoTags SharedSize Size Tag \
                        VirtualSize";
    for name in placeholders.split_whitespace() {
        let options = Options { format: Some(format!("x{{{{.{name}}}}}")), ..Options::default() };
        assert!(show(&samples(), &options).starts_with('x'), "{name}");
    }
    let options =
        Options { format: Some("{{.CreatedAt}}".into()), reference: Some("testimage*".into()), ..Options::default() };
    assert_eq!(show(&samples(), &options), "2024-10-10 22:40:00 +0000 UTC\n");
}
