//! Warns about lines that no event can meet: a field that no event of the log source has, a value that the field
//! cannot have, and a field without a value that every event has.

use super::known::{Known, KnownField};
use crate::diagnostic::{Problem, nearest};
use crate::sigma::{Check, Expected, Logsource, Test};

/// Most values that a message lists.
const MAX_LISTED: usize = 12;

/// Warns about a line of a rule or filter.
pub(super) fn check(
    logsource: &Logsource,
    test: &Test,
    known: &Known,
    problems: &mut Vec<Problem>,
) {
    let Some(name) = test.shown_field() else {
        return;
    };
    // A native name may have its value elsewhere.
    let is_native = test.field.as_deref() != Some(name);
    if is_absent(name, logsource, known)
        && test.check.accepts_missing() == test.negated
        && !is_native
    {
        let product = logsource.product.as_deref().unwrap_or("any product");
        let message = format!("no event of {product} has `{name}`, so this line never holds");
        let others = known.fields.keys().map(String::as_str);
        let others = others.filter(|other| !is_absent(other, logsource, known));
        let problem = Problem::warning(test.mark, message);
        problems.push(match nearest(name, others) {
            Some(near) => problem.remedy(format!("did you mean `{near}`?")),
            None => problem.remedy(format!("docs/mapping-{product}.md lists the attributes")),
        });
        return;
    }
    let Some(field) = known.fields.get(name).filter(|_| !is_native) else {
        return;
    };
    match &test.check {
        Check::Exists(false) if field.is_always_there => problems.push(always_there(name, test)),
        Check::Any(expected) | Check::Every(expected) => {
            for expected in expected {
                if expected.is_null() {
                    problems.extend(field.is_always_there.then(|| always_there(name, test)));
                } else if !field.values.is_empty()
                    && !field.values.iter().any(|value| expected.accepts(*value))
                {
                    problems.push(no_such_value(name, expected, field, test));
                }
            }
        }
        _ => {}
    }
}

/// Whether no event of any product of the log source has an attribute.
fn is_absent(name: &str, logsource: &Logsource, known: &Known) -> bool {
    let products = known.products_of(logsource);
    let is_below = |part: &&str| {
        let rest = name.strip_prefix(*part);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let lacks = |absent: &'static [&'static str]| absent.iter().any(|part| is_below(&part));
    !products.is_empty() && products.iter().all(|product| lacks(product.absent))
}

fn always_there(name: &str, test: &Test) -> Problem {
    let holds = if test.negated { "always" } else { "never" };
    let message = format!("every event has `{name}`, so this line {holds} holds");
    Problem::warning(test.mark, message).remedy("remove the line, or name another field")
}

fn no_such_value(name: &str, expected: &Expected, field: &KnownField, test: &Test) -> Problem {
    let texts: Vec<_> = field
        .values
        .iter()
        .filter_map(|value| value.text())
        .collect();
    let text = expected.to_string();
    let problem = Problem::warning(test.mark, format!("no event has the `{name}` {text}"));
    let near = nearest(text.trim_matches('*'), texts.iter().map(AsRef::as_ref));
    problem.remedy(match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let listed = texts[..texts.len().min(MAX_LISTED)].join(", ");
            let more = if texts.len() > MAX_LISTED {
                ", …"
            } else {
                ""
            };
            format!("its values are: {listed}{more}")
        }
    })
}
