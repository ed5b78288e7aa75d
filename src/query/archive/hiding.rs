//! A table as somebody sees it from whom a policy of privacy hides fields. Its rows are made anew from the hidden records,
//! so that conditions, counts and downloads know nothing of what is hidden.
//! Invariant: before a row is made anew, it is judged only by columns that no policy changes, and by ids, whose rows are
//! left out where the id itself is changed.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Int32Type, Int64Type, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchema, Result, exec_datafusion_err};
use datafusion::datasource::TableType;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::StreamExt;

use super::provider::{read_schema, viewed};
use super::records::{Records, record_columns};
use crate::archive::{Rows, TableKind, with_policy};
use crate::event::{Header, RawRecord};
use crate::json::Memory;
use crate::privacy::Policy;
use crate::view::{RecordKind, SOURCE_TOPIC};

/// Columns that no policy changes: when and where.
const PLACE: [&str; 9] = [
    "day",
    "time",
    "topic",
    "partition",
    "offset",
    "written",
    "source_partition",
    "source_offset",
    "source_element",
];

/// Columns by which rows are counted. Rows that are left out are counted, too, because to know them all rows would have to be
/// made anew.
const TIME: [&str; 2] = ["day", "time"];

/// Columns with ids, by which a record is looked up.
const IDS: [&str; 2] = ["event_id", "alert_id"];

/// Columns that are no part of a record's value, and are taken over by these headers.
const FROM_HEADERS: [(&str, &str); 5] = [
    ("source_topic", SOURCE_TOPIC),
    ("source_partition", "watchbell-source-partition"),
    ("source_offset", "watchbell-source-offset"),
    ("source_element", "watchbell-source-element"),
    ("origin", "watchbell-origin"),
];

/// Of events about what people do on the page, the header that says so, and its value.
const BY_PAGE: (&str, &str) = ("watchbell-origin", "page");

/// A table without what a policy hides.
#[derive(Debug)]
pub(super) struct HidingTable {
    kind: TableKind,
    whole: Arc<dyn TableProvider>,
    policy: Arc<Policy>,
}

impl HidingTable {
    /// A table without what the policy hides; of dead letters, whose content has no fields, nothing is left.
    pub(super) fn new(
        kind: TableKind,
        whole: Arc<dyn TableProvider>,
        policy: Arc<Policy>,
    ) -> HidingTable {
        HidingTable {
            kind,
            whole,
            policy,
        }
    }

    /// The columns of which rows are made anew, by their numbers.
    fn needed(&self) -> Vec<usize> {
        let schema = self.whole.schema();
        let headers = FROM_HEADERS.iter().map(|(column, _)| *column);
        let more = headers.chain(IDS).chain(PLACE);
        let mut needed: Vec<usize> = Vec::new();
        for name in record_columns(self.kind).iter().copied().chain(more) {
            if let Ok(number) = schema.index_of(name)
                && !needed.contains(&number)
            {
                needed.push(number);
            }
        }
        needed
    }
}

/// Whether a predicate names these columns alone.
fn names_only(predicate: &Expr, columns: &[&str]) -> bool {
    let named = predicate.column_refs();
    named.iter().all(|column| columns.contains(&&*column.name))
}

#[async_trait]
impl TableProvider for HidingTable {
    fn schema(&self) -> SchemaRef {
        self.whole.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let columns = [&PLACE[..], &IDS].concat();
        let support = |filter: &&Expr| match names_only(filter, &columns) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.whole.schema();
        let all: Vec<usize> = (0..schema.fields().len()).collect();
        let wanted = projection.unwrap_or(&all);
        let shown = Arc::new(schema.project(wanted)?);
        if self.kind == TableKind::DeadLetters {
            return Ok(Arc::new(EmptyExec::new(shown)));
        }
        let is_time = |number: &usize| TIME.contains(&&**schema.field(*number).name());
        let are_places = filters.iter().all(|filter| names_only(filter, &PLACE));
        if wanted.iter().all(is_time) && are_places {
            return self.whole.scan(state, projection, filters, limit).await;
        }
        let needed = self.needed();
        let mut rows = self.whole.scan(state, Some(&needed), filters, None).await?;
        if let Some(predicate) = conjunction(filters.iter().cloned()) {
            let schema = DFSchema::try_from(rows.schema())?;
            let predicate = state.create_physical_expr(predicate, &schema)?;
            rows = Arc::new(FilterExec::try_new(predicate, rows)?);
        }
        let hiding = Hiding {
            kind: self.kind,
            policy: self.policy.clone(),
            wanted: wanted.clone(),
            shown,
            by_id: !are_places,
        };
        Ok(Arc::new(HidingExec::new(rows, Arc::new(hiding))))
    }
}

