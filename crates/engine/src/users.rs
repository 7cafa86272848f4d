//! Whom a process runs as: the words of the settings, looked up in the image.

use crate::ImageKnowledge;
use dropcap_image::{User, UserError, Users};
use dropcap_manifest::Spanned;
use std::collections::BTreeSet;

/// What a lookup took for granted or found; the engine that asked makes rows of its table of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub user: User,
    pub how: How,
    /// What was taken for granted, a sentence.
    pub assumed: Option<String>,
}

/// By which words a user was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Absent,
    Number,
    Unlisted,
    Name,
    WithGroup,
}

/// The ordinary uid that a named user counts as where the image was not read.
const ORDINARY: u32 = 1000;
/// The same as a word.
pub(crate) const ORDINARY_WORD: &str = "1000";

/// The user that counts: what the settings say, else what the image does.
pub(crate) fn word<'a>(
    written: Option<&'a Spanned<String>>,
    image: ImageKnowledge<'a>,
) -> Option<&'a str> {
    match (written, image) {
        (Some(written), _) => Some(&written.value),
        (None, ImageKnowledge::Read(image)) => image.configured.as_ref()?.user.as_deref(),
        (None, ImageKnowledge::Assumed) => None,
    }
}

/// Whom `word` means among `users`, if those of the image are known; `None` and an empty one are whoever has uid 0.
pub(crate) fn find(word: Option<&str>, users: Option<&Users>) -> Result<Found, UserError> {
    let word = word.unwrap_or_default();
    let mut parts = word.split(':');
    let name = parts.next().unwrap_or_default();
    let group = parts.next().unwrap_or_default();
    let number = name.parse::<i64>().is_ok();
    let how = |listed: bool| match () {
        () if word.is_empty() => How::Absent,
        () if !group.is_empty() => How::WithGroup,
        () if number && !listed => How::Unlisted,
        () if number => How::Number,
        () => How::Name,
    };
    match users {
        Some(users) => {
            let user = users.resolve(word)?;
            let listed = users.name_of(user.uid).is_some();
            Ok(Found { user, how: how(listed), assumed: None })
        }
        None => {
            let (user, assumed) = assume(word, name, group)?;
            Ok(Found { user, how: how(false), assumed })
        }
    }
}

/// The user that a word most likely means in an image that was not read.
fn assume(word: &str, name: &str, group: &str) -> Result<(User, Option<String>), UserError> {
    let nobody_listed = Users::default();
    let (uid, gid, mut assumed) = match name {
        "" => (0, 0, Some("no user is named, so the image's own is taken for root".to_owned())),
        "root" => (0, 0, None),
        _ => match nobody_listed.resolve(name) {
            Ok(user) => (user.uid, user.gid, None),
            Err(UserError::NoSuchUser(_)) => (
                ORDINARY,
                ORDINARY,
                Some(format!(
                    "the image was not read, so user `{name}` is taken for an ordinary one"
                )),
            ),
            Err(error) => return Err(error),
        },
    };
    let gid = match nobody_listed.resolve_group(group) {
        _ if group.is_empty() => gid,
        Ok(gid) => gid,
        Err(UserError::NoSuchGroup(_)) if group == "root" => 0,
        Err(UserError::NoSuchGroup(_)) => {
            assumed =
                Some(format!("the image was not read, so `{word}` is taken for ordinary ids"));
            ORDINARY
        }
        Err(error) => return Err(error),
    };
    Ok((User { uid, gid, groups: Vec::new() }, assumed))
}

/// The groups that `group_add` means.
///
/// A name counts once: said twice, the second is looked for as a number and refused
/// (`GetAdditionalGroups` of moby/sys/user).
pub(crate) fn added_groups(
    words: &[Spanned<String>],
    users: Option<&Users>,
    assumptions: &mut Vec<String>,
) -> Result<BTreeSet<u32>, UserError> {
    let nobody_listed = Users::default();
    let listed = users.unwrap_or(&nobody_listed);
    let mut added = BTreeSet::new();
    for word in words {
        let is_name = word.value.parse::<i64>().is_err();
        match listed.resolve_group(&word.value) {
            Ok(gid) => {
                if !added.insert(gid) && is_name {
                    return Err(UserError::NoSuchGroup(word.value.clone()));
                }
            }
            Err(UserError::NoSuchGroup(name)) if users.is_none() => {
                assumptions.push(format!(
                    "the image was not read, so what group `{name}` opens is not counted"
                ));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(added)
}
