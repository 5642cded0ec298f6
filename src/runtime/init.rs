//! temporary
use std::ffi::CString;
pub fn run(_p: &CString, _a: &[CString], _e: &[CString]) -> ! {
    crate::sys::process::exit_now(1)
}
