//! Rights that are missing, as commands to be pasted: Confluent's CLI for its cloud, Alibaba Cloud's for SLS,
//! Kafka's own tool for everything else.

use std::collections::BTreeMap;
use std::fmt;

use super::broker_kind::BrokerKind;
use super::client::Cluster;

/// What a right is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// A topic by its name.
    Topic(String),
    /// A consumer group by its name.
    Group(String),
    /// Every transactional id that begins so.
    TransactionalIds(String),
}

/// What a right allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// See whether it exists.
    Describe,
    /// See its settings.
    DescribeConfigs,
    /// Read, or be a member.
    Read,
    /// Write.
    Write,
    /// Create it.
    Create,
    /// Add partitions.
    Alter,
}

impl Operation {
    /// Its name in Kafka's tool.
    fn kafka(self) -> &'static str {
        match self {
            Operation::Describe => "Describe",
            Operation::DescribeConfigs => "DescribeConfigs",
            Operation::Read => "Read",
            Operation::Write => "Write",
            Operation::Create => "Create",
            Operation::Alter => "Alter",
        }
    }

    /// Its name in Confluent's CLI.
    fn confluent(self) -> &'static str {
        match self {
            Operation::Describe => "describe",
            Operation::DescribeConfigs => "describe-configs",
            Operation::Read => "read",
            Operation::Write => "write",
            Operation::Create => "create",
            Operation::Alter => "alter",
        }
    }
}

/// A right: an operation on a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// On what.
    pub resource: Resource,
    /// To do what.
    pub operations: Vec<Operation>,
}

