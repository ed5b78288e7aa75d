//! The writer: a producer on the destination cluster, with or without transactions.
//! A batch counts as delivered once there is a good delivery report for each of its outputs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, PurgeConfig};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::blame::Refused;
use super::config::{Delivery, MAX_OUTPUT_BATCH_BYTES, SessionConfig};
use super::deadline::call_with_deadline;
use super::deliveries::{Deliveries, NO_SOURCE, origin, ours_refused, passing};
use super::failure::{BatchFailure, transaction_failure, trouble};
use super::worker::Cause;
use crate::event::Output;
use crate::kafka::ClientError;
use crate::kafka::fault::{Fault, Side, fault};
use crate::kafka::record::owned_headers;
use crate::kafka::transaction_call::{left, repeat};

/// A producer; at most one batch is under way in it.
pub(super) struct Writer {
    /// Shared with a call that may outlast this writer.
    producer: Arc<BaseProducer<Deliveries>>,
    transactional: bool,
    /// The transactional id and the group, as messages name them.
    id: String,
    group: String,
    /// Whether a transaction is open in which something may stand.
    open: bool,
}

/// How long a blocking call waits at a time: the loop serves its group in between.
const SLICE: Duration = Duration::from_millis(500);

/// Pause between two looks for delivery reports.
const REPORTS_PAUSE: Duration = Duration::from_micros(500);

impl Writer {
    /// Make a producer that sends batches of so many bytes at most; call [`Writer::init`] before its
    /// first transaction.
    pub(super) fn new(
        config: &SessionConfig,
        output_batch_bytes: usize,
    ) -> Result<Writer, ClientError> {
        let transactional = config.delivery == Delivery::ExactlyOnce;
        let transactional_id = config.transactional_id();
        let transaction_timeout_ms = config.transaction_timeout_ms.to_string();
        // A record must have failed before its transaction can time out.
        let message_timeout_ms = (config.transaction_timeout_ms * 8 / 10).to_string();
        let batch_bytes = output_batch_bytes
            .clamp(1, MAX_OUTPUT_BATCH_BYTES)
            .to_string();
        let answer_timeout_ms = answer_timeout_ms(config).to_string();
        let mut fixed = vec![
            ("enable.idempotence", "true"),
            ("acks", "all"),
            ("partitioner", "murmur2_random"),
            ("allow.auto.create.topics", "false"),
            ("socket.timeout.ms", &answer_timeout_ms),
        ];
        if transactional {
            fixed.extend([
                ("transactional.id", transactional_id.as_str()),
                ("transaction.timeout.ms", transaction_timeout_ms.as_str()),
            ]);
        }
        let client = config.destination.client_config(
            &format!("writer-{transactional_id}"),
            &[
                ("linger.ms", "20"),
                ("batch.size", &batch_bytes),
                ("compression.type", "lz4"),
                ("queue.buffering.max.kbytes", "65536"),
                ("queue.buffering.max.messages", "200000"),
                // The largest that Confluent Cloud allows a topic; the topic's own limit decides.
                ("message.max.bytes", "20971520"),
                ("message.timeout.ms", &message_timeout_ms),
                ("topic.metadata.propagation.max.ms", "2000"),
                ("reconnect.backoff.max.ms", "2000"),
            ],
            &fixed,
        );
        let producer = client
            .create_with_context(Deliveries::default())
            .map_err(|error| ClientError::new("create the writer", &error))?;
        Ok(Writer {
            producer: Arc::new(producer),
            transactional,
            id: transactional_id,
            group: config.group.clone(),
            open: false,
        })
    }

    /// Fence a predecessor with the same transactional id and end what it left open. Waits for at
    /// most `wait`; `Ok(false)` asks for another call.
    pub(super) fn init(&self, wait: Duration) -> Result<bool, BatchFailure> {
        if !self.transactional {
            return Ok(true);
        }
        let result = self.producer.init_transactions(wait);
        self.producer.poll(Duration::ZERO);
        match result {
            Ok(()) => Ok(true),
            Err(KafkaError::Transaction(error)) if error.is_retriable() => {
                match self.client_trouble() {
                    Some(failure) => Err(failure),
                    None => Ok(false),
                }
            }
            Err(error) => {
                let action = format!("begin transactions as {}", self.id);
                Err(transaction_failure(&action, &error))
            }
        }
    }

