//! `openapi`: the description of the server's API, as it serves it.

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::session::{read, server_and_profile};
use lilac_api::client::Client;

pub async fn run(global: &Global) -> Result<Exit, Failure> {
    // It is public: nobody needs a login for it.
    let (server, _) = server_and_profile(global)?;
    let client = Client::new(&server, None)?;
    let document = read(async || client.openapi().await).await?;
    global.printer().json(&document)?;
    Ok(Exit::Ok)
}
