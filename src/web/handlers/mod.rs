//! One file for each page.

mod alerts;
mod download;
mod events;
mod live;
mod profile;
mod record;
mod values;

pub(super) use alerts::alerts;
pub(super) use download::download;
pub(super) use events::events;
pub(super) use live::live;
pub(super) use profile::{actor, resource};
pub(super) use record::record;
pub(super) use values::values;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::assets::ASSETS;
use super::reader::{LANGUAGE, Reader};
use super::respond::{html, see_other};
use crate::page::{Language, Section, message_page};

/// The first page.
pub(super) async fn home() -> Response {
    see_other("/events")
}

/// A file that the page needs.
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    ASSETS.answer(&format!("/assets/{name}"), &headers)
}

/// Takes another language, and goes back to the page where it was chosen.
pub(super) async fn language(reader: Reader) -> Response {
    let tag = reader.parameter("tag");
    let Some(language) = tag.as_deref().and_then(Language::of_tag) else {
        return not_found(reader).await;
    };
    let cookie = format!(
        "{LANGUAGE}={}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly",
        language.tag()
    );
    let back = reader.parameter("back").filter(|back| is_own_path(back));
    let back = back.unwrap_or_else(|| "/".to_owned());
    ([(header::SET_COOKIE, cookie)], see_other(&back)).into_response()
}

/// What is not there.
pub(super) async fn not_found(reader: Reader) -> Response {
    let words = reader.language.words();
    let frame = reader.frame(words.not_found, Section::Other);
    let page = message_page(frame, words.not_found, &crate::view::shown(&reader.url));
    html(StatusCode::NOT_FOUND, page)
}

/// Whether this is the path of a page here, and not the address of another host.
fn is_own_path(back: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    back.starts_with('/') && !back.starts_with("//") && back.bytes().all(is_plain)
}

/// Says that there is no answer, and why.
fn unavailable(reader: &Reader, why: &str) -> Response {
    let words = reader.language.words();
    let frame = reader.frame(words.unavailable, Section::Other);
    let page = message_page(frame, words.unavailable, &crate::view::shown(why));
    html(StatusCode::SERVICE_UNAVAILABLE, page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_back_leads_nowhere_else() {
        for own in ["/", "/events?actor=%20", "/record?at=a%2F0%401"] {
            assert!(is_own_path(own), "{own}");
        }
        for other in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nX: y",
            "/a b",
        ] {
            assert!(!is_own_path(other), "{other}");
        }
    }
}
