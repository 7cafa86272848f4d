//! `dropcap emit`: settings to start something with.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "scan/tree.rs"]
#[allow(dead_code, reason = "the scan's tests use the rest")]
mod tree;

use tree::Tree;

const POLICY: &str = "version = 1\n[[workload]]\nname = \"web\"\nallow = [\"NET_BIND_SERVICE\"]\nsetup = \
                      [\"SETUID\"]\nmatch = [{ container = \"compose.yaml#*\" }]\n[[workload]]\nname = \
                      \"old\"\nno-new-privileges = false\n[[workload]]\nname = \"sandbox\"\nallow = \
                      [\"SYS_ADMIN\"]\nuser-namespaces = true\n[[workload]]\nname = \"admin\"\nallow = [\"SYS_ADMIN\"]\n";
const COMPOSE: &str = "services:\n  root:\n    image: x\n    user: root\n    cap_add: [SYS_ADMIN]\n  user:\n    \
                       image: x\n    user: \"1000\"\n  none:\n    image: x\n";

/// A pod whose container takes `context`, as it was printed.
fn pod(context: &str) -> String {
    let context: String = context.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n  - name: c\n    image: x\n{context}"
    )
}

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
    let context = "exit 0\n--- stdout\nsecurityContext:\n  allowPrivilegeEscalation: false\n  capabilities:\n    drop: \
                   [ALL]\n  seccompProfile:\n    type: RuntimeDefault\n--- stderr\n";
    assert_eq!(emit(&tree, &["kubernetes"]), context);
    assert_eq!(emit(&tree, &["kubernetes", "compose.yaml#root"]), context);
    let section = "[Container]\nDropCapability=all\nNoNewPrivileges=true\n--- stderr\nnote: Podman's default seccomp";
    assert!(emit(&tree, &["podman-quadlet"]).contains(section));
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
            emit(&tree, &["kubernetes", "web"]),
            emit(&tree, &["kubernetes", "old"]),
            emit(&tree, &["kubernetes", "sandbox"]),
            emit(&tree, &["kubernetes", "web", "--format", "json"]),
            emit(&tree, &["podman-quadlet", "web"]),
            emit(&tree, &["podman-quadlet", "old"]),
            emit(&tree, &["podman-quadlet", "sandbox"]),
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
fn what_stands_in_is_set_where_the_file_says_otherwise() {
    let closed = "    sysctls: {net.ipv4.ip_unprivileged_port_start: 1024}\n  none:";
    let compose = COMPOSE.replace("  none:", closed);
    let tree = Tree::new(&[("dropcap.toml", POLICY), ("compose.yaml", &compose)]);
    let user = emit(&tree, &["docker-run", "compose.yaml#user"]);
    assert!(user.contains(" --sysctl net.ipv4.ip_unprivileged_port_start=0\n"), "{user}");
}

/// Kubernetes and Docker give such a user nothing, Podman what is added: whatever the file was written for.
#[test]
fn the_engine_that_reads_it_counts() {
    let pods = format!("{}    securityContext: {{runAsUser: 1000}}\n", pod(""));
    let host = pods.replace("spec:\n", "spec:\n  hostNetwork: true\n");
    let script = "podman run --user 1000 x\n";
    let policy = POLICY.replace("compose.yaml#*", "*.*#*");
    let tree = Tree::new(&[
        ("dropcap.toml", &policy),
        ("compose.yaml", COMPOSE),
        ("pod.yaml", &pods),
        ("host.yaml", &host),
        ("start.sh", script),
    ]);
    let users = ["compose.yaml#user", "pod.yaml#default/Pod/p/c", "start.sh#1"];
    for user in users {
        let context = emit(&tree, &["kubernetes", user]);
        assert!(context.starts_with("exit 0") && !context.contains("add:"), "{context}");
        assert!(context.contains("CAP_SETUID cannot be given: containerd"), "{context}");
        assert!(context.contains("value: \"0\"}]`"), "{context}");
        let section = emit(&tree, &["podman-quadlet", user]);
        assert!(section.contains("\nAddCapability=SETUID NET_BIND_SERVICE\n"), "{section}");
        assert!(!section.contains("cannot be given"), "{section}");
    }
    let root = emit(&tree, &["kubernetes", "compose.yaml#root"]);
    assert!(root.contains("\n    add: [SETUID, NET_BIND_SERVICE]\n"), "{root}");
    assert!(!root.contains("sysctls"), "{root}");
    let of_host = emit(&tree, &["kubernetes", "host.yaml#default/Pod/p/c"]);
    assert!(of_host.contains("the host's") && !of_host.contains("sysctls:"), "{of_host}");
}

/// The container of `scan FILE --format json`, and the rules that fire.
fn scanned(tree: &Tree, file: &str) -> (serde_json::Value, Vec<String>) {
    let report = tree.dropcap(&["scan", file, "--format", "json"]).json();
    assert_eq!(report["errors"].as_array().unwrap().len(), 0, "{report}");
    let findings = report["findings"].as_array().unwrap();
    let rules = findings.iter().map(|one| one["rule"].as_str().unwrap().to_owned()).collect();
    (report["containers"][0].clone(), rules)
}

