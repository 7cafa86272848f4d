//! Edits of Kubernetes manifests: what changes, to the byte, and what is refused.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use dropcap_manifest::{EditError, Wanted, apply_and_verify};

fn words(list: &[&str]) -> Option<Vec<String>> {
    Some(list.iter().map(|word| (*word).to_owned()).collect())
}

/// What the fix of a container that drops nothing wants.
fn closed() -> Wanted {
    Wanted { cap_drop: words(&["ALL"]), no_privilege_escalation: true, ..Wanted::default() }
}

fn edited_as(file: &str, text: &str, container: &str, wanted: &Wanted) -> String {
    let id = format!("{file}#default/Pod/p/{container}");
    let edited = apply_and_verify(file, text.as_bytes(), &id, wanted).unwrap();
    let again = apply_and_verify(file, &edited.bytes, &id, wanted).unwrap();
    assert_eq!(again.edits, [], "a second edit changes nothing");
    String::from_utf8(edited.bytes).unwrap()
}

fn pod(spec: &str) -> String {
    format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:{spec}\n")
}

#[track_caller]
fn becomes(before: &str, wanted: &Wanted, after: &str) {
    assert_eq!(edited_as("pod.yaml", &pod(before), "c", wanted), pod(after));
}

fn refusal(spec: &str, wanted: &Wanted) -> String {
    match apply_and_verify("pod.yaml", pod(spec).as_bytes(), "pod.yaml#default/Pod/p/c", wanted) {
        Err(EditError::Unsupported { line, reason }) => format!("{line}: {reason}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_container_without_a_security_context_gets_one() {
    becomes(
        "
  containers:
    - name: c # ours
      image: i
      ports:
        - containerPort: 80
    - name: d
      image: i",
        &closed(),
        "
  containers:
    - name: c # ours
      image: i
      ports:
        - containerPort: 80
      securityContext:
        allowPrivilegeEscalation: false
        capabilities:
          drop:
            - ALL
    - name: d
      image: i",
    );
    // Lists as they are written elsewhere: in brackets, or with the dash below the key.
    becomes(
        "\n  containers:\n  - image: i\n    name: c\n    args: [a]",
        &Wanted { cap_add: words(&["KILL"]), ..closed() },
        "\n  containers:\n  - image: i\n    name: c\n    args: [a]\n    securityContext:\n      \
         allowPrivilegeEscalation: false\n      capabilities:\n        drop: [ALL]\n        add: [KILL]",
    );
    becomes(
        "\n  containers:\n  - image: i\n    name: c\n    command:\n    - a",
        &closed(),
        "\n  containers:\n  - image: i\n    name: c\n    command:\n    - a\n    securityContext:\n      \
         allowPrivilegeEscalation: false\n      capabilities:\n        drop:\n        - ALL",
    );
}

#[test]
fn what_is_there_stays_and_what_is_missing_comes() {
    becomes(
        "
  containers:
  - name: c
    image: i
    securityContext:
      # why not
      runAsUser: 0
      allowPrivilegeEscalation: true # hm
      capabilities:
        add: [CAP_CHOWN, KILL] # both
    env: []",
        &Wanted { cap_add: words(&["CHOWN", "KILL"]), ..closed() },
        "
  containers:
  - name: c
    image: i
    securityContext:
      # why not
      runAsUser: 0
      allowPrivilegeEscalation: false # hm
      capabilities:
        add: [CHOWN, KILL] # both
        drop: [ALL]
    env: []",
    );
    for (before, after) in [
        ("{}", "{allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}"),
        (
            "{runAsUser: 5}",
            "{runAsUser: 5, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}",
        ),
        ("{capabilities: {}}", "{capabilities: {drop: [ALL]}, allowPrivilegeEscalation: false}"),
        (
            "{capabilities: {drop: [KILL], add: [CHOWN]}}",
            "{capabilities: {drop: [ALL], add: [CHOWN]}, allowPrivilegeEscalation: false}",
        ),
        ("", "{allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}"),
        ("~", "{allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}"),
    ] {
        let of = |context: &str| {
            format!("\n  containers:\n  - image: i\n    name: c\n    securityContext: {context}")
        };
        becomes(of(before).trim_end(), &closed(), &of(after));
    }
    let unprivileged =
        Wanted { unprivileged: true, user: Some("7".to_owned()), ..Wanted::default() };
    becomes(
        " {containers: [{name: c, image: i, securityContext: {privileged: true}}]}",
        &unprivileged,
        " {containers: [{name: c, image: i, securityContext: {privileged: false, runAsUser: 7}}]}",
    );
}

#[test]
fn lists_take_words_in_and_out_in_their_own_style() {
    becomes(
        "
  containers:
    - name: c
      image: i
      securityContext:
        capabilities:
          drop:
            - NET_RAW
            - MKNOD
          add:
            - KILL",
        &Wanted { cap_drop: words(&["ALL"]), cap_add: words(&[]), ..Wanted::default() },
        "
  containers:
    - name: c
      image: i
      securityContext:
        capabilities:
          drop:
            - ALL",
    );
}

#[test]
fn json_stays_json() {
    let before = "{\n  \"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"p\"},\n  \"spec\": {\n    \
                  \"containers\": [\n      {\n        \"name\": \"c\",\n        \"image\": \"i\"\n      },\n      \
                  {\"name\": \"d\", \"image\": \"i\", \"securityContext\": {\"capabilities\": {\"drop\": []}}}\n    ]\n  }\n}\n";
    let after = edited_as("pod.json", before, "c", &closed());
    assert_eq!(
        after,
        before.replace(
            "\"image\": \"i\"\n",
            "\"image\": \"i\",\n        \"securityContext\": {\"allowPrivilegeEscalation\": false, \
             \"capabilities\": {\"drop\": [\"ALL\"]}}\n"
        )
    );
    // Whatever it is indented by.
    let by_tabs = |text: &str| text.replace("  ", "\t");
    assert_eq!(edited_as("pod.json", &by_tabs(before), "c", &closed()), by_tabs(&after));
    let after = edited_as("pod.json", before, "d", &closed());
    assert_eq!(
        after,
        before.replace(
            "{\"capabilities\": {\"drop\": []}}",
            "{\"capabilities\": {\"drop\": [\"ALL\"]}, \"allowPrivilegeEscalation\": false}"
        )
    );
}

#[test]
fn every_other_byte_stays() {
    let text = "\u{feff}# größe\r\napiVersion: v1\r\nkind: Pod\r\nmetadata: {name: p}\r\nspec:\r\n  containers:\r\n  - \
                name: c\r\n    image: i # ü\r\n---\r\nkind: Other\r\n";
    let after = edited_as("pod.yaml", text, "c", &closed());
    assert_eq!(
        after,
        text.replace(
            "# ü\r\n",
            "# ü\r\n    securityContext:\r\n      allowPrivilegeEscalation: false\r\n      capabilities:\r\n        \
             drop:\r\n          - ALL\r\n"
        )
    );
}

#[test]
fn what_others_share_is_not_touched() {
    let shared = "\n  containers:\n  - {name: c, image: i, securityContext: &s {runAsUser: 1}}\n  - {name: d, image: i, securityContext: *s}";
    let reason =
        "others share this securityContext by an anchor: give this container one of its own";
    assert_eq!(refusal(shared, &closed()), format!("6: {reason}"));
    let alias = "\n  containers:\n  - {name: d, image: i, securityContext: &s {runAsUser: 1}}\n  - {name: c, image: i, securityContext: *s}";
    assert_eq!(refusal(alias, &closed()), format!("7: {reason}"));
    let merged = "\n  containers:\n  - &d {name: d, image: i, securityContext: {runAsUser: 1}}\n  - {<<: *d, name: c}";
    assert_eq!(refusal(merged, &closed()), format!("7: {reason}"));
    // A whole container that others share, by an anchor further up.
    let text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: p}, spec: &s {containers: [{name: c, image: i}]}}\n- {apiVersion: v1, kind: Pod, metadata: {name: q}, spec: *s}\n";
    let error =
        apply_and_verify("pod.yaml", text.as_bytes(), "pod.yaml#default/Pod/p/c", &closed());
    assert!(matches!(error, Err(EditError::Verification(_))), "{error:?}");
    let sysctl =
        Wanted { set_sysctls: vec![("a".to_owned(), "b".to_owned())], ..Wanted::default() };
    assert_eq!(
        refusal("\n  containers: [{name: c, image: i}]", &sysctl),
        "5: sysctls are the pod's, and all of its containers share them"
    );
}
