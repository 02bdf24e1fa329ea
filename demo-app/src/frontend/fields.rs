//! The fields of a form, as far as they can be read.

use std::convert::Infallible;

use axum::extract::{Form, FromRequest, Request};
use serde::de::DeserializeOwned;

/// A form's fields; those of an empty form where there is no body, or one that is no form. What is
/// missing is then refused beside its field, like anything else that is wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for Fields<T> {
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        let form = Form::<T>::from_request(request, state).await;
        Ok(Self(form.map(|Form(fields)| fields).unwrap_or_default()))
    }
}
