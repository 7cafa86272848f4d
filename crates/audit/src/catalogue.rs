//! What the catalogue says of a container: it was learnt for what runs there, or for something of the same name.

use crate::States;
use crate::fix::LOW_PORTS;
use dropcap_engine::EngineVersion;
use dropcap_image::Image;
use dropcap_manifest::{Container, Engine, Settings, Spanned};
use dropcap_policy::{Entry, Package, catalogue, image_name};

/// What is known of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// The entry was learnt on the same version of the same packages, started in the same way.
    Learnt(&'static Entry),
    /// The entry is about the same program, and for this reason, the end of a sentence, does not count.
    Differs(&'static Entry, &'static str),
}

/// A container, as far as it bears on whether an entry speaks of it.
pub(crate) struct Candidate<'a> {
    /// As it is written.
    pub container: &'a Container,
    /// As it starts.
    pub states: &'a States,
    /// Its image, if it was read.
    pub image: Option<&'a Image>,
    /// Who starts it.
    pub engine: &'a EngineVersion,
}

impl Candidate<'_> {
    /// The entry that was learnt for this container, else the closest that is about the same program.
    pub fn look_up(&self) -> Option<Known> {
        let name = self.container.image.as_ref().map_or("", |image| image_name(&image.value));
        let about: Vec<&Entry> =
            catalogue().iter().filter(|entry| entry.is_called(name) || self.runs(entry)).collect();
        if let Some(entry) = about.iter().find(|entry| self.difference(entry).is_none()) {
            return Some(Known::Learnt(entry));
        }
        let distance =
            |entry: &&&Entry| (entry.user.is_empty() != self.states.is_root(), entry.name != name);
        let closest = about.iter().min_by_key(distance)?;
        Some(Known::Differs(closest, self.difference(closest)?))
    }

    /// Whether it starts the program of the entry, and has its packages in some version.
    fn runs(&self, entry: &Entry) -> bool {
        let (Some(image), Some(program)) = (self.image, entry.command.first()) else {
            return false;
        };
        let has = |name: &str| image.packages.version(name).is_some();
        self.words().is_some_and(|words| words.first() == Some(program))
            && entry.packages.iter().all(|package| has(&package.name))
    }

    /// What stands between the entry and this container, as the end of the sentence "it does not count here: …".
    fn difference(&self, entry: &Entry) -> Option<&'static str> {
        let Some(image) = self.image else { return Some("its image was not read") };
        let same = |package: &Package| {
            image.packages.version(&package.name) == Some(package.version.as_str())
        };
        let settings = &self.container.settings;
        if !image.warnings.is_empty() || !self.container.unknowns.is_empty() {
            Some("its image and its settings are not all known")
        } else if image.packages.is_empty() {
            Some("its image has no list of Debian packages")
        } else if !entry.packages.iter().all(same) {
            Some("its image has other packages, or other versions of them")
        } else if entry.command.is_empty() || self.words().as_ref() != Some(&entry.command) {
            Some("it is started with another command")
        } else if !self.has_user_of(entry, image) {
            Some("it is started as another user")
        } else if !self.has_ports_of(entry) {
            Some("it was learnt where Docker opens the ports below 1024 to everybody")
        } else if settings
            .mounts
            .iter()
            .any(|mount| mount.bind || mount.tmpfs || !entry.volumes.contains(&mount.target))
        {
            Some("what is mounted in it was not there")
        } else if settings.host_users.as_ref().is_some_and(|host_users| !host_users.value)
            || is_set(&settings.pid)
            || is_set(&settings.ipc)
            || is_set(&settings.userns)
        {
            Some("it has other namespaces")
        } else if settings.privileged.as_ref().is_some_and(|privileged| privileged.value)
            || settings.cap_add.iter().any(|word| !adds_within(word, entry))
        {
            Some("it asks for more")
        } else if !entry.allow.is_subset(self.states.bounding()) {
            Some("it has less than that already")
        } else {
            None
        }
    }

    /// The words that the engine starts: what is written, else the image's; `None` where the image's are not known.
    fn words(&self) -> Option<Vec<String>> {
        let Settings { entrypoint, command, .. } = &self.container.settings;
        let configured = self.image.and_then(|image| image.configured.as_ref());
        let written = command.as_ref().map(|words| words.value.clone());
        let (first, rest) = match entrypoint {
            // An entrypoint that is written takes the image's command away.
            Some(entrypoint) => (entrypoint.value.clone(), written.unwrap_or_default()),
            None => {
                let configured = configured?;
                let rest = written.unwrap_or_else(|| configured.command.clone());
                (configured.entrypoint.clone(), rest)
            }
        };
        Some(first.into_iter().chain(rest).collect())
    }

    fn has_user_of(&self, entry: &Entry, image: &Image) -> bool {
        let credentials = &self.states.first.credentials;
        image.users.resolve(&entry.user).is_ok_and(|user| {
            (user.uid, user.gid) == (credentials.uid.effective, credentials.gid.effective)
        })
    }

    fn has_ports_of(&self, entry: &Entry) -> bool {
        let settings = &self.container.settings;
        let open = |(name, value): &(String, String)| name == LOW_PORTS && value == "0";
        self.engine.engine == Engine::Docker
            && settings.network.as_ref().is_none_or(|network| network.value != "host")
            && (entry.low_ports_reserved || self.states.first.sysctls.iter().any(open))
    }
}

fn is_set(setting: &Option<Spanned<String>>) -> bool {
    setting.as_ref().is_some_and(|setting| !setting.value.is_empty())
}

/// Whether what a word adds is among what the entry needs.
fn adds_within(word: &Spanned<String>, entry: &Entry) -> bool {
    dropcap_capability::parse_capability(&word.value).is_ok_and(|one| entry.allow.contains(one))
}

impl Known {
    /// What there is to say of it beside a fix.
    pub fn note(self) -> String {
        let of = |entry: &Entry| {
            let packages = entry.packages.iter();
            let packages: Vec<_> =
                packages.map(|one| format!("{} {}", one.name, one.version)).collect();
            packages.join(", ")
        };
        match self {
            Self::Learnt(entry) => format!(
                "learnt on {}, started as this is, with Debian's configuration or the one of \
                 docs/catalogue.md#{}: with another it may need more",
                of(entry),
                entry.name
            ),
            Self::Differs(entry, why) => format!(
                "the catalogue has learnt something like it, {}, which needs {} \
                 (docs/catalogue.md#{}); that does not count here: {why}",
                of(entry),
                if entry.allow.is_empty() { "nothing".to_owned() } else { entry.allow.to_string() },
                entry.name
            ),
        }
    }
}
