//! Finds the names of methods in bytes that could not be read as an event.
//! Invariant: the work is linear in the bytes and the memory constant, whatever the bytes are.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memchr2;

use super::names::MAX_NAME_BYTES;
use super::{Catalog, Catalogs, Sensitivity};

/// Bytes with escapes are looked through in windows of this size.
const WINDOW_BYTES: usize = 64 * 1024;

/// By so much the windows overlap: a name each of whose letters is an escape in an escape.
const OVERLAP_BYTES: usize = 12 * MAX_NAME_BYTES;

/// The members of events whose value is the name of a method, in lowercase.
const NAME_MEMBERS: [&[u8]; 2] = [b"eventname", b"methodname"];

/// So many bytes before a name are looked at for such a member: it, and the punctuation between.
const MEMBER_BYTES: usize = 24;

/// Finds the names of methods.
#[derive(Debug)]
pub struct MethodNames {
    /// `None` if the catalogues are too large for it, which they are not.
    automaton: Option<AhoCorasick>,
    patterns: Vec<Pattern>,
    methods: Vec<NamedMethod>,
}

/// A name that is searched for.
#[derive(Debug)]
struct Pattern {
    /// Index of its method.
    method: usize,
    /// Whether it is one word, such as `Create`, which is found in any text.
    is_word: bool,
}

/// A method, or all those of several services that have the same name.
#[derive(Debug)]
struct NamedMethod {
    name: Box<str>,
    /// The highest of them.
    sensitivity: Sensitivity,
}

impl MethodNames {
    /// Those of all methods of all vendors, aliases included.
    pub fn of(catalogs: &Catalogs) -> MethodNames {
        let (mut names, mut patterns) = (Vec::new(), Vec::new());
        let mut methods: Vec<NamedMethod> = Vec::new();
        let mut by_name = HashMap::new();
        for method in catalogs.iter().flat_map(Catalog::methods) {
            let mut own = None;
            for name in method.names() {
                let index = match by_name.entry(name.to_ascii_lowercase()) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(vacant) => {
                        let index = own.unwrap_or(methods.len());
                        if index == methods.len() {
                            methods.push(NamedMethod {
                                name: method.name.as_str().into(),
                                sensitivity: method.sensitivity,
                            });
                        }
                        names.push(name);
                        patterns.push(Pattern {
                            method: index,
                            is_word: is_word(name),
                        });
                        *vacant.insert(index)
                    }
                };
                own.get_or_insert(index);
                let sensitivity = &mut methods[index].sensitivity;
                *sensitivity = method.sensitivity.max(*sensitivity);
            }
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(names);
        MethodNames {
            automaton: automaton.ok(),
            patterns,
            methods,
        }
    }

    /// The methods whose names stand as words in any of the parts, whatever their case and also in
    /// escapes of JSON; each once, the most sensitive first, else in the order of the parts. A name that is
    /// one word, such as `Create`, counts only as the value of a member that names a method.
    pub fn named_in<'b>(
        &self,
        parts: impl IntoIterator<Item = &'b [u8]>,
    ) -> Vec<(&str, Sensitivity)> {
        let mut found = Found {
            methods: Vec::new(),
            is_found: vec![false; self.methods.len()],
        };
        let mut unescaped = Vec::new();
        for part in parts {
            if memchr2(b'\\', 0, part).is_none() {
                self.search(part, &mut found);
                continue;
            }
            let mut start = 0;
            loop {
                let end = part.len().min(start + WINDOW_BYTES);
                unescaped.clear();
                unescape(&part[start..end], &mut unescaped);
                self.search(&unescaped, &mut found);
                if end == part.len() {
                    break;
                }
                start = end - OVERLAP_BYTES;
            }
        }
        let methods = found.methods.into_iter();
        let method = |index: usize| {
            let method = &self.methods[index];
            (&*method.name, method.sensitivity)
        };
        let mut methods: Vec<_> = methods.map(method).collect();
        methods.sort_by_key(|(_, sensitivity)| Reverse(*sensitivity));
        methods
    }

    fn search(&self, bytes: &[u8], found: &mut Found) {
        let Some(automaton) = &self.automaton else {
            return;
        };
        let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        for name in automaton.find_iter(bytes) {
            let before = &bytes[..name.start()];
            let pattern = &self.patterns[name.pattern()];
            if !is_letter(before.last())
                && !is_letter(bytes.get(name.end()))
                && (!pattern.is_word || names_a_method(before))
            {
                found.add(pattern.method);
            }
        }
    }
}

