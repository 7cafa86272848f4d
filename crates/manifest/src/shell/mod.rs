//! Shell scripts, by the grammar of bash: the commands that start and build containers, and those
//! that change privilege.
//!
//! Not read: text that another shell gets (`sh -c "..."`, a here-document for ssh), and what a
//! script makes at run time.

mod arguments;
mod build;
mod command;
mod flags;
mod inline;
mod privilege;
mod run;
mod word;

use tree_sitter::{Parser, Tree};

pub(crate) use arguments::Argument;
pub(crate) use command::Simple;
pub(crate) use run::{Invocation, invocation};

use crate::{Document, Format, ReadError, text::Lines};

/// The largest script, or code block, that is read: the grammar needs some hundred bytes for each.
const MAX_BYTES: usize = 1024 * 1024;

/// Words without which there is nothing in a script to read.
pub(crate) const STARTERS: [&str; 3] = ["docker", "podman", "openshell"];

/// Reads a script.
pub(crate) fn read(path: &str, text: &str) -> Document {
    let mut document = Document::empty(path, Format::Shell, text.len());
    let worth_reading =
        STARTERS.iter().chain(privilege::PROGRAMS.iter()).any(|program| text.contains(program));
    if worth_reading {
        let lines = Lines::new(text);
        block(&mut document, text, 0, &lines);
    }
    document
}

/// Reads the part of a file that is shell, which lies `base` bytes behind the beginning.
pub(crate) fn block(document: &mut Document, source: &str, base: usize, lines: &Lines) {
    let commands = match commands(source, base) {
        Ok(commands) => commands,
        Err(message) => {
            let (line, column) = lines.line_column(base);
            document.errors.push(ReadError { line, column, message });
            return;
        }
    };
    for simple in commands {
        if let Some(invocation) = run::invocation(&simple) {
            let (line, _) = lines.line_column(invocation.span.start);
            let container = run::container(&document.path, line, &invocation);
            document.containers.push(container);
        } else if let Some(build) = build::build(&document.path, &simple) {
            document.builds.push(build);
        } else if document.format == Format::Shell {
            document.steps.extend(privilege::step(&document.path, &simple));
        }
    }
}

/// Gives a second container of one line an id of its own.
pub(crate) fn number_repeated(document: &mut Document) {
    let mut earlier = std::collections::HashMap::<String, usize>::new();
    for container in &mut document.containers {
        let count = earlier.entry(container.id.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            container.id = format!("{}.{count}", container.id);
        }
    }
}

/// The simple commands of a script that lies `base` bytes behind the beginning of its file.
pub(crate) fn commands(source: &str, base: usize) -> Result<Vec<Simple>, String> {
    Ok(command::simple_commands(&parse(source)?, source, base))
}

fn parse(source: &str) -> Result<Tree, String> {
    #[cfg(test)]
    crate::parses::count();
    if source.len() > MAX_BYTES {
        let size = source.len().div_ceil(1 << 10);
        return Err(format!(
            "{size} KB of shell are more than is read of one script ({} KB)",
            MAX_BYTES >> 10
        ));
    }
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_bash::LANGUAGE.into())
        .map_err(|error| format!("the grammar of bash cannot be used: {error}"))?;
    parser.parse(source, None).ok_or_else(|| "the shell grammar gave up".to_owned())
}
