//! What is sent, byte for byte, where it is easily wrong.

use super::*;

#[test]
fn names_of_interfaces_are_padded() {
    assert_eq!(&name("lo")[..4], b"lo\0\0");
    assert_eq!(name("a-name-of-more-than-fifteen")[15], 0);
}

#[test]
fn an_empty_batch_asks_nothing() {
    let table = Table::new(Family::Inet, "t");
    assert!(Batch::new(&table).is_empty());
    assert!(!Batch::new(&table).add_table().is_empty());
}
