//! What a fix changes, and what it does not.

use crate::reports::set_mode;
use crate::tree::{DROPCAP, Tree, of};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

/// A Compose file with everything that an editor might disturb.
const COMPOSE: &str = "# The agent.\nname:   demo\n\nservices:\n  agent: # runs untrusted code\n    \
                       image: 'example/agent:1'\n    user: sandbox\n    environment:\n        A: \"1\"\n\n\
                       volumes:\n  data:\n";

/// A root directory whose only privileged file, if it has one, nobody but root may execute.
fn with_root(compose: &str) -> Tree {
    Tree::new(&[
        ("compose.yaml", compose),
        ("root/etc/passwd", "root:x:0:0::/root:/bin/sh\nsandbox:x:1000:1000::/:/bin/sh\n"),
        ("root/etc/group", "root:x:0:\nsandbox:x:1000:\n"),
        ("root/usr/bin/tool", ""),
    ])
}

/// The tiers of the fixes of one rule.
fn tiers(tree: &Tree, rule: &str) -> Vec<(String, String)> {
    let document = tree.scan(&["--rootfs", "root"]);
    let fixes = of(&document, rule).into_iter().map(|finding| {
        let fix = &finding["fix"];
        (fix["tier"].as_str().unwrap().to_owned(), fix["because"].as_str().unwrap().to_owned())
    });
    fixes.collect()
}

