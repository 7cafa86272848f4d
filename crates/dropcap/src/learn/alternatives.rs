//! What would do in place of a capability, each tried apart: proposals, with what would have to change.

use super::record::Alternative;
use super::search::Found;
use crate::failure::Failure;
use dropcap_capability::{Capability, CapabilitySet};
use dropcap_observe::Trial;
use dropcap_observe::command::TrialError;
use dropcap_observe::docker::{ContainerTrial, Owners};

/// The sysctl by which ports below 1024 need no capability.
const LOW_PORTS: &str = "--sysctl=net.ipv4.ip_unprivileged_port_start=0";
const ROOT: &str = "0:0";

/// Tries each that may help this container with this least set.
pub fn alternatives(trial: &ContainerTrial, found: &Found) -> Result<Vec<Alternative>, Failure> {
    let mut proposals = Proposals { trial, found, made: Vec::new() };
    proposals
        .try_all()
        .map_err(|error| Failure::new("an alternative cannot be tried").because(error))?;
    Ok(proposals.made)
}

struct Proposals<'a> {
    trial: &'a ContainerTrial,
    found: &'a Found,
    made: Vec<Alternative>,
}

impl Proposals<'_> {
    fn try_all(&mut self) -> Result<(), TrialError> {
        let needed = self.found.minimum.needed;
        let ids = CapabilitySet::from(Capability::SETUID).with(Capability::SETGID);
        let low_ports = match self.trial.is_pod {
            true => {
                "it works with the pod's sysctl net.ipv4.ip_unprivileged_port_start=0, which containerd \
                 sets itself from 2.0 on"
            }
            false => "it works with the sysctl net.ipv4.ip_unprivileged_port_start=0",
        };
        self.propose(Capability::NET_BIND_SERVICE.into(), &[], Some(LOW_PORTS), low_ports)?;
        if let Some(user) = image_user(self.trial) {
            let change = match self.trial.is_pod {
                true => format!("it works as the image's own user, {user}"),
                false => format!("it works as the image's own user: `user: {user}`"),
            };
            self.propose(ids, &[], Some(&format!("--user={user}")), &change)?;
        }
        if (needed & ids.with(Capability::CHOWN)).is_empty() {
            return Ok(());
        }
        let Some(Owners { process, mut places }) = self.trial.owners(needed, &self.found.usual)?
        else {
            return Ok(());
        };
        places.retain(|(_, owner)| owner != ROOT);
        let prepared = says(&places);
        if !places.is_empty() {
            let change = format!("it works where, before it starts, {prepared}");
            self.propose(Capability::CHOWN.into(), &places, None, &change)?;
        }
        if process != ROOT {
            let whom = match process.split_once(':').filter(|_| self.trial.is_pod) {
                Some((user, group)) => format!("runAsUser: {user}, runAsGroup: {group}"),
                None => format!("user: \"{process}\""),
            };
            let mut change = format!("it works as whom it becomes: `{whom}`");
            if !places.is_empty() {
                change.push_str(&format!(", where, before it starts, {prepared}"));
            }
            self.propose(needed, &places, Some(&format!("--user={process}")), &change)?;
        }
        Ok(())
    }

    /// Tries it without `instead_of`, with these owners of places and this flag.
    fn propose(
        &mut self,
        instead_of: CapabilitySet,
        owned: &[(String, String)],
        flag: Option<&str>,
        change: &str,
    ) -> Result<(), TrialError> {
        let (trial, needed) = (self.trial, self.found.minimum.needed);
        let instead_of = instead_of & needed;
        if instead_of.is_empty() {
            return Ok(());
        }
        let mut other = ContainerTrial::new(
            trial.docker.clone(),
            trial.container.clone(),
            &trial.test,
            &trial.session,
        );
        other.owned = owned.to_vec();
        other.container.flags.extend(flag.map(str::to_owned));
        other.dependencies.clone_from(&trial.dependencies);
        other.is_pod = trial.is_pod;
        other.container.alias.push_str("-other");
        (other.no_new_privileges, other.limit) = (trial.no_new_privileges, trial.limit);
        let run = other.live(needed - instead_of, &self.found.usual)?;
        if run.outcome.passed() {
            self.made.push(Alternative { instead_of, change: change.to_owned() });
        }
        Ok(())
    }
}

/// `/data belongs to 33:33, /run/x to 0:33`
fn says(places: &[(String, String)]) -> String {
    let each: Vec<String> = places
        .iter()
        .enumerate()
        .map(|(at, (place, owner))| {
            format!("{place} {}to {owner}", if at == 0 { "belongs " } else { "" })
        })
        .collect();
    each.join(", ")
}

/// The user that the image names, where that is not root and the container names another.
fn image_user(trial: &ContainerTrial) -> Option<String> {
    let named = trial.container.flags.iter().any(|flag| flag.starts_with("--user="));
    let user = trial.docker.image_user(&trial.container.image).ok()?;
    (named && !user.is_empty() && user != "root" && user != "0").then_some(user)
}
