//! The catalogue of ActionTrail's events against the vendor's lists of names.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{ALL, contradictions};
use crate::catalog::{Access, Catalog, Method, MethodNames, Sensitivity};
use crate::event::Activity;
use crate::pipeline;
use crate::vendors::ACTIONTRAIL;

/// Names and Chinese descriptions of the events that Realtime Compute documents.
const REALTIME_COMPUTE_EVENTS: &str =
    include_str!("../../../tests/data/catalog/realtime-compute-events.tsv");

/// Names and service modules of the events of DataWorks that are no API calls.
const DATAWORKS_EVENTS: &str = include_str!("../../../tests/data/catalog/dataworks-events.tsv");

/// Services and names of the API operations of DataWorks, Realtime Compute and ActionTrail.
const OPERATIONS: &str = include_str!("../../../tests/data/catalog/operations.tsv");

fn catalog() -> &'static Catalog {
    ALL.of("actiontrail").unwrap()
}

fn rows(text: &str) -> Vec<(&str, &str)> {
    text.lines()
        .map(|line| line.split_once('\t').unwrap())
        .collect()
}

fn method<'c>(catalog: &'c Catalog, service_name: &str, name: &str) -> &'c Method {
    let found = catalog.method_of(service_name, name);
    found.unwrap_or_else(|| panic!("no `{name}` of `{service_name}`"))
}

#[test]
fn every_documented_event_of_realtime_compute_has_both_descriptions() {
    let catalog = catalog();
    let events = rows(REALTIME_COMPUTE_EVENTS);
    assert_eq!(events.len(), 22);
    for (name, chinese) in events {
        let method = method(catalog, "RealtimeCompute", name);
        assert_eq!(method.name, name);
        assert_eq!(&*method.service, "realtime-compute");
        assert_eq!(method.description_zh.as_deref(), Some(chinese), "{name}");
        assert!(method.description.is_ascii(), "{name}");
    }
    let both = method(catalog, "RealtimeCompute", "AppendVswitchId");
    assert_eq!(
        &*both.message,
        "Adds vSwitches to an instance. 增加虚拟交换机"
    );
    let english = method(catalog, "RealtimeCompute", "CreateInstance");
    assert_eq!(english.message, english.description);
}

#[test]
fn every_event_of_dataworks_that_is_no_api_call_has_its_service_module() {
    let catalog = catalog();
    let events = rows(DATAWORKS_EVENTS);
    assert_eq!(events.len(), 52);
    for (name, module) in events {
        let method = method(catalog, "DataWorks", name);
        assert_eq!((method.name.as_str(), &*method.module), (name, module));
    }
}

#[test]
fn every_operation_of_the_three_services_is_known() {
    let catalog = catalog();
    let word = BTreeMap::from([
        ("actiontrail", "Actiontrail"),
        ("dataworks", "DataWorks"),
        ("realtime-compute", "RealtimeCompute"),
    ]);
    let operations = rows(OPERATIONS);
    assert!(operations.len() > 850);
    for (service, name) in operations {
        let method = method(catalog, word[service], name);
        assert_eq!(&*method.service, service, "{name}");
    }
}

#[test]
fn a_method_is_found_by_every_word_for_its_service_and_in_any_casing() {
    let catalog = catalog();
    for word in ["RealtimeCompute", "foasconsole", "VERVERICA"] {
        let append = method(catalog, word, "AppendVSwitchId");
        assert_eq!(append.name, "AppendVswitchId");
        assert_eq!(catalog.service_of(word), Some("realtime-compute"));
    }
    assert_eq!(
        method(catalog, "aascustomer", "consolesignin").name,
        "ConsoleSignin"
    );
    assert_eq!(
        method(catalog, "aegis", "ModifyWebLockUnbind").name,
        "ModifyWebLockUnbind"
    );
    let alias = method(catalog, "Vpc", "DeactivateFlowLog");
    assert_eq!(alias.name, "DeactiveFlowLog");
    assert_eq!(catalog.service_of("ecs"), Some("ecs"));
    assert!(catalog.method_of("Ecs", "DoNothing").is_none());
    assert!(catalog.method_of("Elsewhere", "CreateInstance").is_none());
    assert_eq!(catalog.service_of("Elsewhere"), None);
    assert_eq!(catalog.service_of(&"x".repeat(65)), None);
    assert!(catalog.method("CreateTrail").is_none());
}

