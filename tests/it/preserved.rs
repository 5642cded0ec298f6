//! `--preserve-fds` and `--preserve-fd`: descriptors of the caller's that the command gets, and no others.

use crate::support::command::Output;
use crate::support::{Env, SOON, until};

/// Runs coracle with files open at these descriptors: `redirections` is what a shell calls them.
fn with_descriptors(env: &Env, redirections: &str, args: &[&str]) -> Output {
    let command = env.coracle(args).raw();
    let words: Vec<_> =
        std::iter::once(command.get_program()).chain(command.get_args()).map(ToOwned::to_owned).collect();
    let script = format!("exec {redirections}; exec \"$@\"");
    env.program("bash").args(["-c", &script, "bash"]).args(words).run()
}

const LIST: &str = "for n in $(seq 0 60); do [ ! -e /proc/$$/fd/$n ] || echo $n; done";

#[test]
fn the_command_has_those_it_was_given_and_no_more() {
    let env = Env::busybox();
    env.file("three", "third\n");
    env.file("four", "");
    env.file("nine", "ninth\n");
    env.start("c", &[]);
    let run = ["run", "--rm", "--network", "none"];
    let exec: [&str; 1] = ["exec"];
    let open = "3<three 4>>four 5</etc/passwd 9<nine 40<three";
    let script = format!("cat <&3; echo written >&4; {LIST}");
    for (command, extra, target) in [
        (&run[..], &[][..], "busybox"),
        (&run[..], &["--init"], "busybox"),
        (&run[..], &["-t"], "busybox"),
        (&exec[..], &[], "c"),
        (&exec[..], &["-t"], "c"),
    ] {
        let args = [command, extra, &["--preserve-fds", "2", target, "sh", "-c", &script]].concat();
        let output = with_descriptors(&env, open, &args).expect(0);
        let lines: Vec<&str> = output.stdout.lines().map(str::trim).collect();
        assert_eq!(lines.first(), Some(&"third"), "{output}");
        assert_eq!(lines[1..], ["0", "1", "2", "3", "4"], "{output}");
        // A list, with a hole.
        let script = format!("cat <&9; {LIST}");
        let args = [command, extra, &["--preserve-fd", "9,40", target, "sh", "-c", &script]].concat();
        let output = with_descriptors(&env, open, &args).expect(0);
        let lines: Vec<&str> = output.stdout.lines().map(str::trim).collect();
        assert_eq!(lines.first(), Some(&"ninth"), "{output}");
        assert_eq!(lines[1..], ["0", "1", "2", "9", "40"], "{output}");
    }
    assert_eq!(std::fs::read_to_string(env.work().join("four")).unwrap(), "written\n".repeat(5));
}

/// The monitor does not keep the other end of a pipe open: its reader sees the end when the command closes it.
#[test]
fn only_the_command_keeps_them_open() {
    let env = Env::busybox();
    env.start("c", &[]);
    for args in [
        &["run", "--rm", "-i", "--network", "none", "--preserve-fds", "1", "busybox"][..],
        &["run", "--rm", "-i", "--init", "--network", "none", "--preserve-fds", "1", "busybox"],
        &["exec", "-i", "--preserve-fds", "1", "c"],
    ] {
        // The command goes on until its standard input ends, which it does when the pipe on 3 has.
        let command = env.coracle(args).args(["sh", "-c", "echo through the pipe >&3; exec 3>&-; cat"]).raw();
        let words: Vec<_> =
            std::iter::once(command.get_program()).chain(command.get_args()).map(ToOwned::to_owned).collect();
        let script = "mkfifo in; (exec \"$@\" 3>&1 >rest <in) | { exec 5>in; cat >seen; exec 5>&-; cat; }; rm in";
        env.program("bash").args(["-c", script, "bash"]).args(words).run().expect(0);
        assert_eq!(std::fs::read_to_string(env.work().join("seen")).unwrap(), "through the pipe\n", "{args:?}");
    }
}

#[test]
fn those_that_are_not_open_are_named() {
    let env = Env::busybox();
    env.start("c", &[]);
    for args in [
        &["run", "--network", "none", "--preserve-fds", "2", "busybox", "true"][..],
        &["exec", "--preserve-fds", "2", "c", "true"],
        &["exec", "--preserve-fd", "4", "c", "true"],
    ] {
        let output = with_descriptors(&env, "3</dev/null", args).expect(125);
        assert!(output.stderr.contains("file descriptor 4 is not available"), "{output}");
    }
    assert!(env.fails(125, ["exec", "--preserve-fds", "100", "c", "true"]).contains("at most"));
    assert!(env.fails(125, ["exec", "--preserve-fd", "-5", "c", "true"]).contains("-5"));
    assert_eq!(env.names(), ["c"], "nothing was made");
}

/// A container that is restarted has them again.
#[test]
fn restarts_have_them_again() {
    let env = Env::busybox();
    env.file("out", "");
    let script = "echo here >&3; exit 1";
    let args = ["run", "-d", "--name", "r", "--restart", "on-failure:2", "--network", "none", "--preserve-fds", "1"];
    let args = [&args[..], &["busybox", "sh", "-c", script]].concat();
    with_descriptors(&env, "3>>out", &args).expect(0);
    until("three runs", SOON, || {
        let written = std::fs::read_to_string(env.work().join("out")).unwrap();
        (written == "here\n".repeat(3)).then_some(())
    });
}
