//! Edits of Compose files, style by style.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use dropcap_manifest::{EditError, Wanted, apply_all_and_verify, apply_and_verify};

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn drop_all(add: &[&str]) -> Wanted {
    Wanted { cap_drop: Some(strings(&["ALL"])), cap_add: Some(strings(add)), ..Wanted::default() }
}

/// Edits the service `a`, and edits again, which must change nothing.
fn edit(text: &str, wanted: &Wanted) -> Result<String, EditError> {
    let edited = apply_and_verify("compose.yaml", text.as_bytes(), "compose.yaml#a", wanted)?;
    let again = apply_and_verify("compose.yaml", &edited.bytes, "compose.yaml#a", wanted)?;
    assert_eq!(again.edits, [], "a second edit changes nothing");
    Ok(String::from_utf8(edited.bytes).unwrap())
}

#[track_caller]
fn becomes(before: &str, wanted: &Wanted, after: &str) {
    match edit(before, wanted) {
        Ok(text) => assert_eq!(text, after),
        Err(error) => panic!("{error}\n{before}"),
    }
    // The same with the line ends of Windows and a byte order mark.
    let crlf = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    assert_eq!(edit(&crlf(before), wanted).unwrap(), crlf(after));
}

#[track_caller]
fn refused(before: &str, wanted: &Wanted, why: &str) {
    let error = edit(before, wanted).unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
}

#[test]
fn a_comment_behind_the_last_item_stays_with_its_list() {
    becomes(
        "services:\n  a:\n    ports:\n      - '80'\n      # - '443'\n  # The other.\n  b:\n    image: y\n",
        &drop_all(&[]),
        "services:\n  a:\n    ports:\n      - '80'\n      # - '443'\n    cap_drop:\n      - ALL\n  # The other.\n  b:\n    image: y\n",
    );
    becomes(
        "services:\n  a:\n    cap_add:\n      - KILL\n      # It signals its workers.",
        &drop_all(&["KILL", "CHOWN"]),
        "services:\n  a:\n    cap_add:\n      - KILL\n      - CHOWN\n      # It signals its workers.\n    cap_drop:\n      - ALL",
    );
}

#[test]
fn keys_are_added_in_the_neighbours_style() {
    becomes(
        "services:\n  a:\n    image: x # ours\n\n  b:\n    image: y\n",
        &drop_all(&["CHOWN"]),
        "services:\n  a:\n    image: x # ours\n    cap_drop:\n      - ALL\n    cap_add:\n      - CHOWN\n\n  b:\n    image: y\n",
    );
    becomes(
        "services:\n    a:\n        image: x\n    b:\n        ports:\n        - '80'\n",
        &drop_all(&[]),
        "services:\n    a:\n        image: x\n        cap_drop:\n        - ALL\n    b:\n        ports:\n        - '80'\n",
    );
    becomes(
        "services:\n  a:\n    image: x\n    ports: ['80']\n  # about b\n  b: {}\n",
        &drop_all(&["KILL", "CHOWN"]),
        "services:\n  a:\n    image: x\n    ports: ['80']\n    cap_drop: [ALL]\n    cap_add: [KILL, CHOWN]\n  # about b\n  b: {}\n",
    );
    becomes(
        "services:\n  a:\n    image: x",
        &drop_all(&[]),
        "services:\n  a:\n    image: x\n    cap_drop:\n      - ALL",
    );
    becomes(
        "services:\n  a:\n    image:\n",
        &drop_all(&[]),
        "services:\n  a:\n    image:\n    cap_drop:\n      - ALL\n",
    );
    becomes(
        "services:\n  a:\n    command: |\n      one\n      two\n  b: {image: x}\n",
        &drop_all(&[]),
        "services:\n  a:\n    command: |\n      one\n      two\n    cap_drop:\n      - ALL\n  b: {image: x}\n",
    );
}

#[test]
fn services_in_flow_style() {
    becomes(
        "services: {a: {image: x}, b: {}}\n",
        &drop_all(&["KILL"]),
        "services: {a: {image: x, cap_drop: [ALL], cap_add: [KILL]}, b: {}}\n",
    );
    becomes(
        "services:\n  a: { image: x, }\n",
        &drop_all(&[]),
        "services:\n  a: { image: x, cap_drop: [ALL], }\n",
    );
    becomes("services:\n  a: {}\n", &drop_all(&[]), "services:\n  a: {cap_drop: [ALL]}\n");
    becomes(
        "services:\n  a: {image}\n",
        &drop_all(&[]),
        "services:\n  a: {image, cap_drop: [ALL]}\n",
    );
    becomes(
        "services:\n  a: {image: }\n",
        &drop_all(&[]),
        "services:\n  a: {image:, cap_drop: [ALL] }\n",
    );
    becomes(
        "{\"services\": {\"a\": {\"image\": \"x\"}}}\n",
        &drop_all(&[]),
        "{\"services\": {\"a\": {\"image\": \"x\", \"cap_drop\": [\"ALL\"]}}}\n",
    );
    becomes(
        "services:\n  a: {\n    image: x, # one\n    user: y # two\n  }\n",
        &drop_all(&[]),
        "services:\n  a: {\n    image: x, # one\n    user: y, cap_drop: [ALL] # two\n  }\n",
    );
}

