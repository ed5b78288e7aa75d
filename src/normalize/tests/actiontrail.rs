//! ActionTrail's events, part by part.

use super::*;
use crate::event::{Resource, Session};
use crate::vendors::ACTIONTRAIL_EVENTS;

/// An event with these members besides those that every event has.
fn text_of(members: &Value) -> String {
    let mut event = json!({"eventName": "StopInstance", "serviceName": "Ecs"});
    let given = members.as_object().unwrap().clone();
    event.as_object_mut().unwrap().extend(given);
    event.to_string()
}

fn read(members: Value) -> AuditEvent<'static> {
    normal(text_of(&members).leak())
}

/// The same, with the shipped catalogue.
fn known(members: Value) -> AuditEvent<'static> {
    let catalogs = Box::leak(Box::new(Catalogs::shipped().unwrap()));
    let record = record(Some(text_of(&members).leak().as_bytes()));
    event_of(&record, catalogs, None).unwrap()
}

fn has_label(event: &AuditEvent<'_>, label: &str) -> bool {
    event.metadata.labels.iter().any(|known| *known == label)
}

#[test]
fn every_type_of_identity_is_a_type_of_user() {
    for (word, kind) in [
        ("root-account", Some(UserKind::Admin)),
        ("ram-user", Some(UserKind::User)),
        ("saml-user", Some(UserKind::User)),
        ("oidc-user", Some(UserKind::User)),
        ("cloudsso-user", Some(UserKind::User)),
        ("assumed-role", Some(UserKind::AssumedRole)),
        ("system", Some(UserKind::System)),
        ("alibaba-cloud-account", Some(UserKind::Account)),
        ("Root-Account", Some(UserKind::Admin)),
        ("RootAccount", Some(UserKind::Admin)),
        ("ROOT_ACCOUNT", Some(UserKind::Admin)),
        ("AssumedRole", Some(UserKind::AssumedRole)),
        ("robot", None),
        ("root-accounts", None),
        ("-", None),
    ] {
        let event = read(json!({"userIdentity": {
            "type": word, "principalId": "p-1", "userName": "lin", "accountId": "12",
        }}));
        assert_eq!(event.user.kind, kind, "{word}");
        assert_eq!(event.user.uid.as_deref(), Some("p-1"));
        assert_eq!(event.user.name.as_deref(), Some("lin"));
        assert_eq!(event.user.account_uid.as_deref(), Some("12"));
        assert!(stays(&event, &["userIdentity", "type"]));
        assert!(!stays(&event, &["userIdentity", "principalId"]));
    }
}

#[test]
fn a_user_of_whom_nothing_is_said_is_unknown_and_one_with_an_address_is_named_by_it() {
    for identity in [json!(null), json!({}), json!({"userName": ""}), json!(7)] {
        let event = read(json!({"userIdentity": identity}));
        assert_eq!(event.user.name.as_deref(), Some("unknown"), "{identity}");
        assert_eq!(event.user.uid, None);
    }
    let login = json!({"additionalEventData": {"loginAccount": "owner@example.com"}});
    let event = read(login);
    assert_eq!(event.user.name.as_deref(), Some("owner@example.com"));
    assert_eq!(event.user.email_addr.as_deref(), Some("owner@example.com"));
    let named = read(json!({"userIdentity": {"userName": "grace@example.com"}}));
    assert_eq!(named.user.email_addr.as_deref(), Some("grace@example.com"));
}

#[test]
fn a_key_of_a_session_is_labelled_and_the_text_null_is_no_key() {
    for (key, uid, is_temporary) in [
        ("LTAI5tExample", Some("LTAI5tExample"), false),
        ("TMP.3Kexample", Some("TMP.3Kexample"), true),
        ("STS.NTexample", Some("STS.NTexample"), true),
        ("xTMP.", Some("xTMP."), false),
        ("null", None, false),
        ("", None, false),
    ] {
        let event = read(json!({"userIdentity": {"accessKeyId": key, "principalId": "null"}}));
        assert_eq!(event.user.credential_uid.as_deref(), uid, "{key}");
        assert_eq!(has_label(&event, "credential:temporary"), is_temporary);
        assert_eq!(
            stays(&event, &["userIdentity", "accessKeyId"]),
            uid.is_none()
        );
        assert_eq!(event.user.uid, None);
        assert!(stays(&event, &["userIdentity", "principalId"]));
    }
}

