//! The story that dropcap began with, replayed on a real Docker Engine with the example's image.
//! Needs root and docker.io.
#![cfg(target_os = "linux")]

#[path = "story/proof.rs"]
mod proof;
#[path = "story/world.rs"]
mod world;

use dropcap_testkit::status::Status;
use proof::{Names, Prediction, Proof, scan};
use std::fs;
use std::path::Path;
use std::process::Command;
use world::{IMAGE, INSIDE, World, examples, text};

/// Docker's 14, as `/proc/PID/status` prints them.
const DOCKER_DEFAULTS: u64 = 0xa804_25fb;

/// Whether a process holds nothing and cannot come to hold anything by its sets.
fn holds_nothing(status: &Status) -> bool {
    let Status { inheritable, permitted, effective, bounding, ambient, .. } = status;
    inheritable | permitted | effective | bounding | ambient == 0
}

/// The mount that puts one of the example's entrypoints where its Compose file has it.
fn entrypoint(name: &str) -> String {
    let path = examples().join("agent-compose").join(name);
    format!("--volume={}:/entrypoint.sh:ro", path.display())
}

/// The `docker run` line of a text, as words: options, image, command.
fn docker_run(text: &str) -> Vec<String> {
    let from = text.find("docker run").expect("a docker run line");
    let line = text[from..].replace("\\\n", " ");
    let line = line.lines().next().expect("a line");
    line.split_whitespace().skip(2).map(str::to_owned).collect()
}

/// Starts the container of a README's line: its own words, but for the name and the background.
fn start_as_written<'a>(world: &'a World, readme: &Path) -> world::Container<'a> {
    let words = docker_run(&fs::read_to_string(readme).expect("the README"));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let image = words.iter().position(|word| *word == IMAGE).expect("the image");
    let name = words.iter().position(|word| *word == "--name").expect("a name");
    let options: Vec<&str> = words[..image]
        .iter()
        .enumerate()
        .filter(|(at, word)| **word != "-d" && *at != name && *at != name + 1)
        .map(|(_, word)| *word)
        .collect();
    world.start(&options, &words[image + 1..])
}

/// A copy of `examples/`, to be changed.
fn examples_to_change() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let copied = Command::new("cp")
        .arg("-r")
        .args([examples().join("agent"), examples().join("agent-compose")])
        .arg(directory.path())
        .status();
    assert!(copied.expect("cp").success());
    directory
}

/// The plain container: its first process holds nothing and looks fine, and one setuid file leads
/// back to everything that the engine left within its bounds, exactly as `scan` says.
#[test]
fn the_plain_container_looks_fine_and_one_setuid_file_walks_back_in() {
    let world = World::shared();
    let readme = examples().join("agent-compose/README.md");
    let container = start_as_written(world, &readme);
    let first = settled(&container);
    assert_eq!((first.uid, first.effective, first.permitted), ([1000; 4], 0, 0));
    assert_eq!((first.bounding, first.no_new_privs), (DOCKER_DEFAULTS, false));

    let proof = Proof::of(&container, None);
    assert_eq!(proof.status, 1);
    assert_eq!(proof.open(), Names::from(["setuid-exec".to_owned()]));
    let witness = &proof.attempt("setuid-exec")["witness"];
    let last = witness.as_array().expect("a witness").last().expect("a step");
    assert!(last.as_str().expect("a line").starts_with("execve(/usr/bin/su): user 0"), "{last}");
    let printed = world.dropcap(&["prove", &format!("container:{}", container.name)]);
    assert!(
        text(&printed.stdout).contains("→ execve(/usr/bin/su): user 0"),
        "the witness is printed"
    );
    let first = "is user 1000, holds no capability";
    assert!(proof.notes().iter().any(|note| note.contains(first)), "{:?}", proof.notes());

    let predicted = Prediction::of(world, &readme, "README.md#8");
    assert_eq!(predicted.reachable().len(), 14);
    assert_eq!(predicted.doors().len(), 1);
    predicted.check(&proof);
}

