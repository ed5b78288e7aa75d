//! Whether one of the values of a row fits one of some patterns. A column has few values many times, so each value is judged
//! once for many rows.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, GenericStringArray, StringViewArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, ident,
};
use foldhash::HashMap;

use crate::sigma::Pattern;

/// Whether a text of one of these columns, which hold texts or lists of texts, fits one of the patterns: `*` stands for any
/// text, `?` for a character, and letter case is ignored.
pub(super) fn fits(columns: &[&str], patterns: &[String]) -> Expr {
    let function = Fits {
        written: patterns.to_vec(),
        patterns: patterns.iter().map(|text| Pattern::of(text)).collect(),
        signature: Signature::variadic_any(Volatility::Immutable),
    };
    ScalarUDF::from(function).call(columns.iter().map(|column| ident(*column)).collect())
}

#[derive(Debug)]
struct Fits {
    written: Vec<String>,
    patterns: Vec<Pattern>,
    signature: Signature,
}

/// The texts say which one it is.
impl PartialEq for Fits {
    fn eq(&self, other: &Fits) -> bool {
        self.written == other.written
    }
}

impl Eq for Fits {}

impl Hash for Fits {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.written.hash(state);
    }
}

impl ScalarUDFImpl for Fits {
    fn name(&self) -> &str {
        "fits"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mut fit = vec![false; args.number_rows];
        for column in &args.args {
            self.judge(&column.to_array(args.number_rows)?, &mut fit)?;
        }
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::from(fit))))
    }
}

impl Fits {
    fn one(&self, text: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.finds(text))
    }

    /// Sets those rows to true of which a value fits.
    fn judge(&self, column: &ArrayRef, fit: &mut [bool]) -> Result<()> {
        if let Some(texts) = column.as_string_view_opt() {
            let mut judged = Judged::default();
            for (row, fit) in fit.iter_mut().enumerate() {
                *fit = *fit || self.view(texts, row, &mut judged);
            }
            return Ok(());
        }
        let unknown = || exec_datafusion_err!("a pattern is for texts and lists of texts");
        let lists = column.as_list_opt::<i32>().ok_or_else(unknown)?;
        let texts: &GenericStringArray<i32> = lists.values().as_string_opt().ok_or_else(unknown)?;
        let mut judged: HashMap<&str, bool> = HashMap::default();
        for (row, fit) in fit
            .iter_mut()
            .enumerate()
            .filter(|(row, _)| lists.is_valid(*row))
        {
            let (begin, end) = (lists.value_offsets()[row], lists.value_offsets()[row + 1]);
            let mut values = (begin as usize..end as usize).filter(|at| texts.is_valid(*at));
            *fit = *fit
                || values.any(|at| {
                    let text = texts.value(at);
                    *judged.entry(text).or_insert_with(|| self.one(text))
                });
        }
        Ok(())
    }

    /// Whether a text fits. Within an array two texts with the same view are the same.
    fn view(&self, texts: &StringViewArray, row: usize, judged: &mut Judged) -> bool {
        if texts.is_null(row) {
            return false;
        }
        let view = texts.views()[row];
        match judged.last {
            Some((last, fits)) if last == view => fits,
            _ => {
                let fits = judged.known.entry(view);
                let fits = *fits.or_insert_with(|| self.one(texts.value(row)));
                judged.last = Some((view, fits));
                fits
            }
        }
    }
}

/// The texts of an array that were judged.
#[derive(Default)]
struct Judged {
    last: Option<(u128, bool)>,
    known: HashMap<u128, bool>,
}
