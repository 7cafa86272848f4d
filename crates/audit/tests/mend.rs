//! A script is mended as a whole, and safely where the very text that comes out was learned.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use dropcap_audit::{Audited, Because, Change, FixTier, Input, Options, audit, started_with};
use dropcap_manifest::{Edit, apply, join, read};
use dropcap_policy::{Policy, text_hash};

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const SCRIPT: &str = "#!/bin/bash
[ -e /done ] || exec capsh --drop=cap_setpcap,cap_net_raw -- \"$0\" again
setpriv --bounding-set=-net_raw --reuid=app agent || echo going on
exec agent
";
const MENDED: &str = "#!/bin/bash
[ -e /done ] || exec dropcap run --allow SETGID,SETUID,SETPCAP -- /bin/bash \"$0\" again
exec dropcap run --user app -- agent || echo going on
exec agent
";
const DROPCAP: &str = "/opt/dropcap";

fn service(name: &str) -> String {
    format!(
        "  {name}:\n    image: x@{DIGEST}\n    user: root\n    entrypoint: [/e.sh]\n    volumes:\n      - ./e.sh:/e.sh:ro\n"
    )
}

fn compose(services: &[&str]) -> String {
    let services: String = services.iter().map(|name| service(name)).collect();
    format!("services:\n{services}")
}

/// The input, with a policy in which `learned` were learned with the script of this text.
fn input(compose: &str, script: &str, learned: &[&str], with: &str) -> Input {
    let mut input = Input::default();
    for (path, text) in [("compose.yaml", compose), ("e.sh", script)] {
        input.documents.push(read(path, text.as_bytes()));
        input.sources.insert(path.to_owned(), text.as_bytes().to_vec());
    }
    input.containers = join(&mut input.documents);
    let workload = |name: &&str| {
        let container = input.containers.iter().find(|one| one.subject() == *name).unwrap();
        let (command, script) = (started_with(container), text_hash(with.as_bytes()));
        format!(
            "[[workload]]\nname = \"{name}\"\nmatch = [{{ container = \"compose.yaml#{name}\" }}]\n\
             [workload.provenance]\nimage-digest = \"{DIGEST}\"\ncommand-hash = \"{command}\"\n\
             engine = \"docker 28.5\"\nscript = \"e.sh\"\nscript-hash = \"{script}\"\n"
        )
    };
    let workloads: String = learned.iter().map(workload).collect();
    input.policy = Some(Policy::parse(&format!("version = 1\n{workloads}")).unwrap());
    input
}

fn audited(input: &Input) -> Audited {
    audit(input, &Options { dropcap: Some(DROPCAP.to_owned()), ..Options::default() })
}

/// Whether all fixes of the settings are safe, and whether all of the script's are.
#[track_caller]
fn are_safe(audited: &Audited) -> (bool, bool) {
    let fixes: Vec<_> = audited.findings.iter().filter_map(|one| one.fix.as_ref()).collect();
    let (scripts, settings): (Vec<_>, Vec<_>) =
        fixes.into_iter().partition(|fix| matches!(fix.change, Change::Script { .. }));
    assert!(!scripts.is_empty() && !settings.is_empty());
    let all = |fixes: &[&dropcap_audit::Fix]| fixes.iter().all(|fix| fix.tier == FixTier::Safe);
    let some = |fixes: &[&dropcap_audit::Fix]| fixes.iter().any(|fix| fix.tier == FixTier::Safe);
    assert_eq!((all(&settings), all(&scripts)), (some(&settings), some(&scripts)), "some only");
    (all(&settings), all(&scripts))
}

#[test]
fn each_fix_of_a_script_is_the_whole_of_it_with_what_it_calls() {
    let input = input(&compose(&["a"]), SCRIPT, &["a"], MENDED);
    let audited = audited(&input);
    assert_eq!(are_safe(&audited), (true, true));
    let mut rules = Vec::new();
    for finding in &audited.findings {
        let Some(fix) = &finding.fix else { continue };
        let Change::Script { edits, .. } = &fix.change else { continue };
        rules.push(finding.rule);
        let edit = |file: &str| -> String {
            let of_it = fix.edits.iter().filter(|edit| edit.file == file);
            let edits = of_it.map(|edit| Edit {
                start: edit.start,
                end: edit.end,
                text: edit.text.clone(),
            });
            let text = apply(input.source(file).unwrap(), &edits.collect::<Vec<_>>());
            String::from_utf8(text).unwrap()
        };
        assert_eq!(edits.len(), 2);
        assert_eq!(edit("e.sh"), MENDED);
        let mounted = "./e.sh:/e.sh:ro\n      - /opt/dropcap:/usr/local/bin/dropcap:ro\n";
        assert!(edit("compose.yaml").contains(mounted));
        assert!(fix.notes.iter().any(|note| note.contains("has to be there wherever")));
    }
    rules.sort_unstable();
    assert_eq!(
        rules,
        ["drop-not-verified", "drop-order-fails", "entrypoint-only-drop", "runs-as-root"]
    );
    assert_eq!(audited.containers[0].mend.as_ref().unwrap().text(), MENDED.as_bytes());
}

