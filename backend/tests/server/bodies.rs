//! Bodies that do not come as they should, over real connections.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use std::time::Duration;

use lilac_server::app::Settings;
use lilac_server::auth::settings::AuthSettings;
use sqlx::PgPool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::start_as;

/// Sends the head of a login and some of its body, and reads the answer until it is whole or the connection ends.
async fn answer_to(address: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{head}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = async { while !answer.ends_with(b"}") && stream.read_buf(&mut answer).await.unwrap() > 0 {} };
    tokio::time::timeout(Duration::from_secs(60), read).await.expect("no answer, and no end");
    String::from_utf8(answer).unwrap()
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_body_that_pauses_or_breaks_off_is_given_up(pool: PgPool) {
    let settings = Settings { body_pause: Duration::from_millis(300), ..Settings::default() };
    let harness = start_as(pool, AuthSettings::default(), settings).await;
    let address = harness.url.strip_prefix("http://").unwrap();
    for (head, body, status, code) in [
        ("content-length: 100", r#"{"username":"#, 408, "request-timeout"),
        ("content-length: 100", "", 408, "request-timeout"),
        ("transfer-encoding: chunked", "5\r\n{\"use\r\n", 408, "request-timeout"),
        ("transfer-encoding: chunked", "zz\r\n", 400, "malformed-request"),
    ] {
        let answer = answer_to(address, head, body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head} {body}: {answer}");
        assert!(answer.contains(&format!(r#""code":"{code}""#)), "{head} {body}: {answer}");
    }
    harness.client.me().await.unwrap();
}
