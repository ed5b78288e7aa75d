//! Small answers: the first page, files, the choice of a language, what is not there and what cannot be answered.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::page::Language;
use crate::web::assets::ASSETS;
use crate::web::reader::{LANGUAGE, Reader};
use crate::web::respond::{html, see_other};

/// The first page.
pub(in crate::web) async fn home() -> Response {
    see_other("/events")
}

/// A file that the page needs.
pub(in crate::web) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    ASSETS.answer(&format!("/assets/{name}"), &headers)
}

/// Takes another language, and goes back to the page where it was chosen.
pub(in crate::web) async fn language(reader: Reader) -> Response {
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
pub(in crate::web) async fn not_found(reader: Reader) -> Response {
    let words = reader.language.words();
    let page = reader.message(words.not_found, &crate::view::shown(&reader.url));
    html(StatusCode::NOT_FOUND, page)
}

/// Whether this is the path of a page here, and not the address of another host.
pub(in crate::web) fn is_own_path(back: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    back.starts_with('/') && !back.starts_with("//") && back.bytes().all(is_plain)
}

/// Says that there is no answer, and why.
pub(super) fn unavailable(reader: &Reader, why: &str) -> Response {
    let words = reader.language.words();
    let page = reader.message(words.unavailable, &crate::view::shown(why));
    html(StatusCode::SERVICE_UNAVAILABLE, page)
}

/// Says that nothing is shown, because it cannot be recorded that it was.
pub(super) fn not_recorded(reader: &Reader) -> Response {
    let words = reader.language.words();
    let page = reader.message(words.not_recorded, words.not_recorded_hint);
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
