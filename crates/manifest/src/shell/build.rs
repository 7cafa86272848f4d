//! `docker build`.

use super::{
    arguments::Arguments,
    command::Simple,
    flags,
    run::{texts, verb},
};
use crate::BuildCommand;

/// Recognises `docker build`, `docker image build`, `docker buildx build`, the same of podman, and
/// `buildah build|bud`.
pub(super) fn build(file: &str, simple: &Simple) -> Option<BuildCommand> {
    if !matches!(simple.program(), "docker" | "podman" | "buildah") {
        return None;
    }
    let verb = verb(&simple.words)?;
    let verbs = &simple.words[verb..];
    let skip = match texts(verbs).as_slice() {
        ["build" | "bud", ..] => 1,
        ["image" | "buildx" | "builder", "build" | "b", ..] => 2,
        _ => return None,
    };
    let arguments = Arguments::read(&verbs[skip..], flags::BUILD, true);
    let value = |name: &str| arguments.last(name).map(|argument| argument.value.value.clone());
    let span = simple.words.first()?.span.start..verbs[skip - 1].span.end;
    Some(BuildCommand {
        tags: arguments.all("tag").map(|argument| argument.value.value.clone()).collect(),
        context: arguments
            .positional
            .first()
            .map_or_else(|| ".".to_owned(), |word| word.text.clone()),
        dockerfile: value("file"),
        target: value("target"),
        file: file.to_owned(),
        span: span.start..span.end.max(span.start),
    })
}
