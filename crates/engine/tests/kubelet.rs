//! What the record of one containerd cannot show: other versions, the kubelet's and the API server's own
//! refusals, an image that was not read.

use dropcap_capability::{Capability, CapabilitySet, Nested, nested};
use dropcap_engine::{
    Host, ImageKnowledge, InitialState, Process, Refusal, Rule, Seccomp, initial_state,
};
use dropcap_image::{Configured, Image, Users};
use dropcap_manifest::{Settings, Spanned};

fn spanned<T>(value: T) -> Spanned<T> {
    Spanned::new(value, 0..0)
}

fn words(list: &[&str]) -> Vec<Spanned<String>> {
    list.iter().map(|text| spanned((*text).to_owned())).collect()
}

fn of_user(user: &str) -> Image {
    let users =
        Users::parse("root:x:0:0::/:/bin/sh\nagent:x:1001:100::/:/bin/sh", "games:x:60:agent");
    let configured = Some(Configured { user: Some(user.to_owned()), ..Configured::default() });
    Image { users, configured, ..Image::default() }
}

fn start_with(
    engine: &str,
    settings: &Settings,
    image: ImageKnowledge<'_>,
    host: &Host,
) -> Result<InitialState, Refusal> {
    let engine = engine.parse().expect("an engine");
    initial_state(settings, Process::First, image, &engine, host)
}

fn try_start(settings: &Settings, image: ImageKnowledge<'_>) -> Result<InitialState, Refusal> {
    start_with("containerd", settings, image, &Host::default())
}

fn start(engine: &str, settings: &Settings) -> InitialState {
    let state = start_with(engine, settings, ImageKnowledge::Assumed, &Host::default());
    state.expect("it starts")
}

fn sysctl(state: &InitialState, name: &str) -> Option<String> {
    let found = state.sysctls.iter().find(|(known, _)| known.ends_with(name));
    found.map(|(_, value)| value.clone())
}

#[test]
fn from_2_0_on_low_ports_and_ping_are_open_to_everybody() {
    let settings = Settings::default();
    let old = start("containerd@1.7", &settings);
    assert_eq!(sysctl(&old, "ip_unprivileged_port_start"), None);
    let new = start("containerd@2.0", &settings);
    assert_eq!(sysctl(&new, "ip_unprivileged_port_start").as_deref(), Some("0"));
    assert_eq!(sysctl(&new, "ping_group_range").as_deref(), Some("0 2147483647"));
    let own_users = Settings { host_users: Some(spanned(false)), ..Settings::default() };
    let nested = start("containerd@2.0", &own_users);
    assert_eq!(sysctl(&nested, "ip_unprivileged_port_start").as_deref(), Some("0"));
    assert_eq!(sysctl(&nested, "ping_group_range"), None);
    assert!(nested.assumptions.iter().any(|said| said.contains("hostUsers: false")));
    let on_node = Settings { network: Some(spanned("host".to_owned())), ..Settings::default() };
    assert!(start("containerd@2.0", &on_node).sysctls.is_empty());
    let sysctls = vec![("net.ipv4.ip_unprivileged_port_start".to_owned(), "80".to_owned())];
    let refused = try_start(&Settings { sysctls, ..on_node }, ImageKnowledge::Assumed);
    assert_eq!(refused.expect_err("refused").rule, Rule::ContainerdSysctlRefused);
}

#[test]
fn before_1_6_2_the_set_was_inheritable() {
    let old = start("containerd@1.6.1", &Settings::default()).credentials;
    assert_eq!(old.inheritable, old.bounding);
    let new = start("containerd@1.6.2", &Settings::default()).credentials;
    assert!(new.inheritable.is_empty());
    assert_eq!(new.permitted.len(), 14);
}

#[test]
fn before_1_6_18_the_group_was_no_supplementary_one() {
    let image = of_user("agent");
    let groups = |engine: &str| {
        let image = ImageKnowledge::Read(&image);
        let state = start_with(engine, &Settings::default(), image, &Host::default());
        state.expect("it starts").credentials.groups
    };
    assert_eq!(groups("containerd@1.6.17"), [60]);
    assert_eq!(groups("containerd@1.6.18"), [60, 100]);
    let policy = Some(spanned("Strict".to_owned()));
    let strict = Settings { supplemental_groups_policy: policy, ..Settings::default() };
    let groups = |engine: &str| {
        let state = start_with(engine, &strict, ImageKnowledge::Read(&image), &Host::default());
        state.expect("it starts").credentials.groups
    };
    assert_eq!(groups("containerd@1.7"), [60, 100], "it does not know the policy");
    assert_eq!(groups("containerd@2.0"), [100]);
}