#[test]
fn methods_of_one_name_in_several_services_do_not_meet() {
    let catalog = catalog();
    let read = |word: &str, name: &str| {
        let method = method(catalog, word, name);
        (method.service.to_string(), method.resource_type.clone())
    };
    let of = |service: &str, kind: &str| (service.to_owned(), Some(kind.to_owned()));
    assert_eq!(
        read("Ecs", "CreateInstance"),
        of("ecs", "ACS::ECS::Instance")
    );
    assert_eq!(
        read("foasconsole", "CreateInstance"),
        of("realtime-compute", "ACS::RealtimeCompute::VvpInstance")
    );
    assert_eq!(read("Ram", "CreatePolicy"), of("ram", "ACS::RAM::Policy"));
    assert_eq!(
        read("Kms", "CreatePolicy"),
        of("kms", "ACS::KMS::ApplicationAccessPoint")
    );
    let stop = |word| {
        method(catalog, word, "StopInstance")
            .description
            .to_string()
    };
    assert_ne!(stop("Ecs"), stop("DataWorks"));
}

#[test]
fn what_destroys_grants_exports_or_silences_is_highly_sensitive() {
    let catalog = catalog();
    let high = [
        (
            "RealtimeCompute",
            "DeleteDeployment DeleteNameSpace DeleteInstance RefundAsiOrder StartJob StopJob \
             DeleteJob HotUpdateJob FlinkApiProxy RegisterCustomConnector RegisterUdfFunction \
             ExecuteSqlStatement CreateMember CreateServiceLinkedRole FetchSqlExecutionResult",
        ),
        (
            "DataWorks",
            "DownloadExecutionResult DownloadSqlResult DownloadSheet DIDeleteDatasource \
             DIBatchDeleteDatasource DIManageDatasourcePermission DeleteBusiness \
             DestroyRelationTableFromBusiness DIDeleteAlarmRule DIStopAlarmRule \
             DIBatchDeleteAlarmRule DIBatchStopAlarmRule DIDeleteSolutionAlarmRule \
             DIUpdateSolutionAlarmRule DIUpdateAlarmRule LockFile RunTask ExecuteFile \
             AddProjectMemberToRole AddApiAuthority ApprovePermissionApplyOrder \
             GrantMemberProjectRoles ExportDataSources DeleteProject DeleteDataSource \
             DsgDesensPlanDelete DsgDesensPlanUpdateStatus DsgWhiteListAddOrUpdate \
             DeleteAlertRule UpdateDIAlarmRule DeleteQualityFollower",
        ),
        (
            "Actiontrail",
            "DeleteTrail StopLogging UpdateTrail DisableInsight PutDataEventSelector",
        ),
        ("AasCustomer", "PasswordReset"),
        (
            "Ram",
            "CreateAccessKey AttachPolicyToUser AttachPolicyToGroup AttachPolicyToRole \
             CreatePolicyVersion SetDefaultPolicyVersion SetPasswordPolicy UnbindMFADevice",
        ),
        ("Ims", "SetPasswordPolicy CreateAccessKey ChangePassword"),
        (
            "Kms",
            "DisableKey ScheduleKeyDeletion DeleteKeyMaterial GetSecretValue",
        ),
        (
            "ResourceManager",
            "AttachPolicy DetachPolicy DisableControlPolicy",
        ),
        (
            "Ecs",
            "DeleteInstance DeleteInstances ReleaseInstance DeleteDisk ReInitDisk \
             ModifyInstanceAttribute CancelAutoSnapshotPolicy AuthorizeSecurityGroup \
             RevokeSecurityGroup RunCommand InvokeCommand",
        ),
        (
            "Rds",
            "DeleteDBInstance DestroyDBInstance Release ModifySecurityIps \
             ModifySQLCollectorPolicy ModifyDBInstanceSSL",
        ),
        (
            "Oss",
            "PutBucketPolicy PutBucketAcl PutBucketCors PutBucketEncryption PutBucketLifecycle \
             PutBucketReplication DeleteBucketPolicy DeleteBucketEncryption",
        ),
        (
            "Vpc",
            "DeleteFlowLog DeactiveFlowLog CreateRouteEntry DeleteRouteEntry",
        ),
        ("Slb", "CreateLoadBalancerHTTPListener"),
        (
            "Cloudfw",
            "PutDisableFwSwitch PutDisableAllFwSwitch SetAutoProtectNewAssets \
             ModifyDefaultIPSConfig ModifySlsDispatchStatus CreateVpcFirewallControlPolicy",
        ),
        ("Sas", "ModifyWebLockStatus ModifyWebLockUnbind"),
        (
            "Sls",
            "DeleteProject DeleteLogStore DeleteAlert DisableAlert",
        ),
    ];
    for (word, names) in high {
        for name in names.split_whitespace() {
            let found = method(catalog, word, name).sensitivity;
            assert_eq!(found, Sensitivity::High, "{name} of {word}");
        }
    }
}

