//! The other side of the comparison: what the model makes of a thread, one operation after the other.

use crate::case::{Exec, File, Operation, View};
use crate::namespace::Namespace;
use dropcap_capability::branch::Judge;
use dropcap_capability::execve::execve_judged;
use dropcap_capability::{
    Company, Credentials, Directory, Entry, Environment, Errno, Executable, FileCapabilities,
    MadeNamespace, Mount, Revision, Standing, Tracer, capset_with_header_judged,
    enter_user_namespace_judged, execve_script_judged, prctl, setuid, trace_me_judged,
    unshare_user_namespace_judged,
};

/// A thread as the model has it: more than the kernel tells, such as ids without a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thread {
    /// Ids in the numbers of the test's user namespace.
    pub(crate) credentials: Credentials,
    /// The user namespace that it is in.
    pub(crate) environment: Environment,
    /// The namespaces from below the test's down to the thread's.
    lineage: Vec<Level>,
    /// What else the kernel keeps of the last of them.
    made: MadeNamespace,
    tracer: Option<Snapshot>,
    shares_directories: bool,
}

/// A user namespace on the way from the test's to the thread's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Level {
    /// The index of one of the place's; `None` for one that the thread made: it is below the others.
    index: Option<usize>,
    /// Who made it.
    owner: u32,
}

/// The thread's own credentials when it asked to be traced.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Snapshot {
    tracer: Tracer,
    effective_user: u32,
    lineage: Vec<Level>,
}

impl Thread {
    /// One that begins with `credentials` in the namespace with this index.
    pub(crate) fn new(
        credentials: Credentials,
        namespaces: &[Namespace],
        index: usize,
        shares_directories: bool,
    ) -> Self {
        let environment = namespaces[index].environment.clone();
        let lineage = lineage(namespaces, index);
        let made = MadeNamespace::complete();
        Self { credentials, environment, lineage, made, tracer: None, shares_directories }
    }

    /// As it sees itself.
    pub(crate) fn shown(&self) -> Credentials {
        self.credentials.shown_in(&self.environment)
    }

    /// The thread after an operation, the model's decisions put to `judge`.
    pub(crate) fn after(
        &self,
        operation: &Operation,
        namespaces: &[Namespace],
        judge: &mut impl Judge,
    ) -> Result<Self, Errno> {
        let (old, environment) = (&self.credentials, &self.environment);
        let credentials = match operation {
            Operation::Execve(exec) => self.execve(exec, namespaces, judge)?,
            Operation::CapbsetDrop(capability) => {
                prctl::capbset_drop_judged(old, *capability, environment, judge)?
            }
            Operation::AmbientRaise(capability) => {
                prctl::ambient_raise_judged(old, *capability, environment, judge)?
            }
            Operation::AmbientLower(capability) => {
                prctl::ambient_lower_judged(old, *capability, environment, judge)?
            }
            Operation::AmbientClear => prctl::ambient_clear(old),
            Operation::SetSecurebits(securebits) => {
                prctl::set_securebits_judged(old, *securebits, environment, judge)?
            }
            Operation::SetKeepCaps(keep) => prctl::set_keep_caps_judged(old, *keep, judge)?,
            Operation::SetNoNewPrivs => prctl::set_no_new_privs(old),
            Operation::Setuid(id) => setuid::setuid_judged(old, *id, environment, judge)?,
            Operation::Setreuid(pair) => setuid::setreuid_judged(old, *pair, environment, judge)?,
            Operation::Setresuid(ids) => setuid::setresuid_judged(old, *ids, environment, judge)?,
            Operation::Setfsuid(id) => setuid::setfsuid_judged(old, *id, environment, judge),
            Operation::Setgid(id) => setuid::setgid_judged(old, *id, environment, judge)?,
            Operation::Setregid(pair) => setuid::setregid_judged(old, *pair, environment, judge)?,
            Operation::Setresgid(ids) => setuid::setresgid_judged(old, *ids, environment, judge)?,
            Operation::Setfsgid(id) => setuid::setfsgid_judged(old, *id, environment, judge),
            Operation::Setgroups(groups) => {
                setuid::setgroups_judged(old, groups, environment, judge)?
            }
            Operation::Capset(header, request) => {
                capset_with_header_judged(old, *header, *request, environment, judge)?
            }
            Operation::UnshareUserNamespace => return self.unshare(judge),
            Operation::EnterUserNamespace(index) => return self.enter(*index, namespaces, judge),
            Operation::WriteUidMap(_) | Operation::WriteGidMap(_) | Operation::DenySetgroups => {
                return self.write(operation, judge);
            }
            Operation::TraceMe => return self.trace_me(judge),
        };
        Ok(Self { credentials, ..self.clone() })
    }

    fn unshare(&self, judge: &mut impl Judge) -> Result<Self, Errno> {
        let (old, environment) = (&self.credentials, &self.environment);
        let credentials = unshare_user_namespace_judged(old, environment, judge)?;
        let mut lineage = self.lineage.clone();
        lineage.push(Level { index: None, owner: old.uid.effective });
        Ok(Self {
            credentials,
            environment: environment.nested(),
            lineage,
            made: MadeNamespace::new(old, environment),
            tracer: self.tracer.clone(),
            shares_directories: false,
        })
    }

