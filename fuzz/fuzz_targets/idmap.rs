//! `--userns`, `--uidmap` and `--gidmap`: whatever is typed, a map that is accepted is one that the kernel takes.
#![no_main]

use coracle::container::userns::{Given, Mode, Request, plan, stored};
use coracle::runtime::idmap::IdMap;
use coracle::runtime::userns::Extent;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let (uids, gids): (Vec<String>, Vec<String>) = lines.map(str::to_owned).partition(|line| !line.contains('g'));
    let own = vec![
        Extent { container_id: 0, host_id: 1001, size: 1 },
        Extent { container_id: 1, host_id: 100_000, size: 65536 },
    ];
    let own = IdMap { uids: own.clone(), gids: own };
    let given = Given { own: own.clone(), uid: 1001, gid: 1001, ..Given::default() };
    let userns = (!first.is_empty()).then_some(first);
    let Ok(request) = Request::parse(userns, (&uids, &gids), (None, None)) else { return };
    let map = match &request.mode {
        mode @ Mode::Auto { .. } => plan::auto(mode, &given, 0, &[]).ok(),
        _ => request.plan(&given).ok().flatten(),
    };
    let Some(map) = map else { return };
    map.check(&own).expect("a map that was accepted");
    let disk = stored(&map, &own);
    for (inside, disk) in [(&map.uids, &disk.uids), (&map.gids, &disk.gids)] {
        let count = |side: &[Extent]| side.iter().map(|e| u64::from(e.size)).sum::<u64>();
        assert_eq!(count(inside), count(disk), "every ID can be stored");
    }
});
