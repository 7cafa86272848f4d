//! What is read of Dockerfiles.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use dropcap_manifest::{Container, Kind, Starter, read};

fn last(text: &str) -> Container {
    let mut document = read("app/Dockerfile", text.as_bytes());
    assert_eq!(document.errors, [], "{text}");
    assert_eq!(document.containers.len(), 1);
    document.containers.remove(0)
}

fn user(container: &Container) -> Option<&str> {
    container.settings.user.as_ref().map(|user| user.value.as_str())
}

fn entrypoint(container: &Container) -> Option<&[String]> {
    container.settings.entrypoint.as_ref().map(|words| words.value.as_slice())
}

fn command(container: &Container) -> Option<&[String]> {
    container.settings.command.as_ref().map(|words| words.value.as_slice())
}

#[test]
fn users_are_toggled_and_the_last_counts() {
    let text = "# syntax=docker/dockerfile:1
FROM debian:12 AS build
USER builder
FROM debian:12-slim
USER sandbox
RUN true
USER root
RUN <<EOF
USER nobody
EOF
USER sandbox
ENTRYPOINT [\"/bin/bash\"]
";
    let container = last(text);
    assert_eq!(container.id, "app/Dockerfile#final");
    assert_eq!((container.kind, container.starter), (Kind::Dockerfile, Starter::Assumed));
    assert_eq!(&text[container.span.clone()], "FROM debian:12-slim");
    assert_eq!(user(&container), Some("sandbox"));
    let span = container.settings.user.as_ref().unwrap().span.clone();
    assert_eq!((&text[span.clone()], text[..span.start].matches("USER").count()), ("sandbox", 5));
    assert_eq!(entrypoint(&container).unwrap(), ["/bin/bash"]);
    assert_eq!(container.image.unwrap().value, "debian:12-slim");
}

#[test]
fn a_stage_inherits_from_the_stage_that_it_is_built_on() {
    let text = "ARG BASE=alpine:3
FROM ${BASE} AS base
ARG WHO=app
ENV HOME=/home/$WHO
USER $WHO:${GROUP:-staff}
ENTRYPOINT [\"/entry\"]
CMD [\"serve\"]
FROM base AS middle
FROM Middle AS runtime
CMD exec other \\
  --flag
";
    let container = last(text);
    assert_eq!(container.id, "app/Dockerfile#runtime");
    assert_eq!(container.image.as_ref().unwrap().value, "alpine:3");
    assert_eq!(user(&container), Some("app:staff"));
    assert_eq!(entrypoint(&container).unwrap(), ["/entry"]);
    assert_eq!(command(&container).unwrap()[..2], ["/bin/sh", "-c"]);

    let document = read("Dockerfile", text.as_bytes());
    let names: Vec<_> = document.stages.iter().map(|stage| stage.name.as_deref()).collect();
    assert_eq!(names, [Some("base"), Some("middle"), Some("runtime")]);
    assert_eq!(command(&document.stages[1].container).unwrap(), ["serve"]);
}

#[test]
fn an_own_entrypoint_clears_the_inherited_command() {
    let container = last("FROM a AS x\nCMD [\"c\"]\nFROM x\nENTRYPOINT [\"e\"]\n");
    assert_eq!(
        (entrypoint(&container).unwrap(), command(&container)),
        (["e".to_owned()].as_slice(), None)
    );
    let container = last("FROM a AS x\nCMD [\"c\"]\nFROM 0\nCMD [\"d\"]\nENTRYPOINT [\"e\"]\n");
    assert_eq!(command(&container).unwrap(), ["d"]);
}

#[test]
fn onbuild_holds_for_the_stage_built_on_it_and_not_for_its_own() {
    let text = "FROM a AS x\nONBUILD USER app\nFROM x AS y\nFROM y\n";
    let document = read("Dockerfile", text.as_bytes());
    let users: Vec<_> = document.stages.iter().map(|stage| user(&stage.container)).collect();
    assert_eq!(users, [None, Some("app"), Some("app")]);
}

#[test]
fn the_escape_directive_and_the_shell_instruction() {
    let text = "# escape=`\nFROM a\nSHELL [\"/bin/bash\", \"-ec\"]\nENTRYPOINT run `\n  me\nUSER `\n  app\n";
    let container = last(text);
    assert_eq!(entrypoint(&container).unwrap()[..2], ["/bin/bash", "-ec"]);
    assert_eq!(user(&container), Some("app"));
}

#[test]
fn a_variable_that_nobody_sets_is_kept_and_said() {
    let container = last("FROM $BASE\nUSER ${WHO}\n");
    assert_eq!(user(&container), Some("${WHO}"));
    let unknowns: Vec<_> =
        container.unknowns.iter().map(|unknown| unknown.value.as_str()).collect();
    assert_eq!(unknowns, ["the value of $BASE", "the value of ${WHO}"]);
}

#[test]
fn what_is_copied_is_known_with_its_place_in_the_image() {
    let text = "FROM a AS x\nFROM a\nWORKDIR /app\nCOPY --chmod=755 entry.sh other.sh bin/\nCOPY --from=x /a /b\nADD . .\n";
    let document = read("Dockerfile", text.as_bytes());
    let copies: Vec<(&str, &str)> =
        document.stages[1].copies.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    assert_eq!(copies, [("entry.sh", "/app/bin"), ("other.sh", "/app/bin"), (".", "/app")]);
}

#[test]
fn crlf_and_a_byte_order_mark() {
    let text = "\u{feff}FROM a\r\nUSER app\r\nCMD [\"x\"]\r\n";
    let container = last(text);
    let user = container.settings.user.unwrap();
    assert_eq!((user.value.as_str(), &text[user.span]), ("app", "app"));
    assert_eq!(&text[container.span], "FROM a");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, line, message) in [
        ("FROM a\nUSR x\n", 2, "not a Dockerfile: unknown instruction 'USR'"),
        ("RUN x\n", 1, "not a Dockerfile: expected FROM"),
        ("", 1, "not a Dockerfile: expected at least one FROM instruction"),
        (
            "FROM a\nRUN <<E\nx\n",
            4,
            "not a Dockerfile: expected end of here-document (E), but reached eof",
        ),
    ] {
        let document = read("Dockerfile", text.as_bytes());
        assert_eq!(document.containers, []);
        let [error] = document.errors.as_slice() else { panic!("{text}: {:?}", document.errors) };
        assert_eq!((error.line, error.message.as_str()), (line, message), "{text}");
    }
}
