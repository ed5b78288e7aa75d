//! Rules and events of the bench. The same number gives the same rule, and the same seed the same events.

use std::fmt::Write;

use crate::events::Corpus;

/// Methods of events that come, from the most frequent to the rarest.
const METHODS: [&str; 10] = [
    "kafka.Authentication",
    "mds.Authorize",
    "schema-registry.Authentication",
    "kafka.Metadata",
    "CreateConnector",
    "DeleteStatement",
    "CreateAPIKey",
    "kafka.CreateTopics",
    "kafka.DeleteTopics",
    "BindRoleForPrincipal",
];

/// The names that a rule gives to the fields of an event.
pub struct Dialect {
    operation: &'static str,
    principal: &'static str,
    resource: &'static str,
    address: &'static str,
    connection: &'static str,
    topic: &'static str,
    failure: &'static str,
}

/// Attributes of OCSF, for watchbell.
pub const OCSF: Dialect = Dialect {
    operation: "api.operation",
    principal: "actor.user.uid",
    resource: "resources.uid",
    address: "src_endpoint.ip",
    connection: "unmapped.data.requestMetadata.connection_id",
    topic: "api.request.data.topic_name",
    failure: "status: Failure",
};

/// Names of the vendor, for an engine that reads events as they come.
pub const NATIVE: Dialect = Dialect {
    operation: "data.methodName",
    principal: "data.authenticationInfo.principal",
    resource: "data.resourceName",
    address: "data.clientAddress.ip",
    connection: "data.requestMetadata.connection_id",
    topic: "data.request.data.topic_name",
    failure: "data.result.status: UNAUTHENTICATED",
};

/// A rule about what hardly ever comes, as the rules of an organization are: by method, by parts of names, by
/// expression, with lists and with filters.
pub fn rule(number: usize, dialect: &Dialect) -> String {
    let Dialect {
        operation,
        principal,
        resource,
        address,
        connection,
        topic,
        failure,
    } = dialect;
    let method = METHODS[(number / 10) % METHODS.len()];
    let (selection, condition) = match number % 10 {
        0 => (
            format!(
                "{operation}: [DeleteStatement, DeletePipeline{number}]\n    {resource}|startswith: prod-{number}-"
            ),
            "wanted",
        ),
        1 => (
            format!("{operation}: {method}\n    {topic}|contains: secret{number}"),
            "wanted",
        ),
        2 => (
            format!("{principal}: u-intern{number}\n    {failure}"),
            "wanted",
        ),
        3 => (
            format!("{operation}|re: ^Delete(Role|Acl){number}$"),
            "wanted",
        ),
        4 => (
            format!("{principal}|endswith: '@evil{number}.example'"),
            "wanted",
        ),
        5 => (format!("{connection}|contains: tunnel-{number}-"), "wanted"),
        6 => (
            format!(
                "{operation}|startswith: experimental{number}.\n  filter:\n    {address}|cidr: 10.0.0.0/8"
            ),
            "wanted and not filter",
        ),
        7 => (
            format!("{resource}|contains|all: [payroll-{number}-, secret]"),
            "wanted",
        ),
        8 => {
            let people = (0..10).map(|person| format!("u-left{number}x{person}"));
            let people = people.collect::<Vec<_>>().join(", ");
            (
                format!("{principal}: [{people}]\n  other:\n    {operation}: Unheard{number}"),
                "wanted or other",
            )
        }
        _ => (
            format!(
                "{operation}: {method}\n    {address}: 203.0.113.{number}\n  filter:\n    {principal}|startswith: sa-"
            ),
            "wanted and not filter",
        ),
    };
    format!(
        "title: Rule {number}\nid: 00000000-0000-4000-8000-{number:012}\nlevel: low\n\
         logsource: {{product: confluent}}\ndetection:\n  wanted:\n    {selection}\n  condition: {condition}\n"
    )
}

/// Events of Confluent with so many bytes, more or less.
pub fn audit_events(bytes: usize, count: usize) -> Vec<String> {
    let mut corpus = Corpus::new(1);
    let events = std::iter::from_fn(|| Some(corpus.next()));
    let wanted = bytes * 8 / 10..bytes * 12 / 10;
    events
        .filter(|event| wanted.contains(&event.len()))
        .take(count)
        .collect()
}

const PROGRAMS: [(&str, &str); 8] = [
    (
        r"C:\Windows\System32\svchost.exe",
        "-k netsvcs -p -s Schedule",
    ),
    (r"C:\Windows\System32\cmd.exe", r"/c dir C:\build\output"),
    (r"C:\Program Files\Git\cmd\git.exe", "fetch --prune origin"),
    (
        r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe",
        r"-File C:\ops\inventory.ps1",
    ),
    (
        r"C:\Program Files\Mozilla Firefox\firefox.exe",
        "-contentproc -childID 7 -isForBrowser",
    ),
    (r"C:\Windows\System32\taskhostw.exe", "KEYROAMING"),
    (
        r"C:\Program Files\dotnet\dotnet.exe",
        r"build C:\src\app\app.csproj --no-restore",
    ),
    (r"C:\Windows\System32\conhost.exe", "0xffffffff -ForceV1"),
];

/// Events of Windows about started processes, with so many bytes.
pub fn process_events(bytes: usize, count: usize) -> Vec<String> {
    let event = |number: usize| {
        let (image, arguments) = PROGRAMS[number % PROGRAMS.len()];
        let (parent, parent_arguments) = PROGRAMS[number / 3 % PROGRAMS.len()];
        let mut line = format!("\"{image}\" {arguments}");
        let written = |line: &str| {
            let event = serde_json::json!({
                "EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "Computer": format!("host-{}", number % 90),
                "Image": image, "CommandLine": line, "ParentImage": parent,
                "ParentCommandLine": format!("\"{parent}\" {parent_arguments}"),
                "User": format!("CORP\\person{}", number % 400), "IntegrityLevel": "Medium",
                "CurrentDirectory": format!(r"C:\Users\person{}\", number % 400),
                "ProcessId": 4_000 + number % 9_000, "LogonId": format!("0x{:x}", number * 31),
                "Hashes": format!("SHA256={:064x}", number * 7_919),
            });
            event.to_string()
        };
        let mut part = 0;
        while written(&line).len() < bytes {
            part += 1;
            let _ = write!(
                line,
                " --input=D:\\data\\set{}\\part-{part:04}.csv",
                number % 50
            );
        }
        written(&line)
    };
    (0..count).map(event).collect()
}
