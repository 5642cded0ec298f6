//! The rules in the kernel, in a namespace of the test's own.

use super::*;

/// Runs this test again as root of a user and network namespace of its own. `true` inside of it.
pub(in crate::network) fn alone(test: &str) -> bool {
    const INSIDE: &str = "CORACLE_TEST_FIREWALL_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let mut command = std::process::Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net"]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    let output = command.output().expect("unshare(1)");
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    false
}

fn bridge(interface: &str, subnet: &str, isolate: Isolate) -> Bridge {
    let subnets = vec![(subnet.parse().unwrap(), 24)];
    Bridge { interface: interface.into(), network: interface.into(), subnets, internal: false, isolate }
}

#[test]
fn rules_are_taken_by_the_kernel_and_go_again() {
    if !alone("network::firewall::tests::rules_are_taken_by_the_kernel_and_go_again") {
        return;
    }
    let mut firewall = Firewall::install("tap0").unwrap();
    let one = bridge("br1", "10.89.1.1", Isolate::Strict);
    let other = Bridge { internal: true, ..bridge("br2", "fd00::1", Isolate::No) };
    firewall.set_bridge(&one).unwrap();
    firewall.set_bridge(&other).unwrap();
    firewall.set_bridge(&Bridge { isolate: Isolate::Yes, ..one }).unwrap();
    if std::env::var_os("CORACLE_TEST_SHOW").is_some() {
        let shown = std::process::Command::new("nft").args(["list", "ruleset"]).output().unwrap();
        eprintln!("{}", String::from_utf8_lossy(&shown.stdout));
    }
    firewall.remove_bridge("br1").unwrap();
    firewall.remove_bridge("br1").unwrap();
    firewall.remove_bridge("br2").unwrap();
    // Who comes after a process that was killed finds nothing, but also who finds something starts anew.
    Firewall::install("tap0").unwrap();
}
