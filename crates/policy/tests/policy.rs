//! The file as people write it: what it means, and what is said of mistakes.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use dropcap_capability::Capability;
use dropcap_policy::{Date, Match, ParseError, Policy, PolicyError, Running, Verdict};
use std::fs;

const WHOLE: &str = r#"version = 1

[[workload]]
name = "agent"
allow = ["NET_BIND_SERVICE"]
setup = ["cap_chown", "CAP_SETUID"]
no-new-privileges = false
user-namespaces = true
test = "curl -fsS localhost/health"
match = [{ container = "compose.yaml#agent" }, { image = "example/agent:*" }]

[workload.evidence.NET_BIND_SERVICE]
verdict = "needed"
because = "bind(2) of 0.0.0.0:80 by nginx"

[workload.provenance]
image-digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
engine = "docker 28.5"
kernel = "6.12"
phases = ["fresh start", "test"]
date = 2026-11-22

[[workload]]
name = "db"
match = [{ container = "*#db" }]

[[waiver]]
rule = "runs-as-root"
container = "compose.yaml#db"
reason = "the image's entrypoint chowns its volume"
until = 2027-06-30
"#;

fn error(text: &str) -> ParseError {
    Policy::parse(text).unwrap_err()
}

/// `WHOLE` with `from` replaced by `to`, which has to be there.
fn with(from: &str, to: &str) -> String {
    assert!(WHOLE.contains(from), "{from}");
    WHOLE.replace(from, to)
}

/// A container that runs is known by what the engine says of it; the closest entry counts.
#[test]
fn a_running_container_is_matched_by_the_closest_entry() {
    let text = r#"version = 1
[[workload]]
name = "image"
match = [{ image = "nginx:*" }]
[[workload]]
name = "label"
match = [{ label = "tier=*" }, { annotation = "a/b=c" }]
[[workload]]
name = "named"
match = [{ name = "web-*" }, { compose = "shop/*" }, { kubernetes = "prod/*/app" }, { container = "*" }]
"#;
    let policy = Policy::parse(text).unwrap();
    let of = |running: Running| policy.workload_of(&running).map(|one| one.name.clone());
    let pairs = |key: &str, value: &str| vec![(key.to_owned(), value.to_owned())];
    let image = Some("docker.io/library/nginx:1".to_owned());
    let base = Running { image, ..Running::default() };
    assert_eq!(of(Running::default()), None, "a place in a file is nothing that runs");
    assert_eq!(of(base.clone()).unwrap(), "image");
    assert_eq!(of(Running { labels: pairs("tier", "x"), ..base.clone() }).unwrap(), "label");
    assert_eq!(of(Running { annotations: pairs("a/b", "c"), ..base.clone() }).unwrap(), "label");
    assert_eq!(of(Running { annotations: pairs("a/b", "d"), ..base.clone() }).unwrap(), "image");
    let labelled = Running { labels: pairs("tier", "x"), ..base };
    let named = |running: Running| assert_eq!(of(running).unwrap(), "named");
    named(Running { name: Some("web-1".to_owned()), ..labelled.clone() });
    named(Running { compose: Some("shop/db".to_owned()), ..labelled.clone() });
    named(Running { kubernetes: Some("prod/p/app".to_owned()), ..labelled });

    let refused = Policy::parse(&text.replace("tier=*", "tier")).unwrap_err();
    assert!(refused.message.contains("KEY=VALUE"), "{refused}");
}

#[test]
fn every_key_of_the_design_is_read() {
    let policy = Policy::parse(WHOLE).unwrap();
    let agent = policy.workload("agent").unwrap();
    assert_eq!(agent.allow.to_string(), "CAP_NET_BIND_SERVICE");
    assert_eq!(agent.setup.to_string(), "CAP_CHOWN,CAP_SETUID");
    assert!(!agent.no_new_privileges && agent.user_namespaces);
    assert_eq!(agent.test.as_deref(), Some("curl -fsS localhost/health"));
    assert_eq!(agent.matches.len(), 2);
    assert!(matches!(&agent.matches[1], Match::Image(glob) if glob.as_str() == "example/agent:*"));
    let evidence = &agent.evidence[&Capability::NET_BIND_SERVICE];
    assert_eq!(evidence.verdict, Verdict::Needed);
    let provenance = agent.provenance.as_ref().unwrap();
    assert_eq!(provenance.phases, ["fresh start", "test"]);
    assert_eq!(provenance.date.unwrap().to_string(), "2026-11-22");

    let db = policy.workload("db").unwrap();
    assert!(db.allow.is_empty() && db.no_new_privileges && !db.user_namespaces);
    assert_eq!(policy.waivers[0].line, 28);
}

#[test]
fn a_container_goes_before_an_image() {
    let policy = Policy::parse(WHOLE).unwrap();
    let name = |id, image| policy.workload_for(id, image).map(|one| one.name.as_str());
    assert_eq!(name("compose.yaml#agent", None), Some("agent"));
    assert_eq!(name("other.yaml#x", Some("example/agent:2")), Some("agent"));
    assert_eq!(name("other.yaml#db", Some("example/agent:2")), Some("db"));
    assert_eq!(name("other.yaml#x", Some("example/agents:2")), None);
    assert_eq!(name("other.yaml#x", None), None);
}

#[test]
fn a_waiver_ends_after_its_last_day() {
    let policy = Policy::parse(WHOLE).unwrap();
    let on =
        |rule, id, year, month, day| policy.waiver(rule, id, Date { year, month, day }).is_some();
    assert!(on("runs-as-root", "compose.yaml#db", 2027, 6, 30));
    assert!(!on("runs-as-root", "compose.yaml#db", 2027, 7, 1));
    assert!(!on("runs-as-root", "compose.yaml#web", 2027, 6, 30));
    assert!(!on("privileged", "compose.yaml#db", 2027, 6, 30));
}

