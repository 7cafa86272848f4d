//! Edits of one command line.

use std::{collections::HashMap, ops::Range};

use super::{
    Edit, Refusal, Wanted, first_by,
    text::{line_end, line_start, next_line, shell_word},
};
use crate::{
    Container, Engine, Format, Spanned, markdown,
    shell::{self, Argument, Invocation, Simple},
};

/// The commands of a script, or of the code blocks of a Markdown file, to be found again.
pub(super) struct Commands {
    pub all: Vec<Simple>,
    /// Whether there is nothing besides that could not be read.
    pub whole: bool,
    /// Those that start a container, by the place of their first words.
    starts: HashMap<Range<usize>, Invocation>,
}

impl Commands {
    pub fn of(format: Format, text: &str) -> Self {
        let blocks = match format {
            Format::Markdown => markdown::blocks(text),
            _ => vec![(text.to_owned(), 0)],
        };
        let (mut all, mut whole) = (Vec::new(), true);
        for (source, base) in blocks {
            match shell::commands(&source, base) {
                Ok(commands) => all.extend(commands),
                Err(_) => whole = false,
            }
        }
        let starts = all.iter().filter_map(shell::invocation);
        let starts = first_by(starts.map(|invocation| (invocation.span.clone(), invocation)));
        Self { all, whole, starts }
    }

    /// The edits that make a command say what is wanted. Spans count from the text's first byte.
    pub fn plan(
        &self,
        text: &str,
        container: &Container,
        wanted: &Wanted,
    ) -> Result<Vec<Edit>, Refusal> {
        let at = container.span.start;
        if container.engine == Engine::OpenShell {
            let reason =
                "openshell sandbox create takes no flags for capabilities: its driver sets them";
            return Err(Refusal::new(at, reason));
        }
        let invocation = self
            .starts
            .get(&container.span)
            .ok_or_else(|| Refusal::new(at, "the command is not found again"))?;
        plan(text, invocation, container, wanted)
    }
}

fn plan(
    text: &str,
    invocation: &Invocation,
    container: &Container,
    wanted: &Wanted,
) -> Result<Vec<Edit>, Refusal> {
    let at = container.span.start;
    let mut plan = Plan { text, invocation, new: Vec::new(), edits: Vec::new() };
    let settings = &container.settings;
    if let Some(cap_drop) = &wanted.cap_drop {
        plan.list("cap-drop", &settings.cap_drop, cap_drop)?;
    }
    if let Some(cap_add) = &wanted.cap_add {
        plan.list("cap-add", &settings.cap_add, cap_add)?;
    }
    plan.list("security-opt", &settings.security_opt, &wanted.security_opt(settings))?;
    plan.sysctls(&wanted.set_sysctls)?;
    if !wanted.add_mounts.is_empty() {
        return Err(Refusal::new(at, "mounts are added to Compose services alone"));
    }
    if let Some(user) = &wanted.user {
        plan.user(user)?;
    }
    if wanted.unprivileged
        && settings.privileged.as_ref().is_some_and(|privileged| privileged.value)
    {
        for argument in invocation.arguments.all("privileged") {
            plan.remove(argument)?;
        }
    }
    plan.insert_new();
    Ok(plan.edits)
}

struct Plan<'p> {
    text: &'p str,
    invocation: &'p Invocation,
    /// Flags to add, with their values.
    new: Vec<(&'static str, String)>,
    edits: Vec<Edit>,
}

