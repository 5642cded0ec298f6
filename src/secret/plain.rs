//! A value in the clear.

use std::fmt;
use std::io::Read;

use zeroize::Zeroizing;

use super::MAX_SIZE;
use crate::bail;
use crate::error::{Context, Result};

/// A value in the clear. It cannot be printed, and its memory is overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Plain(Zeroizing<Vec<u8>>);

impl Plain {
    pub fn new(bytes: Vec<u8>) -> Self {
        Plain(Zeroizing::new(bytes))
    }

    /// Reads a value; `what` is it called in the message of an error.
    ///
    /// # Errors
    /// It is empty or too large.
    pub fn read_from(mut from: impl Read, what: &str) -> Result<Self> {
        // Never more than there is room for: a vector that grows leaves copies behind.
        let mut bytes = Zeroizing::new(vec![0; MAX_SIZE]);
        let mut filled = 0;
        loop {
            let rest = bytes.get_mut(filled..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            match from.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error).with_context(|| format!("reading {what}")),
            }
        }
        bytes.truncate(filled);
        Plain(bytes).checked()
    }

    /// The same, if it has a size that a value may have.
    pub fn checked(self) -> Result<Self> {
        if self.0.is_empty() || self.0.len() >= MAX_SIZE {
            bail!("secret data must be larger than 0 and less than {MAX_SIZE} bytes");
        }
        Ok(self)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let read =
            |size: usize| Plain::read_from(std::io::repeat(b'x').take(size as u64), "it").map(|p| p.bytes().len());
        assert_eq!(read(1), Ok(1));
        assert_eq!(read(MAX_SIZE - 1), Ok(MAX_SIZE - 1));
        for wrong in [0, MAX_SIZE, MAX_SIZE + 5] {
            assert!(read(wrong).unwrap_err().to_string().contains("larger than 0 and less than 512000"), "{wrong}");
        }
        assert_eq!(format!("{:?}", Plain::new(b"hunter2".to_vec())), "Plain(..)");
    }
}
