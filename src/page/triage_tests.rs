//! The pages of incidents with hostile values: what records and people say stays text, in both languages, and nothing of it
//! is loaded or run.

use super::frame::TEST_FRAME;
use super::*;
use crate::event::{Offset, Partition, Position, RawRecord};
use crate::sigma::Level;
use crate::triage::{Alert, Board, Change, Incident, Mark, Triage, TriageState, gather};
use crate::view::Emitted;

const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>\u{202e}'";

/// The same without what is invisible, as names are kept. They and group keys stand in forms as they are.
const EVIL_NAME: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";

const PASSWORD: &str = "password=hunter2hunter2";

fn alert_json() -> Vec<u8> {
    let alert = serde_json::json!({
        "class_uid": 2004, "time": 1_790_000_000_000_i64, "message": EVIL, "severity": "High",
        "metadata": {"correlation_uid": "0af1"},
        "finding_info": {
            "uid": "u", "desc": EVIL, "analytic": {"uid": "r", "name": EVIL},
            "related_events": [{"uid": EVIL}],
            "attacks": [
                {"technique": {"uid": "T1098"}, "sub_technique": {"uid": "T1098.003"}},
                {"tactic": {"uid": "TA0040", "name": "Impact"}},
                {"technique": {"uid": "T1/../../x\"><script>"}},
            ],
        },
        "remediation": {"desc": EVIL, "references": [
            "https://wiki.example/run?a=1&b=\"2\"", "javascript:alert(1)", "https://wiki.example/ <script>",
        ]},
        "unmapped": {"why": [format!("user = {EVIL}"), PASSWORD], "falsepositives": [EVIL]},
    });
    alert.to_string().into_bytes()
}

fn incident(state: Option<TriageState>) -> Incident {
    let alert = Alert {
        topic: "watchbell.alerts".into(),
        mark: Mark {
            offset: 7,
            written_ms: 1_790_000_000_000,
        },
        time_ms: 1_790_000_000_000,
        group: EVIL_NAME.into(),
        level: Some(Level::High),
        rule_id: "r".into(),
        rule: EVIL.into(),
        title: EVIL.into(),
    };
    let mut board = Board::default();
    let mut incidents = gather([alert.clone()], &board);
    if let Some(state) = state {
        let change = Change {
            at_ms: 1_790_000_100_000,
            who: EVIL.into(),
            state,
            assignee: EVIL_NAME.into(),
            comment: format!("first line\n{EVIL}"),
        };
        let triage = Triage::new(incidents.remove(0).seen, change, None);
        let key = triage.seen.key.to_string();
        board
            .read(3, Some(key.as_bytes()), Some(&triage.to_json()))
            .unwrap();
        incidents = gather([alert], &board);
    }
    incidents.remove(0)
}

fn record(value: &[u8]) -> Emitted<'_> {
    Emitted::new(RawRecord {
        position: Position {
            topic: "watchbell.alerts",
            partition: Partition(0),
            offset: Offset(7),
            element: None,
        },
        timestamp_ms: Some(1_790_000_000_000),
        key: None,
        value: Some(value),
        headers: Vec::new(),
    })
}

fn frame(language: Language) -> Frame<'static> {
    Frame {
        language,
        ..TEST_FRAME
    }
}

/// Nothing of a value is markup, nothing hidden is shown, and nothing is loaded from elsewhere.
fn assert_tame(page: &str) {
    for markup in [
        "<script>",
        "<img",
        "onerror=alert(1)>",
        "style=",
        "href=\"javascript",
        "\u{202e}",
        "hunter2",
    ] {
        assert!(!page.contains(markup), "{markup}: {page}");
    }
    for link in page.split("src=\"").skip(1) {
        assert!(link.starts_with('/'), "{link}");
    }
    assert_eq!(page.matches("<script type=\"module\"").count(), 1);
}

fn list(asked: &AskedIncidents, incident: &Incident, language: Language) -> String {
    let value = alert_json();
    listed(asked, incident, &record(&value), language)
}

fn listed(
    asked: &AskedIncidents,
    incident: &Incident,
    alert: &Emitted<'_>,
    language: Language,
) -> String {
    let page = AlertsPage {
        asked,
        faults: asked.faults(),
        incidents: &[(incident, Some(alert))],
        total: 120,
        has_more: true,
        assignees: &[EVIL_NAME],
        can_decide: true,
        draft: &Draft::default(),
        notes: &[EVIL.to_owned()],
        problems: &[EVIL.to_owned()],
    };
    alerts_page(frame(language), &page)
}

#[test]
fn the_list_shows_values_as_text_and_names_what_the_form_was_made_of() {
    for language in Language::ALL {
        let asked = AskedIncidents::of_query(&format!(
            "assignee={0}&text={0}&rule={0}&state=x",
            "%22%3E%3Cscript%3E"
        ));
        for state in [None, Some(TriageState::FalsePositive)] {
            let page = list(&asked, &incident(state), language);
            assert_tame(&page);
            let version = if state.is_some() { "3" } else { "-" };
            assert!(
                page.contains(&format!(".1790000000000 {version} 7\"")),
                "{page}"
            );
            assert!(page.contains(language.words().state_false_positive));
        }
    }
}