impl Right {
    /// The rights to these operations on a resource.
    pub fn new(resource: Resource, operations: &[Operation]) -> Right {
        Right {
            resource,
            operations: operations.to_vec(),
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operations: Vec<&str> = self.operations.iter().map(|o| o.kafka()).collect();
        write!(f, "{} on ", operations.join(" and "))?;
        match &self.resource {
            Resource::Topic(topic) => write!(f, "topic {topic}"),
            Resource::Group(group) => write!(f, "group {group}"),
            Resource::TransactionalIds(prefix) => write!(f, "transactional ids {prefix}*"),
        }
    }
}

/// Lines of shell that grant what is missing in `cluster`, at which a broker of this kind answers; nothing
/// where nothing is missing.
pub fn commands(
    cluster: &Cluster,
    kind: BrokerKind,
    cluster_id: Option<&str>,
    missing: &[Right],
) -> Vec<String> {
    let mut rights = Rights::new();
    for right in missing {
        let operations = rights.entry(&right.resource).or_default();
        operations.extend(&right.operations);
        operations.sort_unstable();
        operations.dedup();
    }
    if rights.is_empty() {
        return Vec::new();
    }
    match kind {
        BrokerKind::ConfluentCloud => confluent_commands(cluster_id, rights),
        BrokerKind::Sls => sls_commands(),
        BrokerKind::Kafka => kafka_commands(cluster, rights),
    }
}

/// What is to be granted on each resource.
type Rights<'r> = BTreeMap<&'r Resource, Vec<Operation>>;

fn confluent_commands(cluster_id: Option<&str>, rights: Rights<'_>) -> Vec<String> {
    let cluster_id = cluster_id.unwrap_or("lkc-XXXXXX");
    let mut lines = vec!["SERVICE_ACCOUNT=sa-XXXXXX  # the owner of the API key".to_owned()];
    for (resource, operations) in rights {
        lines.push(confluent(cluster_id, resource, &operations));
    }
    lines
}

/// SLS knows no rights of Kafka's: this policy allows everything that a source needs.
fn sls_commands() -> Vec<String> {
    vec![
        "RAM_USER=XXXXXX  # the owner of the AccessKey".to_owned(),
        "aliyun ram AttachPolicyToUser --PolicyType System --PolicyName AliyunLogReadOnlyAccess \
         --UserName \"$RAM_USER\""
            .to_owned(),
    ]
}

fn kafka_commands(cluster: &Cluster, rights: Rights<'_>) -> Vec<String> {
    let user = cluster.properties.get("sasl.username");
    let mut lines = vec![match user {
        Some(user) => format!("PRINCIPAL={}", word(&format!("User:{user}"))),
        None => "PRINCIPAL=User:XXXXXX  # who these credentials are".to_owned(),
    }];
    // One run of the tool grants the same on several topics.
    let mut topics: BTreeMap<Vec<Operation>, String> = BTreeMap::new();
    let mut others = Vec::new();
    for (resource, operations) in rights {
        match resource {
            Resource::Topic(topic) => {
                *topics.entry(operations).or_default() += &format!(" --topic {topic}");
            }
            Resource::Group(group) => {
                others.push((operations, format!(" --group {}", word(group))));
            }
            Resource::TransactionalIds(prefix) => others.push((
                operations,
                format!(
                    " --transactional-id {} --resource-pattern-type prefixed",
                    word(prefix)
                ),
            )),
        }
    }
    for (operations, resources) in topics.into_iter().chain(others) {
        lines.push(kafka(cluster, &operations, &resources));
    }
    lines
}

/// One word of shell.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-:=,/".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

fn confluent(cluster_id: &str, resource: &Resource, operations: &[Operation]) -> String {
    let operations: Vec<&str> = operations.iter().map(|o| o.confluent()).collect();
    let resource = match resource {
        Resource::Topic(topic) => format!("--topic {topic}"),
        Resource::Group(group) => format!("--consumer-group {}", word(group)),
        Resource::TransactionalIds(prefix) => {
            format!("--transactional-id {} --prefix", word(prefix))
        }
    };
    format!(
        "confluent kafka acl create --cluster {cluster_id} --allow --service-account \
         \"$SERVICE_ACCOUNT\" --operations {} {resource}",
        operations.join(",")
    )
}

fn kafka(cluster: &Cluster, operations: &[Operation], resources: &str) -> String {
    let operations: String = operations
        .iter()
        .map(|operation| format!(" --operation {}", operation.kafka()))
        .collect();
    format!(
        "kafka-acls.sh --bootstrap-server {} --command-config admin.properties --add \
         --allow-principal \"$PRINCIPAL\"{operations}{resources}",
        cluster.bootstrap
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing() -> Vec<Right> {
        let topic = Resource::Topic("watchbell.events".into());
        vec![
            Right::new(topic.clone(), &[Operation::Write]),
            Right::new(topic, &[Operation::Describe, Operation::Write]),
            Right::new(
                Resource::TransactionalIds("watchbell/".into()),
                &[Operation::Write],
            ),
        ]
    }

    #[test]
    fn confluents_cloud_gets_its_own_commands_one_for_each_resource() {
        let cluster = Cluster::plaintext("pkc-1.eu.aws.confluent.cloud:9092");
        let kind = BrokerKind::ConfluentCloud;
        let lines = commands(&cluster, kind, Some("lkc-abc"), &missing());
        assert_eq!(
            lines[1..],
            [
                "confluent kafka acl create --cluster lkc-abc --allow --service-account \
                 \"$SERVICE_ACCOUNT\" --operations describe,write --topic watchbell.events",
                "confluent kafka acl create --cluster lkc-abc --allow --service-account \
                 \"$SERVICE_ACCOUNT\" --operations write --transactional-id watchbell/ --prefix",
            ]
        );
        assert!(lines[0].starts_with("SERVICE_ACCOUNT="), "{lines:?}");
    }

    #[test]
    fn every_other_cluster_gets_kafkas_tool_and_the_user_where_it_is_known() {
        let mut cluster = Cluster::plaintext("kafka:9092");
        let user = ("sasl.username".to_owned(), "watchbell".to_owned());
        cluster.properties.extend([user]);
        let mut missing = missing();
        let topic = Resource::Topic("watchbell.alerts".into());
        missing.push(Right::new(topic, &[Operation::Describe, Operation::Write]));
        let lines = commands(&cluster, BrokerKind::Kafka, None, &missing);
        assert_eq!(
            lines,
            [
                "PRINCIPAL=User:watchbell",
                "kafka-acls.sh --bootstrap-server kafka:9092 --command-config admin.properties \
                 --add --allow-principal \"$PRINCIPAL\" --operation Describe --operation Write \
                 --topic watchbell.alerts --topic watchbell.events",
                "kafka-acls.sh --bootstrap-server kafka:9092 --command-config admin.properties \
                 --add --allow-principal \"$PRINCIPAL\" --operation Write --transactional-id \
                 watchbell/ --resource-pattern-type prefixed",
            ]
        );
    }

    #[test]
    fn sls_gets_a_policy_of_alibaba_cloud_since_it_knows_no_rights_of_kafka() {
        let cluster = Cluster::plaintext("audit.cn-shanghai.log.aliyuncs.com:10012");
        let lines = commands(&cluster, BrokerKind::Sls, None, &missing());
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("RAM_USER="), "{lines:?}");
        assert!(lines[1].starts_with("aliyun ram AttachPolicyToUser"));
        assert!(lines[1].contains("AliyunLogReadOnlyAccess"));
    }

    #[test]
    fn what_the_shell_would_take_apart_is_quoted() {
        assert_eq!(word("User:CN=a b"), "'User:CN=a b'");
        assert_eq!(word("it's"), "'it'\\''s'");
        assert_eq!(word("watchbell-eu"), "watchbell-eu");
    }

    #[test]
    fn nothing_missing_is_nothing_to_paste() {
        let cluster = Cluster::plaintext("kafka:9092");
        for kind in [
            BrokerKind::Kafka,
            BrokerKind::ConfluentCloud,
            BrokerKind::Sls,
        ] {
            assert!(commands(&cluster, kind, None, &[]).is_empty());
        }
    }
}
