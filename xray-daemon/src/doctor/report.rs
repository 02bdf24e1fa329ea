//! What was found, for a person and for a program.
//!
//! In: findings. Out: text with one line a check, or JSON. Owns the findings. What others say (a
//! service, a name server) is shown with control characters escaped.

use serde_json::{Value, json};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// All is well.
    Ok,
    /// Not looked at, because it is not used or something before it failed.
    Skip,
    /// It works, though not as well as it could.
    Warn,
    /// Segments do not arrive, or will be lost.
    Fail,
}

impl Verdict {
    /// Its word in both formats.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skip => "skip",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// The outcome of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: `udp port`, `credentials`.
    pub check: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found.
    pub detail: String,
    /// What to do, where something is to be done.
    pub advice: Option<String>,
}

impl Finding {
    fn new(check: &str, verdict: Verdict, detail: impl Into<String>) -> Self {
        Self { check: check.to_owned(), verdict, detail: detail.into(), advice: None }
    }

    /// All is well.
    pub fn ok(check: &str, detail: impl Into<String>) -> Self {
        Self::new(check, Verdict::Ok, detail)
    }

    pub(crate) fn skip(check: &str, detail: impl Into<String>) -> Self {
        Self::new(check, Verdict::Skip, detail)
    }

    pub(crate) fn warn(check: &str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..Self::new(check, Verdict::Warn, detail) }
    }

    /// Something is broken; `advice` is what to do.
    pub fn fail(check: &str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..Self::new(check, Verdict::Fail, detail) }
    }
}

/// All findings, in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// One for each check.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing failed. Warnings are no failures.
    pub fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.verdict != Verdict::Fail)
    }

    /// One line a check, an advice below it, and a last line that sums up.
    pub fn text(&self) -> String {
        let width = self.findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
        let mut text = String::new();
        for Finding { check, verdict, detail, advice } in &self.findings {
            let detail = on_one_line(detail);
            text.push_str(&format!("{:4}  {check:width$}  {detail}\n", verdict.word()));
            if let Some(advice) = advice {
                text.push_str(&format!("      {:width$}  → {}\n", "", on_one_line(advice)));
            }
        }
        text.push_str(&format!("\n{}\n", self.summary()));
        text
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let checks = self.findings.iter().map(|finding| {
            json!({
                "check": finding.check,
                "verdict": finding.verdict.word(),
                "detail": finding.detail,
                "advice": finding.advice,
            })
        });
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "ok": self.is_good(),
            "checks": checks.collect::<Vec<_>>(),
        })
    }

    fn summary(&self) -> String {
        let count = |wanted| self.findings.iter().filter(|found| found.verdict == wanted).count();
        let (failed, warned) = (count(Verdict::Fail), count(Verdict::Warn));
        match (failed, warned) {
            (0, 0) => "All is well.".to_owned(),
            (0, _) => format!("It works; {warned} of the above could be better."),
            _ => format!("{failed} of the above must be put right."),
        }
    }
}

fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            findings: vec![
                Finding::ok("udp port", "127.0.0.1:2000 is free"),
                Finding::warn("memory", "a\nb", "c"),
                Finding::fail("region", "none", "give one with --region"),
            ],
        }
    }

    #[test]
    fn a_person_reads_a_line_for_each_check_and_what_to_do() {
        let expected = "ok    udp port  127.0.0.1:2000 is free\n\
                        warn  memory    a\\nb\n                → c\n\
                        fail  region    none\n                → give one with --region\n\
                        \n1 of the above must be put right.\n";
        assert_eq!(report().text(), expected);
    }

    #[test]
    fn a_program_reads_the_same() {
        let json = report().json();
        assert_eq!(json["ok"], false);
        assert_eq!(json["checks"][2]["verdict"], "fail");
        assert_eq!(json["checks"][2]["advice"], "give one with --region");
        assert_eq!(json["checks"][0]["advice"], Value::Null);
    }

    #[test]
    fn only_failures_make_it_bad() {
        let mut report = report();
        report.findings.pop();
        assert!(report.is_good());
        assert!(report.text().ends_with("\nIt works; 1 of the above could be better.\n"));
    }
}
