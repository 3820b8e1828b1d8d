//! The state machine as the schema holds it: every from × every to, on a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use lilac_api::job::{AttemptState, JobState};
use lilac_rules::table;
use sqlx::PgPool;
use strum::VariantArray;
use uuid::Uuid;

/// A job with one attempt, in whatever state, put there past the guards.
async fn row(pool: &PgPool, job: JobState, attempt: AttemptState) -> (Uuid, Uuid) {
    let (job_id, attempt_id) = (Uuid::now_v7(), Uuid::now_v7());
    sqlx::query(
        "WITH u AS (INSERT INTO users (id, username, password_hash, role) VALUES ($1, $1::text, '', 'member') RETURNING id),
              q AS (INSERT INTO queues (id, name, team_id) SELECT $1, $1::text, id FROM teams RETURNING id, team_id),
              j AS (INSERT INTO jobs (id, name, queue_id, team_id, owner_id, priority, state, actor, spec, epoch, finished_at)
                    SELECT $1, 'job', q.id, q.team_id, u.id, 50, $3, 'test', '{}', 1, CASE WHEN $4 THEN now() END FROM u, q RETURNING id)
         INSERT INTO attempts (id, job_id, epoch, state, lease_millis) SELECT $2, id, 1, $5, 300000 FROM j",
    )
    .bind(job_id)
    .bind(attempt_id)
    .bind(job.as_str())
    .bind(job.is_terminal())
    .bind(attempt.as_str())
    .execute(pool)
    .await
    .unwrap();
    (job_id, attempt_id)
}

