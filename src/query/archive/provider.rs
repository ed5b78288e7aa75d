//! A table of the archive as DataFusion reads it: the data files of one snapshot, and the rows of the topics' ends that no
//! file has yet. Files that cannot hold a row of the answer are left out by what the Delta log says of them.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{
    ColumnStatistics, DFSchema, DataFusionError, Result, ScalarValue, Statistics,
};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;

use super::pruning::FileStatistics;
use crate::archive::{FileEntry, TableKind};

/// One snapshot of a table, with the rows that are not in it yet.
#[derive(Debug)]
pub(super) struct ArchiveTable {
    kind: TableKind,
    schema: SchemaRef,
    /// Newest first.
    files: Arc<[FileEntry]>,
    store: ObjectStoreUrl,
    live: Vec<RecordBatch>,
}

impl ArchiveTable {
    /// The table with these files, the newest first, which are found in `store`, and the rows `live`, which are not in the files.
    ///
    /// # Errors
    /// The rows are not those of the table.
    pub(super) fn new(
        kind: TableKind,
        files: Arc<[FileEntry]>,
        store: ObjectStoreUrl,
        live: &[RecordBatch],
    ) -> Result<ArchiveTable> {
        let schema = read_schema(kind);
        let live = live.iter().map(|rows| viewed(rows, &schema));
        Ok(ArchiveTable {
            kind,
            live: live.collect::<Result<_>>()?,
            schema,
            files,
            store,
        })
    }

    /// The files that may hold rows for which all the filters are true.
    fn remaining(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<&FileEntry>> {
        let Some(filter) = conjunction(filters.iter().cloned()) else {
            return Ok(self.files.iter().collect());
        };
        let schema = DFSchema::try_from(self.schema.clone())?;
        let filter = state.create_physical_expr(filter, &schema)?;
        let predicate = PruningPredicateBuilder::new().with_file_schema(self.schema.clone());
        let Some(predicate) = predicate.build(filter) else {
            return Ok(self.files.iter().collect());
        };
        let kept = predicate.prune(&FileStatistics::new(self.kind, &self.files))?;
        let files = self.files.iter().zip(kept);
        Ok(files
            .filter(|(_, kept)| *kept)
            .map(|(file, _)| file)
            .collect())
    }

    /// What reads the files.
    fn read_files(
        &self,
        state: &dyn Session,
        files: &[&FileEntry],
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if files.is_empty() {
            let schema = projection.map(|columns| self.schema.project(columns));
            let schema = schema.transpose()?.map_or(self.schema.clone(), Arc::new);
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        // In the files the first column, the day, is missing; it follows the others as a partition column.
        let stored = Schema::new(self.schema.fields()[1..].to_vec());
        let day = self.schema.fields()[0].clone();
        let columns = TableSchema::builder(Arc::new(stored))
            .with_table_partition_cols(vec![day])
            .build();
        let count = self.schema.fields().len();
        let all: Vec<usize> = (0..count).collect();
        let projection = projection.unwrap_or(&all).iter();
        let projection = projection.map(|column| column.checked_sub(1).unwrap_or(count - 1));
        let runtime = state.runtime_env();
        let readers = CachedParquetFileReaderFactory::new(
            runtime.object_store(&self.store)?,
            runtime.cache_manager.get_file_metadata_cache(),
        );
        let source = ParquetSource::new(columns)
            .with_table_parquet_options(state.default_table_options().parquet)
            .with_parquet_file_reader_factory(Arc::new(readers));
        // Each partition begins with the newest of its files.
        let partitions = state.config().target_partitions().clamp(1, files.len());
        let mut groups = vec![Vec::new(); partitions];
        for (number, file) in files.iter().enumerate() {
            groups[number % partitions].push(self.partitioned(file)?);
        }
        let config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_file_groups(groups.into_iter().map(FileGroup::new).collect())
            .with_projection_indices(Some(projection.collect()))?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    /// A file with its day and its statistics.
    fn partitioned(&self, file: &FileEntry) -> Result<PartitionedFile> {
        let day = ScalarValue::try_from_string(file.day.clone(), &DataType::Date32)?;
        let mut columns = vec![ColumnStatistics::new_unknown(); self.schema.fields().len() - 1];
        // The time is the first column of the file. By it the newest rows are found without reading the others.
        if let Some((first, last)) = FileStatistics::time(file) {
            columns[0].min_value = Precision::Exact(first);
            columns[0].max_value = Precision::Exact(last);
        }
        let rows = file.statistics["numRecords"].as_u64();
        let rows = rows.and_then(|rows| usize::try_from(rows).ok());
        let statistics = Statistics {
            num_rows: rows.map_or(Precision::Absent, Precision::Exact),
            total_byte_size: Precision::Absent,
            column_statistics: columns,
        };
        Ok(PartitionedFile::new(&file.path, file.size)
            .with_partition_values(vec![day])
            .with_statistics(Arc::new(statistics)))
    }
}

#[async_trait]
impl TableProvider for ArchiveTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = self.remaining(state, filters)?;
        let stored = self.read_files(state, &files, projection, limit)?;
        if self.live.is_empty() {
            return Ok(stored);
        }
        let live = MemorySourceConfig::try_new_exec(
            std::slice::from_ref(&self.live),
            self.schema.clone(),
            projection.cloned(),
        )?;
        UnionExec::try_new(vec![stored, live])
    }
}

/// The columns of a table as they are read: texts and bytes as views, which are not copied.
pub fn read_schema(kind: TableKind) -> SchemaRef {
    let written = kind.schema();
    let fields = written.fields().iter().map(|field| {
        let data_type = match field.data_type() {
            DataType::Utf8 => DataType::Utf8View,
            DataType::Binary => DataType::BinaryView,
            other => other.clone(),
        };
        Field::new(field.name(), data_type, field.is_nullable())
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Rows as they are written, as they are read.
pub(super) fn viewed(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = rows.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| cast(column, field.data_type()));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema.clone(), columns).map_err(DataFusionError::from)
}
