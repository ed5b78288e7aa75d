//! The labels of the details of a record in Chinese. `view` writes them in English.

/// Each label of `view::details` and its translation.
const CHINESE: &[(&str, &str)] = &[
    ("Alert id", "告警 ID"),
    ("Catalog entry", "目录条目"),
    ("Changed", "变更"),
    ("Class", "类别"),
    ("Cloud", "云"),
    ("Dialect", "日志格式"),
    ("Event id", "事件 ID"),
    (
        "Event record, what OCSF has no place for",
        "事件记录中 OCSF 未涵盖的部分",
    ),
    ("Event source", "事件来源"),
    ("Event type", "事件类型"),
    ("False positives", "误报情形"),
    ("File", "文件"),
    ("From", "来源"),
    ("Group", "分组"),
    ("Headers", "消息头"),
    ("Id", "ID"),
    ("Key", "键"),
    ("Labels", "标签"),
    ("Metadata", "元数据"),
    ("Missing output", "缺少的输出"),
    ("On", "对象"),
    ("Origin", "产生方式"),
    ("Outcome", "结果"),
    ("Product", "产品"),
    ("Raised", "触发时间"),
    ("Read at", "读取位置"),
    ("Record", "记录"),
    ("Records written", "写入的记录"),
    ("Refused by sink", "拒收的接收端"),
    ("Related resources", "相关资源"),
    ("Repaired size", "修复后大小"),
    ("Request", "请求"),
    ("Response", "响应"),
    ("Rule", "规则"),
    ("Rule set", "规则集"),
    ("SHA-256", "SHA-256"),
    ("Size when cut", "截断时大小"),
    ("Source wrote it", "来源写入时间"),
    ("Stands at", "位置"),
    ("Suppressed", "已抑制"),
    ("The event behind it", "触发它的事件"),
    ("Time as written", "原始时间"),
    ("Version", "版本"),
    ("What", "操作"),
    ("What happened", "发生了什么"),
    ("What to do", "处理办法"),
    ("What was added", "补充信息"),
    ("When", "时间"),
    ("Who", "操作者"),
    ("Why", "触发原因"),
    ("Written", "写入时间"),
    ("account", "账号"),
    ("activity", "活动"),
    ("as written", "原文"),
    ("belongs to", "所属"),
    ("client", "客户端"),
    ("credential", "凭证"),
    ("decision", "判定"),
    ("detail", "说明"),
    ("e-mail", "电子邮件"),
    ("environment", "环境"),
    ("error", "错误"),
    ("full name", "全名"),
    ("id", "ID"),
    ("identity", "身份"),
    ("kind", "类型"),
    ("mechanism", "认证方式"),
    ("message", "消息"),
    ("on behalf of", "代表"),
    ("organization", "组织"),
    ("owner", "负责人"),
    ("region", "地域"),
    ("see", "参见"),
    ("see also", "另见"),
    ("service", "服务"),
    ("session", "会话"),
    ("tags", "标签"),
    ("team", "团队"),
    ("until", "截止"),
    ("version", "版本"),
];

/// A label in Chinese.
pub(super) fn chinese(label: &str) -> Option<&'static str> {
    let mut known = CHINESE.iter();
    let known = known.find(|(english, _)| *english == label);
    known.map(|(_, chinese)| *chinese)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_of_the_details_is_translated() {
        let sources = [
            include_str!("../../view/details/mod.rs"),
            include_str!("../../view/details/unread.rs"),
        ];
        let call =
            regex::Regex::new(r#"self\s*\.(?:row|detail|toned|heading)\(\s*"([^"]+)""#).unwrap();
        let mut count = 0;
        for source in sources {
            for found in call.captures_iter(source) {
                count += 1;
                assert!(
                    chinese(&found[1]).is_some(),
                    "`{}` has no translation",
                    &found[1]
                );
            }
        }
        assert!(count > 70, "{count} labels");
    }
}
