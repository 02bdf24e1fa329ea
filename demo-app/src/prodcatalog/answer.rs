//! The catalogue's JSON: the product list, and what it says when something failed.
//!
//! An error body has the workshop's three fields. Beyond them it says which callee failed and how
//! long each try took, so that the shop's error page can draw it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::store::StoreError;
use super::vendors::DetailError;
use crate::proddetail::CatalogDetail;
use crate::product::{Product, ProductId};
use crate::service::hops::Symptom;

/// `GET /products/`: `{"products":{"1":"Table"},"details":{…}}`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ProductList {
    #[serde(with = "by_id")]
    pub(crate) products: Vec<Product>,
    pub(crate) details: CatalogDetail,
}

/// `GET /products/{id}`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OneProduct {
    pub(crate) status: String,
    pub(crate) name: String,
    pub(crate) details: CatalogDetail,
}

/// What a change of one product is answered with.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Changed {
    pub(crate) status: String,
    pub(crate) name: String,
}

/// An error body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Problem {
    pub(crate) status: String,
    #[serde(rename = "statusCode")]
    pub(crate) status_code: String,
    pub(crate) message: String,
    /// What the catalogue was waiting for, if the trouble is not its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failing: Option<Box<Failing>>,
}

/// The callee that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Failing {
    /// Its name on the map.
    pub(crate) callee: String,
    pub(crate) symptom: Symptom,
    pub(crate) tries: Vec<Try>,
}

/// One try.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Try {
    pub(crate) callee: String,
    pub(crate) took_ms: u64,
}

impl Problem {
    /// A refusal of what the caller sent.
    pub(crate) fn refusal(code: StatusCode, status: &str, message: impl Into<String>) -> Self {
        let status_code = code.as_u16().to_string();
        Self { status: status.to_owned(), status_code, message: message.into(), failing: None }
    }

    fn code(&self) -> StatusCode {
        self.status_code
            .parse()
            .ok()
            .and_then(|code| StatusCode::from_u16(code).ok())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<DetailError> for Problem {
    fn from(err: DetailError) -> Self {
        let code = match err.symptom {
            Symptom::Status(code @ 400..=499) => {
                StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY)
            }
            Symptom::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Symptom::Unreachable => StatusCode::BAD_GATEWAY,
            Symptom::Status(_) | Symptom::Statement => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut problem = Self::refusal(code, "Could not get details", err.to_string());
        let callee = err.tries.last().map_or_else(String::new, |last| last.callee.clone());
        let failing = Failing { callee, symptom: err.symptom, tries: err.tries };
        problem.failing = Some(Box::new(failing));
        problem
    }
}

impl From<StoreError> for Problem {
    fn from(err: StoreError) -> Self {
        let code = match err {
            StoreError::Full => StatusCode::INSUFFICIENT_STORAGE,
            StoreError::Open { .. } | StoreError::Statement { .. } => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        let mut problem = Self::refusal(code, "Could not ask the database", err.to_string());
        if let StoreError::Statement { database, took_ms, source } = &err {
            problem.message = format!("{err}: {source}");
            let tries = vec![Try { callee: database.clone(), took_ms: *took_ms }];
            let symptom = Symptom::Statement;
            let failing = Failing { callee: database.clone(), symptom, tries };
            problem.failing = Some(Box::new(failing));
        }
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.code(), Json(self)).into_response()
    }
}

/// Products as a JSON object, in the order of their ids.
mod by_id {
    use super::*;

    pub(super) fn serialize<S: Serializer>(
        products: &[Product],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(products.len()))?;
        for product in products {
            map.serialize_entry(&product.id.get(), &product.name)?;
        }
        map.end()
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Product>, D::Error> {
        struct Products;

        impl<'de> Visitor<'de> for Products {
            type Value = Vec<Product>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of product ids and names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut products = Vec::new();
                while let Some((id, name)) = map.next_entry::<String, String>()? {
                    let id: ProductId = id.parse().map_err(serde::de::Error::custom)?;
                    products.push(Product { id, name });
                }
                products.sort_by_key(|product| product.id);
                Ok(products)
            }
        }

        deserializer.deserialize_map(Products)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_the_workshops_form() {
        let product = |id: i64, name: &str| Product {
            id: ProductId::try_from(id).unwrap(),
            name: name.to_owned(),
        };
        let details =
            CatalogDetail { version: "1".to_owned(), vendors: vec!["ABC.com".to_owned()] };
        let list =
            ProductList { products: vec![product(2, "Chair"), product(10, "Sofa")], details };
        let text = r#"{"products":{"2":"Chair","10":"Sofa"},"details":{"version":"1","vendors":["ABC.com"]}}"#;
        assert_eq!(serde_json::to_string(&list).unwrap(), text);
        let read: ProductList = serde_json::from_str(text).unwrap();
        assert_eq!(read.products, list.products);
    }

    #[test]
    fn what_product_detail_answers_decides_the_status() {
        for (symptom, code) in [
            (Symptom::Status(500), 500),
            (Symptom::Status(503), 500),
            (Symptom::Status(429), 429),
            (Symptom::Status(404), 404),
            (Symptom::Timeout, 504),
            (Symptom::Unreachable, 502),
        ] {
            let tries = vec![Try { callee: "Product-Detail".to_owned(), took_ms: 148 }; 2];
            let problem = Problem::from(DetailError { symptom, tries });
            assert_eq!(problem.code().as_u16(), code, "{symptom:?}");
            assert_eq!(problem.failing.map(|failing| failing.tries.len()), Some(2));
        }
    }
}
