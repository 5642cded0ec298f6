//! Recognises how a stream is compressed, by its first bytes and never by a name or media type.

use std::io::{self, BufRead, Read};

use crate::error::{Context, Error, Result};

/// How a stream is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
    Xz,
    Bzip2,
}

/// How many bytes [`Compression::detect`] wants to see.
pub const MAGIC: usize = 6;

impl Compression {
    /// What the first [`MAGIC`] bytes of a stream (or all, if there are fewer) say.
    pub fn detect(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            // A skippable frame, which zstd allows in front.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Compression::Bzip2,
            _ => Compression::None,
        }
    }

    /// A reader of what the compressed stream holds.
    pub fn decoder<'a>(self, input: impl BufRead + Send + 'a) -> Result<Box<dyn Read + Send + 'a>> {
        match self {
            Compression::None => Ok(Box::new(input)),
            Compression::Gzip => Ok(Box::new(Clearer { inner: flate2::bufread::MultiGzDecoder::new(input) })),
            Compression::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(input).context("starting zstd")?;
                Ok(Box::new(Clearer { inner: decoder }))
            }
            Compression::Xz => Err(unsupported("xz")),
            Compression::Bzip2 => Err(unsupported("bzip2")),
        }
    }
}

fn unsupported(name: &str) -> Error {
    Error::new(format!("{name} compression is not supported"))
        .hint("decompress it first, or compress it with gzip or zstd")
}

/// Makes the errors of the decoders say what is wrong with the data.
struct Clearer<R> {
    inner: R,
}

impl<R: Read> Read for Clearer<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.inner.read(into).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => {
                io::Error::new(io::ErrorKind::UnexpectedEof, "the compressed data is truncated")
            }
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                io::Error::new(io::ErrorKind::InvalidData, format!("the compressed data is corrupt: {e}"))
            }
            _ => e,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detects_by_magic() {
        let table: [(&[u8], Compression); 7] = [
            (b"", Compression::None),
            (b"\x1f", Compression::None),
            (b"\x1f\x8b\x08\0\0\0", Compression::Gzip),
            (b"\x28\xb5\x2f\xfd\0\0", Compression::Zstd),
            (b"\xfd7zXZ\0", Compression::Xz),
            (b"BZh91A", Compression::Bzip2),
            (b"etc/pa", Compression::None),
        ];
        for (head, expected) in table {
            assert_eq!(Compression::detect(head), expected, "{}", head.escape_ascii());
        }
    }
}
