//! The digests of images that the engine here has: what a policy's evidence is compared with.

use dropcap_audit::{Input, Options};
use std::collections::HashMap;

/// Asks for the images of those containers whose workload has evidence of an image; of no others, so
/// that files alone never need an engine. One that does not answer knows none.
#[cfg(target_os = "linux")]
pub(crate) fn known(input: &Input, options: &Options) -> HashMap<String, Vec<String>> {
    use dropcap_manifest::Engine;
    use dropcap_observe::docker::{Client, Docker};
    let Some(policy) = &input.policy else { return HashMap::new() };
    let (mut docker, mut podman) = (None, None);
    let mut known = HashMap::new();
    for container in &input.containers {
        let Some(image) = container.image.as_ref().map(|image| image.value.as_str()) else {
            continue;
        };
        let workload = policy.workload_for(&options.policy_id(&container.id), Some(image));
        let learned = workload.and_then(|one| one.provenance.as_ref()?.image_digest.as_ref());
        if learned.is_none() || known.contains_key(image) {
            continue;
        }
        let (found, client) = match container.engine {
            Engine::Podman => (&mut podman, Client::Podman),
            Engine::Docker | Engine::OpenShell | Engine::Containerd => {
                (&mut docker, Client::Docker)
            }
        };
        let engine = found.get_or_insert_with(|| Docker::find_by(client).ok());
        if let Some(Ok((_, digests))) = engine.as_ref().map(|engine| engine.image(image)) {
            known.insert(image.to_owned(), digests);
        }
    }
    known
}

/// No engine is asked elsewhere.
#[cfg(not(target_os = "linux"))]
pub(crate) fn known(_input: &Input, _options: &Options) -> HashMap<String, Vec<String>> {
    HashMap::new()
}
