//! What an engine says of a container that it has.

use super::Docker;
use super::deaf::is_deaf;
use crate::command::TrialError;
use serde_json::Value;

/// A container at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    /// Whether its first process runs, and is not about to be started anew.
    pub runs: bool,
    /// How it ended, if it has.
    pub exit_code: i64,
    /// What the image's own health check says, if there is one.
    pub health: Option<String>,
    /// Its whole id.
    pub id: String,
    /// The process id of its first process, on the engine's machine.
    pub pid: String,
    /// The signal that is to end it; empty where the engine does not say.
    pub stop_signal: String,
}

impl Docker {
    /// How a container is now.
    ///
    /// # Errors
    /// The engine fails.
    pub(super) fn state(&self, container: &str) -> Result<State, TrialError> {
        // All of it in one answer: a client takes longer to start than to write it.
        let said = self.must(&["inspect", "--format", "{{json .}}", container])?;
        let said: Value = serde_json::from_str(&said)
            .map_err(|error| TrialError::Engine(format!("inspect: {error}")))?;
        // Podman takes it for `--format json`, and answers with a list.
        Ok(State::read(said.get(0).unwrap_or(&said), container))
    }
}

impl State {
    /// Whether it will not end when it is asked to, by SIGTERM.
    pub fn is_deaf(&self) -> bool {
        ["", "SIGTERM", "TERM", "15"].contains(&self.stop_signal.as_str())
            && is_deaf(&self.pid, &self.id)
    }

    /// Not each engine says each of these words, nor says each as a string.
    fn read(said: &Value, name: &str) -> Self {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let state = &said["State"];
        let health = text(&state["Health"]["Status"]);
        let id = text(&said["Id"]);
        Self {
            runs: state["Running"] == true && state["Restarting"] != true,
            exit_code: state["ExitCode"].as_i64().unwrap_or_default(),
            health: (!health.is_empty()).then_some(health),
            id: if id.is_empty() { name.to_owned() } else { id },
            pid: text(&state["Pid"]),
            stop_signal: text(&said["Config"]["StopSignal"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn engines_say_it_in_different_words() {
        let docker = json!({
            "Id": "abc", "Config": { "StopSignal": "SIGQUIT" },
            "State": { "Running": true, "Restarting": false, "ExitCode": 0, "Pid": 7,
                       "Health": { "Status": "starting" } },
        });
        let state = State::read(&docker, "name");
        assert!(state.runs && state.health.as_deref() == Some("starting"), "{state:?}");
        assert_eq!((state.id.as_str(), state.pid.as_str()), ("abc", "7"));
        assert_eq!(state.stop_signal, "SIGQUIT");

        let podman = json!({
            "Config": { "StopSignal": 15 },
            "State": { "Running": true, "Restarting": true, "ExitCode": 3, "Health": { "Status": "" } },
        });
        let state = State::read(&podman, "name");
        assert_eq!((state.runs, state.exit_code, state.health.as_deref()), (false, 3, None));
        assert_eq!((state.id.as_str(), state.stop_signal.as_str()), ("name", "15"));
    }
}