#[test]
fn a_mistake_is_named_with_its_line_and_column() {
    let cases = [
        (with("allow =", "alow ="), 5, 1, "unknown key `alow`, expected one of `name`, `allow`"),
        (
            with("[\"NET_BIND_SERVICE\"]", "[\"NET_BIND_SERVICES\"]"),
            5,
            10,
            "did you mean CAP_NET_BIND_SERVICE?",
        ),
        (
            with("evidence.NET_BIND", "evidence.NET_BOND"),
            12,
            20,
            "did you mean CAP_NET_BIND_SERVICE?",
        ),
        (with("version = 1", "version = 2"), 1, 11, "version 2 is not understood"),
        (with("version = 1\n", "\n"), 1, 1, "missing field `version`"),
        (with("name = \"db\"", "name = \"agent\""), 24, 8, "a second workload `agent`"),
        (with("\"needed\"", "\"maybe\""), 13, 11, "unknown variant `maybe`"),
        (with("until = 2027-06-30", "until = 2027-06-31"), 31, 9, "day"),
        (with("until = 2027-06-30", "until = 12:00:00"), 31, 9, "a day is asked for"),
        (with("\"the image's entrypoint chowns its volume\"", "\" \""), 30, 10, "needs a reason"),
        (with("{ container = \"*#db\" }", "{ container = \"[\" }"), 25, 24, "not a glob"),
        (with("{ container = \"*#db\" }", "{}"), 25, 10, "has one key"),
        (with("sha256:0123", "sha256:012G"), 17, 16, "64 lower-case hexadecimal digits"),
        ("version = 1\n[[workload]\n".to_owned(), 2, 12, "unclosed array table"),
    ];
    for (text, line, column, message) in cases {
        let error = error(&text);
        assert_eq!((error.line, error.column), (line, column), "{error}\n{text}");
        assert!(error.message.contains(message), "{error}");
    }
}

#[test]
fn a_column_counts_characters() {
    let error =
        error("version = 1\n[[workload]]\nname = \"ä\"\nallow = [\"KILL\", \"äö\", \"KILLL\"]\n");
    assert_eq!((error.line, error.column), (4, 18));
}

#[test]
fn evidence_counts_for_its_own_image_alone() {
    let digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let proved = |text: &str| {
        let policy = Policy::parse(text).unwrap();
        policy.workload("agent").unwrap().evidence_gap(&[digest], "", "docker", &[]).is_none()
    };
    assert!(proved(WHOLE));
    assert!(proved(&with("\"needed\"", "\"used\"")));
    assert!(!proved(&with("sha256:0", "sha256:1")));
    assert!(!proved(&with("\"needed\"", "\"refused-but-passed\"")));
    assert!(!proved(&with(
        "allow = [\"NET_BIND_SERVICE\"]",
        "allow = [\"NET_BIND_SERVICE\", \"KILL\"]"
    )));
}

#[test]
fn the_nearest_policy_upwards_counts() {
    let tree = tempfile::tempdir().unwrap();
    let deep = tree.path().join("a/b");
    fs::create_dir_all(&deep).unwrap();
    fs::create_dir(deep.join("dropcap.toml")).unwrap();
    fs::write(tree.path().join("dropcap.toml"), "version = 1\n[[workload]]\nname = \"outer\"\n")
        .unwrap();
    let name = || {
        let policy = Policy::find_upwards(&deep).unwrap().unwrap();
        policy.workloads[0].name.clone()
    };
    assert_eq!(name(), "outer");
    fs::write(tree.path().join("a/dropcap.toml"), "version = 1\n[[workload]]\nname = \"inner\"\n")
        .unwrap();
    assert_eq!(name(), "inner");
    fs::write(tree.path().join("a/dropcap.toml"), "version = 1\nnonsense = 1\n").unwrap();
    let error = Policy::find_upwards(&deep).unwrap_err().to_string();
    assert!(error.contains("a/dropcap.toml:2:1: unknown key `nonsense`"), "{error}");
}

#[test]
fn a_file_that_is_no_text_is_no_policy() {
    let tree = tempfile::tempdir().unwrap();
    let path = tree.path().join("dropcap.toml");
    fs::write(&path, b"version = 1\n# \xff\n").unwrap();
    assert!(matches!(Policy::load(&path), Err(PolicyError::Read { .. })));
    fs::write(&path, vec![b'#'; (4 << 20) + 1]).unwrap();
    assert!(matches!(Policy::load(&path), Err(PolicyError::Read { .. })));
}

#[test]
fn a_missing_workload_is_answered_with_those_there_are() {
    let error = Policy::parse(WHOLE).unwrap().require("agents").unwrap_err().to_string();
    assert_eq!(error, "no workload `agents` in dropcap.toml; it has agent, db");
}

proptest::proptest! {
    /// Whatever is torn out of a policy, or put into it, an error points into the text.
    #[test]
    fn any_mistake_has_a_place_in_the_text(at in 0..WHOLE.len(), gone in 0..40usize, new in ".{0,6}") {
        let end = (at + gone).min(WHOLE.len());
        let text = format!("{}{new}{}", &WHOLE[..at], &WHOLE[end..]);
        if let Err(error) = Policy::parse(&text) {
            let line = text.split('\n').nth(error.line - 1);
            let columns = line.map(|line| line.chars().count() + 1);
            proptest::prop_assert!(columns.is_some_and(|columns| error.column <= columns), "{error}");
        }
    }
}
