//! Times as people say them: `3m ago`, `1h 2m`.

use chrono::{DateTime, TimeDelta, Utc};
use lilac_api::quantity::Span;

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

/// Reads the begin of a time that lasts until now: how long it is, or when it began.
pub fn since(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let span = text.parse::<Span>().ok().and_then(|span| TimeDelta::from_std(span.0).ok());
    let begin = span.and_then(|span| Utc::now().checked_sub_signed(span));
    begin.ok_or_else(|| "write 10m, 2h, or a time as 2026-01-31T12:00:00Z".to_owned())
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
    use super::*;

    #[test]
    fn a_begin_is_a_span_or_a_time() {
        let begin = since("10m").unwrap();
        let ago = Utc::now() - begin;
        assert!((600..700).contains(&ago.num_seconds()), "{ago}");
        assert_eq!(since("2026-01-31T13:00:00+01:00").unwrap().to_rfc3339(), "2026-01-31T12:00:00+00:00");
        for text in ["", "yesterday", "-1m", "12:00"] {
            assert!(since(text).is_err(), "{text}");
        }
    }

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
