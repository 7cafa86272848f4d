//! A container as somebody wrote it down, with the place of each word.

use crate::path;
use std::ops::Range;

/// A value with the bytes that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Byte offsets in the file.
    pub span: Range<usize>,
}

/// The kind of file that a container was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A Compose file.
    Compose,
    /// A Dockerfile: the last stage.
    Dockerfile,
    /// A `docker run`, `docker create`, `podman run` or `openshell sandbox create` line in a shell
    /// script or a Markdown code block.
    CommandLine,
    /// A Kubernetes manifest: a container of a pod, or of a pod's template.
    Kubernetes,
}

/// Which engine reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// Docker (moby).
    Docker,
    /// Podman.
    Podman,
    /// OpenShell, by its Docker driver.
    OpenShell,
    /// containerd's CRI plugin, as the kubelet asks it.
    Containerd,
}

/// Whether the file says how the container is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Starter {
    /// A Compose service, a command line, a pod.
    Known,
    /// A Dockerfile alone: the engine's defaults are assumed.
    Assumed,
}

impl<T> Spanned<T> {
    /// A value and where it was read.
    pub fn new(value: T, span: Range<usize>) -> Self {
        Self { value, span }
    }
}

/// A bind mount, volume or tmpfs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mount {
    /// What is mounted: a host path for a bind mount (as written), a volume's name, empty for tmpfs
    /// and for an anonymous volume.
    pub source: String,
    /// Where.
    pub target: String,
    /// Whether `source` is a path of the host.
    pub bind: bool,
    /// Mounted read-only.
    pub read_only: bool,
    /// A tmpfs: a filesystem of its own in memory, which engines mount nosuid.
    pub tmpfs: bool,
    /// The bytes that it was read from.
    pub span: Range<usize>,
}

/// How an image is built, where the manifest says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The Dockerfile's path, relative to the folder that is scanned.
    pub dockerfile: String,
    /// The folder that `COPY` copies from, relative to the folder that is scanned.
    pub context: String,
    /// The stage that is built; `None` is the last.
    pub target: Option<String>,
}

/// What is asked of an engine for one container, in the words that were written.
///
/// Nothing here is interpreted: a misspelt capability is carried as it is, since engines differ in
/// what they do with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// `privileged: true`, `--privileged`.
    pub privileged: Option<Spanned<bool>>,
    /// `user:`, `--user`, or the last `USER` of the stage.
    pub user: Option<Spanned<String>>,
    /// Capabilities to add, as written, in order.
    pub cap_add: Vec<Spanned<String>>,
    /// Capabilities to drop, as written, in order.
    pub cap_drop: Vec<Spanned<String>>,
    /// `security_opt` entries, as written.
    pub security_opt: Vec<Spanned<String>>,
    /// Supplementary groups to add.
    pub group_add: Vec<Spanned<String>>,
    /// `userns_mode`, `--userns`.
    pub userns: Option<Spanned<String>>,
    /// `pid`, `--pid`.
    pub pid: Option<Spanned<String>>,
    /// `network_mode`, `--network`.
    pub network: Option<Spanned<String>>,
    /// `ipc`, `--ipc`.
    pub ipc: Option<Spanned<String>>,
    /// Namespaced sysctls, name and value.
    pub sysctls: Vec<(String, String)>,
    /// Mounts of all kinds.
    pub mounts: Vec<Mount>,
    /// `read_only`, `--read-only`.
    pub read_only: bool,
    /// `entrypoint:`, `--entrypoint`, `ENTRYPOINT`: the words.
    pub entrypoint: Option<Spanned<Vec<String>>>,
    /// `command:`, the words after the image, `CMD`.
    pub command: Option<Spanned<Vec<String>>>,
    /// `runAsGroup`: the group, where `user` is a number alone.
    pub run_as_group: Option<Spanned<String>>,
    /// `runAsNonRoot`: the kubelet refuses root, and what it cannot tell from root.
    pub run_as_non_root: Option<Spanned<bool>>,
    /// `allowPrivilegeEscalation`; false is no_new_privs.
    pub allow_privilege_escalation: Option<Spanned<bool>>,
    /// `hostUsers`; false is a user namespace for the pod.
    pub host_users: Option<Spanned<bool>>,
    /// `seccompProfile` of a pod or of its container: `RuntimeDefault`, `Unconfined`, or the
    /// `localhostProfile`.
    pub seccomp: Option<Spanned<String>>,
    /// `appArmorProfile` of a pod or of its container, in the same words.
    pub apparmor: Option<Spanned<String>>,
    /// `supplementalGroupsPolicy`: `Merge` or `Strict`.
    pub supplemental_groups_policy: Option<Spanned<String>>,
    /// `procMount`: `Default` or `Unmasked`.
    pub proc_mount: Option<Spanned<String>>,
    /// What bears on whether it works, and not on privilege.
    pub start: Start,
}

