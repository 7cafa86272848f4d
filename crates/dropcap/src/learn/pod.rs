//! A container of a pod, as the Docker here is asked for its nearest equivalent.
//!
//! Docker starts it with what containerd would give it: the user and the groups that containerd finds, no
//! seccomp filter where the pod names none, an empty folder for each volume, one network for the pod.

use super::configured::Translated;
use crate::failure::Failure;
use dropcap_capability::CapabilitySet;
use dropcap_engine::{
    AppArmor, EngineVersion, Host, ImageKnowledge, InitialState, Process, Seccomp, initial_state,
};
use dropcap_manifest::{Container, Kind, Mount, Settings, Spanned};
use dropcap_observe::docker::{Configured, Docker, Folder, POD};
use dropcap_policy::STANDS_FOR;

/// What bears on nothing that a capability is for, and may be left out. Probes are those that ask from
/// outside: what is executed in it is tried.
const HARMLESS: [&str; 5] =
    ["livenessProbe", "readinessProbe", "startupProbe", "dnsConfig", "dnsPolicy"];
/// An `emptyDir` is everybody's; a claim is root's, where nobody has said otherwise.
const EVERYBODYS: u32 = 0o777;
const ROOTS: u32 = 0o755;
/// What the kubelet does where there is an `fsGroup` (`SetVolumeOwnership`).
const OF_THE_GROUP: u32 = 0o2070;

/// Whether it is a container of a pod.
pub fn is_of_pod(container: &Container) -> bool {
    container.kind == Kind::Kubernetes
}

/// What the others call it.
pub fn short_name(container: &Container) -> &str {
    container.subject().rsplit('/').next().unwrap_or_default()
}

/// Its workload's name: that of what makes the pod, and its own where that is another.
pub fn workload_name(container: &Container) -> String {
    let mut words = container.subject().rsplit('/');
    let (own, object) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if own == object { own.to_owned() } else { format!("{object}-{own}") }
}

/// The containers of the same pod that are there before `of` works, in the order in which the kubelet starts
/// them: its init containers, and for one of `containers` the others of these.
pub fn before<'p>(all: &'p [Container], of: &Container) -> Vec<&'p Container> {
    let pod = |one: &Container| one.id.rsplit_once('/').map(|(pod, _)| pod.to_owned());
    let others: Vec<&Container> =
        all.iter().filter(|one| is_of_pod(one) && one.id != of.id && pod(one) == pod(of)).collect();
    let is_init = others.iter().any(|other| comes_after(other, of));
    others.into_iter().filter(|one| comes_after(of, one) || !is_init).collect()
}

/// Whether `container` waits for `other`, an init container, to end or to be there.
fn comes_after(container: &Container, other: &Container) -> bool {
    let start = &container.settings.start;
    start.runs_after.iter().chain(&start.depends_on).any(|name| name == short_name(other))
}

/// Whether `container` runs to its end before `of` starts.
pub fn ends_before(container: &Container, of: &Container) -> bool {
    of.settings.start.runs_after.iter().any(|name| name == short_name(container))
}

/// Translates `container`, whose image has to be there.
pub fn translate(
    docker: &Docker,
    container: &Container,
    image: ImageKnowledge<'_>,
) -> Result<Translated, Failure> {
    let cannot = || Failure::new(format!("{} cannot be tried", container.id));
    let Some(reference) = &container.image else {
        return Err(cannot().help("its image has no name"));
    };
    let (id, digests) = docker.image(&reference.value).map_err(|error| cannot().because(error))?;
    let settings = &container.settings;
    let state = start_in_pod(settings, image).map_err(|refusal| cannot().because(refusal))?;
    let gaps = container.unknowns.iter().map(|unknown| unknown.value.clone()).collect();
    let mut pod = Translation { settings, state: &state, notes: Vec::new(), gaps };
    let configured = Configured {
        image: id,
        alias: short_name(container).to_owned(),
        flags: pod.flags(),
        capabilities: capabilities(state.credentials.bounding, state.credentials.no_new_privs),
        folders: pod.folders(),
        words: settings.words_behind_image(),
        ..Configured::default()
    };
    let Translation { notes, gaps, .. } = pod;
    Ok(Translated { configured, digests, notes, gaps })
}

/// The state in which containerd starts it, on a node that lacks nothing.
fn start_in_pod(
    settings: &Settings,
    image: ImageKnowledge<'_>,
) -> Result<InitialState, dropcap_engine::Refusal> {
    let containerd = EngineVersion::default_for(dropcap_manifest::Engine::Containerd);
    initial_state(settings, Process::First, image, &containerd, &Host::default())
}

struct Translation<'a> {
    settings: &'a Settings,
    state: &'a InitialState,
    notes: Vec<String>,
    /// Where it is not what containerd would start.
    gaps: Vec<String>,
}

