//! Compresses layers: gzip in blocks on all processors, zstd with the library's own threads. The same input gives the
//! same bytes on every machine, so that a layer compressed twice is one blob at the registry.
//!
//! A gzip file made here is one member. Each block is deflated on its own, with the last 32 KiB before it as dictionary,
//! and ends at a byte boundary (an empty stored block), so that the blocks can be put one behind the other.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use flate2::{Compress, Compression as Level, Crc, FlushCompress, Status};

use crate::error::{Context, Error, Result};
use crate::storage::unpack::digest::Hasher;

/// Bytes that are deflated as one.
const BLOCK: usize = 1 << 19;
/// How far back deflate looks.
const WINDOW: usize = 32 * 1024;
/// Magic, deflate, no flags, no time, no hints, unknown system: nothing that differs between two runs.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// How layers are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codec {
    pub format: Format,
    /// As zlib (0 to 9) and zstd (1 to 22) count.
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
    /// What is used when the user asks for nothing. Level 3 of this zlib makes layers 3 % larger than level 6 at nearly
    /// twice the speed; 3 is zstd's own default.
    pub fn default_for(format: Format) -> Self {
        Codec { format, level: 3 }
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

/// A block on its way through a worker.
#[derive(Default)]
struct Block {
    /// Up to [`WINDOW`] bytes before the block, and the block.
    bytes: Vec<u8>,
    /// How many of `bytes` are the dictionary.
    dictionary: usize,
    last: bool,
}

fn gzip(level: i32, input: &mut (dyn Read + Send), output: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<Consumed> {
    // Level 1 of this zlib (0.6.8) runs out of its own buffer when a state is used for several blocks; 2 is nearly as fast.
    let level = if level == 1 { 2 } else { level };
    let level = Level::new(level.clamp(0, 9).unsigned_abs());
    output(&GZIP_HEADER)?;
    std::thread::scope(|scope| {
        // Blocks go round the workers, so results are taken from them in the same order.
        let mut to = Vec::new();
        let mut from = Vec::new();
        for _ in 0..workers() {
            let (block_in, block_out) = sync_channel::<Block>(1);
            let (result_in, result_out) = sync_channel::<io::Result<Vec<u8>>>(1);
            scope.spawn(move || deflate_all(level, &block_out, &result_in));
            to.push(block_in);
            from.push(result_out);
        }
        let feeder = scope.spawn(move || feed(input, &to));
        let mut collect = || -> Result<()> {
            for result in from.iter().cycle() {
                let Ok(result) = result.recv() else { return Ok(()) };
                output(&result.context("compressing layer")?)?;
            }
            Ok(())
        };
        let collected = collect();
        // Workers that still have something to say find nobody and end, and so does what feeds them.
        drop(from);
        let fed = feeder.join().unwrap_or_else(|_| Err(Error::new("a thread of compressing panicked")));
        let (consumed, crc) = match (collected, fed) {
            (Ok(()), fed) => fed?,
            (Err(e), _) => return Err(e),
        };
        let mut trailer = crc.sum().to_le_bytes().to_vec();
        trailer.extend(crc.amount().to_le_bytes());
        output(&trailer)?;
        Ok(consumed)
    })
}

/// Cuts the input into blocks and deals them out. The last is marked, and may be empty.
fn feed(input: &mut (dyn Read + Send), to: &[SyncSender<Block>]) -> Result<(Consumed, Crc)> {
    let mut hasher = Hasher::default();
    let mut crc = Crc::new();
    let mut dictionary: Vec<u8> = Vec::new();
    for worker in to.iter().cycle() {
        let mut block = Block { bytes: Vec::with_capacity(WINDOW + BLOCK), dictionary: dictionary.len(), last: false };
        block.bytes.append(&mut dictionary);
        let length = (&mut *input).take(BLOCK as u64).read_to_end(&mut block.bytes).context("reading layer")?;
        let fresh = block.bytes.get(block.dictionary..).unwrap_or_default();
        hasher.update(fresh);
        crc.update(fresh);
        block.last = length < BLOCK;
        let last = block.last;
        dictionary.extend(block.bytes.get(block.bytes.len().saturating_sub(WINDOW)..).unwrap_or_default());
        if worker.send(block).is_err() {
            crate::bail!("compressing ended before its input");
        }
        if last {
            break;
        }
    }
    let size = hasher.bytes();
    Ok((Consumed { digest: hasher.finish(), size }, crc))
}

fn deflate_all(level: Level, from: &Receiver<Block>, to: &SyncSender<io::Result<Vec<u8>>>) {
    let mut state = Compress::new(level, false);
    for block in from {
        let result = deflate(&mut state, &block);
        let failed = result.is_err();
        if to.send(result).is_err() || failed {
            return;
        }
    }
}

fn deflate(state: &mut Compress, block: &Block) -> io::Result<Vec<u8>> {
    let (dictionary, fresh) = block.bytes.split_at(block.dictionary.min(block.bytes.len()));
    state.reset();
    if !dictionary.is_empty() {
        state.set_dictionary(dictionary).map_err(io::Error::other)?;
    }
    let flush = if block.last { FlushCompress::Finish } else { FlushCompress::Sync };
    let mut out = Vec::with_capacity(fresh.len() / 2 + 1024);
    loop {
        let done = usize::try_from(state.total_in()).unwrap_or(usize::MAX).min(fresh.len());
        let rest = fresh.get(done..).unwrap_or_default();
        let status = state.compress_vec(rest, &mut out, flush).map_err(io::Error::other)?;
        let complete = match flush {
            FlushCompress::Finish => status == Status::StreamEnd,
            // A flush is complete when it leaves space.
            _ => state.total_in() == fresh.len() as u64 && out.len() < out.capacity(),
        };
        if complete {
            return Ok(out);
        }
        out.reserve(BLOCK / 4);
    }
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
                Codec { format: Format::Gzip, level: 1 },
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