#[test]
fn a_role_its_session_and_its_owner_are_told_apart() {
    let session = |kind: &str, name: &str| {
        let event = read(json!({
            "userIdentity": {"type": kind, "userName": name, "accountId": "98"},
            "recipientAccountId": "12",
        }));
        assert_eq!(event.user.name.as_deref(), Some(name));
        assert_eq!(event.user.account_uid.as_deref(), Some("98"));
        assert_eq!(event.cloud.unwrap().account_uid.as_deref(), Some("12"));
        let Session { issuer, uid, .. } = event.session;
        [issuer, uid].map(|text| text.map(|text| text.to_string()))
    };
    let both = |role: &str, name: &str| [Some(role.to_owned()), Some(name.to_owned())];
    let role = "assumed-role";
    assert_eq!(session(role, "ops-role:worker"), both("ops-role", "worker"));
    assert_eq!(session(role, "ops:a:b"), both("ops", "a:b"));
    assert_eq!(session(role, "ops-role"), [Some("ops-role".into()), None]);
    assert_eq!(session(role, "ops-role:"), [Some("ops-role".into()), None]);
    assert_eq!(session(role, ":worker"), [None, Some("worker".into())]);
    assert_eq!(session("ram-user", "a:b"), [None, None]);
}

#[test]
fn an_event_belongs_to_the_account_that_receives_it_else_to_the_users() {
    let account = |members| read(members).cloud.unwrap().account_uid;
    let own = account(json!({"userIdentity": {"accountId": "98"}, "recipientAccountId": ""}));
    assert_eq!(own.as_deref(), Some("98"));
    assert_eq!(account(json!({})), None);
}

#[test]
fn a_second_factor_is_found_wherever_it_stands_and_is_unknown_where_nothing_is_said() {
    for (members, expected) in [
        (
            json!({"userIdentity": {"sessionContext": {"attributes": {"mfaAuthenticated": "true"}}}}),
            Some(true),
        ),
        (
            json!({"userIdentity": {"sessionContext": {"attributes": {"mfaAuthenticated": false}}}}),
            Some(false),
        ),
        (
            json!({"UserIdentity": {"SessionContext": {"Attributes": {"MfaAuthenticated": "True"}}}}),
            Some(true),
        ),
        (
            json!({"userIdentity": {"sessionAttributes": {"mfaAuthenticated": "false"}}}),
            Some(false),
        ),
        (
            json!({"additionalEventData": {"isMFAChecked": "true"}}),
            Some(true),
        ),
        (
            json!({"additionalEventData": {"mfaChecked": "false"}}),
            Some(false),
        ),
        // What the sign-in says of itself comes before what its session says.
        (
            json!({
                "userIdentity": {"sessionContext": {"attributes": {"mfaAuthenticated": "true"}}},
                "additionalEventData": {"mfaChecked": "false"},
            }),
            Some(false),
        ),
        // What is not understood does not hide what is.
        (
            json!({
                "userIdentity": {"sessionContext": {"attributes": {"mfaAuthenticated": ""}}},
                "additionalEventData": {"isMFAChecked": "maybe", "mfaChecked": "true"},
            }),
            Some(true),
        ),
        (json!({"userIdentity": {"type": "root-account"}}), None),
        (json!({"additionalEventData": {"mfaChecked": null}}), None),
    ] {
        let event = read(members.clone());
        assert_eq!(event.session.is_mfa, expected, "{members}");
    }
    // OCSF has it for a login; rules see it of every session.
    let login = read(json!({
        "eventName": "ConsoleSignin",
        "additionalEventData": {"isMFAChecked": "false"},
    }));
    assert_eq!(
        (login.class, login.is_mfa()),
        (&AUTHENTICATION, Some(false))
    );
    let call = read(json!({"additionalEventData": {"isMFAChecked": "false"}}));
    assert_eq!((call.class, call.is_mfa()), (&API_ACTIVITY, None));
}

#[test]
fn only_what_begins_or_ends_a_console_session_is_a_login() {
    for (name, kind, class, activity) in [
        (
            "ConsoleSignin",
            "ConsoleSignin",
            &AUTHENTICATION,
            Activity::Logon,
        ),
        ("consolesignin", "ApiCall", &AUTHENTICATION, Activity::Logon),
        (
            "Anything",
            "ConsoleSignin",
            &AUTHENTICATION,
            Activity::Logon,
        ),
        (
            "ConsoleSignout",
            "ConsoleSignout",
            &AUTHENTICATION,
            Activity::Logoff,
        ),
        (
            "PasswordReset",
            "PasswordReset",
            &API_ACTIVITY,
            Activity::Other,
        ),
        ("DeleteUser", "ApiCall", &API_ACTIVITY, Activity::Delete),
    ] {
        let event = read(json!({"eventName": name, "eventType": kind}));
        assert_eq!((event.class, event.activity), (class, activity), "{name}");
    }
}

