//! Generated records: events of each vendor as documented, each field present or not, correct or not, and
//! CloudEvents of other origin. A sample keeps its original text, so that numbers and escapes are checked too.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::{BoxedStrategy, Union};

mod actiontrail;
mod confluent;
mod json;
mod redpanda;

pub use actiontrail::actiontrail;
pub use confluent::confluent;
use json::Json;
pub use redpanda::redpanda;

use crate::vendors::VENDORS;

/// A record's headers and value.
#[derive(Debug, Clone)]
pub struct Sample {
    pub headers: Vec<(String, Option<String>)>,
    pub value: String,
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

fn pascal(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_uppercase().to_string() + letters.as_str()
    })
}

fn word() -> BoxedStrategy<Json> {
    ("[a-z]{1,3}-[a-z0-9]{4,8}", prop::bool::weighted(0.1))
        .prop_map(|(text, escaped)| Json::Text(text, escaped))
        .boxed()
}

fn one_of(words: &'static [&'static str]) -> BoxedStrategy<Json> {
    select(words).prop_map(Json::text).boxed()
}

fn number() -> BoxedStrategy<Json> {
    prop_oneof![
        any::<i64>().prop_map(|number| Json::Raw(number.to_string())),
        (0..70_000_u32).prop_map(|number| Json::Raw(number.to_string())),
        select(
            &[
                "-0",
                "1.50",
                "1e5",
                "2.5E-3",
                "123456789012345678901234567890",
                "0.1000000000000000055511151231257827",
                "1e308",
            ][..]
        )
        .prop_map(|number| Json::Raw(number.to_owned())),
    ]
    .boxed()
}

/// Values that are not documented.
fn odd() -> BoxedStrategy<Json> {
    prop_oneof![
        select(&["null", "true", "false", "{}", "[]"][..])
            .prop_map(|word| Json::Raw(word.to_owned())),
        number(),
        select(
            &[
                "",
                " ",
                "/",
                "User:",
                "None:",
                "unknown",
                "UNSET",
                "crn://",
                "crn:///a=%ff/=",
                "crn://x/y=%2F%00/z=",
                "a\u{0}b\n\u{7f}",
                "\u{1f980}\u{fffd}é",
                "\"\\\u{8}",
            ][..]
        )
        .prop_map(Json::text),
        (any::<String>(), any::<bool>()).prop_map(|(text, escaped)| Json::Text(text, escaped)),
        anything(),
    ]
    .boxed()
}

/// Any JSON, five levels deep at most.
fn anything() -> BoxedStrategy<Json> {
    let leaf = prop_oneof![
        select(&["null", "true", "false", "{}", "[]"][..])
            .prop_map(|word| Json::Raw(word.to_owned())),
        number(),
        ("\\PC{0,6}", any::<bool>()).prop_map(|(text, escaped)| Json::Text(text, escaped)),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::List),
            prop::collection::btree_map("[a-zA-Z_.]{1,8}|\\PC{1,3}", inner, 0..4)
                .prop_map(|members| Json::Map(members.into_iter().collect())),
        ]
    })
    .boxed()
}

fn address() -> BoxedStrategy<Json> {
    prop_oneof![
        any::<std::net::Ipv4Addr>().prop_map(|ip| Json::text(ip.to_string())),
        any::<std::net::Ipv6Addr>().prop_map(|ip| Json::text(ip.to_string())),
        any::<std::net::Ipv4Addr>().prop_map(|ip| Json::text(format!("/{ip}"))),
        one_of(&[
            "198.51.*.*",
            "fe80::1%eth0",
            "[2001:db8::1]",
            "10.0.0.1:9092",
            "/"
        ]),
    ]
    .boxed()
}

fn time() -> BoxedStrategy<Json> {
    prop_oneof![
        (1_000_000_000..2_000_000_000_i64, 0..1_000_000_000_u32).prop_map(
            |(second, nanosecond)| {
                let time = jiff::Timestamp::new(second, nanosecond as i32).unwrap();
                Json::text(time.to_string())
            }
        ),
        one_of(&[
            "+999999999-12-31T23:59:59.999999999-18:00",
            "1969-12-31T23:59:59Z",
            "9999-12-31T23:59:59.999999999Z",
            "2026-03-14 09:26:53",
            "now",
        ]),
    ]
    .boxed()
}

fn objects(name: &'static str, inner: BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    inner
        .prop_map(move |value| Json::Map(vec![(name.to_owned(), value)]))
        .boxed()
}

fn email() -> BoxedStrategy<Json> {
    one_of(&[
        "grace@example.com",
        "grace@example",
        "a@b@c.d",
        "@example.com",
        "x@.y",
        "x@y.",
    ])
}

type Field = (&'static str, BoxedStrategy<Json>);

/// Each field right, odd or absent; now and then a whole part is odd, or something new is there.
/// `parts` are the names of such parts.
fn payload(
    method: (&'static str, BoxedStrategy<Json>),
    fields: Vec<Field>,
    parts: &'static [&'static str],
) -> BoxedStrategy<Json> {
    let (names, values): (Vec<_>, Vec<_>) = fields
        .into_iter()
        .map(|(name, right)| {
            let value = prop_oneof![
                6 => right.prop_map(Some),
                3 => Just(None),
                1 => odd().prop_map(Some),
            ];
            (name, value)
        })
        .unzip();
    let parts = prop::collection::vec((select(parts), odd()), 0..2);
    let spelling = select(
        &[
            str::to_owned as fn(&str) -> String,
            str::to_owned,
            snake,
            pascal,
        ][..],
    );
    let (method_name, method) = method;
    (method, prop::bool::weighted(0.97), values, parts, spelling)
        .prop_map(move |(method, named, values, parts, spelling)| {
            let mut data = Json::Map(Vec::new());
            if named {
                data.put(&[method_name], method);
            }
            for (name, value) in names.iter().zip(values) {
                if let Some(value) = value {
                    data.put(&name.split('.').collect::<Vec<_>>(), value);
                }
            }
            for (name, value) in parts {
                data.put(&name.split('.').collect::<Vec<_>>(), value);
            }
            data.respelled(spelling)
        })
        .boxed()
}

fn structured(attributes: Vec<(String, Json)>, data: Json) -> Sample {
    let mut members = attributes;
    members.insert(members.len() / 2, ("data".to_owned(), data));
    let mut value = String::new();
    Json::Map(members).write(&mut value);
    Sample {
        headers: Vec::new(),
        value,
    }
}

/// Attributes as headers: strings only, since headers know no other type.
fn binary(attributes: Vec<(String, Json)>, data: &Json) -> Sample {
    let mut value = String::new();
    data.write(&mut value);
    let headers = attributes.into_iter().map(|(name, value)| {
        let name = match name.as_str() {
            "datacontenttype" => "content-type".to_owned(),
            _ => format!("ce_{name}"),
        };
        match value {
            Json::Text(text, _) => (name, Some(text)),
            _ => (name, None),
        }
    });
    Sample {
        headers: headers.collect(),
        value,
    }
}

/// A record of any vendor, or of none, in structured or binary mode.
pub fn sample() -> impl Strategy<Value = Sample> {
    let other = (
        confluent::envelope(&["com.example.done", "x"]),
        anything(),
        any::<bool>(),
    )
        .prop_map(|(attributes, data, is_binary)| {
            if is_binary {
                binary(attributes, &data)
            } else {
                structured(attributes, data)
            }
        });
    let vendors = VENDORS.iter().map(|vendor| (9, (vendor.samples)()));
    Union::new_weighted(vendors.chain([(2, other.boxed())]).collect())
}
