//! What no engine that is at hand can show: other versions, other hosts, an image that was not
//! read. The expected values are those of the functions that the table names.

use dropcap_capability::{Capability, CapabilitySet, Nested, nested};
use dropcap_engine::{
    AppArmor, Host, ImageKnowledge, InitialState, Process, Refusal, Rule, Seccomp, initial_state,
};
use dropcap_manifest::{Settings, Spanned};

const EXEC: Process<'static> = Process::Exec { user: None, privileged: false };
const EXEC_ROOT: Process<'static> = Process::Exec { user: Some("0"), privileged: false };

fn word(text: &str) -> Spanned<String> {
    Spanned { value: text.to_owned(), span: 0..0 }
}

fn words(list: &[&str]) -> Vec<Spanned<String>> {
    list.iter().map(|text| word(text)).collect()
}

fn user(name: &str) -> Settings {
    Settings { user: Some(word(name)), ..Settings::default() }
}

fn on(
    host: &Host,
    engine: &str,
    settings: &Settings,
    process: Process<'_>,
) -> Result<InitialState, Refusal> {
    let engine = engine.parse().expect("an engine");
    initial_state(settings, process, ImageKnowledge::Assumed, &engine, host)
}

fn start(engine: &str, settings: &Settings, process: Process<'_>) -> InitialState {
    on(&Host::default(), engine, settings, process).expect("it starts")
}

fn limited() -> Host {
    let bounding = CapabilitySet::KNOWN.without(Capability::SYS_RESOURCE);
    Host { bounding, ..Host::default() }
}

#[test]
fn from_23_0_7_on_no_new_privileges_does_not_empty_an_exec_as_root() {
    let settings = Settings { security_opt: words(&["no-new-privileges"]), ..user("1000") };
    for (engine, held) in [
        ("docker@20.10.24", 0),
        ("docker@23.0.6", 0),
        ("docker@23.0.7", 14),
        ("docker@24.0.5", 0),
        ("docker@24.0.6", 14),
        ("docker@28", 14),
    ] {
        let shell = start(engine, &settings, EXEC_ROOT).credentials;
        assert_eq!(shell.permitted.len(), held, "{engine}");
        // The first process holds nothing in any of them.
        assert!(start(engine, &settings, Process::First).credentials.permitted.is_empty());
        // With everything dropped nothing is left to keep.
        let dropped = Settings { cap_drop: words(&["ALL"]), ..settings.clone() };
        let shell = start(engine, &dropped, EXEC_ROOT).credentials;
        assert!((shell.permitted | shell.bounding | shell.inheritable).is_empty(), "{engine}");
    }
}

#[test]
fn from_23_on_docker_asks_what_it_holds_itself() {
    let add = Settings { cap_add: words(&["SYS_RESOURCE"]), ..user("1000") };
    let old = on(&limited(), "docker@20.10", &add, Process::First).expect("left out in silence");
    assert_eq!(old.credentials.bounding.len(), 14);
    let refusal = on(&limited(), "docker@23.0", &add, Process::First).expect_err("refused");
    assert_eq!(refusal.rule, Rule::DockerUnavailableCapability);

    let privileged = Spanned { value: true, span: 0..0 };
    let privileged = Settings { privileged: Some(privileged), ..Settings::default() };
    let refusal = on(&limited(), "docker@20.10", &privileged, Process::First).expect_err("refused");
    assert_eq!(refusal.rule, Rule::DockerCannotGive);
    let new = on(&limited(), "docker@28", &privileged, Process::First).expect("what there is");
    assert_eq!(new.credentials.effective, limited().bounding);
    let full = start("docker@28", &privileged, Process::First);
    assert_eq!(full.credentials.effective, CapabilitySet::KNOWN);
    let full = start("docker@20.10", &privileged, Process::First);
    assert_eq!(full.credentials.effective.len(), 38);
}

#[test]
fn from_23_on_docker_knows_the_capabilities_of_linux_5_9() {
    let add = Settings { cap_add: words(&["bpf"]), ..Settings::default() };
    let refusal = on(&Host::default(), "docker@20.10", &add, Process::First).expect_err("unknown");
    assert_eq!(refusal.rule, Rule::DockerTooNewCapability);
    assert_eq!(refusal.reason, "invalid CapAdd: unknown capability: \"CAP_BPF\"");
    let state = start("docker@23.0", &add, Process::First);
    assert!(state.credentials.effective.contains(Capability::BPF));
}

#[test]
fn before_20_10_14_the_set_was_inheritable() {
    let old = start("docker@20.10.13", &user("1000"), Process::First).credentials;
    assert_eq!(old.inheritable, old.bounding);
    let new = start("docker@20.10.14", &user("1000"), Process::First).credentials;
    assert!(new.inheritable.is_empty());
}