#[test]
fn an_unknown_method_does_what_the_event_says_and_else_what_its_verb_says() {
    for (name, event_rw, activity, access) in [
        (
            "DeleteCache",
            "Write",
            Activity::Delete,
            Some("access:write"),
        ),
        ("DeleteCache", "Read", Activity::Read, Some("access:read")),
        ("GetCache", "Write", Activity::Other, Some("access:write")),
        ("GetCache", "", Activity::Read, None),
        ("GetCache", "both", Activity::Read, None),
        ("Frobnicate", "write", Activity::Other, Some("access:write")),
    ] {
        let event = read(json!({"eventName": name, "eventRW": event_rw}));
        assert_eq!(event.activity, activity, "{name} {event_rw}");
        assert!(has_label(&event, "method:unknown"));
        let mut labels = event.metadata.labels.iter();
        let found = labels.find(|label| label.starts_with("access:"));
        assert_eq!(found.map(|label| &**label), access, "{name} {event_rw}");
        assert!(stays(&event, &["eventRW"]));
    }
    let sensitive = read(json!({"eventAttributes": {"SensitiveAction": "true"}}));
    assert!(has_label(&sensitive, "sensitivity:high"));
}

#[test]
fn a_method_is_another_one_in_another_service() {
    let name = |service: &str| {
        let event = known(json!({"eventName": "createinstance", "serviceName": service}));
        (
            event.known_method,
            event.api.service_name.unwrap().to_string(),
        )
    };
    assert_eq!(name("Ecs"), (true, "ecs".to_owned()));
    assert_eq!(name("foasconsole"), (true, "realtime-compute".to_owned()));
    assert_eq!(
        name("REALTIMECOMPUTE"),
        (true, "realtime-compute".to_owned())
    );
    // A known service keeps its name, an unknown one the event's.
    assert_eq!(name("Kms"), (false, "kms".to_owned()));
    assert_eq!(name("Robotics"), (false, "Robotics".to_owned()));
    let spelled = known(json!({"eventName": "AppendVSwitchId", "serviceName": "RealtimeCompute"}));
    assert!(spelled.known_method);
    assert_eq!(spelled.api.operation, "AppendVSwitchId");
}

#[test]
fn an_outcome_comes_from_the_error_and_from_what_the_product_answered() {
    for (members, expected) in [
        (json!({}), "Success - -"),
        (json!({"errorCode": "", "errorMessage": ""}), "Success - -"),
        (
            json!({"errorCode": "\"\"", "errorMessage": "\"\""}),
            "Success - -",
        ),
        (
            json!({"errorCode": null, "errorMessage": null}),
            "Success - -",
        ),
        (json!({"errorMessage": "success"}), "Success - success"),
        (json!({"errorCode": "OK"}), "Success OK -"),
        (
            json!({"errorCode": "NoPermission", "errorMessage": "no"}),
            "Failure NoPermission no",
        ),
        (
            json!({"errorCode": "NoPermission", "errorMessage": "success"}),
            "Failure NoPermission success",
        ),
        (
            json!({"errorMessage": "password is incorrect"}),
            "Failure - password is incorrect",
        ),
        (
            json!({"errorCode": "\"NoPermission\"", "errorMessage": "\"no\""}),
            "Failure NoPermission no",
        ),
        (
            json!({"errorCode": "X", "errorMessage": "no such \"disk\""}),
            "Failure X no such \"disk\"",
        ),
        (
            json!({"responseElements": {"ErrCode": "000000", "Result": true}}),
            "Success - -",
        ),
        (
            json!({"responseElements": {"ErrCode": "903001"}}),
            "Failure 903001 -",
        ),
        (
            json!({"responseElements": {"errCode": 903001}}),
            "Failure 903001 -",
        ),
        (json!({"responseElements": {"ErrCode": 0}}), "Success - -"),
        (
            json!({"responseElements": {"Result": "false"}}),
            "Failure - -",
        ),
        (
            json!({"responseElements": {"Result": "FALSE"}}),
            "Failure - -",
        ),
        (
            json!({"responseElements": {"success": "False"}}),
            "Failure - -",
        ),
        (
            json!({"responseElements": {"Result": "TRUE"}}),
            "Success - -",
        ),
        (
            json!({"responseElements": {"errorCode": ["Busy"]}}),
            "Failure Busy -",
        ),
        (json!({"errorCode": 500}), "Failure 500 -"),
        (json!({"errorCode": 200}), "Success 200 -"),
        (json!({"errorCode": true}), "Failure true -"),
        (json!({"errorCode": false}), "Success - -"),
        (
            json!({"errorCode": ["NoPermission"]}),
            "Failure NoPermission -",
        ),
        (
            json!({"errorCode": ["success", {"code": 403}]}),
            "Failure 403 -",
        ),
        (
            json!({"errorCode": {"code": "NoPermission", "times": 2}}),
            "Failure NoPermission -",
        ),
        (json!({"errorCode": ["ok", "0"]}), "Success ok -"),
        (json!({"errorCode": ["", null, {}, []]}), "Success - -"),
        (
            json!({"errorCode": [""], "errorMessage": ["not allowed"]}),
            "Failure - not allowed",
        ),
        (
            json!({"responseElements": {"Success": false, "ErrorCode": "Busy"}}),
            "Failure Busy -",
        ),
        (
            json!({"responseElements": {"Result": "vsw-1"}}),
            "Success - -",
        ),
        (
            json!({"errorCode": "X", "responseElements": {"Result": true}}),
            "Failure X -",
        ),
        (json!({"eventCategory": "Insight"}), "Unknown - -"),
        (
            json!({"eventCategory": "Insight", "errorCode": "X"}),
            "Failure X -",
        ),
    ] {
        let event = read(members.clone());
        let [code, detail] =
            [&event.status_code, &event.status_detail].map(|text| text.as_deref().unwrap_or("-"));
        let found = format!("{} {code} {detail}", event.status.name());
        assert_eq!(found, expected, "{members}");
        assert!(!has_label(&event, "status:contradictory"), "{members}");
        let error = event
            .status_code
            .filter(|_| event.status == Status::Failure);
        assert_eq!(event.api.response_error, error, "{members}");
    }
}

