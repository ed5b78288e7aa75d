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

/// `any_ilike(list, pattern)`: whether any text of a list is like the pattern; letter case is ignored.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct AnyIlike {
    signature: Signature,
}

impl AnyIlike {
    pub(super) fn new() -> AnyIlike {
        AnyIlike {
            signature: Signature::any(2, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for AnyIlike {
    fn name(&self) -> &str {
        "any_ilike"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let pattern = constant_text(&args.args[1], "any_ilike")?;
        let lists = args.args[0].to_array(args.number_rows)?;
        let lists = lists
            .as_list_opt::<i32>()
            .ok_or_else(|| exec_datafusion_err!("any_ilike takes a list of texts and a pattern"))?;
        let texts = cast(lists.values(), &DataType::Utf8View)?;
        let pattern = StringViewArray::new_scalar(pattern);
        let matches = ilike(&texts, &pattern)?;
        let any = (0..lists.len()).map(|row| {
            let range =
                lists.value_offsets()[row] as usize..lists.value_offsets()[row + 1] as usize;
            let matches = |text: usize| matches.is_valid(text) && matches.value(text);
            lists.is_valid(row).then(|| range.into_iter().any(matches))
        });
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::from_iter(any))))
    }
}

/// `json_text(json, path)`: the value at a path such as `api.request.data`, as text; a list or an object as JSON. Where
/// the path crosses a list, its first element is meant.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct JsonText {
    signature: Signature,
}

impl JsonText {
    pub(super) fn new() -> JsonText {
        let texts = TypeSignature::Exact(vec![DataType::Utf8View, DataType::Utf8View]);
        JsonText {
            signature: Signature::new(texts, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for JsonText {
    fn name(&self) -> &str {
        "json_text"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let path = constant_text(&args.args[1], "json_text")?;
        let documents = args.args[0].to_array(args.number_rows)?;
        let value = |json: &str| {
            let emitted = Emitted::value(json.as_bytes());
            let part = emitted.root()?.at(&path)?;
            let text = part.scalar().unwrap_or_else(|| part.json().into());
            (text != "null").then(|| text.into_owned())
        };
        let documents = documents.as_string_view().iter();
        let values = documents.map(|json| value(json?));
        Ok(ColumnarValue::Array(Arc::new(StringViewArray::from_iter(
            values,
        ))))
    }
}

/// `in_network(address, network)`: whether a text is an IP address in a network such as `10.0.0.0/8`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct InNetwork {
    signature: Signature,
}

impl InNetwork {
    pub(super) fn new() -> InNetwork {
        let texts = TypeSignature::Exact(vec![DataType::Utf8View, DataType::Utf8View]);
        InNetwork {
            signature: Signature::new(texts, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for InNetwork {
    fn name(&self) -> &str {
        "in_network"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let network = constant_text(&args.args[1], "in_network")?;
        let network = network.parse::<IpNet>().map_err(|_| {
            exec_datafusion_err!("`{network}` is not a network; write one such as 10.0.0.0/8")
        })?;
        let addresses = args.args[0].to_array(args.number_rows)?;
        let is_inside = |address: &str| {
            let address = address.parse::<IpAddr>();
            address.is_ok_and(|address| network.contains(&address.to_canonical()))
        };
        let addresses = addresses.as_string_view().iter();
        let inside = addresses.map(|address| address.map(is_inside));
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::from_iter(
            inside,
        ))))
    }
}

/// `bytes_contain(bytes, text)`: whether bytes contain a text.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Contains {
    signature: Signature,
}

impl Contains {
    pub(super) fn new() -> Contains {
        let types = TypeSignature::Exact(vec![DataType::BinaryView, DataType::Utf8View]);
        Contains {
            signature: Signature::new(types, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for Contains {
    fn name(&self) -> &str {
        "bytes_contain"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let text = constant_text(&args.args[1], "bytes_contain")?;
        let finder = memchr::memmem::Finder::new(text.as_bytes());
        let values = args.args[0].to_array(args.number_rows)?;
        let values = values.as_binary_view().iter();
        let contain = values.map(|value| value.map(|value| finder.find(value).is_some()));
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::from_iter(
            contain,
        ))))
    }
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
