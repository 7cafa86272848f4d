//! `create`, `run` and `restore`: the container is made from a configuration of dropcap's.

use crate::bundle::{self, Folder};
use crate::capabilities::Sets;
use crate::checkpoint::{self, CheckpointError};
use crate::config::{self, FILE_NAME};
use crate::decide::{self, Decision, Process};
use crate::document::Object;
use crate::error::Error;
use crate::file::{self, Links};
use crate::grammar::{Flavour, Start};
use crate::judge::judge;
use crate::record::Subject;
use crate::{Context, Invocation, image, running, state};
use std::convert::Infallible;
use std::path::{Path, PathBuf};

/// The annotation that names criu a file of options, which overrule those of runc: other images, say
/// (`handleCriuConfigurationFile`).
const CRIU_OPTIONS: &str = "org.criu.config";

impl Invocation<'_> {
    pub(crate) fn start(
        &self,
        context: &Context<'_>,
        mut start: Start,
    ) -> Result<Infallible, Error> {
        let Context { settings, policy, flavour, global, .. } = context;
        let root = state::root(global, *flavour, &self.environment)?;
        let given = start.options.value("bundle").filter(|path| !path.is_empty());
        let given = PathBuf::from(given.unwrap_or("."));
        let engines = state::absolute(given)?;
        let named = start.options.value("config").unwrap_or(FILE_NAME);
        // crun looks for another file before it goes into the bundle.
        let path = match named {
            FILE_NAME => engines.join(FILE_NAME),
            other => state::absolute(other.into())?,
        };
        let text = file::read(&path, Links::Refuse)?;
        let mut config = Object::parse(&text, named)?;

        let known = running::known(&start.container, &config, policy)?;
        let mut decision = decide::decide(policy, settings.without_match, &known, Process::First);
        let image = match decision.observe {
            true => None,
            false => image::workload(&config, &engines, &known.all)?,
        };
        if let Some(workload) = &image {
            decision = decision.within_image(workload, Process::First);
        }
        let mut change = config::confine_container(&mut config, &decision, &engines)?;
        let container = start.container.clone();
        let subject = Subject { container: &container, root: &root, command: start.verb };
        if decision.observe {
            context.record(subject, &decision, &change)?;
            return self.replace(&settings.below, self.words.to_vec());
        }
        judge(&config.read("process")?.unwrap_or_default(), &decision)?;
        if start.verb == "restore" {
            let held = restored(&mut start, &config, &decision, *flavour)?;
            (change.before, change.after) = (held, held);
        }

        let mut annotations = config.read::<Object>("annotations")?.unwrap_or_default();
        annotations.remove(config::IMAGE);
        if let Some(kept) = image::kept(image.as_ref()) {
            annotations.set(config::IMAGE, &kept)?;
        }
        config.set("annotations", &annotations)?;
        let folder = Folder::new(&settings.state, &root);
        let ours = folder.write(&container, &config.to_text()?).map_err(Error::Bundle)?;
        from_bundle(&mut start, &engines, *flavour);
        start.options.remove(&["config"]);
        start.options.set("bundle", ours.to_string_lossy().into_owned());
        context.record(subject, &decision, &change)?;
        let mut words = context.words(start.verb);
        words.extend(start.options.words());
        words.push(container.into());
        self.replace(&settings.below, words).inspect_err(|_| {
            let _ = bundle::remove(&ours);
        })
    }
}

/// What the processes of a checkpoint hold, if the policy allows that. The runtime then takes the folder that was read.
fn restored(
    start: &mut Start,
    config: &Object,
    decision: &Decision,
    flavour: Flavour,
) -> Result<Sets, Error> {
    let refuse = |why: &str| Err(Error::Restore(why.to_owned()));
    // No package of Debian 12's has a crun that can.
    if flavour == Flavour::Crun {
        return refuse("what crun makes of that is not known");
    }
    if decision.no_new_privileges {
        return refuse("criu does not restore no_new_privs");
    }
    // Its filters are there, and who can tell what they close?
    if decision.close_user_namespaces {
        return refuse("nobody can tell whether its filters close user namespaces");
    }
    let annotations = config.read::<Object>("annotations")?.unwrap_or_default();
    if annotations.get(CRIU_OPTIONS)?.is_some() {
        return refuse("its configuration has criu read options of its own");
    }
    let given = start.options.value("image-path").filter(|path| !path.is_empty());
    let given = state::absolute(PathBuf::from(given.unwrap_or("checkpoint")))?;
    let folder = dropcap_policy::trusted_folder(&given).map_err(CheckpointError::Folder)?;
    let held = checkpoint::held(&folder)?;
    let beyond = held.all() - decision.allowed;
    if !beyond.is_empty() {
        return Err(Error::Restore(format!("this one holds {beyond} beyond what is allowed")));
    }
    start.options.set("image-path", folder.to_string_lossy().into_owned());
    Ok(held)
}

/// The paths that the runtime takes from the bundle's folder, into which it goes first.
fn from_bundle(start: &mut Start, bundle: &Path, flavour: Flavour) {
    let names = match flavour {
        Flavour::Runc => ["console-socket", "pidfd-socket"],
        Flavour::Crun => ["console-socket", "pid-file"],
    };
    for name in names {
        if let Some(path) = start.options.value(name).filter(|path| !path.is_empty()) {
            let path = bundle.join(path).to_string_lossy().into_owned();
            start.options.set(name, path);
        }
    }
}