impl Translation<'_> {
    fn flags(&mut self) -> Vec<String> {
        let (settings, state) = (self.settings, self.state);
        let mut flags = Vec::new();
        let mut flag = |name: &str, value: &str| flags.push(format!("--{name}={value}"));
        let credentials = &state.credentials;
        flag("user", &format!("{}:{}", credentials.uid.real, credentials.gid.real));
        credentials.groups.iter().for_each(|group| flag("group-add", &group.to_string()));
        match &state.seccomp {
            Seccomp::Unconfined => flag("security-opt", "seccomp=unconfined"),
            Seccomp::Default => {}
            Seccomp::Custom(profile) => self.gaps.push(format!("the seccomp profile {profile}")),
        }
        match &state.apparmor {
            AppArmor::Unconfined => flag("security-opt", "apparmor=unconfined"),
            AppArmor::Default => {}
            AppArmor::Named(profile) => self.gaps.push(format!("the AppArmor profile {profile}")),
        }
        POD.iter().for_each(|sysctl| flag("sysctl", sysctl));
        let sysctls = settings.sysctls.iter();
        sysctls.for_each(|(name, value)| flag("sysctl", &format!("{name}={value}")));
        if settings.read_only {
            flag("read-only", "true");
        }
        if let Some(words) = &settings.entrypoint {
            flag("entrypoint", words.value.first().map_or("", String::as_str));
        }
        let start = &settings.start;
        for (name, value) in &start.environment {
            flag("env", &format!("{name}={}", value.as_deref().unwrap_or_default()));
        }
        start.working_dir.iter().for_each(|folder| flag("workdir", folder));
        let probes: Vec<String> = start.probes.iter().map(|words| quoted(words)).collect();
        match probes.is_empty() {
            // The kubelet does not look at the image's.
            true => flags.push("--no-healthcheck".to_owned()),
            false => {
                flag("health-cmd", &probes.join(" && "));
                flag("health-interval", "1s");
            }
        }
        self.name_gaps();
        flags
    }

    /// What Docker is not asked for.
    fn name_gaps(&mut self) {
        let settings = self.settings;
        let is = |word: &Option<Spanned<bool>>, value| {
            word.as_ref().is_some_and(|word| word.value == value)
        };
        let mut gap = |gap: &str| self.gaps.push(gap.to_owned());
        if is(&settings.privileged, true) {
            gap("privileged, which is tried as its capabilities alone");
        }
        if is(&settings.host_users, false) {
            gap("the pod's own user namespace (hostUsers: false)");
        }
        for (key, word) in [
            ("hostNetwork", &settings.network),
            ("hostIPC", &settings.ipc),
            ("hostPID or shareProcessNamespace", &settings.pid),
            ("procMount", &settings.proc_mount),
        ] {
            if word.is_some() {
                gap(key);
            }
        }
        let start = &settings.start;
        for (key, is_there) in
            [("hostAliases", !start.extra_hosts.is_empty()), ("hostname", start.hostname.is_some())]
        {
            if is_there {
                self.notes.push(format!("`{key}` is left out of the trials"));
            }
        }
        for key in &start.left_out {
            match HARMLESS.contains(&key.as_str()) {
                true => self.notes.push(format!("`{key}` is left out of the trials")),
                false => self.gaps.push(key.clone()),
            }
        }
    }

    fn folders(&mut self) -> Vec<Folder> {
        let settings = self.settings;
        let group = settings.start.fs_group;
        let mut folders = Vec::new();
        for Mount { source, target, bind, read_only, .. } in &settings.mounts {
            if *bind {
                self.gaps.push(format!("{source} of the node (hostPath)"));
                continue;
            }
            let mode = match settings.start.claims.contains(source) {
                true => ROOTS,
                false => EVERYBODYS,
            };
            folders.push(Folder {
                name: source.clone(),
                target: target.clone(),
                read_only: *read_only,
                mode: if group.is_some() { mode | OF_THE_GROUP } else { mode },
                group,
            });
        }
        folders
    }
}

/// The flags that let it hold `set` and nothing else.
fn capabilities(set: CapabilitySet, no_new_privileges: bool) -> Vec<String> {
    let names = set.iter().map(|capability| format!("--cap-add={capability}"));
    let mut flags: Vec<String> =
        std::iter::once("--cap-drop=ALL".to_owned()).chain(names).collect();
    if no_new_privileges {
        flags.push("--security-opt=no-new-privileges".to_owned());
    }
    flags
}

