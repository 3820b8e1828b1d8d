//! Measures the platform against the bare Docker API.

fn main() {}
