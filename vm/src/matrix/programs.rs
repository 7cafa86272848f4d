//! The programs that run in the guests, as Cargo builds them.

use serde::Deserialize;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What is built: packages and the tests of theirs. Their binaries come with the tests.
const ARGUMENTS: [&str; 13] = [
    "test",
    "--no-run",
    "--locked",
    "--quiet",
    "--message-format=json-render-diagnostics",
    "--package=dropcap-differential",
    "--test=differential",
    "--package=dropcap-prove",
    "--test=calibration",
    "--test=doors",
    "--package=dropcap",
    "--test=run",
    "--test=runtime",
];

/// Static programs on this machine.
#[derive(Debug)]
pub struct Programs {
    /// The differential test.
    pub differential: PathBuf,
    /// Every door both ways, as a table.
    pub doors: PathBuf,
    /// What bears on a door besides what it asks for.
    pub calibration: PathBuf,
    /// The tests of `dropcap run`.
    pub run: PathBuf,
    /// The tests of the OCI runtime.
    pub runtime: PathBuf,
    /// dropcap itself, which the tests of `run` and of the runtime start.
    pub dropcap: PathBuf,
}

/// A message of Cargo's, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Programs {
    /// Builds them.
    ///
    /// # Errors
    /// Where Cargo fails; what it says is shown.
    pub fn build() -> io::Result<Self> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo).args(ARGUMENTS).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(io::Error::other("the programs for the guests cannot be built"));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let messages: Vec<Message> =
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let find = |kind: &str, name: &str| {
            let named = |target: &Target| target.name == name && target.kind == [kind];
            let mut found = messages
                .iter()
                .filter(|message| message.target.as_ref().is_some_and(named))
                .filter_map(|message| message.executable.clone());
            found.next().ok_or_else(|| io::Error::other(format!("Cargo built no {kind} {name}")))
        };
        Ok(Self {
            differential: find("bin", "dropcap-differential")?,
            doors: find("test", "doors")?,
            calibration: find("test", "calibration")?,
            run: find("test", "run")?,
            runtime: find("test", "runtime")?,
            dropcap: find("bin", "dropcap")?,
        })
    }
}
