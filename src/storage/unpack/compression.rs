//! Recognises how a stream is compressed, by its first bytes and never by a name or media type.

use std::io::{self, BufRead, Read};

use bzip2::bufread::MultiBzDecoder;
use lzma_rust2::XzReader;

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

/// KiB that a stream of xz may ask for: what `xz -9` needs, twice. The format allows 4 GiB.
const XZ_MEMORY: u32 = 128 << 10;

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
            Compression::Xz => Ok(Box::new(Clearer { inner: XzReader::new_mem_limit(input, true, XZ_MEMORY) })),
            Compression::Bzip2 => Ok(Box::new(Clearer { inner: MultiBzDecoder::new(input) })),
        }
    }

    /// Whether a layer may be compressed like this. There is no media type for others.
    ///
    /// # Errors
    /// It may not.
    pub fn check_layer(self) -> Result<()> {
        let name = match self {
            Compression::None | Compression::Gzip | Compression::Zstd => return Ok(()),
            Compression::Xz => "xz",
            Compression::Bzip2 => "bzip2",
        };
        Err(Error::new(format!("{name} compression is not supported in layers"))
            .hint("compress the layer with gzip or zstd, or not at all"))
    }
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

    #[test]
    fn what_other_tools_compress() {
        // printf coracle | xz -0; the same with bzip2.
        let xz: &[u8] = b"\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x0c\x00\x00\x00\x8f\x98\x41\x9c\x01\x00\x06\x63\x6f\x72\x61\x63\x6c\x65\x00\x00\xcf\xe3\x6c\x58\x21\x9d\x17\xa0\x00\x01\x1f\x07\x16\x2e\xb8\x73\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04\x59\x5a";
        let bzip2: &[u8] = b"\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\x7a\xbf\x08\xbf\x00\x00\x01\x01\x80\x2a\x04\x90\x00\x20\x00\x21\x80\x0c\x03\x29\x68\xdc\x5d\xc9\x14\xe1\x42\x41\xea\xfc\x22\xfc";
        let read = |bytes: &[u8]| {
            let mut text = String::new();
            Compression::detect(bytes).decoder(bytes).unwrap().read_to_string(&mut text).map(|_| text)
        };
        for whole in [xz, bzip2] {
            assert_eq!(read(whole).unwrap(), "coracle");
            // Several streams are one.
            assert_eq!(read(&[whole, whole].concat()).unwrap(), "coraclecoracle");
            for end in 6..whole.len() {
                assert!(read(&whole[..end]).is_err(), "{end}");
            }
            for at in 0..whole.len() {
                let mut damaged = whole.to_vec();
                damaged[at] ^= 0x10;
                // Whatever it says then, it ends.
                let _ = read(&damaged);
            }
        }
    }

    #[test]
    fn xz_cannot_ask_for_all_memory() {
        // A dictionary of 1.5 GiB: printf x | xz --lzma2=dict=1536MiB.
        let mut text = String::new();
        let asked = Compression::Xz.decoder(&b"\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x25\x00\x00\x00\x3b\x78\x7b\x41\x01\x00\x00\x78\x00\x00\x00\x00\x45\xae\xef\x83\xf8\xee\x16\x0a\x00\x01\x19\x01\xa5\x2c\x81\xcc\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04\x59\x5a"[..]).unwrap().read_to_string(&mut text);
        assert!(asked.unwrap_err().to_string().contains("memory"), "{text}");
    }
}
