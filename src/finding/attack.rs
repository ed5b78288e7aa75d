//! MITRE ATT&CK among a rule's tags, as OCSF `attack` objects. Sigma writes `attack.impact` and
//! `attack.t1098.003`; groups, software and other tags are left to `unmapped.tags`.

use crate::json::Object;

/// Tactics of ATT&CK for Enterprise in its order: Sigma's word, OCSF's `uid` and `name`.
pub const TACTICS: [(&str, &str, &str); 14] = [
    ("reconnaissance", "TA0043", "Reconnaissance"),
    ("resource-development", "TA0042", "Resource Development"),
    ("initial-access", "TA0001", "Initial Access"),
    ("execution", "TA0002", "Execution"),
    ("persistence", "TA0003", "Persistence"),
    ("privilege-escalation", "TA0004", "Privilege Escalation"),
    ("defense-evasion", "TA0005", "Defense Evasion"),
    ("credential-access", "TA0006", "Credential Access"),
    ("discovery", "TA0007", "Discovery"),
    ("lateral-movement", "TA0008", "Lateral Movement"),
    ("collection", "TA0009", "Collection"),
    ("exfiltration", "TA0010", "Exfiltration"),
    ("command-and-control", "TA0011", "Command and Control"),
    ("impact", "TA0040", "Impact"),
];

/// What a tag says of ATT&CK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attack {
    /// A tactic: `uid` and `name`.
    Tactic(&'static str, &'static str),
    /// A technique, such as `T1098`.
    Technique(String),
    /// A technique and its part, such as `T1098` and `T1098.003`.
    SubTechnique(String, String),
}

impl Attack {
    /// What a tag such as `attack.t1098.003` says; `None` if it is of something else.
    pub fn of(tag: &str) -> Option<Self> {
        let (namespace, name) = tag.split_once('.')?;
        if !namespace.eq_ignore_ascii_case("attack") {
            return None;
        }
        let name = name.to_ascii_lowercase().replace('_', "-");
        if let Some((_, uid, name)) = TACTICS.iter().find(|(word, _, _)| *word == name) {
            return Some(Self::Tactic(uid, name));
        }
        let number = name.strip_prefix('t')?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match number.split_once('.') {
            None if is_number(number) => Some(Self::Technique(format!("T{number}"))),
            Some((whole, part)) if is_number(whole) && is_number(part) => Some(Self::SubTechnique(
                format!("T{whole}"),
                format!("T{whole}.{part}"),
            )),
            _ => None,
        }
    }
}

/// Writes `attacks`, unless no tag names any.
pub(super) fn attacks(tags: &[String], o: &mut Object<'_>) {
    let attacks: Vec<Attack> = tags.iter().filter_map(|tag| Attack::of(tag)).collect();
    o.objects("attacks", &attacks, |attack, o| match attack {
        Attack::Tactic(uid, name) => o.object("tactic", |o| {
            o.text("uid", uid);
            o.text("name", name);
        }),
        Attack::Technique(uid) => o.object("technique", |o| o.text("uid", uid)),
        Attack::SubTechnique(technique, uid) => {
            o.object("technique", |o| o.text("uid", technique));
            o.object("sub_technique", |o| o.text("uid", uid));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tactics_techniques_and_their_parts_are_told_from_other_tags() {
        let tags = [
            "attack.initial-access",
            "attack.privilege_escalation",
            "attack.t1489",
            "attack.T1098.003",
            "attack.g0049",
            "attack.t",
            "attack.t1x",
            "cve.2021-44228",
            "attack",
        ];
        let mut out = Vec::new();
        Object::write(&mut out, |o| attacks(&tags.map(str::to_owned), o));
        assert_eq!(
            String::from_utf8(out).unwrap(),
            concat!(
                r#"{"attacks":[{"tactic":{"uid":"TA0001","name":"Initial Access"}},"#,
                r#"{"tactic":{"uid":"TA0004","name":"Privilege Escalation"}},"#,
                r#"{"technique":{"uid":"T1489"}},"#,
                r#"{"technique":{"uid":"T1098"},"sub_technique":{"uid":"T1098.003"}}]}"#
            )
        );
    }

    #[test]
    fn without_any_nothing_is_written() {
        let mut out = Vec::new();
        Object::write(&mut out, |o| attacks(&["custom.tag".to_owned()], o));
        assert_eq!(out, b"{}");
    }
}
