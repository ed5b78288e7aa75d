//! What an error of a storage or of the library of the Delta log says, in words: what is wrong, and the remedy. The
//! libraries give texts alone for most of it, so it is told by the text.

/// The rights that the archive needs, as the providers name them: of Amazon, of Google, of Azure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Right {
    /// What is refused.
    doing: &'static str,
    names: [&'static str; 3],
}

const LIST: Right = Right {
    doing: "list objects",
    names: [
        "s3:ListBucket",
        "storage.objects.list",
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
    ],
};

const READ: Right = Right {
    doing: "read objects",
    names: [
        "s3:GetObject",
        "storage.objects.get",
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
    ],
};

const WRITE: Right = Right {
    doing: "write objects",
    names: [
        "s3:PutObject",
        "storage.objects.create",
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
    ],
};

const DELETE: Right = Right {
    doing: "delete objects",
    names: [
        "s3:DeleteObject",
        "storage.objects.delete",
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete",
    ],
};

/// Codes of credentials that are valid no more.
const EXPIRED: [&str; 3] = ["ExpiredToken", "TokenRefreshRequired", "RequestExpired"];

/// Codes of credentials that never were.
const WRONG: [&str; 5] = [
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidToken",
    "InvalidClientTokenId",
    "AuthenticationFailed",
];

/// What storages and file systems say that are full.
const FULL: [&str; 8] = [
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
    "507 Insufficient Storage",
    "StorageFull",
    "QuotaExceeded",
    "quota exceeded",
    "InsufficientStorage",
];

/// What the libraries put before the cause.
const PREFIXES: [&str; 11] = [
    "Kernel error: ",
    "Generic DeltaTable error: ",
    "Failed to read delta log object: ",
    "Error interacting with object store: ",
    "Parquet error: ",
    "Object Store error: ",
    "External error: ",
    "External: ",
    "Arrow error: ",
    "Arrow: ",
    "Failed to commit transaction: ",
];

/// The error in words: if it is an answer of a storage that a person has to mend, what it means and the remedy, else its
/// text without what the libraries put around the cause.
pub fn in_words(text: &str) -> String {
    meaning(text).unwrap_or_else(|| cause(text).to_owned())
}

