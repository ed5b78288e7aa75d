//! The rendered manifests agree with the daemon: ports, probes, configuration, drain budget; and they
//! keep to the restricted Pod Security standard.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use watchbell::config::{Config, from_parts};
use watchbell::observe::http::{LIVEZ, METRICS, READYZ};

use super::{read, root, schemas, validate, yaml};

/// Every object of a kustomization.
fn render(path: &str) -> Vec<Value> {
    let ran = Command::new("kubectl")
        .arg("kustomize")
        .arg(root().join(path))
        .output()
        .expect("run kubectl: install it (Debian: kubernetes-client)");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    yaml(std::str::from_utf8(&ran.stdout).expect("UTF-8"))
}

fn base() -> Vec<Value> {
    render("deploy/kustomize/base")
}

fn one<'o>(objects: &'o [Value], kind: &str, name: &str) -> &'o Value {
    let found = objects
        .iter()
        .find(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("no {kind} {name}"))
}

/// The overlay with the page.
fn with_page() -> Vec<Value> {
    render("deploy/kustomize/page")
}

fn page_pod(objects: &[Value]) -> &Value {
    &one(objects, "Deployment", "watchbell-page")["spec"]["template"]["spec"]
}

fn pod(objects: &[Value]) -> &Value {
    &one(objects, "StatefulSet", "watchbell")["spec"]["template"]["spec"]
}

fn configuration(objects: &[Value]) -> String {
    let text = &one(objects, "ConfigMap", "watchbell")["data"]["watchbell.yaml"];
    text.as_str().expect("the configuration").to_owned()
}

/// The configuration with secrets and names in a folder that exists here.
fn loadable(objects: &[Value], folder: &tempfile::TempDir) -> String {
    let here = folder.path().display().to_string();
    for key in ["audit-key", "audit-secret", "own-key", "own-secret"] {
        std::fs::write(folder.path().join(key), "a key").expect("a secret");
    }
    let names = &one(objects, "ConfigMap", "watchbell")["data"]["names.yaml"];
    let names = names.as_str().expect("names");
    std::fs::write(folder.path().join("names.yaml"), names).expect("names");
    let text = configuration(objects);
    text.replace("/secrets/", &format!("{here}/"))
        .replace("/etc/watchbell/", &format!("{here}/"))
}

fn config(objects: &[Value]) -> Config {
    let folder = tempfile::tempdir().expect("a folder");
    let loaded = from_parts(Some(("watchbell.yaml", &loadable(objects, &folder))), &[]);
    loaded.expect("a configuration").config
}

#[test]
fn every_object_is_one_that_kubernetes_knows() {
    let objects = base();
    assert_eq!(objects.len(), 7);
    let with_page = with_page();
    assert_eq!(with_page.len(), 10);
    for object in objects.iter().chain(&with_page) {
        let faults = schemas::faults(object);
        assert!(faults.is_empty(), "{}: {faults:?}", object["kind"]);
        let namespaced = object["kind"] != "Namespace";
        let namespace = &object["metadata"]["namespace"];
        assert!(!namespaced || namespace == "watchbell", "{object}");
    }
}

#[test]
fn ports_and_probes_are_those_of_the_daemon() {
    let objects = base();
    let port = json!(config(&objects).listen.port());
    let container = &pod(&objects)["containers"][0];
    assert_eq!(
        container["ports"],
        json!([{"name": "http", "containerPort": port}])
    );
    for (probe, path) in [("livenessProbe", LIVEZ), ("readinessProbe", READYZ)] {
        let asked = &container[probe]["httpGet"];
        assert_eq!(asked, &json!({"path": path, "port": "http"}), "{probe}");
    }
    for service in ["watchbell", "watchbell-metrics"] {
        let spec = &one(&objects, "Service", service)["spec"];
        let expected = json!([{"name": "http", "port": port, "targetPort": "http"}]);
        assert_eq!(spec["ports"], expected, "{service}");
        let labels = &one(&objects, "StatefulSet", "watchbell")["spec"]["template"]["metadata"];
        assert_eq!(spec["selector"], labels["labels"], "{service}");
    }
    let spec = &one(&objects, "StatefulSet", "watchbell")["spec"];
    assert_eq!(spec["serviceName"], "watchbell");
    assert_eq!(
        one(&objects, "Service", "watchbell")["spec"]["clusterIP"],
        "None"
    );
}

