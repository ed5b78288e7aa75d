//! Functions on columns that SQL lacks: a pattern in a list of texts, an address in a network, a filter on whole
//! records.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringViewArray};
use arrow::compute::cast;
use arrow::compute::kernels::comparison::ilike;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use ipnet::IpNet;

use super::records::Records;
use crate::archive::TableKind;
use crate::sigma::Scratch;
use crate::view::{Emitted, Filter};

/// A function of a column and of a text that is the same for all rows.
#[derive(Debug)]
pub(super) struct TextFunction {
    name: &'static str,
    signature: Signature,
    gives: DataType,
    evaluate: fn(&ArrayRef, &str) -> Result<ArrayRef>,
}

impl TextFunction {
    /// `any_ilike(list, pattern)`: whether any text of a list is like the pattern; letter case is ignored.
    pub(super) fn any_ilike() -> TextFunction {
        TextFunction {
            name: "any_ilike",
            signature: Signature::any(2, Volatility::Immutable),
            gives: DataType::Boolean,
            evaluate: any_ilike,
        }
    }

    /// `json_text(json, path)`: the value at a path such as `api.request.data`, as text; a list or an object as JSON.
    /// Where the path crosses a list, its first element is meant.
    pub(super) fn json_text() -> TextFunction {
        TextFunction::of(
            DataType::Utf8View,
            "json_text",
            DataType::Utf8View,
            json_text,
        )
    }

    /// `in_network(address, network)`: whether a text is an IP address in a network such as `10.0.0.0/8`.
    pub(super) fn in_network() -> TextFunction {
        TextFunction::of(
            DataType::Utf8View,
            "in_network",
            DataType::Boolean,
            in_network,
        )
    }

    /// `bytes_contain(bytes, text)`: whether bytes contain a text.
    pub(super) fn bytes_contain() -> TextFunction {
        TextFunction::of(
            DataType::BinaryView,
            "bytes_contain",
            DataType::Boolean,
            bytes_contain,
        )
    }

    fn of(
        takes: DataType,
        name: &'static str,
        gives: DataType,
        evaluate: fn(&ArrayRef, &str) -> Result<ArrayRef>,
    ) -> TextFunction {
        let types = TypeSignature::Exact(vec![takes, DataType::Utf8View]);
        TextFunction {
            name,
            signature: Signature::new(types, Volatility::Immutable),
            gives,
            evaluate,
        }
    }
}

/// The name says which one it is.
impl PartialEq for TextFunction {
    fn eq(&self, other: &TextFunction) -> bool {
        self.name == other.name
    }
}

impl Eq for TextFunction {}

impl Hash for TextFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for TextFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.gives.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let text = constant_text(&args.args[1], self.name)?;
        let column = args.args[0].to_array(args.number_rows)?;
        Ok(ColumnarValue::Array((self.evaluate)(&column, &text)?))
    }
}

fn any_ilike(lists: &ArrayRef, pattern: &str) -> Result<ArrayRef> {
    let lists = lists
        .as_list_opt::<i32>()
        .ok_or_else(|| exec_datafusion_err!("any_ilike takes a list of texts and a pattern"))?;
    let texts = cast(lists.values(), &DataType::Utf8View)?;
    let pattern = StringViewArray::new_scalar(pattern);
    let matches = ilike(&texts, &pattern)?;
    let any = (0..lists.len()).map(|row| {
        let range = lists.value_offsets()[row] as usize..lists.value_offsets()[row + 1] as usize;
        let matches = |text: usize| matches.is_valid(text) && matches.value(text);
        lists.is_valid(row).then(|| range.into_iter().any(matches))
    });
    Ok(Arc::new(BooleanArray::from_iter(any)))
}

fn json_text(documents: &ArrayRef, path: &str) -> Result<ArrayRef> {
    let value = |json: &str| {
        let emitted = Emitted::value(json.as_bytes());
        let part = emitted.root()?.at(path)?;
        let text = part.scalar().unwrap_or_else(|| part.json().into());
        (text != "null").then(|| text.into_owned())
    };
    let values = documents.as_string_view().iter().map(|json| value(json?));
    Ok(Arc::new(StringViewArray::from_iter(values)))
}

fn in_network(addresses: &ArrayRef, network: &str) -> Result<ArrayRef> {
    let network = network.parse::<IpNet>().map_err(|_| {
        exec_datafusion_err!("`{network}` is not a network; write one such as 10.0.0.0/8")
    })?;
    let is_inside = |address: &str| {
        let address = address.parse::<IpAddr>();
        address.is_ok_and(|address| network.contains(&address.to_canonical()))
    };
    let addresses = addresses.as_string_view().iter();
    let inside = addresses.map(|address| address.map(is_inside));
    Ok(Arc::new(BooleanArray::from_iter(inside)))
}

fn bytes_contain(values: &ArrayRef, text: &str) -> Result<ArrayRef> {
    let finder = memchr::memmem::Finder::new(text.as_bytes());
    let values = values.as_binary_view().iter();
    let contain = values.map(|value| value.map(|value| finder.find(value).is_some()));
    Ok(Arc::new(BooleanArray::from_iter(contain)))
}

/// Whether a filter takes the record that the columns of a row make.
#[derive(Debug)]
pub(super) struct Matches {
    kind: TableKind,
    filter: Arc<Filter>,
    signature: Signature,
}

impl Matches {
    pub(super) fn new(kind: TableKind, filter: Arc<Filter>) -> Matches {
        Matches {
            kind,
            filter,
            signature: Signature::variadic_any(Volatility::Immutable),
        }
    }
}

impl PartialEq for Matches {
    fn eq(&self, other: &Matches) -> bool {
        Arc::ptr_eq(&self.filter, &other.filter)
    }
}

impl Eq for Matches {}

impl Hash for Matches {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.filter).hash(state);
    }
}

impl ScalarUDFImpl for Matches {
    fn name(&self) -> &str {
        "matches"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = args
            .args
            .iter()
            .map(|column| column.to_array(args.number_rows));
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let records = Records::new(self.kind, &columns)?;
        let mut scratch = Scratch::default();
        let mut takes = |row: usize| {
            records.with(row, |record| {
                self.filter
                    .takes(&Emitted::new(record.clone()), &mut scratch)
            })
        };
        let taken: Vec<bool> = (0..records.len()).map(&mut takes).collect();
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::from(taken))))
    }
}

/// The text of an argument that is the same for all rows.
fn constant_text(argument: &ColumnarValue, function: &str) -> Result<String> {
    let text = match argument {
        ColumnarValue::Scalar(
            ScalarValue::Utf8(text) | ScalarValue::Utf8View(text) | ScalarValue::LargeUtf8(text),
        ) => text.clone(),
        _ => None,
    };
    text.ok_or_else(|| exec_datafusion_err!("the second argument of {function} is not a text"))
}
