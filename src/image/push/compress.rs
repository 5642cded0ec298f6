//! Compresses layers: gzip in blocks on all processors, zstd with the library's own threads. The same input gives the
//! same bytes on every machine, so that a layer compressed twice is one blob at the registry.
//!
//! A gzip file made here has one member for each block. The members stand one behind the other, which is a gzip file too
//! (RFC 1952, 2.2), and one that could be inflated on all processors.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

use flate2::write::GzEncoder;
use libdeflater::{CompressionLvl, Compressor};

use crate::error::{Context, Error, Result};
use crate::storage::unpack::digest::Hasher;

/// Bytes of the archive that become one member. Larger ones would be smaller in sum by a hundredth at most.
const BLOCK: usize = 1 << 19;

/// How layers are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codec {
    pub format: Format,
    /// As zlib (0 to 9) and zstd (1 to 22) count; libdeflate makes less at the same level, in the same time or shorter.
    pub level: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Gzip,
    Zstd,
}

impl Format {
    /// The end of a layer's OCI media type.
    pub fn suffix(self) -> &'static str {
        match self {
            Format::Gzip => "+gzip",
            Format::Zstd => "+zstd",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Format::Gzip => "gzip",
            Format::Zstd => "zstd",
        }
    }
}

impl Codec {
    /// What is used when the user asks for nothing. Level 1 of libdeflate makes layers as small as level 2 or 3 of zlib,
    /// and 8 % larger than level 6 at half the time; 3 is zstd's own default.
    pub fn default_for(format: Format) -> Self {
        let level = match format {
            Format::Gzip => 1,
            Format::Zstd => 3,
        };
        Codec { format, level }
    }

    /// This format at a level that the user gave.
    pub fn new(format: Format, level: Option<i32>) -> Result<Self> {
        let range = match format {
            Format::Gzip => 0..=9,
            Format::Zstd => 1..=22,
        };
        match level {
            None => Ok(Self::default_for(format)),
            Some(level) if range.contains(&level) => Ok(Codec { format, level }),
            Some(level) => Err(Error::new(format!(
                "compression level {level} is not one of {}'s, which are {} to {}",
                format.name(),
                range.start(),
                range.end()
            ))),
        }
    }
}

/// What flowed into a compressor: the diff ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumed {
    /// Hexadecimal SHA-256.
    pub digest: String,
    pub size: u64,
}

/// Reads `input` to its end and hands what it becomes to `output`, in order.
pub fn compress(
    codec: Codec,
    input: &mut (dyn Read + Send),
    output: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<Consumed> {
    match codec.format {
        Format::Gzip => gzip(codec.level, input, output),
        Format::Zstd => zstd(codec.level, input, output),
    }
}

fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 8)
}

/// A block that goes round: filled, compressed, written out, filled again.
#[derive(Default)]
struct Block {
    /// What is to be compressed.
    plain: Vec<u8>,
    /// The member that has become of it.
    member: Vec<u8>,
}

