//! The console: pages about what the store holds and what the daemon does.
//!
//! In: GET requests of a browser on port 2002, a few forms. Out: HTML, rendered here, that works
//! without JavaScript; scripts only add. Owns: static files in the binary. Everything that a
//! segment says is hostile text: templates escape it, styles and scripts are files of our own
//! (`default-src 'self'`), nothing is loaded from elsewhere.
//!
//! A page is three files in [`pages`]: the handler, the view with ready-to-print text, the
//! template. What all share: [`visitor`] (language, theme, zone), [`scope`] (the question that
//! travels in the address), [`frame`] (around every page), [`format`] and [`draw`] (values and
//! geometry as text), [`text`] (all words).

mod assets;
mod draw;
mod format;
mod frame;
mod history;
mod json;
mod memory;
mod onset;
mod pages;
mod question;
mod router;
mod scope;
mod scope_bar;
mod service;
mod sql;
mod state;
mod text;
mod visitor;

pub(crate) use router::router;
pub(crate) use state::ConsoleState;

#[cfg(test)]
mod tests;
