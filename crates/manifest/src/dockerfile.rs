//! Dockerfiles, <https://docs.docker.com/reference/dockerfile/>.

use std::collections::HashMap;

use parse_dockerfile::{
    Command, CopyInstruction, Instruction, JsonOrStringArray, Source, UnescapedString,
};

use crate::{
    Container, Document, Engine, Format, Kind, Mount, ReadError, Spanned, Stage, Starter,
    interpolate::substitute, path, words,
};

/// More instructions than any Dockerfile has. A stage takes over what its parent says, so that
/// stages times instructions bound the memory that a file asks for.
const MAX_INSTRUCTIONS: usize = 5_000;

/// More stages than any Dockerfile has.
const MAX_STAGES: usize = 200;

/// Reads every stage; the last one is the file's container.
pub(crate) fn read(path: &str, text: &str) -> Document {
    let mut document = Document::empty(path, Format::Dockerfile, text.len());
    match instructions(text) {
        Ok(instructions) if instructions.len() > MAX_INSTRUCTIONS => {
            let message = format!(
                "{} instructions are more than are read ({MAX_INSTRUCTIONS})",
                instructions.len()
            );
            document.errors.push(ReadError { line: 1, column: 1, message });
        }
        Ok(instructions) if stage_count(&instructions) > MAX_STAGES => {
            let message = format!(
                "{} stages are more than are read ({MAX_STAGES})",
                stage_count(&instructions)
            );
            document.errors.push(ReadError { line: 1, column: 1, message });
        }
        Ok(instructions) => {
            document.stages = stages(path, text, &instructions);
            document.containers.extend(document.stages.last().map(|stage| stage.container.clone()));
        }
        Err(error) => document.errors.push(error),
    }
    document
}

fn stage_count(instructions: &[Instruction<'_>]) -> usize {
    instructions.iter().filter(|instruction| matches!(instruction, Instruction::From(_))).count()
}

fn instructions(text: &str) -> Result<Vec<Instruction<'_>>, ReadError> {
    let fail = |error: parse_dockerfile::Error| {
        let whole = error.to_string();
        // The crate says the place in its text as well.
        let message = whole.rsplit_once(" (line ").or_else(|| whole.rsplit_once(" at line "));
        let message = message.map_or(whole.as_str(), |(message, _)| message);
        ReadError {
            line: error.line().max(1),
            column: error.column().max(1),
            message: format!("not a Dockerfile: {message}"),
        }
    };
    parse_dockerfile::parse_iter(text)
        .map_err(fail)?
        .map(|instruction| instruction.map_err(fail))
        .collect()
}

/// What holds at one point of a stage.
struct State<'i, 'a> {
    stage: Stage,
    variables: HashMap<String, String>,
    working_directory: String,
    shell: Vec<String>,
    command_is_own: bool,
    onbuild: Vec<&'i Instruction<'a>>,
}

fn stages<'a>(path: &str, text: &str, instructions: &[Instruction<'a>]) -> Vec<Stage> {
    let mut global: HashMap<String, String> = HashMap::new();
    let mut states: Vec<State<'_, 'a>> = Vec::new();
    for instruction in instructions {
        match instruction {
            Instruction::From(from) => {
                let image = substitute(&from.image.value, &|name| global.get(name).cloned());
                let parent = parent(&states, &image.text);
                let name = from.as_.as_ref().map(|(_, name)| name.value.clone().into_owned());
                let end = from.as_.as_ref().map_or(from.image.span.end, |(_, name)| name.span.end);
                let subject = name.clone().unwrap_or_else(|| states.len().to_string());
                let mut container = Container::new(
                    path,
                    &subject,
                    from.from.span.start..end,
                    Kind::Dockerfile,
                    Engine::Docker,
                    Starter::Assumed,
                );
                if let Some(variable) = image.unknown {
                    let what = format!("the value of {variable}");
                    container.unknowns.push(Spanned::new(what, from.image.span.clone()));
                }
                container.image =
                    Some(Spanned::new(image.text.into_owned(), from.image.span.clone()));
                let mut state = State {
                    stage: Stage { name, container, copies: Vec::new() },
                    variables: HashMap::new(),
                    working_directory: "/".to_owned(),
                    shell: vec!["/bin/sh".to_owned(), "-c".to_owned()],
                    command_is_own: false,
                    onbuild: Vec::new(),
                };
                if let Some(parent) = parent {
                    state.inherit(parent);
                    for instruction in parent.onbuild.clone() {
                        state.apply(instruction, text, &global);
                    }
                }
                states.push(state);
            }
            other => match states.last_mut() {
                Some(state) => state.apply(other, text, &global),
                None => {
                    if let Instruction::Arg(arguments) = other {
                        for (name, value) in assignments(&arguments.arguments) {
                            let value = value.map(|value| {
                                substitute(&value, &|name| global.get(name).cloned())
                                    .text
                                    .into_owned()
                            });
                            global.extend(value.map(|value| (name, value)));
                        }
                    }
                }
            },
        }
    }
    let mut stages: Vec<Stage> = states.into_iter().map(|state| state.stage).collect();
    for Stage { container, .. } in &mut stages {
        container.base = container.image.as_ref().map(|image| image.value.clone());
    }
    if let Some(last) = stages.last_mut()
        && last.name.is_none()
    {
        last.container.id = format!("{path}#final");
    }
    stages
}

/// The earlier stage that `FROM` names, by name or number.
fn parent<'s, 'i, 'a>(states: &'s [State<'i, 'a>], image: &str) -> Option<&'s State<'i, 'a>> {
    let named = states.iter().rev().find(|state| {
        state.stage.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(image))
    });
    named.or_else(|| states.get(image.parse::<usize>().ok()?))
}

