//! Writes the wire format of protobuf.
//!
//! In: fields, in any order. Out: the bytes of a message. Owns the buffer. Fields that have their
//! default value are left out, as proto3 does, unless a method says otherwise.

/// A message in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// The message, written.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// An integer, a bool or an enum, unless it is 0.
    pub(crate) fn varint(&mut self, number: u64, value: u64) {
        if value != 0 {
            self.set_varint(number, value);
        }
    }

    /// The same, 0 too: for a choice (`oneof`), where being there says something.
    pub(crate) fn set_varint(&mut self, number: u64, value: u64) {
        self.raw_varint(number << 3);
        self.raw_varint(value);
    }

    /// Eight bytes, unless they are 0.
    #[cfg(any(feature = "otlp-out", test))]
    pub(crate) fn fixed64(&mut self, number: u64, value: u64) {
        if value != 0 {
            self.set_fixed64(number, value);
        }
    }

    /// Eight bytes, 0 too.
    pub(crate) fn set_fixed64(&mut self, number: u64, value: u64) {
        self.raw_varint(number << 3 | 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Four bytes, unless they are 0.
    pub(crate) fn fixed32(&mut self, number: u64, value: u32) {
        if value != 0 {
            self.raw_varint(number << 3 | 5);
            self.bytes.extend_from_slice(&value.to_le_bytes());
        }
    }

    /// Bytes or a text, unless they are empty.
    pub(crate) fn bytes(&mut self, number: u64, value: &[u8]) {
        if !value.is_empty() {
            self.set_bytes(number, value);
        }
    }

    /// Bytes or a text, empty ones too.
    pub(crate) fn set_bytes(&mut self, number: u64, value: &[u8]) {
        self.raw_varint(number << 3 | 2);
        self.raw_varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    /// A message within, an empty one too.
    pub(crate) fn message(&mut self, number: u64, message: &Self) {
        self.set_bytes(number, &message.bytes);
    }

    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_as_protobuf_has_them() {
        let mut inner = Message::default();
        inner.bytes(1, b"hi");
        let mut message = Message::default();
        message.varint(1, 150);
        message.message(2, &inner);
        message.fixed64(3, 1);
        message.fixed32(16, 7);
        assert_eq!(
            message.into_bytes(),
            [
                &[0x08, 0x96, 0x01][..],
                &[0x12, 4, 0x0a, 2, b'h', b'i'],
                &[0x19, 1, 0, 0, 0, 0, 0, 0, 0],
                &[0x85, 0x01, 7, 0, 0, 0],
            ]
            .concat()
        );
    }

    #[test]
    fn defaults_are_left_out_where_they_say_nothing() {
        let mut message = Message::default();
        message.varint(1, 0);
        message.fixed64(2, 0);
        message.fixed32(3, 0);
        message.bytes(4, b"");
        assert_eq!(message, Message::default());
        message.set_varint(1, 0);
        message.set_bytes(4, b"");
        assert_eq!(message.into_bytes(), [0x08, 0, 0x22, 0]);
    }
}
