//! Writes records of several topics in one transaction, under a transactional id that belongs to whoever opened it
//! last.
//! Invariant: after another one has opened the same id, nothing more is committed here, and whatever was committed
//! here before is seen by [`super::topic_reader::TopicReader::settled_spans`].

use std::time::{Duration, Instant};

use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, PurgeConfig};
use rdkafka::types::RDKafkaErrorCode as Code;

use super::append::Reports;
use super::client::{ClientError, Cluster};
use super::fault::{Fault, fault, repair_of};
use super::record::owned_headers;
use super::session::MAX_OUTPUT_BATCH_BYTES;
use super::transaction_call::{left, repeat};
use crate::event::{OutputRecord, Partition};

/// Longest wait in one turn.
const TURN: Duration = Duration::from_millis(50);

/// Why a transaction is not committed.
#[derive(Debug, thiserror::Error)]
pub enum AtomicError {
    /// A topic does not take one of the records; nothing is written, and the next transaction can begin.
    #[error("{topic} refuses a record: {detail}")]
    Refused {
        /// The topic.
        topic: String,
        /// The cluster's answer.
        detail: String,
    },
    /// Somebody else has opened the transactional id.
    #[error("another process has begun the same work meanwhile, and goes on with it")]
    Fenced,
    /// Nothing is written. No other transaction can begin.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The commit was asked for, and it is not known whether anything is written. No other transaction can begin.
    #[error(transparent)]
    Unknown(ClientError),
}

/// Who writes, and how long that may take.
pub struct AtomicConfig<'c> {
    /// Part of the client's name.
    pub role: &'static str,
    /// Whoever opens it last has it.
    pub transactional_id: &'c str,
    /// Most bytes of a batch.
    pub batch_bytes: usize,
    /// How long the cluster may take to give the id to this process.
    pub open_timeout: Duration,
    /// How long a transaction may take.
    pub transaction_timeout: Duration,
}

/// A producer of transactions.
pub struct AtomicAppender {
    producer: BaseProducer<Reports>,
    timeout: Duration,
}

impl AtomicAppender {
    /// Opens a transactional id: what another process has not committed under it is aborted, and that process commits
    /// nothing more.
    ///
    /// # Errors
    /// The cluster does not answer or refuses, or librdkafka refuses the properties.
    pub fn open(
        cluster: &Cluster,
        config: &AtomicConfig<'_>,
    ) -> Result<AtomicAppender, ClientError> {
        let AtomicConfig {
            role,
            transactional_id,
            batch_bytes,
            open_timeout,
            transaction_timeout,
        } = *config;
        let batch_bytes = batch_bytes.clamp(1, MAX_OUTPUT_BATCH_BYTES).to_string();
        let timeout_ms = transaction_timeout.as_millis();
        let message_timeout_ms = (timeout_ms * 8 / 10).to_string();
        let answer_timeout_ms = timeout_ms.saturating_sub(100).max(900).to_string();
        let timeout_ms = timeout_ms.to_string();
        let producer: BaseProducer<Reports> = cluster
            .client_config(
                role,
                &[
                    ("message.max.bytes", "20971520"),
                    ("batch.size", &batch_bytes),
                    ("message.timeout.ms", &message_timeout_ms),
                ],
                &[
                    ("transactional.id", transactional_id),
                    ("transaction.timeout.ms", &timeout_ms),
                    ("socket.timeout.ms", &answer_timeout_ms),
                    ("enable.idempotence", "true"),
                    ("acks", "all"),
                    ("partitioner", "murmur2_random"),
                    ("allow.auto.create.topics", "false"),
                ],
            )
            .create_with_context(Reports::default())
            .map_err(|error| ClientError::new("create a producer", &error))?;
        let deadline = Instant::now() + open_timeout;
        repeat(deadline, || producer.init_transactions(left(deadline)))
            .map_err(|error| ClientError::new("begin transactions", &error))?;
        Ok(AtomicAppender {
            producer,
            timeout: transaction_timeout,
        })
    }

    /// Writes the records, all of them or none; one with a partition goes there.
    ///
    /// # Errors
    /// [`AtomicError`].
    pub fn write<'r>(
        &self,
        records: impl Iterator<Item = (&'r OutputRecord, Option<Partition>)>,
    ) -> Result<(), AtomicError> {
        let deadline = Instant::now() + self.timeout;
        self.producer
            .begin_transaction()
            .map_err(|error| failed("begin a transaction", &error))?;
        for (record, partition) in records {
            if let Err((error, topic)) = self.send(record, partition, deadline) {
                return Err(self.give_up(&error, topic));
            }
        }
        while self.producer.in_flight_count() > 0 && Instant::now() < deadline {
            self.producer.poll(TURN);
            if self.producer.context().has_failed() {
                // Reports of one request come together: let the rest of them in.
                self.producer.poll(Duration::from_millis(5));
                break;
            }
        }
        if let Some((error, topic)) = self.producer.context().take() {
            return Err(self.give_up(&error, topic));
        }
        if self.producer.in_flight_count() > 0 {
            // The commit would only count the records that it waits for, and not say what became of them.
            let error = KafkaError::MessageProduction(Code::MessageTimedOut);
            return Err(self.give_up(&error, String::new()));
        }
        repeat(deadline, || {
            self.producer.commit_transaction(left(deadline))
        })
        .map_err(|error| {
            let failure = match failed("commit a transaction", &error) {
                AtomicError::Client(error) => AtomicError::Unknown(error),
                failure => failure,
            };
            // Nothing is done with the outcome: whoever opens the id next aborts what is left open.
            let _ = self.abort();
            failure
        })
    }

