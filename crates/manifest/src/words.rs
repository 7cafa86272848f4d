//! A string of shell words, as Compose splits `command` and `entrypoint`.

/// Splits like a shell, without expanding anything: blanks divide, quotes and backslashes hold
/// together. `None` where a quote is not closed.
pub(crate) fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            _ if character.is_whitespace() => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '\'' => break,
                        inner => word.push(inner),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '"' => break,
                        '\\' => match characters.next()? {
                            '\n' => {}
                            escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                            other => word.extend(['\\', other]),
                        },
                        inner => word.push(inner),
                    }
                }
            }
            '\\' => match characters.next()? {
                '\n' => {}
                escaped => word.get_or_insert_default().push(escaped),
            },
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn splits_as_a_shell_does() {
        let words =
            split(r#"sh -c "echo \"a b\"" 'c  d'e f\ g "" "#).expect("all quotes are closed");
        assert_eq!(words, ["sh", "-c", r#"echo "a b""#, "c  de", "f g", ""]);
    }

    #[test]
    fn an_open_quote_is_no_word() {
        assert_eq!(split("echo 'a"), None);
        assert_eq!(split("echo \"a"), None);
        assert_eq!(split("echo \\"), None);
    }
}
