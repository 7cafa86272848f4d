//! The five failures that dropcap began with, by their number: each is there without dropcap, and gone
//! with it as the engine's runtime.

use crate::world::{BARE, CHOWN, DEFAULTS, INSIDE, World, eventually, holds_nothing, text};
use dropcap_testkit::status::Status;

/// What an entrypoint that drops by a list looks like: SETPCAP goes first, and with it the right to drop
/// the rest.
const DENY_LIST: &str =
    "capsh --drop=cap_setpcap -- -c 'capsh --drop=cap_net_raw,cap_sys_chroot -- -c \"sleep 1000\"'";

fn entrypoint(script: &str) -> Vec<String> {
    ["sh", "-c", script].map(str::to_owned).to_vec()
}

/// The host's capsh and what it needs, for an image that has none.
fn capsh() -> Vec<String> {
    let mounts = ["/sbin/capsh", "/usr/sbin/capsh", "/lib", "/lib64", "/usr/lib", "/bin/bash"];
    let there = mounts.iter().filter(|path| std::path::Path::new(path).exists());
    there.map(|path| format!("--volume={path}:{path}:ro")).collect()
}

fn start<'a>(
    world: &'a World,
    kind: &str,
    runtime: &[&str],
    script: &str,
) -> crate::world::Container<'a> {
    let mounts = capsh();
    let options: Vec<&str> =
        runtime.iter().copied().chain(mounts.iter().map(String::as_str)).collect();
    let command = entrypoint(script);
    world.start(kind, &options, &command.iter().map(String::as_str).collect::<Vec<_>>())
}

/// First: a deny-list in the entrypoint drops SETPCAP before the rest, so the rest fails and the container
/// does not start. Dropped by the engine there is nothing left to drop: the entrypoint does not need its
/// list, and starts.
#[test]
fn failure_1_the_drop_needs_no_list_and_no_order() {
    let world = World::shared();
    let bare = start(world, "held", &[BARE], DENY_LIST);
    eventually("the list ends the container", || bare.inspect("{{.State.Running}}") == "false");
    assert_ne!(bare.inspect("{{.State.ExitCode}}"), "0");
    let logs = world.docker.command().args(["logs", &bare.name]).output().unwrap();
    let said = text(&logs.stdout) + &text(&logs.stderr);
    // What libcap 2.66 says, and others before it.
    let says_why = ["unable to raise CAP_SETPCAP", "nable to drop bounding capability"];
    assert!(says_why.iter().any(|why| said.contains(why)), "{said}");
    let held = start(world, "held", &[], "exec sleep 1000");
    assert!(holds_nothing(&held.first()));
}

/// Second: where the host gives no SETPCAP, an entrypoint's drop fails, a line is logged, and the agent goes
/// on with all that it has. The engine's drop does not depend on what the container holds.
#[test]
fn failure_2_without_setpcap_the_drop_is_made_all_the_same() {
    let lenient = "capsh --drop=all -- -c true || echo 'note: could not drop'; exec sleep 1000";
    let world = World::shared();
    let without = "--cap-drop=SETPCAP";
    let bare = start(world, "held", &[BARE, without], lenient);
    eventually("the agent runs", || {
        bare.first().effective == DEFAULTS & !(1 << 8) && {
            let logs = world.docker.command().args(["logs", &bare.name]).output().unwrap();
            text(&logs.stdout).contains("could not drop")
        }
    });
    let held = start(world, "held", &[without], lenient);
    assert!(holds_nothing(&held.first()), "{:?}", held.first());
}

/// Third: a shell from outside never passes the entrypoint. It passes the runtime.
#[test]
fn failure_3_a_shell_from_outside_is_held_too() {
    let world = World::shared();
    let drop = [INSIDE, "run", "--quiet", "--", "sleep", "1000"];
    let bare = world.start("held", &[BARE], &drop);
    eventually("the entrypoint drops", || bare.first().bounding == 0);
    assert_eq!(bare.exec_status(&[]).bounding, DEFAULTS, "the shell beside it holds everything");
    let held = world.start("held", &[], &drop);
    for options in [&[][..], &["--user=0"], &["--privileged"]] {
        assert!(holds_nothing(&held.exec_status(options)), "{options:?}");
    }
}

