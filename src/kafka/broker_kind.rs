//! What answers at a bootstrap address, where it differs from Apache Kafka: how far its offsets can be
//! trusted, and what a person has to repair there.

/// What answers at a bootstrap address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BrokerKind {
    /// Apache Kafka, or what behaves like it.
    #[default]
    Kafka,
    /// Confluent Cloud: rights are granted by its own command line.
    ConfluentCloud,
    /// The Kafka endpoint of Alibaba Cloud's Simple Log Service: a project is the cluster, a Logstore is
    /// the topic, a shard is the partition. It has no transactions and no administration, and its offsets
    /// jump (help.aliyun.com, "Consume logs over the Kafka protocol").
    Sls,
}

impl BrokerKind {
    /// What the host names of the bootstrap servers say.
    pub fn of(bootstrap: &str) -> BrokerKind {
        let is_in = |domain: &str| {
            bootstrap.split(',').any(|server| {
                let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
                host.trim().to_ascii_lowercase().ends_with(domain)
            })
        };
        if is_in(".confluent.cloud") {
            BrokerKind::ConfluentCloud
        } else if is_in(".log.aliyuncs.com") {
            BrokerKind::Sls
        } else {
            BrokerKind::Kafka
        }
    }

    /// Whether the distance between two offsets says nothing about the number of records between them.
    pub fn offsets_jump(self) -> bool {
        self == BrokerKind::Sls
    }

    /// What to check if the login is refused; `None` if the client's own words suffice.
    pub fn login_remedy(self) -> Option<&'static str> {
        (self == BrokerKind::Sls).then_some(
            "sasl.username is the project, sasl.password is <AccessKeyId>#<AccessKeySecret> of a RAM user \
             of the project's account",
        )
    }

    /// What to do if a source topic is missing, or may not be seen.
    pub fn topic_remedy(self) -> &'static str {
        match self {
            BrokerKind::Sls => {
                "correct `topic`, which is the name of the Logstore (actiontrail_<trail>), or the \
                 project; or give the RAM user the policy AliyunLogReadOnlyAccess"
            }
            BrokerKind::Kafka | BrokerKind::ConfluentCloud => {
                "correct `topic`, or the bootstrap address: the audit log has a cluster of its own; or \
                 grant Read and Describe"
            }
        }
    }

    /// What to do if a group may not commit positions on the source cluster.
    pub fn lag_group_remedy(self) -> &'static str {
        match self {
            BrokerKind::Sls => {
                "a Logstore takes at most 30 consumer groups: delete one that is not used, or set \
                 lag_group: none"
            }
            BrokerKind::Kafka | BrokerKind::ConfluentCloud => {
                "grant Read on the group, or set lag_group: none"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_names_say_what_answers() {
        for (bootstrap, kind) in [
            (
                "pkc-1.eu.aws.confluent.cloud:9092",
                BrokerKind::ConfluentCloud,
            ),
            ("audit.cn-shanghai.log.aliyuncs.com:10012", BrokerKind::Sls),
            (
                "audit.cn-shanghai-intranet.log.aliyuncs.com:10011",
                BrokerKind::Sls,
            ),
            (
                "kafka:9092, Audit.CN-Beijing.LOG.aliyuncs.com",
                BrokerKind::Sls,
            ),
            ("kafka:9092,other:9092", BrokerKind::Kafka),
            // A name that only contains the domain.
            ("audit.log.aliyuncs.com.example:10012", BrokerKind::Kafka),
            // Alibaba Cloud's managed Kafka is Kafka.
            (
                "alikafka-pre.kafka.cn-beijing.aliyuncs.com:9093",
                BrokerKind::Kafka,
            ),
        ] {
            assert_eq!(BrokerKind::of(bootstrap), kind, "{bootstrap}");
        }
    }
}