#[test]
fn a_fix_is_safe_where_the_model_proves_that_nothing_changes() {
    let tree = with_root(COMPOSE);
    assert_eq!(tiers(&tree, "caps-not-dropped"), [("safe".to_owned(), "proof".to_owned())]);
    assert_eq!(tiers(&tree, "new-privileges-allowed"), [("safe".to_owned(), "proof".to_owned())]);

    let ran = tree.dropcap(&["scan", "--fix", "--rootfs", "root"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stdout.starts_with("fixed compose.yaml\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("drop ALL (safe, by proof)"), "{}", ran.stdout);
    assert!(ran.stdout.contains("`exec -u 0` changes too"), "{}", ran.stdout);
    let fixed = tree.text("compose.yaml");
    insta::assert_snapshot!(fixed);
    // Every byte that was there still is, in its order.
    let mut left = fixed.lines();
    assert!(COMPOSE.lines().all(|line| left.any(|other| other == line)), "{fixed}");

    let again = tree.dropcap(&["scan", "--fix", "--rootfs", "root"]);
    assert!(!again.stdout.contains("fixed "), "{}", again.stdout);
    assert_eq!(tree.text("compose.yaml"), fixed);
}

#[test]
fn a_proof_fails_where_something_could_change() {
    let unproved = |compose: &str, change: &dyn Fn(&Tree), why: &str| {
        let tree = with_root(compose);
        change(&tree);
        let found = tiers(&tree, "caps-not-dropped");
        assert_eq!(found[0].0, "unsafe", "{why}");
        assert!(found[0].1.contains(why), "{why}: {}", found[0].1);
        let before = tree.text("compose.yaml");
        tree.dropcap(&["scan", "--fix", "--rootfs", "root"]);
        assert_eq!(tree.text("compose.yaml"), before, "{why}");
    };
    let nothing = |_: &Tree| {};
    let user = "    user: sandbox\n";
    let mount =
        |source: &str| COMPOSE.replace(user, &format!("{user}    volumes: ['{source}:/mnt']\n"));
    unproved(
        COMPOSE,
        &|tree| set_mode(tree, "root/usr/bin/tool", 0o4755),
        "may execute /usr/bin/tool",
    );
    unproved(
        COMPOSE,
        &|tree| set_mode(tree, "root/usr/bin/tool", 0o2755),
        "may execute /usr/bin/tool",
    );
    unproved(&COMPOSE.replace("sandbox\n", "root\n"), &nothing, "starts as root");
    unproved(&COMPOSE.replace(user, ""), &nothing, "starts as root");
    unproved(
        &mount("/opt/tools"),
        &nothing,
        "what lies in /opt/tools, mounted at /mnt, is not known",
    );
    let shared = mount("data") + "  root:\n    image: x\n    volumes: ['data:/data']\n";
    let shared = shared.replace("\nvolumes:\n  data:\n", "") + "volumes:\n  data:\n";
    unproved(&shared, &nothing, "what compose.yaml#root puts into the volume data is not known");
    let plant = |tree: &Tree| {
        tree.write("shared/tool", "");
        set_mode(tree, "shared/tool", 0o4755);
    };
    unproved(&mount("./shared"), &plant, "may execute /mnt/tool");
}

#[test]
fn a_privileged_file_that_the_user_may_not_execute_does_not_stand_in_the_way() {
    let tree = with_root(COMPOSE);
    set_mode(&tree, "root/usr/bin/tool", 0o4750);
    assert_eq!(tiers(&tree, "caps-not-dropped")[0].0, "safe");
}

#[test]
fn a_folder_of_the_tree_that_is_mounted_is_looked_into() {
    let compose =
        COMPOSE.replace("user: sandbox\n", "user: sandbox\n    volumes: ['./work:/work']\n");
    let tree = with_root(&compose);
    assert_eq!(tiers(&tree, "caps-not-dropped")[0].0, "safe", "not there yet");
    tree.write("work/file", "");
    assert_eq!(tiers(&tree, "caps-not-dropped")[0].0, "safe", "nothing privileged");
}

#[test]
fn without_the_image_only_unsafe_fixes_are_offered() {
    let tree = Tree::new(&[("compose.yaml", COMPOSE)]);
    let ran = tree.dropcap(&["scan", "--fix"]);
    assert_eq!(tree.text("compose.yaml"), COMPOSE);
    let learn = "dropcap learn --test 'CMD' compose.yaml#agent";
    assert!(ran.stdout.contains(learn), "{}", ran.stdout);
    tree.dropcap(&["scan", "--unsafe-fixes"]);
    assert!(tree.text("compose.yaml").contains("cap_drop"));
}

#[test]
fn a_diff_changes_nothing() {
    let tree = with_root(COMPOSE);
    let ran = tree.dropcap(&["scan", "--diff", "--rootfs", "root"]);
    insta::assert_snapshot!(ran.all());
    assert_eq!(tree.text("compose.yaml"), COMPOSE);
}

#[test]
fn a_diff_says_what_it_leaves_out_and_what_cannot_be_read() {
    let tree = Tree::new(&[("compose.yaml", COMPOSE), ("broken.yaml", "services:\n  a: [\n")]);
    let ran = tree.dropcap(&["scan", "--diff", "compose.yaml"]);
    assert_eq!((ran.stdout.as_str(), ran.code), ("", 0), "{}", ran.all());
    for said in ["left out (`--unsafe-fixes` takes these too)", "unsafe:", "dropcap learn"] {
        assert!(ran.stderr.contains(said), "{}", ran.all());
    }
    let ran = tree.dropcap(&["scan", "--diff", "--unsafe-fixes", "compose.yaml"]);
    assert!(!ran.stderr.contains("left out") && ran.code == 1, "{}", ran.all());
    let ran = tree.dropcap(&["scan", "--diff", "--unsafe-fixes", "compose.yaml", "broken.yaml"]);
    assert!(ran.stderr.contains("broken.yaml:") && ran.code == 2, "{}", ran.all());
    assert!(ran.stdout.contains("+    cap_drop"), "the rest is done all the same: {}", ran.all());
}

#[test]
fn what_the_entrypoint_shows_is_kept() {
    let tree = Tree::new(&[
        ("compose.yaml", "services:\n  db:\n    build: .\n"),
        ("Dockerfile", "FROM debian:12\nCOPY entrypoint.sh /\nENTRYPOINT [\"/entrypoint.sh\"]\n"),
        ("entrypoint.sh", "#!/bin/sh\nset -e\nchown -R db /data\nexec gosu db \"$@\"\n"),
    ]);
    let ran = tree.dropcap(&["scan", "--unsafe-fixes", "--diff"]);
    insta::assert_snapshot!(ran.stdout);
    tree.dropcap(&["scan", "--unsafe-fixes"]);
    let ran = tree.dropcap(&["scan", "--unsafe-fixes", "--diff"]);
    assert_eq!(ran.stdout, "", "a second run changes nothing");
}

#[test]
fn what_its_own_words_show_is_kept() {
    let compose = "services:\n  db:\n    image: db:1\n    user: root\n    command: sh -c 'chown -R db /data && exec su-exec db serve'\n";
    let tree = Tree::new(&[("compose.yaml", compose)]);
    let ran = tree.dropcap(&["scan", "--unsafe-fixes", "--diff"]);
    assert!(
        ran.stdout.contains("+    cap_add:\n+      - CHOWN\n+      - SETGID\n+      - SETUID\n"),
        "{}",
        ran.all()
    );
    assert!(ran.stderr.contains("kept for `chown` in its command: CAP_CHOWN"), "{}", ran.all());
}

#[test]
fn an_edit_keeps_mode_and_owner_and_goes_through_a_link() {
    let tree = with_root("x");
    tree.write("real/agent.yaml", COMPOSE);
    fs::remove_file(tree.path("compose.yaml")).unwrap();
    symlink("real/agent.yaml", tree.path("compose.yaml")).unwrap();
    set_mode(&tree, "real/agent.yaml", 0o640);
    let root = fs::metadata(tree.root()).unwrap().uid() == 0;
    if root {
        std::os::unix::fs::chown(tree.path("real/agent.yaml"), Some(1234), Some(2345)).unwrap();
    }
    let before = fs::metadata(tree.path("real/agent.yaml")).unwrap();
    let ran = tree.dropcap(&["scan", "--fix", "--rootfs", "root"]);
    assert!(ran.stdout.contains("fixed compose.yaml"), "{}", ran.all());
    assert!(tree.path("compose.yaml").is_symlink());
    let after = fs::metadata(tree.path("real/agent.yaml")).unwrap();
    assert_eq!(
        (after.mode(), after.uid(), after.gid()),
        (before.mode(), before.uid(), before.gid())
    );
    assert!(tree.text("real/agent.yaml").contains("cap_drop"));
    let left: Vec<_> = fs::read_dir(tree.path("real")).unwrap().collect();
    assert_eq!(left.len(), 1, "no temporary file stays: {left:?}");
}

#[test]
fn a_port_below_1024_needs_no_capability_for_a_user_on_docker() {
    let compose =
        COMPOSE.replace("user: sandbox\n", "user: sandbox\n    cap_add: [NET_BIND_SERVICE]\n");
    let tree = with_root(&compose);
    let policy = "version = 1\n[[workload]]\nname = \"agent\"\nallow = [\"NET_BIND_SERVICE\"]\n\
                  match = [{ container = \"compose.yaml#agent\" }]\n";
    tree.write("dropcap.toml", policy);
    let document = tree.scan(&["--rootfs", "root"]);
    let finding = of(&document, "caps-not-dropped")[0];
    assert!(
        finding["fix"]["notes"].to_string().contains("ip_unprivileged_port_start=0"),
        "{finding:#}"
    );
    tree.dropcap(&["scan", "--fix", "--rootfs", "root"]);
    let fixed = tree.text("compose.yaml");
    assert!(fixed.contains("cap_drop") && !fixed.contains("NET_BIND_SERVICE"), "{fixed}");
}

#[test]
fn several_fixes_of_one_file_become_one() {
    let script = "#!/bin/sh\ndocker run -u 1000 a:1\n\ndocker run -u 1000 \\\n  --cap-add NET_RAW b:1\n\
                  podman run -u 1000 --cap-add=kill c:1\n";
    let tree = Tree::new(&[("run.sh", script)]);
    let ran = tree.dropcap(&["scan", "--unsafe-fixes", "--diff"]);
    insta::assert_snapshot!(ran.stdout);
    tree.dropcap(&["scan", "--unsafe-fixes"]);
    let fixed = tree.text("run.sh");
    tree.dropcap(&["scan", "--unsafe-fixes"]);
    assert_eq!(tree.text("run.sh"), fixed, "a second run changes nothing");
}

#[test]
fn a_container_that_cannot_be_edited_keeps_no_other_from_being_fixed() {
    let (base, alias) = ("x-base: &base\n  image: y\n  user: \"1\"\n", "  b: *base\n");
    let compose = format!("{base}services:\n  a:\n    image: x\n    user: \"1\"\n{alias}");
    let tree = Tree::new(&[("compose.yaml", &compose)]);
    let ran = tree.dropcap(&["scan", "--no-local-images", "--unsafe-fixes"]);
    let fixed = tree.text("compose.yaml");
    assert!(fixed.starts_with(base) && fixed.ends_with(alias), "{fixed}");
    let document = tree.scan(&["--no-local-images"]);
    let bounding =
        |at: usize| document["containers"][at]["initial"]["bounding"].as_array().unwrap().len();
    assert_eq!((bounding(0), bounding(1)), (0, 14), "{fixed}");
    assert!(
        ran.stdout.contains(
            "compose.yaml#b is not fixed: the whole service is an alias of another one\n compose.yaml:8:1"
        ),
        "{}",
        ran.all()
    );
    // Only that one is left.
    let ran = tree.dropcap(&["scan", "--no-local-images", "--unsafe-fixes", "--diff"]);
    assert_eq!((ran.stdout.as_str(), ran.code), ("", 1), "{}", ran.all());
    assert!(ran.stderr.contains("compose.yaml#b is not fixed"), "{}", ran.all());
}

#[test]
fn an_override_that_adds_again_is_no_reason_to_write_half_a_fix() {
    let tree = Tree::new(&[
        ("compose.yaml", "services:\n  a:\n    image: x\n    user: \"1\"\n"),
        ("compose.override.yaml", "services:\n  a:\n    privileged: true\n"),
    ]);
    tree.dropcap(&["scan", "--unsafe-fixes"]);
    let document = tree.scan(&[]);
    let bounding = document["containers"][0]["initial"]["bounding"].as_array().unwrap();
    let wrote = tree.text("compose.yaml").contains("cap_drop");
    assert!(!wrote || bounding.is_empty(), "{}", tree.text("compose.yaml"));
}

const DROPS_LATE: &str =
    "#!/bin/bash\ncapsh --drop=cap_setpcap,cap_net_raw -- -c agent || true\nexec agent\n";

#[test]
fn a_mended_script_comes_with_the_dropcap_that_it_calls() {
    let service = "    image: x\n    entrypoint: [/e.sh]\n    volumes:\n      - ./e.sh:/e.sh:ro\n";
    let tree = Tree::new(&[
        ("compose.yaml", &format!("services:\n  a:\n{service}  b:\n{service}")),
        ("e.sh", DROPS_LATE),
    ]);
    let ran = tree.dropcap(&["scan", "--no-local-images", "--unsafe-fixes"]);
    let (compose, script) = (tree.text("compose.yaml"), tree.text("e.sh"));
    let mount = format!("      - {DROPCAP}:/usr/local/bin/dropcap:ro\n");
    assert_eq!(compose.matches(&mount).count(), 2, "{compose}{}", ran.all());
    assert!(script.contains("\nexec dropcap run -- /bin/bash -c agent || true\n"), "{script}");
    // Again, nothing is left to be changed.
    tree.dropcap(&["scan", "--no-local-images", "--unsafe-fixes"]);
    assert_eq!((tree.text("compose.yaml"), tree.text("e.sh")), (compose, script));
}

#[test]
fn where_dropcap_cannot_be_mounted_the_script_stays() {
    let compose = "services:\n  a:\n    image: x\n    entrypoint: [/e.sh]\n    volumes: &v\n      - ./e.sh:/e.sh:ro\n  b:\n    image: y\n    volumes: *v\n";
    let tree = Tree::new(&[("compose.yaml", compose), ("e.sh", DROPS_LATE)]);
    let ran = tree.dropcap(&["scan", "--no-local-images", "--unsafe-fixes"]);
    assert_eq!(tree.text("e.sh"), DROPS_LATE, "{}", ran.all());
    assert!(tree.text("compose.yaml").starts_with(compose), "{}", tree.text("compose.yaml"));
    assert!(
        ran.stdout.contains(
            "not fixed: compose.yaml#a would not have the `dropcap` that it calls\n e.sh:1:1"
        ),
        "{}",
        ran.all()
    );
}

#[test]
fn what_was_learned_with_a_mended_script_is_not_written_without_it() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let compose = format!(
        "services:\n  a:\n    image: x@{digest}\n    entrypoint: [/e.sh]\n    volumes:\n      - ./e.sh:/e.sh:ro\n"
    );
    let mended = "#!/bin/bash\nexec dropcap run -- /bin/bash -c agent || true\nexec agent\n";
    let hash = dropcap_policy::text_hash(mended.as_bytes());
    let policy = format!(
        "version = 1\n[[workload]]\nname = \"a\"\nmatch = [{{ container = \"*#a\" }}]\n\
         [workload.provenance]\nimage-digest = \"{digest}\"\nscript-hash = \"{hash}\"\n"
    );
    let tree =
        Tree::new(&[("compose.yaml", &compose), ("e.sh", DROPS_LATE), ("dropcap.toml", &policy)]);
    // What is known of the script already is left out, and with it what mends it.
    let mut known = tree.scan(&[]);
    let findings = known["findings"].as_array_mut().unwrap();
    let all = findings.len();
    findings.retain(|finding| finding["file"] == "e.sh");
    assert!(!findings.is_empty() && findings.len() < all);
    tree.write("known.json", known.to_string());
    let ran = tree.dropcap(&["scan", "--fix", "--baseline", "known.json"]);
    assert_eq!(tree.text("compose.yaml"), compose, "{}", ran.all());
    assert!(ran.stdout.contains("learned with another text of its script"), "{}", ran.all());

    let ran = tree.dropcap(&["scan", "--fix"]);
    assert_eq!(tree.text("e.sh"), mended, "{}", ran.all());
    let fixed = tree.text("compose.yaml");
    assert!(fixed.contains("cap_drop") && fixed.contains("/usr/local/bin/dropcap:ro"), "{fixed}");
}
