//! What was sent to a hook and what is to be, and sending it by hand.

use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use lilac_api::hook::{Delivery, Hook};
use lilac_api::page::Page;
use lilac_api::problem::Problem;
use lilac_api::{DeliveryId, HookId};
use serde_json::json;
use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::routes::object;
use super::{outbox, store};
use crate::app::App;
use crate::audit;
use crate::auth::caller::{Caller, Member};
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult};
use crate::extract::{Id, Query};
use crate::page::{self, PageQuery};

/// Tests of one hook that may wait at a time.
const MAX_WAITING_TESTS: i64 = 10;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_deliveries))
        .routes(routes!(get_delivery))
        .routes(routes!(redeliver))
        .routes(routes!(test_hook))
}

type HookAndDelivery = Result<Path<(HookId, DeliveryId)>, PathRejection>;

fn missing() -> ApiError {
    ApiError::not_found("delivery")
}

/// What a hook was sent and will be, the newest first. Kept for 30 days after its end.
#[utoipa::path(
    get,
    path = "/hooks/{id}/deliveries",
    tag = "hooks",
    security(("bearer" = [])),
    params(("id" = HookId, Path, description = "Id of the hook."), PageQuery),
    responses(
        (status = 200, description = "A page of deliveries", body = Page<Delivery>),
        (status = 400, description = "A query parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such hook", body = Problem),
    )
)]
async fn list_deliveries(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<HookId>,
    Query(query): Query<PageQuery>,
) -> ApiResult<JsonBody<Page<Delivery>>> {
    let (limit, before) = (page::limit(query.limit)?, page::decode(query.cursor.as_deref())?);
    let mut conn = app.pool.acquire().await?;
    store::hook(&mut conn, caller.sees(), id).await?;
    let rows = outbox::deliveries(&mut conn, id, None, before, limit + 1).await?;
    let Page { items, next_cursor } = page::cut(rows, limit, |row| row.id);
    let items = items.into_iter().map(outbox::DeliveryRow::delivery).collect::<ApiResult<_>>()?;
    Ok(JsonBody(Page { items, next_cursor }))
}

/// How far one delivery is.
#[utoipa::path(
    get,
    path = "/hooks/{id}/deliveries/{delivery_id}",
    tag = "hooks",
    security(("bearer" = [])),
    params(
        ("id" = HookId, Path, description = "Id of the hook."),
        ("delivery_id" = DeliveryId, Path, description = "Id of the delivery."),
    ),
    responses(
        (status = 200, description = "The delivery", body = Delivery),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such hook, or it has no such delivery", body = Problem),
    )
)]
async fn get_delivery(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: HookAndDelivery,
) -> ApiResult<JsonBody<Delivery>> {
    let Path((hook, id)) = path.map_err(|_| missing())?;
    let mut conn = app.pool.acquire().await?;
    store::hook(&mut conn, caller.sees(), hook).await?;
    Ok(JsonBody(one(&mut conn, hook, id).await?))
}

/// Sends a delivery once more, with the same id: at once, and with all its tries before it.
#[utoipa::path(
    post,
    path = "/hooks/{id}/deliveries/{delivery_id}/redeliver",
    tag = "hooks",
    security(("bearer" = [])),
    params(
        ("id" = HookId, Path, description = "Id of the hook."),
        ("delivery_id" = DeliveryId, Path, description = "Id of the delivery."),
    ),
    responses(
        (status = 202, description = "It is about to be sent", body = Delivery),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A viewer, or a credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such hook, or it has no such delivery", body = Problem),
        (status = 409, description = "The hook is switched off", body = Problem),
    )
)]
async fn redeliver(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    path: HookAndDelivery,
) -> ApiResult<(StatusCode, JsonBody<Delivery>)> {
    let Path((hook_id, id)) = path.map_err(|_| missing())?;
    let mut tx = app.pool.begin().await?;
    let hook: Hook = store::lock(&mut tx, caller.sees(), hook_id).await?.into();
    refuse_disabled(&hook)?;
    if !outbox::again(&mut tx, hook_id, id).await? {
        return Err(missing());
    }
    let delivery = one(&mut tx, hook_id, id).await?;
    let details = json!({ "delivery_id": id });
    audit::record(&mut tx, &caller.actor(), "hook.redeliver", &object(&hook), details).await?;
    tx.commit().await?;
    app.bell.ring(Topic::Hook);
    Ok((StatusCode::ACCEPTED, JsonBody(delivery)))
}

/// Sends a hook a message that tells of no job, signed and tried like any other.
#[utoipa::path(
    post,
    path = "/hooks/{id}/test",
    tag = "hooks",
    security(("bearer" = [])),
    params(("id" = HookId, Path, description = "Id of the hook.")),
    responses(
        (status = 202, description = "It is about to be sent; the delivery tells what becomes of it", body = Delivery),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A viewer, or a credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such hook", body = Problem),
        (status = 409, description = "The hook is switched off, or 10 tests of it wait already", body = Problem),
    )
)]
async fn test_hook(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(hook_id): Id<HookId>,
) -> ApiResult<(StatusCode, JsonBody<Delivery>)> {
    let mut tx = app.pool.begin().await?;
    let hook: Hook = store::lock(&mut tx, caller.sees(), hook_id).await?.into();
    refuse_disabled(&hook)?;
    if outbox::waiting_tests(&mut tx, hook_id).await? >= MAX_WAITING_TESTS {
        let detail = format!("{MAX_WAITING_TESTS} tests of the hook wait already: see what became of them");
        return Err(ApiError::conflict(detail));
    }
    let id = outbox::insert_test(&mut tx, hook_id).await?;
    let delivery = one(&mut tx, hook_id, id).await?;
    let details = json!({ "delivery_id": id });
    audit::record(&mut tx, &caller.actor(), "hook.test", &object(&hook), details).await?;
    tx.commit().await?;
    app.bell.ring(Topic::Hook);
    Ok((StatusCode::ACCEPTED, JsonBody(delivery)))
}

fn refuse_disabled(hook: &Hook) -> ApiResult<()> {
    if hook.enabled { Ok(()) } else { Err(ApiError::conflict("the hook is switched off")) }
}

async fn one(conn: &mut PgConnection, hook: HookId, id: DeliveryId) -> ApiResult<Delivery> {
    let row = outbox::deliveries(conn, hook, Some(id), None, 1).await?.pop();
    row.ok_or_else(missing)?.delivery()
}
