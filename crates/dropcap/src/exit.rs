//! The exit code of a verb.

/// What the process ends with. The standard library's own keeps its number to itself, and without
/// its `main` somebody has to hand the number to the C library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitCode(u8);

impl ExitCode {
    /// Nothing wrong.
    pub const SUCCESS: Self = Self(0);

    /// Its number, as `exit(3)` takes it.
    #[cfg(not(test))]
    pub fn number(self) -> i32 {
        self.0.into()
    }
}

impl From<u8> for ExitCode {
    fn from(number: u8) -> Self {
        Self(number)
    }
}

impl From<ExitCode> for u8 {
    fn from(code: ExitCode) -> Self {
        code.0
    }
}
