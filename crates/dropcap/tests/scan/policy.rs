//! `dropcap.toml` in a scan: what it allows, what it proves, what it waives.

use crate::tree::{Tree, each, of};

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn tree(policy: &str) -> Tree {
    let compose = format!("services:\n  db:\n    image: example/db:1@{DIGEST}\n    user: root\n");
    Tree::new(&[("compose.yaml", &compose), ("dropcap.toml", &format!("version = 1\n{policy}"))])
}

fn workload(evidence: &str, digest: &str) -> String {
    format!(
        "[[workload]]\nname = \"db\"\nallow = [\"CHOWN\"]\ntest = \"pg_isready -q\"\n\
         match = [{{ container = \"compose.yaml#db\" }}]\n[workload.evidence.CHOWN]\n\
         verdict = \"{evidence}\"\nbecause = \"x\"\n[workload.provenance]\nimage-digest = \"{digest}\"\n"
    )
}

#[test]
fn evidence_for_this_very_image_makes_a_fix_safe() {
    let tree = tree(&workload("needed", DIGEST));
    let document = tree.scan(&[]);
    let fix = &of(&document, "caps-not-dropped")[0]["fix"];
    assert_eq!((&fix["tier"], &fix["because"]), (&"safe".into(), &"evidence".into()), "{fix:#}");
    tree.dropcap(&["scan", "--fix"]);
    let fixed = tree.text("compose.yaml");
    assert!(fixed.contains("cap_drop") && fixed.contains("CHOWN"), "{fixed}");
}

#[test]
fn evidence_for_another_image_or_with_a_refusal_does_not() {
    for (evidence, digest) in
        [("needed", DIGEST.replace('f', "e")), ("refused-but-passed", DIGEST.to_owned())]
    {
        let tree = tree(&workload(evidence, &digest));
        let document = tree.scan(&[]);
        let fix = &of(&document, "caps-not-dropped")[0]["fix"];
        assert_eq!(fix["tier"], "unsafe", "{fix:#}");
        // What would make it safe names the workload's own test.
        assert!(
            fix["notes"]
                .to_string()
                .contains("dropcap learn --test 'pg_isready -q' compose.yaml#db")
        );
        let before = tree.text("compose.yaml");
        tree.dropcap(&["scan", "--fix"]);
        assert_eq!(tree.text("compose.yaml"), before);
    }
}

/// Learning again takes away nothing that is allowed, and accepts nothing: so says the note.
#[test]
fn what_learning_again_would_not_make_safe_is_said_to_be_a_persons() {
    let learned = workload("needed", DIGEST);
    let refused = "[workload.evidence.KILL]\nverdict = \"refused-but-passed\"\nbecause = \"x\"\n";
    for (policy, remedy) in [
        (
            learned.replace("[\"CHOWN\"]", "[\"CHOWN\", \"KILL\"]"),
            "taking CAP_KILL out of the policy's `allow`, or a test that fails without it in \
             `dropcap learn --test 'pg_isready -q' compose.yaml#db`",
        ),
        (format!("{learned}{refused}"), "`accepted = true` beside CAP_KILL in the policy"),
    ] {
        let document = tree(&policy).scan(&[]);
        let fix = &of(&document, "caps-not-dropped")[0]["fix"];
        assert_eq!(fix["tier"], "unsafe", "{fix:#}");
        assert!(fix["notes"].to_string().contains(remedy), "{fix:#}");
    }
}

/// A file that is named alone comes without the script beside it: that is no drift, and no evidence.
#[test]
fn a_script_that_was_not_read_is_no_other_script() {
    let policy = format!(
        "{}script = \"entry.sh\"\nscript-hash = \"{DIGEST}\"\n",
        workload("needed", DIGEST)
    );
    let tree = tree(&policy);
    let compose = tree.text("compose.yaml");
    let mounted = "    entrypoint: [/entry.sh]\n    volumes: [\"./entry.sh:/entry.sh:ro\"]\n";
    tree.write("compose.yaml", format!("{compose}{mounted}"));
    tree.write("entry.sh", "#!/bin/sh\nexec serve\n");
    let alone = tree.scan(&["compose.yaml"]);
    assert_eq!(of(&alone, "policy-drift").len(), 0, "{alone:#}");
    let fix = &of(&alone, "caps-not-dropped")[0]["fix"];
    assert_eq!(fix["tier"], "unsafe", "{fix:#}");
    assert!(alone.to_string().contains("with entry.sh, which was not read"), "{alone:#}");
    let with_it = tree.scan(&[]);
    assert_eq!(of(&with_it, "policy-drift").len(), 1, "{with_it:#}");
}

