//! The texts of the page in each of its languages. The compiler refuses a language that lacks one.

mod chinese;
mod english;

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

macro_rules! words {
    ($($name:ident),+ $(,)?) => {
        /// The texts of one language.
        pub struct Words {
            $(pub $name: &'static str,)+
        }

        #[cfg(test)]
        impl Words {
            /// Each name with its text.
            fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name)),+]
            }
        }
    };
}

words! {
    // The frame.
    events, alerts, skip_to_content, keyboard_help, language, log_out,
    key_search, key_next, key_previous, key_open, key_help, close,
    // The filter bar.
    search, search_text, when, when_hint, add_condition, value, remove, conditions,
    columns, clear, download, last_hour, last_day, last_week, last_month, all_time,
    // Columns and conditions.
    time, actor, operation, resource, outcome, origin, service, product, environment, account, activity,
    access_key, client, event_id, request_id, access, resource_type, sensitivity, status, address, rule, level,
    reason, text, filter,
    // Lists.
    live, paused, new_events, older, newest, no_events, no_events_hint, no_alerts, no_alerts_hint, events_per, minute, hour, day,
    week, month, counted,
    // Profiles.
    last, all_its_events, new_value, and_more, country, actor_id, actor_email, actor_type, about_actor, about_resource,
    // Details.
    details, record, alerts_raised, no_alerts_raised, events_behind, neighbours, same_actor, same_resource,
    same_request, same_address, ten_minutes, copy, copied, find_in_record, terminal_line,
    // Alerts.
    incidents, first, count, why, what_to_do,
    // Faults.
    not_found, not_found_hint, cannot_be_read, fault_when, fault_other, unavailable, back,
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
