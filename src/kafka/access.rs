//! What these credentials may do in a cluster, found out by attempts that change nothing: reading at
//! the end, a record too large to be taken, creation that is only checked, an empty transaction.
//! The client library cannot ask for the rights of a principal.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, NewTopic, TopicReplication};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::topic_partition_list::{Offset as KafkaOffset, TopicPartitionList};
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr};

use super::client::{ClientError, Cluster, Quiet, explain, log_line};
use super::fault::{Purpose, describe, is_denied, is_missing, is_topic_denied};
use super::topics::{WantedTopic, admin_options, wait};

/// The answer to an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// It would work.
    Granted,
    /// An authorizer refuses it.
    Denied,
    /// The attempt failed for this other reason.
    Unknown(String),
}

/// A topic as far as these credentials can see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It has this many partitions.
    Partitions(u32),
    /// It does not exist.
    Missing,
    /// It may not be described, whether it exists or not.
    Denied,
}

/// Asks one cluster; each call blocks for at most about the time-out.
pub struct Access<'c> {
    cluster: &'c Cluster,
    timeout: Duration,
    probe: BaseConsumer<Quiet>,
    admin: AdminClient<Quiet>,
}

/// Largest record that is sent to see whether a topic may be written.
const LARGEST_ATTEMPT_BYTES: usize = 64 << 20;

impl<'c> Access<'c> {
    /// Prepare to ask; nothing is sent yet.
    ///
    /// # Errors
    /// librdkafka refuses the properties.
    pub fn new(cluster: &'c Cluster, timeout: Duration) -> Result<Access<'c>, ClientError> {
        let admin = cluster
            .client_config("validate", &[], &[])
            .create_with_context(Quiet::default())
            .map_err(|error| ClientError::new("create an admin client", &error))?;
        Ok(Access {
            cluster,
            timeout,
            probe: cluster.probe()?,
            admin,
        })
    }

    /// Whether a topic is there and may be seen.
    ///
    /// # Errors
    /// The cluster does not answer.
    pub fn topic(&self, topic: &str) -> Result<Seen, ClientError> {
        let metadata = match self.probe.fetch_metadata(Some(topic), self.timeout) {
            Ok(metadata) => metadata,
            Err(error) => {
                return match error.rdkafka_error_code() {
                    Some(code) if is_missing(code) => Ok(Seen::Missing),
                    Some(code) if is_topic_denied(code) => Ok(Seen::Denied),
                    _ => Err(explain(&self.probe, "describe a topic", &error)),
                };
            }
        };
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        Ok(
            match found.map(|found| (found.error(), found.partitions())) {
                Some((Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED), _)) => {
                    Seen::Denied
                }
                Some((None, partitions)) if !partitions.is_empty() => {
                    Seen::Partitions(u32::try_from(partitions.len()).unwrap_or(u32::MAX))
                }
                _ => Seen::Missing,
            },
        )
    }

    /// Whether a topic may be created; it is not.
    pub fn create(&self, wanted: &WantedTopic) -> Permission {
        let partitions = i32::try_from(wanted.partitions).unwrap_or(i32::MAX);
        let topic = NewTopic::new(&wanted.name, partitions, TopicReplication::Fixed(-1));
        let options = admin_options(self.timeout).validate_only(true);
        match wait(self.admin.create_topics([&topic], &options)) {
            Err(error) => Permission::Unknown(error.to_string()),
            Ok(Err(error)) => Permission::Unknown(error.to_string()),
            Ok(Ok(results)) => match results.into_iter().find_map(Result::err) {
                None | Some((_, Code::TopicAlreadyExists)) => Permission::Granted,
                Some((_, code)) => refused(code),
            },
        }
    }

    /// Whether every partition of a topic may be read, and its leader answers: each is read from
    /// its end until the end is told.
    pub fn read(&self, topic: &str, partitions: u32) -> Permission {
        let fixed = [
            // librdkafka requires the name of a group; none is joined.
            ("group.id", "watchbell-validate"),
            ("enable.auto.commit", "false"),
            ("enable.partition.eof", "true"),
            ("isolation.level", "read_committed"),
            ("allow.auto.create.topics", "false"),
        ];
        let reader = self.consumer(&[("fetch.wait.max.ms", "100")], &fixed);
        let started = reader.and_then(|reader| {
            let mut list = TopicPartitionList::new();
            for partition in 0..i32::try_from(partitions).unwrap_or(i32::MAX) {
                list.add_partition_offset(topic, partition, KafkaOffset::End)?;
            }
            reader.assign(&list)?;
            Ok(reader)
        });
        let reader = match started {
            Ok(reader) => reader,
            Err(error) => return Permission::Unknown(error.to_string()),
        };
        let deadline = Instant::now() + self.timeout;
        let (mut ended, mut last) = (0, None);
        while Instant::now() < deadline {
            match reader.poll(Duration::from_millis(100)) {
                Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
                // Records are being written there, and they can be read.
                Some(Ok(_)) => return Permission::Granted,
                Some(Err(error)) => match error.rdkafka_error_code() {
                    Some(code) if is_topic_denied(code) => return Permission::Denied,
                    Some(Code::GroupAuthorizationFailed) => {}
                    _ => last = Some(error),
                },
                None => {}
            }
            if ended >= partitions {
                return Permission::Granted;
            }
        }
        Permission::Unknown(last.map_or_else(
            || format!("{ended} of {partitions} partitions answer"),
            |error| error.to_string(),
        ))
    }

