//! What a confined command says of itself.

use dropcap_confine::sys::{self, ExecStrings, Linux, System};
use std::ffi::CString;
use std::process::ExitCode;

/// `probe state`, `probe strings WORDS..`, `probe unshare`, `probe touch FILE`, `probe exec PROGRAM ARGUMENTS..`.
pub fn main(arguments: &[String]) -> ExitCode {
    match arguments[0].as_str() {
        "state" => state(),
        "strings" => {
            for word in std::env::args_os() {
                println!("{word:?}");
            }
            for variable in std::env::vars_os() {
                println!("{variable:?}");
            }
        }
        "unshare" => {
            /// `CLONE_NEWUSER`.
            const NEW_USER: i32 = 0x1000_0000;
            match Linux.unshare(NEW_USER) {
                Ok(()) => println!("made"),
                Err(error) => println!("errno {}", error.raw_os_error().unwrap()),
            }
        }
        "touch" => std::fs::write(&arguments[1], "executed").unwrap(),
        "exec" => {
            let strings = ExecStrings::new(&arguments[1..]).unwrap();
            let path = CString::new(arguments[1].as_str()).unwrap();
            let nothing = ExecStrings::new([""; 0]).unwrap();
            panic!("{}", sys::execve(&path, &strings, &nothing));
        }
        unknown => panic!("no such probe: {unknown}"),
    }
    ExitCode::SUCCESS
}

/// `/proc/self/status` as it is, and what it does not show, in its form.
fn state() {
    // Before anything here opens one.
    let listing = std::fs::read_dir("/proc/self/fd").unwrap();
    let mut open: Vec<u32> = listing
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap())
        .collect();
    // The listing's own is gone by now.
    open.retain(|fd| std::fs::symlink_metadata(format!("/proc/self/fd/{fd}")).is_ok());
    open.sort_unstable();
    let open: Vec<String> = open.iter().map(u32::to_string).collect();
    print!("{}", std::fs::read_to_string("/proc/self/status").unwrap());
    println!("Descriptors:\t{}", open.join(" "));
    println!("Securebits:\t{:x}", Linux.securebits().unwrap().bits());
    for name in ["HOME", "LISTEN_PID"] {
        println!("{name}:\t{}", std::env::var(name).unwrap_or_default());
    }
}
