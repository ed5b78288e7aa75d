//! Which program a client is, by the user agent or client id that it gives. The forms are those that the programs'
//! makers use by default; a name that somebody has chosen is none of them. What a client says of itself is its claim.

use serde::Serialize;

use crate::json::Written;

/// Where the text of a form stands.
#[derive(Debug, Clone, Copy)]
enum At {
    /// It is the whole.
    Whole,
    /// The beginning.
    Start,
    /// The beginning, and a number is the rest.
    Numbered,
    /// Anywhere.
    Anywhere,
    /// Anywhere in what Alibaba Cloud's SDKs send; the version of their core stands elsewhere.
    AlibabaSdk,
}

/// What Alibaba Cloud's SDKs begin with.
const ALIBABA_SDK: &str = "AlibabaCloud (";

/// What stands before the version of their core.
const ALIBABA_CORE: &str = " Core/";

const CONSOLE: &str = "console";
const TERRAFORM: &str = "Terraform";
const JAVA: &str = "Kafka Java client";
const CONNECT: &str = "Kafka Connect";
const FLINK: &str = "Flink";

/// The known forms: the first that fits counts. The version follows the text.
const FORMS: [(At, &str, &str); 54] = [
    // Tools that name the SDK which they use come before the SDKs.
    (At::Start, "terraform-provider-", TERRAFORM),
    (At::Anywhere, "HashiCorp-Terraform-", TERRAFORM),
    (At::Anywhere, "Terraform/", TERRAFORM),
    (At::Anywhere, "Pulumi/", "Pulumi"),
    (At::Anywhere, "Aliyun-CLI/", "Alibaba Cloud CLI"),
    (At::Anywhere, "aliyun-cli/", "Alibaba Cloud CLI"),
    (At::Start, "Confluent-Cloud-CLI/", "Confluent CLI"),
    (At::Start, "Confluent-CLI/", "Confluent CLI"),
    (At::Start, "rpk/", "rpk"),
    (At::Whole, "rpk", "rpk"),
    (At::Start, "aws-cli/", "AWS CLI"),
    (At::Start, "aws-sdk-", "AWS SDK"),
    (At::Start, "Boto3/", "AWS SDK"),
    // Consoles.
    (At::Whole, "AlibabaCloud API Workbench", "API Workbench"),
    (At::Anywhere, ".console.aliyun.com", CONSOLE),
    (At::Start, "Mozilla/", CONSOLE),
    // Alibaba Cloud's SDKs.
    (At::AlibabaSdk, " Java/", "Alibaba Cloud SDK for Java"),
    (At::AlibabaSdk, " Golang/", "Alibaba Cloud SDK for Go"),
    (At::AlibabaSdk, " Python/", "Alibaba Cloud SDK for Python"),
    (At::AlibabaSdk, " PHP/", "Alibaba Cloud SDK for PHP"),
    (At::AlibabaSdk, " Node.js/", "Alibaba Cloud SDK for Node.js"),
    (
        At::AlibabaSdk,
        " TypeScript/",
        "Alibaba Cloud SDK for Node.js",
    ),
    (At::Start, "aliyun-sdk-java", "Alibaba Cloud SDK for Java"),
    (At::Start, "aliyun-sdk-go", "Alibaba Cloud SDK for Go"),
    (
        At::Start,
        "aliyun-sdk-python",
        "Alibaba Cloud SDK for Python",
    ),
    // Kafka: frameworks before the client that they use.
    (At::Start, "_confluent-ksql-", "ksqlDB"),
    (At::Anywhere, "-StreamThread-", "Kafka Streams"),
    (At::Start, "connector-consumer-", CONNECT),
    (At::Start, "connector-producer-", CONNECT),
    (At::Start, "connector-adminclient-", CONNECT),
    (At::Start, "connector-dlq-producer-", CONNECT),
    (At::Anywhere, "-enumerator-admin-client", FLINK),
    (At::Anywhere, "-enumerator-consumer", FLINK),
    (At::Numbered, "adminclient-", JAVA),
    (At::Numbered, "producer-", JAVA),
    (At::Numbered, "consumer-", JAVA),
    (At::Whole, "console-producer", "Kafka command line"),
    (At::Whole, "console-consumer", "Kafka command line"),
    (At::Whole, "rdkafka", "librdkafka"),
    (At::Numbered, "rdkafka-", "librdkafka"),
    (At::Numbered, "kafka-python-producer-", "kafka-python"),
    (At::Start, "kafka-python-", "kafka-python"),
    (At::Start, "aiokafka-", "aiokafka"),
    (At::Whole, "sarama", "Sarama"),
    (At::Whole, "kgo", "franz-go"),
    (At::Whole, "kafkajs", "KafkaJS"),
    // Clients of HTTP, whatever uses them.
    (At::Start, "curl/", "curl"),
    (At::Start, "Wget/", "Wget"),
    (At::Start, "PostmanRuntime/", "Postman"),
    (At::Start, "HTTPie/", "HTTPie"),
    (At::Start, "python-requests/", "Python requests"),
    (At::Start, "Go-http-client/", "Go HTTP client"),
    (At::Start, "Apache-HttpClient/", "Apache HttpClient"),
    (At::Start, "okhttp/", "OkHttp"),
];

