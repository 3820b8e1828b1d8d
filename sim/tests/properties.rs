//! Hundreds of random clusters, or as many as the environment says; `lilac_sim properties` plays any number.

use lilac_sim::properties::explore;

#[test]
fn promises_hold_over_random_clusters() {
    let seeds = std::env::var("LILAC_PROPERTY_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    let report = explore(0..seeds.unwrap_or(900));
    assert!(report.broken.is_none(), "{report}");
    // What never comes about proves nothing.
    let seen = report.seen;
    let least = seen.gangs.min(seen.alternatives).min(seen.promised).min(seen.filled_in);
    assert!(least > 20, "{report}");
}
