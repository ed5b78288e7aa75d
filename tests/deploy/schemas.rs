//! Kubernetes' objects by their published JSON Schemas, made strict: a field that does not exist is an
//! error, as `kubectl apply --validate=strict` has it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

/// Fetched by Maven where they are not there yet.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<std::path::PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let here = super::root();
        let folder = here.join("target/kubernetes-schemas");
        if folder.is_dir() {
            return folder;
        }
        let partial = folder.with_extension("partial");
        let fetched = Command::new("mvn")
            .args(["-q", "-B", "-f"])
            .arg(here.join("tests/deploy/pom.xml"))
            .arg("dependency:unpack-dependencies")
            .arg(format!("-DoutputDirectory={}", partial.display()))
            .args(["-Dmdep.includes=schema/validation-schema.json"])
            .args(["-Dmdep.includeArtifactIds=kubernetes-model-apps,kubernetes-model-policy"])
            .args(["-Dmdep.useSubDirectoryPerArtifact=true"])
            .stdout(Stdio::null())
            .status()
            .expect("run mvn: install Maven");
        assert!(fetched.success(), "Maven could not fetch the schemas");
        fs::rename(&partial, &folder).expect("keep the schemas");
        folder
    })
}

/// What is wrong with an object, by the schema of its kind in one of the modules.
pub fn faults(object: &Value) -> Vec<String> {
    let (module, definition) = match object["kind"].as_str().expect("a kind") {
        kind @ ("StatefulSet" | "Deployment") => ("apps", format!("kubernetes_apps_{kind}")),
        kind @ "PodDisruptionBudget" => ("policy", format!("kubernetes_policy_v1_{kind}")),
        kind => ("apps", format!("kubernetes_core_{kind}")),
    };
    let mut schema = schema(module);
    assert!(
        schema["definitions"].get(&definition).is_some(),
        "no schema of {definition}"
    );
    schema["$ref"] = json!(format!("#/definitions/{definition}"));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors = validator.iter_errors(object);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn schema(module: &str) -> Value {
    let mut found = Vec::new();
    find(folder(), module, &mut found);
    let [path] = &found[..] else {
        panic!(
            "one schema of {module} below {}: {found:?}",
            folder().display()
        );
    };
    let text = fs::read_to_string(path).expect("a schema");
    let whole: Value = serde_json::from_str(&text).expect("JSON");
    let mut definitions = whole["definitions"].clone();
    make_strict(&mut definitions);
    // The generator describes the Java type, where the wire has a word or a number.
    for (name, definition) in definitions.as_object_mut().into_iter().flatten() {
        if name.ends_with("IntOrString") || name.ends_with("_Quantity") {
            *definition = json!({"type": ["integer", "string"]});
        }
    }
    json!({"$schema": "http://json-schema.org/draft-07/schema#", "definitions": definitions})
}

fn find(folder: &Path, module: &str, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            find(&path, module, found);
        } else if path.to_string_lossy().contains(module)
            && path.ends_with("validation-schema.json")
        {
            found.push(path);
        }
    }
}

/// The generator writes `required: true` beside a property, which the standard does not know, and
/// lets every object have more fields than its own.
fn make_strict(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if object.get("required").is_some_and(Value::is_boolean) {
                object.remove("required");
            }
            let has_fields = object.get("properties").is_some_and(Value::is_object);
            if has_fields && object.get("additionalProperties") == Some(&Value::Bool(true)) {
                object.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            object.values_mut().for_each(make_strict);
        }
        Value::Array(items) => items.iter_mut().for_each(make_strict),
        _ => {}
    }
}

#[test]
fn a_field_that_does_not_exist_is_found() {
    let right = json!({"apiVersion": "v1", "kind": "Service", "spec": {"clusterIP": "None"}});
    assert_eq!(faults(&right), [""; 0]);
    let wrong = json!({"apiVersion": "v1", "kind": "Service", "spec": {"clusterIp": "None"}});
    assert!(!faults(&wrong).is_empty());
}