#[test]
fn a_name_that_says_what_it_does_is_not_contradicted() {
    let catalog = catalog();
    assert_eq!(contradictions(catalog), <[&str; 0]>::default());
    for name in ["ResourceSpec", "OssParamsCheck"] {
        assert_eq!(
            method(catalog, "RealtimeCompute", name).access,
            Access::Read
        );
    }
    for name in [
        "DITestDatasourceConnection",
        "DIPreviewData",
        "DsgQuerySensResult",
    ] {
        assert_eq!(method(catalog, "DataWorks", name).access, Access::Read);
    }
    for name in [
        "DIStopAlarmRule",
        "DsgDesensPlanUpdateStatus",
        "AbolishPipelineRun",
    ] {
        let found = method(catalog, "DataWorks", name);
        assert_eq!(found.access, Access::Write);
        assert_eq!(found.activity, Activity::Update);
    }
}

#[test]
fn what_is_named_a_read_is_one() {
    let verbs = [
        "Get", "List", "Describe", "Query", "Search", "Check", "Lookup",
    ];
    let catalog = catalog();
    let is_read = |method: &&Method| verbs.iter().any(|verb| method.name.starts_with(verb));
    let writes = catalog.methods().filter(is_read);
    let writes = writes.filter(|method| method.access == Access::Write);
    // Both report to DataWorks what a check outside of it has found.
    assert_eq!(
        writes
            .map(|method| method.name.as_str())
            .collect::<Vec<_>>(),
        ["CheckCallback", "CheckFileDeployment"]
    );
}

#[test]
fn a_read_is_highly_sensitive_only_where_data_or_a_secret_leaves() {
    let catalog = catalog();
    let methods = catalog.methods();
    let found = methods
        .filter(|method| (method.access, method.sensitivity) == (Access::Read, Sensitivity::High));
    assert_eq!(
        found.map(|method| method.name.as_str()).collect::<Vec<_>>(),
        [
            "FetchSqlExecutionResult",
            "FetchSqlPreviewResults",
            "DownloadExecutionResult",
            "DownloadSqlResult",
            "DownloadSheet",
            "ExportDataSources",
            "DownloadSemanticResults",
            "GetAppSecret",
            "GetCredentialReport",
            "ExportDataKey",
            "GetSecretValue",
            "DescribeInstanceVncUrl",
        ]
    );
}

