//! What is read of Compose files.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use dropcap_manifest::{Build, Container, Document, Engine, Kind, Spanned, Starter, read};

fn one(text: &str) -> Container {
    let mut document = clean(text);
    assert_eq!(document.containers.len(), 1, "{document:#?}");
    document.containers.remove(0)
}

fn clean(text: &str) -> Document {
    let document = read("deploy/compose.yaml", text.as_bytes());
    assert_eq!(document.errors, [], "{text}");
    document
}

fn values(list: &[Spanned<String>]) -> Vec<&str> {
    list.iter().map(|item| item.value.as_str()).collect()
}

/// Each span must hold the text that it was read from.
fn written<'t>(text: &'t str, list: &[Spanned<String>]) -> Vec<&'t str> {
    list.iter().map(|item| &text[item.span.clone()]).collect()
}

#[test]
fn every_key_of_a_service() {
    let text = r#"
name: demo
x-common: ignored
services:
  agent:
    image: "example/agent:${TAG:-1.0}"
    user: 1000:1000
    privileged: yes
    cap_add: [NET_ADMIN, 'cap_chown'] # why
    cap_drop:
      - ALL
    security_opt:
    - no-new-privileges:true
    - "seccomp=unconfined"
    group_add: [docker, 4]
    userns_mode: host
    pid: host
    network_mode: "service:db"
    ipc: shareable
    sysctls:
      net.ipv4.ip_unprivileged_port_start: 0
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock:ro
      - data:/data
      - type: bind
        source: ./src
        target: /src
        read_only: true
    tmpfs: /run:mode=755
    read_only: true
    entrypoint: ["/bin/tini", "--"]
    command: sh -c "exec 'a b'"
"#;
    let container = one(text);
    assert_eq!(container.id, "deploy/compose.yaml#agent");
    assert_eq!(container.subject(), "agent");
    assert_eq!(&text[container.span.clone()], "agent");
    assert_eq!(
        (container.kind, container.engine, container.starter),
        (Kind::Compose, Engine::Docker, Starter::Known)
    );
    let image = container.image.unwrap();
    assert_eq!(image.value, "example/agent:1.0");
    assert_eq!(&text[image.span], "\"example/agent:${TAG:-1.0}\"");
    let settings = container.settings;
    assert_eq!(settings.user.unwrap().value, "1000:1000");
    assert!(settings.privileged.unwrap().value);
    assert_eq!(values(&settings.cap_add), ["NET_ADMIN", "cap_chown"]);
    assert_eq!(written(text, &settings.cap_add), ["NET_ADMIN", "'cap_chown'"]);
    assert_eq!(written(text, &settings.cap_drop), ["ALL"]);
    assert_eq!(values(&settings.security_opt), ["no-new-privileges:true", "seccomp=unconfined"]);
    assert_eq!(values(&settings.group_add), ["docker", "4"]);
    assert_eq!(settings.userns.unwrap().value, "host");
    assert_eq!(settings.pid.unwrap().value, "host");
    assert_eq!(settings.network.unwrap().value, "service:db");
    assert_eq!(settings.ipc.unwrap().value, "shareable");
    assert_eq!(
        settings.sysctls,
        [("net.ipv4.ip_unprivileged_port_start".to_owned(), "0".to_owned())]
    );
    let mounts: Vec<_> = settings
        .mounts
        .iter()
        .map(|mount| {
            (mount.source.as_str(), mount.target.as_str(), mount.bind, mount.read_only, mount.tmpfs)
        })
        .collect();
    assert_eq!(
        mounts,
        [
            ("/var/run/docker.sock", "/var/run/docker.sock", true, true, false),
            ("data", "/data", false, false, false),
            ("./src", "/src", true, true, false),
            ("", "/run", false, false, true),
        ]
    );
    assert!(settings.read_only);
    assert_eq!(settings.entrypoint.unwrap().value, ["/bin/tini", "--"]);
    assert_eq!(settings.command.unwrap().value, ["sh", "-c", "exec 'a b'"]);
    assert_eq!(container.unknowns, []);
}