impl<'i, 'a> State<'i, 'a> {
    fn inherit(&mut self, parent: &Self) {
        let settings = parent.stage.container.settings.clone();
        self.stage.container.settings = settings;
        self.stage.container.image.clone_from(&parent.stage.container.image);
        self.stage.copies.clone_from(&parent.stage.copies);
        self.working_directory.clone_from(&parent.working_directory);
        self.variables.clone_from(&parent.variables);
        self.shell.clone_from(&parent.shell);
    }

    fn apply(
        &mut self,
        instruction: &'i Instruction<'a>,
        text: &str,
        global: &HashMap<String, String>,
    ) {
        match instruction {
            Instruction::Arg(arguments) => {
                for (name, value) in assignments(&arguments.arguments) {
                    // An ARG does not hide an ENV of the same name.
                    let value = value
                        .map(|value| self.resolve(&value))
                        .or_else(|| global.get(&name).cloned());
                    if let (Some(value), false) = (value, self.variables.contains_key(&name)) {
                        self.variables.insert(name, value);
                    }
                }
            }
            Instruction::Env(arguments) => {
                for (name, value) in assignments(&arguments.arguments) {
                    let value = self.resolve(&value.unwrap_or_default());
                    self.variables.insert(name, value);
                }
            }
            Instruction::User(user) => {
                let span = user.arguments.span.clone();
                let lookup = |name: &str| self.variables.get(name).cloned();
                let resolved = substitute(&user.arguments.value, &lookup);
                if let Some(variable) = resolved.unknown {
                    let what = format!("the value of {variable}");
                    self.stage.container.unknowns.push(Spanned::new(what, span.clone()));
                }
                let resolved = resolved.text.trim_matches(['"', '\'']).to_owned();
                self.stage.container.settings.user = Some(Spanned::new(resolved, span));
            }
            Instruction::Shell(shell) => {
                self.shell =
                    shell.arguments.iter().map(|word| word.value.clone().into_owned()).collect();
            }
            Instruction::Entrypoint(entrypoint) => {
                self.stage.container.settings.entrypoint = Some(self.words(&entrypoint.arguments));
                // buildkit, dispatchEntrypoint: the base's CMD was meant for the base's ENTRYPOINT.
                if !self.command_is_own {
                    self.stage.container.settings.command = None;
                }
            }
            Instruction::Cmd(command) => {
                self.stage.container.settings.command = Some(self.words(&command.arguments));
                self.command_is_own = true;
            }
            Instruction::Workdir(workdir) => {
                let to = self.resolve(&workdir.arguments.value);
                self.working_directory = path::join(&self.working_directory, &to);
            }
            Instruction::Copy(copy) => self.copy(copy),
            Instruction::Add(add) => self.bring_in(&add.src, &add.dest),
            Instruction::Volume(volume) => {
                let targets: Vec<&UnescapedString<'_>> = match &volume.arguments {
                    JsonOrStringArray::Json(array) => array.value.iter().collect(),
                    JsonOrStringArray::String(array) => array.iter().collect(),
                };
                for target in targets {
                    let mount = Mount {
                        target: self.resolve(&target.value),
                        span: target.span.clone(),
                        ..Mount::default()
                    };
                    self.stage.container.settings.mounts.push(mount);
                }
            }
            Instruction::Onbuild(onbuild) => self.onbuild.push(&onbuild.instruction),
            _ => {}
        }
        debug_assert!(self.stage.container.span.end <= text.len());
    }

    fn resolve(&self, text: &str) -> String {
        substitute(text, &|name| self.variables.get(name).cloned()).text.into_owned()
    }

    fn words(&self, command: &Command<'_>) -> Spanned<Vec<String>> {
        match command {
            Command::Exec(words) => Spanned::new(
                words.value.iter().map(|word| word.value.clone().into_owned()).collect(),
                words.span.clone(),
            ),
            Command::Shell(text) => {
                let mut words = self.shell.clone();
                words.push(text.value.trim().to_owned());
                Spanned::new(words, text.span.clone())
            }
            // The enum is open: a form that is not known yet has no words.
            _ => Spanned::new(Vec::new(), 0..0),
        }
    }

    fn copy(&mut self, copy: &CopyInstruction<'_>) {
        // From another stage or image: nothing of the tree that is scanned.
        if !copy.options.iter().any(|option| option.name.value == "from") {
            self.bring_in(&copy.src, &copy.dest);
        }
    }

    fn bring_in(&mut self, sources: &[Source<'_>], target: &UnescapedString<'_>) {
        let target = path::join(&self.working_directory, &self.resolve(&target.value));
        for source in sources {
            if let Source::Path(source) = source {
                self.stage.copies.push((self.resolve(&source.value), target.clone()));
            }
        }
    }
}

/// `NAME=value NAME2="value 2"`, or the old `NAME value` of `ENV`.
fn assignments(text: &UnescapedString<'_>) -> Vec<(String, Option<String>)> {
    let text = text.value.trim();
    let first = text.split_ascii_whitespace().next().unwrap_or_default();
    if !first.contains('=')
        && let Some((name, value)) = text.split_once(char::is_whitespace)
        && !value.contains('=')
    {
        return vec![(name.to_owned(), Some(value.trim().to_owned()))];
    }
    let words = words::split(text).unwrap_or_default();
    words
        .into_iter()
        .map(|word| match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word, None),
        })
        .collect()
}