/// Fourth: a supervisor empties the bounding set and leaves the others. The engine's process gets five.
/// With OpenShell's launch flags the supervisor sets up with what `setup` gives; a shell has nothing.
#[test]
fn failure_4_all_five_sets_and_for_the_supervisor_what_it_sets_up_with() {
    let world = World::shared();
    let openshell = [
        "--user=0",
        "--cap-add=SYS_ADMIN",
        "--cap-add=NET_ADMIN",
        "--cap-add=SYS_PTRACE",
        "--cap-add=SYSLOG",
        "--security-opt=apparmor=unconfined",
    ];
    let supervisor = "capsh --inh=cap_chown --drop=all --addamb=cap_chown -- -c 'exec sleep 1000'";
    let mounts = capsh();
    let options = |runtime: &[&'static str]| -> Vec<String> {
        let all = runtime.iter().chain(&openshell).map(|one| (*one).to_owned());
        all.chain(mounts.clone()).collect()
    };
    let start = |kind, runtime: &[&'static str], script: &str| {
        let (options, command) = (options(runtime), entrypoint(script));
        let words = |list: &[String]| -> Vec<String> { list.to_vec() };
        let (options, command) = (words(&options), words(&command));
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        world.start(kind, &options, &command)
    };
    let bare = start("supervised", &[BARE], supervisor);
    let left = |status: &Status| status.bounding == 0 && status.ambient & CHOWN != 0;
    eventually("the supervisor drops the bounding set alone", || left(&bare.first()));
    assert_eq!(bare.exec_status(&[]).effective.count_ones(), 18, "and a shell holds it all");

    // The same flags: it sets up with what `setup` gives, starts its agent with nothing, and so is who comes in.
    let set_up = format!(
        "mkdir -p /mnt && mount -t tmpfs none /mnt && chown 1000 /mnt && cat /proc/self/status >/mnt/status && \
         exec {INSIDE} run --quiet --user app -- sleep 1000"
    );
    let supervised = start("supervised", &[], &set_up);
    eventually("the agent runs", || supervised.first().uid == [1000; 4]);
    assert!(holds_nothing(&supervised.first()), "{:?}", supervised.first());
    let read = |words: &[&str]| text(&supervised.exec(&[], words).stdout);
    assert_eq!(read(&["busybox", "stat", "-f", "-c", "%T", "/mnt"]).trim(), "tmpfs");
    assert_eq!(read(&["busybox", "stat", "-c", "%u", "/mnt"]).trim(), "1000");
    let supervisor = Status::parse(&read(&["cat", "/mnt/status"]));
    let (permitted, bounding) = (supervisor.permitted, supervisor.bounding);
    assert_eq!((permitted.count_ones(), bounding), (10, permitted), "{supervisor:?}");
    for options in [&[][..], &["--user=0"], &["--user=1000"]] {
        assert!(holds_nothing(&supervised.exec_status(options)), "{options:?}");
    }
    // And where nothing is needed to set up, nothing is in any of the five.
    let held = start("held", &[], "exec sleep 1000");
    assert!(holds_nothing(&held.first()), "{:?}", held.first());
}

/// Fifth: nobody knows which capabilities the workload needs, so a list is guessed. The record says what each
/// container was given and what is left of it, before anything is enforced; a list that is too short is
/// seen as the kernel's refusal, and mended by one word of the policy. Which are needed `dropcap learn` finds out.
#[test]
fn failure_5_what_would_be_taken_is_recorded_before_it_is() {
    let world = World::shared();
    let bind = ["chown", "1000", "/tmp"];
    let observed = world.sleeper("other", &[]);
    assert!(observed.exec(&[], &["busybox", bind[0], bind[1], bind[2]]).status.success());
    let record = world.recorded(&observed.id());
    let would = &record[0];
    assert_eq!(
        (&would["observed_only"], would["after"]["permitted"].as_array().unwrap().len()),
        (&true.into(), 0)
    );
    assert_eq!(would["before"]["permitted"].as_array().unwrap().len(), 14);
    // Bare runc keeps no such record.
    let bare = world.sleeper("other", &[BARE]);
    assert!(world.recorded(&bare.id()).is_empty());
    let held = world.sleeper("held", &[]);
    let refused = held.exec(&[], &["busybox", bind[0], bind[1], bind[2]]);
    assert!(text(&refused.stderr).contains("not permitted"), "{}", text(&refused.stderr));
    let mended = world.sleeper("mended", &[]);
    assert!(mended.exec(&[], &["busybox", bind[0], bind[1], bind[2]]).status.success());
    assert_eq!(mended.exec_status(&[]).permitted, CHOWN, "and no other");
}
