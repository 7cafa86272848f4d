//! Kubernetes manifests, as a scan finds and judges them.

use crate::tree::{Tree, each, of};

const DEPLOYMENT: &str = include_str!("../../../../examples/agent-kubernetes/agent.yaml");

#[test]
fn a_deployment_is_judged_in_the_words_of_kubernetes() {
    let tree = Tree::new(&[("agent.yaml", DEPLOYMENT)]);
    insta::assert_snapshot!(tree.dropcap(&["scan"]).all());
    let document = tree.scan(&[]);
    let containers = document["containers"].as_array().unwrap();
    assert_eq!(containers.len(), 3);
    for container in containers {
        assert_eq!(container["kind"], "kubernetes");
        assert_eq!(
            (&container["engine"], &container["starter"]),
            (&"containerd".into(), &"known".into())
        );
        assert_eq!(container["image"]["state"], "assumed");
    }
    let gateway = &containers[2];
    assert_eq!(gateway["id"], "agent.yaml#agents/Deployment/agent/gateway");
    // What is written with `CAP_` drops nothing.
    assert!(gateway["initial"]["permitted"].to_string().contains("CAP_NET_RAW"));
    let rejected = of(&document, "cap-name-rejected");
    assert_eq!(rejected.len(), 1);
    assert_eq!((&rejected[0]["level"], &rejected[0]["line"]), (&"error".into(), &39.into()));
    let one = tree.scan(&["agent.yaml#agents/Deployment/agent/agent"]);
    assert_eq!(each(&one["containers"], "id"), ["agent.yaml#agents/Deployment/agent/agent"]);
}

#[test]
fn files_that_are_no_manifest_are_no_error_on_the_way_and_one_where_they_are_named() {
    let template = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  {{- toYaml .Values.x }}\n  containers: []\n";
    let tree = Tree::new(&[
        ("chart/templates/pod.yaml", template),
        ("chart/values.yaml", "a: [\n"),
        ("package.json", "{\"scripts\": {}}"),
        ("service.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"),
        (
            "pod.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i]}\n",
        ),
    ]);
    let walked = tree.scan(&[]);
    assert_eq!(each(&walked["errors"], "file"), ["pod.yaml"]);
    let service = tree.dropcap(&["scan", "service.yaml"]);
    assert_eq!(service.code, 0, "{}", service.all());
    for (named, says) in [
        ("chart/templates/pod.yaml", "a template, not YAML: render it first"),
        ("chart/values.yaml", "nor a Kubernetes manifest"),
        ("package.json", "nor a Kubernetes manifest"),
    ] {
        let said = tree.dropcap(&["scan", named]);
        assert_eq!(said.code, 2, "{named}");
        assert!(said.all().contains(says), "{}", said.all());
    }
}

#[test]
fn the_restricted_standard_is_met_by_what_says_all_of_it() {
    let pod = |context: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n  - name: c\n    image: i\n    \
             securityContext: {context}\n"
        )
    };
    let met = "{runAsUser: 1000, runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}";
    let tree = Tree::new(&[("pod.yaml", &pod(met))]);
    let said = tree.dropcap(&["scan", "--fail-on", "note"]);
    assert_eq!(said.code, 0, "{}", said.all());
    // Docker's defaults are within baseline, all but NET_RAW.
    let added = "{runAsUser: 0, capabilities: {drop: [ALL], add: [SETUID, NET_RAW, SYS_ADMIN]}}";
    let document = Tree::new(&[("pod.yaml", &pod(added))]).scan(&[]);
    let standard = |rule: &str, word: &str| {
        let found = of(&document, rule);
        let finding = found.iter().find(|one| one["message"].to_string().contains(word)).unwrap();
        finding["references"][0].as_str().unwrap().to_owned()
    };
    assert!(standard("root-equivalent-cap", "CAP_SETUID").contains("restricted, Capabilities"));
    assert!(standard("risky-cap", "CAP_NET_RAW").contains("baseline, Capabilities"));
    assert!(standard("root-equivalent-cap", "CAP_SYS_ADMIN").contains("baseline, Capabilities"));
}

/// Applies every fix, and again, which must change nothing.
fn fixed(tree: &Tree, file: &str) -> String {
    let said = tree.dropcap(&["scan", "--unsafe-fixes"]);
    assert!(said.code < 2, "{}", said.all());
    let once = tree.text(file);
    tree.dropcap(&["scan", "--unsafe-fixes"]);
    assert_eq!(tree.text(file), once, "a second run changes nothing");
    once
}

#[test]
fn a_deployment_is_fixed_in_its_own_style() {
    let tree = Tree::new(&[("agent.yaml", DEPLOYMENT)]);
    insta::assert_snapshot!(tree.dropcap(&["scan", "--diff", "--unsafe-fixes"]).all());
    assert_eq!(tree.text("agent.yaml"), DEPLOYMENT);
    fixed(&tree, "agent.yaml");
    let document = tree.scan(&[]);
    for container in document["containers"].as_array().unwrap() {
        // The first one's own words show that it gives a folder away.
        let kept = match container["id"].as_str().unwrap().ends_with("/prepare") {
            true => serde_json::json!(["CAP_CHOWN"]),
            false => serde_json::json!([]),
        };
        assert_eq!(container["initial"]["bounding"], kept, "{container:#}");
        assert_eq!(container["no_new_privileges"], true);
    }
}

