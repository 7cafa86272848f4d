//! What is run in each guest, and what it came to.

use super::Options;
use super::programs::Programs;
use clap::builder::PossibleValuesParser;
use dropcap_vm::kernel::{Kernel, Source};
use dropcap_vm::protocol::{End, Event};
use dropcap_vm::qemu::{SHAPE, Shape};
use dropcap_vm::{Command, Error, Guest, Outcome, Report};
use std::path::Path;
use std::time::Duration;

/// Programs of the host's that the tests use.
const TOOLS: [&str; 11] = [
    "/bin/busybox",
    "/bin/cat",
    "/bin/cp",
    "/bin/grep",
    "/bin/ls",
    "/bin/sh",
    "/bin/sleep",
    "/usr/bin/crun",
    "/usr/bin/setpriv",
    "/usr/bin/unshare",
    "/usr/sbin/runc",
];

/// What a whole dockerd takes besides, and what the test that starts one uses.
const DOCKER: [&str; 9] = [
    "/bin/rm",
    "/bin/tar",
    "/bin/umount",
    "/usr/bin/containerd",
    "/usr/bin/containerd-shim-runc-v2",
    "/usr/bin/cut",
    "/usr/bin/docker",
    "/usr/bin/sort",
    "/usr/sbin/dockerd",
];

/// What a checkpoint takes besides: criu, and what it packs a container's tmpfs with, tar apart.
const CRIU: [&str; 2] = ["/bin/gzip", "/usr/sbin/criu"];

/// By these criu looks for sockets and packet filters, each behind what it needs.
const CRIU_MODULES: [&str; 10] = [
    "libcrc32c",
    "nfnetlink",
    "nf_tables",
    "unix_diag",
    "inet_diag",
    "tcp_diag",
    "udp_diag",
    "raw_diag",
    "netlink_diag",
    "af_packet_diag",
];

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
    nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnogroup:x:65534:\n";

/// The least number of cases a second, on a machine with much else to do.
const SLOWEST: u64 = 8;

/// How long a test may take on such a machine.
const LIMIT: Duration = Duration::from_secs(600);

/// What a kernel's guest came to.
#[derive(Debug)]
pub struct Tested {
    /// The kernel, as it names itself.
    pub release: String,
    /// The tests, in their order.
    pub tests: Vec<Test>,
}

/// A test and its outcome.
#[derive(Debug)]
pub struct Test {
    /// What it is called in the table.
    pub name: &'static str,
    /// What it says at its end, without what differs from run to run.
    pub summary: String,
    /// What it came to.
    pub outcome: Outcome,
}

/// One of the tests.
struct Kind {
    /// What it is called in the table.
    name: &'static str,
    /// What it is called on the command line.
    key: &'static str,
    /// The program, in the guest's /bin.
    program: &'static str,
    /// The one kernel that it is run with, where one is enough.
    kernel: Option<&'static str>,
    /// Programs of the host's that it alone uses.
    tools: &'static [&'static [&'static str]],
    /// Modules that it alone needs.
    modules: &'static [&'static [&'static str]],
    /// Memory that the guest needs more for it: the programs lie in it.
    megabytes: u32,
    /// How its summary is found in what it wrote.
    summary: fn(&str) -> Option<String>,
}

const KINDS: [Kind; 7] = [
    Kind::of("differential test", "differential", differential),
    Kind::of(DOORS, "doors", doors),
    Kind::of("calibration", "calibration", calibration),
    Kind::of("`dropcap run`", "run", run_tests),
    Kind::of("`exec --privileged`", "runtime", calibration),
    Kind {
        key: "docker",
        // What dockerd does is not the kernel's to change.
        kernel: Some("6.12"),
        tools: &[&DOCKER],
        modules: &[&["overlay"]],
        megabytes: 1024,
        ..Kind::of("`docker exec --privileged`", "runtime", calibration)
    },
    Kind {
        key: "checkpoint",
        // The one that the criu of the same Debian is made for.
        kernel: Some("6.1"),
        tools: &[&DOCKER, &CRIU],
        modules: &[&["overlay"], &CRIU_MODULES],
        megabytes: 1024,
        ..Kind::of("checkpoint and restore", "runtime", calibration)
    },
];

/// Where dropcap is in a guest.
const DROPCAP: &str = "/bin/dropcap";

/// The tests of the OCI runtime that want a root who holds everything.
const PRIVILEGED: &str = "plain::exec_privileged_is_held";
const PRIVILEGED_BY_DOCKER: &str = "docker::exec_privileged_is_held";

/// Those that want a kernel which criu knows, by what their names begin with.
const CHECKPOINT: &str = "checkpoint::";

/// The test whose output is the table of doors.
const DOORS: &str = "doors";

impl Kind {
    /// One for every kernel, that needs nothing of its own.
    const fn of(
        name: &'static str,
        program: &'static str,
        summary: fn(&str) -> Option<String>,
    ) -> Self {
        Self {
            name,
            key: program,
            program,
            kernel: None,
            tools: &[],
            modules: &[],
            megabytes: 0,
            summary,
        }
    }

    fn tools(&self) -> impl Iterator<Item = &'static str> {
        self.tools.iter().copied().flatten().copied()
    }

    fn modules(&self) -> impl Iterator<Item = &'static str> {
        self.modules.iter().copied().flatten().copied()
    }