/// The same image with the flags that OpenShell's Docker driver gives it: root, four capabilities
/// more, and with SYS_ADMIN a seccomp profile that lets user namespaces through.
#[test]
fn with_openshells_launch_flags_more_is_open_as_predicted() {
    let world = World::shared();
    let directory = examples_to_change();
    let script = directory.path().join("agent/start.sh");
    fs::write(&script, "#!/bin/bash\nopenshell sandbox create --from Dockerfile\n")
        .expect("script");
    let options = [
        "--user=0",
        "--workdir=/",
        "--entrypoint=/bin/bash",
        "--cap-add=SYS_ADMIN",
        "--cap-add=NET_ADMIN",
        "--cap-add=SYS_PTRACE",
        "--cap-add=SYSLOG",
        "--security-opt=apparmor=unconfined",
    ];
    let container = world.start(&options, &["-c", "agent"]);
    let first = settled(&container);
    assert_eq!((first.uid, first.effective.count_ones()), ([0; 4], 18));

    let predicted = Prediction::of(world, &script, "start.sh#2");
    assert_eq!(predicted.reachable().len(), 18);
    assert!(predicted.nested());
    predicted.check(&Proof::of(&container, None));

    // The agent's own user holds nothing of it, and has both ways to it.
    let agent = Proof::of(&container, Some("sandbox"));
    assert!(agent.surprises().is_empty(), "{:#?}", agent.surprises());
    assert!(agent.is_open("setuid-exec") && agent.is_open("user-namespace"));
    assert_eq!(agent.within_reach(), predicted.reachable());
}

/// After the fix nothing is open: not for the first process, not for an exec, not as root.
#[test]
fn after_the_fix_nothing_is_open() {
    let world = World::shared();
    let directory = examples_to_change();
    let readme = directory.path().join("agent-compose/README.md");
    let before = fs::read_to_string(&readme).expect("the README");
    scan(world, &readme, &["--unsafe-fixes"]);
    assert_ne!(fs::read_to_string(&readme).expect("the README"), before, "nothing was changed");

    let predicted = Prediction::of(world, &readme, "README.md#8");
    assert!(predicted.reachable().is_empty() && predicted.doors().is_empty());
    let container = start_as_written(world, &readme);
    let first = settled(&container);
    assert!(holds_nothing(&first), "{first:?}");
    assert!(first.no_new_privs);
    let proof = Proof::of(&container, None);
    predicted.check(&proof);
    assert_eq!((proof.open(), proof.status), (Names::new(), 0));

    let root = Proof::of(&container, Some("0"));
    assert!(root.surprises().is_empty(), "{:#?}", root.surprises());
    assert_eq!((root.open(), root.within_reach()), (Names::new(), Names::new()));
}

