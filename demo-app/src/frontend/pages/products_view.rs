//! The product list and the catalogue's detail, ready to print.

use super::super::words::Lang;
use crate::proddetail::{CatalogDetail, Version};
use crate::product::{BadId, BadName, Product, ProductId};
use crate::service::hops::HopReport;

/// Rows of a page of the list.
const PAGE_ROWS: usize = 7;

/// Why a field was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Id(BadId),
    Name(BadName),
    /// There is a product with this id.
    Taken,
}

impl From<BadId> for Refusal {
    fn from(bad: BadId) -> Self {
        Self::Id(bad)
    }
}

impl From<BadName> for Refusal {
    fn from(bad: BadName) -> Self {
        Self::Name(bad)
    }
}

impl Refusal {
    fn text(self, lang: Lang, typed: &str) -> String {
        let words = lang.words();
        match self {
            Self::Id(_) => words.bad_id.to_owned(),
            Self::Name(BadName::Empty) => words.name_empty.to_owned(),
            Self::Name(BadName::TooLong) => words.name_too_long.to_owned(),
            Self::Name(BadName::Control) => words.name_control.to_owned(),
            Self::Taken => lang.taken(typed.trim()),
        }
    }
}

/// What somebody typed into the form above the list.
#[derive(Clone, Debug, Default)]
pub(super) struct AddForm {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) id_refused: Option<Refusal>,
    pub(super) name_refused: Option<Refusal>,
}

/// A row that is open for a change.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub(super) id: ProductId,
    /// What was typed and refused.
    pub(super) typed: Option<String>,
    pub(super) refused: Option<Refusal>,
}

impl Edit {
    pub(super) fn of(id: ProductId) -> Self {
        Self { id, typed: None, refused: None }
    }
}

/// What the visitor chose to see.
#[derive(Clone, Debug, Default)]
pub(super) struct Chosen {
    pub(super) page: Option<usize>,
    /// The product whose page of the list is shown.
    pub(super) show: Option<ProductId>,
    pub(super) edit: Option<Edit>,
    pub(super) add: Option<AddForm>,
    /// A product and its detail.
    pub(super) product: Option<(ProductId, String, CatalogDetail)>,
    /// The count typed for "Insert products", where it was refused.
    pub(super) bulk_refused: bool,
}

impl Chosen {
    /// The product whose row must be on the page.
    fn must_show(&self) -> Option<ProductId> {
        let edit = self.edit.as_ref().map(|edit| edit.id);
        let product = self.product.as_ref().map(|(id, _, _)| *id);
        edit.or(self.show).or(product)
    }
}

/// A row of the list.
#[derive(Debug)]
pub(crate) struct RowView {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) is_new: bool,
    pub(crate) edit: Option<EditView>,
    pub(crate) edit_label: String,
    pub(crate) delete_label: String,
    /// The same page with this row open.
    pub(crate) edit_link: String,
}

/// The field in an open row.
#[derive(Debug)]
pub(crate) struct EditView {
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) bad: Option<String>,
}

/// The panel "Product Catalog".
#[derive(Debug)]
pub(crate) struct ProductsView {
    pub(crate) count: String,
    pub(crate) add_id: String,
    pub(crate) add_id_bad: Option<String>,
    pub(crate) add_name: String,
    pub(crate) add_name_bad: Option<String>,
    pub(crate) rows: Vec<RowView>,
    pub(crate) range: String,
    pub(crate) page: usize,
    pub(crate) previous: Option<usize>,
    pub(crate) next: Option<usize>,
}

impl ProductsView {
    /// `products` are in the order of their ids.
    pub(super) fn new(
        lang: Lang,
        products: &[Product],
        chosen: &Chosen,
        new_id: Option<i64>,
    ) -> Self {
        let pages = products.len().div_ceil(PAGE_ROWS).max(1);
        let holding = |id: ProductId| {
            let at = products.iter().position(|product| product.id >= id)?;
            Some(at / PAGE_ROWS + 1)
        };
        let page = chosen.must_show().and_then(holding).or(chosen.page).unwrap_or(1);
        let page = page.clamp(1, pages);
        let first = (page - 1) * PAGE_ROWS;
        let rows: Vec<RowView> = products
            .iter()
            .skip(first)
            .take(PAGE_ROWS)
            .map(|product| row(lang, product, page, chosen.edit.as_ref(), new_id))
            .collect();
        let add = chosen.add.clone().unwrap_or_else(|| AddForm {
            id: next_id(products).map_or_else(String::new, |id| id.to_string()),
            ..AddForm::default()
        });
        let range_first = if rows.is_empty() { 0 } else { first + 1 };
        Self {
            count: lang.products_count(products.len()),
            add_id_bad: add.id_refused.map(|refused| refused.text(lang, &add.id)),
            add_name_bad: add.name_refused.map(|refused| refused.text(lang, &add.name)),
            add_id: add.id,
            add_name: add.name,
            range: lang.range_of(range_first, first + rows.len(), products.len()),
            rows,
            page,
            previous: (page > 1).then(|| page - 1),
            next: (page < pages).then(|| page + 1),
        }
    }
}

/// The id after the highest one.
pub(super) fn next_id(products: &[Product]) -> Option<ProductId> {
    match products.last() {
        Some(last) => last.id.next(),
        None => ProductId::try_from(1).ok(),
    }
}

