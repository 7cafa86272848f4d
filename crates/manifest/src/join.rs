//! The containers of a whole tree: overrides merged, starters joined with their Dockerfiles.

use std::collections::{HashMap, HashSet};

use crate::{
    Build, Container, Document, Engine, Format, Kind, Part, Spanned, Stage, compose::merge, path,
    words,
};

/// The names that Compose looks for, in its order. Source: compose-go, `cli.DefaultFileNames`.
const BASES: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/// Source: compose-go, `cli.DefaultOverrideFileNames`.
const OVERRIDES: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// The containers of a whole tree, taken out of its documents: Compose overrides merged with the
/// file beside them, each `build` (and each `docker build -t TAG` beside a `docker run TAG`) joined
/// with its Dockerfile, whose `USER`, `ENTRYPOINT` and `CMD` hold where the starter says nothing. A
/// Dockerfile that is joined with a starter is no container of its own.
///
/// Pass the documents in the order in which the tree was walked. Where a command was run is not
/// known: a path of a `docker build` line is looked for from the folder of its file upwards.
#[must_use]
pub fn join(documents: &mut [Document]) -> Vec<Container> {
    merge_overrides(documents);
    let mut containers: Vec<Container> = documents
        .iter_mut()
        .flat_map(|document| std::mem::take(&mut document.containers))
        .collect();
    let tree = Tree::new(documents, &containers);
    let mut joined = HashSet::new();
    for container in &mut containers {
        if container.kind == Kind::Dockerfile {
            container.entrypoint_script = tree.script_of(container, path::folder(&container.file));
            continue;
        }
        if container.build.is_none() {
            container.build = tree.build_of(container);
        }
        let Some(build) = container.build.clone() else { continue };
        match tree.dockerfile(&build.dockerfile, container) {
            Some(dockerfile) => {
                joined.insert(dockerfile.path.clone());
                let build = Build { dockerfile: dockerfile.path.clone(), ..build };
                tree.inherit(container, dockerfile, &build);
                container.build = Some(build);
            }
            None => {
                let what = format!("its Dockerfile {}, which was not read", build.dockerfile);
                container.unknowns.push(Spanned::new(what, container.span.clone()));
            }
        }
    }
    for container in &mut containers {
        if container.entrypoint_script.is_none() {
            let context = container.build.as_ref().map_or_else(
                || path::folder(&container.file).to_owned(),
                |build| build.context.clone(),
            );
            container.entrypoint_script = tree.script_of(container, &context);
        }
    }
    containers.retain(|container| {
        container.kind != Kind::Dockerfile || !joined.contains(&container.file)
    });
    containers
}

/// Lays each `compose.override.yaml` over the Compose file beside it.
fn merge_overrides(documents: &mut [Document]) {
    let by_path: HashMap<String, usize> = documents
        .iter()
        .enumerate()
        .map(|(index, document)| (path::join("", &document.path), index))
        .collect();
    for over in 0..documents.len() {
        if !OVERRIDES.contains(&path::name(&documents[over].path)) {
            continue;
        }
        let folder = path::folder(&documents[over].path);
        let base = BASES.iter().find_map(|name| by_path.get(&path::join(folder, name)));
        let Some(base) = base.copied() else { continue };
        let length = documents[base].length;
        let over_path = documents[over].path.clone();
        let services = std::mem::take(&mut documents[over].containers);
        let by_name: HashMap<String, usize> = documents[base]
            .containers
            .iter()
            .enumerate()
            .map(|(index, container)| (container.subject().to_owned(), index))
            .collect();
        for mut service in services {
            let Some(index) = by_name.get(service.subject()) else {
                documents[over].containers.push(service);
                continue;
            };
            let container = &mut documents[base].containers[*index];
            service.shift(length);
            let mut merged = merge(container, &service);
            merged.id.clone_from(&container.id);
            merged.file.clone_from(&container.file);
            merged.span = container.span.clone();
            merged.parts = vec![Part { file: over_path.clone(), start: length }];
            *container = merged;
        }
    }
}

