//! Names to numbers, as engines read them from an image.

use thiserror::Error;

/// The users and groups of an image: its `/etc/passwd` and `/etc/group`, passwd(5) and group(5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Users {
    accounts: Vec<Account>,
    groups: Vec<Group>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Account {
    name: String,
    uid: i64,
    gid: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    name: String,
    gid: i64,
    members: Vec<String>,
}

/// Whom a process runs as.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// Supplementary groups, as `/etc/group` lists them, in its order; the primary group is in
    /// there only if it is listed.
    pub groups: Vec<u32>,
}

/// Why a user or a group cannot be found.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UserError {
    /// A name that the image's `/etc/passwd` does not have.
    #[error("user `{0}` is not in the image's /etc/passwd")]
    NoSuchUser(String),
    /// A name that the image's `/etc/group` does not have.
    #[error("group `{0}` is not in the image's /etc/group")]
    NoSuchGroup(String),
    /// A number that is no id. Engines stop at 2³¹−1.
    #[error("`{0}` is no user or group id: they go from 0 to 2147483647")]
    OutOfRange(String),
}

/// The highest id that engines take (`maxID` of moby/sys/user).
const MAX_ID: i64 = i32::MAX as i64;

impl Users {
    /// Reads both files. Nothing in them is an error: as engines do, a number that is none counts
    /// as 0, a missing field as empty, and blank lines and comments in the group file are left out
    /// (`ParsePasswdFilter` and `ParseGroupFilter` of moby/sys/user).
    ///
    /// ```
    /// let users = dropcap_image::Users::parse("sandbox:x:1000:1000::/home:/bin/bash", "");
    /// assert_eq!(users.resolve("sandbox").unwrap().uid, 1000);
    /// ```
    pub fn parse(passwd: &str, group: &str) -> Self {
        let lines = |text: &str| -> Vec<Vec<String>> {
            let full = text.lines().map(str::trim).filter(|line| !line.is_empty());
            full.map(|line| line.split(':').map(str::to_owned).collect()).collect()
        };
        let field =
            |fields: &[String], index: usize| fields.get(index).cloned().unwrap_or_default();
        let number = |fields: &[String], index: usize| lenient(&field(fields, index));
        let accounts = lines(passwd).into_iter().map(|fields| Account {
            name: field(&fields, 0),
            uid: number(&fields, 2),
            gid: number(&fields, 3),
        });
        let groups = lines(group).into_iter().filter(|fields| !fields[0].starts_with('#'));
        let groups = groups.map(|fields| Group {
            name: field(&fields, 0),
            gid: number(&fields, 2),
            members: field(&fields, 3).split(',').map(str::to_owned).collect(),
        });
        Self { accounts: accounts.collect(), groups: groups.collect() }
    }

    /// The same with the lines of two more files behind, as an engine writes them into a container.
    #[must_use]
    pub fn with(&self, passwd: &str, group: &str) -> Self {
        let more = Self::parse(passwd, group);
        Self {
            accounts: self.accounts.iter().cloned().chain(more.accounts).collect(),
            groups: self.groups.iter().cloned().chain(more.groups).collect(),
        }
    }

    /// Whom `user`, `uid`, `user:group`, `user:gid`, `uid:gid` or `uid:group` means, or nothing:
    /// whoever has uid 0. The first entry counts. A number is always an id, never a name. Without a
    /// group, the account's own and those that list its name hold; with one, that one alone
    /// (`GetExecUser` of moby/sys/user, which runc and containerd use too).
    ///
    /// # Errors
    /// [`UserError`], for what is not there or out of range.
    pub fn resolve(&self, user: &str) -> Result<User, UserError> {
        let mut parts = user.split(':');
        let (name, group) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let number = id(name)?;
        let group_number = id(group)?;
        let account = self.accounts.iter().find(|account| match number {
            Some(uid) => account.uid == uid,
            None if name.is_empty() => account.uid == 0,
            None => account.name == name,
        });
        let (uid, mut gid) = match (account, number) {
            (Some(account), _) => (account.uid, account.gid),
            (None, Some(uid)) => (uid, 0),
            (None, None) if name.is_empty() => (0, 0),
            (None, None) => return Err(UserError::NoSuchUser(name.to_owned())),
        };
        let mut groups = Vec::new();
        if !group.is_empty() {
            gid = self.group_id(group, group_number)?;
        } else if let Some(account) = account.filter(|account| !account.name.is_empty()) {
            let lists = |group: &&Group| group.members.contains(&account.name);
            for group in self.groups.iter().filter(lists) {
                groups.push(to_id(group.gid)?);
            }
        }
        Ok(User { uid: to_id(uid)?, gid: to_id(gid)?, groups })
    }

    /// The id of a group by name or number, as `--group-add` has it.
    ///
    /// # Errors
    /// [`UserError`], for a name that is not there or a number out of range.
    pub fn resolve_group(&self, group: &str) -> Result<u32, UserError> {
        to_id(self.group_id(group, id(group)?)?)
    }

    /// The accounts, in their order: name and user id as written, 0 where it is no number.
    pub fn accounts(&self) -> impl Iterator<Item = (&str, i64)> {
        self.accounts.iter().map(|account| (account.name.as_str(), account.uid))
    }

    /// The name of the first account with this uid.
    pub fn name_of(&self, uid: u32) -> Option<&str> {
        let mut accounts = self.accounts.iter();
        accounts.find(|account| account.uid == i64::from(uid)).map(|account| account.name.as_str())
    }

    /// Whether a group with this gid is listed.
    pub fn has_group(&self, gid: u32) -> bool {
        self.groups.iter().any(|group| group.gid == i64::from(gid))
    }

    /// The groups that list `member`, by name and number, in their order.
    pub fn groups_of(&self, member: &str) -> impl Iterator<Item = (&str, u32)> {
        let lists = move |group: &&Group| group.members.iter().any(|name| name == member);
        let listing = self.groups.iter().filter(lists);
        listing.filter_map(|group| Some((group.name.as_str(), to_id(group.gid).ok()?)))
    }

    fn group_id(&self, group: &str, number: Option<i64>) -> Result<i64, UserError> {
        if let Some(number) = number {
            return Ok(number);
        }
        let mut groups = self.groups.iter();
        let found = groups.find(|entry| entry.name == group).map(|entry| entry.gid);
        found.ok_or_else(|| UserError::NoSuchGroup(group.to_owned()))
    }
}

/// A number as somebody writes it for a user or group: `None` where it is a name.
fn id(text: &str) -> Result<Option<i64>, UserError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    match text.parse::<i64>() {
        Ok(number) if (0..=MAX_ID).contains(&number) => Ok(Some(number)),
        _ => Err(UserError::OutOfRange(text.to_owned())),
    }
}

/// A number in a file: what is none counts as 0.
fn lenient(text: &str) -> i64 {
    id(text).ok().flatten().unwrap_or_else(|| text.parse().unwrap_or_default())
}

fn to_id(number: i64) -> Result<u32, UserError> {
    u32::try_from(number).map_err(|_| UserError::OutOfRange(number.to_string()))
}
