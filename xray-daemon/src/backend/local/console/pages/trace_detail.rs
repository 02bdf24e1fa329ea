//! The panel beside the timeline: everything about one segment or subsegment, in tabs.
//!
//! In: a row and its entity. Out: ready-to-print text. Owns nothing. What a document says is hostile
//! text of bounded length; templates escape it.

use super::annotation;
use super::map_panel::status_word;
use super::trace_exceptions::{ShownException, exceptions};
use super::trace_resources::{resources, sql_facts};
use super::trace_rows::{icon, key};
use crate::backend::local::console::format;
use crate::backend::local::console::frame::Frame;
use crate::backend::local::console::json::{self, Piece};
use crate::backend::local::console::scope::Scope;
use crate::backend::local::console::sql;
use crate::backend::local::console::text::fill;
use crate::backend::local::trace::{Entry, EntryIndex, Row, RowKind, Status, Timeline, Trace};
use xray_tracing::document::{AnnotationValue, Entity};

/// The panel.
#[derive(Debug)]
pub(crate) struct Detail {
    pub(crate) icon: &'static str,
    pub(crate) name: String,
    pub(crate) subtitle: String,
    pub(crate) class: &'static str,
    pub(crate) status: &'static str,
    pub(crate) tabs: Vec<DetailTab>,
    pub(crate) cause: Option<ShortCause>,
    pub(crate) overview: Vec<Fact>,
    pub(crate) resources: Vec<Fact>,
    pub(crate) annotations: Vec<AnnotationRow>,
    pub(crate) metadata: Vec<(String, Vec<Piece>)>,
    pub(crate) exceptions: Vec<ShownException>,
    pub(crate) statement: Vec<Piece>,
    pub(crate) sql: Vec<Fact>,
    /// A row that has SQL, where this one has none.
    pub(crate) sql_elsewhere: Option<RowLink>,
    pub(crate) json: Vec<Piece>,
}

/// A tab.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DetailTab {
    pub(crate) key: &'static str,
    pub(crate) name: &'static str,
    pub(crate) href: String,
    pub(crate) chosen: bool,
    /// Nothing is in it.
    pub(crate) empty: bool,
}

/// The first exception, in short.
#[derive(Debug)]
pub(crate) struct ShortCause {
    pub(crate) class: &'static str,
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) frames: String,
    pub(crate) href: String,
}

/// A line of facts.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    /// Said more quietly behind the value.
    pub(crate) note: String,
    pub(crate) mono: bool,
    pub(crate) link: Option<RowLink>,
    /// Class of a status, for flags.
    pub(crate) class: Option<&'static str>,
}

/// A link, to a row of this page where `row` is set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RowLink {
    pub(crate) href: String,
    /// Id of the row's element; empty for other links.
    pub(crate) row: String,
    pub(crate) name: String,
}

/// An annotation.
#[derive(Debug)]
pub(crate) struct AnnotationRow {
    pub(crate) key: String,
    pub(crate) class: &'static str,
    pub(crate) value: String,
    pub(crate) href: String,
    pub(crate) label: String,
}

/// What a panel is made from.
#[derive(Debug)]
pub(crate) struct DetailInput<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) trace: &'a Trace,
    pub(crate) timeline: &'a Timeline,
    pub(crate) scope: &'a Scope,
    /// The tab that shows.
    pub(crate) tab: &'a str,
}

