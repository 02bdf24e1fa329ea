//! Turns a request in JSON into the same in protobuf.
//!
//! In: the text, which may be hostile. Out: the bytes of `ExportTraceServiceRequest`, or what is
//! wrong and where. Owns nothing. No tree is built: members become fields as they are read, so that
//! memory is that of the text. Depth is bounded by the JSON reader. Rule: OTLP specification, "JSON
//! Protobuf Encoding": ids in hex, 64-bit numbers as text or number, enums as numbers (names are
//! taken too), unknown members ignored.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::json_shape::{Form, Member, REQUEST, Shape};
use crate::otlp::Message;

/// Base64, padded or not. Rule: protobuf's JSON takes both.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// What stands for an id that is not hex: no id has one byte, so the span is rejected, alone.
const NO_ID: [u8; 1] = [0];

/// The request of `text`.
pub(super) fn to_protobuf(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let read = Object { shape: &REQUEST }.deserialize(&mut reader).and_then(|message| {
        reader.end()?;
        Ok(message.into_bytes())
    });
    read.map_err(|error| format!("the body is no trace request in JSON: {error}"))
}

/// Reads an object as a message.
#[derive(Clone, Copy)]
struct Object {
    shape: &'static Shape,
}

impl<'de> DeserializeSeed<'de> for Object {
    type Value = Message;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Message, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Object {
    type Value = Message;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.shape.members.iter().map(|member| member.name);
        write!(text, "an object of {}", names.collect::<Vec<_>>().join(", "))
    }

