//! Texts with numbers and names in them.

use super::Lang;

impl Lang {
    fn pick(self, en: String, es: String) -> String {
        match self {
            Self::En => en,
            Self::Es => es,
        }
    }

    pub(crate) fn requests_per_min(self, count: u64) -> String {
        self.pick(format!("{count} requests/min"), format!("{count} peticiones/min"))
    }

    pub(crate) fn share_of_traffic(self, percent: u8) -> String {
        let percent = self.percent(percent.into());
        self.pick(format!("{percent} of traffic"), format!("{percent} del tráfico"))
    }

    pub(crate) fn rows(self, count: u64) -> String {
        match (self, count) {
            (Self::En, 1) => "1 row".to_owned(),
            (Self::En, _) => format!("{count} rows"),
            (Self::Es, 1) => "1 fila".to_owned(),
            (Self::Es, _) => format!("{count} filas"),
        }
    }

    pub(crate) fn products_count(self, count: usize) -> String {
        match (self, count) {
            (Self::En, 1) => "1 product".to_owned(),
            (Self::En, _) => format!("{count} products"),
            (Self::Es, 1) => "1 producto".to_owned(),
            (Self::Es, _) => format!("{count} productos"),
        }
    }

    /// How a hop fares, for a screen reader: `Frontend to Product-Catalog: 43 ms, fine`.
    pub(crate) fn hop_aloud(self, from: &str, to: &str, state: &str) -> String {
        self.pick(format!("{from} to {to}: {state}"), format!("de {from} a {to}: {state}"))
    }

    pub(crate) fn fine(self, took: &str) -> String {
        self.pick(format!("{took}, fine"), format!("{took}, bien"))
    }

    pub(crate) fn failing_with(self, what: &str) -> String {
        self.pick(format!("failing with {what}"), format!("falla con {what}"))
    }

    pub(crate) fn taken(self, id: &str) -> String {
        self.pick(
            format!("{id} is taken; edit it below"),
            format!("el {id} ya existe; edítalo abajo"),
        )
    }

    pub(crate) fn range_of(self, first: usize, last: usize, total: usize) -> String {
        self.pick(format!("{first}–{last} of {total}"), format!("{first}–{last} de {total}"))
    }

    pub(crate) fn edit_label(self, name: &str) -> String {
        self.pick(format!("Edit {name}"), format!("Editar {name}"))
    }

    pub(crate) fn delete_label(self, name: &str) -> String {
        self.pick(format!("Delete {name}"), format!("Borrar {name}"))
    }

    pub(crate) fn name_of(self, id: &str) -> String {
        self.pick(format!("Name of product {id}"), format!("Nombre del producto {id}"))
    }

    pub(crate) fn product(self, id: &str) -> String {
        self.pick(format!("Product {id}:"), format!("Producto {id}:"))
    }

    pub(crate) fn answered_by(self, service: &str, took: Option<&str>) -> String {
        let took = took.map_or_else(String::new, |took| format!(", {took}"));
        self.pick(format!("answered by {service}{took}"), format!("respondió {service}{took}"))
    }

    pub(crate) fn out_of(self, total: usize) -> String {
        self.pick(format!("of {total}"), format!("de {total}"))
    }

    pub(crate) fn failed_count(self, count: usize) -> String {
        self.pick(format!("{count} failed"), format!("{count} con fallo"))
    }

    pub(crate) fn not_sampled(self, rule: &str) -> String {
        self.pick(
            format!("not recorded, by sampling rule {rule}"),
            format!("no registrada, por la regla de muestreo {rule}"),
        )
    }

    pub(crate) fn not_sampled_upstream(self) -> String {
        self.pick(
            "not recorded, as the caller decided".to_owned(),
            "no registrada, por decisión de quien llama".to_owned(),
        )
    }

    pub(crate) fn failed_after(self, request: &str, took: &str) -> String {
        self.pick(format!("{request} failed after {took}"), format!("{request} falló tras {took}"))
    }

    pub(crate) fn on_since(self, scenario: &str) -> String {
        self.pick(
            format!("“{scenario}” is on since"),
            format!("«{scenario}» está activo desde las"),
        )
    }

    pub(crate) fn tries_each(self, tries: usize, took: &str) -> String {
        match tries {
            0 | 1 => took.to_owned(),
            _ => self
                .pick(format!("{tries} tries, {took} each"), format!("{tries} intentos de {took}")),
        }
    }

    pub(crate) fn steps_done(self, done: usize, total: usize) -> String {
        self.pick(format!("{done} of {total} done"), format!("{done} de {total} hechos"))
    }
}
