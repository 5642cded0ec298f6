//! Whether what came from a resolver is the answer to what was asked, and what kind of answer. Only bytes are compared: an answer
//! goes on as it is, also with records that nobody here knows.

use super::question::HEADER;

/// What a message from a resolver is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not the answer: forged, late for another question, or rubbish. The right one may still come.
    NotIt,
    /// The answer, but for the case of its name.
    OtherCase,
    /// There is something.
    Found,
    /// There is no such name, or nothing of this kind.
    Nothing,
    /// It did not fit.
    Truncated,
    /// The resolver cannot or will not say.
    Failed,
}

const RESPONSE: u8 = 0x80;
const TRUNCATED: u8 = 0x02;
const OP_CODE: u8 = 0x78;
/// Response codes (RFC 1035, 4.1.1; RFC 2136).
const NO_ERROR: u8 = 0;
const NO_NAME: u8 = 3;
const FORMAT: u8 = 1;
const SERVER: u8 = 2;
const NOT_IMPLEMENTED: u8 = 4;
const REFUSED: u8 = 5;

/// Compares `reply` with the question `asked`, whose question section ends at `end`.
pub(super) fn judge(asked: &[u8], end: usize, reply: &[u8]) -> Verdict {
    let (Some(question), Some(header)) = (asked.get(HEADER..end), reply.first_chunk::<HEADER>()) else {
        return Verdict::NotIt;
    };
    let [id0, id1, flags, more, 0, questions, answers @ .., _, _, _, _] = *header else { return Verdict::NotIt };
    if asked.get(..2) != Some(&[id0, id1]) || flags & RESPONSE == 0 || flags & OP_CODE != 0 {
        return Verdict::NotIt;
    }
    let code = more & 0x0f;
    let failed = matches!(code, FORMAT | SERVER | NOT_IMPLEMENTED | REFUSED);
    match (questions, reply.get(HEADER..end)) {
        (1, Some(same)) if same == question => {}
        (1, Some(same)) if is_other_case(question, same) => return Verdict::OtherCase,
        // Servers that could not read it do not repeat it.
        (0, _) if failed => return Verdict::Failed,
        _ => return Verdict::NotIt,
    }
    if failed || code > NO_NAME {
        Verdict::Failed
    } else if flags & TRUNCATED != 0 {
        Verdict::Truncated
    } else if code == NO_ERROR && answers != [0, 0] {
        Verdict::Found
    } else {
        Verdict::Nothing
    }
}

/// Makes the answer to the question that was asked with `asked` one to `original`, the container's.
pub(super) fn restore(reply: &mut [u8], original: &[u8], end: usize) {
    if let (Some(to), Some(from)) = (reply.get_mut(..2), original.get(..2)) {
        to.copy_from_slice(from);
    }
    // An answer without a question section has something else in this place, or nothing.
    let repeats = reply.get(5) == Some(&1);
    if let (true, Some(to), Some(from)) = (repeats, reply.get_mut(HEADER..end), original.get(HEADER..end)) {
        to.copy_from_slice(from);
    }
}

