//! Writes a few records and waits until they are stored; no transaction, no order among topics.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use super::client::{ClientError, Cluster, log_line};
use super::record::owned_headers;
use super::session::MAX_OUTPUT_BATCH_BYTES;
use crate::event::OutputRecord;

#[derive(Default)]
struct Reports {
    /// The first bad delivery report since somebody looked.
    failed: Mutex<Option<KafkaError>>,
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
        if let Err((error, _)) = result {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert_with(|| error.clone());
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
        let batch_bytes = batch_bytes.clamp(1, MAX_OUTPUT_BATCH_BYTES).to_string();
        let producer = cluster
            .client_config(
                role,
                &[
                    ("delivery.timeout.ms", "30000"),
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
    /// At least one is not, or may not be.
    pub fn append(&self, records: &[OutputRecord]) -> Result<(), ClientError> {
        let failed = |error| ClientError::new("write records", &error);
        for output in records {
            let mut record = BaseRecord::<[u8], [u8]>::to(&output.topic);
            record.headers = owned_headers(output.borrowed_headers());
            record.key = output.key.as_deref();
            record.payload = output.value.as_deref();
            self.producer
                .send(record)
                .map_err(|(error, _)| failed(error))?;
            self.producer.poll(Duration::ZERO);
        }
        let flushed = self.producer.flush(Duration::from_secs(35));
        let reports = self.producer.context();
        let bad = reports
            .failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match bad {
            Some(error) => Err(failed(error)),
            None => flushed.map_err(failed),
        }
    }
}