#[test]
fn another_text_than_the_learned_one_is_not_safe() {
    let one = compose(&["a"]);
    let changed = SCRIPT.replace("going on", "going on all the same");
    let drift = audited(&input(&one, &changed, &["a"], MENDED));
    assert_eq!(are_safe(&drift), (false, false));
    assert!(drift.findings.iter().any(|finding| finding.rule == "policy-drift"));
    // What was learned with the script as it is written speaks of the settings alone.
    assert_eq!(are_safe(&audited(&input(&one, SCRIPT, &["a"], SCRIPT))), (true, false));
    // The mended script is the learned one, and no drift.
    let mended = audited(&input(&one, MENDED, &["a"], MENDED));
    let settings = mended.findings.iter().filter_map(|one| one.fix.as_ref());
    assert!(settings.clone().all(|fix| fix.because == Because::Evidence), "{mended:?}");
    assert!(mended.findings.iter().all(|finding| finding.rule != "policy-drift"));
}

#[test]
fn it_is_safe_for_all_that_run_the_script_or_for_none() {
    let two = compose(&["a", "b"]);
    assert_eq!(are_safe(&audited(&input(&two, SCRIPT, &["a", "b"], MENDED))), (true, true));
    let one_learned = audited(&input(&two, SCRIPT, &["a"], MENDED));
    assert_eq!(are_safe(&one_learned), (false, false));
    let because = &one_learned.containers[0].plan.because;
    let Because::Unproved(reason) = because else { panic!("{because:?}") };
    assert!(reason.contains("was learned with e.sh mended: the image needs"), "{reason}");
    // What the other one does with it could not be tried.
    let other = two.trim_end().strip_suffix(":ro").unwrap();
    assert_eq!(are_safe(&audited(&input(other, SCRIPT, &["a", "b"], MENDED))), (false, false));
}

#[test]
fn what_no_trial_could_have_started_is_not_safe() {
    let writable = compose(&["a"]).replace("/e.sh:ro", "/e.sh");
    assert_eq!(are_safe(&audited(&input(&writable, SCRIPT, &["a"], MENDED))), (false, false));
    let no_dropcap = audit(&input(&compose(&["a"]), SCRIPT, &["a"], MENDED), &Options::default());
    assert_eq!(are_safe(&no_dropcap), (false, false));
    let brings_its_own =
        compose(&["a"]).replace(":ro\n", ":ro\n      - ./d:/usr/local/bin/dropcap:ro\n");
    let input = input(&brings_its_own, SCRIPT, &["a"], MENDED);
    assert_eq!(are_safe(&audit(&input, &Options::default())), (true, true));
}

#[test]
fn what_a_waiver_leaves_as_it_is_was_not_learned() {
    let mut input = input(&compose(&["a"]), SCRIPT, &["a"], MENDED);
    let rules = ["drop-not-verified", "drop-order-fails", "entrypoint-only-drop", "runs-as-root"];
    for rule in rules {
        let waiver = format!("[[waiver]]\nrule = \"{rule}\"\ncontainer = \"*\"\nreason = \"x\"\n");
        let waiver = Policy::parse(&format!("version = 1\n{waiver}")).unwrap().waivers;
        input.policy.as_mut().unwrap().waivers.extend(waiver);
    }
    let audited = audited(&input);
    let fixes: Vec<_> = audited.findings.iter().filter_map(|one| one.fix.as_ref()).collect();
    assert!(!fixes.is_empty() && fixes.iter().all(|fix| fix.tier == FixTier::Unsafe), "{fixes:#?}");
    assert!(audited.containers[0].mend.is_none(), "nothing is left to be tried");
}