#[test]
fn lists_are_changed_where_they_stand() {
    let lists = |drop: &str, add: &str| format!("services:\n  a:\n{drop}{add}    image: x\n");
    becomes(
        &lists(
            "    cap_drop:\n      - NET_RAW # no ping\n      # all?\n      - MKNOD\n",
            "    cap_add: [KILL, CHOWN, FOWNER]\n",
        ),
        &drop_all(&["CHOWN"]),
        &lists("    cap_drop:\n      - ALL # no ping\n      # all?\n", "    cap_add: [CHOWN]\n"),
    );
    becomes(
        &lists("    cap_drop: [ALL]\n", "    cap_add:\n    - KILL\n"),
        &drop_all(&["KILL", "CHOWN"]),
        &lists("    cap_drop: [ALL]\n", "    cap_add:\n    - KILL\n    - CHOWN\n"),
    );
    becomes(
        &lists("    cap_drop:\n", "    cap_add: [ \"KILL\" , 'CHOWN' ]\n"),
        &drop_all(&["KILL"]),
        &lists("    cap_drop: [ALL]\n", "    cap_add: [ \"KILL\"  ]\n"),
    );
    // An empty list takes the key away, unless a comment would go with it.
    becomes(
        &lists("    cap_drop: [ALL]\n", "    cap_add:\n      - KILL\n      - CHOWN\n"),
        &drop_all(&[]),
        &lists("    cap_drop: [ALL]\n", ""),
    );
    becomes(
        &lists("    cap_drop: [ALL]\n", "    cap_add:\n      # why\n      - KILL\n"),
        &drop_all(&[]),
        &lists("    cap_drop: [ALL]\n", "    cap_add: []\n      # why\n"),
    );
    becomes(
        &lists("    cap_drop: [ALL]\n", "    cap_add: [KILL] # why\n"),
        &drop_all(&[]),
        &lists("    cap_drop: [ALL]\n", "    cap_add: [] # why\n"),
    );
    becomes(
        &lists(
            "    cap_drop: []\n",
            "    cap_add: [\n      KILL, # one\n      CHOWN, # two\n    ]\n",
        ),
        &drop_all(&["KILL", "FOWNER"]),
        &lists(
            "    cap_drop: [ALL]\n",
            "    cap_add: [\n      KILL, # one\n      FOWNER, # two\n    ]\n",
        ),
    );
}

#[test]
fn anchors_that_others_share_stay() {
    becomes(
        "x: &caps [NET_RAW]\nservices:\n  a:\n    cap_drop: *caps # shared\n  b:\n    cap_drop: *caps\n",
        &drop_all(&[]),
        "x: &caps [NET_RAW]\nservices:\n  a:\n    cap_drop: [ALL] # shared\n  b:\n    cap_drop: *caps\n",
    );
    becomes(
        "x: &base\n  cap_drop: [NET_RAW]\nservices:\n  a:\n    <<: *base\n    image: x\n  b:\n    <<: *base\n",
        &drop_all(&[]),
        "x: &base\n  cap_drop: [NET_RAW]\nservices:\n  a:\n    <<: *base\n    image: x\n    cap_drop:\n      - ALL\n  b:\n    <<: *base\n",
    );
    let shared = "services:\n  a:\n    cap_drop: &caps [NET_RAW]\n  b:\n    cap_drop: *caps\n";
    refused(shared, &drop_all(&[]), "line 3: others share this list by its anchor");
    refused(
        "services:\n  b: &b {image: x}\n  a: *b\n",
        &drop_all(&[]),
        "the whole service is an alias",
    );
    // The service is itself what another one merges.
    let merged = "services:\n  a: &a\n    image: x\n  b:\n    <<: *a\n    user: y\n";
    refused(merged, &drop_all(&[]), "compose.yaml#b would change too");
    let wanted = drop_all(&[]);
    let both = [("compose.yaml#a", &wanted), ("compose.yaml#b", &wanted)];
    let edited = apply_all_and_verify("compose.yaml", merged.as_bytes(), &both).unwrap();
    assert_eq!(
        String::from_utf8(edited.bytes).unwrap(),
        "services:\n  a: &a\n    image: x\n    cap_drop:\n      - ALL\n  b:\n    <<: *a\n    user: y\n    cap_drop:\n      - ALL\n"
    );
}

