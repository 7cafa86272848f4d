//! Every kernel, a guest each, side by side; then one table.

mod page_of_doors;
mod programs;
mod table;
mod tests;

use clap::Parser;
use dropcap_vm::kernel::{SOURCES, Source};
use programs::Programs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;
use tests::Tested;

/// Runs the differential test, the calibration of the doors and the tests of `dropcap run` on each
/// kernel, in a guest.
///
/// Exit status: 0 all of it holds, 1 something does not on a kernel that is required, 2 it cannot run.
#[derive(Debug, Parser)]
#[command(name = "dropcap-vm")]
pub struct Options {
    /// How many cases the differential test draws in each guest
    #[arg(long, default_value_t = 20_000)]
    cases: u64,
    /// The first case's seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this kernel: 6.1, 6.12 or newest
    #[arg(long, value_parser = |name: &str| Source::named(name).ok_or("no such kernel"))]
    kernel: Option<&'static Source>,
    /// Only this test
    #[arg(long, conflicts_with_all = ["write", "check"], value_parser = tests::keys())]
    only: Option<String>,
    /// Take the kernels that Debian has today, not those downloaded before
    #[arg(long)]
    update: bool,
    /// Where downloaded kernels are kept
    #[arg(long, default_value = "target/kernels")]
    cache: PathBuf,
    /// Write the tables into docs/kernels.md and docs/doors-by-kernel.md
    #[arg(long)]
    write: bool,
    /// Fail where those pages show something else; releases and numbers do not matter
    #[arg(long, conflicts_with_all = ["write", "kernel"])]
    check: bool,
}

/// What became of one kernel.
pub struct Row {
    source: &'static Source,
    /// Why nothing is known of it, where that is so.
    tested: Result<Tested, String>,
}

impl Row {
    fn holds(&self) -> bool {
        self.tested.as_ref().is_ok_and(|tested| tested.complaints().is_empty())
    }

    /// What the table shows: a name, and what came of it.
    fn results(&self) -> impl Iterator<Item = (&str, &str)> {
        let tests = self.tested.iter().flat_map(|tested| &tested.tests);
        tests.map(|test| (test.name, test.summary.as_str()))
    }
}

/// Runs all of it; whether it holds where it is required.
///
/// # Errors
/// Where it cannot run.
pub fn run(options: &Options) -> io::Result<bool> {
    let started = Instant::now();
    let programs = Programs::build()?;
    let wanted = |source: &&Source| {
        options.kernel.is_none_or(|only| only == *source) && tests::any(source, options)
    };
    let sources: Vec<&'static Source> = SOURCES.iter().filter(wanted).collect();
    if sources.is_empty() {
        return Err(io::Error::other("this test is not run with this kernel"));
    }
    let rows: Vec<Row> = std::thread::scope(|scope| {
        let test = |source| {
            let programs = &programs;
            scope.spawn(move || Row { source, tested: test(source, programs, options) })
        };
        let threads: Vec<_> = sources.into_iter().map(test).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Row>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().map(join).collect()
    });

    let table = table::Table::of(&rows);
    let mut text = format!("\n{table}\n");
    for row in &rows {
        text += &complaint(row);
    }
    let mut holds = rows.iter().all(|row| row.holds() || !row.source.required);
    if options.write && holds {
        table.write()?;
        page_of_doors::write(&rows, &programs.doors)?;
    } else if options.check {
        let difference = table.difference(&rows)?;
        let of_doors = page_of_doors::difference(&rows, &programs.doors)?;
        holds &= difference.is_none() && of_doors.is_none();
        text.extend(difference.into_iter().chain(of_doors));
    }
    let outcome = if holds { "passed" } else { "FAILED" };
    text += &format!("vm: {outcome} in {} s\n", started.elapsed().as_secs());
    io::stdout().write_all(text.as_bytes())?;
    Ok(holds)
}

fn test(source: &Source, programs: &Programs, options: &Options) -> Result<Tested, String> {
    let kernel = match options.update {
        true => source.update(&options.cache),
        false => source.fetch(&options.cache),
    };
    let kernel = kernel.map_err(|error| error.to_string())?;
    let say = |what: &str| {
        let _ = writeln!(io::stderr(), "vm: {}: {what}", source.name);
    };
    tests::run(source, &kernel, programs, options, say).map_err(|error| error.to_string())
}

/// What is wrong with a kernel, in full; nothing where nothing is.
fn complaint(row: &Row) -> String {
    let name = row.source.name;
    let what = match &row.tested {
        Err(why) => format!("{why}\n"),
        Ok(tested) => tested.complaints(),
    };
    if what.is_empty() {
        return String::new();
    }
    let consequence = if row.source.required { "FAILED" } else { "FAILED, which is allowed here" };
    format!("vm: {name}: {consequence}\n{what}\n")
}
