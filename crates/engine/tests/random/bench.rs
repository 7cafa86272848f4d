//! Starts cases on a real engine, looks at what it made of them, and compares with the crate.

use super::{Case, Later};
use dropcap_capability::{CapabilitySet, Credentials, Kernel, NamespaceGate, Nested, nested};
use dropcap_engine::{
    EngineVersion, Evidence, Host, ImageKnowledge, InitialState, Process, Refusal, Rule,
    initial_state,
};
use dropcap_image::{Image, Users};
use dropcap_manifest::{Engine, Settings};
use dropcap_testkit::random::{Random, SEED, seed};
use dropcap_testkit::root;
use dropcap_testkit::status::Status;
use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How often each row of the table has to be hit.
const HITS: usize = 3;
/// How many containers start at once; more than the processors, since a start mostly waits.
const AT_ONCE: usize = 4;

const PASSWD: &str = "root:x:0:0:root:/:/bin/sh\n\
    sandbox:x:1000:1000::/:/bin/sh\n\
    agent:x:1001:100::/:/bin/sh\n\
    toor:x:0:50::/:/bin/sh\n\
    twice:x:1002:1002::/:/bin/sh\n\
    twice:x:1003:1003::/:/bin/sh\n";
const GROUP: &str = "root:x:0:root\n\
    wheel:x:10:root,sandbox\n\
    audio:x:29:agent,sandbox\n\
    operators:x:50:\n\
    users:x:100:agent\n\
    sandbox:x:1000:sandbox\n";

/// A real engine.
pub trait RealEngine: Sync {
    /// Which one, and its version as it says it.
    fn version(&self) -> (Engine, String);
    /// Makes an image of a root directory.
    fn import(&self, root: &Path, name: &str);
    /// Ends a container at once, and removes it.
    fn remove(&self, container: &str);
    /// Runs its client: its standard output, or what it said when it failed.
    fn run(&self, arguments: &[String]) -> Result<String, String>;
}

/// Draws configurations, and starts each: at least as many as `count` starts with, and at most as
/// many as it ends with; after the first number only while a row of the table has not come up often
/// enough.
///
/// # Panics
/// Where one differs from what the crate says of it.
pub fn random_configurations_start_as_predicted(
    real: &dyn RealEngine,
    image: &str,
    count: Range<usize>,
) {
    let base = seed();
    let bench = Bench::new(real, image);
    let next = AtomicUsize::new(0);
    let cases = AtomicUsize::new(0);
    let differences = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let enough = number >= count.start && bench.rare().is_empty();
                    if enough || number >= count.end {
                        break;
                    }
                    cases.fetch_add(1, Ordering::Relaxed);
                    let case = Case::draw(
                        &mut Random::new(base ^ number as u64),
                        number,
                        bench.engine.engine,
                    );
                    if let Err(difference) = bench.compare(&case, number) {
                        let line = case.command_line(&[]).join(" ");
                        let report = format!("case {number}: run {line}\n{difference}");
                        differences.lock().expect("no panic").push(report);
                    }
                }
            });
        }
    });
    let (cases, differences) = (cases.into_inner(), differences.into_inner().expect("no panic"));
    assert!(
        differences.is_empty(),
        "{} of {cases} configurations differ; repeat with {SEED}={base}\n\n{}",
        differences.len(),
        differences.join("\n\n")
    );
    let rare = bench.rare();
    assert!(rare.is_empty(), "rows hit fewer than {HITS} times ({SEED}={base}): {rare:?}");
    eprintln!(
        "{cases} configurations, {} processes compared, {} refusals agreed, seed {base}",
        bench.processes.load(Ordering::Relaxed),
        bench.refusals.load(Ordering::Relaxed),
    );
}

/// What was seen of a process: its credentials, seccomp mode, and with a probe inside the rest.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    status: Status,
    /// Whether `unshare -U` worked; not asked of the first process.
    nested: Option<Nested>,
    port_start: Option<String>,
    ping_group_range: Option<String>,
}

/// Everything that one engine is asked.
struct Bench<'e> {
    real: &'e dyn RealEngine,
    /// The name of the image that every case starts.
    name: &'e str,
    engine: EngineVersion,
    image: Image,
    host: Host,
    hits: Mutex<BTreeMap<Rule, usize>>,
    processes: AtomicUsize,
    refusals: AtomicUsize,
}

