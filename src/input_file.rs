//! Opens and reads the files that people name: configuration, rules, tests, names, events.
//! Invariant: only regular files are read, after links are followed, and streams that the process was given, such as
//! `/dev/stdin`. Opening or reading a FIFO, a socket or a device could wait forever. The opened file is checked, not
//! its name, so it cannot be exchanged in between.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::diagnostic::{Mark, Problem, nearest};

/// Where the operating system keeps the streams that a process was given, such as by a shell for `<(…)`.
const GIVEN_STREAMS: [&str; 3] = ["/dev/stdin", "/dev/fd/", "/proc/self/fd/"];

/// Opens a regular file, or a stream that the process was given.
///
/// # Errors
/// It does not exist, may not be read, or is something else.
pub fn open(path: &Path) -> Result<File, Problem> {
    let name = path.to_string_lossy();
    if GIVEN_STREAMS.iter().any(|stream| name.starts_with(stream)) {
        return File::open(path).map_err(|error| unreadable(path, &error));
    }
    let mut options = OpenOptions::new();
    // A FIFO without a writer is opened at once, and refused by its type.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = options.read(true).custom_flags(flags).open(path);
    let file = file.map_err(|error| match path.metadata() {
        // A socket cannot be opened at all.
        Ok(metadata) if metadata.file_type().is_socket() => special(path),
        _ => unreadable(path, &error),
    })?;
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    match metadata.is_file() {
        true => Ok(file),
        false if metadata.is_dir() => {
            let error = io::Error::from(ErrorKind::IsADirectory);
            Err(unreadable(path, &error))
        }
        false => Err(special(path)),
    }
}

/// The bytes of a file.
///
/// # Errors
/// As for [`open`]; or an error of the file system.
pub fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let read = open(path)?.read_to_end(&mut bytes);
    read.map_err(|error| unreadable(path, &error))?;
    Ok(bytes)
}

/// The text of a file, without a byte order mark.
///
/// # Errors
/// As for [`read`]; or it is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, Problem> {
    text(read(path)?)
}

/// The same for a file of at most so many bytes.
///
/// # Errors
/// As for [`read_text`]; or it has more bytes.
pub fn read_text_of(path: &Path, max_bytes: usize) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX);
    let read = open(path)?
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes);
    read.map_err(|error| unreadable(path, &error))?;
    if bytes.len() > max_bytes {
        let message = format!("the file has more than {max_bytes} bytes");
        return Err(Problem::error(Mark::START, message).remedy("split it"));
    }
    text(bytes)
}

/// The problem with a file or directory that the operating system does not read.
pub fn unreadable(path: &Path, error: &io::Error) -> Problem {
    let (message, remedy) = match error.kind() {
        ErrorKind::NotFound => (
            "there is no such file",
            match similar_name(path) {
                Some(near) => &format!("did you mean `{near}`?"),
                None => "correct the path, or create the file",
            },
        ),
        ErrorKind::PermissionDenied => (
            "permission denied",
            "let the user as whom watchbell runs read it",
        ),
        ErrorKind::IsADirectory => ("it is a directory", "name a file in it"),
        ErrorKind::NotADirectory => ("a part of the path is no directory", "correct the path"),
        _ => {
            let text = error.to_string();
            let cause = text.split(" (os error").next().unwrap_or_default();
            return Problem::error(Mark::START, lower_first(cause));
        }
    };
    Problem::error(Mark::START, message).remedy(remedy)
}

fn special(path: &Path) -> Problem {
    let message = match path.metadata().map(|metadata| metadata.file_type()) {
        Ok(kind) if kind.is_fifo() => "it is a FIFO, not a file",
        Ok(kind) if kind.is_socket() => "it is a socket, not a file",
        _ => "it is a device, not a file",
    };
    let problem = Problem::error(Mark::START, message);
    problem.remedy("name a regular file, or copy what it gives into one")
}

/// The name in the same directory that is most similar.
fn similar_name(path: &Path) -> Option<String> {
    // Equal extensions would make names similar that are not.
    let (wanted, extension) = parts_of(path.file_name()?.to_str()?);
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let entries = directory.read_dir().ok()?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| parts_of(name).1 == extension)
        .collect();
    names.sort();
    let near = nearest(wanted, names.iter().map(|name| parts_of(name).0))?;
    let name = names.iter().find(|name| parts_of(name).0 == near)?;
    Some(path.with_file_name(name).display().to_string())
}

