//! All that a scan looks at: files, containers, images and the policy.

use super::walk::{self, Found, Read_, Visited, file_error};
use super::{digests, images};
use crate::failure::Failure;
use clap::Args;
use dropcap_audit::{Input, Options, PolicyPlace, rule};
use dropcap_manifest::{Document, Format, classify, join, read};
use dropcap_policy::Policy;
use dropcap_report::FileError;
use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The same limit as for a file: 16 MiB.
const LARGEST_INPUT: u64 = 16 << 20;

/// What bears on every container; for every verb that reports on files
#[derive(Args, Default)]
pub(crate) struct Selection {
    /// The policy, instead of the dropcap.toml here or above
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    #[command(flatten)]
    pub images: images::Sources,
    /// Look at what version control ignores too
    #[arg(long)]
    pub no_ignore: bool,
}

/// What was read.
pub(crate) struct Project {
    /// For the audit.
    pub input: Input,
    /// What could not be read.
    pub errors: Vec<FileError>,
    /// Whether it came from standard input.
    pub is_stdin: bool,
    /// For [`dropcap_audit::Options`].
    pub policy_place: PolicyPlace,
    /// Where the files are that are shown under these names.
    pub paths: HashMap<String, PathBuf>,
    files: Vec<Found>,
    /// The containers that were asked for by their ids; all where it is empty.
    asked_for: HashSet<String>,
}

impl Project {
    /// Reads everything under `targets`.
    pub fn read(
        targets: &[String],
        stdin_filename: &str,
        selection: &Selection,
    ) -> Result<Self, Failure> {
        let mut project = Self::empty();
        project.is_stdin = targets.iter().any(|target| target == "-");
        if project.is_stdin {
            if targets.len() > 1 {
                return Err(Failure::new("`-` stands alone: standard input is one file"));
            }
            project.read_policy(Path::new("."), selection)?;
            project.read_stdin(stdin_filename)?;
            return Ok(project);
        }
        let mut visited = Vec::new();
        for target in targets {
            visited.extend(project.find(target, selection)?);
        }
        visited.sort_by(|a, b| {
            (&a.found.shown, !a.found.named).cmp(&(&b.found.shown, !b.found.named))
        });
        visited.dedup_by(|a, b| a.found.shown == b.found.shown);
        project.files = visited.iter().map(|one| one.found.clone()).collect();
        let first = targets.first().map_or(".", String::as_str);
        project.read_policy(Path::new(file_of(first)), selection)?;
        project.load(visited, selection)?;
        let known: Vec<&str> =
            project.input.containers.iter().map(|container| container.id.as_str()).collect();
        if let Some(missing) = project.asked_for.iter().find(|id| !known.contains(&id.as_str())) {
            return Err(Failure::new(format!("there is no container {missing}"))
                .help(format!("the containers there are: {}", known.join(", "))));
        }
        Ok(project)
    }

    /// One container that no file has, with the policy that is named, or found here or above.
    #[cfg(target_os = "linux")]
    pub fn of_container(
        container: dropcap_manifest::Container,
        selection: &Selection,
    ) -> Result<Self, Failure> {
        let mut project = Self::empty();
        project.read_policy(Path::new("."), selection)?;
        project.input.containers.push(container);
        let (images, errors) = images::read_from_engines(&project.input, &selection.images);
        project.input.images = images;
        project.errors = errors;
        Ok(project)
    }

    fn empty() -> Self {
        Self {
            input: Input::default(),
            errors: Vec::new(),
            is_stdin: false,
            policy_place: Default::default(),
            paths: HashMap::new(),
            files: Vec::new(),
            asked_for: HashSet::new(),
        }
    }

    /// Reads the files again after some have been changed.
    pub fn reread(&mut self, changed: &[String], selection: &Selection) -> Result<(), Failure> {
        if changed.is_empty() {
            return Ok(());
        }
        self.errors.clear();
        self.load(walk::read(self.files.clone()), selection)
    }

    /// A container's id, or a file's name, as the policy writes it: with the file relative to the policy's folder, or to
    /// the file's own where there is no policy yet.
    #[cfg(target_os = "linux")]
    pub fn policy_id(&self, id: &str) -> String {
        if self.input.policy.is_none() {
            let folder = id.rsplit_once('#').map_or(id, |(file, _)| file).rfind('/');
            return folder.map_or(id, |slash| &id[slash + 1..]).to_owned();
        }
        self.policy_place.id(id)
    }

    /// Whether a container with this id is to be reported.
    pub fn is_asked_for(&self, id: &str) -> bool {
        self.asked_for.is_empty() || self.asked_for.contains(id)
    }

    /// Whether a file that the user named is among those with errors.
    pub fn named_is_unreadable(&self) -> bool {
        let named = |file: &str| {
            self.is_stdin || self.files.iter().any(|found| found.named && found.shown == file)
        };
        self.errors.iter().any(|error| named(&error.file))
    }

