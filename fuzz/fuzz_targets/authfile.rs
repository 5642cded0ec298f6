//! Authentication files: what is read can be changed and read again, and no error shows what a file holds.
#![no_main]

use coracle::image::Credentials;
use coracle::image::registry::authfile::{AuthFile, Kept};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &str, bool)| {
    let (bytes, key, legacy) = input;
    let Ok(mut file) = AuthFile::parse(bytes, legacy) else { return };
    let _ = file.find(key);
    let _ = (file.helpers(), file.store_helper());
    if file.helper(key).is_none() && file.store_helper().is_none() && !key.is_empty() {
        let login = Credentials::new("user", "password");
        file.set(key, &login);
        let mut again = AuthFile::parse(file.to_text().as_bytes(), false).expect("what was written can be read");
        if !key.split('/').any(str::is_empty) {
            assert_eq!(again.find(key).expect("it is a login"), Some(Kept::Here(login)));
        }
        assert!(again.remove(key));
    }
});
