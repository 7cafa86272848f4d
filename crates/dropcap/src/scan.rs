//! `dropcap scan`

pub(crate) mod baseline;
pub(crate) mod digests;
pub(crate) mod fixes;
pub(crate) mod images;
pub(crate) mod own;
pub(crate) mod project;
pub(crate) mod walk;

use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::{Format, Output, print, print_plain, say};
use clap::{Args, ValueEnum};
use dropcap_audit::{Audited, Change, Finding, FixTier, Level, Options, RULES, audit, rule};
use dropcap_engine::EngineVersion;
use dropcap_report::json;
use dropcap_report::text::{self, Look};
use fixes::Tiers;
use own::own_path;
use project::{Project, Selection};
use std::path::PathBuf;

/// A finding at or above `--fail-on`.
const FOUND: u8 = 1;
/// A file that the user named cannot be read or parsed.
const UNREADABLE: u8 = 2;

/// Find every container and what it can reach
#[derive(Args)]
pub struct Arguments {
    /// Files and folders to look at, FILE#SUBJECT for one container, `-` for standard input
    #[arg(value_name = "PATH", default_value = ".")]
    targets: Vec<String>,
    /// Show what a fix would change, and change nothing
    #[arg(long)]
    diff: bool,
    /// Apply the fixes that are known to change nothing that works
    #[arg(long)]
    fix: bool,
    /// Apply the other fixes too
    #[arg(long)]
    unsafe_fixes: bool,
    /// The engine to take, such as docker@20.10, podman or containerd
    #[arg(long, value_name = "NAME[@VERSION]")]
    engine: Option<EngineVersion>,
    /// The lowest level that ends in exit code 1
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = FailOn::Warning)]
    fail_on: FailOn,
    /// Leave out what an earlier `--format json` found
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Print a rule's page, or `all` names
    #[arg(long, value_name = "RULE", exclusive = true)]
    explain: Option<String>,
    /// What standard input would be called
    #[arg(long, value_name = "NAME", default_value = "compose.yaml")]
    stdin_filename: String,
    /// Exit with 2 if any file on the way cannot be parsed
    #[arg(long)]
    strict_collection: bool,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Note,
    Never,
}

impl FailOn {
    fn counts(self, finding: &Finding) -> bool {
        match self {
            Self::Error => finding.level >= Level::Error,
            Self::Warning => finding.level >= Level::Warning,
            Self::Note => true,
            Self::Never => false,
        }
    }
}

/// Runs the verb.
pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    arguments.output.settle_color();
    if let Some(name) = &arguments.explain {
        return explain(name);
    }
    let mut project =
        Project::read(&arguments.targets, &arguments.stdin_filename, &arguments.selection)?;
    let options = Options {
        engine: arguments.engine,
        policy_place: project.policy_place.clone(),
        dropcap: own_path(),
        edits: arguments.output.format == Format::Json,
        ..Options::default()
    };
    let baseline = arguments.baseline.as_deref().map(baseline::read).transpose()?;
    let look = |project: &Project| {
        let mut audited = audit(&project.input, &options);
        audited.findings.retain(|finding| project.is_asked_for(&finding.container));
        audited.containers.retain(|one| project.is_asked_for(&one.container.id));
        if let Some(known) = &baseline {
            audited.findings.retain(|finding| !known.contains(&finding.fingerprint));
        }
        audited
    };
    let mut audited = look(&project);
    let mut fixed = Vec::new();
    let tiers = Tiers { safe: true, unsafe_too: arguments.unsafe_fixes };
    if arguments.diff {
        let changes = fixes::changes(&audited, &project.input, &options, tiers);
        project.errors.extend(changes.refused.iter().cloned());
        show_diff(&changes, &audited, &project, tiers, arguments.output.look());
        let nothing = changes.files.is_empty() && changes.refused.is_empty();
        let code = if nothing { 0 } else { FOUND };
        return Ok(ExitCode::from(if is_unreadable(&arguments, &project) {
            UNREADABLE
        } else {
            code
        }));
    }
    if arguments.fix || arguments.unsafe_fixes {
        if project.is_stdin {
            return Err(Failure::new("standard input cannot be fixed in place")
                .help("`--diff` shows the changes"));
        }
        let changes = fixes::changes(&audited, &project.input, &options, tiers);
        fixed = fixes::write(&changes, &project)?;
        if arguments.output.format == Format::Text {
            fixed.iter().for_each(|file| print(&format!("fixed {file}\n")));
            print(&applied(&changes, &audited, tiers));
        }
        project.reread(&fixed, &arguments.selection)?;
        audited = look(&project);
        project.errors.extend(changes.refused);
    }
    report(&arguments, &project, &audited, &fixed)?;
    let code = exit_code(&arguments, &project, &audited);
    // The process ends here: to give back each of many small pieces of memory would take longer than
    // to print them took.
    std::mem::forget((project, audited));
    Ok(code)
}