    /// Whether a topic may be written, whose largest record has `max_message_bytes`: one byte more
    /// is refused for its size where writing is allowed, and for the lack of a right where it is
    /// not. Either way nothing is written.
    pub fn write(&self, topic: &str, max_message_bytes: usize) -> Permission {
        if max_message_bytes >= LARGEST_ATTEMPT_BYTES {
            return Permission::Unknown(format!("max.message.bytes is {max_message_bytes}"));
        }
        let largest = (max_message_bytes + (1 << 20)).to_string();
        let timeout = self.timeout.as_millis().to_string();
        let fixed = [
            ("enable.idempotence", "false"),
            ("acks", "all"),
            ("compression.type", "none"),
            ("message.max.bytes", largest.as_str()),
            ("message.timeout.ms", timeout.as_str()),
            ("allow.auto.create.topics", "false"),
        ];
        let config = self.cluster.client_config("validate", &[], &fixed);
        let producer: BaseProducer<Verdict> = match config.create_with_context(Verdict::default()) {
            Ok(producer) => producer,
            Err(error) => {
                return Permission::Unknown(ClientError::new("write", &error).to_string());
            }
        };
        let value = vec![0; max_message_bytes + 1];
        let record = BaseRecord::<[u8], [u8]>::to(topic).partition(0);
        if let Err((error, _)) = producer.send(record.payload(&value)) {
            return Permission::Unknown(error.to_string());
        }
        let deadline = Instant::now() + self.timeout + Duration::from_secs(1);
        while producer.in_flight_count() > 0 && Instant::now() < deadline {
            producer.poll(Duration::from_millis(50));
        }
        match producer.context().take() {
            Some(Code::MessageSizeTooLarge) => Permission::Granted,
            Some(code) => refused(code),
            None => Permission::Unknown("no answer".to_owned()),
        }
    }

    /// Whether transactions may run under ids that begin with `prefix`: one is prepared under an id that
    /// nobody else uses, and nothing is written in it.
    pub fn transact(&self, prefix: &str) -> Permission {
        let id = format!("{prefix}validate");
        let fixed = [("transactional.id", id.as_str())];
        let config = self.cluster.client_config("validate", &[], &fixed);
        let producer: Result<BaseProducer<Verdict>, _> =
            config.create_with_context(Verdict::default());
        let begun = producer.and_then(|producer| producer.init_transactions(self.timeout));
        match begun {
            Ok(()) => Permission::Granted,
            Err(error) => match error.rdkafka_error_code() {
                Some(code) => refused(code),
                None => Permission::Unknown(error.to_string()),
            },
        }
    }

    /// Whether a group may be joined. Its members share by `cooperative-sticky`: whoever offers
    /// another protocol is turned away without disturbing them, but only after the right to join is
    /// checked. A group without members is joined and left.
    pub fn join(&self, group: &str, topic: &str) -> Permission {
        let fixed = [
            ("group.id", group),
            ("partition.assignment.strategy", "range"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "error"),
            ("allow.auto.create.topics", "false"),
        ];
        let joined = self
            .consumer(&[], &fixed)
            .and_then(|member| member.subscribe(&[topic]).map(|()| member));
        let member = match joined {
            Ok(member) => member,
            Err(error) => return Permission::Unknown(error.to_string()),
        };
        let deadline = Instant::now() + self.timeout;
        let mut last = None;
        while Instant::now() < deadline {
            if let Some(Err(error)) = member.poll(Duration::from_millis(100)) {
                match error.rdkafka_error_code() {
                    Some(Code::GroupAuthorizationFailed) => return Permission::Denied,
                    Some(Code::InconsistentGroupProtocol) => return Permission::Granted,
                    _ => last = Some(error),
                }
            }
            if member.assignment().is_ok_and(|list| list.count() > 0) {
                return Permission::Granted;
            }
        }
        Permission::Unknown(last.map_or_else(
            || "the group's coordinator does not answer".to_owned(),
            |error| error.to_string(),
        ))
    }

    fn consumer(
        &self,
        defaults: &[(&str, &str)],
        fixed: &[(&str, &str)],
    ) -> Result<BaseConsumer<Quiet>, KafkaError> {
        self.cluster
            .client_config("validate", defaults, fixed)
            .create_with_context(Quiet::default())
    }
}

fn refused(code: Code) -> Permission {
    if is_denied(code) {
        return Permission::Denied;
    }
    Permission::Unknown(describe(code, Purpose::WriteDestination))
}

/// Keeps the outcome of the only record.
#[derive(Debug, Default)]
struct Verdict(Mutex<Option<Code>>);

impl Verdict {
    fn take(&self) -> Option<Code> {
        let mut verdict = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        verdict.take()
    }
}

impl ClientContext for Verdict {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ProducerContext for Verdict {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let code = match result {
            // The record was accepted: the limit has just been raised.
            Ok(_) => Code::MessageSizeTooLarge,
            Err((error, _)) => error.rdkafka_error_code().unwrap_or(Code::Fail),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(code);
    }
}
