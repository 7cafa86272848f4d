//! What `prove` found, beside what `scan` predicted.

use crate::world::{Container, INSIDE, World, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Output;

/// A set of names.
pub type Names = BTreeSet<String>;

/// The result of a proof.
#[derive(Debug)]
pub struct Proof {
    json: Value,
    /// The exit code.
    pub status: i32,
}

impl Proof {
    /// `dropcap prove container:NAME` from the host; `user` is who the exec is.
    pub fn of(container: &Container<'_>, user: Option<&str>) -> Self {
        let target = format!("container:{}", container.name);
        let mut line = vec!["prove", &target, "--format", "json"];
        line.extend(user.iter().flat_map(|user| ["--exec-user", user]));
        Self::read(&World::shared().dropcap(&line))
    }

    /// The same tried by hand: the engine's exec of a dropcap that lies in the container.
    pub fn by_hand(container: &Container<'_>) -> Self {
        Self::read(&container.exec(&[], &[INSIDE, "prove", "self", "--format", "json"]))
    }

    fn read(output: &Output) -> Self {
        let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr))
        });
        Self { json, status: output.status.code().expect("an exit code") }
    }

    /// Each door with its verdict.
    pub fn verdicts(&self) -> BTreeMap<String, String> {
        let word = |value: &Value| value.as_str().expect("a word").to_owned();
        let attempts = self.json["attempts"].as_array().expect("attempts").iter();
        attempts.map(|attempt| (word(&attempt["door"]), word(&attempt["verdict"]))).collect()
    }

    /// The remarks below the attempts.
    pub fn notes(&self) -> Names {
        names(&self.json["notes"])
    }

    /// The doors that are open and should not be.
    pub fn open(&self) -> Names {
        names(&self.json["open_beyond_allowed"])
    }

    /// The attempt of a door.
    pub fn attempt(&self, door: &str) -> &Value {
        let attempts = self.json["attempts"].as_array().expect("attempts");
        attempts.iter().find(|attempt| attempt["door"] == door).unwrap_or_else(|| panic!("{door}"))
    }

    /// Whether a door is open.
    pub fn is_open(&self, door: &str) -> bool {
        self.attempt(door)["verdict"] == "open"
    }

    /// What can be held: what is, and what the files on the way give.
    pub fn within_reach(&self) -> Names {
        let by_files = ["setuid-exec", "file-capability-exec"];
        let gained = by_files.iter().flat_map(|door| names(&self.attempt(door)["gains"]));
        names(&self.json["state"]["permitted"]).into_iter().chain(gained).collect()
    }

    /// The attempts that ended otherwise than the model expected, where it expects something.
    pub fn surprises(&self) -> Vec<&Value> {
        let attempts = self.json["attempts"].as_array().expect("attempts").iter();
        let tried = attempts.filter(|attempt| attempt["verdict"] != "not-tried");
        tried
            .filter(|attempt| !attempt["expected"].is_null())
            .filter(|attempt| attempt["result"] != attempt["expected"])
            .collect()
    }
}

/// What `scan` says of the container with this id.
#[derive(Debug)]
pub struct Prediction(Value);

impl Prediction {
    /// Scans `path` with the example's image read.
    pub fn of(world: &World, path: &Path, id_ends_with: &str) -> Self {
        let scan = scan(world, path, &[]);
        let containers = scan["containers"].as_array().expect("containers");
        let ids: Vec<&str> = containers.iter().filter_map(|one| one["id"].as_str()).collect();
        let found = containers
            .iter()
            .find(|one| one["id"].as_str().is_some_and(|id| id.ends_with(id_ends_with)))
            .unwrap_or_else(|| panic!("no {id_ends_with} among {ids:?}"));
        Self(found.clone())
    }

    /// What can come into the permitted set.
    pub fn reachable(&self) -> Names {
        names(&self.0["reachable"])
    }

    /// The files that lead there.
    pub fn doors(&self) -> Vec<(String, String, Names)> {
        let word = |value: &Value| value.as_str().expect("a word").to_owned();
        let doors = self.0["doors"].as_array().expect("doors").iter();
        doors
            .map(|door| (word(&door["kind"]), word(&door["path"]), names(&door["gains"])))
            .collect()
    }

    /// Whether it can make a user namespace.
    pub fn nested(&self) -> bool {
        self.0["nested"] == "open"
    }

    /// The prediction holds: the same can be reached, by the same files, and no other door that a
    /// file or a user namespace is, is open.
    pub fn check(&self, proof: &Proof) {
        assert_eq!(proof.surprises(), Vec::<&Value>::new());
        assert_eq!(self.reachable(), proof.within_reach());
        assert_eq!(self.nested(), proof.is_open("user-namespace"));
        let setuid: Vec<_> =
            self.doors().into_iter().filter(|(kind, ..)| kind != "file-capabilities").collect();
        assert_eq!(!setuid.is_empty(), proof.is_open("setuid-exec"));
        for (_, path, gains) in &setuid {
            let attempt = proof.attempt("setuid-exec");
            assert_eq!(attempt["attempt"], format!("execve({path})"));
            assert_eq!(&names(&attempt["gains"]), gains);
        }
        let file_capabilities = self.doors().len() > setuid.len();
        assert_eq!(file_capabilities, proof.is_open("file-capability-exec"));
    }
}

/// `dropcap scan --format json` of `path`, with the example's image read.
pub fn scan(world: &World, path: &Path, options: &[&str]) -> Value {
    let rootfs = format!("example/agent:latest={}", world.root.display());
    let path = path.to_str().expect("a path in Unicode");
    let line = ["scan", "--format", "json", "--fail-on", "never", "--rootfs", &rootfs];
    let output = world.dropcap(&[&line[..], options, &[path]].concat());
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn names(list: &Value) -> Names {
    let words = list.as_array().map(Vec::as_slice).unwrap_or_default().iter();
    words.map(|word| word.as_str().expect("a name").to_owned()).collect()
}
