//! Port 2002: the API and the console behind one door.
//!
//! In: requests of programs and of browsers. Out: answers, with headers that keep pages to
//! themselves. Owns: the rules of who may ask. What is asked is answered by `api` and `console`.
//!
//! ```text
//! request ─▶ host (named as we are?) ─▶ origin (a page of our own?) ─▶ time limit
//!            ─▶ api:     with --console-token signed by SigV4, access key `local`
//!            ─▶ console: with --console-token a cookie from /login
//! ```

mod guard;
mod headers;
mod hmac;
mod signature;

mod login;
mod router;

pub(super) use router::router;

#[cfg(test)]
mod tests;
