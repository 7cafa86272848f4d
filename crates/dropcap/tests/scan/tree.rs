//! A tree of files, and dropcap run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The binary under test.
pub const DROPCAP: &str = env!("CARGO_BIN_EXE_dropcap");

/// A folder that goes with the test.
pub struct Tree(TempDir);

/// What a run printed, and its exit code.
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl Ran {
    /// Standard output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}:\n{}\n{}", self.stdout, self.stderr))
    }

    /// Exit code, standard output and standard error in one text.
    pub fn all(&self) -> String {
        format!("exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().expect("it exits by itself"),
        }
    }
}

impl Tree {
    /// A tree with these files.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            tree.write(name, text);
        }
        tree
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs dropcap in the tree.
    pub fn dropcap(&self, arguments: &[&str]) -> Ran {
        self.dropcap_with(arguments, "")
    }

    /// Runs dropcap in the tree with something on its standard input.
    pub fn dropcap_with(&self, arguments: &[&str], input: &str) -> Ran {
        use std::io::Write;
        let mut child = Command::new(DROPCAP)
            .args(arguments)
            .current_dir(self.root())
            // No engine but one that the test itself puts there.
            .env("DOCKER_HOST", format!("unix://{}", self.path("engine.sock").display()))
            .env_remove("XDG_RUNTIME_DIR")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended without reading.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap().into()
    }

    /// Scans the tree and gives the JSON.
    pub fn scan(&self, arguments: &[&str]) -> serde_json::Value {
        let mut all = vec!["scan", "--format", "json"];
        all.extend(arguments);
        self.dropcap(&all).json()
    }
}

/// The members of an array, each by one of its fields.
pub fn each<'a>(array: &'a serde_json::Value, field: &str) -> Vec<&'a str> {
    array.as_array().unwrap().iter().map(|one| one[field].as_str().unwrap()).collect()
}

/// The findings of one rule.
pub fn of<'a>(document: &'a serde_json::Value, rule: &str) -> Vec<&'a serde_json::Value> {
    let findings = document["findings"].as_array().unwrap();
    findings.iter().filter(|finding| finding["rule"] == rule).collect()
}
