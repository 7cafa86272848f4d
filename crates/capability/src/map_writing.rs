//! Writing `/proc/self/uid_map`, `gid_map` and `setgroups` in a user namespace that one is in oneself;
//! user_namespaces(7), "Defining user and group ID mappings", "The /proc/PID/setgroups file".
//!
//! That the thread may open the file is taken for granted: it is its own, as long as its filesystem uid
//! is the effective one and it is dumpable. What somebody in the namespace around writes (newuidmap(1))
//! is not here: an [`Environment`] is told what came of it. Nor are maps of several lines: from inside
//! they are refused, as is one of several ids.

use crate::branch::{Branch, Faithful, Judge};
use crate::{Capability, Credentials, Environment, Errno, IdMap};

/// A line of a map: the first id inside, the first id in the namespace around, in its own numbers, and
/// how many.
pub type Extent = (u32, u32, u32);

/// What the kernel keeps of a namespace that a thread made, beside its maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeNamespace {
    outer_uids: IdMap,
    outer_gids: IdMap,
    owner: u32,
    /// `parent_could_setfcap`.
    maker_had_setfcap: bool,
    users_written: bool,
    groups_written: bool,
    setgroups_denied: bool,
}

impl MadeNamespace {
    /// One of somebody else, whose maps are written.
    pub fn complete() -> Self {
        Self {
            outer_uids: IdMap::nothing(),
            outer_gids: IdMap::nothing(),
            owner: 0,
            maker_had_setfcap: false,
            users_written: true,
            groups_written: true,
            setgroups_denied: false,
        }
    }

    /// The one that a thread with these credentials makes in `around`
    /// ([`unshare_user_namespace`](crate::unshare_user_namespace)).
    pub fn new(maker: &Credentials, around: &Environment) -> Self {
        Self {
            outer_uids: around.uids.clone(),
            outer_gids: around.gids.clone(),
            owner: maker.uid.effective,
            maker_had_setfcap: maker.effective.contains(Capability::SETFCAP),
            users_written: false,
            groups_written: false,
            // The denial of an outer namespace goes on (`create_user_ns`).
            setgroups_denied: !around.setgroups_allowed,
        }
    }

    /// The user and the group of a thread in the numbers of the namespace around, which a map has in its
    /// second column.
    pub fn outer_ids(&self, user: u32, group: u32) -> (Option<u32>, Option<u32>) {
        (self.outer_uids.shown(user), self.outer_gids.shown(group))
    }

    /// Writes its user map (`proc_uid_map_write`), and gives the environment from then on.
    ///
    /// # Errors
    /// `EPERM` where it is written already, without CAP_SYS_ADMIN, and for anything but the one id of
    /// who made it and is it still; also for uid 0 of the namespace around if the maker had no
    /// CAP_SETFCAP (`verify_root_map`, Linux 5.12 and 5.10.35). `EINVAL` for no map.
    pub fn write_uid_map(
        &mut self,
        writer: &Credentials,
        extent: Extent,
        inside: &Environment,
    ) -> Result<Environment, Errno> {
        self.write_uid_map_judged(writer, extent, inside, &mut Faithful)
    }

    /// [`MadeNamespace::write_uid_map`], each of its decisions put to `judge`.
    ///
    /// # Errors
    /// As [`MadeNamespace::write_uid_map`].
    pub fn write_uid_map_judged(
        &mut self,
        writer: &Credentials,
        extent: Extent,
        inside: &Environment,
        judge: &mut impl Judge,
    ) -> Result<Environment, Errno> {
        may_write(self.users_written, writer, extent, judge)?;
        let refused = extent.1 == 0 && !self.maker_had_setfcap;
        if judge.decide(Branch::MapOfRootRefused, refused) {
            return Err(Errno::EPERM);
        }
        let own = self.is_maker(writer) && one_id(extent, &self.outer_uids, writer.uid.effective);
        if !judge.decide(Branch::MapOwnUser, own) {
            return Err(Errno::EPERM);
        }
        self.users_written = true;
        Ok(Environment { uids: resolved(extent, &self.outer_uids), ..inside.clone() })
    }

    /// Writes its group map (`proc_gid_map_write`), and gives the environment from then on.
    ///
    /// # Errors
    /// `EPERM` where it is written already, without CAP_SYS_ADMIN, for anything but the one effective
    /// group of who made it, and as long as setgroups(2) is not denied. `EINVAL` for no map.
    pub fn write_gid_map(
        &mut self,
        writer: &Credentials,
        extent: Extent,
        inside: &Environment,
    ) -> Result<Environment, Errno> {
        self.write_gid_map_judged(writer, extent, inside, &mut Faithful)
    }

