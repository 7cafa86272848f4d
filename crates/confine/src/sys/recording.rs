//! A double of the kernel that records every call, follows the model, and fails where it is told to.

use super::{ExecStrings, Instruction, Sets, System};
use dropcap_capability::setuid::{IdRequest, setgroups, setresgid, setresuid};
use dropcap_capability::{
    Capability, CapsetRequest, Credentials, Environment, Errno, Kernel, Securebits, capset, prctl,
};
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};
use std::io;

/// One call, with what bears on its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    Capget,
    Capset(Sets),
    BoundingHas(Capability),
    BoundingDrop(Capability),
    AmbientHas(Capability),
    AmbientRaise(Capability),
    AmbientLower(Capability),
    AmbientClear,
    Securebits,
    SetSecurebits(Securebits),
    SetKeepCapabilities(bool),
    NoNewPrivs,
    SetNoNewPrivs,
    UserIds,
    SetUserIds([Option<u32>; 3]),
    GroupIds,
    SetGroupIds([Option<u32>; 3]),
    Groups,
    SetGroups(Vec<u32>),
    InstallFilter,
    HasFilter,
    CloseRange(u32, u32),
    OpenDescriptors,
    Close(u32),
    MakeInheritable(u32),
    Unshare(i32),
    Execve(CString),
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails with this errno.
    Fails(i32),
    /// It says that it worked, and did nothing.
    Lies,
}

/// The double: one thread, its descriptors, and the calls that were made.
pub struct Recording {
    pub credentials: RefCell<Credentials>,
    pub filter: Cell<bool>,
    pub descriptors: RefCell<Vec<u32>>,
    pub calls: RefCell<Vec<Call>>,
    environment: Environment,
    fault: Option<(usize, Fault)>,
}

impl Recording {
    pub fn new(credentials: Credentials) -> Self {
        Self {
            credentials: RefCell::new(credentials),
            filter: Cell::new(false),
            descriptors: RefCell::new(vec![0, 1, 2, 3, 7, 9]),
            calls: RefCell::default(),
            environment: Environment::default(),
            fault: None,
        }
    }

    /// The call at `position`, counted from 0, goes wrong.
    pub fn with_fault(self, position: usize, fault: Fault) -> Self {
        Self { fault: Some((position, fault)), ..self }
    }

    /// As another kernel with the same capabilities.
    pub fn on_kernel(self, major: u16, minor: u16) -> Self {
        let kernel = Kernel::new(major, minor);
        Self { environment: Environment { kernel, ..self.environment }, ..self }
    }

    /// Whether anything was executed.
    pub fn executed(&self) -> bool {
        self.calls.borrow().iter().any(|call| matches!(call, Call::Execve(_)))
    }

    /// Notes the call; gives the fault that is meant for it.
    fn note(&self, call: Call) -> Option<Fault> {
        let mut calls = self.calls.borrow_mut();
        calls.push(call);
        let position = calls.len() - 1;
        self.fault.filter(|(at, _)| *at == position).map(|(_, fault)| fault)
    }

    /// A call that changes something.
    fn effect(&self, call: Call, effect: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        match self.note(call) {
            Some(Fault::Fails(errno)) => Err(io::Error::from_raw_os_error(errno)),
            Some(Fault::Lies) => Ok(()),
            None => effect(),
        }
    }

    /// A call that changes the credentials, as the model has it.
    fn change(
        &self,
        call: Call,
        rule: impl FnOnce(&Credentials) -> Result<Credentials, Errno>,
    ) -> io::Result<()> {
        self.effect(call, || {
            let new = rule(&self.credentials.borrow()).map_err(as_io)?;
            self.credentials.replace(new);
            Ok(())
        })
    }

    /// A call that only answers.
    fn answer<T>(&self, call: Call, rule: impl FnOnce(&Credentials) -> T) -> io::Result<T> {
        match self.note(call) {
            Some(Fault::Fails(errno)) => Err(io::Error::from_raw_os_error(errno)),
            _ => Ok(rule(&self.credentials.borrow())),
        }
    }

    fn known(&self, capability: Capability) -> io::Result<()> {
        let known = self.environment.capabilities.contains(capability);
        if known { Ok(()) } else { Err(as_io(Errno::EINVAL)) }
    }
}

fn as_io(errno: Errno) -> io::Error {
    io::Error::from_raw_os_error(errno.number())
}

fn request([real, effective, saved]: [Option<u32>; 3]) -> IdRequest {
    IdRequest { real, effective, saved }
}

impl System for Recording {
    fn capget(&self) -> io::Result<Sets> {
        self.answer(Call::Capget, |now| Sets {
            effective: now.effective,
            permitted: now.permitted,
            inheritable: now.inheritable,
        })
    }

    fn capset(&self, sets: Sets) -> io::Result<()> {
        self.change(Call::Capset(sets), |now| {
            let Sets { effective, permitted, inheritable } = sets;
            let request = CapsetRequest { effective, permitted, inheritable };
            capset(now, request, &self.environment)
        })
    }

    fn bounding_has(&self, capability: Capability) -> io::Result<bool> {
        let has =
            self.answer(Call::BoundingHas(capability), |now| now.bounding.contains(capability))?;
        self.known(capability).map(|()| has)
    }

