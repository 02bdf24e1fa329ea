//! ARNs of what the local X-Ray has.
//!
//! In: names. Out: ARNs in the service's form, in a region and an account that cannot be real.

use sha2::{Digest, Sha256};

/// Region in our ARNs: the one that stand-ins of AWS use.
const REGION: &str = "us-east-1";
/// Account in our ARNs.
const ACCOUNT: &str = "000000000000";
/// Digits of the suffix of a group's ARN.
const SUFFIX_DIGITS: usize = 52;

/// `arn:aws:xray:us-east-1:000000000000:sampling-rule/NAME`
pub(super) fn sampling_rule(name: &str) -> String {
    format!("arn:aws:xray:{REGION}:{ACCOUNT}:sampling-rule/{name}")
}

/// The name in the ARN of a sampling rule, of any region and account.
pub(super) fn name_of_sampling_rule(arn: &str) -> Option<&str> {
    let (place, name) = arn.split_once(":sampling-rule/")?;
    (place.starts_with("arn:") && !name.is_empty()).then_some(name)
}

/// `arn:aws:xray:us-east-1:000000000000:group/NAME/SUFFIX`; `Default` has no suffix.
pub(super) fn group(name: &str) -> String {
    if name == super::sampling::DEFAULT_NAME {
        return format!("arn:aws:xray:{REGION}:{ACCOUNT}:group/{name}");
    }
    format!("arn:aws:xray:{REGION}:{ACCOUNT}:group/{name}/{}", suffix(name))
}

/// 52 base-32 digits of the name's hash, so that a group that is made again has its ARN again.
fn suffix(name: &str) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let hash = Sha256::digest(name.as_bytes());
    let bit = |place: usize| hash.get(place / 8).map_or(0, |byte| byte >> (7 - place % 8) & 1);
    (0..SUFFIX_DIGITS)
        .map(|digit| {
            let value = (0..5).fold(0, |value, place| value << 1 | bit(digit * 5 + place));
            char::from(DIGITS[usize::from(value)])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_rules_have_the_arns_of_the_service() {
        assert_eq!(group("Default"), "arn:aws:xray:us-east-1:000000000000:group/Default");
        let slow = group("slow");
        let (name, digits) = slow.rsplit_once('/').unwrap();
        assert_eq!(name, "arn:aws:xray:us-east-1:000000000000:group/slow");
        assert_eq!(digits.len(), 52);
        assert!(digits.bytes().all(|digit| digit.is_ascii_uppercase() || digit.is_ascii_digit()));
        assert_ne!(group("fast"), slow);
        assert_eq!(name_of_sampling_rule(&sampling_rule("cart")), Some("cart"));
        assert_eq!(name_of_sampling_rule("cart"), None);
    }
}
