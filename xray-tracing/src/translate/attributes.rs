//! The attributes of one span while its document is being made: found by key, ticked off when said.
//!
//! In: the attributes. Out: values by [`Key`], and at the end the rest, in order. Owns the ticks. An
//! attribute is ticked off where the document says all of it elsewhere; whatever is left becomes an
//! annotation or metadata, so that nothing is lost.

use super::keys::Key;
use super::view::{Attribute, Value};

/// No attribute has this key.
const NONE: u16 = u16::MAX;

pub(super) struct Attributes<'s> {
    all: &'s [Attribute<'s>],
    /// For each known key the place of its attribute, the last if there are several.
    places: [u16; Key::COUNT],
    said: Vec<bool>,
}

impl<'s> Attributes<'s> {
    pub(super) fn new(all: &'s [Attribute<'s>]) -> Self {
        let mut places = [NONE; Key::COUNT];
        // Attributes beyond are kept, but have no place of their own: none has so many.
        for (place, attribute) in (0..NONE).zip(all) {
            if let Some(key) = Key::parse(&attribute.key) {
                places[key.place()] = place;
            }
        }
        Self { all, places, said: vec![false; all.len()] }
    }

    pub(super) fn get(&self, key: Key) -> Option<&'s Value<'s>> {
        self.all.get(usize::from(self.places[key.place()])).map(|attribute| &attribute.value)
    }

    pub(super) fn has(&self, key: Key) -> bool {
        self.places[key.place()] != NONE
    }

    pub(super) fn has_any(&self, keys: &[Key]) -> bool {
        keys.iter().any(|key| self.has(*key))
    }

    /// The text of an attribute, if it is one and not empty.
    pub(super) fn text(&self, key: Key) -> Option<&'s str> {
        self.get(key)?.as_text()
    }

    /// The first of `keys` that has a text.
    pub(super) fn first_text(&self, keys: &[Key]) -> Option<&'s str> {
        keys.iter().find_map(|key| self.text(*key))
    }

    /// The first of `keys` that has a whole number.
    pub(super) fn first_integer(&self, keys: &[Key]) -> Option<i64> {
        keys.iter().find_map(|key| self.get(*key)?.as_integer())
    }

    /// Ticks `key` off: the document says all of it.
    pub(super) fn tick(&mut self, key: Key) {
        let place = usize::from(self.places[key.place()]);
        if let Some(said) = self.said.get_mut(place) {
            *said = true;
        }
    }

    /// Ticks off those of `keys` that say the same as `text`.
    pub(super) fn tick_same(&mut self, keys: &[Key], text: &str) {
        for key in keys {
            if self.text(*key) == Some(text) {
                self.tick(*key);
            }
        }
    }

    /// The first of `keys` that has a text; it and those that say the same are ticked off.
    pub(super) fn take_text(&mut self, keys: &[Key]) -> Option<String> {
        let text = self.first_text(keys)?;
        self.tick_same(keys, text);
        Some(text.to_owned())
    }

    /// The same, cut to `max_chars`; what had to be cut is not ticked off.
    pub(super) fn take_text_of(&mut self, keys: &[Key], max_chars: usize) -> Option<String> {
        let text = self.first_text(keys)?;
        let cut = crate::document::cut_chars(text, max_chars);
        if cut.len() == text.len() {
            self.tick_same(keys, text);
        }
        Some(cut.to_owned())
    }

    /// Ticks off the attribute at `place`, as [`iter`](Self::iter) counts.
    pub(super) fn tick_at(&mut self, place: usize) {
        if let Some(said) = self.said.get_mut(place) {
            *said = true;
        }
    }

    pub(super) fn is_said(&self, place: usize) -> bool {
        self.said.get(place).copied().unwrap_or(false)
    }

    /// All attributes, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &'s Attribute<'s>)> + use<'s> {
        self.all.iter().enumerate()
    }

    /// Those that nobody ticked off, in order.
    pub(super) fn rest(&self) -> impl Iterator<Item = &'s Attribute<'s>> + '_ {
        self.all.iter().zip(&self.said).filter(|(_, said)| !**said).map(|(attribute, _)| attribute)
    }
}