/// The name of an image without the tag that is there by default.
fn plain_name(image: &str) -> &str {
    image.strip_suffix(":latest").unwrap_or(image)
}

/// Where an image of some name is built.
struct Named {
    file: String,
    /// Where the Dockerfile may be, best first.
    candidates: Vec<Build>,
}

/// What is known of the whole tree.
struct Tree<'d> {
    by_path: HashMap<String, &'d Document>,
    /// By the image's name.
    named: HashMap<String, Vec<Named>>,
}

impl<'d> Tree<'d> {
    fn new(documents: &'d [Document], containers: &[Container]) -> Self {
        let by_path =
            documents.iter().map(|document| (path::join("", &document.path), document)).collect();
        let mut named: HashMap<String, Vec<Named>> = HashMap::new();
        let mut add = |tag: &str, file: &str, candidates: Vec<Build>| {
            let file = file.to_owned();
            named.entry(plain_name(tag).to_owned()).or_default().push(Named { file, candidates });
        };
        for build in documents.iter().flat_map(|document| &document.builds) {
            for tag in &build.tags {
                add(tag, &build.file, candidates(build));
            }
        }
        for container in containers {
            if let (Some(image), Some(build)) = (&container.image, &container.build) {
                add(&image.value, &container.file, vec![build.clone()]);
            }
        }
        Self { by_path, named }
    }

    /// How the image that a container names is built: by a line of the same file first, then of the
    /// same folder, then of any.
    fn build_of(&self, container: &Container) -> Option<Build> {
        let image = plain_name(&container.image.as_ref()?.value);
        let matching = |named: &&Named| {
            // A variable is the same one only within its own file.
            !image.contains('$') || named.file == container.file
        };
        let nearness = |named: &&Named| {
            if named.file == container.file {
                0
            } else if path::folder(&named.file) == path::folder(&container.file) {
                1
            } else {
                2
            }
        };
        let named = self.named.get(image)?.iter().filter(matching).min_by_key(nearness)?;
        let read = |build: &&Build| self.by_path.contains_key(&build.dockerfile);
        named.candidates.iter().find(read).or(named.candidates.first()).cloned()
    }

