//! The audit log: read by administrators, and checked.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use crate::support::{Harness, start};
use lilac_api::audit::AuditFilter;
use lilac_api::auth::{Role, UpdateUser};
use lilac_api::team::CreateTeam;
use sqlx::PgPool;

async fn actions(harness: &Harness, filter: &AuditFilter) -> Vec<String> {
    harness.client.audit(filter).await.unwrap().items.into_iter().map(|entry| entry.action).collect()
}

/// Six entries: three teams, a user, a change of that user's role, and one of the user's own.
async fn fill(harness: &Harness) {
    for name in ["a", "b", "c"] {
        harness.client.create_team(&CreateTeam { name: name.to_owned() }).await.unwrap();
    }
    let (ada, as_ada) = harness.user("ada", Role::Member).await;
    let promote = UpdateUser { role: Some(Role::Admin), ..UpdateUser::default() };
    harness.client.update_user(ada.id, &promote).await.unwrap();
    as_ada.create_team(&CreateTeam { name: "d".to_owned() }).await.unwrap();
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn the_log_is_read_by_filter_and_page(pool: PgPool) {
    let harness = start(pool).await;
    fill(&harness).await;
    let all = harness.client.audit(&AuditFilter::default()).await.unwrap().items;
    assert!(
        all.windows(2).all(|pair| pair[0].sequence == pair[1].sequence + 1),
        "the latest first, without a gap"
    );
    let by_ada = AuditFilter { actor: Some("user:ada".into()), ..AuditFilter::default() };
    assert_eq!(actions(&harness, &by_ada).await, ["team.create"]);
    let of_ada = AuditFilter { object: Some("user:ada".into()), ..AuditFilter::default() };
    assert_eq!(actions(&harness, &of_ada).await, ["user.update", "user.create"]);
    let made = AuditFilter { action: Some("team.create".into()), ..AuditFilter::default() };
    assert_eq!(actions(&harness, &made).await.len(), 4);
    let middle = all[2].at;
    let since = AuditFilter { since: Some(middle), ..AuditFilter::default() };
    let until = AuditFilter { until: Some(middle), ..AuditFilter::default() };
    assert_eq!(actions(&harness, &since).await.len(), 3);
    assert_eq!(actions(&harness, &until).await.len(), all.len() - 3);

    let (mut filter, mut seen) = (AuditFilter { limit: Some(2), ..AuditFilter::default() }, Vec::new());
    loop {
        let page = harness.client.audit(&filter).await.unwrap();
        seen.extend(page.items.into_iter().map(|entry| entry.sequence));
        filter.cursor = page.next_cursor;
        if filter.cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, all.iter().map(|entry| entry.sequence).collect::<Vec<_>>());
    let role = &harness.client.audit(&of_ada).await.unwrap().items[0].details["role"];
    assert_eq!(role, "admin", "a change of role says which");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_changed_log_is_found_out(pool: PgPool) {
    let harness = start(pool).await;
    fill(&harness).await;
    let check = harness.client.verify_audit().await.unwrap();
    assert!(check.valid && check.complete && check.checked_to >= 6, "{check:?}");
    let last = check.checked_to;
    let copy = "CREATE TABLE audit_copy AS SELECT * FROM audit";
    sqlx::query(copy).execute(&harness.app.pool).await.unwrap();
    for (tampering, broken) in [
        ("UPDATE audit SET actor = 'user:nobody' WHERE sequence = 2", 2),
        ("UPDATE audit SET at = at + interval '1 microsecond' WHERE sequence = 3", 3),
        ("DELETE FROM audit WHERE sequence = 4", 4),
        ("DELETE FROM audit WHERE sequence = (SELECT max(sequence) FROM audit)", last),
        ("UPDATE audit_head SET hash = 'x'", last),
    ] {
        let mut tx = harness.app.pool.begin().await.unwrap();
        // The schema's own guard stands in the way of ordinary statements; who owns the database can lift it.
        assert!(
            tampering.contains("audit_head")
                || sqlx::query(tampering).execute(&harness.app.pool).await.is_err()
        );
        for statement in ["ALTER TABLE audit DISABLE TRIGGER audit_guard", tampering] {
            sqlx::query(statement).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        let check = harness.client.verify_audit().await.unwrap();
        assert_eq!((check.valid, check.first_broken), (false, Some(broken)), "{tampering}");
        restore(&harness).await;
    }
    assert!(harness.client.verify_audit().await.unwrap().valid, "what was put back is whole again");
}

/// Puts back what was tampered with, from the copy.
async fn restore(harness: &Harness) {
    let pool = &harness.app.pool;
    for statement in [
        "DELETE FROM audit",
        "INSERT INTO audit SELECT * FROM audit_copy",
        "UPDATE audit_head SET (sequence, hash) = (SELECT sequence, hash FROM audit_copy ORDER BY sequence DESC LIMIT 1)",
        "ALTER TABLE audit ENABLE TRIGGER audit_guard",
    ] {
        sqlx::query(statement).execute(pool).await.unwrap();
    }
}
