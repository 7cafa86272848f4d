//! Configurations as a pod has them, and what was seen of them, as text.

pub mod bench;

use dropcap_manifest::{Settings, Spanned};
use dropcap_testkit::random::Random;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

pub const PASSWD: &str = "root:x:0:0:root:/:/bin/sh\n\
    sandbox:x:1000:1000::/:/bin/sh\n\
    agent:x:1001:100::/:/bin/sh\n\
    toor:x:0:50::/:/bin/sh\n\
    twice:x:1002:1002::/:/bin/sh\n\
    twice:x:1003:1003::/:/bin/sh\n";
pub const GROUP: &str = "root:x:0:root\n\
    wheel:x:10:root,sandbox\n\
    audio:x:29:agent,sandbox\n\
    operators:x:50:\n\
    users:x:100:agent\n\
    sandbox:x:1000:sandbox\n\
    agent:x:1001:agent\n\
    numbered:x:1005:1000\n";

/// The `USER` of the images.
pub const IMAGE_USERS: [&str; 10] =
    ["", "sandbox", "1000", "1000:29", "agent:audio", "toor", "root", "twice", "4242", "nobody"];
const USERS: [&str; 6] = ["0", "1000", "1001", "1003", "4242", "65534"];
const CAPABILITIES: [&str; 20] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "NET_RAW",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SYS_CHROOT",
    "AUDIT_WRITE",
    "SETFCAP",
    "NET_ADMIN",
    "SYS_PTRACE",
    "BPF",
    "PERFMON",
    "SYS_TIME",
    "SYS_NICE",
];
const WRONG: [&str; 5] = ["NET_RAWW", "CAP_ALL", "NONE", "12", "NET-RAW"];

/// One container.
#[derive(Debug, Clone, Default)]
pub struct Case {
    pub image_user: String,
    pub user: Option<String>,
    pub group: Option<String>,
    pub add: Vec<String>,
    pub drop: Vec<String>,
    pub escalation: Option<bool>,
    pub seccomp: Option<String>,
    pub privileged: bool,
    pub groups: Vec<String>,
    pub host_network: bool,
    pub port: Option<String>,
}

/// What was seen of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
    /// Inheritable, permitted, effective, bounding, ambient.
    pub sets: [u64; 5],
    pub no_new_privs: bool,
    pub seccomp: u8,
    pub nested: String,
    pub port_start: String,
    pub ping_range: String,
}

/// What one containerd made of cases; `None` where it refused.
#[derive(Debug, Clone)]
pub struct Record {
    pub version: String,
    pub kernel: String,
    /// What the daemon itself held.
    pub bounding: u64,
    pub cases: Vec<(Case, Option<Seen>)>,
}

impl Case {
    /// A case that depends on `random` alone.
    pub fn draw(random: &mut Random) -> Self {
        let mut case =
            Self { image_user: random.one_of(&IMAGE_USERS).to_owned(), ..Self::default() };
        case.capabilities(random);
        if random.chance(60) {
            case.user = Some(random.one_of(&USERS).to_owned());
        }
        if random.chance(25) {
            case.group = Some(random.one_of(&["29", "0", "7777"]).to_owned());
        }
        case.privileged = random.chance(8);
        case.escalation = match random.below(3) {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        };
        // The API server lets neither pass.
        let refused = case.privileged || case.add.iter().any(|word| word == "CAP_SYS_ADMIN");
        case.escalation = case.escalation.filter(|allowed| *allowed || !refused);
        case.seccomp = match random.below(4) {
            0 => Some("Unconfined".to_owned()),
            1..3 => Some("RuntimeDefault".to_owned()),
            _ => None,
        };
        while random.chance(25) {
            case.groups.push(random.one_of(&["29", "50", "4000"]).to_owned());
        }
        case.host_network = random.chance(10);
        if !case.host_network && random.chance(12) {
            case.port = Some(random.one_of(&["0", "80"]).to_owned());
        }
        case
    }

    fn capabilities(&mut self, random: &mut Random) {
        if random.chance(12) {
            return;
        }
        let some = |random: &mut Random, most: usize| -> Vec<String> {
            let count = random.below(most + 1);
            (0..count).map(|_| spell(random.one_of(&CAPABILITIES), random)).collect()
        };
        self.add = some(random, 4);
        self.drop = some(random, 4);
        if random.chance(20) {
            self.add.push(random.one_of(&["SYS_ADMIN", "SYS_ADMIN", "CAP_SYS_ADMIN"]).to_owned());
        }
        if random.chance(20) {
            let both = random.one_of(&CAPABILITIES).to_owned();
            self.add.push(both.clone());
            self.drop.push(both);
        }
        if random.chance(6) {
            self.add.push("SYS_RESOURCE".to_owned());
        }
        let all = |random: &mut Random| random.one_of(&["ALL", "ALL", "all", "All"]).to_owned();
        if random.chance(35) {
            self.drop.push(all(random));
        }
        if random.chance(15) {
            self.add.insert(0, all(random));
        }
        if random.chance(10) {
            let word = random.one_of(&WRONG).to_owned();
            if random.chance(50) { self.add.push(word) } else { self.drop.push(word) }
        }
    }

