//! The lease: how long a node may run an attempt, and from when on nobody may believe that it does.
//!
//! The node counts from before it asked, and less than it was given; the control plane counts from when it
//! answered, and waits for a margin on top. So the node's end comes first, whatever became of the connection.

use chrono::{DateTime, TimeDelta, Utc};

/// The least that is waited after a lease, in milliseconds: for a daemon that is slow to kill.
const MARGIN_MS: i64 = 3_000;
/// The share of the lease that is waited where that is more: for clocks that run apart. 2 %.
const MARGIN_DIVISOR: i64 = 50;
/// A lease is written anew once so much of it is used up: a tenth.
const USED_DIVISOR: i64 = 10;

/// How long after its lease an attempt is taken for dead.
#[must_use]
pub fn margin(lease_millis: i64) -> TimeDelta {
    TimeDelta::milliseconds(MARGIN_MS.max(lease_millis / MARGIN_DIVISOR))
}

/// T7: whether an attempt whose lease ends then is lost by now.
#[must_use]
pub fn is_expired(lease_until: DateTime<Utc>, lease_millis: i64, now: DateTime<Utc>) -> bool {
    lease_until + margin(lease_millis) < now
}

/// T4: until when a lease goes that is renewed now; none where it is still as good as new.
#[must_use]
pub fn renewed(lease_until: DateTime<Utc>, lease_millis: i64, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let fresh = TimeDelta::milliseconds(lease_millis - lease_millis / USED_DIVISOR);
    (lease_until < now + fresh).then(|| now + TimeDelta::milliseconds(lease_millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_is_three_seconds_or_a_fiftieth() {
        for (lease_secs, expected_ms) in
            [(1, 3_000), (150, 3_000), (151, 3_020), (300, 6_000), (86_400, 1_728_000)]
        {
            assert_eq!(margin(lease_secs * 1000), TimeDelta::milliseconds(expected_ms), "{lease_secs}");
        }
    }

    #[test]
    fn a_lease_is_renewed_when_a_tenth_is_used_up() {
        let now = DateTime::UNIX_EPOCH;
        let secs = TimeDelta::seconds;
        assert_eq!(renewed(now + secs(91), 100_000, now), None);
        assert_eq!(renewed(now + secs(89), 100_000, now), Some(now + secs(100)));
        // Over, and not yet taken for dead: the node speaks, so it goes on.
        assert_eq!(renewed(now - secs(1), 100_000, now), Some(now + secs(100)));
    }
}
