//! Both forms of a names file, and everything that is refused in one.

use super::*;

fn lines(result: Result<Names, Vec<Diagnostic>>) -> String {
    let diagnostics = result.unwrap_err();
    let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

const YAML: &str = "\
u-1: {name: Ada, owner: Grace, team: data, kind: human, environment: production}
3958188: {name: billing job, kind: service}
";

const CSV: &str = "\
name,id,owner,team,kind,environment
Ada,u-1,Grace,data,human,production
billing job, 3958188 ,,,service,
";

#[test]
fn both_forms_give_the_same_names() {
    let names = Names::parse_yaml(YAML, "n.yaml").unwrap();
    assert_eq!(names, Names::parse_csv(CSV, "n.csv").unwrap());
    assert_eq!(names.len(), 2);
    let Name { facts: ada, json } = names.lookup("u-1").unwrap();
    assert_eq!(&*ada.name, "Ada");
    assert_eq!(ada.owner.as_deref(), Some("Grace"));
    assert_eq!(ada.team.as_deref(), Some("data"));
    assert_eq!(ada.environment.as_deref(), Some("production"));
    assert_eq!(ada.kind, Some(PrincipalKind::Human));
    let said =
        r#"{"name":"Ada","owner":"Grace","team":"data","environment":"production","kind":"human"}"#;
    assert_eq!(json.as_str(), said);
    let job = &names.lookup("3958188").unwrap().facts;
    assert_eq!(
        (job.kind, &job.owner),
        (Some(PrincipalKind::Service), &None)
    );
    assert_eq!(names.lookup("U-1"), None);
}

#[test]
fn the_example_is_valid() {
    let text = include_str!("../../../config/names.example.yaml");
    let names = Names::parse_yaml(text, "config/names.example.yaml").unwrap();
    assert!(!names.is_empty());
}

#[test]
fn everything_wrong_in_yaml_is_reported_with_its_place() {
    let text = "\
u-1: {name: Ada, tem: data}
u-2: {owner: Grace}
u-3: {name: 5, kind: robot}
u-4: Alan
";
    let expected = "\
n.yaml:1:18: error: unknown key `tem`
  help: did you mean `team`?
n.yaml:2:1: error: `u-2` has no `name`
  help: write `name:` and what people call it
n.yaml:3:13: error: a string is expected, not a number
  help: quote it: '5'
n.yaml:3:22: error: unknown kind `robot`
  help: write one of: human, service
n.yaml:4:6: error: a map is expected, not a string
  help: write `key: value` lines";
    assert_eq!(lines(Names::parse_yaml(text, "n.yaml")), expected);
}

#[test]
fn an_id_has_one_name() {
    let twice = "u-1: {name: Ada}\nu-2: {name: Alan}\nu-1: {name: Grace}\n";
    let problem = lines(Names::parse_yaml(twice, "n.yaml"));
    assert!(problem.starts_with("n.yaml:3:1: error:"), "{problem}");
    let twice = "id,name\nu-1,Ada\n\n\nu-2,Alan\nu-1,Grace\n";
    let expected =
        "n.csv:6:1: error: `u-1` is already on line 2\n  help: keep one of the two lines";
    assert_eq!(lines(Names::parse_csv(twice, "n.csv")), expected);
}

#[test]
fn everything_wrong_in_the_rows_of_csv_is_reported_with_its_line() {
    let text = "\
id,name,kind
u-1,\"Ada
Lovelace\",human

,Alan,human
u-2,,human
u-3,Grace
u-4,Edsger,servise
";
    let expected = "\
n.csv:5:1: error: the `id` is empty
  help: write it, or remove the line
n.csv:6:1: error: the `name` is empty
  help: write it, or remove the line
n.csv:7:1: error: 2 cells where the header has 3
  help: write as many cells as the header has; quote a cell that contains a comma or a quote
n.csv:8:1: error: unknown kind `servise`
  help: did you mean `service`?";
    assert_eq!(lines(Names::parse_csv(text, "n.csv")), expected);
}

#[test]
fn a_header_that_is_wrong_is_all_that_is_reported() {
    let expected = "\
n.csv:1:1: error: unknown column `nme`
  help: did you mean `name`?
n.csv:1:1: error: a second column `id`
  help: remove one of the two
n.csv:1:1: error: the header has no column `name`
  help: begin the file with a line such as `id,name,owner,team,kind,environment`";
    let text = "id,nme,id\n,,\n";
    assert_eq!(lines(Names::parse_csv(text, "n.csv")), expected);
    let expected = "\
n.csv:1:1: error: the header has no column `id`
  help: begin the file with a line such as `id,name,owner,team,kind,environment`
n.csv:1:1: error: the header has no column `name`
  help: begin the file with a line such as `id,name,owner,team,kind,environment`";
    assert_eq!(lines(Names::parse_csv("", "n.csv")), expected);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_column() {
    let names = Names::parse_csv("\u{feff}id,name\r\nu-1,Ada\r\n", "n.csv").unwrap();
    assert_eq!(&*names.lookup("u-1").unwrap().facts.name, "Ada");
}

#[test]
fn a_quote_that_is_not_closed_does_not_swallow_the_lines_after_it() {
    let text = "id,name\nu-0,\"x\nu-1,Y\nu-2,Z\n";
    let told = Names::parse_csv(text, "n.csv").unwrap_err();
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "n.csv:2:1: error: the quote of the `name` is not closed in its line\n  \
          help: close it, so that the lines after it are read"
        ]
    );
    assert!(Names::parse_csv("id,name\nu-0,\"x\ny\"\n", "n.csv").is_ok());
}
