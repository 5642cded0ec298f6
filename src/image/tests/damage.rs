//! Damage to the store, and what others do to it at the same moment.

use super::*;
use crate::image::Image;

/// Somebody gives a name to an image between the moment when it was found to have none and its removal.
#[test]
fn what_gets_a_name_meanwhile_is_not_pruned() {
    if !as_root("image::tests::damage::what_gets_a_name_meanwhile_is_not_pruned") {
        return;
    }
    let home = Home::new();
    let id = home.load(&parts(&["one"]).archive("app")).unwrap().images[0].image.id.clone();
    home.store.untag("app", &[]).unwrap();
    let asked = std::cell::Cell::new(0);
    let wanted = |image: &Image| {
        let dangling = image.is_dangling();
        if asked.replace(asked.get() + 1) == 0 {
            home.store.tag(&id, &["kept".to_owned()]).unwrap();
        }
        dangling
    };
    assert!(home.store.prune(&wanted, &FREE).unwrap().is_empty());
    assert_eq!(home.store.find("kept").unwrap().id, id);
    home.store.untag("kept", &[]).unwrap();
    assert_eq!(home.store.prune(&Image::is_dangling, &FREE).unwrap(), [id]);
}

/// As the message about it promises.
#[test]
fn loading_again_replaces_a_damaged_document() {
    if !as_root("image::tests::damage::loading_again_replaces_a_damaged_document") {
        return;
    }
    let home = Home::new();
    let archive = parts(&["one"]).archive("app");
    let image = home.load(&archive).unwrap().images[0].image.clone();
    for hex in [&image.id, image.digest.trim_start_matches("sha256:")] {
        let path = home.store.blob_path(hex);
        let length = std::fs::read(&path).unwrap().len();
        for damage in [b"{}".to_vec(), vec![b' '; length]] {
            std::fs::write(&path, damage).unwrap();
            assert!(home.store.find("app").unwrap_err().to_string().contains("corrupt"));
            home.load(&archive).unwrap();
            assert_eq!(home.store.find("app").unwrap().id, image.id);
        }
    }
    home.assert_clean(3, 1);
}

#[test]
fn a_name_that_begins_like_an_id_is_a_name() {
    if !as_root("image::tests::damage::a_name_that_begins_like_an_id_is_a_name") {
        return;
    }
    let home = Home::new();
    let id = home.load(&parts(&["one"]).archive("app")).unwrap().images[0].image.id.clone();
    let name = id.get(..4).unwrap();
    home.store.tag("app", &[name.to_owned()]).unwrap();
    for force in [false, true] {
        let removed = home.store.remove(name, force, &FREE).unwrap();
        assert_eq!((removed.untagged, removed.deleted), (vec![format!("localhost/{name}:latest")], vec![]));
        home.store.tag("app", &[name.to_owned()]).unwrap();
    }
    let error = home.store.remove(id.get(..5).unwrap(), false, &FREE).unwrap_err();
    assert!(error.to_string().contains("by ID with more than one tag"), "{error}");
}

#[test]
fn a_lost_index_is_damage_and_not_an_empty_store() {
    if !as_root("image::tests::damage::a_lost_index_is_damage_and_not_an_empty_store") {
        return;
    }
    let home = Home::new();
    assert!(home.store.list().unwrap().is_empty());
    home.load(&parts(&["one"]).archive("app")).unwrap();
    std::fs::remove_file(home.dir.path().join("data/images/index.json")).unwrap();
    let error = home.store.list().unwrap_err();
    assert!(error.hint_text().is_some_and(|hint| hint.contains("system check --repair")), "{error:?}");
    assert!(home.store.prune_rubbish(&FREE).is_err());
    home.load(&parts(&["two"]).archive("other")).unwrap_err();
    crate::image::index::restore(&home.dir.path().join("data/images"), || crate::bail!("there is a copy")).unwrap();
    assert_eq!(home.store.list().unwrap().len(), 1);
    assert!(home.store.exists("app").unwrap());
}