/// How rows are made anew.
#[derive(Debug)]
struct Hiding {
    kind: TableKind,
    policy: Arc<Policy>,
    /// The columns of the table that are wanted.
    wanted: Vec<usize>,
    shown: SchemaRef,
    /// Whether rows were chosen by their ids.
    by_id: bool,
}

impl Hiding {
    fn hide(&self, whole: &RecordBatch) -> Result<RecordBatch> {
        let schema = whole.schema();
        let column = |name: &str| {
            let number = schema.index_of(name).ok()?;
            Some(whole.column(number))
        };
        let columns: Option<Vec<ArrayRef>> = record_columns(self.kind)
            .iter()
            .map(|name| column(name).cloned())
            .collect();
        let columns = columns.ok_or_else(|| exec_datafusion_err!("a row lacks a column"))?;
        let records = Records::new(self.kind, &columns)?;
        let from_headers = FROM_HEADERS.iter();
        let from_headers: Vec<(&str, &ArrayRef)> = from_headers
            .filter_map(|(name, header)| Some((*header, column(name)?)))
            .collect();
        let mut is_kept = Vec::with_capacity(records.len());
        let (mut rows, memory) = (Rows::new(self.kind), Memory::default());
        for row in 0..records.len() {
            let texts = from_headers.iter();
            let texts: Vec<(&str, String)> = texts
                .filter_map(|(header, column)| Some((*header, text(column, row)?)))
                .collect();
            // What others have asked for repeats what is hidden, and no field says so.
            let is_of_page = texts
                .iter()
                .any(|(name, value)| (*name, &**value) == BY_PAGE);
            records.with(row, |record| {
                let more = texts.iter().map(|(name, value)| Header {
                    name,
                    value: Some(value.as_bytes()),
                });
                let record = RawRecord {
                    headers: record.headers.iter().copied().chain(more).collect(),
                    ..record.clone()
                };
                let policy = Some(&*self.policy);
                with_policy(policy, Some(&memory), record, |emitted| {
                    rows.push(emitted);
                    // Without the form of an event or an alert, no field has a place in which to look for what is meant.
                    let has_fields = matches!(emitted.kind, RecordKind::Event | RecordKind::Alert);
                    is_kept.push(has_fields && !is_of_page);
                });
            });
        }
        let hidden = viewed(&rows.take()?, &read_schema(self.kind))?;
        let shown = hidden.project(&self.wanted)?;
        for id in IDS.iter().filter(|_| self.by_id) {
            let (Some(before), Some(after)) = (column(id), hidden.column_by_name(id)) else {
                continue;
            };
            for (row, is_kept) in is_kept.iter_mut().enumerate() {
                *is_kept &= text(before, row) == text(after, row);
            }
        }
        Ok(filter_record_batch(&shown, &BooleanArray::from(is_kept))?)
    }
}

/// The value of a column with texts or numbers.
fn text(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    match column.data_type() {
        DataType::Utf8View => Some(column.as_string_view().value(row).to_owned()),
        DataType::Int32 => Some(column.as_primitive::<Int32Type>().value(row).to_string()),
        DataType::Int64 => Some(column.as_primitive::<Int64Type>().value(row).to_string()),
        _ => None,
    }
}

/// Makes the rows of its input anew.
#[derive(Debug)]
struct HidingExec {
    rows: Arc<dyn ExecutionPlan>,
    hiding: Arc<Hiding>,
    properties: Arc<PlanProperties>,
}

impl HidingExec {
    fn new(rows: Arc<dyn ExecutionPlan>, hiding: Arc<Hiding>) -> HidingExec {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(hiding.shown.clone()),
            rows.output_partitioning().clone(),
            rows.pipeline_behavior(),
            rows.boundedness(),
        );
        HidingExec {
            rows,
            hiding,
            properties: Arc::new(properties),
        }
    }
}

impl DisplayAs for HidingExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HidingExec")
    }
}

impl ExecutionPlan for HidingExec {
    fn name(&self) -> &'static str {
        "HidingExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.rows]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut children = children.into_iter();
        let rows = children.next();
        let rows = rows.ok_or_else(|| exec_datafusion_err!("no rows to hide anything of"))?;
        Ok(Arc::new(HidingExec::new(rows, self.hiding.clone())))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let rows = self.rows.execute(partition, context)?;
        let hiding = self.hiding.clone();
        let hidden = rows.map(move |batch| hiding.hide(&batch?));
        let schema = self.hiding.shown.clone();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, hidden)))
    }
}
