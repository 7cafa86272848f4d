//! The command lines of runc and crun.
//!
//! runc reads with Go's `flag` (`-name`, `--name`, `--name=value`), crun with getopt_long (`--name`,
//! unambiguous beginnings of it, letters together). The command is found by that grammar, never by
//! looking for a word. A flag that is not known is refused, since it cannot be told whether the
//! next word is its value; and a command line that dropcap changes is written anew from what it
//! understood, so that the runtime cannot understand another.

mod flags;

use flags::{Flag, Kind};
use std::ffi::{OsStr, OsString};

/// Which runtime is below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// runc, and what reads its command line as it does.
    Runc,
    /// crun.
    Crun,
}

impl Flavour {
    /// That of the program with this file name.
    pub fn of(program: &OsStr) -> Self {
        let name = std::path::Path::new(program).file_name().unwrap_or(program);
        if name.to_string_lossy().contains("crun") { Self::Crun } else { Self::Runc }
    }
}

/// Why a command line is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum GrammarError {
    #[error("the flag `{flag}` of `{of}` is not known")]
    UnknownFlag { flag: String, of: String },
    #[error("the flag `--{0}` needs a value")]
    NoValue(&'static str),
    #[error("the value `{value}` of `--{flag}` is not understood")]
    BadValue { flag: &'static str, value: String },
    #[error("the command `{0}` is not known")]
    UnknownCommand(String),
    #[error("`{0}` needs a container")]
    NoContainer(String),
    #[error("`{0}` takes one container")]
    SecondContainer(String),
    #[error("an argument is not Unicode")]
    NotUnicode,
}

/// A whole command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// What comes before the command.
    pub global: Options,
    /// The command, `None` where there is only a flag such as `--version`.
    pub command: Option<Command>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `create`, `run` or `restore`.
    Start(Start),
    /// `exec`.
    Exec(Exec),
    /// Anything else.
    Other,
}

/// What `create`, `run` and `restore` are given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The command's name.
    pub verb: &'static str,
    /// Its flags.
    pub options: Options,
    /// The container.
    pub container: String,
}

/// What `exec` is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    /// Its flags.
    pub options: Options,
    /// The container.
    pub container: String,
    /// The command and its arguments; they count where there is no `--process`.
    pub arguments: Vec<String>,
}

/// Flags with their values, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options(Vec<(&'static str, Option<String>)>);

impl Options {
    /// The last value of a flag, as both runtimes take it.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(flag, _)| *flag == name)?.1.as_deref()
    }

    /// Every value of a flag.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(flag, _)| *flag == name)
            .filter_map(|(_, value)| value.as_deref())
    }

    /// Whether a flag without a value is set, and to what; `None` where it is not there.
    ///
    /// # Errors
    /// A value that is neither yes nor no.
    pub fn switch(&self, name: &'static str) -> Result<Option<bool>, GrammarError> {
        let Some((_, value)) = self.0.iter().rev().find(|(flag, _)| *flag == name) else {
            return Ok(None);
        };
        // What Go's strconv.ParseBool takes; `no` is crun's.
        match value.as_deref() {
            None | Some("1" | "t" | "T" | "true" | "True" | "TRUE") => Ok(Some(true)),
            Some("0" | "f" | "F" | "false" | "False" | "FALSE" | "no") => Ok(Some(false)),
            Some(value) => Err(GrammarError::BadValue { flag: name, value: value.to_owned() }),
        }
    }

    /// Whether there is `--help`, with which both runtimes start nothing. With a value it might be a no.
    fn ask_for_help(&self) -> Result<bool, GrammarError> {
        let name = flags::HELP.name;
        match self.values(name).next() {
            Some(value) => Err(GrammarError::BadValue { flag: name, value: value.to_owned() }),
            None => Ok(self.0.iter().any(|(flag, _)| *flag == name)),
        }
    }

    /// Sets a flag to one value, whatever was given.
    pub fn set(&mut self, name: &'static str, value: String) {
        self.remove(&[name]);
        self.0.push((name, Some(value)));
    }

    /// Takes flags out.
    pub fn remove(&mut self, names: &[&str]) {
        self.0.retain(|(flag, _)| !names.contains(flag));
    }

    /// As words that both grammars read alike.
    pub fn words(&self) -> impl Iterator<Item = OsString> {
        self.0.iter().map(|(flag, value)| match value {
            Some(value) => format!("--{flag}={value}").into(),
            None => format!("--{flag}").into(),
        })
    }
}

impl CommandLine {
    /// Reads the words after the program's name.
    ///
    /// # Errors
    /// [`GrammarError`]; then nothing of it may be given to the runtime.
    pub fn parse(words: &[OsString], flavour: Flavour) -> Result<Self, GrammarError> {
        let mut words = Words { flavour, rest: words };
        let global = words.flags("the runtime", flags::GLOBAL)?;
        let Some(name) = words.next() else { return Ok(Self { global, command: None }) };
        let verb = ["create", "run", "restore"].into_iter().find(|verb| name == *verb);
        let command = match verb {
            Some(verb) => words.start(verb)?,
            None if name == "exec" => words.exec()?,
            // A later runtime might take what only looks like a command for another word.
            None if !name
                .as_encoded_bytes()
                .iter()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'-')) =>
            {
                return Err(GrammarError::UnknownCommand(name.to_string_lossy().into_owned()));
            }
            None => Command::Other,
        };
        Ok(Self { global, command: Some(command) })
    }

    /// What comes before the command, as far as it is understood: where the log is.
    pub fn global_of(words: &[OsString], flavour: Flavour) -> Options {
        let mut options = Options::default();
        let mut words = Words { flavour, rest: words };
        while let Ok(true) = words.one_flag("the runtime", flags::GLOBAL, &mut options) {}
        options
    }
}

