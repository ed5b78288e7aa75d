//! Checks the Dockerfile and docker-compose.yml, as far as possible without building an image.

use serde_json::Value;
use watchbell::config::from_parts;

use super::{read, root, validate, yaml};

/// The Dockerfile's instructions, continued lines joined.
fn instructions() -> Vec<(String, String)> {
    let text = read("Dockerfile").replace("\\\n", " ");
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| {
            let (word, rest) = line.split_once(' ').expect("an instruction");
            (word.to_owned(), rest.trim().to_owned())
        })
        .collect()
}

fn all<'i>(instructions: &'i [(String, String)], word: &str) -> Vec<&'i str> {
    let matching = instructions.iter().filter(|(is, _)| is == word);
    matching.map(|(_, rest)| rest.as_str()).collect()
}

#[test]
fn base_images_have_a_tag_and_the_compiler_is_the_one_that_the_crate_asks_for() {
    let instructions = instructions();
    let images = all(&instructions, "FROM");
    let (built, bases): (Vec<&str>, Vec<&str>) = images
        .iter()
        .partition(|image| **image == "scratch AS debug");
    assert_eq!((built.len(), bases.len()), (1, 2));
    for image in &bases {
        let name = image.split(' ').next().unwrap_or_default();
        let tag = name.rsplit_once(':').map(|(_, tag)| tag);
        assert!(tag.is_some_and(|tag| tag != "latest"), "{image}");
    }
    let asked = env!("CARGO_PKG_RUST_VERSION");
    assert!(
        images[0].starts_with(&format!("rust:{asked}.")),
        "{}",
        images[0]
    );
}

#[test]
fn the_image_runs_the_binary_as_an_unprivileged_user() {
    let instructions = instructions();
    assert_eq!(all(&instructions, "USER"), ["65532:65532"]);
    assert_eq!(
        all(&instructions, "ENTRYPOINT"),
        ["[\"/usr/local/bin/watchbell\"]"]
    );
    let text = read("deploy/compose/watchbell.yaml");
    let listen = from_parts(Some(("w.yaml", &text)), &[])
        .expect("read")
        .config
        .listen;
    assert_eq!(all(&instructions, "EXPOSE"), [listen.port().to_string()]);
}

#[test]
fn everything_that_is_copied_exists_and_is_not_ignored() {
    let instructions = instructions();
    let ignored = read(".dockerignore");
    assert!(
        ignored.starts_with("*\n"),
        "everything is ignored that is not named"
    );
    for copied in all(&instructions, "COPY") {
        if copied.starts_with("--from=") {
            continue;
        }
        let mut words: Vec<&str> = copied.split_whitespace().collect();
        words.pop();
        for word in words {
            assert!(root().join(word).exists(), "{word}");
            let top = word.split('/').next().unwrap_or_default();
            assert!(ignored.contains(&format!("!{top}\n")), "{word} is ignored");
        }
    }
}

/// The build's packages are the README's prerequisites.
#[test]
fn the_build_installs_what_the_readme_asks_for() {
    let readme = read("README.md");
    let asked = readme
        .lines()
        .find_map(|line| line.strip_prefix("apt-get install "));
    let instructions = instructions();
    let run = all(&instructions, "RUN").join(" ");
    for package in asked.expect("the README's packages").split_whitespace() {
        let only_tests = [
            "openjdk-17-jre-headless",
            "maven",
            "kubernetes-client",
            "python3-venv",
            "chromium",
            "chromium-driver",
            "npm",
        ];
        let installed = run.split_whitespace().any(|word| word == package);
        assert!(installed || only_tests.contains(&package), "{package}");
    }
}

#[test]
fn compose_starts_kafka_then_the_topics_then_the_daemon() {
    let compose = yaml(&read("docker-compose.yml")).remove(0);
    let services = &compose["services"];
    let waits = |service: &str, on: &str| services[service]["depends_on"][on]["condition"].clone();
    assert_eq!(waits("audit", "kafka"), "service_healthy");
    assert_eq!(waits("topics", "audit"), "service_completed_successfully");
    assert_eq!(
        waits("watchbell", "topics"),
        "service_completed_successfully"
    );
    for (name, service) in services.as_object().expect("services") {
        let image = service["image"].as_str().expect("an image");
        assert!(
            image.contains(':') && !image.ends_with(":latest"),
            "{name}: {image}"
        );
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let from = volume.as_str().and_then(|volume| volume.split(':').next());
            assert!(
                root().join(from.expect("a path")).exists(),
                "{name}: {volume}"
            );
        }
    }
    let command: Vec<&str> = services["topics"]["command"]
        .as_array()
        .expect("a command")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(command[..2], ["topics", "create"]);
    // A drain that is cut short would leave its transaction to time out.
    let grace = services["watchbell"]["stop_grace_period"]
        .as_str()
        .expect("a time");
    let grace: u64 = grace.trim_end_matches('s').parse().expect("seconds");
    let text = read("deploy/compose/watchbell.yaml");
    let config = from_parts(Some(("w.yaml", &text)), &[])
        .expect("read")
        .config;
    assert!(grace > config.session.shutdown_budget.as_secs());
    let settings = &services["kafka"]["environment"];
    let inside = settings["KAFKA_ADVERTISED_LISTENERS"]
        .as_str()
        .expect("listeners");
    assert!(inside.contains(&format!("INSIDE://{}", config.destination.bootstrap)));
    validate(&text);
}