#[test]
fn run_as_non_root_looks_at_numbers_alone() {
    let asked = Settings { run_as_non_root: Some(spanned(true)), ..Settings::default() };
    let outcome = |settings: &Settings, user: &str| {
        try_start(settings, ImageKnowledge::Read(&of_user(user)))
            .map(|state| state.credentials.uid.real)
            .map_err(|refusal| refusal.reason)
    };
    assert_eq!(outcome(&asked, "1001"), Ok(1001));
    assert_eq!(outcome(&asked, "1001:0"), Ok(1001));
    let as_root = "container has runAsNonRoot and image will run as root";
    for root in ["", "0", "0:100"] {
        assert_eq!(outcome(&asked, root), Err(as_root.to_owned()), "{root}");
    }
    let named = outcome(&asked, "agent").expect_err("a name");
    assert!(named.contains("non-numeric user (agent)"), "{named}");
    let user = |id: &str| Settings { user: Some(spanned(id.to_owned())), ..asked.clone() };
    assert_eq!(outcome(&user("1001"), "agent"), Ok(1001));
    let zero = outcome(&user("0"), "agent").expect_err("root");
    assert_eq!(zero, "container's runAsUser breaks non-root policy");
    let unread = try_start(&asked, ImageKnowledge::Assumed).expect("it starts");
    assert_ne!(unread.credentials.uid.real, 0, "else the kubelet would not start it");
    assert!(unread.assumptions.iter().any(|said| said.contains("runAsNonRoot")));
}

#[test]
fn the_api_server_refuses_one_spelling_of_sys_admin_without_escalation() {
    let without =
        Settings { allow_privilege_escalation: Some(spanned(false)), ..Settings::default() };
    let adding = |name: &str| Settings { cap_add: words(&[name]), ..without.clone() };
    let rule = |settings: &Settings| {
        try_start(settings, ImageKnowledge::Assumed).map_err(|refusal| refusal.rule)
    };
    assert_eq!(rule(&adding("CAP_SYS_ADMIN")), Err(Rule::ContainerdEscalationRefused));
    let passes = rule(&adding("SYS_ADMIN")).expect("the other spelling passes").credentials;
    assert!(passes.no_new_privs && passes.effective.contains(Capability::SYS_ADMIN));
    let privileged = Settings { privileged: Some(spanned(true)), ..without.clone() };
    assert_eq!(rule(&privileged), Err(Rule::ContainerdEscalationRefused));
}

#[test]
fn drop_wins_and_a_prefix_means_nothing() {
    let settings = |add: &[&str], drop: &[&str]| Settings {
        cap_add: words(add),
        cap_drop: words(drop),
        ..Settings::default()
    };
    let set = |add: &[&str], drop: &[&str]| {
        start("containerd", &settings(add, drop)).credentials.effective.to_string()
    };
    assert_eq!(set(&["KILL", "chown"], &["ALL", "kill"]), "CAP_CHOWN");
    assert_eq!(set(&["ALL", "KILL"], &["all"]), "CAP_KILL");
    assert_eq!(set(&["CAP_KILL"], &["ALL"]), "none");
    let kept = start("containerd", &settings(&[], &["CAP_NET_RAW"]));
    assert!(kept.credentials.effective.contains(Capability::NET_RAW));
    assert!(kept.rules.contains(&Rule::ContainerdPrefix));
}

#[test]
fn in_a_user_namespace_of_the_pod_nothing_is_missing() {
    let bounding = CapabilitySet::KNOWN.without(Capability::SYS_RESOURCE);
    let host = Host { bounding, ..Host::default() };
    let adding = Settings { cap_add: words(&["SYS_RESOURCE"]), ..Settings::default() };
    let unknown = ImageKnowledge::Assumed;
    let refused = start_with("containerd", &adding, unknown, &host).expect_err("it is lacking");
    assert_eq!(refused.rule, Rule::ContainerdDaemonLacks);
    let own_users = Settings { host_users: Some(spanned(false)), ..adding };
    let state = start_with("containerd", &own_users, unknown, &host).expect("it starts");
    assert!(state.credentials.effective.contains(Capability::SYS_RESOURCE));
}

#[test]
fn without_a_profile_user_namespaces_are_open() {
    let profile = |name: Option<&str>| Settings {
        seccomp: name.map(|name| spanned(name.to_owned())),
        ..Settings::default()
    };
    let open = |settings: &Settings| {
        let state = start("containerd", settings);
        (nested(state.gate, CapabilitySet::EMPTY), state.seccomp)
    };
    assert_eq!(open(&profile(None)), (Nested::Open, Seccomp::Unconfined));
    assert_eq!(open(&profile(Some("RuntimeDefault"))), (Nested::Closed, Seccomp::Default));
    let own = Seccomp::Custom("profiles/agent.json".to_owned());
    assert_eq!(open(&profile(Some("profiles/agent.json"))), (Nested::Open, own));
}

#[test]
fn an_exec_takes_no_user() {
    let engine = "containerd".parse().expect("an engine");
    let exec = |user| {
        let process = Process::Exec { user, privileged: false };
        initial_state(
            &Settings::default(),
            process,
            ImageKnowledge::Assumed,
            &engine,
            &Host::default(),
        )
    };
    assert!(exec(None).is_ok());
    assert_eq!(exec(Some("0")).expect_err("no such thing").rule, Rule::ContainerdExecUser);
}
