//! `${VARIABLE}` in a Compose file and in a Dockerfile.

use std::borrow::Cow;

/// Defaults within defaults; more is refused by leaving the text as it is.
const MAX_DEPTH: usize = 16;

/// The longest `${...}` that is looked into, so that many that never end cost little.
const MAX_EXPRESSION: usize = 4096;

/// The longest text that variables are resolved into: each may stand for two of the one before.
const MAX_RESULT: usize = 64 * 1024;

/// A text with its variables resolved as far as the file itself tells.
pub(crate) struct Interpolated<'a> {
    pub text: Cow<'a, str>,
    /// The first variable of which nothing is known; it stays as it is written.
    pub unknown: Option<String>,
}

/// Resolves the variables of a Compose file: `${NAME:-default}` and `${NAME-default}` to the default,
/// `$$` to `$`. What only the environment knows is kept as it is written.
///
/// Source: the Compose specification, "Interpolation".
pub(crate) fn interpolate(text: &str) -> Interpolated<'_> {
    expand(text, "$$", &|_| None)
}

/// Resolves the variables of a Dockerfile instruction by its `ARG` and `ENV`.
///
/// Source: the Dockerfile reference, "Environment replacement".
pub(crate) fn substitute<'a>(text: &'a str, lookup: Lookup<'_>) -> Interpolated<'a> {
    expand(text, "\\$", lookup)
}

/// What is known of a variable.
type Lookup<'l> = &'l dyn Fn(&str) -> Option<String>;

fn expand<'a>(text: &'a str, dollar: &str, lookup: Lookup<'_>) -> Interpolated<'a> {
    if !text.contains('$') {
        return Interpolated { text: Cow::Borrowed(text), unknown: None };
    }
    let mut expansion = Expansion { dollar, lookup, unknown: None };
    let text = Cow::Owned(expansion.expand(text, 0));
    Interpolated { text, unknown: expansion.unknown }
}

struct Expansion<'e> {
    /// What stands for a dollar sign itself.
    dollar: &'e str,
    lookup: Lookup<'e>,
    unknown: Option<String>,
}

impl Expansion<'_> {
    fn expand(&mut self, text: &str, depth: usize) -> String {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['$', '\\']) {
            result.push_str(&rest[..at]);
            rest = &rest[at..];
            if result.len() > MAX_RESULT {
                self.unknown
                    .get_or_insert_with(|| "a variable that stands for very much".to_owned());
                break;
            }
            if let Some(after) = rest.strip_prefix(self.dollar) {
                result.push('$');
                rest = after;
                continue;
            }
            let Some((expression, after)) = rest.strip_prefix('$').and_then(expression) else {
                result.push_str(&rest[..1]);
                rest = &rest[1..];
                continue;
            };
            let written = &rest[..rest.len() - after.len()];
            let name = name_of(expression);
            let operator = &expression[name.len()..];
            let value = (self.lookup)(name);
            let default = operator.strip_prefix(":-").or_else(|| operator.strip_prefix('-'));
            match (value, default) {
                (Some(value), _) if operator.is_empty() => result.push_str(&value),
                (Some(value), Some(_)) if !(value.is_empty() && operator.starts_with(':')) => {
                    result.push_str(&value);
                }
                (_, Some(default)) if depth < MAX_DEPTH => {
                    result.push_str(&self.expand(default, depth + 1));
                }
                _ => {
                    self.unknown.get_or_insert_with(|| written.to_owned());
                    result.push_str(written);
                }
            }
            rest = after;
        }
        result.push_str(rest);
        result
    }
}

/// What stands behind a `$`, without braces, and what follows it.
fn expression(text: &str) -> Option<(&str, &str)> {
    let Some(inner) = text.strip_prefix('{') else {
        let end = text
            .find(|character: char| !character.is_ascii_alphanumeric() && character != '_')
            .unwrap_or(text.len());
        let name = &text[..end];
        let begins_well =
            name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        return begins_well.then_some((name, &text[end..]));
    };
    let mut depth = 0_usize;
    for (at, byte) in inner.bytes().enumerate().take(MAX_EXPRESSION) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some((&inner[..at], &inner[at + 1..])),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The variable's name at the beginning of an expression.
fn name_of(expression: &str) -> &str {
    let end = expression
        .find(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .unwrap_or(expression.len());
    &expression[..end]
}

#[cfg(test)]
mod tests {
    use super::interpolate;

    #[test]
    fn defaults_are_resolved_and_the_unknown_is_kept() {
        let cases = [
            ("plain", "plain", None),
            ("${A:-root}", "root", None),
            ("${A-root}:${B:-${C:-0}}", "root:0", None),
            ("$$HOME", "$HOME", None),
            ("${A:-}", "", None),
            ("/x/$HOME/y", "/x/$HOME/y", Some("$HOME")),
            ("${A}", "${A}", Some("${A}")),
            ("${A:?needed}", "${A:?needed}", Some("${A:?needed}")),
            ("${A:+b}", "${A:+b}", Some("${A:+b}")),
            ("${A", "${A", None),
            ("cost: 5$", "cost: 5$", None),
        ];
        for (text, expected, unknown) in cases {
            let interpolated = interpolate(text);
            assert_eq!(interpolated.text, expected, "{text}");
            assert_eq!(interpolated.unknown.as_deref(), unknown, "{text}");
        }
    }

    #[test]
    fn a_dockerfile_s_variables_are_known() {
        let lookup = |name: &str| (name == "USER_ID").then(|| "1000".to_owned());
        for (text, expected, unknown) in [
            ("$USER_ID:${USER_ID}", "1000:1000", None),
            ("${USER_ID:-5}", "1000", None),
            ("${OTHER:-5}", "5", None),
            ("\\$USER_ID", "$USER_ID", None),
            ("$OTHER", "$OTHER", Some("$OTHER")),
        ] {
            let substituted = super::substitute(text, &lookup);
            assert_eq!(substituted.text, expected, "{text}");
            assert_eq!(substituted.unknown.as_deref(), unknown, "{text}");
        }
    }

    #[test]
    fn ten_thousand_levels_of_defaults_are_no_overflow() {
        let text = "${A:-".repeat(10_000) + "x" + &"}".repeat(10_000);
        assert!(interpolate(&text).unknown.is_some());
    }
}
