//! Layers drawn at random, with everything that layers may do to one another.

use super::support::{Layer, NET_RAW};
use dropcap_testkit::random::Random;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use tar::EntryType;

/// An entry, before it becomes bytes.
#[derive(Debug, Clone)]
pub struct Drawn {
    kind: EntryType,
    path: String,
    link: String,
    mode: u32,
    ids: (u64, u64),
    capable: bool,
}

/// A layer, before it becomes bytes.
#[derive(Debug, Clone, Default)]
pub struct DrawnLayer {
    entries: Vec<Drawn>,
    busybox: bool,
}

const DIRECTORIES: [&str; 6] = ["a", "a/b", "a/b/c", "d", "d/e", "f"];
const NAMES: [&str; 4] = ["x", "y", "z", "a"];
const FILE_MODES: [u32; 6] = [0o755, 0o4755, 0o2755, 0o6711, 0o4644, 0o700];
const DIRECTORY_MODES: [u32; 4] = [0o755, 0o711, 0o700, 0o750];

/// Two to five layers, the lowest with a program that can run.
pub fn layers(random: &mut Random) -> Vec<DrawnLayer> {
    let count = 2 + random.below(4);
    (0..count).map(|number| layer(random, number == 0)).collect()
}

fn layer(random: &mut Random, lowest: bool) -> DrawnLayer {
    let mut layer = DrawnLayer { busybox: lowest, ..DrawnLayer::default() };
    // What is a directory in this layer, and what is a file.
    let (mut directories, mut files) = (BTreeSet::new(), Vec::new());
    for _ in 0..4 + random.below(10) {
        let directory = random.one_of(&DIRECTORIES);
        layer.make_way(random, directory, &mut directories);
        let path = format!("{directory}/{}", random.one_of(&NAMES));
        let ids = (random.one_of(&[0, 0, 1000]), random.one_of(&[0, 0, 1000]));
        let mut drawn = Drawn {
            kind: EntryType::Regular,
            path: path.clone(),
            link: String::new(),
            mode: random.one_of(&FILE_MODES),
            ids,
            capable: random.chance(25),
        };
        match random.below(100) {
            0..40 => {
                if !layer.entries.iter().any(|one| one.path == path) {
                    files.push(path);
                }
            }
            40..55 if !files.is_empty() => {
                drawn.kind = EntryType::Link;
                drawn.link = files[random.below(files.len())].clone();
                // Mostly the header says what the file's own did.
                if random.chance(70)
                    && let Some(own) = layer.entries.iter().rfind(|one| one.path == drawn.link)
                {
                    (drawn.mode, drawn.ids, drawn.capable) = (own.mode, own.ids, own.capable);
                }
            }
            40..60 => {
                drawn.kind = EntryType::Symlink;
                drawn.capable = false;
                drawn.link = random.one_of(&["/f", "../d", "/nowhere", "x", "/a/b"]).to_owned();
            }
            60..75 if !lowest => {
                let name = random.one_of(&["x", "y", "z", "a", "b", "e"]);
                let target = format!("{directory}/{name}");
                // Docker refuses to take away what the same layer has put there before.
                if layer.entries.iter().any(|one| one.path == target) {
                    continue;
                }
                drawn.path = format!("{directory}/.wh.{name}");
                drawn.capable = false;
            }
            75..83 if !lowest => {
                drawn.path = format!("{directory}/.wh..wh..opq");
                drawn.capable = false;
            }
            83..90 => {
                drawn.kind = EntryType::Directory;
                drawn.mode = random.one_of(&DIRECTORY_MODES);
                drawn.capable = false;
            }
            _ => {
                drawn.kind = EntryType::Fifo;
                drawn.capable = false;
            }
        }
        // Docker refuses a name that comes twice, other engines do not: see tests/archive.rs.
        if !layer.entries.iter().any(|one| one.path == drawn.path) {
            layer.entries.push(drawn);
        }
    }
    layer
}

impl DrawnLayer {
    /// Entries for the directories on the way, as every tool writes them.
    fn make_way(&mut self, random: &mut Random, to: &str, known: &mut BTreeSet<String>) {
        let ends = to.match_indices('/').map(|(at, _)| at).chain([to.len()]);
        for end in ends {
            let path = to[..end].to_owned();
            if known.insert(path.clone()) {
                self.entries.push(Drawn {
                    kind: EntryType::Directory,
                    path,
                    link: String::new(),
                    mode: random.one_of(&DIRECTORY_MODES),
                    ids: (0, 0),
                    capable: false,
                });
            }
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut layer = Layer::default();
        if self.busybox {
            let program = fs::read("/bin/busybox").unwrap();
            layer = layer.directory("bin", 0o755);
            layer.put(EntryType::Regular, "bin/busybox", "", 0o755, (0, 0), &program);
        }
        for drawn in &self.entries {
            if drawn.capable {
                layer = layer.pax("SCHILY.xattr.security.capability", &NET_RAW);
            }
            layer.put(drawn.kind, &drawn.path, &drawn.link, drawn.mode, drawn.ids, &[]);
        }
        layer.done()
    }
}

/// What the layers are, for people.
pub fn story(layers: &[DrawnLayer]) -> String {
    let mut text = String::new();
    for (number, layer) in layers.iter().enumerate() {
        writeln!(text, "layer {number}").unwrap();
        for one in &layer.entries {
            let capable = if one.capable { " capable" } else { "" };
            let link =
                if one.link.is_empty() { String::new() } else { format!(" -> {}", one.link) };
            let Drawn { kind, path, mode, ids: (uid, gid), .. } = one;
            writeln!(text, "  {kind:?} {path}{link} {mode:o} {uid}:{gid}{capable}").unwrap();
        }
    }
    text
}

/// An archive that `docker load` takes: the configuration has the digests of the layers.
pub fn loadable(name: &str, layers: &[DrawnLayer]) -> Vec<u8> {
    let layers: Vec<Vec<u8>> = layers.iter().map(DrawnLayer::bytes).collect();
    let digests: Vec<String> =
        layers.iter().map(|layer| format!("\"sha256:{}\"", sha256(layer))).collect();
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{}},"rootfs":{{"type":"layers","diff_ids":[{}]}}}}"#,
        digests.join(",")
    );
    let mut archive = Layer::default();
    let id = sha256(config.as_bytes());
    let mut names = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        let path = format!("{number}/layer.tar");
        archive.put(EntryType::Regular, &path, "", 0o644, (0, 0), layer);
        names.push(format!("\"{path}\""));
    }
    let manifest = format!(
        r#"[{{"Config":"{id}.json","RepoTags":["{name}"],"Layers":[{}]}}]"#,
        names.join(",")
    );
    archive.text(&format!("{id}.json"), &config).text("manifest.json", &manifest).done()
}

fn sha256(bytes: &[u8]) -> String {
    let mut sum = Command::new("sha256sum");
    let mut sum = sum.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    sum.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = sum.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}
