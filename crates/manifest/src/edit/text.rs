//! Lines, indents and how a value is written.

use std::ops::Range;

/// Where the line that holds `at` begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// Where the next line begins; the text's end where there is none.
pub(super) fn next_line(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

/// The last of the lines right behind the one that holds `at` that are comments and indented by more than
/// `column`: they belong to what is there, not to what comes next. `at` where there is none.
pub(super) fn past_inner_comments(text: &str, at: usize, column: usize) -> usize {
    let mut last = at;
    loop {
        let start = next_line(text, last);
        let comment = skip_blanks(text, start);
        if !text[comment..].starts_with('#') || comment - start <= column {
            return last;
        }
        last = comment;
    }
}

/// How the file ends its lines, told by the line that holds `at`, or the first one.
pub(super) fn line_end(text: &str, at: usize) -> &'static str {
    let end = next_line(text, at);
    let line = if text[..end].ends_with('\n') { &text[..end] } else { &text[..next_line(text, 0)] };
    if line.ends_with("\r\n") { "\r\n" } else { "\n" }
}

/// The blanks before `at` on its line; `None` where something else stands there. Tabs are found inside of brackets
/// only, in JSON mostly: a YAML block cannot be indented by them.
pub(super) fn indent(text: &str, at: usize) -> Option<&str> {
    let before = &text[line_start(text, at)..at];
    before.bytes().all(|byte| matches!(byte, b' ' | b'\t')).then_some(before)
}

/// Behind the blanks at `at`.
pub(super) fn skip_blanks(text: &str, at: usize) -> usize {
    at + text[at..].bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// The whole lines that a range touches.
pub(super) fn whole_lines(text: &str, range: &Range<usize>) -> Range<usize> {
    line_start(text, range.start)..next_line(text, range.end)
}

/// A string as a YAML scalar: plain where it can only be read as a string, else in double quotes.
pub(super) fn yaml_scalar(value: &str, quoted: bool) -> String {
    let plain = value
        .starts_with(|first: char| first.is_ascii_alphabetic() || first == '_' || first == '/')
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./:=@+".contains(&byte))
        && !value.ends_with(':')
        && !matches!(
            value.to_ascii_lowercase().as_str(),
            "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "null"
        );
    if plain && !quoted {
        return value.to_owned();
    }
    let mut text = String::from('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            control if control.is_control() => {
                text.push_str(&format!("\\U{:08x}", u32::from(control)));
            }
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

/// A string as one word of a shell.
pub(super) fn shell_word(value: &str) -> String {
    let plain = !value.is_empty()
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./:=@%+,".contains(&byte));
    if plain { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::{line_end, past_inner_comments, shell_word, yaml_scalar};

    #[test]
    fn values_are_quoted_where_they_must_be() {
        for (value, yaml, shell) in [
            ("ALL", "ALL", "ALL"),
            ("no-new-privileges:true", "no-new-privileges:true", "no-new-privileges:true"),
            ("1000:1000", "\"1000:1000\"", "1000:1000"),
            ("yes", "\"yes\"", "yes"),
            ("a b", "\"a b\"", "'a b'"),
            ("a'\"", "\"a'\\\"\"", "'a'\\''\"'"),
            ("", "\"\"", "''"),
            ("$X", "\"$X\"", "'$X'"),
        ] {
            assert_eq!(yaml_scalar(value, false), yaml);
            assert_eq!(shell_word(value), shell);
        }
        assert_eq!(yaml_scalar("ALL", true), "\"ALL\"");
    }

    #[test]
    fn comments_that_are_indented_further_belong_to_what_they_follow() {
        let past = |text| past_inner_comments(text, 0, 2);
        assert_eq!(past("- a\n   # b\n   # c\n  # d\n"), "- a\n   # b\n   ".len());
        assert_eq!(past("- a\n   # b"), "- a\n   ".len());
        for none in ["- a", "- a\n", "- a\n  # d\n", "- a\n\n   # d\n", "- a\n   b: #\n"] {
            assert_eq!(past(none), 0, "{none:?}");
        }
    }

    #[test]
    fn line_ends_are_those_of_the_file() {
        assert_eq!(line_end("a\r\nb\r\n", 4), "\r\n");
        assert_eq!(line_end("a\r\nb", 4), "\r\n");
        assert_eq!(line_end("a\nb", 0), "\n");
        assert_eq!(line_end("a", 0), "\n");
    }
}
