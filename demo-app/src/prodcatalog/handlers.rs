//! One handler per call on `/products`.
//!
//! A list and an insert need the vendors and fail without them, before anything is written; a change
//! or a deletion does not ask for them.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use xray_tracing::annotate;

use super::answer::{Changed, OneProduct, Problem, ProductList};
use super::app::App;
use super::store::Inserted;
use crate::product::{ProductId, ProductName};

/// The body of `POST` and `PUT`.
#[derive(Debug, Deserialize)]
pub(super) struct NewName {
    name: String,
}

pub(super) async fn list(State(app): State<App>) -> Result<Json<ProductList>, Problem> {
    let products = app.store.list().await?;
    let details = app.vendors.ask().await?;
    annotate("products", products.len());
    Ok(Json(ProductList { products, details }))
}

pub(super) async fn one(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<OneProduct>, Problem> {
    let id = checked_id(&id)?;
    let name = app.store.find(id).await?.ok_or_else(|| not_found(id))?;
    let details = app.vendors.ask().await?;
    Ok(Json(OneProduct { status: "Product Details retrieved".to_owned(), name, details }))
}

pub(super) async fn insert(
    State(app): State<App>,
    Path(id): Path<String>,
    body: Result<Json<NewName>, JsonRejection>,
) -> Result<Json<Changed>, Problem> {
    let id = checked_id(&id)?;
    let name = checked_name(body)?;
    let details = app.vendors.ask().await?;
    annotate("vendors", details.vendors.len());
    match app.store.insert(id, &name).await? {
        Inserted::Yes => Ok(changed("New Product added to Product Catalog", &name)),
        Inserted::Taken => Err(Problem::refusal(
            StatusCode::CONFLICT,
            "Could not save information",
            format!("product {id} exists; PUT /products/{id} changes it"),
        )),
    }
}

pub(super) async fn rename(
    State(app): State<App>,
    Path(id): Path<String>,
    body: Result<Json<NewName>, JsonRejection>,
) -> Result<Json<Changed>, Problem> {
    let id = checked_id(&id)?;
    let name = checked_name(body)?;
    if app.store.rename(id, &name).await? {
        Ok(changed("Product updated in Product Catalog", &name))
    } else {
        Err(not_found(id))
    }
}

pub(super) async fn remove(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Changed>, Problem> {
    let id = checked_id(&id)?;
    let name = app.store.remove(id).await?.ok_or_else(|| not_found(id))?;
    Ok(Json(Changed { status: "Product removed from Product Catalog".to_owned(), name }))
}

/// `DELETE /products`: back to the products of the start, as the workshop's "Start over" needs.
pub(super) async fn remove_inserted(
    State(app): State<App>,
) -> Result<Json<serde_json::Value>, Problem> {
    let removed = app.store.remove_inserted().await?;
    let status = "Inserted products removed from Product Catalog";
    Ok(Json(serde_json::json!({ "status": status, "removed": removed })))
}

fn checked_id(text: &str) -> Result<ProductId, Problem> {
    let id: ProductId = text.parse().map_err(|err| {
        Problem::refusal(
            StatusCode::BAD_REQUEST,
            "Not a product id",
            format!("{:?} is no product id: {err}", text.chars().take(40).collect::<String>()),
        )
    })?;
    annotate("product_id", id.get());
    Ok(id)
}

fn checked_name(body: Result<Json<NewName>, JsonRejection>) -> Result<ProductName, Problem> {
    let refused = |message: String| {
        Problem::refusal(StatusCode::BAD_REQUEST, "Could not save information", message)
    };
    let Json(body) = body.map_err(|err| {
        refused(format!("{}; send {{\"name\":\"Table\"}} as application/json", err.body_text()))
    })?;
    body.name.parse().map_err(|err| refused(format!("{err}")))
}

fn changed(status: &str, name: &ProductName) -> Json<Changed> {
    Json(Changed { status: status.to_owned(), name: name.as_str().to_owned() })
}

fn not_found(id: ProductId) -> Problem {
    Problem::refusal(
        StatusCode::NOT_FOUND,
        "Product not found",
        format!("product {id} does not exist; POST /products/{id} adds it"),
    )
}
