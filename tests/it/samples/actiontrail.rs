//! Generated events of ActionTrail, bare and in all that carries them.

use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;

use super::json::Json;
use super::{
    Field, Sample, address, anything, binary, email, number, odd, one_of, payload, structured,
    time, word,
};

fn flag() -> BoxedStrategy<Json> {
    prop_oneof![
        one_of(&["true", "false", "True", ""]),
        any::<bool>().prop_map(|flag| Json::Raw(flag.to_string())),
    ]
    .boxed()
}

fn method() -> BoxedStrategy<Json> {
    prop_oneof![
        one_of(&[
            "ConsoleSignin",
            "ConsoleSignout",
            "ActionTrailInsight",
            "DeleteDeployment",
            "AppendVSwitchId",
            "appendvswitchid",
            "CreateInstance",
            "DeleteTrail",
            "AttachPolicyToUser",
            "GetNothing",
        ]),
        word(),
    ]
    .boxed()
}

fn source_address() -> BoxedStrategy<Json> {
    let names = one_of(&[
        "140.**.**.19",
        "100.xx.xx.76",
        "ecs.aliyuncs.com",
        "Internal",
    ]);
    prop_oneof![2 => address(), 1 => names].boxed()
}

fn event_time() -> BoxedStrategy<Json> {
    let other_forms = one_of(&[
        "2020-12-01T11:54:59.366+0000",
        "2026-03-14T17:26:53+08:00",
        "0001-01-01T00:00:00Z",
        "2026-03-14T09:26:53",
    ]);
    prop_oneof![2 => time(), 1 => other_forms].boxed()
}

fn identity_type() -> BoxedStrategy<Json> {
    one_of(&[
        "root-account",
        "ram-user",
        "assumed-role",
        "system",
        "saml-user",
        "oidc-user",
        "cloudsso-user",
        "alibaba-cloud-account",
        "Root_Account",
        "robot",
    ])
}

fn user_name() -> BoxedStrategy<Json> {
    prop_oneof![
        one_of(&["root", "ops-role:worker", "role:", ":session", "李雷"]),
        word()
    ]
    .boxed()
}

fn key() -> BoxedStrategy<Json> {
    one_of(&["null", "TMP.3Kexample", "STS.NTexample", "LTAI5tExample"])
}

/// Identifiers, or pairs of identifier and name.
fn identifiers() -> BoxedStrategy<Json> {
    let uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{8}[*]{4}";
    let pair = (uuid.prop_map(Json::text), word()).prop_map(|(uid, name)| vec![uid, name]);
    prop_oneof![
        prop::collection::vec(word(), 0..4),
        prop::collection::vec(pair, 1..3).prop_map(|pairs| pairs.concat()),
        prop::collection::vec(odd(), 0..3),
    ]
    .prop_map(Json::List)
    .boxed()
}

fn referenced() -> BoxedStrategy<Json> {
    let kind = "ACS::(ECS::Disk|RealtimeCompute::Deployment)|x";
    prop::collection::btree_map(kind, identifiers(), 0..3)
        .prop_map(|lists| Json::Map(lists.into_iter().collect()))
        .boxed()
}

