//! What a real containerd made of random configurations, as its CRI plugin was asked for them: the
//! record must be what the crate says. No package has `crictl`, so the record is kept, and made anew
//! only where [`CRICTL`] and [`SOCKET`] name one and a containerd whose images may be written to:
//!
//! ```sh
//! DROPCAP_CRICTL=/opt/crictl DROPCAP_CONTAINERD=/run/trial/containerd.sock \
//!     cargo test -p dropcap-engine --test containerd
//! ```
//!
//! That containerd's `sandbox_image` has to be `docker.io/library/dropcap-recorded-0:1`, its network
//! any, and its other settings those that it comes with. There is no kubelet: what the kubelet makes of
//! a pod, the test does in its place.

mod recorded;

use dropcap_capability::{CapabilitySet, Kernel, nested};
use dropcap_engine::{
    EngineVersion, Evidence, Host, ImageKnowledge, InitialState, Process, Refusal, Rule,
    initial_state,
};
use dropcap_image::{Configured, Image, Users};
use dropcap_testkit::random::Random;
use recorded::bench::Bench;
use recorded::{Case, Record, Seen};
use std::collections::BTreeMap;
use std::path::Path;

/// Where crictl is.
const CRICTL: &str = "DROPCAP_CRICTL";
/// The socket of the containerd.
const SOCKET: &str = "DROPCAP_CONTAINERD";
/// The record, beside this file.
const RECORD: &str = "tests/recorded/containerd.txt";
/// How many configurations are recorded.
const CASES: u64 = 260;
/// How often each row of the table has to be hit.
const HITS: usize = 3;

#[test]
fn what_containerd_made_of_random_configurations_is_what_is_predicted() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORD);
    if let (Some(crictl), Some(socket)) = (std::env::var_os(CRICTL), std::env::var_os(SOCKET)) {
        let bench = Bench::new(crictl, socket);
        let cases = (0..CASES).map(|number| Case::draw(&mut Random::new(number)));
        let record = bench.record(cases);
        std::fs::write(&path, record.to_string()).expect("writing the record");
    }
    let text = std::fs::read_to_string(&path).expect("the record");
    let record: Record = text.parse().expect("a record");
    let mut hits = BTreeMap::new();
    let mut differences = Vec::new();
    for (case, seen) in &record.cases {
        for process in [Process::First, Process::Exec { user: None, privileged: false }] {
            let predicted = predict(&record, case, process);
            let rules = match &predicted {
                Ok(state) => state.rules.clone(),
                Err(refusal) => [refusal.rules.as_slice(), &[refusal.rule]].concat(),
            };
            for rule in rules {
                *hits.entry(rule).or_insert(0_usize) += 1;
            }
            let predicted = predicted.map(|state| expected(&state, seen.as_ref()));
            if predicted.as_ref().ok() != seen.as_ref() {
                differences.push(format!("{case}\n predicted {predicted:?}\n but was   {seen:?}"));
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {} differ\n\n{}",
        differences.len(),
        record.cases.len(),
        differences.join("\n\n")
    );
    let version = record.version.parse().expect("a version");
    let due = Rule::ALL.iter().filter(|rule| {
        let row = rule.row();
        row.evidence == Evidence::Recorded && row.applies(version)
    });
    let rare: Vec<_> = due
        .map(|rule| (rule.row().id, hits.get(rule).copied().unwrap_or_default()))
        .filter(|(_, count)| *count < HITS)
        .collect();
    assert!(rare.is_empty(), "rows hit fewer than {HITS} times: {rare:?}");
}

fn predict(record: &Record, case: &Case, process: Process<'_>) -> Result<InitialState, Refusal> {
    let users = Users::parse(recorded::PASSWD, recorded::GROUP);
    let user = Some(case.image_user.clone()).filter(|user| !user.is_empty());
    let configured = Some(Configured { user, ..Configured::default() });
    let image = Image { users, configured, ..Image::default() };
    let engine: EngineVersion =
        format!("containerd@{}", record.version).parse().expect("a containerd");
    let host = Host {
        bounding: CapabilitySet::from_bits(record.bounding),
        kernel: Kernel::from_release(&record.kernel).expect("a release"),
        ..Host::default()
    };
    initial_state(&case.settings(), process, ImageKnowledge::Read(&image), &engine, &host)
}

/// The prediction in the form of what was seen; sysctls that are left alone are the kernel's.
fn expected(state: &InitialState, seen: Option<&Seen>) -> Seen {
    let held = &state.credentials;
    let sysctl = |name: &str, seen: Option<&String>| {
        let set = state.sysctls.iter().find(|(known, _)| known == name);
        set.map(|(_, value)| value.clone()).or_else(|| seen.cloned()).unwrap_or_default()
    };
    Seen {
        uid: held.uid.effective,
        gid: held.gid.effective,
        groups: held.groups.to_vec(),
        sets: [held.inheritable, held.permitted, held.effective, held.bounding, held.ambient]
            .map(CapabilitySet::bits),
        no_new_privs: held.no_new_privs,
        seccomp: state.seccomp.mode(),
        nested: nested(state.gate, held.permitted).to_string(),
        port_start: sysctl("net.ipv4.ip_unprivileged_port_start", seen.map(|it| &it.port_start)),
        ping_range: sysctl("net.ipv4.ping_group_range", seen.map(|it| &it.ping_range)),
    }
}
