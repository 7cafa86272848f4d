//! `dropcap emit`: settings to start something with.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "scan/tree.rs"]
#[allow(dead_code, reason = "the scan's tests use the rest")]
mod tree;

use tree::Tree;

const POLICY: &str = "version = 1\n[[workload]]\nname = \"web\"\nallow = [\"NET_BIND_SERVICE\"]\nsetup = \
                      [\"SETUID\"]\nmatch = [{ container = \"compose.yaml#*\" }]\n[[workload]]\nname = \
                      \"old\"\nno-new-privileges = false\n";
const COMPOSE: &str = "services:\n  root:\n    image: x\n    user: root\n    cap_add: [SYS_ADMIN]\n  user:\n    \
                       image: x\n    user: \"1000\"\n  none:\n    image: x\n";

fn emit(tree: &Tree, arguments: &[&str]) -> String {
    let mut all = vec!["emit", "--as"];
    all.extend(arguments);
    tree.dropcap(&all).all()
}

#[test]
fn without_a_policy_everything_is_dropped() {
    let tree = Tree::new(&[("compose.yaml", COMPOSE)]);
    let flags =
        "exit 0\n--- stdout\n--cap-drop ALL --security-opt no-new-privileges:true\n--- stderr\n";
    assert_eq!(emit(&tree, &["docker-run"]), flags);
    assert_eq!(emit(&tree, &["docker-run", "compose.yaml#root"]), flags);
    let keys = "exit 0\n--- stdout\ncap_drop:\n  - ALL\nsecurity_opt:\n  - no-new-privileges:true\n--- stderr\n";
    assert_eq!(emit(&tree, &["compose"]), keys);
}

#[test]
fn a_workload_has_what_the_policy_says() {
    let tree = Tree::new(&[("dropcap.toml", POLICY)]);
    insta::assert_snapshot!(
        [
            emit(&tree, &["docker-run", "web"]),
            emit(&tree, &["compose", "web"]),
            emit(&tree, &["compose", "old"]),
            emit(&tree, &["docker-run", "web", "--format", "json"]),
        ]
        .join("\n")
    );
}

#[test]
fn a_container_has_it_as_its_user_can_use_it() {
    let tree = Tree::new(&[("dropcap.toml", POLICY), ("compose.yaml", COMPOSE)]);
    let root = emit(&tree, &["docker-run", "compose.yaml#root"]);
    assert!(root.contains("--cap-add SETUID --cap-add NET_BIND_SERVICE"), "{root}");
    let user = emit(&tree, &["docker-run", "compose.yaml#user"]);
    assert!(!user.contains("--cap-add"), "Docker gives a user nothing that is added: {user}");
    assert!(user.contains("ip_unprivileged_port_start=0"), "{user}");
    assert!(user.contains("CAP_SETUID cannot be given"), "{user}");
}

#[test]
fn what_is_not_there_is_an_error() {
    let tree = Tree::new(&[("compose.yaml", COMPOSE)]);
    assert!(emit(&tree, &["compose", "web"]).starts_with("exit 2"));
    tree.write("dropcap.toml", POLICY);
    let wrong = emit(&tree, &["compose", "wbe"]);
    assert!(wrong.starts_with("exit 2") && wrong.contains("it has web, old"), "{wrong}");
    assert!(emit(&tree, &["compose", "compose.yaml#x"]).starts_with("exit 2"));
    assert!(emit(&tree, &["compose", "missing.yaml#x"]).starts_with("exit 2"));
    assert!(emit(&tree, &["podman-quadlet"]).starts_with("exit 2"));
}