#[test]
fn a_response_that_contradicts_itself_is_a_failure_and_says_so() {
    for response in [
        json!({"ErrCode": "903001", "Result": true}),
        json!({"ErrCode": "000000", "Success": "false"}),
    ] {
        let event = read(json!({"responseElements": response}));
        assert_eq!(event.status, Status::Failure);
        assert!(has_label(&event, "status:contradictory"), "{response}");
    }
}

#[test]
fn an_error_in_quotes_is_copied_without_them_and_one_without_them_moves() {
    let quoted = read(json!({"errorCode": "\"NoPermission\""}));
    assert!(stays(&quoted, &["errorCode"]));
    let listed = read(json!({"errorCode": ["NoPermission"], "errorMessage": 500}));
    assert!(stays(&listed, &["errorCode"]) && stays(&listed, &["errorMessage"]));
    let plain = read(json!({"errorCode": "NoPermission", "errorMessage": ""}));
    assert!(!stays(&plain, &["errorCode"]));
    assert!(stays(&plain, &["errorMessage"]));
}

/// Type, identifier and name of each resource.
fn resources(event: &AuditEvent<'_>) -> Vec<String> {
    let of = |resource: &Resource<'_>| {
        let Resource {
            kind, uid, name, ..
        } = resource;
        let [kind, uid, name] = [kind, uid, name].map(|text| text.as_deref().unwrap_or("-"));
        format!("{kind} {uid} {name}")
    };
    event.resources.iter().map(of).collect()
}

const UUID: &str = "47eb63e1-79b8-4192-9cd2-059ec5d7****";
const OTHER_UUID: &str = "7c5d3a1e-0f2b-4c6d-8e9a-1b3c5d7e9f01";

#[test]
fn a_uuid_and_a_name_of_one_type_are_one_resource_and_other_lists_are_one_for_each() {
    for (list, expected) in [
        (json!([UUID, "writer"]), vec![format!("T {UUID} writer")]),
        (
            json!([UUID, "a", OTHER_UUID, "b"]),
            vec![format!("T {UUID} a"), format!("T {OTHER_UUID} b")],
        ),
        (
            json!([UUID, OTHER_UUID]),
            vec![format!("T {UUID} -"), format!("T {OTHER_UUID} -")],
        ),
        (
            json!(["d-1", "d-2"]),
            vec!["T d-1 -".into(), "T d-2 -".into()],
        ),
        (
            json!([UUID, "a", "b"]),
            vec![format!("T {UUID} -"), "T a -".into(), "T b -".into()],
        ),
        (
            json!(["a", UUID]),
            vec!["T a -".into(), format!("T {UUID} -")],
        ),
        (json!("d-1"), vec!["T d-1 -".into()]),
        (json!([null, "", 7, "d-1"]), vec!["T d-1 -".into()]),
        (json!([]), vec![]),
        (json!({}), vec![]),
    ] {
        let event = read(json!({"referencedResources": {"T": list}}));
        assert_eq!(resources(&event), expected, "{list}");
    }
}

