//! The kernel matrix: what has to hold on each kernel, in a guest for each. See docs/kernels.md.

mod matrix;

use clap::Parser;
use dropcap_vm::init;
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    // The same program is the first process of each guest.
    if init::is_asked_for() {
        init::main();
    }
    match matrix::run(&matrix::Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr(), "dropcap-vm: error: {error}");
            ExitCode::from(2)
        }
    }
}
