//! Docker with dropcap as its default runtime: each way in, before and after.

use crate::world::{
    BARE, CHOWN, Container, DEFAULTS, IMAGE, NET_BIND_SERVICE, World, eventually, holds_nothing,
    in_guest, text,
};
use dropcap_testkit::status::Status;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Every way in holds nothing; without dropcap each of them holds Docker's 14.
#[test]
fn every_way_in_is_held() {
    let world = World::shared();
    let held = world.sleeper("held", &[]);
    let bare = world.sleeper("held", &[BARE]);
    assert_eq!(held.inspect("{{.HostConfig.Runtime}}"), "dropcap");
    assert_eq!(bare.inspect("{{.HostConfig.Runtime}}"), "runc");
    assert!(holds_nothing(&held.first()), "{:?}", held.first());
    assert_eq!(bare.first().effective, DEFAULTS);
    for options in
        [&[][..], &["--user=0"], &["--tty"], &["--user=0:0", "--workdir=/tmp", "--env=A=B"]]
    {
        let status = held.exec_status(options);
        assert!(holds_nothing(&status), "{options:?}: {status:?}");
        assert_eq!(status.seccomp, 2, "{options:?}");
        assert_eq!(bare.exec_status(options).effective, DEFAULTS, "{options:?}");
    }
    // Every capability is asked for, more than this host may have; nothing is given.
    assert!(holds_nothing(&held.exec_status(&["--privileged"])));
    assert!(holds_nothing(&held.exec_status(&["--privileged", "--user=1000"])));
    // In the background.
    for (container, nothing) in [(&held, true), (&bare, false)] {
        let write = "cat /proc/self/status > /tmp/status.new; mv /tmp/status.new /tmp/status";
        let started = container.exec(&["--detach"], &["sh", "-c", write]);
        assert!(started.status.success(), "{}", text(&started.stderr));
        eventually("a detached exec writes", || {
            container.exec(&[], &["cat", "/tmp/status"]).status.success()
        });
        let status = text(&container.exec(&[], &["cat", "/tmp/status"]).stdout);
        assert_eq!(status.contains("CapBnd:\t0000000000000000"), nothing, "{status}");
    }
    // What is in the image leads back only where nothing holds.
    assert_eq!(held.open(&["--user=0"]), Vec::<String>::new());
    assert_eq!(held.open(&["--user=1000"]), Vec::<String>::new());
    assert!(bare.open(&["--user=0"]).iter().any(|door| door == "CAP_NET_RAW"));
    assert!(bare.open(&["--user=1000"]).iter().any(|door| door == "setuid-exec"));
    // The engine's prove from outside says the same.
    let target = format!("container:{}", held.name);
    let proof = world.dropcap(&["prove", &target, "--exec-user", "0"]);
    assert_eq!(proof.status.code(), Some(0), "{}{}", text(&proof.stdout), text(&proof.stderr));

    let record = world.recorded(&held.id());
    assert_eq!(record[0]["command"], "create");
    assert_eq!(record[0]["why"], "workload `held`");
    assert_eq!(record[0]["before"]["bounding"].as_array().unwrap().len(), 14);
    assert_eq!(record[0]["after"]["bounding"].as_array().unwrap().len(), 0);
    assert!(record.iter().any(|line| line["command"] == "exec" && line["program"] == "cat"));
    assert!(record.iter().all(|line| line["observed_only"] == false));
}

/// The first process gets what it needs to set up, an exec does not.
#[test]
fn setup_is_the_first_processs_alone() {
    let world = World::shared();
    let server = world.sleeper("server", &[]);
    assert_eq!(server.first().permitted, CHOWN | NET_BIND_SERVICE);
    assert_eq!(server.first().bounding, CHOWN | NET_BIND_SERVICE);
    for options in [&[][..], &["--user=0"], &["--privileged"]] {
        let status = server.exec_status(options);
        assert_eq!((status.permitted, status.bounding), (NET_BIND_SERVICE, NET_BIND_SERVICE));
        assert!(status.no_new_privs);
    }
}

/// What every dockerd asks for by `exec --privileged`: 20.10 knows no more, later ones ask for all that the
/// daemon holds.
const PRIVILEGED: u64 = (1 << 38) - 1;