fn code(result: Result<sqlx::postgres::PgQueryResult, sqlx::Error>) -> Option<String> {
    match result {
        Ok(_) => None,
        Err(sqlx::Error::Database(error)) => Some(error.code().unwrap_or_default().into_owned()),
        Err(error) => panic!("{error}"),
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn every_job_transition_is_as_the_table_says(pool: PgPool) {
    for from in JobState::VARIANTS {
        for to in JobState::VARIANTS {
            let (id, _) = row(&pool, *from, AttemptState::Lost).await;
            let epoch_step = i32::from(*from == JobState::Queued && *to == JobState::Starting);
            let update = "UPDATE jobs SET state = $2, epoch = epoch + $4, finished_at = CASE WHEN $3 THEN now() END WHERE id = $1";
            let result = sqlx::query(update)
                .bind(id)
                .bind(to.as_str())
                .bind(to.is_terminal())
                .bind(epoch_step)
                .execute(&pool)
                .await;
            assert_eq!(code(result).is_none(), table::job_may(*from, *to), "{from} → {to}");
        }
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn every_attempt_transition_is_as_the_table_says(pool: PgPool) {
    for from in AttemptState::VARIANTS {
        for to in AttemptState::VARIANTS {
            let (_, id) = row(&pool, JobState::Queued, *from).await;
            let result = sqlx::query("UPDATE attempts SET state = $2 WHERE id = $1")
                .bind(id)
                .bind(to.as_str())
                .execute(&pool)
                .await;
            assert_eq!(code(result).is_none(), table::attempt_may(*from, *to), "{from} → {to}");
        }
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_terminal_row_keeps_every_column(pool: PgPool) {
    let (id, _) = row(&pool, JobState::Succeeded, AttemptState::Succeeded).await;
    for set in [
        "UPDATE jobs SET message = 'x' WHERE id = $1",
        "UPDATE jobs SET exit_code = 1 WHERE id = $1",
        "UPDATE jobs SET cancel_requested = true WHERE id = $1",
        "UPDATE attempts SET exit_code = 1 WHERE job_id = $1",
    ] {
        assert_eq!(code(sqlx::query(set).bind(id).execute(&pool).await).as_deref(), Some("LL001"), "{set}");
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn an_epoch_opens_by_a_grant_only_and_by_one(pool: PgPool) {
    let (id, _) = row(&pool, JobState::Queued, AttemptState::Lost).await;
    for set in [
        "UPDATE jobs SET epoch = 2 WHERE id = $1",
        "UPDATE jobs SET epoch = 0 WHERE id = $1",
        "UPDATE jobs SET state = 'starting', epoch = 3 WHERE id = $1",
        "UPDATE jobs SET event_count = 0 WHERE id = $1",
    ] {
        assert_eq!(code(sqlx::query(set).bind(id).execute(&pool).await).as_deref(), Some("LL002"), "{set}");
    }
    let grant = "UPDATE jobs SET state = 'starting', epoch = 2 WHERE id = $1";
    assert_eq!(code(sqlx::query(grant).bind(id).execute(&pool).await), None);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_job_has_one_live_attempt_and_each_epoch_once(pool: PgPool) {
    let (job, _) = row(&pool, JobState::Running, AttemptState::Running).await;
    let insert =
        "INSERT INTO attempts (id, job_id, epoch, state, lease_millis) VALUES ($1, $2, $3, $4, 1000)";
    let try_insert = async |epoch: i32, state: AttemptState| {
        code(
            sqlx::query(insert)
                .bind(Uuid::now_v7())
                .bind(job)
                .bind(epoch)
                .bind(state.as_str())
                .execute(&pool)
                .await,
        )
    };
    const UNIQUE: Option<&str> = Some("23505");
    assert_eq!(try_insert(2, AttemptState::Granted).await.as_deref(), UNIQUE);
    assert_eq!(try_insert(1, AttemptState::Lost).await.as_deref(), UNIQUE);
    assert_eq!(try_insert(2, AttemptState::Lost).await, None);
}

/// The words of the schema's checks are the words of `lilac_api`.
#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn the_schema_spells_states_as_the_api_does(pool: PgPool) {
    for (constraint, words) in [
        ("jobs_state_check", JobState::VARIANTS.iter().map(|state| state.as_str()).collect::<Vec<_>>()),
        ("attempts_state_check", AttemptState::VARIANTS.iter().map(|state| state.as_str()).collect()),
    ] {
        let definition: String =
            sqlx::query_scalar("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1")
                .bind(constraint)
                .fetch_one(&pool)
                .await
                .unwrap();
        let mut spelled: Vec<&str> = definition.split('\'').skip(1).step_by(2).collect();
        let mut words = words;
        spelled.sort_unstable();
        words.sort_unstable();
        assert_eq!(spelled, words);
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn nothing_that_a_job_names_is_deleted_and_what_is_its_own_goes_with_it(pool: PgPool) {
    let (job, attempt) = row(&pool, JobState::Failed, AttemptState::Failed).await;
    let (other, _) = row(&pool, JobState::Failed, AttemptState::Failed).await;
    sqlx::raw_sql(
        "INSERT INTO job_events (job_id, sequence, state, epoch, actor) SELECT id, 1, 'failed', 1, 'test' FROM jobs;
         INSERT INTO clusters (id, name, placement_policy, max_disconnect_millis)
         VALUES ('00000000-0000-0000-0000-00000000000c', 'c', 'spread', 300000);
         INSERT INTO nodes (id, cluster_id, name, machine_id, credential_hmac)
         VALUES ('00000000-0000-0000-0000-00000000000d', '00000000-0000-0000-0000-00000000000c', 'n', 'n', '');
         INSERT INTO tasks (attempt_id, rank, node_id, cpu_milli, memory_bytes, disk_bytes, lease_until)
         SELECT id, 0, '00000000-0000-0000-0000-00000000000d', 1, 1, 1, now() FROM attempts",
    )
    .execute(&pool)
    .await
    .unwrap();
    for (table, id) in [("users", job), ("queues", job), ("nodes", Uuid::from_u128(0xd))] {
        let delete = sqlx::AssertSqlSafe(format!("DELETE FROM {table} WHERE id = $1"));
        assert_eq!(
            code(sqlx::query(delete).bind(id).execute(&pool).await).as_deref(),
            Some("23503"),
            "{table}"
        );
    }
    assert_eq!(code(sqlx::query("DELETE FROM teams").execute(&pool).await).as_deref(), Some("23503"));
    sqlx::query("DELETE FROM jobs WHERE id = $1").bind(job).execute(&pool).await.unwrap();
    let left: (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM job_events WHERE job_id = $1), (SELECT count(*) FROM attempts WHERE job_id = $1),
            (SELECT count(*) FROM tasks WHERE attempt_id = $2),
            (SELECT count(*) FROM tasks t JOIN attempts a ON a.id = t.attempt_id JOIN job_events e USING (job_id) WHERE job_id = $3)",
    )
    .bind(job)
    .bind(attempt)
    .bind(other)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(left, (0, 0, 0, 1));
    sqlx::query("DELETE FROM queues WHERE id = $1").bind(job).execute(&pool).await.unwrap();
    sqlx::query("DELETE FROM users WHERE id = $1").bind(job).execute(&pool).await.unwrap();
}
