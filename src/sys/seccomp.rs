//! Installing a seccomp filter.

use std::io;

/// Puts `program` in front of the calling thread's filters. Irrevocable.
///
/// `flags` are `SECCOMP_FILTER_FLAG_*` of seccomp(2). Allocates nothing, so it may be called between fork and exec.
///
/// # Errors
/// `EACCES` where the thread has neither `no_new_privs` nor `CAP_SYS_ADMIN` in its user namespace; `EINVAL` where the
/// program is not valid or is longer than 4096 instructions.
pub fn install(program: &[libc::sock_filter], flags: u32) -> io::Result<()> {
    let length = u16::try_from(program.len()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    // SAFETY: `program` points at `len` instructions that outlive the call, and the kernel only reads them.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// A system call by number, for tests of filters: its result, or its error number below zero.
#[cfg(test)]
pub(crate) fn call(number: i64, args: [u64; 3]) -> i64 {
    // SAFETY: the tests pass calls that take no pointers, or null ones.
    let result = unsafe { libc::syscall(number, args[0], args[1], args[2]) };
    if result == -1 { -i64::from(io::Error::last_os_error().raw_os_error().unwrap_or(0)) } else { result }
}
