//! The frame of every page: head, navigation, language, help for the keyboard.

use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::form_token::form_token;
use super::moment::zone_name;
use super::words::{Language, Words};
use crate::view::shown;

/// Stands for the content while the frame is made. The text of a value never has it, since its `<` is escaped.
const CONTENT: &str = "<!--content-->";

/// Where the files that the page needs are found: their names contain a hash of their content.
#[derive(Debug, Clone, Copy)]
pub struct Assets {
    /// The style sheet.
    pub style: &'static str,
    /// The script.
    pub script: &'static str,
    /// The icon.
    pub icon: &'static str,
}

/// A part of the page that the navigation leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// The list of events, and one of them.
    Events,
    /// Alerts.
    Alerts,
    /// The rules.
    Rules,
    /// The sources.
    Sources,
    /// None of them.
    Other,
}

/// Who has logged in.
#[derive(Debug, Clone, Copy)]
pub struct Visitor<'f> {
    /// The name.
    pub name: &'f str,
    /// Whether they can log out here, and not with a proxy.
    pub can_log_out: bool,
}

/// What surrounds the content of a page.
#[derive(Clone, Copy)]
pub struct Frame<'f> {
    /// The reader's language.
    pub language: Language,
    /// The reader's zone.
    pub zone: &'f TimeZone,
    /// The title.
    pub title: &'f str,
    /// Where the reader is.
    pub section: Section,
    /// The path and the query of this page.
    pub url: &'f str,
    /// Who has logged in; `None` if nobody has, or nobody has to.
    pub user: Option<Visitor<'f>>,
    /// The token that every form which changes something has; empty for who has not logged in.
    pub form_token: &'f str,
    /// The files that the page needs.
    pub assets: Assets,
}

impl Frame<'_> {
    /// The texts.
    pub fn words(&self) -> &'static Words {
        self.language.words()
    }

    /// What stands before the content and after it.
    pub fn around(&self) -> (String, String) {
        let page = self.with(&PreEscaped(CONTENT.to_owned())).into_string();
        match page.split_once(CONTENT) {
            Some((before, after)) => (before.to_owned(), after.to_owned()),
            None => (page, String::new()),
        }
    }

    /// The whole page.
    pub fn with(&self, content: &Markup) -> Markup {
        let words = self.words();
        html! {
            (DOCTYPE)
            html lang=(self.language.tag()) data-zone=(zone_name(self.zone)) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (shown(self.title)) " · watchbell" }
                    link rel="stylesheet" href=(self.assets.style);
                    link rel="icon" href=(self.assets.icon) type="image/svg+xml";
                    script type="module" src=(self.assets.script) {}
                }
                body {
                    a.skip href="#content" { (words.skip_to_content) }
                    header.top {
                        a.brand href="/" { "watchbell" }
                        nav aria-label="watchbell" {
                            (self.link("/events", words.events, Section::Events))
                            (self.link("/alerts", words.alerts, Section::Alerts))
                            (self.link("/rules", words.rules, Section::Rules))
                            (self.link("/sources", words.sources, Section::Sources))
                        }
                        (self.reader())
                    }
                    main #content tabindex="-1" { (content) }
                    (self.keyboard())
                }
            }
        }
    }

    fn link(&self, to: &str, text: &str, section: Section) -> Markup {
        let here = (self.section == section).then_some("page");
        html! { a href=(to) aria-current=[here] { (text) } }
    }

    /// Who reads, in which language and zone.
    fn reader(&self) -> Markup {
        let words = self.words();
        html! {
            div.reader {
                @if let Some(user) = self.user {
                    a.user href="/access" title=(words.who_may) { bdi { (shown(user.name)) } }
                    @if user.can_log_out {
                        form method="post" action="/logout" {
                            (form_token(self.form_token))
                            button.quiet type="submit" { (words.log_out) }
                        }
                    }
                }
                span.zone { (zone_name(self.zone)) }
                form.language method="get" action="/language" {
                    input type="hidden" name="back" value=(self.url);
                    @for language in Language::ALL.into_iter().filter(|one| *one != self.language) {
                        button.quiet type="submit" name="tag" value=(language.tag()) lang=(language.tag())
                            aria-label={ (words.language) ": " (language.own_name()) } {
                            (language.own_name())
                        }
                    }
                }
            }
        }
    }

    /// The help for the keyboard, which the script opens.
    fn keyboard(&self) -> Markup {
        let words = self.words();
        let keys = [
            ("/", words.key_search),
            ("j", words.key_next),
            ("k", words.key_previous),
            ("Enter", words.key_open),
            ("?", words.key_help),
        ];
        html! {
            dialog #keyboard aria-labelledby="keyboard-title" {
                h2 #keyboard-title { (words.keyboard_help) }
                dl {
                    @for (key, about) in keys {
                        dt { kbd { (key) } }
                        dd { (about) }
                    }
                }
                form method="dialog" { button type="submit" { (words.close) } }
            }
        }
    }
}

/// A page that says one thing, such as that there is no such record.
pub fn message_page(frame: Frame<'_>, title: &str, text: &str) -> String {
    let content = html! {
        section.message {
            h1 { (title) }
            p { (text) }
            p { a href="/events" { (frame.words().back) } }
        }
    };
    frame.with(&content).into_string()
}

/// A frame of a page that somebody reads in English and in UTC, for tests.
#[cfg(test)]
pub(super) const TEST_FRAME: Frame<'static> = Frame {
    language: Language::English,
    zone: &TimeZone::UTC,
    title: "Title",
    section: Section::Other,
    url: "/page",
    user: None,
    form_token: "the token",
    assets: Assets {
        style: "/assets/app.css",
        script: "/assets/app.js",
        icon: "/assets/icon.svg",
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_text_also_where_they_look_like_the_content() {
        let frame = Frame {
            title: "<!--content--><script>alert(1)</script>",
            section: Section::Events,
            url: "/events?text=\"><script>alert(1)</script>",
            user: Some(Visitor {
                name: "<b>Jane</b>",
                can_log_out: true,
            }),
            ..TEST_FRAME
        };
        let (before, after) = frame.around();
        assert!(
            before.ends_with("<main id=\"content\" tabindex=\"-1\">"),
            "{before}"
        );
        assert!(after.starts_with("</main>"), "{after}");
        let page = before + &after;
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(!page.contains("<b>Jane"), "{page}");
        assert!(page.contains("&lt;b&gt;Jane&lt;/b&gt;"), "{page}");
        let field = "<input type=\"hidden\" name=\"form-token\" value=\"the token\">";
        assert!(page.contains(field), "{page}");
    }
}