#[test]
fn the_page_of_an_incident_shows_why_what_to_do_and_what_was_decided() {
    let value = alert_json();
    let alerts = [record(&value)];
    for language in Language::ALL {
        let incident = incident(Some(TriageState::Expected));
        let yaml = format!("title: {EVIL}\nsuppress:\n");
        let draft = Draft {
            comment: EVIL.into(),
            assignee: Some(EVIL.into()),
            state: None,
        };
        let page = IncidentPage {
            incident: &incident,
            alerts: &alerts,
            events: &alerts,
            assignees: &[EVIL_NAME],
            draft: &draft,
            conflict: incident.newest(),
            notes: &[EVIL.to_owned()],
            problems: &[EVIL.to_owned()],
            suppression: Some(Suppression::Yaml(yaml)),
            can_decide: true,
            is_hiding: false,
        };
        let html = incident_page(frame(language), &page);
        // The draft is what the person has typed, so it is given back as it is.
        assert_tame(&html.replace('\u{202e}', ""));
        let words = language.words();
        for said in [
            words.changed_meanwhile,
            words.suppression_hint.split('`').next().unwrap(),
            "href=\"https://attack.mitre.org/techniques/T1098/003/\"",
            "href=\"https://attack.mitre.org/tactics/TA0040/\"",
            "href=\"https://wiki.example/run?a=1&amp;b=&quot;2&quot;\"",
            "rel=\"noopener noreferrer\"",
            "first line",
        ] {
            assert!(html.contains(said), "{said}: {html}");
        }
        assert_eq!(html.matches("href=\"https://").count(), 3, "{html}");
    }
}

#[test]
fn an_incident_is_chosen_by_state_level_assignee_rule_text_and_time() {
    let (new, closed) = (incident(None), incident(Some(TriageState::Resolved)));
    let takes = |query: &str, incident: &Incident| {
        AskedIncidents::of_query(query).takes(incident, None, None)
    };
    for (query, takes_new, takes_closed) in [
        ("", true, true),
        ("state=open", true, false),
        ("state=resolved", false, true),
        ("state=new", true, false),
        ("level=high", true, true),
        ("level=low", false, false),
        ("assignee=-", true, false),
        ("assignee=jane", false, false),
        ("text=ALERT(1)", true, true),
        ("text=first+line", false, true),
        ("text=alert&text=nothing", false, false),
        ("rule=r", true, true),
        ("rule=%3CSCRIPT%3E", true, true),
        ("rule=other", false, false),
    ] {
        assert_eq!(takes(query, &new), takes_new, "{query}");
        assert_eq!(takes(query, &closed), takes_closed, "{query}");
    }
    let asked = AskedIncidents::default();
    let time_ms = 1_790_000_000_000;
    assert!(asked.takes(&new, Some(time_ms), Some(time_ms + 1)));
    assert!(!asked.takes(&new, Some(time_ms + 1), None));
    assert!(!asked.takes(&new, None, Some(time_ms)));
}

#[test]
fn the_url_of_a_list_is_read_as_it_is_written() {
    let asked =
        AskedIncidents::of_query("state=open&assignee=-&level=high&text=a+b&when=3d&page=2");
    assert!(!asked.is_form() && asked.faults().is_empty());
    assert_eq!(asked.page, 1);
    assert_eq!(AskedIncidents::of_query(&asked.query(1)), asked);
    assert!(!asked.query(0).contains("page="));
    let of_form = AskedIncidents::of_query("state=&assignee=&level=high&text=");
    assert!(of_form.is_form());
    assert_eq!(of_form.query(0), "level=high");
    let wrong = AskedIncidents::of_query("state=closed&page=x");
    assert_eq!((wrong.faults()[0].name, wrong.page), ("state", 0));
}

#[test]
fn an_alert_of_a_megabyte_makes_no_list_large() {
    let long = "\u{202e}a ".repeat(1 << 12);
    let alert = serde_json::json!({
        "class_uid": 2004, "time": 1_790_000_000_000_i64, "message": long,
        "metadata": {"correlation_uid": "0af1"}, "finding_info": {"uid": "u"}, "remediation": {"desc": long},
        "unmapped": {"why": vec![&*long; 60]},
    });
    let value = alert.to_string().into_bytes();
    let mut incident = incident(Some(TriageState::Expected));
    incident.seen.title = long;
    let page = listed(
        &AskedIncidents::default(),
        &incident,
        &record(&value),
        Language::English,
    );
    assert!(page.len() < 20_000, "{} bytes", page.len());
    assert!(page.contains("more reasons: 52"), "{page}");
}
