//! Unpacks bodies, up to the bound and not a byte further, whatever they say of themselves.
//!
//! In: bytes, and how they are packed. Out: the bytes within. Owns nothing.

use std::io::Read;

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::StreamingDecoder;

use super::body::{BodyError, MAX_BYTES};

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    /// With the header of zlib, as HTTP has it.
    Deflate,
    Zstd,
}

impl Coding {
    /// Those taken here, for the headers that say so.
    pub(super) const ACCEPTED: &str = "gzip,zstd,deflate,identity";

    /// By the header's value.
    pub(super) fn of(name: Option<&[u8]>) -> Result<Self, BodyError> {
        match name.map(<[u8]>::trim_ascii).unwrap_or_default() {
            b"" | b"identity" => Ok(Self::Identity),
            b"gzip" | b"x-gzip" => Ok(Self::Gzip),
            b"deflate" => Ok(Self::Deflate),
            b"zstd" => Ok(Self::Zstd),
            _ => Err(BodyError::UnknownEncoding),
        }
    }
}

/// Unpacks `packed`.
pub(super) fn unpack(packed: Vec<u8>, coding: Coding) -> Result<Vec<u8>, BodyError> {
    let packed = match coding {
        Coding::Identity => return Ok(packed),
        _ => packed.as_slice(),
    };
    match coding {
        Coding::Identity => Ok(packed.to_vec()),
        Coding::Gzip => read_bounded(MultiGzDecoder::new(packed)),
        Coding::Deflate => read_bounded(ZlibDecoder::new(packed)),
        Coding::Zstd => read_bounded(StreamingDecoder::new(packed).map_err(|_| BodyError::Broken)?),
    }
}

fn read_bounded(unpacked: impl Read) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    let bound = MAX_BYTES as u64 + 1;
    unpacked.take(bound).read_to_end(&mut bytes).map_err(|_| BodyError::Broken)?;
    if bytes.len() > MAX_BYTES { Err(BodyError::TooLarge) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    #[test]
    fn what_was_packed_comes_out() {
        let text = b"span ".repeat(1_000);
        assert_eq!(unpack(text.clone(), Coding::Identity), Ok(text.clone()));
        assert_eq!(unpack(gzip(&text), Coding::Gzip), Ok(text.clone()));
        assert_eq!(unpack(deflate(&text), Coding::Deflate), Ok(text.clone()));
        assert_eq!(unpack(zstd(&text), Coding::Zstd), Ok(text));
    }

    #[test]
    fn a_bomb_is_refused_at_the_bound() {
        let zeros = vec![0; MAX_BYTES + 1];
        let bombs = [
            (gzip(&zeros), Coding::Gzip),
            (deflate(&zeros), Coding::Deflate),
            (zstd(&zeros), Coding::Zstd),
        ];
        for (packed, coding) in bombs {
            assert!(packed.len() < 100_000, "{coding:?}");
            assert_eq!(unpack(packed, coding), Err(BodyError::TooLarge), "{coding:?}");
        }
        assert_eq!(unpack(gzip(&zeros[1..]), Coding::Gzip).map(|it| it.len()), Ok(8 << 20));
    }

    #[test]
    fn what_is_not_packed_so_is_refused() {
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Zstd] {
            assert_eq!(unpack(b"plain".to_vec(), coding), Err(BodyError::Broken), "{coding:?}");
        }
        let cut = gzip(&[7; 5_000])[..20].to_vec();
        assert_eq!(unpack(cut, Coding::Gzip), Err(BodyError::Broken));
        assert_eq!(Coding::of(Some(b"br")), Err(BodyError::UnknownEncoding));
        assert_eq!(Coding::of(None), Ok(Coding::Identity));
    }
}
