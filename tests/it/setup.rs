//! The commands that an operator runs before the daemon: `init`, `validate`, `config schema`, `completions`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use watchbell::config::{Fault, from_parts};
use watchbell::kafka::BrokerKind;
use watchbell::roles::outputs;
use watchbell::vendors::VENDORS;

fn watchbell(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_watchbell"))
        .args(arguments)
        .output()
        .expect("run watchbell")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn schema() -> jsonschema::Validator {
    let printed = watchbell(&["config", "schema"]);
    assert!(printed.status.success(), "{}", stderr(&printed));
    let schema: Value = serde_json::from_slice(&printed.stdout).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).expect("YAML")
}

/// The first configuration of the README.
fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(path).expect("README.md");
    let block = text
        .split("```yaml\n")
        .find(|block| block.starts_with("sources:"))
        .expect("a configuration");
    block.split("```").next().unwrap_or_default().to_owned()
}

/// The files of secrets that the template of a vendor names.
const SECRETS: [(&str, &[&str]); 3] = [
    (
        "confluent",
        &["audit-key", "audit-secret", "own-key", "own-secret"],
    ),
    ("actiontrail", &["access-key", "own-key", "own-secret"]),
    ("redpanda", &["audit-password", "own-password"]),
];

#[test]
fn what_init_writes_is_refused_as_it_is_and_fine_once_it_is_filled_in() {
    let known = SECRETS.map(|(vendor, _)| vendor);
    assert_eq!(VENDORS.map(|vendor| vendor.product), known);
    for (vendor, secrets) in SECRETS {
        fill_in(vendor, secrets);
    }
}

fn fill_in(vendor: &str, secrets: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("watchbell.yaml");
    let path = path.to_str().expect("UTF-8");
    let written = watchbell(&["init", vendor, "--output", path]);
    assert!(written.status.success(), "{}", stderr(&written));
    let text = fs::read_to_string(path).expect("the file");
    assert_eq!(stdout(&watchbell(&["init", vendor])), text);

    let refused = watchbell(&["validate", "--connect", "-c", path]);
    assert_eq!(refused.status.code(), Some(78));
    for key in secrets {
        assert!(stderr(&refused).contains(key), "{}", stderr(&refused));
        fs::write(folder.path().join(key), "a key").expect("a secret's file");
    }
    let own = folder.path().display().to_string();
    let filled = text.replace("REPLACE/", &format!("{own}/"));
    fs::write(path, filled.replace("REPLACE", "abcde")).expect("the file");
    let fine = watchbell(&["validate", "-c", path]);
    assert_eq!(fine.status.code(), Some(0), "{}", stderr(&fine));

    let again = watchbell(&["init", vendor, "--output", path]);
    assert_eq!(again.status.code(), Some(1));
    assert!(
        stderr(&again).contains("exists already and was not changed"),
        "{}",
        stderr(&again)
    );
}

#[test]
fn every_option_in_a_comment_of_init_exists() {
    for (vendor, _) in SECRETS {
        uncomment(vendor);
    }
}

fn uncomment(vendor: &str) {
    let text = stdout(&watchbell(&["init", vendor]));
    // Secrets of its own, and the second list of rules in place of the first.
    let uncommented: String = text
        .lines()
        .filter(|line| !line.contains("_file: REPLACE") && !line.starts_with("rules:"))
        // Only a build with the archive takes these.
        .filter(|line| {
            let is_archive = ["# archive: {", "# page: {"]
                .iter()
                .any(|key| line.starts_with(key));
            !is_archive || cfg!(feature = "archive")
        })
        .map(|line| {
            let bare = line.trim_start();
            let indent = &line[..line.len() - bare.len()];
            match bare.strip_prefix("# ") {
                Some(option) if is_option(option) => format!("{indent}{option}\n"),
                _ => format!("{line}\n"),
            }
        })
        .collect();
    let password = tempfile::NamedTempFile::new().expect("a file");
    fs::write(password.path(), "a password").expect("a secret");
    let password = password.path().display().to_string();
    let text = uncommented.replace("/etc/watchbell/secrets/password", &password);
    for option in [
        "on_gap: continue",
        "sasl.mechanism",
        "dead_letters",
        "log: {",
    ] {
        let line = text.lines().find(|line| line.contains(option));
        let line = line.unwrap_or_default().trim_start();
        assert!(
            !line.is_empty() && !line.starts_with('#'),
            "{option}\n{text}"
        );
    }
    let faults = from_parts(Some(("w.yaml", &text)), &[]).err();
    let faults: Vec<String> = faults.iter().flatten().map(Fault::to_string).collect();
    assert!(faults.is_empty(), "{faults:?}\n{text}");
    let errors: Vec<String> = schema()
        .iter_errors(&yaml(&text))
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
}

