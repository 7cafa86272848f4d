//! The files that the cases need, and how dropcap is started.

use crate::context::Context;
use dropcap_capability::{Capability, CapabilitySet};
use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What these tests cannot do without; they fail where it is missing.
const NEEDED: [Capability; 8] = [
    Capability::CHOWN,
    Capability::FOWNER,
    Capability::SETUID,
    Capability::SETGID,
    Capability::SETPCAP,
    Capability::SETFCAP,
    Capability::NET_BIND_SERVICE,
    Capability::NET_RAW,
];

pub struct Bench {
    directory: tempfile::TempDir,
}

/// How a command ended, and what it wrote.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code, or 128 and the signal.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// What `probe state` printed, by the names of `/proc/PID/status`.
#[derive(Debug)]
pub struct State(BTreeMap<String, String>);

impl State {
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter_map(|line| line.split_once(":"));
        Self(lines.map(|(key, value)| (key.to_owned(), value.trim().to_owned())).collect())
    }

    pub fn get(&self, field: &str) -> &str {
        self.0.get(field).unwrap_or_else(|| panic!("no {field} in {self:?}"))
    }

    pub fn set(&self, field: &str) -> CapabilitySet {
        CapabilitySet::from_bits(u64::from_str_radix(self.get(field), 16).unwrap())
    }
}

impl Bench {
    pub fn new() -> Self {
        let held = dropcap_confine::sys::read_credentials().unwrap();
        for capability in NEEDED {
            assert!(held.effective.contains(capability), "these tests need {capability}: be root");
        }
        assert_eq!(held.uid.effective, 0, "these tests need root");
        let directory = tempfile::Builder::new().prefix("dropcap-run-").tempdir().unwrap();
        let bench = Self { directory };
        bench.mode(bench.directory.path(), 0o755);
        // Elsewhere than where it was built, as in a guest, somebody has to say where it is.
        let built = || env!("CARGO_BIN_EXE_dropcap").into();
        let dropcap = std::env::var_os("DROPCAP").unwrap_or_else(built);
        bench.copy(dropcap.as_ref(), "dropcap");
        bench.copy(&std::env::current_exe().unwrap(), "probe");
        for context in Context::ALL {
            let helper = bench.setuid_helper(context);
            bench.copy(
                &std::env::current_exe().unwrap(),
                helper.file_name().unwrap().to_str().unwrap(),
            );
            chown(&helper, Some(context.root()), Some(context.root())).unwrap();
            bench.mode(&helper, 0o4755);
        }
        std::fs::create_dir(bench.path("marks")).unwrap();
        bench.mode(&bench.path("marks"), 0o1777);
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// As a string, for command lines.
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// A copy of the probe that is setuid and owned by the root of the context.
    pub fn setuid_helper(&self, context: Context) -> PathBuf {
        self.path(&format!("setuid-{}", context.root()))
    }

    pub fn mode(&self, path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn copy(&self, from: &Path, name: &str) -> PathBuf {
        let to = self.path(name);
        dropcap_testkit::root::copy(from, &to);
        self.mode(&to, 0o755);
        to
    }

    /// Starts `line` in the context.
    pub fn command(&self, context: Context, line: &[&str]) -> Command {
        let number = Context::ALL.iter().position(|one| *one == context).unwrap();
        let mut command = Command::new(self.path("probe"));
        command.args(["enter", &number.to_string()]).args(line);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", "/before");
        command.current_dir(self.directory.path()).stdin(Stdio::null());
        command
    }

    pub fn outcome(&self, context: Context, line: &[&str]) -> Outcome {
        let output = self.command(context, line).output().unwrap();
        let code = output.status.code();
        Outcome {
            code: code.unwrap_or_else(|| 128 + output.status.signal().unwrap()),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// `dropcap run ARGUMENTS..` in the context.
    pub fn run(&self, context: Context, arguments: &[&str]) -> Outcome {
        let dropcap = self.text("dropcap");
        let line: Vec<&str> = [dropcap.as_str(), "run"].iter().chain(arguments).copied().collect();
        self.outcome(context, &line)
    }

    /// `dropcap run FLAGS.. -- probe state`, which must succeed.
    pub fn state(&self, context: Context, flags: &[&str]) -> (State, Outcome) {
        let outcome = self.probe(context, flags, &["state"]);
        assert_eq!(outcome.code, 0, "{outcome:?}");
        (State::parse(&outcome.stdout), outcome)
    }

    /// `dropcap run FLAGS.. -- probe WORDS..`.
    pub fn probe(&self, context: Context, flags: &[&str], words: &[&str]) -> Outcome {
        let probe = self.text("probe");
        let command = ["--", probe.as_str(), "probe"];
        let line: Vec<&str> = flags.iter().chain(&command).chain(words).copied().collect();
        self.run(context, &line)
    }

    /// `dropcap run FLAGS..` must end with `code`, say `what`, and execute nothing.
    pub fn refused(&self, context: Context, flags: &[&str], code: i32, what: &str) {
        let mark = self.path("marks").join("executed");
        let outcome = self.probe(context, flags, &["touch", mark.to_str().unwrap()]);
        assert!(!mark.exists(), "{flags:?} was executed: {outcome:?}");
        assert_eq!(outcome.code, code, "{outcome:?}");
        assert!(outcome.stderr.contains(what), "{outcome:?} does not say `{what}`");
    }
}
