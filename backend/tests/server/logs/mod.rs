//! Logs that lie in two stores and read as one.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

mod bed;
mod crash;
mod s3;

use std::time::Duration;

use bed::{Bed, settings, text};
use futures::StreamExt;
use lilac_api::client::{Client, LogEvent};
use lilac_api::job::{JobState, LogDownload, LogQuery};
use lilac_api::log::LogSearch;
use lilac_server::blob;
use sqlx::PgPool;

use crate::support::refused;

/// More than a segment takes, so that a part stays in the database.
const LINES: u64 = 100_000;

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_log_reads_the_same_wherever_it_lies(pool: PgPool) {
    let mut bed = Bed::start(pool, settings(blob::in_memory())).await;
    let log = text(LINES);
    bed.upload(&log).await;
    let seam = bed.moved(1).await;
    assert!(0 < seam && seam < log.len(), "the log is in both stores: {seam}");
    // Every offset round the seam and round the frames of the segment, in parts of all sizes.
    let mut ranges: Vec<(usize, usize)> = (0..80).map(|i| (seam - 40 + i, 1 + i * 7)).collect();
    ranges.extend((0..40).map(|i| ((256 << 10) - 20 + i, 1 + i)));
    ranges.extend((0..12).map(|i| (i * log.len() / 12, 1 << 20)));
    ranges.extend([(seam - (1 << 20), 1 << 20), (seam, 1 << 20), (log.len() - 1, 9), (log.len(), 9)]);
    for (offset, limit) in ranges {
        let part = bed.read(LogQuery {
            offset: Some(offset as u64),
            limit: Some(u32::try_from(limit).unwrap()),
            ..LogQuery::default()
        });
        let expected = &log[offset..log.len().min(offset + limit)];
        assert!(part.await.bytes == expected, "{limit} bytes at {offset}, the seam is at {seam}");
    }
    assert!(bed.download().await == log);
    // The whole of it moves once the attempt ended, and reads the same still.
    bed.end(log.len()).await;
    bed.moved(2).await;
    assert_eq!(bed.chunks().await, 0);
    assert!(bed.download().await == log);
    let last = bed.read(LogQuery { tail: Some(1), ..LogQuery::default() }).await;
    assert_eq!((last.bytes, last.complete), (format!("line {LINES}\n").into(), true));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn lines_are_found_across_the_seam(pool: PgPool) {
    let mut bed = Bed::start(pool, settings(blob::in_memory())).await;
    let log = text(LINES);
    bed.upload(&log).await;
    let seam = bed.moved(1).await;
    // What lies right before and right behind the seam.
    let before = log[..seam].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    let line = String::from_utf8_lossy(&log[before..]).lines().next().unwrap().to_owned();
    let across = LogSearch {
        search: line.clone(),
        offset: Some(before as u64),
        limit: Some(1),
        ..LogSearch::default()
    };
    let found = bed.harness.client.search_log(bed.job, &across).await.unwrap();
    assert_eq!((found.items[0].offset, &found.items[0].text), (before as u64, &line));
    assert_eq!(found.next_offset, (before + line.len() + 1) as u64);
    let expression =
        LogSearch { search: "^line (7|99)9{3}$".into(), regex: Some(true), ..LogSearch::default() };
    let found: Vec<String> = bed.search(expression).await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(found, ["line 7999", "line 99999"]);
    let none = bed.search(LogSearch { search: "line 7.9".into(), ..LogSearch::default() }).await;
    assert_eq!(none, [], "a text is no expression");
    // A page at a time.
    let page = LogSearch { search: "00".into(), limit: Some(7), ..LogSearch::default() };
    let paged = bed.search(page).await;
    assert_eq!(paged.len(), (1..=LINES).filter(|i| i.to_string().contains("00")).count());
    // As many lines as there are from the end, from both sides of the seam.
    let behind = log[seam..].iter().filter(|byte| **byte == b'\n').count();
    for lines in [behind - 1, behind, behind + 1, behind + 500] {
        let tail = bed.read(LogQuery {
            tail: Some(u32::try_from(lines).unwrap()),
            limit: Some(64),
            ..LogQuery::default()
        });
        let ends = log.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(index, _)| index + 1);
        let start = ends.rev().nth(lines).unwrap();
        let tail = tail.await;
        assert_eq!((tail.offset, &tail.bytes[..]), (start as u64, &log[start..start + 64]), "{lines} lines");
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_time_leads_to_what_arrived_then(pool: PgPool) {
    let mut bed = Bed::start(pool, settings(blob::in_memory())).await;
    let early = text(15_000);
    bed.upload(&early).await;
    // As if that had been an hour ago.
    let aged = "UPDATE log_chunks SET stored_at = stored_at - interval '50 minutes'";
    sqlx::query(aged).execute(&bed.harness.app.pool).await.unwrap();
    let between = chrono::Utc::now() - chrono::TimeDelta::minutes(10);
    let late = text(15_000);
    bed.upload(&late).await;
    let since = |at| LogQuery { since: Some(at), limit: Some(64), ..LogQuery::default() };
    for _ in 0..2 {
        let part = bed.read(since(between)).await;
        assert_eq!(part.offset, early.len() as u64);
        assert_eq!(bed.read(since(between - chrono::TimeDelta::hours(3))).await.offset, 0);
        let soon = chrono::Utc::now() + chrono::TimeDelta::hours(1);
        let end = bed.read(since(soon)).await;
        assert_eq!((end.bytes.len(), end.offset), (0, (early.len() + late.len()) as u64));
        let found =
            bed.search(LogSearch { search: "line 17".into(), since: Some(between), ..LogSearch::default() });
        assert!(found.await.iter().all(|(offset, _)| *offset >= early.len() as u64));
        // And again with the seam somewhere else.
        bed.end(early.len() + late.len()).await;
        bed.all_moved().await;
    }
    let both = LogQuery { since: Some(between), tail: Some(1), ..LogQuery::default() };
    assert_eq!(refused(bed.harness.client.log(bed.job, &both).await).status, 400);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_stream_goes_on_at_another_server(pool: PgPool) {
    let store = blob::in_memory();
    let mut bed = Bed::start(pool.clone(), settings(store.clone())).await;
    let other = bed::server(pool, settings(store)).await;
    let log = text(LINES);
    bed.upload(&log[..3 << 20]).await;
    let mut events = Box::pin(bed.harness.client.follow_log(bed.job, &LogQuery::default()).await.unwrap());
    let mut seen = Vec::new();
    while seen.len() < 1 << 20 {
        let Some(Ok(LogEvent::Chunk(chunk))) = events.next().await else { panic!("the stream broke") };
        seen.extend(bed::decode(&chunk.data));
    }
    // Its server is gone, as far as the reader can tell. Meanwhile the log moves under it, and grows.
    drop(events);
    bed.upload_at(3 << 20, &log[3 << 20..]).await;
    bed.moved(1).await;
    let place = format!("1-{}", seen.len());
    let router = other.router.clone();
    let token = bed.token().await;
    let path = format!("/api/v1/jobs/{}/logs/stream", bed.job);
    let reader = tokio::spawn(bed::follow(router, path, token, place));
    bed.end(log.len()).await;
    let (rest, ids) = tokio::time::timeout(Duration::from_secs(60), reader).await.unwrap().unwrap();
    seen.extend(rest);
    assert!(seen == log, "{} bytes instead of {}", seen.len(), log.len());
    assert_eq!(ids.last(), Some(&format!("1-{}", log.len())), "the end has a place as well");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn live_streams_are_counted(pool: PgPool) {
    let bed = Bed::start(pool, settings(blob::in_memory())).await;
    let mut streams = Vec::new();
    for _ in 0..lilac_server::streams::MAX_PER_USER {
        streams.push(bed.harness.client.follow_log(bed.job, &LogQuery::default()).await.unwrap());
    }
    let one_more = bed.harness.client.follow_log(bed.job, &LogQuery::default()).await;
    assert_eq!(refused(one_more.map(|_| ())).status, 429);
    // Another user's are counted apart.
    let (_, somebody): (_, Client) = bed.harness.user("somebody", lilac_api::auth::Role::Member).await;
    assert!(somebody.follow_log(bed.job, &LogQuery::default()).await.is_ok());
    drop(streams);
    bed::until("a free place", || async {
        bed.harness.client.follow_log(bed.job, &LogQuery::default()).await.ok().map(|_| ())
    })
    .await;
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_log_goes_when_its_time_is_over(pool: PgPool) {
    let store = blob::in_memory();
    let mut bed = Bed::start(pool.clone(), settings(store.clone())).await;
    let log = text(1000);
    bed.upload(&log).await;
    bed.end(log.len()).await;
    bed.all_moved().await;
    assert_eq!(bed::objects(&store).await.len(), 1);
    // A server that keeps logs for no time at all leads next.
    bed.harness.app.stopping.cancel();
    let mut brief = settings(store.clone());
    brief.log_keep = Duration::ZERO;
    let next = bed::server(pool, brief).await;
    lilac_server::scheduler::start(next.app.clone());
    bed::until("an empty store", || async { bed::objects(&store).await.is_empty().then_some(()) }).await;
    let refused = refused(next.client.log(bed.job, &LogQuery::default()).await);
    assert_eq!(refused.status, 404);
    assert!(refused.detail.contains("time was over"), "{}", refused.detail);
    let gone = next.client.download_log(bed.job, &LogDownload::default()).await.map(|_| ());
    assert_eq!(crate::support::refused(gone).status, 404);
    // The job itself stays.
    assert_eq!(next.client.job(bed.job).await.unwrap().state, JobState::Succeeded);
}
