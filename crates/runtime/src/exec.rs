//! `exec`: the process is made from a document of dropcap's, whatever it was asked for by.

use crate::bundle::Folder;
use crate::config::{self, USER_NAMESPACES};
use crate::decide::{self, Process};
use crate::document::Object;
use crate::error::Error;
use crate::file;
use crate::grammar::{Exec, GrammarError, Options};
use crate::judge::judge;
use crate::record::Subject;
use crate::{Context, Invocation, image, process, running, state};
use rustix::fs::{MemfdFlags, SealFlags};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::IntoRawFd;
use std::path::Path;

impl Invocation<'_> {
    pub(crate) fn exec(&self, context: &Context<'_>, mut exec: Exec) -> Result<Infallible, Error> {
        let Context { settings, policy, flavour, global, .. } = context;
        let root = state::root(global, *flavour, &self.environment)?;
        let (config, bundle) = state::configuration(&root, &exec.container, *flavour)?;
        let known = running::known(&exec.container, &config, policy)?;
        let mut decision = decide::decide(policy, settings.without_match, &known, Process::Exec);
        let annotations: BTreeMap<String, String> = config.read("annotations")?.unwrap_or_default();
        // Anybody may have written this where dropcap did not, and it can only take away.
        let image = annotations.get(config::IMAGE);
        decision.allowed = decision.allowed & image::allowed(image)?;
        if image.is_some() {
            let first = config.read::<Object>("process")?.unwrap_or_default();
            decision.no_new_privileges |= first.read("noNewPrivileges")?.unwrap_or(false);
        }

        let mut piped = None;
        let mut document = match exec.options.value("process").filter(|path| !path.is_empty()) {
            Some(path) => {
                let given = file::read_or_pipe(Path::new(path), context.can_speak)?;
                let document = Object::parse(&given.text, path)?;
                piped = given.is_pipe.then_some(given.text);
                document
            }
            None => process::build(&exec, &config, *flavour)?,
        };
        let change = config::confine_process(&mut document, &decision)?;
        let container = exec.container.clone();
        let subject = Subject { container: &container, root: &root, command: "exec" };
        if decision.observe {
            context.record(subject, &decision, &change)?;
            // Nobody can read a pipe for the second time.
            return match piped {
                Some(text) => self.hand_over(context, exec, &text),
                None => self.replace(&settings.below, self.words.to_vec()),
            };
        }
        judge(&document, &decision)?;
        // The filter is the container's: it was made with it, or it cannot be had.
        if decision.close_user_namespaces {
            let ours = Folder::new(&settings.state, &root).bundle(&container);
            let closed = annotations.get(USER_NAMESPACES).is_some_and(|text| text == "closed");
            if bundle != ours || !closed {
                return Err(Error::NotClosed);
            }
        }

        let text = process::text(&document)?;
        exec.options.remove(&process::IN_DOCUMENT);
        exec.arguments.clear();
        context.record(subject, &decision, &change)?;
        self.hand_over(context, exec, &text)
    }

    /// Becomes the runtime, which reads this document.
    fn hand_over(
        &self,
        context: &Context<'_>,
        mut exec: Exec,
        text: &str,
    ) -> Result<Infallible, Error> {
        let first_free = first_free(&exec.options, &self.environment)?;
        let number = sealed(text, first_free).map_err(Error::Handover)?;
        exec.options.set("process", format!("/proc/self/fd/{number}"));
        let mut words = context.words("exec");
        words.extend(exec.options.words());
        words.push(exec.container.into());
        words.extend(exec.arguments.into_iter().map(Into::into));
        self.replace(&context.settings.below, words)
    }
}

/// The first descriptor that is not one of those passed into the container: three, those of
/// `--preserve-fds` and those of `LISTEN_FDS`.
fn first_free(
    options: &Options,
    environment: &[(std::ffi::OsString, std::ffi::OsString)],
) -> Result<i32, Error> {
    let bad =
        |value: &str| GrammarError::BadValue { flag: "preserve-fds", value: value.to_owned() };
    let number = |text: Option<&str>| match text {
        None | Some("") => Ok(0),
        Some(text) => text.parse::<u16>().map(i32::from).map_err(|_| bad(text)),
    };
    let listen = environment.iter().find(|(key, _)| key == "LISTEN_FDS");
    let listen = number(listen.and_then(|(_, value)| value.to_str()))?;
    Ok(3 + number(options.value("preserve-fds"))? + listen)
}

/// A document that nobody can change any more, in a descriptor that the runtime inherits; it is
/// gone when the runtime is.
fn sealed(text: &str, first_free: i32) -> io::Result<i32> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut file = File::from(rustix::fs::memfd_create("dropcap-process", flags)?);
    file.write_all(text.as_bytes())?;
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    let inherited = rustix::io::fcntl_dupfd_cloexec(&file, first_free)?;
    rustix::io::fcntl_setfd(&inherited, rustix::io::FdFlags::empty())?;
    Ok(inherited.into_raw_fd())
}
