//! Who did what to what, in one sentence: the same words in the alert's record and in what people get.

use std::fmt;

/// Display names of services that are not their ids with a capital letter.
const SERVICES: [(&str, &str); 18] = [
    ("actiontrail", "ActionTrail"),
    ("cloud-firewall", "Cloud Firewall"),
    ("dataworks", "DataWorks"),
    ("ecs", "ECS"),
    ("ims", "IMS"),
    ("kms", "KMS"),
    ("ksql", "ksqlDB"),
    ("oss", "OSS"),
    ("ram", "RAM"),
    ("rds", "RDS"),
    ("realtime-compute", "Realtime Compute"),
    ("resource-manager", "Resource Manager"),
    ("security-center", "Security Center"),
    ("slb", "SLB"),
    ("sls", "SLS"),
    ("sts", "STS"),
    ("usm", "USM"),
    ("vpc", "VPC"),
];

/// Services that act on resources of other services; their name is not put before the resource.
const NOT_OF_RESOURCES: [&str; 4] = ["access-transparency", "ip-filter", "organization", "rbac"];

/// What somebody did, or tried to do.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// The best name of the actor.
    pub who: Option<&'a str>,
    /// The method; empty where it is not known.
    pub operation: &'a str,
    /// OCSF `activity_name`.
    pub activity: Option<&'a str>,
    /// OCSF `status`.
    pub outcome: &'a str,
    /// The catalogue's service, such as `flink`.
    pub service: Option<&'a str>,
    /// What it was done to.
    pub resource: Option<DeedResource<'a>>,
    /// The environment of the resource, by name where one is known.
    pub environment: Option<&'a str>,
    /// What it changed, such as `compatibility from FULL to NONE`.
    pub changes: &'a [String],
}

/// What something was done to.
#[derive(Debug, Clone, Copy)]
pub struct DeedResource<'a> {
    /// The best name of the first resource.
    pub name: Option<&'a str>,
    /// The vendor's type of it, such as `STATEMENT`.
    pub kind: Option<&'a str>,
    /// How many other resources there are.
    pub more: usize,
}

