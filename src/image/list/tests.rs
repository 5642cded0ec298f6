//! Lists in a store, without registries.

use std::path::Path;

use serde_json::json;

use super::edit::InstanceEdit;
use super::find::{Found, descriptor};
use super::*;
use crate::image::manifest::{OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, PlatformJson};
use crate::image::reference::Reference;
use crate::image::remove::Users;
use crate::image::store::ImageStore;
use crate::storage::Roots;
use crate::storage::unpack::digest::sha256;

fn store(home: &Path) -> ImageStore {
    ImageStore::open(&Roots::open(&home.join("data"), &home.join("run")).unwrap()).unwrap()
}

fn blob(store: &ImageStore, media_type: &str, bytes: &[u8]) -> Descriptor {
    std::fs::write(store.blob_path(&sha256(bytes)), bytes).unwrap();
    descriptor(media_type, bytes, None)
}

/// An image whose layers nobody reads.
fn image(store: &ImageStore, architecture: &str) -> Found {
    let layer = blob(store, OCI_LAYER, architecture.as_bytes());
    let config = json!({"architecture": architecture, "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [layer.digest]}});
    let config = blob(store, OCI_CONFIG, config.to_string().as_bytes());
    let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer]});
    let mut entry = blob(store, OCI_MANIFEST, manifest.to_string().as_bytes());
    let platform = PlatformJson { architecture: architecture.into(), os: "linux".into(), ..PlatformJson::default() };
    entry.platform = Some(platform);
    Found::new(entry, None)
}

fn blobs(store: &ImageStore) -> usize {
    std::fs::read_dir(store.images.join("blobs/sha256")).unwrap().count()
}

fn name(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

fn nobody() -> crate::error::Result<Users> {
    Ok(Users::default())
}

#[test]
fn a_list_keeps_its_instances_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    let found = [image(&store, "amd64"), image(&store, "arm64")];
    assert_eq!(blobs(&store), 6);
    let list = name("localhost/list");
    let add = |found: Vec<Found>| move |list: &mut ManifestList| list.add(found, &InstanceEdit::default());
    let id = store.create_manifest_list(&list, false, add(found.to_vec())).unwrap();
    assert_eq!(blobs(&store), 7);
    // What was there before a change is not there after it.
    let annotate = |list: &mut ManifestList| {
        list.index.annotations.insert("a".into(), "b".into());
        Ok(())
    };
    assert_eq!(store.change_manifest_list("localhost/list", None, annotate).unwrap(), id);
    assert_eq!(blobs(&store), 7);
    // A change that fails changes nothing.
    let fails = |list: &mut ManifestList| {
        list.index.manifests.clear();
        crate::bail!("no")
    };
    store.change_manifest_list(&id, None, fails).unwrap_err();
    assert_eq!(store.manifest_list(&id).unwrap().index.manifests.len(), 2);
    let first = found[0].descriptor.digest.clone();
    store.change_manifest_list("localhost/list", None, |list| list.remove(&first)).unwrap();
    assert_eq!(blobs(&store), 4);
    let removed = store.remove(&id, true, &nobody).unwrap();
    assert_eq!((removed.untagged, removed.deleted), (vec!["localhost/list:latest".to_owned()], vec![id]));
    assert_eq!(blobs(&store), 0);
}

#[test]
fn instances_known_by_their_descriptors_only() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    let mut here = image(&store, "s390x");
    here.source = Some("quay.io/x/y@sha256:1".to_owned());
    let digest = format!("sha256:{}", "a".repeat(64));
    let platform = crate::image::Platform::host();
    let there = Descriptor {
        media_type: OCI_MANIFEST.into(),
        digest: digest.clone(),
        size: 3,
        platform: Some(PlatformJson {
            architecture: platform.architecture,
            os: platform.os,
            variant: platform.variant,
            ..PlatformJson::default()
        }),
        ..Descriptor::default()
    };
    let there = Found::new(there, Some(format!("quay.io/x/y@{digest}")));
    let list = name("localhost/list");
    store
        .create_manifest_list(&list, false, |list| list.add(vec![here.clone(), there], &InstanceEdit::default()))
        .unwrap();
    let error = store.find("localhost/list").unwrap_err();
    assert!(error.to_string().contains("not in local storage"), "{error}");
    assert!(error.hint_text().unwrap().contains(&format!("coracle pull quay.io/x/y@{digest}")), "{error:?}");
    let other = store.find_for("localhost/list", &crate::image::Platform::new("linux", "s390x", "")).unwrap();
    assert_eq!(other.digest, here.descriptor.digest);
    let listed = store.list().unwrap();
    assert_eq!(listed.len(), 1);
    assert!(listed[0].is_manifest_list());
    assert_eq!(listed[0].names, ["localhost/list:latest"]);
    store.remove("localhost/list", true, &nobody).unwrap();
    assert_eq!(blobs(&store), 0);
}

#[test]
fn an_instance_is_in_a_list_once() {
    let entry = |digit: &str| Descriptor { digest: format!("sha256:{}", digit.repeat(64)), ..Descriptor::default() };
    let mut list = ManifestList { id: String::new(), index: Index::default(), local: Local::default() };
    let edit = InstanceEdit { variant: Some("v7".into()), ..InstanceEdit::default() };
    let source = Some("quay.io/x@sha256:1".to_owned());
    list.add(vec![Found::new(entry("a"), source), Found::new(entry("b"), None)], &InstanceEdit::default()).unwrap();
    list.add(vec![Found::new(entry("a"), None)], &edit).unwrap();
    assert_eq!(list.index.manifests.len(), 2);
    assert_eq!(list.index.manifests[1].platform.as_ref().unwrap().variant, "v7");
    // The second one is the store's own.
    assert!(list.local.sources.is_empty());
    assert!(list.add(vec![Found::new(entry("a"), None), Found::new(entry("b"), None)], &edit).is_err());
    assert!(list.annotate(&entry("c").digest, &edit).is_err());
    assert!(list.remove("sha256:x").unwrap_err().to_string().contains("invalid checksum digest format"));
}