#[test]
fn listed_names_are_divided_by_types_and_join_what_is_referred_to() {
    for (types, names, expected) in [
        ("A", "1", vec!["A 1 -"]),
        ("A,A;B", "1,2;3", vec!["A 1 -", "A 2 -", "B 3 -"]),
        ("A;B", "1,2;3", vec!["A 1 -", "A 2 -", "B 3 -"]),
        ("A;B", "temp;temp", vec!["A temp -", "B temp -"]),
        ("", "1;2", vec!["- 1 -", "- 2 -"]),
        ("A", ",;,", vec![]),
    ] {
        let event = read(json!({"resourceType": types, "resourceName": names}));
        assert_eq!(resources(&event), expected, "{types} {names}");
        assert!(stays(&event, &["resourceName"]));
    }
    let both = read(json!({
        "referencedResources": {"A": [UUID, "writer"], "B": ["2"]},
        "resourceType": "A,A;B;C",
        "resourceName": format!("{UUID},writer;2;3"),
        "requestParameters": {"DiskId": "d-1"},
    }));
    let expected = [format!("A {UUID} writer"), "B 2 -".into(), "C 3 -".into()];
    assert_eq!(resources(&both), expected);
}

#[test]
fn parameters_name_the_resource_where_nothing_else_does() {
    for (parameters, expected) in [
        (json!({"DiskId": "d-1"}), vec!["ACS::ECS::Disk d-1 -"]),
        (json!({"disk_id": "d-1"}), vec!["ACS::ECS::Disk d-1 -"]),
        (
            json!({"VSwitchIds": "[\\\"vsw-a1\\\",\\\"vsw-b2\\\"]"}),
            vec!["ACS::VPC::VSwitch vsw-a1 -", "ACS::VPC::VSwitch vsw-b2 -"],
        ),
        (
            json!({"vSwitchIds": "[\"vsw-a1\",7]"}),
            vec!["ACS::VPC::VSwitch vsw-a1 -", "ACS::VPC::VSwitch 7 -"],
        ),
        (
            json!({"VSwitchIds": ["vsw-a1", "vsw-b2"]}),
            vec!["ACS::VPC::VSwitch vsw-a1 -", "ACS::VPC::VSwitch vsw-b2 -"],
        ),
        (
            json!({"VSwitchIds": "[cut"}),
            vec!["ACS::VPC::VSwitch [cut -"],
        ),
        (
            json!({"PolicyName": "Admin", "UserName": "temp"}),
            vec!["ACS::RAM::Policy Admin -", "ACS::RAM::User temp -"],
        ),
        (json!({"InstanceId": 12}), vec!["- 12 -"]),
        (json!({"Comment": "i-1"}), vec![]),
        (json!("DiskId"), vec![]),
    ] {
        let event = read(json!({"requestParameters": parameters}));
        assert_eq!(resources(&event), expected, "{parameters}");
    }
    // Where the parameter's name does not tell the type, the catalogue does.
    let release = known(json!({
        "eventName": "DeleteTrail", "serviceName": "Actiontrail", "requestParameters": {"Name": "main"},
    }));
    assert_eq!(resources(&release), ["ACS::ActionTrail::Trail main -"]);
    // What the method acts on stands before what it is in.
    let file = known(json!({
        "eventName": "DeleteFile", "serviceName": "DataWorks",
        "requestParameters": {"projectId": 4321, "fileId": "5"},
    }));
    let expected = ["ACS::DataWorks::File 5 -", "ACS::DataWorks::Project 4321 -"];
    assert_eq!(resources(&file), expected);
}

