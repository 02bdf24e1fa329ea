//! What a product is: an id and a name, checked where they come in.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// Ids have up to nine digits, so that they fit every column and every database's integer.
const MAX_ID: i64 = 999_999_999;
/// Longest name, in characters.
pub(crate) const MAX_NAME_CHARS: usize = 80;

/// The id of a product: 1 to 999,999,999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct ProductId(i64);

/// Why an id is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a product id is a whole number from 1 to 999999999")]
pub(crate) struct BadId;

impl ProductId {
    pub(crate) fn get(self) -> i64 {
        self.0
    }

    /// The id after this one, if there is room for it.
    pub(crate) fn next(self) -> Option<Self> {
        Self::try_from(self.0 + 1).ok()
    }
}

impl TryFrom<i64> for ProductId {
    type Error = BadId;

    fn try_from(number: i64) -> Result<Self, BadId> {
        if (1..=MAX_ID).contains(&number) { Ok(Self(number)) } else { Err(BadId) }
    }
}

impl FromStr for ProductId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let text = text.trim();
        // `parse` takes a plus sign, a person who means a number does not write one.
        if text.starts_with('+') {
            return Err(BadId);
        }
        text.parse::<i64>().map_err(|_| BadId)?.try_into()
    }
}

impl fmt::Display for ProductId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a product: 1 to 80 characters, none of them a control character, no space around.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ProductName(String);

/// Why a name is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadName {
    #[error("a product name has at least one character")]
    Empty,
    #[error("a product name has at most 80 characters")]
    TooLong,
    #[error("a product name has no control characters")]
    Control,
}

impl ProductName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProductName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let name = text.trim();
        if name.is_empty() {
            return Err(BadName::Empty);
        }
        if name.chars().count() > MAX_NAME_CHARS {
            return Err(BadName::TooLong);
        }
        if name.chars().any(char::is_control) {
            return Err(BadName::Control);
        }
        Ok(Self(name.to_owned()))
    }
}

/// One row of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    pub(crate) id: ProductId,
    pub(crate) name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_number_in_range_and_nothing_else() {
        assert_eq!("7".parse::<ProductId>().map(ProductId::get), Ok(7));
        assert_eq!(" 999999999 ".parse::<ProductId>().map(ProductId::get), Ok(999_999_999));
        for bad in ["", "0", "-1", "+7", "7.0", "1000000000", "7/../8", "٧", "x"] {
            assert_eq!(bad.parse::<ProductId>(), Err(BadId), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_trimmed_and_bounded() {
        assert_eq!(" Desk lamp ".parse::<ProductName>().unwrap().as_str(), "Desk lamp");
        assert_eq!("  ".parse::<ProductName>(), Err(BadName::Empty));
        assert!("ü".repeat(80).parse::<ProductName>().is_ok());
        assert_eq!("ü".repeat(81).parse::<ProductName>(), Err(BadName::TooLong));
        assert_eq!("a\nb".parse::<ProductName>(), Err(BadName::Control));
    }
}
