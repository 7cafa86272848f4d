//! Whom to become, from the passwd and group files that hold where dropcap runs.
//!
//! Unlike engines, which read a broken entry as uid 0 and give an unknown number group 0, this takes
//! nothing for root that does not say so: an entry that is broken is none, and a number without an
//! entry needs its group.

use super::refused;
use crate::failure::Failure;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";
/// What `HOME` is for a user without an entry, as engines have it.
const NO_HOME: &str = "/";

/// Whom to become.
#[derive(Debug, PartialEq, Eq)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
    /// Sorted, each once.
    pub groups: Vec<u32>,
    pub home: OsString,
}

/// `USER[:GROUP]`, each by name or number; a number is never a name. With `init_groups`, the
/// supplementary groups are the group and those that list the user (initgroups(3)).
///
/// # Errors
/// What is not there, and a file that cannot be read.
pub fn resolve(text: &str, init_groups: bool) -> Result<User, Failure> {
    let needs_groups =
        init_groups || text.split_once(':').is_some_and(|(_, group)| id(group).is_none());
    let group = if needs_groups { read(GROUP)? } else { Vec::new() };
    resolve_in(text, init_groups, &read(PASSWD)?, &group)
}

/// A file that is not there says nothing; a number needs none.
fn read(path: &str) -> Result<Vec<u8>, Failure> {
    match std::fs::read(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(refused(format!("cannot read {path}")).because(error))
        }
        read => Ok(read.unwrap_or_default()),
    }
}

fn resolve_in(text: &str, init_groups: bool, passwd: &[u8], group: &[u8]) -> Result<User, Failure> {
    let (name, group_name) =
        text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    let number = id(name);
    let account = accounts(passwd).find(|account| match number {
        Some(uid) => account.uid == uid,
        None => account.name == name.as_bytes(),
    });
    let uid = number.or(account.as_ref().map(|account| account.uid)).ok_or_else(|| {
        refused(format!("there is no user `{name}`")).help(format!(
            "users are those of {PASSWD} here; a number needs no entry: --user 1000:1000"
        ))
    })?;
    let gid = match (group_name, &account) {
        (Some(name), _) => id(name).or_else(|| group_id(group, name)).ok_or_else(|| {
            refused(format!("there is no group `{name}`"))
                .help(format!("groups are those of {GROUP} here; a number needs no entry"))
        })?,
        (None, Some(account)) => account.gid,
        (None, None) => {
            return Err(refused(format!(
                "user {uid} has no entry in {PASSWD}, so its group is unknown"
            ))
            .help(format!("say it: --user {uid}:{uid}")));
        }
    };
    let mut groups = Vec::new();
    if init_groups {
        let account = account.as_ref().ok_or_else(|| {
            refused(format!("user {uid} has no name in {PASSWD} that {GROUP} could list"))
                .help("leave --init-groups out: supplementary groups are then cleared")
        })?;
        groups.push(gid);
        groups.extend(groups_of(group, account.name));
        groups.sort_unstable();
        groups.dedup();
    }
    let home = account.map(|account| account.home).filter(|home| !home.is_empty());
    let home = home.map_or_else(|| NO_HOME.into(), |home| OsStr::from_bytes(home).to_owned());
    Ok(User { uid, gid, groups, home })
}

/// An id as somebody writes it; 2³²−1 is none, since setresuid(2) takes it for "leave it".
fn id(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|id| digits && *id != u32::MAX)
}

/// A line of passwd(5).
struct Account<'a> {
    name: &'a [u8],
    uid: u32,
    gid: u32,
    home: &'a [u8],
}

fn accounts(passwd: &[u8]) -> impl Iterator<Item = Account<'_>> {
    fields(passwd).filter_map(|fields| match fields.as_slice() {
        [name, _, uid, gid, _, home, ..] if !name.is_empty() => {
            Some(Account { name, uid: number(uid)?, gid: number(gid)?, home })
        }
        _ => None,
    })
}

/// Name, id and members: a line of group(5).
fn groups(group: &[u8]) -> impl Iterator<Item = (&[u8], u32, &[u8])> {
    fields(group).filter_map(|fields| match fields.as_slice() {
        [name, _, gid, members, ..] if !name.is_empty() => Some((*name, number(gid)?, *members)),
        _ => None,
    })
}

fn group_id(group: &[u8], name: &str) -> Option<u32> {
    groups(group).find(|(entry, ..)| *entry == name.as_bytes()).map(|(_, gid, _)| gid)
}

fn groups_of<'a>(group: &'a [u8], user: &'a [u8]) -> impl Iterator<Item = u32> + 'a {
    groups(group)
        .filter(move |(.., members)| members.split(|byte| *byte == b',').any(|name| name == user))
        .map(|(_, gid, _)| gid)
}

fn fields(file: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    file.split(|byte| *byte == b'\n').map(|line| line.split(|byte| *byte == b':').collect())
}

fn number(field: &[u8]) -> Option<u32> {
    std::str::from_utf8(field).ok().and_then(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\n\
        broken:x:one:0::/:/bin/sh\n\
        short:x:5\n\
        app:x:1000:1000::/srv/app:/bin/sh\n\
        \xff\xfe:x:7:7::/odd:/bin/sh\n\
        homeless:x:1002:1002::\n\
        plain:x:1001:50:::\n";
    const GROUP: &[u8] = b"root:x:0:\nstaff:x:50:app,plain\nbroken:x:x:app\naudio:x:29:app\n";

    fn found(text: &str) -> User {
        resolve_in(text, false, PASSWD, GROUP).expect(text)
    }

    fn ids(text: &str) -> (u32, u32) {
        let user = found(text);
        assert!(user.groups.is_empty(), "supplementary groups are cleared");
        (user.uid, user.gid)
    }

    #[test]
    fn names_and_numbers_are_found() {
        assert_eq!(ids("app"), (1000, 1000));
        assert_eq!(ids("1000"), (1000, 1000));
        assert_eq!(ids("app:staff"), (1000, 50));
        assert_eq!(ids("app:29"), (1000, 29));
        assert_eq!(ids("4000000000:7"), (4_000_000_000, 7));
        assert_eq!(ids("1001"), (1001, 50));
        assert_eq!(ids("homeless"), (1002, 1002));
    }

    #[test]
    fn home_is_the_accounts_own() {
        assert_eq!(found("app").home, "/srv/app");
        assert_eq!(found("1000:50").home, "/srv/app");
        assert_eq!(found("plain").home, "/");
        assert_eq!(found("4242:4242").home, "/");
    }

    #[test]
    fn groups_are_taken_only_when_asked_for() {
        let user = resolve_in("app", true, PASSWD, GROUP).expect("app");
        assert_eq!(user.groups, [29, 50, 1000]);
        assert!(resolve_in("4242:4242", true, PASSWD, GROUP).is_err());
    }

    #[test]
    fn what_does_not_say_root_is_never_root() {
        for text in [
            "broken",
            "short",
            "nobody",
            "",
            ":",
            ":0",
            "app:",
            "app:nogroup",
            "app:broken",
            "1234",
            "-1",
            "4294967295:0",
            "4294967296:0",
            "0x0:0",
            "app:4294967295",
            "+0:0",
            " 0:0",
        ] {
            let result = resolve_in(text, false, PASSWD, GROUP);
            assert!(result.is_err(), "`{text}` became {result:?}");
        }
    }
}