impl DetailInput<'_> {
    /// The panel of `row`.
    pub(crate) fn detail(&self, row: &Row) -> Option<Detail> {
        let entry = self.trace.entry(row.entry)?;
        let entity = &entry.entity;
        let frame = self.frame;
        let exceptions = exceptions(self, entity);
        let statement = entity.sql.as_ref().and_then(|it| it.sanitized_query.as_deref());
        let sql_facts = entity.sql.as_ref().map(|it| sql_facts(frame, it)).unwrap_or_default();
        let mut detail = Detail {
            icon: icon(row.kind),
            name: row.name.clone(),
            subtitle: self.subtitle(row, entry),
            class: row.status.class(),
            status: status_word(frame, row.status),
            cause: exceptions.first().map(|first| self.short_cause(row, first)),
            overview: self.overview(row, entry),
            resources: resources(frame, entity),
            annotations: self.annotations(entity),
            metadata: metadata(entity),
            statement: statement.map(sql::pieces).unwrap_or_default(),
            sql_elsewhere: if sql_facts.is_empty() { self.other_sql(row) } else { None },
            sql: sql_facts,
            json: pretty(entity),
            exceptions,
            tabs: Vec::new(),
        };
        detail.tabs = self.tabs(row, &detail);
        Some(detail)
    }

    /// This page with another row; the tab stays.
    pub(crate) fn link(&self, row: &str, tab: &str) -> String {
        let mut query = crate::backend::local::console::scope::Query::after(self.scope.query());
        query.add("row", row);
        query.add_unless_empty("tab", if tab == "overview" { "" } else { tab });
        crate::backend::local::console::scope::link(
            &format!("/trace/{}", self.trace.id()),
            &query.into_text(),
        )
    }

    /// A link to the row of `index`.
    pub(crate) fn row_link(&self, index: EntryIndex) -> Option<RowLink> {
        let row = self.timeline.rows.get(index.at())?;
        let key = key(row);
        Some(RowLink { href: self.link(&key, self.tab), row: key, name: row.name.clone() })
    }

    fn tabs(&self, row: &Row, detail: &Detail) -> Vec<DetailTab> {
        let t = &self.frame.t.trace;
        let all = [
            ("overview", t.overview, false),
            ("resources", t.resources, detail.resources.is_empty()),
            ("annotations", t.annotations, detail.annotations.is_empty()),
            ("metadata", t.metadata, detail.metadata.is_empty()),
            ("exceptions", t.exceptions, detail.exceptions.is_empty()),
            ("sql", t.sql, detail.statement.is_empty() && detail.sql.is_empty()),
            ("json", t.json, false),
        ];
        let known = all.iter().any(|(tab, _, _)| *tab == self.tab);
        let chosen = if known { self.tab } else { "overview" };
        let tab = |(tab, name, empty)| DetailTab {
            key: tab,
            name,
            href: self.link(&key(row), tab),
            chosen: tab == chosen,
            empty,
        };
        all.map(tab).into()
    }

    fn subtitle(&self, row: &Row, entry: &Entry) -> String {
        let t = &self.frame.t.trace;
        let segment = entry.segment.and_then(|segment| self.timeline.rows.get(segment.at()));
        let mut text = match segment {
            _ if row.kind == RowKind::Service => t.segment.to_owned(),
            Some(segment) => fill(t.subsegment_of, &[&segment.name]),
            None => t.orphan.to_owned(),
        };
        if row.orphan && row.kind == RowKind::Service {
            text = format!("{text}, {}", t.orphan);
        }
        if !row.detail.is_empty() {
            text = format!("{text} · {}", row.detail);
        }
        text
    }

    fn short_cause(&self, row: &Row, first: &ShownException) -> ShortCause {
        let t = &self.frame.t.trace;
        ShortCause {
            class: if row.status > Status::InProgress { row.status.class() } else { "error" },
            kind: first.kind.clone(),
            message: first.message.clone(),
            frames: match first.frames.len() {
                1 => t.frames_one.to_owned(),
                n => fill(t.frames_of, &[&n.to_string()]),
            },
            href: self.link(&key(row), "exceptions"),
        }
    }

    fn overview(&self, row: &Row, entry: &Entry) -> Vec<Fact> {
        let (frame, t, lang) = (self.frame, &self.frame.t.trace, self.frame.lang);
        let entity = &entry.entity;
        let clock = |moment_s| format::clock_ms(lang, moment_s, frame.zone);
        let mut facts = vec![Fact {
            note: clock(entry.start_s),
            ..Fact::new(t.start, format::offset(lang, row.start_ms / 1e3))
        }];
        if let Some(end_s) = entry.end_s {
            let end = format::offset(lang, (row.start_ms + row.duration_ms) / 1e3);
            facts.push(Fact { note: clock(end_s), ..Fact::new(t.end, end) });
        }
        facts.push(Fact {
            note: self.critical(row),
            ..Fact::new(t.duration, format::duration(lang, row.duration_ms / 1e3))
        });
        facts.extend(self.flags(row));
        facts.extend(self.segment(row, entry));
        facts.extend(self.request(entity));
        if let Some(source) = self.trace.source(entry).and_then(|source| source.sender) {
            facts.push(Fact { mono: true, ..Fact::new(t.came_from, source.to_string()) });
        }
        if let Some(id) = entity.id {
            facts.push(Fact { mono: true, ..Fact::new(t.id, id.to_string()) });
        }
        if let Some(parent) = entry.parent.and_then(|parent| self.row_link(parent)) {
            let link = Some(parent);
            facts.push(Fact { link, ..Fact::new(t.parent, String::new()) });
        }
        facts.extend(self.sampled_by(entity));
        facts.extend(self.links(entity));
        facts
    }

    /// How much of it the response waited for.
    fn critical(&self, row: &Row) -> String {
        let (t, lang) = (&self.frame.t.trace, self.frame.lang);
        let critical_ms: f64 =
            row.critical_ms.iter().map(|stretch| stretch.end_ms - stretch.start_ms).sum();
        let Some(response_ms) = self.timeline.response_ms.filter(|ms| *ms > 0.0) else {
            return String::new();
        };
        if critical_ms <= 0.0 {
            return t.critical_none.to_owned();
        }
        let share = format::percent_whole(lang, critical_ms / response_ms);
        if critical_ms >= row.duration_ms * 0.995 {
            return fill(t.critical_all_of, &[&share]);
        }
        fill(t.critical_part_of, &[&format::duration(lang, critical_ms / 1e3), &share])
    }

    fn flags(&self, row: &Row) -> Option<Fact> {
        let word = status_word(self.frame, row.status).to_lowercase();
        let fact = Fact::new(self.frame.t.trace.flags, word);
        (row.status != Status::Ok).then(|| Fact { class: Some(row.status.class()), ..fact })
    }

    /// The segment that holds a subsegment.
    fn segment(&self, row: &Row, entry: &Entry) -> Option<Fact> {
        let index = entry.segment.filter(|index| *index != row.entry)?;
        let segment = self.timeline.rows.get(index.at())?;
        let code = segment.status_code.map(|code| format!(", {code}")).unwrap_or_default();
        Some(Fact {
            link: self.row_link(index),
            note: format!("{}{code}", segment.detail),
            ..Fact::new(self.frame.t.trace.in_segment, String::new())
        })
    }

    fn request(&self, entity: &Entity) -> Vec<Fact> {
        let t = &self.frame.t.trace;
        let Some(http) = &entity.http else { return Vec::new() };
        let (request, response) = (&http.request, &http.response);
        let line = [request.method.as_deref(), request.url.as_deref()];
        let line: Vec<_> = line.into_iter().flatten().collect();
        let size = response.content_length.map(|n| format::bytes(self.frame.lang, n));
        [
            (t.request, Some(line.join(" ")).filter(|line| !line.is_empty())),
            (t.status, response.status.map(|status| status.to_string())),
            (t.bytes, size),
            (t.client, request.client_ip.clone()),
            (t.agent, request.user_agent.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some(Fact::new(name, value?)))
        .collect()
    }

    fn sampled_by(&self, entity: &Entity) -> Option<Fact> {
        let xray = entity.aws.as_ref()?.extra.get("xray")?;
        let rule = xray.get("sampling_rule_name")?.as_str()?;
        let mut query = crate::backend::local::console::scope::Query::default();
        query.add("rule", rule);
        let href = format!("/sampling?{}", query.into_text());
        let link = RowLink { href, row: String::new(), name: rule.to_owned() };
        Some(Fact { link: Some(link), ..Fact::new(self.frame.t.trace.sampled_by, String::new()) })
    }

    /// Other traces that this one speaks of.
    fn links(&self, entity: &Entity) -> Vec<Fact> {
        let linked = entity.links.iter().filter_map(|link| {
            let trace_id = link.trace_id?.to_string();
            let row = link.id.map(|id| format!("?row={id}")).unwrap_or_default();
            let href = format!("/trace/{trace_id}{row}");
            let link = Some(RowLink { href, row: String::new(), name: trace_id });
            Some(Fact { link, ..Fact::new(self.frame.t.trace.links, String::new()) })
        });
        linked.take(20).collect()
    }

    fn annotations(&self, entity: &Entity) -> Vec<AnnotationRow> {
        let row = |(name, value): &(String, AnnotationValue)| {
            let shown = annotation::shown(self.frame.lang, value);
            let filter = annotation::condition(name, value);
            AnnotationRow {
                label: fill(self.frame.t.trace.traces_with_of, &[name, &shown]),
                href: self.scope.with_filter(filter).link("/traces"),
                class: match value {
                    AnnotationValue::String(_) => "ts",
                    AnnotationValue::Number(_) => "tn",
                    AnnotationValue::Bool(_) => "tk",
                },
                value: match value {
                    AnnotationValue::String(text) => format!("\"{text}\""),
                    _ => shown,
                },
                key: name.clone(),
            }
        };
        entity.annotations.iter().map(row).collect()
    }

    /// The nearest row with SQL.
    fn other_sql(&self, row: &Row) -> Option<RowLink> {
        let with_sql = self.timeline.rows.iter().filter(|it| it.kind == RowKind::Sql);
        let nearest = with_sql.min_by_key(|it| it.entry.at().abs_diff(row.entry.at()))?;
        let key = key(nearest);
        Some(RowLink { href: self.link(&key, "sql"), row: key, name: nearest.name.clone() })
    }
}

impl Fact {
    /// A plain fact.
    pub(crate) fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into(), ..Self::default() }
    }
}

fn metadata(entity: &Entity) -> Vec<(String, Vec<Piece>)> {
    let namespaces = entity.metadata.iter();
    namespaces.map(|(name, value)| (name.clone(), json::pieces(value))).collect()
}

/// The entity as its document says it.
fn pretty(entity: &Entity) -> Vec<Piece> {
    // Written by our own encoder, so it can be read.
    let value = serde_json::from_str(&entity.to_json()).unwrap_or_default();
    json::pieces(&value)
}
