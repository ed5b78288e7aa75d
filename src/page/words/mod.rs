//! The texts of the page in each of its languages. The compiler refuses a language that lacks one.

mod chinese;
mod english;
mod labels;
mod reasons;
mod texts;

pub use self::texts::Words;

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese, in simplified characters.
    Chinese,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// Its tag (BCP 47).
    pub const fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-Hans",
        }
    }

    /// Its name in itself.
    pub const fn own_name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::Chinese => "中文",
        }
    }

    /// Its texts.
    pub const fn words(self) -> &'static Words {
        match self {
            Language::English => &english::WORDS,
            Language::Chinese => &chinese::WORDS,
        }
    }

    /// A label of `view::details` in this language. One that is a name of the record's own, such as that of a header, stays
    /// as it is.
    pub fn label(self, label: &str) -> &str {
        match self {
            Language::English => label,
            Language::Chinese => labels::chinese(label).unwrap_or(label),
        }
    }

    /// The reason of a dead letter in words; `None` if it is not one of watchbell's.
    pub fn reason(self, word: &str) -> Option<&'static str> {
        let (english, chinese) = reasons::reason(word)?;
        Some(match self {
            Language::English => english,
            Language::Chinese => chinese,
        })
    }

    /// The language of this tag.
    pub fn of_tag(tag: &str) -> Option<Language> {
        Language::ALL
            .into_iter()
            .find(|language| language.tag() == tag)
    }

    /// The first language of a header `Accept-Language` that there is. Weights are written in falling order by browsers.
    pub fn accepted(header: &str) -> Language {
        let tags = header.split(',').map(|tag| tag.split(';').next());
        let known = tags.flatten().find_map(|tag| {
            let tag = tag.trim().to_ascii_lowercase();
            match tag.split('-').next() {
                Some("zh") => Some(Language::Chinese),
                Some("en") => Some(Language::English),
                _ => None,
            }
        });
        known.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_empty_or_the_same_in_both_languages() {
        let (english, chinese) = (Language::English.words(), Language::Chinese.words());
        for ((name, english), (_, chinese)) in english.all().into_iter().zip(chinese.all()) {
            assert!(!english.is_empty() && !chinese.is_empty(), "{name}");
            let is_translated = english != chinese || ["JSON"].contains(&english);
            assert!(is_translated, "{name}: {english}");
        }
    }

    #[test]
    fn the_browsers_language_is_taken_if_there_is_one() {
        for (header, expected) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("de-DE,en;q=0.7", Language::English),
            ("de", Language::English),
            ("", Language::English),
            ("EN-gb", Language::English),
        ] {
            assert_eq!(Language::accepted(header), expected, "{header}");
        }
    }
}