#[test]
fn an_instance_is_an_instance_and_what_the_method_acts_on_stands_first() {
    for (service, method, parameters, expected) in [
        (
            "Ecs",
            "DeleteDisk",
            json!({"InstanceId": "i-1", "DiskId": "d-1"}),
            vec!["ACS::ECS::Disk d-1 -", "ACS::ECS::Instance i-1 -"],
        ),
        (
            "Ecs",
            "ReplaceSystemDisk",
            json!({"InstanceId": "i-1"}),
            vec!["ACS::ECS::Instance i-1 -"],
        ),
        (
            "Ecs",
            "LeaveSecurityGroup",
            json!({"InstanceId": "i-1", "SecurityGroupId": "sg-1"}),
            vec!["ACS::ECS::SecurityGroup sg-1 -", "ACS::ECS::Instance i-1 -"],
        ),
        (
            "Ecs",
            "AttachKeyPair",
            json!({"InstanceIds": "[\"i-1\"]", "KeyPairName": "k"}),
            vec!["ACS::ECS::KeyPair k -", "ACS::ECS::Instance i-1 -"],
        ),
        (
            "Ecs",
            "InvokeCommand",
            json!({"InstanceId.1": "i-1", "InstanceId.2": "i-2", "CommandId": "c-1"}),
            vec![
                "ACS::ECS::Command c-1 -",
                "ACS::ECS::Instance i-1 -",
                "ACS::ECS::Instance i-2 -",
            ],
        ),
        (
            "Ecs",
            "AttachNetworkInterface",
            json!({"InstanceId": "i-1", "NetworkInterfaceId": "eni-1"}),
            vec![
                "ACS::ECS::NetworkInterface eni-1 -",
                "ACS::ECS::Instance i-1 -",
            ],
        ),
        (
            "Ecs",
            "CancelAutoSnapshotPolicy",
            json!({"diskIds": "[\"d-1\",\"d-2\"]"}),
            vec!["ACS::ECS::Disk d-1 -", "ACS::ECS::Disk d-2 -"],
        ),
        (
            "Ecs",
            "DoSomethingNew",
            json!({"InstanceId": "i-1"}),
            vec!["ACS::ECS::Instance i-1 -"],
        ),
        (
            "Vpc",
            "AssociateEipAddress",
            json!({"InstanceId": "i-1", "AllocationId": "eip-1"}),
            vec!["ACS::EIP::EipAddress eip-1 -", "- i-1 -"],
        ),
        (
            "Vpc",
            "AssociateEipAddress",
            json!({"InstanceId": "i-1"}),
            vec!["- i-1 -"],
        ),
        (
            "Vpc",
            "DeleteVpc",
            json!({"VpcId": "vpc-1"}),
            vec!["ACS::VPC::VPC vpc-1 -"],
        ),
        (
            "RealtimeCompute",
            "DeleteDeployment",
            json!({"instanceId": "f-1", "deploymentId": "x", "name": "writer"}),
            vec![
                "ACS::RealtimeCompute::Deployment x -",
                "ACS::RealtimeCompute::VvpInstance f-1 -",
                "- writer -",
            ],
        ),
    ] {
        let event = known(json!({
            "eventName": method, "serviceName": service, "requestParameters": parameters,
        }));
        assert_eq!(resources(&event), expected, "{method} {parameters}");
    }
}

#[test]
fn a_namespace_is_read_in_each_form_and_contains_the_resource() {
    for (written, expected) in [
        ("NamespaceRef(name=Optional[prod])", Some("prod")),
        ("NamespaceRef(name=prod)", Some("prod")),
        ("prod", Some("prod")),
        ("NamespaceRef(name=Optional.empty)", None),
        ("NamespaceRef(name=Optional[])", None),
        ("NamespaceRef(other)", None),
    ] {
        let event = read(json!({
            "referencedResources": {"T": ["d-1"]},
            "additionalEventData": {"namespace": written},
        }));
        assert_eq!(
            event.resources[0].namespace.as_deref(),
            expected,
            "{written}"
        );
        assert!(stays(&event, &["additionalEventData", "namespace"]));
    }
    let alone = read(json!({"additionalEventData": {"namespace": "prod"}}));
    assert_eq!(
        resources(&alone),
        ["ACS::RealtimeCompute::Namespace prod -"]
    );
    assert_eq!(alone.resources[0].namespace, None);
}

#[test]
fn at_most_64_resources_are_listed_and_the_record_keeps_all() {
    let names: Vec<String> = (100..200).map(|number| format!("d-{number}")).collect();
    for members in [
        json!({"referencedResources": {"T": names}}),
        json!({"resourceType": "T", "resourceName": names.join(",")}),
        json!({"requestParameters": {"DiskId": names}}),
    ] {
        let event = read(members);
        assert_eq!(event.resources.len(), 64);
        assert!(has_label(&event, "resources:cut"));
        let mut out = Vec::new();
        crate::encode::event(&event, &mut out);
        let out = String::from_utf8(out).unwrap();
        for name in &names {
            assert!(out.contains(name), "{name} is lost");
        }
    }
}

#[test]
fn the_region_is_where_the_event_was_recorded_and_that_of_a_resource_where_the_request_went() {
    for (members, cloud, resource) in [
        (
            json!({"acsRegion": "a", "requestParameters": {"RegionId": "b"}}),
            Some("a"),
            Some("b"),
        ),
        (
            json!({"AcsRegion": "a", "requestParameters": {"ZoneId": "c-1"}}),
            Some("a"),
            None,
        ),
        (
            json!({"acsRegion": "", "requestParameters": {"region_id": "b"}}),
            Some("b"),
            Some("b"),
        ),
        (
            json!({"requestParameters": {"RegionId": ["b"]}}),
            None,
            None,
        ),
    ] {
        let mut members = members;
        members["referencedResources"] = json!({"T": ["d-1"]});
        let event = read(members.clone());
        let found = event.cloud.unwrap().region;
        assert_eq!(found.as_deref(), cloud, "{members}");
        assert_eq!(event.resources[0].region.as_deref(), resource, "{members}");
    }
}