fn fields() -> Vec<Field> {
    vec![
        ("eventId", word()),
        (
            "eventVersion",
            prop_oneof![one_of(&["1", ""]), number()].boxed(),
        ),
        (
            "eventSource",
            one_of(&["ecs.aliyuncs.com", "https://signin.aliyun.com/x", "Kms"]),
        ),
        ("eventTime", event_time()),
        (
            "eventType",
            one_of(&[
                "ApiCall",
                "ConsoleOperation",
                "ConsoleSignin",
                "ConsoleSignout",
                "TableEvent",
                "ActionTrailInsight",
            ]),
        ),
        ("eventRW", one_of(&["Read", "Write", "read", ""])),
        ("eventCategory", one_of(&["Management", "Data", "Insight"])),
        ("eventAttributes.SensitiveAction", flag()),
        ("acsRegion", one_of(&["cn-hangzhou", "cn-shanghai"])),
        ("apiVersion", word()),
        (
            "serviceName",
            one_of(&[
                "RealtimeCompute",
                "Ecs",
                "AasSub",
                "Ram",
                "Unheard",
                "foasconsole",
            ]),
        ),
        ("requestId", word()),
        ("sourceIpAddress", source_address()),
        ("userAgent", word()),
        ("vpcId", word()),
        ("isGlobal", flag()),
        ("isBlack", flag()),
        ("recipientAccountId", word()),
        ("sharedEventId", word()),
        ("insightDetails", anything()),
        ("requestParameterJson", one_of(&["{\"a\":1}", "{"])),
        (
            "errorCode",
            prop_oneof![
                3 => one_of(&["", "\"\"", "NoPermission", "200", "Success"]),
                1 => number(),
                1 => odd(),
            ]
            .boxed(),
        ),
        (
            "errorMessage",
            prop_oneof![
                4 => one_of(&["", "\"\"", "success", "no such \"thing\""]),
                1 => odd(),
            ]
            .boxed(),
        ),
        ("userIdentity.type", identity_type()),
        ("userIdentity.principalId", word()),
        ("userIdentity.accountId", word()),
        ("userIdentity.userName", user_name()),
        ("userIdentity.accessKeyId", key()),
        ("userIdentity.invokedBy", one_of(&["", "ros.aliyuncs.com"])),
        ("userIdentity.arn", word()),
        (
            "userIdentity.sessionContext.attributes.mfaAuthenticated",
            flag(),
        ),
        (
            "userIdentity.sessionContext.attributes.creationDate",
            event_time(),
        ),
        ("userIdentity.sessionAttributes.mfaAuthenticated", flag()),
        ("referencedResources", referenced()),
        (
            "resourceType",
            one_of(&["ACS::ECS::Disk", "ACS::ECS::Disk,x;ACS::RAM::User", ";", ""]),
        ),
        ("resourceName", one_of(&["d-1", "d-1,d-2;lin", ",;,", ""])),
        ("requestParameters", anything()),
        ("requestParameters.RegionId", one_of(&["cn-beijing", ""])),
        (
            "requestParameters.VSwitchIds",
            one_of(&["[\\\"vsw-1\\\",\\\"vsw-2\\\"]", "[\"vsw-1\"]", "["]),
        ),
        (
            "requestParameters.InstanceId",
            prop_oneof![word(), number(), odd()].boxed(),
        ),
        ("responseElements", anything()),
        (
            "responseElements.ErrCode",
            prop_oneof![one_of(&["000000", "903001"]), number()].boxed(),
        ),
        ("responseElements.Result", flag()),
        ("responseElements.Success", flag()),
        ("additionalEventData", anything()),
        (
            "additionalEventData.namespace",
            one_of(&[
                "NamespaceRef(name=Optional[x])",
                "NamespaceRef(name=Optional.empty)",
                "x",
            ]),
        ),
        ("additionalEventData.isMFAChecked", flag()),
        ("additionalEventData.mfaChecked", flag()),
        ("additionalEventData.loginAccount", email()),
    ]
}

/// Parts of an event, and names that are not documented.
const PARTS: &[&str] = &[
    "userIdentity",
    "userIdentity.sessionContext",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "eventAttributes",
    "newThing",
    "userIdentity.newThing",
];

/// The attributes of EventBridge.
fn envelope() -> BoxedStrategy<Vec<(String, Json)>> {
    let kinds = one_of(&[
        "actiontrail:ActionTrail:ApiCall",
        "ecs:ActionTrail:ConsoleOperation",
    ]);
    (word(), kinds, event_time(), prop::option::of(word()))
        .prop_map(|(id, kind, time, region)| {
            let mut attributes = vec![
                ("specversion".to_owned(), Json::text("1.0")),
                ("id".to_owned(), id),
                ("source".to_owned(), Json::text("acs.ecs")),
                ("type".to_owned(), kind),
                ("time".to_owned(), time),
            ];
            attributes.extend(region.map(|region| ("aliyunregionid".to_owned(), region)));
            attributes
        })
        .boxed()
}

fn unwrapped(value: Json) -> Sample {
    let mut text = String::new();
    value.write(&mut text);
    Sample {
        headers: Vec::new(),
        value: text,
    }
}

/// A record of Simple Log Service.
fn logged(event: Json, is_text: bool) -> Json {
    let event = match is_text {
        true => Json::text(unwrapped(event).value),
        false => event,
    };
    Json::Map(vec![
        ("__topic__".into(), Json::text("actiontrail_audit_event")),
        ("__time__".into(), Json::text("1773480413")),
        ("event".into(), event),
        ("__tag__:__client_ip__".into(), Json::text("203.0.113.7")),
    ])
}

/// A response of LookupEvents.
fn page(events: Vec<Json>) -> Json {
    Json::Map(vec![
        ("RequestId".into(), Json::text("8F2A")),
        ("Events".into(), Json::List(events)),
        ("NextToken".into(), Json::text("eyJh")),
    ])
}

/// One event or several, in any of the values in which they arrive.
pub fn actiontrail() -> BoxedStrategy<Sample> {
    let event = || payload(("eventName", method()), fields(), PARTS);
    let element = prop_oneof![
        6 => event(),
        1 => (event(), any::<bool>()).prop_map(|(event, is_text)| logged(event, is_text)),
        1 => odd(),
    ];
    let list = prop::collection::vec(element, 1..4);
    prop_oneof![
        4 => event().prop_map(unwrapped),
        2 => (event(), any::<bool>()).prop_map(|(event, is_text)| unwrapped(logged(event, is_text))),
        1 => (envelope(), event()).prop_map(|(attributes, event)| structured(attributes, event)),
        1 => (envelope(), event()).prop_map(|(attributes, event)| binary(attributes, &event)),
        2 => (list, any::<bool>()).prop_map(|(events, is_page)| match is_page {
            true => unwrapped(page(events)),
            false => unwrapped(Json::List(events)),
        }),
    ]
    .boxed()
}
