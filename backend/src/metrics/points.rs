//! From counters to what was used between them. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use lilac_api::metric::MetricPoint;

use super::store::{Counted, Span};
use crate::error::{ApiError, ApiResult};

/// The shortest step: agents measure every five seconds.
const SHORTEST_STEP_SECS: i64 = 5;
const DEFAULT_POINTS: u32 = 300;
const MAX_POINTS: u32 = 1_000;

/// The span that a caller means, in at most so many steps.
pub fn span(since: DateTime<Utc>, until: DateTime<Utc>, points: Option<u32>) -> ApiResult<Span> {
    let points = points.unwrap_or(DEFAULT_POINTS);
    if !(1..=MAX_POINTS).contains(&points) {
        return Err(ApiError::malformed(format!("query: points must be 1 to {MAX_POINTS}, is {points}")));
    }
    if since > until {
        return Err(ApiError::malformed("query: since is later than until"));
    }
    let long = TimeDelta::days(366 * 10);
    if until - since > long {
        return Err(ApiError::malformed("query: since and until lie over ten years apart"));
    }
    let step_secs = (until - since).num_seconds() / i64::from(points) + 1;
    Ok(Span { since, until, step_secs: step_secs.max(SHORTEST_STEP_SECS) })
}

/// What was used between each two rows that follow one another. `before` is what was counted in the beginning, where
/// that is known; else the first row only serves the second.
pub fn points(before: Option<Counted>, rows: &[Counted], since: DateTime<Utc>) -> Vec<MetricPoint> {
    let earlier = before.into_iter().chain(rows.iter().copied());
    let later = rows.iter().skip(usize::from(before.is_none()));
    earlier
        .zip(later)
        .map(|(earlier, later)| point(&earlier, later))
        .filter(|point| point.at >= since)
        .collect()
}

fn point(earlier: &Counted, later: &Counted) -> MetricPoint {
    // The container starts a moment before it is first measured; a clock may have been set back.
    let millis = (later.at - earlier.at).num_milliseconds().max(1).unsigned_abs();
    let rate = |of: fn(&Counted) -> i64| {
        let (before, now) = (of(earlier), of(later));
        // A counter that fell began anew: the machine was booted.
        let grown = if now < before { now } else { now - before };
        u64::try_from(i128::from(grown) * 1_000 / i128::from(millis)).unwrap_or(0)
    };
    MetricPoint {
        at: later.at,
        // A thousand microseconds of CPU time a second are a thousandth of a CPU.
        cpu_milli: rate(|row| row.cpu_micros) / 1_000,
        memory_bytes: later.memory_bytes.unsigned_abs(),
        memory_peak_bytes: later.memory_peak_bytes.unsigned_abs(),
        disk_read_rate: rate(|row| row.disk_read_bytes),
        disk_write_rate: rate(|row| row.disk_written_bytes),
        network_receive_rate: rate(|row| row.network_received_bytes),
        network_send_rate: rate(|row| row.network_sent_bytes),
        gpu_milli: later.gpu_milli.map(i32::unsigned_abs),
        gpu_memory_bytes: later.gpu_memory_bytes.map(i64::unsigned_abs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + secs, 0).unwrap()
    }

    fn counted(secs: i64, cpu_micros: i64) -> Counted {
        Counted { at: at(secs), cpu_micros, disk_read_bytes: cpu_micros, ..Counted::default() }
    }

    #[test]
    fn what_was_used_is_the_difference_by_the_time() {
        let rows = [counted(10, 5_000_000), counted(20, 25_000_000), counted(21, 1_000_000)];
        let rates = |before| -> Vec<(u64, u64)> {
            points(before, &rows, at(0)).iter().map(|point| (point.cpu_milli, point.disk_read_rate)).collect()
        };
        // The last: booted anew, and it counts from 0.
        let later = [(2_000, 2_000_000), (1_000, 1_000_000)];
        assert_eq!(rates(None), later);
        let begun = Counted { at: at(0), ..Counted::default() };
        assert_eq!(rates(Some(begun)), [vec![(500, 500_000)], later.to_vec()].concat());
        assert_eq!(
            points(Some(begun), &rows, at(20)).len(),
            2,
            "what only served as a beginning is left out"
        );
        assert!(points(None, &rows[..1], at(0)).is_empty());
    }

    #[test]
    fn a_span_has_no_more_points_than_asked_for() {
        for (secs, asked, step) in
            [(0, None, 5), (3_600, None, 13), (3_600, Some(1_000), 5), (86_400, Some(1), 86_401)]
        {
            let span = span(at(0), at(secs), asked).unwrap();
            assert_eq!(span.step_secs, step, "{secs} {asked:?}");
        }
        for (since, until, points) in
            [(1, 0, None), (0, 1, Some(0)), (0, 1, Some(1_001)), (0, 400_000_000, None)]
        {
            assert_eq!(span(at(since), at(until), points).unwrap_err().status, 400);
        }
    }
}
