//! The rules that ship with the binary.

/// A rule file compiled into the binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackFile {
    /// File name within the pack.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// Lists the files of `config/rules/<pack>`; a test checks that none is missing.
macro_rules! files {
    ($pack:literal: $($name:literal),* $(,)?) => {
        &[$(PackFile {
            name: concat!($name, ".yaml"),
            text: include_str!(concat!("../../config/rules/", $pack, "/", $name, ".yaml")),
        }),*]
    };
}

const CONFLUENT: &[PackFile] = files!["confluent":
    "access_transparency",
    "api_key_created",
    "critical_attempt_failed",
    "environment_deleted",
    "ip_filter_denied",
    "kafka_cluster_deleted",
    "organization_admin_bound",
    "scratch_statement_deleted",
    "statement_deleted",
    "workspace_deleted",
];

const PACKS: &[(&str, &[PackFile])] = &[("confluent", CONFLUENT)];

/// The files of a pack.
pub fn pack(name: &str) -> Option<&'static [PackFile]> {
    let found = PACKS.iter().find(|(known, _)| *known == name)?;
    Some(found.1)
}

/// The names of all packs.
pub fn pack_names() -> impl Iterator<Item = &'static str> {
    PACKS.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn a_pack_holds_every_rule_of_its_folder_and_each_has_tests() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/rules");
        for name in pack_names() {
            let listed = root.join(name).read_dir().unwrap();
            let mut on_disk: BTreeSet<String> = listed
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            for file in pack(name).unwrap() {
                assert!(on_disk.remove(file.name), "{name}/{} is gone", file.name);
                let test = file.name.replace(".yaml", ".test.yaml");
                assert!(on_disk.remove(&test), "{name}/{test} is missing");
            }
            assert!(on_disk.is_empty(), "not in pack {name}: {on_disk:?}");
        }
        assert_eq!(pack("confluence"), None);
    }
}