    fn visit_unit<E: Error>(self) -> Result<Message, E> {
        Ok(Message::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Message, A::Error> {
        let mut message = Message::default();
        while let Some(member) = map.next_key_seed(Name { shape: self.shape })? {
            match member {
                Some(member) => {
                    map.next_value_seed(Field { member, message: &mut message })?;
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(message)
    }
}

/// Reads a name as a member of a shape, `None` if it has none of that name.
struct Name {
    shape: &'static Shape,
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<&'static Member>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<&'static Member>;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.shape.members.iter().find(|member| member.name == name))
    }
}

/// Reads the value of a member into its message.
struct Field<'m> {
    member: &'static Member,
    message: &'m mut Message,
}

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.member.form {
            Form::One(shape) => {
                let message = deserializer.deserialize_any(Object { shape })?;
                self.message.message(self.member.number, &message);
                Ok(())
            }
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Field<'_> {
    type Value = ();

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.member.form {
            Form::Text => "a text",
            Form::Id => "an id in hex",
            Form::Bytes => "a text in base64",
            Form::Bool => "true or false",
            Form::Signed | Form::Unsigned | Form::Fixed64 | Form::Fixed32 => "a whole number",
            Form::Double => "a number",
            Form::Enum(..) => "the number of an enum, or its name",
            Form::One(_) => "an object",
            Form::Many(_) => "a list",
        };
        write!(text, "{what} for {}", self.member.name)
    }

    /// As if it were not there.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        match self.member.form {
            Form::Bool => self.message.set_varint(self.member.number, u64::from(value)),
            _ => return Err(E::invalid_type(serde::de::Unexpected::Bool(value), &self)),
        }
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        let number = self.member.number;
        let unexpected = serde::de::Unexpected::Unsigned(value);
        match self.member.form {
            Form::Signed if i64::try_from(value).is_err() => {
                return Err(E::invalid_value(unexpected, &self));
            }
            Form::Signed | Form::Unsigned | Form::Enum(..) => {
                self.message.set_varint(number, value)
            }
            Form::Fixed64 => self.message.set_fixed64(number, value),
            Form::Fixed32 => match u32::try_from(value) {
                Ok(value) => self.message.fixed32(number, value),
                Err(_) => return Err(E::invalid_value(unexpected, &self)),
            },
            Form::Double => self.message.set_fixed64(number, (value as f64).to_bits()),
            _ => return Err(E::invalid_type(unexpected, &self)),
        }
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        match self.member.form {
            Form::Signed => self.message.set_varint(self.member.number, value as u64),
            Form::Double => {
                self.message.set_fixed64(self.member.number, (value as f64).to_bits());
            }
            _ => return Err(E::invalid_value(serde::de::Unexpected::Signed(value), &self)),
        }
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        match self.member.form {
            Form::Double => self.message.set_fixed64(self.member.number, value.to_bits()),
            // `1e3` is a whole number too.
            Form::Signed if value.fract() == 0.0 && value.abs() < 9e15 => {
                self.message.set_varint(self.member.number, value as i64 as u64);
            }
            Form::Fixed64 if value.fract() == 0.0 && (0.0..1.8e19).contains(&value) => {
                self.message.set_fixed64(self.member.number, value as u64);
            }
            _ => return Err(E::invalid_value(serde::de::Unexpected::Float(value), &self)),
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let number = self.member.number;
        let unexpected = serde::de::Unexpected::Str("another text");
        match self.member.form {
            Form::Text => self.message.set_bytes(number, text.as_bytes()),
            Form::Id => self.message.bytes(number, &id(text)),
            Form::Bytes => match BASE64.decode(text) {
                Ok(bytes) => self.message.set_bytes(number, &bytes),
                Err(_) => return Err(E::invalid_value(unexpected, &self)),
            },
            Form::Enum(prefix, names) => {
                let name = text.strip_prefix(prefix);
                let place = name.and_then(|name| names.iter().position(|other| *other == name));
                match place.map(|place| place as u64).or_else(|| text.parse().ok()) {
                    Some(value) => self.message.set_varint(number, value),
                    None => return Err(E::invalid_value(unexpected, &self)),
                }
            }
            Form::Double => match text.parse::<f64>() {
                Ok(value) => self.message.set_fixed64(number, value.to_bits()),
                Err(_) => return Err(E::invalid_value(unexpected, &self)),
            },
            Form::Signed | Form::Unsigned | Form::Fixed64 | Form::Fixed32 => {
                if let Ok(value) = text.parse::<u64>() {
                    return self.visit_u64(value);
                }
                match text.parse::<i64>() {
                    Ok(value) => return self.visit_i64(value),
                    Err(_) => return Err(E::invalid_value(unexpected, &self)),
                }
            }
            Form::Bool | Form::One(_) | Form::Many(_) => {
                return Err(E::invalid_type(unexpected, &self));
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Form::Many(shape) = self.member.form else {
            return Err(A::Error::invalid_type(serde::de::Unexpected::Seq, &self));
        };
        while let Some(message) = list.next_element_seed(Object { shape })? {
            self.message.message(self.member.number, &message);
        }
        Ok(())
    }
}

fn id(digits: &str) -> Vec<u8> {
    hex(digits.as_bytes()).unwrap_or_else(|| NO_ID.to_vec())
}

fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let byte = |pair: &[u8]| Some((digit(pair.first()?)? << 4 | digit(pair.get(1)?)?) as u8);
    digits.chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::otlp::{Datagrams, Documents, split};

    /// The example of the specification, cut down.
    const EXAMPLE: &str = r#"{"resourceSpans":[{
        "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"my.service"}}]},
        "scopeSpans":[{"scope":{"name":"my.library","version":"1.0.0","attributes":[
            {"key":"my.scope.attribute","value":{"stringValue":"some scope attribute"}}]},
          "spans":[{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174",
            "parentSpanId":"EEE19B7EC3C1B173","name":"I'm a server span",
            "startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000,
            "kind":2,"unknown":{"a":[1,{"b":null}]},"status":null,
            "attributes":[{"key":"my.span.attr","value":{"stringValue":"some value"}},
                {"key":"int","value":{"intValue":"-7"}},
                {"key":"double","value":{"doubleValue":1.5}},
                {"key":"flag","value":{"boolValue":false}},
                {"key":"bytes","value":{"bytesValue":"aGk="}},
                {"key":"list","value":{"arrayValue":{"values":[{"intValue":1},{"stringValue":"b"}]}}},
                {"key":"map","value":{"kvlistValue":{"values":[
                    {"key":"in","value":{"intValue":2}}]}}}]
          }]}]}]}"#;

    fn document(text: &str) -> serde_json::Value {
        let request = Bytes::from(to_protobuf(text.as_bytes()).unwrap());
        let split = split(&request, None).unwrap();
        let made = Documents::of(&split.segments, Datagrams::Pass, &Default::default());
        serde_json::from_slice(made.documents[0].document()).unwrap()
    }

    #[test]
    fn the_example_of_the_specification_is_read() {
        let document = document(EXAMPLE);
        assert_eq!(document["name"], "my.service");
        assert_eq!(document["trace_id"], "1-5b8efff7-98038103d269b633813fc60c");
        assert_eq!(document["id"], "eee19b7ec3c1b174");
        assert_eq!(document["parent_id"], "eee19b7ec3c1b173");
        assert_eq!(document["start_time"], 1_544_712_660.0);
        assert_eq!(document["end_time"], 1_544_712_661.0);
        let metadata = &document["metadata"]["default"];
        assert_eq!(metadata["my.span.attr"], "some value");
        assert_eq!(metadata["int"], -7);
        assert_eq!(metadata["double"], 1.5);
        assert_eq!(metadata["flag"], false);
        assert_eq!(metadata["bytes"], "aGk=");
        assert_eq!(metadata["list"], serde_json::json!([1, "b"]));
        assert_eq!(metadata["map"], serde_json::json!({"in": 2}));
    }

    #[test]
    fn kinds_and_codes_are_numbers_or_names() {
        for (kind, code) in [("2", "2"), ("\"SPAN_KIND_SERVER\"", "\"STATUS_CODE_ERROR\"")] {
            let text = EXAMPLE.replace("\"kind\":2", &format!("\"kind\":{kind}"));
            let text = text.replace("\"status\":null", &format!("\"status\":{{\"code\":{code}}}"));
            let document = document(&text);
            assert_eq!(document["fault"], true, "{code}");
            assert_eq!(document.get("type"), None, "{kind}");
        }
    }

    #[test]
    fn an_id_that_is_not_hex_rejects_its_span_alone() {
        let broken = EXAMPLE.replace("EEE19B7EC3C1B173", "no hex");
        let request = Bytes::from(to_protobuf(broken.as_bytes()).unwrap());
        let split = split(&request, None).unwrap();
        assert_eq!((split.segments.len(), split.rejected), (0, 1));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, expected) in [
            (
                "[]",
                "invalid type: sequence, expected an object of resourceSpans at line 1 column 2",
            ),
            ("{\"resourceSpans\":7}", "expected a list for resourceSpans"),
            ("{\"resourceSpans\":[{\"schemaUrl\":7}]}", "expected a text for schemaUrl"),
            ("{} {}", "trailing characters at line 1 column 4"),
            ("{", "EOF while parsing an object at line 1 column 1"),
        ] {
            let error = to_protobuf(text.as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert_eq!(to_protobuf(b"{}"), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text: String) {
            drop(to_protobuf(text.as_bytes()));
        }

        #[test]
        fn the_example_with_anything_in_it_is_read_without_panic(
            place: prop::sample::Index, text in "[\\[\\]{}\",:0-9a-z]{0,4}",
        ) {
            let mut changed = EXAMPLE.as_bytes().to_vec();
            let place = place.index(changed.len());
            changed.splice(place..place, text.bytes());
            drop(to_protobuf(&changed));
        }
    }
}
