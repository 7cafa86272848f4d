//! Cases in words.

use super::{Exec, File, Operation, View};
use dropcap_capability::{CapabilitySet, CapsetHeader, Credentials, FileCapabilities, Revision};
use std::fmt;

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.kind().name();
        match self {
            Self::Execve(exec) => fmt::Display::fmt(exec, f),
            Self::CapbsetDrop(capability)
            | Self::AmbientRaise(capability)
            | Self::AmbientLower(capability) => write!(f, "{name} {capability}"),
            Self::SetSecurebits(securebits) => {
                write!(f, "{name} {:#05x} ({securebits})", securebits.bits())
            }
            Self::SetKeepCaps(keep) => write!(f, "{name} {}", u8::from(*keep)),
            Self::Setresuid(request) | Self::Setresgid(request) => {
                let [real, effective, saved] =
                    [request.real, request.effective, request.saved].map(id_or_unchanged);
                write!(f, "{name}({real}, {effective}, {saved})")
            }
            Self::Setreuid(request) | Self::Setregid(request) => {
                let [real, effective] = [request.real, request.effective].map(id_or_unchanged);
                write!(f, "{name}({real}, {effective})")
            }
            Self::Setuid(id) | Self::Setfsuid(id) | Self::Setgid(id) | Self::Setfsgid(id) => {
                write!(f, "{name}({id})")
            }
            Self::WriteUidMap((inside, outer, count))
            | Self::WriteGidMap((inside, outer, count)) => {
                write!(f, "{name}: {inside} {outer} {count}")
            }
            Self::EnterUserNamespace(index) => write!(f, "{name} of namespace {index}"),
            Self::Setgroups(groups) => write!(f, "{name} {groups:?}"),
            Self::Capset(header, request) => write!(
                f,
                "{name}{} effective={} permitted={} inheritable={}",
                in_header(*header),
                brief(request.effective),
                brief(request.permitted),
                brief(request.inheritable)
            ),
            Self::AmbientClear
            | Self::SetNoNewPrivs
            | Self::UnshareUserNamespace
            | Self::DenySetgroups
            | Self::TraceMe => f.write_str(name),
        }
    }
}

fn in_header(header: CapsetHeader) -> String {
    let version = match header.version {
        CapsetHeader::VERSION_3 => String::new(),
        version => format!(", version {version:#010x},"),
    };
    format!("{version}{}", if header.own { "" } else { " of another thread" })
}

fn id_or_unchanged(id: Option<u32>) -> String {
    id.map_or_else(|| "-1".to_owned(), |id| id.to_string())
}

impl fmt::Display for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scripts[..] {
            [] => f.write_str("execve of ")?,
            [script] => write!(f, "execve of a script {script}, interpreter ")?,
            [script, others @ ..] => write!(
                f,
                "execve of a script {script}, {} scripts between, interpreter ",
                others.len()
            )?,
        }
        let view = match self.view {
            View::Plain => String::new(),
            view => format!(", on a mount that is {}", view.name()),
        };
        write!(f, "{}, in a directory {}{view}", self.program, self.directory)
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o} {}:{}", self.mode, self.uid, self.gid)?;
        self.capabilities.map_or(Ok(()), |capabilities| write!(f, " {}", in_words(&capabilities)))
    }
}

/// File capabilities in one line.
pub(crate) fn in_words(capabilities: &FileCapabilities) -> String {
    let root = match capabilities.revision {
        Revision::Three { root_id } => format!(" root={root_id}"),
        Revision::One | Revision::Two => String::new(),
    };
    let (permitted, inheritable) = (brief(capabilities.permitted), brief(capabilities.inheritable));
    let effective = u8::from(capabilities.effective);
    format!("permitted={permitted} inheritable={inheritable} effective={effective}{root}")
}

/// A set in one line: its members, or all but those that miss, where these are fewer.
pub(crate) fn brief(set: CapabilitySet) -> String {
    let missing = CapabilitySet::KNOWN - set;
    if missing.is_empty() && set == CapabilitySet::KNOWN {
        "all".to_owned()
    } else if missing.len() < 8 && (set - CapabilitySet::KNOWN).is_empty() {
        format!("all-({missing})")
    } else if set.len() > 8 {
        format!("{:#x}", set.bits())
    } else {
        set.to_string()
    }
}

/// The fields of a thread's credentials, each with its name: what is shown and compared.
pub(crate) fn fields(credentials: &Credentials) -> Vec<(&'static str, String)> {
    let ids = |ids: dropcap_capability::Ids| {
        format!("{} {} {} {}", ids.real, ids.effective, ids.saved, ids.filesystem)
    };
    vec![
        ("uid", ids(credentials.uid)),
        ("gid", ids(credentials.gid)),
        ("groups", format!("{:?}", credentials.groups)),
        ("effective", brief(credentials.effective)),
        ("permitted", brief(credentials.permitted)),
        ("inheritable", brief(credentials.inheritable)),
        ("bounding", brief(credentials.bounding)),
        ("ambient", brief(credentials.ambient)),
        ("securebits", credentials.securebits.to_string()),
        ("no_new_privs", credentials.no_new_privs.to_string()),
    ]
}
