//! The OpenAPI document, made from the handlers.

pub mod complete;

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lilac",
        description = "Runs containerised jobs on a cluster of nodes. Errors are `application/problem+json` (RFC 9457) with a stable `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "auth", description = "Logging in"),
        (name = "users", description = "Accounts"),
        (name = "teams", description = "People who see each other's jobs, queues and secrets"),
        (name = "audit", description = "Who changed what"),
        (name = "api-keys", description = "Keys of programs"),
        (name = "clusters", description = "Sets of nodes and the keys with which nodes join them"),
        (name = "nodes", description = "Machines that run jobs"),
        (name = "queues", description = "Where jobs wait"),
        (name = "secrets", description = "What jobs may know and nobody may read"),
        (name = "registries", description = "Logins with which images are pulled"),
        (name = "volumes", description = "Folders of the nodes that jobs may see"),
        (name = "hooks", description = "Addresses that are told what becomes of jobs"),
        (name = "jobs", description = "Containerised jobs"),
        (name = "logs", description = "What jobs print"),
        (name = "outputs", description = "What jobs leave when they have ended"),
        (name = "events", description = "What changes, live"),
        (name = "agent", description = "For lilac_agent only"),
        (name = "operation", description = "What whoever runs the server asks it"),
    ),
    modifiers(&Schemes)
)]
pub struct Base;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        for (name, description) in [
            ("bearer", "An access token from `/auth/login`, or an API key `lilac_pat_…`"),
            ("node", "A node's credential `lilac_node_…`"),
            ("join key", "A cluster's join key `lilac_join_…`"),
        ] {
            let scheme =
                HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
            components.add_security_scheme(name, SecurityScheme::Http(scheme));
        }
    }
}

/// The document as it is served and checked in: JSON, indented.
pub fn document() -> String {
    let (_, openapi) = crate::router::api().split_for_parts();
    let mut document = serde_json::to_value(openapi).unwrap_or_default();
    complete::complete(&mut document);
    serde_json::to_string_pretty(&document).unwrap_or_default()
}