/// What is asked of an engine beside privilege, as far as it takes to start the container once more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Start {
    /// `environment:`, `--env`; without a value: that of whoever starts it.
    pub environment: Vec<(String, Option<String>)>,
    /// `working_dir:`, `--workdir`.
    pub working_dir: Option<String>,
    /// `hostname:`, `--hostname`.
    pub hostname: Option<String>,
    /// `init:`, `--init`.
    pub init: bool,
    /// `stop_signal:`, `--stop-signal`.
    pub stop_signal: Option<String>,
    /// Names and addresses beside those that the engine knows: `extra_hosts:`, `--add-host`, as
    /// `NAME:ADDRESS`.
    pub extra_hosts: Vec<String>,
    /// The services that have to run before, by their names.
    pub depends_on: Vec<String>,
    /// The containers of the same pod that have to run to their end before, in their order, by their
    /// names (`initContainers`; one with `restartPolicy: Always` goes on running, and is in
    /// `depends_on`).
    pub runs_after: Vec<String>,
    /// What is executed in a container of a pod to tell that it works: the commands of its `exec`
    /// probes.
    pub probes: Vec<Vec<String>>,
    /// The sources of mounts that are kept from one pod to the next: claims.
    pub claims: Vec<String>,
    /// `fsGroup`: the group of a pod's volumes.
    pub fs_group: Option<u32>,
    /// Keys and flags that are written and not carried here.
    pub left_out: Vec<String>,
}

/// One thing that will run, as somebody wrote it down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// `FILE#SUBJECT`.
    pub id: String,
    /// The file, as it is shown.
    pub file: String,
    /// The bytes that name it: the service's key, the last `FROM`'s line, the command's first words.
    pub span: Range<usize>,
    /// The kind of file.
    pub kind: Kind,
    /// Which engine reads it.
    pub engine: Engine,
    /// Whether how it is started is known.
    pub starter: Starter,
    /// The image, as written.
    pub image: Option<Spanned<String>>,
    /// How the image is built, if that is said.
    pub build: Option<Build>,
    /// The image that its Dockerfile begins with, which may set what that file does not; `None` where
    /// there is no Dockerfile, or it was not read.
    pub base: Option<String>,
    /// What is asked of the engine.
    pub settings: Settings,
    /// Where values were read that come from another file: an override merged in, the Dockerfile
    /// of `build`. Empty where all of it stands in `file`. See [`Container::place`].
    pub parts: Vec<Part>,
    /// The script of this tree that the entrypoint runs, where the Dockerfile's `COPY` or a bind
    /// mount shows which one it is; [`crate::join`] fills it.
    pub entrypoint_script: Option<String>,
    /// Compose keys whose value takes the place of that in the file that is overridden instead of
    /// being merged with it: `!override`, `!reset`, and a `read_only` that is written.
    pub replaces: Vec<String>,
    /// What could not be known: `extends` from another file, a word that is a variable.
    pub unknowns: Vec<Spanned<String>>,
}

/// Another file that a container's values were read from.
///
/// A [`Container`]'s spans count on from one file into the next, as if the files lay one behind the
/// other: a span that begins at or above `start` lies in this file, at its own offset less `start`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The file, as it is shown.
    pub file: String,
    /// Where it begins.
    pub start: usize,
}

impl Settings {
    /// What stands behind the image on a command line that starts this: the entrypoint's words after
    /// the program, which `--entrypoint` takes alone, and the command.
    pub fn words_behind_image(&self) -> Vec<String> {
        let of = |words: &Option<Spanned<Vec<String>>>| {
            words.as_ref().map(|words| words.value.clone()).unwrap_or_default()
        };
        let mut words: Vec<String> = of(&self.entrypoint).into_iter().skip(1).collect();
        words.extend(of(&self.command));
        words
    }
}

