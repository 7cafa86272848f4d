//! A tree's containers: overrides, builds, entrypoint scripts.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use dropcap_manifest::{Container, Document, Spanned, join, read};

fn tree(files: &[(&str, &str)]) -> Vec<Container> {
    let mut documents: Vec<Document> =
        files.iter().map(|(path, text)| read(path, text.as_bytes())).collect();
    for document in &documents {
        assert_eq!(document.errors, [], "{}", document.path);
    }
    let containers = join(&mut documents);
    // Each place must lie in the file that it is said to lie in.
    for container in &containers {
        let settings = &container.settings;
        let spans = settings.cap_add.iter().chain(&settings.cap_drop).map(|cap| &cap.span);
        let spans = spans.chain(settings.mounts.iter().map(|mount| &mount.span));
        for span in spans.chain(settings.user.iter().map(|user| &user.span)) {
            let (file, span) = container.place(span);
            let (_, text) = files.iter().find(|(path, _)| *path == file).unwrap();
            assert!(text.get(span.clone()).is_some_and(|text| !text.is_empty()), "{file} {span:?}");
        }
    }
    containers
}

fn values(list: &[Spanned<String>]) -> Vec<&str> {
    list.iter().map(|item| item.value.as_str()).collect()
}

fn ids(containers: &[Container]) -> Vec<&str> {
    containers.iter().map(|container| container.id.as_str()).collect()
}

#[test]
fn an_override_is_appended_and_keeps_its_places() {
    let base = "services:\n  a:\n    image: x\n    cap_add: [CHOWN]\n    cap_drop: [ALL]\n    user: root\n    read_only: true\n    volumes: ['./a:/data', './b:/b']\n  b: {image: y}\n";
    let over = "services:\n  a:\n    cap_add: [KILL, CHOWN]\n    cap_drop: !override [NET_RAW]\n    user: !reset null\n    read_only: false\n    volumes: ['./c:/data']\n  c: {image: z}\n";
    let containers = tree(&[("d/compose.override.yaml", over), ("d/compose.yaml", base)]);
    assert_eq!(
        ids(&containers),
        ["d/compose.override.yaml#c", "d/compose.yaml#a", "d/compose.yaml#b"]
    );
    let a = &containers[1];
    assert_eq!(values(&a.settings.cap_add), ["CHOWN", "KILL"]);
    assert_eq!(values(&a.settings.cap_drop), ["NET_RAW"]);
    assert_eq!(a.settings.user, None);
    assert!(!a.settings.read_only);
    let sources: Vec<_> = a.settings.mounts.iter().map(|mount| mount.source.as_str()).collect();
    assert_eq!(sources, ["./b", "./c"]);
    let (file, span) = a.place(&a.settings.cap_add[1].span);
    assert_eq!((file, &over[span]), ("d/compose.override.yaml", "KILL"));
    let (file, span) = a.place(&a.settings.cap_add[0].span);
    assert_eq!((file, &base[span]), ("d/compose.yaml", "CHOWN"));
    // In another folder there is nothing to lay it over.
    let containers = tree(&[("e/compose.override.yaml", over), ("d/compose.yaml", base)]);
    assert_eq!(containers.len(), 4);
}

const DOCKERFILE: &str = "FROM debian AS base\nUSER sandbox\nFROM base AS dev\nUSER root\nFROM base\nCOPY docker/entry.sh /usr/local/bin/\nVOLUME /data\nENTRYPOINT [\"/usr/local/bin/entry.sh\"]\nCMD [\"serve\"]\n";
const ENTRY: &str = "#!/bin/sh\nset -e\nexec gosu app \"$@\"\n";

