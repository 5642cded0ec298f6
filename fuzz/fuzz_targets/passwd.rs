//! Users and groups from files of an image. Input: the user, the group to add, the passwd file and the group file,
//! with a zero byte behind each but the last.
#![no_main]

use std::collections::HashSet;

use coracle::runtime::passwd::{groups, resolve_in, users};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(4, |byte| *byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let (user, extra, passwd, group) = (part(), part(), part(), part());
    let user = String::from_utf8_lossy(user);
    let extra: Vec<String> = String::from_utf8_lossy(extra).split(',').map(str::to_owned).collect();
    let extra = if extra.iter().all(String::is_empty) { Vec::new() } else { extra };

    const MAX_ID: u32 = 2147483647;
    for user in users(passwd) {
        assert!(user.uid <= MAX_ID && user.gid <= MAX_ID && !user.name.is_empty());
    }
    for group in groups(group) {
        assert!(group.gid <= MAX_ID && group.members().all(|member| !member.is_empty()));
    }
    if let Ok(found) = resolve_in(&user, &extra, passwd, group) {
        assert!(found.uid <= MAX_ID && found.gid <= MAX_ID);
        assert!(found.groups.len() <= 65536 && found.groups.iter().all(|gid| *gid <= MAX_ID));
        assert_eq!(found.groups.iter().collect::<HashSet<_>>().len(), found.groups.len());
        assert!(!found.name.is_some_and(|name| name.contains([':', '\n', '\0'])));
        assert!(!found.home.is_some_and(|home| home.contains([':', '\n', '\0'])));
    }
});
