//! Steps in the very words that a container is started with.

use crate::{Container, PrivilegeStep};

/// Where they stand, in place of a file.
const PLACE: &str = "its command";
/// The shells whose `-c` is a script.
const SHELLS: [&str; 4] = ["sh", "bash", "ash", "dash"];

impl Container {
    /// The steps that its entrypoint and command take by themselves: `sh -c SCRIPT`, or one of the programs with its
    /// words. Places in them are those of no file.
    pub fn own_steps(&self) -> Vec<PrivilegeStep> {
        let parts = [&self.settings.entrypoint, &self.settings.command];
        let words: Vec<&str> = parts
            .into_iter()
            .flatten()
            .flat_map(|part| part.value.iter().map(String::as_str))
            .collect();
        super::read(PLACE, &script(&words)).steps
    }
}

/// What is executed, as a shell would be told to.
fn script(words: &[&str]) -> String {
    match words {
        [shell, options, script, ..]
            if SHELLS.contains(&shell.rsplit('/').next().unwrap_or(shell))
                && options.starts_with('-')
                && options.ends_with('c') =>
        {
            (*script).to_owned()
        }
        _ => {
            let quoted = words.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''")));
            quoted.collect::<Vec<_>>().join(" ")
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Spanned, Tool};

    fn tools(entrypoint: &[&str], command: &[&str]) -> Vec<Tool> {
        let document = crate::read("compose.yaml", b"services: {a: {image: x}}\n");
        let mut container = document.containers[0].clone();
        let words = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            (!words.is_empty()).then(|| Spanned::new(words, 0..0))
        };
        container.settings.entrypoint = words(entrypoint);
        container.settings.command = words(command);
        container.own_steps().iter().map(|step| step.tool).collect()
    }

    #[test]
    fn a_script_in_the_words_is_read() {
        let script = "chown 1 /x && exec gosu app 'it is'";
        assert_eq!(tools(&["/bin/sh", "-ec", script], &[]), [Tool::Chown, Tool::Gosu]);
        assert_eq!(tools(&["bash"], &["-c", script]), [Tool::Chown, Tool::Gosu]);
        assert_eq!(tools(&["gosu", "app"], &["sh", "-c", "chown it's"]), [Tool::Gosu]);
        assert_eq!(tools(&["serve", "gosu"], &[]), []);
        assert_eq!(tools(&["sh", "script", "gosu"], &[]), []);
        assert_eq!(tools(&[], &[]), []);
    }
}
