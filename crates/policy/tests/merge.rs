//! What is learned goes into a policy that somebody wrote, and nothing of theirs goes.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use dropcap_capability::{Capability, CapabilitySet};
use dropcap_policy::{Date, Evidence, EvidenceGap, Learned, Policy, Provenance, Verdict, merge};

fn set(names: &str) -> CapabilitySet {
    names.parse().unwrap()
}

fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

fn learned(needed: &str) -> Learned {
    let evidence = |capability: Capability| {
        let because = format!("it fails without {capability}");
        (capability, Evidence { verdict: Verdict::Needed, because, accepted: false })
    };
    Learned {
        workload: "agent".to_owned(),
        container: Some("compose.yaml#agent".to_owned()),
        running: None,
        test: Some("curl -fsS \"localhost\"".to_owned()),
        needed: set(needed),
        evidence: set(needed).iter().map(evidence).collect(),
        provenance: Provenance {
            image_digest: Some(digest('a')),
            command_hash: Some(digest('c')),
            engine: Some("docker 28.5".to_owned()),
            kernel: Some("6.12".to_owned()),
            phases: vec!["fresh start".to_owned(), "test".to_owned()],
            script: None,
            script_hash: None,
            date: Some(Date { year: 2026, month: 11, day: 22 }),
        },
    }
}

#[test]
fn nothing_becomes_a_policy() {
    let text = merge("", &learned("NET_BIND_SERVICE,CHOWN")).unwrap();
    let expected = r#"version = 1

[[workload]]
name = "agent"
allow = ["CHOWN", "NET_BIND_SERVICE"]
test = 'curl -fsS "localhost"'
match = [{ container = "compose.yaml#agent" }]

[workload.evidence.CHOWN]
verdict = "needed"
because = "it fails without CAP_CHOWN"

[workload.evidence.NET_BIND_SERVICE]
verdict = "needed"
because = "it fails without CAP_NET_BIND_SERVICE"

[workload.provenance]
"#;
    assert!(text.starts_with(expected), "{text}");
    let policy = Policy::parse(&text).unwrap();
    let agent = policy.workload("agent").unwrap();
    let now = learned("NET_BIND_SERVICE,CHOWN");
    assert_eq!(agent.provenance.as_ref(), Some(&now.provenance));
    assert_eq!(agent.evidence, now.evidence);
    assert!(now.compare(Some(agent)).is_same());
    assert_eq!(merge(&text, &now).unwrap(), text, "again, nothing changes");
}

const BY_HAND: &str = r#"# What our agent may do.
version = 1

[[workload]]
name = "other"   # not ours
allow = []

[[workload]]
name = "agent"
# Reviewed by two of us.
allow = [
    "KILL",      # the supervisor
]
test = "true"
match = [{ image = "example/agent:*" }]

[workload.evidence.cap_kill]
verdict = "refused-but-passed"   # we looked
because = "it fails without CAP_KILL"
accepted = true

[[waiver]]
rule = "runs-as-root"  # for now
container = "*"
reason = "because"
"#;

#[test]
fn what_somebody_wrote_stays_as_it_is_written() {
    let text = merge(BY_HAND, &learned("CHOWN")).unwrap();
    for line in BY_HAND.lines().filter(|line| !line.is_empty()) {
        assert!(text.contains(line), "{line} is gone:\n{text}");
    }
    let policy = Policy::parse(&text).unwrap();
    let agent = policy.workload("agent").unwrap();
    assert_eq!(agent.allow, set("KILL,CHOWN"));
    assert_eq!(agent.test.as_deref(), Some("true"), "theirs");
    assert_eq!(policy.workload("other").unwrap().allow, CapabilitySet::EMPTY);
    assert_eq!(policy.waivers.len(), 1);
    let comparison = learned("CHOWN").compare(Policy::parse(BY_HAND).unwrap().workload("agent"));
    assert_eq!((comparison.new, comparison.gone), (set("CHOWN"), set("KILL")));
}

#[test]
fn a_verdict_that_changes_has_to_be_accepted_again() {
    let mut now = learned("CHOWN");
    let seen = |because: &str| Evidence {
        verdict: Verdict::RefusedButPassed,
        because: because.to_owned(),
        accepted: false,
    };
    now.evidence.insert(Capability::KILL, seen("it fails without CAP_KILL"));
    let same = Policy::parse(&merge(BY_HAND, &now).unwrap()).unwrap();
    assert!(same.workload("agent").unwrap().evidence[&Capability::KILL].accepted);
    now.evidence.insert(Capability::KILL, seen("kill(1, SIGTERM): EPERM"));
    let other = Policy::parse(&merge(BY_HAND, &now).unwrap()).unwrap();
    let kill = &other.workload("agent").unwrap().evidence[&Capability::KILL];
    assert!(!kill.accepted && kill.because.starts_with("kill("));
}