/// What an answer of a storage means, and the remedy; `None` if the text is no such answer.
pub(super) fn meaning(text: &str) -> Option<String> {
    let one_of = |words: &[&'static str]| words.iter().copied().find(|word| text.contains(word));
    if one_of(&FULL).is_some() {
        return Some(
            "the storage has no room left; make room, and the archive goes on by itself".into(),
        );
    }
    if let Some(code) = one_of(&EXPIRED) {
        return Some(format!(
            "the credentials of the storage have expired ({code}); those of a role, a container or a web identity \
             token file are renewed by themselves, and others have to be set anew, with a restart"
        ));
    }
    if text.contains("RequestTimeTooSkewed") {
        return Some(
            "the clock of this machine differs too much from that of the storage (RequestTimeTooSkewed); set it right"
                .into(),
        );
    }
    if let Some(code) = one_of(&WRONG) {
        return Some(format!(
            "the storage does not know the credentials ({code}); set the right access key and its secret"
        ));
    }
    let is_denied = one_of(&[
        "AccessDenied",
        "403 Forbidden",
        "AuthorizationPermissionMismatch",
    ]);
    is_denied?;
    let Some(right) = right(text) else {
        return Some("the storage refuses the request (403 Forbidden); give the archive's credentials the right".into());
    };
    let provider = match text {
        text if text.contains("storage.googleapis.com") => 1,
        text if text.contains(".core.windows.net") => 2,
        _ => 0,
    };
    Some(format!(
        "the storage does not allow to {}; give the archive's credentials the right {}",
        right.doing, right.names[provider]
    ))
}

/// The right that a refused request needs.
fn right(text: &str) -> Option<Right> {
    let (_, request) = text
        .rsplit_once("Error performing ")
        .unwrap_or((text, text));
    let (method, rest) = request.split_once(' ')?;
    let is_deletion = text.contains("DeleteObjects request failed") || rest.contains("comp=batch");
    match method {
        _ if is_deletion => Some(DELETE),
        "GET" if rest.contains("list-type=2") || rest.contains("comp=list") => Some(LIST),
        "GET" | "HEAD" => Some(READ),
        "PUT" => Some(WRITE),
        "POST" if rest.contains("?delete") => Some(DELETE),
        "POST" => Some(WRITE),
        "DELETE" => Some(DELETE),
        _ => None,
    }
}

/// The text without a backtrace, and without what the libraries put before the cause.
fn cause(text: &str) -> &str {
    let text = text.split("\n   0: ").next().unwrap_or(text).trim();
    let mut cause = text;
    while let Some(rest) = PREFIXES
        .iter()
        .find_map(|prefix| cause.strip_prefix(prefix))
    {
        cause = rest;
    }
    cause
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As S3 answers.
    fn refused(request: &str, status: &str, code: &str) -> String {
        format!(
            "Kernel error: Error interacting with object store: Generic S3 error: Error performing {request} in 1.9ms - \
             Server returned non-2xx status code: {status}: <?xml version='1.0'?><Error><Code>{code}</Code></Error>"
        )
    }

    #[test]
    fn a_right_that_is_missing_is_named_as_its_provider_names_it() {
        for (request, right) in [
            (
                "list request: Error performing GET http://h/b?list-type=2&prefix=x",
                "s3:ListBucket",
            ),
            ("GET http://h/b/x.parquet", "s3:GetObject"),
            ("PUT http://h/b/x.parquet", "s3:PutObject"),
            ("POST http://h/b/x.parquet?uploads", "s3:PutObject"),
            ("DELETE http://h/b/x", "s3:DeleteObject"),
            (
                "DELETE https://storage.googleapis.com/b/x",
                "storage.objects.delete",
            ),
            (
                "PUT https://a.blob.core.windows.net/c/x",
                "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
            ),
        ] {
            let words = in_words(&refused(request, "403 Forbidden", "AccessDenied"));
            assert!(words.ends_with(&format!("the right {right}")), "{words}");
        }
        let many = "Generic S3 error: DeleteObjects request failed for key a/b.parquet: Access Denied (code: AccessDenied)";
        let expected = "the storage does not allow to delete objects; give the archive's credentials the right \
                        s3:DeleteObject";
        assert_eq!(in_words(many), expected);
    }

    #[test]
    fn what_a_person_has_to_mend_is_said_with_its_remedy() {
        for (status, code, expected) in [
            (
                "400 Bad Request",
                "ExpiredToken",
                "have expired (ExpiredToken)",
            ),
            (
                "403 Forbidden",
                "RequestTimeTooSkewed",
                "the clock of this machine differs",
            ),
            (
                "403 Forbidden",
                "InvalidAccessKeyId",
                "does not know the credentials (InvalidAccessKeyId)",
            ),
            (
                "507 Insufficient Storage",
                "XMinioStorageFull",
                "has no room left",
            ),
        ] {
            let words = in_words(&refused("PUT http://h/b/x", status, code));
            assert!(words.contains(expected), "{words}");
        }
        for error in [
            "Unable to write data to file /x: No space left on device (os error 28)",
            "Unable to write data to file /x: File too large (os error 27)",
        ] {
            assert!(in_words(error).contains("has no room left"), "{error}");
        }
    }

    #[test]
    fn other_errors_lose_their_prefixes_and_their_backtrace() {
        let text = "Kernel error: Json error: Truncated record whilst reading string\n   0: with_backtrace\n   at x";
        assert_eq!(
            in_words(text),
            "Json error: Truncated record whilst reading string"
        );
        assert_eq!(in_words("Parquet error: Parquet error: EOF"), "EOF");
        assert_eq!(in_words("connection refused"), "connection refused");
    }
}
