//! How long a telephone rings, in rings.

/// Seconds from the start of one ring to that of the next, by the country of the site (ITU-T E.180 supplement 2).
const fn period_s(country: &str) -> u64 {
    match country.as_bytes() {
        b"GB" | b"IE" => 3,
        b"US" | b"CA" => 6,
        _ => 5,
    }
}

/// About how often a telephone rings in this time; at least once.
pub const fn rings(country: &str, millis: u64) -> u64 {
    let period = period_s(country) * 1_000;
    let rings = (millis + period / 2) / period;
    if rings == 0 { 1 } else { rings }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t09_the_time_is_told_in_rings_of_the_country() {
        assert_eq!(rings("IT", 18_000), 4);
        assert_eq!(rings("GB", 18_000), 6);
        assert_eq!(rings("US", 18_000), 3);
        assert_eq!(rings("US", 5_000), 1);
        assert_eq!(rings("", 1), 1);
        assert_eq!(rings("DE", 120_000), 24);
    }
}