fn report(
    arguments: &Arguments,
    project: &Project,
    audited: &Audited,
    fixed: &[String],
) -> Result<(), Failure> {
    if arguments.output.format == Format::Json {
        let document = json::scan(audited, &project.errors, fixed)
            .map_err(|error| Failure::new("cannot write JSON").because(error))?;
        print_plain(&document);
        return Ok(());
    }
    let fixing = arguments.fix || arguments.unsafe_fixes;
    let look = arguments.output.look();
    // What is left after a fix comes with what would make it safe.
    let look = Look { notes: look.notes || fixing, ..look };
    let text = if arguments.output.quiet {
        text::summary(audited, &project.errors, look)
    } else {
        text::scan(audited, &project.errors, &project.input.sources, look)
    };
    if look.styled {
        print(&text)
    } else {
        print_plain(&text)
    }
    Ok(())
}

/// Whether something that had to be read cannot be.
fn is_unreadable(arguments: &Arguments, project: &Project) -> bool {
    let strict = arguments.strict_collection && !project.errors.is_empty();
    project.named_is_unreadable() || strict
}

fn exit_code(arguments: &Arguments, project: &Project, audited: &Audited) -> ExitCode {
    if is_unreadable(arguments, project) {
        return ExitCode::from(UNREADABLE);
    }
    let found = audited.findings.iter().any(|finding| arguments.fail_on.counts(finding));
    ExitCode::from(if found { FOUND } else { 0 })
}

/// What the fixes of the changed files do, and what else changes with them.
fn applied(changes: &fixes::Changes, audited: &Audited, tiers: Tiers) -> String {
    let changed = |file: &str| changes.files.iter().any(|change| change.file == file);
    text::fixes(audited.findings.iter().filter_map(|finding| {
        let fix = finding.fix.as_ref().filter(|fix| is_wanted(fix.tier, tiers))?;
        let there = match &fix.change {
            Change::Settings { file, .. } => changed(file),
            Change::Script { edits, .. } => edits.iter().any(|edit| changed(&edit.file)),
        };
        there.then_some((finding.container.as_str(), fix))
    }))
}

/// The changes as a patch on standard output; what there is to say of them, of what is left out and of what cannot
/// be read, beside it.
fn show_diff(
    changes: &fixes::Changes,
    audited: &Audited,
    project: &Project,
    tiers: Tiers,
    look: Look,
) {
    for change in &changes.files {
        print(&fixes::diff(change));
    }
    let mut said = applied(changes, audited, tiers);
    let left = text::fixes(audited.findings.iter().filter_map(|finding| {
        let fix = finding.fix.as_ref().filter(|fix| !is_wanted(fix.tier, tiers))?;
        Some((finding.container.as_str(), fix))
    }));
    if !left.is_empty() {
        said.push_str("left out (`--unsafe-fixes` takes these too):\n");
        said.push_str(&left);
    }
    if !said.is_empty() {
        say(said.trim_end());
    }
    for error in &project.errors {
        say(text::error(error, look).trim_end());
    }
}

fn explain(name: &str) -> Result<ExitCode, Failure> {
    if name == "all" {
        for rule in RULES {
            print(&format!("{:24} {}\n", rule.name, rule.summary));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let Some(rule) = rule(name) else {
        let names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
        return Err(Failure::new(format!("there is no rule `{name}`"))
            .help(format!("the rules are {}", names.join(", "))));
    };
    print(rule.page);
    Ok(ExitCode::SUCCESS)
}

/// Whether a fix of this tier is asked for.
pub(crate) const fn is_wanted(tier: FixTier, tiers: Tiers) -> bool {
    match tier {
        FixTier::Safe => tiers.safe,
        FixTier::Unsafe => tiers.unsafe_too,
    }
}
