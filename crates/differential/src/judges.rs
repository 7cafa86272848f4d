//! Judges that watch the model decide, and judges that make it decide wrongly.

use crate::case::Kind;
use dropcap_capability::branch::{Branch, Judge};

/// Keeps what was decided, in its order.
#[derive(Debug, Default)]
pub(crate) struct Recorder(pub(crate) Vec<(Branch, bool)>);

impl Judge for Recorder {
    fn decide(&mut self, branch: Branch, condition: bool) -> bool {
        self.0.push((branch, condition));
        condition
    }
}

/// Decides one question the wrong way round.
#[derive(Debug)]
pub(crate) struct Inverter(pub(crate) Branch);

impl Judge for Inverter {
    fn decide(&mut self, branch: Branch, condition: bool) -> bool {
        condition != (branch == self.0)
    }
}

/// A mistake put into the model on purpose: the test of the test is that the kernel contradicts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    /// One decision of a rule falls the wrong way.
    Inverted(Branch),
    /// The operation changes nothing and cannot fail.
    WithoutEffect(Kind),
    /// The rules are those of a kernel on the other side of a change: 6.1 for a newer one, the
    /// newest for an older one.
    OtherKernel,
}

impl Mutation {
    /// Every one.
    pub fn all() -> Vec<Self> {
        Branch::ALL
            .iter()
            .map(|branch| Self::Inverted(*branch))
            .chain(Kind::WEIGHTS.iter().map(|(_, kind)| Self::WithoutEffect(*kind)))
            .chain([Self::OtherKernel])
            .collect()
    }

    /// As the report shows it.
    pub fn name(self) -> String {
        match self {
            Self::Inverted(branch) => branch.name().to_owned(),
            Self::WithoutEffect(kind) => format!("{} without effect", kind.name()),
            Self::OtherKernel => "rules of another kernel".to_owned(),
        }
    }
}
