//! The cookies of a request.

use axum::http::{HeaderMap, header};

/// The value of a cookie.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter();
    let pairs = all.filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|value| value.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            "a=1; watchbell-language=zh-Hans; watchbell-languages=x"
                .parse()
                .unwrap(),
        );
        assert_eq!(cookie(&headers, "watchbell-language"), Some("zh-Hans"));
        assert_eq!(cookie(&headers, "watchbell-zone"), None);
    }
}