#[test]
fn every_form_of_a_time_is_read_and_an_impossible_one_is_kept_but_not_believed() {
    const MS: i64 = 1_606_823_699_366;
    for (time, ms, label) in [
        (json!("2020-12-01T11:54:59.366Z"), MS, None),
        (json!("2020-12-01T11:54:59.366+0000"), MS, None),
        (json!("2020-12-01T19:54:59.366+08:00"), MS, None),
        (json!("2020-12-01T19:54:59.366+0800"), MS, None),
        (json!("2020-12-01T11:54:59Z"), MS - 366, None),
        (
            json!("0001-01-01T00:00:00Z"),
            RECORD_MS,
            Some("time:from_record"),
        ),
        (
            json!("2099-01-01T00:00:00Z"),
            RECORD_MS,
            Some("time:from_record"),
        ),
        (json!("yesterday"), RECORD_MS, Some("time:from_record")),
        (json!(1_606_823_699), RECORD_MS, Some("time:from_record")),
        (json!(null), RECORD_MS, Some("time:absent")),
    ] {
        let event = read(json!({"eventTime": time}));
        assert_eq!(event.time_ms, ms, "{time}");
        let mut labels = event.metadata.labels.iter();
        let found = labels.find(|label| label.starts_with("time:"));
        assert_eq!(found.map(|label| &**label), label, "{time}");
        let original = event.metadata.original_time.as_deref();
        assert_eq!(original, time.as_str(), "{time}");
    }
    for (created, expected) in [
        ("2026-03-14T09:00:00Z", Some(1_773_478_800_000)),
        ("0001-01-01T00:00:00Z", None),
    ] {
        let session = json!({"sessionContext": {"attributes": {"creationDate": created}}});
        let event = read(json!({"userIdentity": session}));
        assert_eq!(event.session.created_ms, expected);
    }
}

#[test]
fn only_a_whole_address_is_one() {
    for (written, is_ip) in [
        ("203.0.113.9", true),
        ("2001:db8::99", true),
        ("140.**.**.19", false),
        ("100.xx.xx.76", false),
        ("ecs.aliyuncs.com", false),
        ("Internal", false),
    ] {
        let endpoint = read(json!({"sourceIpAddress": written, "vpcId": "vpc-1"})).src_endpoint;
        let (of, other) = match is_ip {
            true => (endpoint.ip, endpoint.name),
            false => (endpoint.name, endpoint.ip),
        };
        assert_eq!(of.as_deref(), Some(written));
        assert_eq!(other, None);
        assert_eq!(endpoint.vpc_uid.as_deref(), Some("vpc-1"));
    }
    assert_eq!(
        read(json!({})).src_endpoint.name.as_deref(),
        Some("unknown")
    );
}

#[test]
fn names_are_the_same_in_whatever_case_and_with_or_without_underscores() {
    for (event, id, name) in [
        ("eventName", "eventId", "acsRegion"),
        ("EventName", "EventId", "AcsRegion"),
        ("event_name", "event_id", "acs_region"),
        ("EVENTNAME", "EVENTID", "ACSREGION"),
    ] {
        let text = json!({event: "X", id: "1", name: "cn-shanghai"}).to_string();
        let event = normal(&text);
        assert_eq!(event.metadata.dialect, &ACTIONTRAIL_EVENTS);
        assert_eq!(event.metadata.uid.as_deref(), Some("1"), "{text}");
        assert_eq!(event.cloud.unwrap().region.as_deref(), Some("cn-shanghai"));
    }
}

#[test]
fn two_spellings_of_a_field_are_a_dead_letter_but_of_what_the_caller_chose_two_readings() {
    for text in [
        r#"{"eventName":"A","EventName":"B","serviceName":"Ecs"}"#,
        r#"{"eventName":"A","serviceName":"Ecs","userIdentity":{"userName":"a","UserName":"b"}}"#,
        r#"{"eventName":"A","serviceName":"Ecs","errorCode":"","error_code":"X"}"#,
    ] {
        assert_eq!(reason(text), "duplicate_key", "{text}");
    }
    let text = r#"{"eventName":"A","serviceName":"Ecs","requestParameters":{"DiskId":"d-1","diskId":"d-2"},
        "responseElements":{"Result":true,"result":false}}"#;
    let event = normal(text);
    assert!(has_label(&event, "json:repeated_names"));
    let readings = |path: &str| -> Vec<&str> {
        let others = event.other_readings.iter();
        let of_path = others.filter(|(other, _)| *other == path);
        of_path.filter_map(|(_, value)| value.as_deref()).collect()
    };
    assert_eq!(readings("resources.uid"), ["d-1", "d-2"]);
    assert!(readings("status").contains(&"Failure"));
    assert!(readings("status").contains(&"Success"));
}