impl Deed<'_> {
    /// Whether it is known what was done, or to what.
    pub fn says_something(&self) -> bool {
        !self.operation.is_empty() || self.named().is_some()
    }

    /// The actor; an event says `unknown` where it does not know.
    pub fn who(&self) -> &str {
        match self.who {
            Some("unknown") | None => "somebody unknown",
            Some(who) => who,
        }
    }

    /// The resource, if anything is known of it.
    fn named(&self) -> Option<&DeedResource<'_>> {
        let is_known =
            |resource: &&DeedResource<'_>| resource.name.is_some() || resource.kind.is_some();
        self.resource.as_ref().filter(is_known)
    }

    /// `deleted Flink statement`, `failed to delete …`, `called GetX on`; without a resource, what was
    /// called.
    fn verb(&self, has_resource: bool) -> String {
        let (past, infinitive) = match self.activity {
            Some("Create") if has_resource && self.begins(&["create"]) => ("created", "create"),
            Some("Read") if has_resource && self.begins(&["get", "list", "read", "describe"]) => {
                ("read", "read")
            }
            Some("Update") if has_resource && self.begins(&["update", "alter", "modify"]) => {
                ("changed", "change")
            }
            Some("Delete") if has_resource && self.begins(&["delete"]) => ("deleted", "delete"),
            Some("Logon") if has_resource => ("signed in to", "sign in to"),
            Some("Logon") => ("signed in", "sign in"),
            _ => return self.called(has_resource),
        };
        let kind = self.kind();
        match self.outcome {
            "Success" => format!("{past}{kind}"),
            "Failure" => format!("failed to {infinitive}{kind}"),
            _ => format!("asked to {infinitive}{kind}"),
        }
    }

    /// The method without its service: `Authorize` of `mds.Authorize`.
    fn method(&self) -> &str {
        self.operation.rsplit('.').next().unwrap_or_default()
    }

    /// Whether the method's name begins with one of these words. A method that creates or deletes something
    /// else than the resource, such as `BindRoleForPrincipal`, is named as it is.
    fn begins(&self, verbs: &[&str]) -> bool {
        if !self.names_its_resource() {
            return false;
        }
        let begins = |verb: &&str| {
            let start = self.method().get(..verb.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(verb))
        };
        verbs.iter().any(begins)
    }

    /// Whether the method acts on the resource itself, and not on something in it: `DeleteFile` deletes no
    /// `ACS::DataWorks::Project`. Of a type without a product before it that is taken for granted.
    fn names_its_resource(&self) -> bool {
        let kind = self.resource.and_then(|resource| resource.kind);
        match kind.and_then(|kind| kind.rsplit_once("::")) {
            Some((_, name)) => self.method().to_lowercase().contains(&name.to_lowercase()),
            None => true,
        }
    }

    /// `called GetX on`, `was denied by ip-filter.Authorize on`.
    fn called(&self, has_resource: bool) -> String {
        let operation = self.operation;
        let on = if has_resource { " on" } else { "" };
        let kind = self.kind();
        let is_check = self.method().eq_ignore_ascii_case("Authorize");
        match (self.outcome, is_check) {
            ("Success", true) => format!("was allowed by {operation}{on}{kind}"),
            ("Failure", true) => format!("was denied by {operation}{on}{kind}"),
            ("Failure", false) => format!("failed to call {operation}{on}{kind}"),
            _ => format!("called {operation}{on}{kind}"),
        }
    }

    /// ` Flink statement`: the service and the resource's type, as far as they are known.
    fn kind(&self) -> String {
        let service = self.service.unwrap_or_default();
        let kind = self.resource.and_then(|resource| resource.kind);
        let kind = kind.map(type_words).unwrap_or_default();
        let shown = SERVICES.iter().find(|(name, _)| *name == service);
        let shown = shown.map_or_else(|| capitalized(service), |(_, shown)| (*shown).to_owned());
        let words = match (service.is_empty(), kind.is_empty()) {
            (true, _) => kind,
            (false, true) => return String::new(),
            // A type such as `KAFKA_CLUSTER` already names the service.
            (false, false) if kind.contains(service) => {
                kind.replacen(service, &capitalized(service), 1)
            }
            (false, false) if NOT_OF_RESOURCES.contains(&service) => kind,
            (false, false) => format!("{shown} {kind}"),
        };
        if words.is_empty() {
            words
        } else {
            format!(" {words}")
        }
    }
}

/// `Jane Doe deleted Flink statement orders-agg and 2 more in prod`,
/// `Jane Doe called UpdateSubjectConfig on subject orders in prod: compatibility from FULL to NONE`
impl fmt::Display for Deed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.named();
        write!(f, "{} {}", self.who(), self.verb(named.is_some()))?;
        if let Some(resource) = named {
            if let Some(name) = resource.name {
                write!(f, " {name}")?;
            }
            if resource.more > 0 {
                write!(f, " and {} more", resource.more)?;
            }
        }
        if let Some(environment) = self.environment {
            write!(f, " in {environment}")?;
        }
        match self.changes {
            [] => Ok(()),
            changes => write!(f, ": {}", changes.join(", ")),
        }
    }
}

/// A vendor's type of resource in words: `kafka cluster` for `KAFKA_CLUSTER`, `security group` for
/// `ACS::ECS::SecurityGroup`.
fn type_words(kind: &str) -> String {
    let Some((_, name)) = kind.rsplit_once("::") else {
        return kind.replace(['_', '-'], " ").to_lowercase();
    };
    let mut words = String::new();
    let mut was_lowercase = false;
    for letter in name.chars() {
        if was_lowercase && letter.is_uppercase() {
            words.push(' ');
        }
        was_lowercase = letter.is_lowercase();
        words.extend(letter.to_lowercase());
    }
    words
}