/// The name up to its first dot, and the rest.
fn parts_of(name: &str) -> (&str, &str) {
    name.split_once('.').unwrap_or((name, ""))
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// The bytes as text, or the place of the first byte that is not UTF-8.
fn text(bytes: Vec<u8>) -> Result<String, Problem> {
    const REMEDY: &str = "save the file as UTF-8";
    let is_utf16 = bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xfe, 0xff])
        || matches!(bytes[..], [0, other, ..] | [other, 0, ..] if other != 0);
    if is_utf16 {
        return Err(Problem::error(Mark::START, "the file is UTF-16").remedy(REMEDY));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let end = error.utf8_error().valid_up_to();
        let (valid, rest) = error.as_bytes().split_at(end);
        let valid = String::from_utf8_lossy(valid);
        let line = valid.matches('\n').count() + 1;
        let column = valid.lines().last().unwrap_or_default().chars().count() + 1;
        let column = if valid.ends_with('\n') { 1 } else { column };
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let mark = Mark {
            line: number(line),
            column: number(column),
        };
        let byte = rest.first().copied().unwrap_or_default();
        let message = format!("the byte 0x{byte:02X} is not UTF-8");
        Problem::error(mark, message).remedy(REMEDY)
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(text) => text.to_owned(),
        None => text,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    /// What is said of a file of this name in a folder with the files `rules.yaml`, `fifo` and `socket`.
    fn refused(name: &str) -> (String, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("rules.yaml"), "a: 1").unwrap();
        let made = Command::new("mkfifo").arg(path("fifo")).status().unwrap();
        assert!(made.success());
        std::os::unix::fs::symlink(path("fifo"), path("link")).unwrap();
        let _socket = UnixListener::bind(path("socket")).unwrap();
        let problem = read_text(&path(name)).unwrap_err();
        let remedy = problem.remedy.unwrap();
        let folder = format!("{}/", folder.path().display());
        (problem.message, remedy.replace(&folder, ""))
    }

    #[test]
    fn only_regular_files_are_read_and_nothing_waits_for_another() {
        let special = "name a regular file, or copy what it gives into one";
        for (name, message, remedy) in [
            ("fifo", "it is a FIFO, not a file", special),
            ("link", "it is a FIFO, not a file", special),
            ("socket", "it is a socket, not a file", special),
            ("/dev/zero", "it is a device, not a file", special),
            ("", "it is a directory", "name a file in it"),
            (
                "rule.yaml",
                "there is no such file",
                "did you mean `rules.yaml`?",
            ),
            (
                "x",
                "there is no such file",
                "correct the path, or create the file",
            ),
            (
                "rules.yaml/x",
                "a part of the path is no directory",
                "correct the path",
            ),
        ] {
            let expected = (message.to_owned(), remedy.to_owned());
            assert_eq!(refused(name), expected, "{name}");
        }
    }

    #[test]
    fn a_stream_that_the_process_was_given_is_read() {
        let (reader, mut writer) = io::pipe().unwrap();
        io::Write::write_all(&mut writer, b"given").unwrap();
        drop(writer);
        let number = std::os::fd::AsRawFd::as_raw_fd(&reader);
        let path = format!("/dev/fd/{number}");
        assert_eq!(read_text(Path::new(&path)).unwrap(), "given");
    }

    #[test]
    fn a_text_that_is_not_utf8_is_named_with_the_place_of_its_first_wrong_byte() {
        let refused = |bytes: &[u8]| {
            let problem = text(bytes.to_vec()).unwrap_err();
            assert_eq!(problem.remedy.as_deref(), Some("save the file as UTF-8"));
            (problem.mark.line, problem.mark.column, problem.message)
        };
        let byte = "the byte 0xE4 is not UTF-8".to_owned();
        let latin = [b"a: \xc3\xa9\nb: ".as_slice(), b"\xe4\n"].concat();
        assert_eq!(refused(&latin), (2, 4, byte.clone()));
        assert_eq!(refused(b"a: 1\n\xe4"), (2, 1, byte));
        let utf16 = "the file is UTF-16".to_owned();
        assert_eq!(refused(b"\xff\xfea\0:\0"), (1, 1, utf16.clone()));
        assert_eq!(refused(b"\0a\0:"), (1, 1, utf16));
        assert_eq!(text(b"\xef\xbb\xbfa: 1".to_vec()).unwrap(), "a: 1");
    }

    #[test]
    fn a_file_of_more_bytes_than_allowed_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "12345").unwrap();
        assert_eq!(read_text_of(file.path(), 5).unwrap(), "12345");
        let problem = read_text_of(file.path(), 4).unwrap_err();
        assert_eq!(problem.message, "the file has more than 4 bytes");
    }
}
