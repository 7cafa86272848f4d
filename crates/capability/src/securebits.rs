//! The securebits flags of a thread; capabilities(7), "The securebits flags".

/// A thread's securebits, as `PR_GET_SECUREBITS` gives them. Each flag has a lock, one bit above it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Securebits(u32);

/// Bit and name, in the order of the bits; `include/uapi/linux/securebits.h`.
const NAMES: [(u32, &str); 12] = [
    (1 << 0, "noroot"),
    (1 << 1, "noroot_locked"),
    (1 << 2, "no_setuid_fixup"),
    (1 << 3, "no_setuid_fixup_locked"),
    (1 << 4, "keep_caps"),
    (1 << 5, "keep_caps_locked"),
    (1 << 6, "no_cap_ambient_raise"),
    (1 << 7, "no_cap_ambient_raise_locked"),
    (1 << 8, "exec_restrict_file"),
    (1 << 9, "exec_restrict_file_locked"),
    (1 << 10, "exec_deny_interactive"),
    (1 << 11, "exec_deny_interactive_locked"),
];

impl Securebits {
    /// `SECURE_NOROOT`: uid 0 gains nothing by execve.
    pub const NOROOT: Self = Self(1 << 0);
    /// `SECURE_NO_SETUID_FIXUP`: leaving or taking uid 0 changes no set.
    pub const NO_SETUID_FIXUP: Self = Self(1 << 2);
    /// `SECURE_KEEP_CAPS`: permitted stays when the last uid 0 is left; cleared by execve.
    pub const KEEP_CAPS: Self = Self(1 << 4);
    /// `SECURE_NO_CAP_AMBIENT_RAISE`: nothing can be added to the ambient set.
    pub const NO_CAP_AMBIENT_RAISE: Self = Self(1 << 6);
    /// The four flags that bear on capabilities, without their locks.
    pub const CAPABILITY_FLAGS: Self = Self(0b0101_0101);
    /// No flag.
    pub const EMPTY: Self = Self(0);

    /// The flags with these bits.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Its bits, as prctl(2) takes them.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The lock of each flag in it.
    #[must_use]
    pub const fn locks(self) -> Self {
        Self((self.0 & 0x555) << 1)
    }

    /// Whether it has every flag of `other`.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The flags of `self` that are not in `other`.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The names of the flags, in the order of the bits; capabilities(7) has them in capitals
    /// behind `SECBIT_`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().filter(move |(bit, _)| self.0 & bit != 0).map(|(_, name)| *name)
    }

    /// The one flag with this name.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(bit, _)| Self(*bit))
    }

    /// The bits that have no name.
    pub(crate) fn unnamed(self) -> u32 {
        NAMES.iter().fold(self.0, |left, (bit, _)| left & !bit)
    }
}
