//! Reads and writes the shop's cookies: small values of our own, checked when they come back.

use axum::http::{HeaderMap, HeaderValue, header};

/// Longest value that is read; what is longer is not ours.
const MAX_VALUE_BYTES: usize = 2_048;

/// How long a browser keeps a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// For a year: a choice.
    Year,
    /// Until the browser closes: what somebody just did.
    Session,
}

/// The value of cookie `name`, decoded.
pub(super) fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|pairs| pairs.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, value)| *found == name && value.len() <= MAX_VALUE_BYTES)
        .and_then(|(_, value)| decode(value))
}

/// A `Set-Cookie` header; `None` only if `name` or `value` cannot stand in one.
pub(super) fn write(
    name: &str,
    value: &str,
    keep: Keep,
    readable: Readable,
) -> Option<HeaderValue> {
    let age = match keep {
        Keep::Year => "; Max-Age=31536000",
        Keep::Session => "",
    };
    let http_only = match readable {
        Readable::ByServer => "; HttpOnly",
        Readable::ByScript => "",
    };
    let value = encode(value);
    HeaderValue::try_from(format!("{name}={value}; Path=/; SameSite=Lax{age}{http_only}")).ok()
}

/// Whether the page's own script may read a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readable {
    ByServer,
    ByScript,
}

/// Percent-encodes all but letters, digits and `-_.`.
pub(super) fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_comes_back_as_it_went() {
        let text = "{\"name\":\"Caf\u{e9}; 100 %, \u{1F600}\"}";
        let set = write("last", text, Keep::Session, Readable::ByServer).unwrap();
        let set = set.to_str().unwrap();
        assert!(set.ends_with("; Path=/; SameSite=Lax; HttpOnly"), "{set}");
        let pair = set.split(';').next().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, format!("theme=dark; {pair}").parse().unwrap());
        assert_eq!(read(&headers, "last").as_deref(), Some(text));
        assert_eq!(read(&headers, "theme").as_deref(), Some("dark"));
        assert_eq!(read(&headers, "lang"), None);
    }

    #[test]
    fn a_broken_or_endless_cookie_is_none() {
        for value in ["%", "%4", "%zz", "%ff", &"a".repeat(MAX_VALUE_BYTES + 1)] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, format!("last={value}").parse().unwrap());
            assert_eq!(read(&headers, "last"), None, "{value:.9}");
        }
    }
}
