//! The columns in docs/archive.md are those of the tables: `WATCHBELL_BLESS=1 cargo test --features archive --test it
//! archive` writes them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use watchbell::archive::{Lookup, TableKind};

const PAGE: &str = "docs/archive.md";

/// The lines around the columns.
const MARKS: (&str, &str) = (
    "<!-- columns: made by `WATCHBELL_BLESS=1 cargo test --features archive --test it archive` -->\n",
    "<!-- end of columns -->\n",
);

fn columns() -> String {
    let mut text = String::new();
    for kind in TableKind::ALL {
        let name = kind.name();
        write!(
            text,
            "### `{name}`\n| column | type | | holds |\n|---|---|---|---|\n"
        )
        .unwrap();
        for column in kind.columns() {
            let lookup = match column.lookup {
                Lookup::Range => "range",
                Lookup::Exact => "exact",
                Lookup::Scan | Lookup::Payload => "",
            };
            let (name, kind, about) = (column.name, column.kind.delta_name(), column.about);
            writeln!(text, "| `{name}` | {kind} | {lookup} | {about} |").unwrap();
        }
        text.push('\n');
    }
    text
}

#[test]
fn the_page_has_the_columns_of_the_tables() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page
        .split_once(MARKS.0)
        .expect("the mark before the columns");
    let (found, after) = rest
        .split_once(MARKS.1)
        .expect("the mark after the columns");
    let columns = columns();
    if found == columns {
        return;
    }
    if std::env::var_os("WATCHBELL_BLESS").is_some() {
        fs::write(
            &path,
            format!("{before}{}{columns}{}{after}", MARKS.0, MARKS.1),
        )
        .unwrap();
    }
    panic!(
        "{PAGE} was out of date: WATCHBELL_BLESS=1 cargo test --features archive --test it archive"
    );
}
