//! Frontend: the shop that people see, and everything they can do in it.
//!
//! In: what a browser sends, none of it trusted. Out: whole pages, rendered here; they work without
//! script. Every change is one call of Product-Catalog in the person's own trace, whose id the page
//! shows.

mod action;
mod app;
mod assets;
mod bulk;
mod catalog;
mod console;
mod cookie;
mod fields;
mod format;
mod live;
mod pages;
mod scenarios;
mod shop;
mod tour;
mod visitor;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use app::{PLUMBING_PATHS, SEGMENT_NAME, asset_paths, router};
pub(crate) use shop::{Places, Shop};