#[test]
fn evidence_speaks_of_what_ran_and_of_nothing_else() {
    let read = |text: &str| Policy::parse(text).unwrap().workload("agent").unwrap().clone();
    let text = merge("", &learned("CHOWN")).unwrap();
    let agent = read(&text);
    let (image, command) = (digest('a'), digest('c'));
    assert_eq!(agent.evidence_gap(&[&digest('e'), &image], &command, "docker", &[]), None);
    assert_eq!(agent.evidence_gap(&[], &command, "docker", &[]), Some(EvidenceGap::UnknownImage));
    let other = agent.evidence_gap(&[&digest('b')], &command, "docker", &[]);
    assert!(other.is_some_and(|gap| gap.is_drift()));
    let other = agent.evidence_gap(&[&image], &digest('d'), "docker", &[]);
    assert_eq!(other, Some(EvidenceGap::OtherCommand));
    let other = agent.evidence_gap(&[&image], &command, "podman", &[]);
    assert!(
        matches!(&other, Some(EvidenceGap::OtherEngine { learned }) if learned == "docker 28.5")
    );
    assert!(other.unwrap().is_drift());
    assert_eq!(
        agent.evidence_gap(&[&image], &command, "openshell", &[]),
        None,
        "it stands on Docker"
    );
    let in_pod = |agent: &dropcap_policy::Workload, engine: &str| {
        agent.evidence_gap(&[&image], &command, engine, &[]).is_none()
    };
    assert!(!in_pod(&agent, "containerd"), "a pod starts with another seccomp profile");
    let as_pod = read(&text.replace("docker 28.5", "docker 28.5 as containerd"));
    assert!(in_pod(&as_pod, "containerd") && !in_pod(&as_pod, "docker"));
    let more = read(&text.replace("[\"CHOWN\"]", "[\"CHOWN\", \"KILL\"]"));
    let unseen = more.evidence_gap(&[&image], &command, "docker", &[]);
    assert_eq!(unseen, Some(EvidenceGap::Unseen(set("KILL"))));
    let refusal =
        "\n[workload.evidence.SYS_NICE]\nverdict = \"refused-but-passed\"\nbecause = \"x\"\n";
    let refused = read(&format!("{text}{refusal}"));
    assert_eq!(
        refused.evidence_gap(&[&image], &command, "docker", &[]),
        Some(EvidenceGap::Refused(set("SYS_NICE")))
    );
    let accepted = read(&format!("{text}{refusal}accepted = true\n"));
    assert_eq!(accepted.evidence_gap(&[&image], &command, "docker", &[]), None);
}

#[test]
fn what_is_no_policy_is_not_written_into() {
    for text in ["version = 2", "nonsense = 1\nversion = 1", "version = 1\nworkload = 3", "["] {
        assert!(merge(text, &learned("CHOWN")).is_err(), "{text}");
    }
    let inline =
        merge("version = 1\nworkload = [{ name = \"agent\" }]\n", &learned("KILL")).unwrap();
    assert_eq!(Policy::parse(&inline).unwrap().workloads[0].allow, set("KILL"));
}

#[test]
fn evidence_of_a_script_speaks_of_that_text() {
    let mut now = learned("CHOWN");
    now.provenance.script = Some("entrypoint.sh".to_owned());
    now.provenance.script_hash = Some(digest('f'));
    let text = merge("", &now).unwrap();
    let policy = Policy::parse(&text).unwrap();
    let agent = policy.workload("agent").unwrap();
    assert_eq!(agent.provenance.as_ref(), Some(&now.provenance));
    let (image, command) = (digest('a'), digest('c'));
    let gap = |scripts: &[&str]| agent.evidence_gap(&[&image], &command, "docker", scripts);
    assert_eq!(gap(&[&digest('e'), &digest('f')]), None, "mended it is that one");
    for scripts in [&[] as &[&str], &[&digest('e')]] {
        let gap = gap(scripts).unwrap();
        assert!(gap.is_drift());
        assert_eq!(gap.to_string(), "was learned with another text of entrypoint.sh");
    }
    assert!(now.compare(Some(agent)).is_same());
    let other = Learned {
        provenance: Provenance { script_hash: Some(digest('e')), ..now.provenance.clone() },
        ..now.clone()
    };
    assert!(other.compare(Some(agent)).moved);
    let bad = text.replace(&digest('f'), "sha256:f");
    assert!(Policy::parse(&bad).unwrap_err().to_string().contains("a script's hash"));
}