    pub(super) fn begin(&mut self) -> Result<(), BatchFailure> {
        self.deliveries().forget();
        if self.transactional {
            self.producer
                .begin_transaction()
                .map_err(|error| transaction_failure("begin a transaction", &error))?;
            self.open = true;
        }
        Ok(())
    }

    /// Hand one output over. A full queue is waited for until `deadline`.
    pub(super) fn send(
        &self,
        source_index: usize,
        output: Output<'_>,
        deadline: Instant,
    ) -> Result<(), BatchFailure> {
        let mut record =
            BaseRecord::with_opaque_to(output.topic, origin(source_index, output.part));
        record.key = output.key;
        record.payload = output.value;
        record.headers = owned_headers(output.headers());
        loop {
            let (error, returned) = match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err(refused) => refused,
            };
            record = returned;
            let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
            if code == Code::QueueFull && Instant::now() < deadline {
                self.await_reports();
                if self.deliveries().has_failed() {
                    return Err(self.delivery_failure());
                }
                continue;
            }
            return Err(self.send_failure(source_index, output, code));
        }
    }

    /// Serve the delivery reports that are there.
    pub(super) fn serve(&self) {
        self.producer.poll(Duration::ZERO);
    }

    /// Serve delivery reports; where there are none, wait a moment for some.
    ///
    /// rdkafka 0.39 spins through the last millisecond of a poll, and through all of a shorter one.
    fn await_reports(&self) {
        let before = self.producer.in_flight_count();
        self.producer.poll(Duration::ZERO);
        if self.producer.in_flight_count() == before {
            std::thread::sleep(REPORTS_PAUSE);
        }
    }

    /// Wait until every output is delivered; `turn` is called meanwhile.
    ///
    /// `commit_transaction` would flush by itself, but in polls of 100 ms that run to their end.
    pub(super) fn drain(
        &self,
        deadline: Instant,
        mut turn: impl FnMut(),
    ) -> Result<(), BatchFailure> {
        while self.producer.in_flight_count() > 0 {
            self.await_reports();
            if self.deliveries().has_failed() {
                return Err(self.delivery_failure());
            }
            if Instant::now() >= deadline {
                return Err(self.client_trouble().unwrap_or(BatchFailure::Abort {
                    reason: "delivery_timeout",
                    detail: "outputs are not acknowledged in time".into(),
                }));
            }
            turn();
        }
        // The last report may have come in with the poll that emptied the queue.
        if self.deliveries().has_failed() {
            return Err(self.delivery_failure());
        }
        Ok(())
    }

    /// Commit outputs and positions together; `turn` is called meanwhile.
    ///
    /// `send_offsets_to_transaction` waits without end for a group coordinator that has left the
    /// cluster (librdkafka 2.12, #5456 and #5511): past the deadline it is left behind, together with
    /// its producer, which the next one fences.
    pub(super) fn commit(
        &mut self,
        offsets: &TopicPartitionList,
        membership: ConsumerGroupMetadata,
        deadline: Instant,
        mut turn: impl FnMut(),
    ) -> Result<(), BatchFailure> {
        let membership = Arc::new(membership);
        repeat(deadline, || {
            let (producer, membership) = (Arc::clone(&self.producer), Arc::clone(&membership));
            let (offsets, wait) = (offsets.clone(), left(deadline));
            let call = move || producer.send_offsets_to_transaction(&offsets, &membership, wait);
            call_with_deadline("kafka-positions", || deadline + SLICE, call, &mut turn)
                .unwrap_or_else(|code| Err(KafkaError::ConsumerCommit(code)))
        })
        .map_err(|error| {
            let action = format!("commit positions of the group {}", self.group);
            transaction_failure(&action, &error)
        })?;
        repeat(deadline, || {
            self.producer.commit_transaction(left(deadline))
        })
        .map_err(|error| transaction_failure("commit the transaction", &error))?;
        self.open = false;
        Ok(())
    }

    /// Abort the open transaction.
    ///
    /// # Errors
    /// The outcome is unknown: this writer must not be used again.
    pub(super) fn abort(&mut self, deadline: Instant) -> Result<(), BatchFailure> {
        // abort_transaction serves no delivery reports and would wait for them to its deadline.
        self.producer
            .purge(PurgeConfig::default().queue().inflight());
        while self.producer.in_flight_count() > 0 && Instant::now() < deadline {
            self.await_reports();
        }
        if self.open {
            let result = repeat(deadline, || {
                self.producer.poll(Duration::ZERO);
                self.producer.abort_transaction(left(deadline).min(SLICE))
            });
            if let Err(error) = result {
                return Err(transaction_failure("abort the transaction", &error));
            }
            self.open = false;
        }
        Ok(())
    }

    /// Whether the cluster has given the transactional id to somebody else.
    pub(super) fn is_fenced(&self) -> bool {
        let fatal = self.producer.client().fatal_error();
        fatal.is_some_and(|(code, _)| code == Code::Fenced)
    }

    pub(super) fn is_transactional(&self) -> bool {
        self.transactional
    }

    /// What the bad delivery reports of this batch mean.
    fn delivery_failure(&self) -> BatchFailure {
        // Reports of one request come together: let the rest of them in.
        self.producer.poll(Duration::from_millis(5));
        let reported = self.deliveries().judge();
        reported
            .or_else(|| self.transaction_fault())
            .unwrap_or(BatchFailure::Abort {
                reason: "delivery_failed",
                detail: "an output was withdrawn".into(),
            })
    }

    /// Why the open transaction has failed. librdkafka then withdraws every output without a reason, and
    /// returns the reason from the next call; the call made here changes nothing in a sound transaction.
    fn transaction_fault(&self) -> Option<BatchFailure> {
        if !self.open {
            return None;
        }
        let error = self.producer.begin_transaction().err()?;
        if error.rdkafka_error_code() == Some(Code::State) {
            return None;
        }
        let topic = self.deliveries().take_not_added();
        let action = topic.map_or_else(
            || format!("write as {}", self.id),
            |topic| format!("write to {topic}"),
        );
        Some(transaction_failure(&action, &error))
    }

    fn send_failure(&self, source_index: usize, output: Output<'_>, code: Code) -> BatchFailure {
        let Output { topic, part, .. } = output;
        let detail = format!("{topic}: {code}");
        let cause = match fault(code) {
            Fault::Size => Some(Cause::Size),
            Fault::Content => Some(Cause::Content),
            _ => None,
        };
        if let Some(cause) = cause {
            if source_index == NO_SOURCE {
                return BatchFailure::Trouble(ours_refused(topic, code, cause));
            }
            return BatchFailure::Refused(vec![Refused {
                source_index,
                part,
                topic: topic.to_string(),
                cause,
                detail,
            }]);
        }
        if let Some(trouble) = trouble(Side::Destination, code, &format!("write to {topic}")) {
            return BatchFailure::Trouble(trouble);
        }
        if let Some(failure) = self.client_trouble() {
            return failure;
        }
        passing(code, detail)
    }

    fn client_trouble(&self) -> Option<BatchFailure> {
        self.deliveries().take_trouble().map(BatchFailure::Trouble)
    }

    fn deliveries(&self) -> &Deliveries {
        self.producer.context()
    }
}

/// How long a lost answer is waited for, in ms. librdkafka asks for a producer id once at a time, and
/// by default for a minute; within transactions it wants 100 ms less than theirs.
fn answer_timeout_ms(config: &SessionConfig) -> u64 {
    config.transaction_timeout_ms.saturating_sub(100).max(900)
}