#[test]
fn a_pod_is_safe_to_fix_where_the_model_proves_that_nothing_changes() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  securityContext: {runAsUser: 1000}\n  containers:\n  - name: c\n    image: i\n    volumeMounts: [{name: t, mountPath: /tmp}]\n  volumes: [{name: t, emptyDir: {}}]\n";
    let tree = Tree::new(&[("pod.yaml", pod), ("root/etc/passwd", "root:x:0:0::/:/bin/sh\n")]);
    let said = tree.dropcap(&["scan", "--fix", "--rootfs", "i=root", "pod.yaml"]);
    assert!(said.all().contains("fixed pod.yaml"), "{}", said.all());
    assert_eq!(
        tree.text("pod.yaml"),
        pod.replace(
            "  volumes:",
            "    securityContext:\n      allowPrivilegeEscalation: false\n      capabilities:\n        drop: [ALL]\n  volumes:"
        )
    );
    // What another container, which is root, puts into the volume is not known.
    let shared = pod.replace(
        "  volumes:",
        "  initContainers:\n  - name: d\n    image: i\n    securityContext: {runAsUser: 0}\n    volumeMounts: [{name: t, mountPath: /x}]\n  volumes:",
    );
    tree.write("pod.yaml", &shared);
    tree.dropcap(&["scan", "--fix", "--rootfs", "i=root", "pod.yaml"]);
    assert_eq!(tree.text("pod.yaml"), shared);
    // Who only reads there puts nothing into it.
    let reads = shared.replace("mountPath: /x", "mountPath: /x, readOnly: true");
    tree.write("pod.yaml", &reads);
    tree.dropcap(&["scan", "--fix", "--rootfs", "i=root", "pod.yaml"]);
    assert_eq!(tree.text("pod.yaml").matches("drop: [ALL]").count(), 1);
}

#[test]
fn every_kind_of_fault_is_mended_once() {
    let pod = |context: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n  - name: c\n    image: i\n    \
             securityContext: {context}\n"
        )
    };
    for (before, after) in [
        (
            "{runAsUser: 0, capabilities: {drop: [KILL, CAP_NET_RAW], add: [CAP_SYS_TIME]}}",
            "{runAsUser: 0, capabilities: {drop: [ALL], add: []}, allowPrivilegeEscalation: false}",
        ),
        (
            "{runAsUser: 0, capabilities: {drop: [all], add: [cap_kill, setuid]}}",
            "{runAsUser: 0, capabilities: {drop: [ALL], add: [KILL, SETUID]}, allowPrivilegeEscalation: false}",
        ),
        (
            "{runAsUser: 7, capabilities: {drop: [ALL], add: [CAP_KILL, CHOWN]}}",
            "{runAsUser: 7, capabilities: {drop: [ALL], add: [CAP_KILL]}, allowPrivilegeEscalation: false}",
        ),
        (
            "{capabilities: {drop: [NET_RAWW], add: [NET_ADMINN, CHOWN]}}",
            "{capabilities: {drop: [ALL], add: [CHOWN]}, allowPrivilegeEscalation: false}",
        ),
        (
            "{capabilities: {drop: [ALL], add: [CHOWNN]}}",
            "{capabilities: {drop: [ALL], add: [CHOWN]}, allowPrivilegeEscalation: false}",
        ),
        (
            "{capabilities: {drop: [ALL, CHOWN], add: [CHOWN]}}",
            "{capabilities: {drop: [ALL, CHOWN], add: []}, allowPrivilegeEscalation: false}",
        ),
        (
            "{privileged: true}",
            "{privileged: false, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}",
        ),
        (
            "{runAsUser: 0, capabilities: {add: [CAP_SYS_ADMIN]}}",
            "{runAsUser: 0, capabilities: {add: [], drop: [ALL]}, allowPrivilegeEscalation: false}",
        ),
    ] {
        let tree = Tree::new(&[("pod.yaml", &pod(before))]);
        assert_eq!(fixed(&tree, "pod.yaml"), pod(after), "{before}");
    }
    let json = "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"p\"}, \"spec\": {\"containers\": [{\"name\": \"c\", \"image\": \"i\"}]}}\n";
    let tree = Tree::new(&[("pod.json", json)]);
    let after: serde_json::Value = serde_json::from_str(&fixed(&tree, "pod.json")).unwrap();
    assert_eq!(
        after["spec"]["containers"][0]["securityContext"],
        serde_json::json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}})
    );
}

#[test]
fn a_shared_security_context_is_left_to_people() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - {name: c, image: i, securityContext: &s {runAsUser: 1}}\n  - {name: d, image: i, securityContext: *s}\n";
    let tree = Tree::new(&[("pod.yaml", pod)]);
    let document = tree.scan(&[]);
    let finding = of(&document, "caps-not-dropped")[0];
    assert!(finding["fix"].is_null());
    assert!(
        finding["help"].as_str().unwrap().contains("(by hand: line 6: others share this"),
        "{finding:#}"
    );
}
