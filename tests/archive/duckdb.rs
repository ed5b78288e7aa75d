//! DuckDB, which reads Parquet with code of its own.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::python::programs;

/// Reads one query from stdin, and prints its rows as a JSON array.
const PROGRAM: &str = r"
import duckdb, json, sys
connection = duckdb.connect()
connection.execute('SET threads = 2')
cursor = connection.execute(sys.stdin.read())
names = [column[0] for column in cursor.description]
print(json.dumps([dict(zip(names, row)) for row in cursor.fetchall()], default=str))
";

/// The rows of a query.
pub fn query(sql: &str) -> Vec<Value> {
    let mut python = Command::new(programs().join("python"))
        .args(["-c", PROGRAM])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("run DuckDB");
    let mut stdin = python.stdin.take().expect("its input");
    stdin.write_all(sql.as_bytes()).expect("write the query");
    drop(stdin);
    let output = python.wait_with_output().expect("wait for DuckDB");
    assert!(output.status.success(), "DuckDB refused {sql}");
    serde_json::from_slice(&output.stdout).expect("JSON of DuckDB")
}