impl<'e> Bench<'e> {
    fn new(real: &'e dyn RealEngine, name: &'e str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        root::busybox(directory.path(), PASSWD, GROUP);
        real.import(directory.path(), name);
        let (engine, version) = real.version();
        let own = Status::of(std::process::id());
        let limit = fs::read_to_string("/proc/sys/user/max_user_namespaces").unwrap_or_default();
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("a kernel");
        let switch = |name: &str| fs::read_to_string(format!("/proc/sys/kernel/{name}"));
        let is = |name: &str, value: &str| switch(name).is_ok_and(|text| text.trim() == value);
        let gate = NamespaceGate {
            limit_is_zero: limit.trim() == "0",
            needs_sys_admin: is("unprivileged_userns_clone", "0"),
            lsm_denies_inside: is("apparmor_restrict_unprivileged_userns", "1"),
            ..NamespaceGate::default()
        };
        Self {
            real,
            name,
            engine: EngineVersion { engine, version: version.parse().expect("a version") },
            image: Image { users: Users::parse(PASSWD, GROUP), ..Image::default() },
            host: Host {
                bounding: CapabilitySet::from_bits(own.bounding),
                kernel: Kernel::from_release(&release).expect("a release"),
                seccomp: true,
                gate,
            },
            hits: Mutex::default(),
            processes: AtomicUsize::new(0),
            refusals: AtomicUsize::new(0),
        }
    }

    /// The rows that have not come up [`HITS`] times, of those that this daemon can show.
    fn rare(&self) -> Vec<String> {
        let hits = self.hits.lock().expect("no panic");
        let limited = !self.can_be_asked_for().is_subset(self.host.bounding);
        let due = Rule::ALL.iter().filter(|rule| {
            let row = rule.row();
            let measured = match row.evidence {
                Evidence::Measured => true,
                Evidence::MeasuredOnLimitedHost => limited,
                Evidence::Recorded | Evidence::Read => false,
            };
            row.engine == self.engine.engine && measured && row.applies(self.engine.version)
        });
        due.map(|rule| (rule.row().id, hits.get(rule).copied().unwrap_or_default()))
            .filter(|(_, count)| *count < HITS)
            .map(|(id, count)| format!("{id}: {count}"))
            .collect()
    }

    /// What a configuration can ask for and be given less, in silence or by the runtime's refusal.
    /// From 23.0 on Docker's daemon refuses names that it does not hold itself, so that the defaults
    /// alone are left.
    fn can_be_asked_for(&self) -> CapabilitySet {
        let refused = Rule::DockerTooNewCapability.row();
        if self.engine.engine != refused.engine || refused.applies(self.engine.version) {
            return CapabilitySet::KNOWN;
        }
        let (settings, image) = (Settings::default(), ImageKnowledge::Assumed);
        initial_state(&settings, Process::First, image, &self.engine, &Host::default())
            .map_or(CapabilitySet::EMPTY, |state| state.credentials.bounding)
    }

    fn predict(&self, settings: &Settings, process: Process<'_>) -> Result<InitialState, Refusal> {
        let image = ImageKnowledge::Read(&self.image);
        let predicted = initial_state(settings, process, image, &self.engine, &self.host);
        let mut hits = self.hits.lock().expect("no panic");
        let rules = match &predicted {
            Ok(state) => state.rules.clone(),
            Err(refusal) => [refusal.rules.as_slice(), &[refusal.rule]].concat(),
        };
        for rule in rules {
            *hits.entry(rule).or_default() += 1;
        }
        predicted
    }

    /// Starts the case and looks at it from each side.
    fn compare(&self, case: &Case, number: usize) -> Result<(), String> {
        let name = format!("case-{number}");
        let settings = case.settings();
        let mut start = ["run", "--detach", "--name", &name].map(str::to_owned).to_vec();
        start.extend(case.command_line(&[self.name, "sleep", "1000"]));
        let started = self.real.run(&start);
        let outcome = self.look(case, &settings, &name, started);
        // Also after a refusal: the container is made before it is started.
        self.real.remove(&name);
        outcome
    }

    fn look(
        &self,
        case: &Case,
        settings: &Settings,
        name: &str,
        started: Result<String, String>,
    ) -> Result<(), String> {
        let first = started.and_then(|_| {
            let status = Status::of(self.first_pid(name)?);
            Ok(Seen { status, nested: None, port_start: None, ping_group_range: None })
        });
        let runs = first.is_ok();
        self.agree("first process", self.predict(settings, Process::First), first)?;
        if !runs {
            return Ok(());
        }
        let later = [Later::plain(), Later::root(), case.later.clone()];
        for later in later {
            let process =
                Process::Exec { user: later.user.as_deref(), privileged: later.privileged };
            let seen = self.exec(name, &later);
            self.agree(&format!("{later:?}"), self.predict(settings, process), seen)?;
        }
        Ok(())
    }

