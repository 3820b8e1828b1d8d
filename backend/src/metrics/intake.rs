//! Taking in what agents measured.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use lilac_api::metric::{MAX_SAMPLES, MetricsReport, Usage};
use lilac_api::problem::{FieldError, Problem};
use lilac_api::validate;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store;
use crate::app::App;
use crate::auth::caller::NodeCaller;
use crate::error::{ApiResult, refuse_invalid};
use crate::extract::Json;

/// The largest report.
const MAX_REPORT_BYTES: usize = 4 << 20;
/// The most tasks in all samples of a report.
const MAX_TASKS: usize = 8_192;
/// The most GPUs in one sample.
const MAX_GPUS: usize = 1_024;

/// Routes of agents, with room for a report in the body.
pub fn agent_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(report)).layer(DefaultBodyLimit::max(MAX_REPORT_BYTES))
}

/// Hand over what the node measured
///
/// Samples that are stored already are passed over, and so are tasks that are not the node's: a report may be sent
/// again.
#[utoipa::path(post, operation_id = "report_metrics", path = "/agent/metrics", tag = "agent", request_body = MetricsReport, security(("node" = [])),
    responses(
        (status = 204, description = "Stored"),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "The node's credential is wrong, or the node was removed", body = Problem),
        (status = 403, description = "Not a node's credential", body = Problem),
        (status = 413, description = "The body is over 4 MiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "Fields are refused; `errors` names them", body = Problem),
        (status = 503, description = "The database is away: nothing was stored", body = Problem),
    ))]
async fn report(
    State(app): State<Arc<App>>,
    node: NodeCaller,
    Json(report): Json<MetricsReport>,
) -> ApiResult<StatusCode> {
    check(&report)?;
    let mut tx = app.pool.begin().await?;
    store::take(&mut tx, node.node_id, &report).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check(report: &MetricsReport) -> ApiResult<()> {
    let mut errors = Vec::new();
    validate::in_bounds("samples", report.samples.len() as u64, 1, MAX_SAMPLES as u64, &mut errors);
    let tasks: usize = report.samples.iter().map(|sample| sample.tasks.len()).sum();
    validate::in_bounds("samples.tasks", tasks as u64, 0, MAX_TASKS as u64, &mut errors);
    for (index, sample) in report.samples.iter().enumerate() {
        let path = format!("samples[{index}]");
        validate::in_bounds(
            &format!("{path}.gpus"),
            sample.gpus.len() as u64,
            0,
            MAX_GPUS as u64,
            &mut errors,
        );
        check_usage(&format!("{path}.node"), &sample.node, &mut errors);
        for (task, measured) in sample.tasks.iter().enumerate() {
            check_usage(&format!("{path}.tasks[{task}].usage"), &measured.usage, &mut errors);
        }
        if errors.len() > 16 {
            break;
        }
    }
    refuse_invalid(errors)
}

/// Far beyond what any machine counts up to, and far from where sums overflow.
fn check_usage(path: &str, usage: &Usage, errors: &mut Vec<FieldError>) {
    for (name, value) in [
        ("cpu_micros", usage.cpu_micros),
        ("memory_bytes", usage.memory_bytes),
        ("disk_read_bytes", usage.disk_read_bytes),
        ("disk_written_bytes", usage.disk_written_bytes),
        ("network_received_bytes", usage.network_received_bytes),
        ("network_sent_bytes", usage.network_sent_bytes),
        ("gpu_memory_bytes", usage.gpu_memory_bytes.unwrap_or(0)),
    ] {
        validate::in_bounds(&format!("{path}.{name}"), value, 0, 1 << 60, errors);
    }
    validate::in_bounds(
        &format!("{path}.gpu_milli"),
        usage.gpu_milli.unwrap_or(0).into(),
        0,
        2_000_000,
        errors,
    );
}
