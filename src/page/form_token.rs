//! The hidden field that every form of the page has which changes something.

use maud::{Markup, html};

/// The name of the field with the token that only forms of the page have.
pub const FORM_TOKEN: &str = "form-token";

/// The hidden field with the token of the reader's forms.
pub(super) fn form_token(token: &str) -> Markup {
    html! { input type="hidden" name=(FORM_TOKEN) value=(token); }
}