/// Whether a name is one word: nothing but letters, and no capital except the first.
fn is_word(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_lowercase())
}

/// Whether these bytes end with a member that names a method, and with what stands before its value.
fn names_a_method(before: &[u8]) -> bool {
    let before = &before[before.len().saturating_sub(MEMBER_BYTES)..];
    let Some(last) = before.iter().rposition(u8::is_ascii_alphanumeric) else {
        return false;
    };
    let ends_with = |member: &&[u8]| {
        let start = (last + 1).checked_sub(member.len());
        start.is_some_and(|start| before[start..=last].eq_ignore_ascii_case(member))
    };
    NAME_MEMBERS.iter().any(ends_with)
}

/// Methods by their index, in the order in which they were found.
struct Found {
    methods: Vec<usize>,
    is_found: Vec<bool>,
}

impl Found {
    fn add(&mut self, method: usize) {
        if !std::mem::replace(&mut self.is_found[method], true) {
            self.methods.push(method);
        }
    }
}

/// Appends the bytes with what escapes stand for, in text within text, too, where the backslashes
/// are escaped again; other characters than ASCII become a space. Zeros, which every other byte of a
/// text in UTF-16 is, are left out.
fn unescape(mut bytes: &[u8], out: &mut Vec<u8>) {
    while let [byte, rest @ ..] = bytes {
        bytes = rest;
        match byte {
            0 => {}
            b'\\' => bytes = unescape_one(rest, out),
            byte => out.push(*byte),
        }
    }
}