#[test]
fn a_pod_that_has_it_holds_what_was_wanted() {
    let tree = Tree::new(&[("dropcap.toml", POLICY), ("pod.yaml", &pod(""))]);
    let (_, rules) = scanned(&tree, "pod.yaml");
    assert!(rules.contains(&"caps-not-dropped".to_owned()), "{rules:?}");
    for (workload, wanted, no_new_privileges, user_namespaces) in [
        ("web", vec!["CAP_SETUID", "CAP_NET_BIND_SERVICE"], true, "closed"),
        ("old", vec![], false, "closed"),
        ("admin", vec!["CAP_SYS_ADMIN"], true, "open"),
        ("sandbox", vec!["CAP_SYS_ADMIN"], true, "open"),
    ] {
        let printed = tree.dropcap(&["emit", "--as", "kubernetes", workload]);
        let is_said = printed.stderr.contains("user namespaces");
        assert_eq!(is_said, user_namespaces == "open", "{}", printed.stderr);
        tree.write("pod.yaml", pod(&printed.stdout));
        let (container, rules) = scanned(&tree, "pod.yaml");
        assert_eq!(container["initial"]["bounding"], serde_json::json!(wanted), "{container}");
        assert_eq!(container["initial"]["permitted"], serde_json::json!(wanted), "{container}");
        assert_eq!(container["no_new_privileges"], no_new_privileges, "{container}");
        assert_eq!(container["nested"], user_namespaces, "{container}");
        assert!(!rules.iter().any(|rule| rule.starts_with("caps-")), "{rules:?}");
    }
}

#[test]
fn a_profile_that_somebody_wrote_stays() {
    let policy = POLICY.replace("compose.yaml#*", "pod.yaml#*");
    let tree = Tree::new(&[("dropcap.toml", &policy)]);
    let emit_beside = |profile: &str| {
        tree.write("pod.yaml", pod(&format!("securityContext:\n  seccompProfile: {{{profile}}}")));
        emit(&tree, &["kubernetes", "pod.yaml#default/Pod/p/c"])
    };
    let own = emit_beside("type: Localhost, localhostProfile: own.json");
    assert!(own.contains("profile `own.json` stays") && !own.contains("seccompProfile:"), "{own}");
    let open = emit_beside("type: Unconfined");
    assert!(open.contains("type: RuntimeDefault") && !open.contains("stays"), "{open}");
    tree.write("dropcap.toml", "version = 1\n");
    let without_policy = emit_beside("type: Localhost, localhostProfile: own.json");
    assert!(!without_policy.contains("seccompProfile:"), "{without_policy}");
}

/// By the flags that podman-systemd.unit(5) says a key stands for.
#[test]
fn a_quadlet_that_has_it_holds_what_was_wanted() {
    let tree = Tree::new(&[("dropcap.toml", POLICY)]);
    for (workload, wanted, no_new_privileges) in
        [("web", vec!["CAP_SETUID", "CAP_NET_BIND_SERVICE"], true), ("old", vec![], false)]
    {
        let section = tree.dropcap(&["emit", "--as", "podman-quadlet", workload]).stdout;
        let mut lines = section.lines();
        assert_eq!(lines.next(), Some("[Container]"));
        let flags = lines.flat_map(|line| {
            let (key, value) = line.split_once('=').unwrap();
            let flag = match key {
                "DropCapability" => "--cap-drop",
                "AddCapability" => "--cap-add",
                "NoNewPrivileges" => return vec!["--security-opt=no-new-privileges".to_owned()],
                other => panic!("{other}"),
            };
            value.split(' ').map(|word| format!("{flag}={word}")).collect()
        });
        let flags = flags.collect::<Vec<_>>().join(" ");
        tree.write("start.sh", format!("podman run {flags} --user 1000 x\n"));
        let (container, rules) = scanned(&tree, "start.sh");
        assert_eq!(container["initial"]["permitted"], serde_json::json!(wanted), "{container}");
        assert_eq!(container["no_new_privileges"], no_new_privileges, "{container}");
        assert!(!rules.iter().any(|rule| rule.starts_with("caps-")), "{rules:?}");
    }
}

#[test]
fn what_is_not_there_is_an_error() {
    let tree = Tree::new(&[("compose.yaml", COMPOSE)]);
    assert!(emit(&tree, &["compose", "web"]).starts_with("exit 2"));
    tree.write("dropcap.toml", POLICY);
    let wrong = emit(&tree, &["compose", "wbe"]);
    assert!(
        wrong.starts_with("exit 2") && wrong.contains("it has web, old, sandbox, admin"),
        "{wrong}"
    );
    assert!(emit(&tree, &["compose", "compose.yaml#x"]).starts_with("exit 2"));
    assert!(emit(&tree, &["compose", "missing.yaml#x"]).starts_with("exit 2"));
    assert!(emit(&tree, &["systemd"]).starts_with("exit 2"));
}
