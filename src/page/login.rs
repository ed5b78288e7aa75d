//! The page on which people log in.

use maud::html;

use super::form_token::form_token;
use super::frame::Frame;

/// How people go on.
pub enum LoginStep<'l> {
    /// With a token.
    Token {
        /// The token of the form.
        form_token: &'l str,
    },
    /// By a link to the provider.
    Link,
}

/// What the page says.
pub struct LoginPage<'l> {
    /// The page that was asked for.
    pub back: &'l str,
    /// Such as that the token was wrong.
    pub said: Option<&'l str>,
    /// How people go on.
    pub step: LoginStep<'l>,
}

/// The page to log in.
pub fn login_page(frame: Frame<'_>, page: &LoginPage<'_>) -> String {
    let words = frame.words();
    let again = {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("back", page.back);
        format!("/login?{}", query.finish())
    };
    let content = html! {
        section.message {
            h1 { (words.log_in) }
            @if let Some(said) = page.said { p role="status" { (said) } }
            @match &page.step {
                LoginStep::Token { form_token: token } => {
                    form.login method="post" action="/login" {
                        (form_token(token))
                        input type="hidden" name="back" value=(page.back);
                        label {
                            span { (words.token) }
                            input type="password" name="token" required autofocus autocomplete="current-password";
                        }
                        button type="submit" { (words.log_in) }
                    }
                }
                LoginStep::Link => p { a href=(again) { (words.log_in) } },
            }
        }
    };
    frame.with(&content).into_string()
}
