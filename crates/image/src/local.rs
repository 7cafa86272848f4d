//! Images of an engine on this machine, through its API.
//!
//! Docker's Engine API, which Podman's service speaks too: `GET /images/NAME/json` says whether there
//! is such an image and what its id is, `GET /images/NAME/get` streams what `docker save` writes.

mod http;

use crate::archive;
use crate::error::shown;
use crate::{Fault, Image, ImageError};
use serde::Deserialize;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A question that the engine answers from memory.
const SOON: Duration = Duration::from_secs(10);
/// Docker before 25 writes the whole image down before its first byte.
const PATIENCE: Duration = Duration::from_secs(600);
/// What the answer to a question is far from.
const LONGEST_ANSWER: u64 = 4 << 20;
/// Longer names are none.
const LONGEST_NAME: usize = 512;

/// An engine that may be running on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalEngine {
    socket: PathBuf,
}

/// What is wanted of an image's description.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Description {
    id: String,
}

/// What the engine says when it refuses.
#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl LocalEngine {
    /// The engine with this socket.
    pub fn at(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// The engines whose sockets lie where they usually do: Docker's, or the one that `DOCKER_HOST`
    /// names, then Podman's, root's and the caller's own. One that is not on this machine is never
    /// asked.
    pub fn all() -> Vec<Self> {
        let docker = match std::env::var("DOCKER_HOST") {
            Ok(host) if !host.is_empty() => host.strip_prefix("unix://").map(PathBuf::from),
            _ => Some("/var/run/docker.sock".into()),
        };
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let podman = [Some("/run".into()), runtime];
        let podman = podman.into_iter().flatten().map(|run| run.join("podman/podman.sock"));
        docker.into_iter().chain(podman).filter(|socket| socket.exists()).map(Self::at).collect()
    }

    /// The id of an image, or `None` where there is none of this name.
    ///
    /// # Errors
    /// [`ImageError::NoEngine`], [`ImageError::Engine`].
    pub fn id(&self, reference: &str) -> Result<Option<String>, ImageError> {
        if !is_reference(reference) {
            return Ok(None);
        }
        let answer = self.get(&format!("/images/{reference}/json"), SOON)?;
        let (status, body) = (answer.status, answer.text()?);
        match status {
            200 => match serde_json::from_str::<Description>(&body) {
                Ok(description) => Ok(Some(description.id)),
                Err(error) => Err(Fault::Json(error).at(self.to_string())),
            },
            404 => Ok(None),
            _ => Err(self.refused(status, &body)),
        }
    }

    /// Reads an image; `None` where there is none of this name.
    ///
    /// # Errors
    /// [`ImageError::NoEngine`], [`ImageError::Engine`], [`ImageError::Faulty`].
    pub fn read(&self, reference: &str) -> Result<Option<Image>, ImageError> {
        let Some(id) = self.id(reference)? else { return Ok(None) };
        let place = format!("{self}: {reference}");
        let open = || {
            let answer = self.get(&format!("/images/{reference}/get"), PATIENCE)?;
            if answer.status != 200 {
                return Err(self.refused(answer.status, &answer.text()?));
            }
            Ok(archive::stream(answer.body))
        };
        let mut image = archive::read_stream(&place, open, Some(reference))?;
        image.digest = Some(id);
        Ok(Some(image))
    }

    fn get(&self, path: &str, patience: Duration) -> Result<http::Answer, ImageError> {
        http::get(&self.socket, path, patience).map_err(|error| match error {
            http::Error::Silent(error) => ImageError::NoEngine(format!("{self}: {error}")),
            http::Error::Strange(message) => {
                ImageError::Engine { engine: self.to_string(), message: message.to_owned() }
            }
        })
    }

    fn refused(&self, status: u16, body: &str) -> ImageError {
        let message = serde_json::from_str::<Refusal>(body).map_or_else(
            |_| format!("status {status}"),
            |refusal| shown(refusal.message.as_bytes()),
        );
        ImageError::Engine { engine: self.to_string(), message }
    }

    /// Its socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl fmt::Display for LocalEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.socket.display())
    }
}

impl http::Answer {
    fn text(self) -> Result<String, ImageError> {
        let mut bytes = Vec::new();
        let outcome = self.body.take(LONGEST_ANSWER).read_to_end(&mut bytes);
        outcome.map_err(|error| ImageError::NoEngine(error.to_string()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Reads the image that a local engine calls `reference`: the target `image:REF`. Engines are asked in
/// the order of [`LocalEngine::all`].
///
/// # Errors
/// [`ImageError::NoEngine`] where none answers, [`ImageError::Engine`] where none has it, and what
/// [`LocalEngine::read`] gives.
pub fn read_local(reference: &str) -> Result<Image, ImageError> {
    let engines = LocalEngine::all();
    let (mut asked, mut silent) = (Vec::new(), Vec::new());
    for engine in &engines {
        match engine.read(reference) {
            Ok(Some(image)) => return Ok(image),
            Ok(None) => asked.push(engine.to_string()),
            Err(ImageError::NoEngine(why)) => silent.push(why),
            Err(error) => return Err(error),
        }
    }
    if asked.is_empty() {
        silent.extend(engines.is_empty().then(|| "there is no socket of one".to_owned()));
        return Err(ImageError::NoEngine(silent.join("; ")));
    }
    let message = format!("there is no image `{}`", shown(reference.as_bytes()));
    Err(ImageError::Engine { engine: asked.join(", "), message })
}

/// Whether it can be the name of an image; it becomes part of a request.
fn is_reference(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte);
    let name = !text.is_empty() && text.len() <= LONGEST_NAME && text.bytes().all(plain);
    // `..` would be another question.
    name && !text.contains("..") && !text.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::is_reference;

    #[test]
    fn a_reference_is_nothing_but_one() {
        for good in ["nginx", "localhost:5000/a/b_c:1.2", "a@sha256:00"] {
            assert!(is_reference(good), "{good}");
        }
        for bad in ["", "a b", "a\r\nHost: x", "../containers", "/a", "${TAG}", "a?x=1", "a%2f"] {
            assert!(!is_reference(bad), "{bad}");
        }
    }
}
