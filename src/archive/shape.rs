//! The shape of a table: it is made with our columns and properties, gets the columns that were added since, and is known
//! by a version that changes only where older programs could not go on.

use arrow::datatypes::Schema;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::transaction::CommitProperties;
use deltalake_core::kernel::{StructField, StructType};
use deltalake_core::logstore::LogStoreRef;
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::SaveMode;
use deltalake_core::table::state::DeltaTableState;
use deltalake_core::{DeltaTable, DeltaTableError};

use super::columns::TableKind;

/// The version of the tables' shape. A table that says a higher one was written by a newer watchbell.
pub(super) const VERSION: u32 = 1;

/// After so many commits a checkpoint is written.
pub(super) const CHECKPOINT_COMMITS: u64 = 50;

/// The table property with the version of its shape.
const SCHEMA_PROPERTY: &str = "watchbell.schema";

/// The version of a table's shape; `None` if watchbell did not make it.
pub(super) fn version(state: &DeltaTableState) -> Option<u32> {
    let configuration = state.metadata().configuration();
    configuration.get(SCHEMA_PROPERTY)?.parse().ok()
}

/// The columns that a table lacks.
pub(super) fn missing(
    kind: TableKind,
    state: &DeltaTableState,
) -> Result<Vec<StructField>, DeltaTableError> {
    let (wanted, found) = (schema(kind)?, state.schema());
    let lacking = wanted
        .fields()
        .filter(|field| found.field(field.name()).is_none());
    Ok(lacking.cloned().collect())
}

/// Add the columns that a table lacks; its state afterwards. Somebody else may do the same at the same time.
pub(super) async fn complete(
    kind: TableKind,
    log: &LogStoreRef,
) -> Result<DeltaTableState, DeltaTableError> {
    let mut table = DeltaTable::new(log.clone());
    table.load().await?;
    let lacking = missing(kind, table.snapshot()?)?;
    if !lacking.is_empty() {
        let properties = CommitProperties::default()
            .with_create_checkpoint(false)
            .with_cleanup_expired_logs(Some(false));
        let added = table.add_columns().with_fields(lacking);
        let added = added.with_commit_properties(properties).await;
        let state = DeltaTableState::try_new(log.as_ref(), None).await?;
        return match added {
            // Another process has added them.
            Err(_) if missing(kind, &state)?.is_empty() => Ok(state),
            Err(error) => Err(error),
            Ok(_) => Ok(state),
        };
    }
    table.snapshot().cloned()
}

fn schema(kind: TableKind) -> Result<StructType, DeltaTableError> {
    Ok(kind.schema().as_ref().try_into_kernel()?)
}

/// Make the table; somebody else may make it at the same time.
pub(super) async fn create(kind: TableKind, log: &LogStoreRef) -> Result<(), DeltaTableError> {
    create_with(kind, log, kind.schema().as_ref()).await
}

/// Make the table with these columns.
pub(super) async fn create_with(
    kind: TableKind,
    log: &LogStoreRef,
    columns: &Schema,
) -> Result<(), DeltaTableError> {
    let schema: StructType = columns.try_into_kernel()?;
    CreateBuilder::new()
        .with_log_store(log.clone())
        .with_table_name(format!("watchbell {}", kind.name()))
        .with_columns(schema.fields().cloned())
        .with_partition_columns(["day"])
        .with_save_mode(SaveMode::Ignore)
        .with_configuration(properties())
        .with_commit_properties(CommitProperties::default().with_cleanup_expired_logs(Some(false)))
        .with_raise_if_key_not_exists(false)
        .await
        .map(|_| ())
}

/// The properties of a table: the version of its shape, and how long what was replaced is kept for those who read it.
fn properties() -> impl Iterator<Item = (String, Option<String>)> {
    let properties = [
        (SCHEMA_PROPERTY, VERSION.to_string()),
        ("delta.checkpointInterval", CHECKPOINT_COMMITS.to_string()),
        (
            "delta.deletedFileRetentionDuration",
            "interval 1 days".to_owned(),
        ),
        ("delta.logRetentionDuration", "interval 1 days".to_owned()),
    ];
    properties
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Some(value)))
}