#[test]
fn a_pod_has_more_time_to_shut_down_than_the_daemon_needs() {
    let objects = base();
    let budget = config(&objects).session.shutdown_budget;
    let grace = pod(&objects)["terminationGracePeriodSeconds"].as_u64();
    let grace = Duration::from_secs(grace.expect("seconds"));
    assert!(
        grace >= budget + Duration::from_secs(10),
        "{grace:?} for {budget:?}"
    );
}

#[test]
fn the_configuration_in_the_manifests_is_valid_once_the_secret_is_there() {
    let objects = base();
    let folder = tempfile::tempdir().expect("a folder");
    validate(&loadable(&objects, &folder));
}

#[test]
fn files_that_the_configuration_names_are_mounted_and_secrets_only_by_name() {
    let objects = base();
    assert!(objects.iter().all(|object| object["kind"] != "Secret"));
    let pod = pod(&objects);
    let container = &pod["containers"][0];
    let mounts = container["volumeMounts"].as_array().expect("mounts");
    let mount = |path: &str| {
        let mount = mounts.iter().find(|mount| mount["mountPath"] == path);
        let mount = mount.unwrap_or_else(|| panic!("nothing at {path}"));
        assert_eq!(mount["readOnly"], true, "{path}");
        assert!(mount.get("subPath").is_none(), "a subPath is never updated");
        let volumes = pod["volumes"].as_array().expect("volumes");
        let volume = volumes
            .iter()
            .find(|volume| volume["name"] == mount["name"]);
        volume.expect("a volume").clone()
    };
    assert_eq!(mount("/etc/watchbell")["configMap"]["name"], "watchbell");
    assert_eq!(mount("/secrets")["secret"]["secretName"], "watchbell");
    let text = configuration(&objects);
    let files: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split_once(": "))
        .map(|(_, value)| value)
        .filter(|value| value.starts_with('/'))
        .collect();
    assert_eq!(files.len(), 5, "{files:?}");
    let asked_for = read("deploy/README.md");
    for file in files {
        let (folder, name) = file.rsplit_once('/').expect("a path");
        assert!(["/secrets", "/etc/watchbell"].contains(&folder), "{file}");
        let told = asked_for.contains(&format!("--from-file={name}"));
        assert!(
            folder != "/secrets" || told,
            "deploy/README.md does not ask for {name}"
        );
    }
    let args = container["args"].as_array().expect("arguments");
    assert_eq!(args[2], "/etc/watchbell/watchbell.yaml");
}

#[test]
fn a_pods_number_comes_from_the_label_that_a_stateful_set_gives_it() {
    let objects = base();
    let from_label = json!({"fieldRef": {
        "fieldPath": "metadata.labels['apps.kubernetes.io/pod-index']",
    }});
    let expected = json!([{"name": "WATCHBELL__ORDINAL", "valueFrom": from_label}]);
    assert_eq!(pod(&objects)["containers"][0]["env"], expected);
    // It is the variable that the daemon reads.
    let folder = tempfile::tempdir().expect("a folder");
    let text = loadable(&objects, &folder);
    let number = ("WATCHBELL__ORDINAL".to_owned(), "1".to_owned());
    let loaded = from_parts(Some(("watchbell.yaml", &text)), &[number]);
    let config = loaded.expect("a configuration").config;
    assert_eq!(config.session.ordinal, Some(1));
}

/// <https://kubernetes.io/docs/concepts/security/pod-security-standards/>
#[test]
fn pods_keep_to_the_restricted_standard() {
    let (objects, with_page) = (base(), with_page());
    assert_restricted(pod(&objects));
    assert_restricted(page_pod(&with_page));
    let labels = &one(&objects, "Namespace", "watchbell")["metadata"]["labels"];
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted");
}

