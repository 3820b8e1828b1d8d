//! Fetching what a container needs and no disk of this node may hold: secrets, the registry login, volumes.
//!
//! It is asked for when the container is made, is handed to Docker and dropped. After a restart of the agent it
//! is asked for again. The journal knows only that it is needed.

use std::time::Duration;

use lilac_api::agent::Supplies;
use lilac_api::client::{Client, ClientError};
use lilac_api::ids::AttemptId;

use crate::core::Failure;
use crate::sync::Backoff;

/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What the control plane has for the attempt. Waits for one that is away, until the caller gives up.
pub async fn fetch(client: Client, attempt: AttemptId) -> Result<Supplies, Failure> {
    let mut backoff = Backoff::default();
    loop {
        let error = match tokio::time::timeout(TIMEOUT, client.supplies(attempt)).await {
            Ok(Ok(supplies)) => return Ok(supplies),
            Ok(Err(error)) if error.is_transient() => error.to_string(),
            Ok(Err(error)) => return Err(refusal(&error)),
            Err(_) => "no answer in time".to_owned(),
        };
        let pause = backoff.pause();
        tracing::debug!(%attempt, error, retry_in_ms = pause.as_millis(), "cannot get the attempt's supplies yet");
        tokio::time::sleep(pause).await;
    }
}

/// The control plane names what is missing, never a value.
fn refusal(error: &ClientError) -> Failure {
    match error {
        ClientError::Refused(problem) if problem.status == 422 => {
            Failure::Refused(format!("What the job names is not there any more: {error}"))
        }
        error => Failure::Refused(format!("The control plane does not give out what the job needs: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use lilac_api::problem::{ErrorCode, FieldError, Problem};

    use super::*;

    #[test]
    fn a_refusal_names_what_is_missing() {
        let problem = Problem {
            kind: "about:blank".into(),
            title: "Unprocessable Entity".into(),
            status: 422,
            code: ErrorCode::InvalidField,
            detail: "1 field".into(),
            errors: vec![FieldError::new(
                "secrets.TOKEN",
                "not-found",
                "the job's team has no secret `token`",
            )],
        };
        let Failure::Refused(words) = refusal(&ClientError::Refused(Box::new(problem))) else {
            panic!("refused")
        };
        assert_eq!(
            words,
            "What the job names is not there any more: secrets.TOKEN: the job's team has no secret `token`"
        );
    }
}
