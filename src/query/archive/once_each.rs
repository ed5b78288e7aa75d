//! The different values of lists that stand side by side, such as the names, ids and types of a row's resources. A row
//! that has a value twice counts once for it.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, StringViewBuilder, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, ident,
};
use foldhash::HashSet;

use super::grouping::Grouping;
use super::text_lists::TextLists;

/// A list, for each row, of the different values that the groupings have at the places of its lists: structs with a text for
/// each grouping, by its name. The columns of the groupings are lists of texts. It is null for a row without any.
pub(super) fn once_each(groupings: &[Grouping]) -> Expr {
    let columns = groupings.iter().flat_map(Grouping::columns);
    let function = OnceEach {
        groupings: groupings.to_vec(),
        signature: Signature::variadic_any(Volatility::Immutable),
    };
    ScalarUDF::from(function).call(columns.map(ident).collect())
}

#[derive(Debug)]
struct OnceEach {
    groupings: Vec<Grouping>,
    signature: Signature,
}

/// The groupings say which one it is.
impl PartialEq for OnceEach {
    fn eq(&self, other: &OnceEach) -> bool {
        self.groupings == other.groupings
    }
}

impl Eq for OnceEach {}

impl Hash for OnceEach {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.groupings.hash(state);
    }
}

impl OnceEach {
    fn fields(&self) -> Fields {
        let names = self.groupings.iter().map(|grouping| grouping.name);
        names
            .map(|name| Field::new(name, DataType::Utf8View, true))
            .collect()
    }

    fn element(&self) -> Arc<Field> {
        Arc::new(Field::new_list_field(DataType::Struct(self.fields()), true))
    }
}

impl ScalarUDFImpl for OnceEach {
    fn name(&self) -> &str {
        "once_each"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(self.element()))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = args.args.iter();
        let columns = columns.map(|column| column.to_array(args.number_rows));
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let mut lists = TextLists::of_all(&columns)?.into_iter();
        let of_groupings: Vec<Vec<TextLists<'_>>> = self
            .groupings
            .iter()
            .map(|grouping| lists.by_ref().take(grouping.columns().count()).collect())
            .collect();
        let mut builders: Vec<StringViewBuilder> = Vec::new();
        builders.resize_with(of_groupings.len(), StringViewBuilder::new);
        let mut counts = Vec::with_capacity(args.number_rows);
        for row in 0..args.number_rows {
            let all = of_groupings.iter().flatten();
            let longest = all.map(|lists| lists.length(row)).max().unwrap_or_default();
            let (mut known, mut count) = (HashSet::default(), 0);
            for place in 0..longest {
                let texts: Vec<Option<&str>> = of_groupings
                    .iter()
                    .map(|lists| lists.iter().find_map(|list| list.text(row, place)))
                    .collect();
                // Most rows have one resource.
                if longest == 1 || known.insert(texts.clone()) {
                    count += 1;
                    for (builder, text) in builders.iter_mut().zip(texts) {
                        builder.append_option(text);
                    }
                }
            }
            counts.push(count);
        }
        let values = builders
            .iter_mut()
            .map(|builder| Arc::new(builder.finish()) as ArrayRef);
        let values = StructArray::try_new(self.fields(), values.collect(), None)?;
        let has_any = NullBuffer::from_iter(counts.iter().map(|count| *count > 0));
        let offsets = OffsetBuffer::from_lengths(counts);
        let lists = ListArray::try_new(self.element(), offsets, Arc::new(values), Some(has_any))?;
        Ok(ColumnarValue::Array(Arc::new(lists)))
    }
}