    /// The process id, seen from the host, of a container's first process.
    fn first_pid(&self, container: &str) -> Result<u32, String> {
        let line = ["inspect", "--format", "{{.State.Pid}}", container].map(str::to_owned);
        self.real.run(&line)?.trim().parse().map_err(|_| format!("{container} does not run"))
    }

    /// An exec, which reads its own status in its first program: the shell's `read` is built in.
    /// (Of a sysctl `read` gets the first character alone, since it asks for one at a time.)
    fn exec(&self, name: &str, later: &Later) -> Result<Seen, String> {
        const PROBE: &str = "while read -r line; do echo \"$line\"; done </proc/self/status; \
            cd /proc/sys/net/ipv4; \
            echo port $(cat ip_unprivileged_port_start); \
            echo ping $(cat ping_group_range); \
            unshare -U true 2>/dev/null && echo nested || echo closed";
        let mut arguments = vec!["exec".to_owned()];
        if let Some(user) = &later.user {
            arguments.push(format!("--user={user}"));
        }
        if later.privileged {
            arguments.push("--privileged".to_owned());
        }
        arguments.extend([name, "sh", "-c", PROBE].map(str::to_owned));
        let text = self.run_patiently(&arguments)?;
        let after = |word: &str| {
            text.lines().find_map(|line| line.strip_prefix(word)).map(|rest| rest.trim().to_owned())
        };
        let nested = match text.lines().last() {
            Some("nested") => Nested::Open,
            Some("closed") => Nested::Closed,
            other => return Err(format!("the probe ended with {other:?}")),
        };
        Ok(Seen {
            status: Status::parse(&text),
            nested: Some(nested),
            port_start: after("port "),
            ping_group_range: after("ping "),
        })
    }

    /// Runs the client once more where the engine failed at its own pipes, as it does now and then on a
    /// machine that has too much to do. That is no refusal, and must not count as one.
    fn run_patiently(&self, arguments: &[String]) -> Result<String, String> {
        const TRIES: usize = 4;
        let is_trouble = |why: &str| {
            ["failed to start io pipe copy", "context deadline exceeded"]
                .iter()
                .any(|trouble| why.contains(trouble))
        };
        let mut last = String::new();
        for _ in 0..TRIES {
            match self.real.run(arguments) {
                Err(why) if is_trouble(&why) => last = why,
                outcome => return outcome,
            }
        }
        panic!("the engine failed {TRIES} times: {last}")
    }

    fn agree(
        &self,
        process: &str,
        predicted: Result<InitialState, Refusal>,
        seen: Result<Seen, String>,
    ) -> Result<(), String> {
        match (predicted, seen) {
            (Err(_), Err(_)) => {
                self.refusals.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            (Ok(state), Ok(seen)) => {
                self.processes.fetch_add(1, Ordering::Relaxed);
                let expected = expected(&state, &seen);
                (expected == seen).then_some(()).ok_or_else(|| {
                    format!("{process}:\n predicted {expected:?}\n but is    {seen:?}")
                })
            }
            (Ok(state), Err(why)) => Err(format!(
                "{process}: predicted {:?}\n but the engine refuses: {why}",
                state.credentials
            )),
            (Err(refusal), Ok(seen)) => {
                Err(format!("{process}: predicted a refusal ({refusal})\n but it is {seen:?}"))
            }
        }
    }
}

/// The prediction in the form of what is seen; what was not looked at is taken from there.
fn expected(state: &InitialState, seen: &Seen) -> Seen {
    let Credentials { uid, gid, groups, .. } = &state.credentials;
    let ids = |ids: &dropcap_capability::Ids| [ids.real, ids.effective, ids.saved, ids.filesystem];
    let sysctl = |name: &str, seen: &Option<String>| {
        let set = state.sysctls.iter().find(|(known, _)| known == name);
        // A sysctl that the engine leaves alone is the host's.
        let value = set.map(|(_, value)| value.clone());
        seen.as_ref().map(|seen| value.unwrap_or_else(|| seen.clone()))
    };
    let with_reach = nested(state.gate, state.credentials.permitted);
    Seen {
        status: Status {
            uid: ids(uid),
            gid: ids(gid),
            groups: groups.clone(),
            inheritable: state.credentials.inheritable.bits(),
            permitted: state.credentials.permitted.bits(),
            effective: state.credentials.effective.bits(),
            bounding: state.credentials.bounding.bits(),
            ambient: state.credentials.ambient.bits(),
            no_new_privs: state.credentials.no_new_privs,
            seccomp: state.seccomp.mode(),
        },
        nested: seen.nested.map(|_| with_reach),
        port_start: sysctl("net.ipv4.ip_unprivileged_port_start", &seen.port_start),
        ping_group_range: sysctl("net.ipv4.ping_group_range", &seen.ping_group_range),
    }
}
