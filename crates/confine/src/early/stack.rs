//! What the kernel leaves on a new program's stack; `create_elf_tables` of `fs/binfmt_elf.c`.
#![allow(unsafe_code, reason = "the kernel's layout is read by pointers")]

use super::thread::{self, Image};
use std::ffi::{CStr, OsStr, OsString, c_char};
use std::os::unix::ffi::OsStrExt;

/// The arguments and the environment of this program.
#[derive(Debug, Default)]
pub struct Given {
    /// The arguments, the program's own name first.
    pub arguments: Vec<OsString>,
    /// The variables, as [`std::env::vars_os`] gives them.
    pub environment: Vec<(OsString, OsString)>,
}

/// Calls `function` with what lies on the stack; what it cannot prepare it leaves, and so returns.
///
/// It is for [`entry`](crate::entry) alone.
///
/// # Safety
/// `stack` is the stack pointer as the kernel left it, and no other thread has been started.
#[doc(hidden)]
pub unsafe fn run(stack: *const usize, function: fn(Given)) {
    // SAFETY: the same; the auxiliary vector is this program's own.
    unsafe {
        let stack = Stack::at(stack);
        let auxiliary = Auxiliary::at(stack.auxiliary);
        if auxiliary.secure || thread::set_up(&auxiliary.thread_image()).is_err() {
            return;
        }
        function(stack.given());
    }
}

struct Stack {
    count: usize,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    auxiliary: *const [usize; 2],
}

impl Stack {
    /// # Safety
    /// `stack` is what the kernel left in the stack pointer.
    unsafe fn at(stack: *const usize) -> Self {
        // SAFETY: first the number of arguments, then their pointers and a null, then those of the
        // environment and a null, then the auxiliary vector.
        unsafe {
            let count = *stack;
            let arguments = stack.add(1).cast::<*const c_char>();
            let environment = arguments.add(count + 1);
            let mut end = environment;
            while !(*end).is_null() {
                end = end.add(1);
            }
            Self { count, arguments, environment, auxiliary: end.add(1).cast() }
        }
    }

    /// # Safety
    /// As [`Stack::at`]; and thread-local variables are there.
    unsafe fn given(&self) -> Given {
        let string = |pointer| {
            // SAFETY: the kernel ends every string in NUL.
            OsStr::from_bytes(unsafe { CStr::from_ptr(pointer) }.to_bytes())
        };
        let strings = |first: *const *const c_char| {
            // SAFETY: both arrays end in a null pointer.
            (0..).map(move |index| unsafe { *first.add(index) }).take_while(|one| !one.is_null())
        };
        Given {
            arguments: strings(self.arguments)
                .take(self.count)
                .map(|one| string(one).to_owned())
                .collect(),
            environment: strings(self.environment)
                .filter_map(|one| variable(string(one)))
                .collect(),
        }
    }
}

/// `NAME=VALUE`; a name may begin with `=`, and what has none is no variable: as the standard
/// library reads them.
fn variable(string: &OsStr) -> Option<(OsString, OsString)> {
    let bytes = string.as_bytes();
    let sign = bytes.get(1..)?.iter().position(|byte| *byte == b'=')? + 1;
    let (name, value) = (&bytes[..sign], &bytes[sign + 1..]);
    Some((OsStr::from_bytes(name).to_owned(), OsStr::from_bytes(value).to_owned()))
}

/// What of the auxiliary vector matters here; getauxval(3).
#[derive(Default)]
struct Auxiliary {
    /// `AT_SECURE`.
    secure: bool,
    /// `AT_PHDR` and `AT_PHNUM`.
    headers: usize,
    headers_count: usize,
}

impl Auxiliary {
    /// # Safety
    /// `vector` is the kernel's, which ends with `AT_NULL`.
    unsafe fn at(mut vector: *const [usize; 2]) -> Self {
        let mut found = Self::default();
        loop {
            // SAFETY: as promised by the caller.
            let [key, value] = unsafe { *vector };
            match key as u64 {
                libc::AT_NULL => return found,
                libc::AT_SECURE => found.secure = value != 0,
                libc::AT_PHDR => found.headers = value,
                libc::AT_PHNUM => found.headers_count = value,
                _ => {}
            }
            // SAFETY: that was not the last one.
            vector = unsafe { vector.add(1) };
        }
    }

    /// # Safety
    /// The headers are this program's, which is linked to fixed addresses.
    unsafe fn thread_image(&self) -> Image {
        let headers = std::ptr::with_exposed_provenance::<libc::Elf64_Phdr>(self.headers);
        for index in 0..self.headers_count {
            // SAFETY: the kernel says that there are so many.
            let header = unsafe { &*headers.add(index) };
            if header.p_type == libc::PT_TLS {
                return Image {
                    start: std::ptr::with_exposed_provenance(header.p_vaddr as usize),
                    initialised: header.p_filesz as usize,
                    size: header.p_memsz as usize,
                    align: header.p_align as usize,
                };
            }
        }
        Image::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_what_the_standard_library_takes_for_one() {
        let pair = |name: &str, value: &str| Some((name.into(), value.into()));
        for (string, expected) in [
            ("A=b", pair("A", "b")),
            ("A=", pair("A", "")),
            ("A=b=c", pair("A", "b=c")),
            ("=A=b", pair("=A", "b")),
            ("==b", pair("=", "b")),
            ("=b", None),
            ("A", None),
            ("", None),
        ] {
            assert_eq!(variable(string.as_ref()), expected, "{string}");
        }
    }

    #[test]
    fn the_stack_is_read_as_the_kernel_lays_it_out() {
        let strings = [c"run", c"--", c"A=b", c"odd"];
        let [run, dashes, a, odd] = strings.map(|string| string.as_ptr().expose_provenance());
        const LAST: [usize; 2] = [libc::AT_NULL as usize, 0];
        let headers = [libc::AT_PHDR as usize, 64, libc::AT_PHNUM as usize, 3];
        let secure = [libc::AT_SECURE as usize, 1];
        let words = [&[2, run, dashes, 0, a, odd, 0][..], &headers, &secure, &LAST].concat();
        // SAFETY: laid out as the kernel does.
        let (given, auxiliary) = unsafe {
            let stack = Stack::at(words.as_ptr());
            (stack.given(), Auxiliary::at(stack.auxiliary))
        };
        assert_eq!(given.arguments, ["run", "--"]);
        assert_eq!(given.environment, [("A".into(), "b".into())]);
        assert!(auxiliary.secure);
        assert_eq!((auxiliary.headers, auxiliary.headers_count), (64, 3));
    }
}