    /// [`MadeNamespace::write_gid_map`], each of its decisions put to `judge`.
    ///
    /// # Errors
    /// As [`MadeNamespace::write_gid_map`].
    pub fn write_gid_map_judged(
        &mut self,
        writer: &Credentials,
        extent: Extent,
        inside: &Environment,
        judge: &mut impl Judge,
    ) -> Result<Environment, Errno> {
        may_write(self.groups_written, writer, extent, judge)?;
        let own = self.is_maker(writer) && one_id(extent, &self.outer_gids, writer.gid.effective);
        if !judge.decide(Branch::MapOwnGroup, own)
            || !judge.decide(Branch::MapSetgroupsDenied, self.setgroups_denied)
        {
            return Err(Errno::EPERM);
        }
        self.groups_written = true;
        // Which can only be denied by now.
        let setgroups_allowed = !self.setgroups_denied;
        let gids = resolved(extent, &self.outer_gids);
        Ok(Environment { gids, setgroups_allowed, ..inside.clone() })
    }

    /// Writes `deny` into its `setgroups` (`proc_setgroups_write`).
    ///
    /// # Errors
    /// `EACCES` without CAP_SYS_ADMIN; `EPERM` where the group map is written.
    pub fn deny_setgroups(&mut self, writer: &Credentials) -> Result<(), Errno> {
        self.deny_setgroups_judged(writer, &mut Faithful)
    }

    /// [`MadeNamespace::deny_setgroups`], each of its decisions put to `judge`.
    ///
    /// # Errors
    /// As [`MadeNamespace::deny_setgroups`].
    pub fn deny_setgroups_judged(
        &mut self,
        writer: &Credentials,
        judge: &mut impl Judge,
    ) -> Result<(), Errno> {
        let sys_admin = writer.effective.contains(Capability::SYS_ADMIN);
        if !judge.decide(Branch::DenyHasSysAdmin, sys_admin) {
            return Err(Errno::EACCES);
        }
        if judge.decide(Branch::DenyTooLate, self.groups_written) {
            return Err(Errno::EPERM);
        }
        self.setgroups_denied = true;
        Ok(())
    }

    fn is_maker(&self, writer: &Credentials) -> bool {
        self.owner == writer.uid.effective
    }
}

/// What both maps ask for (`map_write`).
fn may_write(
    written: bool,
    writer: &Credentials,
    extent: Extent,
    judge: &mut impl Judge,
) -> Result<(), Errno> {
    let sys_admin = writer.effective.contains(Capability::SYS_ADMIN);
    if judge.decide(Branch::MapWritten, written) || !judge.decide(Branch::MapHasSysAdmin, sys_admin)
    {
        return Err(Errno::EPERM);
    }
    let (inside, outer, count) = extent;
    let valid =
        count > 0 && inside.checked_add(count).is_some() && outer.checked_add(count).is_some();
    if !judge.decide(Branch::MapValid, valid) {
        return Err(Errno::EINVAL);
    }
    Ok(())
}

/// Whether the map is of one id alone, which is `id` to the reference (`new_idmap_permitted`). For
/// more it takes a capability in the namespace around, which nobody inside has.
fn one_id(extent: Extent, outer: &IdMap, id: u32) -> bool {
    let (_, first, count) = extent;
    count == 1 && outer.resolve(first) == Some(id)
}

fn resolved(extent: Extent, outer: &IdMap) -> IdMap {
    let (inside, first, count) = extent;
    IdMap::from_extents(outer.resolve(first).map(|reference| (inside, reference, count)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CapabilitySet, unshare_user_namespace};

    /// Root of the namespace around, with these effective capabilities, makes one and maps itself.
    fn root_maps_itself(effective: CapabilitySet) -> Result<Environment, Errno> {
        let around = Environment::default();
        let maker = Credentials { effective, ..Credentials::unprivileged(0, CapabilitySet::EMPTY) };
        let writer = unshare_user_namespace(&maker, &around).expect("root has a number");
        MadeNamespace::new(&maker, &around).write_uid_map(&writer, (0, 0, 1), &around.nested())
    }

    #[test]
    fn root_is_mapped_by_who_could_give_files_capabilities() {
        let after = root_maps_itself(Capability::SETFCAP.into()).expect("it may");
        assert_eq!(after.uids.root(), Some(0));
        assert_eq!(root_maps_itself(CapabilitySet::EMPTY), Err(Errno::EPERM));
    }

    #[test]
    fn a_group_is_mapped_once_setgroups_is_denied() {
        let around = Environment::default();
        let maker = Credentials::unprivileged(1000, CapabilitySet::EMPTY);
        let writer = unshare_user_namespace(&maker, &around).expect("it has a number");
        let (mut made, inside) = (MadeNamespace::new(&maker, &around), around.nested());
        let map = (0, 1000, 1);
        assert_eq!(made.write_gid_map(&writer, map, &inside), Err(Errno::EPERM));
        assert_eq!(made.deny_setgroups(&writer), Ok(()));
        let after = made.write_gid_map(&writer, map, &inside).expect("it may");
        assert_eq!((after.gids.root(), after.setgroups_allowed), (Some(1000), false));
        assert_eq!(made.deny_setgroups(&writer), Err(Errno::EPERM));
    }
}
