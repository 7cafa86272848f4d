//! Every system call that `run` and the runtime make before they execute something is made to fail, to do
//! nothing, and to be the last one: each time either nothing is executed, or what is executed has at most
//! what is allowed. By strace's fault injection on the real binary; needs root and strace.
//!
//! Its own main, so that the table of what was tried is printed.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that prints its table")]

mod fault;
mod scene;
mod table;

use scene::Scene;
use std::process::ExitCode;
use table::Table;

fn main() -> ExitCode {
    if std::env::args().any(|word| word == "--list") {
        return ExitCode::SUCCESS;
    }
    let scenes = [
        Scene::run_early(),
        Scene::run_late(),
        Scene::create(),
        Scene::create_late(),
        Scene::exec(),
        Scene::restore(),
        Scene::restore_of_more(),
    ];
    let tables: Vec<Table> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            scenes.iter().map(|scene| scope.spawn(|| fault::all(scene))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a scene")).collect()
    });
    println!("\nfaults: each system call between start and execve, made to fail");
    let mut wrong = 0;
    for table in &tables {
        table.print();
        wrong += table.wrong.len();
    }
    println!("faults: {wrong} went wrong");
    ExitCode::from(u8::from(wrong > 0))
}
