#[test]
fn t() {
    std::fs::write(std::env::temp_dir().join("x"), "y").unwrap();
}