/// The words of a probe for a shell.
fn quoted(words: &[String]) -> String {
    let quote = |word: &String| format!("'{}'", word.replace('\'', r"'\''"));
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// What `engine` stood for, if what it started with `needed` is what containerd would start; else why not.
pub fn stood_for(
    docker: &Docker,
    container: &Container,
    image: ImageKnowledge<'_>,
    needed: CapabilitySet,
    no_new_privileges: bool,
) -> Result<String, String> {
    let engine = docker.version();
    if docker.is_podman() {
        return Err(format!("it was tried in {engine}, which gives users their own sets"));
    }
    let word = |text: String| Spanned::new(text, 0..0);
    let names: Vec<_> = needed
        .iter()
        .map(|capability| capability.to_string())
        .map(|name| word(name.trim_start_matches("CAP_").to_owned()))
        .collect();
    let in_pod = Settings {
        cap_add: names.clone(),
        cap_drop: vec![word("ALL".to_owned())],
        allow_privilege_escalation: Some(Spanned::new(!no_new_privileges, 0..0)),
        ..container.settings.clone()
    };
    let pod = start_in_pod(&in_pod, image).map_err(|refusal| refusal.to_string())?;
    let credentials = &pod.credentials;
    let mut security_opt = Vec::new();
    if pod.seccomp == Seccomp::Unconfined {
        security_opt.push(word("seccomp=unconfined".to_owned()));
    }
    if no_new_privileges {
        security_opt.push(word("no-new-privileges".to_owned()));
    }
    let asked = Settings {
        user: Some(word(format!("{}:{}", credentials.uid.real, credentials.gid.real))),
        group_add: credentials.groups.iter().map(|group| word(group.to_string())).collect(),
        cap_add: names,
        cap_drop: in_pod.cap_drop.clone(),
        security_opt,
        ..Settings::default()
    };
    let version: EngineVersion = engine
        .replacen(' ', "@", 1)
        .parse()
        .map_err(|error| format!("the rules of {engine} are not known: {error}"))?;
    let here = initial_state(&asked, Process::First, image, &version, &Host::default())
        .map_err(|refusal| format!("{engine} would not start it: {refusal}"))?;
    let same =
        here.credentials == pod.credentials && here.seccomp == pod.seccomp && here.gate == pod.gate;
    match same {
        true => Ok(format!("{engine}{STANDS_FOR}containerd")),
        false => Err(format!("{engine} starts it otherwise than containerd")),
    }
}

/// Says what the trials are worth in a pod: the engine, for the policy.
pub fn say(
    docker: &Docker,
    equal: Result<String, String>,
    gaps: &[String],
    notes: &mut Vec<String>,
) -> String {
    let engine = docker.version();
    notes.push(format!(
        "{engine} stood for containerd: its nearest equivalent of the pod was tried, without a cluster, and \
         with low ports and ping closed, as containerd leaves them before 2.0"
    ));
    let (engine, why) = match equal {
        Ok(engine) if gaps.is_empty() => return engine,
        Ok(_) => (engine, format!("left out: {}", gaps.join("; "))),
        Err(why) => (engine, why),
    };
    notes.push(format!("so it makes no fix of the pod safe: {why}"));
    engine.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropcap_manifest::{Format, read_as};

    const PODS: &str = "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {
        containers: [{name: web, image: a}, {name: logs, image: a}],
        initContainers: [{name: one, image: a}, {name: side, image: a, restartPolicy: Always},
            {name: two, image: a}]}}\n\
        ---\n\
        {apiVersion: v1, kind: Pod, metadata: {name: other}, spec: {containers: [{name: web, image: a}]}}\n";

    #[test]
    fn before_it_come_the_init_containers_and_beside_it_the_others_of_the_same_pod() {
        let all = read_as(Format::Kubernetes, "pods.yaml", PODS.as_bytes()).containers;
        let named =
            |subject: &str| all.iter().find(|one| one.subject() == subject).expect("it is there");
        let names = |subject: &str| -> Vec<(&str, bool)> {
            let of = named(subject);
            let before = before(&all, of).into_iter();
            before.map(|one| (short_name(one), ends_before(one, of))).collect()
        };
        assert_eq!(
            names("default/Pod/web/web"),
            [("one", true), ("side", false), ("two", true), ("logs", false)]
        );
        assert_eq!(names("default/Pod/web/two"), [("one", true), ("side", false)]);
        assert_eq!(names("default/Pod/web/one"), []);
        assert_eq!(names("default/Pod/other/web"), []);
        assert_eq!(workload_name(named("default/Pod/web/web")), "web");
        assert_eq!(workload_name(named("default/Pod/web/logs")), "web-logs");
    }

    #[test]
    fn the_words_of_a_probe_stay_what_they_are() {
        let words = ["sh", "-c", "test 'a b' = $x"].map(str::to_owned);
        assert_eq!(quoted(&words), r"'sh' '-c' 'test '\''a b'\'' = $x'");
    }
}
