//! The other side of the comparison: what the model says to a case.

use crate::case::{Case, File, Operation, in_words};
use crate::judges::{Inverter, Mutation};
use crate::namespace::Namespace;
use dropcap_capability::branch::{Faithful, Judge};
use dropcap_capability::execve::{execve_judged, execve_script_judged};
use dropcap_capability::{
    Credentials, Directory, Environment, Errno, Executable, FileCapabilities, Kernel,
    capset_judged, prctl, setuid, unshare_user_namespace_judged,
};

/// What an operation makes of a thread.
pub(crate) type Prediction = Result<Credentials, Errno>;

/// A case as it came about: the thread as it was, and the file as it shows there.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) case: &'a Case,
    pub(crate) namespace: &'a Namespace,
    pub(crate) start: &'a Credentials,
    pub(crate) file_capabilities: Option<FileCapabilities>,
}

/// The first kernel whose execve compares effective ids; see `Mutation::OtherKernel`.
const NEWER_RULES: Kernel = Kernel::new(6, 17);
/// A kernel whose rules differ from those of the newer ones.
const OLDER: Kernel = Kernel::new(6, 1);

impl Scene<'_> {
    /// The file capabilities as they show to the thread, for people.
    pub(crate) fn shown_capabilities(&self) -> String {
        self.file_capabilities.as_ref().map_or_else(|| "no file capabilities".to_owned(), in_words)
    }

    /// What the model says, its decisions put to `judge`.
    pub(crate) fn predict(&self, judge: &mut impl Judge) -> Prediction {
        self.predict_in(&self.namespace.environment, judge)
    }

    /// What the model would say with this mistake in it, which bears on the operation.
    pub(crate) fn predict_mutated(&self, mutation: Mutation) -> Prediction {
        match mutation {
            Mutation::Inverted(branch) => self.predict(&mut Inverter(branch)),
            Mutation::WithoutEffect(_) => Ok(self.start.clone()),
            Mutation::OtherKernel => {
                let running = self.namespace.environment.kernel;
                let kernel = if running >= NEWER_RULES { OLDER } else { Kernel::NEWEST };
                let environment = Environment { kernel, ..self.namespace.environment.clone() };
                self.predict_in(&environment, &mut Faithful)
            }
        }
    }

    fn predict_in(&self, environment: &Environment, judge: &mut impl Judge) -> Prediction {
        let start = self.start;
        match &self.case.operation {
            Operation::Execve(exec) => {
                let mut program = self.executable("program", &exec.program, exec);
                program.file_capabilities = self.file_capabilities;
                match &exec.script {
                    None => execve_judged(start, &program, environment, judge),
                    Some(script) => {
                        let script = self.executable("script", script, exec);
                        execve_script_judged(start, &script, &program, environment, judge)
                    }
                }
            }
            Operation::CapbsetDrop(capability) => {
                prctl::capbset_drop_judged(start, *capability, environment, judge)
            }
            Operation::AmbientRaise(capability) => {
                prctl::ambient_raise_judged(start, *capability, environment, judge)
            }
            Operation::AmbientLower(capability) => {
                prctl::ambient_lower_judged(start, *capability, environment, judge)
            }
            Operation::AmbientClear => Ok(prctl::ambient_clear(start)),
            Operation::SetSecurebits(securebits) => {
                prctl::set_securebits_judged(start, *securebits, environment, judge)
            }
            Operation::SetKeepCaps(keep) => prctl::set_keep_caps_judged(start, *keep, judge),
            Operation::SetNoNewPrivs => Ok(prctl::set_no_new_privs(start)),
            Operation::Setresuid(request) => {
                setuid::setresuid_judged(start, *request, environment, judge)
            }
            Operation::Setfsuid(id) => Ok(setuid::setfsuid_judged(start, *id, environment, judge)),
            Operation::Setresgid(request) => {
                setuid::setresgid_judged(start, *request, environment, judge)
            }
            Operation::Setgroups(groups) => {
                setuid::setgroups_judged(start, groups, environment, judge)
            }
            Operation::Capset(request) => capset_judged(start, *request, environment, judge),
            Operation::UnshareUserNamespace => {
                unshare_user_namespace_judged(start, environment, judge)
            }
        }
    }

    /// The file as it shows in the thread's user namespace.
    fn executable(&self, path: &str, file: &File, exec: &crate::Exec) -> Executable {
        let user = |id| self.namespace.user_inside(id);
        let group = |id| self.namespace.group_inside(id);
        let directory = &exec.directory;
        Executable {
            path: path.to_owned(),
            mode: file.mode,
            uid: user(file.uid),
            gid: group(file.gid),
            file_capabilities: None,
            nosuid: exec.nosuid,
            restricted_directories: vec![Directory {
                mode: directory.mode,
                uid: user(directory.uid),
                gid: group(directory.gid),
            }],
        }
    }
}
