//! The reasons of dead letters in words. Records have a word for each.

/// Each reason in English and in Chinese.
const REASONS: &[(&str, &str, &str)] = &[
    ("tombstone", "the record has no value", "记录没有值"),
    ("empty", "the value is empty", "值为空"),
    ("not_utf8", "the value is not UTF-8", "值不是 UTF-8"),
    ("not_json", "the value is not JSON", "值不是 JSON"),
    ("too_deep", "the JSON is nested too deeply", "JSON 嵌套过深"),
    (
        "not_portable",
        "parsers would read the JSON differently",
        "不同解析器对该 JSON 的解读不一致",
    ),
    ("too_long", "the value is longer than 4 GiB", "值超过 4 GiB"),
    ("not_an_object", "the JSON is no object", "JSON 不是对象"),
    (
        "duplicate_key",
        "a name occurs twice in an object",
        "对象中有重复的名称",
    ),
    (
        "unrecognized",
        "it is no audit event of a known vendor",
        "不是已知厂商的审计事件",
    ),
    (
        "nested",
        "it holds events within events",
        "事件中又包含事件",
    ),
    ("no_events", "it holds no events", "其中没有事件"),
    (
        "too_many_events",
        "it holds too many events",
        "包含的事件过多",
    ),
    (
        "too_much_around_events",
        "too much stands around its events",
        "事件之外的内容过多",
    ),
    (
        "error_response",
        "it is an error response and no event",
        "是错误应答，不是事件",
    ),
    (
        "wrong_type",
        "a value that must be understood has another type",
        "关键值的类型不符",
    ),
    (
        "too_large",
        "it is larger than its output topic takes",
        "超过输出主题的大小上限",
    ),
    (
        "output_too_large",
        "the output topic refuses its size",
        "输出主题因大小拒收",
    ),
    (
        "output_invalid",
        "the output topic refuses its content",
        "输出主题因内容拒收",
    ),
    (
        "panic",
        "watchbell has a fault with this record",
        "watchbell 处理该记录时出错",
    ),
    ("refused", "a sink refuses the alert", "接收端拒收该告警"),
    (
        "expired",
        "a sink did not take the alert in time",
        "接收端未及时接收该告警",
    ),
    ("alert_not_json", "the alert is not JSON", "告警不是 JSON"),
    (
        "alert_not_a_finding",
        "the alert is no finding",
        "告警不是检测结果",
    ),
];

/// A reason in English and in Chinese; `None` if it is not one of ours.
pub(super) fn reason(word: &str) -> Option<(&'static str, &'static str)> {
    let found = REASONS.iter().find(|(known, ..)| *known == word);
    found.map(|(_, english, chinese)| (*english, *chinese))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words after `reason`s in the code that gives them.
    #[test]
    fn every_reason_that_the_code_gives_is_in_words() {
        let sources = [
            include_str!("../../normalize/error.rs"),
            include_str!("../../json/error.rs"),
            include_str!("../../kafka/session/worker.rs"),
            include_str!("../../notice/mod.rs"),
        ];
        let word = regex::Regex::new(r#"=> "([a-z0-9_]+)""#).unwrap();
        let mut words = vec![crate::pipeline::TOO_LARGE, "panic", "refused", "expired"];
        for source in sources {
            let (_, reasons) = source.split_once("fn reason(").unwrap();
            let (reasons, _) = reasons.split_once("\n    }\n").unwrap();
            let found = word.captures_iter(reasons);
            words.extend(found.map(|found| found.get(1).unwrap().as_str()));
        }
        assert!(words.len() > 20, "{words:?}");
        for word in words {
            assert!(reason(word).is_some(), "`{word}` is not in words");
        }
        assert_eq!(reason("of another program"), None);
    }
}
