//! Whom Podman's processes run as, and in which groups.

use super::Podman;
use crate::runtime::Spec;
use crate::start::Start;
use crate::{Refusal, Rule, users};
use dropcap_image::{User, Users};
use std::collections::BTreeSet;

impl Start<'_, Podman> {
    /// The first process (`Container.generateSpec`).
    pub(super) fn set_user(&mut self, spec: &mut Spec, word: Option<&str>) -> Result<(), Refusal> {
        let word = word.unwrap_or_default();
        let (user, added) = self.look_up(word, self.image.users())?;
        self.rules.push(Rule::PodmanGroups);
        spec.groups = added;
        if !word.is_empty() {
            (spec.uid, spec.gid) = (user.uid, user.gid);
            spec.groups.insert(user.gid);
        }
        if !word.contains(':') {
            spec.groups.extend(user.groups);
        }
        Ok(())
    }

    /// A later process (`Container.prepareProcessExec`).
    pub(super) fn set_exec_user(
        &mut self,
        spec: &mut Spec,
        container_user: Option<&str>,
        user: Option<&str>,
    ) -> Result<(), Refusal> {
        let container_user = container_user.unwrap_or_default();
        let word = user.unwrap_or(container_user);
        let listed = self.image.users().map(|users| self.with_entries(users, container_user));
        let (found, mut added) = self.look_up(word, listed.as_ref())?;
        if Rule::PodmanExecAllGroups.row().applies(self.version) {
            self.rules.push(Rule::PodmanExecAllGroups);
            (spec.uid, spec.gid, spec.groups) = (found.uid, found.gid, added);
            spec.groups.insert(found.gid);
            spec.groups.extend(found.groups);
            return Ok(());
        }
        self.rules.push(Rule::PodmanExecGroups);
        if user.is_some() {
            added.clear();
        }
        (spec.uid, spec.gid) = match word.is_empty() && added.is_empty() {
            true => (0, 0),
            false => (found.uid, found.gid),
        };
        spec.groups = added;
        if !word.is_empty() {
            spec.groups.extend(found.groups);
        }
        Ok(())
    }

    /// The users and groups that later processes find: Podman writes entries for a user and a group
    /// that are given by number and are not there (`Container.generatePasswdAndGroup`). The group
    /// lists the user by the word that was given, so that a number, which is then the name of its new
    /// entry, is a group of that user too.
    fn with_entries(&mut self, users: &Users, word: &str) -> Users {
        let (user, group) = match word.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (word, None),
        };
        let gid_of = |group: &str| number(group).or_else(|| users.resolve_group(group).ok());
        let new_user = number(user).filter(|uid| users.name_of(*uid).is_none());
        let new_group = number(group.unwrap_or(user)).filter(|gid| !users.has_group(*gid));
        if new_user.is_some() || new_group.is_some() {
            self.rules.push(Rule::PodmanEntries);
        }
        let gid = group.and_then(gid_of).unwrap_or_default();
        let passwd = new_user.map(|uid| format!("{uid}:*:{uid}:{gid}")).unwrap_or_default();
        let group = new_group.map(|gid| format!("{gid}:x:{gid}:{user}")).unwrap_or_default();
        users.with(&passwd, &group)
    }

    /// The user that a word means, and the groups of `group_add`.
    fn look_up(
        &mut self,
        word: &str,
        listed: Option<&Users>,
    ) -> Result<(User, BTreeSet<u32>), Refusal> {
        let refuse = |error| Refusal::of_user(Rule::PodmanUserRefused, error);
        let found = users::find(Some(word), listed).map_err(refuse)?;
        self.assumptions.extend(found.assumed);
        let added = users::added_groups(&self.settings.group_add, listed, &mut self.assumptions)
            .map_err(refuse)?;
        Ok((found.user, added))
    }
}

/// `strconv.ParseUint(word, 10, 32)` of Go: digits alone, without a sign.
fn number(word: &str) -> Option<u32> {
    word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.parse().ok()).flatten()
}