/// The attribute with the user agent.
pub(super) const USER_AGENT: &str = "http_request.user_agent";

/// The attribute with the client id.
const APP_NAME: &str = "actor.app_name";

/// Longest text that is read: a browser's is shorter, and callers choose it.
const MAX_BYTES: usize = 1_024;

/// Longest version.
const MAX_VERSION_BYTES: usize = 32;

/// A known client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// OCSF path of the attribute that says it.
    pub attribute: &'static str,
    /// OCSF `enrichments[].data`: `client`, and `client_version` where it is said.
    pub data: Written,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Known<'t> {
    client: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_version: Option<&'t str>,
}

/// Every family that a client can be of; some occur several times.
pub(super) fn families() -> impl Iterator<Item = &'static str> {
    FORMS.into_iter().map(|(_, _, family)| family)
}

impl Client {
    /// The client of a user agent or a client id, if its form is known.
    pub fn of(text: &str, is_user_agent: bool) -> Option<Client> {
        let known = known(text)?;
        let attribute = if is_user_agent { USER_AGENT } else { APP_NAME };
        Some(Client {
            attribute,
            data: Written::of(&known),
        })
    }
}

fn known(text: &str) -> Option<Known<'_>> {
    if text.len() > MAX_BYTES {
        return None;
    }
    FORMS.iter().find_map(|&(at, form, family)| {
        let rest = match at {
            At::Whole => (text == form).then_some(""),
            At::Start => text.strip_prefix(form),
            At::Numbered => text
                .strip_prefix(form)
                .filter(|rest| ends_with_number(rest)),
            At::Anywhere => text.split_once(form).map(|(_, rest)| rest),
            At::AlibabaSdk => text
                .strip_prefix(ALIBABA_SDK)
                .filter(|rest| rest.contains(form))
                .map(|rest| rest.split_once(ALIBABA_CORE).map_or("", |(_, rest)| rest)),
        };
        rest.map(|rest| Known {
            client: family,
            // Neither the number of a client is a version, nor that with which all browsers begin.
            client_version: version(rest)
                .filter(|_| !matches!(at, At::Numbered) && family != CONSOLE),
        })
    })
}

