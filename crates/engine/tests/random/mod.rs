//! Configurations drawn at random, so that each row of an engine's table comes up.

pub mod bench;

use dropcap_manifest::{Engine, Settings, Spanned};
use dropcap_testkit::random::Random;

/// One configuration, and one way to come in later.
#[derive(Debug, Clone, Default)]
pub struct Case {
    user: Option<String>,
    add: Vec<String>,
    drop: Vec<String>,
    security: Vec<String>,
    groups: Vec<String>,
    sysctls: Vec<(String, String)>,
    privileged: bool,
    host_network: bool,
    /// How `exec` comes in, beside the two that every case has.
    pub later: Later,
}

/// An `exec`.
#[derive(Debug, Clone, Default)]
pub struct Later {
    /// `--user`.
    pub user: Option<String>,
    /// `--privileged`.
    pub privileged: bool,
}

impl Later {
    /// Without options.
    pub fn plain() -> Self {
        Self::default()
    }

    /// As root.
    pub fn root() -> Self {
        Self { user: Some("0".to_owned()), privileged: false }
    }
}

const USERS: [&str; 24] = [
    "0",
    "root",
    "sandbox",
    "1000",
    "1000:29",
    "sandbox:audio",
    "sandbox:",
    "agent",
    "1001",
    "agent:4000",
    "65534",
    "4242",
    "4242:4243",
    "4242:wheel",
    "toor",
    "0:50",
    "root:audio",
    ":29",
    "twice",
    "007",
    "+1000",
    "2147483647",
    "sandbox:audio:ignored",
    "",
];
const WRONG_USERS: [&str; 7] =
    ["nobody", "Root", " sandbox", "sandbox:nogroup", "2147483648", "-1", "4242:-1"];
const GROUPS: [&str; 8] = ["audio", "wheel", "29", "4000", "operators", "1000", "root", "+7"];
const WRONG_GROUPS: [&str; 4] = ["nogroup", "Audio", "2147483648", "-1"];
/// What every kernel that can run the test, and every daemon, has.
const CAPABILITIES: [&str; 37] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
];
const NEW_CAPABILITIES: [&str; 3] = ["PERFMON", "CAP_BPF", "checkpoint_restore"];
const WRONG_CAPABILITIES: [&str; 9] = [
    "CAP_ALL",
    "NET_RAWW",
    "CAP_CAP_KILL",
    "NONE",
    "12",
    " KILL",
    "KILL ",
    "NET-RAW",
    "CHOWN,KILL",
];
const NO_NEW_PRIVILEGES: [&str; 9] = [
    "no-new-privileges",
    "no-new-privileges:true",
    "no-new-privileges=true",
    "no-new-privileges=1",
    "no-new-privileges:T",
    "no-new-privileges=True",
    "no-new-privileges:false",
    "no-new-privileges=0",
    "no-new-privileges=FALSE",
];
const WRONG_SECURITY: [&str; 5] = [
    "no-new-privileges=yes",
    "no-new-privileges:",
    "No-New-Privileges:true",
    "nonewprivs",
    "capabilities=none",
];

impl Case {
    /// The case with this number. A wrong word comes up in one case of a few, in one place: with
    /// more, most cases would be refused and few compared.
    pub fn draw(random: &mut Random, number: usize, engine: Engine) -> Self {
        let mut case = Self::default();
        case.capabilities(random);
        if random.chance(70) {
            case.user = Some(random.one_of(&USERS).to_string());
        }
        case.privileged = random.chance(10);
        if random.chance(45) {
            case.security.push(random.one_of(&NO_NEW_PRIVILEGES).to_string());
            if random.chance(20) {
                case.security.push(random.one_of(&NO_NEW_PRIVILEGES).to_string());
            }
        }
        match random.below(10) {
            0..2 => case.security.push("seccomp=unconfined".to_owned()),
            2 => case.security.push("seccomp:unconfined".to_owned()),
            3 => case.security.push("label=disable".to_owned()),
            4 => case.security.insert(0, "apparmor=unconfined".to_owned()),
            _ => {}
        }
        while random.chance(25) {
            let group = random.one_of(&GROUPS).to_string();
            case.groups.push(group);
        }
        case.host_network = random.chance(10);
        if random.chance(12) {
            let port = random.one_of(&["0", "80", "1024"]).to_string();
            case.sysctls.push(("net.ipv4.ip_unprivileged_port_start".to_owned(), port));
        }
        case.later = Later {
            user: random.chance(70).then(|| match random.below(5) {
                0 => random.one_of(&WRONG_USERS).to_string(),
                _ => random.one_of(&USERS).to_string(),
            }),
            privileged: random.chance(30),
        };
        // Of Podman fewer cases are drawn, since it is slower to start one.
        let every = if engine == Engine::Podman { 3 } else { 5 };
        // What few others come to: added with ALL, dropped by name, for another user.
        if engine == Engine::Podman && number % 20 == 7 {
            case.user = Some("1000".to_owned());
            case.add = vec!["ALL".to_owned()];
            case.drop = vec![spell("SETUID", random)];
            case.privileged = false;
        } else if number.is_multiple_of(every) {
            case.spoil(random, number / every, engine);
        }
        case
    }