fn assert_restricted(pod: &Value) {
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        assert!(pod.get(field).is_none(), "{field}");
    }
    let security = &pod["securityContext"];
    assert_eq!(security["runAsNonRoot"], true);
    assert_ne!(security["runAsUser"], 0);
    assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault");
    for container in pod["containers"].as_array().expect("containers") {
        let security = &container["securityContext"];
        assert_eq!(security["allowPrivilegeEscalation"], false);
        assert_eq!(security["readOnlyRootFilesystem"], true);
        assert_eq!(security["capabilities"], json!({"drop": ["ALL"]}));
        assert!(container["resources"]["limits"]["memory"].is_string());
        assert!(container["resources"]["requests"]["cpu"].is_string());
    }
    assert_eq!(pod["automountServiceAccountToken"], false);
    let allowed = ["configMap", "secret"];
    for volume in pod["volumes"].as_array().expect("volumes") {
        let kinds: Vec<&String> = volume.as_object().expect("a volume").keys().collect();
        let kind = kinds.into_iter().find(|kind| *kind != "name");
        assert!(
            kind.is_some_and(|kind| allowed.contains(&kind.as_str())),
            "{volume}"
        );
    }
}

#[test]
fn the_page_has_pods_of_its_own_with_the_ports_of_the_page() {
    let objects = with_page();
    let pod = page_pod(&objects);
    let container = &pod["containers"][0];
    let variables = container["env"].as_array().expect("variables");
    let variables: Vec<(String, String)> = variables
        .iter()
        .map(|variable| {
            let text = |key: &str| variable[key].as_str().expect("a text").to_owned();
            (text("name"), text("value"))
        })
        .collect();
    let folder = tempfile::tempdir().expect("a folder");
    let text = loadable(&objects, &folder);
    let loaded = from_parts(Some(("watchbell.yaml", &text)), &variables);
    let config = loaded.expect("a configuration").config;
    let page = config.page.expect("a page").listen;
    assert!(page.ip().is_loopback(), "{page}");
    assert_eq!(
        container["ports"],
        json!([
            {"name": "http", "containerPort": config.listen.port()},
            {"name": "page", "containerPort": page.port()},
        ])
    );
    for (probe, path) in [("livenessProbe", LIVEZ), ("readinessProbe", READYZ)] {
        let asked = &container[probe]["httpGet"];
        assert_eq!(asked, &json!({"path": path, "port": "http"}), "{probe}");
    }
    assert_eq!(
        container["args"].as_array().expect("arguments")[..3],
        [json!("run"), json!("--role"), json!("page")]
    );
    // No Service of one leads to pods of the other.
    let labels = &one(&objects, "Deployment", "watchbell-page")["spec"]["template"]["metadata"];
    for (service, port) in [
        ("watchbell-page", "page"),
        ("watchbell-page-metrics", "http"),
    ] {
        let spec = &one(&objects, "Service", service)["spec"];
        assert_eq!(spec["selector"], labels["labels"], "{service}");
        assert_eq!(spec["ports"][0]["targetPort"], port, "{service}");
    }
    let base = one(&objects, "Service", "watchbell-metrics");
    assert_ne!(base["spec"]["selector"], labels["labels"]);
    // Prometheus finds both by the same labels.
    let page = one(&objects, "Service", "watchbell-page-metrics");
    assert_eq!(page["metadata"]["labels"], base["metadata"]["labels"]);
}

#[test]
fn one_pod_at_a_time_may_be_disrupted() {
    let objects = base();
    let budget = &one(&objects, "PodDisruptionBudget", "watchbell")["spec"];
    assert_eq!(budget["maxUnavailable"], 1);
    let selector = &one(&objects, "StatefulSet", "watchbell")["spec"]["selector"];
    assert_eq!(&budget["selector"], selector);
}

#[test]
fn the_overlay_adds_a_monitor_of_the_metrics_service() {
    let objects = render("deploy/kustomize/prometheus");
    let monitor = &one(&objects, "ServiceMonitor", "watchbell")["spec"];
    assert_eq!(monitor["endpoints"][0]["path"], METRICS);
    let service = one(&objects, "Service", "watchbell-metrics");
    let wanted = &monitor["selector"]["matchLabels"];
    assert_eq!(wanted, &service["metadata"]["labels"]);
    let port = &monitor["endpoints"][0]["port"];
    assert_eq!(port, &service["spec"]["ports"][0]["name"]);
    assert_eq!(objects.len(), base().len() + 1);
}
