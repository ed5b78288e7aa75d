//! The shipped catalogue against the events, the rules and the verbs; refusals of others.

use std::sync::LazyLock;

use super::*;
use crate::event::Activity;

mod actiontrail;

static ALL: LazyLock<Catalogs> = LazyLock::new(|| {
    Catalogs::shipped().unwrap_or_else(|diagnostics| panic!("{}", lines(&diagnostics)))
});

fn shipped() -> &'static Catalog {
    ALL.of("confluent").unwrap()
}

fn lines(diagnostics: &[Diagnostic]) -> String {
    let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn every_method_of_the_documented_and_collected_events_is_known() {
    let catalog = shipped();
    let documented = "CreateWorkspace DeleteWorkspace GetWorkspace ListWorkspace ListWorkspaces \
        UpdateWorkspace CreateStatement DeleteStatement GetStatement ListStatements";
    let collected = "kafka.Authentication mds.Authorize kafka.DeleteTopics kafka.CreateTopics \
        BindRoleForPrincipal CreateAPIKey DeleteKafkaCluster DeleteStatement CreateStatement \
        ip-filter.Authorize schema-registry.Authentication flink.Authenticate \
        confluent.privileged.access GetNotificationType GetStatement ListFlinkRegions \
        mcp.tools/call ksql.Authorize schema-registry.DeleteSubject flink.Authorize \
        TableflowLoadTable";
    for name in documented
        .split_whitespace()
        .chain(collected.split_whitespace())
    {
        assert!(catalog.method(name).is_some(), "no method `{name}`");
    }
}

#[test]
fn a_method_is_found_by_any_spelling_of_its_name_and_aliases() {
    let catalog = shipped();
    let name = |spelling| catalog.method(spelling).map(|method| method.name.as_str());
    assert_eq!(name("ListWorkspace"), Some("ListWorkspaces"));
    assert_eq!(name("LISTWORKSPACES"), Some("ListWorkspaces"));
    assert_eq!(name("CreateApiKey"), Some("CreateAPIKey"));
    let unbind = Some("UnbindAllRolesForPrincipal");
    assert_eq!(name("UnBindAllRolesForPrincipal"), unbind);
    for unknown in [
        "",
        "DeleteRoleBinding",
        "CreateFlinkStatement",
        "É",
        &"x".repeat(65),
    ] {
        assert_eq!(name(unknown), None, "{unknown}");
    }
}

#[test]
fn methods_of_two_vendors_that_have_one_name_do_not_meet() {
    let catalog = |product: &str, access: &str| {
        let text = format!(
            "product: {product}\nservices: {{s: {{m: {{methods: {{CreateUser: {{activity: create, \
             access: {access}, sensitivity: low, description: It does.}}}}}}}}}}"
        );
        Catalog::parse(&text, "c.yaml").unwrap()
    };
    let catalogs = Catalogs::from_iter([catalog("one", "read"), catalog("two", "write")]);
    let access = |product: &str| {
        let catalog = catalogs.of(product)?;
        Some(catalog.method("createuser")?.labels()[0])
    };
    assert_eq!(access("one"), Some("access:read"));
    assert_eq!(access("two"), Some("access:write"));
    assert_eq!(access("three"), None);
}

#[test]
fn the_description_of_a_method_is_complete() {
    let catalog = shipped();
    let method = catalog.method("DeleteStatement").unwrap();
    assert_eq!((&*method.service, &*method.module), ("flink", "statement"));
    assert_eq!(
        (method.activity, method.access),
        (Activity::Delete, Access::Write)
    );
    assert_eq!(method.sensitivity, Sensitivity::High);
    assert_eq!(method.resource_type.as_deref(), Some("STATEMENT"));
    let own_type = catalog.method("schema-registry.GetDek").unwrap();
    assert_eq!(own_type.resource_type.as_deref(), Some("DEK"));
    let varying = catalog.method("mds.Authorize").unwrap();
    assert_eq!(varying.resource_type, None);
    for method in catalog.methods() {
        let text = &*method.description;
        assert!(
            text.ends_with('.') && text.matches(". ").count() == 0,
            "{text}"
        );
    }
}

#[test]
fn what_gives_or_takes_rights_is_a_write_of_high_sensitivity() {
    let catalogs = Catalogs::shipped().unwrap();
    for catalog in catalogs.iter() {
        let granting: Vec<&Method> = catalog.methods().filter(|method| method.grants).collect();
        assert!(!granting.is_empty(), "{}", catalog.product());
        for method in granting {
            let is_write = method.access == Access::Write;
            assert!(
                is_write && method.sensitivity == Sensitivity::High,
                "{}",
                method.name
            );
        }
    }
    let confluent = catalogs.of("confluent").unwrap();
    let grants = |name: &str| confluent.method(name).unwrap().grants;
    assert!(grants("BindRoleForPrincipal") && grants("kafka.DeleteAcls"));
    assert!(!grants("kafka.DescribeAcls") && !grants("kafka.DeleteTopics"));
}

/// The methods whose access contradicts their activity.
fn contradictions(catalog: &Catalog) -> Vec<&str> {
    let is_contradicted = |method: &&Method| match method.activity {
        Activity::Create
        | Activity::Update
        | Activity::Delete
        | Activity::Start
        | Activity::Stop => method.access != Access::Write,
        Activity::Read | Activity::Logon | Activity::Logoff => method.access != Access::Read,
        Activity::Other => false,
    };
    let methods = catalog.methods().filter(is_contradicted);
    methods.map(|method| method.name.as_str()).collect()
}

#[test]
fn only_writes_create_update_or_delete() {
    assert_eq!(contradictions(shipped()), <[&str; 0]>::default());
}

#[test]
fn the_verb_disagrees_with_the_catalogue_only_where_it_misleads() {
    let catalog = shipped();
    let misleading: Vec<&str> = catalog
        .methods()
        .filter(|method| {
            let guess = Activity::from_verb(&method.name);
            guess != Activity::Other && guess != method.activity
        })
        .map(|method| method.name.as_str())
        .collect();
    assert_eq!(
        misleading,
        [
            "kafka.CreatePartitions",
            "kafka.AddOffsetsToTxn",
            "kafka.AddPartitionsToTxn",
            "kafka.StopReplica",
            "GrantRoleResourcesForPrincipal",
            "RevokeRoleResourcesForPrincipal",
            "CreateOrUpdateConnector",
        ]
    );
}

#[test]
fn everything_wrong_in_a_catalogue_is_reported_with_its_place() {
    let text = "\
product: p
services:
  s:
    m:
      methods:
        A: {activity: creat, access: read, sensitivity: low, description: Does A.}
        B: {activity: read, acess: read, sensitivity: low, grants: often, description: Does B.}
        C: {aliases: [D], activity: read, access: read, sensitivity: low, description: Does C.}
        d: {activity: read, access: read, sensitivity: low, description: ''}
";
    let diagnostics = Catalog::parse(text, "c.yaml").unwrap_err();
    let expected = "\
c.yaml:6:23: error: unknown activity `creat`
  help: did you mean `create`?
c.yaml:7:12: error: `access` is missing
c.yaml:7:29: error: unknown key `acess`
  help: did you mean `access`?
c.yaml:7:68: error: `grants` is true or false
c.yaml:9:9: error: a second method is called `d`
c.yaml:9:74: error: an empty string
  help: write a text, or remove the key";
    assert_eq!(lines(&diagnostics), expected);
    let text = "\
product: p
service_names:
  a: [One, Two]
  b: [one, É]
  cc: [Three]
services:
  a:
    m:
      methods:
        Do: {activity: read, access: read, sensitivity: low, description: Does it.}
        do: {activity: read, access: read, sensitivity: low, description: Does it again.}
  b:
    m:
      methods:
        Do: {activity: read, access: read, sensitivity: low, description: Does it., description_zh: ''}
  c: {m: {methods: {}}}
";
    let diagnostics = Catalog::parse(text, "c.yaml").unwrap_err();
    let expected = "\
c.yaml:3:3: error: the service `c` has no name in events
  help: add a list of values of `serviceName` for it
c.yaml:4:7: error: `one` already stands for the service `a`
  help: remove one of the two
c.yaml:4:12: error: `É` is not 1 to 64 ASCII characters
c.yaml:5:3: error: no service `cc`
  help: did you mean `c`?
c.yaml:11:9: error: a second method of `a` is called `do`
c.yaml:15:101: error: an empty string
  help: write a text, or remove the key";
    assert_eq!(lines(&diagnostics), expected);
    let empty = Catalog::parse("", "c.yaml").unwrap_err();
    assert_eq!(
        lines(&empty),
        "c.yaml:1:1: error: a map is expected, not null\n  help: write `key: value` lines"
    );
}