    fn is_wanted(&self, source: &Source, options: &Options) -> bool {
        self.kernel.is_none_or(|name| name == source.name)
            && options.only.as_ref().is_none_or(|only| only == self.key)
    }

    /// A program of the host's that it needs and that is not there: not every distribution has them all.
    fn missing(&self) -> Option<&'static str> {
        self.tools().find(|tool| !Path::new(tool).exists())
    }

    fn command(&self, options: &Options) -> Command {
        let path = format!("/bin/{}", self.program);
        let (cases, seed) = (options.cases.to_string(), options.seed.to_string());
        match self.key {
            "differential" => Command::new([&path, "--cases", &cases, "--seed", &seed])
                .limit(LIMIT + Duration::from_secs(options.cases / SLOWEST)),
            "doors" => Command::new([&path, "--table"]).limit(LIMIT),
            "run" => Command::new([path]).environment("DROPCAP", DROPCAP).limit(LIMIT),
            "runtime" => Command::new([path.as_str(), "--exact", PRIVILEGED])
                .environment("DROPCAP", DROPCAP)
                .limit(LIMIT),
            "docker" => Command::new([path.as_str(), "--exact", PRIVILEGED_BY_DOCKER])
                .environment("DROPCAP", DROPCAP)
                .limit(LIMIT),
            "checkpoint" => Command::new([path.as_str(), "--ignored", CHECKPOINT])
                .environment("DROPCAP", DROPCAP)
                .limit(LIMIT),
            _ => Command::new([path]).limit(LIMIT),
        }
    }
}

/// What the tests are called on the command line.
pub fn keys() -> PossibleValuesParser {
    KINDS.map(|kind| kind.key).into()
}

/// Whether any test is run with this kernel.
pub fn any(source: &Source, options: &Options) -> bool {
    KINDS.iter().any(|kind| kind.is_wanted(source, options))
}

/// Runs everything in a guest with this kernel.
pub fn run(
    source: &Source,
    kernel: &Kernel,
    programs: &Programs,
    options: &Options,
    say: impl Fn(&str),
) -> Result<Tested, Error> {
    let mut guest = Guest::new(kernel)
        .file("/etc/passwd", 0o644, PASSWD)
        .file("/etc/group", 0o644, GROUP)
        .copy(&programs.differential, "/bin/differential")?
        .copy(&programs.doors, "/bin/doors")?
        .copy(&programs.calibration, "/bin/calibration")?
        .copy(&programs.run, "/bin/run")?
        .copy(&programs.runtime, "/bin/runtime")?
        .copy(&programs.dropcap, DROPCAP)?
        // Policies are trusted in there.
        .file("/var/lib/nothing", 0o644, "");
    let wanted = KINDS.iter().filter(|kind| kind.is_wanted(source, options));
    let (kinds, lacking): (Vec<&Kind>, Vec<&Kind>) =
        wanted.partition(|kind| kind.missing().is_none());
    let more: u32 = kinds.iter().map(|kind| kind.megabytes).sum();
    guest = guest.shape(Shape { megabytes: SHAPE.megabytes + more, ..SHAPE });
    for tool in TOOLS.into_iter().chain(kinds.iter().flat_map(|kind| kind.tools())) {
        guest = guest.program(tool)?;
    }
    // A disk, for the door `devices`.
    for module in ["brd"].into_iter().chain(kinds.iter().flat_map(|kind| kind.modules())) {
        guest = guest.module(module)?;
    }
    let commands: Vec<Command> = kinds.iter().map(|kind| kind.command(options)).collect();
    let mut running = kinds.iter();
    let report = guest.run_watched(&commands, |event| match event {
        Event::Booted { release, .. } => say(&format!("{release} runs")),
        Event::Ended { took, .. } => {
            let name = running.next().map_or("", |kind| kind.name);
            say(&format!("{name}: {:.0} s", took.as_secs_f64()));
        }
        _ => {}
    })?;
    let mut tested = Tested::of(&kinds, report);
    tested.tests.extend(lacking.into_iter().filter_map(Test::not_started));
    Ok(tested)
}