fn gzip(level: i32, input: &mut (dyn Read + Send), output: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<Consumed> {
    std::thread::scope(|scope| {
        // Blocks go round the workers, so results are taken from them in the same order.
        let mut to = Vec::new();
        let mut from = Vec::new();
        for _ in 0..workers() {
            let (block_in, block_out) = sync_channel::<Block>(1);
            let (member_in, member_out) = sync_channel::<io::Result<Block>>(1);
            scope.spawn(move || deflate_all(level, &block_out, &member_in));
            to.push(block_in);
            from.push(member_out);
        }
        let (used, free) = channel::<Block>();
        let feeder = scope.spawn(move || feed(input, &to, &free));
        let mut collect = || -> Result<()> {
            for result in from.iter().cycle() {
                let Ok(result) = result.recv() else { return Ok(()) };
                let block = result.context("compressing layer")?;
                output(&block.member)?;
                // At the end nobody wants it.
                let _ = used.send(block);
            }
            Ok(())
        };
        let collected = collect();
        // Workers that still have something to say find nobody and end, and so does what feeds them.
        drop(from);
        let fed = feeder.join().unwrap_or_else(|_| Err(Error::new("a thread of compressing panicked")));
        collected.and(fed)
    })
}

/// Cuts the input into blocks and deals them out. Only a single block may be empty.
fn feed(input: &mut (dyn Read + Send), to: &[SyncSender<Block>], free: &Receiver<Block>) -> Result<Consumed> {
    let mut hasher = Hasher::default();
    for worker in to.iter().cycle() {
        let mut block = free.try_recv().unwrap_or_default();
        block.plain.resize(BLOCK, 0);
        let length = fill(input, &mut block.plain).context("reading layer")?;
        block.plain.truncate(length);
        hasher.update(&block.plain);
        let needless = length == 0 && hasher.bytes() > 0;
        if !needless && worker.send(block).is_err() {
            crate::bail!("compressing ended before its input");
        }
        if length < BLOCK {
            break;
        }
    }
    let size = hasher.bytes();
    Ok(Consumed { digest: hasher.finish(), size })
}

/// Reads until the buffer is full or the input ends.
fn fill(input: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(space) = buffer.get_mut(filled..).filter(|space| !space.is_empty()) {
        match input.read(space) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

fn deflate_all(level: i32, from: &Receiver<Block>, to: &SyncSender<io::Result<Block>>) {
    let mut compressor = CompressionLvl::new(level).ok().map(Compressor::new);
    for mut block in from {
        let result = match &mut compressor {
            Some(compressor) => deflate(compressor, &mut block),
            None => store(&mut block),
        };
        let failed = result.is_err();
        if to.send(result.map(|()| block)).is_err() || failed {
            return;
        }
    }
}

fn deflate(compressor: &mut Compressor, block: &mut Block) -> io::Result<()> {
    block.member.resize(compressor.gzip_compress_bound(block.plain.len()), 0);
    let length = compressor.gzip_compress(&block.plain, &mut block.member).map_err(io::Error::other)?;
    block.member.truncate(length);
    Ok(())
}

/// Level 0: nothing is compressed, it only is the format.
fn store(block: &mut Block) -> io::Result<()> {
    block.member.clear();
    let mut encoder = GzEncoder::new(&mut block.member, flate2::Compression::none());
    io::Write::write_all(&mut encoder, &block.plain)?;
    encoder.finish().map(drop)
}

fn zstd(level: i32, input: &mut (dyn Read + Send), output: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<Consumed> {
    let attempt = || -> Result<Consumed> {
        let mut sink = Sink { output, failure: None };
        let mut hasher = Hasher::default();
        let result = (|| -> io::Result<()> {
            let mut encoder = zstd::stream::write::Encoder::new(&mut sink, level)?;
            encoder.include_checksum(true)?;
            let mut buffer = vec![0; BLOCK];
            loop {
                let length = input.read(&mut buffer)?;
                let read = buffer.get(..length).unwrap_or_default();
                if read.is_empty() {
                    break;
                }
                hasher.update(read);
                io::Write::write_all(&mut encoder, read)?;
            }
            encoder.finish()?;
            Ok(())
        })();
        match sink.failure.take() {
            Some(failure) => return Err(failure),
            None => result.context("compressing layer")?,
        }
        let size = hasher.bytes();
        Ok(Consumed { digest: hasher.finish(), size })
    };
    let mut attempt = attempt;
    attempt()
}

/// Keeps the error of the output in full while the encoder passes on only that there was one.
struct Sink<'a> {
    output: &'a mut dyn FnMut(&[u8]) -> Result<()>,
    failure: Option<Error>,
}

impl io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match (self.output)(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(e) => {
                self.failure.get_or_insert(e);
                Err(io::ErrorKind::Other.into())
            }
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::unpack::compression::Compression;
    use crate::storage::unpack::digest::sha256;

    fn sample(length: usize) -> Vec<u8> {
        let mut state: u32 = 7;
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Runs and noise.
            let run = if state & 1 == 0 { 1 } else { (state >> 20) as usize % 300 };
            bytes.extend(std::iter::repeat_n((state >> 24) as u8, run));
        }
        bytes.truncate(length);
        bytes
    }

    fn round_trip(codec: Codec, input: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let consumed = compress(codec, &mut &*input, &mut |bytes| {
            out.extend(bytes);
            Ok(())
        })
        .unwrap();
        assert_eq!(consumed, Consumed { digest: sha256(input), size: input.len() as u64 });
        let mut back = Vec::new();
        let compression = Compression::detect(&out);
        compression.decoder(out.as_slice()).unwrap().read_to_end(&mut back).unwrap();
        assert!(back == input, "{codec:?} of {} bytes", input.len());
        out
    }

    #[test]
    fn what_goes_in_comes_out_again() {
        for length in [0, 1, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK, 5 * BLOCK + 17] {
            let input = sample(length);
            for codec in [
                Codec::default_for(Format::Gzip),
                Codec { format: Format::Gzip, level: 0 },
                Codec { format: Format::Gzip, level: 6 },
                Codec { format: Format::Gzip, level: 9 },
                Codec::default_for(Format::Zstd),
            ] {
                let once = round_trip(codec, &input);
                assert!(once == round_trip(codec, &input), "{codec:?} gives other bytes every time");
            }
        }
    }

    #[test]
    fn a_failing_output_or_input_ends_it() {
        struct Broken(usize);
        impl Read for Broken {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                if self.0 == 0 {
                    return Err(io::Error::other("gone"));
                }
                let length = into.len().min(self.0);
                self.0 -= length;
                Ok(length)
            }
        }
        for format in [Format::Gzip, Format::Zstd] {
            let codec = Codec::default_for(format);
            let error = compress(codec, &mut Broken(3 * BLOCK), &mut |_| Ok(())).unwrap_err();
            assert!(error.to_string().contains("gone"), "{error}");
            let input = sample(20 * BLOCK);
            let mut left = 2;
            let error = compress(codec, &mut input.as_slice(), &mut |_| {
                left -= 1;
                if left < 0 { Err(Error::new("disk full")) } else { Ok(()) }
            })
            .unwrap_err();
            assert_eq!(error.to_string(), "disk full");
        }
    }

    #[test]
    fn levels_are_checked() {
        assert!(Codec::new(Format::Gzip, Some(10)).is_err());
        assert!(Codec::new(Format::Zstd, Some(0)).is_err());
        assert_eq!(Codec::new(Format::Zstd, Some(22)).unwrap().level, 22);
    }
}