    fn enter(
        &self,
        index: usize,
        namespaces: &[Namespace],
        judge: &mut impl Judge,
    ) -> Result<Self, Errno> {
        let lineage = lineage(namespaces, index);
        let environment = &namespaces[index].environment;
        let entry = Entry {
            same: lineage == self.lineage,
            standing: standing(&self.lineage, self.credentials.uid.effective, &lineage),
            shares_directories: self.shares_directories,
        };
        let credentials =
            enter_user_namespace_judged(&self.credentials, entry, environment, judge)?;
        let made = MadeNamespace::complete();
        Ok(Self { credentials, environment: environment.clone(), lineage, made, ..self.clone() })
    }

    fn write(&self, operation: &Operation, judge: &mut impl Judge) -> Result<Self, Errno> {
        let mut after = self.clone();
        let (writer, inside) = (&self.credentials, &self.environment);
        match operation {
            Operation::WriteUidMap(extent) => {
                after.environment =
                    after.made.write_uid_map_judged(writer, *extent, inside, judge)?;
            }
            Operation::WriteGidMap(extent) => {
                after.environment =
                    after.made.write_gid_map_judged(writer, *extent, inside, judge)?;
            }
            _ => after.made.deny_setgroups_judged(writer, judge)?,
        }
        Ok(after)
    }

    /// Whether its user has a number in its namespace.
    pub(crate) fn is_anybody(&self) -> bool {
        self.environment.uids.has(self.credentials.uid.effective)
    }

    /// What its effective user and group are called around the namespace that it made.
    pub(crate) fn outer_ids(&self) -> (u32, u32) {
        let (user, group) = (self.credentials.uid.effective, self.credentials.gid.effective);
        let outer = self.made.outer_ids(user, group);
        (outer.0.unwrap_or(user), outer.1.unwrap_or(group))
    }

    /// Whether its files in /proc are its own to write.
    pub(crate) fn owns_its_files(&self) -> bool {
        self.credentials.uid.filesystem == self.credentials.uid.effective
    }

    fn trace_me(&self, judge: &mut impl Judge) -> Result<Self, Errno> {
        let company = trace_me_judged(&self.credentials, self.company(), judge)?;
        let snapshot = |tracer| Snapshot {
            tracer,
            effective_user: self.credentials.uid.effective,
            lineage: self.lineage.clone(),
        };
        Ok(Self { tracer: company.tracer.map(snapshot), ..self.clone() })
    }

    fn company(&self) -> Company {
        let today = |snapshot: &Snapshot| Tracer {
            standing: standing(&snapshot.lineage, snapshot.effective_user, &self.lineage),
            ..snapshot.tracer
        };
        Company {
            tracer: self.tracer.as_ref().map(today),
            shares_directories: self.shares_directories,
        }
    }

    fn execve(
        &self,
        exec: &Exec,
        namespaces: &[Namespace],
        judge: &mut impl Judge,
    ) -> Result<Credentials, Errno> {
        let (old, environment) = (&self.credentials, &self.environment);
        let mount = self.mount(exec.view, namespaces);
        let program = executable("program", &exec.program, exec);
        let Some((first, others)) = exec.scripts.split_first() else {
            let program = mount.show_judged(program, judge);
            return execve_judged(old, &program, environment, self.company(), judge);
        };
        let first = mount.show_judged(executable("script", first, exec), judge);
        let others = others.iter().map(|script| executable("script", script, exec));
        let scripts: Vec<Executable> = std::iter::once(first).chain(others).collect();
        execve_script_judged(old, &scripts, &program, environment, self.company(), judge)
    }

    fn mount(&self, view: View, namespaces: &[Namespace]) -> Mount {
        let plain = Mount::PLAIN;
        match view {
            View::Plain => plain,
            View::Nosuid => Mount { nosuid: true, ..plain },
            View::Noexec => Mount { noexec: true, ..plain },
            View::Elsewhere => Mount { own_mount_namespace: false, ..plain },
            View::IdMapped => {
                let Environment { uids, gids, .. } = &namespaces[Namespace::MAPPED].environment;
                Mount { id_map: Some((uids.clone(), gids.clone())), ..plain }
            }
            View::Foreign => {
                let around = self.lineage.iter().any(|it| it.index == Some(Namespace::MAPPED));
                Mount { owner_around: around, ..plain }
            }
        }
    }
}

fn lineage(namespaces: &[Namespace], index: usize) -> Vec<Level> {
    let level = |owner| Level { index: Some(index), owner };
    namespaces[index].owner.map(level).into_iter().collect()
}

/// Where somebody with this effective uid in one namespace stands to another.
fn standing(holder: &[Level], effective_user: u32, target: &[Level]) -> Standing {
    match target.strip_prefix(holder) {
        Some([]) => Standing::Member,
        Some([below, ..]) => Standing::Ancestor { owner: below.owner == effective_user },
        None => Standing::Stranger,
    }
}

/// A file as it is on its filesystem.
fn executable(path: &str, file: &File, exec: &Exec) -> Executable {
    let directory = &exec.directory;
    Executable {
        mode: file.mode,
        uid: Some(file.uid),
        gid: Some(file.gid),
        file_capabilities: file.capabilities.map(|it| of_filesystem(it, exec.view)),
        restricted_directories: vec![Directory {
            mode: directory.mode,
            uid: Some(directory.uid),
            gid: Some(directory.gid),
        }],
        ..Executable::plain(path)
    }
}

/// On a filesystem that the second namespace mounted, capabilities that name no root are those of
/// that namespace's root.
fn of_filesystem(capabilities: FileCapabilities, view: View) -> FileCapabilities {
    match (view, capabilities.revision) {
        (View::Foreign, Revision::One | Revision::Two) => FileCapabilities {
            revision: Revision::Three { root_id: Namespace::MAPPED_ROOT },
            ..capabilities
        },
        _ => capabilities,
    }
}
