//! Both forms of a networks file, which network an address is in, and everything that is refused.

use super::*;

fn lines(result: Result<Networks, Vec<Diagnostic>>) -> String {
    let diagnostics = result.unwrap_err();
    let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

const YAML: &str = "\
10.0.0.0/8: {name: private}
10.1.0.0/16: {name: office, zone: corporate, trusted: true, owner: netops}
10.1.2.3/32: {name: printer, zone: corporate, owner: netops}
2001:db8::/32: {name: office, zone: corporate, trusted: true, owner: netops}
'::ffff:192.0.2.0/120': {name: lab}
";

const CSV: &str = "\
name,cidr,zone,owner,trusted
private,10.0.0.0/8,,,
office, 10.1.0.0/16 ,corporate,netops,true
printer,10.1.2.3/32,corporate,netops,false
office,2001:db8::/32,corporate,netops,true

lab,::ffff:192.0.2.0/120,,,
";

#[test]
fn both_forms_give_the_same_networks() {
    let networks = Networks::parse_yaml(YAML, "n.yaml").unwrap();
    assert_eq!(networks, Networks::parse_csv(CSV, "n.csv").unwrap());
    assert_eq!(networks.len(), 5);
    let office = networks.lookup([10, 1, 9, 9].into()).unwrap();
    let said = r#"{"cidr":"10.1.0.0/16","network":"office","zone":"corporate","trusted":true,"owner":"netops"}"#;
    assert_eq!(office.json.as_str(), said);
    let private = networks.lookup([10, 0, 0, 0].into()).unwrap();
    let said = r#"{"cidr":"10.0.0.0/8","network":"private","trusted":false}"#;
    assert_eq!(private.json.as_str(), said);
}

#[test]
fn an_address_is_in_the_network_with_the_longest_prefix() {
    let networks = Networks::parse_yaml(YAML, "n.yaml").unwrap();
    let all = "10.255.255.255 private, 10.1.2.2 office, 10.1.2.3 printer, 10.1.2.4 office, \
               10.2.0.0 private, 11.0.0.0 -, 9.255.255.255 -, 2001:db8:ffff::1 office, \
               2001:db9:: -, ::ffff:10.1.2.3 printer, 192.0.2.255 lab, ::ffff:192.0.2.1 lab, \
               ::a01:203 -";
    for case in all.split(", ") {
        let (address, expected) = case.split_once(' ').unwrap();
        let found = networks.lookup(address.parse().unwrap());
        let name = found.map_or("-", |found| &found.facts.name);
        assert_eq!(name, expected, "{address}");
    }
    let everything = "0.0.0.0/0: {name: any}\n::/0: {name: any}\n255.255.255.255/32: {name: last}";
    let everything = Networks::parse_yaml(everything, "n.yaml").unwrap();
    let name = |address: &str| {
        let found = everything.lookup(address.parse().unwrap());
        found.map(|found| found.facts.name.to_string())
    };
    assert_eq!(name("0.0.0.0").as_deref(), Some("any"));
    assert_eq!(name("255.255.255.255").as_deref(), Some("last"));
    assert_eq!(name("ffff::").as_deref(), Some("any"));
}

#[test]
fn the_example_is_valid() {
    let text = include_str!("../../../config/networks.example.yaml");
    let networks = Networks::parse_yaml(text, "config/networks.example.yaml").unwrap();
    assert_eq!(networks.len(), 6);
}

#[test]
fn everything_wrong_in_yaml_is_reported_with_its_place_and_a_remedy() {
    let text = "\
10.0.0.0/8: {name: a, zne: x}
10.1.2.3/16: {name: b}
10.1.2.3: {name: c}
10.1.0.0/33: {name: d}
office: {name: e}
10.2.0.0/16: {zone: corporate}
10.3.0.0/16: {name: f, trusted: yes}
10.4.0.0/+16: {name: g}
2001:db8::1/64: {name: h}
10.5.0.0/16: office
10.6.0.0/16: {name: k, zone: one}
10.7.0.0/16: {name: k, zone: two}
::ffff:10.6.0.0/112: {name: l}
";
    let expected = "\
n.yaml:1:23: error: unknown key `zne`
  help: did you mean `zone`?
n.yaml:2:1: error: `10.1.2.3/16` has bits set after its prefix
  help: write `10.1.0.0/16`, or a longer prefix
n.yaml:3:1: error: `10.1.2.3` has no prefix length
  help: write `10.1.2.3/32` for this one address
n.yaml:4:1: error: `10.1.0.0/33`: the prefix length 33 is too large
  help: an IPv4 prefix has a length of 0 to 32
n.yaml:5:1: error: `office` is no network in CIDR notation
  help: write an address and the length of its prefix, such as 10.1.0.0/16 or 2001:db8::/32
n.yaml:6:1: error: `10.2.0.0/16` has no `name`
  help: write `name:` and what people call it
n.yaml:7:33: error: `trusted` is true or false
  help: write true or false, without quotes
n.yaml:8:1: error: `10.4.0.0/+16` is no network in CIDR notation
  help: write an address and the length of its prefix, such as 10.1.0.0/16 or 2001:db8::/32
n.yaml:9:1: error: `2001:db8::1/64` has bits set after its prefix
  help: write `2001:db8::/64`, or a longer prefix
n.yaml:10:14: error: a map is expected, not a string
  help: write `key: value` lines
n.yaml:12:1: error: another network is named `k` on line 11
  help: give it another name, or the same zone, trusted and owner if both are one network with several prefixes
n.yaml:13:1: error: the prefix 10.6.0.0/16 is already on line 11
  help: keep one of them, or write a longer prefix for a part of it";
    assert_eq!(lines(Networks::parse_yaml(text, "n.yaml")), expected);
    let twice = "10.0.0.0/8: {name: a}\n10.0.0.0/8: {name: b}\n";
    let problem = lines(Networks::parse_yaml(twice, "n.yaml"));
    assert!(problem.starts_with("n.yaml:2:1: error:"), "{problem}");
}

#[test]
fn everything_wrong_in_the_rows_of_csv_is_reported_with_its_line() {
    let text = "\
cidr,name,trusted
10.0.0.0/8,private,maybe
10.0.0.0/8,again,
,nowhere,
10.1.0.0/15,bits,
10.2.0.0/16,,
";
    let expected = "\
n.csv:2:1: error: unknown value of `trusted` `maybe`
  help: write one of: true, false
n.csv:3:1: error: the prefix 10.0.0.0/8 is already on line 2
  help: keep one of them, or write a longer prefix for a part of it
n.csv:4:1: error: the `cidr` is empty
  help: write it, or remove the line
n.csv:5:1: error: `10.1.0.0/15` has bits set after its prefix
  help: write `10.0.0.0/15`, or a longer prefix
n.csv:6:1: error: the `name` is empty
  help: write it, or remove the line";
    assert_eq!(lines(Networks::parse_csv(text, "n.csv")), expected);
}
