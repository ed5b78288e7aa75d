//! Reads the files in which values of events are looked up, each by itself.
//! Invariant: a file with an error in it changes nothing of what another one says.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Mark, Problem};
use crate::enrich::geoip::{Database, DatabaseKind};
use crate::enrich::{LookupFile, LookupFiles, Lookups, Names, Networks};
use crate::input_file;

/// Largest database that is read; the largest that MaxMind makes has some 150 MB.
const MAX_DATABASE_BYTES: u64 = 512 * 1024 * 1024;

/// Reads all files.
///
/// # Errors
/// Everything that is wrong in any of them.
pub fn read_lookups(files: &LookupFiles) -> Result<Lookups, Vec<Diagnostic>> {
    let mut lookups = Lookups::default();
    let mut wrong = Vec::new();
    for file in LookupFile::ALL {
        wrong.extend(read(files, file, &mut lookups).err().into_iter().flatten());
    }
    match wrong.is_empty() {
        true => Ok(lookups),
        false => Err(wrong),
    }
}

/// Reads one file and replaces what it said before. Without a path, it says nothing.
///
/// # Errors
/// Everything that is wrong in it; what it said before is kept.
pub(super) fn read(
    files: &LookupFiles,
    file: LookupFile,
    lookups: &mut Lookups,
) -> Result<(), Vec<Diagnostic>> {
    let path = files.path(file);
    match file {
        LookupFile::Names => {
            lookups.names = Arc::new(table(path, Names::parse_yaml, Names::parse_csv)?);
        }
        LookupFile::Networks => {
            lookups.networks = Arc::new(table(path, Networks::parse_yaml, Networks::parse_csv)?);
        }
        LookupFile::City => lookups.city = database(path, DatabaseKind::City)?,
        LookupFile::Asn => lookups.asn = database(path, DatabaseKind::Asn)?,
    }
    Ok(())
}

/// Reads a database into memory.
fn database(
    path: Option<&Path>,
    kind: DatabaseKind,
) -> Result<Option<Arc<Database>>, Vec<Diagnostic>> {
    let Some(path) = path else {
        return Ok(None);
    };
    let bytes = read_bytes(path, MAX_DATABASE_BYTES)?;
    let database = Database::open(bytes, kind, &path.display().to_string())?;
    Ok(Some(Arc::new(database)))
}

/// Parses a text; the second argument is the file's name in diagnostics.
type Parse<T> = fn(&str, &str) -> Result<T, Vec<Diagnostic>>;

/// Reads a file that is CSV if its name ends so, and else YAML.
fn table<T: Default>(
    path: Option<&Path>,
    yaml: Parse<T>,
    csv: Parse<T>,
) -> Result<T, Vec<Diagnostic>> {
    let Some(path) = path else {
        return Ok(T::default());
    };
    let is_csv = path.extension().is_some_and(|extension| extension == "csv");
    let parse = if is_csv { csv } else { yaml };
    parse(&read_text(path)?, &path.display().to_string())
}

/// Reads a file of text.
pub(super) fn read_text(path: &Path) -> Result<String, Vec<Diagnostic>> {
    input_file::read_text(path).map_err(|problem| refused(path, problem))
}

fn read_bytes(path: &Path, max_bytes: u64) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let file = input_file::open(path).map_err(|problem| refused(path, problem))?;
    let mut bytes = Vec::new();
    let wrong = |message: String| refused(path, Problem::error(Mark::START, message));
    let read = file.take(max_bytes + 1).read_to_end(&mut bytes);
    read.map_err(|error| wrong(format!("cannot be read: {error}")))?;
    match bytes.len() as u64 > max_bytes {
        true => Err(wrong(format!("larger than {max_bytes} bytes"))),
        false => Ok(bytes),
    }
}

fn refused(path: &Path, problem: Problem) -> Vec<Diagnostic> {
    let file = path.display().to_string().into();
    vec![Diagnostic { file, problem }]
}