    /// Hands a record over; an error comes with its topic.
    fn send(
        &self,
        output: &OutputRecord,
        partition: Option<Partition>,
        deadline: Instant,
    ) -> Result<(), (KafkaError, String)> {
        let mut record = BaseRecord::<[u8], [u8]>::to(&output.topic);
        record.headers = owned_headers(output.borrowed_headers());
        record.key = output.key.as_deref();
        record.payload = output.value.as_deref();
        record.partition = partition.map(|partition| partition.0);
        while let Err((error, refused)) = self.producer.send(record) {
            let is_full = error.rdkafka_error_code() == Some(Code::QueueFull);
            if !is_full || Instant::now() >= deadline {
                return Err((error, output.topic.to_string()));
            }
            self.producer.poll(TURN);
            record = refused;
        }
        self.producer.poll(Duration::ZERO);
        Ok(())
    }

    /// Aborts the transaction in which a record of this topic was not stored; says why it was not.
    fn give_up(&self, error: &KafkaError, topic: String) -> AtomicError {
        let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
        // A transaction that has failed withdraws its records without a reason, and gives the reason to the next call;
        // the call made here changes nothing in a sound transaction.
        let of_transaction = self.producer.begin_transaction().err();
        let of_transaction =
            of_transaction.filter(|error| error.rdkafka_error_code() != Some(Code::State));
        let aborted = self.abort();
        match (fault(code), aborted) {
            (Fault::Size | Fault::Content, Ok(())) => AtomicError::Refused {
                topic,
                detail: code.to_string(),
            },
            _ => failed("write records", of_transaction.as_ref().unwrap_or(error)),
        }
    }

    fn abort(&self) -> Result<(), KafkaError> {
        let deadline = Instant::now() + self.timeout;
        // abort_transaction serves no delivery reports and would wait for them to its deadline.
        self.producer
            .purge(PurgeConfig::default().queue().inflight());
        while self.producer.in_flight_count() > 0 && Instant::now() < deadline {
            self.producer.poll(TURN);
        }
        let aborted = repeat(deadline, || {
            self.producer.poll(Duration::ZERO);
            self.producer.abort_transaction(left(deadline).min(TURN))
        });
        self.producer.context().take();
        aborted
    }
}

fn failed(action: &'static str, error: &KafkaError) -> AtomicError {
    let code = error.rdkafka_error_code();
    match code {
        Some(Code::ProducerFenced | Code::Fenced | Code::InvalidProducerEpoch) => {
            AtomicError::Fenced
        }
        _ => AtomicError::Client(ClientError::Request {
            action,
            detail: error.to_string(),
            repair: code.and_then(repair_of),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::embedded::Embedded;

    #[test]
    fn records_that_are_on_their_way_at_the_deadline_are_given_up_with_their_own_reason() {
        let embedded = Embedded::start().expect("a cluster");
        embedded.create_topic("events", 1).expect("a topic");
        let timeout = Duration::from_secs(1);
        let config = AtomicConfig {
            role: "retry",
            transactional_id: "retry",
            batch_bytes: 1000,
            open_timeout: Duration::from_secs(60),
            transaction_timeout: timeout,
        };
        let appender = AtomicAppender::open(&embedded.cluster(), &config).expect("an appender");
        let record = OutputRecord {
            topic: "events".into(),
            key: None,
            value: Some(b"{}".to_vec()),
            headers: Vec::new(),
        };
        let late = std::iter::once((&record, None)).inspect(|_| std::thread::sleep(timeout));
        let said = appender.write(late).expect_err("too late").to_string();
        assert!(said.contains("MessageTimedOut"), "{said}");
    }

    #[test]
    fn a_process_that_was_replaced_is_told_apart_from_a_cluster_that_does_not_answer() {
        let of = |code| failed("write records", &KafkaError::Flush(code)).to_string();
        for code in [
            Code::ProducerFenced,
            Code::Fenced,
            Code::InvalidProducerEpoch,
        ] {
            assert!(of(code).contains("another process"), "{code:?}");
        }
        let other = of(Code::OperationTimedOut);
        assert!(other.starts_with("write records: "), "{other}");
    }
}