    fn bounding_drop(&self, capability: Capability) -> io::Result<()> {
        self.change(Call::BoundingDrop(capability), |now| {
            prctl::capbset_drop(now, capability, &self.environment)
        })
    }

    fn ambient_has(&self, capability: Capability) -> io::Result<bool> {
        let has =
            self.answer(Call::AmbientHas(capability), |now| now.ambient.contains(capability))?;
        self.known(capability).map(|()| has)
    }

    fn ambient_raise(&self, capability: Capability) -> io::Result<()> {
        self.change(Call::AmbientRaise(capability), |now| {
            prctl::ambient_raise(now, capability, &self.environment)
        })
    }

    fn ambient_lower(&self, capability: Capability) -> io::Result<()> {
        self.change(Call::AmbientLower(capability), |now| {
            prctl::ambient_lower(now, capability, &self.environment)
        })
    }

    fn ambient_clear(&self) -> io::Result<()> {
        self.change(Call::AmbientClear, |now| Ok(prctl::ambient_clear(now)))
    }

    fn securebits(&self) -> io::Result<Securebits> {
        self.answer(Call::Securebits, |now| now.securebits)
    }

    fn set_securebits(&self, securebits: Securebits) -> io::Result<()> {
        self.change(Call::SetSecurebits(securebits), |now| {
            prctl::set_securebits(now, securebits, &self.environment)
        })
    }

    fn set_keep_capabilities(&self, keep: bool) -> io::Result<()> {
        self.change(Call::SetKeepCapabilities(keep), |now| prctl::set_keep_caps(now, keep))
    }

    fn no_new_privs(&self) -> io::Result<bool> {
        self.answer(Call::NoNewPrivs, |now| now.no_new_privs)
    }

    fn set_no_new_privs(&self) -> io::Result<()> {
        self.change(Call::SetNoNewPrivs, |now| Ok(prctl::set_no_new_privs(now)))
    }

    fn user_ids(&self) -> io::Result<[u32; 3]> {
        self.answer(Call::UserIds, |now| [now.uid.real, now.uid.effective, now.uid.saved])
    }

    fn set_user_ids(&self, ids: [Option<u32>; 3]) -> io::Result<()> {
        self.change(Call::SetUserIds(ids), |now| setresuid(now, request(ids), &self.environment))
    }

    fn group_ids(&self) -> io::Result<[u32; 3]> {
        self.answer(Call::GroupIds, |now| [now.gid.real, now.gid.effective, now.gid.saved])
    }

    fn set_group_ids(&self, ids: [Option<u32>; 3]) -> io::Result<()> {
        self.change(Call::SetGroupIds(ids), |now| setresgid(now, request(ids), &self.environment))
    }

    fn groups(&self) -> io::Result<Vec<u32>> {
        self.answer(Call::Groups, |now| now.groups.clone())
    }

    fn set_groups(&self, groups: &[u32]) -> io::Result<()> {
        self.change(Call::SetGroups(groups.to_vec()), |now| {
            setgroups(now, groups, &self.environment)
        })
    }

    fn set_filesystem_user(&self, _id: u32) -> u32 {
        self.credentials.borrow().uid.filesystem
    }

    fn set_filesystem_group(&self, _id: u32) -> u32 {
        self.credentials.borrow().gid.filesystem
    }

    fn install_filter(&self, _program: &[Instruction]) -> io::Result<()> {
        // `seccomp_prepare_filter`: no_new_privs, or CAP_SYS_ADMIN.
        self.effect(Call::InstallFilter, || {
            let now = self.credentials.borrow();
            if !now.no_new_privs && !now.effective.contains(Capability::SYS_ADMIN) {
                return Err(as_io(Errno::EACCES));
            }
            self.filter.set(true);
            Ok(())
        })
    }

    fn has_filter(&self) -> io::Result<bool> {
        self.answer(Call::HasFilter, |_| self.filter.get())
    }

    fn kernel(&self) -> Kernel {
        self.environment.kernel
    }

    fn close_range(&self, first: u32, last: u32) -> io::Result<()> {
        self.effect(Call::CloseRange(first, last), || {
            self.descriptors.borrow_mut().retain(|open| !(first..=last).contains(open));
            Ok(())
        })
    }

    fn open_descriptors(&self) -> io::Result<Vec<u32>> {
        self.answer(Call::OpenDescriptors, |_| self.descriptors.borrow().clone())
    }

    fn close(&self, descriptor: u32) -> io::Result<()> {
        self.effect(Call::Close(descriptor), || {
            self.descriptors.borrow_mut().retain(|open| *open != descriptor);
            Ok(())
        })
    }

    fn make_inheritable(&self, descriptor: u32) -> io::Result<()> {
        self.effect(Call::MakeInheritable(descriptor), || {
            let open = self.descriptors.borrow().contains(&descriptor);
            if open { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::EBADF)) }
        })
    }

    fn unshare(&self, flags: i32) -> io::Result<()> {
        self.effect(Call::Unshare(flags), || Ok(()))
    }

    fn execve(
        &self,
        path: &CStr,
        _arguments: &ExecStrings,
        _environment: &ExecStrings,
    ) -> io::Error {
        self.note(Call::Execve(path.to_owned()));
        io::Error::from_raw_os_error(libc::EACCES)
    }
}