fn capitalized(word: &str) -> String {
    let word = word.replace('-', " ");
    let mut chars = word.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deed<'a>(operation: &'a str, activity: &'a str, outcome: &'a str) -> Deed<'a> {
        Deed {
            who: Some("Jane Doe"),
            operation,
            activity: Some(activity),
            outcome,
            service: Some("flink"),
            resource: Some(DeedResource {
                name: Some("orders"),
                kind: Some("STATEMENT"),
                more: 0,
            }),
            environment: None,
            changes: &[],
        }
    }

    #[test]
    fn a_method_is_worded_by_what_it_does_where_its_name_says_so() {
        let cases = [
            (
                "DeleteStatement",
                "Delete",
                "deleted Flink statement orders",
            ),
            (
                "flink.DeleteStatement",
                "Delete",
                "deleted Flink statement orders",
            ),
            ("GetStatement", "Read", "read Flink statement orders"),
            (
                "UpdateStatement",
                "Update",
                "changed Flink statement orders",
            ),
            // It stops the statement, and changes nothing else of it.
            (
                "StopStatement",
                "Update",
                "called StopStatement on Flink statement orders",
            ),
            (
                "RevokeAccess",
                "Delete",
                "called RevokeAccess on Flink statement orders",
            ),
            (
                "Délete",
                "Delete",
                "called Délete on Flink statement orders",
            ),
        ];
        for (operation, activity, expected) in cases {
            let said = deed(operation, activity, "Success").to_string();
            assert_eq!(said, format!("Jane Doe {expected}"), "{operation}");
        }
        let failed = deed("CreateStatement", "Create", "Failure");
        let expected = "Jane Doe failed to create Flink statement orders";
        assert_eq!(failed.to_string(), expected);
    }

    #[test]
    fn a_type_with_its_product_before_it_is_worded_like_any_other() {
        for (service, kind, expected) in [
            ("ecs", "ACS::ECS::SecurityGroup", "ECS security group"),
            (
                "realtime-compute",
                "ACS::RealtimeCompute::Deployment",
                "Realtime Compute deployment",
            ),
            ("vpc", "ACS::VPC::VSwitch", "VPC vswitch"),
            ("", "ACS::ECS::Disk", "disk"),
        ] {
            let deleted = Deed {
                service: Some(service),
                resource: Some(DeedResource {
                    name: Some("x-1"),
                    kind: Some(kind),
                    more: 0,
                }),
                ..deed("DeleteIt", "Delete", "Success")
            };
            // It is something in the resource that was deleted.
            let said = format!("Jane Doe called DeleteIt on {expected} x-1");
            assert_eq!(deleted.to_string(), said);
            let method = format!("Delete{}", kind.rsplit("::").next().unwrap());
            let deleted = Deed {
                operation: &method,
                ..deleted
            };
            let said = format!("Jane Doe deleted {expected} x-1");
            assert_eq!(deleted.to_string(), said);
        }
    }

    #[test]
    fn a_service_that_acts_on_the_resources_of_others_does_not_name_them() {
        let bound = Deed {
            service: Some("rbac"),
            resource: Some(DeedResource {
                name: Some("o-1"),
                kind: Some("ORGANIZATION"),
                more: 2,
            }),
            ..deed("BindRoleForPrincipal", "Create", "Success")
        };
        let expected = "Jane Doe called BindRoleForPrincipal on organization o-1 and 2 more";
        assert_eq!(bound.to_string(), expected);
        let nobody = Deed {
            who: Some("unknown"),
            resource: None,
            environment: Some("prod"),
            ..deed("Login", "Logon", "Failure")
        };
        assert_eq!(
            nobody.to_string(),
            "somebody unknown failed to sign in in prod"
        );
    }
}
