//! Boxes and arrows with coordinates, for `drawing.html`.
//!
//! The layout is fixed: a chain of services from left to right, and what the last one calls fanned
//! out behind it. Twice, because a phone reads from top to bottom.

use super::super::words::Lang;
use crate::service::hops::{HopReport, Symptom, Verdict};

/// What a box stands for, by its icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Icon {
    Browser,
    Service,
    Database,
}

impl Icon {
    fn symbol(self) -> &'static str {
        match self {
            Self::Browser => "i-t-browser",
            Self::Service => "i-t-service",
            Self::Database => "i-t-db",
        }
    }
}

/// A node, before it has a place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) icon: Icon,
    pub(super) name: String,
    pub(super) sub: String,
    pub(super) mark: Mark,
}

/// How a node is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Says nothing about its health.
    Plain,
    As(Verdict),
    /// Failed because what it called failed: outlined, not solid.
    Passed,
}

impl Mark {
    fn class(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Passed => "fault passed",
            Self::As(verdict) => verdict.as_str(),
        }
    }
}

/// The state of an arrow, before it has a place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Arrow {
    /// `None` where nothing was called.
    pub(super) verdict: Option<Verdict>,
    pub(super) text: String,
}

impl Arrow {
    /// What a hop's window says.
    pub(super) fn of(report: &HopReport, lang: Lang) -> Self {
        match &report.trouble {
            Some(trouble) => {
                let symptom = symptom_text(trouble.symptom, lang);
                let percent = (trouble.calls * 100).div_ceil(report.calls.max(1));
                let text = if percent >= 100 {
                    symptom
                } else {
                    format!("{symptom} · {}", lang.percent(percent))
                };
                Self { verdict: Some(trouble.verdict), text }
            }
            None if report.calls == 0 => Self { verdict: None, text: "–".to_owned() },
            None => Self { verdict: Some(Verdict::Ok), text: lang.ms(report.mean_ms) },
        }
    }

    /// The same, for a screen reader.
    pub(super) fn aloud(&self, lang: Lang) -> String {
        match self.verdict {
            None => lang.words().no_calls.to_owned(),
            Some(Verdict::Ok) => lang.fine(&self.text),
            Some(_) => lang.failing_with(&self.text),
        }
    }
}

/// What went wrong, in a word.
pub(super) fn symptom_text(symptom: Symptom, lang: Lang) -> String {
    let words = lang.words();
    match symptom {
        Symptom::Status(code) => code.to_string(),
        Symptom::Timeout => words.timeout.to_owned(),
        Symptom::Unreachable => words.unreachable.to_owned(),
        Symptom::Statement => words.refused.to_owned(),
    }
}

/// A box in its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BoxView {
    pub(crate) class: &'static str,
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) width: i32,
    pub(crate) height: i32,
    pub(crate) icon: &'static str,
    pub(crate) icon_y: i32,
    pub(crate) name: String,
    pub(crate) sub: String,
}

/// An arrow in its place, with its label.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ArrowView {
    pub(crate) class: &'static str,
    pub(crate) path: String,
    /// A marker of the page's own: `tip`, or `tip-bad`.
    pub(crate) tip: &'static str,
    pub(crate) label_x: String,
    pub(crate) label_y: i32,
    pub(crate) label_width: String,
    /// The status symbol, if there is a status.
    pub(crate) glyph: Option<&'static str>,
    pub(crate) glyph_x: String,
    pub(crate) text_x: String,
    pub(crate) text: String,
}

/// The bar that stands for the daemon.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BarView {
    /// Dotted lines from the services to the bar.
    pub(crate) rails: String,
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) width: i32,
    pub(crate) height: i32,
    pub(crate) text: String,
    pub(crate) end: String,
}

/// A whole drawing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Drawing {
    pub(crate) class: &'static str,
    pub(crate) width: i32,
    pub(crate) height: i32,
    pub(crate) aloud: String,
    pub(crate) boxes: Vec<BoxView>,
    pub(crate) arrows: Vec<ArrowView>,
    pub(crate) bar: Option<BarView>,
}

/// Places `node` at a corner.
pub(super) fn place(node: &Node, x: i32, y: i32, width: i32, height: i32) -> BoxView {
    BoxView {
        class: node.mark.class(),
        x,
        y,
        width,
        height,
        icon: node.icon.symbol(),
        icon_y: y + (height - 18) / 2,
        name: node.name.clone(),
        sub: node.sub.clone(),
    }
}

/// Where the label of an arrow goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum LabelAt {
    /// Its middle.
    Centre(f64),
    /// Its left end.
    Left(f64),
}

/// Draws `arrow` along `path`, with its label's upper edge at `y` and no further right than
/// `max_right`.
pub(super) fn draw(arrow: &Arrow, path: String, at: LabelAt, y: i32, max_right: f64) -> ArrowView {
    const GLYPH_ROOM: f64 = 13.0;
    const PADDING: f64 = 7.0;
    const CHAR_WIDTH: f64 = 6.6;
    let glyph = arrow.verdict.map(|verdict| match verdict {
        Verdict::Ok => "g-ok",
        Verdict::Error => "g-error",
        Verdict::Throttle => "g-throttle",
        Verdict::Fault => "g-fault",
    });
    let glyph_room = if glyph.is_some() { GLYPH_ROOM } else { 0.0 };
    let width = 2.0 * PADDING + glyph_room + CHAR_WIDTH * arrow.text.chars().count() as f64;
    let x = match at {
        LabelAt::Centre(centre) => centre - width / 2.0,
        LabelAt::Left(left) => left,
    };
    let x = x.min(max_right - width);
    let bad = arrow.verdict == Some(Verdict::Fault);
    ArrowView {
        class: arrow.verdict.map_or("quiet", Verdict::as_str),
        path,
        tip: if bad { "tip-bad" } else { "tip" },
        label_x: format!("{x:.1}"),
        label_y: y,
        label_width: format!("{width:.1}"),
        glyph,
        glyph_x: format!("{:.1}", x + 5.0),
        text_x: format!("{:.1}", x + PADDING + glyph_room),
        text: arrow.text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::hops::Trouble;

    #[test]
    fn an_arrow_says_time_trouble_or_nothing() {
        let mut report = HopReport { calls: 4, mean_ms: 46.3, trouble: None };
        assert_eq!(Arrow::of(&report, Lang::En).text, "46 ms");
        let fault = Trouble { verdict: Verdict::Fault, symptom: Symptom::Status(500), calls: 2 };
        report.trouble = Some(fault);
        assert_eq!(Arrow::of(&report, Lang::En).text, "500 · 50%");
        report.calls = 2;
        let arrow = Arrow::of(&report, Lang::Es);
        assert_eq!((arrow.text.as_str(), arrow.aloud(Lang::Es).as_str()), ("500", "falla con 500"));
        let quiet = Arrow::of(&HopReport::default(), Lang::En);
        assert_eq!((quiet.verdict, quiet.aloud(Lang::En).as_str()), (None, "no calls"));
    }

    #[test]
    fn a_label_stays_left_of_its_limit() {
        let arrow = Arrow { verdict: Some(Verdict::Ok), text: "1.8 ms".to_owned() };
        let drawn = draw(&arrow, String::new(), LabelAt::Centre(296.0), 326, 325.3);
        assert_eq!((drawn.label_x.as_str(), drawn.label_width.as_str()), ("258.7", "66.6"));
    }
}
