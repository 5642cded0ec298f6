//! execve(2) with everything made ready before, so that nothing is allocated between fork and exec.

use std::ffi::{CStr, CString, c_char};
use std::io;
use std::marker::PhantomData;

/// A program with its arguments and environment.
#[derive(Debug)]
pub struct Program<'a> {
    path: &'a CStr,
    arguments: Vec<*const c_char>,
    environment: Vec<*const c_char>,
    /// What the pointers point to.
    strings: PhantomData<&'a [CString]>,
}

impl<'a> Program<'a> {
    /// Makes the arrays that the kernel wants.
    pub fn new(path: &'a CStr, arguments: &'a [CString], environment: &'a [CString]) -> Self {
        let pointers = |strings: &'a [CString]| {
            strings.iter().map(|s| s.as_ptr()).chain(std::iter::once(std::ptr::null())).collect()
        };
        Program { path, arguments: pointers(arguments), environment: pointers(environment), strings: PhantomData }
    }

    /// Executes it in place of this process; returns only the reason why that is not possible.
    pub fn execute(&self) -> io::Error {
        // SAFETY: the path and both arrays, which end in a null pointer, point to strings that `'a` keeps alive.
        unsafe { libc::execve(self.path.as_ptr(), self.arguments.as_ptr(), self.environment.as_ptr()) };
        io::Error::last_os_error()
    }
}
