//! The compact bytes in which the store keeps summaries and numbers.
//!
//! In: numbers, texts, lists. Out: bytes, and the same again. Owns nothing. Numbers are LEB128,
//! texts and lists begin with their length; what is damaged reads as none, never as a panic or a
//! huge allocation.

/// Appends to bytes.
#[derive(Debug)]
pub(in crate::backend::local) struct Writer<'a> {
    bytes: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    pub(in crate::backend::local) fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self { bytes }
    }

    pub(in crate::backend::local) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    /// A number that may be negative: small ones of either sign take few bytes.
    pub(in crate::backend::local) fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)) as u64);
    }

    pub(in crate::backend::local) fn float(&mut self, float: f64) {
        self.bytes.extend_from_slice(&float.to_bits().to_le_bytes());
    }

    pub(in crate::backend::local) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Bytes of another form, their length before them.
    pub(in crate::backend::local) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    pub(in crate::backend::local) fn option<T>(
        &mut self,
        value: Option<T>,
        write: impl FnOnce(&mut Self, T),
    ) {
        self.number(u64::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(in crate::backend::local) fn list<T>(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.number(items.len() as u64);
        for item in items {
            write(self, item);
        }
    }
}

/// Reads what a [`Writer`] wrote.
#[derive(Debug)]
pub(in crate::backend::local) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(in crate::backend::local) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Whether all was read.
    pub(in crate::backend::local) fn is_done(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(in crate::backend::local) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(in crate::backend::local) fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    pub(in crate::backend::local) fn float(&mut self) -> Option<f64> {
        let (bits, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(f64::from_bits(u64::from_le_bytes(*bits)))
    }

    pub(in crate::backend::local) fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    /// What [`Writer::bytes`] wrote.
    pub(in crate::backend::local) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(bytes)
    }

    pub(in crate::backend::local) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.number()? {
            0 => Some(None),
            1 => read(self).map(Some),
            _ => None,
        }
    }

    pub(in crate::backend::local) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let length = self.number()?;
        // Each item takes a byte at least: a longer list is damage.
        if length > self.bytes.len() as u64 {
            return None;
        }
        (0..length).map(|_| read(self)).collect()
    }
}
