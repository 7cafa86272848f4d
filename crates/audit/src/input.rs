//! What an audit is about, as the caller has read it.

use crate::PolicyPlace;
use dropcap_capability::Executable;
use dropcap_engine::EngineVersion;
use dropcap_image::Image;
use dropcap_manifest::{Container, Document, Engine, Kind};
use dropcap_policy::{Date, Policy};
use std::collections::HashMap;

/// An image whose root directory has been read.
#[derive(Debug)]
pub struct ReadImage {
    /// The reference that it is, as a manifest writes it; `None`: whichever image is asked for.
    pub reference: Option<String>,
    /// What was read.
    pub image: Image,
}

/// What is known of the privileged executables under a host path that containers mount.
#[derive(Debug, Clone)]
pub struct Mounted {
    /// The container's id.
    pub container: String,
    /// Where it is mounted.
    pub target: String,
    /// The privileged executables there; an empty list where there is none.
    pub executables: Vec<Executable>,
}

/// Everything that an audit looks at.
#[derive(Debug, Default)]
pub struct Input {
    /// The containers of the tree, joined.
    pub containers: Vec<Container>,
    /// The documents that they were read from, with their scripts' steps.
    pub documents: Vec<Document>,
    /// The files themselves by the name that they are shown with, for places and edits.
    pub sources: HashMap<String, Vec<u8>>,
    /// Images that were read.
    pub images: Vec<ReadImage>,
    /// Host paths that were looked into.
    pub mounted: Vec<Mounted>,
    /// The digests of images that were not read, by their reference: an engine here has them.
    pub digests: HashMap<String, Vec<String>>,
    /// What may be held, and what is waived.
    pub policy: Option<Policy>,
}

/// How to look.
#[derive(Debug, Clone)]
pub struct Options {
    /// The engine to take for every container, in place of the one that its file is written for.
    pub engine: Option<EngineVersion>,
    /// The day on which waivers are judged.
    pub today: Date,
    /// Where the policy lies.
    pub policy_place: PolicyPlace,
    /// A static `dropcap` of this machine that containers can be given, by its path; `None` where there is
    /// none.
    pub dropcap: Option<String>,
    /// Whether the edits of fixes are worked out too; without, a fix only says what it would do.
    pub edits: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            engine: None,
            today: Date::today(),
            policy_place: Default::default(),
            dropcap: None,
            edits: true,
        }
    }
}

impl Options {
    /// The engine and version to take for `container`. A command line names its engine itself, so
    /// only the version can be another for it; no kubelet reads a Compose file, and no Docker a pod.
    pub fn engine_for(&self, container: &Container) -> EngineVersion {
        let written = container.engine;
        match self.engine {
            Some(asked) if asked.engine == written => asked,
            // OpenShell stands on Docker.
            Some(asked) if written == Engine::OpenShell && asked.engine == Engine::Docker => {
                EngineVersion { engine: written, ..asked }
            }
            Some(asked)
                if container.kind == Kind::Compose && asked.engine == Engine::Containerd =>
            {
                EngineVersion::default_for(written)
            }
            Some(asked) if container.kind != Kind::CommandLine && written != Engine::Containerd => {
                asked
            }
            _ => EngineVersion::default_for(written),
        }
    }
}

impl Options {
    /// A container's id as the policy's globs see it.
    #[must_use]
    pub fn policy_id(&self, id: &str) -> String {
        self.policy_place.id(id)
    }
}

impl Input {
    /// The image of `container`, if it was read.
    pub fn image_of(&self, container: &Container) -> Option<&Image> {
        let named = container.image.as_ref().map(|image| image.value.as_str());
        let same = |read: &&ReadImage| named.is_some() && read.reference.as_deref() == named;
        let any = |read: &&ReadImage| read.reference.is_none();
        self.images
            .iter()
            .find(same)
            .or_else(|| self.images.iter().find(any))
            .map(|read| &read.image)
    }

    /// Every digest by which the image of `container` is known: that it is pinned by, that was read, and
    /// those that an engine here has for its reference.
    pub fn digests_of<'a>(&'a self, container: &'a Container) -> Vec<&'a str> {
        let reference = container.image.as_ref().map(|image| image.value.as_str());
        let pinned = reference.and_then(|reference| reference.split_once('@'));
        let read = self.image_of(container).and_then(|image| image.digest.as_deref());
        let known = reference.and_then(|reference| self.digests.get(reference));
        let known = known.into_iter().flatten().map(String::as_str);
        pinned.map(|(_, digest)| digest).into_iter().chain(read).chain(known).collect()
    }

    /// The bytes of the file that is shown as `path`.
    pub fn source(&self, path: &str) -> Option<&[u8]> {
        self.sources.get(path).map(Vec::as_slice)
    }
}