fn row(
    lang: Lang,
    product: &Product,
    page: usize,
    edit: Option<&Edit>,
    new_id: Option<i64>,
) -> RowView {
    let id = product.id.to_string();
    let edit = edit.filter(|edit| edit.id == product.id).map(|edit| EditView {
        label: lang.name_of(&id),
        value: edit.typed.clone().unwrap_or_else(|| product.name.clone()),
        bad: edit
            .refused
            .map(|refused| refused.text(lang, edit.typed.as_deref().unwrap_or_default())),
    });
    RowView {
        is_new: new_id == Some(product.id.get()),
        edit,
        edit_label: lang.edit_label(&product.name),
        delete_label: lang.delete_label(&product.name),
        edit_link: format!("/?page={page}&edit={id}#row-{id}"),
        name: product.name.clone(),
        id,
    }
}

/// The panel "Catalog Detail".
#[derive(Debug)]
pub(crate) struct DetailView {
    pub(crate) version: String,
    pub(crate) vendors: String,
    pub(crate) answered_by: String,
    /// "Product 7:" and its name, where one is chosen.
    pub(crate) product: Option<(String, String)>,
}

impl DetailView {
    /// `report` says what the last 30 seconds of calls of a service met.
    pub(super) fn new(
        lang: Lang,
        details: &CatalogDetail,
        chosen: &Chosen,
        report: impl Fn(&str) -> Option<HopReport>,
    ) -> Self {
        let version = if details.version == "2" { Version::Two } else { Version::One };
        let service = version.segment_name();
        let took =
            report(service).filter(|report| report.calls > 0).map(|report| lang.ms(report.mean_ms));
        Self {
            version: details.version.clone(),
            vendors: details.vendors.join(", "),
            answered_by: lang.answered_by(service, took.as_deref()),
            product: chosen
                .product
                .as_ref()
                .map(|(id, name, _)| (lang.product(&id.to_string()), name.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn products(count: i64) -> Vec<Product> {
        let product =
            |id| Product { id: ProductId::try_from(id).unwrap(), name: format!("Thing {id}") };
        (1..=count).map(product).collect()
    }

    fn id(number: i64) -> ProductId {
        ProductId::try_from(number).unwrap()
    }

    #[test]
    fn the_list_has_pages_of_seven() {
        let view = ProductsView::new(Lang::En, &products(14), &Chosen::default(), None);
        assert_eq!((view.rows.len(), view.range.as_str()), (7, "1–7 of 14"));
        assert_eq!((view.previous, view.next), (None, Some(2)));
        assert_eq!(view.add_id, "15");
        let chosen = Chosen { page: Some(9), ..Chosen::default() };
        let view = ProductsView::new(Lang::Es, &products(14), &chosen, None);
        assert_eq!((view.rows.len(), view.range.as_str()), (7, "8–14 de 14"));
        assert_eq!((view.previous, view.next), (Some(1), None));
    }

    #[test]
    fn an_empty_list_is_a_page_too() {
        let view = ProductsView::new(Lang::En, &[], &Chosen::default(), None);
        assert_eq!(
            (view.rows.len(), view.range.as_str(), view.add_id.as_str()),
            (0, "0–0 of 0", "1")
        );
    }

    #[test]
    fn what_was_just_added_is_on_the_page_and_marked() {
        let chosen = Chosen { show: Some(id(13)), ..Chosen::default() };
        let view = ProductsView::new(Lang::En, &products(14), &chosen, Some(13));
        let new: Vec<&str> =
            view.rows.iter().filter(|row| row.is_new).map(|row| row.id.as_str()).collect();
        assert_eq!(new, ["13"]);
    }

    #[test]
    fn a_refused_change_keeps_what_was_typed_beside_the_reason() {
        let refused = Some(Refusal::Name(BadName::Empty));
        let edit = Edit { id: id(2), typed: Some("  ".to_owned()), refused };
        let chosen = Chosen { edit: Some(edit), ..Chosen::default() };
        let view = ProductsView::new(Lang::En, &products(3), &chosen, None);
        let open = view.rows[1].edit.as_ref().unwrap();
        assert_eq!((open.label.as_str(), open.value.as_str()), ("Name of product 2", "  "));
        assert_eq!(open.bad.as_deref(), Some("a name has at least one character"));
    }

    #[test]
    fn a_taken_id_is_named_beside_its_field() {
        let add = AddForm {
            id: " 14 ".to_owned(),
            name: "Desk lamp".to_owned(),
            id_refused: Some(Refusal::Taken),
            name_refused: None,
        };
        let chosen = Chosen { add: Some(add), show: Some(id(14)), ..Chosen::default() };
        let view = ProductsView::new(Lang::En, &products(14), &chosen, None);
        assert_eq!(view.add_id_bad.as_deref(), Some("14 is taken; edit it below"));
        assert_eq!(view.page, 2);
    }

    #[test]
    fn the_detail_names_who_answered() {
        let details = CatalogDetail {
            version: "2".to_owned(),
            vendors: vec!["ABC.com".to_owned(), "XYZ.com".to_owned()],
        };
        let report = |_: &str| Some(HopReport { calls: 3, mean_ms: 12.2, trouble: None });
        let view = DetailView::new(Lang::En, &details, &Chosen::default(), report);
        assert_eq!(view.vendors, "ABC.com, XYZ.com");
        assert_eq!(view.answered_by, "answered by Product-Detail-V2, 12 ms");
        let view = DetailView::new(Lang::Es, &details, &Chosen::default(), |_| None);
        assert_eq!(view.answered_by, "respondió Product-Detail-V2");
    }
}
