//! Numbers as C programs read them.

/// An unsigned number as `strtoul` with base 0 reads it, up to the end of `word`: `0x` and `0X` before
/// hexadecimal digits, `0` before octal ones, else decimal. Neither blanks nor signs.
pub(super) fn c_number(word: &str) -> Option<u64> {
    let (digits, radix) = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if word.starts_with('0') => (word, 8),
        None => (word, 10),
    };
    // `from_str_radix` takes a sign.
    let begins_well = digits.starts_with(|first: char| first.is_ascii_hexdigit());
    begins_well.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::c_number;

    #[test]
    fn three_bases_and_nothing_else() {
        let read = ["0", "7", "017", "0x1f", "0X1F", "63"].map(c_number);
        assert_eq!(read, [Some(0), Some(7), Some(15), Some(31), Some(31), Some(63)]);
        for word in ["", "0x", "08", "+7", "-7", "0x+7", " 7", "7 ", "0b1", "99999999999999999999"]
        {
            assert_eq!(c_number(word), None, "{word}");
        }
    }
}