/// The words that are not read yet.
struct Words<'a> {
    flavour: Flavour,
    rest: &'a [OsString],
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a OsStr> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// Flags up to the first word that is none; `--` ends them too.
    fn flags(&mut self, of: &str, table: &[Flag]) -> Result<Options, GrammarError> {
        let mut options = Options::default();
        while self.one_flag(of, table, &mut options)? {}
        Ok(options)
    }

    /// Reads the flag that is next; false where there is none, or only `--`, which is taken.
    fn one_flag(
        &mut self,
        of: &str,
        table: &[Flag],
        options: &mut Options,
    ) -> Result<bool, GrammarError> {
        let Some(word) = self.rest.first().filter(|word| is_flag(word)) else { return Ok(false) };
        let word = word.to_str().ok_or(GrammarError::NotUnicode)?;
        self.rest = &self.rest[1..];
        if word == "--" {
            return Ok(false);
        }
        let unknown = || GrammarError::UnknownFlag { flag: word.to_owned(), of: of.to_owned() };
        let long = word.strip_prefix("--");
        if self.flavour == Flavour::Crun && long.is_none() {
            self.letters(&word[1..], table, options, &unknown)?;
            return Ok(true);
        }
        let text = long.unwrap_or(&word[1..]);
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        let flag = flags::find(table, name, self.flavour).ok_or_else(unknown)?;
        let value = match (flag.kind, value) {
            (Kind::Switch, Some(_)) if self.flavour == Flavour::Crun => return Err(unknown()),
            (Kind::Value, None) => Some(self.value(flag)?),
            (_, value) => value,
        };
        options.0.push((flag.name, value));
        Ok(true)
    }

    /// getopt's letters: together, the last with its value behind it or in the next word.
    fn letters(
        &mut self,
        text: &str,
        table: &[Flag],
        options: &mut Options,
        unknown: &dyn Fn() -> GrammarError,
    ) -> Result<(), GrammarError> {
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            let flag = table.iter().find(|flag| flag.letter == Some(letter)).ok_or_else(unknown)?;
            let behind = match flag.kind {
                Kind::Switch => "",
                Kind::Value | Kind::MaybeValue => std::mem::take(&mut rest),
            };
            let value = match (flag.kind, behind) {
                (Kind::Value, "") => Some(self.value(flag)?),
                (_, "") => None,
                (_, text) => Some(text.to_owned()),
            };
            options.0.push((flag.name, value));
        }
        Ok(())
    }
}

impl Words<'_> {
    /// The value of `flag`, which is the next word whatever it looks like.
    fn value(&mut self, flag: &Flag) -> Result<String, GrammarError> {
        let word = self.next().ok_or(GrammarError::NoValue(flag.name))?;
        word.to_str().map(str::to_owned).ok_or(GrammarError::NotUnicode)
    }

    /// `create`, `run`, `restore`: flags may stand behind the container too.
    fn start(&mut self, verb: &'static str) -> Result<Command, GrammarError> {
        let table = if verb == "restore" { flags::RESTORE } else { flags::START };
        let mut options = self.flags(verb, table)?;
        if options.ask_for_help()? {
            return Ok(Command::Other);
        }
        let container = self.container(verb)?;
        options.0.extend(self.flags(verb, table)?.0);
        if options.ask_for_help()? {
            return Ok(Command::Other);
        }
        if self.next().is_some() {
            return Err(GrammarError::SecondContainer(verb.to_owned()));
        }
        Ok(Command::Start(Start { verb, options, container }))
    }

    /// `exec`: everything behind the container is the command's.
    fn exec(&mut self) -> Result<Command, GrammarError> {
        let options = self.flags("exec", flags::EXEC)?;
        if options.ask_for_help()? {
            return Ok(Command::Other);
        }
        let container = self.container("exec")?;
        let arguments = self.rest.iter().map(|word| word.to_str().map(str::to_owned));
        let arguments: Option<_> = arguments.collect();
        let arguments = arguments.ok_or(GrammarError::NotUnicode)?;
        Ok(Command::Exec(Exec { options, container, arguments }))
    }

    fn container(&mut self, verb: &str) -> Result<String, GrammarError> {
        let word = self.next().ok_or_else(|| GrammarError::NoContainer(verb.to_owned()))?;
        let word = word.to_str().ok_or(GrammarError::NotUnicode)?;
        // It becomes a part of a path, and a word of another command line.
        let usable = !word.is_empty()
            && !word.starts_with(['-', '.'])
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-.".contains(&byte));
        if usable {
            Ok(word.to_owned())
        } else {
            Err(GrammarError::BadValue { flag: "container", value: word.to_owned() })
        }
    }
}

/// Whether both grammars take a word for a flag; `-` alone is none.
fn is_flag(word: &OsStr) -> bool {
    let bytes = word.as_encoded_bytes();
    bytes.len() > 1 && bytes[0] == b'-'
}

#[cfg(test)]
mod tests;
