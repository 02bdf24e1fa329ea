//! On which line of a YAML file a key stands, for messages.
//!
//! In: the text of a file that was parsed already, and a key such as `Socket.UDPAddress`. Out: a
//! line, counted from 1, where it can be told: keys in block style, one a line. Owns nothing.

/// The line of `key`; of its section, where the key itself is written in another style.
pub(super) fn line_of(text: &str, key: &str) -> Option<usize> {
    let (section, name) = match key.split_once('.') {
        Some((section, name)) => (section, Some(name)),
        None => (key, None),
    };
    let mut lines = text.lines().enumerate();
    let section_line = lines.by_ref().find(|(_, line)| key_of(line) == Some(section))?.0 + 1;
    let Some(name) = name else { return Some(section_line) };
    let mut below = lines.take_while(|(_, line)| {
        let indented = line.starts_with([' ', '\t', '#', '-']);
        indented || line.trim().is_empty()
    });
    let found = below.find(|(_, line)| key_of(line.trim_start()) == Some(name));
    Some(found.map_or(section_line, |(index, _)| index + 1))
}

/// The key that a line begins with, without quotes.
fn key_of(line: &str) -> Option<&str> {
    if line.starts_with([' ', '\t', '#']) {
        return None;
    }
    let (key, value) = line.split_once(':')?;
    let ends = value.is_empty() || value.starts_with([' ', '\t', '\r']);
    ends.then(|| key.trim_end().trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# Socket: not here\nTotalBufferSizeMB: 24\n\nSocket:\n  # UDPAddress\n  \
                        UDPAddress: \"0.0.0.0:2000\"\n  TCPAddress: 0.0.0.0:2000\n\"Region\": \
                        x\nLogging: {LogLevel: prod}\nVersion: 2\n";

    #[test]
    fn keys_are_found_on_their_lines() {
        for (key, line) in [
            ("TotalBufferSizeMB", Some(2)),
            ("Socket.UDPAddress", Some(6)),
            ("Socket.TCPAddress", Some(7)),
            ("Region", Some(8)),
            ("Version", Some(10)),
            ("UDPAddress", None),
            ("Extensions.Backend", None),
        ] {
            assert_eq!(line_of(FILE, key), line, "{key}");
        }
    }

    #[test]
    fn a_key_in_another_style_has_the_line_of_its_section() {
        assert_eq!(line_of(FILE, "Logging.LogLevel"), Some(9));
    }
}
