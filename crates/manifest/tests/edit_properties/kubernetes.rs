//! Edits of random Kubernetes manifests in many styles: exactly what is wanted, and nothing else.

use crate::edited;
use crate::random_pod::{CAPABILITIES, file};
use dropcap_manifest::{Container, Spanned, Wanted, read};
use proptest::prelude::*;

fn wanted() -> impl Strategy<Value = Wanted> {
    let list = || {
        let names = prop::sample::subsequence(CAPABILITIES.to_vec(), 0..=3);
        prop::option::of(names.prop_map(|names| names.into_iter().map(str::to_owned).collect()))
    };
    (list(), list(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(cap_drop, cap_add, no_privilege_escalation, unprivileged, user)| Wanted {
            cap_drop,
            cap_add,
            no_privilege_escalation,
            unprivileged,
            user: user.then(|| "1000".to_owned()),
            ..Wanted::default()
        },
    )
}

/// Everything of a container but its places, by values that this test picks itself.
fn values(container: &Container) -> impl PartialEq + std::fmt::Debug + '_ {
    let settings = &container.settings;
    (
        container.id.as_str(),
        settings.user.as_ref().map(|user| user.value.as_str()),
        settings.privileged.as_ref().map(|it| it.value),
        settings.allow_privilege_escalation.as_ref().map(|it| it.value),
        settings.cap_add.iter().map(|item| item.value.as_str()).collect::<Vec<_>>(),
        settings.cap_drop.iter().map(|item| item.value.as_str()).collect::<Vec<_>>(),
        settings.command.as_ref().map(|words| &words.value),
    )
}

/// Whether a text is JSON, as strictly as its own grammar: keys and words in quotes, no comma too many.
fn is_json(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut last = ' ';
    let mut rest = text.trim_start_matches('\u{feff}').chars();
    while let Some(character) = rest.next() {
        match character {
            '"' => {
                if matches!(last, '"' | '}' | ']' | 'w') || rest.by_ref().all(|it| it != '"') {
                    return false;
                }
            }
            '{' | '[' => depth += 1,
            '}' | ']' if depth > 0 && !matches!(last, ',' | ':') => depth -= 1,
            ',' | ':' if !matches!(last, ',' | ':' | '{' | '[') => {}
            'a'..='z' | '0'..='9' if matches!(last, 'w') => continue,
            'a'..='z' | '0'..='9' if last == ':' => {
                last = 'w';
                continue;
            }
            ' ' | '\n' | '\r' => continue,
            _ => return false,
        }
        last = character;
    }
    depth == 0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edit_does_what_is_wanted_and_nothing_else(file in file(), wanted in wanted(), which in any::<prop::sample::Index>()) {
        let name = if file.json { "pod.json" } else { "pod.yaml" };
        let text = file.text();
        let before = read(name, text.as_bytes());
        prop_assert_eq!(&before.errors, &[], "{}", text);
        prop_assert_eq!(before.containers.len(), file.containers.len());
        let which = which.index(file.containers.len());
        prop_assert_eq!(&before.containers[which].id, &format!("{name}#default/Pod/p/c{which}"));
        let (new, after) = edited(name, &text, &before, which, &wanted)?;
        let (old, container) = (&before.containers[which], &after.containers[which]);
        let settings = &container.settings;
        let flag = |it: &Option<Spanned<bool>>| it.as_ref().map(|it| it.value);
        let escalation = if wanted.no_privilege_escalation { Some(false) } else { flag(&old.settings.allow_privilege_escalation) };
        prop_assert_eq!(flag(&settings.allow_privilege_escalation), escalation, "{}", new);
        let privileged = flag(&old.settings.privileged).map(|was| was && !wanted.unprivileged);
        prop_assert_eq!(flag(&settings.privileged), privileged, "{}", new);
        let user = wanted.user.as_ref().or(old.settings.user.as_ref().map(|user| &user.value));
        prop_assert_eq!(settings.user.as_ref().map(|user| &user.value), user, "{}", new);

        // Everything else is as it was.
        for (index, (old, new)) in before.containers.iter().zip(&after.containers).enumerate() {
            if index != which {
                prop_assert_eq!(values(old), values(new));
            }
        }
        let comments = |text: &str| text.lines().filter(|line| line.trim_start().starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
        prop_assert_eq!(comments(&text), comments(&new), "every comment that has a line of its own stays");
        prop_assert_eq!(new.matches("\r\n").count() == new.matches('\n').count(), file.crlf || !new.contains('\n'), "{:?}", new);
        prop_assert_eq!(new.starts_with('\u{feff}'), file.mark);
        prop_assert!(!file.json || is_json(&text), "{}", text);
        prop_assert!(!file.json || is_json(&new), "{}", new);

    }
}

#[test]
fn what_is_no_json_is_told_from_it() {
    for (text, expected) in [
        ("{\"a\": [\"b\", \"c\"], \"d\": 5, \"e\": {}}", true),
        ("{a: 1}", false),
        ("{\"a\": [b]}", false),
        ("{\"a\": 1,}", false),
        ("{\"a\": \"b\" \"c\"}", false),
        ("{\"a\": 1", false),
        ("{,\"a\": 1}", false),
    ] {
        assert_eq!(is_json(text), expected, "{text}");
    }
}
