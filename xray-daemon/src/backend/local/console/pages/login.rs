//! `GET /login`: the page that asks for the token. What it sends is checked at the door of the port.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use crate::backend::local::console::frame::{Frame, render};
use crate::backend::local::console::state::ConsoleState;
use crate::backend::local::console::visitor::Visitor;

/// The page.
#[derive(Debug, Template)]
#[template(path = "pages/login.html")]
struct LoginView {
    frame: Frame,
    /// The token given before was not the one.
    wrong: bool,
}

/// `GET /login`; without a token there is nothing to ask for.
pub(crate) async fn login(State(console): State<ConsoleState>, visitor: Visitor) -> Response {
    if console.config().console_token.is_none() {
        return Redirect::to("/").into_response();
    }
    let mut frame = Frame::new(&visitor, None, visitor.text().login.title);
    frame.open = false;
    let wrong = visitor.query.split('&').any(|pair| pair == "wrong" || pair == "wrong=");
    render(&visitor, &LoginView { frame, wrong })
}