/// The settings that `emit` prints for the plain service, given to the engine as they are.
#[test]
fn what_emit_prints_closes_the_container() {
    let world = World::shared();
    let compose = examples().join("agent-compose/compose.yaml");
    let target = format!("{}#agent", compose.display());
    let output = world.dropcap(&["emit", "--as", "docker-run", &target]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    let flags = printed.lines().filter(|line| !line.trim_start().starts_with('#'));
    let flags: Vec<&str> =
        flags.flat_map(str::split_whitespace).filter(|word| *word != "\\").collect();
    assert!(flags.contains(&"--cap-drop=ALL") || flags.contains(&"--cap-drop"), "{printed}");
    let container = world.start(&[&["--user=sandbox"], &flags[..]].concat(), &["-c", "agent"]);
    assert!(holds_nothing(&settled(&container)));
    assert_eq!(Proof::of(&container, None).open(), Names::new());
}

/// Where an image has no shell, dropcap enters from memory with the credentials that the engine's
/// exec gives. It finds the same as when it is really started by an exec.
#[test]
fn without_a_shell_the_container_is_entered_and_the_same_is_found() {
    const BARE: &str = "example/bare:latest";
    let world = World::shared();
    let root = tempfile::tempdir().expect("a temporary directory");
    let busybox = Path::new("/bin/busybox");
    // busybox is what it is called.
    dropcap_testkit::root::program(root.path(), busybox, "/sleep", 0o755);
    dropcap_testkit::root::program(root.path(), busybox, "/helper", 0o4755);
    for directory in ["proc", "dev", "sys", "etc"] {
        fs::create_dir(root.path().join(directory)).expect("making the root");
    }
    world.docker.import(root.path(), BARE, &[]);
    for options in [
        &["--user=1000"][..],
        &["--user=1000", "--security-opt=no-new-privileges"],
        &["--cap-drop=ALL", "--cap-add=SYS_CHROOT"],
        &["--user=1000:50", "--cap-add=SYS_ADMIN", "--cap-drop=CHOWN"],
    ] {
        let container = world.start_image(BARE, options, &["/sleep", "1000"]);
        let entered = Proof::of(&container, None);
        let notes = entered.notes();
        assert!(notes.iter().any(|note| note.contains("from memory")), "{notes:?}");
        let by_hand = Proof::by_hand(&container);
        assert_eq!(entered.within_reach(), by_hand.within_reach(), "{options:?}");
        assert_eq!(entered.open(), by_hand.open(), "{options:?}");
        // What entering does not reproduce, device rules and most filters, is not tried.
        let by_hand = by_hand.verdicts();
        for (door, verdict) in entered.verdicts() {
            let not_shown = ["devices", "CAP_SYS_MODULE"].contains(&door.as_str());
            let expected = if not_shown { "not-tried" } else { &by_hand[&door] };
            assert!(verdict == by_hand[&door] || verdict == expected, "{door} with {options:?}");
        }
    }
}

/// First failure: the deny-list takes SETPCAP before the rest, the rest cannot be dropped, and the
/// container does not start. The launcher in its place starts it, with nothing.
#[test]
fn failure_1_a_drop_that_takes_setpcap_first_does_not_start_and_the_launcher_does() {
    let world = World::shared();
    let script = entrypoint("entrypoint.sh");
    let options = ["--user=root", "--entrypoint=/entrypoint.sh", &script];
    let (status, said) = world.start(&options, &["agent"]).ended();
    assert_ne!(status, 0, "{said}");
    assert!(said.contains("Operation not permitted"), "{said}");
    assert!(!said.contains("agent: ready"), "{said}");
    assert!(found("drop-order-fails", "entrypoint.sh"));

    let launcher = format!("--entrypoint={INSIDE}");
    let agent = ["run", "--user", "sandbox", "--", "agent"];
    let container = world.start(&["--user=root", &launcher], &agent);
    let first = settled(&container);
    assert!(holds_nothing(&first), "{first:?}");
    assert_eq!((first.uid, first.no_new_privs), ([1000; 4], true));
}

/// Second failure: where the drop fails the entrypoint says a line and goes on with everything.
/// The launcher says what stays and why it cannot be used, or refuses with --strict.
#[test]
fn failure_2_without_setpcap_nothing_goes_on_in_silence() {
    let world = World::shared();
    let script = entrypoint("entrypoint-lenient.sh");
    let without = "--cap-drop=SETPCAP";
    let lenient = ["--user=root", without, "--entrypoint=/entrypoint.sh", &script];
    let container = world.start(&lenient, &["agent"]);
    let first = settled(&container);
    assert_eq!(
        first.effective,
        DOCKER_DEFAULTS & !(1 << 8),
        "the agent has what was to be dropped"
    );

    let launcher = format!("--entrypoint={INSIDE}");
    let options = ["--user=root", without, &launcher];
    let (status, said) =
        world.start(&options, &["run", "--strict", "--user", "sandbox", "--", "agent"]).ended();
    assert_eq!(status, 125, "{said}");
    assert!(said.contains("SETPCAP") && !said.contains("agent: ready"), "{said}");

    let container = world.start(&options, &["run", "--user", "sandbox", "--", "agent"]);
    let first = settled(&container);
    let Status { inheritable, permitted, effective, ambient, no_new_privs, .. } = &first;
    assert_eq!(inheritable | permitted | effective | ambient, 0, "{first:?}");
    assert_ne!(first.bounding, 0, "nobody can empty it without SETPCAP");
    assert!(no_new_privs, "so that nothing of it can be used");
    let logs = world.docker.command().args(["logs", &container.name]).output().expect("logs");
    let said = text(&logs.stderr);
    assert!(said.contains("bounding"), "what stays is said: {said}");
}

/// Third failure: what comes in by exec passes no entrypoint. The engine has to drop.
#[test]
fn failure_3_an_exec_does_not_pass_the_entrypoint() {
    let world = World::shared();
    let launcher = format!("--entrypoint={INSIDE}");
    let agent = ["run", "--user", "sandbox", "--", "agent"];
    let status = |container: &world::Container<'_>, options: &[&str]| {
        let output = container.exec(options, &["cat", "/proc/self/status"]);
        Status::parse(&text(&output.stdout))
    };

    let container = world.start(&["--user=root", &launcher], &agent);
    assert!(holds_nothing(&settled(&container)));
    let shell = status(&container, &[]);
    assert_eq!(shell.effective, DOCKER_DEFAULTS, "the shell beside it holds everything");
    let proof = Proof::of(&container, None);
    assert!(proof.is_open("CAP_NET_RAW") && proof.is_open("CAP_SYS_CHROOT"), "{:?}", proof.open());
    assert!(found("entrypoint-only-drop", "entrypoint.sh"));

    let dropped = ["--user=sandbox", "--cap-drop=ALL", "--security-opt=no-new-privileges"];
    let container = world.start(&dropped, &["-c", "agent"]);
    assert!(holds_nothing(&settled(&container)));
    assert!(holds_nothing(&status(&container, &[])));
    assert!(holds_nothing(&status(&container, &["--user=0"])));
}