#[test]
fn a_profile_of_ones_own_is_not_read_and_that_is_said() {
    let security_opt = words(&["seccomp=profile.json"]);
    let settings = Settings { security_opt, ..Settings::default() };
    let state = start("docker", &settings, Process::First);
    assert_eq!(state.seccomp, Seccomp::Custom("profile.json".to_owned()));
    assert_eq!(nested(state.gate, CapabilitySet::EMPTY), Nested::Open);
    assert!(state.assumptions.iter().any(|said| said.contains("profile.json")));

    let privileged = Some(Spanned { value: true, span: 0..0 });
    let settings = Settings { privileged, ..settings };
    let mode = |engine| start(engine, &settings, Process::First).seccomp.mode();
    assert_eq!((mode("docker@26.1"), mode("docker@27.0.0")), (0, 2));
}

#[test]
fn without_the_image_a_named_user_is_an_ordinary_one_and_that_is_said() {
    let state = start("docker", &user("sandbox"), Process::First);
    assert_eq!(state.credentials.uid.real, 1000);
    assert!(state.assumptions.iter().any(|said| said.contains("`sandbox`")));
    let state = start("docker", &user("root"), Process::First);
    assert_eq!(state.credentials.uid.real, 0);
    assert!(!state.assumptions.iter().any(|said| said.contains("root`")));
    let state = start("docker", &Settings::default(), Process::First);
    assert_eq!(state.credentials.uid.real, 0);
    assert!(state.assumptions.iter().any(|said| said.contains("no user is named")));
}

#[test]
fn openshell_starts_root_with_four_more_and_opens_user_namespaces() {
    let settings = Settings { cap_drop: words(&["ALL"]), ..user("sandbox") };
    let state = start("openshell", &settings, Process::First);
    assert_eq!(state.credentials.uid.real, 0);
    assert_eq!(state.credentials.permitted.len(), 18);
    for added in
        [Capability::SYS_ADMIN, Capability::NET_ADMIN, Capability::SYS_PTRACE, Capability::SYSLOG]
    {
        assert!(state.credentials.effective.contains(added), "{added}");
    }
    assert_eq!(state.apparmor, AppArmor::Unconfined);
    assert_eq!(state.seccomp, Seccomp::Default);
    assert_eq!(nested(state.gate, CapabilitySet::EMPTY), Nested::Open);
    assert!(state.rules.contains(&Rule::OpenShellIgnoresSettings));
}

#[test]
fn podman_gives_an_ordinary_user_what_is_added_in_all_five_sets() {
    let settings = Settings { cap_add: words(&["net_bind_service"]), ..user("1000") };
    let bind = CapabilitySet::from(Capability::NET_BIND_SERVICE);
    for process in [Process::First, EXEC] {
        let held = start("podman@4.3.1", &settings, process).credentials;
        assert_eq!(held.permitted, bind);
        assert_eq!(held.effective, bind);
        assert_eq!(held.inheritable, bind);
        assert_eq!(held.ambient, bind);
        assert_eq!(held.bounding.len(), 11);
    }
    let other = Process::Exec { user: Some("1001"), privileged: false };
    let other = start("podman@4.3.1", &settings, other).credentials;
    assert!((other.permitted | other.ambient).is_empty());
    let root = start("podman@4.3.1", &settings, EXEC_ROOT).credentials;
    assert_eq!(root.permitted, root.bounding);
    assert_eq!(root.bounding.len(), 11);
}

#[test]
fn podman_refuses_what_docker_decides() {
    let settings = |add: &[&str], drop: &[&str]| Settings {
        cap_add: words(add),
        cap_drop: words(drop),
        ..Settings::default()
    };
    for (add, drop) in [(["KILL"], ["cap_kill"]), (["ALL"], ["ALL"])] {
        let settings = settings(&add, &drop);
        let refusal = on(&Host::default(), "podman", &settings, Process::First);
        assert_eq!(refusal.expect_err("a conflict").rule, Rule::PodmanConflict);
        start("docker", &settings, Process::First);
    }
    let some = start("podman", &settings(&["NET_RAW"], &["CHOWN"]), Process::First).credentials;
    assert_eq!(some.permitted.len(), 11);
    let named = start("podman", &settings(&["KILL"], &["all"]), Process::First).credentials;
    assert_eq!(named.bounding, CapabilitySet::from(Capability::KILL));
    let rest = on(&limited(), "podman", &settings(&["ALL"], &["KILL"]), Process::First);
    let rest = rest.expect("it starts").credentials;
    assert_eq!(rest.bounding, limited().bounding.without(Capability::KILL));
}