/// The catalogue learnt Debian's Redis. What else is called so is somebody else's, even where the rest is word for word
/// the same.
#[test]
fn an_entry_of_the_catalogue_does_not_make_an_image_of_the_same_name_safe() {
    const ENTRY: &str = include_str!("../../../../catalogue/redis/dropcap.toml");
    const COMPOSE: &str = include_str!("../../../../catalogue/redis/compose.yaml");
    let digest = ENTRY.split('"').find(|word| word.starts_with("sha256:")).unwrap();
    let (own, other) = (format!("redis:7@{digest}"), format!("redis:7@{DIGEST}"));
    for (image, tier) in [(own.as_str(), "safe"), ("redis", "unsafe"), (&other, "unsafe")] {
        let compose = COMPOSE.replace("dropcap-catalogue/redis", image);
        assert_ne!(compose, COMPOSE);
        let tree = Tree::new(&[("compose.yaml", &compose), ("dropcap.toml", ENTRY)]);
        let document = tree.scan(&[]);
        let fix = &of(&document, "caps-not-dropped")[0]["fix"];
        assert_eq!(fix["tier"], tier, "{image}: {fix:#}");
        tree.dropcap(&["scan", "--fix"]);
        assert_eq!(tree.text("compose.yaml") == compose, tier == "unsafe", "{image}");
    }
}

#[test]
fn a_waiver_counts_until_its_day_and_for_its_container() {
    let waiver = |until: &str, container: &str| {
        format!(
            "[[waiver]]\nrule = \"caps-not-dropped\"\ncontainer = \"{container}\"\nreason = \"known\"\n\
             until = {until}\n"
        )
    };
    let found = |policy: &str| of(&tree(policy).scan(&[]), "caps-not-dropped").len();
    assert_eq!(found(&waiver("9999-01-01", "compose.yaml#*")), 0);
    assert_eq!(found(&waiver("2020-01-01", "compose.yaml#*")), 1);
    assert_eq!(found(&waiver("9999-01-01", "compose.yaml#web")), 1);
    let document = tree(&waiver("9999-01-01", "compose.yaml#*")).scan(&[]);
    assert_eq!(each(&document["waived"], "reason"), ["known"]);
}

#[test]
fn a_policy_is_found_upwards_and_its_globs_are_relative_to_it() {
    let tree = Tree::new(&[
        (
            "dropcap.toml",
            "version = 1\n[[waiver]]\nrule = \"privileged\"\ncontainer = \"a/b/compose.yaml#x\"\nreason = \"r\"\n",
        ),
        ("a/b/compose.yaml", "services:\n  x:\n    image: i\n    privileged: true\n"),
    ]);
    let waived = |arguments: &[&str], folder: &str| {
        let output = std::process::Command::new(crate::tree::DROPCAP)
            .args(["scan", "--format", "json"])
            .args(arguments)
            .current_dir(tree.path(folder))
            .output()
            .unwrap();
        crate::tree::Ran::from(output).json()["waived"].as_array().unwrap().len()
    };
    assert_eq!(waived(&[], "."), 1);
    assert_eq!(waived(&["a"], "."), 1);
    assert_eq!(waived(&[], "a/b"), 1);
    assert_eq!(waived(&["b"], "a"), 1);
    // By another name of the same file, and of its folder.
    let whole = tree.path("a/b/compose.yaml");
    assert_eq!(waived(&[whole.to_str().unwrap()], "."), 1);
    assert_eq!(waived(&[whole.to_str().unwrap()], "/"), 1);
    assert_eq!(waived(&["../b"], "a/b"), 1);
    // One below counts for what lies below it.
    tree.write("a/dropcap.toml", "version = 1\n");
    assert_eq!(waived(&["a"], "."), 0);
    assert_eq!(waived(&["--policy", "dropcap.toml", "a"], "."), 1);
}

#[test]
fn a_mistake_in_the_policy_is_an_error_with_its_place() {
    for (policy, message) in [
        ("alow = 1\n", "dropcap.toml:2:1: unknown key `alow`"),
        (
            "[[waiver]]\nrule = \"caps\"\ncontainer = \"*\"\nreason = \"r\"\n",
            "dropcap.toml:3: a waiver for `caps`",
        ),
    ] {
        let ran = tree(policy).dropcap(&["scan"]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(message), "{}", ran.stderr);
    }
}

#[test]
fn what_the_policy_allows_is_a_note() {
    let compose = "services:\n  net:\n    image: x\n    user: root\n    cap_drop: [ALL]\n    cap_add: [SYS_ADMIN, NET_RAW]\n";
    let policy = "version = 1\n[[workload]]\nname = \"net\"\nallow = [\"NET_RAW\"]\nsetup = [\"SYS_ADMIN\"]\nmatch = [{ image = \"x:*\" }]\n";
    let levels = |tree: &Tree| {
        let document = tree.scan(&[]);
        ["root-equivalent-cap", "risky-cap"]
            .map(|rule| of(&document, rule)[0]["level"].as_str().unwrap().to_owned())
    };
    assert_eq!(levels(&Tree::new(&[("compose.yaml", compose)])), ["error", "warning"]);
    assert_eq!(
        levels(&Tree::new(&[("compose.yaml", compose), ("dropcap.toml", policy)])),
        ["note", "note"]
    );
}
