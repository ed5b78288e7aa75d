//! Times on the page: in the reader's zone, with UTC beside.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

/// A time of a record; one out of range stays a number.
pub(super) fn moment(time_ms: i64, zone: &TimeZone) -> Markup {
    let Ok(time) = Timestamp::from_millisecond(time_ms) else {
        return html! { (time_ms) " ms" };
    };
    let utc = format!("{time:.3}");
    let shown = time.to_zoned(zone.clone());
    let shown = shown.strftime("%Y-%m-%d %H:%M:%S").to_string();
    html! {
        time datetime=(utc) title=(utc) { (shown) }
    }
}

/// The name of the zone in which times are shown.
pub(super) fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}
