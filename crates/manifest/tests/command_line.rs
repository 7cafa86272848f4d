//! What is read of `docker run` lines, in scripts and in Markdown.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use dropcap_manifest::{Container, Document, Engine, Kind, Spanned, read};

fn script(text: &str) -> Document {
    let document = read("deploy/run.sh", text.as_bytes());
    assert_eq!(document.errors, [], "{text}");
    document
}

fn one(text: &str) -> Container {
    let mut document = script(text);
    assert_eq!(document.containers.len(), 1, "{text}\n{document:#?}");
    document.containers.remove(0)
}

fn values(list: &[Spanned<String>]) -> Vec<&str> {
    list.iter().map(|item| item.value.as_str()).collect()
}

fn image(container: &Container) -> Option<&str> {
    container.image.as_ref().map(|image| image.value.as_str())
}

fn command(container: &Container) -> Vec<&str> {
    container.settings.command.iter().flat_map(|words| &words.value).map(String::as_str).collect()
}

#[test]
fn flags_in_every_spelling() {
    let text = "#!/bin/bash
set -e
docker run -it --rm \\
  --cap-drop ALL --cap-add=NET_ADMIN \\
  --cap-add 'cap_chown' --security-opt=\"no-new-privileges\" \\
  -h web -eA=b -u1000:1000 --group-add 5 --group-add=docker \\
  -v /var/run/docker.sock:/var/run/docker.sock:ro --mount type=tmpfs,dst=/x --tmpfs /run \\
  --net host --pid=host --ipc host --userns=host --sysctl net.core.x=1 --read-only \\
  --entrypoint /entry --privileged=false \\
  -p 80:80 example/agent:1 serve --cap-add=NOT_A_FLAG -u x
";
    let container = one(text);
    assert_eq!(container.id, "deploy/run.sh#3");
    assert_eq!((container.kind, container.engine), (Kind::CommandLine, Engine::Docker));
    assert_eq!(&text[container.span.clone()], "docker run");
    assert_eq!(image(&container), Some("example/agent:1"));
    assert_eq!(command(&container), ["serve", "--cap-add=NOT_A_FLAG", "-u", "x"]);
    let settings = &container.settings;
    assert_eq!(values(&settings.cap_drop), ["ALL"]);
    assert_eq!(values(&settings.cap_add), ["NET_ADMIN", "cap_chown"]);
    let written: Vec<&str> = settings.cap_add.iter().map(|cap| &text[cap.span.clone()]).collect();
    assert_eq!(written, ["NET_ADMIN", "'cap_chown'"]);
    assert_eq!(values(&settings.security_opt), ["no-new-privileges"]);
    assert_eq!(values(&settings.group_add), ["5", "docker"]);
    assert_eq!(settings.user.as_ref().unwrap().value, "1000:1000");
    assert_eq!(&text[settings.user.as_ref().unwrap().span.clone()], "1000:1000");
    assert!(!settings.privileged.as_ref().unwrap().value);
    assert_eq!(settings.network.as_ref().unwrap().value, "host");
    assert_eq!(settings.pid.as_ref().unwrap().value, "host");
    assert_eq!(settings.ipc.as_ref().unwrap().value, "host");
    assert_eq!(settings.userns.as_ref().unwrap().value, "host");
    assert_eq!(settings.entrypoint.as_ref().unwrap().value, ["/entry"]);
    assert_eq!(settings.sysctls, [("net.core.x".to_owned(), "1".to_owned())]);
    assert!(settings.read_only);
    let mounts: Vec<_> = settings
        .mounts
        .iter()
        .map(|mount| (mount.target.as_str(), mount.bind, mount.tmpfs))
        .collect();
    assert_eq!(
        mounts,
        [("/var/run/docker.sock", true, false), ("/x", false, true), ("/run", false, true)]
    );
    assert_eq!(container.unknowns, []);
}

#[test]
fn where_commands_stand() {
    for (text, expected) in [
        ("sudo -u root -E docker run a", "a"),
        ("cd x && docker run -d b && echo done", "b"),
        ("ID=$(docker run -d c)", "c"),
        ("if docker create d; then :; fi", "d"),
        ("exec env FOO=1 docker run e", "e"),
        ("FOO=1 docker --context x -H tcp://y run f", "f"),
        ("time /usr/bin/docker container run g", "g"),
        ("f() { podman run h; }", "h"),
        ("timeout -k 5 10 docker run i", "i"),
        ("while true; do docker run j; done", "j"),
        ("docker run -i k <<EOF\nx\nEOF", "k"),
        ("docker run l | tee log", "l"),
        ("docker run m &", "m"),
        ("${DOCKER:-docker} run n", "n"),
        ("docker container create --name x o", "o"),
    ] {
        assert_eq!(image(&one(text)), Some(expected), "{text}");
    }
    for text in [
        "echo docker run a",
        "# docker run a",
        "docker runs a",
        "docker compose run a",
        "docker ps",
        "docker",
        "echo 'docker run a'",
        "cat <<EOF\ndocker run a\nEOF",
    ] {
        assert_eq!(script(text).containers, [], "{text}");
    }
}