/// From the client through dockerd, containerd and its shim: `exec --privileged` opens the door where the machine's
/// root has every capability to give, as a guest's has, and with dropcap it gets what the policy allows.
#[test]
fn exec_privileged_is_held() {
    let world = World::shared();
    let own = Status::of(std::process::id()).permitted;
    let can_be_open = own & PRIVILEGED == PRIVILEGED;
    assert!(can_be_open || !in_guest(), "a guest's root holds every capability");
    let server = world.sleeper("server", &[]);
    let bare = world.sleeper("server", &[BARE]);
    let status = server.exec_status(&["--privileged"]);
    assert_eq!((status.permitted, status.bounding), (NET_BIND_SERVICE, NET_BIND_SERVICE));
    assert_eq!((status.effective, status.no_new_privs), (NET_BIND_SERVICE, true));
    if can_be_open {
        let status = bare.exec_status(&["--privileged"]);
        let held = [status.effective, status.permitted, status.bounding];
        assert_eq!(held.map(|set| set & PRIVILEGED), [PRIVILEGED; 3], "{status:?}");
    } else {
        let output = bare.exec(&["--privileged"], &["cat", "/proc/self/status"]);
        let said = text(&output.stdout);
        let gave = output.status.success().then(|| Status::parse(&said).effective);
        assert!(gave.is_none_or(|gave| gave & !own == 0), "more than the machine has: {said}");
    }
}

/// A container is known by name, label, Compose service and image; what no workload matches is
/// observed, and recorded.
#[test]
fn the_policy_is_found_by_what_docker_knows() {
    let world = World::shared();
    let compose =
        ["--label=com.docker.compose.project=shop", "--label=com.docker.compose.service=db"];
    for options in [&["--label=role=agent"][..], &compose] {
        let container = world.sleeper("other", options);
        assert!(holds_nothing(&container.first()), "{options:?}: {:?}", container.first());
        assert!(holds_nothing(&container.exec_status(&[])));
    }
    world.docker.run(["tag", IMAGE, "example/server:2"]).unwrap();
    let by_image = world.try_start("other", &[], "example/server:2", &["sleep", "1000"]).unwrap();
    assert_eq!(by_image.first().permitted, CHOWN | NET_BIND_SERVICE);

    let observed = world.sleeper("other", &[]);
    assert_eq!((observed.first().effective, observed.first().no_new_privs), (DEFAULTS, false));
    assert_eq!(observed.exec_status(&[]).effective, DEFAULTS);
    let record = world.recorded(&observed.id());
    assert!(record.iter().all(|line| line["observed_only"] == true), "{record:?}");
    assert_eq!(record[0]["why"], "no workload matches: observe-only");
    assert_eq!(record[0]["after"]["bounding"].as_array().unwrap().len(), 0, "what would be left");
}

/// Restart, signals, stop, kill, health checks, pause: the engine's life goes on as without dropcap, but for what is held.
#[test]
fn a_containers_life_goes_on_as_before() {
    for held in [true, false] {
        life(World::shared(), held);
    }
}

fn life(world: &World, held: bool) {
    let health =
        "--health-cmd=cat /proc/self/status > /tmp/health.new; mv /tmp/health.new /tmp/health";
    let mut options = vec![health, "--health-interval=1s"];
    options.extend((!held).then_some(BARE));
    let script =
        "trap 'echo usr1 > /tmp/usr1' USR1; trap 'exit 7' TERM; while :; do sleep 0.1; done";
    let container = world.start("held", &options, &["sh", "-c", script]);
    let is_held = |status: &Status| assert_eq!(holds_nothing(status), held, "{status:?}");
    eventually("the health check runs", || {
        container.exec(&[], &["cat", "/tmp/health"]).status.success()
    });
    is_held(&Status::parse(&text(&container.exec(&[], &["cat", "/tmp/health"]).stdout)));
    eventually("healthy", || container.inspect("{{.State.Health.Status}}") == "healthy");
    let run =
        |line: &[&str]| world.docker.run(line).unwrap_or_else(|why| panic!("{line:?}: {why}"));
    run(&["kill", "--signal=USR1", &container.name]);
    eventually("a signal arrives", || container.exec(&[], &["cat", "/tmp/usr1"]).status.success());
    run(&["pause", &container.name]);
    assert_eq!(container.inspect("{{.State.Status}}"), "paused");
    run(&["unpause", &container.name]);
    let before = world.docker.first_pid(&container.name);
    run(&["restart", &container.name]);
    assert_ne!(world.docker.first_pid(&container.name), before);
    is_held(&container.first());
    is_held(&container.exec_status(&[]));
    assert_eq!(container.open(&["--user=0"]).is_empty(), held, "after a restart");
    run(&["stop", &container.name]);
    assert_eq!(container.inspect("{{.State.ExitCode}}"), "7", "its own trap of SIGTERM");
    run(&["start", &container.name]);
    is_held(&container.first());
    run(&["kill", &container.name]);
    eventually("killed", || container.inspect("{{.State.ExitCode}}") == "137");
}