    /// What the crate is asked.
    pub fn settings(&self) -> Settings {
        let word = |word: &String| Spanned::new(word.clone(), 0..0);
        let words = |list: &[String]| list.iter().map(word).collect();
        let port = self.port.iter().map(|port| (PORT_START.to_owned(), port.clone()));
        Settings {
            user: self.user.as_ref().map(word),
            run_as_group: self.group.as_ref().map(word),
            cap_add: words(&self.add),
            cap_drop: words(&self.drop),
            allow_privilege_escalation: self.escalation.map(|value| Spanned::new(value, 0..0)),
            seccomp: self.seccomp.as_ref().map(word),
            group_add: words(&self.groups),
            privileged: self.privileged.then_some(Spanned::new(true, 0..0)),
            network: self.host_network.then(|| Spanned::new("host".to_owned(), 0..0)),
            sysctls: port.collect(),
            ..Settings::default()
        }
    }
}

/// The sysctl that a case may set.
pub const PORT_START: &str = "net.ipv4.ip_unprivileged_port_start";

fn spell(name: &str, random: &mut Random) -> String {
    match random.below(8) {
        0 => format!("CAP_{name}"),
        1 => name.to_lowercase(),
        2 => format!("cap_{}", name.to_lowercase()),
        _ => name.to_owned(),
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "image={}", self.image_user)?;
        let switch = |on: bool| on.then(|| "true".to_owned());
        let list = |list: &[String]| Some(list.join(",")).filter(|text| !text.is_empty());
        for (name, value) in [
            ("user", self.user.clone()),
            ("group", self.group.clone()),
            ("add", list(&self.add)),
            ("drop", list(&self.drop)),
            ("escalation", self.escalation.map(|allowed| allowed.to_string())),
            ("seccomp", self.seccomp.clone()),
            ("privileged", switch(self.privileged)),
            ("groups", list(&self.groups)),
            ("host-network", switch(self.host_network)),
            ("port", self.port.clone()),
        ] {
            if let Some(value) = value {
                write!(f, " {name}={value}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, kernel, bounding, cases } = self;
        writeln!(f, "version={version} kernel={kernel} bounding={bounding:x}")?;
        for (case, seen) in cases {
            write!(f, "{case}\n  ")?;
            let Some(seen) = seen else {
                writeln!(f, "refused")?;
                continue;
            };
            let groups: Vec<String> = seen.groups.iter().map(u32::to_string).collect();
            write!(f, "uid={} gid={} groups={}", seen.uid, seen.gid, groups.join(","))?;
            write!(f, " sets={}", seen.sets.map(|set| format!("{set:x}")).join(","))?;
            write!(f, " no-new-privs={} seccomp={}", seen.no_new_privs, seen.seccomp)?;
            let ping = seen.ping_range.replace(' ', "-");
            writeln!(f, " nested={} port={} ping={ping}", seen.nested, seen.port_start)?;
        }
        Ok(())
    }
}

impl FromStr for Record {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let head = Line::read(lines.next().unwrap_or_default());
        let mut cases = Vec::new();
        while let (Some(case), Some(seen)) = (lines.next(), lines.next()) {
            let seen = (seen.trim() != "refused").then(|| Line::read(seen).seen()).transpose()?;
            cases.push((Line::read(case).case()?, seen));
        }
        Ok(Self {
            version: head.text("version"),
            kernel: head.text("kernel"),
            bounding: set(&head.text("bounding"))?,
            cases,
        })
    }
}

/// Words of the form `NAME=VALUE`.
struct Line<'t>(BTreeMap<&'t str, &'t str>);

impl<'t> Line<'t> {
    fn read(line: &'t str) -> Self {
        Self(line.split_whitespace().filter_map(|word| word.split_once('=')).collect())
    }

    fn maybe(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| (*value).to_owned())
    }

    fn text(&self, name: &str) -> String {
        self.maybe(name).unwrap_or_default()
    }

    fn list(&self, name: &str) -> Vec<String> {
        let text = self.text(name);
        text.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    fn parsed<T: FromStr>(&self, name: &str) -> Result<T, String> {
        self.text(name).parse().map_err(|_| format!("{name}={}", self.text(name)))
    }

    fn case(&self) -> Result<Case, String> {
        Ok(Case {
            image_user: self.text("image"),
            user: self.maybe("user"),
            group: self.maybe("group"),
            add: self.list("add"),
            drop: self.list("drop"),
            escalation: self.maybe("escalation").map(|_| self.parsed("escalation")).transpose()?,
            seccomp: self.maybe("seccomp"),
            privileged: self.maybe("privileged").is_some(),
            groups: self.list("groups"),
            host_network: self.maybe("host-network").is_some(),
            port: self.maybe("port"),
        })
    }

    fn seen(&self) -> Result<Seen, String> {
        let groups = self.list("groups");
        let sets: Vec<u64> =
            self.list("sets").iter().map(|word| set(word)).collect::<Result<_, _>>()?;
        Ok(Seen {
            uid: self.parsed("uid")?,
            gid: self.parsed("gid")?,
            groups: groups.iter().filter_map(|word| word.parse().ok()).collect(),
            sets: sets.try_into().map_err(|_| "five sets".to_owned())?,
            no_new_privs: self.parsed("no-new-privs")?,
            seccomp: self.parsed("seccomp")?,
            nested: self.text("nested"),
            port_start: self.text("port"),
            ping_range: self.text("ping").replace('-', " "),
        })
    }
}

fn set(word: &str) -> Result<u64, String> {
    u64::from_str_radix(word, 16).map_err(|_| format!("{word} is no set"))
}
