//! The name under which what a file holds stands in the archive, where records have the name of their topic: `file:` and
//! the SHA-256 of the file's bytes in hexadecimal. No topic of Kafka can have such a name, since it has a colon.

use data_encoding::HEXLOWER;

/// What the name begins with.
pub const FILE_TOPIC: &str = "file:";

/// The name for a file with this SHA-256.
pub fn file_topic(sha256: &[u8; 32]) -> String {
    format!("{FILE_TOPIC}{}", HEXLOWER.encode(sha256))
}

/// The SHA-256 of the file that a name stands for; `None` for the name of a topic.
pub fn file_of_topic(name: &str) -> Option<[u8; 32]> {
    let sha256 = name.strip_prefix(FILE_TOPIC)?;
    HEXLOWER.decode(sha256.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_hash_and_a_topic_is_no_file() {
        let sha256 = [0xa5; 32];
        let name = file_topic(&sha256);
        assert_eq!(name, format!("file:{}", "a5".repeat(32)));
        assert_eq!(file_of_topic(&name), Some(sha256));
        let upper = format!("file:{}", "A5".repeat(32));
        for other in ["watchbell.events", "file:a5", "file", &name[1..], &upper] {
            assert_eq!(file_of_topic(other), None, "{other}");
        }
    }
}