impl Test {
    /// That of a kind for which this machine lacks a program.
    fn not_started(kind: &Kind) -> Option<Self> {
        let outcome = Outcome {
            end: End::NotStarted(format!("needs {}", kind.missing()?)),
            took: Duration::ZERO,
            stdout: String::new(),
            stderr: String::new(),
        };
        Some(Self { name: kind.name, summary: "FAILED".to_owned(), outcome })
    }
}

impl Tested {
    fn of(kinds: &[&Kind], report: Report) -> Self {
        let tests = kinds.iter().zip(report.outcomes).map(|(kind, outcome)| {
            let Kind { name, summary, .. } = kind;
            let summary = summary(&outcome.stdout).filter(|_| outcome.succeeded());
            Test { name, summary: summary.unwrap_or_else(|| "FAILED".to_owned()), outcome }
        });
        Self { release: report.release, tests: tests.collect() }
    }

    /// The verdict of each door, as the program that tries them prints it.
    pub fn doors(&self) -> Option<&str> {
        let test = self.tests.iter().find(|test| test.name == DOORS);
        test.map(|test| test.outcome.stdout.as_str())
    }

    /// What failed, with all that it wrote; nothing where nothing did.
    pub fn complaints(&self) -> String {
        let failed = self.tests.iter().filter(|test| test.summary == "FAILED");
        let text = |test: &Test| {
            let Outcome { end, stdout, stderr, .. } = &test.outcome;
            format!("== {} on {}: {end:?}\n{stdout}{stderr}", test.name, self.release)
        };
        failed.map(text).collect()
    }
}

/// `20000 cases from seed 1 in 100.0 s: 0 differences, 0 skipped`, without the time.
fn differential(stdout: &str) -> Option<String> {
    let (cases, rest) = stdout.lines().last()?.split_once(" in ")?;
    Some(format!("{cases}: {}", rest.split_once(": ")?.1))
}

/// A line `DOOR held|lacking VERDICT` for each.
fn doors(stdout: &str) -> Option<String> {
    let count = |end: &str| stdout.lines().filter(|line| line.ends_with(end)).count();
    let (open, closed) = (count(" held open"), count(" lacking closed"));
    Some(format!("{open} seen open, {closed} seen closed"))
}

/// `test result: ok. 27 passed; 0 failed; …`.
fn calibration(stdout: &str) -> Option<String> {
    let result = stdout.lines().find_map(|line| line.strip_prefix("test result: ok. "))?;
    result.split(';').next().map(str::to_owned)
}

/// `test result: 92 passed; 0 failed`.
fn run_tests(stdout: &str) -> Option<String> {
    let result = stdout.lines().last()?.strip_prefix("test result: ")?;
    result.strip_suffix("; 0 failed").map(str::to_owned)
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn summaries_are_found() {
        let line = "x\n20000 cases from seed 1 in 100.0 s: 0 differences, 3 skipped\n";
        let summary = Some("20000 cases from seed 1: 0 differences, 3 skipped".to_owned());
        assert_eq!(differential(line), summary);
        let table = "kernel 6.1\nA held open\nA lacking closed\nB held inert\nB lacking closed\n";
        assert_eq!(doors(table), Some("1 seen open, 2 seen closed".to_owned()));
        assert_eq!(
            run_tests("x\ntest result: 92 passed; 0 failed\n"),
            Some("92 passed".to_owned())
        );
        assert_eq!(run_tests("test result: 91 passed; 1 failed\n"), None);
        assert_eq!(run_tests(""), None);
    }
}
