//! What a text says beneath encodings: JSON's escapes, percent signs of URLs and headers, Base64; also one in another.

use data_encoding::BASE64URL_NOPAD;
use percent_encoding::percent_decode_str;

/// The most encodings that are removed one after the other.
const MAX_LAYERS: usize = 4;

/// A shorter text is not taken for Base64.
const MIN_BASE64_CHARS: usize = 8;

/// Whether `holds` is true of what the text says once an encoding is removed, or several. Each is removed by itself,
/// because what is beneath one may look like another.
pub(super) fn any_within(text: &str, holds: &impl Fn(&str) -> bool) -> bool {
    within(text, MAX_LAYERS, holds)
}

fn within(text: &str, layers: usize, holds: &impl Fn(&str) -> bool) -> bool {
    let decoders: [fn(&str) -> Option<String>; 3] = [unescaped, without_percent_signs, of_base64];
    layers > 0
        && decoders
            .iter()
            .filter_map(|decoder| decoder(text))
            .any(|said| holds(&said) || within(&said, layers - 1, holds))
}

fn unescaped(text: &str) -> Option<String> {
    text.contains('\\').then(|| without_escapes(text))
}

fn without_percent_signs(text: &str) -> Option<String> {
    let decoded = || percent_decode_str(text).decode_utf8_lossy().into_owned();
    let decoded = text.contains('%').then(decoded)?;
    (decoded != text).then_some(decoded)
}

/// What the parts of a text that may be Base64 say, each on a line: in the alphabet of RFC 4648, in that for URLs, and
/// in what both have in common, since a slash or a dash may stand beside a part, too.
fn of_base64(text: &str) -> Option<String> {
    let alphabets: [fn(char) -> bool; 3] = [
        |letter| letter.is_ascii_alphanumeric() || "+/".contains(letter),
        |letter| letter.is_ascii_alphanumeric() || "-_".contains(letter),
        |letter| letter.is_ascii_alphanumeric(),
    ];
    let mut said = String::new();
    for alphabet in alphabets {
        let parts = text.split(|letter| !alphabet(letter));
        for part in parts.filter(|part| part.len() >= MIN_BASE64_CHARS) {
            said.push_str(&String::from_utf8_lossy(&decoded(part)));
            said.push('\n');
        }
    }
    (!said.is_empty()).then_some(said)
}

/// The bytes that these letters of Base64 stand for; a rest of them that stands for none is left out.
fn decoded(letters: &str) -> Vec<u8> {
    let url = letters.replace('+', "-").replace('/', "_");
    let whole = &url[..url.len() - url.len() % 4];
    let all = BASE64URL_NOPAD.decode(url.as_bytes());
    all.or_else(|_| BASE64URL_NOPAD.decode(whole.as_bytes()))
        .unwrap_or_default()
}

/// The text with JSON's escapes decoded; what is no escape stays as it is.
fn without_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let (decoded, used) = match escape.chars().next() {
            Some('u') => match unit(escape) {
                Some((decoded, used)) => (decoded, used),
                None => ('u', 1),
            },
            Some('n') => ('\n', 1),
            Some('r') => ('\r', 1),
            Some('t') => ('\t', 1),
            Some('b') => ('\u{8}', 1),
            Some('f') => ('\u{c}', 1),
            Some(other) => (other, other.len_utf8()),
            None => ('\\', 0),
        };
        out.push(decoded);
        rest = &escape[used..];
    }
    out.push_str(rest);
    out
}

/// The character of `uXXXX`, or of the two halves `uXXXX\uXXXX`, and how many bytes it takes.
fn unit(escape: &str) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = escape.get(at..at + 4)?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let first = unit(1)?;
    let second = (escape.get(5..7) == Some("\\u")).then(|| unit(7)).flatten();
    let pair = second.and_then(|second| {
        let decoded = char::decode_utf16([first, second]).next()?.ok()?;
        u16::try_from(u32::from(decoded))
            .is_err()
            .then_some((decoded, 11))
    });
    let single = || char::from_u32(first.into()).map(|decoded| (decoded, 5));
    pair.or_else(single)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_beneath_each_encoding_and_beneath_several() {
        for text in [
            r"\u0061nn@example.com",
            "ann%40example.com",
            r#"{\"mail\":\"ann@example\u002ecom\"}"#,
            r#"\\u0061nn@example.com"#,
            "%255B%2561nn@example.com",
            "YW5uQGV4YW1wbGUuY29t",
            "eyJtYWlsIjoiYW5uQGV4YW1wbGUuY29tIn0=",
            r"x\ny\ud83e\udd80 ann\u0040example.com",
            r"a%6en\u0040example.com",
            r#"{"t":"YW5uQGV4YW1wbGUuY29t"}"#,
            "Basic YW5uQGV4YW1wbGUuY29tOng=",
            "eyJhbGciOiJub25lIn0.eyJtYWlsIjoiYW5uQGV4YW1wbGUuY29tIn0.x",
            "https://example.com/t/YW5uQGV4YW1wbGUuY29t",
            " YW5uQGV4YW1wbGUuY29t\n",
            "/wBhbm5AZXhhbXBsZS5jb20=",
        ] {
            let holds = |said: &str| said.contains("ann@example.com");
            assert!(any_within(text, &holds), "{text}");
        }
    }

    #[test]
    fn a_short_id_is_found_in_base64() {
        assert!(any_within("dS0xYWIyY2Q=", &|said: &str| said.contains("u-1ab2cd")));
    }

    #[test]
    fn what_is_no_encoding_stays_and_ends_the_search() {
        for text in [
            "", "\\", "a\\", "\\u12", "\\ud800", "100 %", "%", "%zz", "a=b",
        ] {
            assert!(
                !any_within(text, &|said: &str| said.contains("ann")),
                "{text}"
            );
        }
        assert_eq!(without_escapes(r"a\u00fcb\q\"), "aübq\\");
        assert_eq!(without_escapes(r"\ud83e\udd80"), "\u{1f980}");
    }
}
