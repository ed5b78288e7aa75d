//! Routes as they are written, what is refused, and which of them an event takes.

use super::*;
use crate::diagnostic::Mark;
use crate::yaml;

fn problems(text: &str) -> Vec<(u32, u32, String)> {
    let (routes, problems) = read(&yaml::document(text).unwrap());
    assert!(problems.iter().all(crate::diagnostic::Problem::is_warning) || routes.is_empty());
    for problem in &problems {
        assert!(problem.remedy.is_some(), "{}", problem.message);
    }
    let told = problems.into_iter();
    told.map(|problem| {
        let Mark { line, column } = problem.mark;
        (line, column, problem.message)
    })
    .collect()
}

#[test]
fn a_list_of_routes_is_read_in_order() {
    let text = "\
- {name: flink, when: {api.service.name: flink}, to: team.flink, shape: lean, key: resources.uid}
- name: copies
  when:
    own: {actor.user.uid|startswith: sa-}
    others: {status: Failure}
    condition: own and not others
  to: copies
  shape: {fields: [time, actor.user, api.request.data.name]}
  key: none
  continue: true
- {name: metrics, when: [{api.operation: A}, {api.operation: B}], drop: true}
- {name: rest, to: rest, shape: raw}
";
    let (routes, problems) = read(&yaml::document(text).unwrap());
    assert!(problems.is_empty(), "{problems:?}");
    let [flink, copies, metrics, rest] = routes.all() else {
        panic!("{routes:?}");
    };
    let output = |route: &Route| match &route.action {
        RouteAction::Write(output) => output.clone(),
        RouteAction::Drop => panic!("{} drops", route.name),
    };
    assert_eq!(&*flink.name, "flink");
    let RouteOutput { topic, shape, key } = output(flink);
    assert_eq!((&*topic, shape), ("team.flink", EventShape::Lean));
    assert!(matches!(key, RecordKey::Field(_)));
    assert!(!flink.continues && copies.continues);
    let RouteOutput { shape, key, .. } = output(copies);
    let EventShape::Fields(fields) = shape else {
        panic!("{shape:?}");
    };
    assert_eq!(fields[1].segments(), ["actor".into(), "user".into()]);
    assert!(matches!(key, RecordKey::None));
    assert!(matches!(metrics.action, RouteAction::Drop));
    let RouteOutput { shape, key, .. } = output(rest);
    assert_eq!(shape, EventShape::Raw);
    assert!(matches!(key, RecordKey::Source) && rest.when.is_none());
}

#[test]
fn everything_that_is_wrong_is_told_with_its_place() {
    let text = "\
- {name: a, to: t}
- {name: a, to: t, when: {status: Failure}}
- {to: t}
- {name: default, to: t}
- {name: b}
- {name: c, to: t, drop: true}
- {name: d, drop: true, shape: lean}
- {name: e, to: 'a b'}
- {name: f, to: t, shape: leen}
- {name: g, to: t, shape: {fields: [actor.usr, api.request.roles]}}
- {name: h, to: t, key: actor.user.id}
- {name: i, to: t, when: {api.opration: x}}
- {name: j, to: t, whn: {}}
- {name: k, to: t, continue: perhaps}
- {name: l, drop: true, continue: true}
- no
- {name: m, drop: false}
- {name: n, to: t, shape: {fields: []}}
- {name: o, to: t, when: {actor.user.uid|expand: '%admins%'}}
- {name: p, to: __consumer_offsets}
- {name: q, to: 5}
";
    let found = problems(text);
    let expected = [
        (2, "the route in line 1 is named `a`, too"),
        (3, "a route without a name"),
        (4, "`default` begins like the name of a built-in route"),
        (5, "a route without `to` and without `drop`"),
        (6, "a route writes to a topic or drops, not both"),
        (7, "a route that drops has no `shape`"),
        (8, "this is no name of a topic"),
        (9, "`leen` is no shape"),
        (10, "unknown field `actor.usr`"),
        (10, "unknown field `api.request.roles`"),
        (11, "unknown field `actor.user.id`"),
        (12, "unknown field `api.opration`"),
        (13, "unknown key `whn`"),
        (14, "true or false is expected"),
        (15, "a route that drops cannot continue"),
        (16, "a route is a map, not a string"),
        (17, "a route that does nothing"),
        (18, "a list of fields is expected"),
        (19, "a route has no placeholders"),
        (20, "__consumer_offsets is a topic of Kafka's own"),
        (21, "a topic's name is a string, not a number"),
    ];
    let errors: Vec<(u32, &str)> = found
        .iter()
        .filter(|(_, _, message)| !message.starts_with("no event reaches"))
        .map(|(line, _, message)| (*line, message.as_str()))
        .collect();
    assert_eq!(errors, expected);
    assert_eq!(
        problems("a: b")[0].2,
        "a list of routes is expected, not a map"
    );
    let many: String = (0..101)
        .map(|n| format!("- {{name: r{n}, when: {{api.operation: x{n}}}, to: t}}\n"))
        .collect();
    assert_eq!(
        problems(&many),
        [(101, 3, "there are more than 100 routes".to_owned())]
    );
}

#[test]
fn a_route_that_no_event_reaches_is_a_warning() {
    let reached = "\
- {name: a, when: {status: Failure}, to: t}
- {name: b, when: {status: Failure}, to: u, continue: true}
- {name: c, to: u, continue: true}
- {name: d, to: v}
- {name: e, when: {status: Success}, drop: true}
";
    let told = problems(reached);
    let message = |name: &str, by: &str| {
        format!("no event reaches the route `{name}`: `{by}` decides all of its events")
    };
    let expected = [(2, 3, message("b", "a")), (5, 3, message("e", "d"))];
    assert_eq!(told, expected);
    let all = "the route `f` drops every event that reaches it".to_owned();
    assert_eq!(problems("- {name: f, drop: true}"), [(1, 3, all)]);
}
