//! The one table that says where everything is.

use std::fmt;

/// A line of the table.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) name: &'static str,
    pub(super) address: String,
    pub(super) note: String,
}

/// Where everything is, and how it ends.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) links: Vec<Link>,
    pub(super) load: &'static str,
    pub(super) data: String,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |text: fn(&Link) -> &str| {
            self.links.iter().map(|link| text(link).chars().count()).max().unwrap_or(0)
        };
        let (names, addresses) = (width(|link| link.name), width(|link| &link.address));
        writeln!(f)?;
        for Link { name, address, note } in &self.links {
            let line = format!("  {name:names$}  {address:addresses$}  {note}");
            writeln!(f, "{}", line.trim_end())?;
        }
        writeln!(f)?;
        writeln!(f, "  {:names$}  {}", "Load", self.load)?;
        writeln!(f, "  {:names$}  {}", "Data", self.data)?;
        writeln!(f, "  {:names$}  Ctrl-C", "Stop")
    }
}

/// What a line notes about a port that moved away from `usual`.
pub(super) fn moved(usual: u16, actual: u16) -> String {
    if usual == actual { String::new() } else { format!("(port {usual} was taken)") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_aligned_and_ends_with_the_way_out() {
        let link = |name, address: &str, note: &str| Link {
            name,
            address: address.to_owned(),
            note: note.to_owned(),
        };
        let table = Table {
            links: vec![
                link("Shop", "http://127.0.0.1:9000", "insert a product"),
                link("Product-Detail", "http://127.0.0.1:41000", &moved(3_000, 41_000)),
                link("Console", "http://127.0.0.1:2002", &moved(2_002, 2_002)),
            ],
            load: "off",
            data: "gone at the end".to_owned(),
        };
        assert_eq!(
            table.to_string(),
            "
  Shop            http://127.0.0.1:9000   insert a product
  Product-Detail  http://127.0.0.1:41000  (port 3000 was taken)
  Console         http://127.0.0.1:2002

  Load            off
  Data            gone at the end
  Stop            Ctrl-C
"
        );
    }
}
