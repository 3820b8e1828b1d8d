//! Times as people say them: `3m ago`, `1h 2m`.

use chrono::{DateTime, Utc};

/// How long ago `then` was; times ahead (clocks differ) count as now.
pub fn ago(now: DateTime<Utc>, then: DateTime<Utc>) -> String {
    match (now - then).num_seconds() {
        ..1 => "now".to_owned(),
        seconds => format!("{} ago", coarse(seconds)),
    }
}

/// How far ahead `then` is, rounded: what was set to 30 days is told so at once.
pub fn ahead(now: DateTime<Utc>, then: DateTime<Utc>) -> String {
    match (then - now).num_seconds() {
        ..1 => "past".to_owned(),
        seconds @ 1..60 => format!("in {seconds}s"),
        seconds @ 60..3600 => format!("in {}", coarse(seconds + 30)),
        seconds @ 3600..86_400 => format!("in {}", coarse(seconds + 1800)),
        seconds => format!("in {}", coarse(seconds + 43_200)),
    }
}

/// The time between two moments, to a tenth of a second where that says something.
pub fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    let millis = (to - from).num_milliseconds().max(0);
    if millis < 10_000 {
        return format!("{}.{}s", millis / 1000, millis % 1000 / 100);
    }
    let seconds = millis / 1000;
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// The exact time, to the millisecond.
pub fn exact(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S%.3f UTC").to_string()
}

fn coarse(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn ages_are_coarse_and_never_negative() {
        let now = Utc::now();
        for (seconds, text) in [(-5, "now"), (0, "now"), (59, "59s ago"), (61, "1m ago"), (90_000, "1d ago")]
        {
            assert_eq!(ago(now, now - TimeDelta::seconds(seconds)), text);
        }
        assert_eq!(ahead(now, now + TimeDelta::seconds(7200)), "in 2h");
        assert_eq!(ahead(now, now + TimeDelta::seconds(30 * 86_400 - 5)), "in 30d");
        assert_eq!(ahead(now, now + TimeDelta::seconds(3599)), "in 1h");
        assert_eq!(ahead(now, now), "past");
    }

    #[test]
    fn durations_are_as_fine_as_they_are_short() {
        let start = Utc::now();
        for (millis, text) in
            [(-1, "0.0s"), (1250, "1.2s"), (59_999, "59s"), (61_000, "1m 1s"), (3_660_000, "1h 1m")]
        {
            assert_eq!(between(start, start + TimeDelta::milliseconds(millis)), text);
        }
    }
}