impl Container {
    /// Moves every span of a container, for a file that lies behind another one (see [`Part`]).
    pub(crate) fn shift(&mut self, by: usize) {
        self.each_span(|span| *span = span.start + by..span.end + by);
    }

    /// Moves every span back.
    pub(crate) fn unshift(&mut self, by: usize) {
        self.each_span(|span| *span = span.start.saturating_sub(by)..span.end.saturating_sub(by));
    }

    /// Does something to every span.
    pub(crate) fn each_span(&mut self, mut move_span: impl FnMut(&mut Range<usize>)) {
        move_span(&mut self.span);
        if let Some(image) = &mut self.image {
            move_span(&mut image.span);
        }
        for unknown in &mut self.unknowns {
            move_span(&mut unknown.span);
        }
        each_span_of(&mut self.settings, &mut move_span);
    }

    pub(crate) fn new(
        file: &str,
        subject: &str,
        span: Range<usize>,
        kind: Kind,
        engine: Engine,
        starter: Starter,
    ) -> Self {
        Self {
            id: format!("{file}#{subject}"),
            file: file.to_owned(),
            span,
            kind,
            engine,
            starter,
            image: None,
            build: None,
            base: None,
            settings: Settings::default(),
            parts: Vec::new(),
            entrypoint_script: None,
            replaces: Vec::new(),
            unknowns: Vec::new(),
        }
    }

    /// The file that a span of this container lies in, and the bytes there.
    ///
    /// ```
    /// # use dropcap_manifest::{Format, read_as};
    /// let document = read_as(Format::Compose, "compose.yaml", b"services: {a: {cap_add: [KILL]}}");
    /// let container = &document.containers[0];
    /// let (file, span) = container.place(&container.settings.cap_add[0].span);
    /// assert_eq!((file, span), ("compose.yaml", 25..29));
    /// ```
    #[must_use]
    pub fn place(&self, span: &Range<usize>) -> (&str, Range<usize>) {
        match self.parts.iter().rev().find(|part| span.start >= part.start) {
            Some(part) => (&part.file, span.start - part.start..span.end - part.start),
            None => (&self.file, span.clone()),
        }
    }

    /// The mount that brings the script which its entrypoint runs, where that file itself is mounted.
    #[must_use]
    pub fn script_mount(&self) -> Option<&Mount> {
        let script = self.entrypoint_script.as_deref()?;
        let folder = path::folder(&self.file);
        let brings = |mount: &&Mount| {
            mount.bind && path::join(folder, &mount.source) == path::join("", script)
        };
        self.settings.mounts.iter().find(brings)
    }

    /// What follows the file in the id: the service, the stage, the line.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.id
            .strip_prefix(self.file.as_str())
            .map_or(&self.id, |rest| rest.trim_start_matches('#'))
    }
}

fn each_span_of(settings: &mut Settings, move_span: &mut impl FnMut(&mut Range<usize>)) {
    let Settings {
        privileged,
        user,
        cap_add,
        cap_drop,
        security_opt,
        group_add,
        userns,
        pid,
        network,
        ipc,
        sysctls: _,
        mounts,
        read_only: _,
        entrypoint,
        command,
        run_as_group,
        run_as_non_root,
        allow_privilege_escalation,
        host_users,
        seccomp,
        apparmor,
        supplemental_groups_policy,
        proc_mount,
        start: _,
    } = settings;
    let switches = [privileged, run_as_non_root, allow_privilege_escalation, host_users];
    for value in switches.into_iter().flatten() {
        move_span(&mut value.span);
    }
    let words = [user, userns, pid, network, ipc];
    let of_pods = [run_as_group, seccomp, apparmor, supplemental_groups_policy, proc_mount];
    for value in words.into_iter().chain(of_pods).flatten() {
        move_span(&mut value.span);
    }
    for list in [cap_add, cap_drop, security_opt, group_add] {
        for value in list {
            move_span(&mut value.span);
        }
    }
    for mount in mounts {
        move_span(&mut mount.span);
    }
    for value in [entrypoint, command].into_iter().flatten() {
        move_span(&mut value.span);
    }
}
