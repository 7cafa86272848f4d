//! Whom the processes of a container run as, and in which groups.

use super::Containerd;
use crate::start::Start;
use crate::users::{self, Found, How};
use crate::{ImageKnowledge, Refusal, Rule};
use dropcap_image::{User, UserError};
use std::collections::BTreeSet;

impl Start<'_, Containerd> {
    /// The user (`determineEffectiveSecurityContext` of the kubelet, `WithUser`) and the groups
    /// (`WithAdditionalGIDs`, `WithSupplementalGroups`).
    pub(super) fn identity(&mut self) -> Result<(User, BTreeSet<u32>), Refusal> {
        let written = self.settings.user.as_ref().map(|user| user.value.as_str());
        let asked = written.or_else(|| users::word(None, self.image)).unwrap_or_default();
        // Only the `USER` of an image can have a group, and that does not count.
        let (mut word, group) = asked.split_once(':').unwrap_or((asked, ""));
        if !group.is_empty() {
            self.rules.push(Rule::ContainerdImageGroup);
        }
        let known = written.is_some() || matches!(self.image, ImageKnowledge::Read(_));
        if self.settings.run_as_non_root.as_ref().is_some_and(|asked| asked.value) {
            self.rules.push(Rule::ContainerdRunAsNonRoot);
            if known {
                verify_not_root(written, word)?;
            } else {
                self.assumptions.push(
                    "the image was not read: with runAsNonRoot the kubelet starts it only if its \
                     USER is a number other than 0, so it is taken for an ordinary one"
                        .to_owned(),
                );
                word = users::ORDINARY_WORD;
            }
        }
        let Found { user, how, assumed } =
            users::find(Some(word), self.image.users()).map_err(refuse)?;
        self.assumptions.extend(assumed);
        self.rules.push(match how {
            How::Absent => Rule::ContainerdUserAbsent,
            How::Number => Rule::ContainerdUserNumber,
            How::Unlisted => Rule::ContainerdUserUnlisted,
            How::Name | How::WithGroup => Rule::ContainerdUserName,
        });
        let mut found = user;
        if let Some(group) = &self.settings.run_as_group {
            self.rules.push(Rule::ContainerdRunAsGroup);
            found.gid = self.number(&group.value)?;
        }
        let groups = self.groups(word, &found)?;
        Ok((found, groups))
    }

    fn groups(&mut self, word: &str, user: &User) -> Result<BTreeSet<u32>, Refusal> {
        let mut groups = BTreeSet::new();
        if Rule::ContainerdPrimaryGroup.row().applies(self.version) {
            self.rules.push(Rule::ContainerdPrimaryGroup);
            groups.insert(user.gid);
        }
        let strict = self
            .settings
            .supplemental_groups_policy
            .as_ref()
            .is_some_and(|policy| policy.value == "Strict");
        if strict && Rule::ContainerdStrictGroups.row().applies(self.version) {
            self.rules.push(Rule::ContainerdStrictGroups);
        } else if let Some(users) = self.image.users() {
            self.rules.push(Rule::ContainerdGroups);
            let name = match word.parse::<i64>() {
                Ok(_) => users.name_of(user.uid).unwrap_or_default(),
                Err(_) if word.is_empty() => users.name_of(0).unwrap_or_default(),
                Err(_) => word,
            };
            let of_others = |group: &(&str, u32)| !name.is_empty() && group.0 != name;
            groups.extend(users.groups_of(name).filter(of_others).map(|(_, gid)| gid));
        }
        for word in &self.settings.group_add {
            groups.insert(self.number(&word.value)?);
        }
        if !self.settings.group_add.is_empty() {
            self.rules.push(Rule::ContainerdSupplementalGroups);
        }
        Ok(groups)
    }

    /// An id as Kubernetes takes it.
    fn number(&self, word: &str) -> Result<u32, Refusal> {
        let id = word.parse::<i32>().ok().and_then(|id| u32::try_from(id).ok());
        id.ok_or_else(|| refuse(UserError::OutOfRange(word.to_owned())))
    }
}

/// `verifyRunAsNonRoot` of the kubelet, which looks at numbers alone.
fn verify_not_root(written: Option<&str>, word: &str) -> Result<(), Refusal> {
    let number = word.parse::<i64>().ok();
    let reason = match (written, number) {
        (Some(_), Some(0)) => "container's runAsUser breaks non-root policy".to_owned(),
        (Some(_), _) => return Ok(()),
        (None, Some(0)) => "container has runAsNonRoot and image will run as root".to_owned(),
        (None, Some(_)) => return Ok(()),
        (None, None) if word.is_empty() => {
            "container has runAsNonRoot and image will run as root".to_owned()
        }
        (None, None) => format!(
            "container has runAsNonRoot and image has non-numeric user ({word}), cannot verify user \
             is non-root"
        ),
    };
    Err(Refusal::new(Rule::ContainerdRunAsNonRoot, word, reason))
}

fn refuse(error: UserError) -> Refusal {
    Refusal::of_user(Rule::ContainerdUserRefused, error)
}
