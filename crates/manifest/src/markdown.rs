//! Markdown, <https://spec.commonmark.org>: the fenced code blocks that hold shell.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use crate::{Document, Format, shell, text::Lines};

/// Languages whose blocks are read; a block that names none is read too.
const LANGUAGES: [&str; 9] =
    ["", "sh", "bash", "shell", "console", "zsh", "shell-session", "shellsession", "terminal"];

/// Reads the command lines of a Markdown file.
pub(crate) fn read(path: &str, text: &str) -> Document {
    let mut document = Document::empty(path, Format::Markdown, text.len());
    if !shell::STARTERS.iter().any(|starter| text.contains(starter)) {
        return document;
    }
    let lines = Lines::new(text);
    for (source, base) in blocks(text) {
        if shell::STARTERS.iter().any(|starter| source.contains(starter)) {
            shell::block(&mut document, &source, base, &lines);
        }
    }
    document
}

/// What [`shell::block`] reads of each block, and where it begins.
pub(crate) fn blocks(text: &str) -> Vec<(String, usize)> {
    code_blocks(text).into_iter().map(|block| block.shell(text)).collect()
}

/// The lines of one code block.
struct Block {
    pieces: Vec<Range<usize>>,
}

fn code_blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (event, range) in Parser::new(text).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let language = info.split([' ', ',', '{', '\t']).next().unwrap_or_default();
                if LANGUAGES.contains(&language.to_ascii_lowercase().as_str()) {
                    open = Some(Block { pieces: Vec::new() });
                }
            }
            Event::Text(_) => {
                if let Some(block) = &mut open {
                    block.pieces.push(range);
                }
            }
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks
}

impl Block {
    /// The block as a script whose every byte lies where it lies in the file: what is no shell (the
    /// marks of a quotation or list, prompts, a command's output) is blanked.
    fn shell(&self, text: &str) -> (String, usize) {
        let start = self.pieces.first().map_or(0, |piece| piece.start);
        let end = self.pieces.last().map_or(start, |piece| piece.end);
        let mut code: Vec<u8> = text.as_bytes()[start..end].to_vec();
        let mut at = 0;
        for piece in &self.pieces {
            blank(&mut code[at..piece.start - start]);
            at = piece.end - start;
        }
        strip_prompts(&mut code);
        (String::from_utf8(code).unwrap_or_default(), start)
    }
}

/// Makes bytes blanks, line ends excepted.
fn blank(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
}

/// In a block with a line that begins with `$ `, only such lines and those that they continue in are
/// commands.
fn strip_prompts(code: &mut [u8]) {
    let is_prompt = |line: &[u8]| line.trim_ascii_start().starts_with(b"$ ");
    if !code.split(|byte| *byte == b'\n').any(is_prompt) {
        return;
    }
    let mut continued = false;
    for line in code.split_mut(|byte| *byte == b'\n') {
        let continues = line.trim_ascii_end().ends_with(b"\\");
        let indent = line.len() - line.trim_ascii_start().len();
        if is_prompt(line) {
            line[indent] = b' ';
            continued = continues;
        } else if continued {
            if line.trim_ascii_start().starts_with(b"> ") {
                line[indent] = b' ';
            }
            continued = continues;
        } else {
            blank(line);
        }
    }
}
