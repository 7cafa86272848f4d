//! One process of several: draws its share of the cases and lets each be lived through.

use crate::Options;
use crate::case::{Case, Operation};
use crate::child;
use crate::compare::{Comparison, Outcome};
use crate::draw::draw;
use crate::place::Place;
use crate::tally::Tally;
use crate::thread::Thread;
use crate::wire::Message;
use dropcap_confine::sys::comparison::{fork_sharing_directories, wait_resuming};
use dropcap_confine::sys::{Fork, fork};
use rustix::fd::OwnedFd;
use rustix::pipe::{PipeFlags, pipe_with};
use std::fs::File;
use std::io::{self, Seek, Write};

/// The file of the place that carries the orders.
const ORDERS: &str = "orders";

/// Works through the cases of worker number `number` of `jobs`, and writes what it counted to the
/// standard output.
///
/// # Errors
/// What keeps the test from going on; a difference is none.
pub fn work(options: &Options, number: u64, jobs: u64, seed: u64) -> io::Result<()> {
    // From here on the standard output is the pipe of the cases' processes, and the standard input
    // their orders: it is what a program surely inherits.
    let mut report = File::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?);
    let (answers, telling) = pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&answers, true)?;
    rustix::stdio::dup2_stdout(&telling)?;
    let place = Place::make()?;
    let orders = File::options().create(true).truncate(true).read(true).write(true).open(ORDERS)?;
    rustix::stdio::dup2_stdin(&orders)?;

    let mut worker = Worker { place, orders, answers, tally: Tally::default(), show: options.show };
    for index in (number..options.cases).step_by(jobs.max(1) as usize) {
        let case = draw(seed.wrapping_add(index), &worker.place);
        worker.try_case(&case)?;
    }
    report.write_all(worker.tally.to_lines().as_bytes())
}

struct Worker {
    place: Place,
    orders: File,
    answers: OwnedFd,
    tally: Tally,
    show: bool,
}

impl Worker {
    /// Lets one case happen and counts what came of it.
    fn try_case(&mut self, case: &Case) -> io::Result<()> {
        self.tally.drawn += 1;
        self.prepare(case)?;
        let shares = case.shares_directories;
        let forked = if shares { fork_sharing_directories() } else { fork() };
        let Fork::Parent(child) = forked? else { child::live(case, &self.place) };
        let ended = wait_resuming(child)?;
        let messages = Message::decode_all(&read_all(&self.answers)?).unwrap_or_default();
        let start = match messages.first() {
            Some(Message::Skipped { step, errno }) => {
                self.tally.skip(format!("{step}: errno {errno}"));
                return Ok(());
            }
            Some(Message::Start { credentials }) => credentials,
            other => {
                let words = format!("seed {}: {ended:?} and no start, but {other:?}", case.seed);
                self.tally.differ(words);
                return Ok(());
            }
        };
        let namespaces = &self.place.namespaces;
        let thread = Thread::new(case.start.clone(), namespaces, case.namespace, shares);
        if *start != thread.shown() {
            self.tally.skip("another state came about".to_owned());
            return Ok(());
        }
        let outcomes = messages[1..].iter().map_while(|message| match message {
            Message::Outcome { errno, credentials } => {
                Some(Outcome { errno: *errno, credentials: credentials.clone() })
            }
            _ => None,
        });
        let mut comparison = Comparison::new(case, namespaces, self.show);
        comparison.follow(thread, outcomes, &format!("{ended:?}"));
        comparison.count(&mut self.tally);
        Ok(())
    }

    /// The files of a case, and what its process is told to do.
    fn prepare(&mut self, case: &Case) -> io::Result<()> {
        let mut bytes = Vec::new();
        for operation in &case.operations {
            if let Operation::Execve(exec) = operation {
                let said = |error: io::Error| {
                    io::Error::new(error.kind(), format!("files of {operation}: {error}"))
                };
                self.place.arrange(exec).map_err(said)?;
            }
            bytes.extend(self.place.order(operation).encode());
        }
        self.orders.rewind()?;
        self.orders.write_all(&bytes)?;
        self.orders.set_len(bytes.len() as u64)?;
        self.orders.rewind()
    }
}

fn read_all(answers: &OwnedFd) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        match rustix::io::read(answers, &mut buffer) {
            Ok(read) => bytes.extend(&buffer[..read]),
            Err(rustix::io::Errno::AGAIN) => return Ok(bytes),
            Err(error) => return Err(error.into()),
        }
    }
}
