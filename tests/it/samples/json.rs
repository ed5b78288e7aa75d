//! JSON that keeps how it was spelled: numbers as written, strings escaped or not, names repeated.

/// JSON as it will be written.
#[derive(Debug, Clone)]
pub enum Json {
    /// A number or literal, as spelled.
    Raw(String),
    /// A string, plain or in `\u` escapes throughout.
    Text(String, bool),
    List(Vec<Json>),
    /// Members in order; names may repeat.
    Map(Vec<(String, Json)>),
}

impl Json {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into(), false)
    }

    pub fn write(&self, out: &mut String) {
        match self {
            Self::Raw(raw) => out.push_str(raw),
            Self::Text(text, false) => out.push_str(&serde_json::to_string(text).unwrap()),
            Self::Text(text, true) => {
                let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
                out.push_str(&format!("\"{}\"", units.collect::<String>()));
            }
            Self::List(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    out.push_str(if index > 0 { ", " } else { "" });
                    element.write(out);
                }
                out.push(']');
            }
            Self::Map(members) => {
                out.push('{');
                for (index, (name, member)) in members.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    out.push_str(&serde_json::to_string(name).unwrap());
                    out.push(':');
                    member.write(out);
                }
                out.push('}');
            }
        }
    }

    /// Puts a value at the end of a path of names, making the maps on the way. What is there
    /// already, and is no map, stays.
    pub fn put(&mut self, path: &[&str], value: Json) {
        let (Self::Map(members), [name, rest @ ..]) = (self, path) else {
            return;
        };
        let at = members.iter().position(|(known, _)| known == name);
        let at = at.unwrap_or_else(|| {
            members.push(((*name).to_owned(), Self::Map(Vec::new())));
            members.len() - 1
        });
        if rest.is_empty() {
            members[at].1 = value;
        } else {
            members[at].1.put(rest, value);
        }
    }

    pub fn respelled(self, spell: fn(&str) -> String) -> Self {
        match self {
            Self::Map(members) => Self::Map(
                members
                    .into_iter()
                    .map(|(name, member)| (spell(&name), member.respelled(spell)))
                    .collect(),
            ),
            Self::List(elements) => Self::List(
                elements
                    .into_iter()
                    .map(|element| element.respelled(spell))
                    .collect(),
            ),
            other => other,
        }
    }
}
