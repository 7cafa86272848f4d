//! A file that is read once for all the edits that are wanted of it.

use std::ops::Range;

use super::{Edit, EditError, Refusal, Wanted, command::Commands, compose, kubernetes, verify};
use crate::{
    Document, Format, ReadError,
    text::{self, Lines},
};

/// A file, with where the planners find its containers again.
pub(super) struct Source<'f> {
    pub document: Document,
    /// Without the byte order mark. The planners count from its first byte.
    pub text: &'f str,
    /// The length of that mark.
    pub bom: usize,
    lines: Lines<'f>,
    pub syntax: Syntax<'f>,
}

/// What a format's planner looks things up in.
pub(super) enum Syntax<'f> {
    Compose(compose::Services<'f>),
    Kubernetes(kubernetes::Containers<'f>),
    Commands(Commands),
    Dockerfile,
}

/// The edits of one container, which nobody has verified yet.
pub(super) struct Planned<'w> {
    /// Where it stands among the containers of the file.
    pub target: usize,
    pub wanted: &'w Wanted,
    /// In the offsets of the file.
    pub edits: Vec<Edit>,
}

impl<'f> Source<'f> {
    /// The file that `document` was read from; an error where not all of it could be read.
    pub fn of(document: Document, bytes: &'f [u8]) -> Result<Self, ReadError> {
        if let Some(error) = document.errors.first() {
            return Err(error.clone());
        }
        let (text, bom) = text::of(bytes)?;
        let syntax = match document.format {
            Format::Compose => Syntax::Compose(compose::Services::of(text)),
            Format::Kubernetes => Syntax::Kubernetes(kubernetes::Containers::of(text)),
            Format::Shell | Format::Markdown => {
                Syntax::Commands(Commands::of(document.format, text))
            }
            Format::Dockerfile => Syntax::Dockerfile,
        };
        Ok(Self { document, text, bom, lines: Lines::new(text), syntax })
    }

    /// The edits that make a container say what is wanted.
    pub fn plan<'w>(&self, target: usize, wanted: &'w Wanted) -> Result<Planned<'w>, EditError> {
        let mut edits = Vec::new();
        let mut container = self.document.containers[target].clone();
        if !verify::says(&container, wanted) {
            container.unshift(self.bom);
            let planned = match &self.syntax {
                Syntax::Compose(services) => compose::plan(self.text, services, &container, wanted),
                Syntax::Kubernetes(containers) => {
                    kubernetes::plan(self.text, containers, &container, wanted)
                }
                Syntax::Commands(commands) => commands.plan(self.text, &container, wanted),
                Syntax::Dockerfile => Err(Refusal::new(
                    container.span.start,
                    "a Dockerfile cannot say which capabilities its container is started with: they are given \
                     where it is started",
                )),
            };
            edits = planned.map_err(|Refusal { at, reason }| EditError::Unsupported {
                line: self.lines.line_column(at).0,
                reason,
            })?;
        }
        for edit in &mut edits {
            edit.start += self.bom;
            edit.end += self.bom;
        }
        edits.sort_by_key(|edit| (edit.start, edit.end));
        Ok(Planned { target, wanted, edits })
    }

    /// Where a container's name stands, counted as the planners count.
    pub fn place(&self, container: usize) -> Range<usize> {
        let span = &self.document.containers[container].span;
        span.start - self.bom..span.end - self.bom
    }

    /// Whether what is written of a container may be read for another one too, by an alias or `extends`.
    pub fn is_shared(&self, target: usize) -> bool {
        let place = self.place(target);
        match &self.syntax {
            Syntax::Compose(services) => {
                services.is_shared(&place, self.document.containers[target].subject())
            }
            Syntax::Kubernetes(containers) => containers.is_shared(&place),
            // What comes from a variable is not edited.
            Syntax::Commands(_) | Syntax::Dockerfile => false,
        }
    }
}