/// Whether a comment is `key:` or `key: value`, a key of librdkafka's included.
fn is_option(comment: &str) -> bool {
    let (key, rest) = comment.split_once(':').unwrap_or((" ", ""));
    let is_key = |c: char| c.is_ascii_lowercase() || "_.".contains(c);
    let key = key.trim_start();
    !key.is_empty() && key.chars().all(is_key) && (rest.is_empty() || rest.starts_with(' '))
}

#[test]
fn the_schema_takes_the_configuration_of_the_readme_and_refuses_an_unknown_key() {
    let schema = schema();
    let readme = readme();
    assert!(schema.is_valid(&yaml(&readme)), "{readme}");
    let unknown = yaml(&readme.replace("destination:", "destinatoin:"));
    let error = schema.validate(&unknown).expect_err("refused");
    assert!(error.to_string().contains("destinatoin"), "{error}");
}

#[test]
fn the_configuration_of_the_readme_is_read_once_its_secrets_are_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut text = readme();
    for key in [
        "audit-key",
        "audit-secret",
        "own-key",
        "own-secret",
        "pagerduty",
    ] {
        let path = folder.path().join(key);
        fs::write(&path, "a key").expect("a secret's file");
        text = text.replace(&format!("/secrets/{key}"), &path.display().to_string());
    }
    let loaded = from_parts(Some(("README.md", &text)), &[]);
    let config = loaded
        .map_err(|faults| format!("{faults:?}"))
        .expect("read")
        .config;
    assert_eq!(config.sources[0].topic, "confluent-audit-log-events");
    assert!(config.destination.credentials.is_some());
}

#[test]
fn the_source_of_actiontrail_in_the_readme_is_one_of_sls() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(path).expect("README.md");
    let mut blocks = text.split("```yaml\n");
    let block = blocks.find(|block| block.contains("log.aliyuncs.com"));
    let block = block.and_then(|block| block.split("```").next());
    let secret = tempfile::NamedTempFile::new().expect("a file");
    fs::write(secret.path(), "id#secret\n").expect("a secret");
    let there = secret.path().display().to_string();
    let source = block
        .expect("a source")
        .replace("/secrets/access-key", &there);
    let text = format!("{source}destination: {{bootstrap: \"b:1\"}}\n");
    let loaded = from_parts(Some(("README.md", &text)), &[]);
    let config = loaded
        .map_err(|faults| format!("{faults:?}"))
        .expect("read")
        .config;
    assert_eq!(config.sessions(0)[0].broker, BrokerKind::Sls);
    assert_eq!(
        config.sources[0].cluster.properties["sasl.password"],
        "id#secret"
    );
}

#[test]
fn the_readme_lists_the_settings_of_topics_create() {
    let text = "sources: {a: {bootstrap: \"a:1\"}}\ndestination: {bootstrap: \"b:1\"}\n";
    let config = from_parts(Some(("w.yaml", text)), &[]).map_err(|_| ());
    let wanted = outputs::wanted(&config.expect("read").config.outputs);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(path).expect("README.md");
    let row = |name: &str| {
        let start = format!("| {name} | ");
        let row = readme.lines().find_map(|line| line.strip_prefix(&start));
        row.unwrap_or_else(|| panic!("no row for {name}"))
            .to_owned()
    };
    let counts: Vec<String> = ["events", "alerts", "dead letters"]
        .iter()
        .zip(&wanted)
        .map(|(name, topic)| format!("{name} {}", topic.partitions))
        .collect();
    assert!(
        row("partitions").starts_with(&counts.join(", ")),
        "{counts:?}"
    );
    for topic in &wanted {
        for (setting, value) in &topic.settings {
            let told = row(&format!("`{setting}`"));
            assert!(told.starts_with(&format!("`{value}`")), "{setting}: {told}");
        }
    }
}

#[test]
fn every_shell_gets_completions_that_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let printed = watchbell(&["completions", shell]);
        assert!(printed.status.success(), "{shell}");
        let text = stdout(&printed);
        for word in ["validate", "replay", "--connect"] {
            // fish writes an option without its dashes.
            assert!(
                text.contains(word.trim_start_matches('-')),
                "{shell}: {word}"
            );
        }
    }
}
