//! Recognizes regular expressions that match only a few whole texts, such as `^Delete(Role|Acl)$`.

use regex::Regex;
use regex_syntax::hir::Look;
use regex_syntax::hir::literal::Extractor;

/// All texts that an expression matches, if it is anchored at both ends and there are few of them.
pub(super) fn only_texts(regex: &Regex) -> Option<Vec<String>> {
    let parsed = regex_syntax::parse(regex.as_str()).ok()?;
    let properties = parsed.properties();
    let is_whole = properties.look_set_prefix().contains(Look::Start)
        && properties.look_set_suffix().contains(Look::End);
    let beginnings = Extractor::new().extract(&parsed);
    if !is_whole || !beginnings.is_exact() {
        return None;
    }
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let literals = beginnings.literals()?.iter();
    literals.map(|literal| text(literal.as_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(regex: &str) -> Option<Vec<String>> {
        only_texts(&Regex::new(regex).unwrap())
    }

    #[test]
    fn alternatives_are_spelled_out() {
        let some = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(
            texts("^Delete(Role|Acl)7?$"),
            some(&["DeleteRole7", "DeleteRole", "DeleteAcl7", "DeleteAcl"])
        );
        assert_eq!(texts("^(?:ä|bc)$"), some(&["ä", "bc"]));
        assert_eq!(texts("^$"), some(&[""]));
    }

    #[test]
    fn what_may_match_other_texts_is_left_alone() {
        for regex in [
            "Delete",
            "^Delete",
            "Delete$",
            "^Delete.*$",
            "^a|b$",
            "^a+$",
            r"(?m)^a$",
            r"^\w{9}$",
        ] {
            assert_eq!(texts(regex), None, "{regex}");
        }
    }
}