/// Appends what the escape stands for whose backslash has been read; the bytes behind it.
fn unescape_one<'b>(mut bytes: &'b [u8], out: &mut Vec<u8>) -> &'b [u8] {
    loop {
        bytes = match bytes {
            [b'\\' | 0, rest @ ..] => rest,
            [b'n' | b'r' | b't' | b'b' | b'f', rest @ ..] => {
                out.push(b' ');
                return rest;
            }
            [b'u' | b'U', a, b, c, d, rest @ ..] => {
                let digits = [a, b, c, d].map(|digit| char::from(*digit).to_digit(16));
                let code = digits
                    .into_iter()
                    .try_fold(0, |code, digit| Some(code * 16 + digit?));
                match code.map(u8::try_from) {
                    // An escaped backslash begins an escape of the text within.
                    Some(Ok(b'\\')) => rest,
                    Some(Ok(code)) if code.is_ascii() => {
                        out.push(code);
                        return rest;
                    }
                    Some(_) => {
                        out.push(b' ');
                        return rest;
                    }
                    None => return bytes,
                }
            }
            _ => return bytes,
        };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    static NAMES: LazyLock<MethodNames> =
        LazyLock::new(|| MethodNames::of(&Catalogs::shipped().unwrap()));

    fn named(bytes: &[u8]) -> Vec<String> {
        let found = NAMES.named_in([bytes]);
        found.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    #[test]
    fn a_name_is_found_whatever_its_case_and_however_it_is_escaped() {
        let utf_16: Vec<u8> = "DeleteKafkaCluster"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let cases: [&[u8]; 12] = [
            b"DeleteKafkaCluster",
            b"{\"methodName\":\"DeleteKafkaCluster\"",
            b"{\"methodName\":\"deletekafkacluster\"",
            b"\xff\xfeDELETEKAFKACLUSTER\xff",
            br#"{"methodName":"\u0044eleteKafkaCluster"}"#,
            br#"{"methodName":"Delete\u004bafka\u0043luster"}"#,
            br#"{"methodName":"\u0044\u0065\u006C\u0065\u0074\u0065KafkaCluster"}"#,
            br#"{"a":"{\"methodName\":\"\\u0044eleteKafkaCluster\"}"}"#,
            br#""\u005cu0044eleteKafkaCluster""#,
            br#"\nDeleteKafkaCluster\n"#,
            br#"\\nDeleteKafkaCluster"#,
            &utf_16,
        ];
        for bytes in cases {
            let shown = String::from_utf8_lossy(bytes);
            assert_eq!(named(bytes), ["DeleteKafkaCluster"], "{shown}");
        }
        assert_eq!(
            named(b"UnbindAllRolesForPrincipal"),
            named(b"UnBindAllRolesForPrincipal")
        );
    }

    #[test]
    fn a_part_of_a_word_is_no_name() {
        for bytes in [
            &b""[..],
            b"\\",
            b"\\u",
            b"\\u00",
            b"DeleteKafkaClusterX",
            b"XDeleteKafkaCluster",
            b"Delete KafkaCluster",
            b"\\u0058DeleteKafkaCluster",
        ] {
            assert!(
                named(bytes).is_empty(),
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    #[test]
    fn the_most_sensitive_comes_first_and_each_once() {
        let bytes = b"GetKafkaCluster, DeleteKafkaCluster, getkafkacluster, DeleteKafkaCluster";
        let found = NAMES.named_in([&bytes[..], b"DeleteKafkaCluster"]);
        let expected = [
            ("DeleteKafkaCluster", Sensitivity::High),
            ("GetKafkaCluster", Sensitivity::Low),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_name_is_found_wherever_a_window_ends() {
        let escaped = br#"\u0044\u0065\u006c\u0065\u0074\u0065KafkaCluster"#;
        for before in WINDOW_BYTES - 60..WINDOW_BYTES + 4 {
            let mut bytes = vec![b' '; before];
            bytes.extend_from_slice(escaped);
            bytes.resize(3 * WINDOW_BYTES, b' ');
            assert_eq!(NAMES.named_in([&bytes[..]]).len(), 1, "{before}");
        }
    }

    fn of_two_services() -> MethodNames {
        let method = |sensitivity: &str| {
            format!(
                "{{activity: create, access: write, sensitivity: {sensitivity}, description: It does.}}"
            )
        };
        let (low, medium, high) = (method("low"), method("medium"), method("high"));
        let text = format!(
            "product: p\nservice_names: {{a: [A], b: [B]}}\nservices:\n  \
             a: {{m: {{methods: {{Create: {low}, CreateUser: {low}, AddUser: {medium}}}}}}}\n  \
             b: {{m: {{methods: {{create: {high}, CREATEUSER: {high}}}}}}}\n"
        );
        MethodNames::of(&Catalogs::from_iter(Catalog::parse(&text, "c.yaml")))
    }

    #[test]
    fn a_name_of_two_services_counts_once_with_the_higher_sensitivity() {
        let names = of_two_services();
        let found = names.named_in([&b"AddUser and createuser"[..]]);
        let expected = [
            ("CreateUser", Sensitivity::High),
            ("AddUser", Sensitivity::Medium),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_name_of_one_word_counts_only_as_the_value_of_a_member_that_names_a_method() {
        let names = of_two_services();
        for bytes in [
            &br#"{"eventName":"Create""#[..],
            br#"{"EventName": "create"}"#,
            br#"{"event":"{\"eventName\":\"Create\"}"}"#,
            br#"{"event":"{\\\"methodName\\\" : \\\"Create\\\"}"}"#,
        ] {
            let shown = String::from_utf8_lossy(bytes);
            let expected = [("Create", Sensitivity::High)];
            assert_eq!(names.named_in([bytes]), expected, "{shown}");
        }
        for bytes in [
            &b"Create"[..],
            b"Create the topic first.",
            br#"{"action":"Create"}"#,
            br#"{"eventName":"CreateThing"}"#,
            br#"{"eventName":"x","action":"Create"}"#,
            b"Name: Create",
        ] {
            let shown = String::from_utf8_lossy(bytes);
            assert!(names.named_in([bytes]).is_empty(), "{shown}");
        }
    }
}