#[test]
fn sysctls_as_a_list_and_the_builds_forms() {
    let text = "services:
  a: {build: ., sysctls: [net.ipv4.ping_group_range=0 0]}
  b: {build: {context: ../b, dockerfile: docker/Dockerfile.dev, target: runtime}}
  c: {build: {target: x}}
  d: {build: https://example.org/x.git}
  e: {build: {dockerfile_inline: FROM scratch}}
";
    let document = clean(text);
    let build = |context: &str, dockerfile: &str, target: Option<&str>| {
        let target = target.map(str::to_owned);
        Some(Build { dockerfile: dockerfile.to_owned(), context: context.to_owned(), target })
    };
    let builds: Vec<_> =
        document.containers.iter().map(|container| container.build.clone()).collect();
    assert_eq!(
        builds,
        [
            build("deploy", "deploy/Dockerfile", None),
            build("b", "b/docker/Dockerfile.dev", Some("runtime")),
            build("deploy", "deploy/Dockerfile", Some("x")),
            None,
            None,
        ]
    );
    assert_eq!(
        document.containers[0].settings.sysctls,
        [("net.ipv4.ping_group_range".to_owned(), "0 0".to_owned())]
    );
    assert_eq!(document.containers[3].unknowns.len(), 1);
    assert_eq!(document.containers[4].unknowns.len(), 1);
}

#[test]
fn anchors_aliases_and_merge_keys() {
    let text = "
x-caps: &caps
  cap_drop: &all [ALL]
  user: nobody
x-more: &more {privileged: true, user: root}
services:
  a:
    <<: [*caps, *more]
    cap_add: &add
      - CHOWN
  b:
    <<: *caps
    user: '0'
    cap_add: *add
  c: {cap_drop: *all}
";
    let document = clean(text);
    let [a, b, c] = document.containers.as_slice() else { panic!("{document:#?}") };
    assert_eq!(values(&a.settings.cap_drop), ["ALL"]);
    assert_eq!(a.settings.user.as_ref().unwrap().value, "nobody", "the earlier merge wins");
    assert!(a.settings.privileged.as_ref().unwrap().value);
    assert_eq!(b.settings.user.as_ref().unwrap().value, "0", "the own key wins");
    assert_eq!(values(&b.settings.cap_add), ["CHOWN"]);
    assert_eq!(written(text, &b.settings.cap_add), ["CHOWN"]);
    assert_eq!(values(&c.settings.cap_drop), ["ALL"]);
}

#[test]
fn extends_within_the_file_and_from_elsewhere() {
    let text = "
services:
  base:
    image: alpine
    cap_add: [CHOWN]
    user: root
  middle:
    extends: base
    cap_add: [KILL]
  last:
    extends: {service: middle}
    user: nobody
  other:
    extends: {service: x, file: other.yaml}
  same:
    extends: {service: base, file: ./compose.yaml}
";
    let document = clean(text);
    let last = &document.containers[2];
    assert_eq!(last.image.as_ref().unwrap().value, "alpine");
    assert_eq!(values(&last.settings.cap_add), ["CHOWN", "KILL"]);
    assert_eq!(last.settings.user.as_ref().unwrap().value, "nobody");
    assert_eq!(last.id, "deploy/compose.yaml#last");
    assert_eq!(
        document.containers[3].unknowns[0].value,
        "it extends x of other.yaml, which is not read"
    );
    assert_eq!(values(&document.containers[4].settings.cap_add), ["CHOWN"]);

    let document = read(
        "compose.yaml",
        b"services:\n  a: {extends: b}\n  b: {extends: a}\n  c: {extends: z}\n",
    );
    let messages: Vec<_> = document.errors.iter().map(ToString::to_string).collect();
    assert!(
        messages.contains(&"line 2, column 16: a extends itself".to_owned())
            || !messages.is_empty()
    );
    assert!(
        messages
            .iter()
            .any(|message| message.starts_with("line 4, column 16: there is no service z"))
    );
    assert_eq!(document.containers.len(), 3);
}

#[test]
fn a_variable_without_a_default_is_kept_and_said() {
    let container = one("services: {a: {image: x, user: \"${WHO}\", privileged: $PRIVILEGED}}");
    assert_eq!(container.settings.user.unwrap().value, "${WHO}");
    assert_eq!(container.settings.privileged, None);
    let unknowns = values(&container.unknowns);
    assert_eq!(unknowns, ["the value of ${WHO}", "the value of $PRIVILEGED"]);
}

#[test]
fn brackets_that_are_indented_too_little_are_taken_as_compose_takes_them() {
    let text = "services:
  a:
    command: [
      \"sh\", # größe
      '-c' # it's
    ]
    cap_add: [
    \"CHOWN\",
\"KILL\"
]
    sysctls: {
      \"a.b\": \"1\"
    }
    user: last
";
    for text in [text.to_owned(), text.replace('\n', "\r\n")] {
        let container = one(&text);
        let settings = &container.settings;
        assert_eq!(settings.command.as_ref().unwrap().value, ["sh", "-c"]);
        assert_eq!(written(&text, &settings.cap_add), ["\"CHOWN\"", "\"KILL\""]);
        assert_eq!(settings.sysctls, [("a.b".to_owned(), "1".to_owned())]);
        let user = settings.user.as_ref().unwrap();
        assert_eq!((user.value.as_str(), &text[user.span.clone()]), ("last", "last"));
    }
    // What is wrong all the same is said at its own line.
    let document = read("compose.yaml", b"a: [\n'b'\n]\nc: [\n'd'\n]\ne: {\n");
    assert_eq!(document.errors[0].line, 8, "{:?}", document.errors);
}

#[test]
fn several_documents_are_merged() {
    let document = clean(
        "services: {a: {cap_add: [CHOWN]}}\n---\nservices: {a: {cap_add: [KILL]}, b: {image: x}}\n",
    );
    assert_eq!(document.containers.len(), 2);
    assert_eq!(values(&document.containers[0].settings.cap_add), ["CHOWN", "KILL"]);
}

#[test]
fn a_file_without_services_has_no_containers() {
    for text in
        ["", "volumes: {a: {}}\n", "services:\n", "- a\n- b\n", "just text\n", "# only a comment\n"]
    {
        assert_eq!(clean(text).containers, [], "{text}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, message) in [
        ("services:\n  a:\n    cap_add: CHOWN\n", "line 3, column 14: cap_add must be a list"),
        (
            "services:\n  a:\n    privileged: perhaps\n",
            "line 3, column 17: privileged must be true or false, and is perhaps",
        ),
        ("services:\n  a: 1\n", "line 2, column 6: the service a must be a mapping"),
        ("services:\n  : {image: x}\n", "line 2, column 5: a service without a name"),
        ("services: []\n", "line 1, column 11: services must be a mapping of names to services"),
        (
            "services:\n  a:\n    user: x\n    user: y\n",
            "line 4, column 5: the key user is there twice, which Compose refuses",
        ),
        ("services:\n  a:\n    user: [x]\n", "line 3, column 11: this must be a single value"),
        (
            "services:\n  a:\n    command: 'echo \"'\n",
            "line 3, column 14: a quote in command is not closed",
        ),
    ] {
        let document = read("compose.yaml", text.as_bytes());
        let messages: Vec<_> = document.errors.iter().map(ToString::to_string).collect();
        assert_eq!(messages, [message], "{text}");
    }
    let document = read("compose.yaml", b"services:\n  a: [\n");
    assert!(document.errors[0].message.starts_with("not YAML:"), "{:?}", document.errors);
    assert_eq!(document.errors[0].line, 3);
}

#[test]
fn spans_survive_crlf_a_byte_order_mark_and_wide_characters() {
    let text = "\u{feff}# größe\r\nservices:\r\n  dienst-ö:\r\n    user: \"ü\" # x\r\n    cap_add:\r\n    - KILL\r\n";
    let container = one(text);
    assert_eq!(&text[container.span.clone()], "dienst-ö");
    assert_eq!(&text[container.settings.user.as_ref().unwrap().span.clone()], "\"ü\"");
    assert_eq!(written(text, &container.settings.cap_add), ["KILL"]);
}

#[test]
fn hosts_are_known_in_either_spelling() {
    let hosts = |written: &str| {
        let text = format!("services:\n  a:\n    extra_hosts:\n{written}");
        one(&text).settings.start.extra_hosts
    };
    let expected = ["db:10.0.0.2", "six:::1"];
    assert_eq!(hosts("      - db:10.0.0.2\n      - six=::1\n"), expected);
    assert_eq!(hosts("      db: 10.0.0.2\n      six: ['::1']\n"), expected);
}