/// Whether a Java client has numbered it: `7`, or `<group>-7`.
fn ends_with_number(rest: &str) -> bool {
    let number = rest.rsplit('-').next().unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The version with which a text begins, as far as its characters are those of one: `1.9.8` of `1.9.8 (linux)`,
/// `/v3.2.0` and `confluent/2.1.0`.
fn version(rest: &str) -> Option<&str> {
    let word = rest.split([' ', ';', '(', ')', ',']).next()?;
    let word = word.rsplit('/').next().unwrap_or(word);
    let word = word.strip_prefix('v').unwrap_or(word);
    let is_version = word.starts_with(|c: char| c.is_ascii_digit())
        && word.contains('.')
        && word.len() <= MAX_VERSION_BYTES
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-+_".contains(&b));
    is_version.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_known_clients_give_their_family_and_version() {
        let cases = [
            ("rdkafka", "librdkafka", None),
            ("rdkafka-7", "librdkafka", None),
            ("adminclient-3", JAVA, None),
            ("consumer-orders-1", JAVA, None),
            ("connector-consumer-s3-sink-0", CONNECT, None),
            (
                "_confluent-ksql-default_query_CTAS_X_1-2-StreamThread-1-consumer",
                "ksqlDB",
                None,
            ),
            ("orders-5b0c-StreamThread-2-producer", "Kafka Streams", None),
            ("orders-enumerator-admin-client", FLINK, None),
            ("kafka-python-2.0.2", "kafka-python", Some("2.0.2")),
            ("kafka-python-producer-1", "kafka-python", None),
            ("rpk/25.2.4", "rpk", Some("25.2.4")),
            ("curl/8.5.0", "curl", Some("8.5.0")),
            (
                "terraform-provider-confluent/2.1.0 (https://confluent.cloud)",
                TERRAFORM,
                Some("2.1.0"),
            ),
            ("HashiCorp-Terraform-v1.3.9", TERRAFORM, Some("1.3.9")),
            (
                "AlibabaCloud (linux; amd64) Golang/1.24.2 Core/0.01 TeaDSL/1 Terraform/1.9.8 Provider/1.240.0",
                TERRAFORM,
                Some("1.9.8"),
            ),
            (
                "Confluent-Cloud-CLI/v4.2.0 (https://confluent.cloud; support@confluent.io)",
                "Confluent CLI",
                Some("4.2.0"),
            ),
            (
                "AlibabaCloud (linux; amd64) Golang/1.22 Core/1 Aliyun-CLI/3.0.207",
                "Alibaba Cloud CLI",
                Some("3.0.207"),
            ),
            ("AlibabaCloud API Workbench", "API Workbench", None),
            (
                "AlibabaCloud (Linux; amd64) Java/1.8.0_152-b187 Core/4.5.17 HTTPClient/ApacheHttpClient",
                "Alibaba Cloud SDK for Java",
                Some("4.5.17"),
            ),
            (
                "AlibabaCloud (Linux; x86_64) Python/3.11.4 TeaDSL/1",
                "Alibaba Cloud SDK for Python",
                None,
            ),
            ("aliyun-sdk-java", "Alibaba Cloud SDK for Java", None),
            (
                "aliyun-sdk-go/0.1.1 (Linux/3.16/x86_64;go1.5.1)",
                "Alibaba Cloud SDK for Go",
                Some("0.1.1"),
            ),
            ("realtime-compute.console.aliyun.com", CONSOLE, None),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
                CONSOLE,
                None,
            ),
        ];
        for (text, client, client_version) in cases {
            let expected = Known {
                client,
                client_version,
            };
            assert_eq!(known(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_name_of_any_other_form_gives_nothing() {
        let names = "c|orders-service|producer-|producer-main|my-rdkafka|RDKAFKA|rdkafkas|\
                     RealtimeCompute|AlibabaCloud (x) Rust/1|console|";
        for name in names.split('|') {
            assert_eq!(known(name), None, "{name}");
        }
        assert_eq!(known(&format!("curl/{}", "1".repeat(MAX_BYTES))), None);
        let long = format!("curl/{}", "1".repeat(MAX_VERSION_BYTES + 1));
        assert_eq!(known(&long).unwrap().client_version, None);
    }
}
