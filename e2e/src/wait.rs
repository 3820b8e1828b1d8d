//! Waiting for a condition instead of for a time.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

/// Long enough for anything that should happen at once, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);

/// Looks until there is something to see. `None` and an error both mean "not yet": a server that is
/// being restarted refuses connections, and that is no failure of the test.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    eventually_within(PATIENCE, what, look).await
}

/// As [`eventually`], with a deadline of the caller's.
pub async fn eventually_within<T>(
    within: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        let seen = look().await;
        if let Ok(Some(value)) = seen {
            return Ok(value);
        }
        if start.elapsed() > within {
            let latest = match seen {
                Err(error) => format!("; at last: {error:#}"),
                Ok(_) => String::new(),
            };
            return Err(anyhow!("{what}: not within {} s{latest}", within.as_secs_f32()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