    /// The Dockerfile at a path, which a command line may have meant from the top of the tree.
    fn dockerfile(&self, wanted: &str, container: &Container) -> Option<&'d Document> {
        let at = |path: &str| {
            let document = self.by_path.get(path).copied()?;
            (document.format == Format::Dockerfile).then_some(document)
        };
        at(&path::join("", wanted)).or_else(|| {
            let folder = path::folder(&container.file);
            let rest = wanted.strip_prefix(folder)?.strip_prefix('/')?;
            (container.engine == Engine::OpenShell).then(|| at(rest))?
        })
    }

    /// Takes over what the image says where the starter says nothing.
    fn inherit(&self, container: &mut Container, dockerfile: &Document, build: &Build) {
        let Some(stage) = stage(dockerfile, build.target.as_deref()) else {
            let target = build.target.as_deref().unwrap_or("the last stage");
            let what = format!("{target}, which is no stage of {}", dockerfile.path);
            container.unknowns.push(Spanned::new(what, container.span.clone()));
            return;
        };
        let start = self.end_of(container);
        container.parts.push(Part { file: dockerfile.path.clone(), start });
        let mut image = stage.container.clone();
        image.shift(start);
        let settings = &mut container.settings;
        settings.user = settings.user.take().or(image.settings.user);
        // An entrypoint of the starter's own takes the image's CMD away with the ENTRYPOINT.
        if settings.entrypoint.is_none() {
            settings.entrypoint = image.settings.entrypoint;
            settings.command = settings.command.take().or(image.settings.command);
        }
        for mount in image.settings.mounts {
            if !settings.mounts.iter().any(|own| own.target == mount.target) {
                settings.mounts.push(mount);
            }
        }
        container.unknowns.extend(image.unknowns);
        container.base = image.base;
        container.entrypoint_script = self.script(container, &stage.copies, &build.context);
    }

    /// Where the next part of a container may begin.
    fn end_of(&self, container: &Container) -> usize {
        let length = |file: &str| {
            self.by_path.get(&path::join("", file)).map_or(0, |document| document.length)
        };
        match container.parts.last() {
            Some(part) => part.start + length(&part.file),
            None => length(&container.file),
        }
    }

    fn script_of(&self, container: &Container, context: &str) -> Option<String> {
        let copies = match container.kind {
            Kind::Dockerfile => {
                let document = self.by_path.get(&path::join("", &container.file))?;
                document.stages.last().map(|stage| stage.copies.as_slice())
            }
            _ => None,
        };
        self.script(container, copies.unwrap_or_default(), context)
    }

    /// The script of the tree that the entrypoint runs.
    fn script(
        &self,
        container: &Container,
        copies: &[(String, String)],
        context: &str,
    ) -> Option<String> {
        let settings = &container.settings;
        let words =
            settings.entrypoint.iter().chain(&settings.command).flat_map(|words| &words.value);
        // `sh -c "exec /entrypoint.sh x"` is one word.
        let words = words.flat_map(|word| words::split(word).unwrap_or_default());
        for word in words {
            let mounted = settings.mounts.iter().filter(|mount| mount.bind);
            let mounted = mounted.filter_map(|mount| {
                let source = path::join(path::folder(&container.file), &mount.source);
                within(&mount.target, &source, &word)
            });
            let copied = copies.iter().rev().filter_map(|(source, target)| {
                within(target, &path::join(context, source.trim_start_matches('/')), &word)
            });
            let script = mounted.chain(copied).flatten().find(|source| {
                self.by_path.get(source).is_some_and(|document| document.format == Format::Shell)
            });
            if script.is_some() {
                return script;
            }
        }
        None
    }
}

/// The files of the tree that a path in the image may be, where `source` lies at `target`: the file
/// itself, the file in a folder, or a name that is looked for in `PATH`.
fn within(target: &str, source: &str, word: &str) -> Option<Vec<String>> {
    let name = path::name(source);
    if !word.contains('/') {
        let is_it = !word.is_empty() && (name == word || path::name(target) == word);
        return is_it.then(|| vec![source.to_owned()]);
    }
    let word = path::join("", word);
    let target = path::join("", target);
    if word == target {
        return Some(vec![source.to_owned()]);
    }
    let rest = word.strip_prefix(&target)?;
    let rest = rest.strip_prefix('/').or_else(|| target.ends_with('/').then_some(rest))?;
    let in_folder = path::join(source, rest);
    Some(if rest == name { vec![source.to_owned(), in_folder] } else { vec![in_folder] })
}

fn stage<'d>(dockerfile: &'d Document, target: Option<&str>) -> Option<&'d Stage> {
    let Some(target) = target else { return dockerfile.stages.last() };
    let named =
        dockerfile.stages.iter().rev().find(|stage| {
            stage.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(target))
        });
    named.or_else(|| dockerfile.stages.get(target.parse::<usize>().ok()?))
}

/// Where a build line's Dockerfile may be: from the folder of its file upwards.
fn candidates(build: &crate::BuildCommand) -> Vec<Build> {
    let mut folders = vec![path::folder(&build.file)];
    while let Some(last) = folders.last()
        && !last.is_empty()
        && *last != "/"
    {
        folders.push(path::folder(last));
    }
    let mut candidates = Vec::new();
    for folder in folders {
        let context = path::join(folder, &build.context);
        let dockerfiles = match &build.dockerfile {
            Some(dockerfile) => vec![path::join(folder, dockerfile)],
            None => vec![path::join(&context, "Dockerfile"), path::join(&context, "Containerfile")],
        };
        candidates.extend(dockerfiles.into_iter().map(|dockerfile| Build {
            dockerfile,
            context: context.clone(),
            target: build.target.clone(),
        }));
    }
    candidates
}
