//! Values of annotations, as text and in the filter language.

use xray_tracing::document::AnnotationValue;

use crate::backend::local::console::format;
use crate::backend::local::console::scope::quoted;
use crate::backend::local::console::text::Lang;

/// The value for a person.
pub(crate) fn shown(lang: Lang, value: &AnnotationValue) -> String {
    match value {
        AnnotationValue::String(text) => text.clone(),
        AnnotationValue::Number(number) => format::decimal(lang, *number, 6),
        AnnotationValue::Bool(yes) => yes.to_string(),
    }
}

/// The condition that annotation `key` has this value: `annotation[product_id] = 14`.
pub(crate) fn condition(key: &str, value: &AnnotationValue) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let place =
        if plain { format!("annotation.{key}") } else { format!("annotation[{}]", quoted(key)) };
    match value {
        AnnotationValue::String(text) => format!("{place} = {}", quoted(text)),
        AnnotationValue::Number(number) => format!("{place} = {number}"),
        AnnotationValue::Bool(yes) => format!("{place} = {yes}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_becomes_a_condition() {
        let condition = |key, value| condition(key, &value);
        let number = condition("product_id", AnnotationValue::Number(14.0));
        assert_eq!(number, "annotation.product_id = 14");
        let text = condition("order.id", AnnotationValue::String("a\"b".into()));
        assert_eq!(text, r#"annotation["order.id"] = "a\"b""#);
        assert_eq!(condition("ok", AnnotationValue::Bool(true)), "annotation.ok = true");
    }

    #[test]
    fn numbers_are_shown_as_people_write_them() {
        assert_eq!(shown(Lang::En, &AnnotationValue::Number(14.0)), "14");
        assert_eq!(shown(Lang::Es, &AnnotationValue::Number(0.25)), "0,25");
    }
}
