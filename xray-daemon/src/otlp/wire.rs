//! Reads the wire format of protobuf.
//!
//! In: the bytes of a message, which may be hostile. Out: its fields, one after another, borrowed.
//! Owns nothing, allocates nothing. Rule: protobuf.dev, "Encoding". Groups, which nobody writes any
//! more, are refused.

/// Bytes that are no protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not a protobuf message; a trace request is ExportTraceServiceRequest")]
pub(crate) struct Malformed;

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// The fields of a message. Ends after what is malformed.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn field(&mut self) -> Option<(u64, Field<'a>)> {
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let len = usize::try_from(self.varint()?).ok()?;
                Field::Bytes(self.take(len)?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.take(4)?.try_into().ok()?)),
            _ => return None,
        };
        Some((tag >> 3, field))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    /// Number and value.
    type Item = Result<(u64, Field<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field().ok_or(Malformed);
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(message: &[u8]) -> Vec<Result<(u64, Field<'_>), Malformed>> {
        Fields::of(message).collect()
    }

    #[test]
    fn every_wire_type_is_read() {
        let message = [
            0x08, 0x96, 0x01, // 1: varint 150
            0x12, 0x02, b'h', b'i', // 2: "hi"
            0x19, 1, 0, 0, 0, 0, 0, 0, 0, // 3: fixed64 1
            0x85, 0x01, 7, 0, 0, 0, // 16: fixed32 7
        ];
        assert_eq!(
            fields(&message),
            [
                Ok((1, Field::Varint(150))),
                Ok((2, Field::Bytes(b"hi"))),
                Ok((3, Field::Fixed64(1))),
                Ok((16, Field::Fixed32(7))),
            ]
        );
    }

    #[test]
    fn what_is_cut_or_unknown_ends_the_message() {
        for message in [&[0x08][..], &[0x12, 5, b'x'], &[0x0b], &[0xff; 11], &[0x19, 1]] {
            assert_eq!(fields(message), [Err(Malformed)], "{message:?}");
        }
        assert_eq!(fields(&[0x08, 1, 0x08]), [Ok((1, Field::Varint(1))), Err(Malformed)]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(message: Vec<u8>) {
            let count = fields(&message).len();
            prop_assert!(count <= message.len());
        }
    }
}
