//! Reading the audit log, and checking that nobody changed it.

use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::State;
use lilac_api::audit::{AuditCheck, AuditEntry, AuditFilter};
use lilac_api::page::Page;
use lilac_api::problem::Problem;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::auth::caller::Admin;
use crate::error::{ApiError, ApiResult};
use crate::extract::Query;
use crate::page;

/// Entries that one call checks at most: some seconds' work.
const MAX_CHECKED: i64 = 200_000;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_audit)).routes(routes!(verify_audit))
}

/// Who changed what, the latest first.
#[utoipa::path(
    get,
    path = "/audit",
    tag = "audit",
    security(("bearer" = [])),
    params(AuditFilter),
    responses(
        (status = 200, description = "A page of entries", body = Page<AuditEntry>),
        (status = 400, description = "A query parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
    )
)]
async fn list_audit(
    State(app): State<Arc<App>>,
    _: Admin,
    Query(filter): Query<AuditFilter>,
) -> ApiResult<JsonBody<Page<AuditEntry>>> {
    let limit = page::limit(filter.limit)?;
    let before = page::decode(filter.cursor.as_deref())?.map(sequence_of).transpose()?;
    let mut conn = app.pool.acquire().await?;
    let rows = store::entries_before(&mut conn, &filter, before, limit + 1).await?;
    Ok(JsonBody(page::cut(rows, limit, |entry| cursor_of(entry.sequence))))
}

/// Cursors hold an id, so a sequence is written as one.
fn cursor_of(sequence: i64) -> Uuid {
    Uuid::from_u128(u128::from(sequence.unsigned_abs()))
}

fn sequence_of(id: Uuid) -> ApiResult<i64> {
    i64::try_from(id.as_u128()).map_err(|_| ApiError::malformed("query: cursor is none that a page gave"))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct VerifyQuery {
    /// `checked_to` of the call before, to go on from there; the whole log by default.
    #[serde(default)]
    #[param(minimum = 0)]
    after: i64,
}

/// Checks that no entry was changed, taken out or put in. Looks at 200,000 entries a call at most.
#[utoipa::path(
    get,
    path = "/audit/verify",
    tag = "audit",
    security(("bearer" = [])),
    params(VerifyQuery),
    responses(
        (status = 200, description = "What was found", body = AuditCheck),
        (status = 400, description = "A query parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
    )
)]
async fn verify_audit(
    State(app): State<Arc<App>>,
    _: Admin,
    Query(query): Query<VerifyQuery>,
) -> ApiResult<JsonBody<AuditCheck>> {
    if query.after < 0 {
        return Err(ApiError::malformed("query: after must not be negative"));
    }
    let mut conn = app.pool.acquire().await?;
    Ok(JsonBody(store::verify(&mut conn, query.after, MAX_CHECKED).await?))
}