    /// Reads the files of one target.
    fn find(&mut self, target: &str, selection: &Selection) -> Result<Vec<Visited>, Failure> {
        let path = &walk::direct(Path::new(target));
        let missing = |error: std::io::Error| {
            Failure::new(format!("cannot read {target}"))
                .because(error)
                .help("name a file, a folder, or FILE#SUBJECT")
        };
        match path.metadata() {
            Ok(metadata) if metadata.is_dir() => {
                Ok(walk::walk(path, selection.no_ignore, &mut self.errors))
            }
            Ok(_) => {
                let shown = walk::shown(path);
                Ok(vec![walk::visit(Found { shown, path: path.to_owned(), named: true })])
            }
            Err(error) => {
                // FILE#SUBJECT: its folder is read too, for the Dockerfile that it is joined with.
                let Some((file, subject)) = target.rsplit_once('#') else {
                    return Err(missing(error));
                };
                let file = &walk::direct(Path::new(file));
                file.metadata().map_err(missing)?;
                let shown = walk::shown(file);
                self.asked_for.insert(format!("{shown}#{subject}"));
                let folder = match file.parent() {
                    Some(folder) if folder != Path::new("") => folder,
                    _ => Path::new("."),
                };
                let mut visited = walk::walk(folder, selection.no_ignore, &mut self.errors);
                visited.push(walk::visit(Found { shown, path: file.to_owned(), named: true }));
                Ok(visited)
            }
        }
    }

    fn read_policy(&mut self, target: &Path, selection: &Selection) -> Result<(), Failure> {
        let wrong = |error: dropcap_policy::PolicyError| {
            Failure::new("the policy cannot be used").because(error)
        };
        let folder = if target.is_dir() {
            target.to_owned()
        } else {
            match target.parent() {
                Some(folder) if folder != Path::new("") => folder.to_owned(),
                _ => PathBuf::from("."),
            }
        };
        let policy = match &selection.policy {
            Some(file) => Some(Policy::load(file).map_err(wrong)?),
            None => Policy::find_upwards(&folder).map_err(wrong)?,
        };
        let Some(policy) = policy else { return Ok(()) };
        for waiver in &policy.waivers {
            if rule(&waiver.rule).is_none() {
                let file = policy.path.as_deref().unwrap_or(Path::new("dropcap.toml")).display();
                return Err(Failure::new(format!(
                    "{file}:{}: a waiver for `{}`, which is no rule",
                    waiver.line, waiver.rule
                ))
                .help("`dropcap scan --explain all` lists the rules"));
            }
        }
        self.policy_place = place(policy.path.as_deref());
        self.input.policy = Some(policy);
        Ok(())
    }

    fn read_stdin(&mut self, name: &str) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        std::io::stdin()
            .take(LARGEST_INPUT)
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::new("cannot read standard input").because(error))?;
        let document = read(name, &bytes);
        self.errors.extend(walk::document_errors(&document));
        self.input.sources.insert(name.to_owned(), bytes);
        self.join(vec![document]);
        Ok(())
    }

    fn load(&mut self, visited: Vec<Visited>, selection: &Selection) -> Result<(), Failure> {
        let mut read = walk::settle(visited, &mut self.errors);
        let built = dockerfiles_elsewhere(&read);
        read.extend(walk::settle(walk::read(built), &mut self.errors));
        self.input.sources.clear();
        let mut documents = Vec::with_capacity(read.len());
        for Read_ { found, document, bytes } in read {
            self.input.sources.insert(found.shown.clone(), bytes);
            self.paths.insert(found.shown, found.path);
            documents.push(document);
        }
        self.join(documents);
        if self.input.images.is_empty() {
            self.input.images = images::read(&selection.images)?;
            let (images, errors) = images::read_from_engines(&self.input, &selection.images);
            self.input.images.extend(images);
            self.errors.extend(errors);
        }
        self.input.mounted = images::mounted(&self.input);
        let options =
            Options { policy_place: self.policy_place.clone(), edits: false, ..Options::default() };
        self.input.digests = digests::known(&self.input, &options);
        self.errors.sort();
        self.errors.dedup();
        Ok(())
    }

    fn join(&mut self, mut documents: Vec<Document>) {
        self.input.containers = join(&mut documents);
        self.input.documents = documents;
    }
}

/// The file of a target: a subject may have slashes of its own.
fn file_of(target: &str) -> &str {
    match target.rsplit_once('#') {
        Some((file, _)) if !Path::new(target).exists() => file,
        _ => target,
    }
}

/// The Dockerfiles that are built from, but lie outside of what was asked for.
fn dockerfiles_elsewhere(read: &[Read_]) -> Vec<Found> {
    let known: HashSet<&str> = read.iter().map(|read| read.found.shown.as_str()).collect();
    let containers = read.iter().flat_map(|read| &read.document.containers);
    let mut wanted: Vec<&str> = containers
        .filter_map(|container| container.build.as_ref())
        .map(|build| build.dockerfile.as_str())
        .filter(|path| !known.contains(path))
        // A file of another name is not opened because some Compose file points at it.
        .filter(|path| classify(path) == Some(Format::Dockerfile) && Path::new(path).is_file())
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let found = |path: &str| Found { shown: path.to_owned(), path: path.into(), named: false };
    wanted.into_iter().map(found).collect()
}

/// Where the policy lies, by the name by which it was found too: files may be named by the same one.
fn place(policy: Option<&Path>) -> PolicyPlace {
    let folder = policy.and_then(Path::parent).map(|folder| match folder {
        folder if folder == Path::new("") => Path::new("."),
        folder => folder,
    });
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    let (Ok(here), Some(folder)) = (here, folder) else { return PolicyPlace::default() };
    let names = [folder.canonicalize(), std::path::absolute(folder)];
    PolicyPlace {
        here: walk::shown(&here),
        folders: names.iter().flatten().map(|name| walk::shown(name)).collect(),
    }
}

/// An error about a file that cannot be changed.
pub(crate) fn refused(file: &str, message: &str) -> FileError {
    file_error(file, message)
}