#[test]
fn a_deletion_is_highly_sensitive_unless_little_is_lost() {
    let catalog = catalog();
    let methods = catalog.methods();
    let found = methods.filter(|method| {
        method.activity == Activity::Delete && method.sensitivity != Sensitivity::High
    });
    assert_eq!(
        found.map(|method| method.name.as_str()).collect::<Vec<_>>(),
        [
            "DeleteAdvancedQueryHistory",
            "DeleteAdvancedQueryTemplate",
            "ClearAccountAlias",
            "ReleaseInstancePublicConnection",
            "DeleteObject",
            "AbortMultipartUpload",
            "DeleteSavedSearch",
            "DeleteDashboard",
        ]
    );
}

#[test]
fn every_description_is_one_sentence_of_its_own() {
    let catalog = catalog();
    let mut seen = HashSet::new();
    for method in catalog.methods() {
        let text = &*method.description;
        let words = text.split(' ').count();
        assert!((2..=18).contains(&words), "{text}");
        assert!(text.ends_with('.') && !text.contains(". "), "{text}");
        let first = text.split(' ').next().unwrap();
        assert!(
            first.starts_with(|c: char| c.is_ascii_uppercase())
                && first.trim_end_matches(',').ends_with('s'),
            "`{}` does not begin with what it does: {text}",
            method.name
        );
        assert!(seen.insert(text.to_owned()), "twice: {text}");
    }
}

#[test]
fn the_services_are_the_words_of_logsource_and_the_file_is_small() {
    let catalog = catalog();
    let services: BTreeSet<&str> = catalog.services().collect();
    let expected = "actiontrail cloud-firewall dataworks ecs ims kms oss ram rds \
        realtime-compute resource-manager security-center sign-in slb sls sts vpc";
    assert_eq!(services, expected.split_whitespace().collect());
    let bytes = ACTIONTRAIL.catalog.text.len();
    assert!(bytes < 300_000, "{bytes} bytes");
    for method in catalog.methods() {
        let is_spelled = |kind: &str| kind.starts_with("ACS::") && kind.matches("::").count() == 2;
        let kind = method.resource_type.as_deref();
        assert!(kind.is_none_or(is_spelled), "{}", method.name);
    }
}

#[test]
fn a_rule_may_name_a_method_of_each_service_that_has_it() {
    let known = pipeline::known(&ALL);
    let services = &known.products["actiontrail"].services;
    let having = |name: &str| -> Vec<&str> {
        let having = services
            .iter()
            .filter(|(_, methods)| methods.contains(name));
        having.map(|(service, _)| service.as_str()).collect()
    };
    assert_eq!(having("CreateInstance"), ["ecs", "realtime-compute"]);
    assert_eq!(having("DeactivateFlowLog"), ["vpc"]);
    assert_eq!(services.len(), 17);
}

#[test]
fn a_method_that_a_dead_letter_names_is_found_among_both_vendors() {
    let names = MethodNames::of(&ALL);
    let named = |text: &str| {
        let found = names.named_in([text.as_bytes()]);
        let found = found.into_iter();
        found
            .map(|(name, sensitivity)| (name.to_owned(), sensitivity))
            .collect::<Vec<_>>()
    };
    let one = |name: &str, sensitivity| vec![(name.to_owned(), sensitivity)];
    assert_eq!(
        named(r#""EventName": "AppendVSwitchId", "EventVersion": """#),
        one("AppendVswitchId", Sensitivity::Medium)
    );
    assert_eq!(
        named(r#"{"event":"{\"eventName\":\"DIBatchStopAlarmRule\""#),
        one("DIBatchStopAlarmRule", Sensitivity::High)
    );
    assert_eq!(
        named("kafka.DeleteTopics"),
        one("kafka.DeleteTopics", Sensitivity::High)
    );
    assert_eq!(
        named("TagResources"),
        one("TagResources", Sensitivity::Medium)
    );
    assert_eq!(named("StartJob of CreateProject").len(), 2);
}