#[test]
fn a_name_that_is_empty_is_called_so() {
    let error = |name: Value| {
        let text = json!({"eventName": name, "serviceName": "Ecs"}).to_string();
        let error = event_of(&record(Some(text.as_bytes())), Catalogs::NONE, None).unwrap_err();
        (error.reason(), error.to_string())
    };
    let wrong = |said: &str| ("wrong_type", said.to_owned());
    assert_eq!(error(json!("")), wrong("eventName is empty"));
    for name in [json!(null), json!(7), json!([])] {
        assert_eq!(error(name), wrong("eventName is not a string"));
    }
}

#[test]
fn an_insight_goes_by_its_type_and_never_by_the_operation_that_it_is_about() {
    let documented = json!({
        "eventVersion": "1", "eventType": "ActionTrailInsight", "eventCategory": "Insight", "eventId": "1",
        "eventTime": "2026-03-14T09:26:53Z", "acsRegion": "cn-hangzhou", "recipientAccountId": "12",
        "sharedEventId": "2",
        "insightDetails": {"insightType": "TrailConcealmentInsight", "state": "Start"},
    });
    let catalogs = Catalogs::shipped().unwrap();
    let check = |patch: Value, operation: &str, is_known: bool| {
        let mut members = documented.clone();
        for (name, value) in patch.as_object().unwrap() {
            members[name] = value.clone();
        }
        let text = members.to_string();
        let event = event_of(&record(Some(text.as_bytes())), &catalogs, None).unwrap();
        assert_eq!(&*event.api.operation, operation, "{patch}");
        assert_eq!(event.api.service_name.as_deref(), Some("actiontrail"));
        assert_eq!(event.known_method, is_known, "{patch}");
        assert_eq!(event.class, &API_ACTIVITY);
        assert_eq!(event.status, Status::Unknown);
        assert_eq!(
            event.metadata.event_code.as_deref(),
            members["eventType"].as_str()
        );
        assert_eq!(
            event.metadata.correlation_uid.as_deref(),
            members["sharedEventId"].as_str()
        );
        if members.get("eventName").is_some() {
            assert!(stays(&event, &["eventName"]), "{patch}");
        }
    };
    let insight = "ActionTrailInsight";
    check(json!({}), insight, true);
    check(json!({"sharedEventId": null}), insight, true);
    check(json!({"insightDetails": null}), insight, true);
    check(json!({"eventCategory": "INSIGHT"}), insight, true);
    check(json!({"eventCategory": null}), insight, true);
    let about = json!({"eventName": "ReleaseInstance", "serviceName": "Ecs"});
    check(about, insight, true);
    check(json!({"eventName": "ConsoleSignin"}), insight, true);
    check(json!({"eventName": ""}), insight, true);
    check(json!({"eventName": null}), insight, true);
    let other = json!({"eventType": "TrailConcealmentInsight", "eventName": "DeleteTrail"});
    check(other, "TrailConcealmentInsight", false);
}

#[test]
fn what_neither_names_an_event_nor_is_an_insight_is_no_event() {
    for (text, expected) in [
        (r#"{"eventType":"ActionTrailInsight"}"#, "unrecognized"),
        (
            r#"{"eventType":"ApiCall","sharedEventId":"1"}"#,
            "unrecognized",
        ),
        (
            r#"{"eventCategory":"Insight","insightDetails":{}}"#,
            "unrecognized",
        ),
        (
            r#"{"eventCategory":"Insight","eventType":7,"insightDetails":{}}"#,
            "wrong_type",
        ),
    ] {
        assert_eq!(reason(text), expected, "{text}");
    }
}

#[test]
fn empty_values_are_no_attributes_and_are_kept() {
    let event = read(json!({
        "requestParameters": {}, "responseElements": null, "referencedResources": {}, "additionalEventData": [],
        "apiVersion": "", "requestId": "",
    }));
    assert_eq!(
        (event.api.request_data, event.api.response_data),
        (None, None)
    );
    assert_eq!(
        (event.api.version.as_ref(), event.api.request_uid.as_ref()),
        (None, None)
    );
    for name in [
        "requestParameters",
        "responseElements",
        "referencedResources",
        "apiVersion",
    ] {
        assert!(stays(&event, &[name]), "{name}");
    }
    let with_data = read(json!({"requestParameters": {"a": null}}));
    assert_eq!(with_data.api.request_uid.as_deref(), Some("unknown"));
}