/// Resources are changed while it runs, on the same terms as by runc alone, and a process that ended is
/// started again as it was.
#[test]
fn resources_are_updated_and_a_restart_policy_holds() {
    const LIMITS: [&str; 5] =
        ["update", "--pids-limit=77", "--memory=64m", "--memory-swap=64m", "--cpu-shares=512"];
    let world = World::shared();
    // Where each version of cgroups shows them.
    let show = "cd /sys/fs/cgroup; cat pids/pids.max memory/memory.limit_in_bytes cpu/cpu.shares \
        pids.max memory.max cpu.weight 2>/dev/null; true";
    let limits = |container: &Container<'_>| {
        world.docker.run([&LIMITS[..], &[&container.name]].concat()).unwrap();
        let engines = "{{.HostConfig.PidsLimit}} {{.HostConfig.Memory}} {{.HostConfig.CpuShares}}";
        let inside = container.exec(&[], &["sh", "-c", show]);
        (container.inspect(engines), text(&inside.stdout))
    };
    let options = ["--restart=on-failure:3", "--pids-limit=50"];
    let script = "[ -e /tmp/again ] && exec sleep 1000; touch /tmp/again; sleep 2; exit 3";
    let held = world.start("held", &options, &["sh", "-c", script]);
    let bare = world.start("held", &[BARE, options[0], options[1]], &["sh", "-c", script]);
    let inside = limits(&held);
    assert_eq!(inside, limits(&bare));
    assert_eq!(inside.0, "77 67108864 512");
    assert!(inside.1.contains("77\n") && inside.1.contains("67108864"), "{}", inside.1);
    for (container, nothing) in [(&held, true), (&bare, false)] {
        eventually("started again", || {
            container.inspect("{{.RestartCount}} {{.State.Status}}") == "1 running"
        });
        assert_eq!(holds_nothing(&container.first()), nothing);
        assert_eq!(holds_nothing(&container.exec_status(&[])), nothing);
    }
}

/// A policy inside an image takes away what the host would allow, for an exec too, and gives nothing.
#[test]
fn a_policy_inside_the_image_can_only_take_away() {
    let world = World::shared();
    let root = tempfile::tempdir().unwrap();
    let made = root.path().join("root");
    dropcap_testkit::root::busybox(&made, "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
    fs::create_dir(made.join("etc/dropcap")).unwrap();
    let policy = "version = 1\n[[workload]]\nname = \"own\"\nallow = [\"SYS_ADMIN\", \"CHOWN\"]\n";
    fs::write(made.join("etc/dropcap/dropcap.toml"), policy).unwrap();
    world.docker.import(&made, "example/modest:1", &[]);
    let start = |kind| world.try_start(kind, &[], "example/modest:1", &["sleep", "1000"]).unwrap();
    let server = start("server");
    assert_eq!(server.first().permitted, CHOWN, "the host allows two, the image one of them");
    assert!(holds_nothing(&server.exec_status(&["--user=0"])));
    assert!(holds_nothing(&start("held").first()));
}

/// User namespaces are closed within Docker's profile, also where SYS_ADMIN would open them.
#[test]
fn user_namespaces_are_closed_within_dockers_profile() {
    let world = World::shared();
    let options = ["--cap-add=SYS_ADMIN", "--security-opt=apparmor=unconfined"];
    let unconfined = ["--security-opt=seccomp=unconfined"];
    let unshare = |container: &Container<'_>| {
        container.exec(&["--user=1000"], &["unshare", "-U", "true"]).status.success()
    };
    for options in [&options[..], &unconfined] {
        assert!(unshare(&world.sleeper("held", &[&[BARE], options].concat())), "{options:?}");
        let held = world.sleeper("held", options);
        assert!(!unshare(&held), "{options:?}");
        assert_eq!(held.open(&["--user=1000"]), Vec::<String>::new(), "{options:?}");
    }
}

