//! The command line: what can be asked for, in the words of `--help`.
//!
//! In: arguments and environment. Out: a [`Command`] in which every value is valid, or an error that
//! names the argument, the rule and the way out. An argument beats its variable.

mod help;
mod parse;
mod text;

pub(crate) use help::{SERVICE, Topic};
pub(crate) use parse::{
    CatalogOptions, Command, DetailOptions, FrontendOptions, LogFormat, ServiceOptions, UpOptions,
    parse,
};