/// Fourth failure: the bounding set is emptied, and ambient, inheritable and securebits stay.
#[test]
fn failure_4_ambient_inheritable_and_securebits_are_taken_too() {
    let world = World::shared();
    let two = "cap_net_raw,cap_kill";
    let (inheritable, ambient) = (format!("--inh={two}"), format!("--addamb={two}"));
    let options = ["--user=root", "--entrypoint=capsh"];
    let run = |supervisor: &[&str], agent: &[&str]| {
        let words = supervisor.iter().chain(&["--", "-c", "exec \"$0\" \"$@\""]).chain(agent);
        let words: Vec<&str> = words.copied().collect();
        let (status, said) = world.start(&options, &words).ended();
        assert_eq!(status, 0, "{said}");
        said
    };
    let status = ["cat", "/proc/self/status"];
    let bounding_alone = [&*inheritable, "--drop=all", "--keep=1", "--user=sandbox", &*ambient];
    let left = Status::parse(&run(&bounding_alone, &status));
    assert_eq!((left.uid, left.bounding), ([1000; 4], 0));
    assert_ne!(left.ambient & left.inheritable & left.effective, 0, "{left:?}");

    // The same supervisor, whose last step is the launcher's.
    let supervisor = [&*inheritable, &*ambient];
    let launcher = [INSIDE, "run", "--quiet", "--user", "sandbox", "--"];
    let taken = Status::parse(&run(&supervisor, &[&launcher[..], &status].concat()));
    assert!(holds_nothing(&taken), "{taken:?}");
    assert_eq!(taken.uid, [1000; 4]);
    let seen = run(&supervisor, &[&launcher[..], &["capsh", "--print"]].concat());
    let securebits = seen.lines().find(|line| line.contains("secure-noroot:")).expect("capsh");
    assert!(securebits.contains("yes (locked)"), "{securebits}");
}

/// Whether `scan` finds this in that file of the example.
fn found(rule: &str, file: &str) -> bool {
    let report = scan(World::shared(), &examples().join("agent-compose"), &[]);
    let findings = report["findings"].as_array().expect("findings");
    let ends_with = |value: &serde_json::Value| {
        value.as_str().is_some_and(|path| path.rsplit('/').next() == Some(file))
    };
    findings.iter().any(|finding| finding["rule"] == rule && ends_with(&finding["file"]))
}

/// The first process once it is the agent: the launcher and bash before it are gone.
fn settled(container: &world::Container<'_>) -> Status {
    let docker = World::shared().docker;
    for _ in 0..200 {
        let logs = docker.command().args(["logs", &container.name]).output().expect("docker logs");
        if text(&logs.stdout).contains("agent: ready") {
            return container.first();
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("{} does not say that it is ready: {}", container.name, container.ended().1);
}