/// A policy that somebody else may write to starts nothing, and Docker shows why; what runs can
/// still be stopped.
#[test]
fn an_untrusted_policy_starts_nothing_and_docker_says_why() {
    let directory = tempfile::tempdir_in(crate::world::TRUSTED).unwrap();
    // An engine of its own: the shared one's policy must stay as it is.
    let world = World::shared();
    let etc = crate::world::write_policy(directory.path(), "version = 1\n", "drop-all");
    let policy = etc.join("dropcap.toml");
    let docker = crate::world::another_engine(directory.path(), &etc);
    docker.import(&world.docker.directory().join("root"), IMAGE, &[]);
    let run = [
        "run",
        "--runtime=dropcap",
        "--network=none",
        "--detach",
        "--name=first",
        IMAGE,
        "sleep",
        "1000",
    ];
    docker.run(run).unwrap();
    fs::set_permissions(&policy, fs::Permissions::from_mode(0o666)).unwrap();
    let why = docker.run(["exec", "first", "true"]).unwrap_err();
    assert!(why.contains("writable by others than root"), "{why}");
    let another = run.map(|word| if word == "--name=first" { "--name=second" } else { word });
    let why = docker.run(another).unwrap_err();
    assert!(why.contains("dropcap: the policy") && why.contains("writable by others"), "{why}");
    fs::remove_file(&policy).unwrap();
    let why = docker.run(["start", "second"]).unwrap_err();
    assert!(why.contains("cannot read the policy"), "{why}");
    fs::remove_file(etc.join("runtime.toml")).unwrap();
    docker.run(["kill", "first"]).unwrap();
    docker.run(["rm", "--force", "first"]).unwrap();
}

/// Who built an image does not choose its policy: what it says as well takes away, and gives nothing; what the container was
/// given counts.
#[test]
fn a_label_of_the_image_gives_nothing_and_loses_nothing() {
    const CLAIMS: &str = "example/claims:1";
    const STRICT: &str = "example/strict:1";
    let world = World::shared();
    let root = world.docker.directory().join("root");
    world.docker.import(&root, CLAIMS, &["LABEL role=trusted"]);
    world.docker.import(&root, STRICT, &["LABEL role=agent"]);
    let start = |options: &[&str], image: &str| {
        world.try_start("other", options, image, &["sleep", "1000"]).unwrap()
    };
    let claims = start(&[], CLAIMS);
    assert!(claims.inspect("{{.Config.Labels}}").contains("role:trusted"), "Docker hands it on");
    // Nothing else speaks of it, so it would be observed, and it has less.
    assert_eq!(claims.first().bounding, NET_BIND_SERVICE);
    // Over it, the container is given another value.
    let held = start(&["--label=role=agent"], CLAIMS);
    assert!(holds_nothing(&held.first()), "{:?}", held.first());
    // The image says what the container is given, and does not get rid of it.
    for options in [&["--label=role=agent"][..], &[]] {
        let held = start(options, STRICT);
        assert!(holds_nothing(&held.first()), "{options:?}: {:?}", held.first());
        assert!(holds_nothing(&held.exec_status(&["--privileged"])), "{options:?}");
    }
    assert_eq!(start(&["--label=role=trusted"], IMAGE).first().bounding, NET_BIND_SERVICE);
    let composed =
        ["--label=com.docker.compose.project=trusted", "--label=com.docker.compose.service=a"];
    assert_eq!(start(&composed, IMAGE).first().bounding, NET_BIND_SERVICE);
}
