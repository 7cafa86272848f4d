//! From the file's text to what it means, or to the place of the first thing that is wrong.

use crate::document::{self, Document};
use crate::matching::{Match, Pattern};
use crate::{Date, Evidence, ParseError, Policy, Provenance, Waiver, Workload};
use dropcap_capability::{Capability, CapabilitySet, parse_capability};
use std::collections::BTreeMap;
use toml::Spanned;
use toml::value::Datetime;

/// The version of the file's schema that is understood.
const VERSION: i64 = 1;

/// As [`Policy::parse`].
pub(crate) fn read(text: &str) -> Result<Policy, ParseError> {
    let document: Document = toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        ParseError::at(text, start, error.message().replace("unknown field", "unknown key"))
    })?;
    Reader { text }.policy(document)
}

/// The text at hand, for places.
struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn error<T>(&self, at: &Spanned<T>, message: impl Into<String>) -> ParseError {
        ParseError::at(self.text, at.span().start, message)
    }

    fn policy(&self, document: Document) -> Result<Policy, ParseError> {
        if *document.version.get_ref() != VERSION {
            let message = format!(
                "version {} is not understood; this dropcap reads version {VERSION}",
                document.version.get_ref()
            );
            return Err(self.error(&document.version, message));
        }
        let mut workloads: Vec<Workload> = Vec::with_capacity(document.workload.len());
        for written in document.workload {
            let name = written.name.get_ref();
            if workloads.iter().any(|workload| workload.name == *name) {
                return Err(self.error(&written.name, format!("a second workload `{name}`")));
            }
            workloads.push(self.workload(written)?);
        }
        let waivers = document.waiver.into_iter().map(|written| self.waiver(written));
        Ok(Policy { path: None, workloads, waivers: waivers.collect::<Result<_, _>>()? })
    }

    fn workload(&self, written: document::Workload) -> Result<Workload, ParseError> {
        if written.name.get_ref().is_empty() {
            return Err(self.error(&written.name, "a workload needs a name"));
        }
        let mut evidence = BTreeMap::new();
        for (name, one) in written.evidence {
            let capability = self.capability(&name)?;
            let read =
                Evidence { verdict: one.verdict, because: one.because, accepted: one.accepted };
            if evidence.insert(capability, read).is_some() {
                return Err(self.error(&name, format!("evidence for {capability} a second time")));
            }
        }
        Ok(Workload {
            allow: self.capabilities(&written.allow)?,
            setup: self.capabilities(&written.setup)?,
            matches: written
                .matches
                .iter()
                .map(|one| self.one_match(one))
                .collect::<Result<_, _>>()?,
            provenance: written.provenance.map(|one| self.provenance(one)).transpose()?,
            name: written.name.into_inner(),
            no_new_privileges: written.no_new_privileges,
            user_namespaces: written.user_namespaces,
            test: written.test,
            evidence,
        })
    }

    fn capabilities(&self, words: &[Spanned<String>]) -> Result<CapabilitySet, ParseError> {
        words.iter().map(|word| self.capability(word)).collect()
    }

    fn capability(&self, word: &Spanned<String>) -> Result<Capability, ParseError> {
        parse_capability(word.get_ref()).map_err(|error| self.error(word, error.to_string()))
    }

    fn pattern(&self, glob: &Spanned<String>) -> Result<Pattern, ParseError> {
        Pattern::new(glob.get_ref())
            .map_err(|error| self.error(glob, format!("not a glob: {}", error.kind())))
    }

    fn one_match(&self, written: &Spanned<document::Match>) -> Result<Match, ParseError> {
        let document::Match { container, image, name, label, annotation, compose, kubernetes } =
            written.get_ref();
        let one_key = "an entry of `match` has one key: `container`, `image`, `name`, `label`, \
                       `annotation`, `compose` or `kubernetes`; write an entry for each";
        let is_pair = |glob: &&Spanned<String>| glob.get_ref().contains('=');
        if let Some(glob) = label.iter().chain(annotation).find(|glob| !is_pair(glob)) {
            return Err(self.error(glob, "a glob over KEY=VALUE is asked for here"));
        }
        type Kind = fn(Pattern) -> Match;
        let keys: [(&Option<Spanned<String>>, Kind); 7] = [
            (container, Match::Container),
            (image, Match::Image),
            (name, Match::Name),
            (label, Match::Label),
            (annotation, Match::Annotation),
            (compose, Match::Compose),
            (kubernetes, Match::Kubernetes),
        ];
        let mut given = keys.into_iter().filter_map(|(glob, kind)| Some((glob.as_ref()?, kind)));
        match (given.next(), given.next()) {
            (Some((glob, kind)), None) => Ok(kind(self.pattern(glob)?)),
            _ => Err(self.error(written, one_key)),
        }
    }

    fn provenance(&self, written: document::Provenance) -> Result<Provenance, ParseError> {
        for (digest, what) in [
            (&written.image_digest, "an image digest"),
            (&written.command_hash, "a command's hash"),
            (&written.script_hash, "a script's hash"),
        ] {
            if let Some(digest) = digest
                && !is_digest(digest.get_ref())
            {
                let message = format!("{what} is `sha256:` and 64 lower-case hexadecimal digits");
                return Err(self.error(digest, message));
            }
        }
        Ok(Provenance {
            image_digest: written.image_digest.map(Spanned::into_inner),
            command_hash: written.command_hash.map(Spanned::into_inner),
            script: written.script,
            script_hash: written.script_hash.map(Spanned::into_inner),
            engine: written.engine,
            kernel: written.kernel,
            phases: written.phases,
            date: written.date.map(|date| self.date(&date)).transpose()?,
        })
    }

    fn waiver(&self, written: document::Waiver) -> Result<Waiver, ParseError> {
        if written.reason.get_ref().trim().is_empty() {
            return Err(self.error(&written.reason, "a waiver needs a reason"));
        }
        Ok(Waiver {
            line: self.error(&written.rule, "").line,
            container: self.pattern(&written.container)?,
            rule: written.rule.into_inner(),
            reason: written.reason.into_inner(),
            until: written.until.map(|date| self.date(&date)).transpose()?,
        })
    }

    fn date(&self, written: &Spanned<Datetime>) -> Result<Date, ParseError> {
        match written.get_ref() {
            Datetime { date: Some(date), time: None, offset: None } => {
                Ok(Date { year: date.year, month: date.month, day: date.day })
            }
            _ => Err(self.error(written, "a day is asked for here, such as 2027-06-30")),
        }
    }
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}