#[test]
fn variables_that_are_set_once_are_known() {
    let text = r#"
IMAGE="example/agent:${TAG:-1}"
FLAGS="--cap-drop ALL --cap-add KILL"
ARGS=(
  --user 1000 # who
  "--cap-add=NET_RAW"
)
docker run $FLAGS "${ARGS[@]}" "$IMAGE" "$HOME"
"#;
    let container = one(text);
    assert_eq!(image(&container), Some("example/agent:1"));
    assert_eq!(values(&container.settings.cap_drop), ["ALL"]);
    assert_eq!(values(&container.settings.cap_add), ["KILL", "NET_RAW"]);
    assert_eq!(container.settings.user.as_ref().unwrap().value, "1000");
    assert_eq!(command(&container), ["$HOME"]);
    assert_eq!(container.unknowns, []);
}

#[test]
fn what_cannot_be_resolved_is_carried_as_written() {
    let container = one("docker run --user \"$WHO\" $EXTRA --cap-add CHOWN \"${IMAGE}\" x");
    assert_eq!(container.settings.user.as_ref().unwrap().value, "$WHO");
    assert_eq!(values(&container.settings.cap_add), ["CHOWN"]);
    assert_eq!(image(&container), Some("${IMAGE}"));
    assert_eq!(
        values(&container.unknowns),
        ["what $EXTRA adds to the command", "the value of $WHO in --user"]
    );

    let container = one("A=1\nA=2\ndocker run $A");
    assert_eq!(image(&container), Some("$A"), "set twice");
    let container = one("A=$B\nB=$A\ndocker run \"$A\"");
    assert_eq!(image(&container), Some("$A"), "a circle");
    let container = one("docker run --rm \"$@\"");
    assert_eq!(image(&container), None);
    let container = one("for IMAGE in a b; do docker run $IMAGE; done");
    assert_eq!(image(&container), Some("$IMAGE"));
}

#[test]
fn podman_divides_capabilities_at_commas_and_docker_does_not() {
    let text = "podman run --cap-add chown,kill a\n";
    let container = one(text);
    assert_eq!(container.engine, Engine::Podman);
    assert_eq!(values(&container.settings.cap_add), ["chown", "kill"]);
    let written: Vec<&str> =
        container.settings.cap_add.iter().map(|cap| &text[cap.span.clone()]).collect();
    assert_eq!(written, ["chown", "kill"]);
    assert_eq!(values(&one("docker run --cap-add chown,kill a").settings.cap_add), ["chown,kill"]);
}

#[test]
fn openshell_sandboxes() {
    let container =
        one("openshell sandbox create --from Dockerfile --name x --gpu -- claude --flag");
    assert_eq!(container.engine, Engine::OpenShell);
    assert_eq!(container.build.as_ref().unwrap().dockerfile, "deploy/Dockerfile");
    assert_eq!(command(&container), ["claude", "--flag"]);
    assert_eq!(
        one("openshell sandbox create --from ../x/").build.unwrap().dockerfile,
        "x/Dockerfile"
    );
    let container = one("openshell sandbox create --from ghcr.io/a/b:1");
    assert_eq!((image(&container), &container.build), (Some("ghcr.io/a/b:1"), &None));
    assert_eq!(script("openshell sandbox list").containers, []);
}

#[test]
fn builds() {
    let document = script(
        "docker build -t agent:1 --tag other -f docker/Dockerfile --target run --build-arg X=1 .\nDIR=app\npodman build -t x \"$DIR\"\ndocker buildx build --load -t y .",
    );
    let builds: Vec<_> = document
        .builds
        .iter()
        .map(|build| {
            (
                build.tags.join(","),
                build.context.as_str(),
                build.dockerfile.as_deref(),
                build.target.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        builds,
        [
            ("agent:1,other".to_owned(), ".", Some("docker/Dockerfile"), Some("run")),
            ("x".to_owned(), "app", None, None),
            ("y".to_owned(), ".", None, None),
        ]
    );
}

#[test]
fn two_commands_of_one_line_have_ids_of_their_own() {
    let document = script("docker run a; docker run b");
    let ids: Vec<_> = document.containers.iter().map(|container| container.id.as_str()).collect();
    assert_eq!(ids, ["deploy/run.sh#1", "deploy/run.sh#1.2"]);
}

#[test]
fn markdown_blocks() {
    let text = "# Run\n\nSay `docker run no`.\n\n```sh\ndocker run --cap-drop ALL \\\n  a\n```\n
> ```console
> $ docker run b \\
> >   serve
> docker run output
> $ echo
> ```

1. In a list:

   ```
   docker run c
   ```

```python
docker run no
```

    docker run indented

```bash
$ docker run -it d
```
";
    for text in [text.to_owned(), text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
        let document = read("README.md", text.as_bytes());
        assert_eq!(document.errors, []);
        let images: Vec<_> = document.containers.iter().map(image).collect();
        assert_eq!(images, [Some("a"), Some("b"), Some("c"), Some("d")]);
        let ids: Vec<_> = document.containers.iter().map(Container::subject).collect();
        assert_eq!(ids, ["6", "11", "20", "30"]);
        assert_eq!(command(&document.containers[1]), ["serve"]);
        for container in &document.containers {
            assert_eq!(&text[container.span.clone()], "docker run");
            let image = container.image.as_ref().unwrap();
            assert_eq!(&text[image.span.clone()], image.value);
        }
    }
}

#[test]
fn what_it_takes_to_start_it_once_more() {
    let container =
        one("docker run --add-host db:10.0.0.2 --add-host six=::1 --link x --health-cmd y a\n");
    let start = container.settings.start;
    assert_eq!(start.extra_hosts, ["db:10.0.0.2", "six=::1"]);
    assert_eq!(start.left_out, ["--health-cmd", "--link"]);
}