#[test]
fn what_comes_by_extends_cannot_be_taken_away() {
    let text = "services:\n  base: {cap_add: [KILL]}\n  a:\n    extends: base\n    image: x\n";
    refused(text, &drop_all(&[]), "would not say what is wanted");
    becomes(
        text,
        &drop_all(&["KILL"]),
        "services:\n  base: {cap_add: [KILL]}\n  a:\n    extends: base\n    image: x\n    cap_drop: [ALL]\n",
    );
}

#[test]
fn the_other_settings() {
    let wanted = Wanted {
        add_security_opt: strings(&["no-new-privileges:true"]),
        remove_security_opt: strings(&["seccomp=unconfined"]),
        set_sysctls: vec![("net.ipv4.ip_unprivileged_port_start".to_owned(), "0".to_owned())],
        unprivileged: true,
        user: Some("1000:1000".to_owned()),
        ..Wanted::default()
    };
    becomes(
        "services:\n  a:\n    privileged: true # bad\n    user: root\n    security_opt:\n      - seccomp=unconfined\n    sysctls:\n      net.core.x: 1\n    image: x\n",
        &wanted,
        "services:\n  a:\n    privileged: false # bad\n    user: \"1000:1000\"\n    security_opt:\n      - no-new-privileges:true\n    sysctls:\n      net.core.x: 1\n      net.ipv4.ip_unprivileged_port_start: \"0\"\n    image: x\n",
    );
    becomes(
        "services:\n  a:\n    sysctls: [net.ipv4.ip_unprivileged_port_start=1024, b=2]\n    image: x\n",
        &Wanted { unprivileged: false, user: None, ..wanted.clone() },
        "services:\n  a:\n    sysctls: [net.ipv4.ip_unprivileged_port_start=0, b=2]\n    image: x\n    security_opt: [no-new-privileges:true]\n",
    );
    becomes(
        "x: &x {privileged: true, sysctls: {b: 2}}\nservices:\n  a:\n    <<: *x\n    image: x\n",
        &wanted,
        "x: &x {privileged: true, sysctls: {b: 2}}\nservices:\n  a:\n    <<: *x\n    image: x\n    security_opt:\n      - no-new-privileges:true\n    privileged: false\n    user: \"1000:1000\"\n    sysctls:\n      b: \"2\"\n      net.ipv4.ip_unprivileged_port_start: \"0\"\n",
    );
}

#[test]
fn what_cannot_be_edited_is_refused() {
    let id = "compose.yaml#a";
    let wanted = drop_all(&[]);
    let error = |text: &[u8]| apply_and_verify("compose.yaml", text, id, &wanted).unwrap_err();
    assert_eq!(error(b"services: {b: {}}"), EditError::NoSuchContainer(id.to_owned()));
    assert!(matches!(error(b"services: ["), EditError::Unreadable(_)));
    assert!(matches!(error(b"services:\n  a: {cap_drop: ALL}\n"), EditError::Unreadable(_)));
    assert!(matches!(error(b"services:\n\ta:\n\t\timage: x\n"), EditError::Unreadable(_)));
    let error =
        apply_and_verify("Dockerfile", b"FROM a\n", "Dockerfile#final", &wanted).unwrap_err();
    assert!(error.to_string().starts_with("line 1: a Dockerfile cannot say"), "{error}");
}

#[test]
fn a_mount_is_added_behind_the_others() {
    let mount = "/usr/local/bin/x:/usr/local/bin/x:ro";
    let wanted = Wanted { add_mounts: strings(&[mount]), ..Wanted::default() };
    becomes(
        "services:\n  a:\n    volumes:\n      - ./e.sh:/e.sh:ro # ours\n      - {type: volume, source: v, target: /v}\n    image: x\n",
        &wanted,
        "services:\n  a:\n    volumes:\n      - ./e.sh:/e.sh:ro # ours\n      - {type: volume, source: v, target: /v}\n      - /usr/local/bin/x:/usr/local/bin/x:ro\n    image: x\n",
    );
    becomes(
        "services:\n  a:\n    image: x\n",
        &wanted,
        "services:\n  a:\n    image: x\n    volumes:\n      - /usr/local/bin/x:/usr/local/bin/x:ro\n",
    );
    becomes(
        "services: {a: {image: x, volumes: ['v:/v']}}\n",
        &wanted,
        "services: {a: {image: x, volumes: ['v:/v', /usr/local/bin/x:/usr/local/bin/x:ro]}}\n",
    );
    refused(
        "x-v: &v\n  volumes: [v:/v]\nservices:\n  a:\n    <<: *v\n    image: x\n",
        &wanted,
        "merged from elsewhere",
    );
    refused(
        "services:\n  a:\n    volumes: &v\n      - v:/v\n  b:\n    volumes: *v\n",
        &wanted,
        "by an anchor",
    );
}
