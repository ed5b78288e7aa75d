//! The rules that are compiled into the binary: one pack for each vendor, and one pack of rules that apply to
//! several vendors.

use crate::vendors::{ShippedRule, VENDORS, pack};

/// The name of the pack of rules that apply to several vendors.
const COMMON: &str = "common";

const COMMON_FILES: &[ShippedRule] = pack!["common":
    "administrator_granted",
    "audit_log_switched_off",
];

/// The rule files of a pack, each with the name of the folder that it is in; `None` if there is no such pack. A
/// vendor's pack includes the files of the common pack. The folder's name identifies them as the same files, so
/// that they are read once if two packs are used.
pub fn pack(name: &str) -> Option<impl Iterator<Item = (&'static str, &'static ShippedRule)>> {
    let vendor = VENDORS.iter().find(|vendor| vendor.product == name);
    if vendor.is_none() && name != COMMON {
        return None;
    }
    let own = vendor.map(|vendor| vendor.pack.iter().map(|file| (vendor.product, file)));
    let common = COMMON_FILES.iter().map(|file| (COMMON, file));
    Some(own.into_iter().flatten().chain(common))
}

/// The names of all packs.
pub fn pack_names() -> impl Iterator<Item = &'static str> {
    let vendors = VENDORS.iter().map(|vendor| vendor.product);
    vendors.chain([COMMON])
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
            let own = pack(name).unwrap().filter(|(folder, _)| *folder == name);
            for (_, file) in own {
                assert!(on_disk.remove(file.name), "{name}/{} is gone", file.name);
                let test = file.name.replace(".yaml", ".test.yaml");
                assert!(on_disk.remove(&test), "{name}/{test} is missing");
            }
            on_disk.remove("README.md");
            assert!(on_disk.is_empty(), "not in pack {name}: {on_disk:?}");
        }
        assert!(pack("confluence").is_none());
    }

    #[test]
    fn every_vendors_pack_includes_the_common_rules() {
        let common: Vec<_> = pack(COMMON).unwrap().collect();
        assert_eq!(common.len(), COMMON_FILES.len());
        for vendor in VENDORS {
            let files: Vec<_> = pack(vendor.product).unwrap().collect();
            assert_eq!(files.len(), vendor.pack.len() + common.len());
            assert!(files.ends_with(&common), "{}", vendor.product);
        }
    }
}