impl Plan<'_> {
    fn list(
        &mut self,
        name: &'static str,
        current: &[Spanned<String>],
        wanted: &[String],
    ) -> Result<(), Refusal> {
        let mut add: Vec<String> = Vec::new();
        for value in wanted {
            if !current.iter().any(|item| item.value == *value) && !add.contains(value) {
                add.push(value.clone());
            }
        }
        let mut add = add.into_iter();
        for argument in self.invocation.arguments.all(name) {
            let divides = self.invocation.engine == Engine::Podman && name != "security-opt";
            let values: Vec<&str> = if divides {
                argument.value.value.split(',').collect()
            } else {
                vec![&argument.value.value]
            };
            let stay: Vec<&str> = values
                .iter()
                .copied()
                .filter(|value| wanted.iter().any(|wanted| wanted == value))
                .collect();
            if stay.len() == values.len() {
                continue;
            }
            if !stay.is_empty() {
                self.set_value(argument, &stay.join(","))?;
            } else if let Some(value) = add.next() {
                // What comes takes the place of what goes.
                self.set_value(argument, &value)?;
            } else {
                self.remove(argument)?;
            }
        }
        self.new.extend(add.map(|value| (name, value)));
        Ok(())
    }

    fn sysctls(&mut self, wanted: &[(String, String)]) -> Result<(), Refusal> {
        for (name, value) in wanted {
            let whole = format!("{name}={value}");
            let named = |argument: &&Argument| {
                argument.value.value.split('=').next() == Some(name.as_str())
            };
            let mut present = self.invocation.arguments.all("sysctl").filter(named);
            match present.next() {
                Some(argument) => {
                    if argument.value.value != whole {
                        self.set_value(argument, &whole)?;
                    }
                    for repeated in present {
                        self.remove(repeated)?;
                    }
                }
                None => self.new.push(("sysctl", whole)),
            }
        }
        Ok(())
    }

    fn user(&mut self, user: &str) -> Result<(), Refusal> {
        match self.invocation.arguments.last("user") {
            Some(argument) if argument.value.value == user => Ok(()),
            Some(argument) => self.set_value(argument, user),
            None => {
                self.new.push(("user", user.to_owned()));
                Ok(())
            }
        }
    }

    fn written_here(argument: &Argument) -> Result<(), Refusal> {
        if argument.here {
            return Ok(());
        }
        let reason =
            format!("--{} comes from a variable, which other commands may use too", argument.name);
        Err(Refusal::new(argument.span.start, reason))
    }

    fn set_value(&mut self, argument: &Argument, value: &str) -> Result<(), Refusal> {
        Self::written_here(argument)?;
        let place = argument.value.span.clone();
        let word = shell_word(value);
        let written = &self.text[place.clone()];
        if !argument.joined || written == argument.value.value {
            self.edits.push(Edit::new(place, word));
        } else if written.starts_with(&format!("--{}=", argument.name)) {
            self.edits.push(Edit::new(place, format!("--{}={word}", argument.name)));
        } else {
            return Err(Refusal::new(
                place.start,
                "this flag is written in a way that is not changed",
            ));
        }
        Ok(())
    }

    /// Takes a flag away: with its line where it stands alone on it, else with the blanks before it.
    fn remove(&mut self, argument: &Argument) -> Result<(), Refusal> {
        Self::written_here(argument)?;
        let Range { start, end } = argument.span;
        if !self.text[start..end].starts_with("--") {
            return Err(Refusal::new(start, "this flag shares its word with others"));
        }
        let line = line_start(self.text, start);
        let next = next_line(self.text, end);
        let rest = self.text[end..next].trim();
        let alone = self.text[line..start].trim_start_matches(['>', ' ', '\t']).is_empty();
        if alone && rest == "\\" {
            self.edits.push(Edit::new(line..next, ""));
            return Ok(());
        }
        let blanks =
            self.text[..start].len() - self.text[..start].trim_end_matches([' ', '\t']).len();
        if blanks > 0 && !alone {
            self.edits.push(Edit::new(start - blanks..end, ""));
        } else {
            let behind =
                self.text[end..].len() - self.text[end..].trim_start_matches([' ', '\t']).len();
            self.edits.push(Edit::new(start..end + behind, ""));
        }
        Ok(())
    }

    /// Puts the new flags right behind the verb, or on lines of their own where the command is
    /// written on several.
    fn insert_new(&mut self) {
        if self.new.is_empty() {
            return;
        }
        let separator = if self.joins_values() { "=" } else { " " };
        let flags: Vec<String> = std::mem::take(&mut self.new)
            .into_iter()
            .map(|(name, value)| format!("--{name}{separator}{}", shell_word(&value)))
            .collect();
        match self.first_on_a_later_line() {
            Some(at) => {
                let start = line_start(self.text, at);
                let indent = &self.text[start..at];
                let end = line_end(self.text, start.saturating_sub(1));
                let lines: String =
                    flags.iter().map(|flag| format!("{flag} \\{end}{indent}")).collect();
                self.edits.push(Edit::new(at..at, lines));
            }
            None => {
                let at = self.invocation.span.end;
                self.edits.push(Edit::new(at..at, format!(" {}", flags.join(" "))));
            }
        }
    }

    /// Whether most long flags have their value behind a `=`; so it is where there are none.
    fn joins_values(&self) -> bool {
        let valued = self.invocation.arguments.flags.iter().filter(|flag| {
            flag.here
                && self.text[flag.span.clone()].starts_with("--")
                && flag.value.span != flag.span
        });
        let (joined, apart): (Vec<_>, Vec<_>) = valued.partition(|flag| flag.joined);
        joined.len() >= apart.len()
    }

    /// The first flag, or the image, that begins a line behind the verb's.
    fn first_on_a_later_line(&self) -> Option<usize> {
        let arguments = &self.invocation.arguments;
        let verb = self.invocation.span.end;
        let flags = arguments.flags.iter().filter(|flag| flag.here).map(|flag| flag.span.start);
        let image =
            arguments.positional.first().filter(|word| word.here).map(|word| word.span.start);
        let mut places: Vec<usize> = flags.chain(image).filter(|at| *at > verb).collect();
        places.sort_unstable();
        places.into_iter().find(|at| {
            let line = line_start(self.text, *at);
            let before = &self.text[line..*at];
            line > verb && before.trim_start_matches(['>', ' ', '\t']).is_empty()
        })
    }
}
