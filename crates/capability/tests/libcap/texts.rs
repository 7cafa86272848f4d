//! Random texts of each form: mostly well formed, then often with something wrong put in.

use dropcap_capability::Capability;
use dropcap_testkit::random::Random;

/// A list of clauses, `cap_chown,12+ep-i all=`.
pub fn state(random: &mut Random) -> String {
    let clauses: Vec<String> = (0..random.below(4)).map(|_| clause(random)).collect();
    let blank = random.one_of(&[" ", "  ", "\t", "\n", "\r\x0b\x0c"]);
    let mut text = clauses.join(blank);
    if random.chance(10) {
        text = format!("{blank}{text}{blank}");
    }
    if random.chance(30) { damaged(random, &text) } else { text }
}

fn clause(random: &mut Random) -> String {
    let listed = random.chance(85);
    let words: Vec<String> = (0..=random.below(4)).map(|_| word(random, true)).collect();
    let mut text = if listed { words.join(",") } else { String::new() };
    text.push_str(if listed { random.one_of(&["=", "+", "-", "=+", "=-"]) } else { "=" });
    text.push_str(flags(random));
    while listed && random.chance(25) {
        text.push_str(random.one_of(&["+", "-"]));
        text.push_str(flags(random));
    }
    text
}

fn flags(random: &mut Random) -> &'static str {
    random.one_of(&["e", "i", "p", "ei", "ep", "ip", "eip", "pie", "pp", "ep", ""])
}

/// A comma list with prefixes, `!%cap_chown,^12`.
pub fn iab(random: &mut Random) -> String {
    let prefixes = ["", "!", "^", "%", "!%", "!^", "^!", "%^", "!!", "%!^"];
    let words: Vec<String> = (0..random.below(6))
        .map(|_| format!("{}{}", random.one_of(&prefixes), word(random, false)))
        .collect();
    let text = words.join(",") + random.one_of(&["", "", "", ",", ",!", "^"]);
    if random.chance(30) { damaged(random, &text) } else { text }
}

/// A capability in one of its spellings; sometimes one that is none.
fn word(random: &mut Random, with_all: bool) -> String {
    let known = random.one_of(Capability::KNOWN).to_string();
    let limit = if random.chance(90) { 64 } else { 70 };
    let number = random.below(limit);
    match random.below(20) {
        0..10 => known.to_ascii_lowercase(),
        10..12 => known,
        12..14 => number.to_string(),
        14 => format!("{number:#x}"),
        15 => format!("0{number:o}"),
        16 if with_all => random.one_of(&["all", "ALL", "All"]).to_owned(),
        17 => random
            .one_of(&[
                "cap_none",
                "chown",
                "_",
                "08",
                "0x",
                "0X1f",
                "99999999999999999999",
                "4294967296",
            ])
            .to_owned(),
        _ => known.to_ascii_lowercase(),
    }
}

/// A mask, up to a digit longer than there is room for.
pub fn mask(random: &mut Random) -> String {
    let prefix = random.one_of(&["", "", "", "0x", "0X", "0x0x"]);
    let digits = format!("{:016x}", random.next());
    let digits = &digits[random.below(digits.len())..];
    let padded = match random.below(6) {
        0 => format!("{digits:0>16}"),
        1 => format!("{digits:0>20}"),
        2 => format!("1{digits:0>16}"),
        3 => digits.to_ascii_uppercase(),
        _ => digits.to_owned(),
    };
    let text = format!("{prefix}{padded}");
    if random.chance(20) { damaged(random, &text) } else { text }
}

/// `text` with one character taken away, doubled, or replaced. Never by a blank or a sign in front of
/// a mask, nor by the `b` of C23's `0b`, which only newer C libraries read.
fn damaged(random: &mut Random, text: &str) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let strange = ['=', ',', '!', '^', 'e', 'E', '_', 'g', 'x', 'ä', '7', '%', '\u{80}'];
    let at = random.below(characters.len() + 1);
    match random.below(3) {
        0 if at < characters.len() => drop(characters.remove(at)),
        1 if at < characters.len() => characters.insert(at, characters[at]),
        _ => characters.insert(at, random.one_of(&strange)),
    }
    characters.into_iter().collect()
}