    fn capabilities(&mut self, random: &mut Random) {
        fn some(random: &mut Random, most: usize) -> Vec<String> {
            let count = random.below(most + 1);
            (0..count).map(|_| spell(random.one_of(&CAPABILITIES), random)).collect()
        }
        let defaults = ["NET_RAW", "CHOWN", "SETUID", "SETPCAP", "MKNOD", "AUDIT_WRITE"];
        if random.chance(15) {
            return;
        }
        self.add = some(random, 4);
        self.drop = some(random, 3);
        if random.chance(50) {
            let name = spell(random.one_of(&defaults), random);
            self.drop.push(name);
        }
        if random.chance(20) {
            let both = random.one_of(&CAPABILITIES);
            self.add.push(spell(both, random));
            self.drop.push(spell(both, random));
        }
        if random.chance(20) {
            self.add.push("SYS_ADMIN".to_owned());
        }
        let all = |random: &mut Random| random.one_of(&["ALL", "ALL", "all", "All"]).to_string();
        if random.chance(35) {
            let at = random.below(self.drop.len() + 1);
            self.drop.insert(at, all(random));
        }
        if random.chance(15) {
            let at = random.below(self.add.len() + 1);
            self.add.insert(at, all(random));
        }
    }

    /// Puts one wrong word in one place: the places and the words each in their turn, so that all of
    /// them come up whatever the seed.
    fn spoil(&mut self, random: &mut Random, turn: usize, engine: Engine) {
        const PLACES: usize = 9;
        fn nth(words: &[&str], number: usize) -> String {
            words[number % words.len()].to_owned()
        }
        let round = turn / PLACES;
        // Podman's command line divides at commas.
        let is_wrong = |word: &&&str| engine == Engine::Docker || !word.contains(',');
        let names: Vec<&str> = WRONG_CAPABILITIES.iter().filter(is_wrong).copied().collect();
        // What could be refused for another reason would hide that the word is taken.
        self.add.retain(|name| {
            !["ALL", "SYS_RESOURCE", "CAP_SYS_RESOURCE"].contains(&name.to_uppercase().as_str())
        });
        self.host_network = false;
        match turn % PLACES {
            0 => self.user = Some(nth(&WRONG_USERS, round)),
            1 => self.user = Some(nth(&WRONG_USERS, round + 4)),
            2 => self.groups.push(nth(&WRONG_GROUPS, round)),
            3 => self.groups.extend(["audio".to_owned(), "audio".to_owned()]),
            4 => self.security.push(nth(&WRONG_SECURITY, round)),
            5 => self.add.push(nth(&names, 2 * round)),
            6 => self.drop.push(nth(&names, 2 * round + 1)),
            7 => {
                let name = nth(&NEW_CAPABILITIES, round);
                if random.chance(50) {
                    self.add.push(name)
                } else {
                    self.drop.push(name)
                }
                // Names are read for a privileged container too.
                self.privileged = round.is_multiple_of(2);
            }
            _ => {
                self.host_network = true;
                let port = ("net.ipv4.ip_unprivileged_port_start".to_owned(), "80".to_owned());
                self.sysctls = vec![port];
            }
        }
        if turn % PLACES == 6 && !round.is_multiple_of(4) {
            self.privileged = true;
        }
    }

    /// What the crate is asked.
    pub fn settings(&self) -> Settings {
        let word = |word: &String| Spanned { value: word.clone(), span: 0..0 };
        let words = |list: &[String]| list.iter().map(word).collect();
        Settings {
            user: self.user.as_ref().map(word),
            cap_add: words(&self.add),
            cap_drop: words(&self.drop),
            security_opt: words(&self.security),
            group_add: words(&self.groups),
            sysctls: self.sysctls.clone(),
            privileged: self.privileged.then_some(Spanned { value: true, span: 0..0 }),
            network: Some(word(&self.network().to_owned())),
            ..Settings::default()
        }
    }

    fn network(&self) -> &'static str {
        if self.host_network { "host" } else { "none" }
    }

    /// What docker is asked, with `rest` behind it.
    pub fn command_line(&self, rest: &[&str]) -> Vec<String> {
        let mut line = vec![format!("--network={}", self.network())];
        line.extend(self.user.iter().map(|user| format!("--user={user}")));
        line.extend(self.add.iter().map(|name| format!("--cap-add={name}")));
        line.extend(self.drop.iter().map(|name| format!("--cap-drop={name}")));
        line.extend(self.security.iter().map(|entry| format!("--security-opt={entry}")));
        line.extend(self.groups.iter().map(|group| format!("--group-add={group}")));
        line.extend(self.sysctls.iter().map(|(name, value)| format!("--sysctl={name}={value}")));
        line.extend(self.privileged.then(|| "--privileged".to_owned()));
        line.extend(rest.iter().map(|word| (*word).to_owned()));
        line
    }
}

/// The name in one of the spellings that people use.
fn spell(name: &str, random: &mut Random) -> String {
    let prefixed = format!("CAP_{name}");
    match random.below(6) {
        0..2 => name.to_owned(),
        2..4 => prefixed,
        4 => prefixed.to_lowercase(),
        _ => {
            let flip = |c: char| if random.chance(50) { c.to_ascii_lowercase() } else { c };
            name.chars().map(flip).collect()
        }
    }
}
