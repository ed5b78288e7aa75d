use serde_json::Value;
use watchbell::archive::{Storage, Table, TableKind};

use super::duckdb::query;
use super::{append, events};

/// DuckDB's name for the files of a snapshot.
fn files(folder: &std::path::Path, table: &Table) -> String {
    let files = table.entries().into_iter();
    let paths = files.map(|file| format!("'{}/events/{}'", folder.display(), file.path));
    let paths: Vec<String> = paths.collect();
    format!(
        "read_parquet([{}], hive_partitioning = true)",
        paths.join(", ")
    )
}

#[tokio::test]
async fn duckdb_finds_every_event_unchanged_and_the_columns_say_what_it_says() {
    let events = events();
    assert!(events.len() > 40, "{}", events.len());
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::open(&format!("file://{}", folder.path().display()), &[]).unwrap();
    let mut table = Table::open(&storage, TableKind::Events).await.unwrap();
    let total = events.len() as i64;
    append(&mut table, &events, total / 2).await.unwrap();
    append(&mut table, &events, total - total / 2)
        .await
        .unwrap();
    let table = files(folder.path(), &table);

    let found = query(&format!(
        "SELECT \"offset\", event, CAST(day AS VARCHAR) AS day, CAST(epoch_ms(time) AS BIGINT) AS time, \
         event_id, operation, actor_uid, status, resource_uid, \
         json_extract_string(event, '$.metadata.uid') AS uid, \
         CAST(json_extract(event, '$.time') AS BIGINT) AS own_time, \
         json_extract_string(event, '$.status') AS own_status, \
         json_extract_string(event, '$.resources[*].uid') AS own_resources \
         FROM {table} ORDER BY \"offset\""
    ));
    assert_eq!(found.len(), events.len());
    for (offset, (row, event)) in found.iter().zip(&events).enumerate() {
        assert_eq!(row["offset"], offset);
        assert_eq!(row["event"].as_str().unwrap().as_bytes(), event.as_slice());
        assert_eq!(row["event_id"], row["uid"]);
        assert_eq!(row["time"], row["own_time"]);
        assert_eq!(row["status"], row["own_status"]);
        let day = jiff::Timestamp::from_millisecond(row["time"].as_i64().unwrap()).unwrap();
        assert_eq!(row["day"], day.strftime("%Y-%m-%d").to_string());
        let is_resource = |uid: &&Value| !uid.is_null();
        let uids: Vec<&Value> = row["resource_uid"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(is_resource)
            .collect();
        let own: Vec<&Value> = row["own_resources"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        if !own.is_empty() {
            assert_eq!(uids, own);
        }
    }
    // What people ask for.
    let deletions = query(&format!(
        "SELECT product, count(*) AS n FROM {table} WHERE operation LIKE 'Delete%' AND access = 'write' \
         GROUP BY product ORDER BY product"
    ));
    let products: Vec<&str> = deletions
        .iter()
        .filter_map(|row| row["product"].as_str())
        .collect();
    assert_eq!(products, ["actiontrail", "confluent"]);
    assert!(
        deletions.iter().all(|row| row["n"].as_i64() > Some(0)),
        "{deletions:?}"
    );
    let unknown = query(&format!(
        "SELECT count(*) AS n FROM {table} WHERE product IS NULL OR service IS NULL AND operation IS NOT NULL"
    ));
    assert_eq!(unknown[0]["n"], 0);
}