/// Changes letters of the name in a question to upper or lower case, as `random` says, one bit for each byte.
pub(super) fn mix_case(message: &mut [u8], end: usize, random: &[u8]) {
    let Some(name) = message.get_mut(HEADER..end.saturating_sub(4)) else { return };
    // Lengths of labels are below 64 and no letters.
    for (index, byte) in name.iter_mut().enumerate() {
        let bit = random.get(index / 8).is_some_and(|bits| bits >> (index % 8) & 1 == 1);
        if byte.is_ascii_alphabetic() {
            *byte = if bit { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
        }
    }
}

fn is_other_case(asked: &[u8], got: &[u8]) -> bool {
    let name = asked.len().saturating_sub(4);
    asked.eq_ignore_ascii_case(got) && asked.get(name..) == got.get(name..)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asked() -> Vec<u8> {
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03wEb\x00\x00\x01\x00\x01".to_vec()
    }

    /// An answer with these flags and number of answers.
    fn reply(flags: [u8; 2], answers: u8) -> Vec<u8> {
        let mut bytes = asked();
        bytes[2..4].copy_from_slice(&flags);
        bytes[7] = answers;
        bytes
    }

    #[test]
    fn verdicts() {
        let end = asked().len();
        for (flags, answers, verdict) in [
            ([0x81, 0x80], 1, Verdict::Found),
            ([0x81, 0x80], 0, Verdict::Nothing),
            ([0x81, 0x83], 0, Verdict::Nothing),
            // The target of an alias does not exist.
            ([0x81, 0x83], 1, Verdict::Nothing),
            ([0x83, 0x80], 1, Verdict::Truncated),
            ([0x81, 0x82], 0, Verdict::Failed),
            ([0x83, 0x82], 0, Verdict::Failed),
            ([0x81, 0x85], 0, Verdict::Failed),
            ([0x81, 0x89], 0, Verdict::Failed),
            ([0x01, 0x80], 1, Verdict::NotIt),
            ([0xa9, 0x80], 1, Verdict::NotIt),
        ] {
            assert_eq!(judge(&asked(), end, &reply(flags, answers)), verdict, "{flags:x?}");
        }
    }

    #[test]
    fn what_is_not_the_answer() {
        let (asked, good) = (asked(), reply([0x81, 0x80], 1));
        let end = asked.len();
        let change = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            judge(&asked, end, &bytes)
        };
        assert_eq!(change(0, 0), Verdict::NotIt, "other ID");
        assert_eq!(change(5, 2), Verdict::NotIt, "two questions");
        assert_eq!(change(5, 0), Verdict::NotIt, "no question");
        assert_eq!(change(13, b'v'), Verdict::NotIt, "other name");
        assert_eq!(change(13, b'W'), Verdict::OtherCase);
        assert_eq!(change(end - 3, 28), Verdict::NotIt, "other type");
        assert_eq!(change(end - 1, 3), Verdict::NotIt, "other class");
        assert_eq!(judge(&asked, end, &good[..end - 1]), Verdict::NotIt);
        assert_eq!(judge(&asked, end, &[]), Verdict::NotIt);
        // A server that could not read the question.
        assert_eq!(judge(&asked, end, b"\x12\x34\x81\x81\x00\x00\x00\x00\x00\x00\x00\x00"), Verdict::Failed);
        assert_eq!(judge(&asked, end, b"\x12\x34\x81\x80\x00\x00\x00\x00\x00\x00\x00\x00"), Verdict::NotIt);
    }

    #[test]
    fn letters_of_a_type_are_no_letters() {
        let mut asked = asked();
        let end = asked.len();
        asked[end - 3] = b'A';
        let mut bytes = asked.clone();
        bytes[2] |= RESPONSE;
        assert_eq!(judge(&asked, end, &bytes), Verdict::Nothing);
        bytes[end - 3] = b'a';
        assert_eq!(judge(&asked, end, &bytes), Verdict::NotIt);
    }

    #[test]
    fn case_is_mixed_and_restored() {
        let original = asked();
        let end = original.len();
        let mut sent = original.clone();
        mix_case(&mut sent, end, &[0xff, 0xff]);
        assert_eq!(sent[HEADER..end - 4], *b"\x03WEB\x00");
        mix_case(&mut sent, end, &[]);
        assert_eq!(sent[HEADER..end - 4], *b"\x03web\x00");
        sent[..2].copy_from_slice(&[9, 9]);
        restore(&mut sent, &original, end);
        assert_eq!(sent, original);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(a in prop::collection::vec(any::<u8>(), 0..40), b in prop::collection::vec(any::<u8>(), 0..40), end in 0usize..60) {
            let _ = judge(&a, end, &b);
            let mut c = a.clone();
            restore(&mut c, &b, end);
            mix_case(&mut c, end, &b);
            prop_assert_eq!(c.len(), a.len());
        }
    }
}
