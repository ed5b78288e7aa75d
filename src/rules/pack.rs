//! The rules that ship with the binary.

use crate::vendors::{ShippedFile, VENDORS};

/// The files of a pack.
pub fn pack(name: &str) -> Option<&'static [ShippedFile]> {
    let vendor = VENDORS.iter().find(|vendor| vendor.product == name)?;
    Some(vendor.pack)
}

/// The names of all packs.
pub fn pack_names() -> impl Iterator<Item = &'static str> {
    VENDORS.iter().map(|vendor| vendor.product)
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