#[test]
fn a_compose_build_takes_over_what_the_dockerfile_says() {
    let compose = "services:\n  a: {build: app}\n  b: {build: app, user: nobody, entrypoint: /x}\n  c: {build: {context: app, target: dev}, volumes: ['x:/data']}\n  d: {build: {context: app, target: none}}\n  e: {build: elsewhere}\n";
    let containers = tree(&[
        ("app/Dockerfile", DOCKERFILE),
        ("app/docker/entry.sh", ENTRY),
        ("compose.yaml", compose),
        ("other/Dockerfile", "FROM x\nCOPY run.sh /run\nCMD /run\n"),
        ("other/run.sh", ENTRY),
    ]);
    let names = [
        "compose.yaml#a",
        "compose.yaml#b",
        "compose.yaml#c",
        "compose.yaml#d",
        "compose.yaml#e",
        "other/Dockerfile#final",
    ];
    assert_eq!(ids(&containers), names, "app/Dockerfile is started by a service");
    let [a, b, c, d, e, other] = containers.as_slice() else { unreachable!() };
    assert_eq!(a.settings.user.as_ref().unwrap().value, "sandbox");
    let (file, span) = a.place(&a.settings.user.as_ref().unwrap().span);
    assert_eq!((file, &DOCKERFILE[span]), ("app/Dockerfile", "sandbox"));
    assert_eq!(a.settings.entrypoint.as_ref().unwrap().value, ["/usr/local/bin/entry.sh"]);
    assert_eq!(a.settings.command.as_ref().unwrap().value, ["serve"]);
    assert_eq!(a.entrypoint_script.as_deref(), Some("app/docker/entry.sh"));
    assert_eq!(a.settings.mounts.len(), 1);
    assert_eq!(b.settings.user.as_ref().unwrap().value, "nobody");
    assert_eq!(b.settings.entrypoint.as_ref().unwrap().value, ["/x"]);
    assert_eq!((&b.settings.command, &b.entrypoint_script), (&None, &None));
    assert_eq!(c.settings.user.as_ref().unwrap().value, "root");
    assert_eq!(c.settings.mounts.len(), 1);
    assert_eq!(values(&d.unknowns), ["none, which is no stage of app/Dockerfile"]);
    assert_eq!(values(&e.unknowns), ["its Dockerfile elsewhere/Dockerfile, which was not read"]);
    assert_eq!(other.entrypoint_script.as_deref(), Some("other/run.sh"));
}

#[test]
fn a_build_line_joins_a_run_line() {
    let script = "docker build -t agent:latest -f docker/Dockerfile .\n";
    let readme = "```sh\ndocker run agent\ndocker run other\n```\n";
    let containers = tree(&[
        ("README.md", readme),
        ("docker/Dockerfile", DOCKERFILE),
        ("docker/entry.sh", ENTRY),
        ("scripts/build.sh", script),
    ]);
    assert_eq!(ids(&containers), ["README.md#2", "README.md#3"]);
    assert_eq!(containers[0].settings.user.as_ref().unwrap().value, "sandbox");
    assert_eq!(containers[0].entrypoint_script.as_deref(), Some("docker/entry.sh"));
    assert_eq!(containers[0].build.as_ref().unwrap().context, "");
    assert_eq!(containers[1].build, None);

    let script = "#!/bin/sh\ndocker build -t \"$1\" .\ndocker run \"$1\"\n";
    let other = "#!/bin/sh\ndocker run \"$1\"\n";
    let containers = tree(&[("Dockerfile", DOCKERFILE), ("a.sh", script), ("b.sh", other)]);
    assert_eq!(ids(&containers), ["a.sh#3", "b.sh#2"]);
    assert!(containers[0].build.is_some());
    assert!(containers[1].build.is_none(), "the parameter of another script is another one");
}

#[test]
fn an_image_that_compose_builds_is_known_by_its_name() {
    let compose = "services: {a: {image: x, build: .}, b: {image: x}}";
    let containers = tree(&[("compose.yaml", compose), ("Dockerfile", DOCKERFILE)]);
    assert_eq!(ids(&containers), ["compose.yaml#a", "compose.yaml#b"]);
    assert_eq!(containers[1].settings.user.as_ref().unwrap().value, "sandbox");
}

#[test]
fn an_openshell_source_is_found_from_the_script_or_the_top() {
    let script = "#!/bin/sh\nopenshell sandbox create --from Dockerfile\n";
    let containers = tree(&[("Dockerfile", DOCKERFILE), ("bin/up.sh", script)]);
    assert_eq!(ids(&containers), ["bin/up.sh#2"]);
    assert_eq!(containers[0].settings.user.as_ref().unwrap().value, "sandbox");
}

#[test]
fn a_mounted_script_is_found() {
    let compose = "services:\n  a: {image: x, entrypoint: [tini, --, sh, /opt/entry.sh], volumes: ['./etc:/opt:ro']}\n";
    let containers = tree(&[("compose.yaml", compose), ("etc/entry.sh", ENTRY)]);
    assert_eq!(containers[0].entrypoint_script.as_deref(), Some("etc/entry.sh"));
}
