//! Writes a few records and waits until they are stored; no transaction, no order among topics.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;

use super::client::{ClientError, Cluster, log_line};
use super::fault::{Fault, fault};
use super::record::owned_headers;
use super::session::MAX_OUTPUT_BATCH_BYTES;
use crate::event::{OutputBuffer, OutputRecord};

/// The delivery reports of a producer.
#[derive(Default)]
pub(super) struct Reports {
    /// The first bad report since the last look, and the topic of its record.
    failed: Mutex<Option<(KafkaError, String)>>,
}

impl Reports {
    /// Whether a record is not stored.
    pub(super) fn has_failed(&self) -> bool {
        let failed = self.failed.lock();
        failed.unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Why a record is not stored, and its topic; forgotten then.
    pub(super) fn take(&self) -> Option<(KafkaError, String)> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.take()
    }
}

/// Whether the client withdrew the record because of another one.
fn is_withdrawn(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    code.is_some_and(|code| fault(code) == Fault::Withdrawn)
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        if let Err((error, message)) = result {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            let known = failed.as_ref().map(|(error, _)| is_withdrawn(error));
            if known.is_none_or(|is_withdrawn| is_withdrawn) {
                *failed = Some((error.clone(), message.topic().to_owned()));
            }
        }
    }
}

/// A producer for a few records at a time.
pub struct Appender {
    producer: BaseProducer<Reports>,
}

impl Appender {
    /// Prepare to write to the cluster, in batches of at most `batch_bytes`; nothing is sent yet.
    ///
    /// # Errors
    /// librdkafka refuses the properties.
    pub fn new(cluster: &Cluster, role: &str, batch_bytes: usize) -> Result<Appender, ClientError> {
        Appender::with_timeout(cluster, role, batch_bytes, "30000")
    }

    /// The same, but a record waits for as long as its cluster does not answer.
    ///
    /// # Errors
    /// librdkafka refuses the properties.
    pub fn patient(
        cluster: &Cluster,
        role: &str,
        batch_bytes: usize,
    ) -> Result<Appender, ClientError> {
        Appender::with_timeout(cluster, role, batch_bytes, "0")
    }

    fn with_timeout(
        cluster: &Cluster,
        role: &str,
        batch_bytes: usize,
        delivery_timeout_ms: &str,
    ) -> Result<Appender, ClientError> {
        let batch_bytes = batch_bytes.clamp(1, MAX_OUTPUT_BATCH_BYTES).to_string();
        let producer = cluster
            .client_config(
                role,
                &[
                    ("delivery.timeout.ms", delivery_timeout_ms),
                    ("message.max.bytes", "33554432"),
                    ("batch.size", &batch_bytes),
                ],
                &[
                    ("enable.idempotence", "true"),
                    ("partitioner", "murmur2_random"),
                    ("allow.auto.create.topics", "false"),
                ],
            )
            .create_with_context(Reports::default())
            .map_err(|error| ClientError::new("create a producer", &error))?;
        Ok(Appender { producer })
    }

    /// Write the records and wait until all are stored.
    ///
    /// # Errors
    /// At least one is not stored, or it is not known whether it is.
    pub fn append(&self, records: &[OutputRecord]) -> Result<(), ClientError> {
        for record in records {
            self.send(record)?;
        }
        let flushed = self.producer.flush(Duration::from_secs(35));
        self.judge()?;
        flushed.map_err(failed)
    }

    /// Write one record and wait until it is stored; `Ok(false)` where `is_over` ends the wait, so
    /// that it is not known whether the record is stored.
    ///
    /// # Errors
    /// It is not stored.
    pub fn append_until(
        &self,
        record: &OutputRecord,
        is_over: impl Fn() -> bool,
    ) -> Result<bool, ClientError> {
        self.send(record)?;
        while self.producer.in_flight_count() > 0 {
            if is_over() {
                return Ok(false);
            }
            self.producer.poll(Duration::from_millis(50));
            self.judge()?;
        }
        self.judge()?;
        Ok(true)
    }

    /// Hand over many records, waiting while the queue is full; they are not yet stored.
    ///
    /// # Errors
    /// One that was handed over before is not stored.
    pub fn enqueue(&self, outputs: &OutputBuffer) -> Result<(), ClientError> {
        for output in outputs.iter() {
            let mut record = BaseRecord::<[u8], [u8]>::to(output.topic);
            record.headers = owned_headers(output.headers());
            record.key = output.key;
            record.payload = output.value;
            while let Err((error, refused)) = self.producer.send(record) {
                if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                    return Err(failed(error));
                }
                self.producer.poll(Duration::from_millis(50));
                self.judge()?;
                record = refused;
            }
        }
        self.producer.poll(Duration::ZERO);
        self.judge()
    }

    /// Wait until everything is stored that was handed over.
    ///
    /// # Errors
    /// At least one record is not stored, or it is not known whether it is.
    pub fn finish(&self) -> Result<(), ClientError> {
        while self.producer.in_flight_count() > 0 {
            self.producer.poll(Duration::from_millis(50));
            self.judge()?;
        }
        self.judge()
    }

    fn send(&self, output: &OutputRecord) -> Result<(), ClientError> {
        let mut record = BaseRecord::<[u8], [u8]>::to(&output.topic);
        record.headers = owned_headers(output.borrowed_headers());
        record.key = output.key.as_deref();
        record.payload = output.value.as_deref();
        self.producer
            .send(record)
            .map_err(|(error, _)| failed(error))?;
        self.producer.poll(Duration::ZERO);
        Ok(())
    }

    /// What the delivery reports since the last look say.
    fn judge(&self) -> Result<(), ClientError> {
        let bad = self.producer.context().take();
        bad.map_or(Ok(()), |(error, _)| Err(failed(error)))
    }
}

fn failed(error: KafkaError) -> ClientError {
    ClientError::new("write records", &error)
}
