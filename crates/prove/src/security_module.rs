//! Which of the security modules work here that ask for a capability of their own.

use crate::trial::Obstacle;
use std::fs;

/// A security module whose policy a capability bears on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecurityModule {
    Selinux,
    Smack,
    AppArmor,
    Ipe,
}

impl SecurityModule {
    const ALL: [Self; 4] = [Self::Selinux, Self::Smack, Self::AppArmor, Self::Ipe];

    const fn name(self) -> &'static str {
        match self {
            Self::Selinux => "SELinux",
            Self::Smack => "Smack",
            Self::AppArmor => "AppArmor",
            Self::Ipe => "IPE",
        }
    }

    /// Its `LSM_ID_…` of `include/uapi/linux/lsm.h`.
    const fn number(self) -> u64 {
        match self {
            Self::Selinux => 101,
            Self::Smack => 102,
            Self::AppArmor => 104,
            Self::Ipe => 113,
        }
    }

    /// Whether it has a context for this process, as `/proc/self/attr` shows it. IPE has none, but no
    /// kernel has it that lacks `lsm_list_modules`.
    fn shows_a_context(self) -> bool {
        let is_read = |path: &str| fs::read(path).is_ok();
        match self {
            Self::Smack => is_read("/proc/self/attr/smack/current"),
            Self::AppArmor => is_read("/proc/self/attr/apparmor/current"),
            Self::Selinux => {
                // The file without a directory belongs to whichever module comes first.
                let others = [Self::Smack, Self::AppArmor].into_iter().any(Self::shows_a_context);
                !others && is_read("/proc/self/attr/current")
            }
            Self::Ipe => false,
        }
    }
}

/// Those that work here.
fn working() -> Vec<SecurityModule> {
    let works: Box<dyn Fn(&SecurityModule) -> bool> = match crate::untouched::working_modules() {
        Ok(numbers) => Box::new(move |module| numbers.contains(&module.number())),
        Err(_) => Box::new(|module| module.shows_a_context()),
    };
    SecurityModule::ALL.into_iter().filter(works).collect()
}

/// What stands before the door of a capability for which only `asking` ask.
pub(crate) fn obstacle(text: &'static str, asking: &[SecurityModule]) -> Obstacle {
    let names = |modules: &[SecurityModule]| {
        modules.iter().map(|module| module.name()).collect::<Vec<_>>().join(", ")
    };
    let here: Vec<SecurityModule> =
        working().into_iter().filter(|module| asking.contains(module)).collect();
    match here.is_empty() {
        true => {
            let reason =
                format!("no security module that asks for it ({}) works here", names(asking));
            Obstacle::inert(text, reason)
        }
        false => Obstacle::new(
            text,
            format!("asked for by {}, and no attempt is known that changes nothing", names(&here)),
        ),
    }
}
